//! The dynamic loader that a program asks for is not there.

use bstr::ByteSlice;

use crate::finding::Finding;
use crate::launch::{Cause, Problem};
use crate::rootfs::Kind;
use crate::rule::{Explanation, Rule, Subject, at, list, packages, quote};

/// See `rules/loader-not-found.md`.
pub const RULE: Rule =
    Rule { name: "loader-not-found", document: include_str!("../../rules/loader-not-found.md"), check };

/// Where loaders live.
const DIRECTORIES: [&str; 4] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Cause::Exec { path: loader, problem, .. } = trouble.cause else { return Explanation::default() };
        let program = trouble.program();
        let file = program.map_or_else(|| trouble.command().to_owned(), |step| step.path.to_string());
        let libc = libc(loader);
        let built = libc.map(|l| format!(" ({l})")).unwrap_or_default();
        let removed = match problem {
            Problem::Unresolved(e) => e.removed_by,
            _ => None,
        };
        let present = loaders(&trouble.subject);
        let has = match present.as_slice() {
            [] => "the image has no dynamic loader at all: it can run static programs only".to_owned(),
            some => format!("the image has {}", list(some)),
        };
        let message = format!("{} needs the loader {}{built}, which is not in the image", quote(&file), quote(loader));
        let place = program.and_then(|step| Some(trouble.file(&step.path, step.ino?, None)));
        let explanation = Explanation::new(message, help(libc)).why(has).at(place).layer(removed);
        let explanation = explanation.fixes(packages::loader(&trouble.subject, loader));
        match libc {
            Some("musl") => explanation.fix("run it on the libc it was built for", "FROM alpine"),
            Some("glibc") => explanation.fix("run it on the libc it was built for", "FROM debian:stable-slim"),
            _ => explanation,
        }
        .fix("build it static (Go)", "RUN CGO_ENABLED=0 go build -o /app .")
        .fix("build it static (Rust)", "RUN cargo build --release --target x86_64-unknown-linux-musl")
    })
}

fn help(libc: Option<&str>) -> String {
    match libc {
        Some(libc) => format!(
            "the program was built for {libc}: use a base image with {libc}, build on this base, or build it static"
        ),
        None => {
            "use the base image that the program was built for, build it on this one, or build it static".to_owned()
        }
    }
}

/// The C library that a loader belongs to, by its name.
fn libc(loader: &[u8]) -> Option<&'static str> {
    let name = loader.rsplit_str("/").next().unwrap_or(loader);
    match name {
        n if n.starts_with(b"ld-musl") => Some("musl"),
        n if n.starts_with(b"ld-uClibc") => Some("uClibc"),
        n if n.starts_with(b"ld-linux") || n.starts_with(b"ld64.so") || n == b"ld.so.1" => Some("glibc"),
        n if n.starts_with(b"linker") => Some("Android's libc"),
        _ => None,
    }
}

/// The loaders in the image, with the library they belong to.
fn loaders(subject: &Subject<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for dir in DIRECTORIES {
        let Some(Kind::Directory(names)) = at(subject, dir.as_bytes()).map(|ino| subject.rootfs.inode(ino).kind) else {
            continue;
        };
        for name in names.keys() {
            if let Some(libc) = libc(name) {
                found.push(format!("`{dir}/{}` ({libc})", name.to_str_lossy()));
            }
        }
    }
    found.truncate(4);
    found
}
