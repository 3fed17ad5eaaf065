//! The tree that layers come to, against a simple model of them, and against the same tree from the cache.
#![allow(clippy::unwrap_used)]

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use imagelint::format::tree::Tree;
use imagelint::image::{Changeset, Content, Entry, FileType, Layer, Reread};
use imagelint::rootfs::{Ino, Kind, Rootfs};

/// Keeps a tree in memory.
#[derive(Clone, Default)]
struct Keeps(Arc<Mutex<Option<Vec<u8>>>>);

impl Reread for Keeps {
    fn reread(&self, _: usize, _: u32, _: u64, _: usize) -> imagelint::Result<Vec<u8>> {
        Err(imagelint::Error::new("a test", "nothing to read"))
    }

    fn keeps_tree(&self) -> bool {
        true
    }

    fn keep_tree(&self, tree: &[&[u8]]) {
        *self.0.lock().unwrap() = Some(tree.concat());
    }
}

/// The tree of the layers, and what was kept of it.
fn build(layers: Vec<Layer>) -> (Rootfs, Option<Vec<u8>>) {
    let (keeps, mut image) = (Keeps::default(), tree::of(layers));
    image.again = Box::new(keeps.clone());
    let rootfs = Rootfs::build(&mut image).unwrap();
    let kept = keeps.0.lock().unwrap().take();
    (rootfs, kept)
}

/// The tree from the cache.
fn known(bytes: Vec<u8>) -> Rootfs {
    let mut image = tree::image(&[]);
    image.tree = Some(Tree::read(bytes).unwrap());
    Rootfs::build(&mut image).unwrap()
}

#[derive(Clone, Debug)]
struct File {
    kind: String,
    is_directory: bool,
    about: (u16, u32, u32),
    layer: Option<u16>,
    ordinal: u32,
    implied: bool,
    touched: Option<u16>,
}

/// What layers come to: whole paths, and the files that they name.
#[derive(Default)]
struct Model {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    removed: BTreeMap<String, usize>,
    layer: u16,
}

const IMPLICIT: u32 = u32::MAX;

impl Model {
    fn new() -> Self {
        let mut model = Model::default();
        model.files.push(File { touched: None, layer: None, ..model.directory() });
        model.names.insert(String::new(), 0);
        model
    }

    fn directory(&self) -> File {
        File {
            kind: "/".into(),
            is_directory: true,
            about: (0o755, 0, 0),
            layer: Some(self.layer),
            ordinal: IMPLICIT,
            implied: false,
            touched: Some(self.layer),
        }
    }

    fn at(&self, path: &str) -> Option<&File> {
        self.files.get(*self.names.get(path)?)
    }

    fn is_own(&self, path: &str) -> bool {
        self.at(path).is_some_and(|file| file.touched == Some(self.layer))
    }

    fn put(&mut self, path: &str, file: File) {
        self.take(path);
        self.files.push(file);
        self.names.insert(path.into(), self.files.len() - 1);
    }

    fn take(&mut self, path: &str) {
        let Some(file) = self.at(path) else { return };
        let (is_own, below) = (file.touched == Some(self.layer), format!("{path}/"));
        self.names.retain(|name, _| name != path && !name.starts_with(&below));
        self.removed.retain(|name, _| !name.starts_with(&below));
        if !is_own {
            self.removed.insert(path.into(), self.layer.into());
        }
    }

    /// The directories that lead to a path, from below the root.
    fn parents(path: &str) -> Vec<&str> {
        path.match_indices('/').skip(1).map(|(at, _)| &path[..at]).collect()
    }

