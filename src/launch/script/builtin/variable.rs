//! Built-in commands that change variables: export, readonly, local, declare, unset, read, getopts, let.

use bstr::{BString, ByteSlice};

use crate::format::shell::{Part, Redirection, is_name, is_name_start};
use crate::launch::script::Cause;
use crate::launch::script::arithmetic::{self, Problem, Variables};
use crate::launch::script::engine::Engine;
use crate::launch::script::simple::{Call, READONLY};
use crate::launch::script::state::{Content, State, Variable};
use crate::launch::script::value::{Field, Status, Value, all_known, joined};
use crate::launch::shell::Shell;

fn is_proper(name: &[u8]) -> bool {
    name.first().is_some_and(|b| is_name_start(*b)) && name.iter().all(|b| is_name(*b))
}

impl Engine<'_> {
    /// Their assignments were made when the words were expanded.
    pub(super) fn export(&mut self, call: &Call<'_>, mut state: State, readonly: bool) -> State {
        let mut on = true;
        for field in call.argv.iter().skip(1) {
            let Some(word) = field.known().map(BString::from) else {
                state.open = true;
                continue;
            };
            match word.as_slice() {
                b"-p" => state.print(&Value::unknown("`export` prints it")),
                b"-n" => on = false,
                b"-f" if self.shell == Shell::Bash => state.mark(b"BASH_FUNC_exported%%", |v| {
                    // whatever it is called: the next bash knows a command more
                    *v = Variable { content: Content::Text("() { :; }".into()), exported: true, readonly: false };
                }),
                b"-f" | b"--" | b"-a" | b"-A" => {}
                name => {
                    let (name, value) = name.split_once_str("=").map_or((name, None), |(n, v)| (n, Some(v)));
                    if !is_proper(name) {
                        let code = if self.shell == Shell::Bash && !name.starts_with(b"-") { 1 } else { 2 };
                        return self.special_error(state, code, call, "a bad name is exported");
                    }
                    if let Some(value) = value
                        && !state.set(name, Content::Text(value.into()))
                    {
                        return match self.is_strict(&state) && !call.plain {
                            true => state.exit(Status::Code(self.refused_code()), Cause::Error(READONLY)),
                            false => state.with(Status::Code(self.refused_code())),
                        };
                    }
                    state.mark(name, |v| if readonly { v.readonly = true } else { v.exported = on });
                }
            }
        }
        let refused = self.refused;
        state.with(!refused)
    }

    pub(super) fn declare(&mut self, call: &Call<'_>, mut state: State, local: bool) -> State {
        if local && state.locals.is_empty() {
            let code = if self.shell == Shell::Bash { 1 } else { 2 };
            return if self.shell == Shell::Bash {
                state.with(Status::Code(1))
            } else {
                state.exit(
                    Status::Code(code),
                    crate::launch::script::Cause::Error("`local` stands outside of functions"),
                )
            };
        }
        let mut flags = Vec::new();
        for field in call.argv.iter().skip(1) {
            let Some(word) = field.known().map(BString::from) else {
                state.open = true;
                continue;
            };
            if let Some(letters) = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")) {
                flags.extend_from_slice(letters);
                continue;
            }
            let (name, value) = word.split_once_str("=").map_or((word.as_slice(), None), |(n, v)| (n, Some(v)));
            if !is_proper(name) {
                return state.with(Status::Unknown);
            }
            self.declare_one(name, value, &flags, &mut state);
        }
        state.with(Status::OK)
    }

    fn declare_one(&self, name: &[u8], value: Option<&[u8]>, flags: &[u8], state: &mut State) {
        if !flags.contains(&b'g') {
            state.hide(name, self.shell != Shell::Bash || value.is_some());
        }
        if let Some(value) = value {
            state.set(name, Content::Text(value.into()));
        }
        if flags.iter().any(|f| b"Ainlu".contains(f)) {
            state.set(name, Content::Opaque);
        }
        let (exported, readonly) = (flags.contains(&b'x'), flags.contains(&b'r'));
        if exported || readonly {
            state.mark(name, |v| {
                v.exported |= exported;
                v.readonly |= readonly;
            });
        }
    }

    pub(super) fn unset_names(&mut self, call: &Call<'_>, mut state: State) -> State {
        let mut functions = false;
        for field in call.argv.iter().skip(1) {
            let Some(word) = field.known().map(BString::from) else {
                state.open = true;
                continue;
            };
            match word.as_slice() {
                b"-f" => functions = true,
                b"-v" | b"--" => {}
                name if functions => drop(state.functions.remove(name.as_bstr())),
                name if name.contains(&b'[') => {
                    let base = name.split_once_str("[").map_or(name, |(n, _)| n);
                    state.set(base, Content::Opaque);
                }
                name if !is_proper(name) => {
                    if self.shell != Shell::Bash || name.starts_with(b"-") {
                        return self.special_error(state, 2, call, "a bad name is unset");
                    }
                }
                name => {
                    if !state.unset(name) {
                        let code = if self.shell == Shell::Bash { 1 } else { 2 };
                        return self.special_error(state, code, call, "a readonly variable is unset");
                    }
                    if self.shell == Shell::Bash {
                        state.functions.remove(name.as_bstr());
                    }
                }
            }
        }
        state.with(Status::OK)
    }

    pub(super) fn read(&mut self, call: &Call<'_>, mut state: State) -> State {
        let endless = |r: &Redirection| matches!(r.target.parts.as_slice(), [Part::Plain(path)] if path == "/dev/zero" || path == "/dev/full");
        if call.redirections.iter().any(endless) {
            return self.give_up(state, "`read` looks for the end of a line that has none", call.span);
        }
        let Some(words) = all_known(call.argv.get(1..).unwrap_or_default()) else {
            return self.give_up(state, "what `read` sets is not known", call.span);
        };
        let plain = words.iter().filter(|w| w.starts_with(b"-")).all(|w| *w == "-r");
        let array = words.iter().any(|w| w.starts_with(b"-") && w.contains(&b'a')) && self.shell == Shell::Bash;
        let raw = words.iter().any(|w| *w == "-r");
        let names: Vec<BString> = words.iter().filter(|w| is_proper(w)).map(|w| BString::from(*w)).collect();
        let fail = |mut state: State, value: Value, status| {
            for name in &names {
                let content = if array { Content::Opaque } else { Content::Text(value.clone()) };
                state.set(name, content);
            }
            state.with(status)
        };
        let text = match state.input.clone() {
            None if plain => return fail(state, "".into(), Status::Code(1)),
            Some(Value::Known(text)) if plain && (raw || !text.contains(&b'\\')) => text,
            _ => return fail(state, Value::unknown("it is read"), Status::Unknown),
        };
        if text.is_empty() {
            return fail(state, "".into(), Status::Code(1));
        }
        let (line, rest, whole) = match text.split_once_str("\n") {
            Some((line, rest)) => (line, rest, true),
            None => (text.as_slice(), &b""[..], false),
        };
        let assigned = call.assigned.iter().find(|(n, _)| n == "IFS").map(|(_, v)| v.known().map(BString::from));
        let Some(separators) = assigned.unwrap_or_else(|| self.separators(&state)) else {
            return fail(state, Value::unknown("it is read"), Status::Unknown);
        };
        let values = split(line, &separators, names.len());
        let Some(values) = values else { return fail(state, Value::unknown("it is read"), Status::from(whole)) };
        for (i, name) in names.iter().enumerate() {
            let value = values.get(i).cloned().unwrap_or_default();
            state.set(name, Content::Text(Value::Known(value)));
        }
        state.input = Some(rest.into());
        state.with(Status::from(whole))
    }

    /// getopts (POSIX); options that stand together, as in `-ab`, are not followed.
    pub(super) fn getopts(&mut self, call: &Call<'_>, mut state: State) -> State {
        let unknown = |mut state: State| {
            if let Some(name) = call.argv.get(2).and_then(Field::known) {
                state.set(name, Content::Opaque);
            }
            state.set(b"OPTARG", Content::Opaque);
            state.set(b"OPTIND", Content::Opaque);
            state.with(Status::Unknown)
        };
        let [_, options, name, own @ ..] = call.argv.as_slice() else { return state.with(Status::Code(2)) };
        let arguments = if own.is_empty() { state.arguments.to_vec() } else { own.to_vec() };
        let index = state.text(b"OPTIND").flatten().and_then(|v| v.known()?.to_str().ok()?.parse::<usize>().ok());
        let (Some(options), Some(name), Some(index), Some(words)) =
            (options.known(), name.known(), index.and_then(|i| i.checked_sub(1)), all_known(&arguments))
        else {
            return unknown(state);
        };
        let word = words.get(index).copied().unwrap_or_default().as_bytes();
        let set = |state: &mut State, name: &[u8], value: &[u8]| state.set(name, Content::Text(value.into()));
        let [b'-', letter, rest @ ..] = word else {
            set(&mut state, name, b"?");
            return state.with(Status::Code(1));
        };
        if word == b"--" {
            set(&mut state, name, b"?");
            set(&mut state, b"OPTIND", (index + 2).to_string().as_bytes());
            return state.with(Status::Code(1));
        }
        let Some(at) = options.find_byte(*letter).filter(|_| *letter != b':') else { return unknown(state) };
        let takes = options.get(at + 1) == Some(&b':');
        let next = match (takes, rest.is_empty()) {
            (false, true) => {
                state.unset(b"OPTARG");
                index + 2
            }
            (true, false) => {
                set(&mut state, b"OPTARG", rest);
                index + 2
            }
            (true, true) => match words.get(index + 1) {
                Some(argument) => {
                    set(&mut state, b"OPTARG", argument);
                    index + 3
                }
                None => return unknown(state),
            },
            (false, false) => return unknown(state),
        };
        set(&mut state, name, &[*letter]);
        set(&mut state, b"OPTIND", next.to_string().as_bytes());
        state.with(Status::OK)
    }

    /// `let`
    pub(super) fn calculate(&mut self, call: &Call<'_>, mut state: State) -> State {
        let text = joined(call.argv.get(1..).unwrap_or_default(), b",");
        let result = match text.known() {
            Some(text) => arithmetic::evaluate(text, false, &mut Scope(&mut state)),
            None => Err(Problem::Unknown),
        };
        state.with(match result {
            Ok(value) => Status::from(value != 0),
            Err(Problem::Error) => Status::Code(1),
            Err(Problem::Unknown) => Status::Unknown,
        })
    }
}

