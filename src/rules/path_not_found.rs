//! A path that does not resolve.

use bstr::ByteSlice;

use crate::finding::Finding;
use crate::launch::{Cause, Problem};
use crate::rootfs::{Errno, PathError};
use crate::rule::{Explanation, Rule, Subject, Trouble, at, namesakes, paste, quote, similar};

/// See `rules/path-not-found.md`.
pub const RULE: Rule = Rule { name: "path-not-found", document: include_str!("../../rules/path-not-found.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| match trouble.cause {
        Cause::Exec { path, problem: Problem::Unresolved(error), .. } => explain(trouble, path, error),
        _ => Explanation::new(
            format!("{} leads to `/proc/self/exe`, which is gone when the container starts", quote(trouble.command())),
            "start a program of the image",
        ),
    })
}

fn explain(trouble: &Trouble<'_>, path: &[u8], error: &PathError) -> Explanation {
    let (what, who) = (quote(path), trouble.who());
    let end = error.links.last().map(|(_, target)| quote(target));
    let message = match (error.errno, end) {
        (Errno::ENOENT, _) if error.removed_by.is_some() => format!("{who} {what}, which a later layer removed"),
        (Errno::ENOENT, Some(end)) => {
            format!("{who} {what}, a symbolic link to {end}, which is not in the image")
        }
        (Errno::ENOENT, None) => format!("{who} {what}, which is not in the image"),
        (Errno::ENOTDIR, _) => format!("{who} {what}, but {} is a file, not a directory", quote(&error.at)),
        (Errno::ELOOP, _) => format!("{who} {what}, whose symbolic links go in a circle"),
        (Errno::ENAMETOOLONG, _) => format!("{who} a path that is too long for Linux: {what}"),
        (errno, _) => format!("{who} {what}: {}", errno.text()),
    };
    let explanation = Explanation::new(message, help(trouble, error)).layer(error.removed_by);
    suggest(trouble, from_working_dir(trouble, explanation, path), path, error)
}

fn help(trouble: &Trouble<'_>, error: &PathError) -> String {
    match (error.errno, error.removed_by) {
        (_, Some(layer)) => format!("keep the file in {}", trouble.layer_name(layer)),
        (Errno::ENOENT, _) if !error.links.is_empty() => {
            "copy the target into the image too, or the file itself".into()
        }
        (Errno::ENOENT, _) => "copy the file into the final stage, or name the path that it has".into(),
        (Errno::ELOOP, _) => "let the link lead to the program".into(),
        _ => "name the path of the program".into(),
    }
}

/// A relative path depends on WORKDIR.
fn from_working_dir(trouble: &Trouble<'_>, explanation: Explanation, path: &[u8]) -> Explanation {
    if path.starts_with(b"/") {
        return explanation;
    }
    let dir = trouble.launch.process.working_dir.as_str();
    let dir = if dir.is_empty() { "/" } else { dir };
    explanation.why(format!("{} is relative to WORKDIR, which is {}", quote(path), quote(dir)))
}

/// The same name elsewhere, or a similar one in the same place.
fn suggest(trouble: &Trouble<'_>, mut explanation: Explanation, path: &[u8], error: &PathError) -> Explanation {
    let rootfs = trouble.subject.rootfs;
    if error.errno != Errno::ENOENT || error.removed_by.is_some() {
        return explanation;
    }
    let (dir, name) = error.at.rsplit_once_str("/").unwrap_or((b"", error.at.as_slice()));
    let near = at(&trouble.subject, dir).and_then(|dir| similar(rootfs, dir, name));
    let near = near.map(|near| bstr::concat([dir, b"/", near.as_slice()]).into());
    let base = path.rsplit_str("/").next().unwrap_or(path);
    let Some(found) = near.or_else(|| namesakes(&trouble.subject, base, 1).pop()) else {
        let copy = paste::copy("--chmod=0755", &base.to_str_lossy(), &path.to_str_lossy());
        return explanation.fix_if("copy it into the image", copy);
    };
    explanation.help = format!("did you mean {}?", quote(&found));
    let found = found.to_string();
    let argv = [found.as_str()];
    explanation.fix("the path that is there", trouble.instead(&argv))
}
