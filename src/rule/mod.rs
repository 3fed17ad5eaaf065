//! What a rule is, and what it judges.
//!
//! A rule recognises one outcome of the launch and explains it. Everything that explanations have in common - the
//! chain of steps, what people will see, the layer to blame, near names - is here, so that a rule is a document and
//! a short function.

mod near;
mod reasons;
mod seen;
mod trouble;
mod words;

pub use near::{at, namesakes, similar};
pub use trouble::{Explanation, Trouble};
pub use words::{json_array, list, quote, shell_words};

use crate::finding::{Finding, Severity};
use crate::image::Image;
use crate::launch::Launch;
use crate::rootfs::Rootfs;

/// What rules judge: an image, its merged files, and how its commands start.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its files.
    pub rootfs: &'a Rootfs,
    /// The container's own command.
    pub launch: &'a Launch,
    /// The health check's command, if there is one.
    pub healthcheck: Option<&'a Launch>,
}

/// A rule: a document and a function.
pub struct Rule {
    /// Its name in kebab case: the bad pattern.
    pub name: &'static str,
    /// Its document, `rules/<name>.md`.
    pub document: &'static str,
    /// Recognises one outcome and explains it.
    pub check: fn(&Subject<'_>) -> Vec<Finding>,
}

impl<'a> Subject<'a> {
    /// The trouble that the rule `name` explains, if the container's own command ends in it under any current engine.
    pub fn trouble(&self, name: &str) -> Option<Trouble<'a>> {
        Trouble::find(self, name)
    }
}

impl Rule {
    /// A line of the document's front matter.
    pub fn attribute(&self, key: &str) -> Option<&'static str> {
        let (front, _) = self.parts()?;
        front.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':').map(str::trim))
    }

    /// What it is about, in one sentence.
    pub fn summary(&self) -> &'static str {
        self.attribute("summary").unwrap_or_default()
    }

    /// How bad its findings are at worst.
    pub fn severity(&self) -> Severity {
        match self.attribute("severity") {
            Some("error") => Severity::Error,
            Some("warning") => Severity::Warning,
            _ => Severity::Note,
        }
    }

    /// The exit codes that go with it, for `explain N`.
    pub fn exit_codes(&self) -> impl Iterator<Item = u8> {
        let codes = self.attribute("exit-codes").unwrap_or_default();
        codes.split([',', ' ']).filter_map(|code| code.trim_matches(['[', ']']).parse().ok())
    }

    /// The version that brought it.
    pub fn since(&self) -> &'static str {
        self.attribute("since").unwrap_or_default()
    }

    /// The document without its front matter.
    pub fn text(&self) -> &'static str {
        self.parts().map_or(self.document, |(_, text)| text.trim_start())
    }

    fn parts(&self) -> Option<(&'static str, &'static str)> {
        self.document.strip_prefix("---\n")?.split_once("\n---\n")
    }
}
