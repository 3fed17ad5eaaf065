//! JSON arrays of strings as Go's `encoding/json` reads them, with the bytes that each stands in: they decide between
//! exec form and shell form (BuildKit `line_parsers.go`, `parseJSON`).

use std::ops::Range;

use bstr::ByteSlice;

use super::go::{is_space, lossy};

/// Go gives up beyond this.
const MAX_DEPTH: usize = 10_000;

/// What a text is, read as JSON.
#[derive(Debug, PartialEq, Eq)]
pub enum Array {
    /// An array of strings, each with the bytes that it stands in, quotes included.
    Strings(Vec<(String, Range<usize>)>),
    /// An array that holds something else.
    Mixed,
    /// No array, or no JSON.
    No,
}

/// Reads `text`, blanks around it allowed.
pub fn array(text: &[u8]) -> Array {
    let mut scan = Scan { text, at: text.len() - text.trim_start_with(is_space).len() };
    if scan.peek() != Some(b'[') {
        return Array::No;
    }
    scan.whole().unwrap_or(Array::No)
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn whole(&mut self) -> Option<Array> {
        let (mut strings, mut mixed) = (Vec::new(), false);
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.blanks();
                let from = self.at;
                match self.peek()? {
                    b'"' => strings.push((self.string()?, from..self.at)),
                    _ => {
                        mixed = true;
                        self.value()?;
                    }
                }
                if !self.comma(b']')? {
                    break;
                }
            }
        }
        self.blanks();
        let end = self.at == self.text.len();
        end.then_some(if mixed { Array::Mixed } else { Array::Strings(strings) })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Behind an element: whether another one comes; `None` if neither a comma nor `end` stands there.
    fn comma(&mut self, end: u8) -> Option<bool> {
        self.blanks();
        match self.next()? {
            b',' => Some(true),
            byte if byte == end => Some(false),
            _ => None,
        }
    }

    /// Any value, without recursion: text of others may nest as deep as it likes.
    fn value(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.blanks();
            match self.peek()? {
                b'"' => drop(self.string()?),
                byte @ (b'[' | b'{') if open.len() < MAX_DEPTH => {
                    self.at += 1;
                    let end = if byte == b'[' { b']' } else { b'}' };
                    self.blanks();
                    if self.peek() == Some(end) {
                        self.at += 1;
                    } else {
                        open.push(end);
                        self.key(end)?;
                        continue;
                    }
                }
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            loop {
                let Some(end) = open.last().copied() else { return Some(()) };
                if self.comma(end)? {
                    self.key(end)?;
                    break;
                }
                open.pop();
            }
        }
    }

    /// `"key":`, in an object.
    fn key(&mut self, end: u8) -> Option<()> {
        if end == b'}' {
            self.blanks();
            self.string()?;
            self.blanks();
            return (self.next()? == b':').then_some(());
        }
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let is_there = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        is_there.then_some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1
        } else {
            self.digits()?
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    /// A string; what is no UTF-8, and surrogates that stand alone, become U+FFFD.
    fn string(&mut self) -> Option<String> {
        if self.next()? != b'"' {
            return None;
        }
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Some(lossy(&bytes)),
                b'\\' => {
                    let c = self.escape()?;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..=0x1f => return None,
                byte => bytes.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return None,
        })
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let behind = self.at;
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u")) {
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
            self.at = behind;
        }
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(text: &[u8]) -> Option<Vec<String>> {
        match array(text) {
            Array::Strings(found) => Some(found.into_iter().map(|(text, _)| text).collect()),
            _ => None,
        }
    }

    #[test]
    fn arrays_of_strings_with_their_places() {
        assert_eq!(array(br#" [ "a" , "b c" ]"#), Array::Strings(vec![("a".into(), 3..6), ("b c".into(), 9..14)]));
        assert_eq!(strings(b"[]"), Some(Vec::new()));
        assert_eq!(strings(br#"["\ud83d\ude00\ud800x\u0041"]"#), Some(vec!["😀\u{fffd}xA".into()]));
        assert_eq!(strings(b"[\"\xff\"]"), Some(vec!["\u{fffd}".into()]));
    }

    #[test]
    fn what_is_no_array_of_strings() {
        for mixed in [&br#"["a",1]"#[..], b"[null]", br#"[{"a":[1.5e-3,{}]},[]]"#, br#"["a",[["b"]]]"#, b"[true,-0]"] {
            assert_eq!(array(mixed), Array::Mixed, "{}", mixed.escape_ascii());
        }
        let nested = ["[".repeat(200_000), "]".repeat(200_000)].concat();
        for no in [
            &br#"["a",]"#[..],
            b"['a']",
            b"[\"a\tb\"]",
            br#"["a"] x"#,
            br#"["\x"]"#,
            br#""a""#,
            br#"{"a":1}"#,
            b"[01]",
            b"[1.]",
            b"[",
            b"[\"a\"",
            b"[,]",
            b"[\"a\" \"b\"]",
            nested.as_bytes(),
        ] {
            assert_eq!(array(no), Array::No, "{}", no.get(..20).unwrap_or(no).escape_ascii());
        }
    }
}
