//! ELF files: to come.

/// `e_machine` of an ELF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The number, elf(5).
    pub e_machine: u16,
    /// 64-bit layout (EI_CLASS).
    pub is_64: bool,
    /// Big endian (EI_DATA).
    pub is_big_endian: bool,
}
