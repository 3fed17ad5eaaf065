//! A layer's *changeset* (image-spec, layer.md): what its tar archive says, in order, with as much of the files'
//! contents as a launch may need.

use std::sync::Arc;

use bstr::{BStr, BString};
use serde::{Deserialize, Serialize};

use crate::format::elf::{Go, Object};
use crate::format::tar::Header;

/// What kind of file an entry makes; the word `inode(7)` uses is *file type*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileType {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link; its target is in [`Entry::link`].
    Symlink,
    /// Another name for a file of this layer, named in [`Entry::link`].
    Hardlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A FIFO.
    Fifo,
}

/// One entry of a changeset, path and link as the archive has them (whiteouts included, nothing cleaned).
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Place in the archive, counted from 0; it leads back to the bytes.
    pub ordinal: u32,
    /// The name in the archive.
    pub path: &'a BStr,
    /// What it makes.
    pub file_type: FileType,
    /// Permission bits, set-id and sticky bits (07777).
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Length of a regular file in bytes, else 0.
    pub size: u64,
    /// Target of a symbolic or hard link, else empty.
    pub link: &'a BStr,
    /// What was kept of a regular file's bytes.
    pub content: Option<&'a Arc<Content>>,
    /// The value of the extended attribute `security.capability`.
    pub capability: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    /// What an archive's header says, without its place.
    pub(super) fn of(header: &'a Header, file_type: FileType, content: Option<&'a Arc<Content>>) -> Self {
        Entry {
            ordinal: 0,
            path: BStr::new(&header.name),
            file_type,
            mode: (header.mode & 0o7777) as u16,
            // Engines hand Go's int to lchown(2), which takes the low 32 bits.
            uid: header.uid as u32,
            gid: header.gid as u32,
            size: if file_type == FileType::Regular { header.size } else { 0 },
            link: match file_type {
                FileType::Symlink | FileType::Hardlink => BStr::new(&header.link),
                _ => BStr::new(b""),
            },
            content,
            capability: header.capability.as_deref(),
        }
    }
}

/// Pieces of a regular file's contents, by offset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pieces: Vec<(u64, Box<[u8]>)>,
    object: Option<Box<Object>>,
    go: Option<Go>,
    /// Nothing of the file was read yet.
    is_unread: bool,
}

impl Content {
    /// Of a file that was not read yet, and may be.
    pub(super) fn unread() -> Self {
        Content { is_unread: true, ..Content::default() }
    }

    /// Whether the file was not read yet.
    pub fn is_unread(&self) -> bool {
        self.is_unread
    }

    /// A single piece that starts at offset 0.
    pub fn head(bytes: impl Into<Box<[u8]>>) -> Self {
        Content { pieces: vec![(0, bytes.into())], ..Content::default() }
    }

    /// Adds a piece at `offset`.
    pub fn add(&mut self, offset: u64, bytes: impl Into<Box<[u8]>>) {
        self.pieces.push((offset, bytes.into()));
    }

    /// The `len` bytes at `offset`, if one piece holds them all.
    pub fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        self.pieces.iter().find_map(|(start, bytes)| {
            let from = usize::try_from(offset.checked_sub(*start)?).ok()?;
            bytes.get(from..from.checked_add(len)?)
        })
    }

    /// Sets what a dynamic loader reads of the file.
    pub fn set_object(&mut self, object: Object) {
        self.object = Some(Box::new(object));
    }

    /// What a dynamic loader reads of an ELF file, if that was kept.
    pub fn object(&self) -> Option<&Object> {
        self.object.as_deref()
    }

    /// Notes that Go built the program.
    pub fn set_go(&mut self, go: Go) {
        self.go = Some(go);
    }

    /// The Go that built the program, if one did.
    pub fn go(&self) -> Option<Go> {
        self.go
    }

    /// Bytes held, for the bound on all that is kept.
    pub fn len(&self) -> usize {
        let object = self.object.as_ref().map_or(0, |object| object.len());
        self.pieces.iter().map(|(_, b)| b.len()).sum::<usize>() + object
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.object.is_none()
    }
}

