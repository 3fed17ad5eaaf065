//! Applying changesets: image-spec `layer.md`, *Applying Changesets*, with what all engines share beyond it.
//!
//! Engines unpack every layer into a directory of its own and let overlayfs merge them. So an entry's parent is looked
//! up in the tree of *its own layer*: a link or file that a lower layer has in that place is replaced by a directory,
//! never passed through. Here all layers share one tree; an inode of the current layer is "own", the rest is "lower".

use bstr::{BStr, BString, ByteSlice};

use super::tree::{Ino, Inode, Kept, Kind, Rootfs, join};
use crate::image::{Entry, FileType, Image};

/// A layer that some or all engines refuse to unpack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The layer, counted from 0.
    pub layer: usize,
    /// The entry.
    pub path: BString,
    /// What is wrong.
    pub kind: RefusalKind,
}

/// What is wrong with a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Not a tar archive as Go's archive/tar reads them.
    Archive(String),
    /// A hard link to a file that is not in the same layer; all engines refuse.
    HardlinkTargetAbsent(BString),
    /// A whiteout for a file that the same layer added before; all engines refuse.
    WhiteoutOfOwnFile,
    /// The parent is a file, or a loop of links, of the same layer; all engines refuse.
    ParentNotDirectory,
    /// A path twice; those that unpack with tar-split (Docker's graph drivers, containers/storage) refuse.
    DuplicatePath,
    /// The parent directory is a link that leads to nothing within the layer; the same engines refuse.
    ParentOutsideLayer(BString),
}

impl RefusalKind {
    /// Whether every engine refuses, rather than only those that record the archive's order with tar-split.
    pub fn by_all(&self) -> bool {
        !matches!(self, RefusalKind::DuplicatePath | RefusalKind::ParentOutsideLayer(_))
    }
}

/// The ordinal of directories that no entry names: they are made for what is in them.
const IMPLICIT: u32 = u32::MAX;
/// Links followed for one parent; Linux stops at 40 as well.
const MAX_LINKS: usize = 40;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

impl Rootfs {
    /// Merges the layers of `image`, base first.
    ///
    /// Whiteouts remove what lower layers have; an opaque whiteout empties the lower directory; a directory over a
    /// directory changes its metadata only; anything else replaces. Layers that engines refuse are applied as far as
    /// they go and listed in [`Rootfs::refusals`]. The changesets are taken out of the image: each is let go as soon as
    /// it is applied, so that a large image is not in memory twice.
    pub fn build(image: &mut Image) -> Rootfs {
        let root = directory(None, IMPLICIT);
        let mut rootfs = Rootfs { inodes: vec![root], removed: Default::default(), refusals: Vec::new() };
        for (index, layer) in image.layers.iter_mut().enumerate() {
            let changeset = std::mem::take(&mut layer.changeset);
            let mut apply = Apply { touched: vec![false; rootfs.inodes.len()], fs: &mut rootfs, layer: index as u16 };
            changeset.for_each(|entry| apply.entry(&entry));
            if let Some(bad) = changeset.bad_archive() {
                apply.refuse(bad.after.as_bstr(), RefusalKind::Archive(bad.problem.clone()));
            }
        }
        rootfs
    }
}

fn directory(layer: Option<u16>, ordinal: u32) -> Inode {
    Inode { kind: Kind::Directory(Default::default()), mode: 0o755, uid: 0, gid: 0, layer, ordinal, implied: false }
}

struct Apply<'a> {
    fs: &'a mut Rootfs,
    layer: u16,
    /// Directories that this layer's own tree has, by inode: named by an entry, or made for what is in them.
    touched: Vec<bool>,
}

/// A directory and its path.
type Place = (Ino, BString);

