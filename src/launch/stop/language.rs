//! Languages whose programs are text, and what their interpreters do with a signal that the program does not handle
//! (measured, except where a line says otherwise).

use bstr::{BStr, BString, ByteSlice};

use super::script::{Says, Source, ends, first_file};
use super::{Nature, Reaction, Signal, node, perl, php, python, ruby};

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
    /// Words with one of which it starts other programs.
    pub starts: &'static [&'static str],
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
    starts: &["system", "popen", "spawn", "fork", "proc_open", "passthru", "shell_exec", "qx", "`", "os.execute"],
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
    starts: &["child_process", "Bun.spawn", "Deno.Command", "execa", "zx"],
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
        starts: &["subprocess", "os.system", "os.popen", "os.spawn", "os.posix_spawn", "os.fork", "pexpect"],
        otherwise: python::otherwise,
    },
    NODE,
    Language { names: &["bun"], source: node::bun_source, ..NODE },
    Language { names: &["deno"], source: node::deno_source, says: node::deno_says, otherwise: deno, ..NODE },
    Language {
        names: &["perl"],
        title: "Perl",
        says: perl::says,
        source: text_or_file,
        root: perl::root,
        harmless: perl::HARMLESS,
        ..PLAIN
    },
    Language { names: &["ruby"], title: "Ruby", says: ruby::says, source: text_or_file, otherwise: exception, ..PLAIN },
    Language { names: &["php"], title: "PHP", says: php::says, source: php::source, ..PLAIN },
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

fn lua(text: &BStr, _: Signal) -> Says {
    let words = ["require", "dofile", "loadfile", "signal", "load"];
    let open = |statement: &[u8]| words.into_iter().find(|word| statement.contains_str(word));
    match Statements::of(text, &[b"--"]).find_map(open) {
        Some(word) => Says::Unclear(format!("the program says `{word}`, and may handle signals")),
        None => Says::Nothing(Vec::new()),
    }
}

/// The statements of a text, roughly: what stands between line ends and semicolons and is no comment.
pub struct Statements;

impl Statements {
    /// Comments begin with one of `comments`.
    pub fn of<'t>(text: &'t BStr, comments: &'t [&[u8]]) -> impl Iterator<Item = &'t [u8]> {
        let statements = text.split(|b| matches!(b, b'\n' | b';')).map(|statement| statement.trim_ascii());
        statements.filter(|statement| !comments.iter().any(|comment| statement.starts_with(comment)))
    }
}

/// Whether one of `words` stands in the text as a word of its own.
pub fn has_word(text: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| mentions(text, word))
}

/// Whether `name` stands in the text as a word of its own.
pub fn mentions(text: &[u8], name: &str) -> bool {
    let word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    text.find_iter(name).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        !word(before) && !word(text.get(at + name.len()))
    })
}

/// `-e TEXT`, or a script.
fn text_or_file(arguments: &[BString]) -> Option<Source> {
    match arguments {
        [flag, text, ..] if *flag == "-e" => Some(Source::Text(text.clone())),
        _ => first_file(arguments),
    }
}
