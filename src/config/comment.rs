//! `# imagelint: ignore[RULE] reason`: in a Dockerfile above an instruction, in a script also at the end of a line; and
//! `ignore-file[RULE]` above the first line that is no comment.
//!
//! Read line by line, without the grammar of either language: a comment that is none, as in a here-document, does no
//! harm but to those who wrote it.

use std::ops::Range;

use bstr::ByteSlice;

use super::words::Words;

/// What people are told to write.
const FORM: &str = "`# imagelint: ignore[RULE] reason`";

/// The most comments that are taken from one file.
const MOST: usize = 1000;

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// `#` begins a comment at the beginning of a line only.
    Dockerfile,
    /// `#` begins a comment wherever a word begins.
    Script,
}

/// A comment to imagelint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    /// Where its `#` is.
    pub at: usize,
    /// What it is about.
    pub target: Target,
    /// What it says.
    pub words: Words,
}

/// What a comment is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// These bytes: a line, with those that continue it.
    Line(Range<usize>),
    /// The whole file.
    File,
}

impl Comment {
    /// Whether it is about what begins at `start`; about what has no place in the file if that is `None`.
    pub fn covers(&self, start: Option<usize>) -> bool {
        match (&self.target, start) {
            (Target::File, _) => true,
            (Target::Line(line), Some(start)) => line.contains(&start),
            (Target::Line(_), None) => false,
        }
    }
}

/// All comments to imagelint in `text`.
pub(super) fn find(text: &[u8], language: Language) -> Vec<Comment> {
    let lines = Lines::of(text);
    let code = |at: usize| lines.kind(at) == Kind::Code;
    let head = (0..lines.ranges.len()).find(|at| code(*at)).unwrap_or(lines.ranges.len());
    let comment = |at: usize| {
        let line = lines.line(at);
        let (start, body) = directive(line, language)?;
        let target = || match lines.kind(at) {
            Kind::Comment => lines.below(at),
            _ => lines.around(at),
        };
        let (is_file, words) = said(body);
        let (target, words) = match is_file {
            false => (Target::Line(target()), words),
            true if at < head => (Target::File, words),
            true => (Target::File, misplaced()),
        };
        Some(Comment { at: lines.ranges.get(at)?.start + start, target, words })
    };
    (0..lines.ranges.len()).filter_map(comment).take(MOST).collect()
}

/// What follows `# imagelint:` in the line, and where the `#` is.
fn directive(line: &[u8], language: Language) -> Option<(usize, &[u8])> {
    let begins = |at: &usize| match line.get(..*at).map(<[u8]>::trim_ascii) {
        None | Some([]) => true,
        _ => language == Language::Script && line.get(at - 1).is_some_and(|byte| b" \t;&|".contains(byte)),
    };
    let after = |at: usize| {
        let rest = line.get(at..)?.trim_start_with(|c| c == '#' || c == ' ' || c == '\t');
        Some((at, rest.strip_prefix(b"imagelint:")?))
    };
    line.find_iter("#").filter(begins).find_map(after)
}

/// Whether it is about the whole file, and what it says.
fn said(body: &[u8]) -> (bool, Words) {
    let body = body.to_str_lossy();
    let (verb, rest) = body.trim().split_at(body.trim().find(['[', ' ', '\t']).unwrap_or(body.trim().len()));
    let is_file = match verb {
        "ignore" => false,
        "ignore-file" => true,
        other => return (false, Words::broken(format!("`{other}` is not `ignore`"), format!("write {FORM}"))),
    };
    let list = rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let Some((list, reason)) = list else {
        return (is_file, Words::broken("this ignore names no rule", format!("write {FORM}")));
    };
    (is_file, Words::new(list, reason.trim_start_matches([':', '-', '–', '—', ' ', '\t']), FORM))
}

fn misplaced() -> Words {
    Words::broken(
        "`ignore-file` stands below the beginning of the file and is void",
        "put it above the first line that is no comment",
    )
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Blank,
    Comment,
    Code,
}

