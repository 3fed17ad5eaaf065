//! `imagelint init`: what makes imagelint part of a repository. Nothing that is there is ever changed.

mod ask;
mod part;

use std::path::{Path, PathBuf};

use clap::Args;
use imagelint::report::escape::visible;

use super::output::{self, Complaint, Result};
use super::{Exit, git};
use part::{Done, Part};

/// As typed.
#[derive(Debug, Args)]
pub struct Typed {
    /// imagelint.toml, which changes nothing and shows what can be said
    #[arg(long)]
    config: bool,
    /// A pre-push hook for git: a push with a defect in a Dockerfile is refused
    #[arg(long)]
    hook: bool,
    /// A workflow for GitHub Actions
    #[arg(long)]
    github: bool,
    /// A job for GitLab CI
    #[arg(long)]
    gitlab: bool,
}

impl Typed {
    fn parts(&self) -> Vec<Part> {
        let flags = [self.config, self.hook, self.github, self.gitlab];
        Part::ALL.into_iter().zip(flags).filter_map(|(part, wanted)| wanted.then_some(part)).collect()
    }
}

/// Writes what is asked for.
pub fn run(typed: &Typed) -> Result<Exit> {
    let here = std::env::current_dir().map_err(|e| Complaint::new(format!("there is no working directory: {e}")))?;
    let top = git::top(&here);
    let parts = match typed.parts() {
        parts if !parts.is_empty() => parts,
        _ if ask::is_possible() => ask::parts(top.as_deref().unwrap_or(&here))?,
        _ => return Err(undecided()),
    };
    let mut exit = Exit::Clean;
    for part in parts {
        let place = place(part, &here, &top)?;
        let done = part.write(&place)?;
        exit = exit.max(told(&done, &here)?);
    }
    Ok(exit)
}

/// The top of the work tree; a configuration may also be for a directory that is none.
fn place(part: Part, here: &Path, top: &Result<PathBuf>) -> Result<PathBuf> {
    match (top, part) {
        (Ok(top), _) => Ok(top.clone()),
        (Err(_), Part::Config) => Ok(here.to_owned()),
        (Err(why), _) => Err(Complaint::new(why.parts().0)
            .help("begin in the work tree of a repository, or with `git init`; only --config can do without")),
    }
}

fn undecided() -> Complaint {
    let flags: Vec<_> = Part::ALL.iter().map(|part| part.flag()).collect();
    Complaint::new("nothing says what is to be written, and there is no terminal to ask on")
        .help(format!("name one or more of {}", flags.join(", ")))
}

fn told(done: &Done, here: &Path) -> Result<Exit> {
    let shown = |path: &Path| visible(path.strip_prefix(here).unwrap_or(path).as_os_str().as_encoded_bytes());
    let (text, exit) = match done {
        Done::Wrote(path, so) => (format!("wrote {}: {so}\n", shown(path)), Exit::Clean),
        Done::There(path) => (format!("{} is there already and was left alone\n", shown(path)), Exit::Clean),
        Done::Add(path, lines) => {
            (format!("{} is there and was left alone; add to it\n\n{lines}\n", shown(path)), Exit::CouldNotLook)
        }
    };
    output::print(&text)?;
    Ok(exit)
}
