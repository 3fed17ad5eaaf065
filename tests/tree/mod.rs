//! Small images in memory, written as lines.
#![allow(dead_code)]

use std::sync::Arc;

use imagelint::image::{Changeset, Configuration, Content, Entry, FileType, Image, Layer, Platform, Reread};

/// `dir/`, `file`, `link -> target`, `name = target` (hard link), with `:mode` in octal at the end if it matters.
pub fn layer(lines: &[&str]) -> Layer {
    filled(lines, &[])
}

/// The same, with the contents of some files.
pub fn filled(lines: &[&str], contents: &[(&str, &[u8])]) -> Layer {
    let (mut changeset, mut previous) = (Changeset::default(), String::new());
    for line in lines {
        let (line, mode) = match line.rsplit_once(':') {
            Some((line, mode)) => (line, u16::from_str_radix(mode, 8).unwrap()),
            None => (*line, 0o755),
        };
        let (path, file_type, link) = match (line.split_once(" -> "), line.split_once(" = ")) {
            (Some((path, target)), _) => (path, FileType::Symlink, target),
            (_, Some((path, target))) => (path, FileType::Hardlink, target),
            _ if line.ends_with('/') => (line, FileType::Directory, ""),
            _ => (line, FileType::Regular, ""),
        };
        let bytes = contents.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes);
        let content = bytes.map(|bytes| Arc::new(Content::head(bytes)));
        let size = bytes.map_or(0, |b| b.len() as u64);
        let entry = Entry { file_type, mode, size, link: link.into(), content: content.as_ref(), ..file(path) };
        changeset.push(previous.as_bytes(), &entry);
        previous = path.to_owned();
    }
    Layer { digest: String::new(), created_by: None, changeset: changeset.into() }
}

/// A regular file, empty, 0755 and root's.
pub fn file(path: &str) -> Entry<'_> {
    Entry {
        ordinal: 0,
        path: path.into(),
        file_type: FileType::Regular,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        link: "".into(),
        content: None,
        capability: None,
    }
}

struct Never;

impl Reread for Never {
    fn reread(&self, _: usize, _: u32, _: u64, _: usize) -> imagelint::Result<Vec<u8>> {
        Err(imagelint::Error::new("a test", "nothing to read"))
    }
}

pub fn image(layers: &[&[&str]]) -> Image {
    of(layers.iter().map(|l| layer(l)).collect())
}

pub fn of(layers: Vec<Layer>) -> Image {
    Image {
        source: "test",
        reference: String::new(),
        digest: None,
        platform: Platform::new("linux", "amd64", None),
        configured: None,
        others: Vec::new(),
        configuration: Configuration::default(),
        record: Default::default(),
        layers,
        tree: None,
        tables: 0,
        unseen: None,
        upon: None,
        again: Box::new(Never),
    }
}
