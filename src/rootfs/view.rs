//! What the container sees: the merged tree with what the runtime puts over it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use bstr::{BStr, BString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::apply::split;
use super::tree::{Ino, Inode, Kind, Rootfs, join};
use super::{Credentials, EXECUTE, again};
use crate::error::Result;
use crate::format::elf::{Code, Object, is_elf};
use crate::image::{Content, Image, Unseen};

/// Pieces of files by inode, offset and length.
type Taken = HashMap<(Ino, u64, usize), Vec<u8>>;

/// Components that are walked for one image: a launch takes some thousands; links that multiply one another in a
/// hostile image would take hours.
const MAX_STEPS: u32 = 20_000_000;

/// The file system of a container that is about to start: /proc, /sys and /dev as runtimes mount them (runtime-spec,
/// config-linux.md, *Default Filesystems* and *Default Devices*), and the directories they make.
#[derive(Clone)]
pub struct View<'a> {
    image: &'a Image,
    rootfs: &'a Rootfs,
    /// See [`View::reset_parents`].
    reset_parents: bool,
    /// Inodes that are not in the image; their numbers count down from the top.
    added: Vec<Inode<'static>>,
    /// Names that are not in the image, or stand for something else there.
    names: HashMap<(Ino, BString), Ino>,
    /// Components that may still be walked, over all resolutions.
    steps: Rc<Cell<u32>>,
    /// Second looks that were taken.
    again: Rc<RefCell<Taken>>,
    /// What dynamic loaders read, of files that it was not kept of.
    objects: Rc<RefCell<HashMap<Ino, Option<Rc<Object>>>>>,
    /// What the code of files says, which costs a second look each.
    codes: Rc<RefCell<HashMap<Ino, Option<Rc<Code>>>>>,
}

/// What tells one view of an image from another; see [`View::likeness`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    reset_parents: bool,
    added: usize,
    names: HashMap<(Ino, BString), Ino>,
}

impl<'a> View<'a> {
    /// The runtime's own program, which /proc/self/exe names.
    pub(super) const RUNTIME: Ino = Ino(u32::MAX);
    /// A program that nobody has seen; see [`View::resolve_program`].
    pub(super) const ASSUMED: Ino = Ino(u32::MAX - 1);

    /// The merged tree below the default mounts.
    pub fn new(image: &'a Image, rootfs: &'a Rootfs) -> Self {
        let mut view = View {
            image,
            rootfs,
            reset_parents: false,
            added: vec![made(Kind::Runtime, 0o755), assumed(image)],
            names: HashMap::new(),
            steps: Rc::new(Cell::new(MAX_STEPS)),
            again: Rc::default(),
            objects: Rc::default(),
            codes: Rc::default(),
        };
        for name in ["proc", "sys"] {
            view.add(Rootfs::ROOT, name, made(Kind::Unknowable, 0o555));
        }
        let dev = view.add(Rootfs::ROOT, "dev", made(Kind::Directory(Default::default()), 0o755));
        for name in ["null", "zero", "full", "random", "urandom", "tty"] {
            view.add(dev, name, made(Kind::Special, 0o666));
        }
        for name in ["pts", "shm", "mqueue"] {
            view.add(dev, name, made(Kind::Directory(Default::default()), 0o755));
        }
        for name in ["fd", "stdin", "stdout", "stderr", "ptmx", "console"] {
            view.add(dev, name, made(Kind::Unknowable, 0o666));
        }
        view
    }

    /// A layer that has `d/file` and no entry for `d`: containerd gives its `d` the mode and owner of the one below,
    /// Docker's graph drivers and containers/storage make it anew, root's and 0755, which hides the one below. With
    /// `yes` it is seen as the latter (measured: Docker 20.10, Podman 4.3; containerd 1.6).
    #[must_use]
    pub fn reset_parents(mut self, yes: bool) -> Self {
        // where no directory tells them apart, what is found out for one kind of engine holds for all
        self.reset_parents = yes && self.rootfs.implies();
        self
    }

