//! The user of the container may not execute the file, or not reach it.

use bstr::BString;

use crate::finding::Finding;
use crate::launch::{Cause, Problem};
use crate::rootfs::Errno;
use crate::rule::{Explanation, Rule, Subject, Trouble, at, paste, quote};

/// See `rules/permission-denied-for-user.md`.
pub const RULE: Rule = Rule {
    name: "permission-denied-for-user",
    document: include_str!("../../rules/permission-denied-for-user.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| match (trouble.cause, closed_directory(trouble.cause)) {
        (Cause::Denied { wrapper, change }, _) => denied(trouble, wrapper, change),
        (_, Some(dir)) => unreachable(trouble, &dir),
        (_, None) => not_for_user(trouble),
    })
}

/// The directory that stops the way, if it is a directory.
fn closed_directory(cause: &Cause) -> Option<BString> {
    let closed = |problem: &Problem| match problem {
        Problem::Unresolved(e) if e.errno == Errno::EACCES => Some(e.at.clone()),
        _ => None,
    };
    match cause {
        Cause::Exec { problem, .. } => closed(problem),
        Cause::NotInPath { tried, .. } if !tried.iter().any(|t| matches!(t.problem, Problem::NotForUser(_))) => {
            tried.iter().find_map(|t| closed(&t.problem))
        }
        _ => None,
    }
}

/// A wrapper such as `gosu`, which only root may use.
fn denied(trouble: &Trouble<'_>, wrapper: &BString, change: &str) -> Explanation {
    let message = format!("{} is to {change}, which {} may not", quote(wrapper), user(trouble));
    let help = "leave the wrapper out, since USER has already made the change, or start as root";
    Explanation::new(message, help)
        .why("changing the user or the root directory needs capabilities, which only root has in a container")
}

fn unreachable(trouble: &Trouble<'_>, dir: &BString) -> Explanation {
    let user = user(trouble);
    let message = format!(
        "{} {}, but {user} may not search the directory {}",
        trouble.who(),
        quote(trouble.command()),
        quote(dir)
    );
    let explanation = Explanation::new(message, "open the directory for that user, or give it to that user");
    let explanation = match at(&trouble.subject, dir) {
        Some(ino) => explanation.why(format!("{} {}", quote(dir), trouble.mode(ino))).layer(trouble.layer_of(ino)),
        None => explanation,
    };
    explanation.fix("open the directory", format!("RUN chmod a+x {}", paste::operand(&dir.to_string())))
}

fn not_for_user(trouble: &Trouble<'_>) -> Explanation {
    let Some((path, ino)) = trouble.candidate() else { return Explanation::default() };
    let user = user(trouble);
    let script = matches!(trouble.cause, Cause::Exec { problem: Problem::NotReadable(_), .. });
    let verb = if script { "read the script" } else { "execute" };
    let message = format!("{user} may not {verb} {}", quote(&path));
    let help = match script {
        true => "let everybody read the script: its interpreter opens it with the rights of the user",
        false => "let everybody execute the file, or give it to the user of the container",
    };
    let (layer, file) = (trouble.layer_of(ino), path.to_string());
    let owner = trouble.launch.process.user.as_str();
    let given = paste::is_plain(owner).then(|| trouble.copy_with(&format!("--chown={owner}"), layer, &file)).flatten();
    Explanation::new(message, help)
        .why(format!("{} {}", quote(&path), trouble.mode(ino)))
        .at(Some(trouble.file(&path, ino, None)))
        .layer(layer)
        .fix_if("let everybody read and execute it", trouble.copy_with("--chmod=0755", layer, &file))
        .fix_if("give it to the user", given)
}

fn user(trouble: &Trouble<'_>) -> String {
    match trouble.launch.process.user.as_str() {
        "" => "the user".to_owned(),
        user => format!("the user {}", quote(user)),
    }
}
