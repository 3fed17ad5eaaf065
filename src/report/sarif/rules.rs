//! The rules as SARIF describes them, out of their documents.

use super::model::{Configuration, Described, Driver, Help, Message, Rule, RuleProperties, Tool};
use crate::report::Style;
use crate::report::document::Document;
use crate::report::escape::shorten;
use crate::rule;
use crate::rules::RULES;

/// GitHub refuses descriptions that are longer.
const DESCRIPTION_MAX: usize = 1024;

/// GitHub shows no more.
const TAGS_MAX: usize = 10;

/// Where the project is, if its manifest says.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// An image that could not be read.
pub const COULD_NOT_LOOK: &str = "could-not-look";

/// An image that was read, and whose start cannot be told.
pub const CANNOT_BE_TOLD: &str = "cannot-be-told";

/// More findings than are written.
pub const LEFT_OUT: &str = "findings-left-out";

/// This program and all its rules, whether they found anything or not.
pub fn tool() -> Tool {
    let version = env!("CARGO_PKG_VERSION");
    let notifications = vec![
        described(COULD_NOT_LOOK, "an image could not be read"),
        described(CANNOT_BE_TOLD, "whether an image starts cannot be told"),
        described(LEFT_OUT, "there are more findings than a report may have"),
    ];
    let information_uri = (!REPOSITORY.is_empty()).then_some(REPOSITORY);
    let rules = RULES.iter().map(rule).collect();
    Tool {
        driver: Driver { name: "imagelint", version, semantic_version: version, information_uri, rules, notifications },
    }
}

/// The place of a rule among all.
pub fn index(name: &str) -> Option<usize> {
    RULES.iter().position(|rule| rule.name == name)
}

fn described(id: &'static str, text: &str) -> Described {
    Described { id, short_description: Message { text: text.to_owned() } }
}

fn rule(rule: &rule::Rule) -> Rule {
    let document = Document::of(rule);
    let summary = document.value("summary").unwrap_or(rule.name);
    let what = document.section("What it does").unwrap_or(summary);
    let level = document.value("severity").unwrap_or("warning");
    Rule {
        id: rule.name,
        name: rule.name,
        short_description: description(summary),
        full_description: description(what),
        help: Help { text: document.render(&Style::PLAIN), markdown: document.body.to_owned() },
        help_uri: (!REPOSITORY.is_empty()).then(|| format!("{REPOSITORY}/blob/main/rules/{}.md", rule.name)),
        default_configuration: Configuration { level: level_of(level) },
        properties: RuleProperties {
            tags: tags(&document),
            precision: precision(level),
            problem_severity: problem_severity(level),
        },
    }
}

fn description(text: &str) -> Message {
    let words: Vec<&str> = text.split_whitespace().collect();
    Message { text: shorten(&words.join(" "), DESCRIPTION_MAX) }
}

fn tags(document: &Document<'_>) -> Vec<String> {
    let fixed = ["container-image", "correctness"].map(str::to_owned);
    let codes = document.values("exit-codes").into_iter().map(|code| format!("exit-code-{code}"));
    fixed.into_iter().chain(codes).take(TAGS_MAX).collect()
}

/// A document's word is one of SARIF's.
fn level_of(severity: &str) -> &'static str {
    match severity {
        "error" => "error",
        "note" => "note",
        _ => "warning",
    }
}

/// As it was measured (README, "How we know"): of the outcomes of real runtimes, which is what an error claims, none
/// disagrees; of the warnings on real entrypoints more than nine in ten are right; notes were not measured.
fn precision(severity: &str) -> &'static str {
    match severity {
        "error" => "very-high",
        "note" => "medium",
        _ => "high",
    }
}

fn problem_severity(severity: &str) -> &'static str {
    match severity {
        "error" => "error",
        "note" => "recommendation",
        _ => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rules_are_listed_with_what_github_asks_for() {
        let driver = tool().driver;
        assert_eq!(driver.rules.len(), RULES.len());
        for (at, rule) in driver.rules.iter().enumerate() {
            assert_eq!(index(rule.id), Some(at));
            let texts = [&rule.short_description.text, &rule.full_description.text, &rule.help.text];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", rule.id);
            assert!(texts[..2].iter().all(|text| text.chars().count() <= DESCRIPTION_MAX), "{}", rule.id);
            assert!(rule.full_description.text.len() > rule.short_description.text.len(), "{}", rule.id);
            assert!(rule.help.markdown.contains("## How to fix") && rule.properties.tags.len() <= TAGS_MAX);
        }
    }

    #[test]
    fn long_descriptions_are_shortened() {
        assert_eq!(description(&"é ".repeat(4000)).text.chars().count(), DESCRIPTION_MAX);
    }
}
