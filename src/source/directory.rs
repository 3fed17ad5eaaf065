//! A root file system as a directory: every file below it, links not followed, in the order of their names.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::unreadable;
use crate::error::{Error, Result};

/// Kernel file systems of a running machine: mounted over in every container, and not part of an image.
const KERNEL: [&str; 3] = ["proc", "sys", "dev"];

/// Deeper than any path the kernel would take (PATH_MAX is 4096 bytes, two a directory).
const MAX_DEPTH: usize = 2048;

/// One file found.
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// The same from the root file system's root, without a leading `/`.
    pub name: PathBuf,
    /// Of the file itself, not of what it may link to.
    pub metadata: Metadata,
}

/// Visits everything below `root`, a directory before what is in it.
///
/// # Errors
/// A directory cannot be listed or a file not looked at, or `visit` fails.
pub fn walk(root: &Path, visit: &mut dyn FnMut(Found) -> Result<()>) -> Result<()> {
    // Depth first by a stack of listings rather than by recursion: depth is the file system's choice, not ours.
    let mut listings = vec![list(root)?.into_iter()];
    while let Some(listing) = listings.last_mut() {
        let Some(path) = listing.next() else {
            listings.pop();
            continue;
        };
        let metadata = path.symlink_metadata().map_err(|e| unreadable_below(&path, &e))?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
        let descend = metadata.is_dir() && !KERNEL.iter().any(|k| name.as_os_str() == OsStr::new(k));
        visit(Found { path: path.clone(), name, metadata })?;
        if descend {
            if listings.len() >= MAX_DEPTH {
                return Err(Error::new(display(&path), "directories are nested too deeply"));
            }
            listings.push(list(&path)?.into_iter());
        }
    }
    Ok(())
}

fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|e| unreadable_below(directory, &e))?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    Ok(paths)
}

/// The error for a file of a root file system that cannot be read.
pub fn unreadable_below(path: &Path, error: &io::Error) -> Error {
    let unreadable = unreadable(display(path), error);
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            unreadable.help("run as root, or name a tar archive of the root file system instead")
        }
        _ => unreadable,
    }
}

fn display(path: &Path) -> String {
    format!("`{}`", path.display())
}
