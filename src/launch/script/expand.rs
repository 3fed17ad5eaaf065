//! Word expansion (POSIX XCU 2.6): from words to fields.

use bstr::{BString, ByteSlice};

use super::arithmetic::{self, Problem, Variables};
use super::engine::Engine;
use super::pattern;
use super::splitting::Splitter;
use super::state::{Catch, Content, Flow, State};
use super::value::{Field, Status, Value};
use crate::format::shell::{Part, Span, Word};
use crate::launch::shell::Shell;

/// Words that braces or a pattern may become.
pub(super) const MAX_WORDS: usize = 1000;

/// Words of one command.
const MAX_FIELDS: usize = 4096;

/// Why a command cannot be run.
#[derive(Clone, Debug)]
pub enum Fail {
    /// The shell exits with this code: what is wrong.
    Exit(u8, &'static str),
    /// Nothing is known from here on.
    Unknown(String),
    /// A file cannot be opened.
    Redirection,
    /// The way has ended within a command substitution.
    Over,
}

/// A piece of a word on the way to fields.
#[derive(Clone, Debug)]
pub enum Atom {
    /// Text.
    Text {
        /// What it is.
        value: Value,
        /// Neither split nor a pattern.
        quoted: bool,
        /// The result of an expansion, to be split if not quoted.
        expanded: bool,
    },
    /// `"$@"`: the next field begins.
    Break,
    /// `$@`: the same, but an empty field vanishes.
    Soft,
    /// `"$@"` of unknown length.
    Any(std::sync::Arc<str>),
    /// `"$@"` without any: no field comes of it alone.
    None,
}

impl Atom {
    /// A piece of text.
    pub fn text(value: Value, quoted: bool, expanded: bool) -> Self {
        Atom::Text { value, quoted, expanded }
    }
}

impl Engine<'_> {
    /// The fields that words become.
    pub fn fields(&mut self, words: &[Word], state: &mut State) -> Result<Vec<Field>, Fail> {
        let mut fields = Vec::new();
        for word in words {
            if self.shell == Shell::Bash && word.parts.iter().any(has_braces) {
                match brace_words(word) {
                    Some(words) => {
                        for word in &words {
                            fields.extend(self.field(word, state)?);
                        }
                    }
                    None => fields.push(Field::Any("braces in it are not followed".into())),
                }
                continue;
            }
            fields.extend(self.field(word, state)?);
            if fields.len() > MAX_FIELDS {
                return Ok(vec![Field::Any("there are too many words".into())]);
            }
        }
        Ok(fields)
    }

    fn field(&mut self, word: &Word, state: &mut State) -> Result<Vec<Field>, Fail> {
        let atoms = self.word_atoms(word, state)?;
        if self.is_split(&atoms) {
            return Err(Fail::Unknown("whether a word is split depends on the shell".into()));
        }
        let mut split = Splitter::new(self.separators(state));
        for atom in atoms {
            split.push(atom);
        }
        let mut fields = Vec::new();
        for piece in split.finish() {
            self.glob(piece, state, &mut fields);
        }
        Ok(fields)
    }

    /// The atoms of a word, its tilde expanded.
    fn word_atoms(&mut self, word: &Word, state: &mut State) -> Result<Vec<Atom>, Fail> {
        let Some(Part::Plain(text)) = word.parts.first() else { return self.atoms(&word.parts, state, false) };
        let Some(rest) = text.strip_prefix(b"~") else { return self.atoms(&word.parts, state, false) };
        let home = match rest.first() {
            None if word.parts.len() > 1 => return self.atoms(&word.parts, state, false),
            None | Some(b'/') => match state.text(b"HOME") {
                Some(Some(home)) => home,
                Some(None) => return self.atoms(&word.parts, state, false),
                None => Value::unknown("`$HOME` is not known"),
            },
            Some(_) => return self.atoms(&word.parts, state, false),
        };
        let mut atoms = vec![Atom::text(home, true, false), Atom::text(rest.into(), false, false)];
        atoms.extend(self.atoms(word.parts.get(1..).unwrap_or_default(), state, false)?);
        Ok(atoms)
    }

