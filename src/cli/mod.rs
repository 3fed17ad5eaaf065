//! The command line: as typed, to options, to one of the subcommands.

mod check;
mod completions;
mod explain;
mod man;
mod near;
mod options;
mod output;
mod progress;
mod rules;
mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::{Color, Complaint};

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
    /// Write completions for a shell to standard output
    Completions(completions::Typed),
    /// Write the manual page to standard output
    Man,
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

/// Does what was typed.
pub fn run(typed: CommandLine) -> Exit {
    let done = match typed.command {
        None => check::run(typed.check),
        Some(Command::Check(typed)) => check::run(typed),
        Some(Command::Trace(typed)) => trace::run(typed),
        Some(Command::Explain(typed)) => explain::run(typed),
        Some(Command::Rules(typed)) => rules::run(typed),
        Some(Command::Completions(typed)) => completions::run(typed),
        Some(Command::Man) => man::run(),
    };
    done.unwrap_or_else(|complaint: Complaint| {
        complaint.say(None, Color::Auto);
        Exit::CouldNotLook
    })
}
