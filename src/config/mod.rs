//! What a project says of its findings: `imagelint.toml`, comments beside the place, labels, and a baseline.
//!
//! ```text
//! find -> read -> parse -> settings: which rules, how bad, what fails
//!                       -> ignores:  which findings are not to be told, and which of these words are of no use
//! ```
//!
//! Nothing is left out: a finding that is not to be told keeps its place in the list, with the reason that was given.

mod baseline;
mod comment;
mod comments;
mod configured;
mod date;
mod file;
mod find;
mod ignores;
mod initial;
mod label;
mod parse;
mod pattern;
mod read;
#[cfg(test)]
mod schema;
mod settings;
mod words;

pub use baseline::{Baseline, Entry, in_baseline};
pub use date::Date;
pub use file::{FailOn, Level};
pub use find::find;
pub use ignores::{Ignores, Notice};
pub use initial::initial;
pub use label::LABEL;
pub use settings::{Config, Ignore, Section, Settings};

use crate::near::question;
use crate::rules::RULES;

/// The name of the file.
pub const FILE_NAME: &str = "imagelint.toml";

/// The JSON schema of the file, for editors.
pub const SCHEMA: &str = include_str!("../../docs/imagelint.schema.json");

/// The rule's own copy of its name, or what to do instead.
fn rule(name: &str) -> Result<&'static str, String> {
    let known = RULES.iter().map(|rule| rule.name);
    let list = "`imagelint rules` lists all rules";
    known.clone().find(|known| *known == name).ok_or_else(|| match question(name, known) {
        None => list.to_owned(),
        Some(question) => format!("{question} {list}"),
    })
}
