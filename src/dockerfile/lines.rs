//! Physical lines to logical ones: continuations joined, comments within them dropped
//! (BuildKit `frontend/dockerfile/parser/parser.go`, `Parse`).

use std::ops::Range;

use bstr::ByteSlice;

use super::directive::Directives;
use super::go::is_space;

/// What BuildKit's scanner takes in one line (`bufio.MaxScanTokenSize`), without its line end.
pub const MAX_LINE: usize = 65_535;

/// Physical lines with their line ends, from wherever one stands.
pub struct Physical<'a> {
    text: &'a [u8],
    /// The first byte of the next line.
    pub at: usize,
    /// Lines given so far.
    pub line: usize,
}

impl<'a> Physical<'a> {
    /// From the first line on; a byte order mark is no part of it.
    pub fn new(text: &'a [u8]) -> Self {
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Physical { text, at, line: 0 }
    }

    /// The bytes of the next line with its line end; an error if it is longer than BuildKit takes.
    pub fn next(&mut self) -> Option<Result<Range<usize>, TooLong>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find_byte(b'\n').map_or(rest.len(), |at| at + 1);
        let line = self.at..self.at + length;
        if length - usize::from(rest.get(length - 1) == Some(&b'\n')) > MAX_LINE {
            return Some(Err(TooLong));
        }
        self.at = line.end;
        self.line += 1;
        Some(Ok(line))
    }
}

/// A line that BuildKit does not take.
pub struct TooLong;

/// A line as instructions are read from, and where its bytes stand in the file.
#[derive(Debug, Default)]
pub struct Logical {
    /// Its bytes, without continuation characters and line ends.
    pub text: Vec<u8>,
    /// Where pieces of it begin: in the text, and in the file.
    pieces: Vec<(usize, usize)>,
    /// Its first and its last physical line, counted from 1.
    pub lines: (usize, usize),
}

impl Logical {
    fn push(&mut self, file: &[u8], bytes: Range<usize>) {
        if !bytes.is_empty() {
            self.pieces.push((self.text.len(), bytes.start));
            self.text.extend_from_slice(file.get(bytes).unwrap_or_default());
        }
    }

    /// Where in the file the byte `at` of the text stands.
    pub fn place(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|(start, _)| *start <= at);
        let (start, source) = self.pieces.get(piece.saturating_sub(1)).copied().unwrap_or_default();
        source + at.saturating_sub(start)
    }

    /// The same for a range; it ends behind its last byte, not where the next piece begins.
    pub fn span(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place(range.start);
        if range.is_empty() { start..start } else { start..self.place(range.end - 1) + 1 }
    }
}

/// The next logical line that is no comment and not empty; `None` at the end.
///
/// # Errors
/// A parser directive is wrong, or a line is too long: what, and on which line.
pub fn next(
    file: &[u8],
    physical: &mut Physical<'_>,
    directives: &mut Directives,
) -> Result<Option<Logical>, (String, usize)> {
    let too_long = || format!("a line is longer than {MAX_LINE} bytes");
    loop {
        let Some(line) = physical.next() else { return Ok(None) };
        let line = line.map_err(|TooLong| (too_long(), physical.line + 1))?;
        let line = trimmed_left(file, without_end(file, line));
        directives.see(file.get(line.clone()).unwrap_or_default()).map_err(|what| (what, physical.line))?;
        if is_comment(file.get(line.clone()).unwrap_or_default()) {
            continue;
        }
        let mut logical = Logical { lines: (physical.line, physical.line), ..Logical::default() };
        let (kept, mut goes_on) = continuation(file, line, directives.escape);
        if kept.is_empty() && !goes_on {
            continue;
        }
        logical.push(file, kept);
        while goes_on {
            let Some(line) = physical.next() else { break };
            let line = without_end(file, line.map_err(|TooLong| (too_long(), physical.line + 1))?);
            logical.lines.1 = physical.line;
            let bytes = file.get(line.clone()).unwrap_or_default();
            if is_comment(bytes) || trimmed_left(file, line.clone()).is_empty() {
                continue;
            }
            let (kept, more) = continuation(file, line, directives.escape);
            logical.push(file, kept);
            goes_on = more;
        }
        return Ok(Some(logical));
    }
}

/// Without carriage returns and line feeds at the end.
pub fn without_end(file: &[u8], line: Range<usize>) -> Range<usize> {
    let bytes = file.get(line.clone()).unwrap_or_default();
    line.start..line.start + bytes.trim_end_with(|c| c == '\r' || c == '\n').len()
}

fn trimmed_left(file: &[u8], line: Range<usize>) -> Range<usize> {
    let bytes = file.get(line.clone()).unwrap_or_default();
    line.end - bytes.trim_start_with(is_space).len()..line.end
}

/// Whether the first character is `#`.
pub fn is_comment(line: &[u8]) -> bool {
    line.trim_start_with(is_space).starts_with(b"#")
}

/// What is kept of a line, and whether it goes on: its last character but for blanks is the escape character, and no such
/// character stands before it.
fn continuation(file: &[u8], line: Range<usize>, escape: u8) -> (Range<usize>, bool) {
    let bytes = file.get(line.clone()).unwrap_or_default();
    let body = bytes.trim_end_with(|c| c == ' ' || c == '\t');
    match body.split_last() {
        Some((last, before)) if *last == escape && before.last() != Some(&escape) => {
            (line.start..line.start + before.len(), true)
        }
        _ => (line, false),
    }
}
