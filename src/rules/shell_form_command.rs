//! A shell of `-c` stays as PID 1, and nobody tells the program.

use crate::finding::{Confidence, ExitCodes, Finding, Severity};
use crate::launch::family::{Parent, Stays};
use crate::launch::{Ending, Outcome};
use crate::rule::{Explanation, KILLED, Rule, Subject, quote, running};

/// See `rules/shell-form-command.md`.
pub const RULE: Rule =
    Rule { name: "shell-form-command", document: include_str!("../../rules/shell-form-command.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

/// The same where it depends on what nobody has seen yet: a shell stays on the likeliest way, if it is not for a piece of work.
pub fn possible(subject: &Subject<'_>) -> Option<Finding> {
    let Some((start, stop)) = running(subject.launch.current()) else { return unknown(subject) };
    let Some(Parent::Shell(held)) = start.parents.first() else {
        return unknown(subject).filter(|_| start.steps.len() == 1 && stop.reaction.ending == Ending::Unknown);
    };
    let is_trapped = held.traps.iter().any(|(_, trap)| trap.action.is_some());
    let stays = matches!(held.stays, Stays::Foreground { .. } | Stays::Subshell | Stays::Waits(_));
    if held.script.is_some() || is_trapped || !stays || stop.is_one_shot || stop.reaction.ending != Ending::Killed {
        return None;
    }
    let message = format!(
        "the shell form may leave {} as PID 1: whether the stop signal comes to {} depends on what the build brings",
        held.shell,
        quote(&held.text)
    );
    let explanation =
        Explanation::new(message, "use the exec form, or put `exec` before the command").why(stop.reaction.why.clone());
    let found = subject.stop_finding(RULE.name, Confidence::Possible, subject.first_word(), explanation);
    Some(Finding { severity: Severity::Note, exit_codes: ExitCodes::default(), ..found })
}

/// A shell form of which it cannot be told what it comes to.
fn unknown(subject: &Subject<'_>) -> Option<Finding> {
    let process = &subject.launch.process;
    let (Some(shell), Some(option), Some(text)) = (process.argv.first(), process.argv.get(1), process.argv.get(2))
    else {
        return None;
    };
    let start = subject.launch.current().first()?;
    let ends = |why: &str| why.contains("ends by itself");
    let why = match (&start.outcome, &start.stop) {
        (Outcome::Unknown(why), _) => why,
        (_, Some(stop)) => &stop.reaction.why,
        _ => return None,
    };
    if option != "-c" || !shell.ends_with("sh") || ends(why) {
        return None;
    }
    let message = format!("whether a shell stays PID 1 for {} cannot be told before the build", quote(text));
    let explanation = Explanation::new(message, "use the exec form, or put `exec` before the command").why(why.clone());
    let found = subject.stop_finding(RULE.name, Confidence::Possible, subject.first_word(), explanation);
    Some(Finding { severity: Severity::Note, exit_codes: ExitCodes::default(), ..found })
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented()?;
    let held = parented.killed_shell().filter(|held| held.script.is_none() && !parented.has_trap(held))?;
    if !matches!(held.stays, Stays::Foreground { .. } | Stays::Subshell | Stays::Waits(_)) {
        return None;
    }
    let (signal, main) = (parented.signal(), parented.main_quoted(Some(held)));
    let message = format!("the shell form leaves {} as PID 1, and {signal} never comes to {main}", held.shell);
    let help = match held.stays {
        Stays::Foreground { last: true } => "use the exec form, or put `exec` before the command",
        _ => "let the shell become the program: `exec` before it, and nothing after it",
    };
    let explanation =
        Explanation::new(message, help).why(parented.stop.reaction.why.clone()).why(KILLED).fixes(parented.forms(held));
    let confidence = parented.confidence(held);
    Some(subject.stop_finding(RULE.name, confidence, subject.first_word(), explanation))
}
