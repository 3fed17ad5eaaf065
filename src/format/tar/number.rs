//! Numbers and strings as header fields have them (`strconv.go`).

/// A C string in a field: up to the first NUL, or all of it.
pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&b| b == 0).next().unwrap_or_default()
}

/// `parseNumeric`: octal, or GNU's base 256 if the first bit is set. May be negative.
pub(super) fn numeric(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base256(field, *first),
        _ => octal(field),
    }
}

/// Two's complement, most significant byte first; the first bit marks the format and the second is the sign.
fn base256(field: &[u8], first: u8) -> Option<i64> {
    let invert = if first & 0x40 != 0 { 0xff } else { 0 };
    let mut x: u64 = 0;
    for (i, &byte) in field.iter().enumerate() {
        let byte = byte ^ invert;
        let byte = if i == 0 { byte & 0x7f } else { byte };
        if x >> 56 > 0 {
            return None;
        }
        x = x << 8 | u64::from(byte);
    }
    let x = i64::try_from(x).ok()?;
    Some(if invert == 0 { x } else { !x })
}

/// `parseOctal`: padded by spaces and NULs on either side; an empty field is 0.
pub(super) fn octal(field: &[u8]) -> Option<i64> {
    let is_padding = |b: &u8| matches!(b, b' ' | 0);
    let Some(from) = field.iter().position(|b| !is_padding(b)) else { return Some(0) };
    let to = field.iter().rposition(|b| !is_padding(b))?;
    let digits = until_nul(field.get(from..=to)?);
    digits
        .iter()
        .try_fold(0_u64, |x, b| match b {
            b'0'..=b'7' => x.checked_mul(8)?.checked_add(u64::from(b - b'0')),
            _ => None,
        })
        .map(u64::cast_signed)
}

/// `strconv.ParseInt(s, 10, 64)`.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether `parsePAXTime` takes it: seconds, and perhaps a fraction of digits.
pub(super) fn is_time(text: &[u8]) -> bool {
    let mut parts = text.splitn(2, |&b| b == b'.');
    let seconds = parts.next().unwrap_or_default();
    let fraction = parts.next().unwrap_or_default();
    decimal(seconds).is_some() && fraction.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_fields() {
        for (field, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"", Some(0)),
            (b"12\x0099", Some(0o12)),
            (b"8", None),
            (b"+7", None),
            (b"-7", None),
            (b"7 7", None),
        ] {
            assert_eq!(numeric(field), value, "{field:?}");
        }
    }

    #[test]
    fn base256_fields() {
        assert_eq!(numeric(&[0x80, 0, 0, 0, 0, 0, 1, 2]), Some(0x102));
        assert_eq!(numeric(&[0xff; 8]), Some(-1));
        assert_eq!(numeric(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]), Some(-2));
        assert_eq!(numeric(&[0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255]), Some(i64::MAX));
        assert_eq!(numeric(&[0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(numeric(&[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn times() {
        for good in ["0", "-1.5", "1350244992.023960108", "1.", "+3"] {
            assert!(is_time(good.as_bytes()), "{good}");
        }
        for bad in ["", ".5", "1.a", "1.2.3", "1e3", "99999999999999999999"] {
            assert!(!is_time(bad.as_bytes()), "{bad}");
        }
    }
}
