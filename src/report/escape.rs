//! Strings from images are hostile: they may hold escape sequences that rewrite the screen, characters that reverse
//! the order of a line, or a megabyte without a blank. Nothing of an image reaches a terminal but through here.

/// The longest run without a blank that is shown whole; digests and paths of package stores fit.
const WORD_MAX: usize = 120;

/// The longest text that is shown whole.
const TEXT_MAX: usize = 4000;

/// `bytes` with everything visible that a terminal would obey or hide: `␛` for ESC, `␍` for CR, `<U+FEFF>` for a
/// byte order mark, `\xFF` for what is not UTF-8. Line ends and tabs stay.
pub fn visible(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_visible(&mut out, c));
        chunk.invalid().iter().for_each(|b| out.push_str(&format!("\\x{b:02X}")));
    }
    out
}

fn push_visible(out: &mut String, c: char) {
    match c {
        '\n' | '\t' => out.push(c),
        '\u{7f}' => out.push('␡'),
        // U+2400 and on are pictures of the control characters, in their order.
        '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        _ if is_hidden(c) => out.push_str(&format!("<U+{:04X}>", c as u32)),
        _ => out.push(c),
    }
}

/// C1 controls (among them an eight-bit ESC [), and format characters: no width, or another writing direction.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A sentence: visible, on one line, very long words shortened in the middle.
pub fn sentence(text: impl AsRef<[u8]>) -> String {
    let shown = visible(text.as_ref()).replace('\n', "␊").replace('\t', "␉");
    let words: Vec<_> = shown.split(' ').map(|w| shorten(w, WORD_MAX)).collect();
    shorten(&words.join(" "), TEXT_MAX)
}

/// Lines to paste: visible, nothing shortened.
pub fn block(text: &str) -> String {
    visible(text.as_bytes())
}

/// `text` in at most `max` characters, its middle left out.
pub fn shorten(text: &str, max: usize) -> String {
    let count = text.chars().count();
    if count <= max {
        return text.to_owned();
    }
    let (head, tail) = (max * 2 / 3, max - max * 2 / 3 - 1);
    let begin: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{begin}…{end}")
}

/// `text` broken into lines of at most `width` characters where it has blanks.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        let hostile = "\x1b]0;title\x07\x1b[2J\r\x08\u{9b}31m\u{202e}x\u{feff}\x7f\n\t\u{e0041}".as_bytes();
        let shown = visible(hostile);
        assert_eq!(shown, "␛]0;title␇␛[2J␍␈<U+009B>31m<U+202E>x<U+FEFF>␡\n\t<U+E0041>");
        assert_eq!(visible(b"a\xff\xc3(b"), "a\\xFF\\xC3(b");
        assert_eq!(visible("Grüße, 世界 👋".as_bytes()), "Grüße, 世界 👋");
        assert!(!sentence("a\nb\tc").contains(['\n', '\t']));
    }

    #[test]
    fn long_words_lose_their_middle() {
        let shown = sentence(format!("`/{}/end` is absent", "x".repeat(100_000)));
        assert!(shown.starts_with("`/xxx") && shown.ends_with("xxx/end` is absent") && shown.contains('…'));
        assert!(shown.chars().count() < 140);
        assert_eq!(shorten("ééééé", 5), "ééééé");
        assert_eq!(shorten("éééééé", 5).chars().count(), 5);
        assert!(sentence("a ".repeat(100_000)).chars().count() <= TEXT_MAX);
    }

    #[test]
    fn lines_break_at_blanks_only() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("a very-long-word b", 4), ["a", "very-long-word", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
