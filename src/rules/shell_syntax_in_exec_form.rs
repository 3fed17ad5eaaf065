//! Shell syntax where no shell reads it.

use crate::finding::{Blame, Confidence, ExitCodes, Field, Finding, Fix, Place, Severity};
use crate::launch::{Launch, Outcome};
use crate::rule::{Explanation, Rule, Subject, Trouble, at, json_array, paste, quote, shell_words};

/// See `rules/shell-syntax-in-exec-form.md`.
pub const RULE: Rule = Rule {
    name: "shell-syntax-in-exec-form",
    document: include_str!("../../rules/shell-syntax-in-exec-form.md"),
    check,
};

/// Operators of a shell as words of their own.
const OPERATORS: [&str; 9] = ["&&", "||", "|", ";", ">", ">>", "<", "2>&1", "&"];

/// Programs that make something of such words themselves, or take a program text in their arguments.
const EXPAND_THEMSELVES: [&str; 13] =
    ["envsubst", "find", "parallel", "xargs", "expr", "test", "[", "jq", "awk", "perl", "ruby", "make", "dockerize"];

/// Shells; with `-c` they read the syntax.
const SHELLS: [&str; 10] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "busybox", "fish", "su"];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let failing = subject.explain(RULE.name, command);
    if !failing.is_empty() {
        return failing;
    }
    let launches = [Some(subject.launch), subject.healthcheck];
    launches.into_iter().flatten().filter_map(|launch| argument(subject, launch)).collect()
}

/// The first word itself is something that only a shell would expand.
fn command(trouble: &Trouble<'_>) -> Explanation {
    let command = trouble.command();
    let who = trouble.instruction();
    let expands = if command.starts_with('~') { "the tilde" } else { "a variable" };
    let message = format!("{who} is in exec form and names {}: no shell expands {expands}", quote(command));
    let mut explanation =
        Explanation::new(message, "write the path out, or let a shell expand it and hand over with `exec`");
    if let Some(value) = value_of(trouble, command) {
        let mut words = shell_words(&value);
        words.extend(trouble.arguments().iter().cloned());
        explanation = explanation.fix("write it out", trouble.instruction_with(&words));
    }
    // What a shell would not only expand but run, such as `$(id)`, is not handed to one.
    if !trouble.has_shell() || !paste::is_expanded(command) {
        return explanation;
    }
    let text = format!("exec {}", paste::shell_text(&trouble.launch.process.argv, &[]));
    explanation.fix("let a shell expand it", format!("{who} {}", json_array(&["/bin/sh", "-c", &text])))
}

/// `$NAME` or `${NAME}/rest` with the value that ENV gives it.
fn value_of(trouble: &Trouble<'_>, word: &str) -> Option<String> {
    let rest = word.strip_prefix('$')?;
    let (name, tail) = match rest.strip_prefix('{') {
        Some(braced) => braced.split_once('}')?,
        None => rest.split_at(rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())),
    };
    let value = trouble.launch.process.env.iter().rev().find_map(|e| e.strip_prefix(name)?.strip_prefix('='))?;
    Some(format!("{value}{tail}"))
}

/// It starts, but hands its program words that only a shell would understand.
fn argument(subject: &Subject<'_>, launch: &Launch) -> Option<Finding> {
    let argv = &launch.process.argv;
    let runs = launch.current().iter().any(|s| matches!(s.outcome, Outcome::Runs | Outcome::Unknown(_)));
    let reads_it = argv.iter().any(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        SHELLS.contains(&name) || EXPAND_THEMSELVES.contains(&name) || name.starts_with("python")
    });
    if !runs || reads_it {
        return None;
    }
    let operator = argv.iter().skip(1).position(|word| OPERATORS.contains(&word.as_str()));
    let variable = argv.iter().skip(1).position(|word| is_variable(word));
    let index = operator.or(variable)? + 1;
    let word = argv.get(index)?;
    let (field, element) = launch.process.origins.get(index).copied().flatten()?;
    // A script may eval its arguments, and a program may expand `$NAME` itself: an operator is the surer sign.
    let (severity, confidence) = match operator {
        Some(_) => (Severity::Warning, Confidence::Likely),
        None => (Severity::Note, Confidence::Possible),
    };
    let who = instruction(field);
    let program = argv.first()?;
    Some(Finding {
        rule: RULE.name,
        severity,
        confidence,
        message: format!(
            "{who} is in exec form: {} is handed to {} as it stands, no shell reads it",
            quote(word),
            quote(program)
        ),
        help: "put the whole line into a shell, or write out what the shell would have made of it".to_owned(),
        exit_codes: ExitCodes::default(),
        place: Place::Config { field, index: Some(element) },
        because: Vec::new(),
        layer: None,
        fixes: if at(subject, b"/bin/sh").is_some() {
            in_a_shell(launch, operator.is_some()).into_iter().collect()
        } else {
            Vec::new()
        },
        blame: Blame::default(),
        suppression: None,
    })
}

fn instruction(field: Field) -> &'static str {
    match field {
        Field::Entrypoint => "ENTRYPOINT",
        Field::Healthcheck => "HEALTHCHECK CMD",
        _ => "CMD",
    }
}

/// The whole command for a shell; `exec` makes a single program PID 1 again.
fn in_a_shell(launch: &Launch, several: bool) -> Option<Fix> {
    let text = paste::shell_text(&launch.process.argv, &OPERATORS);
    let text = if several { text } else { format!("exec {text}") };
    let first = launch.process.origins.first().copied().flatten().map_or(Field::Cmd, |(field, _)| field);
    let text = format!("{} {}", instruction(first), json_array(&["/bin/sh", "-c", &text]));
    paste::fix("let a shell read it", text)
}

/// `$NAME` or `${NAME}`, and nothing else but an option that it is the value of.
fn is_variable(word: &str) -> bool {
    let value = word.split_once('=').filter(|(option, _)| option.starts_with('-')).map_or(word, |(_, value)| value);
    let Some(rest) = value.strip_prefix('$') else { return false };
    let name = rest.strip_prefix('{').and_then(|r| r.strip_suffix('}')).unwrap_or(rest);
    let first = name.chars().next().is_some_and(|c| c.is_ascii_uppercase() || c == '_');
    first && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::is_variable;

    #[test]
    fn variables() {
        assert!(is_variable("$HOME") && is_variable("${APP_OPTS}") && is_variable("--port=${PORT}"));
        for other in ["$", "$1", "$host", "$$", "a$HOME", "A=$HOME", "-x=a$HOME", "$HOME/x", "${A:-b}", "^x$"] {
            assert!(!is_variable(other), "{other}");
        }
    }
}
