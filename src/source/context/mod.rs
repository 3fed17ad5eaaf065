//! A build context: the files that COPY and ADD may take, with the modes that git has for them.
//!
//! In a repository the files are those that git tracks (`git ls-files -s`), because those are what everybody else has: a
//! checkout on Windows, or on a file system without modes, shows others. Elsewhere they are what lies in the directory.

mod git;
mod ignore;
mod within;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice};

use super::{unreadable_below, walk};
use crate::error::{Error, Result};
use globset::{GlobBuilder, GlobMatcher};
use ignore::Ignore;
use within::Within;

/// Files that are looked at in a directory that is no repository.
const MAX_FILES: usize = 20_000;

/// What a file of a context is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A symbolic link.
    Symlink,
}

/// A file of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it is.
    pub kind: Kind,
    /// Its permission bits: git's, if it tracks the file.
    pub mode: u16,
    /// The id of its blob, if git tracks it.
    pub blob: Option<String>,
}

/// A directory that is built in.
#[derive(Debug)]
pub struct Context {
    root: PathBuf,
    within: Within,
    /// The path of the root in its repository: empty, or with a `/` at the end; `None` outside of any.
    prefix: Option<BString>,
    files: BTreeMap<BString, Listed>,
    /// Not all files are in `files`: what is absent may be there when the image is built.
    is_partial: bool,
    ignore: Ignore,
    /// Texts that stand for those of the files.
    changed: BTreeMap<BString, BString>,
}

impl Context {
    /// Lists the files of `root`; `dockerfile` may have an ignore file of its own beside it.
    ///
    /// # Errors
    /// It is no directory, or cannot be read, or a pattern of its `.dockerignore` is wrong.
    pub fn open(root: &Path, dockerfile: &Path) -> Result<Self> {
        let what = || format!("build context `{}`", root.display());
        if !root.is_dir() {
            return Err(
                Error::new(what(), "it is no directory").help("name the directory that is built in with --context")
            );
        }
        let ignore = Ignore::read(root, dockerfile)?;
        if let Some(repository) = git::repository(root)
            && let Some(files) = git::tracked(root)
        {
            let prefix = root.canonicalize().ok().and_then(|root| git::prefix(&root, &repository)).unwrap_or_default();
            return Ok(Context {
                root: root.into(),
                within: Within::new(root),
                prefix: Some(prefix),
                files,
                is_partial: true,
                ignore,
                changed: BTreeMap::new(),
            });
        }
        let (files, is_partial) = listed(root, &ignore)?;
        let within = Within::new(root);
        Ok(Context { root: root.into(), within, prefix: None, files, is_partial, ignore, changed: BTreeMap::new() })
    }

    /// The same with other texts for some files, by their paths in the repository.
    #[must_use]
    pub fn with(mut self, changed: &BTreeMap<BString, BString>) -> Self {
        let own = changed.iter().filter_map(|(path, text)| Some((self.inside(path.as_bstr())?, text.clone())));
        self.changed = own.collect();
        self
    }

    /// The path in it of a file that [`Context::source_path`] names.
    pub fn inside(&self, source: &BStr) -> Option<BString> {
        let root = self.source_path(BStr::new(""));
        let inside = source.strip_prefix(root.as_bytes())?;
        Some(inside.into())
    }

    /// The length of a file.
    pub fn size(&self, path: &BStr) -> u64 {
        match self.changed.get(path) {
            Some(text) => text.len() as u64,
            None => self.place(path).and_then(|place| fs::symlink_metadata(place).ok()).map_or(0, |found| found.len()),
        }
    }

    /// Whether there may be files of which nothing is known.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Its files, by their paths in it; what `.dockerignore` names is left out.
    pub fn files(&self) -> impl Iterator<Item = (&BString, &Listed)> {
        self.files.iter().filter(|(path, _)| !self.ignore.excludes(path.as_bstr()))
    }

    /// The file at `path`; one that git does not track is taken as it lies there.
    pub fn get(&self, path: &BStr) -> Option<Listed> {
        if self.ignore.excludes(path) {
            return None;
        }
        self.files.get(path).cloned().or_else(|| found(&self.place(path)?))
    }

    /// Whether a file is there, and `.dockerignore` keeps it out of the build.
    pub fn leaves_out(&self, path: &BStr) -> bool {
        let is_there = || self.place(path).is_some_and(|place| place.is_file());
        self.ignore.excludes(path) && (self.files.contains_key(path) || is_there())
    }

    /// Where the links of a path lead, as COPY follows those of a source.
    pub fn leads(&self, path: &BStr) -> Option<BString> {
        self.within.leads(path)
    }

    /// The regular file at a path without links; `None` if there is none in the context.
    pub fn regular(&self, path: &BStr) -> Option<Listed> {
        self.get(path).filter(|listed| listed.kind == Kind::Regular && !path.is_empty())
    }

    /// Whether there are files below `path`, which has no links.
    pub fn is_directory(&self, path: &BStr) -> bool {
        let is_there = || self.place(path).is_some_and(|place| fs::symlink_metadata(place).is_ok_and(|it| it.is_dir()));
        path.is_empty() || self.below(path).next().is_some() || is_there()
    }

