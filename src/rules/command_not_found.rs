//! A name without a slash that is in no directory of PATH.

use crate::finding::Finding;
use crate::launch::{Cause, Role, Tried};
use crate::rootfs::Errno;
use crate::rule::{Explanation, Rule, Subject, Trouble, at, json_array, list, namesakes, paste, quote, similar};

/// See `rules/command-not-found.md`.
pub const RULE: Rule =
    Rule { name: "command-not-found", document: include_str!("../../rules/command-not-found.md"), check };

/// What an engine sets if the image sets no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| match trouble.cause {
        Cause::NotInPath { name, role, tried, default_path } => absent(trouble, name, *role, tried, *default_path),
        Cause::RelativeHit { name, element, path } => relative(trouble, name, element, path),
        _ => Explanation::default(),
    })
}

fn absent(trouble: &Trouble<'_>, name: &[u8], role: Role, tried: &[Tried], default_path: bool) -> Explanation {
    let message = format!("{} {}, which is in no directory of PATH", trouble.who(), quote(name));
    let elsewhere = namesakes(&trouble.subject, name, 3);
    let explanation = path_reasons(Explanation::new(message, ""), tried, default_path);
    match elsewhere.first() {
        Some(path) => found_elsewhere(trouble, explanation, role, path, &elsewhere),
        None => nowhere(trouble, explanation, name, tried),
    }
}

/// What PATH is, and what is odd about it.
fn path_reasons(explanation: Explanation, tried: &[Tried], default_path: bool) -> Explanation {
    let elements: Vec<String> = tried.iter().map(|t| t.element.to_string()).collect();
    let path = if elements.is_empty() && default_path { DEFAULT_PATH.to_owned() } else { elements.join(":") };
    let mut explanation = match default_path {
        true => explanation.why(format!("the image sets no PATH, so engines take {}", quote(path))),
        false => explanation.why(format!("PATH is {}", quote(path))),
    };
    for element in &elements {
        let reason = match element.as_str() {
            e if e.ends_with('\r') => "ends in a carriage return, so it is another directory",
            e if e.contains('$') || e.starts_with('~') => "stands there as it is: nothing expands it",
            e if e.contains(['"', '\'']) => "has quotes in it, which nothing removes",
            _ => continue,
        };
        explanation = explanation.why(format!("the element {} {reason}", quote(element)));
    }
    explanation
}

fn found_elsewhere(
    trouble: &Trouble<'_>,
    mut explanation: Explanation,
    role: Role,
    path: &[u8],
    all: &[bstr::BString],
) -> Explanation {
    let (dir, path) = (String::from_utf8_lossy(parent(path)), String::from_utf8_lossy(path));
    let all: Vec<String> = all.iter().map(quote).collect();
    explanation.help =
        format!("a file of that name is at {}: name it with its path, or add its directory to PATH", list(&all));
    let explanation = match role {
        Role::Command | Role::Wrapped { .. } => {
            let argv = [path.as_ref()];
            explanation.fix("name it with its path", trouble.instead(&argv))
        }
        _ => explanation,
    };
    explanation.fix_if("add its directory to PATH", with_path(&dir))
}

fn nowhere(trouble: &Trouble<'_>, mut explanation: Explanation, name: &[u8], tried: &[Tried]) -> Explanation {
    let rootfs = trouble.subject.rootfs;
    let near = tried.iter().find_map(|t| {
        let dir = at(&trouble.subject, &t.element)?;
        Some((t.element.clone(), similar(rootfs, dir, name)?))
    });
    let removed = tried.iter().find_map(|t| match &t.problem {
        crate::launch::Problem::Unresolved(e) if e.errno == Errno::ENOENT => Some((&t.path, e.removed_by?)),
        _ => None,
    });
    if let Some((path, layer)) = removed {
        explanation.message = format!("{} {}, which a later layer removed", trouble.who(), quote(name));
        explanation.help = "keep the file, or start another program".to_owned();
        let reason = format!("{} was in the image, but {} removed it", quote(path), trouble.layer_name(layer));
        return explanation.why(reason).layer(Some(layer));
    }
    if let Some((_, near)) = near {
        explanation.help = format!("did you mean {}?", quote(&near));
        let near = near.to_string();
        let argv = [near.as_str()];
        return explanation.fix("the name that is there", trouble.instead(&argv));
    }
    let name = String::from_utf8_lossy(name);
    explanation.help = format!(
        "no file of the image is called {}: install it, or copy it from the stage that builds it",
        quote(&*name)
    );
    let [from, to] = ["/path/to/", "/usr/local/bin/"].map(|dir| format!("{dir}{name}"));
    explanation
        .fixes(paste::install(&name))
        .fix_if("copy it from a build stage", paste::copy("--from=build", &from, &to))
}

/// ENV with `dir` before what PATH has; a colon cannot be quoted in PATH.
fn with_path(dir: &str) -> Option<String> {
    match dir {
        dir if dir.contains([':', '$', '\\', '"', '\'', '`']) => None,
        dir if paste::is_plain(dir) => Some(format!("ENV PATH={dir}:$PATH")),
        dir => Some(format!("ENV PATH=\"{dir}:$PATH\"")),
    }
}

fn relative(trouble: &Trouble<'_>, name: &[u8], element: &[u8], path: &[u8]) -> Explanation {
    let message = format!(
        "{} is found only through the relative element {} of PATH, which runc refuses",
        quote(name),
        quote(element)
    );
    let path = String::from_utf8_lossy(path);
    let argv = [path.as_ref()];
    Explanation::new(message, format!("name the file with its path: {}", json_array(&argv)))
        .fix("name it with its path", trouble.instead(&argv))
}

/// The directory of a path.
fn parent(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
    path.get(..slash.max(1)).unwrap_or_default()
}
