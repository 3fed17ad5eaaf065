//! Words and variables in the arguments of instructions, as BuildKit expands them (`frontend/dockerfile/shell/lex.go`): like
//! a shell, and not quite.

mod pattern;

use super::go::is_space;

/// `${…}` within `${…}` beyond this is not expanded.
const MAX_DEPTH: usize = 100;

/// A word that grows by more than this is not expanded.
const MAX_GROWTH: usize = 1 << 20;

/// How to read words.
#[derive(Clone, Copy)]
pub struct Lex<'a> {
    /// The character that escapes.
    pub escape: char,
    /// Quotes stay.
    pub raw_quotes: bool,
    /// Escape characters stay.
    pub raw_escapes: bool,
    /// Variables that are not set stay.
    pub skip_unset: bool,
    /// Quotes are characters like any other.
    pub skip_quotes: bool,
    /// Values of variables.
    pub value: &'a dyn Fn(&str) -> Option<String>,
}

impl Lex<'_> {
    /// The text as one word, with its variables expanded.
    ///
    /// # Errors
    /// What BuildKit refuses: quotes that are not closed, expansions that it does not know.
    pub fn word(&self, text: &str) -> Result<String, String> {
        Ok(self.run(text)?.0)
    }

    /// The text as words.
    ///
    /// # Errors
    /// See [`Lex::word`].
    pub fn words(&self, text: &str) -> Result<Vec<String>, String> {
        Ok(self.run(text)?.1)
    }

    fn run(&self, text: &str) -> Result<(String, Vec<String>), String> {
        let text: Vec<char> = text.chars().collect();
        let mut reading = Reading { lex: *self, text: &text, at: 0, buffer: String::new(), depth: 0, grown: 0 };
        reading.until(None, self.raw_escapes)
    }
}

struct Reading<'a> {
    lex: Lex<'a>,
    text: &'a [char],
    at: usize,
    /// The word that is being put together. There is one for all levels: an expansion within a word loses what the word
    /// had so far, as in BuildKit.
    buffer: String,
    depth: usize,
    /// Bytes that values have brought.
    grown: usize,
}

/// Words so far, and whether one is under way.
#[derive(Default)]
struct Words {
    done: Vec<String>,
    inside: bool,
}

impl Words {
    fn char(&mut self, buffer: &mut String, c: char) {
        match is_space(c) {
            true if self.inside => {
                if !buffer.is_empty() {
                    self.done.push(std::mem::take(buffer));
                    self.inside = false;
                }
            }
            true => {}
            false => self.raw(buffer, c.encode_utf8(&mut [0; 4])),
        }
    }

    fn raw(&mut self, buffer: &mut String, text: &str) {
        buffer.push_str(text);
        self.inside = true;
    }

    fn end(mut self, buffer: &mut String) -> Vec<String> {
        if !buffer.is_empty() {
            self.done.push(std::mem::take(buffer));
        }
        self.done
    }
}

