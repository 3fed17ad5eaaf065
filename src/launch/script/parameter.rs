//! Parameter expansion (POSIX XCU 2.5 and 2.6.2; bash(1), *Parameter Expansion*).

use bstr::{BString, ByteSlice};

use super::engine::Engine;
use super::expand::{Atom, Fail};
use super::pattern;
use super::state::{Catch, Content, State};
use super::value::{Field, Status, Value, count, joined};
use crate::format::shell::{Operation, Parameter, Word};
use crate::launch::shell::Shell;

/// What a parameter stands for.
#[derive(Clone, Debug)]
enum Got {
    /// It is not set.
    Unset,
    /// One string.
    Text(Value),
    /// `$@`, `$*` (`star`) or an array.
    List(Vec<Field>, bool),
    /// It may be set or not.
    Maybe,
}

impl Got {
    /// Whether it is set, and with `colon` not empty; `None` if not known.
    fn is_set(&self, colon: bool) -> Option<bool> {
        match self {
            Got::Unset => Some(false),
            Got::Maybe => None,
            Got::Text(value) if colon => value.is_empty().map(|e| !e),
            Got::Text(_) => Some(true),
            Got::List(fields, _) if fields.is_empty() => Some(false),
            Got::List(fields, _) if colon => joined(fields, b" ").is_empty().map(|e| !e),
            Got::List(fields, _) => fields.iter().any(|f| matches!(f, Field::One(_))).then_some(true),
        }
    }

    fn text(&self) -> Value {
        match self {
            Got::Unset => "".into(),
            Got::Text(value) => value.clone(),
            Got::List(fields, _) => joined(fields, b" "),
            Got::Maybe => Value::unknown("it depends on the way taken"),
        }
    }
}

