//! The version tables: LSB Core, *Symbol Versioning*; glibc elf/dl-version.c. They are the same in both classes.
//!
//! Loaders follow the chains to their ends and do not look at DT_VERNEEDNUM and DT_VERDEFNUM. Their links lead forward
//! only, so that a chain ends in the file; but hostile ones may be long, and share each other's ends.

use std::borrow::Cow;

use scroll::{Endian, Pread};

use super::Tag;
use super::dynamic::Dynamic;
use super::file::{File, Segments};
use super::text::Text;

/// VER_FLG_BASE: the file's own name as a version.
const BASE: u16 = 1;
/// VER_FLG_WEAK.
const WEAK: u16 = 2;

/// The most records of either table; glibc's own libc.so.6 has 50.
const RECORDS: usize = 4096;

/// A table that is read record by record.
struct Records<'f, F> {
    file: &'f mut File<F>,
    segments: &'f Segments,
    left: usize,
}

impl<'a, E, F: FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>> Records<'_, F> {
    /// The record of `LEN` bytes at an address; `None` if it is not all in the file, or none may be read any more.
    fn at<const LEN: usize>(&mut self, address: u64) -> Result<Option<Record<LEN>>, E> {
        let Some((offset, _)) = self.segments.locate(address).filter(|(_, rest)| *rest >= LEN as u64) else {
            return Ok(None);
        };
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let bytes = self.file.take(offset, LEN as u64)?;
        let endian = self.segments.context.le;
        Ok(bytes.as_ref().try_into().ok().map(|bytes| Record { bytes, address, endian }))
    }

    fn is_cut(&self) -> bool {
        self.left == 0
    }
}

struct Record<const LEN: usize> {
    bytes: [u8; LEN],
    address: u64,
    endian: Endian,
}

impl<const LEN: usize> Record<LEN> {
    fn half(&self, at: usize) -> u16 {
        self.bytes.pread_with(at, self.endian).unwrap_or_default()
    }

    fn word(&self, at: usize) -> u64 {
        self.bytes.pread_with::<u32>(at, self.endian).unwrap_or_default().into()
    }

    /// The record that a link leads to from here.
    fn link(&self, at: usize) -> Option<u64> {
        self.address.checked_add(self.word(at))
    }

    /// The same, of a chain, which ends with 0.
    fn next(&self, at: usize) -> Option<u64> {
        self.link(at).filter(|next| *next != self.address)
    }
}

/// DT_VERNEED: `Verneed` records (version, cnt, file, aux, next), each with a chain of `Vernaux` (hash, flags, other,
/// name, next).
pub(super) fn needed<'a, E>(
    file: &mut File<impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>>,
    segments: &Segments,
    dynamic: &Dynamic,
    text: &mut Text,
) -> Result<(), E> {
    let mut records = Records { file, segments, left: RECORDS };
    let mut next = dynamic.verneed;
    while let Some(address) = next {
        let Some(need) = records.at::<16>(address)? else { break };
        text.add(Tag::VersionFile, dynamic.string(need.word(4)));
        let mut version = need.link(8);
        while let Some(address) = version {
            let Some(aux) = records.at::<16>(address)? else { break };
            let tag = if aux.half(4) & WEAK == 0 { Tag::Version } else { Tag::WeakVersion };
            text.add(tag, dynamic.string(aux.word(8)));
            version = aux.next(12);
        }
        next = need.next(12);
    }
    text.is_cut |= records.is_cut();
    Ok(())
}

/// DT_VERDEF: `Verdef` records (version, flags, ndx, cnt, hash, aux, next), whose first `Verdaux` (name, next) is the
/// name; the others name the versions it follows.
pub(super) fn defined<'a, E>(
    file: &mut File<impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>>,
    segments: &Segments,
    dynamic: &Dynamic,
    text: &mut Text,
) -> Result<(), E> {
    let mut records = Records { file, segments, left: RECORDS };
    let mut next = dynamic.verdef;
    while let Some(address) = next {
        let Some(definition) = records.at::<20>(address)? else { break };
        if definition.half(2) & BASE == 0
            && let Some(address) = definition.link(12)
            && let Some(aux) = records.at::<8>(address)?
        {
            text.add(Tag::Defined, dynamic.string(aux.word(0)));
        }
        next = definition.next(16);
    }
    text.is_cut |= records.is_cut();
    Ok(())
}
