//! Where the bytes come from; the only place that touches disk and sockets. Nothing is ever written.

mod archive;
pub mod context;
pub mod decode;
mod directory;
mod held;
mod input;
mod layout;
mod members;
pub mod places;
#[cfg(feature = "remote")]
pub mod remote;
mod store;
mod tarball;
pub mod verify;

pub use archive::Archive;
pub use directory::{Found, unreadable_below, walk};
pub use held::Held;
pub use input::Input;
pub use layout::Layout;
pub use members::{Members, clean};
pub use store::{Contents, Keep, Key, Store};
pub(crate) use tarball::is_tar;
pub use tarball::{Kind, Member, Tarball};

use std::io::{self, Read};

use crate::error::{Error, Result};

/// One file of a source, not verified yet.
pub struct Opened {
    /// The bytes, from the first.
    pub reader: Box<dyn Read + Send>,
    /// How many there are.
    pub size: u64,
}

/// A source whose files can be opened by name, in any order and several at a time.
///
/// Names are relative to the image layout or archive: `index.json`, `blobs/sha256/…`.
pub trait Blobs: Send + Sync {
    /// Opens `name`; `None` if there is no such file.
    ///
    /// # Errors
    /// It is there, and cannot be read.
    fn open(&self, name: &str) -> Result<Option<Opened>>;

    /// Opens the `len` bytes at `start` of `name`, where parts can be had without the rest, which costs more than it
    /// gains on a disk; otherwise `None`.
    ///
    /// # Errors
    /// As [`Blobs::open`].
    fn part(&self, name: &str, start: u64, len: u64) -> Result<Option<Opened>> {
        let _ = (name, start, len);
        Ok(None)
    }

    /// What is being read, for messages: ``archive `x.tar` ``.
    fn place(&self) -> &str;
}

/// The error for an operating system's refusal to read `reading`, in its words and with a hint where there is one.
pub fn unreadable(reading: impl Into<String>, error: &io::Error) -> Error {
    let reading = reading.into();
    match error.kind() {
        io::ErrorKind::NotFound => Error::new(reading, "no such file or directory"),
        io::ErrorKind::PermissionDenied => {
            Error::new(reading, "permission denied").help("run as a user who may read it, such as root")
        }
        io::ErrorKind::IsADirectory => Error::new(reading, "it is a directory"),
        io::ErrorKind::UnexpectedEof => {
            Error::new(reading, words(error)).help("the file is truncated: save or download it again")
        }
        _ => Error::new(reading, error),
    }
}

/// What the operating system or a decompressor says, plainly.
pub(crate) fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}
