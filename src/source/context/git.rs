//! What git knows of a directory. Of git only `ls-files` is run, and told to run nothing itself.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bstr::{BString, ByteSlice};

use super::{Kind, Listed};

/// The repository that a directory lies in: where its `.git` is.
pub fn repository(directory: &Path) -> Option<PathBuf> {
    let whole = directory.canonicalize().ok()?;
    whole.ancestors().find(|above| above.join(".git").exists()).map(Path::to_path_buf)
}

/// The path of a directory in its repository: empty, or with a `/` at the end.
pub fn prefix(directory: &Path, repository: &Path) -> Option<BString> {
    let inside = directory.strip_prefix(repository).ok()?.as_os_str().as_bytes();
    Some(if inside.is_empty() { BString::default() } else { [inside, b"/"].concat().into() })
}

/// The files below a directory that git tracks, as its index has them; `None` if git cannot be asked.
pub fn tracked(directory: &Path) -> Option<BTreeMap<BString, Listed>> {
    let output = Command::new("git")
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-C"])
        .arg(directory)
        .args(["ls-files", "-s", "-z"])
        // githooks(5): set for a hook, and then believed more than the directory.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_PREFIX")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| output.stdout.split_str("\0").filter_map(entry).collect())
}

/// `MODE ID STAGE\tPATH` (git-ls-files(1)).
fn entry(line: &[u8]) -> Option<(BString, Listed)> {
    let (head, path) = line.split_once_str("\t")?;
    let mut fields = head.split_str(" ");
    let (mode, blob) = (fields.next()?, fields.next()?.to_str().ok()?.to_owned());
    let (kind, mode) = match mode {
        b"100755" => (Kind::Regular, 0o755),
        b"100644" => (Kind::Regular, 0o644),
        b"120000" => (Kind::Symlink, 0o777),
        _ => return None,
    };
    Some((path.into(), Listed { kind, mode, blob: Some(blob) }))
}
