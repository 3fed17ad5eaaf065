//! A carriage return at the end of a line: `#!/bin/sh\r`, or a script with CRLF line ends.

use crate::finding::Finding;
use crate::launch::Cause;
use crate::rule::{Explanation, Rule, Subject, Trouble, paste::operand, quote};

/// See `rules/carriage-return-in-shebang.md`.
pub const RULE: Rule = Rule {
    name: "carriage-return-in-shebang",
    document: include_str!("../../rules/carriage-return-in-shebang.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let script = trouble.script();
        let file = trouble.script_path();
        let explanation =
            Explanation::new(message(trouble, &file), "give the script LF line ends, and keep them in git");
        let line = script.and_then(|s| s.ino).map(|ino| trouble.first_line(ino)).unwrap_or_default();
        let place = script.and_then(|step| {
            let end = line.len();
            Some(trouble.file(&step.path, step.ino?, Some(end.saturating_sub(1)..end)))
        });
        explanation
            .at(place.filter(|_| line.ends_with(b"\r")))
            .fix("remove the carriage returns in the image", format!("RUN sed -i 's/\\r$//' {}", operand(&file)))
            .fix("in the repository", "sed -i 's/\\r$//' *.sh && git add --renormalize .")
            .fix("keep git from adding them again (.gitattributes)", "*.sh text eol=lf")
    })
}

fn message(trouble: &Trouble<'_>, file: &str) -> String {
    match trouble.cause {
        Cause::CarriageReturn { line, text, .. } => format!(
            "{} has CRLF line ends: the shell reads line {line} as {}",
            quote(file),
            quote([text.as_slice(), if text.ends_with(b"\r") { b"" } else { b"\r" }].concat())
        ),
        Cause::Exec { path: name, .. } | Cause::NotInPath { name, .. } => {
            format!("{} has CRLF line ends, so its interpreter is {}, which does not exist", quote(file), quote(name))
        }
        Cause::EnvUsage { argument, .. } => {
            format!("{} has CRLF line ends, so `env` gets the argument {}", quote(file), quote(argument))
        }
        _ => format!("{} has CRLF line ends", quote(file)),
    }
}
