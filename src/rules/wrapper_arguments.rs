//! A program that is to start another one is called as it cannot be.

use crate::finding::Finding;
use crate::launch::{Cause, Misuse};
use crate::rule::{Explanation, Rule, Subject, quote};

/// See `rules/wrapper-arguments.md`.
pub const RULE: Rule =
    Rule { name: "wrapper-arguments", document: include_str!("../../rules/wrapper-arguments.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| match trouble.cause {
        Cause::Misused { wrapper, misuse } => explain(wrapper, misuse),
        Cause::EnvUsage { argument, .. } => explain(b"env", &Misuse::Word(argument.clone())),
        _ => Explanation::default(),
    })
}

fn explain(wrapper: &[u8], misuse: &Misuse) -> Explanation {
    let name = quote(wrapper);
    let (message, help) = match misuse {
        Misuse::Word(word) => (
            format!("{name} does not take {}", quote(word)),
            "write the options as its manual has them, and the program after them",
        ),
        Misuse::NoProgram => (
            format!("{name} is given no program to start"),
            "name the program after the options, in ENTRYPOINT or in CMD",
        ),
        Misuse::NoOption => {
            (format!("{name} is given none of the options that it needs"), "write the options as its manual has them")
        }
        Misuse::NoApplet => (
            format!("the busybox of the image was built without {name}"),
            "install the program itself, or do without it",
        ),
        Misuse::NoDirectory(path) => {
            (format!("{name} needs {}, which is not there", quote(path)), "make it in the image, or name another")
        }
        Misuse::NoScript(script) => (
            format!("{name} is to run the script {}, which package.json does not have", quote(script)),
            "add it to the scripts of package.json, or name another",
        ),
        Misuse::NoFile(path) => (
            format!("{name} needs {}, which is not there or cannot be read", quote(path)),
            "copy it into the image, and set WORKDIR to its directory",
        ),
        Misuse::BadFile(path) => (format!("{name} does not understand {}", quote(path)), "correct the file"),
        Misuse::NoLogin(user, shell) => (
            format!("{name} starts the shell of {}, {}, which refuses all logins", quote(user), quote(shell)),
            "name a shell with `-s`, or let another program change the user, such as `setpriv` or `gosu`",
        ),
    };
    Explanation::new(message, help)
}
