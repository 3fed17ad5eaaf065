//! PID 1 has no handler for the stop signal, and the kernel drops it.

use crate::finding::Finding;
use crate::launch::{Delivery, Ending, Nature, Signal};
use crate::rule::{Explanation, KILLED, Rule, Subject, paste, quote};

/// See `rules/default-disposition-as-pid-1.md`.
pub const RULE: Rule = Rule {
    name: "default-disposition-as-pid-1",
    document: include_str!("../../rules/default-disposition-as-pid-1.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    explain(subject).into_iter().collect()
}

fn explain(subject: &Subject<'_>) -> Option<Finding> {
    let (stop, reaction) = subject.dropped()?;
    let Delivery::Sent(signal) = stop.delivery else { return None };
    // A tool may end by itself before anybody stops it; SIGTERM instead of an odd signal is another rule's advice.
    let told_elsewhere = signal == Signal::STOP || stop.on_sigterm == Some(Ending::Stops);
    if told_elsewhere || matches!(reaction.nature, Nature::Idle | Nature::Tool) {
        return None;
    }
    let name = stop.pid1.first().cloned().unwrap_or_default();
    let message =
        format!("{signal} does not stop {}: as PID 1 it has no handler, and the kernel drops the signal", quote(name));
    let explanation = Explanation::new(message, help(reaction.nature, signal)).why(reaction.why.clone()).why(KILLED);
    let sigint = (reaction.nature == Nature::Python && signal == Signal::TERM).then(|| "STOPSIGNAL SIGINT".to_owned());
    let explanation = explanation
        .fix_if("a signal that Python itself handles", sigint)
        .fixes(subject.with_init())
        .fixes(paste::fix("an init from outside, without another image", "docker run --init IMAGE"));
    Some(subject.stop_finding(RULE.name, reaction.confidence, subject.first_word(), explanation))
}

fn help(nature: Nature, signal: Signal) -> String {
    let handler = match nature {
        Nature::Python => format!("handle it with `signal.signal(signal.{signal}, …)`"),
        Nature::JavaScript => format!("handle it with `process.on('{signal}', …)`"),
        Nature::Java => "leave out -Xrs".to_owned(),
        _ => "handle it in the program".to_owned(),
    };
    format!("{handler}, or run the program below an init, as whose child it dies of the signal")
}
