//! A shared library that the dynamic loader finds nowhere, or does not take.

use bstr::{BString, ByteSlice};

use crate::finding::Finding;
use crate::format::ld_so_conf;
use crate::launch::{Closure, Libc, LinkError};
use crate::rootfs::{Ino, Kind, View};
use crate::rule::paste::{self, operand};
use crate::rule::{Explanation, Rule, Subject, Trouble, at, files, list, packages, quote};

/// See `rules/library-not-found.md`.
pub const RULE: Rule =
    Rule { name: "library-not-found", document: include_str!("../../rules/library-not-found.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Some((closure, error)) = trouble.closure().and_then(|c| Some((c, c.error()?))) else {
            return Explanation::default();
        };
        let explanation = match error {
            LinkError::Unusable { path, problem, .. } => unusable(closure, error, path, problem),
            LinkError::Cut { path, .. } => cut(closure, error, path),
            LinkError::NotFound { name, searched, other_class, .. } => {
                absent(trouble, closure, error, name, searched, other_class.is_some())
            }
            _ => Explanation::default(),
        };
        let program = closure.object(error.needed_by());
        let place = program.map(|object| trouble.file(&object.path, object.ino, None));
        also_missing(explanation, closure).at(place)
    })
}

/// The other libraries that are not there: they would be next.
fn also_missing(explanation: Explanation, closure: &Closure) -> Explanation {
    let mut names: Vec<String> = Vec::new();
    for error in closure.errors.iter().skip(1) {
        if let LinkError::NotFound { name, .. } = error
            && !names.contains(&quote(name))
        {
            names.push(quote(name));
        }
    }
    match names.len() {
        0 => explanation,
        count => {
            names.truncate(10);
            let more = if count > names.len() { ", and others" } else { "" };
            explanation.why(format!("not found either: {}{more}", list(&names)))
        }
    }
}

fn unusable(closure: &Closure, error: &LinkError, path: &[u8], problem: &str) -> Explanation {
    let by = quote(closure.display(error.needed_by()));
    let message = format!("{by} needs {}, which the dynamic loader does not take: {problem}", quote(path));
    Explanation::new(message, "put the library for this program and machine in its place")
}

fn cut(closure: &Closure, error: &LinkError, path: &[u8]) -> Explanation {
    let by = quote(closure.display(error.needed_by()));
    let message = format!("{by} needs {}, which is cut off: the process gets SIGBUS", quote(path));
    Explanation::new(message, "copy the whole file; was a download broken off, or the disk full?")
}

fn absent(
    trouble: &Trouble<'_>,
    closure: &Closure,
    error: &LinkError,
    name: &BString,
    searched: &[BString],
    other_class: bool,
) -> Explanation {
    let by = quote(closure.display(error.needed_by()));
    if let Some((path, ino)) = closed(trouble, name, searched) {
        return unreadable(trouble, &by, &path, ino);
    }
    let elsewhere = same_name(trouble, name);
    let message = match elsewhere.first() {
        _ if other_class => {
            format!("{by} needs the library {}, which is there for another word size only", quote(name))
        }
        Some(path) => {
            format!("{by} needs the library {}, and its loader does not look at {}", quote(name), quote(path))
        }
        None => format!("{by} needs the library {}, which is not in the image", quote(name)),
    };
    let explanation = Explanation::new(message, "").why(format!("{} looked in {}", loader(closure), places(searched)));
    match elsewhere.first() {
        Some(path) if !other_class => misplaced(trouble, explanation, closure, path),
        _ => install(trouble, explanation, closure, name),
    }
}

/// A library that lies where the loader looked: it could not be opened.
fn closed(trouble: &Trouble<'_>, name: &[u8], searched: &[BString]) -> Option<(BString, Ino)> {
    searched.iter().find_map(|directory| {
        let path = BString::from([directory.strip_suffix(b"/").unwrap_or(directory), b"/", name].concat());
        let ino = at(&trouble.subject, &path)?;
        trouble.inode(ino)?.kind.is_regular().then_some((path, ino))
    })
}