impl Engine<'_> {
    /// The atoms of an expansion.
    pub fn parameter(&mut self, parameter: &Parameter, state: &mut State, quoted: bool) -> Result<Vec<Atom>, Fail> {
        let mut got = self.get(parameter, state)?;
        if parameter.indirect && !matches!(parameter.operation, Operation::Other) {
            got = self.indirect(&got, state);
        }
        match &parameter.operation {
            Operation::Value => {
                self.check_set(parameter, &got, state)?;
                Ok(self.spread(got, state, quoted))
            }
            Operation::Length => {
                // bash: `${#a[@]}` of an array that is not set is an error under -u, `${a[@]}` is not
                let is_array = parameter.subscript.is_some() && matches!(got, Got::List(..));
                let name = parameter.name.as_bstr();
                let variable = state.variables.get(name).is_some_and(|v| v.content != Content::Unset);
                let is_set = variable || matches!(name.as_bytes(), b"FUNCNAME" | b"BASH_SOURCE");
                let counted = if is_array && !is_set { &Got::Unset } else { &got };
                match parameter.subscript.is_some() && !state.options.errexit {
                    // measured: for the length of an array bash gives up no more than the line
                    true if self.check_set(parameter, counted, state).is_err() => {
                        self.give_up_line("an unset parameter is expanded", state)?;
                    }
                    true => {}
                    false => self.check_set(parameter, counted, state)?,
                }
                Ok(vec![Atom::text(length(&got), quoted, true)])
            }
            Operation::Unset { operator, colon, word } => {
                self.unset(parameter, &got, *operator, *colon, word, state, quoted)
            }
            Operation::Trim { suffix, longest, pattern } => {
                self.check_set(parameter, &got, state)?;
                let pattern = self.pattern(pattern, state)?;
                let trim = |value: &Value| trimmed(value, pattern.as_deref(), *suffix, *longest);
                Ok(self.spread(map(got, trim), state, quoted))
            }
            Operation::Replace { all, anchor, pattern, with } => {
                self.check_set(parameter, &got, state)?;
                let pattern = self.pattern(pattern, state)?;
                let with = self.value(with, state)?;
                let replace = |value: &Value| replaced(value, pattern.as_deref(), &with, *all, *anchor);
                Ok(self.spread(map(got, replace), state, quoted))
            }
            Operation::Slice { .. } if self.shell == Shell::Ash && matches!(parameter.name.as_slice(), b"@" | b"*") => {
                Err(Fail::Unknown("a slice of the arguments is not followed in this shell".into()))
            }
            Operation::Slice { offset, length } => {
                self.check_set(parameter, &got, state)?;
                let offset = self.arithmetic(&offset.parts, state)?;
                let length = match length {
                    Some(length) => Some(self.arithmetic(&length.parts, state)?),
                    None => None,
                };
                Ok(self.spread(self.slice(parameter, got, offset, length, state), state, quoted))
            }
            Operation::Case { upper, all, pattern } => {
                self.check_set(parameter, &got, state)?;
                let change = |value: &Value| {
                    if *pattern { Value::unknown("its case is changed") } else { cased(value, *upper, *all) }
                };
                Ok(self.spread(map(got, change), state, quoted))
            }
            Operation::Other => Ok(vec![if quoted {
                Atom::text(Value::unknown("the expansion is not followed"), true, true)
            } else {
                Atom::Any("the expansion is not followed".into())
            }]),
            Operation::Bad if self.shell == Shell::Bash => self.discard("bad substitution", state),
            Operation::Bad => Err(Fail::Exit(2, "bad substitution")),
        }
    }

    /// `set -u`
    fn check_set(&self, parameter: &Parameter, got: &Got, state: &State) -> Result<(), Fail> {
        let list = matches!(parameter.name.as_slice(), b"@" | b"*");
        if !state.options.nounset || !matches!(got, Got::Unset) || list {
            return Ok(());
        }
        Err(Fail::Exit(self.unset_code(state), "an unset parameter is expanded"))
    }

    /// As measured: dash and ash 2, bash 1, and 127 for -c without -e.
    pub(super) fn unset_code(&self, state: &State) -> u8 {
        let inner = matches!(state.catch, Catch::Subshell | Catch::Negated) || state.options.errexit;
        match self.shell {
            Shell::Bash if self.invocation.command_string && !inner => 127,
            Shell::Bash => 1,
            _ => 2,
        }
    }

    fn get(&mut self, parameter: &Parameter, state: &mut State) -> Result<Got, Fail> {
        let name = parameter.name.as_slice();
        if let Some(subscript) = &parameter.subscript {
            return self.element(name, subscript, state);
        }
        Ok(match name {
            b"@" => Got::List(state.arguments.to_vec(), false),
            b"*" => Got::List(state.arguments.to_vec(), true),
            b"#" => Got::Text(match count(&state.arguments) {
                Some(n) => n.to_string().as_str().into(),
                None => Value::filled("the number of arguments is not known"),
            }),
            b"?" => Got::Text(match state.status {
                Status::Code(code) => code.to_string().as_str().into(),
                Status::Job(number) => Value::StatusOf(number),
                _ => Value::filled("the status is not known"),
            }),
            b"-" => Got::Text(Value::unknown("it holds the shell's options")),
            b"$" => Got::Text(match self.invocation.pid {
                Some(pid) => pid.to_string().as_str().into(),
                None => Value::filled("it is the shell's id"),
            }),
            b"0" => Got::Text(state.name.clone()),
            b"!" => match state.variables.get(b"!") {
                Some(_) => variable(state, name),
                None => Got::Unset,
            },
            b"LINENO" | b"RANDOM" | b"SECONDS" if self.shell != Shell::Dash => Got::Text(Value::filled("it changes")),
            b"FUNCNAME" | b"BASH_SOURCE" if self.shell == Shell::Bash => {
                match self.frames(name, state).into_iter().next() {
                    Some(Field::One(value)) => Got::Text(value),
                    _ => Got::Unset,
                }
            }
            [digit, ..] if digit.is_ascii_digit() => positional(state, name),
            _ => variable(state, name),
        })
    }

    /// `${name[subscript]}`
    fn element(&mut self, name: &[u8], subscript: &Word, state: &mut State) -> Result<Got, Fail> {
        let text = self.quoted_value(&subscript.parts, state)?;
        let star = match text.known().map(|t| t.as_bytes()) {
            Some(b"@") => Some(false),
            Some(b"*") => Some(true),
            _ => None,
        };
        let content = state.variables.get(name).map(|v| v.content.clone());
        let fields = match content {
            _ if self.shell == Shell::Bash && matches!(name, b"FUNCNAME" | b"BASH_SOURCE") => self.frames(name, state),
            Some(Content::Opaque) => return Ok(Got::Maybe),
            None | Some(Content::Unset) => Vec::new(),
            Some(Content::Text(value)) => vec![Field::One(value)],
            Some(Content::Array(fields)) => fields,
        };
        if let Some(star) = star {
            return Ok(Got::List(fields, star));
        }
        let index = self.arithmetic(&subscript.parts, state)?;
        let Some(index) = index.map(|i| if i < 0 { fields.len() as i64 + i } else { i }) else {
            return Ok(Got::Maybe);
        };
        let head = fields.get(..=usize::try_from(index).unwrap_or(usize::MAX - 1)).unwrap_or(&fields);
        if head.iter().any(|f| matches!(f, Field::Any(_))) {
            return Ok(Got::Maybe);
        }
        Ok(match usize::try_from(index).ok().and_then(|i| fields.get(i)) {
            Some(Field::One(value)) => Got::Text(value.clone()),
            _ => Got::Unset,
        })
    }

    /// FUNCNAME and BASH_SOURCE of bash: the innermost function first, the script itself last.
    fn frames(&self, name: &[u8], state: &State) -> Vec<Field> {
        let functions = name == b"FUNCNAME";
        let field = |(function, file): &(BString, Value)| {
            Field::One(if functions { Value::Known(function.clone()) } else { file.clone() })
        };
        let mut fields: Vec<Field> = state.frames.iter().rev().map(field).collect();
        if !(self.invocation.command_string || functions && fields.is_empty()) {
            fields.push(Field::One(if functions { "main".into() } else { self.invocation.name.clone() }));
        }
        fields
    }

    fn indirect(&self, got: &Got, state: &State) -> Got {
        match got.text().known() {
            Some(name) if name.is_empty() => Got::Maybe,
            Some(name) if name.iter().all(u8::is_ascii_digit) => positional(state, name),
            Some(name) if name.iter().all(|b| crate::format::shell::is_name(*b)) => variable(state, name),
            _ => Got::Maybe,
        }
    }

    #[allow(clippy::too_many_arguments)] // the parts of one construct
    fn unset(
        &mut self,
        parameter: &Parameter,
        got: &Got,
        operator: u8,
        colon: bool,
        word: &Word,
        state: &mut State,
        quoted: bool,
    ) -> Result<Vec<Atom>, Fail> {
        let set = got.is_set(colon);
        match (operator, set) {
            (b'+', Some(false)) => Ok(if quoted { vec![Atom::text("".into(), true, false)] } else { Vec::new() }),
            (b'+', Some(true)) | (b'-', Some(false)) => self.operand(word, state, quoted),
            (b'=', Some(false)) => self.assign(parameter, word, state, quoted),
            (_, Some(false)) => {
                let code = if self.shell == Shell::Bash { self.unset_code(state) } else { 2 };
                Err(Fail::Exit(code, "a parameter that must be set is not"))
            }
            (_, Some(true)) => Ok(self.spread(got.clone(), state, quoted)),
            (b'?', None) => {
                let value = if colon { Value::filled("it is set") } else { got.text() };
                Ok(vec![Atom::text(value, quoted, true)])
            }
            (_, None) => {
                let mut copy = state.clone();
                let other = super::expand::concat(&self.operand(word, &mut copy, true)?);
                let value = if operator == b'+' { other.join(&"".into()) } else { got.text().join(&other) };
                // with `:` what is empty gives way
                let filled = colon && operator != b'+' && other.is_empty() == Some(false);
                let value = if filled { Value::filled("it depends on a variable") } else { value };
                if operator == b'=' {
                    state.set(&parameter.name, Content::Text(value.clone()));
                }
                Ok(vec![Atom::text(value, quoted, true)])
            }
        }
    }

    fn operand(&mut self, word: &Word, state: &mut State, quoted: bool) -> Result<Vec<Atom>, Fail> {
        let atoms = self.atoms(&word.parts, state, quoted)?;
        let expanded = |atom| match atom {
            Atom::Text { value, quoted: false, .. } => Atom::text(value, false, true),
            atom => atom,
        };
        Ok(atoms.into_iter().map(expanded).collect())
    }

    fn assign(
        &mut self,
        parameter: &Parameter,
        word: &Word,
        state: &mut State,
        quoted: bool,
    ) -> Result<Vec<Atom>, Fail> {
        let value = self.value(word, state)?;
        let proper = parameter.name.first().is_some_and(|b| crate::format::shell::is_name_start(*b));
        if !proper || parameter.subscript.is_some() || parameter.indirect {
            return Err(Fail::Unknown("a parameter that cannot be assigned is".into()));
        }
        if !state.set(&parameter.name, Content::Text(value.clone())) {
            return Err(Fail::Exit(self.readonly_code(state), "a readonly variable is assigned"));
        }
        Ok(vec![Atom::text(value, quoted, true)])
    }

    /// What stands for the parameter becomes of the word.
    fn spread(&mut self, got: Got, state: &State, quoted: bool) -> Vec<Atom> {
        let (fields, star) = match got {
            Got::List(fields, star) => (fields, star),
            Got::Maybe if !quoted => return vec![Atom::Any("it depends on the way taken".into())],
            got => return vec![Atom::text(got.text(), quoted, true)],
        };
        if star && quoted {
            let value = match self.separators(state) {
                Some(ifs) => joined(&fields, ifs.get(..1).unwrap_or_default()),
                None => Value::unknown("`$IFS` is not known"),
            };
            return vec![Atom::text(value, true, true)];
        }
        if fields.is_empty() {
            return vec![Atom::None];
        }
        let mut atoms = Vec::new();
        for (i, field) in fields.into_iter().enumerate() {
            let any = matches!(field, Field::Any(_)) || matches!(atoms.last(), Some(Atom::Any(_)));
            if i > 0 && !any {
                atoms.push(if quoted { Atom::Break } else { Atom::Soft });
            }
            atoms.push(match field {
                Field::One(value) if quoted => Atom::text(value, true, true),
                Field::One(value) => Atom::text(value, false, true),
                Field::Any(why) => Atom::Any(why),
            });
        }
        atoms
    }

    fn slice(
        &self,
        parameter: &Parameter,
        got: Got,
        offset: Option<i64>,
        length: Option<Option<i64>>,
        state: &State,
    ) -> Got {
        let unknown = Got::Text(Value::unknown("a piece of it is taken"));
        let (Some(offset), None | Some(Some(_))) = (offset, length) else { return list_or(got, unknown) };
        let length = length.flatten();
        match got {
            Got::List(mut fields, star) => {
                if matches!(parameter.name.as_slice(), b"@" | b"*") {
                    // the list begins with $0
                    fields.insert(0, Field::One(state.name.clone()));
                }
                if count(&fields).is_none() && (offset < 0 || length.is_some()) {
                    return Got::List(vec![Field::Any("a piece of the list is taken".into())], star);
                }
                match range(fields.len(), offset, length) {
                    Some((from, to)) => Got::List(fields.get(from..to).unwrap_or_default().to_vec(), star),
                    None => Got::List(Vec::new(), star),
                }
            }
            Got::Text(Value::Known(text)) if text.is_ascii() => match range(text.len(), offset, length) {
                Some((from, to)) => Got::Text(text.get(from..to).unwrap_or_default().into()),
                None => Got::Text("".into()),
            },
            Got::Unset => Got::Text("".into()),
            _ => unknown,
        }
    }
}

