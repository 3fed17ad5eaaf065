//! Dockerfiles, as BuildKit reads them: instructions with the bytes that they stand in.
//!
//! `lines` (physical to logical) -> `words`, `json` (arguments and their form) -> `parse` -> `check` (what BuildKit refuses).
//! The reference is BuildKit 0.32: its sources, and its answers for some thousand files.

mod check;
mod directive;
mod go;
mod here;
mod instruction;
mod json;
pub mod lex;
mod lines;
mod parse;
mod words;

pub use instruction::{Arguments, Fault, Form, Heredoc, Instruction, Keyword, Pair, Word};
pub use parse::{Parsed, parse};
