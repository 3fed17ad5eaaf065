//! All who may say that a finding is not to be told, and which of their words were of use.

use std::collections::BTreeMap;

use super::baseline::{Baseline, Entry};
use super::comment::Language;
use super::comments::Comments;
use super::configured::Configured;
use super::date::Date;
use super::label::Labels;
use super::settings::Config;
use crate::finding::{Finding, SourceFile, Suppression, Suppressor};
use crate::rule::Subject;

/// Something that was said and is of no use: broken, expired, or about nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// Where it was said: a file with line and column, or a label.
    pub place: String,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Notice {
    pub(super) fn new(place: &str, message: &str) -> Self {
        Notice { place: place.to_owned(), message: message.to_owned(), help: String::new() }
    }

    pub(super) fn help(self, help: &str) -> Self {
        Notice { help: help.to_owned(), ..self }
    }
}

/// Whether an ignore was of use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Use {
    /// No image that it is about was looked at with its rule.
    #[default]
    Untried,
    /// There was nothing to ignore.
    Unused,
    /// It was.
    Used,
}

impl Use {
    pub fn tried(&mut self) {
        if *self == Use::Untried {
            *self = Use::Unused;
        }
    }
}

/// The same for several rules.
#[derive(Debug, Default)]
pub(super) struct Uses(BTreeMap<&'static str, Use>);

impl Uses {
    pub fn tried<'r>(&mut self, rules: impl Iterator<Item = &'r &'static str>) {
        rules.for_each(|rule| self.0.entry(rule).or_default().tried());
    }

    pub fn used(&mut self, rule: &'static str) {
        self.0.insert(rule, Use::Used);
    }

    pub fn unused(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|(_, used)| **used == Use::Unused).map(|(rule, _)| *rule)
    }
}

/// All who may say that a finding is not to be told.
#[derive(Debug, Default)]
pub struct Ignores {
    comments: Comments,
    configured: Configured,
    labels: Labels,
    baseline: Baseline,
}

impl Ignores {
    /// Comments and labels are found in the images themselves; an ignore of the configuration whose last day is before
    /// `today` has expired.
    pub fn new(config: Option<&Config>, baseline: Option<Baseline>, today: Date) -> Self {
        let configured = config.map(|config| Configured::new(config, today)).unwrap_or_default();
        Ignores { configured, baseline: baseline.unwrap_or_default(), ..Ignores::default() }
    }

    /// Marks the findings that are not to be told, of an image that was looked at with `rules`.
    ///
    /// Everybody is asked of each, so that nothing is called of no use that says what another says as well.
    pub fn mark(&mut self, subject: &Subject<'_>, rules: &[&'static str], findings: &mut [Finding]) {
        let image = subject.image;
        self.comments.look(subject, findings, rules);
        self.configured.look(&image.reference, rules);
        self.labels.look(image, rules);
        self.baseline.look(image, rules);
        for finding in findings {
            let said = [
                (Suppressor::Comment, self.comments.reason(finding, subject)),
                (Suppressor::Configuration, self.configured.reason(finding, &image.reference)),
                (Suppressor::Label, self.labels.reason(finding.rule, &image.reference)),
                (Suppressor::Baseline, self.baseline.reason(&Entry::of(finding, image))),
            ];
            finding.suppression = said.into_iter().find_map(|(by, reason)| Some(Suppression { by, reason: reason? }));
        }
    }

    /// Knows the comments of a Dockerfile also where nothing is found in it; an image of it was looked at with `rules`.
    pub fn know_dockerfile(&mut self, file: &SourceFile, rules: &[&'static str]) {
        self.comments.learn_source(file, Language::Dockerfile, rules);
    }

    /// What was said and is of no use, but for the baseline; `complete` if all images could be looked at that were asked for.
    pub fn notices(&self, complete: bool) -> Vec<Notice> {
        let configured = self.configured.notices(complete);
        configured.chain(self.comments.notices()).chain(self.labels.notices()).collect()
    }

    /// The baseline that was used.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::{Blame, Confidence, ExitCodes, Field, Place, Severity, Source, SourceFile};

    /// A finding in the configuration.
    pub fn finding(rule: &'static str) -> Finding {
        Finding {
            rule,
            severity: Severity::Warning,
            confidence: Confidence::Certain,
            message: String::new(),
            help: String::new(),
            exit_codes: ExitCodes::default(),
            place: Place::Config { field: Field::Cmd, index: None },
            because: Vec::new(),
            layer: None,
            fixes: Vec::new(),
            blame: Blame::default(),
            suppression: None,
        }
    }

    /// A finding in a file of the image.
    pub fn in_file(rule: &'static str, path: &str) -> Finding {
        let place = Place::File { path: path.into(), layer: None, head: "".into(), span: None };
        Finding { place, ..finding(rule) }
    }

    /// A finding that is to be mended in a file of the repository.
    pub fn mended_in(rule: &'static str, path: &str) -> Finding {
        let file = Arc::new(SourceFile { path: path.into(), text: "".into() });
        let blame = Blame { source: Some(Source { file, span: 0..0 }), ..Blame::default() };
        Finding { blame, ..finding(rule) }
    }

    #[test]
    fn what_was_used_once_is_used() {
        let mut uses = Uses::default();
        uses.tried(["a", "b"].iter());
        uses.used("a");
        uses.tried(["a"].iter());
        assert_eq!(uses.unused().collect::<Vec<_>>(), ["b"]);
    }
}
