//! A file to instructions (BuildKit `frontend/dockerfile/parser/parser.go`). Where BuildKit gives up, the fault is kept with
//! the instruction, and reading goes on behind it.

use std::collections::BTreeMap;
use std::ops::Range;

use bstr::{BString, ByteSlice};

use super::directive::Directives;
use super::go::{is_blank, is_space_byte, lossy};
use super::instruction::{Arguments, Fault, Form, Heredoc, Instruction, Keyword, Pair, Word};
use super::json::{self, Array};
use super::lines::{self, Logical, MAX_LINE, Physical, without_end};
use super::words::{self, Placed};
use super::{check, here};

/// `ONBUILD ONBUILD` beyond this is not taken apart.
const MAX_TRIGGERS: usize = 4;

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The escape character.
    pub escape: u8,
    /// The frontend that `# syntax=` names.
    pub syntax: Option<String>,
    /// Its instructions.
    pub instructions: Vec<Instruction>,
    /// What is wrong with the file rather than with an instruction.
    pub faults: Vec<Fault>,
    /// Values of `--build-arg`, as far as they are known.
    pub given: BTreeMap<String, String>,
}

/// Reads a file.
pub fn parse(file: &[u8]) -> Parsed {
    let (mut physical, mut directives) = (Physical::new(file), Directives::default());
    let mut parsed = Parsed::default();
    loop {
        let from = physical.at;
        match lines::next(file, &mut physical, &mut directives) {
            Ok(Some(line)) => parsed.instructions.push(instruction(file, &line, directives.escape, &mut physical)),
            Ok(None) => break,
            Err((message, line)) => {
                let span = from.max(physical.at.min(start_of(file, line)))..physical.at.max(start_of(file, line));
                parsed.faults.push(Fault { message, span, is_syntax: true });
                break;
            }
        }
    }
    if parsed.instructions.is_empty() && parsed.faults.is_empty() {
        parsed.faults.push(Fault { message: "the file has no instructions".to_owned(), span: 0..0, is_syntax: true });
    }
    parsed.escape = directives.escape;
    parsed.syntax = directives.syntax;
    parsed
}

/// The first byte of a line, counted from 1.
fn start_of(file: &[u8], line: usize) -> usize {
    file.lines_with_terminator().take(line.saturating_sub(1)).map(<[u8]>::len).sum()
}

/// An instruction and the here-documents behind it.
fn instruction(file: &[u8], line: &Logical, escape: u8, physical: &mut Physical<'_>) -> Instruction {
    let mut read = Line { line, escape }.instruction(0..line.text.len(), 0);
    if read.fault.is_none() && takes_documents(&read) && line.text.contains_str("<<") {
        match here::documents(&lossy(&line.text)) {
            Err(message) => read.fault = Some(Fault { message, span: read.span.clone(), is_syntax: true }),
            Ok(announced) => {
                for document in announced {
                    if let Err(message) = body(file, document, physical, &mut read) {
                        read.fault = Some(Fault { message, span: read.span.clone(), is_syntax: true });
                        break;
                    }
                }
            }
        }
    }
    read.fault = read.fault.take().or_else(|| check::fault(&read));
    read
}

fn takes_documents(instruction: &Instruction) -> bool {
    let own = match &instruction.arguments {
        Arguments::Trigger(trigger) if instruction.is(Keyword::Onbuild) => trigger,
        _ => instruction,
    };
    matches!(own.keyword, Some(Keyword::Add | Keyword::Copy | Keyword::Run)) && own.form() == Form::Shell
}

/// The lines of a here-document.
fn body(
    file: &[u8],
    document: here::Announced,
    physical: &mut Physical<'_>,
    instruction: &mut Instruction,
) -> Result<(), String> {
    let from = physical.at;
    let here::Announced { name, expand, chomp } = document;
    loop {
        let to = physical.at;
        let unterminated = || format!("the here-document is not ended by a line `{name}`");
        let line = physical.next().ok_or_else(unterminated)?;
        let line = line.map_err(|_| format!("a line is longer than {MAX_LINE} bytes"))?;
        instruction.lines.1 = physical.line;
        let bytes = file.get(without_end(file, line)).unwrap_or_default();
        let bytes = if chomp { bytes.trim_start_with(|c| c == '\t') } else { bytes };
        if bytes == name {
            instruction.heredocs.push(Heredoc { name, expand, chomp, body: from..to });
            return Ok(());
        }
    }
}

/// A logical line, which is read by ranges of it.
struct Line<'a> {
    line: &'a Logical,
    escape: u8,
}