    /// Applies an entry, unless it is one that engines refuse, or that goes through links.
    fn apply(&mut self, entry: &Line) -> bool {
        let Line { path, what, ordinal } = entry;
        let refused = |parent: &&str| self.is_own(parent) && self.at(parent).is_some_and(|file| !file.is_directory);
        if Self::parents(path).iter().any(refused) {
            return false;
        }
        match what {
            What::Link(to) if to == path || !self.is_own(to) || self.at(to).unwrap().is_directory => return false,
            // what is in its way goes first, and may be what it links to
            What::Link(to) if to.starts_with(&format!("{path}/")) => return false,
            What::Whiteout if self.is_own(path) => return false,
            _ => {}
        }
        for parent in Self::parents(path) {
            match self.names.get(parent).map(|number| &mut self.files[*number]).filter(|file| file.is_directory) {
                Some(directory) => {
                    directory.implied |= directory.touched != Some(self.layer);
                    directory.touched = Some(self.layer);
                }
                None => self.put(parent, self.directory()),
            }
        }
        let (layer, about) = (self.layer, (0o640 + (ordinal % 8) as u16, *ordinal, 7));
        let file = File { kind: what.to_string(), is_directory: false, about, ordinal: *ordinal, ..self.directory() };
        match what {
            What::Directory if self.at(path).is_some_and(|file| file.is_directory) => {
                let old = &mut self.files[self.names[path]];
                *old = File { layer: Some(layer), touched: Some(layer), is_directory: true, kind: "/".into(), ..file };
            }
            What::Directory => self.put(path, File { is_directory: true, kind: "/".into(), ..file }),
            What::File(_) | What::Symlink(_) => self.put(path, file),
            What::Link(to) => {
                self.take(path);
                let number = self.names[to];
                self.names.insert(path.clone(), number);
            }
            What::Whiteout => self.take(path),
            What::Opaque => self.opaque(path.rsplit_once('/').map_or("", |(directory, _)| directory)),
        }
        true
    }

