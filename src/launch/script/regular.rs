//! Extended regular expressions (POSIX XBD 9.4), as `[[ text =~ expression ]]` has them: whether one matches.
//!
//! What GNU adds behind a backslash, and texts that are not ASCII, are left alone.

use super::pattern;

/// Longer texts are not looked at: each of their bytes may take a level of the stack.
const MAX_TEXT: usize = 100;
/// Groups within groups.
const MAX_DEPTH: usize = 8;
/// Steps of a match.
const MAX_STEPS: usize = 20_000;
/// What `*` and `+` have for an upper bound.
const MANY: usize = usize::MAX;

enum Node {
    /// One character, as a pattern of the shell.
    One(Vec<u8>),
    Group(Vec<Vec<Item>>),
    Start,
    End,
}

struct Item {
    node: Node,
    least: usize,
    most: usize,
}

/// Whether `expression` matches somewhere in `text`; `None` if that is not followed.
pub fn matches(expression: &[u8], text: &[u8]) -> Option<bool> {
    if !text.is_ascii() || text.len() > MAX_TEXT {
        return None;
    }
    let mut reader = Reader { rest: expression };
    let choices = reader.choices(0)?;
    if !reader.rest.is_empty() {
        return None;
    }
    let whole = [Item { node: Node::Group(choices), least: 1, most: 1 }];
    let mut walk = Walk { text, steps: MAX_STEPS };
    for from in 0..=text.len() {
        if walk.sequence(&whole, from, &mut |_, _| Some(true))? {
            return Some(true);
        }
    }
    Some(false)
}

struct Reader<'e> {
    rest: &'e [u8],
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Up to the parenthesis that closes, or the end.
    fn choices(&mut self, depth: usize) -> Option<Vec<Vec<Item>>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut choices = vec![Vec::new()];
        while let Some(byte) = self.rest.first().copied() {
            match byte {
                b')' if depth > 0 => break,
                b'|' => {
                    self.next();
                    choices.push(Vec::new());
                }
                _ => {
                    let node = self.node(depth)?;
                    let (least, most) = self.times()?;
                    choices.last_mut()?.push(Item { node, least, most });
                }
            }
        }
        Some(choices)
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        Some(match self.next()? {
            b'(' => {
                let inner = self.choices(depth + 1)?;
                self.next().filter(|b| *b == b')')?;
                Node::Group(inner)
            }
            b'^' => Node::Start,
            b'$' => Node::End,
            b'.' => Node::One(vec![b'?']),
            b'[' => Node::One(self.set()?),
            b'\\' => match self.next()? {
                byte if byte.is_ascii_punctuation() && !b"<>`'".contains(&byte) => Node::One(vec![b'\\', byte]),
                _ => return None,
            },
            b'*' | b'+' | b'?' | b'{' | b'}' | b')' => return None,
            byte => Node::One(pattern::quote(&[byte])),
        })
    }

    /// A bracket expression, which patterns of the shell write with `!`.
    fn set(&mut self) -> Option<Vec<u8>> {
        let mut set = vec![b'['];
        if self.rest.first() == Some(&b'^') {
            self.next();
            set.push(b'!');
        }
        let from = set.len();
        loop {
            let byte = self.next()?;
            match byte {
                b']' if set.len() > from => {
                    set.push(byte);
                    return Some(set);
                }
                b'[' if self.rest.first().is_some_and(|b| b".=:".contains(b)) => {
                    set.push(byte);
                    let kind = self.next()?;
                    set.push(kind);
                    while !set.ends_with(&[kind, b']']) {
                        set.push(self.next()?);
                    }
                }
                // the expansion has put it before what was quoted
                b'\\' => set.extend([b'\\', self.next()?]),
                byte => set.push(byte),
            }
        }
    }

    fn times(&mut self) -> Option<(usize, usize)> {
        let times = match self.rest.first() {
            Some(b'*') => (0, MANY),
            Some(b'+') => (1, MANY),
            Some(b'?') => (0, 1),
            Some(b'{') => return self.interval(),
            _ => return Some((1, 1)),
        };
        self.next();
        if self.rest.first().is_some_and(|b| b"*+?{".contains(b)) { None } else { Some(times) }
    }

    fn interval(&mut self) -> Option<(usize, usize)> {
        self.next();
        let close = self.rest.iter().position(|b| *b == b'}')?;
        let (inner, rest) = self.rest.split_at_checked(close)?;
        self.rest = rest.get(1..)?;
        let inner = std::str::from_utf8(inner).ok()?;
        let (least, most) = match inner.split_once(',') {
            Some((least, "")) => (least.parse().ok()?, MANY),
            Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
            None => (inner.parse().ok()?, inner.parse().ok()?),
        };
        (least <= most && least <= MAX_TEXT).then_some((least, most))
    }
}

type Next<'n> = &'n mut dyn FnMut(&mut Walk<'_>, usize) -> Option<bool>;

struct Walk<'t> {
    text: &'t [u8],
    steps: usize,
}

impl Walk<'_> {
    fn sequence(&mut self, items: &[Item], at: usize, next: Next<'_>) -> Option<bool> {
        match items.split_first() {
            None => next(self, at),
            Some((item, rest)) => self.repeat(item, rest, at, 0, next),
        }
    }

    fn repeat(&mut self, item: &Item, rest: &[Item], at: usize, count: usize, next: Next<'_>) -> Option<bool> {
        self.steps = self.steps.checked_sub(1)?;
        if count < item.most {
            let again = self.node(&item.node, at, &mut |walk, to| {
                // nothing comes of more of nothing
                if to == at && count >= item.least { Some(false) } else { walk.repeat(item, rest, to, count + 1, next) }
            })?;
            if again {
                return Some(true);
            }
        }
        if count >= item.least { self.sequence(rest, at, next) } else { Some(false) }
    }

    fn node(&mut self, node: &Node, at: usize, next: Next<'_>) -> Option<bool> {
        match node {
            Node::Start if at == 0 => next(self, at),
            Node::End if at == self.text.len() => next(self, at),
            Node::Start | Node::End => Some(false),
            Node::One(set) => match self.text.get(at) {
                Some(byte) if pattern::matches(set, &[*byte])? => next(self, at + 1),
                _ => Some(false),
            },
            Node::Group(choices) => {
                for choice in choices {
                    if self.sequence(choice, at, next)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_bash_says() {
        // each was given to bash 5.2
        for (expression, text, expected) in [
            ("^([yY][eE][sS]|[yY])+$", "", Some(false)),
            ("^([yY][eE][sS]|[yY])+$", "yes", Some(true)),
            ("^([yY][eE][sS]|[yY])+$", "yYesy", Some(true)),
            ("^([yY][eE][sS]|[yY])+$", "yesno", Some(false)),
            ("^-", "-x", Some(true)),
            ("^-", "serve", Some(false)),
            ("b*", "aaa", Some(true)),
            ("^a{2,3}$", "aaa", Some(true)),
            ("^a{2,3}$", "aaaa", Some(false)),
            ("^[0-9]{1,3}\\.[0-9]+$", "10.20", Some(true)),
            ("^[^/]+/(x|y)?$", "a/", Some(true)),
            ("^[^/]+/(x|y)?$", "/x", Some(false)),
            ("^[[:digit:]]+$", "12", Some(true)),
            ("(a*)*b", "aaaa", Some(false)),
            ("a|b$", "xb", Some(true)),
            ("^$", "", Some(true)),
            ("\\bword", "word", None),
        ] {
            assert_eq!(matches(expression.as_bytes(), text.as_bytes()), expected, "{expression} {text}");
        }
    }
}
