//! What shells refuse although the parser takes it, which serves linters and is kinder than they are.

use bstr::ByteSlice;

use super::Dialect;
use super::tree::{Command, Kind, Operation, Part, Simple, Word};

/// Whether something is refused (`true`) or not known, and what is wrong.
type Wrong = Option<(bool, &'static str)>;

const RESERVED: &str = "then else elif fi do done esac } in";

/// A command, apart from those in it.
pub fn command(kind: &Kind, dialect: Dialect) -> Wrong {
    match kind {
        Kind::Simple(simple) if is_plain(simple.words.first(), "!") => {
            Some((dialect != Dialect::Bash, "`!` stands only once before a pipeline"))
        }
        Kind::Simple(simple) => reserved(simple, dialect),
        Kind::Pipeline(commands) => commands.iter().skip(1).find_map(negated),
        _ => None,
    }
}

fn negated(command: &Command) -> Wrong {
    let refused = matches!(&command.kind, Kind::Simple(s) if is_plain(s.words.first(), "!"));
    refused.then_some((true, "`!` stands only before a whole pipeline"))
}

fn is_plain(word: Option<&Word>, text: &str) -> bool {
    matches!(word.map(|w| w.parts.as_slice()), Some([Part::Plain(t)]) if t == text)
}

/// After an assignment reserved words are words like any other; what should close them is then out of place.
fn reserved(simple: &Simple, dialect: Dialect) -> Wrong {
    let plain = |word: &Word| match word.parts.as_slice() {
        [Part::Plain(text)] => Some(text.to_string()),
        _ => None,
    };
    let first = simple.words.first().and_then(plain)?;
    let closes = RESERVED.split(' ').any(|r| r == first) && simple.assignments.is_empty();
    if closes && (first != "in" || dialect == Dialect::Bash) {
        return Some((first != "in", "a reserved word is out of place"));
    }
    let opens =
        !simple.assignments.is_empty() && ["{", "if", "while", "until", "for", "case"].contains(&first.as_str());
    opens.then_some((true, "a reserved word is out of place"))
}

/// A word, and the scripts in it.
pub fn word(word: &Word, dialect: Dialect, extglob: bool) -> Wrong {
    // `$'` is a quotation for the parser, and a `$` for dash
    let quotation = |p: &Part| matches!(p, Part::Plain(text) if text.ends_with(b"$"));
    if dialect == Dialect::Dash
        && word.parts.iter().any(quotation)
        && word.parts.iter().any(|p| matches!(p, Part::Unclosed))
    {
        return Some((false, "`$'` is no quotation in this shell"));
    }
    let plain = |part: &Part| match part {
        Part::Plain(text) if text.iter().any(|b| b"()".contains(b)) => {
            let known = !(extglob && dialect == Dialect::Bash);
            // `let x=(1)`: bash has commands whose operands may be arrays
            let array = text.windows(2).any(|w| w == b"=(") && dialect == Dialect::Bash;
            let negation = text.contains_str("!(");
            known.then_some((!array && !negation, "`(` is out of place"))
        }
        Part::Process if dialect == Dialect::Dash => Some((true, "`<(` is not known to this shell")),
        _ => None,
    };
    word.parts.iter().find_map(plain).or_else(|| parts(&word.parts, dialect))
}

fn parts(parts: &[Part], dialect: Dialect) -> Wrong {
    parts.iter().find_map(|p| part(p, dialect))
}

fn part(part: &Part, dialect: Dialect) -> Wrong {
    match part {
        Part::Unclosed => Some((true, "what is opened here is not closed")),
        Part::Double(inner) | Part::Arithmetic(inner) => parts(inner, dialect),
        Part::Array(Some(words)) => words.iter().find_map(|w| parts(&w.parts, dialect)),
        Part::Command(script) => match script.as_ref() {
            Err(fault) => {
                Some((fault.refused && !lazy(fault.backquoted, dialect), "a command in it is not understood"))
            }
            Ok(_) => None,
        },
        Part::Parameter(parameter) => match &parameter.operation {
            Operation::Unset { word, .. } | Operation::Trim { pattern: word, .. } => parts(&word.parts, dialect),
            _ => None,
        },
        _ => None,
    }
}

/// bash reads what is in backquotes only when it runs it.
fn lazy(backquoted: bool, dialect: Dialect) -> bool {
    backquoted && dialect == Dialect::Bash
}

/// `[[ … ]]` in shells that take it for the name of a command.
pub fn brackets(text: &[u8], dialect: Dialect) -> Wrong {
    let plain: Vec<u8> = unquoted(text);
    if plain.contains(&b'(') {
        return Some((true, "`(` is out of place"));
    }
    let other = if dialect == Dialect::Dash { &b"<>|!"[..] } else { &b"<>"[..] };
    let found = plain.iter().any(|b| other.contains(b));
    found.then_some((false, "`[[` is a command like any other in this shell"))
}

/// The text without what is quoted or substituted, roughly: quoted parts and everything after `$(` up to `)`.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = super::scan::until(text, at, text.len(), b' ');
        let piece = text.get(at..end).unwrap_or_default();
        if !piece.iter().any(|b| b"'\"$`\\".contains(b)) {
            plain.extend(piece);
        }
        at = end + 1;
    }
    plain
}
