//! STAND-IN until the layer reader lands.

use std::io::Read;

use super::{Changeset, Entry, FileType};
use crate::error::{Error, Result};

/// What a blob must be.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Of the bytes as stored.
    pub digest: Option<String>,
    /// Of the bytes after decompression.
    pub diff_id: Option<String>,
    /// As stored.
    pub size: Option<u64>,
}

/// Limits.
#[derive(Clone, Debug, Default)]
pub struct Bounds;

/// Reads a layer.
pub fn read(blob: impl Read + Send, _expected: &Expected, what: &str, _bounds: &Bounds) -> Result<Changeset> {
    let (_, reader) = crate::source::decode::decoder(blob).map_err(|e| crate::source::unreadable(what, &e))?;
    let mut set = Changeset::default();
    let mut previous = Vec::new();
    let mut archive = tar::Archive::new(reader);
    for e in archive.entries().map_err(|e| crate::source::unreadable(what, &e))? {
        let mut e = e.map_err(|e| Error::new(what, e))?;
        let name = e.path_bytes().into_owned();
        let mut content = Vec::new();
        e.by_ref().take(4096).read_to_end(&mut content).map_err(|e| Error::new(what, e))?;
        let content = std::sync::Arc::new(super::Content::head(content));
        set.push(&previous, &Entry {
            ordinal: 0,
            path: bstr::BStr::new(&name),
            file_type: if e.header().entry_type().is_dir() { FileType::Directory } else { FileType::Regular },
            mode: e.header().mode().unwrap_or(0) as u16 & 0o7777,
            uid: 0,
            gid: 0,
            size: e.size(),
            link: "".into(),
            content: Some(&content),
            capability: None,
        });
        previous = name;
    }
    Ok(set)
}

/// Reads a part of a file.
pub fn reread(_blob: impl Read + Send, _ordinal: u32, _offset: u64, _len: usize, what: &str) -> Result<Vec<u8>> {
    Err(Error::new(what, "stand-in"))
}
