//! Writes the small ELF files of `fixtures/programs`; each of their bytes is accounted for here.

/// `e_machine` of x86-64 and AArch64.
pub const X86_64: u16 = 62;
pub const AARCH64: u16 = 183;

/// `e_type` of a program and of an object file.
const ET_REL: u16 = 1;
const ET_EXEC: u16 = 2;

const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const EHDR: u64 = 64;
const PHDR: u64 = 56;
const BASE: u64 = 0x40_0000;

/// `mov edi, 42; mov eax, 60 (exit); syscall`
const EXIT_X86_64: &[u8] = &[0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05];
/// `mov x0, #42; mov x8, #93 (exit); svc #0`
const EXIT_AARCH64: &[u8] = &[0x40, 0x05, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4];

/// The files of `fixtures/programs`, by name.
pub fn programs() -> Vec<(&'static str, Vec<u8>)> {
    let stand_in = |name: &str| [program(X86_64, None), format!("\nstand-in for {name}\n").into_bytes()].concat();
    vec![
        ("ok", program(X86_64, None)),
        ("ok-arm64", program(AARCH64, None)),
        ("glibc-program", program(X86_64, Some("/lib64/ld-linux-x86-64.so.2"))),
        ("musl-program", program(X86_64, Some("/lib/ld-musl-x86_64.so.1"))),
        ("object.o", object()),
        ("sh", stand_in("sh")),
        ("env", stand_in("env")),
        ("busybox", stand_in("busybox")),
        ("bash", stand_in("bash")),
    ]
}

/// A program that ends with exit code 42; with `interp`, one that asks for that loader first.
fn program(machine: u16, interp: Option<&str>) -> Vec<u8> {
    let code = if machine == AARCH64 { EXIT_AARCH64 } else { EXIT_X86_64 };
    let interp = interp.map(|path| [path.as_bytes(), b"\0"].concat()).unwrap_or_default();
    let headers = if interp.is_empty() { 1 } else { 2 };
    let text = EHDR + headers * PHDR;
    let start = text + interp.len() as u64;
    let end = start + code.len() as u64;
    let mut out = elf_header(machine, ET_EXEC, BASE + start, headers as u16);
    if !interp.is_empty() {
        out.extend(program_header(PT_INTERP, 4, text, interp.len() as u64, 1));
    }
    out.extend(program_header(PT_LOAD, 5, 0, end, 0x1000));
    out.extend(interp);
    out.extend(code);
    out
}

/// The header of an object file: what `cc -c` leaves, and no program.
fn object() -> Vec<u8> {
    elf_header(X86_64, ET_REL, 0, 0)
}

fn elf_header(machine: u16, kind: u16, entry: u64, headers: u16) -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend(kind.to_le_bytes());
    out.extend(machine.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(entry.to_le_bytes());
    out.extend((if headers == 0 { 0 } else { EHDR }).to_le_bytes());
    out.extend(0u64.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    for half in [EHDR as u16, if headers == 0 { 0 } else { PHDR as u16 }, headers, 64, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    out
}

fn program_header(kind: u32, flags: u32, offset: u64, size: u64, align: u64) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(kind.to_le_bytes());
    out.extend(flags.to_le_bytes());
    for word in [offset, BASE + offset, BASE + offset, size, size, align] {
        out.extend(word.to_le_bytes());
    }
    out
}
