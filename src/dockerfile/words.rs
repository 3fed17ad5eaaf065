//! Words of an instruction, with the bytes that they stand in
//! (BuildKit `frontend/dockerfile/parser/line_parsers.go` and `split_command.go`).

use std::ops::Range;

use bstr::{BString, ByteSlice};

use super::go::{is_blank, is_space, is_space_byte, trimmed};

/// A word, and the bytes of the line that it stands in.
pub type Placed = (BString, Range<usize>);

/// A line taken apart (`splitCommand`).
#[derive(Debug)]
pub struct Split {
    /// The keyword.
    pub keyword: Range<usize>,
    /// What begins with `--` behind it, quotes removed.
    pub flags: Vec<Placed>,
    /// The rest, without white space around it.
    pub rest: Range<usize>,
}

/// Keyword, flags, and the rest of a line.
pub fn split(line: &[u8], escape: u8) -> Split {
    let whole = trimmed(line);
    let text = line.get(whole.clone()).unwrap_or_default();
    let keyword = text.iter().position(|b| is_blank(*b)).unwrap_or(text.len());
    let blanks = text.iter().skip(keyword).take_while(|b| is_blank(**b)).count();
    let from = whole.start + keyword + blanks;
    let keyword = whole.start..whole.start + keyword;
    let (flags, rest) = flags(line, from..whole.end, escape);
    let inner = trimmed(line.get(rest.clone()).unwrap_or_default());
    Split { keyword, flags, rest: rest.start + inner.start..rest.start + inner.end }
}

/// Flags at the start of `range`, and what is behind them (`extractBuilderFlags`, which goes byte by byte).
fn flags(line: &[u8], range: Range<usize>, escape: u8) -> (Vec<Placed>, Range<usize>) {
    let mut found = Vec::new();
    let mut at = range.start;
    let get = |at: usize| line.get(at).copied().filter(|_| at < range.end);
    loop {
        while get(at).is_some_and(is_space_byte) {
            at += 1;
        }
        if get(at) != Some(b'-') || get(at + 1) != Some(b'-') {
            return (found, at.min(range.end)..range.end);
        }
        let from = at;
        let (mut word, mut quote, mut quoted) = (String::new(), None, false);
        while let Some(byte) = get(at) {
            match quote {
                None if is_space_byte(byte) => break,
                None if byte == b'\'' || byte == b'"' => (quote, quoted) = (Some(byte), true),
                Some(mark) if byte == mark => quote = None,
                _ if byte == escape => {
                    at += 1;
                    word.extend(get(at).map(char::from));
                }
                _ => word.push(char::from(byte)),
            }
            at += 1;
        }
        at = at.min(range.end);
        if word == "--" {
            return (found, at..range.end);
        }
        if quoted || !word.is_empty() {
            found.push((word.into(), from..at));
        }
    }
}

/// Words with their quotes, which are kept (`parseWords`).
pub fn words(line: &[u8], range: Range<usize>, escape: u8) -> Vec<Placed> {
    let text = line.get(range.clone()).unwrap_or_default();
    let mut words = Vec::new();
    let (mut word, mut from, mut quote, mut quoted) = (BString::default(), None, None, false);
    let mut rest = text.char_indices().peekable();
    let mut end = |word: &mut BString, from: &mut Option<usize>, quoted: &mut bool, to: usize| {
        if let Some(from) = from.take().filter(|_| *quoted || !word.is_empty()) {
            words.push((std::mem::take(word), range.start + from..range.start + to));
        }
        word.clear();
        *quoted = false;
    };
    while let Some((start, stop, c)) = rest.next() {
        if quote.is_none() && is_space(c) {
            end(&mut word, &mut from, &mut quoted, start);
            continue;
        }
        from.get_or_insert(start);
        match quote {
            None if c == '\'' || c == '"' => (quote, quoted) = (Some(c), true),
            Some(mark) if c == mark => quote = None,
            _ => {}
        }
        word.extend_from_slice(text.get(start..stop).unwrap_or_default());
        if c == char::from(escape) && quote != Some('\'') {
            match rest.next() {
                Some((start, stop, _)) => word.extend_from_slice(text.get(start..stop).unwrap_or_default()),
                None => drop(word.pop()),
            }
        }
    }
    end(&mut word, &mut from, &mut quoted, text.len());
    words
}

/// What blanks separate (`parseStringsWhitespaceDelimited`).
pub fn blank_separated(line: &[u8], range: Range<usize>) -> Vec<Placed> {
    let text = line.get(range.clone()).unwrap_or_default();
    if text.is_empty() {
        return Vec::new();
    }
    let (mut words, mut from, mut at) = (Vec::new(), 0, 0);
    let push = |words: &mut Vec<Placed>, from: usize, to: usize| {
        words.push((text.get(from..to).unwrap_or_default().into(), range.start + from..range.start + to));
    };
    while let Some(byte) = text.get(at) {
        if is_blank(*byte) {
            push(&mut words, from, at);
            at += text.get(at..).unwrap_or_default().iter().take_while(|b| is_blank(**b)).count();
            from = at;
        } else {
            at += 1;
        }
    }
    push(&mut words, from, text.len());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: Vec<Placed>) -> Vec<(String, Range<usize>)> {
        words.into_iter().map(|(word, range)| (word.to_string(), range)).collect()
    }

    #[test]
    fn keyword_flags_and_rest() {
        let line = br#" COPY  --chown=a:b --chmod="7 5 5" -- --x  y "#;
        let Split { keyword, flags, rest } = split(line, b'\\');
        assert_eq!((&line[keyword], &line[rest]), (&b"COPY"[..], &b"--x  y"[..]));
        assert_eq!(texts(flags), [("--chown=a:b".into(), 7..18), ("--chmod=7 5 5".into(), 19..34)]);
        let Split { keyword, flags, rest } = split(b"RUN", b'\\');
        assert_eq!((keyword, flags.len(), rest), (0..3, 0, 3..3));
        assert_eq!(split("CMD\u{a0}[\"x\"]".as_bytes(), b'\\').keyword, 0..10);
    }

    #[test]
    fn words_keep_their_quotes() {
        let line = br#"A="b c" d=\ e ''"#;
        let found = texts(words(line, 0..line.len(), b'\\'));
        assert_eq!(found, [(r#"A="b c""#.into(), 0..7), (r"d=\ e".into(), 8..13), ("''".into(), 14..16)]);
        assert_eq!(texts(words(br"a\", 0..2, b'\\')), [("a".into(), 0..2)]);
        assert_eq!(texts(words(b"' a", 0..3, b'\\')), [("' a".into(), 0..3)]);
    }

    #[test]
    fn what_blanks_separate() {
        assert_eq!(texts(blank_separated(b"a \t b", 0..5)), [("a".into(), 0..1), ("b".into(), 4..5)]);
        assert!(blank_separated(b"", 0..0).is_empty());
    }
}
