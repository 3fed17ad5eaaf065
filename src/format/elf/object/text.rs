//! The strings of a file: listed first, then read together, then packed.

use std::borrow::Cow;

use super::Tag;
use super::file::{File, Segments};

/// The longest string: a search path of many directories; a name ends at PATH_MAX, 4096.
const STRING: u64 = 16 << 10;
/// The most bytes of all strings of a file.
const STRINGS: usize = 256 << 10;
/// The longest stretch of the string table that is read at once: 99.9 % are shorter.
const STRETCH: u64 = 16 << 20;

#[derive(Default)]
pub(super) struct Text {
    listed: Vec<(Tag, u64)>,
    /// `tag, bytes, NUL` each.
    packed: Vec<u8>,
    /// There is more than is read.
    pub(super) is_cut: bool,
}

impl Text {
    /// Lists the string at a virtual address.
    pub(super) fn add(&mut self, tag: Tag, address: Option<u64>) {
        self.listed.extend(address.map(|address| (tag, address)));
    }

    /// Reads what is listed, in one stretch: where the file passes by, and where it must be looked for again, the
    /// fewer pieces the better.
    pub(super) fn read<'a, E>(
        &mut self,
        file: &mut File<impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>>,
        segments: &Segments,
    ) -> Result<(), E> {
        let places: Vec<_> = self.listed.iter().map(|(tag, address)| (*tag, segments.locate(*address))).collect();
        let known = || places.iter().filter_map(|(_, place)| *place);
        let start = known().map(|(offset, _)| offset).min().unwrap_or_default();
        let end = known().map(|(offset, rest)| offset.saturating_add(rest.min(STRING))).max().unwrap_or_default();
        let len = end.saturating_sub(start);
        self.is_cut |= len > STRETCH;
        let stretch = file.take(start, len.min(STRETCH))?;
        for (tag, place) in places {
            let Some((offset, rest)) = place else { continue };
            let from = usize::try_from(offset - start).unwrap_or(usize::MAX);
            let bytes = stretch.get(from..).unwrap_or_default();
            self.push(tag, bytes.get(..rest.min(STRING) as usize).unwrap_or(bytes));
        }
        Ok(())
    }

    /// Adds the string that `bytes` begin with; an empty one has nothing to say.
    pub(super) fn push(&mut self, tag: Tag, bytes: &[u8]) {
        let string = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        if self.packed.len() + string.len() + 2 > STRINGS {
            self.is_cut = true;
        } else if !string.is_empty() {
            self.is_cut |= string.len() as u64 == STRING;
            self.packed.push(tag as u8);
            self.packed.extend_from_slice(string);
            self.packed.push(0);
        }
    }

    pub(super) fn pack(self) -> Box<[u8]> {
        self.packed.into()
    }
}
