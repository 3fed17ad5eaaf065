//! Dockerfiles, as BuildKit reads them: instructions with the bytes that they stand in.
//!
//! `lines` (physical to logical) -> `words`, `json` (arguments and their form) -> `parse` -> `check` (what BuildKit
//! refuses) -> `stage`, `plan` (what a build would come to)
//! -> `assemble` (the image, as far as it can be known before).
//! The reference is BuildKit 0.32: its sources, and its answers for some thousand files.

mod assemble;
mod check;
mod directive;
mod go;
mod here;
mod instruction;
mod json;
pub mod lex;
mod lines;
mod parse;
mod plan;
mod stage;
mod words;

pub use assemble::{Assembled, Build, Family, From, Made};
pub use instruction::{Arguments, Fault, Form, Heredoc, Instruction, Keyword, Pair, Word};
pub use parse::{Parsed, parse};
pub use plan::{Base, Copy, Dead, Origin, Performed, Plan, Step, joined};
pub use stage::{Stage, Value, Variables};
