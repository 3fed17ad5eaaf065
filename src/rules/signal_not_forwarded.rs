//! A program that starts the main program keeps the stop signal to itself.

use crate::finding::Finding;
use crate::launch::family::Parent;
use crate::rule::{Explanation, KILLED, Rule, Subject, quote};

/// See `rules/signal-not-forwarded.md`.
pub const RULE: Rule =
    Rule { name: "signal-not-forwarded", document: include_str!("../../rules/signal-not-forwarded.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let parented = subject.parented().filter(|parented| parented.is_killed())?;
    let Some(Parent::Wrapper(relay)) = parented.parents.get(parented.stop.reaction.reaches.saturating_sub(1)) else {
        return None;
    };
    let (signal, main) = (parented.signal(), parented.main_quoted(None));
    let message = format!("{} does not pass {signal} on to {main}", quote(&relay.name));
    let help = "use a program that becomes the other one (`exec`, gosu, setpriv, env), or an init that passes signals on (tini, dumb-init)";
    let explanation = Explanation::new(message, help).why(parented.stop.reaction.why.clone()).why(KILLED);
    Some(subject.stop_finding(RULE.name, parented.stop.reaction.confidence, subject.first_word(), explanation))
}
