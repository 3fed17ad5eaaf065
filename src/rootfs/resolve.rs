//! path_resolution(7) within the image.

use bstr::BString;

use super::{Errno, Ino};

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The inode.
    pub ino: Ino,
    /// Its path without links.
    pub path: BString,
    /// Links followed: path of the link, target.
    pub links: Vec<(BString, BString)>,
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// ENOENT, ENOTDIR, EACCES (a directory on the way may not be searched), ELOOP or ENAMETOOLONG.
    pub errno: Errno,
    /// The path, links resolved, of the component that decides: absent (ENOENT), a file (ENOTDIR), closed (EACCES),
    /// or the link one too many (ELOOP).
    pub at: BString,
    /// Links followed before that: path of the link, target.
    pub links: Vec<(BString, BString)>,
    /// The layer that removed `at`, if it was there in an earlier one.
    pub removed_by: Option<usize>,
    /// It leads below /proc or /sys, which only the running container has: nothing can be said.
    pub unknowable: bool,
}
