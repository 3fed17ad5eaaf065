//! What git is asked: where a repository is, where its hooks are, what it tracks.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::output::{Complaint, Result};

/// What git prints for `arguments` in `directory`, and how it ended. It runs nothing itself and takes no lock.
fn run(directory: &Path, arguments: &[&OsStr]) -> Result<Output> {
    let mut git = Command::new("git");
    git.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-C"]).arg(directory).args(arguments);
    // githooks(5): a hook of another repository, or of this one, may have these set, and git would believe them.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX"] {
        git.env_remove(name);
    }
    git.stdin(Stdio::null()).output().map_err(|e| Complaint::new(format!("could not run git: {e}")))
}

/// What it prints; what it complains of is ours, too.
fn ask(directory: &Path, arguments: &[&OsStr]) -> Result<Vec<u8>> {
    let output = run(directory, arguments)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let (first, rest) = said.trim().split_once('\n').unwrap_or((said.trim(), ""));
    let complaint = Complaint::new(format!("git: {}", first.strip_prefix("fatal: ").unwrap_or(first)));
    Err(if rest.is_empty() { complaint } else { complaint.help(rest.trim()) })
}

/// One line that it prints, as a path.
fn path(directory: &Path, arguments: &[&str]) -> Result<PathBuf> {
    let arguments: Vec<_> = arguments.iter().map(OsStr::new).collect();
    let mut line = ask(directory, &arguments)?;
    line.pop_if(|last| *last == b'\n');
    Ok(OsString::from_vec(line).into())
}

/// The top of the work tree that `directory` is in.
pub fn top(directory: &Path) -> Result<PathBuf> {
    path(directory, &["rev-parse", "--show-toplevel"])
}

/// Where the hooks of the work tree at `top` are: in `.git`, in that of the main work tree, or at core.hooksPath, which
/// may be relative to the work tree (git-config(1)).
pub fn hooks(top: &Path) -> Result<PathBuf> {
    Ok(top.join(path(top, &["rev-parse", "--git-path", "hooks"])?))
}

/// Whether core.hooksPath is set for more than the repository at `top`, and where to.
pub fn shared_hooks(top: &Path) -> Option<String> {
    let output = run(top, &["config", "--show-scope", "--get", "core.hooksPath"].map(OsStr::new)).ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let (scope, path) = said.trim_end().split_once('\t')?;
    (!matches!(scope, "local" | "worktree")).then(|| path.to_owned())
}

/// The files below `directory` that git tracks and that `pathspecs` name, relative to it; all if there are none.
pub fn tracked(directory: &Path, pathspecs: &[String]) -> Result<Vec<PathBuf>> {
    let arguments = ["ls-files", "-z", "--"].into_iter().chain(pathspecs.iter().map(String::as_str));
    let listed = ask(directory, &arguments.map(OsStr::new).collect::<Vec<_>>())?;
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| OsStr::from_bytes(name).into()).collect())
}
