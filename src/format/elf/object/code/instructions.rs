//! As much of x86-64's instructions as is needed to find what a function is called with: compilers load an argument
//! shortly before the call (Intel's manual, volume 2, *Instruction Format*; psABI for x86-64, *Parameter Passing*).

use bstr::ByteSlice;

/// A register's number in instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register(pub u8);

impl Register {
    /// First argument.
    pub const DI: Register = Register(7);
    /// Second.
    pub const SI: Register = Register(6);
    /// Third.
    pub const DX: Register = Register(2);
}

/// How far before a call its arguments are looked for.
const REACH: usize = 64;
/// The same of what is stored in a structure.
const STRUCTURE: usize = 192;

/// What counts as shortly before a call.
const SHORT: usize = 32;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, or an address in a program with fixed ones.
    Constant(u32),
    /// An address relative to the instruction.
    Address(u64),
    /// The address of something in memory, as on the stack.
    Place,
    /// Something that the code does not tell here.
    Unknown,
}

/// Code, and the virtual address that it lies at.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    pub address: u64,
    pub bytes: &'a [u8],
}

impl<'a> Text<'a> {
    /// Whether an address lies in it.
    pub fn has(&self, address: u64) -> bool {
        address.checked_sub(self.address).is_some_and(|at| at < self.bytes.len() as u64)
    }