    fn opaque(&mut self, directory: &str) {
        let below = format!("{directory}/");
        let names: Vec<String> = self.names.keys().filter(|name| name.starts_with(&below)).cloned().collect();
        for name in names {
            // what is below another name that goes is not removed by itself
            if !self.is_own(&name) {
                self.take(&name);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum What {
    Directory,
    File(u64),
    Symlink(String),
    Link(String),
    Whiteout,
    Opaque,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::File(size) => write!(f, "{size}"),
            What::Symlink(target) => write!(f, "-> {target}"),
            _ => Ok(()),
        }
    }
}

struct Line {
    path: String,
    what: What,
    ordinal: u32,
}

impl Line {
    fn push(&self, changeset: &mut Changeset, previous: &mut String) {
        let (directory, name) = self.path.rsplit_once('/').unwrap();
        let path = match self.what {
            What::Whiteout => format!("{directory}/.wh.{name}"),
            What::Opaque => format!("{directory}/.wh..wh..opq"),
            What::Directory => format!("{}/", self.path),
            _ => self.path.clone(),
        };
        let (file_type, link, size) = match &self.what {
            What::Directory => (FileType::Directory, "", 0),
            What::Symlink(target) => (FileType::Symlink, target.as_str(), 0),
            What::Link(to) => (FileType::Hardlink, to.as_str(), 0),
            What::File(size) => (FileType::Regular, "", *size),
            What::Whiteout | What::Opaque => (FileType::Regular, "", 0),
        };
        let content = matches!(self.what, What::File(size) if size % 3 == 0).then(|| Arc::new(content(self.ordinal)));
        let (mode, uid) = (0o640 + (self.ordinal % 8) as u16, self.ordinal);
        let capability = matches!(self.what, What::File(size) if size % 5 == 0).then_some(CAPABILITY);
        let entry = Entry {
            path: path.as_str().into(),
            file_type,
            mode,
            uid,
            gid: 7,
            size,
            link: link.into(),
            content: content.as_ref(),
            capability,
            ..tree::file("")
        };
        changeset.push(previous.as_bytes(), &entry);
        *previous = path;
    }
}

const CAPABILITY: &[u8] = &[1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn content(ordinal: u32) -> Content {
    Content::head(format!("content {ordinal}").into_bytes())
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::from(below)) as u32
    }

    fn path(&mut self) -> String {
        let depth = 1 + self.next(4);
        (0..depth).map(|_| format!("/{}", ["a", "b", "c", "bb", "\u{e9}"][self.next(5) as usize])).collect()
    }

    /// A name that the layer has given to a file, if any.
    fn own(&mut self, model: &Model) -> String {
        let own = |name: &&String| model.is_own(name) && !model.at(name).unwrap().is_directory;
        let own: Vec<&String> = model.names.keys().filter(own).collect();
        own.get(self.next(9) as usize % own.len().max(1)).map_or_else(String::new, |name| (*name).clone())
    }

    fn line(&mut self, model: &Model, ordinal: u32) -> Line {
        let what = match self.next(16) {
            0..5 => What::File(u64::from(self.next(40)) << self.next(36)),
            5..8 => What::Directory,
            8..10 => What::Symlink(format!("../{}", self.next(9))),
            10..13 => What::Link(self.own(model)),
            13..15 => What::Whiteout,
            _ => What::Opaque,
        };
        Line { path: self.path(), what, ordinal }
    }

    /// Some layers, and what they come to.
    fn layers(&mut self) -> (Vec<Layer>, Model) {
        let (mut model, mut layers) = (Model::new(), Vec::new());
        for number in 0..1 + self.next(5) {
            model.layer = number as u16;
            let (mut changeset, mut previous) = (Changeset::default(), String::new());
            let (mut ordinal, lines) = (0, self.next(40));
            for _ in 0..lines {
                let line = self.line(&model, ordinal);
                if model.apply(&line) {
                    line.push(&mut changeset, &mut previous);
                    ordinal += 1;
                }
            }
            layers.push(Layer { digest: String::new(), created_by: None, changeset: changeset.into() });
        }
        (layers, model)
    }
}

/// Every name, and what it names; and which names are of one file.
type Listed = (BTreeMap<String, String>, BTreeSet<Vec<String>>);

fn grouped<K: Ord>(names: impl Iterator<Item = (String, K)>) -> BTreeSet<Vec<String>> {
    let mut groups: BTreeMap<K, Vec<String>> = BTreeMap::new();
    names.for_each(|(name, key)| groups.entry(key).or_default().push(name));
    groups
        .into_values()
        .map(|mut names| {
            names.sort();
            names
        })
        .collect()
}

fn listed(rootfs: &Rootfs) -> Listed {
    let (mut all, mut inos, mut left) = (BTreeMap::new(), Vec::new(), vec![(String::new(), Rootfs::ROOT)]);
    while let Some((path, ino)) = left.pop() {
        let inode = rootfs.inode(ino);
        let mut shown = match inode.kind {
            Kind::Directory(names) => {
                let mut before: Option<&[u8]> = None;
                for (name, child) in names {
                    assert!(before.is_none_or(|before| before < name), "{path} is in order");
                    before = Some(name);
                    assert_eq!((names.get(name), rootfs.entry(ino, name)), (Some(child), Some(child)));
                    left.push((format!("{path}/{}", std::str::from_utf8(name).unwrap()), child));
                }
                assert_eq!((names.into_iter().count(), names.get(b"none"), names.get(b"")), (names.len(), None, None));
                "/".to_owned()
            }
            Kind::Symlink(target) => format!("-> {target}"),
            Kind::Regular { size, .. } => size.to_string(),
            _ => "?".to_owned(),
        };
        if let Kind::Regular { size, kept } = inode.kind {
            assert_eq!(inode.kind.content(), (size % 3 == 0).then(|| content(inode.ordinal)).as_ref());
            assert_eq!(inode.kind.capability(), (size % 5 == 0).then_some(CAPABILITY));
            assert_eq!(kept.is_some(), size % 3 == 0 || size % 5 == 0);
        }
        shown += &format!(" {:?}", ((inode.mode, inode.uid, inode.gid), inode.layer, inode.ordinal, inode.implied));
        all.insert(path.clone(), shown);
        inos.push((path, ino));
    }
    (all, grouped::<Ino>(inos.into_iter()))
}

impl Model {
    fn listed(&self) -> Listed {
        let shown = |file: &File| format!("{} {:?}", file.kind, (file.about, file.layer, file.ordinal, file.implied));
        let all = self.names.iter().map(|(name, number)| (name.clone(), shown(&self.files[*number])));
        (all.collect(), grouped(self.names.iter().map(|(name, number)| (name.clone(), *number))))
    }