fn positional(state: &State, name: &[u8]) -> Got {
    let Some(index) = name.to_str().ok().and_then(|n| n.parse::<usize>().ok()) else { return Got::Unset };
    let Some(index) = index.checked_sub(1) else { return Got::Text(state.name.clone()) };
    let head = state.arguments.get(..=index).unwrap_or(&state.arguments);
    if head.iter().any(|f| matches!(f, Field::Any(_))) {
        return Got::Maybe;
    }
    match state.arguments.get(index) {
        Some(Field::One(value)) => Got::Text(value.clone()),
        _ => Got::Unset,
    }
}

fn variable(state: &State, name: &[u8]) -> Got {
    match state.text(name) {
        None => Got::Maybe,
        Some(None) => Got::Unset,
        Some(Some(value)) => Got::Text(value),
    }
}

fn list_or(got: Got, other: Got) -> Got {
    match got {
        Got::List(_, star) => Got::List(vec![Field::Any("a piece of the list is taken".into())], star),
        _ => other,
    }
}

fn map(got: Got, change: impl Fn(&Value) -> Value) -> Got {
    match got {
        Got::Text(value) => Got::Text(change(&value)),
        Got::List(fields, star) => {
            let one = |field| match field {
                Field::One(value) => Field::One(change(&value)),
                any => any,
            };
            Got::List(fields.into_iter().map(one).collect(), star)
        }
        Got::Unset => Got::Text(change(&"".into())),
        Got::Maybe => Got::Text(Value::unknown("it depends on the way taken")),
    }
}

