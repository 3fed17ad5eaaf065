//! printf(1) and echo, as far as scripts use them in command substitutions.

use bstr::{BStr, BString};

use crate::launch::shell::Shell;

/// What `echo` prints (dash interprets escapes, bash and ash only with `-e`); `None` if not followed.
pub fn echo(shell: Shell, words: &[&BStr]) -> Option<BString> {
    let (mut words, mut newline, mut escapes) = (words, true, shell == Shell::Dash);
    while let Some((first, rest)) = words.split_first() {
        let flags = first.strip_prefix(b"-").filter(|f| !f.is_empty());
        match (shell, flags) {
            (Shell::Dash, Some(b"n")) if newline => newline = false,
            (Shell::Dash, _) | (_, None) => break,
            (_, Some(flags)) if flags.iter().all(|f| b"neE".contains(f)) => {
                for flag in flags {
                    match flag {
                        b'n' => newline = false,
                        b'e' => escapes = true,
                        _ => escapes = false,
                    }
                }
            }
            _ => break,
        }
        words = rest;
    }
    let text = bstr::join(" ", words);
    let mut out = if escapes { unescape(&text)? } else { text.into() };
    if newline {
        out.push(b'\n');
    }
    Some(out)
}

/// Escapes as printf(1) has them in a format; `None` for rare ones.
fn unescape(text: &[u8]) -> Option<BString> {
    let mut out = BString::default();
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        out.push(match bytes.next() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'\\') => b'\\',
            Some(_) => return None,
            None => b'\\',
        });
    }
    Some(out)
}

/// What `printf FORMAT …` prints: `%s`, `%d` and `%%` without widths; `None` if not followed.
pub fn printf(words: &[&BStr]) -> Option<BString> {
    let (format, arguments) = words.split_first()?;
    if format.starts_with(b"-") {
        return None;
    }
    let mut out = BString::default();
    let mut left = arguments.iter();
    loop {
        let before = left.len();
        once(format, &mut left, &mut out)?;
        if left.len() == 0 || left.len() == before || out.len() > 1 << 16 {
            return (left.len() == 0).then_some(out);
        }
    }
}

fn once(format: &[u8], arguments: &mut std::slice::Iter<'_, &BStr>, out: &mut BString) -> Option<()> {
    let mut pieces = format.split(|b| *b == b'%');
    out.extend_from_slice(&unescape(pieces.next()?)?);
    let mut literal = false;
    for piece in pieces {
        if literal {
            literal = false;
            out.extend_from_slice(&unescape(piece)?);
            continue;
        }
        match piece.first() {
            None => {
                out.push(b'%');
                literal = true;
                continue;
            }
            Some(b's') => out.extend_from_slice(arguments.next().map_or(b"", |a| a)),
            Some(b'd') => {
                let text = arguments.next().map_or("0".to_owned(), |a| a.to_string());
                let number: i64 = text.parse().ok().filter(|_| !text.starts_with(['0', '+']) || text == "0")?;
                out.extend_from_slice(number.to_string().as_bytes());
            }
            Some(_) => return None,
        }
        out.extend_from_slice(&unescape(piece.get(1..)?)?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let run = |words: &[&str]| printf(&words.iter().map(|w| BStr::new(*w)).collect::<Vec<_>>());
        assert_eq!(run(&["%s-%d\\n", "a", "1", "b", "2"]).unwrap(), "a-1\nb-2\n");
        assert_eq!(run(&["100%%x"]).unwrap(), "100%x");
        assert_eq!(run(&["a"]).unwrap(), "a");
        assert_eq!(run(&["%5s", "a"]), None);
    }
}
