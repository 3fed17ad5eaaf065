//! Conditions: test(1) as POSIX has it, and `[[ ]]` (bash(1), *CONDITIONAL EXPRESSIONS*).

use bstr::{BStr, BString, ByteSlice};

use super::engine::Engine;
use super::expand::Fail;
use super::pattern;
use super::regular;
use super::state::{Content, State};
use super::value::{Field, Status, Truth, Value};
use super::world::absolute;
use crate::format::shell::{Condition, Word};
use crate::launch::shell::Shell;

/// A usage error of test(1).
struct Usage;

type Answer = Result<Truth, Usage>;

impl Engine<'_> {
    /// `[ … ]` or `test …`, the name included.
    pub fn test(&mut self, argv: &[Field], state: &State) -> Status {
        let bracket = argv.first().and_then(Field::known).is_some_and(|n| n == "[");
        let mut words = Vec::new();
        for field in argv.get(1..).unwrap_or_default() {
            match field {
                Field::One(value) => words.push(value.clone()),
                Field::Any(_) => return Status::Unknown,
            }
        }
        if bracket && words.pop().is_none_or(|w| w.known().is_none_or(|w| w != "]")) {
            return Status::Code(2);
        }
        match self.expression(&words, state) {
            Ok(truth) => truth.known().map_or(Status::Unknown, Status::from),
            Err(Usage) => Status::Code(2),
        }
    }

    /// By the number of operands (test(1P), *OPERANDS*).
    fn expression(&self, words: &[Value], state: &State) -> Answer {
        match words {
            [] => Ok(Truth::No),
            [word] => Ok(Truth::from(word.is_empty().map(|e| !e))),
            [not, word] if is(not, "!") => self.expression(std::slice::from_ref(word), state).map(Truth::negate),
            [operator, word] => self.unary(operator, word, state),
            [left, operator, right] if is_binary(operator) => self.binary(left, operator, right, state),
            [not, rest @ ..] if is(not, "!") && rest.len() < 4 => self.expression(rest, state).map(Truth::negate),
            [open, inner @ .., close] if is(open, "(") && is(close, ")") && inner.len() < 3 => {
                self.expression(inner, state)
            }
            [_, operator, _] if operator.known().is_none() => Ok(Truth::Unknown),
            _ => self.connected(words, state),
        }
    }

    /// `-a` and `-o`, without parentheses.
    fn connected(&self, words: &[Value], state: &State) -> Answer {
        if words.iter().any(|w| is(w, "(") || is(w, ")")) {
            return Ok(Truth::Unknown);
        }
        for (operator, or) in [("-o", true), ("-a", false)] {
            let Some(at) = words.iter().position(|w| is(w, operator)).filter(|at| *at > 0) else { continue };
            let left = self.expression(words.get(..at).unwrap_or_default(), state)?;
            let right = self.expression(words.get(at + 1..).unwrap_or_default(), state)?;
            return Ok(if or { any(left, right) } else { any(left.negate(), right.negate()).negate() });
        }
        if words.iter().any(|w| w.known().is_none()) { Ok(Truth::Unknown) } else { Err(Usage) }
    }

    fn unary(&self, operator: &Value, word: &Value, state: &State) -> Answer {
        let Some(name) = operator.known() else { return Ok(Truth::Unknown) };
        let [b'-', letter] = name.as_bytes() else { return Err(Usage) };
        Ok(match letter {
            b'n' => Truth::from(word.is_empty().map(|e| !e)),
            b'z' => Truth::from(word.is_empty()),
            b't' => Truth::No,
            b'v' if self.shell == Shell::Bash => self.is_set(word, state),
            b'o' | b'R' | b'N' | b'a' => Truth::Unknown,
            b'e' | b'f' | b'd' | b'x' | b'r' | b'w' | b's' | b'h' | b'L' | b'S' | b'p' | b'b' | b'c' | b'g' | b'u'
            | b'k' | b'O' | b'G' => self.file(*letter, word, state),
            _ => return Err(Usage),
        })
    }

    fn is_set(&self, word: &Value, state: &State) -> Truth {
        match word.known().filter(|w| w.iter().all(|b| crate::format::shell::is_name(*b))) {
            Some(name) => Truth::from(state.text(name).map(|v| v.is_some())),
            None => Truth::Unknown,
        }
    }

    /// A test of a file, with what was done to files.
    fn file(&self, operator: u8, word: &Value, state: &State) -> Truth {
        let Some(name) = word.known() else { return Truth::Unknown };
        if name.is_empty() {
            return Truth::No;
        }
        let Some(path) = absolute(name, &state.cwd) else { return Truth::Unknown };
        let plain = BString::from(path.trim_end_with(|c| c == '/'));
        let key: &BStr = if plain.is_empty() { path.as_bstr() } else { plain.as_bstr() };
        self.looked();
        state.files.test(operator, key, self.world.test(operator, path.as_bstr()))
    }

    fn binary(&self, left: &Value, operator: &Value, right: &Value, state: &State) -> Answer {
        let Some(name) = operator.known() else { return Ok(Truth::Unknown) };
        let known = || Some((left.known()?, right.known()?));
        match name.as_bytes() {
            b"==" if self.shell == Shell::Dash => Err(Usage),
            b"=" | b"==" => Ok(equal(left, right)),
            b"!=" => Ok(equal(left, right).negate()),
            b"<" | b">" => Ok(match known() {
                Some((l, r)) if l.is_ascii() && r.is_ascii() && self.shell != Shell::Bash => {
                    Truth::from(if name == "<" { l < r } else { l > r })
                }
                _ => Truth::Unknown,
            }),
            b"-a" | b"-o" => {
                let side = |v: &Value| Truth::from(v.is_empty().map(|e| !e));
                let (l, r) = (side(left), side(right));
                Ok(if name == "-o" { any(l, r) } else { any(l.negate(), r.negate()).negate() })
            }
            b"-nt" | b"-ot" | b"-ef" => Ok(self.compared(name, left, right, state)),
            _ => match known() {
                Some((l, r)) => compare(name, number(l).ok_or(Usage)?, number(r).ok_or(Usage)?),
                None => Ok(Truth::Unknown),
            },
        }
    }

    fn compared(&self, operator: &BStr, left: &Value, right: &Value, state: &State) -> Truth {
        let there = |v| self.file(b'e', v, state);
        match (operator.as_bytes(), there(left), there(right)) {
            (b"-nt", Truth::No, _) | (b"-ot", _, Truth::No) | (b"-ef", Truth::No, _) | (b"-ef", _, Truth::No) => {
                Truth::No
            }
            _ => Truth::Unknown,
        }
    }

    /// `[[ … ]]`
    pub fn condition(&mut self, condition: &Condition, state: &mut State) -> Result<Truth, Fail> {
        Ok(match condition {
            Condition::Not(inner) => self.condition(inner, state)?.negate(),
            Condition::And(left, right) => match self.condition(left, state)? {
                Truth::No => Truth::No,
                first => any(first.negate(), self.condition(right, state)?.negate()).negate(),
            },
            Condition::Or(left, right) => match self.condition(left, state)? {
                Truth::Yes => Truth::Yes,
                first => any(first, self.condition(right, state)?),
            },
            Condition::Word(word) => match self.side(word, state)? {
                Some(value) => Truth::from(value.is_empty().map(|e| !e)),
                None => Truth::Unknown,
            },
            Condition::Unary(operator, word) => {
                let Some(value) = self.side(word, state)? else { return Ok(Truth::Unknown) };
                let operator = if operator == "-a" { BString::from("-e") } else { operator.clone() };
                self.unary(&Value::Known(operator), &value, state).unwrap_or(Truth::Unknown)
            }
            Condition::Binary(operator, left, right) => self.relation(operator, left, right, state)?,
        })
    }

    /// An operand of `[[ ]]`: ash splits it like any word, and makes a usage error of what does not come to one.
    fn side(&mut self, word: &Word, state: &mut State) -> Result<Option<Value>, Fail> {
        if self.shell != Shell::Ash {
            return self.value(word, state).map(Some);
        }
        Ok(match self.fields(std::slice::from_ref(word), state)?.as_slice() {
            [Field::One(value)] => Some(value.clone()),
            _ => None,
        })
    }

    /// ash has lost the quotes when it matches.
    fn ash_relation(
        &mut self,
        operator: &BString,
        left: &Value,
        right: &Word,
        state: &mut State,
    ) -> Result<Truth, Fail> {
        let Some(right) = self.side(right, state)? else { return Ok(Truth::Unknown) };
        let known = || Some((left.known()?, right.known()?));
        Ok(match operator.as_slice() {
            b"=" | b"==" | b"!=" => {
                let truth = Truth::from(known().and_then(|(l, r)| pattern::matches(r, l)));
                if operator == "!=" { truth.negate() } else { truth }
            }
            b"=~" => Truth::from(known().and_then(|(l, r)| regular::matches(r, l))),
            _ => self.binary(left, &Value::Known(operator.clone()), &right, state).unwrap_or(Truth::Unknown),
        })
    }

    fn relation(&mut self, operator: &BString, left: &Word, right: &Word, state: &mut State) -> Result<Truth, Fail> {
        let Some(value) = self.side(left, state)? else { return Ok(Truth::Unknown) };
        if self.shell == Shell::Ash {
            return self.ash_relation(operator, &value, right, state);
        }
        match operator.as_slice() {
            b"=" | b"==" => self.matches(right, &value, state),
            b"!=" => Ok(self.matches(right, &value, state)?.negate()),
            b"=~" => {
                let pattern = self.pattern(right, state)?;
                if self.shell == Shell::Bash {
                    state.set(b"BASH_REMATCH", Content::Opaque);
                }
                Ok(Truth::from(pattern.zip(value.known()).and_then(|(p, text)| regular::matches(&p, text))))
            }
            b"<" | b">" => Ok(Truth::Unknown),
            b"-nt" | b"-ot" | b"-ef" => {
                let right = self.value(right, state)?;
                Ok(self.compared(operator.as_bstr(), &value, &right, state))
            }
            _ => {
                let left = self.arithmetic(&left.parts, state)?;
                let right = self.arithmetic(&right.parts, state)?;
                let answer = left.zip(right).map(|(l, r)| compare(operator.as_bstr(), l, r));
                Ok(answer.and_then(Result::ok).unwrap_or(Truth::Unknown))
            }
        }
    }
}

