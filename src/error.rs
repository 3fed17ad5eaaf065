//! The one error: imagelint *could not look*. A bad image is never an `Error`, it is a finding.

use std::fmt;

/// Why nothing can be said: what was being read, what is wrong with it, and what to do about it.
///
/// The command line turns it into exit code 2.
#[derive(Clone, Debug)]
pub struct Error(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    reading: String,
    platform: Option<String>,
    problem: String,
    help: Option<String>,
}

/// `Result` with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// `reading` names what was being read, `problem` says in a few words what is wrong with it.
    pub fn new(reading: impl Into<String>, problem: impl fmt::Display) -> Self {
        let (reading, problem) = (printable(&reading.into()), printable(&problem.to_string()));
        Error(Box::new(Parts { reading, platform: None, problem, help: None }))
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(printable(&help.into()));
        self
    }

    /// The same, if it does not say yet what the user can do.
    #[must_use]
    pub fn or_help(self, help: impl Into<String>) -> Self {
        if self.0.help.is_some() { self } else { self.help(help) }
    }

    /// Adds to what the user can do.
    #[must_use]
    pub fn and_help(mut self, more: impl Into<String>) -> Self {
        let more = printable(&more.into());
        self.0.help = Some(self.0.help.map_or_else(|| more.clone(), |help| format!("{help}\n{more}")));
        self
    }

    /// Names what was being read differently: as the user knows it, where that was not clear at first.
    #[must_use]
    pub fn reading_as(mut self, reading: impl Into<String>) -> Self {
        self.0.reading = printable(&reading.into());
        self
    }

    /// Says which platform of an image of several it is about.
    #[must_use]
    pub fn of_platform(mut self, platform: impl fmt::Display) -> Self {
        self.0.platform = Some(printable(&platform.to_string()));
        self
    }

    /// What was being read.
    pub fn reading(&self) -> &str {
        &self.0.reading
    }

    /// The platform that it is about, of an image of several.
    pub fn platform(&self) -> Option<&str> {
        self.0.platform.as_deref()
    }
}

/// Names inside an image are another's words: they must not steer the terminal they are shown on.
fn printable(text: &str) -> String {
    let show = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(show).collect()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not read ")?;
        self.0.platform.iter().try_for_each(|platform| write!(f, "{platform}, "))?;
        write!(f, "{}: {}", self.0.reading, self.0.problem)
    }
}

impl std::error::Error for Error {}

impl miette::Diagnostic for Error {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_as_escapes() {
        let error = Error::new("image `\u{1b}[2J`", "gone").to_string();
        assert_eq!(error, "could not read image `\\u{1b}[2J`: gone");
    }
}
