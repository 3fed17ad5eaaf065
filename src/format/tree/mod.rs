//! The merged tree of an image in flat arrays, as it is in memory and in the cache: nothing has to be made of it to be
//! used.
//!
//! What a directory names stands side by side, in the order of the names, behind what the directories before it name; so
//! a directory is a range of numbers, a name is found by halving, and every entry but the root is in one directory that
//! comes before it. A name is no longer than 255 bytes, and stands behind its length. A file of several names is there
//! once, under one of them; the others lead to it.
//!
//! ```text
//! "imagelint tree\n" format | lengths of the parts | records | text | removed | kept | contents
//! ```
//!
//! Bytes may come from anywhere: what [`Tree::read`] takes is a tree, without loops, however wrong it may be otherwise. A
//! name or a target that is not there is empty.

mod record;

pub use record::{Data, Record, Records};

use std::ops::Range;
use std::sync::Arc;

/// What a tree begins with.
const MAGIC: &[u8; 15] = b"imagelint tree\n";

/// Raise it when anything changes that is said here, or how layers are applied.
const FORMAT: u8 = 1;

/// How many parts there are.
const PARTS: usize = 5;

const HEADER: usize = MAGIC.len() + 1 + 8 * PARTS;

/// A tree.
#[derive(Clone, Debug)]
pub struct Tree {
    parts: [Part; PARTS],
}

/// A part of what was read, or all of what was made.
#[derive(Clone, Debug, Default)]
struct Part {
    bytes: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Part {
    fn get(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Part {
    fn from(bytes: Vec<u8>) -> Self {
        Part { range: 0..bytes.len(), bytes: Arc::new(bytes) }
    }
}

/// A name that was removed from a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The directory.
    pub directory: u32,
    /// Where the name is.
    pub name: u32,
    /// The layer that removed it.
    pub layer: u32,
}

impl Tree {
    /// The number of the root directory.
    pub const ROOT: u32 = 0;

    /// A tree of these records, in the order that [the module](self) tells; `removed` is in the order of the directories,
    /// and for each of the names.
    pub fn new(records: Records, text: Vec<u8>, removed: &[Removed]) -> Self {
        let rows = removed.iter().flat_map(|row| [row.directory, row.name, row.layer]);
        let rows: Vec<u8> = rows.flat_map(u32::to_le_bytes).collect();
        let [kept, contents] = Default::default();
        Tree { parts: [records.into_bytes().into(), text.into(), rows.into(), kept, contents] }
    }

    /// A tree as it was written; `None` if it is not one.
    pub fn read(bytes: Vec<u8>) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (format, lengths) = rest.split_first()?;
        let (lengths, _) = lengths.as_chunks::<8>();
        let bytes_of = |i: usize| lengths.get(i).and_then(|length| usize::try_from(u64::from_le_bytes(*length)).ok());
        let (mut parts, mut at): ([Part; PARTS], usize) = (Default::default(), HEADER);
        let ranges: Vec<Range<usize>> = (0..PARTS)
            .map(|i| {
                let end = at.checked_add(bytes_of(i)?)?;
                Some(std::mem::replace(&mut at, end)..end)
            })
            .collect::<Option<_>>()?;
        if *format != FORMAT || at != bytes.len() {
            return None;
        }
        let bytes = Arc::new(bytes);
        parts.iter_mut().zip(ranges).for_each(|(part, range)| *part = Part { bytes: Arc::clone(&bytes), range });
        let tree = Tree { parts };
        tree.holds_together().then_some(tree)
    }

    /// What is to be written of it, in this order; `kept` and `contents` are what else belongs to it.
    pub fn written<'t>(&'t self, kept: &'t [u8], contents: &'t [u8]) -> (Vec<u8>, [&'t [u8]; PARTS]) {
        let parts = [self.part(RECORDS), self.part(TEXT), self.part(REMOVED), kept, contents];
        let lengths = parts.iter().flat_map(|part| (part.len() as u64).to_le_bytes());
        (MAGIC.iter().copied().chain([FORMAT]).chain(lengths).collect(), parts)
    }

    /// Whether every entry but the root is named by one directory, which comes before it, and every other name of a file
    /// leads to a file.
    fn holds_together(&self) -> bool {
        let (count, mut next) = (self.len(), 1);
        for number in 0..count {
            let is_right = number < next
                && match self.record(number).map(|record| record.data) {
                    Some(Data::Directory { first, count: named }) => {
                        let is_next = named == 0 || first == next;
                        next = next.saturating_add(named);
                        is_next
                    }
                    Some(Data::Link(to)) => number > 0 && self.record(to).is_some_and(|to| to.data.is_file()),
                    Some(_) => number > 0,
                    None => false,
                };
            if !is_right {
                return false;
            }
        }
        next == count && count > 0
    }

    /// How many entries there are.
    pub fn len(&self) -> u32 {
        (self.part(RECORDS).len() / record::LEN) as u32
    }

    /// Never: there is always a root.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, part: usize) -> &[u8] {
        self.parts.get(part).map(Part::get).unwrap_or_default()
    }

