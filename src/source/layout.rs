//! An OCI image layout as a directory (image-spec, image-layout.md).

use std::path::PathBuf;

use super::input::{self, Pipes};
use super::{Blobs, Opened};
use crate::error::{Error, Result};

/// A directory that holds `oci-layout`, `index.json` and `blobs`.
#[derive(Debug)]
pub struct Layout {
    root: PathBuf,
    place: String,
}

impl Layout {
    /// Names the directory; it is looked at when a file of it is opened.
    pub fn new(root: PathBuf) -> Self {
        Layout { place: format!("image layout `{}`", root.display()), root }
    }
}

impl Blobs for Layout {
    /// Links are followed: build tools assemble layouts of links, and every blob is verified anyway.
    fn open(&self, name: &str) -> Result<Option<Opened>> {
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(Error::new(format!("`{name}` of {}", self.place), "the name leads out of the layout"));
        }
        let path = self.root.join(name);
        if path.symlink_metadata().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
            return Ok(None);
        }
        let (file, size) = input::open(&path, &format!("`{}`", path.display()), Pipes::Refused)?;
        Ok(Some(Opened { reader: Box::new(file), size }))
    }

    fn place(&self) -> &str {
        &self.place
    }
}
