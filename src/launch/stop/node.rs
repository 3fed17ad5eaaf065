//! JavaScript programs under Node, Bun and Deno: Node's *Process, Signal events*.

use bstr::{BStr, BString, ByteSlice};

use super::Signal;
use super::language::mentions;
use super::script::{Says, Source};

/// Modules that set no handler: Node's own, and packages whose source has no `process.on('SIG…`.
#[rustfmt::skip]
pub const HARMLESS: &[&str] = &[
    "assert", "async_hooks", "axios", "body-parser", "buffer", "child_process", "cluster", "console", "constants",
    "cookie-parser", "cors", "crypto", "dgram", "diagnostics_channel", "dns", "dotenv", "ejs", "events", "express", "fs",
    "helmet", "http", "http2", "https", "inspector", "koa", "lodash", "module", "moment", "morgan", "mysql2", "net", "os",
    "path", "perf_hooks", "pg", "process", "punycode", "querystring", "readline", "stream", "string_decoder", "timers",
    "tls", "tty", "url", "util", "uuid", "v8", "vm", "worker_threads", "ws", "zlib",
];

/// How a listener is added.
const LISTENERS: [&str; 4] = [".on(", ".once(", ".addListener(", ".prependListener("];

/// `-e TEXT`, or a script. Options that load something first hide what it does.
pub fn source(arguments: &[BString]) -> Option<Source> {
    for (index, word) in arguments.iter().enumerate() {
        match word.as_slice() {
            b"-e" | b"--eval" => return arguments.get(index + 1).cloned().map(Source::Text),
            option if option.starts_with(b"--inspect") || option.starts_with(b"--max") => {}
            b"--enable-source-maps" | b"--no-warnings" | b"--trace-warnings" | b"--expose-gc" => {}
            option if option.starts_with(b"-") => return None,
            _ => return Some(Source::File(word.clone())),
        }
    }
    None
}

/// `bun FILE` and `bun run FILE`; scripts of a package.json have no such ending.
pub fn bun_source(arguments: &[BString]) -> Option<Source> {
    let words = arguments.strip_prefix(&[BString::from("run")]).unwrap_or(arguments);
    let file = words.first().filter(|word| [".js", ".mjs", ".cjs", ".ts"].iter().any(|end| word.ends_with_str(end)))?;
    Some(Source::File(file.clone()))
}

/// `deno run [OPTIONS] FILE`.
pub fn deno_source(arguments: &[BString]) -> Option<Source> {
    let words = arguments.strip_prefix(&[BString::from("run")])?;
    words.iter().find(|word| !word.starts_with(b"-")).cloned().map(Source::File)
}

/// What a module says.
pub fn says(text: &BStr, signal: Signal) -> Says {
    let name = signal.to_string();
    let listens =
        |call: &str| text.find_iter(call).any(|at| literal(text.get(at + call.len()..)) == Some(name.as_bytes()));
    if LISTENERS.iter().any(|call| listens(call)) || (is_listed(text, &name) && listens_to_some(text)) {
        return Says::Handles;
    }
    if mentions(text, &name) {
        return Says::Unclear(format!("the program speaks of {name}"));
    }
    match imports(text) {
        Some(imports) => Says::Nothing(imports),
        None => Says::Unclear("the program loads modules whose names are not in its text".to_owned()),
    }
}

/// Whether the name stands in a list: `['SIGINT', 'SIGTERM']`.
fn is_listed(text: &[u8], name: &str) -> bool {
    ['\'', '"', '`'].iter().any(|quote| {
        let quoted = format!("{quote}{name}{quote}");
        text.find_iter(&quoted).any(|at| {
            let before = text.get(..at).unwrap_or_default().trim_ascii_end().last();
            let after = text.get(at + quoted.len()..).unwrap_or_default().trim_ascii_start().first();
            matches!((before, after), (Some(b'[' | b','), Some(b']' | b',')))
        })
    })
}

/// Whether the process listens to what a variable names.
fn listens_to_some(text: &[u8]) -> bool {
    LISTENERS.iter().any(|call| {
        let call = format!("process{call}");
        text.find_iter(&call).any(|at| literal(text.get(at + call.len()..)).is_none())
    })
}

/// The same for Deno, which has a function of its own.
pub fn deno_says(text: &BStr, signal: Signal) -> Says {
    let name = signal.to_string();
    match text.contains_str("addSignalListener") && mentions(text, &name) {
        true => Says::Handles,
        false => says(text, signal),
    }
}

/// The modules that `require` and `import` name; `None` if one is not a string.
fn imports(text: &[u8]) -> Option<Vec<BString>> {
    let mut names = Vec::new();
    for call in ["require(", "import("] {
        for at in text.find_iter(call) {
            names.push(literal(text.get(at + call.len()..))?.into());
        }
    }
    for word in ["from", "import"] {
        let named = text.find_iter(word).filter_map(|at| literal(text.get(at + word.len()..)));
        names.extend(named.map(BString::from));
    }
    Some(names)
}

/// The string that the text begins with, blanks aside.
fn literal(text: Option<&[u8]>) -> Option<&[u8]> {
    let text = text?.trim_ascii_start();
    let quote = *text.first().filter(|b| b"'\"`".contains(b))?;
    let string = text.get(1..)?;
    let string = string.get(..string.find_byte(quote)?)?;
    (!string.contains(&b'$') && !string.contains(&b'\n')).then_some(string)
}

/// The package, without `node:` and without what is named inside it.
pub fn root(name: &BStr) -> &BStr {
    let plain = name.strip_prefix(b"node:").unwrap_or(name);
    plain.split_str("/").next().unwrap_or_default().as_bstr()
}

/// A file of the program.
pub fn locate(name: &BStr, directory: &[u8]) -> Vec<BString> {
    let relative = name.starts_with(b"./") || name.starts_with(b"../");
    if relative { vec![[directory, b"/", name.as_bytes()].concat().into()] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::stop::script::told;

    #[test]
    fn handlers() {
        for (text, expected) in [
            ("process.on('SIGTERM',()=>process.exit(24))", "handles"),
            ("process.once( \"SIGTERM\", stop)", "handles"),
            ("['SIGINT','SIGTERM'].forEach(s => process.on(s, stop))", "handles"),
            ("for (const s of ['SIGINT', 'SIGTERM']) child.kill(s)", "unclear"),
            ("spawn('x').kill('SIGTERM'); process.on(name, stop)", "unclear"),
            ("process.on('SIGINT', stop)", "nothing "),
            ("const c=require('cluster');import x from \"./x.js\"", "nothing cluster ./x.js"),
            ("import 'a'\nconst b = await import(`b`)", "nothing b a"),
            ("require(name)", "unclear"),
        ] {
            assert_eq!(told(says(text.into(), Signal::TERM)), expected, "{text}");
        }
    }
}
