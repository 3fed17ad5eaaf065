//! Fixes as edits of the files in the repository.
//!
//! A fix says in words what is to be done; here it is said in bytes, where blame has found the place. A fix is safe if it
//! changes nothing but what is wrong, and needs nothing that may not be there.

use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use super::Blamer;
use crate::dockerfile::{From, Instruction, Keyword};
use crate::finding::{Edit, Finding, Fix, Place, Position, Source};
use crate::format::shell::{self, Dialect};
use crate::rule::{paste, quote};

/// More of `.gitattributes` is not read.
const MAX_ATTRIBUTES: u64 = 1 << 16;

/// Rules of which the first fix that rewrites the command does as the author meant, and nothing else.
const MEANT: [&str; 3] = ["arguments-in-one-string", "broken-exec-form", "shell-form-command"];

/// Those of them that say which of their fixes these are.
const SAY_THEMSELVES: [&str; 2] = ["broken-exec-form", "shell-form-command"];
/// Of these not if a shell was meant to read it.
const MEANT_LITERALLY: [&str; 1] = ["arguments-in-one-string"];
/// What is more to a shell than a character.
const SHELL: [char; 9] = ['$', '&', '|', ';', '<', '>', '*', '`', '~'];

impl Blamer<'_> {
    /// Puts edits to the fixes of a finding that is blamed already.
    pub fn mend(&self, finding: &mut Finding) {
        let Some(source) = finding.blame.source.clone() else { return };
        self.in_repository(finding);
        match finding.rule {
            "missing-exec" => with_exec(finding, &source),
            "carriage-return-in-shebang" => {
                whole(finding, &source, "give the file LF line ends", |text| text.replace("\r\n", "\n").into());
                // the next checkout would undo it
                if self.is_converted() {
                    finding.fixes.iter_mut().for_each(|fix| fix.is_safe = false);
                }
            }
            "byte-order-mark" => whole(finding, &source, "remove the byte order mark", |text| {
                text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).into()
            }),
            // the first line of a here-document is not that of the Dockerfile
            "missing-shebang" if !Arc::ptr_eq(&source.file, &self.build.file) => shebang(finding, &source),
            "missing-shebang" => {}
            "not-executable" => self.with_mode(finding, &source),
            _ => self.rewritten(finding, &source),
        }
    }

    /// What is to be done in the repository is done to the file as it is called there.
    fn in_repository(&self, finding: &mut Finding) {
        let Place::File { path, .. } = &finding.place else { return };
        let name = path.strip_prefix(b"/").unwrap_or(path).as_bstr();
        let from = self.made.iter().rev().find_map(|made| made.files.get(name));
        let (Some(From::Context(source)), Some(context)) = (from, &self.build.context) else { return };
        let source = context.source_path(source.as_bstr()).to_str_lossy().into_owned();
        for fix in &mut finding.fixes {
            if fix.text.starts_with("git update-index ") {
                fix.text = format!("git update-index --chmod=+x {}", paste::operand(&source));
            }
        }
    }

    /// The instruction that a place of the Dockerfile lies in.
    fn around(&self, source: &Source) -> Option<&Instruction> {
        if !Arc::ptr_eq(&source.file, &self.build.file) {
            return None;
        }
        let holds = |i: &&Instruction| i.span.start <= source.span.start && source.span.end <= i.span.end;
        self.build.parsed.instructions.iter().find(holds)
    }

    /// Fixes that are another form of the instruction itself.
    fn rewritten(&self, finding: &mut Finding, source: &Source) {
        let Some(instruction) = self.around(source) else { return };
        let Some(keyword) = instruction.keyword else { return };
        let is_meant = MEANT.contains(&finding.rule);
        let text = self.build.file.text.get(instruction.span.clone()).unwrap_or_default();
        // a comment between its lines would be lost
        let is_plain = !text.lines().skip(1).any(|line| line.trim_start_with(char::is_whitespace).starts_with(b"#"));
        let mut first = true;
        for fix in &mut finding.fixes {
            let Some(rest) = fix.text.strip_prefix(keyword.as_str()).filter(|rest| rest.starts_with(' ')) else {
                continue;
            };
            let start = match (keyword, &instruction.verb) {
                (Keyword::Healthcheck, Some(verb)) => verb.span.start,
                _ => match behind_keyword(instruction, text) {
                    Some(start) => start,
                    None => continue,
                },
            };
            let file = Arc::clone(&self.build.file);
            fix.edits =
                vec![Edit { at: Source { file, span: start..instruction.span.end }, with: rest.trim_start().into() }];
            let is_literal = !MEANT_LITERALLY.contains(&finding.rule) || !rest.contains(SHELL);
            // some of these rules say themselves whether a fix is
            let is_whole = !SAY_THEMSELVES.contains(&finding.rule) || fix.is_safe;
            fix.is_safe = is_meant && is_plain && is_literal && first && is_whole;
            first = false;
        }
    }

    /// `--chmod` for the COPY that brings the file.
    fn with_mode(&self, finding: &mut Finding, source: &Source) {
        let Some(copy) = self.around(source) else { return };
        if !matches!(copy.keyword, Some(Keyword::Copy | Keyword::Add)) || copy.has_flag("chmod") {
            return;
        }
        let is_alone =
            matches!(copy.words(), [source, _] if !source.text.contains(&b'*') && !self.is_directory(&source.text));
        let at = copy.name.span.end;
        let file = Arc::clone(&self.build.file);
        let edit = Edit { at: Source { file, span: at..at }, with: " --chmod=0755".into() };
        let fix = finding.fixes.iter_mut().find(|fix| fix.text.contains("--chmod"));
        if let Some(fix) = fix {
            fix.edits = vec![edit];
            fix.is_safe = is_alone && !self.is_old();
        }
    }

    /// Whether git may give files CRLF line ends (gitattributes(5)).
    fn is_converted(&self) -> bool {
        let attributes =
            self.build.context.as_ref().and_then(|context| context.read(".gitattributes".into(), MAX_ATTRIBUTES).ok());
        attributes.is_some_and(|text| text.contains_str("eol=crlf"))
    }

    /// Whether the syntax that the file asks for has no `--chmod` yet: it came with docker/dockerfile 1.2.
    fn is_old(&self) -> bool {
        let asks = |line: &[u8]| {
            let text = line.to_str_lossy().replace(' ', "").to_lowercase();
            let tag =
                text.strip_prefix("#syntax=").and_then(|image| image.rsplit_once(':')).map(|(_, tag)| tag.to_owned());
            let minor = tag.and_then(|tag| tag.strip_prefix("1.")?.split(['.', '-']).next().map(str::to_owned));
            matches!(minor.as_deref(), Some("0" | "1"))
        };
        self.build.file.text.lines().take_while(|line| line.starts_with(b"#")).any(asks)
    }

    fn is_directory(&self, source: &[u8]) -> bool {
        let clean = crate::source::context::cleaned(&source.to_str_lossy()).unwrap_or_default();
        self.build.context.as_ref().is_none_or(|context| {
            context.leads(clean.as_bytes().as_bstr()).is_none_or(|path| context.is_directory(path.as_bstr()))
        })
    }
}

