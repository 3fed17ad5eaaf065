//! Where things are written: reports to standard output and files, complaints to standard error.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

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

    /// Says it on standard error; `image` if it is about one.
    pub fn say(&self, image: Option<&str>, color: Color) {
        let style = style_for(color, Detail::Full, io::stderr().is_terminal());
        let title = image.map_or("error".to_owned(), |image| format!("error: {image}"));
        let text = text::problem(&title, &self.message, self.help.as_deref(), &style);
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
    /// no-color.org, and what clicolor says of CLICOLOR_FORCE.
    fn wanted(self, terminal: bool) -> bool {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
            Color::Auto => set("CLICOLOR_FORCE") || terminal && env::var_os("TERM").is_none_or(|term| term != "dumb"),
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
        color: color.wanted(terminal),
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

/// Writes to standard output. A reader that has gone away, as `head` does, is no error.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Complaint::new(format!("could not write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes `text` to `path` whole or not at all: to a new file beside it, which then takes its name.
pub fn write_file(path: &Path, text: &str) -> Result<()> {
    let temporary = beside(path);
    let created = OpenOptions::new().write(true).create_new(true).open(&temporary);
    let written = created.and_then(|mut file| {
        let renamed = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&temporary, path));
        if renamed.is_err() {
            // It is ours, and of no use.
            let _ = fs::remove_file(&temporary);
        }
        renamed
    });
    written.map_err(|e| Complaint::new(format!("could not write the report `{}`: {e}", path.display())))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}
