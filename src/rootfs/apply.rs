//! Applying changesets: image-spec `layer.md`, *Applying Changesets*, with what all engines share beyond it.
//!
//! Engines unpack every layer into a directory of its own and let overlayfs merge them. So an entry's parent is looked
//! up in the tree of *its own layer*: a link or file that a lower layer has in that place is replaced by a directory,
//! never passed through. Here all layers share one tree; an inode of the current layer is "own", the rest is "lower".

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use super::grow::Growing;
use super::kept::Slot;
use super::tree::{Ino, Rootfs};
use super::walk::{NAME_MAX, PATH_MAX, WHITEOUT, Walk};
use crate::error::{Error, Result};
use crate::format::tree::{Data, Record};
use crate::image::{Entry, FileType, Image};

/// What becomes of an entry, or why engines refuse it.
type Step<T> = std::result::Result<T, RefusalKind>;

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
    /// The parent is a file of the same layer; all engines refuse.
    ParentNotDirectory,
    /// The parent is a loop of links of the same layer; all engines refuse (ELOOP).
    ParentLoop,
    /// The path, or a file name in it, is longer than Linux takes; all engines refuse (ENAMETOOLONG).
    NameTooLong,
    /// A symbolic link to a path that is longer than symlink(2) takes; all engines refuse (ENAMETOOLONG).
    TargetTooLong,
    /// A symbolic link to nothing; all engines refuse (symlink(2): ENOENT).
    TargetEmpty,
    /// A `security.capability` that setxattr(2) does not take; all engines refuse (EINVAL).
    BadCapability,
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
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Directories that no entry names; each costs memory that no entry was counted for ([`Bounds::ENTRIES`]).
///
/// [`Bounds::ENTRIES`]: crate::image::layer::Bounds::ENTRIES
const MAX_IMPLIED: u32 = 1 << 17;
/// Components that come out of links on the way to parents; each costs a look into a directory.
const MAX_STEPS: u32 = 1 << 23;

impl Rootfs {
    /// Merges the layers of `image`, base first.
    ///
    /// Whiteouts remove what lower layers have; an opaque whiteout empties the lower directory; a directory over a
    /// directory changes its metadata only; anything else replaces. Layers that engines refuse are applied as far as
    /// they go and listed in [`Rootfs::refusals`]. The changesets are taken out of the image: each is let go while
    /// it is applied, so that a large image is not in memory twice, unless another platform needs it.
    ///
    /// What comes of it is kept with the image, unless engines refuse a layer; where it is known ([`Image::tree`]),
    /// nothing is applied.
    ///
    /// # Errors
    /// The layers make more of their entries than any image does.
    pub fn build(image: &mut Image) -> Result<Rootfs> {
        if let Some(tree) = image.tree.take() {
            return Ok(Rootfs::known(tree));
        }
        let entries = image.layers.iter().map(|layer| layer.changeset.len()).sum();
        let (mut tree, mut refusals) = (Growing::new(directory(None, IMPLICIT), entries), Vec::new());
        let mut left = Left { implied: MAX_IMPLIED, steps: MAX_STEPS };
        for (index, layer) in image.layers.iter_mut().enumerate() {
            let changeset = std::mem::take(&mut layer.changeset);
            let (walk, emptied) = Default::default();
            let (tree, left, refusals) = (&mut tree, &mut left, &mut refusals);
            let mut apply = Apply { tree, refusals, left, layer: index as u16, emptied, walk };
            let bad = changeset.bad_archive().cloned();
            match Arc::try_unwrap(changeset) {
                Ok(changeset) => changeset.drain(|entry| apply.entry(&entry)),
                Err(shared) => shared.for_each(|entry| apply.entry(&entry)),
            }
            if let Some(bad) = bad {
                apply.refuse(bad.after.as_bstr(), RefusalKind::Archive(bad.problem));
            }
            left.check(index)?;
        }
        let rootfs = Rootfs::new(tree.freeze(), refusals);
        rootfs.keep(image.again.as_ref());
        Ok(rootfs)
    }
}

