//! Words: quoting and expansions (POSIX XCU 2.2 and 2.6; bash(1), *QUOTING*, *EXPANSION*).
//!
//! Reads bytes, as shells do; nothing it meets is an error here, because what words are has been found out before, and a
//! bad expansion fails only when it is expanded.

use std::sync::Arc;

use bstr::{BString, ByteSlice};

use super::scan::{self, is_name, is_name_start};
use super::tree::{Operation, Parameter, Part, Span, Word};
use super::{Dialect, Fault, Place, parse_at};

/// Expansions within expansions beyond this are not read.
const MAX_DEPTH: usize = 40;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// A word of a command.
    Word,
    /// Within double quotes, or arithmetic.
    Double,
    /// The text of a here-document.
    Here,
    /// The word in `${x-word}` within double quotes: a backslash goes before `}` too, and `'` is literal.
    QuotedOperand,
}

/// Reads the text of a word.
pub fn read(text: &[u8], place: Place, context: Context) -> Word {
    let mut reader = Reader { text, at: 0, place };
    let parts = if place.depth > MAX_DEPTH { vec![bad(reader.span(0))] } else { reader.parts(context) };
    Word { parts, span: reader.span(0) }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    place: Place,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, end: usize) -> &'a [u8] {
        let piece = self.text.get(self.at..end).unwrap_or_default();
        self.at = end.min(self.text.len());
        piece
    }

    fn span(&self, start: usize) -> Span {
        let line = self.place.line + self.text.get(..start).unwrap_or_default().find_iter("\n").count();
        let end = if self.at > start { self.at } else { self.text.len() };
        Span { start: self.place.offset + start, end: self.place.offset + end, line }
    }

    /// The place of what starts at `start` of this text.
    fn inner(&self, start: usize) -> Place {
        let span = self.span(start);
        Place { offset: span.start, line: span.line, depth: self.place.depth + 1, ..self.place }
    }

    /// What opens at the current byte and closes at `end`; `Unclosed` if that is the end of the text.
    fn closed(&mut self, end: usize, length: usize, part: impl FnOnce(&Self) -> Part) -> Part {
        let closed = end < self.text.len();
        let part = if closed { part(self) } else { Part::Unclosed };
        self.at = (end + length).min(self.text.len());
        part
    }

    fn sub(&self, start: usize, end: usize, context: Context) -> Word {
        read(self.text.get(start..end).unwrap_or_default(), self.inner(start), context)
    }

    fn parts(&mut self, context: Context) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut plain = BString::default();
        while let Some(byte) = self.peek() {
            let part = match byte {
                b'\\' => self.backslash(context, &mut plain),
                b'\'' if context == Context::Word => Some(self.single()),
                b'"' if matches!(context, Context::Word | Context::QuotedOperand) => Some(self.double()),
                b'$' => self.dollar(context),
                b'`' => Some(self.backquotes(context)),
                b'<' | b'>' if context == Context::Word && self.peek_at(1) == Some(b'(') => Some(self.process()),
                _ => None,
            };
            match part {
                Some(part) => {
                    flush(&mut plain, &mut parts);
                    parts.push(part);
                }
                None => plain.extend(self.take(self.at + 1)),
            }
        }
        flush(&mut plain, &mut parts);
        parts
    }

    /// XCU 2.2.1 and 2.2.3. What stays as it is goes to `plain`, or is left for the caller to take.
    fn backslash(&mut self, context: Context, plain: &mut BString) -> Option<Part> {
        let next = self.peek_at(1);
        let escapes = match (context, next) {
            (_, None) => false,
            (Context::Word, Some(_)) => true,
            (Context::Double, Some(b)) => b"$`\"\\\n".contains(&b),
            (Context::Here, Some(b)) => b"$`\\\n".contains(&b),
            (Context::QuotedOperand, Some(b)) => b"$`\"\\\n}".contains(&b),
        };
        if !escapes {
            return None;
        }
        if next == Some(b'\n') {
            self.at += 2;
            // an empty piece, so that the loop goes on behind it
            return Some(Part::Plain(std::mem::take(plain)));
        }
        self.at += 1;
        Some(Part::Quoted(self.take(self.at + 1).into()))
    }

    fn single(&mut self) -> Part {
        self.at += 1;
        let end = self.rest().find_byte(b'\'').map_or(self.text.len(), |n| self.at + n);
        let quoted = self.take(end).into();
        self.at += 1;
        Part::Quoted(quoted)
    }

    fn double(&mut self) -> Part {
        let end = scan::double_quotes(self.text, self.at);
        self.closed(end, 1, |r| Part::Double(r.sub(r.at + 1, end, Context::Double).parts))
    }

    fn backquotes(&mut self, context: Context) -> Part {
        let end = scan::backquotes(self.text, self.at);
        self.closed(end, 1, |r| {
            let raw = r.text.get(r.at + 1..end).unwrap_or_default();
            let text = unescape_backquotes(raw, context != Context::Word);
            let script = parse_at(&text, r.inner(r.at + 1));
            Part::Command(Arc::new(script.map_err(|fault| Fault { backquoted: true, ..fault })))
        })
    }

    fn process(&mut self) -> Part {
        self.at = (scan::parentheses(self.text, self.at + 1) + 1).min(self.text.len());
        Part::Process
    }

    fn dollar(&mut self, context: Context) -> Option<Part> {
        let next = self.peek_at(1)?;
        let dialect = self.place.dialect;
        match next {
            b'\'' if context == Context::Word && dialect != Dialect::Dash => Some(self.ansi()),
            b'"' if context == Context::Word && dialect == Dialect::Bash => {
                self.at += 1;
                Some(self.double())
            }
            b'(' if self.peek_at(2) == Some(b'(') && self.arithmetic_end().is_some() => Some(self.arithmetic()),
            b'(' => Some(self.command()),
            b'{' => Some(self.braces(context)),
            b'[' if dialect == Dialect::Bash => {
                let start = self.at + 2;
                let end = self.rest().find_byte(b']').map_or(self.text.len(), |n| self.at + n);
                Some(self.closed(end, 1, |r| Part::Arithmetic(r.sub(start, end, Context::Double).parts)))
            }
            b if is_name_start(b) => {
                let length = self.text.get(self.at + 1..)?.iter().take_while(|b| is_name(**b)).count();
                Some(self.simple(length))
            }
            b if b.is_ascii_digit() || b"@*#?-$!".contains(&b) => Some(self.simple(1)),
            _ => None,
        }
    }

    fn simple(&mut self, length: usize) -> Part {
        let start = self.at;
        self.at += 1;
        let name = self.take(self.at + length).into();
        parameter(name, Operation::Value, self.span(start))
    }

    /// bash(1), *QUOTING*: `$'…'`; what it does not define is kept.
    fn ansi(&mut self) -> Part {
        self.at += 2;
        let mut out = BString::default();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\'' => break,
                b'\\' => self.ansi_escape(&mut out),
                _ => out.push(byte),
            }
        }
        Part::Quoted(out)
    }

    fn ansi_escape(&mut self, out: &mut BString) {
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        let simple = b"aAbBeEfFnNrRtTvV".iter().step_by(2).position(|b| *b == byte);
        match (byte, simple) {
            (_, Some(n)) => out.extend([7, 8, 27, 12, 10, 13, 9, 11].get(n)),
            (b'0'..=b'7', _) => {
                self.at -= 1;
                out.push(self.number(3, 8) as u8);
            }
            (b'x', _) => out.push(self.number(2, 16) as u8),
            (b'u' | b'U', _) => {
                let value = self.number(if byte == b'u' { 4 } else { 8 }, 16);
                let mut buffer = [0; 4];
                out.extend(
                    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut buffer).bytes(),
                );
            }
            (b'\\' | b'\'' | b'"' | b'?', _) => out.push(byte),
            _ => out.extend([b'\\', byte]),
        }
    }

    fn number(&mut self, digits: usize, radix: u32) -> u32 {
        let mut value = 0u32;
        for _ in 0..digits {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(radix)) else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        value
    }

    /// `$((` closes with `))`; otherwise it is `$(` and a subshell, or refused.
    fn arithmetic_end(&self) -> Option<usize> {
        if self.place.dialect != Dialect::Bash {
            return scan::arithmetic(self.text, self.at + 2);
        }
        let end = scan::parentheses(self.text, self.at + 1);
        let inner = scan::parentheses(self.text, self.at + 2);
        (end == inner + 1 && end < self.text.len()).then_some(inner)
    }

    fn arithmetic(&mut self) -> Part {
        let end = self.arithmetic_end().unwrap_or(self.text.len());
        self.closed(end, 2, |r| Part::Arithmetic(r.sub(r.at + 3, end, Context::Double).parts))
    }

    fn command(&mut self) -> Part {
        let end = scan::parentheses(self.text, self.at + 1);
        self.closed(end, 1, |r| {
            let text = r.text.get(r.at + 2..end).unwrap_or_default();
            if text.starts_with(b"(") {
                // dash and ash take `$((` for arithmetic whatever comes of it, bash only sometimes not.
                let message = "`$((` does not close with `))`".into();
                let Place { line, .. } = r.inner(r.at);
                let fault = Fault { refused: false, line, column: 1, backquoted: false, message, before: None };
                return Part::Command(Arc::new(Err(fault)));
            }
            Part::Command(Arc::new(parse_at(text, r.inner(r.at + 2))))
        })
    }

    fn braces(&mut self, context: Context) -> Part {
        let start = self.at;
        let quoted = context != Context::Word;
        let end = scan::braces(self.text, self.at + 1, quoted);
        if end >= self.text.len() {
            let length = name_length(self.text.get(start + 2..).unwrap_or_default());
            let operator = self.text.get(start + 2 + length).copied();
            self.at = self.text.len();
            // Shells forgive more inside of what is no expansion anyhow.
            let sound = operator.is_none_or(|b| b":-=?+#%/^,@[\n".contains(&b));
            return if sound { Part::Unclosed } else { bad(self.span(start)) };
        }
        self.at = end + 1;
        let span = self.span(start);
        let inner = Inner { reader: self, end, quoted };
        inner.read(start + 2).map_or_else(|| bad(span), |p| Part::Parameter(Box::new(Parameter { span, ..p })))
    }
}

