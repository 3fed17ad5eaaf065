//! A root file system as a directory: every file below it, links not followed, in the order of their names.
//!
//! File systems mounted below it are entered, for `/usr` may be one. What lies so deep that its path is longer than
//! Linux takes is left out: it cannot be opened by its path here, nor by the process of a container.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::unreadable;
use crate::error::{Error, Result};

/// Kernel file systems of a running machine: mounted over in every container, and not part of an image.
const KERNEL: [&str; 3] = ["proc", "sys", "dev"];

/// A length that no path has (limits.h). It bounds the depth as well.
const PATH_MAX: usize = 4096;

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
    let mut listings = vec![Listing::of(root.to_owned())?];
    while let Some(listing) = listings.last_mut() {
        let Some(file) = listing.names.next() else {
            listings.pop();
            continue;
        };
        let path = listing.directory.join(file);
        if path.as_os_str().len() >= PATH_MAX {
            continue;
        }
        let metadata = path.symlink_metadata().map_err(|e| unreadable_below(&path, &e))?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
        let descend = metadata.is_dir() && !KERNEL.iter().any(|k| name.as_os_str() == OsStr::new(k));
        visit(Found { path: path.clone(), name, metadata })?;
        if descend {
            listings.push(Listing::of(path)?);
        }
    }
    Ok(())
}

/// What of a directory is still to be visited; names only, for there may be millions.
struct Listing {
    directory: PathBuf,
    names: std::vec::IntoIter<OsString>,
}

impl Listing {
    fn of(directory: PathBuf) -> Result<Self> {
        let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name());
        let names = fs::read_dir(&directory).and_then(|entries| entries.map(name).collect::<io::Result<Vec<_>>>());
        let mut names = names.map_err(|e| unreadable_below(&directory, &e))?;
        names.sort_unstable();
        Ok(Listing { directory, names: names.into_iter() })
    }
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
