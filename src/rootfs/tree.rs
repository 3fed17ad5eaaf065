//! The merged tree as everyone reads it: it changes no more, and its directories name inodes.

use std::sync::OnceLock;

use bstr::{BStr, BString, ByteVec};

use super::Refusal;
use super::kept::{Kept, Slot};
use crate::format::tree::{Data, Record, Tree};
use crate::image::{Content, Reread};

/// Number of an inode in its [`Rootfs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ino(pub(super) u32);

/// File type, with what belongs to it.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// A regular file.
    Regular {
        /// Length in bytes.
        size: u64,
        /// What few files have.
        kept: Option<Kept<'a>>,
    },
    /// A directory and what it names.
    Directory(Names<'a>),
    /// A symbolic link and its target.
    Symlink(&'a BStr),
    /// A character or block device, or a FIFO.
    Special,
    /// Something below /proc or /sys, which only the running container has.
    Unknowable,
    /// /proc/self/exe: the runtime's own program while it looks the command up, gone when the kernel executes it.
    Runtime,
}

impl<'a> Kind<'a> {
    /// What was kept of a regular file's bytes.
    pub fn content(&self) -> Option<&'a Content> {
        match self {
            Kind::Regular { kept: Some(kept), .. } => kept.content().map(|content| &**content),
            _ => None,
        }
    }

    /// A regular file's `security.capability`.
    pub fn capability(&self) -> Option<&'a [u8]> {
        match self {
            Kind::Regular { kept: Some(kept), .. } => kept.capability(),
            _ => None,
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Kind::Directory(_))
    }

    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        matches!(self, Kind::Regular { .. })
    }
}

/// What a directory names, in the order of the names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    tree: Option<&'a Tree>,
    first: u32,
    count: u32,
}

impl<'a> Names<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What is called `name`.
    pub fn get(&self, name: &[u8]) -> Option<Ino> {
        let tree = self.tree?;
        let number = tree.find(self.first, self.count, name)?;
        Some(named_by(number, tree.record(number)?))
    }

    /// All names.
    pub fn keys(self) -> impl Iterator<Item = &'a [u8]> {
        self.into_iter().map(|(name, _)| name)
    }
}

impl<'a> IntoIterator for Names<'a> {
    type Item = (&'a [u8], Ino);
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Entries<'a> {
        Entries(self)
    }
}

/// The entries of a directory that are still to come.
#[derive(Clone, Debug)]
pub struct Entries<'a>(Names<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], Ino);

    fn next(&mut self) -> Option<Self::Item> {
        let Names { tree, first, count } = &mut self.0;
        *count = count.checked_sub(1)?;
        let (tree, number) = ((*tree)?, *first);
        *first = first.saturating_add(1);
        let record = tree.record(number)?;
        Some((tree.name(record.name), named_by(number, record)))
    }
}

/// The inode that an entry stands for.
fn named_by(number: u32, record: Record) -> Ino {
    match record.data {
        Data::Link(to) => Ino(to),
        _ => Ino(number),
    }
}

/// An inode: inode(7), and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Inode<'a> {
    /// File type.
    pub kind: Kind<'a>,
    /// Permission bits, set-id and sticky bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The layer that made it, or last changed it; `None` if the runtime makes it.
    pub layer: Option<u16>,
    /// Which entry of that layer.
    pub ordinal: u32,
    /// A directory that a later layer has something in without an entry of its own for it: see
    /// [`View::reset_parents`](super::View::reset_parents).
    pub implied: bool,
}

/// The merged root file system.
#[derive(Clone, Debug)]
pub struct Rootfs {
    tree: Tree,
    kept: Vec<Slot>,
    refusals: Vec<Refusal>,
    implies: OnceLock<bool>,
}

impl Rootfs {
    /// The root directory.
    pub const ROOT: Ino = Ino(Tree::ROOT);

