//! The launch for people: a tree of steps, and how it ends under each engine.

use bstr::ByteSlice;

use super::escape::{sentence, shorten};
use super::lines::{heading, layer};
use super::processes::Process;
use super::{Detail, Style, libraries, trace};
use crate::launch::{Ending, Engine, Launch, Reaction, Start, Step, StepKind, Stop, UNKNOWN, Via};
use crate::rule::Subject;

/// The launch of an image.
pub fn write(subject: &Subject<'_>, style: &Style) -> String {
    let text = match style.detail {
        Detail::Brief => {
            subject.launch.current().iter().map(|start| row(trace::kind_of_engine(start), start)).collect()
        }
        _ => body(subject, style),
    };
    heading(subject.image, style) + &text
}

/// The same without the line that says what was read.
pub(super) fn body(subject: &Subject<'_>, style: &Style) -> String {
    let mut out = launch(subject.launch, subject, style);
    out.push_str(&stop(subject.launch, subject, style));
    for other in subject.launch.alternatives() {
        out.push_str(&alternative(&other, subject, style));
    }
    if subject.launch.cut {
        out.push_str("\nmore ways than these are to be expected, and are not followed\n");
    }
    if let Some(healthcheck) = subject.healthcheck {
        let ending = match trace::decisive(healthcheck).and_then(trace::why) {
            Some(why) if trace::outcome(healthcheck) == "unknown" => {
                style.fill("  whether it can run cannot be told: ", &sentence(why), 4)
            }
            Some(why) => style.fill("  cannot run: ", &sentence(why), 4),
            None => "  can run\n".to_owned(),
        };
        out.push_str(&format!("\nhealth check\n{}{ending}", steps(healthcheck, subject, style)));
    }
    out
}

/// Another way, where a script depends on what is not known before it runs.
fn alternative(other: &Launch, subject: &Subject<'_>, style: &Style) -> String {
    let head = match other.when.as_slice() {
        [] => "\nor else\n".to_owned(),
        when => style.fill("\nor else, if ", &sentence(when.join(", and ")), 4),
    };
    head + &launch(other, subject, style) + &stop(other, subject, style)
}

/// The processes, and where the signal comes to.
fn processes(launch: &Launch, style: &Style) -> String {
    let process = super::processes::of(launch).filter(|process| !process.children.is_empty());
    process.map_or(String::new(), |process| process_lines(&process, 0, style))
}

fn process_lines(process: &Process, depth: usize, style: &Style) -> String {
    let corner = match (depth, style.unicode) {
        (0, _) => "",
        (_, true) => "└─ ",
        (_, false) => "`- ",
    };
    let told = match process.told {
        Some(true) => ", gets the signal",
        Some(false) => ", does not get the signal",
        None => "",
    };
    let words: Vec<&[u8]> = process.argv.iter().map(|word| word.as_bytes()).collect();
    let stays = process.stays.as_ref().map(|stays| format!("; {}", shorten(&sentence(stays), 100))).unwrap_or_default();
    let indent = "   ".repeat(depth.saturating_sub(1));
    let line = format!("  {indent}{corner}{} {}{told}{stays}\n", process.pid, command(&words));
    process.children.iter().fold(line, |lines, child| lines + &process_lines(child, depth + 1, style))
}

/// What the stop signal does, where the container runs; engines that differ have a line of their own.
fn stop(launch: &Launch, subject: &Subject<'_>, style: &Style) -> String {
    let stops = launch.current().iter().filter_map(|s| Some((trace::kind_of_engine(s), s.stop.as_ref()?)));
    let mut told: Vec<(&str, &Stop)> = Vec::new();
    for (engine, stop) in stops {
        let is_new = |(_, other): &(&str, &Stop)| other.delivery != stop.delivery || other.reaction != stop.reaction;
        if told.iter().all(is_new) {
            told.push((engine, stop));
        }
    }
    let several = told.len() > 1;
    told.iter()
        .map(|(engine, stop)| {
            let engine = if several { format!("{engine}: ") } else { String::new() };
            let signal = trace::signal(stop.delivery, subject.image);
            let head = format!("\nstop signal {}: {engine}{}\n", sentence(signal), verdict(&stop.reaction));
            head + &style.fill("  because ", &sentence(&stop.reaction.why), 4)
        })
        .chain([processes(launch, style)])
        .collect()
}

fn verdict(reaction: &Reaction) -> String {
    let code = reaction.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
    match reaction.ending {
        Ending::Stops => format!("the container stops{code}"),
        Ending::Killed => format!("the container is killed when the grace period ends{code}"),
        Ending::Delayed => format!("the container stops late{code}"),
        Ending::Unknown => "what it does is not known".to_owned(),
    }
}

fn launch(launch: &Launch, subject: &Subject<'_>, style: &Style) -> String {
    let mut out = steps(launch, subject, style);
    out.push('\n');
    rows(launch, style).iter().for_each(|row| out.push_str(row));
    if let Some(why) = trace::decisive(launch).and_then(trace::why) {
        out.push_str(&style.fill("  because ", &sentence(why), 4));
    }
    if let Some(open) = trace::caveat(launch) {
        out.push_str(&style.fill("  ", &sentence(open), 2));
    }
    out
}