/// Where the arguments of a command begin: behind the keyword and its blanks. Flags there are none.
fn behind_keyword(instruction: &Instruction, text: &[u8]) -> Option<usize> {
    let name = instruction.name.span.len();
    let blanks = text.get(name..)?.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    (instruction.flags.is_empty() && blanks > 0).then_some(instruction.span.start + name + blanks)
}

/// `exec` before the command, behind its assignments.
fn with_exec(finding: &mut Finding, source: &Source) {
    let Some(fix) = finding.fixes.iter_mut().find(|fix| fix.text.contains("exec ")) else { return };
    let Some(command) = source.file.text.get(source.span.clone()) else { return };
    let at = source.span.start + crate::rule::behind_assignments(&command.to_str_lossy());
    let file = Arc::clone(&source.file);
    let line = Position::of(file.text.as_bstr(), at).line;
    fix.title = format!("line {line} of {}, with `exec`", quote(&file.path));
    fix.edits = vec![Edit { at: Source { file, span: at..at }, with: "exec ".into() }];
}

/// A file as it should be.
fn whole(finding: &mut Finding, source: &Source, title: &str, change: impl Fn(&[u8]) -> BString) {
    let text = change(&source.file.text);
    if text == source.file.text {
        return;
    }
    let at = Source { file: Arc::clone(&source.file), span: 0..source.file.text.len() };
    let edits = vec![Edit { at, with: text }];
    let said = finding.fixes.iter().find(|fix| fix.title.contains("repository")).map(|fix| fix.text.clone());
    let text = said.unwrap_or_else(|| title.to_owned());
    finding.fixes.insert(0, Fix { title: title.to_owned(), text, edits, is_safe: true });
}

/// A first line that names a shell, where there is none.
fn shebang(finding: &mut Finding, source: &Source) {
    let text = &source.file.text;
    let Some(fix) = finding.fixes.iter_mut().find(|fix| fix.text.contains("#!/bin/sh")) else { return };
    if text.starts_with(b"#!") || text.contains(&0) || text.trim_start_with(char::is_whitespace).starts_with(b"#!") {
        return;
    }
    let end =
        if text.lines_with_terminator().next().is_some_and(|line| line.ends_with(b"\r\n")) { "\r\n" } else { "\n" };
    let at = Source { file: Arc::clone(&source.file), span: 0..0 };
    fix.edits = vec![Edit { at, with: format!("#!/bin/sh{end}").into() }];
    fix.text = "#!/bin/sh".to_owned();
    fix.is_safe = end == "\n" && is_posix(source.file.path.as_bstr(), text);
}