fn unreadable(trouble: &Trouble<'_>, by: &str, path: &BString, ino: Ino) -> Explanation {
    let user = quote(&trouble.launch.process.user);
    let message = format!("{by} needs {}, which the user {user} may not read", quote(path));
    Explanation::new(message, "let everybody read the library, and search the directories on the way to it")
        .why(format!("{} {}", quote(path), trouble.mode(ino)))
        .fix("let everybody read it", format!("RUN chmod 0644 {}", operand(&path.to_string())))
        .layer(trouble.layer_of(ino))
}

fn loader(closure: &Closure) -> &'static str {
    match closure.libc {
        Libc::Musl => "musl's loader",
        _ => "ld.so",
    }
}

fn places(searched: &[BString]) -> String {
    let mut names: Vec<String> = Vec::new();
    for directory in searched {
        let name = if directory.is_empty() { "the working directory".to_owned() } else { quote(directory) };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(20);
    if names.is_empty() { "that place alone".to_owned() } else { list(&names) }
}

fn same_name(trouble: &Trouble<'_>, name: &[u8]) -> Vec<BString> {
    let name = name.rsplit_str("/").next().unwrap_or(name);
    files(&trouble.subject, |entry| entry == name, |_| true, 1)
}

/// It is in the image, where the loader does not look.
fn misplaced(trouble: &Trouble<'_>, mut explanation: Explanation, closure: &Closure, path: &[u8]) -> Explanation {
    let directory = path.rsplitn_str(2, "/").nth(1).filter(|d| !d.is_empty()).unwrap_or(b"/");
    let written = directory.to_str_lossy();
    let plain = paste::is_plain(&written);
    let variable = plain.then(|| format!("ENV LD_LIBRARY_PATH={written}"));
    if closure.libc != Libc::Glibc {
        explanation.help = format!("move it to /usr/lib, or name {} in LD_LIBRARY_PATH", quote(directory));
        return explanation.fix_if("let the loader look there", variable);
    }
    if configured(trouble, directory) {
        explanation.help = format!(
            "/etc/ld.so.conf names {}, but only ldconfig reads it, never the loader: the cache was not made anew",
            quote(directory)
        );
        return explanation.fix("make the cache anew after the library was copied", "RUN ldconfig");
    }
    explanation.help =
        format!("name {} in /etc/ld.so.conf.d and run ldconfig, or in LD_LIBRARY_PATH", quote(directory));
    let add = plain.then(|| format!("RUN echo {} > /etc/ld.so.conf.d/app.conf && ldconfig", operand(&written)));
    explanation.fix_if("tell ldconfig", add).fix_if("or tell the loader", variable)
}

/// Whether ldconfig would look into `directory`.
fn configured(trouble: &Trouble<'_>, directory: &[u8]) -> bool {
    let Subject { image, rootfs, .. } = trouble.subject;
    let view = View::new(image, rootfs);
    let read = |path: &[u8]| {
        let ino = at(&trouble.subject, path)?;
        view.read(ino, 0, 1 << 20).ok()
    };
    let matching = |pattern: &[u8]| {
        let (parent, last) = pattern.split_at(pattern.rfind_byte(b'/').map_or(0, |at| at + 1));
        let Some(Kind::Directory(names)) = at(&trouble.subject, parent).map(|ino| rootfs.inode(ino).kind) else {
            return Vec::new();
        };
        let wanted = names.keys().filter(|name| ld_so_conf::matches(last, name));
        wanted.map(|name| BString::from([parent, name].concat())).collect()
    };
    ld_so_conf::directories(read, matching).iter().any(|named| *named == directory)
}

fn install(trouble: &Trouble<'_>, mut explanation: Explanation, closure: &Closure, name: &[u8]) -> Explanation {
    explanation.help = "install the package that has the library, or copy the library into the image together with \
                        the program"
        .to_owned();
    let view = View::new(trouble.subject.image, trouble.subject.rootfs);
    let program = closure.object(0).and_then(|program| view.object(program.ino).ok().flatten());
    let is_64 = program.is_none_or(|program| program.machine().is_64);
    explanation.fixes(packages::install(&trouble.subject, name, is_64))
}
