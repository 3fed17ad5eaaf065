//! What a rule says about an image.

use std::ops::Range;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Fragile.
    Note,
    /// It starts, at least somewhere, but something that the image declares cannot work.
    Warning,
    /// The container cannot start, and a real runtime agrees.
    Error,
}

/// How sure it is. An error is always certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Depends on what cannot be seen.
    Possible,
    /// So in all ordinary cases.
    Likely,
    /// Follows from the image alone.
    Certain,
}

impl Severity {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl Confidence {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// A field of the image configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `Entrypoint`.
    Entrypoint,
    /// `Cmd`.
    Cmd,
    /// `Env`.
    Env,
    /// `User`.
    User,
    /// `WorkingDir`.
    WorkingDir,
    /// `Healthcheck`, its `Test` array.
    Healthcheck,
    /// `StopSignal`.
    StopSignal,
    /// `architecture` and `variant`, beside `config`.
    Architecture,
}

impl Field {
    /// The field's name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Field::Entrypoint => "Entrypoint",
            Field::Cmd => "Cmd",
            Field::Env => "Env",
            Field::User => "User",
            Field::WorkingDir => "WorkingDir",
            Field::Healthcheck => "Healthcheck",
            Field::StopSignal => "StopSignal",
            Field::Architecture => "architecture",
        }
    }
}

/// Where the evidence lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the configuration: a field, and which element of it if it is an array.
    Config {
        /// The field.
        field: Field,
        /// The element, counted from 0.
        index: Option<usize>,
    },
    /// In a file of the image.
    File {
        /// Its path in the image.
        path: BString,
        /// The layer that it comes from, counted from 0.
        layer: Option<usize>,
        /// Its first bytes, for a snippet; empty if they are not text or not kept.
        head: BString,
        /// The bytes in question, within `head`.
        span: Option<Range<usize>>,
    },
    /// A layer as a whole, counted from 0.
    Layer {
        /// Which.
        index: usize,
    },
}

/// A step of the chain of reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// One sentence.
    pub message: String,
    /// Where one can see it.
    pub place: Option<Place>,
}

/// Something to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in a few words.
    pub title: String,
    /// Lines of a Dockerfile, or a command.
    pub text: String,
    /// The same in the files of the repository; empty if it is known only what is to be done, not where.
    pub edits: Vec<Edit>,
    /// Whether nothing but what is wrong changes by it, so that it may be done without being looked at.
    pub is_safe: bool,
}

/// A file of the repository: a Dockerfile, or what it copies into the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, relative to the root of the repository, else to the working directory; `/` between names.
    pub path: BString,
    /// What is in it.
    pub text: BString,
}

/// Bytes of a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The bytes in question.
    pub span: Range<usize>,
}

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters (code points); a byte that is no part of UTF-8 is one.
    pub column: usize,
}

impl Position {
    /// That of byte `at` of `text`; its end if there are less.
    pub fn of(text: &BStr, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.rsplit_str("\n").next().unwrap_or_default();
        Position { line: before.iter().filter(|b| **b == b'\n').count() + 1, column: line.chars().count() + 1 }
    }
}

impl Source {
    /// Where it begins, and the first character behind it.
    pub fn region(&self) -> (Position, Position) {
        let text = self.file.text.as_bstr();
        (Position::of(text, self.span.start), Position::of(text, self.span.end))
    }
}

/// Bytes of a file in the repository, and what is to stand there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What goes; nothing goes if its span is empty.
    pub at: Source,
    /// What comes.
    pub with: BString,
}

/// Who said that a finding is not to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppressor {
    /// A comment beside the place.
    Comment,
    /// The configuration file.
    Configuration,
    /// A label of the image.
    Label,
    /// The baseline: it was there before.
    Baseline,
}

/// That a finding is not to be told, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Who said so.
    pub by: Suppressor,
    /// The reason that was given.
    pub reason: String,
}

/// The exit code that `docker run`, `podman run` and Kubernetes show, where they show one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExitCodes {
    /// Of `docker run`.
    pub docker: Option<u8>,
    /// Of `podman run`.
    pub podman: Option<u8>,
    /// In the container's status, as the kubelet shows it.
    pub kubernetes: Option<u8>,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence: lower case, no full stop, the user's own words in backquotes.
    pub message: String,
    /// What to do, in a sentence or a few.
    pub help: String,
    /// What people will see.
    pub exit_codes: ExitCodes,
    /// The place to look at first.
    pub place: Place,
    /// How one gets from there to the trouble.
    pub because: Vec<Because>,
    /// The layer to blame, counted from 0.
    pub layer: Option<usize>,
    /// Things to paste.
    pub fixes: Vec<Fix>,
    /// What the repository has of it: where it is to be mended.
    pub blame: Blame,
    /// That it is not to be told.
    pub suppression: Option<Suppression>,
}

/// What the repository has of a finding; rules leave it empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blame {
    /// Where it is to be mended: the instruction, or the file that it copies.
    pub source: Option<Source>,
    /// The instruction that brought the file of `source` into the image, if that is another place.
    pub instruction: Option<Source>,
    /// Whether it comes from the base image; `None` if that is not known.
    pub inherited: Option<bool>,
    /// The same of [`Finding::layer`], which may be another's: an own command may lack what a base image might have.
    pub layer_inherited: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let of = |text: &str, at| {
            let Position { line, column } = Position::of(text.as_bytes().as_bstr(), at);
            (line, column)
        };
        assert_eq!(of("#!/bin/sh\r\nx", 0), (1, 1));
        assert_eq!(of("#!/bin/sh\r\nx", 10), (1, 11));
        assert_eq!(of("#!/bin/sh\r\nx", 11), (2, 1));
        assert_eq!(of("é\néx", 5), (2, 2));
        assert_eq!(of("x", 9), (1, 2));
    }
}
