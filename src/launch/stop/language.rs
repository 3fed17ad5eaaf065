//! Languages whose programs are text, and what their interpreters do with a signal that the program does not handle
//! (measured, except where a line says otherwise).

use bstr::{BStr, BString, ByteSlice};

use super::script::{Says, Source, ends};
use super::{Nature, Reaction, Signal, node, python};

/// How to read programs of a language.
pub struct Language {
    /// Its interpreters, without versions.
    pub names: &'static [&'static str],
    /// As it is called.
    pub title: &'static str,
    /// The kind of its programs.
    pub nature: Nature,
    /// What the arguments of the interpreter have it run.
    pub source: fn(&[BString]) -> Option<Source>,
    /// What a text says of a signal.
    pub says: fn(&BStr, Signal) -> Says,
    /// The part of an imported name that is in `harmless`.
    pub root: fn(&BStr) -> &BStr,
    /// What can be imported without a handler being set.
    pub harmless: &'static [&'static str],
    /// Where a file of the program itself would be that a file in the directory imports.
    pub locate: fn(&BStr, &[u8]) -> Vec<BString>,
    /// What may be left out at the end of the name of a file.
    pub endings: &'static [&'static str],
    /// Words without one of which a program is none that runs for long.
    pub waits: &'static [&'static str],
    /// What the interpreter does by itself; and whether the whole text is known to say nothing.
    pub otherwise: fn(Signal, bool) -> Option<Reaction>,
}

const PLAIN: Language = Language {
    names: &[],
    title: "",
    nature: Nature::Script,
    source: first_file,
    says: |_, _| Says::Unclear(String::new()),
    root: |name| name,
    harmless: &[],
    locate: |_, _| Vec::new(),
    endings: &[],
    waits: &["sleep", "while", "accept", "listen", "loop"],
    otherwise: |_, _| None,
};

const NODE: Language = Language {
    names: &["node", "nodejs"],
    title: "JavaScript",
    nature: Nature::JavaScript,
    source: node::source,
    says: node::says,
    root: node::root,
    harmless: node::HARMLESS,
    locate: node::locate,
    endings: &[".js", ".cjs", ".mjs", "/index.js"],
    waits: &["listen", "setInterval", "setTimeout", "while", ".on(", "subscribe", "for await"],
    otherwise: |_, _| None,
};

/// All of them.
pub const LANGUAGES: [Language; 8] = [
    Language {
        names: &["python", "pypy"],
        title: "Python",
        nature: Nature::Python,
        source: python::source,
        says: python::says,
        root: python::root,
        harmless: python::HARMLESS,
        locate: python::locate,
        endings: &["/__main__.py"],
        waits: &["serve", "sleep(", "while ", "listen", "run(", "run_forever", "accept(", "poll(", "select(", "wait("],
        otherwise: python::otherwise,
    },
    NODE,
    Language { names: &["bun"], source: node::bun_source, ..NODE },
    Language { names: &["deno"], source: node::deno_source, says: node::deno_says, otherwise: deno, ..NODE },
    Language { names: &["perl"], title: "Perl", says: perl, source: text_or_file, ..PLAIN },
    Language { names: &["ruby"], title: "Ruby", says: ruby, source: text_or_file, otherwise: exception, ..PLAIN },
    Language { names: &["php"], title: "PHP", says: php, source: php_source, ..PLAIN },
    Language { names: &["lua", "luajit"], title: "Lua", says: lua, source: text_or_file, ..PLAIN },
];

/// Deno's handler raises the signal again, which ends PID 1 in a crash.
fn deno(signal: Signal, _: bool) -> Option<Reaction> {
    (signal == Signal::TERM).then(|| ends(None, "Deno's runtime ends the program on SIGTERM".to_owned()))
}

/// Ruby raises SignalException, which ends the program with 1 unless it is rescued.
fn exception(signal: Signal, nothing: bool) -> Option<Reaction> {
    let why = "Ruby raises SignalException on SIGTERM, which ends the program".to_owned();
    (signal == Signal::TERM).then(|| ends(nothing.then_some(1), why))
}

fn perl(text: &BStr, signal: Signal) -> Says {
    let name = signal.to_string().replacen("SIG", "", 1);
    let harmless =
        ["use strict", "use warnings", "use utf8", "use feature", "use 5", "use v5", "use vars", "use constant"];
    if mentions(text, &name) && (text.contains_str("SIG") || text.contains_str("sigaction")) {
        return Says::Handles;
    }
    by_words(text, &["use ", "require ", "exec", "do ", "eval", "SIG"], &harmless)
}

fn ruby(text: &BStr, _: Signal) -> Says {
    by_words(text, &["trap", "Signal", "rescue", "at_exit", "require", "load", "exec", "exit", "eval"], &[])
}

fn php(text: &BStr, signal: Signal) -> Says {
    match text.contains_str("pcntl_signal") && mentions(text, &signal.to_string()) {
        true => Says::Handles,
        false => Says::Unclear("what a PHP program does on signals depends on what it waits for".to_owned()),
    }
}

fn lua(text: &BStr, _: Signal) -> Says {
    by_words(text, &["require", "dofile", "loadfile", "signal", "load"], &[])
}

/// Nothing, unless a statement has one of the words.
fn by_words(text: &BStr, words: &[&str], harmless: &[&str]) -> Says {
    for statement in text.split(|b| matches!(b, b'\n' | b';')).map(|s| s.trim_ascii()) {
        let comment = statement.starts_with(b"#") || statement.starts_with(b"--");
        if comment || harmless.iter().any(|start| statement.starts_with_str(start)) {
            continue;
        }
        if let Some(word) = words.iter().find(|word| statement.contains_str(word)) {
            return Says::Unclear(format!("the program says `{}`, and may handle signals", word.trim()));
        }
    }
    Says::Nothing(Vec::new())
}

/// Whether `name` stands in the text as a word of its own.
pub fn mentions(text: &[u8], name: &str) -> bool {
    let word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    text.find_iter(name).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        !word(before) && !word(text.get(at + name.len()))
    })
}

/// The first argument that is no option.
fn first_file(arguments: &[BString]) -> Option<Source> {
    let file = arguments.first().filter(|word| !word.starts_with(b"-"))?;
    Some(Source::File(file.clone()))
}

/// `-e TEXT`, or a script.
fn text_or_file(arguments: &[BString]) -> Option<Source> {
    match arguments {
        [flag, text, ..] if *flag == "-e" => Some(Source::Text(text.clone())),
        _ => first_file(arguments),
    }
}

/// The web server `-S` is a known module; anything else is a script.
fn php_source(arguments: &[BString]) -> Option<Source> {
    match arguments.iter().any(|word| *word == "-S") {
        true => Some(Source::Module("php -S".into())),
        false => first_file(arguments),
    }
}
