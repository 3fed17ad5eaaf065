//! `imagelint config`: which `imagelint.toml` is in force, and the schema for editors.

use clap::{Args, Subcommand};
use imagelint::config::SCHEMA;

use super::Exit;
use super::output::{self, Result};
use super::project::File;

/// As typed.
#[derive(Debug, Args)]
pub struct Typed {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    file: File,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read the configuration that is in force, and say where it is (the default)
    Show,
    /// Write the JSON schema of imagelint.toml to standard output
    Schema,
}

/// Shows the configuration, or its schema.
pub fn run(typed: Typed) -> Result<Exit> {
    output::print(&match typed.action {
        None | Some(Action::Show) => shown(&typed.file)?,
        Some(Action::Schema) => SCHEMA.to_owned(),
    })?;
    Ok(Exit::Clean)
}

fn shown(file: &File) -> Result<String> {
    Ok(match file.read()? {
        None => "there is no imagelint.toml here or above: everything is as without it\n".to_owned(),
        Some(config) => {
            let (rules, ignores, images) = (config.levels.len(), config.ignores.len(), config.sections.len());
            format!("{}: rules set: {rules}, ignores: {ignores}, sections for images: {images}\n", config.name)
        }
    })
}
