//! Layers of which only the table of contents is read, and then the few files that a launch needs.
//!
//! Only where the source gives parts of a blob (a registry), the layer is long, and the manifest vouches for the table
//! by a digest. The table takes the archive's place: that the two agree is the word of whoever made the image, and
//! reports say so. Every piece of a file is verified by its digest in the table.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use bstr::BString;

use super::cache::Cache;
use super::changeset::{Changeset, Content, Entry};
use super::keep::Keeper;
use super::layer::{self, Bounds};
use super::plan::{PlannedLayer, Vouched};
use crate::error::{Error, Result};
use crate::format::tar::{self, Header};
use crate::format::toc::{self, Member, Piece, Table};
use crate::source::decode::decode;
use crate::source::verify::{Blob, Hasher};
use crate::source::{Blobs, words};

/// A layer that is shorter is read as a whole: its table would not save a second.
const WORTH_IT: u64 = 4 << 20;

/// The longest table, compressed and not: that of a layer of some 100 000 files.
const TABLE_MAX: u64 = 48 << 20;

/// The longest piece: eStargz makes them 4 MiB long, zstd:chunked less.
const PIECE_MAX: u64 = 64 << 20;

/// Pieces that are held: a program is read at several places.
const HELD: usize = 4;

/// A layer by its table.
pub(super) struct Partial {
    members: Vec<Member>,
    held: Mutex<VecDeque<(Piece, Arc<[u8]>)>>,
}

impl Partial {
    /// Reads the table of a layer, if it is to be read so, and makes a changeset without contents of it. A table that is
    /// not what the manifest says, or that cannot be understood, is as good as none: the layer itself tells more.
    ///
    /// # Errors
    /// The source fails.
    pub fn open(
        blobs: &dyn Blobs,
        planned: &PlannedLayer,
        cache: &Cache,
        bounds: &Bounds,
    ) -> Result<Option<(Self, Changeset)>> {
        let size = planned.expected.size.filter(|size| *size >= WORTH_IT);
        let (Some(size), Some(vouched)) = (size, &planned.table) else { return Ok(None) };
        let known = cache.table(vouched.digest());
        let is_known = known.is_some();
        let Some((json, end)) = known.map_or_else(|| read(blobs, planned, vouched, size), |known| Ok(Some(known)))?
        else {
            return Ok(None);
        };
        let Ok(Table { members }) = Table::parse(&json, end.min(size)) else { return Ok(None) };
        let Some(changeset) = changeset(&members, bounds) else { return Ok(None) };
        if !is_known {
            cache.keep_table(vouched.digest(), &json, end);
        }
        Ok(Some((Partial { members, held: Mutex::default() }, changeset)))
    }

    /// What would have been kept of a file, had the layer passed by.
    pub fn content(&self, blobs: &dyn Blobs, planned: &PlannedLayer, ordinal: u32) -> Result<Option<Content>> {
        let Some(member) = self.members.get(ordinal as usize) else { return Ok(None) };
        let mut keeper = Keeper::new();
        let mut wanted = keeper.start(&member.header);
        while let Some(offset) = wanted {
            let Some(piece) = member.piece_at(offset) else { break };
            let bytes = self.piece(blobs, planned, piece)?;
            let next = keeper.feed(piece.offset, &bytes);
            wanted = next.filter(|next| *next > offset || member.piece_at(*next) != Some(piece));
        }
        Ok(keeper.finish())
    }

    /// Bytes of a file.
    pub fn reread(
        &self,
        blobs: &dyn Blobs,
        planned: &PlannedLayer,
        ordinal: u32,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>> {
        let absent = || Error::new(&planned.what, format!("its table of contents has no entry {ordinal}"));
        let member = self.members.get(ordinal as usize).ok_or_else(absent)?;
        let mut found = Vec::new();
        while found.len() < len {
            let at = offset.saturating_add(found.len() as u64);
            let Some(piece) = member.piece_at(at) else { break };
            let bytes = self.piece(blobs, planned, piece)?;
            let rest = bytes.get((at - piece.offset) as usize..).unwrap_or_default();
            found.extend_from_slice(rest.get(..len - found.len()).unwrap_or(rest));
        }
        Ok(found)
    }

    fn piece(&self, blobs: &dyn Blobs, planned: &PlannedLayer, piece: &Piece) -> Result<Arc<[u8]>> {
        let held = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = held().iter().find(|(held, _)| held == piece) {
            return Ok(Arc::clone(bytes));
        }
        let bytes: Arc<[u8]> = fetch(blobs, planned, piece)?.into();
        let mut held = held();
        held.push_back((piece.clone(), Arc::clone(&bytes)));
        if held.len() > HELD {
            held.pop_front();
        }
        Ok(bytes)
    }
}

/// `None` if there is more than is read, or something that engines refuse.
fn changeset(members: &[Member], bounds: &Bounds) -> Option<Changeset> {
    let (mut changeset, mut previous) = (Changeset::default(), BString::default());
    let unread = Arc::new(Content::unread());
    for member in members {
        let mut header = member.header.clone();
        let file_type = layer::prepare(&mut header, &previous, bounds).ok()?;
        let content = (!member.pieces.is_empty()).then_some(&unread);
        changeset.push(&previous, &Entry::of(&header, file_type, content));
        previous = header.name;
    }
    changeset.leave_out();
    Some(changeset)
}

impl Member {
    fn piece_at(&self, offset: u64) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.offset <= offset);
        self.pieces.get(after.checked_sub(1)?).filter(|piece| offset - piece.offset < piece.len)
    }
}

