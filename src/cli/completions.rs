//! `imagelint completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Exit;
use super::output::{self, Result};

/// As typed.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Typed {
    /// The shell
    shell: Shell,
}

/// Writes the completions.
pub fn run(typed: Typed) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(typed.shell, &mut super::CommandLine::command(), "imagelint", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}