struct Scope<'a>(&'a mut State);

impl Variables for Scope<'_> {
    fn get(&self, name: &[u8]) -> Option<BString> {
        match self.0.text(name)? {
            None => Some(BString::default()),
            Some(value) => value.known().map(BString::from),
        }
    }

    fn set(&mut self, name: &[u8], value: i64) {
        self.0.set(name, Content::Text(value.to_string().as_str().into()));
    }
}

/// `read`: so many fields, the last with all that is left; `None` for separators that are not blanks, but for one alone.
fn split(line: &[u8], separators: &[u8], count: usize) -> Option<Vec<BString>> {
    let blank = |b: &u8| separators.contains(b) && b.is_ascii_whitespace();
    if separators.iter().any(|b| !b.is_ascii_whitespace()) && count > 1 {
        return None;
    }
    let mut rest = line;
    let mut fields = Vec::new();
    for i in 0..count {
        let skip = rest.iter().take_while(|b| blank(b)).count();
        rest = rest.get(skip..)?;
        if i + 1 == count {
            let tail = rest.iter().rev().take_while(|b| blank(b)).count();
            fields.push(rest.get(..rest.len() - tail)?.into());
        } else {
            let end = rest.iter().position(blank).unwrap_or(rest.len());
            fields.push(rest.get(..end)?.into());
            rest = rest.get(end..)?;
        }
    }
    Some(fields)
}
