//! Patterns (POSIX XCU 2.13): `*`, `?`, `[…]`, and a backslash before what is quoted.

use bstr::ByteSlice;

/// Steps for one match; a pattern with many `*` could take for ever.
const MAX_STEPS: usize = 200_000;

/// A longer text is not trimmed: every length of it is tried.
const MAX_TRIMMED: usize = 4096;

/// Whether the whole of `text` matches; `None` if that depends on the locale, on extended patterns, or takes too long.
pub fn matches(pattern: &[u8], text: &[u8]) -> Option<bool> {
    if is_extended(pattern) || (!text.is_ascii() && is_pattern(pattern)) {
        return None;
    }
    let mut steps = MAX_STEPS;
    walk(pattern, text, &mut steps)
}

/// Whether anything in it is more than a character.
pub fn is_pattern(pattern: &[u8]) -> bool {
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'*' | b'?' => return true,
            b'[' if bytes.as_slice().contains(&b']') => return true,
            _ => {}
        }
    }
    false
}

/// `@(…)` and its kind, which bash knows.
pub fn is_extended(pattern: &[u8]) -> bool {
    pattern.windows(2).any(|w| matches!(w, [b'?' | b'*' | b'+' | b'@' | b'!', b'(']))
}

/// The text without the backslashes of [`quote`].
pub fn unquote(pattern: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        out.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    out
}

/// The text as a pattern that matches only itself.
pub fn quote(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|b| [b'\\', *b]).collect()
}

/// The length of the shortest or longest prefix (or suffix) of `text` that matches.
pub fn trim(pattern: &[u8], text: &[u8], suffix: bool, longest: bool) -> Option<Option<usize>> {
    if text.len() > MAX_TRIMMED {
        return None;
    }
    let lengths: Vec<usize> = if longest { (0..=text.len()).rev().collect() } else { (0..=text.len()).collect() };
    for length in lengths {
        let piece = if suffix { text.get(text.len() - length..) } else { text.get(..length) };
        if matches(pattern, piece.unwrap_or_default())? {
            return Some(Some(length));
        }
    }
    Some(None)
}

fn walk(pattern: &[u8], text: &[u8], steps: &mut usize) -> Option<bool> {
    let (mut p, mut t, mut star) = (0, 0, None);
    loop {
        *steps = steps.checked_sub(1)?;
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        let matched = match (text.get(t), one(pattern, p, text.get(t).copied())) {
            (None, _) if p >= pattern.len() => return Some(true),
            (None, _) | (_, None) => None,
            (Some(_), Some(next)) => Some(next),
        };
        match (matched, star) {
            (Some(next), _) => (p, t) = (next, t + 1),
            (None, Some((at, from))) if from < text.len() => {
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
            (None, _) => return Some(false),
        }
    }
}

/// Where the pattern goes on if the element at `p` takes `byte`.
fn one(pattern: &[u8], p: usize, byte: Option<u8>) -> Option<usize> {
    let byte = byte?;
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'\\' => match pattern.get(p + 1) {
            Some(quoted) => (*quoted == byte).then_some(p + 2),
            None => (byte == b'\\').then_some(p + 1),
        },
        b'[' => match bracket(pattern, p, byte) {
            Some((end, taken)) => taken.then_some(end),
            None => (byte == b'[').then_some(p + 1),
        },
        literal => (literal == byte).then_some(p + 1),
    }
}

/// `[…]`: where it ends, and whether it takes `byte`; `None` if it does not close.
fn bracket(pattern: &[u8], open: usize, byte: u8) -> Option<(usize, bool)> {
    let mut at = open + 1;
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    at += usize::from(negated);
    let (mut taken, first) = (false, at);
    loop {
        let mut low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((at + 1, taken != negated));
        }
        if low == b'[' && pattern.get(at + 1) == Some(&b':') {
            let rest = pattern.get(at + 2..)?;
            let end = rest.find(b":]")?;
            taken |= class(rest.get(..end)?, byte);
            at += end + 4;
            continue;
        }
        if low == b'\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        if pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|b| *b != b']') {
            let escaped = pattern.get(at + 1) == Some(&b'\\');
            let high = *pattern.get(at + 1 + usize::from(escaped))?;
            at += 2 + usize::from(escaped);
            taken |= (low..=high).contains(&byte);
        } else {
            taken |= low == byte;
        }
    }
}

fn class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alpha" => byte.is_ascii_alphabetic(),
        b"digit" => byte.is_ascii_digit(),
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"upper" => byte.is_ascii_uppercase(),
        b"lower" => byte.is_ascii_lowercase(),
        b"space" => byte.is_ascii_whitespace() || byte == 11,
        b"blank" => byte == b' ' || byte == b'\t',
        b"punct" => byte.is_ascii_punctuation(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        b"cntrl" => byte.is_ascii_control(),
        b"print" => (32..127).contains(&byte),
        b"graph" => (33..127).contains(&byte),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_shells_match() {
        for (pattern, text, want) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("-*", "-x", true),
            ("[0-9]*", "5a", true),
            ("[!0-9]", "5", false),
            ("[]a]", "]", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("[[:alpha:]_]?", "_9", true),
            ("[a", "[a", true),
            ("*.sh", "a.b.sh", true),
            ("**a*", "bca", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), Some(want), "{pattern} {text}");
        }
        assert_eq!(matches(b"@(a|b)", b"a"), None);
    }

    #[test]
    fn trims() {
        assert_eq!(trim(b"*/", b"a/b/c", false, true), Some(Some(4)));
        assert_eq!(trim(b"*/", b"a/b/c", false, false), Some(Some(2)));
        assert_eq!(trim(b".*", b"a.b.c", true, false), Some(Some(2)));
        assert_eq!(trim(b"x", b"a", true, false), Some(None));
    }
}
