//! A root file system: which files a loader maps, which loader, and how that is asked.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A directory that is complete.
pub struct Root {
    pub name: String,
    pub directory: PathBuf,
}

/// Class, byte order and e_machine.
pub type Machine = (u8, u8, u16);

/// A file with PT_DYNAMIC.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// In the root, absolute.
    pub path: String,
    pub machine: Machine,
    pub interpreter: Option<String>,
    /// It can be executed by all, and takes nobody's identity.
    pub plain: bool,
}

/// A program to start with these variables.
pub struct Case {
    pub path: String,
    pub environment: Vec<(String, String)>,
}

impl Root {
    /// Those of `only` (all if it is empty) that are complete.
    pub fn all(directory: &Path, only: &str) -> Vec<Self> {
        let mut roots = Vec::new();
        for entry in fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display())) {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let wanted = only.is_empty() || only.split(',').any(|o| o == name);
            if wanted && directory.join(format!("{name}.done")).exists() {
                roots.push(Root { directory: directory.join(&name), name });
            }
        }
        roots.sort_by(|a, b| a.name.cmp(&b.name));
        roots
    }

    /// All files that a loader could be asked about, in the order of their paths.
    pub fn files(&self) -> Vec<Mapped> {
        let (mut left, mut files) = (vec![self.directory.clone()], Vec::new());
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    left.push(entry.path());
                } else if kind.is_file() {
                    files.extend(self.file(&entry.path()));
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    fn file(&self, path: &Path) -> Option<Mapped> {
        let inside = path.strip_prefix(&self.directory).ok()?.to_str()?;
        let mode = path.metadata().ok()?.permissions().mode();
        let (machine, interpreter) = Elf(File::open(path).ok()?).read()?;
        let plain = mode & 0o111 == 0o111 && mode & 0o6000 == 0;
        Some(Mapped { path: format!("/{inside}"), machine, interpreter, plain })
    }

    /// The loader that most programs of each machine name, for libraries, which name none.
    pub fn loaders(&self, files: &[Mapped]) -> BTreeMap<Machine, String> {
        let mut counts: BTreeMap<(Machine, &str), usize> = BTreeMap::new();
        for file in files {
            if let Some(interpreter) = file.interpreter.as_deref().filter(|i| self.has(i)) {
                *counts.entry((file.machine, interpreter)).or_default() += 1;
            }
        }
        let mut loaders = BTreeMap::new();
        for machine in counts.keys().map(|(machine, _)| *machine) {
            let best = counts.iter().filter(|((m, _), _)| *m == machine).max_by_key(|(_, count)| **count);
            loaders.insert(machine, best.unwrap().0.1.to_owned());
        }
        loaders
    }

    /// Whether there is such a file: links lead out of the root for whoever is not in it, so a link is enough.
    pub fn has(&self, path: &str) -> bool {
        let inside = self.directory.join(path.trim_start_matches('/'));
        path.starts_with('/') && inside.symlink_metadata().is_ok()
    }

    /// The path that a link at `path` leads to, if it is relative.
    pub fn canonical(&self, path: &str) -> String {
        let inside = fs::canonicalize(self.directory.join(path.trim_start_matches('/'))).unwrap_or_default();
        let inside = inside.strip_prefix(fs::canonicalize(&self.directory).unwrap()).map(Path::to_path_buf);
        inside.map_or_else(|_| path.to_owned(), |p| format!("/{}", p.display()))
    }

    /// What stands before the loader in a root of another machine.
    pub fn emulator(&self) -> Vec<String> {
        match self.has("/qemu-static") {
            true => ["/qemu-static", "-L", "/"].map(str::to_owned).to_vec(),
            false => Vec::new(),
        }
    }

    /// The lines of the `.cases` beside the root: a path and then variables, between tabs.
    pub fn cases(&self) -> Vec<Case> {
        let text =
            fs::read_to_string(self.directory.with_file_name(format!("{}.cases", self.name))).unwrap_or_default();
        let case = |line: &str| {
            let mut fields = line.split('\t');
            let path = fields.next().unwrap_or_default().to_owned();
            let variable = |v: &str| v.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            Case { path, environment: fields.filter_map(variable).collect() }
        };
        text.lines().map(case).collect()
    }
}

/// As little of elf(5) as is needed to find PT_DYNAMIC and PT_INTERP.
struct Elf(File);

impl Elf {
    fn read(&self) -> Option<(Machine, Option<String>)> {
        let head = self.bytes(0, 52)?;
        let (class, data) = (head[4], head[5]);
        if !head.starts_with(b"\x7fELF") || !matches!(self.number(16, 2, data)?, 2 | 3) {
            return None;
        }
        let machine = (class, data, self.number(18, 2, data)? as u16);
        let (at, word) = if class == 2 { (32, 8) } else { (28, 4) };
        let table = self.number(at, word, data)?;
        let (size, count) = if class == 2 { (54, 56) } else { (42, 44) };
        let (size, count) = (self.number(size, 2, data)?, self.number(count, 2, data)?);
        let headers: Vec<(u64, u64)> = (0..count)
            .filter_map(|n| table.checked_add(n * size))
            .filter_map(|at| Some((self.number(at, 4, data)?, at)))
            .collect();
        headers.iter().find(|(kind, _)| *kind == 2)?;
        let interpreter = headers.iter().find(|(kind, _)| *kind == 3).and_then(|(_, at)| {
            let (offset, length) = if class == 2 { (at + 8, at + 32) } else { (at + 4, at + 16) };
            let text = self.bytes(self.number(offset, word, data)?, self.number(length, word, data)?.min(4096))?;
            Some(String::from_utf8_lossy(text.split(|b| *b == 0).next()?).into_owned())
        });
        Some((machine, interpreter))
    }

    fn number(&self, at: u64, length: u64, data: u8) -> Option<u64> {
        let bytes = self.bytes(at, length)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if data == 2 { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    }

    fn bytes(&self, at: u64, length: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.0.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }
}
