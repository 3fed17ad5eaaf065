//! The root file system: changesets merged by inode, and Linux's way through it.
//!
//! Layers are applied base first as the image specification says (layer.md, *Applying Changesets*), with the
//! details that all engines share and the specification leaves open (see [`Rootfs::build`]). The tree that changes while
//! they are (`grow`) is nobody else's; what comes of it ([`Rootfs`]) changes no more, is as small as its names and some
//! numbers, and is kept as it is ([`crate::format::tree`]): whoever has the same layers verified again need not apply them.

mod again;
mod apply;
mod children;
mod credentials;
mod grow;
mod kept;
mod resolve;
mod tree;
mod view;
mod walk;

pub use apply::{Refusal, RefusalKind};
pub use credentials::{Class, Credentials, EXECUTE, READ};
pub use kept::Kept;
pub use tree::{Entries, Ino, Inode, Kind, Names, Rootfs};
pub use view::{Likeness, View};

use std::fmt;

use bstr::BString;

/// Error numbers of errno(3) that a container start can end with.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errno {
    ENOENT,
    EACCES,
    ENOTDIR,
    EISDIR,
    ELOOP,
    ENAMETOOLONG,
    ENOEXEC,
    E2BIG,
    EPERM,
    EIO,
    ELIBBAD,
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Errno {
    /// The text that runtimes print for it (strerror(3), in lower case as Go has it).
    pub fn text(self) -> &'static str {
        match self {
            Errno::ENOENT => "no such file or directory",
            Errno::EACCES => "permission denied",
            Errno::ENOTDIR => "not a directory",
            Errno::EISDIR => "is a directory",
            Errno::ELOOP => "too many levels of symbolic links",
            Errno::ENAMETOOLONG => "file name too long",
            Errno::ENOEXEC => "exec format error",
            Errno::E2BIG => "argument list too long",
            Errno::EPERM => "operation not permitted",
            Errno::EIO => "input/output error",
            Errno::ELIBBAD => "accessing a corrupted shared library",
        }
    }
}

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
    /// What would have come after it.
    pub rest: BString,
    /// ENOENT, and the absent component is in the target of a link.
    pub dangling: bool,
    /// Links followed before that: path of the link, target.
    pub links: Vec<(BString, BString)>,
    /// The layer that removed `at`, if it was there in an earlier one.
    pub removed_by: Option<usize>,
    /// Nothing can be said, and why: it leads below /proc or /sys, which only the running container has, or takes more
    /// steps than are taken here.
    pub unknowable: Option<&'static str>,
}
