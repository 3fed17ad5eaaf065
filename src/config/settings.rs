//! `imagelint.toml`, understood: what it says of every image, and of one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

use super::date::Date;
use super::file::{FailOn, Level};
use super::pattern::Pattern;
use super::{parse, read};
use crate::error::{Error, Result};
use crate::finding::{Finding, Position, Severity};

/// The longest file.
const LONGEST: u64 = 256 << 10;

/// How bad the findings of rules are, by the rules' names.
pub type Levels = BTreeMap<&'static str, Level>;

/// What the file says.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, as messages name it.
    pub name: String,
    /// The mildest finding that makes the exit code 1.
    pub fail_on: Option<FailOn>,
    /// How bad the findings of rules are.
    pub levels: Levels,
    /// Findings that are not to be told.
    pub ignores: Vec<Ignore>,
    /// What is different for some images.
    pub sections: Vec<Section>,
}

/// Findings that are not to be told.
#[derive(Clone, Debug)]
pub struct Ignore {
    /// The rule.
    pub rule: &'static str,
    /// In which files; in all places if there is none.
    pub path: Option<Pattern>,
    /// In which images; in all if there is none.
    pub image: Option<Pattern>,
    /// Why.
    pub reason: String,
    /// The last day on which it applies.
    pub until: Option<Date>,
    /// Where in the file it is.
    pub at: Position,
}

/// What is different for some images.
#[derive(Clone, Debug)]
pub struct Section {
    /// Which images.
    pub name: Pattern,
    /// The mildest finding that makes the exit code 1.
    pub fail_on: Option<FailOn>,
    /// How bad the findings of rules are.
    pub levels: Levels,
}

impl Config {
    /// Reads the file `path`, which messages call `name`.
    ///
    /// # Errors
    /// It cannot be read, or says what cannot be understood.
    pub fn read(path: &Path, name: &str) -> Result<Self> {
        parse::parse(&read::text(path, name, LONGEST)?, name)
    }

    /// The same of a file that nobody named, but that was found: it must be a regular one.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn found(path: &Path, name: &str) -> Result<Self> {
        match path.metadata() {
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
                Err(Error::new(format!("`{name}`"), "it is no regular file"))
            }
            _ => Config::read(path, name),
        }
    }

    /// What holds for the image that was asked for as `reference`.
    pub fn settings(&self, reference: &str) -> Settings {
        let mut settings = Settings { fail_on: self.fail_on, levels: self.levels.clone(), hardened: false };
        for section in self.sections.iter().filter(|section| section.name.matches_image(reference)) {
            settings.fail_on = section.fail_on.or(settings.fail_on);
            settings.levels.extend(&section.levels);
        }
        settings
    }
}

/// What holds for one image.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    fail_on: Option<FailOn>,
    levels: Levels,
    /// Nothing may be milder than without the file.
    hardened: bool,
}

impl Settings {
    /// The same, but for what makes a finding milder than it is without the file, or hides it.
    #[must_use]
    pub fn hardened(self) -> Self {
        Settings { hardened: true, ..self }
    }

    /// The mildest finding that makes the exit code 1, if it is said.
    pub fn fail_on(&self) -> Option<FailOn> {
        if self.hardened { self.fail_on.map(|fail_on| fail_on.min(FailOn::Warning)) } else { self.fail_on }
    }

    /// Whether the rule is not to be asked.
    pub fn is_off(&self, rule: &str) -> bool {
        !self.hardened && self.levels.get(rule) == Some(&Level::Off)
    }

    /// Gives findings the severity that is said, and puts the worst first.
    pub fn weigh(&self, findings: &mut [Finding]) {
        for finding in findings.iter_mut() {
            let severity = self.levels.get(finding.rule).and_then(|level| severity(*level));
            let severity = severity.unwrap_or(finding.severity);
            finding.severity = if self.hardened { severity.max(finding.severity) } else { severity };
        }
        findings.sort_by_key(|finding| Reverse(finding.severity));
    }
}

fn severity(level: Level) -> Option<Severity> {
    match level {
        Level::Off => None,
        Level::Note => Some(Severity::Note),
        Level::Warning => Some(Severity::Warning),
        Level::Error => Some(Severity::Error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ignores::tests::finding;
    use crate::config::parse::parse;

    const TEXT: &str = r#"
        fail-on = "error"
        [rules]
        missing-exec = "off"
        no-reaper = "error"
        not-executable = "note"
        [[image]]
        name = "web*"
        fail-on = "note"
        rules.missing-exec = "warning"
        [[image]]
        name = "web-old"
        rules = { missing-exec = "note", no-reaper = "off" }
    "#;

    fn settings(reference: &str) -> Settings {
        parse(TEXT, "imagelint.toml").unwrap().settings(reference)
    }

    fn severity_of(settings: &Settings, rule: &'static str, own: Severity) -> Severity {
        let mut findings = [Finding { severity: own, ..finding(rule) }];
        settings.weigh(&mut findings);
        findings.map(|finding| finding.severity)[0]
    }

    #[test]
    fn sections_win_over_the_top_and_later_ones_over_earlier_ones() {
        let (other, web, old) = (settings("app:1"), settings("web:1"), settings("registry:web-old:1"));
        assert_eq!((other.fail_on(), web.fail_on()), (Some(FailOn::Error), Some(FailOn::Note)));
        assert_eq!(old.fail_on(), Some(FailOn::Note));
        assert_eq!([&other, &web, &old].map(|s| s.is_off("missing-exec")), [true, false, false]);
        assert_eq!([&other, &web, &old].map(|s| s.is_off("no-reaper")), [false, false, true]);
        let severity = |settings| severity_of(settings, "missing-exec", Severity::Error);
        assert_eq!((severity(&web), severity(&old)), (Severity::Warning, Severity::Note));
        assert_eq!(severity_of(&web, "no-reaper", Severity::Note), Severity::Error);
        assert_eq!(severity_of(&web, "path-not-found", Severity::Warning), Severity::Warning);
    }

    #[test]
    fn hardened_settings_raise_and_never_lower() {
        let (other, web) = (settings("app").hardened(), settings("web").hardened());
        assert_eq!((other.fail_on(), web.fail_on()), (Some(FailOn::Warning), Some(FailOn::Note)));
        assert!(!other.is_off("missing-exec"));
        assert_eq!(severity_of(&other, "missing-exec", Severity::Warning), Severity::Warning);
        assert_eq!(severity_of(&other, "not-executable", Severity::Error), Severity::Error);
        assert_eq!(severity_of(&other, "no-reaper", Severity::Note), Severity::Error);
    }

    #[test]
    fn the_worst_comes_first() {
        let mut findings = ["path-not-found", "no-reaper"].map(finding);
        settings("app").weigh(&mut findings);
        assert_eq!(findings.map(|finding| finding.rule), ["no-reaper", "path-not-found"]);
    }
}