/// What stands between `${` and `}`.
struct Inner<'r, 'a> {
    reader: &'r Reader<'a>,
    end: usize,
    quoted: bool,
}

impl Inner<'_, '_> {
    fn text(&self, start: usize) -> &[u8] {
        self.reader.text.get(start..self.end).unwrap_or_default()
    }

    fn read(&self, start: usize) -> Option<Parameter> {
        let text = self.text(start);
        let bash = self.reader.place.dialect == Dialect::Bash;
        match text {
            [b'#'] => self.after_name(start, false),
            [b'#', next, ..] if is_parameter(*next) || *next == b'-' && text.len() == 2 => {
                let parameter = self.after_name(start + 1, false)?;
                let plain = matches!(parameter.operation, Operation::Value);
                if plain {
                    return Some(Parameter { operation: Operation::Length, ..parameter });
                }
                // `${#?word}`, `${#%pattern}`: an operation on `$#`
                if is_name(*next) { None } else { self.after_name(start, false) }
            }
            [b'!', next, ..] if bash && (is_name(*next) || b"@#*".contains(next)) => {
                let name = name_length(&text[1..]);
                match text.get(1 + name..) {
                    Some(b"*" | b"@" | b"[@]" | b"[*]") => {
                        let name = text.get(1..1 + name)?.into();
                        Some(Parameter {
                            name,
                            subscript: None,
                            indirect: true,
                            operation: Operation::Other,
                            span: Span::default(),
                        })
                    }
                    _ => self.after_name(start + 1, true),
                }
            }
            _ => self.after_name(start, false),
        }
    }

