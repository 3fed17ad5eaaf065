//! Simple commands (POSIX XCU 2.9.1): assignments, redirections, functions, programs.

use bstr::{BString, ByteSlice};

use super::engine::{Context, Engine};
use super::expand::Fail;
use super::redirection::feed;
use super::state::{Content, Flow, Function, State};
use super::value::{Field, Status, Value};
use super::{Cause, Condition};
use crate::format::shell::{Assignment, Command, Kind, Part, Redirection, Simple, Span, Word};
use crate::launch::shell::{Place, Shell};

/// What is wrong with such an assignment.
pub(super) const READONLY: &str = "a readonly variable is assigned";
/// Function calls within one another.
const MAX_CALLS: usize = 30;
/// Calls of a function within itself that hang on what is not known.
const MAX_UNKNOWN_CALLS: usize = 2;

/// A command whose words are expanded.
pub struct Call<'c> {
    /// Its words.
    pub argv: Vec<Field>,
    /// Assignments before them.
    pub assigned: Vec<(BString, Value)>,
    /// Where it stands.
    pub span: Span,
    /// How.
    pub context: Context,
    /// Its redirections.
    pub redirections: &'c [Redirection],
    /// `command`: functions do not count, errors of special built-ins do not end the shell.
    pub plain: bool,
}