    /// As [`Rootfs::removed_by`] has it.
    fn removed_by(&self, path: &str) -> Option<usize> {
        let mut found = None;
        for parent in Self::parents(path).into_iter().chain([path]) {
            found = self.removed.get(parent).copied().or(found);
            if !self.names.contains_key(parent) {
                break;
            }
        }
        found
    }
}

#[test]
fn layers_come_to_what_they_say() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut linked, mut removed) = (0, 0);
    for round in 0..4000 {
        let (layers, model) = random.layers();
        let (rootfs, kept) = build(layers);
        let wanted = model.listed();
        linked += wanted.1.iter().filter(|names| names.len() > 1).count();
        removed += model.removed.len();
        let mut all = vec![rootfs];
        assert_eq!(kept.is_some(), all[0].refusals().is_empty(), "{round}");
        all.extend(kept.map(known));
        let paths: Vec<String> = model.names.keys().chain(model.removed.keys()).cloned().collect();
        let paths: Vec<String> = paths.into_iter().chain((0..20).map(|_| random.path())).collect();
        for rootfs in all {
            assert_eq!(listed(&rootfs), wanted, "{round}");
            let names: BTreeSet<&[u8]> = rootfs.names().collect();
            let wanted: BTreeSet<&[u8]> =
                model.names.keys().map(|p| p.rsplit('/').next().unwrap().as_bytes()).collect();
            assert_eq!(names, wanted, "{round}");
            assert_eq!(rootfs.implies(), model.names.values().any(|number| model.files[*number].implied), "{round}");
            for path in &paths {
                assert_eq!(rootfs.removed_by(path.as_bytes()), model.removed_by(path), "{round}: {path}");
            }
        }
    }
    assert!(linked > 1000 && removed > 10_000, "there was something to get wrong: {linked}, {removed}");
}

#[test]
fn trees_of_refused_layers_are_not_kept() {
    let (rootfs, kept) = build(vec![tree::layer(&["a", "a"])]);
    assert!(!rootfs.refusals().is_empty() && kept.is_none());
    assert!(build(vec![tree::layer(&["a", "b"])]).1.is_some());
}

/// Directories of many names, in any order, and names that are taken away again.
#[test]
fn large_directories() {
    let name = |number: usize| format!("d/{:05}", number * 7919 % 20_011);
    let lines: Vec<String> = (0..20_000).map(name).collect();
    let away: Vec<String> = (0..20_000).step_by(3).map(|n| format!("d/.wh.{:05}", n * 7919 % 20_011)).collect();
    let layers = [lines.clone(), away].map(|lines| tree::layer(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
    let (rootfs, kept) = build(layers.into());
    let mut wanted: Vec<String> =
        lines.into_iter().enumerate().filter(|(n, _)| n % 3 != 0).map(|(_, name)| name).collect();
    wanted.sort();
    for rootfs in [rootfs, known(kept.unwrap())] {
        let Kind::Directory(names) = rootfs.inode(rootfs.entry(Rootfs::ROOT, b"d").unwrap()).kind else { panic!() };
        assert!(names.keys().eq(wanted.iter().map(|name| &name.as_bytes()[2..])));
        assert_eq!(rootfs.removed_by(b"/d/00000"), Some(1));
    }
}

/// Opaque whiteouts of the same directories cost no more than one.
#[test]
fn emptying_again_costs_nothing() {
    let mut lines: Vec<String> = (0..20_000).map(|n| format!("d/{n}")).collect();
    lines.extend((0..20_000).map(|_| "d/.wh..wh..opq".to_owned()));
    let layer = tree::layer(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let start = std::time::Instant::now();
    let (rootfs, _) = build(vec![tree::layer(&["d/old"]), layer]);
    assert!(rootfs.refusals().is_empty() && rootfs.removed_by(b"/d/old") == Some(1));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
