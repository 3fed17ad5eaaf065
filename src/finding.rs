//! What a rule says about an image.

use std::ops::Range;

use bstr::BString;

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
}
