//! Words for people: quoting, lists, words of a command line.

/// The longest text that a message quotes in full.
const QUOTE_MAX: usize = 160;

/// `bytes` in backquotes, with everything that does not show made visible (`\r`, `\u{feff}`).
pub fn quote(bytes: impl AsRef<[u8]>) -> String {
    let text = String::from_utf8_lossy(bytes.as_ref());
    let mut out = String::from("`");
    for c in text.chars().take(QUOTE_MAX) {
        if c == '\0' {
            out.push('…'); // a word that is not known before it runs
            continue;
        }
        let hidden =
            c.is_control() || (c.is_whitespace() && c != ' ') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}');
        if hidden { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if text.chars().nth(QUOTE_MAX).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}

/// `a, b and c`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", head.join(", "), last.as_ref())
        }
    }
}

/// The exec form of `words`.
pub fn json_array<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<String> = words.iter().map(|w| serde_json::Value::from(w.as_ref()).to_string()).collect();
    format!("[{}]", words.join(", "))
}

/// Splits as a shell splits plain words: at blanks, except within quotes.
pub fn shell_words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => (quote, open) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if open {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (_, c) => {
                word.push(c);
                open = true;
            }
        }
    }
    if open {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_show_what_does_not_show() {
        assert_eq!(quote("/bin/sh\r"), r"`/bin/sh\r`");
        assert_eq!(quote("/bin/ok\u{a0}"), r"`/bin/ok\u{a0}`");
        assert_eq!(quote("a b"), "`a b`");
        assert!(quote("x".repeat(1000)).ends_with("x…`"));
    }

    #[test]
    fn words_split_as_in_a_shell() {
        assert_eq!(shell_words("nginx -g 'daemon off;'"), ["nginx", "-g", "daemon off;"]);
        assert_eq!(shell_words(" a  \"\" b "), ["a", "", "b"]);
        assert_eq!(json_array(&["a", "b\"c"]), r#"["a", "b\"c"]"#);
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
