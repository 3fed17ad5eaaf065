//! The working directory: entered, or made, before the command is looked up.

use bstr::{BStr, BString};

use super::outcome::{Cause, Outcome, Phase, WorkingDirProblem};
use super::runtime::Runtime;
use crate::rootfs::{Credentials, Errno, Kind, PathError, View};

/// Enters `configured` (`/` if empty) and returns where that is, free of links.
///
/// An absent one is made, root's and 0755. It is entered with root's rights, so a closed one is no failure (runc
/// `finalizeNamespace` tries again before it drops them).
///
/// # Errors
/// How the start ends.
pub fn enter(view: &mut View<'_>, configured: &str, runtime: &Runtime) -> Result<BString, Outcome> {
    let path = if configured.is_empty() { "/" } else { configured };
    if !path.starts_with('/') && !runtime.lookup.is_crun() {
        return Err(fails(path, None, WorkingDirProblem::Relative));
    }
    match view.resolve(path.as_bytes(), b"/", &Credentials::root()) {
        Ok(found) if view.inode(found.ino).kind.is_directory() => Ok(found.path),
        Ok(found) if matches!(found.path.as_slice(), b"/proc" | b"/sys") => Ok(found.path),
        Ok(found) if matches!(view.inode(found.ino).kind, Kind::Unknowable) => {
            Err(Outcome::Unknown(format!("what the working directory `{path}` is, only the running container has")))
        }
        Ok(found) => Err(fails(path, Some(Errno::ENOTDIR), WorkingDirProblem::Path(not_a_directory(found.path)))),
        Err(error) if error.unknowable.is_some() => {
            Err(Outcome::Unknown(format!("the working directory `{path}` is in /proc or /sys")))
        }
        Err(error) if error.errno == Errno::ENOENT && (!error.dangling || runtime.creates_workdir_link_target) => {
            Ok(view.make_directories(BStr::new(&error.at), BStr::new(&error.rest)))
        }
        Err(error) if error.dangling => Err(fails(path, Some(Errno::ENOENT), WorkingDirProblem::DanglingLink(error))),
        Err(error) => Err(fails(path, Some(error.errno), WorkingDirProblem::Path(error))),
    }
}

fn not_a_directory(at: BString) -> PathError {
    PathError {
        errno: Errno::ENOTDIR,
        at,
        rest: BString::default(),
        dangling: false,
        links: Vec::new(),
        removed_by: None,
        unknowable: None,
    }
}

fn fails(path: &str, errno: Option<Errno>, problem: WorkingDirProblem) -> Outcome {
    Outcome::Fails { phase: Phase::WorkingDir, errno, cause: Cause::WorkingDir { path: path.into(), problem } }
}