/// The steps of the newest docker.
fn steps(launch: &Launch, subject: &Subject<'_>, style: &Style) -> String {
    let steps = launch.current().first().map(|s| s.steps.as_slice()).unwrap_or_default();
    if steps.is_empty() {
        let words: Vec<_> = launch.process.argv.iter().map(|w| w.as_bytes()).collect();
        return format!("{}\n", if words.is_empty() { "no command".to_owned() } else { command(&words) });
    }
    let (corner, bar) = if style.unicode { ("└─ ", "│  ") } else { ("`- ", "|  ") };
    let mut out = String::new();
    for (depth, step) in steps.iter().enumerate() {
        let indent = "   ".repeat(depth.saturating_sub(1));
        let corner = if depth > 0 { corner } else { "" };
        let words: Vec<_> = step.argv.iter().map(|w| w.as_bytes()).collect();
        out.push_str(&format!("{indent}{corner}{}\n", style.bold(&command(&words))));
        let indent = "   ".repeat(depth);
        let bar = if depth + 1 < steps.len() { bar } else { "   " };
        let libraries = step.libraries.iter().flat_map(|closure| libraries::tree(closure, style));
        for line in facts(step, subject).into_iter().chain(libraries) {
            out.push_str(&format!("{indent}{bar}{line}\n"));
        }
    }
    out
}

/// What is known of a step: the file and what it is, how it was found, links, layer.
fn facts(step: &Step, subject: &Subject<'_>) -> Vec<String> {
    let note = trace::note(step, subject.rootfs).map(|line| format!(" ({})", sentence(line))).unwrap_or_default();
    let absent = if step.ino.is_none() { ", absent" } else { "" };
    let mut facts = vec![format!("{}{}{note}{absent}; {}", sentence(&step.path), kind(step.kind), via(step.via))];
    facts.extend(step.links.iter().map(|(from, to)| format!("link {} -> {}", sentence(from), sentence(to))));
    facts.extend(step.layer.and_then(|index| layer(index, subject.image)).map(|layer| format!("layer {layer}")));
    facts
}

fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Elf => ", an ELF program",
        StepKind::Script => ", a script",
        StepKind::Shell => ", a shell",
        StepKind::Wrapper => ", which starts what its arguments name",
        StepKind::Loader => ", a dynamic loader",
        StepKind::Unknown => "",
    }
}

fn via(via: Via) -> &'static str {
    match via {
        Via::Command => "named by its path",
        Via::PathLookup => "found in PATH",
        Via::Shebang => "the interpreter of the script above",
        Via::Loader => "PT_INTERP of the program above",
        Via::Exec => "executed by the program above",
        Via::Child => "a child of the program above",
    }
}

/// An argument vector as one would type it.
fn command(argv: &[&[u8]]) -> String {
    let words: Vec<_> = argv.iter().map(|word| quoted(word)).collect();
    shorten(&words.join(" "), 400)
}

fn quoted(word: &[u8]) -> String {
    if word == UNKNOWN {
        return "…".to_owned();
    }
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"%+,-./:=@_^".contains(b) || *b >= 0x80;
    let text = sentence(word);
    if !word.is_empty() && word.iter().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// One row an engine; older runtimes where they differ from the newest of their kind.
fn rows(launch: &Launch, style: &Style) -> Vec<String> {
    let (current, others) = launch.starts.split_at(launch.current().len());
    let mut rows: Vec<_> = current.iter().map(|s| row(trace::kind_of_engine(s), s)).collect();
    let differs = |s: &&Start| match newest(s, current) {
        Some(newest) => columns(newest) != columns(s),
        None => false,
    };
    let everything = style.detail == Detail::Everything;
    rows.extend(others.iter().filter(|s| everything || differs(s)).map(|s| row(s.runtime.name, s)));
    rows
}

/// The newest of the kind that `start` is of.
fn newest<'a>(start: &Start, current: &'a [Start]) -> Option<&'a Start> {
    if start.runtime.engine == Engine::None {
        return None;
    }
    current.iter().find(|s| trace::kind_of_engine(s) == trace::kind_of_engine(start))
}

fn row(name: &str, start: &Start) -> String {
    format!("  {name:<16}{}\n", columns(start))
}

fn columns(start: &Start) -> String {
    let seen = start.seen();
    let code = seen.and_then(|s| s.exit_code).map(|code| format!("exit code {code}"));
    let created = seen.filter(|s| !s.created).map(|_| "the process is never started".to_owned());
    let reason = seen.and_then(|s| s.reason).map(str::to_owned);
    let parts = [Some(trace::word(&start.outcome).to_owned()), code, reason, created];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The exit codes of the newest engines, with those of older ones that end otherwise.
pub(super) fn endings(launch: &Launch) -> String {
    let endings: Vec<_> = launch.current().iter().filter_map(|start| ending(start, launch)).collect();
    endings.join(", ")
}

fn ending(start: &Start, launch: &Launch) -> Option<String> {
    let code = |s: &Start| s.seen().and_then(|seen| seen.exit_code);
    let seen = start.seen()?;
    let words = [seen.exit_code.map(|code| code.to_string()), seen.reason.map(str::to_owned)];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let older = launch.starts.iter().skip(launch.current().len());
    let older = older.filter(|s| s.runtime.engine == start.runtime.engine && code(s) != code(start));
    let older: Vec<_> = older.filter_map(|s| Some(format!("{}: {}", s.runtime.name, code(s)?))).collect();
    let older = if older.is_empty() { String::new() } else { format!(" ({})", older.join(", ")) };
    Some(format!("{} {words}{older}", trace::kind_of_engine(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_a_shell_needs_it() {
        assert_eq!(command(&[b"nginx", b"-g", b"daemon off;", b"", b"it's"]), r"nginx -g 'daemon off;' '' 'it'\''s'");
        assert_eq!(command(&[b"\x1b[2J"]), "'␛[2J'");
    }
}
