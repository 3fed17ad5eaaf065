//! A path that does not resolve.

use bstr::ByteSlice;

use crate::dockerfile::{Build, Copy, Form, Origin, Step, joined};
use crate::finding::{Blame, Confidence, ExitCodes, Field, Finding, Place, Severity};
use crate::launch::{Cause, DEFAULT_PATH, Problem};
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

/// A command of a Dockerfile whose file is not copied, although its directory is: it is left out of the build context, or called
/// otherwise.
pub fn in_build(build: &Build<'_>) -> Option<Finding> {
    let field = [Field::Entrypoint, Field::Cmd].into_iter().find(|field| build.plan.sets(*field))?;
    let instruction = build.parsed.instructions.get(build.plan.instruction_of(field)?)?;
    let word = instruction.words().first().filter(|_| instruction.form() == Form::Exec)?.text.to_str().ok()?;
    let path = joined(&build.plan.configuration.working_dir, word);
    let (directory, name) = path.rsplit_once('/').filter(|_| !word.contains(['$', ' ']))?;
    let may_come = |step: &Step| match step {
        Step::Run(_, text) => text.contains_str(name),
        Step::Copy(copy) => may_bring(build, copy, &path, !word.contains('/')),
    };
    if build.plan.steps.iter().any(may_come) {
        return None;
    }
    let copies = build.plan.steps.iter().filter_map(|step| if let Step::Copy(copy) = step { Some(copy) } else { None });
    let found = |copy: &Copy| match word.contains('/') {
        true => left_out(build, copy, &path)
            .or_else(|| near(build, copy, directory, name))
            .or_else(|| moved(build, copy, name)),
        false => unsearched(build, copy, name),
    };
    let (why, help) = copies.rev().find_map(found)?;
    let rule = if word.contains('/') { RULE.name } else { "command-not-found" };
    let named = if word.contains('/') { quote(&path) } else { quote(word) };
    let who = instruction.keyword?.as_str();
    Some(Finding {
        rule,
        severity: Severity::Warning,
        confidence: Confidence::Likely,
        message: format!("{who} names {named}, which {why}"),
        help,
        exit_codes: ExitCodes::default(),
        place: Place::Config { field, index: Some(0) },
        because: Vec::new(),
        layer: None,
        fixes: Vec::new(),
        blame: Blame::default(),
        suppression: None,
    })
}

/// Whether COPY or ADD brings the file, or may.
fn may_bring(build: &Build<'_>, copy: &Copy, path: &str, in_path: bool) -> bool {
    let Some(to) = &copy.to else { return true };
    if in_path {
        return copy.origin == Origin::Elsewhere || copy.is_add || copy.sources.contains(&None);
    }
    let is_open = copy.origin == Origin::Elsewhere || copy.is_add || copy.keeps_parents || copy.sources.contains(&None);
    is_open && path.starts_with(to.as_str())
        || build.brought(copy).contains_key(path.trim_start_matches('/').as_bytes().as_bstr())
}

/// The file is there, and `.dockerignore` keeps it out of the build.
fn left_out(build: &Build<'_>, copy: &Copy, path: &str) -> Option<(String, String)> {
    let context = build.context.as_ref()?;
    let inside = path.strip_prefix(copy.to.as_deref()?)?.trim_start_matches('/');
    let source = |source: &Option<String>| joined(source.as_deref()?, inside).strip_prefix('/').map(str::to_owned);
    let file = copy.sources.iter().filter_map(source).find(|file| context.leaves_out(file.as_bytes().as_bstr()))?;
    let why = format!("is not copied: .dockerignore leaves {} out", quote(&file));
    Some((why, format!("let .dockerignore take it in again with a line `!{file}`, or name another file")))
}

/// The file is copied to another place.
fn moved(build: &Build<'_>, copy: &Copy, name: &str) -> Option<(String, String)> {
    let brought = build.brought(copy);
    let mut places =
        brought.keys().filter(|path| path.rsplit_str("/").next() == Some(name.as_bytes()) && name.contains('.'));
    let (place, None) = (places.next()?, places.next()) else { return None };
    let place = quote(format!("/{place}"));
    Some((format!("nothing copies: {place} is there"), format!("name {place}, or copy it where it is looked for")))
}

/// A script is copied, to a directory that is not searched.
fn unsearched(build: &Build<'_>, copy: &Copy, name: &str) -> Option<(String, String)> {
    let is_script = [".sh", ".py", ".js", ".pl", ".rb"].iter().any(|ending| name.ends_with(ending));
    let env = &build.plan.configuration.env;
    let path = env.iter().rev().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
    let brought = build.brought(copy);
    let mut places = brought.keys().filter(|path| path.rsplit_str("/").next() == Some(name.as_bytes()));
    let place = format!("/{}", places.next().filter(|_| is_script)?);
    let directory = place.rsplit_once('/').map_or("", |(directory, _)| directory);
    if path.split(':').any(|searched| searched.trim_end_matches('/') == directory) {
        return None;
    }
    let why = format!("is in no directory of PATH: it is copied to {}", quote(&place));
    Some((why, format!("name it by its path, {}", quote(&place))))
}

/// A file of nearly that name, and of the same kind, is copied to the same place.
fn near(build: &Build<'_>, copy: &Copy, directory: &str, name: &str) -> Option<(String, String)> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending)?;
    let brought = build.brought(copy);
    let beside = |path: &bstr::BString| {
        let (above, other) = path.to_str().ok()?.rsplit_once('/').unwrap_or(("", path.to_str().ok()?));
        (above == directory.trim_start_matches('/') && other.rsplit_once('.')?.1 == ending).then(|| other.to_owned())
    };
    let names: Vec<String> = brought.keys().filter_map(beside).collect();
    let other = crate::near::nearest(name, names.iter().map(String::as_str)).into_iter().next()?;
    let other = quote(format!("{directory}/{other}"));
    Some((format!("nothing copies: {other} is there"), format!("did you mean {other}?")))
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
