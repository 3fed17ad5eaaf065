//! Programs that a script starts: where they are found, whether the shell becomes them.

use bstr::{BStr, BString, ByteSlice};

use super::engine::Engine;
use super::job::{self, Noted};
use super::simple::Call;
use super::state::{Content, Flow, State};
use super::value::{Field, Status, Truth, Value};
use super::world::{Found, absolute};
use super::{Cause, Condition, End, Ending, Missing, Trap, Within};
use crate::format::shell::{Redirect, Redirection, Span};
use crate::launch::shell::{Place, Shell};

/// Commands that could not be run, likewise.
const MAX_MISSING: usize = 64;
/// What was looked up, likewise.
const MAX_LOOKED_UP: usize = 4096;

impl Engine<'_> {
    /// Runs a program; `becomes`: in place of the shell.
    pub fn spawn(&mut self, call: Call<'_>, state: State, becomes: bool) -> Vec<State> {
        let span = call.span;
        let Some(name) = call.argv.first().and_then(Field::known).map(BString::from) else {
            let text = format!("`{}` runs no program", self.excerpt(span));
            self.unless(&state, text, "the name of a program is not known", span);
            return self.start_program(&call, state, &BString::default(), becomes);
        };
        let (found, otherwise) = self.find(&name, &call, &state, becomes);
        // few programs have such names, and most functions have
        let is_named_so = name.contains(&b'_') && !name.contains(&b'/') && !becomes;
        let is_unseen = || match &found {
            Found::Program(path) => self.world.test(b'e', path.as_bstr()) == Truth::Unknown,
            found => matches!(found, Found::Unknown),
        };
        if state.open && is_named_so && is_unseen() {
            return vec![self.give_up(state, "a file that was read may define it as a function", span)];
        }
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

    pub(super) fn start_program(
        &mut self,
        call: &Call<'_>,
        mut state: State,
        name: &BString,
        becomes: bool,
    ) -> Vec<State> {
        let span = call.span;
        let tail = call.context.tail && self.is_replaced(call, &state);
        if (becomes || tail) && state.subshell == 0 && self.muted == 0 {
            if self.cleans_up(call, &state) {
                return vec![State { flow: Flow::Over, ..state }];
            }
            let end = End::Exec {
                argv: job::hide_ids(&call.argv),
                environment: environment(&state, &call.assigned),
                cwd: state.cwd.clone(),
                explicit: becomes,
                fed: state.input.is_some(),
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
        let states = self.run_as(call, state, name, becomes);
        if !becomes {
            return states;
        }
        let leave = |s: State| if s.flow == Flow::Next { s.exit_with_trap_gone() } else { s };
        states.into_iter().map(leave).collect()
    }

    /// Looks a program up; the code is what comes of it if no program before has made it.
    pub(super) fn find(&self, name: &BString, call: &Call<'_>, state: &State, becomes: bool) -> (Found, Option<u8>) {
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
            Found::Fails(code) if state.files.disturbed || self.may_be_made(name, search, state) => {
                (Found::Unknown, Some(code))
            }
            Found::Program(path) if !self.is_untouched(&path, name, search, state) => (Found::Unknown, None),
            found => (found, None),
        }
    }

    /// Whether a program that was found in the image is still what is found.
    pub(super) fn is_untouched(&self, path: &BString, name: &BString, search: Option<&BStr>, state: &State) -> bool {
        let absolute = absolute(path.as_bstr(), &state.cwd).unwrap_or_else(|| path.clone());
        let real = self.world.canonical(absolute.as_bstr()).flatten();
        let is = |path: &BString| state.files.is_untouched(path.as_bstr());
        let before = |element: &&[u8]| !path.starts_with(element) || path.get(element.len()..) != Some(&suffix(name));
        let own = |element: &[u8]| -> BString { [element, &suffix(name)].concat().into() };
        let mut earlier = search.into_iter().flat_map(|search| search.split_str(":").take_while(before));
        is(&absolute) && real.is_none_or(|real| is(&real)) && earlier.all(|element| is(&own(element)))
    }

    /// Whether a command before may have put a file of that name into a directory of PATH.
    pub(super) fn may_be_made(&self, name: &BString, search: Option<&BStr>, state: &State) -> bool {
        let untouched = |directory: &[u8]| {
            let path: BString =
                [if directory.is_empty() { b"." } else { directory }, b"/", name.as_slice()].concat().into();
            absolute(path.as_bstr(), &state.cwd).is_some_and(|path| state.files.is_untouched(path.as_bstr()))
        };
        let search = search.filter(|_| !name.contains(&b'/') && !state.files.is_clean());
        search.is_some_and(|search| !search.split_str(":").all(untouched))
    }

    /// Looks a program up in the image, once.
    pub(super) fn look_up(&self, name: &BString, search: Option<&BStr>, cwd: &BStr, becomes: bool) -> Found {
        let sought = (name.clone(), search.map(BStr::to_owned), cwd.to_owned(), becomes);
        let mut commands = self.commands.borrow_mut();
        if commands.len() > MAX_LOOKED_UP {
            commands.clear();
        }
        let look = || self.world.command(self.shell, name.as_bstr(), search, cwd, becomes);
        commands.entry(sought).or_insert_with(look).clone()
    }

    pub(super) fn not_found(
        &mut self,
        name: BString,
        code: u8,
        call: &Call<'_>,
        mut state: State,
        becomes: bool,
    ) -> Vec<State> {
        let errexit = state.options.errexit && !call.context.checked;
        let fatal = (becomes || errexit) && state.subshell == 0;
        if state.missing.len() < MAX_MISSING {
            let file = self.elsewhere(&state);
            state.missing.push(Missing { name, code, span: call.span, file, fatal });
        }
        state.status = Status::Code(code);
        state.complain();
        if becomes && state.options.strange && self.shell == Shell::Bash {
            return vec![self.give_up(state, "`execfail` may keep the shell", call.span)];
        }
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
    pub(super) fn is_replaced(&self, call: &Call<'_>, state: &State) -> bool {
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

    /// A child that may never end: the way may go on from there.
    pub fn note_child(&mut self, state: &mut State, program: Noted, within: Within, span: Span) -> Option<usize> {
        if self.muted > 0 {
            self.noted.push(program);
            return None;
        }
        let Noted { argv, environment, cwd, fatal, fed, .. } = program;
        let fatal = fatal && within.decides();
        if self.is_aftermath(state, &argv) {
            return None;
        }
        let argv = job::hide_ids(&argv);
        let at = self.record(state, End::Child { argv, environment, cwd, last: false, within, fatal, fed }, span);
        state.behind = at.into_iter().collect::<Vec<_>>().into();
        at
    }

    /// Whether what the shell becomes ends soon, behind the main program.
    fn cleans_up(&self, call: &Call<'_>, state: &State) -> bool {
        let is_short = || state.cwd.known().is_some_and(|cwd| self.world.run(&call.argv, cwd).short);
        state.signalled.is_none() && self.is_aftermath(state, &call.argv) && is_short()
    }

    /// Whether a program is of what is done when the main program has ended. A job that is waited for while a trap would
    /// take the signal is the main program; unless what follows has the arguments of the container.
    fn is_aftermath(&self, state: &State, argv: &[Field]) -> bool {
        let (given, signals) = (&self.invocation.arguments, &self.invocation.signals);
        let has_arguments = !given.is_empty() && argv.windows(given.len()).any(|words| words == given);
        let takes = |(name, trap): &(BString, Trap)| trap.action.is_some() && signals.contains(name);
        let is_main = |ending: &Ending| matches!(ending.end, End::Waits { .. }) && ending.traps.iter().any(takes);
        !has_arguments && state.behind.iter().any(|at| self.ending(*at).is_some_and(is_main))
    }

    /// Records an ending that the way may go on from.
    pub fn note(&mut self, state: &State, end: End, span: Span) -> Option<usize> {
        if self.muted > 0 { None } else { self.record(state, end, span) }
    }
}

fn suffix(name: &BString) -> Vec<u8> {
    [b"/", name.as_slice()].concat()
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
            all.push((name.to_owned(), value));
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.extend(assigned.iter().cloned());
    all
}

pub(super) fn trimmed(path: &BString) -> BString {
    let cut = path.trim_end_with(|c| c == '/');
    if cut.is_empty() { path.clone() } else { cut.into() }
}
