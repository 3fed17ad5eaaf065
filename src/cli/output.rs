//! Where things are written: reports to standard output and files, complaints to standard error.

use std::env;
use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use imagelint::report::{Detail, Style, text};
use miette::Diagnostic;

/// What keeps the program from doing what it was asked to: exit code 2.
#[derive(Debug)]
pub struct Complaint {
    message: String,
    help: Option<String>,
}

/// `Result` with [`Complaint`].
pub type Result<T> = std::result::Result<T, Complaint>;

impl Complaint {
    /// One sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Complaint { message: message.into(), help: None }
    }

    /// Adds what the user can do.
    pub fn help(self, help: impl Into<String>) -> Self {
        Complaint { help: Some(help.into()), ..self }
    }

    /// The same for programs.
    pub fn parts(&self) -> (&str, Option<&str>) {
        (&self.message, self.help.as_deref())
    }

    /// Says it on standard error; `image` if it is about one.
    pub fn say(&self, image: Option<&str>, color: Color) {
        self.print(&image.map_or("error".to_owned(), |image| format!("error: {image}")), color);
    }

    /// The same, of what does not keep it from doing what was asked for.
    pub fn warn(&self, color: Color) {
        self.print("warning", color);
    }

    fn print(&self, title: &str, color: Color) {
        let style = style_for(color, Detail::Full, io::stderr().is_terminal());
        let text = text::problem(title, &self.message, self.help.as_deref(), &style);
        // Nobody is left to be told if this fails.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

impl From<imagelint::Error> for Complaint {
    fn from(error: imagelint::Error) -> Self {
        Complaint { message: error.to_string(), help: Diagnostic::help(&error).map(|help| help.to_string()) }
    }
}

/// `--color`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Even into a pipe or file
    Always,
    /// Not at all
    Never,
}

impl Color {
    /// no-color.org, and what bixense.com/clicolors says of CLICOLOR and CLICOLOR_FORCE.
    fn wanted(self, terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
        let filled = |name| variable(name).is_some_and(|value| !value.is_empty());
        let is = |name, value: &str| variable(name).is_some_and(|v| v == value);
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if filled("NO_COLOR") => false,
            Color::Auto if filled("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") => true,
            Color::Auto => terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb"),
        }
    }
}

/// The style for standard output.
pub fn style(color: Color, detail: Detail) -> Style {
    style_for(color, detail, io::stdout().is_terminal())
}

fn style_for(color: Color, detail: Detail, terminal: bool) -> Style {
    let width = terminal_size::terminal_size().filter(|_| terminal).map_or(100, |(width, _)| usize::from(width.0));
    Style {
        color: color.wanted(terminal, |name| env::var_os(name)),
        unicode: !terminal || is_utf8(),
        // as miette has it
        narrated: env::var_os("NO_GRAPHICS").is_some_and(|value| value != "0"),
        width: width.clamp(40, 120),
        detail,
    }
}

/// Whether the locale is one of UTF-8 (locale(7): the first of these that is set decides).
fn is_utf8() -> bool {
    let set = |name: &&str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default().to_uppercase();
    locale.ends_with("UTF-8") || locale.ends_with("UTF8")
}

/// Says on standard error what was done.
pub fn note(text: &str) {
    eprintln!("note: {text}");
}

/// Writes to standard output. A reader that has gone away, as `head` does, is no error.
pub fn print(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

/// The same of what need not be UTF-8.
pub fn print_bytes(text: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Complaint::new(format!("could not write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_unless_someone_says_otherwise() {
        for (color, terminal, variables, wanted) in [
            (Color::Auto, true, &[][..], true),
            (Color::Auto, false, &[], false),
            (Color::Auto, true, &[("NO_COLOR", "1")], false),
            (Color::Auto, true, &[("NO_COLOR", "")], true),
            (Color::Auto, true, &[("CLICOLOR", "0")], false),
            (Color::Auto, false, &[("CLICOLOR", "1")], false),
            (Color::Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Color::Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Color::Auto, true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (Color::Auto, true, &[("TERM", "dumb")], false),
            (Color::Always, false, &[("NO_COLOR", "1")], true),
            (Color::Never, true, &[("CLICOLOR_FORCE", "1")], false),
        ] {
            let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into());
            assert_eq!(color.wanted(terminal, variable), wanted, "{color:?} {terminal} {variables:?}");
        }
    }
}
