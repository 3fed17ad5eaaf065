//! Python programs: python(1), and the module `signal` of the library reference.

use bstr::{BStr, BString, ByteSlice};

use super::language::mentions;
use super::script::{Says, Source, ends};
use super::{Reaction, Signal};

/// Modules that set no handler for signals when they are imported and used: most of the standard library, and frameworks
/// that were run (flask, tornado, waitress) or whose source has no `signal.signal`.
#[rustfmt::skip]
pub const HARMLESS: &[&str] = &[
    "__future__", "abc", "aiohttp", "argparse", "array", "ast", "asyncio", "atexit", "base64", "binascii", "bisect", "bottle", "bz2",
    "calendar", "cgi", "click", "collections", "concurrent", "configparser", "contextlib", "copy", "csv", "ctypes",
    "dataclasses", "datetime", "decimal", "difflib", "dis", "dotenv", "email", "enum", "errno", "faulthandler", "fcntl",
    "flask", "fnmatch", "fractions", "ftplib", "functools", "gc", "getopt", "getpass", "gettext", "glob", "grp", "gzip",
    "hashlib", "heapq", "hmac", "html", "http", "imaplib", "inspect", "io", "ipaddress", "itertools", "jinja2", "json",
    "linecache", "locale", "logging", "lzma", "mailbox", "markupsafe", "math", "mimetypes", "mmap", "multiprocessing",
    "numbers", "numpy", "operator", "optparse", "os", "pathlib", "pickle", "pkgutil", "platform", "poplib", "posixpath",
    "pprint", "psutil", "psycopg2", "pwd", "pymysql", "queue", "quopri", "random", "re", "reprlib", "requests", "resource",
    "sched", "secrets", "select", "selectors", "shelve", "shlex", "shutil", "signal", "smtplib", "socket",
    "socketserver", "sqlite3", "ssl", "stat", "statistics", "string", "stringprep", "struct", "subprocess", "sys",
    "sysconfig", "syslog", "tarfile", "tempfile", "textwrap", "threading", "time", "tornado", "timeit", "traceback", "tracemalloc",
    "types", "typing", "unicodedata", "urllib", "urllib3", "uuid", "waitress", "warnings", "weakref", "werkzeug", "wsgiref",
    "xml", "xmlrpc", "yaml", "zipfile", "zlib", "zoneinfo",
];

/// What sets handlers by itself as soon as it is called.
const SERVERS: [&str; 4] = ["uvicorn.run(", "run_app(", "reactor.run(", "uvicorn.Server("];
/// What makes the rest of the text no evidence.
const OPAQUE: [&str; 5] = ["__import__", "importlib", "runpy", "exec(", "eval("];
/// What puts another program in the place of this one.
const REPLACES: [&str; 5] = ["os.exec", "execvp", "execve", "execl(", "execv("];
const CALLS: [&str; 2] = ["signal.signal(", "add_signal_handler("];

/// `-c TEXT`, `-m MODULE`, or a script.
pub fn source(arguments: &[BString]) -> Option<Source> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_slice() {
            b"-c" => return words.next().cloned().map(Source::Text),
            b"-m" => return words.next().cloned().map(Source::Module),
            b"-W" | b"-X" => drop(words.next()),
            option if option.starts_with(b"-") => {
                let plain = option.iter().skip(1).all(|letter| b"bBdEiIOPqsSuvx".contains(letter));
                if !plain || option == b"-" {
                    return None;
                }
            }
            _ => return Some(Source::File(word.clone())),
        }
    }
    None
}

/// What a module says.
pub fn says(text: &BStr, signal: Signal) -> Says {
    let code: Vec<u8> = text
        .lines()
        .filter(|line| !line.trim_ascii_start().starts_with(b"#"))
        .flat_map(|l| [l, b"\n"].concat())
        .collect();
    let name = signal.to_string();
    if REPLACES.iter().any(|word| code.contains_str(word)) {
        return Says::Replaced;
    }
    let mut unclear = None;
    for call in CALLS {
        for at in code.find_iter(call) {
            match argument(code.get(at + call.len()..).unwrap_or_default(), &name, signal) {
                Says::Unclear(why) => unclear = Some(why),
                Says::Nothing(_) => {}
                says => return says,
            }
        }
    }
    let has = |words: &[&str]| words.iter().find(|word| code.contains_str(word)).map(|word| (*word).to_owned());
    if has(&SERVERS).is_some() || (mentions(&code, &name) && has(&CALLS).is_some()) {
        return Says::Handles;
    }
    if mentions(&code, &name) {
        return Says::Unclear(format!("the program speaks of {name}"));
    }
    let opaque = has(&OPAQUE).map(|word| format!("the program says `{word}`, and what that brings is not visible"));
    match unclear.or(opaque) {
        Some(why) => Says::Unclear(why),
        None => Says::Nothing(imports(&code)),
    }
}

