//! Code as gcc and clang write it, by hand: calls go through slots, as with `-fno-plt`.

use super::*;

const START: u64 = 0x1000;
const SLOTS: u64 = 0x9000;
const FUNCTIONS: [Function; 6] = [
    (Role::Sets, Register::DI),
    (Role::SetsIndirectly, Register::DI),
    (Role::Adds, Register::SI),
    (Role::Waits, Register::DI),
    (Role::Sends, Register::SI),
    (Role::Raises, Register::DI),
];

/// Code that grows.
#[derive(Default)]
struct Made(Vec<u8>);

impl Made {
    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// An instruction that ends with the distance to `target`.
    fn far(self, opcode: &[u8], target: u64) -> Self {
        let end = START + (self.0.len() + opcode.len() + 4) as u64;
        let distance = (target as i64 - end as i64) as i32;
        self.raw(opcode).raw(&distance.to_le_bytes())
    }

    /// Calls a function of the list.
    fn call(self, function: Role) -> Self {
        let at = FUNCTIONS.iter().position(|(role, _)| *role == function).unwrap();
        self.far(b"\xff\x15", SLOTS + 8 * at as u64)
    }

    /// `mov edi, number`, or another register.
    fn number(self, register: Register, number: u32) -> Self {
        self.raw(&[0xb8 + register.0]).raw(&number.to_le_bytes())
    }

    fn told(self, signal: u8) -> Told {
        self.code().told(signal)
    }

    fn from(self, entry: u64) -> Code {
        self.search().from(entry).run()
    }

    fn code(self) -> Code {
        self.search().run()
    }

    fn search(&self) -> Search<'_> {
        let slots = FUNCTIONS.iter().enumerate().map(|(at, function)| (SLOTS + 8 * at as u64, *function));
        let functions = Functions { slots: slots.collect(), ..Functions::default() };
        Search::new(Text { address: START, bytes: &self.0 }, functions)
    }
}

/// `main`, which begins with `ret` and padding, so that nothing before belongs to it.
fn made() -> Made {
    Made::default().raw(b"\xc3\xcc")
}

#[test]
fn a_number_right_before_the_call() {
    let code = |number| made().number(Register::SI, 0x40).number(Register::DI, number).call(Role::Sets);
    assert_eq!(code(15).told(15), Told::Handles);
    assert_eq!(code(15).told(2), Told::Nothing);
    assert_eq!(code(13).told(15), Told::Nothing);
    assert_eq!(made().raw(b"\x6a\x0f\x5f").call(Role::Sets).told(15), Told::Handles, "push 15; pop rdi");
    assert_eq!(made().raw(b"\x41\xbf\x0f\0\0\0").call(Role::Sets).told(15), Told::Unclear, "mov r15d, 15");
    assert_eq!(
        made().number(Register::DI, 15).raw(b"\x89\xdf").call(Role::Sets).told(15),
        Told::Unclear,
        "mov edi, ebx"
    );
    assert_eq!(made().told(15), Told::Nothing);
    assert!(code(13).code().is_understood() && !made().code().is_understood());
}

#[test]
fn what_is_set_is_a_handler() {
    for (number, told) in [(0, Told::Discards), (1, Told::Ignores), (0x1234_5678, Told::Handles)] {
        assert_eq!(made().number(Register::SI, number).number(Register::DI, 15).call(Role::Sets).told(15), told);
    }
    let zeroed = made().raw(b"\x31\xf6").number(Register::DI, 15).call(Role::Sets);
    assert_eq!(zeroed.told(15), Told::Discards, "xor esi, esi");
    let ignored = made().raw(b"\x48\xc7\x04\x24\x01\0\0\0").number(Register::DI, 15).call(Role::SetsIndirectly);
    assert_eq!(ignored.told(15), Told::Ignores, "mov qword [rsp], SIG_IGN");
    let pointed = |at: u64| made().far(b"\x48\x8d\x35", at).number(Register::DI, 15).call(Role::Sets);
    assert_eq!(pointed(START).told(15), Told::Returns, "a handler that only returns");
    assert_eq!(pointed(START + 2).told(15), Told::Handles);
}

