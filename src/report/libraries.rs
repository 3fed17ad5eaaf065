//! The libraries of a program: as a tree for people, as a list for programs.

use bstr::ByteSlice;
use serde::Serialize;

use super::Style;
use super::escape::sentence;
use crate::launch::{Closure, Found, Libc, LinkError, Linked};
use crate::rootfs::Rootfs;

/// What a dynamic loader maps and complains of.
#[derive(Debug, Serialize)]
pub struct Libraries {
    libc: &'static str,
    objects: Vec<Object>,
    errors: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Object {
    name: String,
    path: String,
    needed_by: String,
    found: String,
    layer: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Problem {
    kind: &'static str,
    /// The library, or the version of it.
    name: String,
    needed_by: String,
    searched: Vec<String>,
    message: String,
}

impl Libraries {
    /// Of what `closure` holds, the program itself left out.
    pub fn of(closure: &Closure, rootfs: &Rootfs) -> Self {
        let object = |linked: &Linked| Object {
            name: text(&linked.name),
            path: text(&linked.path),
            needed_by: text(closure.display(linked.needed_by)),
            found: found(closure, &linked.found),
            layer: rootfs.get(linked.ino).and_then(|inode| inode.layer).map(usize::from),
        };
        Libraries {
            libc: libc(closure.libc),
            objects: closure.objects.iter().skip(1).map(object).collect(),
            errors: closure.errors.iter().map(|error| problem(closure, error)).collect(),
        }
    }
}

fn problem(closure: &Closure, error: &LinkError) -> Problem {
    let (kind, name, searched) = match error {
        LinkError::NotFound { name, searched, .. } => ("not-found", name, searched.as_slice()),
        LinkError::Unusable { path, .. } => ("unusable", path, [].as_slice()),
        LinkError::Cut { path, .. } => ("cut-off", path, [].as_slice()),
        LinkError::Version { version, .. } => ("version", version, [].as_slice()),
        LinkError::Inconsistent { file, .. } => ("inconsistent", file, [].as_slice()),
    };
    Problem {
        kind,
        name: text(name),
        needed_by: text(closure.display(error.needed_by())),
        searched: searched.iter().map(|directory| text(directory)).collect(),
        message: closure.message(error),
    }
}

/// The libraries as a tree of who needs whom, a line each.
pub fn tree(closure: &Closure, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    branch(closure, 0, "", style, &mut lines);
    lines
}

fn branch(closure: &Closure, of: usize, indent: &str, style: &Style, lines: &mut Vec<String>) {
    let children: Vec<_> = closure.objects.iter().enumerate().skip(1).filter(|(_, o)| o.needed_by == of).collect();
    let errors: Vec<_> = closure.errors.iter().filter(|error| error.needed_by() == of).collect();
    let mut left = children.len() + errors.len();
    let mut corner = || {
        left -= 1;
        match (left == 0, style.unicode) {
            (false, true) => ("├─ ", "│  "),
            (true, true) => ("└─ ", "   "),
            (false, false) => ("|- ", "|  "),
            (true, false) => ("`- ", "   "),
        }
    };
    for (index, object) in children {
        let (corner, bar) = corner();
        lines.push(format!("{indent}{corner}{}", place(closure, object)));
        branch(closure, index, &format!("{indent}{bar}"), style, lines);
    }
    for error in errors {
        let (corner, _) = corner();
        lines.push(format!("{indent}{corner}{}", style.bold(&complaint(closure, error))));
    }
}

fn place(closure: &Closure, object: &Linked) -> String {
    let found = found(closure, &object.found);
    if object.name == object.path {
        return format!("{} ({found})", sentence(&object.path));
    }
    format!("{} => {} ({found})", sentence(&object.name), sentence(&object.path))
}

fn complaint(closure: &Closure, error: &LinkError) -> String {
    match error {
        LinkError::NotFound { name, .. } => format!("{} => not found", sentence(name)),
        LinkError::Unusable { path, problem, .. } => format!("{} => {problem}", sentence(path)),
        LinkError::Cut { path, .. } => format!("{} => is cut off (SIGBUS)", sentence(path)),
        LinkError::Version { library, version, .. } => {
            format!("version {} of {} => not found", sentence(version), sentence(closure.display(*library)))
        }
        LinkError::Inconsistent { file, .. } => format!("versions of {} => not among the libraries", sentence(file)),
    }
}

/// Why a library was found where it was.
fn found(closure: &Closure, found: &Found) -> String {
    let of = |what: &str, index: usize| format!("{what} of {}", sentence(closure.display(index)));
    match found {
        Found::Program => "the program".to_owned(),
        Found::Loader => "the loader".to_owned(),
        Found::Path => "a path".to_owned(),
        Found::Rpath(index) => of("RPATH", *index),
        Found::Runpath(index) => of("RUNPATH", *index),
        Found::LibraryPath => "LD_LIBRARY_PATH".to_owned(),
        Found::Cache => "ld.so.cache".to_owned(),
        Found::Default => "default directory".to_owned(),
    }
}

/// As people call it.
pub fn libc(libc: Libc) -> &'static str {
    match libc {
        Libc::Glibc => "glibc",
        Libc::Musl => "musl",
        Libc::Other => "other",
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.to_str_lossy().into_owned()
}
