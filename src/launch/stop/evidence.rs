//! What an ELF file says of the signals that it handles.

use bstr::{BString, ByteSlice};

use super::{Disposition, Nature, Pid1, Reaction, Signal, base};
use crate::finding::Confidence;
use crate::format::elf::Imports;
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
    let go = pid1.step.ino.and_then(|ino| pid1.view.inode(ino).kind.content()?.go())?;
    if !matches!(signal.0, 1 | 2 | 15) {
        return Some(Reaction::unknown(format!("what this Go program does on {signal} is not known")));
    }
    let code = go.minor.map(|minor| if minor < 20 { 2 } else { 128 + signal.0 });
    let code = code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let why = format!("Go's runtime ends the program on {signal}{code}, unless it handles the signal itself");
    Some(Reaction::stops(Disposition::Exits, None, why, Confidence::Likely))
}

/// By what it and its libraries import: without any of the functions there is no handler.
pub fn elf(pid1: &Pid1<'_>, signal: Signal) -> Reaction {
    let path = &pid1.step.path;
    let Some(closure) = &pid1.step.libraries else {
        return Reaction::unknown(format!(
            "`{path}` is linked statically and does not tell whether it handles {signal}"
        ));
    };
    let Some((imports, who)) = imports(pid1, closure) else {
        return Reaction::unknown(format!("whether `{path}` handles {signal} cannot be read from its symbols"));
    };
    if imports.has(Imports::HANDLES) {
        return Reaction::unknown(format!(
            "`{who}` can handle signals, and whether it handles {signal} is not visible"
        ));
    }
    if imports.has(Imports::EXECUTES) {
        return Reaction::unknown(format!("`{who}` can execute another program in its place"));
    }
    if imports.has(Imports::TAKES) {
        return takes(who, signal);
    }
    let open = imports.has(Imports::LOADS) || imports.has(Imports::CALLS);
    let confidence = if open { Confidence::Likely } else { Confidence::Certain };
    // Of the program itself: libraries of tools, as of terminals, can wait too.
    let own = closure.objects.first().and_then(|program| pid1.view.object(program.ino).ok()??.imports);
    let nature = if own.is_some_and(|own| own.has(Imports::WAITS)) { Nature::Server } else { Nature::Tool };
    let why = format!("neither `{path}` nor a library of its imports a function that handles signals");
    Reaction::ignored(why, confidence, nature)
}

/// A program that only waits for signals waits for the one that is to end it, if for any.
fn takes(who: &BString, signal: Signal) -> Reaction {
    if signal != Signal::TERM {
        return Reaction::unknown(format!("`{who}` waits for signals, and whether for {signal} is not visible"));
    }
    let why = format!("`{who}` waits for signals, and SIGTERM is the usual one to end it");
    Reaction::stops(Disposition::Handler, None, why, Confidence::Possible)
}

/// The imports of the program and its libraries together, and the first file that handles signals or executes.
fn imports<'c>(pid1: &Pid1<'_>, closure: &'c Closure) -> Option<(Imports, &'c BString)> {
    let program = closure.objects.first()?;
    let (mut all, mut who) = (Imports::default(), &program.path);
    let mut own = closure.objects.iter().filter(|object| object.ino == program.ino || !is_libc(&object.path));
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
