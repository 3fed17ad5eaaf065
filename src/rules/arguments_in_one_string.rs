//! A program name with the arguments in it.

use crate::finding::Finding;
use crate::rule::{Explanation, Rule, Subject, quote, shell_words};

/// See `rules/arguments-in-one-string.md`.
pub const RULE: Rule =
    Rule { name: "arguments-in-one-string", document: include_str!("../../rules/arguments-in-one-string.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let command = trouble.command();
        let who = trouble.instruction();
        let mut words = shell_words(command);
        words.extend(trouble.arguments().iter().cloned());
        let message = format!("{who} names one program called {}, blanks included", quote(command));
        Explanation::new(message, "in exec form every argument is a string of its own")
            .fix("one string for each word", trouble.instruction_with(&words))
    })
}
