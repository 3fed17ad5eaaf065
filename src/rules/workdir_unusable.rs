//! WORKDIR cannot be entered.

use crate::finding::{Field, Finding, Place};
use crate::launch::{Cause, WorkingDirProblem};
use crate::rootfs::Errno;
use crate::rule::{Explanation, Rule, Subject, paste::is_plain, quote};

/// See `rules/workdir-unusable.md`.
pub const RULE: Rule =
    Rule { name: "workdir-unusable", document: include_str!("../../rules/workdir-unusable.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| match trouble.cause {
        Cause::WorkingDir { path, problem } => {
            explain(path, problem).at(Some(Place::Config { field: Field::WorkingDir, index: None }))
        }
        _ => Explanation::default(),
    })
}

fn explain(path: &[u8], problem: &WorkingDirProblem) -> Explanation {
    let dir = quote(path);
    let text = String::from_utf8_lossy(path);
    let (message, links) = match problem {
        WorkingDirProblem::Relative => (format!("WORKDIR is {dir}, which is not an absolute path"), &[][..]),
        WorkingDirProblem::DanglingLink(e) => {
            (format!("WORKDIR is {dir}, a symbolic link to {}, which is not in the image", quote(&e.at)), &e.links[..])
        }
        WorkingDirProblem::Path(e) => {
            let message = match e.errno {
                Errno::ELOOP => format!("WORKDIR is {dir}, whose symbolic links go in a circle"),
                Errno::EACCES => format!("WORKDIR is {dir}, but {} may not be searched", quote(&e.at)),
                _ if e.at == path => format!("WORKDIR is {dir}, which is a file"),
                _ => format!("WORKDIR is {dir}, but {} is a file", quote(&e.at)),
            };
            (message, &e.links[..])
        }
    };
    let mut explanation = Explanation::new(message, "let WORKDIR name a directory; engines make it if it is absent");
    for (link, target) in links {
        explanation = explanation.why(format!("{} is a symbolic link to {}", quote(link), quote(target)));
    }
    explanation = explanation.why("the runtime enters the directory before it starts anything");
    let at = match problem {
        WorkingDirProblem::Path(e) => e.at.to_string(),
        _ => text.to_string(),
    };
    let parent = at.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
    let absolute = if matches!(problem, WorkingDirProblem::Relative) { format!("/{text}") } else { parent.to_owned() };
    // A builder expands variables and quotes in it.
    explanation.fix_if("a directory", is_plain(&absolute).then(|| format!("WORKDIR {absolute}")))
}