#[test]
fn a_handler_that_lets_the_signal_through() {
    // handler: xor esi, esi; call signal; mov edi, ebx; call raise; ret
    let handler = made().raw(b"\x31\xf6\x89\xdf").call(Role::Sets).raw(b"\x89\xdf").call(Role::Raises).raw(b"\xc3\xcc");
    let code = handler.far(b"\x48\x8d\x35", START + 2).number(Register::DI, 15).call(Role::Sets).code();
    assert_eq!(code.told(15), Told::Resends, "signal(number, SIG_DFL); raise(number)");
    let named = made().raw(b"\x31\xf6").number(Register::DI, 15).call(Role::Sets).call(Role::Raises).raw(b"\xc3\xcc");
    let code = named.far(b"\x48\x8d\x35", START + 2).number(Register::DI, 15).call(Role::Sets).code();
    assert_eq!(code.told(15), Told::Resends);
}

#[test]
fn a_handler_that_only_sends_a_signal() {
    // handler: mov edi, 9; call raise; ret
    let handler = made().number(Register::DI, 9).call(Role::Raises).raw(b"\xc3\xcc");
    let code = handler.far(b"\x48\x8d\x35", START + 2).number(Register::DI, 15).call(Role::Sets).code();
    assert_eq!(code.told(15), Told::Unclear);
}

#[test]
fn a_handler_for_a_while() {
    let code = |old: &[u8]| made().raw(old).number(Register::DI, 15).call(Role::SetsIndirectly);
    assert_eq!(code(b"\x31\xd2").told(15), Told::Handles, "xor edx, edx");
    assert_eq!(code(b"\x48\x8d\x54\x24\x40").told(15), Told::Unclear, "lea rdx, [rsp + 64]");
}

#[test]
fn code_that_is_not_reached() {
    // main at the entry calls one function; another one follows that nothing calls.
    let (main, called, other) = (START, START + 16, START + 32);
    let set = |made: Made| made.number(Register::DI, 15).call(Role::Sets).raw(b"\xc3");
    let padded = |made: Made, to: u64| {
        let missing = (to - START) as usize - made.0.len();
        made.raw(&vec![0xcc; missing])
    };
    let functions = |target: u64| {
        let head = padded(Made::default().far(b"\xe8", target).raw(b"\xc3"), called);
        let first = padded(head.raw(b"\xc3"), other);
        // so that both are known to be functions
        set(first).far(b"\x48\x8d\x05", called).far(b"\x48\x8d\x05", other)
    };
    assert_eq!(functions(other).from(main).told(15), Told::Handles);
    assert_eq!(functions(called).from(main).told(15), Told::Unclear);
}

#[test]
fn a_function_that_passes_the_number_on() {
    // set: mov edi, ebx; call sigaction; ret
    let set = |made: Made| made.raw(b"\x89\xdf").call(Role::SetsIndirectly).raw(b"\xc3\xcc");
    let callers = |numbers: &[u32]| {
        let call = |made: Made, number: &u32| made.number(Register::DI, *number).far(b"\xe8", START + 2);
        numbers.iter().fold(set(made()), call)
    };
    assert_eq!(callers(&[2, 15]).told(15), Told::Handles);
    assert_eq!(callers(&[2, 13]).told(15), Told::Nothing);
    assert_eq!(callers(&[]).told(15), Told::Unclear);
    let open = callers(&[2]).raw(b"\x89\xdf").far(b"\xe8", START + 2);
    assert_eq!(open.told(15), Told::Unclear, "one of the callers does not name it");
    let pointed = callers(&[2]).far(b"\x48\x8d\x05", START + 2);
    assert_eq!(pointed.told(15), Told::Unclear, "it can be called by its address");
}

#[test]
fn a_signal_that_is_waited_for() {
    let added = || made().number(Register::SI, 15).call(Role::Adds);
    assert_eq!(added().call(Role::Waits).told(15), Told::Waits);
    assert_eq!(added().told(15), Told::Nothing);
    assert_eq!(made().call(Role::Waits).told(15), Told::Unclear);
}

#[test]
fn functions_whose_address_is_loaded_may_be_called_with_anything() {
    assert_eq!(made().far(b"\x48\x8b\x05", SLOTS).told(15), Told::Unclear);
    assert_eq!(made().far(b"\x48\x8b\x05", SLOTS + 16).told(15), Told::Nothing);
}

#[test]
fn numbers_that_some_function_is_called_with() {
    let code = made().number(Register::DI, 15).far(b"\xe8", START).code();
    assert!(code.passes(15) && !code.passes(2));
    assert!(!made().code().passes(15));
}

#[test]
fn what_is_no_program_tells_nothing() {
    for bytes in [b"".as_slice(), b"\x7fELF", &[0x7f; 4096], b"\x7fELF\x02\x01\x01"] {
        assert!(Code::read(bytes).is_none());
    }
}
