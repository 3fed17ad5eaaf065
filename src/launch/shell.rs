//! Shell scripts so short that their end is certain: no command, or one simple command of plain words.
//!
//! Anything longer is left alone: the shell gets control, and that is all that is said. What is claimed here holds for
//! dash, busybox ash and bash, each run with such scripts; the other shells have names of their own for built-in commands
//! and leave all to the evaluator.

mod options;
mod replace;
mod startup;
mod version;

use bstr::{BStr, BString, ByteSlice};

use crate::rootfs::Errno;

pub use options::{Options, Words};
pub use replace::{Place, Replacing, is_plain};
pub use startup::{Startup, is_harmless, is_sh};
pub use version::{LONGEST, Version, by_bytes, korn};

/// A shell that is known by its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// Debian's.
    Dash,
    /// busybox's.
    Ash,
    /// GNU's.
    Bash,
    /// The Z shell.
    Zsh,
    /// The KornShell of 1993 and what follows it.
    Ksh,
    /// The MirBSD Korn shell, also as lksh.
    Mksh,
    /// Yet another shell.
    Yash,
}

impl std::fmt::Display for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Shell::Dash => "dash",
            Shell::Ash => "busybox ash",
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Ksh => "ksh",
            Shell::Mksh => "mksh",
            Shell::Yash => "yash",
        })
    }
}

impl Shell {
    /// Whether only the part of its language is followed in which it does as the others do.
    pub fn in_part(self) -> bool {
        matches!(self, Shell::Zsh | Shell::Ksh | Shell::Mksh | Shell::Yash)
    }

    /// Exit code when its script cannot be opened; `absent` or closed.
    pub fn cannot_open(self, absent: bool) -> u8 {
        match (self, absent) {
            (Shell::Dash | Shell::Ash, _) => 2,
            (Shell::Bash | Shell::Ksh | Shell::Yash, false) => 126,
            (Shell::Bash | Shell::Zsh | Shell::Ksh | Shell::Mksh | Shell::Yash, _) => 127,
        }
    }

    /// Exit code when a command cannot be executed.
    ///
    /// What makes the difference, as measured: whether the name was looked up `in_path`, whether the shell was to become
    /// it (`exec`), and whether it is `unreachable` behind a directory that may not be searched. What cannot be reached
    /// in PATH is "not found" unless ash or dash `exec`s it; dash finds only what it may execute.
    pub fn cannot_execute(self, errno: Errno, in_path: bool, exec: bool, unreachable: bool) -> u8 {
        match errno {
            Errno::ENOENT => 127,
            _ if self.in_part() => self.closed(in_path, unreachable),
            Errno::ENOTDIR | Errno::ENAMETOOLONG => 127,
            Errno::ELOOP if self != Shell::Bash => 127,
            Errno::EACCES if in_path && unreachable && (!exec || self == Shell::Bash) => 127,
            Errno::EACCES if in_path && !exec && self == Shell::Dash => 127,
            _ => 126,
        }
    }

    /// The same for EACCES in the four that are followed in part, as measured.
    fn closed(self, in_path: bool, unreachable: bool) -> u8 {
        match self {
            Shell::Yash if in_path => 127,
            Shell::Mksh if unreachable => 127,
            Shell::Zsh if in_path && unreachable => 127,
            _ => 126,
        }
    }

    /// Exit code of `set -e\r`, a usage error of a special built-in; bash goes on.
    fn bad_set(self) -> Option<u8> {
        (self != Shell::Bash).then_some(2)
    }
}

/// What a script comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// One simple command and nothing else.
    Command {
        /// Its words.
        words: Vec<BString>,
        /// `exec` stood before them.
        exec: bool,
        /// Its line, counted from 1.
        line: usize,
    },
    /// It fails at a line that ends in CR.
    CarriageReturn {
        /// Exit code.
        code: u8,
        /// The line, counted from 1.
        line: usize,
        /// Its text.
        text: BString,
    },
    /// Lines end in CR, and what comes of it is not certain.
    CarriageReturns,
    /// More than is looked at.
    Other,
}

/// Words that the shell does not look up in PATH, or that mean something else than a command.
const NOT_PROGRAMS: &str = "! . : [ [[ { } ( ) alias bg bind break builtin caller case cd command compgen complete compopt continue \
    coproc declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for function getopts \
    hash help history if in jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return \
    select set shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset \
    until wait while";

/// Reads a script as far as the module's doc says.
pub fn read(shell: Shell, text: &[u8]) -> Script {
    if shell.in_part() {
        return Script::Other;
    }
    let mut commands = text.lines_with_terminator().enumerate().filter_map(|(i, line)| {
        let line = line.strip_suffix(b"\n").unwrap_or(line).trim_with(|c| c == ' ' || c == '\t');
        (!line.is_empty() && !line.starts_with(b"#")).then_some((i + 1, line))
    });
    let Some((line, first)) = commands.next() else { return Script::Other };
    let crlf = text.contains_str("\r\n");
    if let (true, Some(code)) = (is_set_with_cr(first), shell.bad_set()) {
        return Script::CarriageReturn { code, line, text: first.into() };
    }
    if commands.next().is_some() {
        return if crlf { Script::CarriageReturns } else { Script::Other };
    }
    match simple(first) {
        Some((words, exec)) => {
            if words.first().is_some_and(|w| w.ends_with(b"\r")) {
                return Script::CarriageReturn { code: 127, line, text: first.into() };
            }
            Script::Command { words, exec, line }
        }
        None if crlf => Script::CarriageReturns,
        None => Script::Other,
    }
}

