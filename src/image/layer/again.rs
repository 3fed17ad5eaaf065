//! A second look at a layer, for bytes that were not kept.

use std::io::Read;

use crate::error::{Error, Result};
use crate::format::tar::{self, Header};
use crate::source::decode::decode;
use crate::source::verify::Blob;

/// Reads bytes of a layer a second time: the `len` bytes (fewer at the end of the file) at `offset` of the regular file
/// that is entry `ordinal`. Digests are not verified again.
///
/// # Errors
/// The layer cannot be read, has no such file any more, or the file is sparse.
pub fn reread(blob: impl Read, ordinal: u32, offset: u64, len: usize, what: &str) -> Result<Vec<u8>> {
    let find = |mut blob: Blob<_>| {
        let decoded = decode(&mut blob).map_err(|error| error.to_string())?;
        let mut tar = tar::Reader::new(decoded);
        let header = seek(&mut tar, ordinal)?;
        if header.sparse {
            return Err(format!("entry {ordinal} is a sparse file, whose contents are not read"));
        }
        if header.typeflag != b'0' {
            return Err(format!("entry {ordinal} is not a regular file; has the image changed?"));
        }
        slice(&mut tar, offset, len)
    };
    Blob::new(blob, None, None).and_then(find).map_err(|problem| Error::new(what, problem))
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
