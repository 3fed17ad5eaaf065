//! What people and programs read: findings and launches as text, JSON, SARIF and what CI systems take.
//!
//! A format is a variant of [`Format`] and a module that writes it.

pub mod document;
pub mod escape;
mod github;
mod gitlab;
pub mod json;
mod junit;
mod libraries;
mod lines;
mod located;
mod markdown;
mod processes;
pub mod sarif;
mod snippet;
mod style;
pub mod text;
pub mod trace;
pub mod tree;

pub use located::typed_name;

use crate::finding::Finding;
use crate::rule::Subject;

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: `imagelint.report/1` and `imagelint.trace/1`.
    Json,
    /// SARIF 2.1.0, for GitHub code scanning and whatever else shows findings beside the code.
    Sarif,
    /// What CI systems take for the results of tests.
    Junit,
    /// Workflow commands that become annotations in GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// A summary of a job, as GitHub shows it.
    Markdown,
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
    /// What is not to be told, and not counted above.
    pub suppressed: usize,
}

impl Summary {
    /// Counts `findings` too.
    pub fn add(&mut self, findings: &[Finding]) {
        use crate::finding::Severity;
        let of = |severity| told(findings).filter(|f| f.severity == severity).count();
        self.errors += of(Severity::Error);
        self.warnings += of(Severity::Warning);
        self.notes += of(Severity::Note);
        self.suppressed += findings.len() - told(findings).count();
    }

    /// Such as `1 error, 2 warnings`; empty if there is nothing to tell.
    fn counted(&self) -> String {
        let parts = [(self.errors, "error"), (self.warnings, "warning"), (self.notes, "note")];
        let parts: Vec<_> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| counted(n, what)).collect();
        parts.join(", ")
    }
}

/// `1 error`, `2 errors`.
pub fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Those that nobody has suppressed.
fn told(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.suppression.is_none())
}

/// An image that could not be read.
#[derive(Clone, Copy)]
struct Unread<'a> {
    /// The name that it was asked for by.
    reference: &'a str,
    /// Which of its platforms, where it is one of several.
    platform: Option<&'a str>,
    message: &'a str,
    help: Option<&'a str>,
}

/// A format.
trait Writer {
    /// Adds an image and gives what can be written already.
    fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String;

    /// Adds an image that could not be read.
    fn unread(&mut self, unread: Unread<'_>);

    /// What is left to write.
    fn finish(&self) -> String;
}

/// A report on its way: images come one after the other.
pub struct Report(Box<dyn Writer>);

impl Report {
    /// An empty report.
    pub fn new(format: Format, style: Style) -> Self {
        Report(match format {
            Format::Text => Box::new(text::Report::new(style)),
            Format::Json => Box::new(json::Report::default()),
            Format::Sarif => Box::new(sarif::Report::default()),
            Format::Junit => Box::new(junit::Report::default()),
            Format::Github => Box::new(github::Report::default()),
            Format::Gitlab => Box::new(gitlab::Report::default()),
            Format::Markdown => Box::new(markdown::Report::default()),
        })
    }

    /// Adds an image and gives what can be written already.
    pub fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String {
        self.0.add(subject, findings)
    }

    /// Adds an image that could not be read, under the name that it was asked for by, or a platform of it.
    pub fn unread(&mut self, reference: &str, platform: Option<&str>, message: &str, help: Option<&str>) {
        self.0.unread(Unread { reference, platform, message, help });
    }

    /// What is left to write.
    pub fn finish(&self) -> String {
        self.0.finish()
    }
}
