//! Where the application of a layer is in the tree.

use bstr::{BString, ByteSlice};

use super::tree::{Ino, Rootfs};

/// The longest file name (limits.h).
pub const NAME_MAX: usize = 255;
/// A length that no path has (limits.h).
pub const PATH_MAX: usize = 4096;
/// What a whiteout's name begins with (image-spec, layer.md).
pub const WHITEOUT: &[u8] = b".wh.";

/// Where a walk is: the directories on its way, each with the length of its path. One buffer holds all the paths, for
/// a name of 2,000 directories would otherwise cost megabytes.
#[derive(Default)]
pub struct Walk {
    stack: Vec<(Ino, usize)>,
    path: Vec<u8>,
    /// Links were followed, so the path is not the one that was asked for.
    pub linked: bool,
    /// How an archive wrote the directory that the walk is at.
    written: Vec<u8>,
}

impl Walk {
    pub fn restart(&mut self) {
        self.stack.clear();
        self.path.clear();
        self.written.clear();
    }

    /// The name of an entry that is written below where the walk is: the next of the same directory, which is most of
    /// them. Names that mean something by themselves, and long ones, are not looked at.
    pub fn name<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        let (directory, name) = path.strip_suffix(b"/").unwrap_or(path).rsplit_once_str("/")?;
        let plain = !matches!(name, b"" | b"." | b"..") && !name.starts_with(WHITEOUT) && name.len() <= NAME_MAX;
        (plain && path.len() < PATH_MAX && !self.written.is_empty() && self.written == directory).then_some(name)
    }

    /// The entry at `path` has led here.
    pub fn was_written(&mut self, path: &[u8]) {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        self.written.clear();
        if let Some((directory, _)) = path.rsplit_once_str("/").filter(|_| !self.linked) {
            self.written.extend_from_slice(directory);
        }
    }

    /// Whether the way to `components` has just been gone. What an entry changes lies below its directory, never above
    /// it, so the next entry of the same directory, which is most of them, need not walk.
    pub fn is_at(&self, components: &[&[u8]]) -> bool {
        let names = self.path.split(|b| *b == b'/').skip(1);
        !self.linked && self.stack.len() == components.len() && names.eq(components.iter().copied())
    }

    pub fn dir(&self) -> Ino {
        self.stack.last().map_or(Rootfs::ROOT, |(dir, _)| *dir)
    }

    pub fn leave(&mut self) {
        self.stack.pop();
        self.path.truncate(self.stack.last().map_or(0, |(_, len)| *len));
    }

    pub fn enter(&mut self, dir: Ino, name: &[u8]) {
        self.path.push(b'/');
        self.path.extend_from_slice(name);
        self.stack.push((dir, self.path.len()));
    }

    /// Whether Linux would take the path of `name` here.
    pub fn takes(&self, name: &[u8]) -> bool {
        name.len() <= NAME_MAX && self.path.len() + 1 + name.len() < PATH_MAX
    }

    pub fn below(&self, name: &[u8]) -> BString {
        BString::from([self.path.as_slice(), b"/", name].concat())
    }
}
