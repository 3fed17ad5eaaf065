//! Build stages, and what variables come to in them.

use std::collections::BTreeMap;

use bstr::ByteSlice;

use super::go::lossy;
use super::instruction::{Arguments, Instruction, Keyword};
use super::lex::Lex;
use super::parse::Parsed;

/// A build stage: `FROM`, and what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    /// Its `FROM`.
    pub from: &'a Instruction,
    /// Where that stands in the file, counted from 0.
    pub index: usize,
    /// What follows.
    pub instructions: &'a [Instruction],
}

impl Stage<'_> {
    /// The name that `AS` gives it, in lower case.
    pub fn name(&self) -> Option<String> {
        let [_, _, name] = self.from.words() else { return None };
        Some(lossy(&name.text).to_lowercase())
    }
}

impl Parsed {
    /// The build stages, in their order.
    pub fn stages(&self) -> Vec<Stage<'_>> {
        let is_from = |(_, instruction): &(usize, &Instruction)| instruction.is(Keyword::From);
        let starts: Vec<usize> = self.instructions.iter().enumerate().filter(is_from).map(|(at, _)| at).collect();
        let ends = starts.iter().skip(1).copied().chain([self.instructions.len()]);
        let stage = |(start, end): (&usize, usize)| {
            let from = self.instructions.get(*start)?;
            Some(Stage { from, index: *start, instructions: self.instructions.get(start + 1..end)? })
        };
        starts.iter().zip(ends).filter_map(stage).collect()
    }

    /// The stage of that name or number, the last one if none is asked for.
    pub fn target<'s, 'a>(&self, stages: &'s [Stage<'a>], target: Option<&str>) -> Option<(usize, &'s Stage<'a>)> {
        let Some(target) = target else { return stages.iter().enumerate().next_back() };
        let wanted = target.to_lowercase();
        let named = stages.iter().position(|stage| stage.name().as_deref() == Some(wanted.as_str()));
        let at = named.or_else(|| target.parse().ok())?;
        Some((at, stages.get(at)?))
    }

    /// What stands before the first stage: `ARG`s.
    pub fn globals(&self) -> &[Instruction] {
        let first = self.instructions.iter().position(|i| i.is(Keyword::From)).unwrap_or(self.instructions.len());
        self.instructions.get(..first).unwrap_or_default()
    }
}

/// A longer value is not carried on: no process can have it (execve(2), `MAX_ARG_STRLEN`).
const MAX_VALUE: usize = 1 << 18;

/// What a variable is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// This.
    Known(String),
    /// Something that is not known before the build.
    Unknown,
}

/// Variables of ARG and ENV, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// Of `ENV`, each with its place among them; they hide arguments of the same name.
    pub environment: BTreeMap<String, (usize, Value)>,
    /// How many were set.
    pub count: usize,
    /// Of `ARG`.
    pub arguments: BTreeMap<String, Value>,
    /// Values of `--build-arg`, which ARG takes before its own.
    pub given: BTreeMap<String, String>,
    /// Whether others may be set: the base image's are not known.
    pub is_open: bool,
}

impl Variables {
    /// The value; `None` if it is not set.
    pub fn get(&self, name: &str) -> Option<Value> {
        let own = self.environment.get(name).map(|(_, value)| value);
        let value = own.or_else(|| self.arguments.get(name)).cloned();
        // no environment has `@` or `1`
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        value.or((self.is_open && is_name).then_some(Value::Unknown))
    }

    /// Sets a variable of the environment.
    pub fn set(&mut self, name: String, value: Value) {
        self.count += 1;
        self.environment.insert(name, (self.count, value));
    }

    /// The variables of the environment whose values are known, in the order in which they were set last.
    pub fn known(&self) -> Vec<(&str, &str)> {
        let mut known: Vec<(usize, &str, &str)> = Vec::new();
        for (name, (at, value)) in &self.environment {
            if let Value::Known(value) = value {
                known.push((*at, name, value));
            }
        }
        known.sort_unstable();
        known.into_iter().map(|(_, name, value)| (name, value)).collect()
    }

    /// A text with its variables expanded; `Unknown` if one of them is not known, or the text is wrong.
    pub fn expand(&self, text: &[u8], escape: u8) -> Value {
        self.read(text, char::from(escape), false)
    }

    /// A here-document that is copied, likewise: the escape character is always `\`, quotes are characters like any other
    /// (BuildKit `dockerfile2llb/convert.go`, `SupportsSingleWordExpansionRaw`).
    pub fn expand_document(&self, text: &[u8]) -> Value {
        self.read(text, '\\', true)
    }

    fn read(&self, text: &[u8], escape: char, skip_quotes: bool) -> Value {
        let unknown = std::cell::Cell::new(false);
        let value = |name: &str| match self.get(name) {
            Some(Value::Known(value)) => Some(value),
            Some(Value::Unknown) => {
                unknown.set(true);
                None
            }
            None => None,
        };
        let lex = Lex { escape, raw_quotes: false, raw_escapes: false, skip_unset: false, skip_quotes, value: &value };
        match lex.word(&lossy(text)) {
            Ok(text) if !unknown.get() && text.len() <= MAX_VALUE => Value::Known(text),
            _ => Value::Unknown,
        }
    }

    /// An `ARG`: what it declares; `globals` are those before the first stage.
    pub fn declare(&mut self, instruction: &Instruction, globals: Option<&Variables>, escape: u8) {
        for word in instruction.words() {
            let (name, default) = match word.text.split_once_str("=") {
                Some((name, value)) => (lossy(name), Some(self.expand(value, escape))),
                None => (lossy(&word.text), None),
            };
            let inherited = globals.and_then(|globals| globals.arguments.get(&name).cloned());
            let given = self.given.get(&name).cloned().map(Value::Known);
            let value = given.or(default).or(inherited).or_else(|| predefined(&name)).unwrap_or(Value::Unknown);
            self.arguments.insert(name, value);
        }
    }

    /// An `ENV`.
    pub fn environment(&mut self, instruction: &Instruction, escape: u8) {
        let Arguments::Pairs(pairs) = &instruction.arguments else { return };
        // all values are expanded before any is set
        let values: Vec<_> = pairs.iter().map(|pair| self.expand(&pair.value.text, escape)).collect();
        for (pair, value) in pairs.iter().zip(values) {
            match self.expand(&pair.name.text, escape) {
                Value::Known(name) => self.set(name, value),
                Value::Unknown => {}
            }
        }
    }
}

/// Arguments that BuildKit sets if they are declared (Dockerfile reference, *Automatic platform ARGs in the global scope*).
fn predefined(name: &str) -> Option<Value> {
    let platform = ["TARGET", "BUILD"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let known = |text: &str| Some(Value::Known(text.to_owned()));
    match platform {
        "OS" => known("linux"),
        "PLATFORM" | "ARCH" | "VARIANT" => Some(Value::Unknown),
        _ => None,
    }
}
