//! The baseline: findings that were there before, so that only new ones are told.
//!
//! `imagelint.baseline/1` is JSON with a finding a line, sorted, so that its differences can be read. What counts is the
//! fingerprint; the rest is for people, and tells whether a finding could have occurred in a run at all.

use std::collections::BTreeSet;
use std::path::Path;

use bstr::ByteSlice;
use serde::{Deserialize, Serialize};

use super::ignores::Notice;
use super::read;
use crate::error::{Error, Result};
use crate::finding::{Finding, Place, Suppression, Suppressor};
use crate::fingerprint;
use crate::image::Image;

/// Name and version of the format.
const SCHEMA: &str = "imagelint.baseline/1";

/// The longest file.
const LONGEST: u64 = 16 << 20;

/// How many entries that no longer occur are named.
const NAMED: usize = 3;

/// A finding, as the baseline has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    image: String,
    rule: String,
    place: String,
    platform: String,
    fingerprint: String,
}

impl Entry {
    /// The entry for a finding.
    pub fn of(finding: &Finding, image: &Image) -> Self {
        let place = match &finding.place {
            Place::Config { field, .. } => field.as_str().to_owned(),
            Place::File { path, .. } => path.to_str_lossy().into_owned(),
            Place::Layer { .. } => "a layer".to_owned(),
        };
        Entry {
            image: fingerprint::image_name(image),
            rule: finding.rule.to_owned(),
            place,
            platform: image.platform.to_string(),
            fingerprint: fingerprint::v1(finding, image),
        }
    }
}

/// That a finding is not to be told, since the baseline `name` has it.
pub fn in_baseline(name: &str) -> Suppression {
    Suppression { by: Suppressor::Baseline, reason: format!("it is in the baseline {name}") }
}

/// The file.
#[derive(Deserialize)]
struct File {
    schema: String,
    findings: BTreeSet<Entry>,
}

/// A baseline, and which of its findings occurred.
#[derive(Debug, Default)]
pub struct Baseline {
    name: String,
    entries: BTreeSet<Entry>,
    known: BTreeSet<String>,
    occurred: BTreeSet<String>,
    /// Image, platform and rule.
    looked: BTreeSet<(String, String, &'static str)>,
}

impl Baseline {
    /// Reads the file `path`, which messages call `name`.
    ///
    /// # Errors
    /// It cannot be read, or is no baseline.
    pub fn read(path: &Path, name: &str) -> Result<Self> {
        let how = format!("`imagelint --write-baseline {name} IMAGE` writes one");
        let text = read::text(path, name, LONGEST).map_err(|error| error.or_help(&how))?;
        Baseline::parse(&text, name).map_err(|error| error.or_help(how))
    }

    fn parse(text: &str, name: &str) -> Result<Self> {
        let wrong = |problem: String| Error::new(format!("`{name}`"), problem);
        let file: File = serde_json::from_str(text).map_err(|error| wrong(format!("it is no baseline: {error}")))?;
        if file.schema != SCHEMA {
            return Err(wrong(format!("its schema is `{}`, and this version knows `{SCHEMA}`", file.schema)));
        }
        Ok(Baseline::of(name, file.findings))
    }

    fn of(name: &str, entries: BTreeSet<Entry>) -> Self {
        let known = entries.iter().map(|entry| entry.fingerprint.clone()).collect();
        Baseline { name: name.to_owned(), entries, known, ..Baseline::default() }
    }