    /// The files below the directory `path`.
    pub fn below<'a>(&'a self, path: &'a BStr) -> impl Iterator<Item = (&'a BString, &'a Listed)> {
        let from = if path.is_empty() { BString::default() } else { [path.as_bytes(), b"/"].concat().into() };
        let start = from.clone();
        let inside = self.files.range(start..).take_while(move |(file, _)| file.starts_with(&from));
        inside.filter(|(path, _)| !self.ignore.excludes(path.as_bstr()))
    }

    /// Files and directories that a pattern of COPY matches (Go's `filepath.Match`), by their paths.
    pub fn matching(&self, pattern: &str) -> Vec<BString> {
        let Some(glob) = glob(pattern) else { return Vec::new() };
        let depth = pattern.matches('/').count();
        let mut found: Vec<BString> = Vec::new();
        for (path, _) in self.files() {
            if path.split_str("/").count() <= depth {
                continue;
            }
            let candidate = BString::from(bstr::join("/", path.split_str("/").take(depth + 1)));
            if found.last() != Some(&candidate) && glob.is_match(Path::new(std::ffi::OsStr::from_bytes(&candidate))) {
                found.push(candidate);
            }
        }
        found.dedup();
        found
    }

    /// Where a file of the context is; `None` if a link stands in the way to it, which may lead anywhere.
    pub fn place(&self, path: &BStr) -> Option<PathBuf> {
        self.within.place(path)
    }

    /// What a symbolic link of the context says.
    pub fn link(&self, path: &BStr) -> Option<BString> {
        Some(fs::read_link(self.place(path)?).ok()?.into_os_string().into_encoded_bytes().into())
    }

    /// Its path in the repository, else below the root as it was named.
    pub fn source_path(&self, path: &BStr) -> BString {
        match &self.prefix {
            Some(prefix) => [prefix.as_bytes(), path].concat().into(),
            None => {
                let root = self.root.as_os_str().as_bytes();
                let root = root.strip_prefix(b"./").unwrap_or(root);
                if root == b"." || root.is_empty() { path.into() } else { bstr::join("/", [root, path]).into() }
            }
        }
    }

    /// The bytes of a file, `most` of them.
    ///
    /// # Errors
    /// It cannot be read, or is no regular file of the context.
    pub fn read(&self, path: &BStr, most: u64) -> Result<Vec<u8>> {
        if let Some(text) = self.changed.get(path) {
            return Ok(text.iter().copied().take(usize::try_from(most).unwrap_or(usize::MAX)).collect());
        }
        let shown = || self.root.join(std::ffi::OsStr::from_bytes(path));
        let place = self.place(path).filter(|place| fs::symlink_metadata(place).is_ok_and(|found| found.is_file()));
        let Some(place) = place else {
            return Err(Error::new(format!("`{}`", shown().display()), "it is no regular file of the build context"));
        };
        let mut bytes = Vec::new();
        let read = fs::File::open(&place).and_then(|file| file.take(most).read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|e| unreadable_below(&place, &e))
    }
}

/// The path of a file in its repository, with `/` between names; its own if it is in none.
pub fn in_repository(path: &Path) -> BString {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let inside = git::repository(directory).and_then(|repository| {
        let whole = directory.canonicalize().ok()?;
        Some([git::prefix(&whole, &repository)?.as_bytes(), path.file_name()?.as_bytes()].concat().into())
    });
    inside.unwrap_or_else(|| {
        let bytes = path.as_os_str().as_bytes();
        bytes.strip_prefix(b"./").unwrap_or(bytes).into()
    })
}

fn found(path: &Path) -> Option<Listed> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::Regular,
        kind if kind.is_symlink() => Kind::Symlink,
        _ => return None,
    };
    Some(Listed { kind, mode: (metadata.permissions().mode() & 0o7777) as u16, blob: None })
}

/// What lies in a directory, and whether that is not all.
fn listed(root: &Path, ignore: &Ignore) -> Result<(BTreeMap<BString, Listed>, bool)> {
    let mut files = BTreeMap::new();
    let walked = walk(root, &mut |entry| {
        if files.len() >= MAX_FILES {
            return Err(Error::new("the build context", "it has more files than are looked at"));
        }
        let name = BString::from(entry.name.as_os_str().as_bytes());
        if !name.starts_with(b".git/") && !ignore.excludes(name.as_bstr()) {
            files.extend(found(&entry.path).map(|listed| (name, listed)));
        }
        Ok(())
    });
    match walked {
        Ok(()) => Ok((files, false)),
        Err(_) if files.len() >= MAX_FILES => Ok((files, true)),
        Err(error) => Err(error),
    }
}

/// A path or a pattern below the root: without `.` and empty names, `..` goes no further up; `None` if nothing is left.
pub fn cleaned(path: &str) -> Option<String> {
    let mut clean: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => drop(clean.pop()),
            _ => clean.push(part),
        }
    }
    (!clean.is_empty()).then(|| clean.join("/"))
}

/// A pattern in which `*` matches no `/`.
fn glob(pattern: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build().ok()?;
    Some(glob.compile_matcher())
}