    /// What layers have come to.
    pub(super) fn new((tree, kept): (Tree, Vec<Slot>), refusals: Vec<Refusal>) -> Self {
        Rootfs { tree, kept, refusals, implies: OnceLock::new() }
    }

    /// What they came to before. Trees of layers that engines refuse are not kept.
    pub(super) fn known(tree: Tree) -> Self {
        let kept = Slot::of(&tree);
        Rootfs::new((tree, kept), Vec::new())
    }

    /// Keeps it with its image.
    pub(super) fn keep(&self, image: &dyn Reread) {
        if !self.refusals.is_empty() || !image.keeps_tree() {
            return;
        }
        if let Some((kept, contents)) = Slot::write(&self.kept) {
            let (head, parts) = self.tree.written(&kept, &contents);
            let mut all = vec![head.as_slice()];
            all.extend(parts);
            image.keep_tree(&all);
        }
    }

    /// The inode of that number.
    pub fn inode(&self, ino: Ino) -> Inode<'_> {
        // An Ino is only ever made by this tree.
        self.get(ino).unwrap_or(Inode {
            kind: Kind::Special,
            mode: 0,
            uid: 0,
            gid: 0,
            layer: None,
            ordinal: 0,
            implied: false,
        })
    }

    /// The inode of that number, if it is one of the image's own and not one that the runtime makes.
    pub fn get(&self, ino: Ino) -> Option<Inode<'_>> {
        let Record { data, mode, uid, gid, layer, ordinal, implied, .. } = self.tree.record(ino.0)?;
        let tree = &self.tree;
        let kind = match data {
            Data::Regular { size, kept } => Kind::Regular { size, kept: kept.then(|| self.kept(ino)).flatten() },
            Data::Directory { first, count } => Kind::Directory(Names { tree: Some(tree), first, count }),
            Data::Symlink { at, len } => Kind::Symlink(BStr::new(tree.text(at, len))),
            Data::Special | Data::Link(_) => Kind::Special,
        };
        Some(Inode { kind, mode, uid, gid, layer, ordinal, implied })
    }

    /// Whether any file has capabilities.
    pub fn has_capabilities(&self) -> bool {
        self.kept.iter().any(|slot| slot.capability.is_some())
    }

    fn kept(&self, ino: Ino) -> Option<Kept<'_>> {
        let at = self.kept.binary_search_by_key(&ino, |slot| slot.ino).ok()?;
        Some(Kept { tree: &self.tree, slot: self.kept.get(at)? })
    }

    /// What `dir` calls `name`.
    pub fn entry(&self, dir: Ino, name: &[u8]) -> Option<Ino> {
        match self.get(dir)?.kind {
            Kind::Directory(names) => names.get(name),
            _ => None,
        }
    }

    /// The layer that removed `path` (or a directory above it) from an earlier layer. `path` is absolute and clean.
    pub fn removed_by(&self, path: &[u8]) -> Option<usize> {
        let (mut dir, mut removed) = (Self::ROOT, None);
        for name in path.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
            removed = self.tree.removed_by(dir.0, name).or(removed);
            let Some(child) = self.entry(dir, name) else { break };
            dir = child;
        }
        removed.map(|layer| layer as usize)
    }

    /// Layers that engines refuse to unpack; non-empty means that some or all cannot run the image.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The names of all files, wherever they are.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.records().map(|record| self.tree.name(record.name))
    }

    /// Whether any inode is [implied](Inode::implied).
    pub fn implies(&self) -> bool {
        *self.implies.get_or_init(|| self.records().any(|record| record.implied))
    }

    fn records(&self) -> impl Iterator<Item = Record> {
        (0..self.tree.len()).filter_map(|number| self.tree.record(number))
    }
}

/// `dir` + `/` + `name`, without doubling the slash of the root.
pub(super) fn join(dir: &[u8], name: &[u8]) -> BString {
    let mut path = BString::from(dir);
    if !path.ends_with(b"/") {
        path.push_byte(b'/');
    }
    path.extend_from_slice(name);
    path
}
