//! Bytes to meaning: pure functions over formats, no I/O, nothing indexed or trusted.

pub mod elf;
pub mod magic;
pub mod passwd;
pub mod shebang;
pub mod shell;
pub mod tar;