/// The table's JSON, verified, and where the files' bytes end.
fn read(blobs: &dyn Blobs, planned: &PlannedLayer, vouched: &Vouched, size: u64) -> Result<Option<(Vec<u8>, u64)>> {
    match vouched {
        Vouched::ZstdChunked { digest, position } => {
            let Some((start, len, _)) = toc::zstd_chunked_position(position) else { return Ok(None) };
            let Some(stored) = part(blobs, planned, start, len)? else { return Ok(None) };
            let json = is(&stored, digest).then(|| unpack(&stored)).flatten();
            Ok(json.map(|json| (json, start)))
        }
        Vouched::Estargz { digest } => {
            let footer = toc::FOOTER as u64;
            let Some(bytes) = part(blobs, planned, size - footer, footer)? else { return Ok(None) };
            let Some(start) = toc::estargz_offset(&bytes).filter(|start| *start < size - footer) else {
                return Ok(None);
            };
            let Some(stored) = part(blobs, planned, start, size - footer - start)? else { return Ok(None) };
            let json = unpack(&stored).and_then(|archive| entry(&archive)).filter(|json| is(json, digest));
            Ok(json.map(|json| (json, start)))
        }
    }
}

/// The one entry of an eStargz table's archive.
fn entry(archive: &[u8]) -> Option<Vec<u8>> {
    let mut tar = tar::Reader::new(archive);
    let Header { name, .. } = tar.next_header().ok()??;
    if name != toc::ESTARGZ {
        return None;
    }
    let mut json = Vec::new();
    while let Some(bytes) = tar.data().ok()? {
        json.extend_from_slice(bytes);
    }
    Some(json)
}

fn is(bytes: &[u8], digest: &str) -> bool {
    Hasher::of(digest).is_ok_and(|mut hasher| {
        hasher.update(bytes);
        hasher.finish() == digest
    })
}

/// A part of a layer's blob; `None` if the source does not give parts, or not that one.
fn part(blobs: &dyn Blobs, planned: &PlannedLayer, start: u64, len: u64) -> Result<Option<Vec<u8>>> {
    let size = planned.expected.size.unwrap_or_default();
    if len > TABLE_MAX.max(PIECE_MAX) || start.checked_add(len).is_none_or(|end| end > size) {
        return Ok(None);
    }
    let Some(part) = blobs.part(&planned.file, start, len)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = part.reader.take(len).read_to_end(&mut bytes);
    read.map_err(|error| Error::new(&planned.what, words(&error)))?;
    Ok((bytes.len() as u64 == len).then_some(bytes))
}

/// What compressed bytes hold, if it is no more than a table or a piece may be.
fn unpack(stored: &[u8]) -> Option<Vec<u8>> {
    let mut blob = Blob::new(stored, None, None).ok()?;
    let mut bytes = Vec::new();
    let most = TABLE_MAX.max(PIECE_MAX);
    decode(&mut blob).ok()?.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

fn fetch(blobs: &dyn Blobs, planned: &PlannedLayer, piece: &Piece) -> Result<Vec<u8>> {
    let wrong = |problem: &str| {
        let problem = format!("{problem} at {} of the blob", piece.start);
        Error::new(&planned.what, problem).help("its table of contents promises other bytes: build the image again")
    };
    if piece.len > PIECE_MAX {
        return Err(wrong("a piece of a file is too long to be read"));
    }
    let stored = part(blobs, planned, piece.start, piece.end - piece.start)?;
    let stored = stored.ok_or_else(|| wrong("a piece of a file cannot be had"))?;
    let all = unpack(&stored).ok_or_else(|| wrong("a piece of a file does not decompress"))?;
    let (from, to) = (piece.inner as usize, piece.inner.saturating_add(piece.len) as usize);
    let bytes = all.get(from..to).ok_or_else(|| wrong("a piece of a file is too short"))?;
    if is(bytes, &piece.digest) {
        Ok(bytes.to_vec())
    } else {
        Err(wrong("a piece of a file is not what its digest says"))
    }
}

#[cfg(test)]
mod tests;
