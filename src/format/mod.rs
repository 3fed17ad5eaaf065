//! Bytes to meaning: pure functions over formats, no I/O, nothing indexed or trusted.

pub mod tar;
