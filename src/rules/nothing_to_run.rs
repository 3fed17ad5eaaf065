//! Neither ENTRYPOINT nor CMD.

use crate::finding::{Field, Finding, Place};
use crate::rule::{Explanation, Rule, Subject, json_array, namesakes};

/// See `rules/nothing-to-run.md`.
pub const RULE: Rule = Rule { name: "nothing-to-run", document: include_str!("../../rules/nothing-to-run.md"), check };

/// Names that programs and scripts that are meant to be started often have.
const LIKELY: [&str; 6] = ["docker-entrypoint.sh", "entrypoint.sh", "start.sh", "run.sh", "app", "server"];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let empty = !trouble.launch.process.argv.is_empty();
        let message = match empty {
            true => "ENTRYPOINT and CMD name no program: the first word is empty",
            false => "the image has neither ENTRYPOINT nor CMD",
        };
        let help = "say what to start; an image that is only a base for others can ignore this rule";
        let place = if empty { trouble.word(0) } else { Place::Config { field: Field::Entrypoint, index: None } };
        let explanation = Explanation::new(message.to_owned(), help).at(Some(place));
        let explanation = match empty {
            true => explanation,
            false => explanation.why("ENTRYPOINT in a Dockerfile drops the CMD of the base image"),
        };
        let found = LIKELY.iter().find_map(|name| namesakes(&trouble.subject, name.as_bytes(), 1).pop());
        let program = found.map_or_else(|| "/path/to/program".to_owned(), |path| path.to_string());
        explanation.fix("say what to start", format!("ENTRYPOINT {}", json_array(&[program])))
    })
}
