//! Maps of sparse files. Only their sum is kept: how many bytes of body a map accounts for.

use std::io::Read;

use super::header::{Block, Header};
use super::input::Input;
use super::number::{decimal, numeric};
use super::pax::Pax;
use super::{BLOCK, Error, MAX_SPECIAL, Result};

const MALFORMED: Error = Error::Refused("a sparse file has a malformed map");

/// `validateSparseEntries`, fragment by fragment: in order, apart, inside the file.
struct Fragments {
    size: u64,
    end: u64,
    stored: u64,
}

impl Fragments {
    fn of(size: u64) -> Self {
        Fragments { size, end: 0, stored: 0 }
    }

    fn add(&mut self, offset: Option<i64>, len: Option<i64>) -> Result<()> {
        let unsigned = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).ok_or(MALFORMED);
        let (offset, len) = (unsigned(offset)?, unsigned(len)?);
        // Two numbers below 2^63 cannot overflow 2^64.
        let end = offset + len;
        if end > self.size || offset < self.end {
            return Err(MALFORMED);
        }
        self.end = end;
        self.stored += len;
        Ok(())
    }
}

/// `readOldGNUSparseMap`: four fragments in the header, 21 more in each block that follows.
pub(super) fn old_gnu<R: Read>(header: &Block, input: &mut Input<R>, out: &mut Header) -> Result<u64> {
    let size = numeric(header.field(483, 12)).and_then(|size| u64::try_from(size).ok());
    out.size = size.ok_or(Error::Refused("a sparse file has no valid size"))?;
    let mut fragments = Fragments::of(out.size);
    add_table(&mut fragments, header.field(386, 96))?;
    let (mut more, mut read) = (header.field(482, 1) != [0], 0);
    while more {
        read += BLOCK as u64;
        if read > MAX_SPECIAL {
            return Err(Error::Refused("a sparse file has a map larger than 1 MiB"));
        }
        let block = input.block()?.ok_or(Error::Refused("the archive ends inside a sparse map"))?;
        add_table(&mut fragments, block.field(0, 504))?;
        more = block.field(504, 1) != [0];
    }
    Ok(fragments.stored)
}

/// Fragments of 12 bytes of offset and 12 of length; an offset that starts with a NUL ends the table.
fn add_table(fragments: &mut Fragments, table: &[u8]) -> Result<()> {
    for entry in table.chunks_exact(24).take_while(|entry| entry.first() != Some(&0)) {
        let (offset, len) = entry.split_at_checked(12).unwrap_or_default();
        fragments.add(numeric(offset), numeric(len))?;
    }
    Ok(())
}

/// `readGNUSparseMap0x1`: the map of formats 0.0 and 0.1, `offset,length,…` in the extended header.
pub(super) fn in_header(pax: &Pax, size: u64) -> Result<u64> {
    let blocks = pax.sparse_blocks().and_then(|n| u64::try_from(n).ok()).ok_or(MALFORMED)?;
    let mut fragments = Fragments::of(size);
    let (mut numbers, mut count) = (pax.sparse_map(), 0);
    while let Some(offset) = numbers.next() {
        let len = numbers.next().ok_or(MALFORMED)?;
        fragments.add(decimal(offset), decimal(len))?;
        count += 1;
    }
    if count == blocks { Ok(fragments.stored) } else { Err(MALFORMED) }
}

/// `readGNUSparseMap1x0`: the map of format 1.0, lines of decimal numbers in as many blocks as they need, their count
/// first. `left` is what there is of the body.
pub(super) fn in_body<R: Read>(input: &mut Input<R>, left: &mut u64, size: u64) -> Result<u64> {
    let mut lines = Lines { input, left, held: Vec::new(), at: 0 };
    let count = decimal(&lines.next()?).filter(|count| *count >= 0).ok_or(MALFORMED)?;
    let mut fragments = Fragments::of(size);
    for _ in 0..count {
        let (offset, len) = (decimal(&lines.next()?), decimal(&lines.next()?));
        fragments.add(offset, len)?;
    }
    Ok(fragments.stored)
}

struct Lines<'a, R> {
    input: &'a mut Input<R>,
    left: &'a mut u64,
    held: Vec<u8>,
    at: usize,
}

impl<R: Read> Lines<'_, R> {
    fn next(&mut self) -> Result<Vec<u8>> {
        let mut searched = self.at;
        loop {
            let newline = self.held.get(searched..).unwrap_or_default().iter().position(|&b| b == b'\n');
            if let Some(newline) = newline {
                let line = self.held.get(self.at..searched + newline).unwrap_or_default().to_vec();
                self.at = searched + newline + 1;
                return Ok(line);
            }
            searched = self.held.len();
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<()> {
        if self.held.len() as u64 >= MAX_SPECIAL {
            return Err(Error::Refused("a sparse file has a map larger than 1 MiB"));
        }
        let ends = Error::Refused("a sparse file ends inside its map");
        let Some(left) = self.left.checked_sub(BLOCK as u64) else { return Err(ends) };
        *self.left = left;
        self.held.extend_from_slice(self.input.block()?.ok_or(ends)?.field(0, BLOCK));
        Ok(())
    }
}