impl Engine<'_> {
    /// A simple command.
    pub fn simple(&mut self, command: &Command, mut state: State, context: Context) -> Vec<State> {
        let Kind::Simple(simple) = &command.kind else { return vec![state] };
        let span = command.span;
        state.pending = None;
        state.last = (span, self.file.clone());
        let before = state.status;
        self.substituted = None;
        self.refused = false;
        let argv = match self.words(simple, &mut state) {
            Ok(argv) => argv,
            Err(fail) => return vec![self.fail(state, fail, span)],
        };
        let substituted = self.substituted;
        if argv.is_empty() {
            self.substituted = substituted;
            return self.assignments_only(simple, &command.redirections, state, span, context);
        }
        state.status = before;
        let assigned = match self.assigned(&simple.assignments, &mut state) {
            Ok(assigned) => assigned,
            Err(fail) => return vec![self.fail(state, fail, span)],
        };
        let call = Call { argv, assigned, span, context, redirections: &command.redirections, plain: false };
        if let Err(fail) = self.check_assigned(&call, &state) {
            return vec![self.fail(state, fail, span)];
        }
        let special = self.is_special(call.argv.first(), &state);
        let (output, input, errors) = (state.output.clone(), state.input.clone(), state.errors);
        self.reads = call.argv.first().and_then(Field::known).is_some_and(|name| name == "read");
        let redirected = self.redirect(&command.redirections, &mut state);
        self.reads = false;
        if let Err(fail) = redirected {
            let mut states = self.refused(state, fail, special, span, context);
            states.iter_mut().for_each(|s| s.restore_errors(errors));
            return states;
        }
        let doubt = std::mem::take(&mut self.doubt);
        let elsewhere = state.output.is_none() && output.is_some();
        let becomes = matches!(call.argv.first().and_then(Field::known).map(|n| n.as_bytes()), Some(b"exec"));
        let before = doubt.then(|| state.clone());
        let mut states = self.call(call, state);
        if let Some(before) = before {
            states = self.perhaps_refused(states, before, special, span, context);
        }
        if !becomes && !command.redirections.is_empty() {
            for state in &mut states {
                if feed(&command.redirections) {
                    state.input.clone_from(&input);
                }
                if elsewhere {
                    state.output.clone_from(&output);
                }
                state.restore_errors(errors);
            }
        }
        states
    }

    /// A redirection that may have failed, so that the command was not run.
    fn perhaps_refused(
        &mut self,
        mut states: Vec<State>,
        before: State,
        special: bool,
        span: Span,
        context: Context,
    ) -> Vec<State> {
        let errexit = before.options.errexit && !context.checked;
        if special || errexit || states.iter().all(|s| s.flow != Flow::Next) {
            let text = format!("a file of `{}` cannot be opened", self.excerpt(span));
            let mut without = before;
            without.when.push(Condition { text, line: span.line, unlikely: true });
            states.extend(self.refused(without, Fail::Redirection, special, span, context));
            return states;
        }
        let refused = self.redirection_status();
        for state in states.iter_mut().filter(|s| s.flow == Flow::Next) {
            state.status = state.status.join(refused);
            state.pending = None; // it is not what the shell comes to for certain
        }
        states
    }

    /// The words; those of `export` and its kind that assign are not split.
    fn words(&mut self, simple: &Simple, state: &mut State) -> Result<Vec<Field>, Fail> {
        let declares = matches!(
            simple.words.first().map(|w| w.parts.as_slice()),
            Some([Part::Plain(name)]) if matches!(name.as_slice(), b"export" | b"readonly" | b"local" | b"declare" | b"typeset")
        );
        if !declares {
            return self.fields(&simple.words, state);
        }
        let mut argv = Vec::new();
        for word in &simple.words {
            match split_assignment(word) {
                Some((name, append, value)) => {
                    self.declared(simple, Assignment { name: name.clone(), subscript: None, append, value }, state)?;
                    argv.push(Field::One(Value::Known(name)));
                }
                None => argv.extend(self.fields(std::slice::from_ref(word), state)?),
            }
        }
        Ok(argv)
    }

    /// `local name=value`: assigned here, and hidden first within a function.
    fn declared(&mut self, simple: &Simple, assignment: Assignment, state: &mut State) -> Result<(), Fail> {
        let command = simple.words.first().and_then(|w| w.parts.first());
        let hides = matches!(command, Some(Part::Plain(name)) if !matches!(name.as_slice(), b"export" | b"readonly"));
        let global = simple
            .words
            .iter()
            .any(|w| matches!(w.parts.as_slice(), [Part::Plain(f)] if f.starts_with(b"-") && f.contains(&b'g')));
        let mut inner = state.clone();
        let assigned = self.assign_one(&assignment, &mut inner);
        let name = &assignment.name;
        if hides && !global {
            state.hide(name, true);
            inner.locals.clone_from(&state.locals);
        }
        *state = inner;
        let readonly = matches!(assigned, Err(Fail::Exit(_, READONLY)));
        // bash error.c, `report_error`: with -e it exits there and then
        let exits = state.options.posix && !hides || state.options.errexit;
        let refused = readonly && self.shell == Shell::Bash && !exits;
        self.refused |= refused;
        match assigned {
            Err(_) if refused => Ok(()),
            Err(Fail::Exit(_, what)) if readonly && self.shell == Shell::Bash => Err(Fail::Exit(1, what)),
            assigned => assigned,
        }
    }

    fn assigned(&mut self, assignments: &[Assignment], state: &mut State) -> Result<Vec<(BString, Value)>, Fail> {
        let mut assigned = Vec::new();
        for assignment in assignments {
            let mut value = self.value(&assignment.value, state)?;
            if assignment.append {
                let mut old = state.text(&assignment.name).flatten().unwrap_or_else(|| "".into());
                old.push(&value);
                value = old;
            }
            assigned.push((assignment.name.clone(), value));
        }
        Ok(assigned)
    }

    fn assignments_only(
        &mut self,
        simple: &Simple,
        redirections: &[Redirection],
        mut state: State,
        span: Span,
        context: Context,
    ) -> Vec<State> {
        let saved = (state.output.clone(), state.input.clone(), state.errors);
        if let Err(fail) = self.redirect(redirections, &mut state) {
            return self.refused(state, fail, false, span, context);
        }
        (state.output, state.input, state.errors) = saved;
        for assignment in &simple.assignments {
            if let Err(fail) = self.assign_one(assignment, &mut state) {
                return vec![self.fail(state, fail, span)];
            }
        }
        let status = self.substituted.unwrap_or(Status::OK);
        self.checked(state.with(status), span, context, Some(true))
    }

    fn assign_one(&mut self, assignment: &Assignment, state: &mut State) -> Result<(), Fail> {
        let name = &assignment.name;
        let content = match (assignment.value.parts.as_slice(), &assignment.subscript) {
            ([Part::Array(None)], _) => Content::Opaque,
            ([Part::Array(Some(words))], _) => {
                let mut fields = self.fields(words, state)?;
                if assignment.append {
                    fields = [elements(state, name), fields].concat();
                }
                Content::Array(fields)
            }
            (_, Some(subscript)) => {
                let index = self.arithmetic(&subscript.parts, state)?;
                let value = self.value(&assignment.value, state)?;
                element(elements(state, name), index, value, assignment.append)
            }
            _ => {
                let mut value = self.value(&assignment.value, state)?;
                if assignment.append {
                    match state.text(name) {
                        Some(old) => {
                            let mut whole = old.unwrap_or_else(|| "".into());
                            whole.push(&value);
                            value = whole;
                        }
                        None => value = Value::unknown("it depends on the way taken"),
                    }
                }
                Content::Text(value)
            }
        };
        if state.set(name, content) {
            return Ok(());
        }
        match self.is_strict(state) || state.options.errexit {
            true => Err(Fail::Exit(self.readonly_code(state), READONLY)),
            false => self.give_up_line(READONLY, state),
        }
    }

    /// Runs what the first word names.
    pub fn call(&mut self, call: Call<'_>, state: State) -> Vec<State> {
        let Some(name) = call.argv.first().and_then(Field::known).map(BString::from) else {
            let text = format!("`{}` runs no program", self.excerpt(call.span));
            self.unless(&state, text, "the name of a command is not known", call.span);
            return self.run(&call, state, &BString::default());
        };
        // ksh93's own `sleep` takes as long as the program
        let sleeps = self.muted > 0 && name == "sleep" && self.shell == Shell::Ksh;
        if let Some(why) = self.call_outside(&call, &state).filter(|_| !sleeps) {
            return vec![self.give_up(state, why, call.span)];
        }
        let special = self.is_special(call.argv.first(), &state);
        let function = state.functions.get(&name).cloned().filter(|_| !call.plain && !special);
        if let Some(function) = function {
            return self.function(&function, call, state);
        }
        if super::builtin::is_builtin(self.shell, &name) && !sleeps {
            return self.builtin(&name, call, state);
        }
        self.spawn(call, state, false)
    }

    fn function(&mut self, function: &Function, call: Call<'_>, mut state: State) -> Vec<State> {
        if state.calls >= MAX_CALLS {
            return vec![self.give_up(state, "functions call one another without end", call.span)];
        }
        if self.goes_round(&call, &state) {
            let text = format!("`{}` calls itself again and again", self.excerpt(call.span));
            self.unless(&state, text, "a function calls itself again and again", call.span);
            return Vec::new();
        }
        let arguments = call.argv.get(1..).unwrap_or_default().to_vec();
        let (old, loops) = (std::mem::replace(&mut state.arguments, arguments.into()), state.loops);
        state.calls += 1;
        state.loops = 0;
        let name = call.argv.first().and_then(Field::known).map(BString::from).unwrap_or_default();
        state.frames.push((name, (*function.file).clone()));
        state.locals.push(Vec::new());
        for (name, value) in &call.assigned {
            state.hide(name, false);
            state.set(name, Content::Text(value.clone()));
            state.mark(name, |v| v.exported = true);
        }
        let source = std::mem::replace(&mut self.source, function.source.clone());
        let file = std::mem::replace(&mut self.file, function.file.clone());
        let origin = self.origin.take();
        let stays = !call.redirections.is_empty() || !self.shell.replaces_itself(Place::Function);
        let context = if stays { call.context.inner() } else { call.context };
        let mut states = self.command(&function.body, state, context);
        (self.source, self.file, self.origin) = (source, file, origin);
        for state in &mut states {
            let (arguments, locals) = self.stays_in_function(state.flow);
            if !arguments {
                state.arguments.clone_from(&old);
            }
            state.calls -= 1;
            state.frames.pop();
            state.loops = loops;
            match locals {
                true => drop(state.locals.pop()),
                false => state.uncover(),
            }
            if state.flow == Flow::Return {
                state.flow = Flow::Next;
            }
        }
        self.each(states, |engine, state| engine.checked(state, call.span, call.context, None))
    }

    /// Whether the trap on EXIT finds the arguments, and the local variables, of the function that the shell exits in, as
    /// measured.
    fn stays_in_function(&self, flow: Flow) -> (bool, bool) {
        match (flow, self.shell) {
            (Flow::Exit(Cause::Exit), Shell::Bash) => (true, true),
            (Flow::Exit(Cause::Errexit), Shell::Bash) => (true, false),
            (Flow::Exit(_), Shell::Dash | Shell::Ash) => (false, true),
            _ => (false, false),
        }
    }

    /// A function that calls itself, as often as what is not known has it.
    fn goes_round(&self, call: &Call<'_>, state: &State) -> bool {
        let Some(name) = call.argv.first().and_then(Field::known) else { return false };
        let same = state.frames.iter().filter(|(function, _)| function == name).count();
        same >= MAX_UNKNOWN_CALLS && state.when.len() >= same
    }
}