    /// Notes that the image was looked at with these rules.
    pub(super) fn look(&mut self, image: &Image, rules: &[&'static str]) {
        let (name, platform) = (fingerprint::image_name(image), image.platform.to_string());
        self.looked.extend(rules.iter().map(|rule| (name.clone(), platform.clone(), *rule)));
    }

    /// Why the finding is not to be told.
    pub(super) fn reason(&mut self, entry: &Entry) -> Option<String> {
        let known = self.known.contains(&entry.fingerprint);
        known.then(|| self.occurred.insert(entry.fingerprint.clone()));
        known.then(|| in_baseline(&self.name).reason)
    }

    fn was_looked_for(&self, entry: &Entry) -> bool {
        let Entry { image, platform, rule, .. } = entry;
        self.looked.iter().any(|(i, p, r)| (i, p, *r) == (image, platform, rule.as_str()))
    }

    /// Those of its findings that could have occurred, and did not.
    fn gone(&self) -> Vec<&Entry> {
        let is_gone = |entry: &&Entry| !self.occurred.contains(&entry.fingerprint) && self.was_looked_for(entry);
        self.entries.iter().filter(is_gone).collect()
    }

    /// That findings of it no longer occur, if that is so.
    pub fn notice(&self) -> Option<Notice> {
        let gone = self.gone();
        let named: Vec<_> =
            gone.iter().take(NAMED).map(|e| format!("{} in {} of {}", e.rule, e.place, e.image)).collect();
        let more = if gone.len() > NAMED { ", …" } else { "" };
        let (count, all) = (gone.len(), self.entries.len());
        let message = format!("{count} of {all} findings no longer occur: {}{more}", named.join(", "));
        let name = &self.name;
        let help = format!("write it anew: imagelint --baseline {name} --write-baseline {name} IMAGE");
        (count > 0).then(|| Notice::new(name, &message).help(&help))
    }

    /// The text of a baseline of these findings, and of those of this one that could not have occurred.
    pub fn rewritten(&self, present: &BTreeSet<Entry>) -> String {
        let kept = self.entries.iter().filter(|entry| !self.was_looked_for(entry));
        let all: BTreeSet<&Entry> = kept.chain(present).collect();
        // Strings alone are always written.
        let line = |entry: &&Entry| serde_json::to_string(entry).unwrap_or_default();
        let lines: Vec<_> = all.iter().map(line).collect();
        let gap = if lines.is_empty() { "" } else { "\n" };
        format!("{{\"schema\":\"{SCHEMA}\",\"findings\":[{gap}{}{gap}]}}\n", lines.join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(image: &str, rule: &str, place: &str) -> Entry {
        let fingerprint = format!("{image} {rule} {place}");
        let [image, rule, place] = [image, rule, place].map(str::to_owned);
        Entry { image, rule, place, platform: "linux/amd64".to_owned(), fingerprint }
    }

    fn baseline() -> Baseline {
        let entries = [
            entry("app", "no-reaper", "Cmd"),
            entry("app", "missing-exec", "/é\"\n.sh"),
            entry("web", "no-reaper", "Cmd"),
        ];
        Baseline::of("b.json", entries.into())
    }

    fn looked(image: &str, rule: &'static str) -> (String, String, &'static str) {
        (image.to_owned(), "linux/amd64".to_owned(), rule)
    }

    #[test]
    fn a_finding_a_line_sorted_and_read_again() {
        let text = baseline().rewritten(&[entry("app", "broken-exec-form", "Cmd")].into());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[5]), (6, r#"{"schema":"imagelint.baseline/1","findings":["#, "]}"));
        let own = r#"{"image":"app","rule":"broken-exec-form","place":"Cmd","platform":"linux/amd64","#;
        assert!(lines[1].starts_with(own), "{}", lines[1]);
        assert!(lines[1..5].is_sorted());
        let again = Baseline::parse(&text, "b.json").unwrap();
        assert_eq!(again.entries.len(), 4);
        assert_eq!(again.rewritten(&BTreeSet::new()), text);
        let empty = Baseline::default().rewritten(&BTreeSet::new());
        assert!(Baseline::parse(&empty, "b.json").is_ok_and(|baseline| baseline.entries.is_empty()), "{empty}");
    }

    #[test]
    fn only_what_could_have_occurred_is_gone() {
        let mut baseline = baseline();
        assert_eq!(baseline.notice(), None);
        baseline.looked.extend([looked("app", "no-reaper"), looked("app", "missing-exec")]);
        assert!(baseline.reason(&entry("app", "no-reaper", "Cmd")).is_some());
        assert_eq!(baseline.reason(&entry("app", "no-reaper", "Entrypoint")), None);
        let notice = baseline.notice().unwrap();
        assert!(notice.message.starts_with("1 of 3 findings no longer occur: missing-exec in "), "{}", notice.message);
        let text = baseline.rewritten(&BTreeSet::new());
        assert!(!text.contains("app") && text.contains("web"), "{text}");
    }

    #[test]
    fn other_documents_are_refused() {
        for (text, says) in [
            ("", "no baseline"),
            ("[]", "no baseline"),
            (r#"{"schema":"imagelint.report/1","findings":[]}"#, "`imagelint.report/1`"),
            (r#"{"schema":"imagelint.baseline/1"}"#, "findings"),
            (r#"{"schema":"imagelint.baseline/1","findings":[{"rule":1}]}"#, "no baseline"),
            (&"[".repeat(1 << 20), "no baseline"),
        ] {
            let error = Baseline::parse(text, "b.json").map(drop).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
