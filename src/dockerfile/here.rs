//! Here-documents of RUN, COPY and ADD (BuildKit `parser.go`, `heredocsFromLine`).

use bstr::BString;

use super::lex::Lex;

/// What `<<` announces.
#[derive(Debug, PartialEq, Eq)]
pub struct Announced {
    /// The delimiter, without quotes.
    pub name: BString,
    /// Variables in the body are expanded: no part of the delimiter is quoted.
    pub expand: bool,
    /// `<<-`.
    pub chomp: bool,
}

fn unset(_: &str) -> Option<String> {
    None
}

const PLAIN: Lex<'_> =
    Lex { escape: '\\', raw_quotes: false, raw_escapes: false, skip_unset: true, skip_quotes: false, value: &unset };

/// The here-documents of a line, in their order.
///
/// # Errors
/// A delimiter cannot be read.
pub fn documents(line: &str) -> Result<Vec<Announced>, String> {
    let words = Lex { raw_quotes: true, raw_escapes: true, ..PLAIN }.words(line).unwrap_or_default();
    words.iter().filter_map(|word| document(word).transpose()).collect()
}

/// The here-document that a word announces: `[fd]<<[-]delimiter`.
///
/// # Errors
/// The delimiter cannot be read.
pub fn document(word: &str) -> Result<Option<Announced>, String> {
    let Some(rest) = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<") else { return Ok(None) };
    let (rest, chomp) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
    let rest = rest.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }
    let Ok([name]) = <[String; 1]>::try_from(PLAIN.words(rest)?) else { return Ok(None) };
    let raw = Lex { raw_quotes: true, ..PLAIN }.words(rest)?;
    let quotes = |text: &str| text.matches(['\'', '"']).count();
    let expand = raw.first().is_some_and(|raw| quotes(raw) == quotes(&name));
    Ok(Some(Announced { name: name.into(), expand, chomp }))
}