impl State {
    /// A subshell that has become a program is gone, and its EXIT trap with it.
    pub(super) fn exit_with_trap_gone(mut self) -> State {
        self.traps.clear();
        self.flow = Flow::Exit(Cause::Exit);
        self
    }
}

/// `name=value` or `name+=value` as a word.
fn split_assignment(word: &Word) -> Option<(BString, bool, Word)> {
    let Part::Plain(text) = word.parts.first()? else { return None };
    let (head, tail) = text.split_once_str("=")?;
    let (name, append) = head.strip_suffix(b"+").map_or((head, false), |n| (n, true));
    let proper = name.first().is_some_and(|b| crate::format::shell::is_name_start(*b));
    if !proper || !name.iter().all(|b| crate::format::shell::is_name(*b)) {
        return None;
    }
    let mut parts = Vec::new();
    if !tail.is_empty() {
        parts.push(Part::Plain(tail.into()));
    }
    parts.extend(word.parts.get(1..)?.iter().cloned());
    Some((name.into(), append, Word { parts, span: word.span }))
}

fn elements(state: &State, name: &BString) -> Vec<Field> {
    match state.variables.get(name).map(|v| &v.content) {
        Some(Content::Array(fields)) => fields.clone(),
        Some(Content::Text(value)) => vec![Field::One(value.clone())],
        Some(Content::Opaque) => vec![Field::Any("it depends on the way taken".into())],
        _ => Vec::new(),
    }
}

/// An array with one element set; only dense arrays are followed.
fn element(mut fields: Vec<Field>, index: Option<i64>, value: Value, append: bool) -> Content {
    let index = index.and_then(|i| usize::try_from(i).ok()).filter(|i| *i <= fields.len());
    let Some(index) = index.filter(|_| !append && fields.iter().all(|f| matches!(f, Field::One(_)))) else {
        return Content::Opaque;
    };
    match fields.get_mut(index) {
        Some(field) => *field = Field::One(value),
        None => fields.push(Field::One(value)),
    }
    Content::Array(fields)
}