    /// The code from an address on.
    pub fn from(&self, address: u64) -> &'a [u8] {
        let at = address.checked_sub(self.address).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.bytes.get(at..)).unwrap_or_default()
    }

    /// Places of an instruction that ends with a 32-bit distance, and what they refer to.
    pub fn references(&self, opcode: &'static [u8]) -> impl Iterator<Item = (u64, u64)> {
        self.bytes
            .find_iter(opcode)
            .filter_map(move |at| Some((self.address + at as u64, self.target(at, opcode.len())?)))
    }

    /// Places where a 64-bit register is loaded by `opcode` with an operand at a distance: `lea`, 0x8d, or `mov`, 0x8b.
    pub fn addresses(&self, opcode: &'static [u8]) -> impl Iterator<Item = (u64, u64)> {
        self.bytes.find_iter(opcode).filter_map(move |at| {
            let prefix = self.bytes.get(at.checked_sub(1)?)?;
            let modrm = self.bytes.get(at + 1)?;
            let is_far = matches!(prefix, 0x48 | 0x4c) && modrm & 0xc7 == 0x05;
            Some((self.address + at as u64, self.target(at, 2).filter(|_| is_far)?))
        })
    }

    /// Conditional jumps with a 32-bit distance, to parts of a function that lie apart.
    pub fn branches(&self) -> impl Iterator<Item = (u64, u64)> {
        let jumps = self.bytes.find_iter(&[0x0f]).filter(|at| matches!(self.bytes.get(at + 1), Some(0x80..=0x8f)));
        jumps.filter_map(|at| {
            let to = self.target(at, 2).filter(|to| self.has(*to))?;
            Some((self.address + at as u64, to))
        })
    }

    /// The address of `main` that the code at the entry point of a program without address randomisation hands on; in
    /// others it is an address like any.
    pub fn main(&self, entry: u64) -> Option<u64> {
        const ENTRY: usize = 64;
        let code = self.from(entry);
        let code = code.get(..ENTRY).unwrap_or(code);
        let address = code.get(code.find(b"\x48\xc7\xc7")? + 3..)?.first_chunk()?;
        Some(u64::from(u32::from_le_bytes(*address))).filter(|main| self.has(*main))
    }

    /// What a 32-bit distance refers to, behind the opcode of `len` bytes at `at`.
    fn target(&self, at: usize, len: usize) -> Option<u64> {
        let end = at + len + 4;
        let distance = i32::from_le_bytes(self.bytes.get(at + len..end)?.try_into().ok()?);
        Some(self.address.wrapping_add(end as u64).wrapping_add_signed(distance.into()))
    }

    /// What is in a register when the instruction at `address` calls: what the last instruction that loads it loads.
    pub fn argument(&self, address: u64, register: Register) -> Value {
        let Some(call) = address.checked_sub(self.address).and_then(|at| usize::try_from(at).ok()) else {
            return Value::Unknown;
        };
        for at in (call.saturating_sub(REACH)..call).rev() {
            let is_call = self.bytes.get(at) == Some(&0xe8) && self.target(at, 1).is_some_and(|to| self.has(to));
            if is_call && at + 5 <= call {
                return Value::Unknown; // which may have changed it
            }
            if let Some(value) = self.load(at, call, register) {
                return value;
            }
        }
        Value::Unknown
    }

    /// What the instruction at `at` loads, if that is a load of the register and is complete before `end`.
    fn load(&self, at: usize, end: usize, Register(register): Register) -> Option<Value> {
        let code = self.bytes.get(at..end)?;
        let rex = at.checked_sub(1).and_then(|at| self.bytes.get(at)).copied().filter(|byte| byte & 0xf0 == 0x40);
        let (far, far_source) = (rex.is_some_and(|rex| rex & 4 != 0), rex.is_some_and(|rex| rex & 1 != 0));
        let reg = |modrm: u8| modrm >> 3 & 7 == register && !far;
        match *code {
            // mov r32, imm32
            [op, a, b, c, d, ..] if op == 0xb8 + register && !far_source => {
                Some(Value::Constant(u32::from_le_bytes([a, b, c, d])))
            }
            // push imm8; pop r64
            [0x6a, number, pop, ..] if pop == 0x58 + register => Some(Value::Constant(number.into())),
            // xor r32, r32
            [0x31 | 0x33, modrm, ..] if modrm == (0xc0 | register << 3 | register) && !far => Some(Value::Constant(0)),
            // lea r64, [rip + distance]
            [0x8d, modrm, _, _, _, _, ..] if modrm == (0x05 | register << 3) && !far => {
                self.target(at, 2).map(Value::Address)
            }
            // mov r64, imm32
            [0xc7, modrm, a, b, c, d, ..] if modrm == (0xc0 | register) && !far_source => {
                Some(Value::Constant(u32::from_le_bytes([a, b, c, d])))
            }
            // lea r64, m
            [0x8d, modrm, ..] if reg(modrm) => Some(Value::Place),
            // mov r, r; mov r, m; movsxd; movzx and movsx
            [0x89, modrm, ..] if modrm & 0xc7 == 0xc0 | register && !far_source => Some(Value::Unknown),
            [0x8b | 0x63, modrm, ..] if reg(modrm) => Some(Value::Unknown),
            [0x0f, 0xb6 | 0xb7 | 0xbe | 0xbf, modrm, ..] if reg(modrm) => Some(Value::Unknown),
            _ => None,
        }
    }

    /// The last pointer to code, or SIG_IGN, that is stored before the call at `address`.
    pub fn stored(&self, address: u64) -> Value {
        let Some(call) = address.checked_sub(self.address).and_then(|at| usize::try_from(at).ok()) else {
            return Value::Unknown;
        };
        let stores = (call.saturating_sub(STRUCTURE)..call).rev();
        stores.into_iter().find_map(|at| self.store(at, call)).unwrap_or(Value::Unknown)
    }

    fn store(&self, at: usize, end: usize) -> Option<Value> {
        match *self.bytes.get(at..end)? {
            // lea r64, [rip + distance]
            [0x48 | 0x4c, 0x8d, modrm, _, _, _, _, ..] if modrm & 0xc7 == 0x05 => {
                self.target(at, 3).filter(|to| self.has(*to)).map(Value::Address)
            }
            // mov qword [rsp], 1; [rsp + d8]; [rbp + d8]; [rsp + d32]
            [0x48, 0xc7, 0x04, 0x24, 1, 0, 0, 0, ..]
            | [0x48, 0xc7, 0x44, 0x24, _, 1, 0, 0, 0, ..]
            | [0x48, 0xc7, 0x45, _, 1, 0, 0, 0, ..]
            | [0x48, 0xc7, 0x84, 0x24, _, _, _, _, 1, 0, 0, 0, ..] => Some(Value::Constant(1)),
            _ => None,
        }
    }

    /// The numbers 1 to 64, a bit each, that are loaded as first or second argument shortly before a call.
    pub fn numbers(&self) -> u64 {
        let starts = (0..self.bytes.len()).filter(|at| matches!(self.bytes.get(*at), Some(0xbe | 0xbf | 0x6a)));
        let pieces = starts.filter_map(|at| self.bytes.get(at..self.bytes.len().min(at + SHORT)));
        let loads = pieces.filter_map(|code| match *code {
            [0xbe | 0xbf, number @ 1..=64, 0, 0, 0, ref rest @ ..] => Some((number, rest)),
            [0x6a, number @ 1..=64, 0x5e | 0x5f, ref rest @ ..] => Some((number, rest)),
            _ => None,
        });
        let calls = |code: &[u8]| code.contains(&0xe8) || code.contains_str(b"\xff\x15") || code.contains(&0xe9);
        loads.filter(|(_, rest)| calls(rest)).fold(0, |bits, (number, _)| bits | 1 << (number - 1))
    }

    /// Whether the function at `address` does nothing but return.
    pub fn is_empty_function(&self, address: u64) -> bool {
        let code = self.from(address);
        let code = code.strip_prefix(b"\xf3\x0f\x1e\xfa").unwrap_or(code); // endbr64
        code.starts_with(b"\xc3") || code.starts_with(b"\xf3\xc3")
    }
}
