//! Shell scripts: their syntax as dash, bash and busybox ash read it.
//!
//! The structure of commands comes from the parser that is hidden here; words are read anew from the bytes ([`word`]),
//! because shells work on bytes and quoting must not get lost. What the parser refuses is called a syntax error only where
//! the shell in question was seen to refuse it.

mod dialect;
mod lower;
mod strict;
mod scan;
mod tree;
mod words;
pub mod word;

use bstr::ByteSlice;
use shuck_parser::parser::{ParseResult, Parser, ShellDialect, ShellProfile};

pub use scan::{is_name, is_name_start};
pub use tree::{
    Arm, ArmEnd, Assignment, Command, Condition, Kind, List, Operation, Parameter, Part, Redirect, Redirection, Script,
    Simple, Span, Statement, Word,
};
pub use words::{REGULAR, is_own_word};

/// Longer scripts are not read.
pub const MAX_LENGTH: usize = 1 << 20;
/// Scripts within scripts (command substitutions) beyond this are not read.
const MAX_DEPTH: usize = 24;
/// Nesting that the parser is let into; measured: it takes up to 1 KiB of stack a level and more.
const MAX_NESTING: usize = 120;
/// Here-documents that the parser is given; its time grows with their square.
const MAX_HERE: usize = 500;
/// Steps of the parser for each byte, and for all.
const FUEL: (usize, usize) = (64, 100_000);

/// The shells whose syntax is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Debian's.
    Dash,
    /// GNU's.
    Bash,
    /// busybox's.
    Ash,
}

/// Why a script was not read to its end.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Whether the shell refuses it; if not, nothing can be said about it.
    pub refused: bool,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in bytes, counted from 1.
    pub column: usize,
    /// It stands in backquotes.
    pub backquoted: bool,
    /// What is wrong, in a few words.
    pub message: String,
    /// The commands on the lines before: shells run those first. `None` if these could not be told.
    pub before: Option<Script>,
}

/// Where a piece of text stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its first byte in the whole script.
    pub offset: usize,
    /// The line of that byte, counted from 1.
    pub line: usize,
    /// How many expansions it stands in.
    pub depth: usize,
    /// The shell.
    pub dialect: Dialect,
}

impl Place {
    /// The start of a script.
    pub fn start(dialect: Dialect) -> Self {
        Place { offset: 0, line: 1, depth: 0, dialect }
    }
}

/// Reads a script.
///
/// # Errors
/// It is not a script of this shell, or that could not be told.
pub fn parse(text: &[u8], dialect: Dialect) -> Result<Script, Fault> {
    parse_at(text, Place::start(dialect))
}

/// Reads a script that stands at `place` of another.
///
/// # Errors
/// See [`parse`].
pub fn parse_at(text: &[u8], place: Place) -> Result<Script, Fault> {
    check(text, place)?;
    let readable = readable(text);
    let mut result = run(&readable);
    if !result.is_ok() {
        result = Some(run(&masked(&readable, place.dialect))).filter(ParseResult::is_ok).unwrap_or(result);
    }
    let lowered = lower::Lower::new(text, place).script(&result.file.body);
    let fault = match failure(&result) {
        Some((message, line, column)) => {
            let wrong = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
            let refused = dialect::refuses(place.dialect, &message, wrong) && !dialect::has_odd_braces(text);
            Some((refused, message, line, column))
        }
        None => lowered.fault.map(|(refused, message, at)| {
            let (line, column) = position(text, at);
            (refused, message.to_owned(), line, column)
        }),
    };
    let Some((refused, message, line, column)) = fault else { return Ok(lowered.script) };
    let refused = refused && !dialect::has_comment_in_arithmetic(text);
    let before = before(text, place, lowered.script, &result, line);
    Err(Fault { refused, message, line: place.line + line.max(1) - 1, column, backquoted: false, before })
}

/// What is not given to the parser.
fn check(text: &[u8], place: Place) -> Result<(), Fault> {
    let unsure = |message: &str| Fault {
        refused: false,
        line: place.line,
        column: 1,
        backquoted: false,
        message: message.into(),
        before: None,
    };
    if text.len() > MAX_LENGTH {
        return Err(unsure("the script is longer than 1 MiB"));
    }
    if place.depth > MAX_DEPTH || dialect::nesting(text) > MAX_NESTING {
        return Err(unsure("the script is nested too deep"));
    }
    if text.find_iter("<<").count() > MAX_HERE {
        return Err(unsure("the script has too many here-documents"));
    }
    if text.contains(&0) {
        return Err(unsure("the script holds NUL bytes"));
    }
    Ok(())
}

/// The text for a parser of `str`, with every offset kept: bytes that are not ASCII count as letters in all shells.
fn readable(text: &[u8]) -> String {
    let text = match text.to_str() {
        Ok(text) => text.to_owned(),
        Err(_) => text.iter().map(|b| if b.is_ascii() { char::from(*b) } else { 'x' }).collect(),
    };
    // where the parser sees this it puts in aliases, and its spans no longer are the text's
    text.replace("expand_aliases", "expand_alias_s")
}

/// See [`scan::masked`].
fn masked(text: &str, dialect: Dialect) -> String {
    String::from_utf8(scan::masked(text.as_bytes(), dialect == Dialect::Bash)).unwrap_or_default()
}

fn run(text: &str) -> ParseResult {
    // The parser's POSIX mode refuses what dash takes for a command like any other, as `[[`.
    let profile = ShellProfile::native(ShellDialect::Bash);
    let fuel = text.len().saturating_mul(FUEL.0).saturating_add(FUEL.1);
    Parser::with_limits_and_profile(text, MAX_NESTING, fuel, profile).parse()
}

/// Message, line and column of what the parser refused first.
fn failure(result: &ParseResult) -> Option<(String, usize, usize)> {
    if result.is_ok() {
        return None;
    }
    let first = result.diagnostics.first();
    let first = first.map(|d| (d.message.clone(), d.span.start.line(), d.span.start.column()));
    let error = result
        .terminal_error
        .as_ref()
        .map(|shuck_parser::Error::Parse { message, line, column }| (message.clone(), *line, *column));
    first.or(error).or_else(|| Some(("nothing was understood".to_owned(), 1, 1)))
}

/// Line and column, from 1, of a byte.
fn position(text: &[u8], at: usize) -> (usize, usize) {
    let head = text.get(..at.min(text.len())).unwrap_or_default();
    let start = head.rfind_byte(b'\n').map_or(0, |n| n + 1);
    (head.find_iter("\n").count() + 1, head.len() - start + 1)
}

/// The commands that end on a line of their own before the one that is wrong.
fn before(text: &[u8], place: Place, whole: Script, result: &ParseResult, line: usize) -> Option<Script> {
    if result.terminal_error.is_none() {
        return Some(complete(text, place, whole, line));
    }
    let end = text.lines_with_terminator().take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let head = text.get(..end).unwrap_or_default();
    let readable = readable(head);
    let result = run(&readable);
    if result.terminal_error.is_some() {
        return None;
    }
    let script = lower::Lower::new(head, place).script(&result.file.body).script;
    let line = failure(&result).map_or(usize::MAX, |(_, line, _)| line);
    Some(complete(head, place, script, line))
}

fn complete(text: &[u8], place: Place, mut script: Script, line: usize) -> Script {
    let stands = |s: &Statement| {
        let end = s.command.span.end.saturating_sub(place.offset);
        let rest = text.get(end..).unwrap_or_default();
        let newline = end + rest.find_byte(b'\n').unwrap_or(rest.len());
        position(text, newline).0 < line
    };
    script.body = script.body.into_iter().take_while(stands).collect();
    script
}
