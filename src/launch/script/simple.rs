//! Simple commands (POSIX XCU 2.9.1): assignments, redirections, functions, programs.

use bstr::{BStr, BString, ByteSlice};

use super::compound::{base, seconds};
use super::engine::{Context, Engine};
use super::expand::Fail;
use super::job::{self, Noted};
use super::program;
use super::state::{Content, Flow, Function, State};
use super::value::{Field, Status, Truth, Value, all_known};
use super::world::{Found, Run, absolute};
use super::{Cause, Condition, End, Missing, Started, Within};
use crate::format::shell::{Assignment, Command, Kind, Part, Redirect, Redirection, Simple, Span, Word};
use crate::launch::shell::{Place, Shell};

/// A sleep that takes as long, in seconds, is no pause.
const LONG: u64 = 60;
/// Function calls within one another.
const MAX_CALLS: usize = 30;
/// Calls of a function within itself that hang on what is not known.
const MAX_UNKNOWN_CALLS: usize = 4;
/// What is wrong with such an assignment.
const READONLY: &str = "a readonly variable is assigned";
/// Programs that are remembered.
const MAX_STARTED: usize = 256;
/// Commands that could not be run, likewise.
const MAX_MISSING: usize = 64;
/// What was looked up, likewise.
const MAX_LOOKED_UP: usize = 4096;

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
        state.last = span;
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
        let (output, input) = (state.output.clone(), state.input.clone());
        if let Err(fail) = self.redirect(&command.redirections, &mut state) {
            let special = is_special(call.argv.first()) && self.shell != Shell::Bash;
            return self.refused(state, fail, special, span, context);
        }
        let doubt = std::mem::take(&mut self.doubt);
        let elsewhere = state.output.is_none() && output.is_some();
        let becomes = matches!(call.argv.first().and_then(Field::known).map(|n| n.as_bytes()), Some(b"exec"));
        let mut states = self.call(call, state);
        if doubt {
            let refused = self.redirection_status();
            states.iter_mut().filter(|s| s.flow == Flow::Next).for_each(|s| s.status = s.status.join(refused));
        }
        if !becomes && !command.redirections.is_empty() {
            for state in &mut states {
                state.input.clone_from(&input);
                if elsewhere {
                    state.output.clone_from(&output);
                }
            }
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
        self.refused |= readonly && self.shell == Shell::Bash;
        if readonly && self.shell == Shell::Bash { Ok(()) } else { assigned }
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
        let saved = (state.output.clone(), state.input.clone());
        if let Err(fail) = self.redirect(redirections, &mut state) {
            return self.refused(state, fail, false, span, context);
        }
        (state.output, state.input) = saved;
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
        let code = if self.shell == Shell::Bash { 1 } else { 2 };
        Err(Fail::Exit(code, READONLY))
    }

    /// A redirection that failed: the command is not run.
    fn refused(&mut self, state: State, fail: Fail, special: bool, span: Span, context: Context) -> Vec<State> {
        if !matches!(fail, Fail::Redirection) {
            return vec![self.fail(state, fail, span)];
        }
        let status = self.redirection_status();
        if special && self.shell.in_part() {
            return vec![self.give_up(state, "what the shell does without the file is not followed", span)];
        }
        if special {
            return vec![state.exit(status, Cause::Error("a file cannot be opened"))];
        }
        self.checked(state.with(status), span, context, None)
    }

    /// The same for a compound command.
    pub fn failed_redirection(&mut self, state: State, fail: Fail, span: Span, _: Context) -> State {
        self.fail(state, fail, span)
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
        let special = is_special(call.argv.first()) && self.shell != Shell::Bash;
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
        state.frames.push((name, function.file.clone()));
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
            state.arguments.clone_from(&old);
            state.calls -= 1;
            state.frames.pop();
            state.loops = loops;
            state.uncover();
            if state.flow == Flow::Return {
                state.flow = Flow::Next;
            }
        }
        self.each(states, |engine, state| engine.checked(state, call.span, call.context, None))
    }

    /// A function that calls itself, as often as what is not known has it.
    fn goes_round(&self, call: &Call<'_>, state: &State) -> bool {
        let Some(name) = call.argv.first().and_then(Field::known) else { return false };
        let same = state.frames.iter().filter(|(function, _)| function == name).count();
        same >= MAX_UNKNOWN_CALLS && state.when.len() >= same
    }

    /// Runs a program; `becomes`: in place of the shell.
    pub fn spawn(&mut self, call: Call<'_>, state: State, becomes: bool) -> Vec<State> {
        let span = call.span;
        let Some(name) = call.argv.first().and_then(Field::known).map(BString::from) else {
            let text = format!("`{}` runs no program", self.excerpt(span));
            self.unless(&state, text, "the name of a program is not known", span);
            return self.start_program(&call, state, &BString::default(), becomes);
        };
        let (found, otherwise) = self.find(&name, &call, &state, becomes);
        if let Found::Fails(code) = found {
            return self.not_found(name, code, &call, state, becomes);
        }
        let mut absent = Vec::new();
        if let Some(code) = otherwise {
            let mut without = state.clone();
            let text = format!("no program that ran before has made `{name}`");
            without.when.push(Condition { text, line: span.line, unlikely: true });
            absent = self.not_found(name.clone(), code, &call, without, becomes);
        }
        let mut states = self.start_program(&call, state, &name, becomes);
        states.extend(absent);
        self.settle(states)
    }

    fn start_program(&mut self, call: &Call<'_>, mut state: State, name: &BString, becomes: bool) -> Vec<State> {
        let span = call.span;
        let tail = call.context.tail && self.is_replaced(call, &state);
        if (becomes || tail) && state.subshell == 0 && self.muted == 0 {
            let end = End::Exec {
                argv: job::hide_ids(&call.argv),
                environment: environment(&state, &call.assigned),
                cwd: state.cwd.clone(),
                explicit: becomes,
            };
            if becomes || !self.unsure {
                self.record(&state, end, span);
                state.flow = Flow::Over;
                return vec![state];
            }
            let condition = |text: &str| Condition { text: text.into(), line: span.line, unlikely: false };
            let mut replaced = state.clone();
            replaced.when.push(condition("the shell replaces itself by its last command"));
            self.record(&replaced, end, span);
            state.when.push(condition("the shell does not replace itself by its last command"));
        }
        let states = self.run(call, state, name);
        if !becomes {
            return states;
        }
        let leave = |s: State| if s.flow == Flow::Next { s.exit_with_trap_gone() } else { s };
        states.into_iter().map(leave).collect()
    }

    /// Looks a program up; the code is what comes of it if no program before has made it.
    fn find(&self, name: &BString, call: &Call<'_>, state: &State, becomes: bool) -> (Found, Option<u8>) {
        if name.is_empty() {
            // it is looked for as `dir/`, which execve(2) refuses
            return (Found::Fails(if becomes && self.shell != Shell::Bash { 126 } else { 127 }), None);
        }
        let assigned = call.assigned.iter().rev().find(|(n, _)| n == "PATH").map(|(_, v)| v.clone());
        let search = assigned.or_else(|| state.text(b"PATH").flatten());
        let Some(cwd) = state.cwd.known() else { return (Found::Unknown, None) };
        if name.contains(&b'/') {
            let path = absolute(name.as_bstr(), &state.cwd);
            if !path.is_some_and(|p| state.files.is_untouched(p.as_bstr())) {
                return (Found::Unknown, None);
            }
        }
        if search.as_ref().is_some_and(|s| s.known().is_none()) && !name.contains(&b'/') {
            return (Found::Unknown, None);
        }
        let search = search.as_ref().and_then(Value::known);
        match self.look_up(name, search, cwd, becomes) {
            Found::Fails(code) if state.files.disturbed => (Found::Unknown, Some(code)),
            found => (found, None),
        }
    }

    /// Looks a program up in the image, once.
    fn look_up(&self, name: &BString, search: Option<&BStr>, cwd: &BStr, becomes: bool) -> Found {
        let sought = (name.clone(), search.map(BStr::to_owned), cwd.to_owned(), becomes);
        let mut commands = self.commands.borrow_mut();
        if commands.len() > MAX_LOOKED_UP {
            commands.clear();
        }
        let look = || self.world.command(self.shell, name.as_bstr(), search, cwd, becomes);
        commands.entry(sought).or_insert_with(look).clone()
    }

    fn not_found(&mut self, name: BString, code: u8, call: &Call<'_>, mut state: State, becomes: bool) -> Vec<State> {
        let errexit = state.options.errexit && !call.context.checked;
        let fatal = (becomes || errexit) && state.subshell == 0;
        if state.missing.len() < MAX_MISSING {
            state.missing.push(Missing { name, code, span: call.span, fatal });
        }
        state.status = Status::Code(code);
        if becomes {
            // bash lets go of traps before execve(2), not when it finds nothing in PATH (builtins/exec.def)
            let tried = state.missing.last().is_some_and(|m| m.code == 126 || m.name.contains(&b'/'));
            let early = matches!(self.shell, Shell::Zsh | Shell::Ksh | Shell::Yash);
            if early || self.shell == Shell::Bash && tried {
                state.traps.remove(b"EXIT".as_bstr());
            }
            return vec![state.exit(Status::Code(code), Cause::Error("the program to become cannot be run"))];
        }
        self.checked(state, call.span, call.context, None)
    }

    /// Whether the shell saves itself a fork (bash execute_cmd.c, busybox ash.c `evalcommand`).
    fn is_replaced(&self, call: &Call<'_>, state: &State) -> bool {
        let is = |place| self.shell.replaces_itself(place);
        let here = |r: &Redirection| matches!(r.operator, Redirect::Here | Redirect::HereString);
        self.lets_go(state)
            && (state.calls == 0 || is(Place::Function))
            && (state.loops == 0 || is(Place::For))
            && (!call.redirections.iter().any(here) || is(Place::Here))
            && (call.redirections.iter().all(here) || is(Place::Redirected))
            && (!call.plain || is(Place::Command))
            && (call.assigned.is_empty() || is(Place::Assigned))
    }

    /// Whether no trap keeps the shell: it would have to come back to run it.
    pub fn lets_go(&self, state: &State) -> bool {
        let is = |place| self.shell.replaces_itself(place);
        let handled = state.traps.values().any(|trap| trap.action.is_some());
        // bash keeps itself for an EXIT trap that does nothing, too
        let exit = self.shell == Shell::Bash && state.traps.contains_key(b"EXIT".as_bstr());
        !handled
            && !exit
            && (state.traps.is_empty() || is(Place::TrapIgnored))
            && (!state.trapped || is(Place::TrapReset))
    }

    fn run(&mut self, call: &Call<'_>, mut state: State, name: &BString) -> Vec<State> {
        let apart = state.subshell > 0 || self.muted > 0;
        if state.started.len() < MAX_STARTED {
            state.started.push(Started { argv: call.argv.clone(), line: call.span.line, apart });
        }
        let run = match state.cwd.known() {
            Some(cwd) => self.world.run(&call.argv, cwd),
            None => Run::UNKNOWN,
        };
        let mut run = self.reliable(run, name, &call.argv, &state);
        // a loop sleeps between its rounds; elsewhere a long sleep is what the script is there for
        run.short &= state.loops > 0 || seconds(&call.argv).is_some_and(|seconds| seconds < LONG);
        if let Some(output) = &run.output {
            state.print(&Value::Known(output.clone()));
        } else if state.output.is_some() {
            let why = format!("`{}` prints it", self.excerpt(call.span));
            state.print(&Value::unknown(why));
        }
        self.effects(&call.argv, &run, &mut state);
        if let Some(signalled) = state.signalled.as_mut().filter(|_| !program::is_harmless(&call.argv)) {
            signalled.otherwise = true;
        }
        if !run.short {
            let environment = environment(&state, &call.assigned);
            let program = Noted { argv: call.argv.clone(), environment, cwd: state.cwd.clone() };
            let within = if state.subshell > 0 { Within::Subshell } else { Within::Shell };
            state.pending = self.note_child(&mut state, program, within, call.span);
            if run.never && self.muted == 0 {
                self.stays(state.pending);
                return vec![State { flow: Flow::Over, ..state }];
            }
        }
        state.status = run.status;
        self.checked(state, call.span, call.context, Some(true))
    }

    /// What programs print of files that were changed is not known.
    fn reliable(&self, run: Run, name: &BString, argv: &[Field], state: &State) -> Run {
        let reads = matches!(base(name), b"cat" | b"readlink" | b"realpath" | b"whoami" | b"id");
        let clean = all_known(argv).is_some_and(|words| {
            words.iter().skip(1).all(|w| absolute(w, &state.cwd).is_some_and(|p| state.files.is_untouched(p.as_bstr())))
        });
        if reads && !clean && run.short { Run { status: Status::Unknown, output: None, ..run } } else { run }
    }

    fn effects(&self, argv: &[Field], run: &Run, state: &mut State) {
        if run.disturbs {
            state.files.disturbed = true;
            return;
        }
        let cwd = state.cwd.clone();
        let mut touched = Vec::new();
        let named = program::touches(argv, |path, what| match absolute(path, &cwd) {
            Some(path) => touched.push((path, what)),
            None => touched.push(("/".into(), b'?')),
        });
        touched.into_iter().for_each(|(path, what)| state.files.touch(trimmed(&path), what));
        state.files.disturbed |= !named;
    }

    /// A child that may never end: the way may go on from there.
    pub fn note_child(&mut self, state: &mut State, program: Noted, within: Within, span: Span) -> Option<usize> {
        if self.muted > 0 {
            self.noted.push(program);
            return None;
        }
        let Noted { argv, environment, cwd } = program;
        let argv = job::hide_ids(&argv);
        let at = self.record(state, End::Child { argv, environment, cwd, last: false, within }, span);
        state.behind = at.into_iter().collect::<Vec<_>>().into();
        at
    }

    /// Records an ending that the way may go on from.
    pub fn note(&mut self, state: &State, end: End, span: Span) -> Option<usize> {
        if self.muted > 0 { None } else { self.record(state, end, span) }
    }

    /// Redirections (XCU 2.7), as far as they can fail or take output elsewhere.
    pub fn redirect(&mut self, redirections: &[Redirection], state: &mut State) -> Result<(), Fail> {
        for redirection in redirections {
            self.redirect_one(redirection, state)?;
        }
        Ok(())
    }

    fn redirect_one(&mut self, redirection: &Redirection, state: &mut State) -> Result<(), Fail> {
        let target = match (self.value(&redirection.target, state), redirection.operator) {
            // dash and ash expand it in a process of its own
            (Err(Fail::Exit(_, what)), Redirect::Here) => return Err(Fail::Unknown(what.into())),
            (target, _) => target?,
        };
        let writes = |fd: Option<u32>| fd.unwrap_or(1) == 1;
        match redirection.operator {
            Redirect::Here => state.input = Some(target),
            Redirect::HereString => {
                let mut text = target;
                text.push(&"\n".into());
                state.input = Some(text);
            }
            Redirect::Read | Redirect::Both => {
                self.open(&target, redirection.operator == Redirect::Both, state)?;
                if redirection.fd.unwrap_or(0) == 0 {
                    let null = target.known().is_some_and(|t| t == "/dev/null");
                    state.input = if null { None } else { Some(Value::unknown("it is read from a file")) };
                }
            }
            Redirect::Write | Redirect::Append | Redirect::WriteAll => {
                self.open(&target, true, state)?;
                if redirection.operator == Redirect::WriteAll || writes(redirection.fd) {
                    state.output = None;
                }
            }
            Redirect::DuplicateOutput if writes(redirection.fd) && state.output.is_some() => {
                match target.known().map(|t| t.as_bytes()) {
                    Some(b"1") => {}
                    Some(b"2" | b"-") => state.output = None,
                    _ => state.output = Some(Value::unknown("descriptors are exchanged")),
                }
            }
            Redirect::DuplicateOutput | Redirect::DuplicateInput => {}
        }
        Ok(())
    }

    /// Opens a file: fails only where that is certain.
    fn open(&mut self, target: &Value, write: bool, state: &mut State) -> Result<(), Fail> {
        let Some(path) = target.known().and_then(|t| absolute(t, &state.cwd)) else {
            state.files.disturbed |= write;
            return Ok(());
        };
        if path.starts_with(b"/dev/") || path.starts_with(b"/proc/") {
            return Ok(());
        }
        let path = path.as_bstr();
        let test = |operator, path: &bstr::BStr, state: &State| {
            state.files.test(operator, path, self.world.test(operator, path))
        };
        let there = test(b'e', path, state);
        let parent = program::dirname(path);
        let untouched = state.files.is_untouched(path);
        let fails = match (write, there) {
            (true, Truth::Yes) => {
                test(b'd', path, state) == Truth::Yes || untouched && self.world.test(b'w', path) == Truth::No
            }
            (true, Truth::No) => {
                let dir = test(b'd', parent.as_bstr(), state);
                let closed =
                    !state.files.is_made(parent.as_bstr()) && self.world.test(b'w', parent.as_bstr()) == Truth::No;
                dir == Truth::No || (dir == Truth::Yes && closed)
            }
            (false, Truth::Yes) => untouched && self.world.test(b'r', path) == Truth::No,
            (false, there) => there == Truth::No,
            _ => false,
        };
        if fails {
            return Err(Fail::Redirection);
        }
        let doubt = match write {
            true => there == Truth::Unknown && test(b'd', parent.as_bstr(), state) != Truth::Yes,
            false => there == Truth::Unknown,
        };
        self.doubt |= doubt;
        if write {
            state.files.touch(path.into(), if doubt { b'?' } else { b'f' });
        }
        Ok(())
    }
}