/// What hostile layers may still cost beyond their entries.
struct Left {
    implied: u32,
    steps: u32,
}

impl Left {
    fn is_spent(&self) -> bool {
        self.implied == 0 || self.steps == 0
    }

    fn check(&self, layer: usize) -> Result<()> {
        if !self.is_spent() {
            return Ok(());
        }
        let problem = match self.implied {
            0 => format!("with it the image has more than {MAX_IMPLIED} directories without an entry of their own"),
            _ => format!("with it symbolic links lead through more than {MAX_STEPS} directories"),
        };
        Err(Error::new(format!("layer {}", layer + 1), problem + ", the most that are followed"))
    }
}

fn directory(layer: Option<u16>, ordinal: u32) -> Record {
    let data = Data::Directory { first: 0, count: 0 };
    Record { name: 0, data, mode: 0o755, uid: 0, gid: 0, layer, ordinal, implied: false }
}

struct Apply<'a> {
    tree: &'a mut Growing,
    refusals: &'a mut Vec<Refusal>,
    left: &'a mut Left,
    layer: u16,
    /// Directories that have nothing of lower layers any more: to empty them again, and all below them, would cost much
    /// and change nothing.
    emptied: HashSet<Ino>,
    walk: Walk,
}

impl Apply<'_> {
    fn entry(&mut self, entry: &Entry<'_>) {
        if self.left.is_spent() {
            return;
        }
        if let Err(kind) = self.try_entry(entry) {
            self.refuse(entry.path, kind);
        }
    }

    fn try_entry(&mut self, entry: &Entry<'_>) -> Step<()> {
        if let Some(name) = self.walk.name(entry.path) {
            return self.place(entry, name);
        }
        let components = clean(entry.path);
        let Some((name, parents)) = components.split_last() else {
            self.root(entry);
            return Ok(());
        };
        let hidden = name.strip_prefix(WHITEOUT);
        check_length(parents, hidden.unwrap_or(name))?;
        self.parent(parents)?;
        if entry.path.strip_suffix(b"/").unwrap_or(entry.path).ends_with(name) {
            self.walk.was_written(entry.path);
        }
        match hidden {
            _ if *name == OPAQUE => self.hide_lower(self.walk.dir()),
            Some(hidden) => self.whiteout(hidden)?,
            None => self.place(entry, name)?,
        }
        Ok(())
    }

    fn root(&mut self, entry: &Entry<'_>) {
        if entry.file_type == FileType::Directory {
            self.metadata(Rootfs::ROOT, entry);
        }
    }

    /// Walks to the directory of an entry through this layer's own tree, making what is missing.
    fn parent(&mut self, components: &[&[u8]]) -> Step<()> {
        if self.walk.is_at(components) {
            return Ok(());
        }
        let mut left: Vec<Cow<'_, [u8]>> = components.iter().rev().map(|c| Cow::Borrowed(*c)).collect();
        let (mut links, mut through) = (0, None::<BString>);
        self.walk.restart();
        self.walk.linked = false;
        while let Some(name) = left.pop() {
            if *name == *b".." {
                self.walk.leave();
                continue;
            }
            let own = self.tree.entry(self.walk.dir(), &name).filter(|i| self.is_own(*i));
            let Some(target) = own.and_then(|i| self.tree.target(i)).map(BString::from) else {
                self.enter(&name, own.is_none(), through.as_ref())?;
                continue;
            };
            links += 1;
            self.walk.linked = true;
            if links > MAX_LINKS {
                return Err(RefusalKind::ParentLoop);
            }
            through = Some(self.walk.below(&name));
            if target.starts_with(b"/") {
                self.walk.restart();
            }
            let from = left.len();
            left.extend(split(&target).map(|c| Cow::Owned(c.to_vec())));
            left.get_mut(from..).unwrap_or_default().reverse();
            self.spend_steps(left.len() - from)?;
        }
        Ok(())
    }

    /// Whoever runs out is never heard: [`Rootfs::build`] then fails as a whole.
    fn spend_steps(&mut self, steps: usize) -> Step<()> {
        self.left.steps = self.left.steps.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
        if self.left.is_spent() { Err(RefusalKind::ParentLoop) } else { Ok(()) }
    }

    /// Goes down one directory; `through` is the link that led here, if one did.
    fn enter(&mut self, name: &[u8], is_absent: bool, through: Option<&BString>) -> Step<()> {
        // Links were followed before the path is used (containerd `fs.RootPath`, securejoin), so that what they lead to
        // counts.
        if !self.walk.takes(name) {
            return Err(RefusalKind::NameTooLong);
        }
        if let (true, Some(link)) = (is_absent, through) {
            // containerd makes the directory; engines that unpack in a chroot find nothing there.
            let path = self.walk.below(name);
            self.refuse(path.as_bstr(), RefusalKind::ParentOutsideLayer(link.clone()));
        }
        let child = self.descend(name)?;
        self.walk.enter(child, name);
        Ok(())
    }

    /// The subdirectory `name`, made if it is not there or a lower layer has something else in its place.
    fn descend(&mut self, name: &[u8]) -> Step<Ino> {
        let dir = self.walk.dir();
        if let Some(child) = self.tree.entry(dir, name) {
            if self.tree.is_directory(child) {
                self.imply(child);
                return Ok(child);
            }
            if self.is_own(child) {
                return Err(RefusalKind::ParentNotDirectory);
            }
        }
        self.left.implied = self.left.implied.saturating_sub(1);
        self.spend_steps(0)?;
        self.insert(dir, name, directory(Some(self.layer), IMPLICIT)).ok_or(RefusalKind::ParentNotDirectory)
    }

    fn place(&mut self, entry: &Entry<'_>, name: &[u8]) -> Step<()> {
        let dir = self.walk.dir();
        let before = self.tree.entry(dir, name);
        if before.is_some_and(|i| self.is_own(i) && self.named(i)) {
            self.refuse(entry.path, RefusalKind::DuplicatePath);
        }
        let old_directory = before.filter(|i| self.tree.is_directory(*i));
        let data = match entry.file_type {
            FileType::Directory if old_directory.is_some() => {
                old_directory.into_iter().for_each(|i| self.metadata(i, entry));
                return Ok(());
            }
            FileType::Hardlink => return self.hard_link(entry, dir, name),
            FileType::Directory => Data::Directory { first: 0, count: 0 },
            FileType::Symlink => self.tree.symlink(target(entry.link)?),
            FileType::CharDevice | FileType::BlockDevice | FileType::Fifo => Data::Special,
            FileType::Regular => {
                Data::Regular { size: entry.size, kept: entry.content.is_some() || entry.capability.is_some() }
            }
        };
        let layer = Some(self.layer);
        let (mode, uid, gid, ordinal) = (entry.mode, entry.uid, entry.gid, entry.ordinal);
        let ino = self.insert(dir, name, Record { name: 0, data, mode, uid, gid, layer, ordinal, implied: false });
        if let (Some(ino), Data::Regular { kept: true, .. }) = (ino, data) {
            let capability = entry.capability.map(|value| (self.tree.push_text(value), value.len() as u32));
            self.tree.keep(Slot::new(ino, entry.content, capability));
        }
        // Set last of all, so the file is there.
        if entry.capability.is_some_and(|value| !is_capability(value)) {
            Err(RefusalKind::BadCapability)
        } else {
            Ok(())
        }
    }

    fn hard_link(&mut self, entry: &Entry<'_>, dir: Ino, name: &[u8]) -> Step<()> {
        self.tree.unlink(dir, name, self.layer);
        let target =
            self.own_file(entry.link).ok_or_else(|| RefusalKind::HardlinkTargetAbsent(shown(entry.link).into()))?;
        self.insert(dir, name, Record { data: Data::Link(target.0), ..directory(None, IMPLICIT) });
        Ok(())
    }

    /// The file that `path` names in this layer's own tree; its last component is not followed (link(2)).
    fn own_file(&mut self, path: &BStr) -> Option<Ino> {
        let components = clean(path);
        let (name, parents) = components.split_last()?;
        check_length(parents, name).ok()?;
        self.parent(parents).ok()?;
        self.tree.entry(self.walk.dir(), name).filter(|i| self.is_own(*i) && !self.tree.is_directory(*i))
    }

    fn whiteout(&mut self, hidden: &[u8]) -> Step<()> {
        if hidden.is_empty() || hidden.starts_with(WHITEOUT) {
            return Ok(()); // AUFS's own bookkeeping
        }
        let dir = self.walk.dir();
        if self.tree.entry(dir, hidden).is_some_and(|i| self.is_own(i)) {
            return Err(RefusalKind::WhiteoutOfOwnFile);
        }
        self.tree.unlink(dir, hidden, self.layer);
        Ok(())
    }

    /// Empties a directory of what lower layers put there.
    fn hide_lower(&mut self, dir: Ino) {
        let mut dirs = vec![dir];
        while let Some(dir) = dirs.pop() {
            if self.emptied.insert(dir) {
                dirs.extend(self.tree.empty(dir, self.layer));
            }
        }
    }

    fn insert(&mut self, dir: Ino, name: &[u8], record: Record) -> Option<Ino> {
        self.tree.insert(dir, name, self.layer, record)
    }

    fn metadata(&mut self, ino: Ino, entry: &Entry<'_>) {
        let layer = self.layer;
        self.tree.touch(ino, layer);
        self.tree.change(ino, |inode| {
            (inode.mode, inode.uid, inode.gid) = (entry.mode, entry.uid, entry.gid);
            (inode.layer, inode.ordinal, inode.implied) = (Some(layer), entry.ordinal, false);
        });
    }

    /// This layer has something in a directory.
    fn imply(&mut self, ino: Ino) {
        if !self.is_own(ino) {
            self.tree.change(ino, |inode| inode.implied = true);
        }
        self.tree.touch(ino, self.layer);
    }

    fn is_own(&self, ino: Ino) -> bool {
        self.tree.is_touched(ino, self.layer)
    }

    /// Whether an entry of this layer names it, rather than something in it.
    fn named(&self, ino: Ino) -> bool {
        self.tree.record(ino).is_some_and(|inode| inode.layer == Some(self.layer) && inode.ordinal != IMPLICIT)
    }

    fn refuse(&mut self, path: &BStr, kind: RefusalKind) {
        // One of each severity a layer is enough to explain it, and keeps hostile layers small.
        let layer = usize::from(self.layer);
        let known = |r: &Refusal| r.layer == layer && r.kind.by_all() == kind.by_all();
        if !self.refusals.iter().any(known) {
            self.refusals.push(Refusal { layer, path: shown(path).into(), kind });
        }
    }
}

