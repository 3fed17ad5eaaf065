//! What an ELF file says of the signals that it handles.

use bstr::{BString, ByteSlice};

use super::{Disposition, Ending, Nature, Pid1, Reaction, Signal, base};
use crate::finding::Confidence;
use crate::format::elf::{Imports, Told};
use crate::launch::Closure;

/// C libraries and loaders, which have the functions themselves: glibc's parts and musl.
const LIBC: [&str; 11] = [
    "libc.so.",
    "libc.musl-",
    "libpthread.so.",
    "libdl.so.",
    "libm.so.",
    "librt.so.",
    "libresolv.so.",
    "libanl.so.",
    "libnss_",
    "libutil.so.",
    "libcrypt.so.",
];

/// A program that Go built. Its runtime catches the signals that end a process, stops, and leaves the code of a death by
/// that signal; before Go 1.20 it was 2 (measured with 1.19 and 1.27; runtime/signal_unix.go, `dieFromSignal`).
pub fn go(pid1: &Pid1<'_>, signal: Signal) -> Option<Reaction> {
    let go = pid1.step.ino.and_then(|ino| pid1.view.content(ino)?.go())?;
    if !matches!(signal.0, 1 | 2 | 15) {
        return Some(Reaction::unknown(format!("what this Go program does on {signal} is not known")));
    }
    let code = go.minor.map(|minor| if minor < 20 { 2 } else { 128 + signal.0 });
    let code = code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let why = format!("Go's runtime ends the program on {signal}{code}, unless it handles the signal itself");
    // what it may have started is not told, and whether it starts anything is not visible
    Some(Reaction { main_told: None, ..Reaction::stops(Disposition::Exits, None, why, Confidence::Likely) })
}

/// By what it and its libraries import, without any of the functions there is no handler; else by what its code says.
pub fn elf(pid1: &Pid1<'_>, signal: Signal) -> Reaction {
    let path = &pid1.step.path;
    let Some(closure) = &pid1.step.libraries else {
        return static_program(pid1, signal);
    };
    let Some((imports, who)) = imports(pid1, closure) else {
        return Reaction::unknown(format!("whether `{path}` handles {signal} cannot be read from its symbols"));
    };
    let handles = imports.has(Imports::HANDLES) || imports.has(Imports::TAKES);
    if handles && let Some(reaction) = linked_program(pid1, closure, signal) {
        return reaction;
    }
    // What can fork mostly executes in its children.
    if imports.has(Imports::EXECUTES) && !imports.has(Imports::FORKS) {
        return Reaction::unknown(format!("`{who}` can execute another program in its place"));
    }
    let open = handles || imports.has(Imports::LOADS) || imports.has(Imports::CALLS);
    let confidence = match (imports.has(Imports::EXECUTES), open) {
        (true, _) => Confidence::Possible,
        (_, true) => Confidence::Likely,
        _ => Confidence::Certain,
    };
    // Of the program itself: libraries of tools, as of terminals, can wait too.
    let own = closure.objects.first().and_then(|program| pid1.view.object(program.ino).ok()??.imports);
    let nature = if own.is_some_and(|own| own.has(Imports::WAITS)) { Nature::Server } else { Nature::Tool };
    let why = match handles {
        true => format!("the code of `{path}` sets no handler for {signal}, and PID 1 has none by default"),
        false => format!("neither `{path}` nor a library of its imports a function that handles signals"),
    };
    let reaction = Reaction::ignored(why, confidence, nature);
    // The main program may be a child.
    Reaction { main_told: reaction.main_told.filter(|_| !imports.has(Imports::EXECUTES)), ..reaction }
}

/// A static program tells as long as it is not stripped.
fn static_program(pid1: &Pid1<'_>, signal: Signal) -> Reaction {
    let path = &pid1.step.path;
    let code = pid1.step.ino.and_then(|ino| pid1.view.code(ino));
    let Some(code) = code.filter(|code| code.is_understood()) else {
        return Reaction::unknown(format!(
            "`{path}` is linked statically and does not tell whether it handles {signal}"
        ));
    };
    said(code.told(signal.0), path, signal).unwrap_or_else(|| {
        let why = format!("the code of `{path}` sets no handler for {signal}, and PID 1 has none by default");
        Reaction::ignored(why, Confidence::Likely, Nature::Tool)
    })
}