    fn after_name(&self, start: usize, indirect: bool) -> Option<Parameter> {
        let length = name_length(self.text(start));
        let name: BString = self.text(start).get(..length).filter(|n| !n.is_empty())?.into();
        let mut at = start + length;
        let mut subscript = None;
        if self.text(at).starts_with(b"[") && self.reader.place.dialect == Dialect::Bash {
            let close = scan::brackets(self.reader.text, at);
            subscript = Some(self.reader.sub(at + 1, close.min(self.end), Context::Double));
            at = close + 1;
        }
        let operation = self.operation(at);
        Some(Parameter { name, subscript, indirect, operation, span: Span::default() })
    }

    fn word(&self, start: usize, end: usize, context: Context) -> Word {
        self.reader.sub(start, end, context)
    }

    fn operand(&self, start: usize) -> Word {
        let context = if self.quoted { Context::QuotedOperand } else { Context::Word };
        self.word(start, self.end, context)
    }

    fn operation(&self, at: usize) -> Operation {
        let dialect = self.reader.place.dialect;
        let text = self.text(at);
        match text {
            [] => Operation::Value,
            [b':', operator @ (b'-' | b'=' | b'?' | b'+'), ..] => {
                Operation::Unset { operator: *operator, colon: true, word: self.operand(at + 2) }
            }
            [operator @ (b'-' | b'=' | b'?' | b'+'), ..] => {
                Operation::Unset { operator: *operator, colon: false, word: self.operand(at + 1) }
            }
            [operator @ (b'#' | b'%'), rest @ ..] => {
                let longest = rest.first() == Some(operator);
                // A pattern's quotes count even within double quotes.
                let pattern = self.word(at + 1 + usize::from(longest), self.end, Context::Word);
                Operation::Trim { suffix: *operator == b'%', longest, pattern }
            }
            _ if dialect == Dialect::Dash => Operation::Bad,
            [b':', ..] => self.slice(at + 1),
            [b'/', ..] => self.replace(at + 1),
            [operator @ (b'^' | b','), rest @ ..] if dialect == Dialect::Bash => {
                let all = rest.first() == Some(operator);
                Operation::Case { upper: *operator == b'^', all, pattern: rest.len() > usize::from(all) }
            }
            [b'@', _] if dialect == Dialect::Bash => Operation::Other,
            _ => Operation::Bad,
        }
    }

