//! STOPSIGNAL is no signal, or one that does not stop the program.

use crate::finding::{Confidence, Field, Finding, Place};
use crate::launch::{Delivery, Ending, Engine, Runtime, Signal, Stop, StopSignal};
use crate::rule::{Explanation, KILLED, Rule, Subject, list, quote};

/// See `rules/unusable-stop-signal.md`.
pub const RULE: Rule =
    Rule { name: "unusable-stop-signal", document: include_str!("../../rules/unusable-stop-signal.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(text) = subject.image.configuration.stop_signal.as_deref() else { return Vec::new() };
    let said = match StopSignal::parse(text) {
        StopSignal::Signal(Signal::KILL) => Some((kill(text), Confidence::Certain)),
        StopSignal::Signal(Signal::STOP) => Some((suspend(text), Confidence::Certain)),
        StopSignal::Signal(signal) => subject.stop().and_then(|stop| dropped(signal, stop)),
        value => Some((not_understood(subject, text, value), Confidence::Certain)),
    };
    let place = Place::Config { field: Field::StopSignal, index: None };
    let finding = |(said, confidence): (Explanation, _)| {
        let said = said.fix("the default", "STOPSIGNAL SIGTERM");
        Finding { layer: None, ..subject.stop_finding(RULE.name, confidence, place, said) }
    };
    said.map(finding).into_iter().collect()
}

fn kill(text: &str) -> Explanation {
    let message = format!("STOPSIGNAL {} ends every process at once, so that the program cannot finish", quote(text));
    Explanation::new(message, "take a signal that the program handles; SIGTERM is the default")
        .why("requests in flight die, and what was not written is lost; the exit code is always 137")
}

fn suspend(text: &str) -> Explanation {
    let message = format!("STOPSIGNAL {} suspends the program, which then cannot end", quote(text));
    Explanation::new(message, "take a signal that the program handles; SIGTERM is the default").why(KILLED)
}

/// The usual signal would do, as with STOPSIGNAL of a base image whose program was replaced.
fn dropped(signal: Signal, stop: &Stop) -> Option<(Explanation, Confidence)> {
    let reaction = &stop.reaction;
    let is_dropped = reaction.ending == Ending::Killed && reaction.confidence > Confidence::Possible;
    let program = stop.pid1.first().filter(|_| is_dropped && stop.on_sigterm == Some(Ending::Stops))?;
    let message = format!("STOPSIGNAL {signal} does not stop {}, which SIGTERM would", quote(program));
    let help = "set the stop signal back; a base image may have set it for the program that it was made for";
    let said = Explanation::new(message, help).why(reaction.why.clone()).why(KILLED);
    Some((said, reaction.confidence))
}

fn not_understood(subject: &Subject<'_>, text: &str, value: StopSignal) -> Explanation {
    let message = format!("STOPSIGNAL {} is no signal that every engine understands", quote(text));
    let help = "write a name such as `SIGTERM`, `SIGQUIT` or `SIGRTMIN+3`, or a number from 1 to 64";
    let mut told: Vec<String> = Vec::new();
    let current = subject.launch.current().iter().map(|start| start.runtime);
    for runtime in current.chain(subject.launch.starts.iter().map(|start| start.runtime)) {
        let line = format!("{} {}", name(runtime), deed(value.delivery(runtime)));
        let is_known = runtime.engine != Engine::None && !told.iter().any(|told| told.starts_with(name(runtime)));
        told.extend(Some(line).filter(|_| is_known));
    }
    Explanation::new(message, help).why(list(&told))
}

fn name(runtime: &Runtime) -> &'static str {
    match runtime.engine {
        Engine::Docker => "docker",
        Engine::Podman => "podman",
        Engine::Containerd => "containerd",
        Engine::CriO => "CRI-O",
        Engine::None => "a runtime",
    }
}

fn deed(delivery: Delivery) -> String {
    match delivery {
        Delivery::Sent(signal) => format!("sends {signal}"),
        Delivery::Nothing => "sends nothing and kills after the grace period".to_owned(),
        Delivery::Refused => "refuses to make the container".to_owned(),
        Delivery::Fails => "fails to stop the container, which goes on".to_owned(),
    }
}
