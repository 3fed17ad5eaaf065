//! What each shell refuses, as far as it was seen with `dash -n`, `busybox ash -n` and `bash -n`.

use bstr::ByteSlice;

use super::Dialect;

/// What the parser says where all shells refuse as well; of anything else it is not claimed.
const REFUSED: [&str; 12] = [
    "expected 'then'",
    "expected 'fi'",
    "expected 'done'",
    "expected 'esac'",
    "expected '}'",
    "expected ')'",
    "expected 'in'",
    "unterminated",
    "expected word",
    "expected command",
    "syntax error",
    "unexpected",
];

/// Whether the shell refuses what the parser complains of so.
///
/// `line` is the one it complains of: the parser stumbles over `\{}`, and takes `$'` for a quotation in every shell.
pub fn refuses(dialect: Dialect, message: &str, line: &[u8]) -> bool {
    if line.contains_str("\\{")
        || (dialect == Dialect::Dash && line.contains_str("$'"))
        || message.contains("conditional")
        || message.contains("case pattern")
    {
        return false;
    }
    if message.contains("[[ ]]") && dialect != Dialect::Bash {
        return false;
    }
    if message == "expected command after !" || message == "expected 'do'" {
        return dialect != Dialect::Bash;
    }
    REFUSED.iter().any(|m| message.contains(m))
}

/// Whether a word holds half a pair of braces, which the parser takes for the one of a group.
pub fn has_odd_braces(text: &[u8]) -> bool {
    let trim = |c: char| ";()&".contains(c);
    let tokens = text.split(|b| b.is_ascii_whitespace()).map(|t| t.trim_with(trim)).filter(|t| t.len() > 1);
    tokens.into_iter().any(|t| t.find_iter("{").count() != t.find_iter("}").count())
}

/// Whether an arithmetic expansion holds what looks like a comment: bash misses the end of the expansion when it runs it,
/// and goes on behind that command (measured with 5.2); the parser misses the end of the script.
pub fn has_comment_in_arithmetic(text: &[u8]) -> bool {
    let is_comment = |pair: &[u8]| matches!(pair, [b' ' | b'\t', b'#']);
    text.find_iter("$((").any(|at| {
        let line = text.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        line.get(..line.find("))").unwrap_or(line.len())).is_some_and(|inside| inside.windows(2).any(is_comment))
    })
}

/// How deep the text is nested at most, counting everything that might open something.
pub fn nesting(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    for byte in text {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest.max(keywords(text))
}

/// `if`, `while`, `case` and their kind that stand open.
fn keywords(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    for word in text.split(|b| !b.is_ascii_alphanumeric()) {
        match word {
            b"if" | b"do" | b"case" => depth += 1,
            b"fi" | b"done" | b"esac" => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
