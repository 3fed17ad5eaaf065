//! A shell form, and no shell.

use crate::finding::Finding;
use crate::rule::{Explanation, Rule, Subject, namesakes, quote, shell_words};

/// See `rules/shell-not-found.md`.
pub const RULE: Rule =
    Rule { name: "shell-not-found", document: include_str!("../../rules/shell-not-found.md"), check };

/// What makes a text more than plain words.
const SYNTAX: [char; 16] = ['$', '`', '|', '&', ';', '<', '>', '(', ')', '*', '?', '[', '{', '~', '\\', '#'];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let (shell, text) = (trouble.command(), trouble.launch.process.argv.get(2).map_or("", String::as_str));
        let who = trouble.instruction();
        let message = format!("{who} is in shell form, but the image has no {}", quote(shell));
        let explanation = Explanation::new(message, "write it in exec form, or use a base image with a shell")
            .why(format!("a builder stores {who} {text} as {}", quote(crate::rule::json_array(&[shell, "-c", text]))));
        let other = namesakes(&trouble.subject, b"sh", 1).pop();
        let explanation = match other {
            Some(path) => explanation.fix(
                "name the shell that is there before it",
                format!("SHELL {}", crate::rule::json_array(&[path.to_string().as_str(), "-c"])),
            ),
            None => explanation,
        };
        if text.contains(SYNTAX) {
            return explanation.fix(
                "add a shell, from a stage that has a static one",
                "COPY --from=busybox:musl /bin/busybox /bin/sh",
            );
        }
        explanation.fix("exec form", format!("{}{}", instruction(who), crate::rule::json_array(&shell_words(text))))
    })
}

fn instruction(who: &str) -> String {
    match who {
        "HEALTHCHECK" => "HEALTHCHECK CMD ".to_owned(),
        "the command line" => String::new(),
        other => format!("{other} "),
    }
}