impl Reading<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    /// Up to `stop`, or to the end: the text, and its words.
    fn until(&mut self, stop: Option<char>, raw_escapes: bool) -> Result<(String, Vec<String>), String> {
        if self.depth > MAX_DEPTH {
            return Err("expansions are nested too deep".to_owned());
        }
        self.depth += 1;
        let before = std::mem::replace(&mut self.lex.raw_escapes, raw_escapes);
        let read = self.read(stop);
        self.lex.raw_escapes = before;
        self.depth -= 1;
        read
    }

    fn read(&mut self, stop: Option<char>) -> Result<(String, Vec<String>), String> {
        let (mut result, mut words) = (String::new(), Words::default());
        self.buffer.clear();
        while let Some(c) = self.peek() {
            if Some(c) == stop {
                self.at += 1;
                return Ok((result, words.end(&mut self.buffer)));
            }
            match c {
                '$' => {
                    let value = self.dollar()?;
                    value.chars().for_each(|c| words.char(&mut self.buffer, c));
                    result.push_str(&value);
                }
                '\'' | '"' if self.lex.skip_quotes => {
                    self.at += 1;
                    words.char(&mut self.buffer, c);
                    result.push(c);
                }
                '<' | '\'' | '"' => {
                    let text = match c {
                        '<' => self.here_document(),
                        '\'' => self.single_quoted()?,
                        _ => self.double_quoted()?,
                    };
                    words.raw(&mut self.buffer, &text);
                    result.push_str(&text);
                }
                c if c == self.lex.escape => {
                    self.at += 1;
                    if self.lex.raw_escapes {
                        words.raw(&mut self.buffer, c.encode_utf8(&mut [0; 4]));
                        result.push(c);
                    }
                    let Some(c) = self.next() else { break };
                    words.raw(&mut self.buffer, c.encode_utf8(&mut [0; 4]));
                    result.push(c);
                }
                c => {
                    self.at += 1;
                    words.char(&mut self.buffer, c);
                    result.push(c);
                }
            }
        }
        match stop {
            Some(stop) => Err(format!("unexpected end of statement while looking for matching {stop}")),
            None => Ok((result, words.end(&mut self.buffer))),
        }
    }

    fn single_quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        text.extend(self.next().filter(|_| self.lex.raw_quotes));
        loop {
            match self.next() {
                None => return Err("unexpected end of statement while looking for matching single-quote".to_owned()),
                Some('\'') => {
                    text.extend(self.lex.raw_quotes.then_some('\''));
                    return Ok(text);
                }
                Some(c) => text.push(c),
            }
        }
    }

    fn double_quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        text.extend(self.next().filter(|_| self.lex.raw_quotes));
        loop {
            match self.peek() {
                None => return Err("unexpected end of statement while looking for matching double-quote".to_owned()),
                Some('"') => {
                    self.at += 1;
                    text.extend(self.lex.raw_quotes.then_some('"'));
                    return Ok(text);
                }
                Some('$') => text.push_str(&self.dollar()?),
                Some(mut c) => {
                    self.at += 1;
                    if c == self.lex.escape {
                        text.extend(self.lex.raw_escapes.then_some(c));
                        match self.peek() {
                            None => continue,
                            Some(next) if next == '"' || next == '$' || next == self.lex.escape => {
                                self.at += 1;
                                c = next;
                            }
                            Some(_) => {}
                        }
                    }
                    text.push(c);
                }
            }
        }
    }

    /// `<<` with the blanks behind it, which belong to the word.
    fn here_document(&mut self) -> String {
        self.at += 1;
        if self.peek() != Some('<') {
            return "<".to_owned();
        }
        self.at += 1;
        let mut text = "<<".to_owned();
        while let Some(c @ ('\t' | '\r' | ' ')) = self.peek() {
            text.push(c);
            self.at += 1;
        }
        text
    }

    fn dollar(&mut self) -> Result<String, String> {
        let value = self.expansion()?;
        self.grown += value.len();
        if self.grown > MAX_GROWTH { Err("the values of variables are too long".to_owned()) } else { Ok(value) }
    }

    fn expansion(&mut self) -> Result<String, String> {
        self.at += 1;
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(match (self.lex.value)(&name) {
                Some(value) => value,
                None if self.lex.skip_unset => format!("${name}"),
                None => String::new(),
            });
        }
        self.at += 1;
        match self.peek() {
            None => return Err("syntax error: missing '}'".to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        let value = (self.lex.value)(&name);
        match self.next() {
            Some('}') => Ok(match value {
                Some(value) => value,
                None if self.lex.skip_unset => format!("${{{name}}}"),
                None => String::new(),
            }),
            Some(':') => {
                let operator = self.next();
                self.modified(&name, value, operator, true)
            }
            Some(operator @ ('+' | '-' | '?' | '#' | '%')) => self.modified(&name, value, Some(operator), false),
            Some('/') => self.replaced(&name, value),
            other => Err(unsupported(&other.map(String::from).unwrap_or_default())),
        }
    }

    /// `${name-word}` and its kind.
    fn modified(
        &mut self,
        name: &str,
        value: Option<String>,
        operator: Option<char>,
        colon: bool,
    ) -> Result<String, String> {
        let shown = [Some(':').filter(|_| colon), operator].into_iter().flatten().collect::<String>();
        let cuts = matches!(operator, Some('#' | '%'));
        if colon && cuts {
            return Err(unsupported(&shown));
        }
        let word = self.until(Some('}'), cuts).map_err(|error| self.unclosed(error, '}'))?.0;
        let Some(operator) = operator else { return Err(unsupported(&shown)) };
        if self.lex.skip_unset && value.is_none() {
            return Ok(format!("${{{name}{shown}{word}}}"));
        }
        let usable = value.clone().filter(|value| !(colon && value.is_empty()));
        match operator {
            '-' => Ok(usable.unwrap_or(word)),
            '+' => Ok(usable.map(|_| word).unwrap_or_default()),
            '?' => usable.ok_or_else(|| {
                let state = if value.is_none() { "unset" } else { "empty" };
                if word.is_empty() {
                    format!("{name}: is not allowed to be {state}")
                } else {
                    format!("{name}: {word}")
                }
            }),
            '#' => pattern::cut_start(&word, &value.unwrap_or_default()),
            '%' => pattern::cut_end(&word, &value.unwrap_or_default()),
            _ => Err(unsupported(&shown)),
        }
    }

    /// `${name/pattern/replacement}`.
    fn replaced(&mut self, name: &str, value: Option<String>) -> Result<String, String> {
        let all = self.peek() == Some('/');
        self.at += usize::from(all);
        let pattern = self.until(Some('/'), true).map_err(|error| self.unclosed(error, '/'))?.0;
        let with = self.until(Some('}'), true).map_err(|error| self.unclosed(error, '}'))?.0;
        match value {
            None if self.lex.skip_unset => Ok(format!("${{{name}/{pattern}/{with}}}")),
            value => pattern::replace(&pattern, &value.unwrap_or_default(), &with, all),
        }
    }

    /// An error at the end of the text is about what is missing there.
    fn unclosed(&self, error: String, missing: char) -> String {
        if self.peek().is_none() { format!("syntax error: missing '{missing}' in ${{}}") } else { error }
    }

    /// A name, a number, or one of the special parameters; may be empty.
    fn name(&mut self) -> String {
        let is_special = |c| "@*#?-$!0".contains(c);
        match self.peek() {
            Some(c) if c.is_numeric() => self.take_while(char::is_numeric),
            Some(c) if is_special(c) => {
                self.at += 1;
                c.to_string()
            }
            _ => self.take_while(|c| c.is_alphanumeric() || c == '_'),
        }
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let from = self.at;
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
        self.text.get(from..self.at).unwrap_or_default().iter().collect()
    }
}