/// The most that is shown of a path.
fn shown(path: &[u8]) -> &[u8] {
    path.get(..NAME_MAX).unwrap_or(path)
}

/// path_resolution(7): ENAMETOOLONG, as the path is below the root directory.
fn check_length(parents: &[&[u8]], name: &[u8]) -> Step<()> {
    let path: usize = parents.iter().chain([&name]).map(|c| c.len() + 1).sum();
    let is_longer = path >= PATH_MAX || parents.iter().chain([&name]).any(|c| c.len() > NAME_MAX);
    if is_longer { Err(RefusalKind::NameTooLong) } else { Ok(()) }
}

fn target(link: &BStr) -> Step<&BStr> {
    match link.len() {
        0 => Err(RefusalKind::TargetEmpty),
        PATH_MAX.. => Err(RefusalKind::TargetTooLong),
        _ => Ok(link),
    }
}

/// Linux, security/commoncap.c, `validheader`: revision 2 of `struct vfs_cap_data`, or 3 with a root user id. Revision
/// 1 is still read, but cannot be set. Without a value, engines set none.
fn is_capability(value: &[u8]) -> bool {
    matches!((value.len(), value), (0, _) | (20, [0 | 1, 0, 0, 2, ..]) | (24, [0 | 1, 0, 0, 3, ..]))
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