    /// The atoms of parts; `quoted` within double quotes.
    pub fn atoms(&mut self, parts: &[Part], state: &mut State, quoted: bool) -> Result<Vec<Atom>, Fail> {
        let mut atoms = Vec::new();
        for part in parts {
            match part {
                Part::Plain(text) => atoms.push(Atom::text(Value::Known(text.clone()), quoted, false)),
                Part::Quoted(text) => atoms.push(Atom::text(Value::Known(text.clone()), true, false)),
                Part::Double(inner) => {
                    let inner = self.atoms(inner, state, true)?;
                    if inner.is_empty() {
                        atoms.push(Atom::text("".into(), true, false));
                    }
                    atoms.extend(inner);
                }
                Part::Parameter(parameter) => atoms.extend(self.parameter(parameter, state, quoted)?),
                Part::Command(script) => {
                    let value = self.substitute(script, state)?;
                    atoms.push(Atom::text(value, quoted, true));
                }
                Part::Arithmetic(inner) => {
                    let value = match self.arithmetic(inner, state)? {
                        Some(number) => Value::from(number.to_string().as_str()),
                        None => Value::filled("it is computed from what is not known"),
                    };
                    atoms.push(Atom::text(value, quoted, true));
                }
                Part::Unclosed => return Err(Fail::Unknown("a word does not end".into())),
                Part::Process => atoms.push(Atom::text(Value::filled("it names a pipe"), true, false)),
                Part::Array(_) => return Err(Fail::Unknown("an array stands where none can".into())),
            }
        }
        Ok(atoms)
    }

    /// One string: an assignment, a redirection, the word of `case`.
    pub fn value(&mut self, word: &Word, state: &mut State) -> Result<Value, Fail> {
        let atoms = self.word_atoms(word, state)?;
        Ok(concat(&atoms))
    }

    /// One string of parts that are as in double quotes.
    pub fn quoted_value(&mut self, parts: &[Part], state: &mut State) -> Result<Value, Fail> {
        Ok(concat(&self.atoms(parts, state, true)?))
    }

    /// A pattern, what is quoted behind backslashes; `None` if not known.
    pub fn pattern(&mut self, word: &Word, state: &mut State) -> Result<Option<Vec<u8>>, Fail> {
        let atoms = self.word_atoms(word, state)?;
        Ok(pattern_of(&atoms))
    }

    /// Evaluates arithmetic; `None`: not known.
    pub fn arithmetic(&mut self, parts: &[Part], state: &mut State) -> Result<Option<i64>, Fail> {
        let quotes = |part: &Part| matches!(part, Part::Plain(text) if text.contains(&b'"'));
        let value = match self.shell == Shell::Bash && parts.iter().any(quotes) {
            true => self.quoted_value(&unquoted(parts), state)?,
            false => self.quoted_value(parts, state)?,
        };
        let Some(text) = value.known() else {
            // whatever the rest is, this is none
            let is_wrong = parts.iter().any(|part| matches!(part, Part::Plain(text) if text.contains(&b';')));
            return match self.shell {
                Shell::Dash | Shell::Ash if is_wrong => Err(Fail::Exit(2, "an arithmetic expression is wrong")),
                _ => Ok(None),
            };
        };
        if self.shell != Shell::Bash && text.contains(&b'[') {
            return Err(Fail::Exit(2, "an arithmetic expression is wrong")); // there are no arrays
        }
        let mut scope = Scope { state, changed: false };
        match arithmetic::evaluate(text, self.shell == Shell::Dash, &mut scope) {
            Ok(number) => Ok(Some(number)),
            Err(Problem::Unknown) => Ok(None),
            Err(Problem::Error) if self.shell == Shell::Bash => {
                self.discard("an arithmetic expression is wrong", state)
            }
            Err(Problem::Error) => Err(Fail::Exit(2, "an arithmetic expression is wrong")),
        }
    }

    /// bash gives up the line, and goes on with the next one of the text that it reads.
    pub fn discard<T>(&self, what: &'static str, state: &State) -> Result<T, Fail> {
        if state.options.posix {
            return Err(Fail::Exit(self.failed_expansion(state), what));
        }
        self.give_up_line(what, state)
    }

    /// The same, in any mode.
    pub fn give_up_line<T>(&self, what: &'static str, state: &State) -> Result<T, Fail> {
        let alone = self.late == 0 && !self.source.trim_ascii().contains(&b'\n');
        if state.subshell > 0 || self.invocation.command_string && alone {
            return Err(Fail::Exit(1, what));
        }
        Err(Fail::Unknown(format!("{what}: where bash goes on is not followed")))
    }

    /// IFS (XCU 2.6.5); `None` if not known.
    pub fn separators(&self, state: &State) -> Option<BString> {
        match state.text(b"IFS")? {
            None => Some(" \t\n".into()),
            Some(value) => value.known().map(BString::from),
        }
    }

