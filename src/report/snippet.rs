//! The lines to look at: of the configuration, or of a file.

use std::ops::Range;

use bstr::{BStr, ByteSlice};
use serde_json::Value;

use super::escape::{sentence, shorten, visible};
use crate::finding::{Field, Place, Source};
use crate::image::{Configuration, Healthcheck, Image};
use crate::rootfs::{Ino, Kind, Rootfs};
use crate::rule::Subject;

/// Lines, and what to underline in them.
#[derive(Debug, PartialEq, Eq)]
pub struct Snippet {
    /// What the lines are from.
    pub name: String,
    /// The lines, fit for a terminal.
    pub text: String,
    /// Bytes of `text` to underline.
    pub span: Range<usize>,
}

/// The most characters of a line of a file that are shown on either side of the span.
const LINE_MAX: usize = 160;

/// How much of a script the kernel reads to find its `#!` line (BINPRM_BUF_SIZE).
const HEAD: usize = 256;

/// The most characters of a word that is shown beside the one in question, and of that itself.
const WORD_MAX: (usize, usize) = (60, 120);

impl Snippet {
    /// What there is to show of `place`.
    pub fn of(place: &Place, subject: &Subject<'_>) -> Option<Self> {
        match place {
            Place::Config { field: Field::Entrypoint | Field::Cmd, index: None } if is_overridden(subject) => {
                Some(of_arguments(&subject.launch.process.argv))
            }
            Place::Config { field, index } => Some(of_configuration(*field, *index, subject.image)),
            Place::File { path, head, span: Some(span), .. } if !head.is_empty() => {
                Some(of_file(sentence(path), head, span.clone()))
            }
            Place::File { .. } | Place::Layer { .. } => None,
        }
    }

    /// The lines of a file of the repository.
    pub fn of_source(source: &Source) -> Self {
        let text = source.file.text.as_bstr();
        let start = source.span.start.min(text.len());
        let end = source.span.end.clamp(start, text.len());
        let (above, from) = neighbourhood(text, start);
        let below = text.get(end..).and_then(|rest| rest.find_byte(b'\n')).map_or(text.len(), |at| end + at + 1);
        let shown = text.get(from..neighbours(text, below)).unwrap_or_default();
        let snippet = of_file(sentence(&source.file.path), shown, start - from..end - from);
        // Lines that are not shown are counted all the same.
        let span = above + snippet.span.start..above + snippet.span.end;
        Snippet { text: "\n".repeat(above) + &snippet.text, span, ..snippet }
    }

    /// What is underlined.
    pub fn marked(&self) -> &str {
        self.text.get(self.span.clone()).unwrap_or_default()
    }
}

/// How many lines of a source are kept above and below; as many as are shown, and one more.
const NEIGHBOURS: usize = 2;

/// Where the lines above `at` begin that are kept, and how many lines stand above those.
fn neighbourhood(text: &BStr, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let from = before.rfind_iter("\n").nth(NEIGHBOURS).map_or(0, |end| end + 1);
    let above = before.get(..from).unwrap_or_default();
    (above.iter().filter(|byte| **byte == b'\n').count(), from)
}

/// Where the lines below `at` end that are kept.
fn neighbours(text: &BStr, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find_iter("\n").nth(NEIGHBOURS - 1).map_or(text.len(), |end| at + end + 1)
}

/// Whether the command comes from the command line of imagelint rather than from the image.
fn is_overridden(subject: &Subject<'_>) -> bool {
    subject.launch.process.origins.iter().any(Option::is_none)
}

fn of_arguments(argv: &[String]) -> Snippet {
    let (text, span) = array("argv", argv, Some(0));
    Snippet { name: "the command as overridden".to_owned(), text, span }
}

fn of_configuration(wanted: Field, index: Option<usize>, image: &Image) -> Snippet {
    use Field::*;
    let (mut text, mut span) = (String::new(), 0..0);
    for field in [Architecture, User, Env, Entrypoint, Cmd, WorkingDir, StopSignal, Healthcheck] {
        let command = match field {
            Entrypoint => !image.configuration.entrypoint.is_empty(),
            Cmd => !image.configuration.cmd.is_empty(),
            _ => false,
        };
        if field != wanted && !command {
            continue;
        }
        let (line, within) = line(field, index.filter(|_| field == wanted), image);
        if !text.is_empty() {
            text.push_str(",\n");
        }
        if field == wanted {
            span = text.len() + within.start..text.len() + within.end;
        }
        text.push_str(&line);
    }
    Snippet { name: "configuration".to_owned(), text, span }
}

/// A field as a line of JSON, and where in it the value or its element `index` stands.
fn line(field: Field, index: Option<usize>, image: &Image) -> (String, Range<usize>) {
    let Configuration { entrypoint, cmd, env, user, working_dir, stop_signal, healthcheck, .. } = &image.configuration;
    let name = field.as_str();
    match field {
        Field::Entrypoint => array(name, entrypoint, index),
        Field::Cmd => array(name, cmd, index),
        Field::Env => array(name, env, index),
        Field::User => value(name, &json(user, WORD_MAX.1)),
        Field::WorkingDir => value(name, &json(working_dir, WORD_MAX.1)),
        Field::StopSignal => value(name, &stop_signal.as_ref().map_or("null".to_owned(), |s| json(s, WORD_MAX.1))),
        Field::Architecture => {
            let own = image.configured.as_ref().unwrap_or(&image.platform);
            value(name, &json(&own.architecture, WORD_MAX.1))
        }
        Field::Healthcheck => match healthcheck {
            None => value(name, "null"),
            Some(check) => {
                let (test, span) = array("Test", &test_array(check), index);
                let before = format!("\"{name}\": {{");
                let span = before.len() + span.start..before.len() + span.end;
                (format!("{before}{test}}}"), span)
            }
        },
    }
}

