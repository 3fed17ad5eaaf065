//! What people and programs read: findings and launches as text and as JSON.
//!
//! A format is a variant of [`Format`] and a module that writes it.

pub mod document;
pub mod escape;
pub mod json;
mod libraries;
mod lines;
mod processes;
mod snippet;
mod style;
pub mod text;
pub mod trace;
pub mod tree;

use crate::finding::Finding;
use crate::rule::Subject;

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: `imagelint.report/1` and `imagelint.trace/1`.
    Json,
}

/// How much a text says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// A line a finding.
    Brief,
    /// Findings with reasons and fixes.
    #[default]
    Full,
    /// The launch as well, under every runtime.
    Everything,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences may colour it.
    pub color: bool,
    /// Whether frames are drawn with more than ASCII.
    pub unicode: bool,
    /// Whether to tell rather than draw, for screen readers.
    pub narrated: bool,
    /// Columns.
    pub width: usize,
    /// How much is said.
    pub detail: Detail,
}

impl Style {
    /// For files: nothing that only a terminal understands.
    pub const PLAIN: Style = Style { color: false, unicode: true, narrated: false, width: 100, detail: Detail::Full };
}

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

impl Summary {
    /// Counts `findings` too.
    pub fn add(&mut self, findings: &[Finding]) {
        use crate::finding::Severity;
        let of = |severity| findings.iter().filter(|f| f.severity == severity).count();
        self.errors += of(Severity::Error);
        self.warnings += of(Severity::Warning);
        self.notes += of(Severity::Note);
    }
}

/// A report on its way: images come one after the other.
pub enum Report {
    /// For people.
    Text(text::Report),
    /// For programs.
    Json(json::Report),
}

impl Report {
    /// An empty report.
    pub fn new(format: Format, style: Style) -> Self {
        match format {
            Format::Text => Report::Text(text::Report::new(style)),
            Format::Json => Report::Json(json::Report::default()),
        }
    }

    /// Adds an image and gives what can be written already.
    pub fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String {
        match self {
            Report::Text(report) => report.add(subject, findings),
            Report::Json(report) => {
                report.add(subject, findings);
                String::new()
            }
        }
    }

    /// Adds an image that could not be read, under the name that it was asked for by, or a platform of it.
    pub fn unread(&mut self, reference: &str, platform: Option<&str>, message: &str, help: Option<&str>) {
        match self {
            // Standard error has told.
            Report::Text(_) => {}
            Report::Json(report) => report.unread(reference, platform, message, help),
        }
    }

    /// What is left to write.
    pub fn finish(&self) -> String {
        match self {
            Report::Text(report) => report.finish(),
            Report::Json(report) => report.finish(),
        }
    }
}
