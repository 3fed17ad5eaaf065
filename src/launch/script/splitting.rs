//! Field splitting (POSIX XCU 2.6.5).

use bstr::BString;

use super::expand::Atom;
use super::pattern;
use super::value::Value;

/// A field before pathname expansion.
pub(super) enum Piece {
    Field { value: Value, pattern: Option<Vec<u8>> },
    Any(std::sync::Arc<str>),
}

/// Takes atoms, and gives fields.
pub(super) struct Splitter {
    separators: Option<BString>,
    done: Vec<Piece>,
    value: Value,
    pattern: Option<Vec<u8>>,
    /// A field has begun, if only with an empty quotation.
    begun: bool,
    /// Something was split whose fields are not known.
    any: Option<std::sync::Arc<str>>,
}

impl Splitter {
    pub(super) fn new(separators: Option<BString>) -> Self {
        Splitter { separators, done: Vec::new(), value: "".into(), pattern: Some(Vec::new()), begun: false, any: None }
    }

    pub(super) fn push(&mut self, atom: Atom) {
        match atom {
            Atom::Text { value, quoted: false, expanded: true } => self.split(value),
            Atom::Text { value, quoted, .. } => self.add(&value, quoted, quoted || value.is_empty() != Some(true)),
            Atom::Break => self.end(true),
            Atom::Soft => self.end(false),
            Atom::Any(why) => self.any = Some(why),
            Atom::None => {}
        }
    }

    fn add(&mut self, value: &Value, quoted: bool, begins: bool) {
        self.begun |= begins;
        self.value.push(value);
        self.pattern = match (self.pattern.take(), value.known()) {
            (Some(mut pattern), Some(text)) => {
                pattern.extend(if quoted { pattern::quote(text) } else { text.to_vec() });
                Some(pattern)
            }
            _ => None,
        };
    }

    fn end(&mut self, force: bool) {
        if let Some(why) = self.any.take() {
            self.done.push(Piece::Any(why));
        } else if self.begun || force {
            let value = std::mem::replace(&mut self.value, "".into());
            self.done.push(Piece::Field { value, pattern: self.pattern.take() });
        }
        self.value = "".into();
        self.pattern = Some(Vec::new());
        self.begun = false;
    }

    fn split(&mut self, value: Value) {
        if let Value::StatusOf(_) = value {
            self.add(&value, false, true);
            return;
        }
        let (Some(text), Some(separators)) = (value.known(), self.separators.clone()) else {
            let why = match value {
                Value::Unknown { why, .. } => why,
                _ => "`$IFS` is not known".into(),
            };
            self.any = Some(why);
            return;
        };
        let blank = |b: u8| separators.contains(&b) && b.is_ascii_whitespace();
        let mut at = 0;
        while let Some(byte) = text.get(at).copied() {
            if !separators.contains(&byte) {
                self.add(&Value::from(&[byte][..]), false, true);
                at += 1;
                continue;
            }
            while text.get(at).is_some_and(|b| blank(*b)) {
                at += 1;
            }
            match text.get(at).copied().filter(|b| separators.contains(b)) {
                Some(_) => {
                    at += 1;
                    self.end(true);
                    while text.get(at).is_some_and(|b| blank(*b)) {
                        at += 1;
                    }
                }
                None => self.end(false),
            }
        }
    }

    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.end(false);
        self.done
    }
}