fn unsupported(modifier: &str) -> String {
    format!("unsupported modifier ({modifier}) in substitution")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Option<String> {
        match name {
            "A" => Some("a.b.c".to_owned()),
            "E" => Some(String::new()),
            "W" => Some("x  y".to_owned()),
            _ => None,
        }
    }

    const LEX: Lex<'_> = Lex {
        escape: '\\',
        raw_quotes: false,
        raw_escapes: false,
        skip_unset: false,
        skip_quotes: false,
        value: &value,
    };

    #[test]
    fn variables() {
        for (text, expanded) in [
            ("$A/${A}$", "a.b.c/a.b.c$"),
            ("${U:-d}${U-d}${E:-d}${E-d}", "ddd"),
            ("${A:+s}${U+s}${E+s}", "ss"),
            (r#"'$A' "$A" \$A "\$A" "\x" \x"#, r"$A a.b.c $A $A \x x"),
            ("${A#*.}|${A##*.}|${A%.*}|${A%%.*}|${A#?}", "b.c|c|a.b|a|.b.c"),
            ("${A/b/X}|${A//./-}|${A/./}|${A/z/y}", "a.X.c|a-b-c|ab.c|a.b.c"),
            ("${U:-${A}x}", "a.b.cx"),
            ("$1$$", ""),
        ] {
            assert_eq!(LEX.word(text).as_deref(), Ok(expanded), "{text}");
        }
        for (text, wrong) in [
            ("${U:?gone}", "U: gone"),
            ("${E:?}", "E: is not allowed to be empty"),
            ("${A", "unsupported modifier () in substitution"),
            ("${}", "syntax error: bad substitution"),
            ("${A:-x", "syntax error: missing '}' in ${}"),
            ("'a", "unexpected end of statement while looking for matching single-quote"),
            ("${A^}", "unsupported modifier (^) in substitution"),
        ] {
            assert_eq!(LEX.word(text), Err(wrong.to_owned()), "{text}");
        }
        assert!(LEX.word(&"${U:-".repeat(50_000)).is_err());
    }

    #[test]
    fn words_are_split_after_expansion() {
        let words = |text| LEX.words(text).unwrap_or_default();
        assert_eq!(words(r#"a $W "c  d" '' e"#), ["a", "x", "y", "c  d", "e"]);
        let raw = Lex { raw_quotes: true, raw_escapes: true, skip_unset: true, ..LEX };
        let found = raw.words(r#"cat <<  EOF "<<B" 3<<'C' $U \x"#).unwrap_or_default();
        assert_eq!(found, ["cat", "<<  EOF", r#""<<B""#, "3<<'C'", "$U", r"\x"]);
    }
}
