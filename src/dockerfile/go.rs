//! Text as Go's standard library has it, where BuildKit's answer depends on it.

use bstr::ByteSlice;

/// Whether `unicode.IsSpace` takes it for white space.
pub fn is_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}')
        || matches!(c, '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// The same of a byte that is taken for a character of Latin-1, as BuildKit does where it goes byte by byte.
pub fn is_space_byte(byte: u8) -> bool {
    is_space(char::from(byte))
}

/// What separates the words of an instruction: `[\t\v\f\r ]`.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x0b | 0x0c | b'\r' | b' ')
}

/// As a string: every byte that is no part of UTF-8 becomes U+FFFD.
pub fn lossy(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
    }
    text
}

/// Where `text` begins and ends without white space around it (`strings.TrimSpace`).
pub fn trimmed(text: &[u8]) -> std::ops::Range<usize> {
    let start = text.len() - text.trim_start_with(is_space).len();
    start..text.trim_end_with(is_space).len().max(start)
}

/// `time.ParseDuration`, in nanoseconds; `None` if it is none.
pub fn duration(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0i128;
    while !rest.is_empty() {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (whole, behind) = rest.split_at_checked(digits(rest))?;
        let (part, behind) = match behind.strip_prefix('.') {
            Some(behind) => behind.split_at_checked(digits(behind))?,
            None => ("", behind),
        };
        if whole.is_empty() && part.is_empty() {
            return None;
        }
        let unit = behind.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(unit)?;
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let number = |digits: &str| if digits.is_empty() { Some(0i128) } else { digits.parse().ok() };
        let part = part.get(..part.len().min(18)).unwrap_or_default();
        let fraction = number(part)? * scale / 10i128.pow(part.len() as u32);
        sum += number(whole)?.checked_mul(scale)? + fraction;
        if sum > i128::from(i64::MAX) {
            return None;
        }
        rest = behind;
    }
    Some(sign * sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_in_go() {
        for (text, nanoseconds) in [
            ("30s", Some(30_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            (".5ms", Some(500_000)),
            ("0", Some(0)),
            ("-1s", Some(-1_000_000_000)),
            ("1µs", Some(1_000)),
            ("", None),
            ("30", None),
            ("s", None),
            ("1d", None),
            (".s", None),
            ("9999999999h", None),
        ] {
            assert_eq!(duration(text), nanoseconds, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text() {
        assert_eq!(lossy(b"a\xe2\x82b\xff"), "a\u{fffd}\u{fffd}b\u{fffd}");
        assert_eq!(trimmed("\u{a0} x \u{2003}".as_bytes()), 3..4);
        assert_eq!(trimmed(b"  "), 2..2);
    }
}
