//! Where quotes, braces and parentheses of an expansion close.
//!
//! Each function takes the offset of the opening byte and returns that of the closing one, or the text's length.

/// Nesting beyond this is not followed: the text counts as unclosed.
const MAX_DEPTH: usize = 200;

/// Starts a name.
pub fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Continues a name.
pub fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `"…"`
pub fn double_quotes(text: &[u8], at: usize) -> usize {
    Scan { text, depth: 0 }.double(at)
}

/// Backquotes.
pub fn backquotes(text: &[u8], at: usize) -> usize {
    Scan { text, depth: 0 }.back(at)
}

/// `(…)`, of commands or of arithmetic.
pub fn parentheses(text: &[u8], at: usize) -> usize {
    Scan { text, depth: 0 }.parentheses(at)
}

/// Where dash and ash take `$((` to close: at the first `))` outside of parentheses, whatever is in it (dash parser.c,
/// `readtoken1`).
pub fn arithmetic(text: &[u8], open: usize) -> Option<usize> {
    let mut scan = Scan { text, depth: 0 };
    let (mut at, mut depth) = (open + 1, 0usize);
    while let Some(byte) = scan.byte(at) {
        match (byte, scan.byte(at + 1)) {
            (b'(', _) => depth += 1,
            (b')', Some(b')')) if depth == 0 => return Some(at),
            (b')', _) => depth = depth.saturating_sub(1),
            (b'\'' | b'"' | b'<' | b'>', _) => {}
            _ => at = scan.skip(at, false),
        }
        at += 1;
    }
    None
}

/// `{…}` of a parameter expansion; `quoted` within double quotes.
pub fn braces(text: &[u8], at: usize, quoted: bool) -> usize {
    Scan { text, depth: 0 }.braces(at, quoted)
}

/// `[…]` of a subscript.
pub fn brackets(text: &[u8], at: usize) -> usize {
    let mut scan = Scan { text, depth: 0 };
    let (mut at, mut open) = (at, 0usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'[' => open += 1,
            b']' if open <= 1 => return at,
            b']' => open -= 1,
            _ => at = scan.skip(at, false),
        }
        at += 1;
    }
    text.len()
}

/// The next `stop` outside quotes and expansions, or `end`.
pub fn until(text: &[u8], start: usize, end: usize, stop: u8) -> usize {
    let mut scan = Scan { text, depth: 0 };
    let mut at = start;
    while at < end {
        if text.get(at) == Some(&stop) {
            return at;
        }
        at = scan.skip(at, false) + 1;
    }
    end
}

/// The text with all that stands in `$(…)` made one plain command, offsets and lines kept: the parser does not find the
/// end of each.
pub fn masked(text: &[u8], bash: bool) -> Vec<u8> {
    let mut scan = Scan { text, depth: 0 };
    let mut out = text.to_vec();
    let (mut at, mut quoted, mut word) = (0, false, true);
    while let Some(byte) = scan.byte(at) {
        let start = at;
        match (byte, scan.byte(at + 1)) {
            (b'\\', _) => at += 1,
            (b'"', _) => quoted = !quoted,
            (b'\'', _) if !quoted => at = scan.find(at + 1, b'\''),
            // `"${a#'"'}"`: bash takes the pattern's quotes for quotes there, the parser does not
            (b'\'', Some(b'"'))
                if quoted && scan.byte(at + 2) == Some(b'\'') && text.get(..at).is_some_and(is_trim) =>
            {
                out.iter_mut().skip(at + 1).take(1).for_each(|b| *b = b'x');
                at += 2;
            }
            (b'#', _) if word && !quoted => at = scan.find(at, b'\n').saturating_sub(1),
            (b'<', Some(b'<')) if !quoted && scan.byte(at + 2) != Some(b'<') => at = scan.here(at),
            (b'$', Some(b'(')) if !bash && scan.byte(at + 2) == Some(b'(') => {
                let end = arithmetic(text, at + 2).unwrap_or(at);
                let inner = out.get_mut(at + 3..end).unwrap_or_default();
                inner.iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b'x');
                at = end + usize::from(end > at);
            }
            (b'$', Some(b'(')) => {
                let end = scan.parentheses(at + 1);
                let arithmetic = scan.byte(at + 2) == Some(b'(') && scan.byte(end.wrapping_sub(1)) == Some(b')');
                if end < text.len() && !arithmetic {
                    let inner = out.get_mut(at + 2..end).unwrap_or_default();
                    inner.iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b'x');
                    at = end;
                }
            }
            _ => {}
        }
        at = at.max(start) + 1;
        word = matches!(scan.byte(at - 1), Some(b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')'));
    }
    out
}

/// A text that ends where the pattern of an expansion begins.
fn is_trim(before: &[u8]) -> bool {
    matches!(before.last(), Some(b'#' | b'%' | b'/'))
}

struct Scan<'a> {
    text: &'a [u8],
    depth: usize,
}

