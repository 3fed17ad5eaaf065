//! The chain of reasons: how the launch gets from the configuration to the trouble, step by step.

use bstr::BString;

use super::{Trouble, quote};
use crate::finding::Because;
use crate::launch::{Cause, Closure, Problem, Step, Via};
use crate::rootfs::{Errno, PathError};

/// One sentence a step, then where it ends.
pub(super) fn chain(trouble: &Trouble<'_>) -> Vec<Because> {
    let mut because: Vec<Because> = Vec::new();
    let mut say = |message: String, place| {
        if !because.iter().any(|b| b.message == message) {
            because.push(Because { message, place });
        }
    };
    let steps = &trouble.start.steps;
    for (i, step) in steps.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| steps.get(i));
        let place = match (step.via, before) {
            (Via::Command | Via::PathLookup, _) => Some(trouble.word(0)),
            (Via::Shebang, Some(script)) => trouble.first_line_of(script),
            _ => None,
        };
        say(how(trouble, step, before), place);
        for (link, target) in &step.links {
            say(link_to(link, target), None);
        }
        if let Some(layer) = step.layer.filter(|_| i == 0) {
            say(format!("{} comes from {}", quote(&step.path), trouble.layer_name(layer)), None);
        }
    }
    if let Some(closure) = trouble.closure() {
        needs(closure).into_iter().for_each(|message| say(message, None));
    }
    if let Some(error) = path_error(trouble.cause) {
        for (link, target) in &error.links {
            say(link_to(link, target), None);
        }
        if error.errno != Errno::ELOOP {
            say(where_it_ends(trouble, error), None);
        }
    }
    because
}

/// Who needs whom, from the program to the library in whose needs something is missing.
fn needs(closure: &Closure) -> Vec<String> {
    let Some(error) = closure.error() else { return Vec::new() };
    let chain = closure.chain(error.needed_by());
    let pairs = chain.iter().zip(chain.iter().skip(1));
    pairs.map(|(by, of)| format!("{} needs {}", quote(closure.display(*by)), quote(closure.display(*of)))).collect()
}

fn link_to(link: &BString, target: &BString) -> String {
    format!("{} is a symbolic link to {}", quote(link), quote(target))
}

/// How `step` comes to be executed.
fn how(trouble: &Trouble<'_>, step: &Step, before: Option<&Step>) -> String {
    let asked = step.argv.first().map_or_else(|| quote(&step.path), quote);
    match (step.via, before) {
        (Via::Command, _) => format!("{} names {}", trouble.instruction(), quote(trouble.command())),
        (Via::PathLookup, _) if step.ino.is_some() => {
            format!(
                "{} names {}, found in PATH as {}",
                trouble.instruction(),
                quote(trouble.command()),
                quote(found_as(step))
            )
        }
        (Via::PathLookup, _) => format!("{} names {}", trouble.instruction(), quote(trouble.command())),
        (Via::Shebang, Some(script)) => {
            let line = script.ino.map(|ino| trouble.first_line(ino)).unwrap_or_default();
            format!("the first line of {}, {}, names the interpreter {asked}", quote(&script.path), quote(line))
        }
        (Via::Loader, Some(program)) => {
            format!("{} asks for the loader {} (PT_INTERP)", quote(&program.path), quote(found_as(step)))
        }
        (Via::Exec | Via::Child, Some(wrapper)) => format!("{} is to execute {asked}", quote(name(wrapper))),
        _ => format!("{asked} is executed"),
    }
}

/// The path under which a look-up found a file: the first link's, or its own.
fn found_as(step: &Step) -> &BString {
    step.links.first().map_or(&step.path, |(link, _)| link)
}

fn name(step: &Step) -> &BString {
    step.argv.first().unwrap_or(&step.path)
}

/// The path that does not resolve, if that is the cause.
pub(super) fn path_error(cause: &Cause) -> Option<&PathError> {
    match cause {
        Cause::Exec { problem: Problem::Unresolved(error), .. } => Some(error),
        _ => None,
    }
}

/// What stands, or does not stand, where the path ends.
pub(super) fn where_it_ends(trouble: &Trouble<'_>, error: &PathError) -> String {
    let at = quote(&error.at);
    match (error.errno, error.removed_by) {
        (Errno::ENOENT, Some(layer)) => format!("{at} was in the image, but {} removed it", trouble.layer_name(layer)),
        (Errno::ENOENT, None) if error.rest.is_empty() => format!("{at} is in no layer of the image"),
        (Errno::ENOENT, None) => format!("{at} is in no layer of the image, so nothing below it is"),
        (Errno::ENOTDIR, _) => format!("{at} is not a directory"),
        (Errno::EACCES, _) => format!("the directory {at} may not be searched by the user {}", user(trouble)),
        (Errno::ENAMETOOLONG, _) => "a path ends at 4095 bytes, a name at 255".to_owned(),
        (errno, _) => format!("{at}: {}", errno.text()),
    }
}

/// USER as configured, in backquotes; `root` if it is not.
pub(super) fn user(trouble: &Trouble<'_>) -> String {
    let user = trouble.launch.process.user.as_str();
    quote(if user.is_empty() { "root" } else { user })
}
