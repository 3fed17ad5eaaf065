//! An instruction that changes nothing.

use std::sync::Arc;

use bstr::ByteSlice;

use crate::dockerfile::{Build, Dead, Keyword};
use crate::finding::{Because, Blame, Confidence, ExitCodes, Field, Finding, Place, Severity, Source};
use crate::rule::{Explanation, Rule, Subject, json_array, paste, quote};

/// See `rules/dead-instruction.md`.
pub const RULE: Rule =
    Rule { name: "dead-instruction", document: include_str!("../../rules/dead-instruction.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    ignored_cmd(subject).into_iter().collect()
}

/// CMD behind an ENTRYPOINT in shell form: its words are `$0`, `$1` and so on of a text that does not ask for them.
fn ignored_cmd(subject: &Subject<'_>) -> Option<Finding> {
    let configuration = &subject.image.configuration;
    let [shell, option, text] = configuration.entrypoint.as_slice() else { return None };
    let is_shell = option == "-c" && shell.rsplit('/').next().is_some_and(|name| name.ends_with("sh"));
    if !is_shell || configuration.cmd.is_empty() || asks_for_arguments(text) {
        return None;
    }
    let process = &subject.launch.process;
    let is_given = process.origins.iter().any(|origin| origin.is_some_and(|(field, _)| field == Field::Cmd));
    let message = format!(
        "CMD {} changes nothing: ENTRYPOINT is in shell form, and its text does not ask for arguments",
        quote(json_array(&configuration.cmd))
    );
    let explanation = Explanation::new(message, "write ENTRYPOINT in exec form, or leave CMD out").why(
        "a shell with `-c TEXT` takes further words for `$0`, `$1`, …, which only `\"$@\"` in the text would hand on",
    );
    let place = Place::Config { field: Field::Cmd, index: None };
    is_given.then(|| Finding {
        exit_codes: ExitCodes::default(),
        layer: None,
        ..subject.stop_finding(RULE.name, Confidence::Certain, place, explanation)
    })
}

/// `$@`, `$*`, `$0` to `$9`, `$#`, also in braces.
fn asks_for_arguments(text: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_ascii_digit() || "@*#".contains(c))
    }) || text.contains("shift")
}

/// Instructions of a Dockerfile that a later one makes void.
pub fn in_build(build: &Build<'_>) -> Vec<Finding> {
    build.plan.dead.iter().filter_map(|dead| overridden(build, dead)).collect()
}

fn overridden(build: &Build<'_>, dead: &Dead) -> Option<Finding> {
    let instructions = &build.parsed.instructions;
    let (own, by) = (instructions.get(dead.instruction)?, instructions.get(dead.by)?);
    // An earlier stage may be built for its own sake; a trigger is written for others.
    let between = instructions.get(dead.instruction.min(dead.by)..dead.by)?;
    if between.iter().any(|i| i.is(Keyword::From)) || own.is(Keyword::Onbuild) || by.is(Keyword::Onbuild) {
        return None;
    }
    // An empty one is there to undo what a base has.
    if own.words().is_empty() {
        return None;
    }
    let (keyword, other) = (own.keyword?, by.keyword?);
    let field = match keyword {
        Keyword::Cmd => Field::Cmd,
        Keyword::Entrypoint => Field::Entrypoint,
        Keyword::Healthcheck => Field::Healthcheck,
        _ => Field::StopSignal,
    };
    let text = build.file.text.get(own.span.clone())?.to_str_lossy();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = format!("only the last {} of a stage counts", keyword.as_str());
    Some(Finding {
        rule: RULE.name,
        severity: Severity::Warning,
        confidence: Confidence::Certain,
        message: format!("{} changes nothing: line {} has another {}", quote(&text), by.lines.0, other.as_str()),
        help: "leave the earlier one out, or put both commands into a script".to_owned(),
        exit_codes: ExitCodes::default(),
        place: Place::Config { field, index: None },
        because: vec![Because { message: why, place: None }],
        layer: None,
        fixes: paste::fix("leave it out", format!("# {text}")).into_iter().collect(),
        blame: Blame {
            source: Some(Source { file: Arc::clone(&build.file), span: own.span.clone() }),
            instruction: None,
            inherited: Some(false),
            ..Blame::default()
        },
        suppression: None,
    })
}

#[cfg(test)]
mod tests {
    use super::asks_for_arguments;

    #[test]
    fn texts_that_ask_for_arguments() {
        for text in ["exec app \"$@\"", "app $*", "app ${1:-x}", "echo $#", "shift; app"] {
            assert!(asks_for_arguments(text), "{text}");
        }
        for text in ["exec app", "app $HOME ${X}", "echo $$"] {
            assert!(!asks_for_arguments(text), "{text}");
        }
    }
}