/// A layer archive that Go's archive/tar, and with it every engine, refuses to unpack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadArchive {
    /// Place of the entry at which reading stops.
    pub ordinal: u32,
    /// Name of the entry before it, for orientation; empty at the start.
    pub after: BString,
    /// What is wrong, in a few words.
    pub problem: String,
}

/// What one layer holds.
///
/// Names are front coded (only what differs from the previous name is stored), records are small: an entry costs
/// about 50 bytes, so that layers of a million files fit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Changeset {
    /// In order; each but the last has [`CHUNK`] entries.
    chunks: Vec<Chunk>,
    bad_archive: Option<BadArchive>,
    /// Contents were left out, because the image had enough of them.
    is_cut: bool,
}

/// Entries in a chunk: few enough that letting go of one after the other keeps memory level, and so many that all their
/// records, for which room is made at once, are given back to the system then (mallopt(3), M_MMAP_THRESHOLD).
const CHUNK: usize = 1 << 15;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Chunk {
    records: Vec<Record>,
    names: Vec<u8>,
    extras: Vec<Extra>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Record {
    size: u64,
    uid: u32,
    gid: u32,
    /// Index into `extras` plus one; 0 for none.
    extra: u32,
    /// Bytes shared with the previous name, and own bytes.
    shared: u16,
    own: u16,
    mode: u16,
    file_type: FileType,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Extra {
    link: BString,
    content: Option<Arc<Content>>,
    capability: Option<Box<[u8]>>,
}

/// The longest name or target that is stored; Linux paths end at 4095 bytes, so what is cut is refused all the same.
pub const STORED_MAX: usize = 4096;

impl Changeset {
    /// Appends an entry; [`Entry::ordinal`] is ignored, it is the number of entries so far.
    ///
    /// `previous` is the name of the entry appended before this one.
    pub fn push(&mut self, previous: &[u8], entry: &Entry<'_>) {
        if self.chunks.last().is_none_or(|chunk| chunk.records.len() == CHUNK) {
            let records = Vec::with_capacity(CHUNK);
            self.chunks.push(Chunk { records, ..Chunk::default() });
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(previous, entry);
        }
    }

    /// Bytes of names, links and attributes.
    pub fn text(&self) -> usize {
        let extra = |extra: &Extra| extra.link.len() + extra.capability.as_ref().map_or(0, |value| value.len());
        self.chunks.iter().map(|c| c.names.len() + c.extras.iter().map(extra).sum::<usize>()).sum()
    }

    /// Bytes of contents.
    pub fn kept(&self) -> usize {
        let extras = self.chunks.iter().flat_map(|chunk| &chunk.extras);
        extras.filter_map(|extra| extra.content.as_ref()).map(|content| content.len()).sum()
    }

    /// Marks the archive as one that engines refuse.
    pub fn set_bad_archive(&mut self, bad: BadArchive) {
        self.bad_archive = Some(bad);
    }

    /// Set if engines refuse this layer as an archive; the entries before the fault are there all the same.
    pub fn bad_archive(&self) -> Option<&BadArchive> {
        self.bad_archive.as_ref()
    }

    /// Notes that contents were left out which are kept elsewhere.
    pub(super) fn leave_out(&mut self) {
        self.is_cut = true;
    }

    /// Whether all contents are kept that are kept of any layer.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_cut
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.records.len()).sum()
    }

    /// Whether the layer is empty.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Visits the entries in the archive's order.
    pub fn for_each(&self, mut visit: impl FnMut(Entry<'_>)) {
        let mut at = Position::default();
        self.chunks.iter().for_each(|chunk| chunk.for_each(&mut at, &mut visit));
    }

    /// The same, and lets go of what was visited.
    pub fn drain(self, mut visit: impl FnMut(Entry<'_>)) {
        let mut at = Position::default();
        self.chunks.into_iter().for_each(|chunk| chunk.for_each(&mut at, &mut visit));
    }
}

/// How far a visit has come: the name of the last entry, and the number of the next.
#[derive(Default)]
struct Position {
    name: Vec<u8>,
    ordinal: u32,
}

impl Chunk {
    fn push(&mut self, previous: &[u8], entry: &Entry<'_>) {
        let name = cut(entry.path);
        let shared = shared(previous, name);
        let own = name.get(shared..).unwrap_or_default();
        self.names.extend_from_slice(own);
        let plain = entry.link.is_empty() && entry.content.is_none() && entry.capability.is_none();
        if !plain {
            self.extras.push(Extra {
                link: cut(entry.link).into(),
                content: entry.content.cloned(),
                capability: entry.capability.map(Into::into),
            });
        }
        self.records.push(Record {
            size: entry.size,
            uid: entry.uid,
            gid: entry.gid,
            extra: if plain { 0 } else { self.extras.len() as u32 },
            shared: shared as u16,
            own: own.len() as u16,
            mode: entry.mode,
            file_type: entry.file_type,
        });
    }

    fn for_each(&self, position: &mut Position, visit: &mut impl FnMut(Entry<'_>)) {
        let (mut at, none) = (0, Extra::default());
        for r in &self.records {
            position.name.truncate(r.shared as usize);
            let end = at + r.own as usize;
            position.name.extend_from_slice(self.names.get(at..end).unwrap_or_default());
            at = end;
            let extra = r.extra.checked_sub(1).and_then(|i| self.extras.get(i as usize)).unwrap_or(&none);
            visit(Entry {
                ordinal: position.ordinal,
                path: BStr::new(&position.name),
                file_type: r.file_type,
                mode: r.mode,
                uid: r.uid,
                gid: r.gid,
                size: r.size,
                link: BStr::new(&extra.link),
                content: extra.content.as_ref(),
                capability: extra.capability.as_deref(),
            });
            position.ordinal += 1;
        }
    }
}

fn cut(text: &[u8]) -> &[u8] {
    text.get(..STORED_MAX).unwrap_or(text)
}

/// How many bytes of `name` need not be stored after `previous`.
pub(super) fn shared(previous: &[u8], name: &[u8]) -> usize {
    previous.iter().zip(name).take(STORED_MAX).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &'static str) -> Entry<'static> {
        Entry {
            ordinal: 0,
            path: path.into(),
            file_type: FileType::Regular,
            mode: 0o644,
            uid: 1,
            gid: 2,
            size: 3,
            link: "".into(),
            content: None,
            capability: None,
        }
    }

    #[test]
    fn names_survive_front_coding() {
        let paths = ["usr/bin/a", "usr/bin/ab", "usr/lib/x", "b", "b", ""];
        let mut set = Changeset::default();
        let mut previous = "";
        for p in paths {
            set.push(previous.as_bytes(), &entry(p));
            previous = p;
        }
        let mut seen = Vec::new();
        set.for_each(|e| seen.push((e.ordinal, e.path.to_string())));
        assert_eq!(seen, paths.iter().enumerate().map(|(i, p)| (i as u32, p.to_string())).collect::<Vec<_>>());
    }

    #[test]
    fn chunks_are_not_seen() {
        let names: Vec<String> = (0..3 * CHUNK + 5).map(|i| format!("dir/{i:06}")).collect();
        let (mut set, mut previous) = (Changeset::default(), "");
        for name in &names {
            set.push(previous.as_bytes(), &Entry { path: name.as_str().into(), ..entry("") });
            previous = name;
        }
        assert_eq!(set.len(), names.len());
        let (mut seen, mut drained) = (Vec::new(), Vec::new());
        set.for_each(|e| seen.push((e.ordinal as usize, e.path.to_string())));
        set.drain(|e| drained.push((e.ordinal as usize, e.path.to_string())));
        assert!(seen == drained && seen == names.into_iter().enumerate().collect::<Vec<_>>());
    }

    #[test]
    fn content_answers_only_for_what_it_holds() {
        let mut c = Content::head(*b"0123");
        c.add(10, *b"ab");
        assert_eq!(c.get(1, 3), Some(&b"123"[..]));
        assert_eq!(c.get(10, 2), Some(&b"ab"[..]));
        assert_eq!(c.get(3, 2), None);
        assert_eq!(c.get(u64::MAX, usize::MAX), None);
    }
}
