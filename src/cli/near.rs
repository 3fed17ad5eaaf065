//! Rules by the names that people type.

use imagelint::near::question;
use imagelint::rule::Rule;
use imagelint::rules::RULES;

use super::output::{Complaint, Result};

/// The rule of that name.
pub fn rule(name: &str) -> Result<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name).ok_or_else(|| unknown(name))
}

/// The error for a name that no rule has.
pub fn unknown(name: &str) -> Complaint {
    let list = "`imagelint rules` lists all rules";
    let help = match question(name, RULES.iter().map(|rule| rule.name)) {
        None => list.to_owned(),
        Some(question) => format!("{question} {list}"),
    };
    Complaint::new(format!("there is no rule `{name}`")).help(help)
}
