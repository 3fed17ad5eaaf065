//! `primaryLocationLineHash`, by which GitHub knows a finding again: a rolling hash of the hundred characters, blanks
//! left out, that begin with a line. What uploads a report computes it from the file in the checkout and complains
//! where ours differs, so it is the same to the last bit, for any bytes.

use std::collections::HashMap;

/// Characters that a hash is of.
const WINDOW: usize = 100;

/// What the hash is multiplied by for each.
const FACTOR: u64 = 37;

/// The factor of the character that leaves the window.
const LEAVING: u64 = FACTOR.wrapping_pow(WINDOW as u32);

/// Stands for the end of the text.
const END: u16 = 0xffff;

/// The hashes of all lines of `text`, with the running number of equal ones: `8ee5a81e681643c1:1`. A text that ends
/// in a line end has an empty line behind it.
pub fn line_hashes(text: &[u8]) -> Vec<String> {
    let (mut seen, mut hashes) = (HashMap::new(), Vec::new());
    each_line(text, |hash| {
        let count = seen.entry(hash).and_modify(|n| *n += 1).or_insert(1_usize);
        hashes.push(format!("{hash:x}:{count}"));
        true
    });
    hashes
}

/// That of one line, counted from 1, without keeping those of the others.
pub fn line_hash(text: &[u8], line: usize) -> Option<String> {
    let (mut number, mut wanted) = (0, None);
    each_line(text, |hash| {
        number += 1;
        wanted = (number == line).then_some(hash);
        number < line
    });
    let wanted = wanted?;
    let (mut number, mut count) = (0, 0_usize);
    each_line(text, |hash| {
        number += 1;
        count += usize::from(hash == wanted);
        number < line
    });
    Some(format!("{wanted:x}:{count}"))
}

/// Hands the hashes of lines to `then` for as long as it wants more.
fn each_line(text: &[u8], mut then: impl FnMut(u64) -> bool) {
    let mut rolling = Rolling::default();
    let flush = [0; WINDOW].map(|unit| (unit, false));
    for (unit, begins) in units(text).chain(flush) {
        if let Some(hash) = rolling.feed(unit, begins)
            && !then(hash)
        {
            return;
        }
    }
}

/// The window as it moves on.
struct Rolling {
    hash: u64,
    window: [u16; WINDOW],
    begins: [bool; WINDOW],
    at: usize,
}

impl Default for Rolling {
    fn default() -> Self {
        Rolling { hash: 0, window: [0; WINDOW], begins: [false; WINDOW], at: 0 }
    }
}

impl Rolling {
    /// Takes in a character. If the one that leaves for it began a line, the window was full of that line's.
    fn feed(&mut self, unit: u16, begins: bool) -> Option<u64> {
        let oldest = self.window.get_mut(self.at).map(|place| std::mem::replace(place, unit)).unwrap_or_default();
        let began = self.begins.get_mut(self.at).map(|place| std::mem::replace(place, begins)).unwrap_or_default();
        let done = began.then_some(self.hash);
        let entered = self.hash.wrapping_mul(FACTOR).wrapping_add(u64::from(unit));
        self.hash = entered.wrapping_sub(LEAVING.wrapping_mul(u64::from(oldest)));
        self.at = (self.at + 1) % WINDOW;
        done
    }
}

/// The characters that count, as UTF-16 has them, and whether each begins a line: without blanks and tabs, every kind
/// of line end as LF, [`END`] at last. What is not UTF-8 is U+FFFD, as Node reads it.
fn units(text: &[u8]) -> impl Iterator<Item = (u16, bool)> {
    let (mut after_cr, mut begins) = (false, true);
    let chars = text.utf8_chunks().flat_map(|chunk| {
        let broken = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        chunk.valid().chars().chain(broken)
    });
    let units = chars.flat_map(|c| {
        let mut pair = [0; 2];
        let length = c.encode_utf16(&mut pair).len();
        pair.into_iter().take(length)
    });
    units.chain([END]).filter_map(move |unit| {
        let is_end_of_crlf = after_cr && unit == u16::from(b'\n');
        after_cr = unit == u16::from(b'\r');
        if is_end_of_crlf || unit == u16::from(b' ') || unit == u16::from(b'\t') {
            return None;
        }
        let unit = if after_cr { u16::from(b'\n') } else { unit };
        Some((unit, std::mem::replace(&mut begins, unit == u16::from(b'\n'))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_github_has_them() {
        let hashes = ["9e26e91061c9f01f:1", "b67bb0c65e340c28:1", "67c066a59e652f5e:1", "cc4c43d77869440f:1"];
        let text = b"a\n\n a\t\n\r\nb";
        assert_eq!(line_hashes(text), [&hashes[..], &["8ee5a81e681643c1:1"]].concat());
        assert_eq!(line_hash(text, 3).as_deref(), Some("67c066a59e652f5e:1"));
        assert_eq!((line_hash(text, 0), line_hash(text, 6)), (None, None));
        let hashes = ["a52c1339a1906dd7:1", "1203b4687679db41:1", "c129715d7a2bc9a3:1"];
        assert_eq!(line_hashes(b"ENTRYPOINT [\"/e\"]\r\nCMD x\r\n"), hashes);
    }

    /// The hash written out: the hundred characters from each line's first on, as one number.
    fn slowly(text: &[u8]) -> Vec<String> {
        let text: Vec<u16> = String::from_utf8_lossy(text).encode_utf16().collect();
        let mut kept = Vec::new();
        for (i, unit) in text.iter().enumerate() {
            let crlf = *unit == 10 && i > 0 && text[i - 1] == 13;
            if !crlf && *unit != 32 && *unit != 9 {
                kept.push(if *unit == 13 { 10 } else { *unit });
            }
        }
        kept.push(END);
        let starts = (0..kept.len()).filter(|i| *i == 0 || kept[i - 1] == 10);
        let hash = |i: usize| {
            let padded = kept[i..].iter().copied().chain([0; WINDOW]).take(WINDOW);
            padded.fold(0_u64, |h, unit| h.wrapping_mul(37).wrapping_add(u64::from(unit)))
        };
        let all: Vec<u64> = starts.map(hash).collect();
        let count = |i: usize| all[..=i].iter().filter(|h| **h == all[i]).count();
        (0..all.len()).map(|i| format!("{:x}:{}", all[i], count(i))).collect()
    }

    #[test]
    fn for_any_bytes() {
        let long = "x".repeat(250) + "\n" + &"y\n".repeat(230);
        let texts: [&[u8]; 12] = [
            b"",
            b"\n",
            b"\r",
            b"\r\r\n\n",
            b"a \r \n b",
            b"\xff\xfe\nb\xc3",
            "\u{feff}#!/bin/sh\r\né 👋\n".as_bytes(),
            b"x\nx\nx\n",
            b"\0\0\0\n\0",
            "\u{ffff}\n\u{ffff}".as_bytes(),
            b" \t\n\t ",
            long.as_bytes(),
        ];
        for text in texts {
            let hashes = line_hashes(text);
            assert_eq!(hashes, slowly(text), "{text:?}");
            let one_by_one: Vec<_> = (1..=hashes.len()).filter_map(|line| line_hash(text, line)).collect();
            assert_eq!(one_by_one, hashes);
        }
    }
}
