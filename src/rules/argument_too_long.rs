//! An argument or a variable that is longer than Linux takes.

use crate::finding::{Field, Finding, Place};
use crate::launch::{Cause, Excess};
use crate::rule::{Explanation, Rule, Subject, quote};

/// See `rules/argument-too-long.md`.
pub const RULE: Rule =
    Rule { name: "argument-too-long", document: include_str!("../../rules/argument-too-long.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Cause::TooLong { excess, length } = trouble.cause else { return Explanation::default() };
        let env = &trouble.launch.process.env;
        let variable = env.iter().position(|entry| entry.len() == *length);
        let what = match excess {
            Excess::Argument(index) => format!("argument {index} of the command"),
            Excess::Together => {
                let message =
                    format!("the command and its environment have {length} bytes together, and Linux takes 2 MiB");
                return Explanation::new(
                    message,
                    "put the text into a file of the image, and give the program its name",
                )
                .why("execve(2) fails with E2BIG: a quarter of the stack limit, 8 MiB by default, is the most");
            }
            Excess::Variable => {
                let entry = variable.and_then(|i| env.get(i)).map_or("", String::as_str);
                format!("the variable {}", quote(entry.split('=').next().unwrap_or(entry)))
            }
        };
        let message = format!("{what} has {length} bytes, and Linux takes at most 131071 in one string");
        let place = match excess {
            Excess::Argument(index) => trouble.word(*index),
            _ => Place::Config { field: Field::Env, index: variable },
        };
        Explanation::new(message, "put the text into a file of the image, and give the program the file's name")
            .why("execve(2) fails with E2BIG for a string of 32 pages or more (MAX_ARG_STRLEN)")
            .at(Some(place))
            .fix("put it into a file", "COPY settings.json /etc/app/settings.json")
    })
}