/// Words that begin the lines of a script which any shell takes (POSIX XCU 2.4, 2.9.1.4, and what scripts call most).
const COMMON: [&[u8]; 44] = [
    b"!",
    b":",
    b"[",
    b"case",
    b"cat",
    b"cd",
    b"chmod",
    b"chown",
    b"cp",
    b"do",
    b"done",
    b"echo",
    b"elif",
    b"else",
    b"env",
    b"envsubst",
    b"esac",
    b"exec",
    b"exit",
    b"export",
    b"false",
    b"fi",
    b"for",
    b"gosu",
    b"grep",
    b"if",
    b"ln",
    b"ls",
    b"mkdir",
    b"mv",
    b"printf",
    b"rm",
    b"sed",
    b"shift",
    b"sleep",
    b"su-exec",
    b"test",
    b"then",
    b"touch",
    b"true",
    b"umask",
    b"until",
    b"wait",
    b"while",
];
/// What bash has more, and what the shells that may be `/bin/sh` make different things of.
const BASH: [&str; 27] = [
    "[[",
    "((",
    "<<<",
    "<(",
    ">(",
    "(\"",
    "=(",
    "$'",
    "$\"",
    "&>",
    "|&",
    "+=",
    "${!",
    "^}",
    ",}",
    "pipefail",
    "shopt",
    "echo -e",
    "BASH",
    "RANDOM",
    "==",
    "UID",
    "HOSTNAME",
    "source ",
    "function ",
    "typeset",
    " ERR",
];

/// Whether it is a script that any shell takes, and nothing else: it is called so, each of its lines begins with a word of such
/// scripts, nothing in it is bash's, and dash parses it.
fn is_posix(path: &BStr, text: &[u8]) -> bool {
    let name = path.rsplit_str("/").next().unwrap_or_default();
    let is_called_so = name.ends_with(b".sh") || !name.contains(&b'.');
    let is_bash = |line: &[u8]| {
        BASH.iter().any(|text| line.contains_str(text))
            || line.contains_str("${") && line.contains_str("//")
            || is_brace(line)
    };
    let is_common = |line: &[u8]| {
        let line = line.trim_with(char::is_whitespace);
        let mut words = line.split(|byte| byte.is_ascii_whitespace() || *byte == b';');
        let (word, next) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match word {
            // what sets words instead of options may be another language's
            b"set" => {
                next.starts_with(b"-")
                    && words.all(|word| word.is_empty() || word.starts_with(b"-") || next.ends_with(b"o"))
            }
            b"" | b";;" | b"}" => true,
            word => {
                COMMON.contains(&word) || word.starts_with(b"#") || word.starts_with(b"/") || is_assignment(line, word)
            }
        }
    };
    let is_fit = |line: &[u8]| is_common(line) && !is_bash(line);
    is_called_so && text.lines().all(is_fit) && shell::parse(text, Dialect::Dash).is_ok()
}

/// `NAME=…`, and not `NAME = …`.
fn is_assignment(line: &[u8], word: &[u8]) -> bool {
    let Some((name, _)) = word.split_once_str("=") else { return false };
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    !name.is_empty() && is_name && !line.ends_with(b";")
}

/// `{a,b}`
fn is_brace(line: &[u8]) -> bool {
    line.split_once_str("{")
        .is_some_and(|(_, rest)| rest.split_once_str("}").is_some_and(|(inner, _)| inner.contains(&b',')))
}

#[cfg(test)]
mod tests {
    use super::is_posix;

    #[test]
    fn scripts_that_any_shell_takes() {
        for (path, text, is) in [
            ("run.sh", "# starts it\nexec app \"$@\"\n", true),
            ("bin/run", "set -e\nexec app\n", true),
            ("e.py", "import os\nprint(1)\n", false),
            ("e", "import os\nprint(1)\n", false),
            ("e.js", "const x = require('x');\n", false),
            ("e.sh", "source /etc/profile\nexec app\n", false),
            ("e.sh", "[[ -n $A ]] && exec app\n", false),
            ("e.sh", "exec cat <<< x\n", false),
            ("e.sh", "if x; then\n", false),
            ("e.sh", "set -o pipefail\nexec app\n", false),
            ("e.sh", "a=(1 2)\nexec app\n", false),
            ("e.sh", "[ \"$1\" == x ] && exec app\n", false),
        ] {
            assert_eq!(is_posix(path.into(), text.as_bytes()), is, "{path} {text}");
        }
    }
}
