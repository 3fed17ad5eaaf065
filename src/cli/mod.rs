//! The command line: as typed, to options, to one of the subcommands.

mod cache;
mod check;
mod completions;
mod config;
mod directory;
mod dockerfile;
mod explain;
mod fix;
mod git;
mod init;
mod man;
mod near;
mod options;
mod output;
mod plugin;
mod progress;
mod project;
mod rules;
mod target;
mod trace;
mod tracked;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use imagelint::report::escape::visible;

use output::{Color, Complaint, Result};
use plugin::Asked;

/// Predicts, without running it, whether a container image can start, and what its exit code will be.
///
/// `imagelint IMAGE` is short for `imagelint check IMAGE`.
#[derive(Debug, Parser)]
#[command(
    name = "imagelint",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 could not look."
)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    check: check::Typed,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lint images: can they start, and if not, why (the default)
    Check(check::Typed),
    /// Show how an image starts, step by step, and how that ends under each engine
    Trace(trace::Typed),
    /// Explain a rule, an exit code, or an error text of a container runtime
    Explain(explain::Typed),
    /// List the rules
    Rules(rules::Typed),
    /// Show or clear what is remembered of layers
    Cache(cache::Typed),
    /// Show which imagelint.toml is in force, or its JSON schema
    Config(config::Typed),
    /// Make it part of a repository: imagelint.toml, a hook for git, jobs for GitHub and GitLab
    Init(init::Typed),
    /// Write completions for a shell to standard output
    Completions(completions::Typed),
    /// Write the manual page to standard output
    Man(man::Typed),
}

impl CommandLine {
    /// What `--color` says, wherever it stands.
    fn color(&self) -> Color {
        match &self.command {
            None => self.check.show.color,
            Some(Command::Check(typed)) => typed.show.color,
            Some(Command::Trace(typed)) => typed.show.color,
            Some(Command::Explain(typed)) => typed.color,
            Some(Command::Rules(typed)) => typed.color,
            Some(
                Command::Cache(_) | Command::Config(_) | Command::Init(_) | Command::Completions(_) | Command::Man(_),
            ) => Color::Auto,
        }
    }
}

/// What the program ends with; the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing to complain about.
    Clean,
    /// Findings at or above the threshold.
    Findings,
    /// It could not look.
    CouldNotLook,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Takes the command line apart and does what it says.
pub fn run() -> Exit {
    let arguments: Vec<_> = std::env::args_os().collect();
    let asked = match foreign(arguments.iter().skip(1)) {
        Some(complaint) => Err(complaint),
        None => plugin::asked(arguments),
    };
    let done = match asked {
        Ok(Asked::Usual(arguments)) => return done(CommandLine::parse_from(arguments)),
        Ok(Asked::Metadata(text)) => output::print(&text),
        Err(complaint) => Err(complaint),
    };
    ended(done.map(|()| Exit::Clean), Color::Auto)
}

/// The complaint about an argument that is not UTF-8, which clap would refuse without naming it.
fn foreign<'a>(mut arguments: impl Iterator<Item = &'a OsString>) -> Option<Complaint> {
    let argument = arguments.find(|argument| argument.to_str().is_none())?;
    let shown = visible(argument.as_encoded_bytes());
    let complaint = Complaint::new(format!("the argument `{shown}` is not UTF-8, and names must be"));
    Some(complaint.help("give the file another name, or hand the archive to `imagelint -` on standard input"))
}

/// Does what was typed.
fn done(typed: CommandLine) -> Exit {
    let color = typed.color();
    let done = match typed.command {
        None => check::run(typed.check),
        Some(Command::Check(typed)) => check::run(typed),
        Some(Command::Trace(typed)) => trace::run(typed),
        Some(Command::Explain(typed)) => explain::run(typed),
        Some(Command::Rules(typed)) => rules::run(typed),
        Some(Command::Cache(typed)) => cache::run(typed),
        Some(Command::Config(typed)) => config::run(typed),
        Some(Command::Init(typed)) => init::run(&typed),
        Some(Command::Completions(typed)) => completions::run(typed),
        Some(Command::Man(typed)) => man::run(&typed),
    };
    ended(done, color)
}

fn ended(done: Result<Exit>, color: Color) -> Exit {
    done.unwrap_or_else(|complaint| {
        complaint.say(None, color);
        Exit::CouldNotLook
    })
}