    /// Why files that no layer has may be there all the same; `None` if what the layers have is all.
    pub fn unseen(&self) -> Option<&'a Unseen> {
        self.image.unseen.as_ref()
    }

    /// Whether a file is only taken to be there.
    pub fn is_assumed(&self, ino: Ino) -> bool {
        let layer = self.unseen().and_then(|unseen| unseen.assumed);
        ino == Self::ASSUMED || (layer.is_some() && self.inode(ino).layer == layer)
    }

    /// What tells it from other views of the image.
    pub fn likeness(&self) -> Likeness {
        Likeness { reset_parents: self.reset_parents, added: self.added.len(), names: self.names.clone() }
    }

    /// Whether any file of the image has capabilities.
    pub fn has_capabilities(&self) -> bool {
        self.rootfs.has_capabilities()
    }

    /// See [`View::reset_parents`].
    pub fn resets_parents(&self) -> bool {
        self.reset_parents
    }

    /// Whether `credentials` may search the directory.
    pub(super) fn may_search(&self, credentials: &Credentials, inode: Inode<'_>) -> bool {
        (self.reset_parents && inode.implied) || credentials.may(EXECUTE, inode)
    }

    /// The merged tree itself.
    pub fn rootfs(&self) -> &'a Rootfs {
        self.rootfs
    }

    /// The inode of that number.
    pub fn inode(&self, ino: Ino) -> Inode<'_> {
        self.added.get((u32::MAX - ino.0) as usize).copied().unwrap_or_else(|| self.rootfs.inode(ino))
    }

    /// What `dir` calls `name`.
    pub fn entry(&self, dir: Ino, name: &[u8]) -> Option<Ino> {
        let added = self.names.get(&(dir, BString::from(name))).copied();
        added.or_else(|| if self.is_added(dir) { None } else { self.rootfs.entry(dir, name) })
    }

    /// Makes the directory `at`, whose parent exists, and `rest` below it, root's and 0755 as runtimes make an absent
    /// working directory; returns where that leads.
    pub fn make_directories(&mut self, at: &BStr, rest: &BStr) -> BString {
        let mut stack = vec![(Rootfs::ROOT, BString::from("/"))];
        for name in split(at).chain(split(rest)) {
            let Some((dir, path)) = stack.last().cloned() else { break };
            if name == b".." {
                stack.truncate(stack.len().saturating_sub(1).max(1));
                continue;
            }
            let child = match self.entry(dir, name) {
                Some(child) => child,
                None => self.add(dir, name, made(Kind::Directory(Default::default()), 0o755)),
            };
            stack.push((child, join(&path, name)));
        }
        stack.pop().map(|(_, path)| path).unwrap_or_default()
    }

    /// The `len` bytes at `offset` of a regular file, fewer where it ends before.
    ///
    /// # Errors
    /// They were not kept, and a second look at the layer is not possible.
    pub fn read(&self, ino: Ino, offset: u64, len: usize) -> Result<Vec<u8>> {
        let Kind::Regular { size, .. } = self.inode(ino).kind else { return Ok(Vec::new()) };
        let len = usize::try_from(size.saturating_sub(offset)).map_or(len, |rest| rest.min(len));
        if len == 0 {
            return Ok(Vec::new());
        }
        if ino == Self::ASSUMED {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let program = self.image.unseen.as_ref().map(|unseen| unseen.program.as_slice()).unwrap_or_default();
            return Ok(program.iter().skip(start).take(len).copied().collect());
        }
        if let Some(bytes) = self.content(ino).and_then(|c| c.get(offset, len)) {
            return Ok(bytes.to_vec());
        }
        if let Some(bytes) = self.again.borrow().get(&(ino, offset, len)) {
            return Ok(bytes.clone());
        }
        let bytes = self.reread(ino, offset, len)?;
        self.again.borrow_mut().insert((ino, offset, len), bytes.clone());
        Ok(bytes)
    }

    /// What was kept of a regular file, which is fetched now where nothing was read of it before.
    pub fn content(&self, ino: Ino) -> Option<&Content> {
        let kind = self.inode(ino).kind;
        if let Kind::Regular { kept: Some(kept), .. } = kind
            && kept.content().is_some_and(|content| content.is_unread())
        {
            let (layer, ordinal) = self.origin(ino);
            // What cannot be had is told when it is read.
            kept.fetch(|| self.image.again.content(layer, ordinal).ok().flatten());
        }
        kind.content()
    }

    /// A second look at the layer.
    pub(super) fn reread(&self, ino: Ino, offset: u64, len: usize) -> Result<Vec<u8>> {
        let (layer, ordinal) = self.origin(ino);
        self.image.again.reread(layer, ordinal, offset, len)
    }

    /// The layer that a file comes from, and its place there.
    fn origin(&self, ino: Ino) -> (usize, u32) {
        let inode = self.inode(ino);
        (usize::from(inode.layer.unwrap_or_default()), inode.ordinal)
    }

    /// What was made of a file in an earlier run and remembered, or is made now.
    pub(super) fn remembered<T: Serialize + DeserializeOwned>(
        &self,
        ino: Ino,
        what: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let (layer, ordinal) = self.origin(ino);
        let known = self.image.again.recall(layer, ordinal, what);
        if let Some(known) = known.and_then(|bytes| postcard::from_bytes(&bytes).ok()) {
            return Ok(known);
        }
        let made = make()?;
        if let Ok(bytes) = postcard::to_stdvec(&made) {
            self.image.again.remember(layer, ordinal, what, &bytes);
        }
        Ok(made)
    }

    /// What a dynamic loader reads of a file; `None` of what is no ELF file.
    ///
    /// # Errors
    /// It was not kept, and a second look at the layer is not possible.
    pub fn object(&self, ino: Ino) -> Result<Option<Rc<Object>>> {
        if let Some(known) = self.objects.borrow().get(&ino) {
            return Ok(known.clone());
        }
        let kept = self.content(ino).and_then(|content| content.object()).cloned();
        let object = match kept {
            Some(object) => Some(object),
            None if self.size(ino) < 4 || !is_elf(&self.read(ino, 0, 64)?) => None,
            None => again::object(self, ino)?,
        };
        let object = object.map(Rc::new);
        self.objects.borrow_mut().insert(ino, object.clone());
        Ok(object)
    }

    /// What the machine code of a file says of signals; `None` if it does not tell, or cannot be had, or is too much.
    pub fn code(&self, ino: Ino) -> Option<Rc<Code>> {
        if let Some(known) = self.codes.borrow().get(&ino) {
            return known.clone();
        }
        let code = again::code(self, ino).map(Rc::new);
        self.codes.borrow_mut().insert(ino, code.clone());
        code
    }

    /// Length of a regular file, 0 of anything else.
    pub fn size(&self, ino: Ino) -> u64 {
        match self.inode(ino).kind {
            Kind::Regular { size, .. } => size,
            _ => 0,
        }
    }

    /// Whether another component may be walked.
    pub(super) fn take_step(&self) -> bool {
        let left = self.steps.get().checked_sub(1);
        self.steps.set(left.unwrap_or_default());
        left.is_some()
    }

    fn is_added(&self, ino: Ino) -> bool {
        ((u32::MAX - ino.0) as usize) < self.added.len()
    }

    fn add(&mut self, dir: Ino, name: impl AsRef<[u8]>, inode: Inode<'static>) -> Ino {
        let ino = Ino(u32::MAX - self.added.len() as u32);
        self.added.push(inode);
        self.names.insert((dir, BString::from(name.as_ref())), ino);
        ino
    }
}

fn assumed(image: &Image) -> Inode<'static> {
    let size = image.unseen.as_ref().map_or(0, |unseen| unseen.program.len() as u64);
    made(Kind::Regular { size, kept: None }, 0o755)
}

fn made(kind: Kind<'_>, mode: u16) -> Inode<'_> {
    Inode { kind, mode, uid: 0, gid: 0, layer: None, ordinal: 0, implied: false }
}