/// What the code of a program and its libraries says; `None` if that sets no handler.
fn linked_program(pid1: &Pid1<'_>, closure: &Closure, signal: Signal) -> Option<Reaction> {
    let program = closure.objects.first()?;
    let imports = pid1.view.object(program.ino).ok().flatten().and_then(|object| object.imports);
    let handles = imports.is_none_or(|imports| imports.has(Imports::HANDLES) || imports.has(Imports::TAKES));
    let Some(code) = pid1.view.code(program.ino).filter(|code| !handles || code.is_understood()) else {
        let path = &program.path;
        return Some(Reaction::unknown(format!(
            "`{path}` can handle signals, and whether it handles {signal} is not visible"
        )));
    };
    let said = said(code.told(signal.0), &program.path, signal);
    if said.as_ref().is_some_and(|reaction| reaction.ending != Ending::Killed) {
        return said;
    }
    let mut libraries = closure.objects.iter().skip(1).filter(|object| !is_libc(&object.path));
    let asked = code.passes(signal.0);
    let Some(open) = libraries.find(|object| {
        let imports = pid1.view.object(object.ino).ok().flatten().and_then(|object| object.imports);
        let handles = imports.is_none_or(|i| i.has(Imports::HANDLES) || i.has(Imports::TAKES));
        handles && !is_quiet(&object.path, asked)
    }) else {
        return said;
    };
    let path = &open.path;
    Some(Reaction::unknown(format!("`{path}` can handle signals, and whether it is to handle {signal} is not visible")))
}

/// What code says; `None` if that is nothing.
fn said(told: Told, path: &BString, signal: Signal) -> Option<Reaction> {
    let ignored = |why| Some(Reaction::ignored(why, Confidence::Likely, Nature::Server));
    match told {
        // Of the other signals many are handled for something else: to reload, to reopen files.
        Told::Handles | Told::Waits if !matches!(signal, Signal::TERM | Signal::INT) => Some(Reaction::unknown(
            format!("the code of `{path}` handles {signal}, and what it does then is not visible"),
        )),
        Told::Handles | Told::Waits => {
            let what = if told == Told::Handles { "sets a handler" } else { "waits" };
            Some(Reaction::handled(None, format!("the code of `{path}` {what} for {signal}")))
        }
        Told::Discards => ignored(format!("`{path}` ignores {signal}, or leaves it at its default")),
        Told::Ignores => ignored(format!("`{path}` ignores {signal}"))
            .map(|reaction| Reaction { disposition: Disposition::Ignored, ..reaction }),
        Told::Resends => ignored(format!(
            "the handler of `{path}` sets the default for {signal} and sends it to PID 1, where the kernel drops it"
        )),
        Told::Returns => Some(Reaction::unknown(format!(
            "the handler of `{path}` for {signal} does nothing but interrupt what waits, and what then happens is not visible"
        ))),
        Told::Unclear => Some(Reaction::unknown(format!(
            "`{path}` can handle signals, and whether it handles {signal} is not visible"
        ))),
        Told::Nothing => None,
    }
}

/// The imports of the program and its libraries together, and the first file that handles signals or executes.
fn imports<'c>(pid1: &Pid1<'_>, closure: &'c Closure) -> Option<(Imports, &'c BString)> {
    let program = closure.objects.first()?;
    let (mut all, mut who) = (Imports::default(), &program.path);
    let mut own = closure
        .objects
        .iter()
        .filter(|object| object.ino == program.ino || !(is_libc(&object.path) || is_quiet(&object.path, true)));
    own.try_for_each(|object| {
        let imports = pid1.view.object(object.ino).ok()??.imports?;
        let tells = [Imports::HANDLES, Imports::EXECUTES, Imports::TAKES].into_iter().any(|flag| imports.has(flag));
        if tells && !all.has(Imports::HANDLES) {
            who = &object.path;
        }
        all = all.and(imports);
        Some(())
    })?;
    Some((all, who))
}

fn is_libc(path: &[u8]) -> bool {
    let name = base(path);
    LIBC.iter().any(|start| name.starts_with_str(start)) || name.starts_with_str("ld-") || name.starts_with_str("ld64")
}

/// Libraries that may handle signals, but not those that end a process unless they are asked to by what `asked` shows: a
/// number that the program hands to some function. Established by the same search of their code (Debian 12).
const ASKED: [&str; 10] = [
    "libapr-1.so.",
    "libcrypto.so.",
    "libcurl.so.",
    "libevent",
    "libglib-2.0.so.",
    "libnspr4.so",
    "libpq.so.",
    "libsystemd.so.",
    "libudev.so.",
    "libuv.so.",
];
/// The same, whatever the program does. Of libbsd it is `readpassphrase`, while it asks.
const NEVER: [&str; 12] = [
    "libbsd.so.",
    "libcups.so.",
    "libcurl-gnutls.so.",
    "libdb-5.",
    "libdbus-1.so.",
    "libedit.so.",
    "libgio-2.0.so.",
    "libkrb5.so.",
    "libmagic.so.",
    "libselinux.so.",
    "libsemanage.so.",
    "libtirpc.so.",
];

fn is_quiet(path: &[u8], asked: bool) -> bool {
    let is = |names: &[&str]| names.iter().any(|start| base(path).starts_with_str(start));
    is(&NEVER) || (!asked && is(&ASKED))
}
