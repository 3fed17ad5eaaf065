//! The merged tree: inodes, and directories that name them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bstr::{BString, ByteVec};

use crate::image::{Content, Entry};

/// Number of an inode in its [`Rootfs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ino(pub(super) u32);

/// File type, with what belongs to it.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A regular file.
    Regular {
        /// Length in bytes.
        size: u64,
        /// What few files have, apart so that the many stay small.
        kept: Option<Box<Kept>>,
    },
    /// A directory and what it names.
    Directory(BTreeMap<Box<[u8]>, Ino>),
    /// A symbolic link and its target.
    Symlink(BString),
    /// A character or block device, or a FIFO.
    Special,
    /// Something below /proc or /sys, which only the running container has.
    Unknowable,
    /// /proc/self/exe: the runtime's own program while it looks the command up, gone when the kernel executes it.
    Runtime,
}

/// What was kept of a regular file.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Of its bytes.
    pub content: Option<Arc<Content>>,
    /// The same of a file that was not read at first, once it was.
    pub(super) fetched: OnceLock<Option<Arc<Content>>>,
    /// Value of `security.capability`.
    pub capability: Option<Box<[u8]>>,
}

impl Kept {
    pub(super) fn of(entry: &Entry<'_>) -> Option<Box<Self>> {
        let (content, fetched) = (entry.content.cloned(), OnceLock::new());
        let kept = Kept { content, fetched, capability: entry.capability.map(Into::into) };
        (kept.content.is_some() || kept.capability.is_some()).then(|| Box::new(kept))
    }

    /// As far as it was read.
    pub fn content(&self) -> Option<&Arc<Content>> {
        match self.fetched.get() {
            Some(fetched) => fetched.as_ref(),
            None => self.content.as_ref(),
        }
    }
}

impl Kind {
    /// What was kept of a regular file's bytes.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Kind::Regular { kept: Some(kept), .. } => kept.content().map(|content| &**content),
            _ => None,
        }
    }

    /// A regular file's `security.capability`.
    pub fn capability(&self) -> Option<&[u8]> {
        match self {
            Kind::Regular { kept: Some(kept), .. } => kept.capability.as_deref(),
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

/// An inode: inode(7), and where it comes from.
#[derive(Clone, Debug)]
pub struct Inode {
    /// File type.
    pub kind: Kind,
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
#[derive(Clone)]
pub struct Rootfs {
    pub(super) inodes: Vec<Inode>,
    /// Names that a whiteout removed from a directory (or another file took), and the layer that did. Only the top
    /// of a removed tree is listed.
    pub(super) removed: BTreeMap<Ino, BTreeMap<Box<[u8]>, u16>>,
    pub(super) refusals: Vec<super::Refusal>,
}

impl Rootfs {
    /// The root directory.
    pub const ROOT: Ino = Ino(0);

    /// The inode of that number.
    pub fn inode(&self, ino: Ino) -> &Inode {
        // An Ino is only ever made by this tree, from the length of a vector that never shrinks.
        &self.inodes[ino.0 as usize]
    }

    /// The inode of that number, if it is one of the image's own and not one that the runtime makes.
    pub fn get(&self, ino: Ino) -> Option<&Inode> {
        self.inodes.get(ino.0 as usize)
    }

    /// What `dir` calls `name`.
    pub fn entry(&self, dir: Ino, name: &[u8]) -> Option<Ino> {
        match &self.inode(dir).kind {
            Kind::Directory(names) => names.get(name).copied(),
            _ => None,
        }
    }

    /// The layer that removed `path` (or a directory above it) from an earlier layer. `path` is absolute and clean.
    pub fn removed_by(&self, path: &[u8]) -> Option<usize> {
        let (mut dir, mut removed) = (Self::ROOT, None);
        for name in path.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
            let here = self.removed.get(&dir).and_then(|names| names.get(name));
            removed = here.or(removed);
            let Some(child) = self.entry(dir, name) else { break };
            dir = child;
        }
        removed.map(|layer| usize::from(*layer))
    }

    /// Layers that engines refuse to unpack; non-empty means that some or all cannot run the image.
    pub fn refusals(&self) -> &[super::Refusal] {
        &self.refusals
    }

    /// All inodes.
    pub fn inodes(&self) -> impl Iterator<Item = &Inode> {
        self.inodes.iter()
    }

    /// How many inodes there are.
    pub fn len(&self) -> usize {
        self.inodes.len()
    }

    /// Never: there is always a root.
    pub fn is_empty(&self) -> bool {
        self.inodes.is_empty()
    }

    pub(super) fn remove(&mut self, dir: Ino, name: &[u8], layer: u16) {
        self.removed.entry(dir).or_default().insert(name.into(), layer);
    }

    pub(super) fn add(&mut self, inode: Inode) -> Ino {
        self.inodes.push(inode);
        Ino(self.inodes.len() as u32 - 1)
    }

    pub(super) fn names(&mut self, dir: Ino) -> Option<&mut BTreeMap<Box<[u8]>, Ino>> {
        match self.inodes.get_mut(dir.0 as usize).map(|i| &mut i.kind) {
            Some(Kind::Directory(names)) => Some(names),
            _ => None,
        }
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
