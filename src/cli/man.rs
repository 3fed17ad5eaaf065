//! `imagelint man [COMMAND]`.

use clap::{Args, CommandFactory};

use super::Exit;
use super::output::{self, Complaint, Result};

/// As typed.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Typed {
    /// The subcommand that the page is about [default: the whole]
    command: Option<String>,
}

/// Writes the manual page.
pub fn run(typed: &Typed) -> Result<Exit> {
    let mut whole = super::CommandLine::command();
    whole.build();
    let command = match &typed.command {
        None => whole,
        Some(name) => whole.find_subcommand(name).cloned().ok_or_else(|| unknown(name, &whole))?,
    };
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(|e| Complaint::new(format!("could not write the manual page: {e}")))?;
    output::print(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Clean)
}

fn unknown(name: &str, whole: &clap::Command) -> Complaint {
    let names: Vec<_> = whole.get_subcommands().map(clap::Command::get_name).collect();
    Complaint::new(format!("there is no command `{name}`")).help(format!("there are {}", names.join(", ")))
}
