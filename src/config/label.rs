//! A label of the image, for those who lint far from the repository: `rule: reason`, several on lines of their own or
//! with semicolons.
//!
//! A label is handed down to all images that are built on this one.

use std::collections::BTreeMap;

use super::ignores::{Notice, Uses};
use super::words::Words;
use crate::image::Image;

/// Its name: a reverse domain, as the image specification asks for (annotations.md, *Rules*).
pub const LABEL: &str = "io.github.imagelint.ignore";

const FORM: &str = "`rule: reason`, several on lines of their own or with semicolons between them";

/// The most entries that are taken from one label.
const MOST: usize = 100;

/// The labels of the images that were looked at, and which of their words were of use.
#[derive(Debug, Default)]
pub(super) struct Labels(BTreeMap<(String, String), (Words, Uses)>);

impl Labels {
    /// Notes that the image was looked at with these rules.
    pub fn look(&mut self, image: &Image, rules: &[&'static str]) {
        let value = image.configuration.labels.get(LABEL).map(String::as_str).unwrap_or_default();
        for (text, words) in entries(value) {
            let key = (image.reference.clone(), text.to_owned());
            let (words, uses) = self.0.entry(key).or_insert_with(|| (words, Uses::default()));
            uses.tried(words.rules.iter().filter(|rule| rules.contains(rule)));
        }
    }

    /// Why the findings of the rule are not to be told.
    pub fn reason(&mut self, rule: &'static str, reference: &str) -> Option<String> {
        let mut reason = None;
        let of_image = self.0.iter_mut().filter(|((image, _), _)| image == reference);
        for (_, (words, uses)) in of_image.filter(|(_, (words, _))| words.rules.contains(&rule)) {
            uses.used(rule);
            reason.get_or_insert_with(|| words.reason.clone());
        }
        reason
    }

    /// What is broken or of no use.
    pub fn notices(&self) -> impl Iterator<Item = Notice> {
        self.0.iter().flat_map(|((reference, _), (words, uses))| {
            let place = format!("label {LABEL} of {reference}");
            let unused = uses.unused().map(|rule| {
                let notice = Notice::new(&place, &format!("the ignore of `{rule}` matches nothing"));
                notice.help("remove it from the label")
            });
            words.notices(&place).chain(unused).collect::<Vec<_>>()
        })
    }
}

fn entries(value: &str) -> impl Iterator<Item = (&str, Words)> {
    let parts = value.split(['\n', ';']).map(str::trim).filter(|part| !part.is_empty()).take(MOST);
    parts.map(|part| {
        let (list, reason) = part.split_once(':').unwrap_or((part, ""));
        (part, Words::new(list, reason, FORM))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_on_lines_or_between_semicolons() {
        let said = |value| {
            let words = entries(value).map(|(_, words)| (words.rules, words.reason, words.broken.len()));
            words.collect::<Vec<_>>()
        };
        let (reaper, exec) = (vec!["no-reaper"], vec!["missing-exec"]);
        let both = [(reaper.clone(), "x: y".to_owned(), 0), (exec, "z".to_owned(), 0)];
        assert_eq!(said("no-reaper: x: y; missing-exec: z"), both);
        assert_eq!(said("\n no-reaper :x: y\r\nmissing-exec:z;\n"), both);
        assert_eq!(said("no-reaper"), [(vec![], String::new(), 1)]);
        assert_eq!(
            said("no-reaper: x, or so; and more"),
            [(reaper, "x, or so".to_owned(), 0), (vec![], String::new(), 2)]
        );
        assert!(said("").is_empty() && said(" ; \n").is_empty());
        assert_eq!(said(&"x;".repeat(100_000)).len(), MOST);
    }
}
