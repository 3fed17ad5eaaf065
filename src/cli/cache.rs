//! `imagelint cache`: what is remembered of layers, and how to forget it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use imagelint::report::escape::visible;
use imagelint::source::{Contents, Store};

use super::Exit;
use super::options::usual;
use super::output::{self, Complaint, Result};

/// As typed.
#[derive(Debug, Args)]
pub struct Typed {
    #[command(subcommand)]
    action: Option<Action>,
    /// Where it is [default: $XDG_CACHE_HOME/imagelint, or ~/.cache/imagelint]
    #[arg(long, value_name = "DIR", env = "IMAGELINT_CACHE_DIR", global = true)]
    cache_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say where it is and how much is in it (the default)
    Show,
    /// Remove all of it
    Clear,
}

/// Shows the cache, or clears it.
pub fn run(typed: Typed) -> Result<Exit> {
    let no_place =
        || Complaint::new("there is no place for a cache: HOME names no directory").help("name one with --cache-dir");
    let store = Store::new(typed.cache_dir.or_else(usual).ok_or_else(no_place)?);
    let place = visible(store.directory().as_os_str().as_encoded_bytes());
    let done = match typed.action {
        None | Some(Action::Show) => store.contents().map(|held| format!("{place}: {}\n", words(held))),
        Some(Action::Clear) => store.clear().map(|gone| format!("{place}: removed {}\n", words(gone))),
    };
    let text = done.map_err(|error| Complaint::new(format!("could not look into the cache `{place}`: {error}")))?;
    output::print(&text)?;
    Ok(Exit::Clean)
}

fn words(Contents { entries, bytes }: Contents) -> String {
    let noun = if entries == 1 { "entry" } else { "entries" };
    format!("{entries} {noun}, {:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
