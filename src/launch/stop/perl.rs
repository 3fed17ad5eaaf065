//! Perl programs: perlipc(1), *Signals*; sigtrap(3perl).

use bstr::{BStr, BString, ByteSlice};

use super::Signal;
use super::language::{Statements, has_word, mentions};
use super::script::Says;

/// Modules of Perl's own whose source sets no handler for the signals that end a process.
#[rustfmt::skip]
pub const HARMLESS: &[&str] = &[
    "B", "Carp", "Class", "Config", "Cwd", "DB_File", "DBI", "Data", "Digest", "Encode", "English", "Errno", "Exporter", "Fcntl",
    "File", "FindBin", "Getopt", "HTTP", "I18N", "IO", "JSON", "List", "MIME", "Math", "PerlIO", "Scalar", "SelfLoader",
    "Socket", "Storable", "Symbol", "Sys", "Term", "Text", "Tie", "Time", "URI", "Unicode", "base", "bigint", "bytes",
    "constant", "diagnostics", "feature", "fields", "integer", "lib", "locale", "mro", "open", "overload", "parent", "re",
    "strict", "subs", "utf8", "vars", "version", "warnings",
];

/// What a text says.
pub fn says(text: &BStr, signal: Signal) -> Says {
    let name = signal.to_string().replacen("SIG", "", 1);
    let (mut imports, mut unclear) = (Vec::new(), None);
    for statement in Statements::of(text, &[b"#"]) {
        if has_word(statement, &["exec"]) {
            return Says::Replaced;
        }
        match handler(statement, &name) {
            Some(says @ (Says::Handles | Says::Ignores)) => return says,
            Some(Says::Unclear(why)) => unclear = Some(why),
            _ => imports.extend(import(statement)),
        }
    }
    unclear.map_or(Says::Nothing(imports), Says::Unclear)
}

/// What a statement says of a handler.
fn handler(statement: &[u8], name: &str) -> Option<Says> {
    let is_named = mentions(statement, name) || mentions(statement, &format!("SIG{name}"));
    let is_set = statement.contains_str("$SIG") || has_word(statement, &["sigaction", "SigAction"]);
    let is_trapped = has_word(statement, &["sigtrap"]) && (is_named || statement.contains_str("normal-signals"));
    if is_trapped {
        return Some(Says::Handles);
    }
    match (is_set && is_named, is_set) {
        (true, _) if ["IGNORE", "DEFAULT"].iter().any(|word| mentions(statement, word)) => Some(Says::Ignores),
        (true, _) => Some(Says::Handles),
        // One that is computed: `$SIG{$_} = …`
        (_, true) if statement.contains_str("$SIG{$") || has_word(statement, &["sigaction"]) => {
            Some(Says::Unclear("the program sets a handler for some signal".to_owned()))
        }
        _ if has_word(statement, &["eval", "do"]) && statement.contains_str("'") => {
            Some(Says::Unclear("the program evaluates text that is not visible".to_owned()))
        }
        _ => None,
    }
}

/// The module that a statement uses; a version or none is no module.
fn import(statement: &[u8]) -> Option<BString> {
    let rest = ["use ", "require ", "no "].iter().find_map(|word| statement.strip_prefix(word.as_bytes()))?;
    let rest = rest.trim_ascii_start();
    let end = rest.find_not_byteset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
    let name = rest.get(..end.unwrap_or(rest.len()))?;
    let is_version = name.trim_start_with(|c| c == 'v').first().is_some_and(u8::is_ascii_digit);
    (!is_version).then(|| if name.is_empty() { rest.into() } else { name.into() })
}

/// The first part of a module's name.
pub fn root(name: &BStr) -> &BStr {
    name.split_str("::").next().unwrap_or_default().as_bstr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::stop::script::told;

    #[test]
    fn handlers() {
        for (text, expected) in [
            ("$SIG{TERM}=sub{exit 4}; sleep 1 while 1;", "handles"),
            ("local $SIG{'TERM'} = \\&stop;", "handles"),
            ("$SIG{TERM} = 'IGNORE'; sleep", "ignores"),
            ("$SIG{$_} = \\&stop for @signals", "unclear"),
            ("$SIG{CHLD} = 'IGNORE'; kill 'TERM', $pid;", "nothing "),
            ("use sigtrap 'handler' => sub{exit 5}, 'normal-signals';", "handles"),
            ("use POSIX; sigaction(SIGTERM, $action);", "handles"),
            ("use 5.010; use strict; use IO::Socket::INET; use Foo::Bar;", "nothing strict IO::Socket::INET Foo::Bar"),
            ("exec 'nginx';", "replaced"),
            ("system('sleep 1000');", "nothing "),
        ] {
            assert_eq!(told(says(text.into(), Signal::TERM)), expected, "{text}");
        }
    }
}
