//! An archive as users name it: a file or standard input.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::places::Stream;
use super::unreadable;
use crate::error::Result;

/// Where the bytes of an archive come from.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input, which can be read once only.
    Stdin,
    /// What an engine sends.
    Stream(Stream),
}

impl Input {
    /// `-` is standard input, anything else is a path.
    pub fn new(path: &str) -> Self {
        if path == "-" { Input::Stdin } else { Input::File(path.into()) }
    }

    /// The bytes as they are.
    ///
    /// # Errors
    /// The file cannot be opened, or is no regular file or pipe.
    pub fn raw(&self) -> Result<Box<dyn Read + Send>> {
        match self {
            Input::Stdin => Ok(Box::new(io::stdin())),
            Input::Stream(stream) => stream.open(),
            Input::File(path) => Ok(Box::new(open(path, &self.to_string(), Pipes::Allowed)?.0)),
        }
    }

    /// Whether it can be read from its start once more.
    pub fn comes_again(&self) -> bool {
        self.is_regular() || matches!(self, Input::Stream(_))
    }

    /// Whether it can be opened again and read from any place.
    pub fn is_regular(&self) -> bool {
        matches!(self, Input::File(path) if path.is_file())
    }

    /// Whether it is a tar archive that is not compressed, to be read in any order.
    ///
    /// # Errors
    /// As [`Input::raw`].
    pub fn is_plain_tar(&self) -> Result<bool> {
        if !self.is_regular() {
            return Ok(false);
        }
        let mut head = Vec::new();
        self.raw()?.take(512).read_to_end(&mut head).map_err(|e| unreadable(self.to_string(), &e))?;
        Ok(super::tarball::is_tar(&head))
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::File(path) => write!(f, "`{}`", path.display()),
            Input::Stdin => f.write_str("standard input"),
            Input::Stream(stream) => f.write_str(stream.place()),
        }
    }
}

/// Whether a named pipe will do: yes for what the user names (`<(docker save app)`), no inside an image layout, where
/// opening it would wait for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pipes {
    Allowed,
    Refused,
}

/// Opens a file for reading and gives its length.
///
/// Directories, devices and sockets are refused by name: opening a directory succeeds and reading it then fails with
/// an error that explains nothing, and a terminal or device would wait for ever.
pub(super) fn open(path: &Path, reading: &str, pipes: Pipes) -> Result<(File, u64)> {
    use std::os::unix::fs::FileTypeExt;
    let metadata = path.metadata().map_err(|e| unreadable(reading, &e))?;
    let kind = metadata.file_type();
    let problem = match () {
        () if kind.is_dir() => Some("it is a directory, where a file was expected"),
        () if kind.is_fifo() && pipes == Pipes::Refused => Some("it is a named pipe, where a file was expected"),
        () if kind.is_socket() || kind.is_block_device() || kind.is_char_device() => Some("it is not a file"),
        () => None,
    };
    if let Some(problem) = problem {
        return Err(crate::error::Error::new(reading, problem));
    }
    let file = File::open(path).map_err(|e| unreadable(reading, &e))?;
    Ok((file, metadata.len()))
}
