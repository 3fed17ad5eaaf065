//! A directory as a changeset, as if it had been packed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use bstr::{BStr, BString};

use super::keep::Keeper;
use super::layer::Bounds;
use super::{Changeset, Content, Entry, FileType, Reread};
use crate::error::{Error, Result};
use crate::format::tar::Header;
use crate::source::{Found, unreadable_below, walk};

/// Reads every file below `root`.
pub(crate) fn read(root: &Path) -> Result<Changeset> {
    let (bounds, changeset, previous, names) = Default::default();
    let mut collect = Collect { keeper: Keeper::new(), bounds, changeset, previous, names };
    walk(root, &mut |found| collect.add(&found))?;
    Ok(collect.changeset)
}

struct Collect {
    keeper: Keeper,
    bounds: Bounds,
    changeset: Changeset,
    previous: BString,
    /// The first name of files that have several, by device and inode.
    names: HashMap<(u64, u64), BString>,
}

impl Collect {
    fn add(&mut self, found: &Found) -> Result<()> {
        let Some(mut file_type) = file_type(&found.metadata.file_type()) else { return Ok(()) };
        let name = BString::from(found.name.as_os_str().as_bytes());
        let mut link = BString::default();
        if file_type == FileType::Symlink {
            link = fs::read_link(&found.path)
                .map_err(|e| unreadable_below(&found.path, &e))?
                .into_os_string()
                .into_encoded_bytes()
                .into();
        } else if let Some(first) = self.first_name(found, &name) {
            file_type = FileType::Hardlink;
            link = first;
        }
        let regular = file_type == FileType::Regular;
        let capability = if regular { capability(&found.path)? } else { None };
        let rest = link.len() + capability.as_ref().map_or(0, Vec::len);
        let counted = self.bounds.count(&self.previous, &name, rest);
        counted.map_err(|problem| Error::new(display(&found.path), problem))?;
        let content = if regular { self.content(found, &name)? } else { None };
        let entry = Entry {
            ordinal: 0,
            path: BStr::new(&name),
            file_type,
            mode: (found.metadata.mode() & 0o7777) as u16,
            uid: found.metadata.uid(),
            gid: found.metadata.gid(),
            size: if regular { found.metadata.len() } else { 0 },
            link: BStr::new(&link),
            content: content.as_ref(),
            capability: capability.as_deref(),
        };
        self.changeset.push(&self.previous, &entry);
        self.previous = name;
        Ok(())
    }

    /// What the [layer reader](super::layer) would keep; no more of the file is read than that takes.
    fn content(&mut self, found: &Found, name: &BString) -> Result<Option<Arc<Content>>> {
        let mut header = Header::default();
        header.typeflag = b'0';
        header.name.clone_from(name);
        header.size = found.metadata.len();
        header.mode = i64::from(found.metadata.mode());
        let Some(first) = self.keeper.start(&header) else { return Ok(None) };
        self.feed(&found.path, first).map_err(|e| unreadable_below(&found.path, &e))?;
        Ok(self.keeper.finish().and_then(|content| self.bounds.keep(content)))
    }

    fn feed(&mut self, path: &Path, first: u64) -> io::Result<()> {
        let file = File::open(path)?;
        let (mut buffer, mut wanted) = ([0; 8192], Some(first));
        while let Some(offset) = wanted {
            let read = file.read_at(&mut buffer, offset)?;
            let bytes = buffer.get(..read).filter(|bytes| !bytes.is_empty());
            wanted = bytes.and_then(|bytes| self.keeper.feed(offset, bytes));
        }
        Ok(())
    }

    /// The name that this file was already found under.
    fn first_name(&mut self, found: &Found, name: &BString) -> Option<BString> {
        if found.metadata.is_dir() || found.metadata.nlink() < 2 {
            return None;
        }
        let inode = (found.metadata.dev(), found.metadata.ino());
        if let Some(first) = self.names.get(&inode) {
            return Some(first.clone());
        }
        self.names.insert(inode, name.clone());
        None
    }
}

/// Sockets are left out, as they are when an image is made.
fn file_type(kind: &fs::FileType) -> Option<FileType> {
    match () {
        () if kind.is_file() => Some(FileType::Regular),
        () if kind.is_dir() => Some(FileType::Directory),
        () if kind.is_symlink() => Some(FileType::Symlink),
        () if kind.is_char_device() => Some(FileType::CharDevice),
        () if kind.is_block_device() => Some(FileType::BlockDevice),
        () if kind.is_fifo() => Some(FileType::Fifo),
        () => None,
    }
}

fn capability(path: &Path) -> Result<Option<Vec<u8>>> {
    match xattr::get(path, "security.capability") {
        Ok(value) => Ok(value),
        Err(e) if e.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(e) => Err(unreadable_below(path, &e)),
    }
}

fn display(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// The second look: the directory is walked again to the entry of that number.
pub(crate) struct Again {
    root: PathBuf,
    /// The entry that was looked for last: several places of one file are read one after the other.
    last: Mutex<Option<(u32, PathBuf)>>,
}

impl Again {
    /// Keeps where it is.
    pub fn new(root: PathBuf) -> Self {
        Again { root, last: Mutex::new(None) }
    }

    fn find(&self, ordinal: u32) -> Result<Option<PathBuf>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, path)) = last.as_ref().filter(|(number, _)| *number == ordinal) {
            return Ok(Some(path.clone()));
        }
        let path = self.walk_to(ordinal)?;
        *last = path.clone().map(|path| (ordinal, path));
        Ok(path)
    }

    fn walk_to(&self, ordinal: u32) -> Result<Option<PathBuf>> {
        let (mut at, mut path) = (0, None);
        walk(&self.root, &mut |found| {
            if file_type(&found.metadata.file_type()).is_some() {
                if at == ordinal {
                    path = Some(found.path);
                }
                at += 1;
            }
            Ok(())
        })?;
        Ok(path)
    }
}

impl Reread for Again {
    fn reread(&self, _layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>> {
        let changed = || Error::new(display(&self.root), "it has changed since it was first read");
        let path = self.find(ordinal)?.filter(|path| path.is_file()).ok_or_else(changed)?;
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|mut file| {
            file.seek(SeekFrom::Start(offset))?;
            file.take(len as u64).read_to_end(&mut bytes)
        });
        read.map_err(|e| unreadable_below(&path, &e))?;
        Ok(bytes)
    }
}
