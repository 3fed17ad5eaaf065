//! The container stops, and its main program is never told.

use crate::finding::Finding;
use crate::launch::{Ending, is_idle};
use crate::rule::{Explanation, IDIOM, Rule, Subject};

/// See `rules/stops-without-telling.md`.
pub const RULE: Rule =
    Rule { name: "stops-without-telling", document: include_str!("../../rules/stops-without-telling.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).or_else(|| overtaken(subject)).into_iter().collect()
}

/// The trap passes the signal on, and the script ends before the program has acted on it.
fn overtaken(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented()?;
    let (reaction, held) = (&parented.stop.reaction, parented.shell()?);
    if !reaction.overtaken || parented.program().is_none() || reaction.ending != Ending::Stops {
        return None;
    }
    let (signal, main) = (parented.signal(), parented.main_quoted(Some(held)));
    let message = format!("on {signal} the script tells {main} and ends without waiting for it, which dies by SIGKILL");
    let explanation = Explanation::new(
        message,
        "wait until the program has ended: the trap has interrupted the first `wait`",
    )
    .why(reaction.why.clone())
    .why(
        "when PID 1 ends, the kernel kills what is left: measured, a program's handler ran in 15 to 40 % of such stops",
    )
    .fix("start it, pass signals on, wait for its end", IDIOM);
    Some(subject.stop_finding(RULE.name, reaction.confidence, parented.place(held), explanation))
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented()?;
    let reaction = &parented.stop.reaction;
    let has_main = parented.program().is_some_and(|program| !is_idle(&program.argv));
    let ends = matches!(reaction.ending, Ending::Stops | Ending::Delayed);
    if !has_main || !ends || reaction.main_told != Some(false) {
        return None;
    }
    let held = parented.last_shell();
    let (signal, main) = (parented.signal(), parented.main_quoted(held));
    let message =
        format!("on {signal} the container stops, but {main} is never told and dies by SIGKILL with its container");
    let help = match parented.shell() {
        Some(_) => "let the trap pass the signal on, and wait until the program has ended",
        None => "put `exec` before the command of the shell that stands between",
    };
    let explanation = Explanation::new(message, help).why(reaction.why.clone()).why(
        "when PID 1 ends, the kernel kills what is left with SIGKILL: requests in flight and unwritten data are lost",
    );
    let explanation = match (parented.shell(), held) {
        (Some(_), _) => explanation.fix("start it, pass signals on, wait for its end", IDIOM),
        (None, Some(held)) => explanation.fixes(parented.line_with_exec(held)).fixes(parented.forms(held)),
        _ => explanation,
    };
    let place = held.map_or_else(|| subject.first_word(), |held| parented.place(held));
    Some(subject.stop_finding(RULE.name, reaction.confidence, place, explanation))
}
