//! What can be written, where, and what is done about a file that is there.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use imagelint::config;

use crate::cli::git;
use crate::cli::output::{Complaint, Result};

/// What makes imagelint part of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// imagelint.toml.
    Config,
    /// The pre-push hook.
    Hook,
    /// The workflow for GitHub.
    Github,
    /// The job for GitLab.
    Gitlab,
}

/// What became of it.
#[derive(Debug)]
pub enum Done {
    /// Written: where, and what that means.
    Wrote(PathBuf, &'static str),
    /// Was there, and nothing is missing.
    There(PathBuf),
    /// Something else is there, to which these lines are to be added by hand.
    Add(PathBuf, &'static str),
}

const HOOK: &str = include_str!("pre-push");
/// Lints the work tree, which is less than our own hook does, and one line.
const HOOK_LINE: &str = "    imagelint check --tracked </dev/null >&2 || exit 1";
const GITHUB: &str = include_str!("github.yml");
const GITLAB: &str = include_str!("gitlab.yml");
const GITLAB_JOB: &str = ".gitlab/imagelint.gitlab-ci.yml";
const GITLAB_MAIN: &str = "include:\n  - local: .gitlab/imagelint.gitlab-ci.yml\n";
const GITLAB_LINES: &str = "    include:\n      - local: .gitlab/imagelint.gitlab-ci.yml";

impl Part {
    /// All, in the order in which they are written.
    pub const ALL: [Part; 4] = [Part::Config, Part::Hook, Part::Github, Part::Gitlab];

    /// How the command line names it.
    pub fn flag(self) -> &'static str {
        match self {
            Part::Config => "--config",
            Part::Hook => "--hook",
            Part::Github => "--github",
            Part::Gitlab => "--gitlab",
        }
    }

    /// Writes it for the work tree at `top`, unless something is there.
    pub fn write(self, top: &Path) -> Result<Done> {
        match self {
            Part::Config => {
                let path = top.join(config::FILE_NAME);
                let wrote = created(&path, &config::initial(), 0o666)?;
                Ok(done(path, wrote, "it changes nothing yet"))
            }
            Part::Hook => hook(top),
            Part::Github => {
                let path = top.join(".github/workflows/imagelint.yml");
                let wrote = created(&path, GITHUB, 0o666)?;
                Ok(done(path, wrote, "it runs on pull requests, once it is pushed"))
            }
            Part::Gitlab => gitlab(top),
        }
    }
}

fn done(path: PathBuf, wrote: bool, so: &'static str) -> Done {
    if wrote { Done::Wrote(path, so) } else { Done::There(path) }
}

fn hook(top: &Path) -> Result<Done> {
    if let Some(place) = git::shared_hooks(top) {
        let what = format!("the hooks of all your repositories are in `{place}`, as core.hooksPath says");
        return Err(Complaint::new(what)
            .help("give this one hooks of its own, `git config --local core.hooksPath .git/hooks`, and ask again"));
    }
    let path = git::hooks(top)?.join("pre-push");
    let wrote = created(&path, HOOK, 0o777)?;
    if !wrote && !mentions(&path, "imagelint") {
        return Ok(Done::Add(path, HOOK_LINE));
    }
    Ok(done(path, wrote, "`git push` lints the Dockerfiles of what it pushes"))
}

fn gitlab(top: &Path) -> Result<Done> {
    let (job, main) = (top.join(GITLAB_JOB), top.join(".gitlab-ci.yml"));
    let wrote = created(&job, GITLAB, 0o666)?;
    if !created(&main, GITLAB_MAIN, 0o666)? && !mentions(&main, GITLAB_JOB) {
        return Ok(Done::Add(main, GITLAB_LINES));
    }
    Ok(done(job, wrote, "it runs once it is pushed; .gitlab-ci.yml includes it"))
}

/// Whether it was made; nothing is if something has the name, be it a link that leads nowhere (open(2), O_EXCL).
fn created(path: &Path, text: &str, mode: u32) -> Result<bool> {
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    let file = parent.and_then(|()| OpenOptions::new().write(true).create_new(true).mode(mode).open(path));
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.symlink_metadata().is_ok() => Ok(false),
        Err(error) => Err(Complaint::new(format!("could not write `{}`: {error}", path.display()))),
    }
}

fn mentions(path: &Path, word: &str) -> bool {
    fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(word))
}