impl Apply<'_> {
    fn entry(&mut self, entry: &Entry<'_>) {
        let components = clean(entry.path);
        let Some((name, parents)) = components.split_last() else { return self.root(entry) };
        if name.starts_with(WHITEOUT) {
            return self.whiteout(entry, name, parents);
        }
        match self.parent(parents) {
            Ok((dir, path)) => self.place(entry, dir, &path, name),
            Err(kind) => self.refuse(entry.path, kind),
        }
    }

    fn root(&mut self, entry: &Entry<'_>) {
        if entry.file_type == FileType::Directory {
            self.metadata(Rootfs::ROOT, entry);
        }
    }

    /// Walks to the directory of an entry through this layer's own tree, making what is missing.
    fn parent(&mut self, components: &[&[u8]]) -> Result<Place, RefusalKind> {
        let mut left: Vec<Vec<u8>> = components.iter().rev().map(|c| c.to_vec()).collect();
        let mut stack: Vec<Place> = vec![(Rootfs::ROOT, BString::from("/"))];
        let (mut links, mut through) = (0, None::<BString>);
        while let Some(name) = left.pop() {
            let Some((dir, path)) = stack.last().cloned() else { break };
            if name == b".." {
                stack.truncate(stack.len().saturating_sub(1).max(1));
                continue;
            }
            let own = self.fs.entry(dir, &name).filter(|i| self.is_own(*i));
            if let Some(target) = own.and_then(|i| self.link_target(i)) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(RefusalKind::ParentNotDirectory);
                }
                if target.starts_with(b"/") {
                    stack.truncate(1);
                }
                through = Some(join(&path, &name));
                left.extend(split(&target).map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter().rev());
                continue;
            }
            if own.is_none()
                && let Some(link) = &through
            {
                // containerd makes the directory; engines that unpack in a chroot find nothing there.
                self.refuse(join(&path, &name).as_bstr(), RefusalKind::ParentOutsideLayer(link.clone()));
            }
            let child = self.descend(dir, &path, &name).ok_or(RefusalKind::ParentNotDirectory)?;
            stack.push((child, join(&path, &name)));
        }
        stack.pop().ok_or(RefusalKind::ParentNotDirectory)
    }

    /// The subdirectory `name`, made if it is not there or a lower layer has something else in its place; `None` if
    /// this layer itself has.
    fn descend(&mut self, dir: Ino, path: &[u8], name: &[u8]) -> Option<Ino> {
        if let Some(child) = self.fs.entry(dir, name) {
            if self.fs.inode(child).kind.is_directory() {
                self.imply(child);
                return Some(child);
            }
            if self.is_own(child) {
                return None;
            }
        }
        Some(self.insert(dir, path, name, directory(Some(self.layer), IMPLICIT)))
    }

    fn place(&mut self, entry: &Entry<'_>, dir: Ino, path: &BString, name: &[u8]) {
        let before = self.fs.entry(dir, name);
        if before.is_some_and(|i| self.is_own(i) && self.named(i)) {
            self.refuse(entry.path, RefusalKind::DuplicatePath);
        }
        let old_directory = before.filter(|i| self.fs.inode(*i).kind.is_directory());
        let kind = match entry.file_type {
            FileType::Directory if old_directory.is_some() => {
                return old_directory.into_iter().for_each(|i| self.metadata(i, entry));
            }
            FileType::Hardlink => return self.hard_link(entry, dir, path, name),
            FileType::Directory => Kind::Directory(Default::default()),
            FileType::Symlink => Kind::Symlink(entry.link.to_owned()),
            FileType::CharDevice | FileType::BlockDevice | FileType::Fifo => Kind::Special,
            FileType::Regular => Kind::Regular { size: entry.size, kept: Kept::of(entry) },
        };
        let layer = Some(self.layer);
        let inode = Inode {
            kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            layer,
            ordinal: entry.ordinal,
            implied: false,
        };
        self.insert(dir, path, name, inode);
    }

    fn hard_link(&mut self, entry: &Entry<'_>, dir: Ino, path: &BString, name: &[u8]) {
        self.unlink(dir, path, name);
        match self.own_file(entry.link) {
            Some(target) => self.link(dir, name, target),
            None => self.refuse(entry.path, RefusalKind::HardlinkTargetAbsent(entry.link.to_owned())),
        }
    }

    /// The file that `path` names in this layer's own tree; its last component is not followed (link(2)).
    fn own_file(&mut self, path: &BStr) -> Option<Ino> {
        let components = clean(path);
        let (name, parents) = components.split_last()?;
        let (dir, _) = self.parent(parents).ok()?;
        self.fs.entry(dir, name).filter(|i| self.is_own(*i) && !self.fs.inode(*i).kind.is_directory())
    }

    fn whiteout(&mut self, entry: &Entry<'_>, name: &[u8], parents: &[&[u8]]) {
        let Ok((dir, path)) = self.parent(parents) else {
            return self.refuse(entry.path, RefusalKind::ParentNotDirectory);
        };
        if name == OPAQUE {
            return self.hide_lower(dir, &path);
        }
        let hidden = name.get(WHITEOUT.len()..).unwrap_or_default();
        if hidden.is_empty() || hidden.starts_with(WHITEOUT) {
            return; // AUFS's own bookkeeping
        }
        match self.fs.entry(dir, hidden) {
            Some(i) if self.is_own(i) => self.refuse(entry.path, RefusalKind::WhiteoutOfOwnFile),
            _ => self.unlink(dir, &path, hidden),
        }
    }

    /// Empties a directory of what lower layers put there.
    fn hide_lower(&mut self, dir: Ino, path: &[u8]) {
        let names: Vec<(Box<[u8]>, Ino)> = match &self.fs.inode(dir).kind {
            Kind::Directory(names) => names.iter().map(|(n, i)| (n.clone(), *i)).collect(),
            _ => return,
        };
        for (name, child) in names {
            if !self.is_own(child) {
                self.unlink(dir, path, &name);
            } else if self.fs.inode(child).kind.is_directory() {
                self.hide_lower(child, &join(path, &name));
            }
        }
    }

    fn insert(&mut self, dir: Ino, path: &[u8], name: &[u8], inode: Inode) -> Ino {
        self.unlink(dir, path, name);
        let ino = self.fs.add(inode);
        self.touched.push(true);
        self.link(dir, name, ino);
        ino
    }

    fn link(&mut self, dir: Ino, name: &[u8], ino: Ino) {
        if let Some(names) = self.fs.names(dir) {
            names.insert(name.into(), ino);
        }
    }

    fn unlink(&mut self, dir: Ino, path: &[u8], name: &[u8]) {
        let old = self.fs.names(dir).and_then(|names| names.remove(name));
        if old.is_some_and(|i| !self.is_own(i)) {
            self.fs.removed.insert(join(path, name).to_vec().into(), self.layer);
        }
    }

    fn metadata(&mut self, ino: Ino, entry: &Entry<'_>) {
        self.touch(ino);
        if let Some(inode) = self.fs.inodes.get_mut(ino.0 as usize) {
            (inode.mode, inode.uid, inode.gid) = (entry.mode, entry.uid, entry.gid);
            (inode.layer, inode.ordinal, inode.implied) = (Some(self.layer), entry.ordinal, false);
        }
    }

    /// This layer has something in a directory.
    fn imply(&mut self, ino: Ino) {
        let lower = !self.is_own(ino);
        if let Some(inode) = self.fs.inodes.get_mut(ino.0 as usize) {
            inode.implied |= lower;
        }
        self.touch(ino);
    }

    fn touch(&mut self, ino: Ino) {
        if let Some(touched) = self.touched.get_mut(ino.0 as usize) {
            *touched = true;
        }
    }

    fn is_own(&self, ino: Ino) -> bool {
        self.touched.get(ino.0 as usize).copied().unwrap_or_default()
    }

    /// Whether an entry of this layer names it, rather than something in it.
    fn named(&self, ino: Ino) -> bool {
        let inode = self.fs.inode(ino);
        inode.layer == Some(self.layer) && inode.ordinal != IMPLICIT
    }

    fn link_target(&self, ino: Ino) -> Option<BString> {
        match &self.fs.inode(ino).kind {
            Kind::Symlink(target) => Some(target.clone()),
            _ => None,
        }
    }

    fn refuse(&mut self, path: &BStr, kind: RefusalKind) {
        // One of each severity a layer is enough to explain it, and keeps hostile layers small.
        let layer = usize::from(self.layer);
        let known = |r: &Refusal| r.layer == layer && r.kind.by_all() == kind.by_all();
        if !self.fs.refusals.iter().any(known) {
            self.fs.refusals.push(Refusal { layer, path: path.to_owned(), kind });
        }
    }
}

/// The components of a name in an archive, as Go's `filepath.Clean` leaves them below the root: `..` never leads out.
fn clean(path: &[u8]) -> Vec<&[u8]> {
    let mut components = Vec::new();
    for c in split(path) {
        if c == b".." {
            components.pop();
        } else {
            components.push(c);
        }
    }
    components
}

/// The components of a path, without empty ones and `.`.
pub(super) fn split(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".")
}