    fn slice(&self, at: usize) -> Operation {
        let colon = scan::until(self.reader.text, at, self.end, b':');
        let offset = self.word(at, colon, Context::Double);
        let length = (colon < self.end).then(|| self.word(colon + 1, self.end, Context::Double));
        Operation::Slice { offset, length }
    }

    fn replace(&self, at: usize) -> Operation {
        let mut start = at;
        let first = self.text(at).first().copied();
        let (all, anchor) = (first == Some(b'/'), first.filter(|b| matches!(b, b'#' | b'%')));
        start += usize::from(all || anchor.is_some());
        let slash = scan::until(self.reader.text, start, self.end, b'/');
        let pattern = self.word(start, slash, Context::Word);
        let with = self.word((slash + 1).min(self.end), self.end, Context::Word);
        Operation::Replace { all, anchor, pattern, with }
    }
}

fn is_parameter(byte: u8) -> bool {
    is_name(byte) || b"@*#?$!".contains(&byte)
}

/// Length of the parameter's name at the start of `text`.
fn name_length(text: &[u8]) -> usize {
    match text.first() {
        Some(b) if b.is_ascii_digit() => text.iter().take_while(|b| b.is_ascii_digit()).count(),
        Some(b) if is_name_start(*b) => text.iter().take_while(|b| is_name(**b)).count(),
        Some(b) if b"@*#?-$!".contains(b) => 1,
        _ => 0,
    }
}

fn parameter(name: BString, operation: Operation, span: Span) -> Part {
    Part::Parameter(Box::new(Parameter { name, subscript: None, indirect: false, operation, span }))
}

fn bad(span: Span) -> Part {
    parameter(BString::default(), Operation::Bad, span)
}

fn flush(plain: &mut BString, parts: &mut Vec<Part>) {
    if !plain.is_empty() {
        parts.push(Part::Plain(std::mem::take(plain)));
    }
}

/// XCU 2.6.3: within backquotes a backslash goes before `$`, a backquote or a backslash; within double quotes also
/// before `"`.
fn unescape_backquotes(raw: &[u8], quoted: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let next = bytes.peek().copied();
        let escapes = byte == b'\\' && next.is_some_and(|b| b"$`\\".contains(&b) || quoted && b == b'"');
        out.push(if escapes { bytes.next().unwrap_or(byte) } else { byte });
    }
    out
}