fn length(got: &Got) -> Value {
    let known = match got {
        Got::List(fields, _) => count(fields),
        got => got.text().known().filter(|t| t.is_ascii()).map(|t| t.len()),
    };
    known.map_or_else(|| Value::filled("it is a length"), |n| n.to_string().as_str().into())
}

fn trimmed(value: &Value, pattern: Option<&[u8]>, suffix: bool, longest: bool) -> Value {
    let cut = |text: &[u8]| {
        let length = pattern::trim(pattern?, text, suffix, longest)?.unwrap_or(0);
        let kept = if suffix { text.get(..text.len() - length) } else { text.get(length..) };
        kept.map(Value::from)
    };
    value.known().and_then(|t| cut(t)).unwrap_or_else(|| Value::unknown("a pattern is cut off it"))
}

fn replaced(value: &Value, pattern: Option<&[u8]>, with: &Value, all: bool, anchor: Option<u8>) -> Value {
    let run = || {
        let (text, pattern, with) = (value.known()?, pattern?, with.known()?);
        if text.len() > 4096 || with.contains(&b'&') || pattern.is_empty() {
            return None;
        }
        let (mut out, mut at, mut done) = (BString::default(), 0, false);
        while at < text.len() {
            let rest = text.get(at..)?;
            let found = match anchor {
                Some(b'#') if at > 0 => None,
                Some(b'%') => pattern::matches(pattern, rest)?.then_some(rest.len()),
                _ if done && !all => None,
                _ => pattern::trim(pattern, rest, false, true)?.filter(|n| *n > 0),
            };
            match found {
                Some(length) => {
                    out.extend_from_slice(with);
                    at += length;
                    done = true;
                }
                None => {
                    out.push(*rest.first()?);
                    at += 1;
                }
            }
        }
        Some(Value::Known(out))
    };
    run().unwrap_or_else(|| Value::unknown("something in it is replaced"))
}

fn cased(value: &Value, upper: bool, all: bool) -> Value {
    let Some(text) = value.known().filter(|t| t.is_ascii()) else { return Value::unknown("its case is changed") };
    let change = |b: &u8| if upper { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() };
    let changed: Vec<u8> = text.iter().enumerate().map(|(i, b)| if all || i == 0 { change(b) } else { *b }).collect();
    Value::Known(changed.into())
}

/// From and to of `${name:offset:length}`; `None` if nothing is left.
fn range(size: usize, offset: i64, length: Option<i64>) -> Option<(usize, usize)> {
    let size = i64::try_from(size).ok()?;
    let from = if offset < 0 { size + offset } else { offset };
    if from < 0 || from > size {
        return None;
    }
    let to = match length {
        None => size,
        Some(n) if n < 0 => size + n,
        Some(n) => from.saturating_add(n).min(size),
    };
    if to < from {
        return None;
    }
    Some((usize::try_from(from).ok()?, usize::try_from(to).ok()?))
}
