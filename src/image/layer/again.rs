//! A second look at a layer, for bytes that were not kept.

use std::io::Read;

use super::{Bounds, Decoded, Expected};
use crate::error::{Error, Result};
use crate::format::tar::{self, Header};
use crate::source::decode::decode;
use crate::source::verify::{Blob, Hasher};

/// Reads bytes of a layer a second time: the `len` bytes (fewer at the end of the file) at `offset` of the regular file
/// that is entry `ordinal`. The layer must be what `expected` says, as the first time.
///
/// # Errors
/// The layer cannot be read, is another now, or has no such file; or the file is sparse.
pub fn reread(
    blob: impl Read,
    expected: &Expected,
    ordinal: u32,
    offset: u64,
    len: usize,
    what: &str,
) -> Result<Vec<u8>> {
    let blob = Blob::new(blob, expected.digest.as_deref(), expected.size);
    let mut blob = blob.map_err(|problem| Error::new(what, problem))?;
    // The one digest that the layer has is enough, and was verified the first time.
    let diff_id = expected.diff_id.as_deref().filter(|_| expected.digest.is_none());
    let found = find(&mut blob, diff_id, ordinal, offset, len);
    blob.verify(what)?;
    found.map_err(|problem| Error::new(what, problem))
}

fn find<R: Read>(
    blob: &mut Blob<R>,
    diff_id: Option<&str>,
    ordinal: u32,
    offset: u64,
    len: usize,
) -> std::result::Result<Vec<u8>, String> {
    let hasher = diff_id.map(Hasher::of).transpose()?;
    let inner = decode(blob).map_err(|error| error.to_string())?;
    let mut tar = tar::Reader::new(Decoded { inner, size: 0, most: Bounds::DECODED, hasher });
    let header = seek(&mut tar, ordinal)?;
    if header.sparse {
        return Err(format!("entry {ordinal} is a sparse file, whose contents are not read"));
    }
    if header.typeflag != b'0' {
        return Err(format!("entry {ordinal} is not a regular file; has the image changed?"));
    }
    let found = slice(&mut tar, offset, len)?;
    if diff_id.is_some() {
        tar.drain().map_err(|error| error.to_string())?;
    }
    match tar.into_inner().hasher.map(Hasher::finish) {
        Some(digest) if Some(digest.as_str()) != diff_id => Err("it has changed since it was first read".to_owned()),
        _ => Ok(found),
    }
}

fn explain(error: tar::Error) -> String {
    match error {
        tar::Error::Io(error) => error.to_string(),
        tar::Error::Refused(problem) => problem.to_owned(),
    }
}

fn seek(tar: &mut tar::Reader<impl Read>, ordinal: u32) -> std::result::Result<Header, String> {
    let mut left = ordinal;
    while let Some(header) = tar.next_header().map_err(explain)? {
        match (header.typeflag, left) {
            (b'g', _) => {}
            (_, 0) => return Ok(header),
            _ => left -= 1,
        }
    }
    Err(format!("it has no entry {ordinal} any more; has the image changed?"))
}

fn slice(tar: &mut tar::Reader<impl Read>, offset: u64, len: usize) -> std::result::Result<Vec<u8>, String> {
    let (mut position, mut found) = (0, Vec::new());
    while found.len() < len {
        let Some(bytes) = tar.data().map_err(explain)? else { break };
        let next = offset.saturating_add(found.len() as u64);
        let from = usize::try_from(next.saturating_sub(position)).unwrap_or(usize::MAX);
        let wanted = bytes.get(from..).unwrap_or_default();
        found.extend_from_slice(wanted.get(..len - found.len()).unwrap_or(wanted));
        position += bytes.len() as u64;
    }
    Ok(found)
}