    /// The entry of that number.
    pub fn record(&self, number: u32) -> Option<Record> {
        record::get(self.part(RECORDS), number)
    }

    /// The name that is there.
    pub fn name(&self, at: u32) -> &[u8] {
        name(self.part(TEXT), at)
    }

    /// The bytes that are there.
    pub fn text(&self, at: u32, len: u32) -> &[u8] {
        piece(self.part(TEXT), at, len)
    }

    /// Which of the entries of a directory is called `name`.
    pub fn find(&self, first: u32, count: u32, name: &[u8]) -> Option<u32> {
        let called = |number: u32| record::name(self.part(RECORDS), first.saturating_add(number)).unwrap_or(u32::MAX);
        let place = halve(count, |number| self.name(called(number)).cmp(name));
        place.map(|place| first + place)
    }

    /// The layer that removed `name` from a directory.
    pub fn removed_by(&self, directory: u32, name: &[u8]) -> Option<u32> {
        let (rows, _) = self.part(REMOVED).as_chunks::<12>();
        let row = |number: u32| {
            let (words, _) = rows.get(number as usize)?.as_chunks::<4>();
            let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
            Some(Removed { directory: words.next()?, name: words.next()?, layer: words.next()? })
        };
        let order =
            |row: Option<Removed>| row.map(|row| (row.directory, self.name(row.name))).cmp(&Some((directory, name)));
        row(halve(rows.len() as u32, |number| order(row(number)))?).map(|row| row.layer)
    }

    /// What else belongs to it: rows, and what they lead to.
    pub fn kept(&self) -> (&[u8], &[u8]) {
        (self.part(KEPT), self.part(CONTENTS))
    }
}

const RECORDS: usize = 0;
const TEXT: usize = 1;
const REMOVED: usize = 2;
const KEPT: usize = 3;
const CONTENTS: usize = 4;

impl Data {
    fn is_file(&self) -> bool {
        !matches!(self, Data::Directory { .. } | Data::Link(_))
    }
}

/// Appends a name; where it is.
pub fn push_name(text: &mut Vec<u8>, name: &[u8]) -> u32 {
    let at = u32::try_from(text.len()).unwrap_or(u32::MAX);
    text.push(u8::try_from(name.len()).unwrap_or_default());
    text.extend_from_slice(name);
    at
}

/// The name that is there.
pub fn name(text: &[u8], at: u32) -> &[u8] {
    let Some((len, rest)) = text.get(at as usize..).and_then(<[u8]>::split_first) else { return b"" };
    rest.get(..usize::from(*len)).unwrap_or_default()
}

/// The `len` bytes that are there.
pub fn piece(text: &[u8], at: u32, len: u32) -> &[u8] {
    text.get(at as usize..).and_then(|rest| rest.get(..len as usize)).unwrap_or_default()
}

/// The one of `count` numbers in order that is equal.
fn halve(count: u32, order: impl Fn(u32) -> std::cmp::Ordering) -> Option<u32> {
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        match order(middle) {
            std::cmp::Ordering::Less => from = middle + 1,
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Greater => to = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests;
