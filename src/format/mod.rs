//! Bytes to meaning: pure functions over formats, no I/O, nothing indexed or trusted.

pub mod elf;
pub mod ld_so_cache;
pub mod ld_so_conf;
pub mod magic;
pub mod passwd;
pub mod shebang;
pub mod shell;
pub mod tar;
pub mod toc;
pub mod tree;
