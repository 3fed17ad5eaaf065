//! The root file system: changesets merged by inode, and Linux's way through it.
//!
//! Layers are applied base first as the image specification says (layer.md, *Applying Changesets*), with the
//! details that all engines share and the specification leaves open (see [`Rootfs::build`]).

mod apply;
mod credentials;
mod resolve;
mod tree;

pub use apply::{Refusal, RefusalKind};
pub use credentials::{Class, Credentials, EXECUTE, READ};
pub use resolve::{PathError, Resolved};

pub use tree::{Ino, Inode, Kind, Rootfs};

use std::fmt;

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