impl Scan<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    /// If something that closes opens at `at`, where it closes; else `at`.
    fn skip(&mut self, at: usize, quoted: bool) -> usize {
        if self.depth > MAX_DEPTH {
            return self.text.len();
        }
        self.depth += 1;
        let end = match (self.byte(at), self.byte(at + 1)) {
            (Some(b'\\'), _) => at + 1,
            (Some(b'\''), _) if !quoted => self.find(at + 1, b'\''),
            (Some(b'"'), _) => self.double(at),
            (Some(b'`'), _) => self.back(at),
            (Some(b'$'), Some(b'\'')) if !quoted => self.ansi(at + 2),
            (Some(b'$'), Some(b'{')) => self.braces(at + 1, quoted),
            (Some(b'$' | b'<' | b'>'), Some(b'(')) => self.parentheses(at + 1),
            _ => at,
        };
        self.depth -= 1;
        end
    }

    fn find(&self, from: usize, byte: u8) -> usize {
        (from..self.text.len()).find(|at| self.byte(*at) == Some(byte)).unwrap_or(self.text.len())
    }

    fn ansi(&self, mut at: usize) -> usize {
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\'' => return at,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        self.text.len()
    }

    fn double(&mut self, open: usize) -> usize {
        let mut at = open + 1;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' => return at,
                _ => at = self.skip(at, true) + 1,
            }
        }
        self.text.len()
    }

    fn back(&self, open: usize) -> usize {
        let mut at = open + 1;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'`' => return at,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        self.text.len()
    }

    fn braces(&mut self, open: usize, quoted: bool) -> usize {
        let pattern = self.pattern(open + 1);
        let mut at = open + 1;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'}' => return at,
                _ => at = self.skip(at, quoted && pattern.is_none_or(|pattern| at < pattern)) + 1,
            }
        }
        self.text.len()
    }

    /// Where the pattern of `name#`, `name%` or `name/` begins: its quotes count within double quotes, too (measured:
    /// dash, busybox ash and bash take the `'"'` of `"${a#'"'}"` for a quoted character).
    fn pattern(&self, name: usize) -> Option<usize> {
        let special = self.byte(name).is_some_and(|b| b"@*!?$-".contains(&b));
        let length = self.text.get(name..)?.iter().take_while(|b| is_name(**b)).count();
        let mut at = name + if special { 1 } else { length };
        if self.byte(at) == Some(b'[') {
            at = self.find(at, b']') + 1;
        }
        (at > name && matches!(self.byte(at), Some(b'#' | b'%' | b'/'))).then_some(at)
    }

    /// Comments and the patterns of `case` have parentheses and quotes of their own.
    fn parentheses(&mut self, open: usize) -> usize {
        let (mut at, mut depth, mut cases, mut word) = (open + 1, 0usize, Vec::new(), open + 1);
        while let Some(byte) = self.byte(at) {
            let starts_word = at == word;
            match byte {
                b'(' if !starts_word || cases.last() != Some(&depth) => depth += 1,
                b')' if cases.last() == Some(&depth) => {}
                b')' if depth == 0 => return at,
                b')' => depth -= 1,
                b'#' if starts_word => at = self.find(at, b'\n').saturating_sub(1),
                b'<' if self.byte(at + 1) == Some(b'<') && self.byte(at + 2) != Some(b'<') => at = self.here(at),
                b'c' if starts_word && self.is_word(at, b"case") => cases.push(depth),
                b'e' if starts_word && self.is_word(at, b"esac") => drop(cases.pop()),
                _ => at = self.skip(at, false),
            }
            at += 1;
            if matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')') {
                word = at;
            }
        }
        self.text.len()
    }

    fn is_word(&self, at: usize, word: &[u8]) -> bool {
        self.text.get(at..).is_some_and(|t| t.starts_with(word))
            && self.byte(at + word.len()).is_none_or(|b| b" \t\n;&|)".contains(&b))
    }

    /// Goes over a here-document whose delimiter is quoted; in others quotes still must not be taken for quotes, but
    /// the delimiter closes them too.
    fn here(&self, at: usize) -> usize {
        let mut start = at + 2;
        let strip = self.byte(start) == Some(b'-');
        start += usize::from(strip);
        while matches!(self.byte(start), Some(b' ' | b'\t')) {
            start += 1;
        }
        let end = (start..self.text.len()).find(|i| self.byte(*i).is_some_and(|b| b" \t\n;&|<>()".contains(&b)));
        let (Some(end), false) = (end, self.byte(start).is_some_and(|b| b.is_ascii_digit())) else { return at + 1 };
        let raw = self.text.get(start..end).unwrap_or_default();
        let delimiter: Vec<u8> = raw.iter().copied().filter(|b| !b"'\"\\".contains(b)).collect();
        let mut line = self.find(end, b'\n') + 1;
        // Commands may follow on the operator's own line; only a line without them is passed over.
        let tail = self.text.get(end..line).unwrap_or_default();
        if delimiter.is_empty() || tail.iter().any(|b| b"()".contains(b)) {
            return end.saturating_sub(1);
        }
        while line < self.text.len() {
            let stop = self.find(line, b'\n');
            let text = self.text.get(line..stop).unwrap_or_default();
            let tabs = if strip { text.iter().take_while(|b| **b == b'\t').count() } else { 0 };
            if text.get(tabs..) == Some(delimiter.as_slice()) {
                return stop.saturating_sub(1);
            }
            line = stop + 1;
        }
        end.saturating_sub(1)
    }
}