impl State {
    /// A subshell that has become a program is gone, and its EXIT trap with it.
    fn exit_with_trap_gone(mut self) -> State {
        self.traps.clear();
        self.flow = Flow::Exit(Cause::Exit);
        self
    }
}

/// What a program gets to see.
pub fn environment(state: &State, assigned: &[(BString, Value)]) -> Vec<(BString, Value)> {
    let mut all: Vec<(BString, Value)> = Vec::new();
    for (name, variable) in state.variables.iter().filter(|(_, v)| v.exported) {
        let value = match &variable.content {
            Content::Text(value) => value.clone(),
            Content::Opaque => Value::unknown("it depends on the way taken"),
            Content::Unset | Content::Array(_) => continue,
        };
        if !assigned.iter().any(|(n, _)| n == name) {
            all.push((name.clone(), value));
        }
    }
    all.extend(assigned.iter().cloned());
    all
}

fn trimmed(path: &BString) -> BString {
    let cut = path.trim_end_with(|c| c == '/');
    if cut.is_empty() { path.clone() } else { cut.into() }
}

/// Special built-ins (XCU 2.14): errors in them end dash and ash.
pub fn is_special(name: Option<&Field>) -> bool {
    const SPECIAL: &str = ". : break continue eval exec exit export readonly return set shift times trap unset";
    let Some(name) = name.and_then(Field::known) else { return false };
    SPECIAL.split(' ').any(|s| s.as_bytes() == name.as_bytes())
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