    /// Where a failed expansion leaves the shell.
    pub fn fail(&mut self, mut state: State, fail: Fail, span: Span) -> State {
        state.complain();
        match fail {
            Fail::Exit(_, what) if self.shell.in_part() => {
                self.give_up(state, &format!("{what}: what the shell does then is not followed"), span)
            }
            Fail::Redirection if self.shell.in_part() => self.give_up(state, "a file cannot be opened", span),
            Fail::Exit(..) if state.catch == Catch::Trapped => {
                self.give_up(state, "an error in a fork that runs the trap on EXIT is not followed", span)
            }
            Fail::Exit(_, what) if state.catch == Catch::Negated && self.shell == Shell::Bash => {
                match state.options.errexit {
                    true => self.give_up(state, "what `!` makes of an error is not followed", span),
                    false => state.exit(Status::OK, super::Cause::Error(what)),
                }
            }
            Fail::Exit(code, what) => state.exit(Status::Code(code), super::Cause::Error(what)),
            Fail::Unknown(why) => self.give_up(state, &why, span),
            Fail::Redirection => state.with(self.redirection_status()),
            Fail::Over => State { flow: Flow::Over, ..state },
        }
    }

    /// `$?` after a redirection that failed, as measured.
    pub fn redirection_status(&self) -> Status {
        Status::Code(if matches!(self.shell, Shell::Dash | Shell::Yash) { 2 } else { 1 })
    }
}

struct Scope<'a> {
    state: &'a mut State,
    changed: bool,
}

impl Variables for Scope<'_> {
    fn get(&self, name: &[u8]) -> Option<BString> {
        match self.state.text(name)? {
            None => Some(BString::default()),
            Some(value) => value.known().map(BString::from),
        }
    }

    fn set(&mut self, name: &[u8], value: i64) {
        self.changed = true;
        self.state.set(name, Content::Text(value.to_string().as_str().into()));
    }
}

/// Of double quotes in arithmetic nothing is left in bash; for dash and ash they are what they are, and wrong.
fn unquoted(parts: &[Part]) -> Vec<Part> {
    let without = |text: &BString| text.iter().copied().filter(|b| *b != b'"').collect::<Vec<u8>>();
    let part = |part: &Part| match part {
        Part::Plain(text) => Part::Plain(without(text).into()),
        other => other.clone(),
    };
    parts.iter().map(part).collect()
}

/// All of it as one string.
pub fn concat(atoms: &[Atom]) -> Value {
    let mut whole = Value::from("");
    for atom in atoms {
        match atom {
            Atom::Text { value, .. } => whole.push(value),
            Atom::Break | Atom::Soft => whole.push(&" ".into()),
            Atom::Any(why) => whole.push(&Value::unknown(why.clone())),
            Atom::None => {}
        }
    }
    whole
}

/// All of it as a pattern.
pub fn pattern_of(atoms: &[Atom]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    for atom in atoms {
        match atom {
            Atom::Text { value, quoted: true, .. } => whole.extend(pattern::quote(value.known()?)),
            Atom::Text { value, .. } => whole.extend_from_slice(value.known()?),
            Atom::Break | Atom::Soft => whole.extend(b"\\ "),
            Atom::Any(_) => return None,
            Atom::None => {}
        }
    }
    Some(whole)
}

fn has_braces(part: &Part) -> bool {
    matches!(part, Part::Plain(text) if text.contains(&b'{') && (text.contains(&b',') || text.contains_str("..")))
}

/// Brace expansion of bash: the words that it makes; `None` if it is not followed.
fn brace_words(word: &Word) -> Option<Vec<Word>> {
    let index = word.parts.iter().position(has_braces)?;
    let Some(Part::Plain(text)) = word.parts.get(index) else { return None };
    let open = text.find_byte(b'{')?;
    let close = open + text.get(open..)?.find_byte(b'}')?;
    let inner = text.get(open + 1..close)?;
    if inner.contains(&b'{') || !inner.contains(&b',') {
        return None;
    }
    let mut words = Vec::new();
    for choice in inner.split_str(",") {
        let whole = [text.get(..open)?, choice, text.get(close + 1..)?].concat();
        let mut parts = word.parts.clone();
        *parts.get_mut(index)? = Part::Plain(whole.into());
        let next = Word { parts, span: word.span };
        if next.parts.iter().any(has_braces) {
            words.extend(brace_words(&next)?);
        } else {
            words.push(next);
        }
        if words.len() > MAX_WORDS {
            return None;
        }
    }
    Some(words)
}
