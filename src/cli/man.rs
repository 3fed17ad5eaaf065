//! `imagelint man`.

use clap::CommandFactory;

use super::Exit;
use super::output::{self, Complaint, Result};

/// Writes the manual page.
pub fn run() -> Result<Exit> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(super::CommandLine::command()).render(&mut page);
    rendered.map_err(|e| Complaint::new(format!("could not write the manual page: {e}")))?;
    output::print(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Clean)
}