fn is(value: &Value, text: &str) -> bool {
    value.known().is_some_and(|v| v == text)
}

fn is_binary(operator: &Value) -> bool {
    const BINARY: &str = "= == != < > -eq -ne -lt -le -gt -ge -nt -ot -ef -a -o";
    operator.known().is_some_and(|o| BINARY.split(' ').any(|b| o == b))
}

fn any(left: Truth, right: Truth) -> Truth {
    match (left, right) {
        (Truth::Yes, _) | (_, Truth::Yes) => Truth::Yes,
        (Truth::No, Truth::No) => Truth::No,
        _ => Truth::Unknown,
    }
}

fn equal(left: &Value, right: &Value) -> Truth {
    match (left.known(), right.known()) {
        (Some(left), Some(right)) => Truth::from(left == right),
        _ if left.is_empty() == Some(true) && right.is_empty() == Some(false) => Truth::No,
        _ if right.is_empty() == Some(true) && left.is_empty() == Some(false) => Truth::No,
        _ => Truth::Unknown,
    }
}

fn number(text: &BStr) -> Option<i64> {
    let text = text.trim_ascii().to_str().ok()?;
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

fn compare(operator: &BStr, left: i64, right: i64) -> Answer {
    Ok(Truth::from(match operator.as_bytes() {
        b"-eq" => left == right,
        b"-ne" => left != right,
        b"-lt" => left < right,
        b"-le" => left <= right,
        b"-gt" => left > right,
        b"-ge" => left >= right,
        _ => return Err(Usage),
    }))
}