/// `Test` as the configuration has it.
fn test_array(check: &Healthcheck) -> Vec<String> {
    match check {
        Healthcheck::None => vec!["NONE".to_owned()],
        Healthcheck::Exec(argv) => std::iter::once("CMD".to_owned()).chain(argv.iter().cloned()).collect(),
        Healthcheck::Shell(text) => vec!["CMD-SHELL".to_owned(), text.clone()],
    }
}

fn value(name: &str, value: &str) -> (String, Range<usize>) {
    let before = format!("\"{name}\": ");
    let span = before.len()..before.len() + value.len();
    (before + value, span)
}

/// An array on one line; of a long one, the beginning and the neighbourhood of `index`.
fn array(name: &str, words: &[String], index: Option<usize>) -> (String, Range<usize>) {
    if words.is_empty() {
        return value(name, "null");
    }
    let mut text = format!("\"{name}\": [");
    let (open, mut span, mut gap) = (text.len() - 1, None, false);
    for (i, word) in words.iter().enumerate() {
        if i >= 4 && index.is_none_or(|index| i.abs_diff(index) > 1) {
            gap = true;
            continue;
        }
        if i > 0 {
            text.push_str(if gap { ", …, " } else { ", " });
        }
        gap = false;
        let wanted = index == Some(i);
        let start = text.len();
        text.push_str(&json(word, if wanted { WORD_MAX.1 } else { WORD_MAX.0 }));
        if wanted {
            span = Some(start..text.len());
        }
    }
    text.push_str(if gap { ", …]" } else { "]" });
    let whole = open..text.len();
    (text, span.unwrap_or(whole))
}

fn json(word: &str, max: usize) -> String {
    let short = if word.chars().count() > max { shorten(word, max) } else { word.to_owned() };
    visible(Value::String(short).to_string().as_bytes())
}

/// A file's head in three pieces, so that the span survives that bytes become visible and lines are shortened.
fn of_file(name: String, head: &[u8], span: Range<usize>) -> Snippet {
    let start = span.start.min(head.len());
    let end = span.end.clamp(start, head.len());
    let (before, rest) = head.split_at(start);
    let (marked, after) = rest.split_at(end - start);
    let (marked, ending) = marked.split_at(marked.trim_end_with(|c| c == '\n').len());
    let mut text = shown(before);
    let start = text.len();
    text.push_str(&shown(marked));
    let end = text.len();
    text.push_str(&shown(&[ending, after].concat()));
    Snippet { name, text, span: start..end }
}

fn shown(bytes: &[u8]) -> String {
    let lines: Vec<_> = visible(bytes).split('\n').map(|line| shorten(line, LINE_MAX)).collect();
    lines.join("\n")
}

/// The first line of a regular file, without its end, as far as it was kept.
pub fn first_line(rootfs: &Rootfs, ino: Ino) -> Option<&[u8]> {
    let kind = rootfs.get(ino)?.kind;
    let Kind::Regular { size, .. } = kind else { return None };
    let head = kind.content()?.get(0, usize::try_from(size).unwrap_or(HEAD).min(HEAD))?;
    head.lines().next()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::SourceFile;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|w| w.to_string()).collect()
    }

    #[test]
    fn the_word_in_question_is_found_again() {
        let (text, span) = array("Cmd", &words(&["a", "b c", "d"]), Some(1));
        assert_eq!((text.as_str(), &text[span]), (r#""Cmd": ["a", "b c", "d"]"#, r#""b c""#));
        let (text, span) = array("Cmd", &words(&["a"; 30]), Some(20));
        assert_eq!((text.matches("\"a\"").count(), &text[span]), (7, "\"a\""));
        let (text, span) = array("Cmd", &words(&["a", "b"]), None);
        assert_eq!(&text[span], r#"["a", "b"]"#);
        let (text, span) = array("Cmd", &[], Some(3));
        assert_eq!(&text[span], "null");
    }

    #[test]
    fn bytes_that_nobody_sees_are_shown_and_underlined() {
        let s = of_file("/x".into(), b"\xef\xbb\xbf#!/bin/sh\r\necho hi\r\n", 3..14);
        assert_eq!(s.text, "<U+FEFF>#!/bin/sh␍\necho hi␍\n");
        assert_eq!(&s.text[s.span], "#!/bin/sh␍");
        let s = of_file("/x".into(), b"ab", 5..90);
        assert_eq!((s.text.as_str(), s.span), ("ab", 2..2));
    }

    #[test]
    fn sources_keep_their_line_numbers() {
        let text = "1\n2\n3\n4\nCMD x\n6\n7\n8\n9\n";
        let source = |text: &str, span| {
            let file = SourceFile { path: "Dockerfile".into(), text: text.into() };
            Snippet::of_source(&Source { file: Arc::new(file), span })
        };
        let s = source(text, 8..13);
        assert_eq!((s.text.as_str(), s.marked()), ("\n\n3\n4\nCMD x\n6\n7\n", "CMD x"));
        let s = source("CMD é\r", 0..7);
        assert_eq!((s.text.as_str(), s.marked()), ("CMD é␍", "CMD é␍"));
        assert_eq!(source("", Range { start: 5, end: 2 }).text, "");
        assert_eq!(source(text, 90..91).text, "\n\n\n\n\n\n\n8\n9\n");
    }

    #[test]
    fn escape_sequences_in_the_configuration_stay_visible() {
        let (text, _) = array("Cmd", &words(&["\x1b[31m\u{202e}\u{9b}"]), Some(0));
        assert_eq!(text, "\"Cmd\": [\"\\u001b[31m<U+202E><U+009B>\"]");
    }
}