struct Lines<'a> {
    text: &'a [u8],
    ranges: Vec<Range<usize>>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Self {
        let mut end = 0;
        let range = |line: &[u8]| {
            let start = end;
            end += line.len();
            start..end
        };
        Lines { text, ranges: text.lines_with_terminator().map(range).collect() }
    }

    fn line(&self, at: usize) -> &'a [u8] {
        self.ranges.get(at).and_then(|range| self.text.get(range.clone())).unwrap_or_default()
    }

    fn kind(&self, at: usize) -> Kind {
        match self.line(at).trim_ascii().first() {
            None => Kind::Blank,
            Some(b'#') => Kind::Comment,
            Some(_) => Kind::Code,
        }
    }

    /// Whether the next line continues this one.
    fn goes_on(&self, at: usize) -> bool {
        self.kind(at) == Kind::Code && self.line(at).trim_end_with(|c| c == '\n' || c == '\r').ends_with(b"\\")
    }

    /// The line of code below the comments that begin with line `at`, with those that continue it.
    fn below(&self, at: usize) -> Range<usize> {
        let line = (at..self.ranges.len()).find(|at| self.kind(*at) != Kind::Comment).unwrap_or(self.ranges.len());
        match self.kind(line) {
            Kind::Code => self.bytes(line, self.last(line)),
            _ => 0..0,
        }
    }

    /// The line `at`, with those that it continues.
    fn around(&self, at: usize) -> Range<usize> {
        let first = (0..at).rev().take_while(|before| self.goes_on(*before)).last().unwrap_or(at);
        self.bytes(first, self.last(at))
    }

    fn last(&self, at: usize) -> usize {
        (at..self.ranges.len()).find(|at| !self.goes_on(*at)).unwrap_or(at)
    }

    fn bytes(&self, first: usize, last: usize) -> Range<usize> {
        let start = self.ranges.get(first).map_or(0, |range| range.start);
        start..self.ranges.get(last).map_or(start, |range| range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules that are ignored at `mark`, and what is broken.
    fn at(text: &str, mark: &str, language: Language) -> (Vec<&'static str>, usize) {
        let comments = find(text.as_bytes(), language);
        let covering = comments.iter().filter(|comment| comment.covers(text.find(mark)));
        let rules = covering.flat_map(|comment| comment.words.rules.clone()).collect();
        (rules, comments.iter().map(|comment| comment.words.broken.len()).sum())
    }

    #[test]
    fn in_scripts_on_the_line_or_the_next() {
        use Language::Script;
        let none: (Vec<&str>, usize) = (vec![], 0);
        let some = (vec!["missing-exec"], 0);
        for (text, expected) in [
            ("# imagelint: ignore[missing-exec] x\nMARK", &some),
            ("#imagelint:ignore[missing-exec]x\nMARK", &some),
            ("  ## imagelint: ignore [ missing-exec ] - x\r\n\tMARK\r\n", &some),
            ("# imagelint: ignore[missing-exec] x\n# why not\nMARK", &some),
            ("# imagelint: ignore[missing-exec] x\n\nMARK", &none),
            ("# imagelint: ignore[missing-exec] x\na\nMARK", &none),
            ("# imagelint: ignore[missing-exec] x\na \\\nMARK", &some),
            ("MARK # imagelint: ignore[missing-exec] x", &some),
            ("MARK;# imagelint: ignore[missing-exec] x", &some),
            ("MARK \\\n  b # imagelint: ignore[missing-exec] x", &some),
            ("MARK\nb # imagelint: ignore[missing-exec] x", &none),
            ("a # imagelint: ignore[missing-exec] x\nMARK", &none),
            ("MARK# imagelint: ignore[missing-exec] x", &none),
            ("MARK ${x#} # imagelint: ignore[missing-exec] x", &some),
            ("#!/bin/sh\n# imagelint: ignore-file[missing-exec] x\n\na\nMARK", &some),
            ("# imagelint: ignore[missing-exec] x", &none),
            ("# imagelinter: ignore[missing-exec] x\nMARK", &none),
            ("MARK", &none),
            ("", &none),
        ] {
            assert_eq!(at(text, "MARK", Script), *expected, "{text}");
        }
    }

    #[test]
    fn in_dockerfiles_above_the_instruction() {
        use Language::Dockerfile;
        let some = vec!["no-reaper", "missing-exec"];
        for (text, expected) in [
            ("# imagelint: ignore[no-reaper,missing-exec] x\nCMD y", (some.clone(), 0)),
            ("# imagelint: ignore[no-reaper,missing-exec] x\nRUN x\nCMD y", (vec![], 0)),
            ("CMD y # imagelint: ignore[no-reaper,missing-exec] x", (vec![], 0)),
            ("# syntax=x\n# imagelint: ignore-file[no-reaper,missing-exec] x\nFROM x\n\nCMD y", (some, 0)),
            ("FROM x\n# imagelint: ignore-file[no-reaper] x\nCMD y", (vec![], 1)),
        ] {
            assert_eq!(at(text, "CMD", Dockerfile), expected, "{text}");
        }
    }

    #[test]
    fn what_is_broken_is_told_and_does_nothing() {
        for text in [
            "# imagelint: ignore[missing-exec]\nMARK",
            "# imagelint: ignore[missing-exec] -\nMARK",
            "# imagelint: ignore[mising-exec] x\nMARK",
            "# imagelint: ignore[] x\nMARK",
            "# imagelint: ignore missing-exec\nMARK",
            "# imagelint: ignore[missing-exec x\nMARK",
            "# imagelint: ignore\nMARK",
            "# imagelint: disable[missing-exec] x\nMARK",
            "# imagelint:\nMARK",
            "MARK # imagelint: ignore-file[missing-exec] x",
        ] {
            assert_eq!(at(text, "MARK", Language::Script), (vec![], 1), "{text}");
        }
    }

    #[test]
    fn hostile_files() {
        let many = "# imagelint: ignore[no-reaper] x\nx \\\n".repeat(100_000);
        assert_eq!(find(many.as_bytes(), Language::Script).len(), MOST);
        for text in [&b"#\xff imagelint: \xff"[..], b"\xff#", b"#", b"# imagelint:[", &b"#".repeat(1 << 20)] {
            let _ = find(text, Language::Script);
        }
        assert_eq!(find(b"x # imagelint: ignore[\xff] \xff", Language::Script).len(), 1);
    }
}