impl Line<'_> {
    fn get(&self, range: Range<usize>) -> &[u8] {
        self.line.text.get(range).unwrap_or_default()
    }

    fn word(&self, range: Range<usize>) -> Word {
        Word { text: self.get(range.clone()).into(), span: self.line.span(range) }
    }

    fn placed(&self, (text, range): Placed) -> Word {
        Word { text, span: self.line.span(range) }
    }

    fn all(&self, words: Vec<Placed>) -> Vec<Word> {
        words.into_iter().map(|word| self.placed(word)).collect()
    }

    /// What stands in `range`; `depth` ONBUILDs stand before it.
    fn instruction(&self, range: Range<usize>, depth: usize) -> Instruction {
        let text = self.get(range.clone());
        let split = words::split(text, self.escape);
        let shift = |inner: Range<usize>| range.start + inner.start..range.start + inner.end;
        let name = self.word(shift(split.keyword.clone()));
        let keyword = Keyword::parse(&lossy(&name.text));
        let flags = split.flags.into_iter().map(|(text, inner)| self.placed((text, shift(inner)))).collect();
        let rest = shift(split.rest.clone());
        let end = if rest.is_empty() { shift(split.keyword).end } else { rest.end };
        let mut read = Instruction {
            span: self.line.span(name_start(range.start, text)..end),
            name,
            keyword,
            flags,
            verb: None,
            arguments: Arguments::None,
            heredocs: Vec::new(),
            lines: self.line.lines,
            fault: None,
        };
        if let Some(flag) = read.flags.last() {
            read.span.end = read.span.end.max(flag.span.end);
        }
        if !rest.is_empty() {
            self.arguments(&mut read, rest, depth);
        }
        read
    }

    fn arguments(&self, read: &mut Instruction, rest: Range<usize>, depth: usize) {
        use Keyword::*;
        let arguments = match read.keyword {
            None => Ok(Arguments::Text(self.word(rest))),
            Some(Cmd | Entrypoint | Run | Shell) => self.json_or(rest, |rest| Arguments::Text(self.word(rest))),
            Some(Add | Copy | Volume) => {
                self.json_or(rest, |rest| Arguments::Words(self.all(words::blank_separated(&self.line.text, rest))))
            }
            Some(Expose | From) => Ok(Arguments::Words(self.all(words::blank_separated(&self.line.text, rest)))),
            Some(Arg) => Ok(Arguments::Words(self.all(words::words(&self.line.text, rest, self.escape)))),
            Some(Maintainer | StopSignal | User | Workdir) => Ok(Arguments::Text(self.word(rest))),
            Some(Env | Label) => self.pairs(rest, read.keyword),
            Some(Healthcheck) => self.healthcheck(read, rest),
            // these are refused in any case
            Some(Onbuild) if depth == MAX_TRIGGERS => Ok(Arguments::Text(self.word(rest))),
            Some(Onbuild) => {
                let trigger = self.instruction(rest, depth + 1);
                match trigger.fault.clone() {
                    Some(fault) => Err(fault.message),
                    None => Ok(Arguments::Trigger(Box::new(trigger))),
                }
            }
        };
        match arguments {
            Ok(arguments) => read.arguments = arguments,
            Err(message) => read.fault = Some(Fault { message, span: read.span.clone(), is_syntax: true }),
        }
    }

    fn json_or(&self, rest: Range<usize>, other: impl Fn(Range<usize>) -> Arguments) -> Result<Arguments, String> {
        match json::array(self.get(rest.clone())) {
            Array::Strings(strings) => {
                let word = |(text, inner): (String, Range<usize>)| {
                    self.placed((BString::from(text), rest.start + inner.start..rest.start + inner.end))
                };
                Ok(Arguments::Json(strings.into_iter().map(word).collect()))
            }
            Array::Mixed => Err("when using JSON array syntax, arrays must be comprised of strings only".to_owned()),
            Array::No => Ok(other(rest)),
        }
    }

    fn healthcheck(&self, read: &mut Instruction, rest: Range<usize>) -> Result<Arguments, String> {
        let text = self.get(rest.clone());
        let verb = text.iter().position(|b| is_space_byte(*b)).unwrap_or(text.len());
        let blanks = text.iter().skip(verb).take_while(|b| is_space_byte(**b)).count();
        read.verb = Some(self.word(rest.start..rest.start + verb));
        let rest = rest.start + verb + blanks..rest.end;
        if rest.is_empty() {
            return Ok(Arguments::None);
        }
        self.json_or(rest, |rest| Arguments::Text(self.word(rest)))
    }

    /// `name=value …`, or the old `name value` (`parseNameVal`).
    fn pairs(&self, rest: Range<usize>, keyword: Option<Keyword>) -> Result<Arguments, String> {
        let words = words::words(&self.line.text, rest.clone(), self.escape);
        let Some((first, _)) = words.first() else { return Ok(Arguments::None) };
        if !first.contains(&b'=') {
            let text = self.get(rest.clone());
            let name = keyword.map_or("", Keyword::as_str);
            let at = text.iter().position(|b| is_blank(*b)).ok_or_else(|| format!("{name} must have two arguments"))?;
            let value = at + text.iter().skip(at).take_while(|b| is_blank(**b)).count();
            let (name, value) = (self.word(rest.start..rest.start + at), self.word(rest.start + value..rest.end));
            return Ok(Arguments::Pairs(vec![Pair { name, value, is_legacy: true }]));
        }
        let pair = |(text, range): Placed| {
            let Some((name, value)) = text.split_once_str("=") else {
                return Err(format!("can't find = in {:?}, it must be of the form name=value", lossy(&text)));
            };
            let name_end = (range.start + name.len()).min(range.end);
            let name = self.placed((name.into(), range.start..name_end));
            let value = self.placed((value.into(), (name_end + 1).min(range.end)..range.end));
            Ok(Pair { name, value, is_legacy: false })
        };
        Ok(Arguments::Pairs(words.into_iter().map(pair).collect::<Result<_, _>>()?))
    }
}

/// Where the keyword begins, behind white space.
fn name_start(from: usize, text: &[u8]) -> usize {
    from + super::go::trimmed(text).start
}