/// The arguments of a call that sets a handler.
fn argument(text: &[u8], name: &str, signal: Signal) -> Says {
    let mut words = text.splitn(3, |b| matches!(b, b',' | b')')).map(|word| word.trim_ascii());
    let (which, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let plain = which.strip_prefix(b"signal.").unwrap_or(which);
    if plain == name.as_bytes() || plain == signal.0.to_string().as_bytes() {
        let what = what.strip_prefix(b"signal.").unwrap_or(what);
        return if what.starts_with(b"SIG_") { Says::Ignores } else { Says::Handles };
    }
    let literal = plain.starts_with(b"SIG") || plain.iter().all(u8::is_ascii_digit);
    if literal {
        Says::Nothing(Vec::new())
    } else {
        Says::Unclear("the program sets a handler for some signal".to_owned())
    }
}

/// The modules that `import` and `from` name.
fn imports(code: &[u8]) -> Vec<BString> {
    let mut names = Vec::new();
    for statement in code.split(|b| matches!(b, b'\n' | b';')).map(|statement| statement.trim_ascii()) {
        if let Some(list) = statement.strip_prefix(b"import ") {
            names.extend(list.split_str(",").filter_map(first_word));
        } else if let Some(module) = statement.strip_prefix(b"from ") {
            names.extend(first_word(module));
        }
    }
    names
}

fn first_word(text: &[u8]) -> Option<BString> {
    text.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()).map(BString::from)
}

/// The package.
pub fn root(name: &BStr) -> &BStr {
    name.split_str(".").next().unwrap_or_default().as_bstr()
}

/// A module beside the script. What a package brings along depends on what it finds in itself: it is not located.
pub fn locate(name: &BStr, directory: &[u8]) -> Vec<BString> {
    if name.starts_with(b".") || !name.iter().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(b)) {
        return Vec::new();
    }
    vec![[directory, b"/", &name.replace(".", "/"), b".py"].concat().into()]
}

/// Python itself handles SIGINT, with an exception that ends the program.
pub fn otherwise(signal: Signal, nothing: bool) -> Option<Reaction> {
    let why = "Python raises KeyboardInterrupt on SIGINT, which ends the program".to_owned();
    (signal == Signal::INT).then(|| ends(nothing.then_some(130), why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::stop::script::told;

    #[test]
    fn handlers() {
        for (text, expected) in [
            ("import signal,time\nsignal.signal(15,lambda *a: sys.exit(23))", "handles"),
            ("signal.signal(signal.SIGTERM, stop)", "handles"),
            ("loop.add_signal_handler(SIGTERM, stop)", "handles"),
            ("for s in (signal.SIGINT, signal.SIGTERM):\n    signal.signal(s, stop)", "handles"),
            ("signal.signal(15,signal.SIG_DFL)", "ignores"),
            ("for s in signals:\n    signal.signal(s, stop)", "unclear"),
            ("os.kill(pid, signal.SIGTERM)", "unclear"),
            ("# signal.signal(signal.SIGTERM, stop)\nimport os", "nothing os"),
            ("signal.signal(signal.SIGHUP, reload)", "nothing "),
            ("from a.b import c\nimport d as e, f", "nothing a.b d f"),
            ("uvicorn.run(app)", "handles"),
            ("import os\nos.execvp('redis-server', ['redis-server'])", "replaced"),
        ] {
            assert_eq!(told(says(text.into(), Signal::TERM)), expected, "{text}");
        }
    }

    #[test]
    fn command_lines() {
        let found = |words: &[&str]| {
            let words: Vec<BString> = words.iter().map(|word| BString::from(*word)).collect();
            source(&words).map(|source| match source {
                Source::Text(text) => format!("text {text}"),
                Source::File(path) => format!("file {path}"),
                Source::Module(name) => format!("module {name}"),
            })
        };
        assert_eq!(found(&["-u", "-W", "ignore", "/app.py", "-c"]).as_deref(), Some("file /app.py"));
        assert_eq!(found(&["-Bm", "http.server"]), None);
        assert_eq!(found(&["-m", "http.server", "80"]).as_deref(), Some("module http.server"));
        assert_eq!(found(&["-c", "x"]).as_deref(), Some("text x"));
        assert_eq!(found(&[]), None);
    }
}
