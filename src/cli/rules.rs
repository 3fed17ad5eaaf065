//! `imagelint rules`: the catalogue.

use clap::Args;
use imagelint::report::Detail;
use imagelint::report::document::Document;
use imagelint::report::json::pretty;
use imagelint::rule::Rule;
use imagelint::rules::RULES;
use serde::Serialize;

use super::Exit;
use super::options::Format;
use super::output::{self, Color, Result};

/// As typed.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Typed {
    /// What is written
    #[arg(long, default_value = "text")]
    format: Format,
    /// Whether to colour it
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

#[derive(Serialize)]
struct Catalogue {
    schema: &'static str,
    version: &'static str,
    rules: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    summary: Option<&'static str>,
    severity: Option<&'static str>,
    exit_codes: Vec<u8>,
    since: Option<&'static str>,
}

/// Writes the catalogue.
pub fn run(typed: Typed) -> Result<Exit> {
    let style = output::style(typed.color, Detail::Full);
    let width = RULES.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    let line = |entry: &Entry| {
        let (name, summary) = (style.bold(&format!("{:width$}", entry.name)), entry.summary.unwrap_or_default());
        format!("{name}  {:8}{summary}\n", entry.severity.unwrap_or_default())
    };
    let entries: Vec<_> = RULES.iter().map(entry).collect();
    output::print(&match typed.format {
        Format::Text => entries.iter().map(line).collect(),
        Format::Json => {
            pretty(&Catalogue { schema: "imagelint.rules/1", version: env!("CARGO_PKG_VERSION"), rules: entries })
        }
    })?;
    Ok(Exit::Clean)
}

fn entry(rule: &Rule) -> Entry {
    let document = Document::of(rule);
    Entry {
        name: rule.name,
        summary: document.value("summary"),
        severity: document.value("severity"),
        exit_codes: document.values("exit-codes").iter().filter_map(|code| code.parse().ok()).collect(),
        since: document.value("since"),
    }
}