fn is_set_with_cr(line: &[u8]) -> bool {
    let flags = line.strip_prefix(b"set -").and_then(|rest| rest.strip_suffix(b"\r"));
    flags.is_some_and(|f| !f.is_empty() && f.iter().all(|b| b"abefhmnuvx".contains(b)))
}

/// The words of a simple command, if all are plain; and whether `exec` came first.
fn simple(line: &[u8]) -> Option<(Vec<BString>, bool)> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_./:@%+,-\r".contains(b);
    let mut words: Vec<&[u8]> = line.split(|b| matches!(b, b' ' | b'\t')).filter(|w| !w.is_empty()).collect();
    if !words.iter().all(|w| w.iter().all(plain)) {
        return None;
    }
    let exec = words.first() == Some(&&b"exec"[..]);
    if exec {
        words.remove(0);
    }
    let name = *words.first()?;
    let program = !name.starts_with(b"-") && !NOT_PROGRAMS.split(' ').any(|w| w.as_bytes() == name);
    program.then(|| (words.into_iter().map(BString::from).collect(), exec))
}

/// Exit code of a shell that is given what was meant as a JSON array: `['a', 'b']`, `["a",]`. `None` if it is not
/// that, or if it depends.
///
/// `[` alone is test(1), which refuses two operands or more with 2 and accepts one (0); `[a,` is a name that no
/// program has.
pub fn broken_exec_form(text: &BStr) -> Option<u8> {
    let text = text.trim_ascii();
    if !text.starts_with(b"[") || !text.ends_with(b"]") {
        return None;
    }
    if text.iter().any(|b| b";&|<>`$()\n\\*?{}#".contains(b)) {
        return None;
    }
    let words: Vec<&[u8]> = text.split(|b| matches!(b, b' ' | b'\t')).filter(|w| !w.is_empty()).collect();
    let quoted = |w: &[u8]| w.contains_str("'") || w.contains_str("\"") || w.contains_str("\u{201c}");
    if !words.iter().any(|w| quoted(w)) {
        return None;
    }
    match words.split_first()? {
        (name, operands) if *name == b"[" => (operands.len() > 2 && operands.last() == Some(&&b"]"[..])).then_some(2),
        _ => Some(127),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str], exec: bool, line: usize) -> Script {
        Script::Command { words: words.iter().map(|w| BString::from(*w)).collect(), exec, line }
    }

    #[test]
    fn one_command() {
        assert_eq!(read(Shell::Ash, b"#!/bin/sh\n# hi\n\n  exec app -x\n"), command(&["app", "-x"], true, 4));
        assert_eq!(read(Shell::Ash, b"app\n"), command(&["app"], false, 1));
        assert_eq!(read(Shell::Ash, b"app \"$@\"\n"), Script::Other);
        assert_eq!(read(Shell::Ash, b"cd /x\n"), Script::Other);
        assert_eq!(read(Shell::Ash, b"a\nb\n"), Script::Other);
        assert_eq!(read(Shell::Ash, b"\n"), Script::Other);
    }

    /// Debian 12's dash, bash and busybox, PATH with a directory that may not be searched and one with a 0644 file.
    #[test]
    fn what_cannot_be_executed() {
        let codes = |shell: Shell, exec| {
            let code = |unreachable| shell.cannot_execute(Errno::EACCES, true, exec, unreachable);
            (code(true), code(false))
        };
        assert_eq!((codes(Shell::Dash, false), codes(Shell::Dash, true)), ((127, 127), (126, 126)));
        assert_eq!((codes(Shell::Bash, false), codes(Shell::Bash, true)), ((127, 126), (127, 126)));
        assert_eq!((codes(Shell::Ash, false), codes(Shell::Ash, true)), ((127, 126), (126, 126)));
        for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
            assert_eq!(shell.cannot_execute(Errno::EACCES, false, false, false), 126, "by its path");
            assert_eq!(shell.cannot_execute(Errno::ENOENT, true, true, false), 127);
        }
    }

    #[test]
    fn carriage_returns() {
        let at = |code, line, text: &str| Script::CarriageReturn { code, line, text: text.into() };
        assert_eq!(read(Shell::Dash, b"#!/bin/sh\nok\r\n"), at(127, 2, "ok\r"));
        assert_eq!(read(Shell::Dash, b"#!/bin/sh\r\nexec ok\r\n"), at(127, 2, "exec ok\r"));
        assert_eq!(read(Shell::Dash, b"#!/bin/sh\nset -e\r\nok\n"), at(2, 2, "set -e\r"));
        assert_eq!(read(Shell::Bash, b"#!/bin/sh\nset -e\r\nok\n"), Script::CarriageReturns);
        assert_eq!(read(Shell::Dash, b"ok a\r\n"), command(&["ok", "a\r"], false, 1));
    }

    #[test]
    fn arrays() {
        for (text, code) in [
            ("[ 'ok', 'a' ]", Some(2)),
            ("['ok', 'a']", Some(127)),
            ("[\"ok\", \"a\",]", Some(127)),
            ("[ \u{201c}ok\u{201d}, \u{201c}a\u{201d} ]", Some(2)),
            ("[ 'ok' ]", None),
            ("[ -f /x ] && y", None),
            ("[ -f /x ]", None),
            ("[ 'a' ]; b", None),
        ] {
            assert_eq!(broken_exec_form(text.into()), code, "{text}");
        }
    }
}
