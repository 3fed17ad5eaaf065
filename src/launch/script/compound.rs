//! Compound commands, pipelines and lists (POSIX XCU 2.9.2 to 2.9.5).

use bstr::ByteSlice;

use super::Cause;
use super::engine::{Context, Engine, MAX_DEPTH};
use super::redirection::feed;
use super::state::{Catch, Flow, State};
use super::value::{Status, Truth};
use crate::format::shell::{Command, Kind, List, Span};
use crate::launch::shell::{Place, Shell};

impl Engine<'_> {
    /// Any command.
    pub fn command(&mut self, command: &Command, state: State, context: Context) -> Vec<State> {
        if self.depth >= MAX_DEPTH {
            return vec![self.give_up(state, "commands are nested too deep", command.span)];
        }
        if let Some(why) = self.outside(command, &state) {
            return vec![self.give_up(state, why, command.span)];
        }
        self.depth += 1;
        let checked = std::mem::replace(&mut self.checked, context.checked);
        let states = self.command_within(command, state, context);
        self.checked = checked;
        self.depth -= 1;
        states
    }

    fn command_within(&mut self, command: &Command, state: State, context: Context) -> Vec<State> {
        if matches!(command.kind, Kind::Simple(_)) {
            return self.simple(command, state, context);
        }
        if command.redirections.is_empty() {
            return self.compound(command, state, context);
        }
        let mut state = state;
        let (saved, input, errors) = (state.output.clone(), state.input.clone(), state.errors);
        match self.redirect(&command.redirections, &mut state) {
            Ok(()) => {}
            Err(fail) => {
                let mut failed = self.failed_redirection(state, fail, command.span, context);
                failed.restore_errors(errors);
                return vec![failed];
            }
        }
        let elsewhere = state.output.is_none() && saved.is_some();
        let kept = self.shell.replaces_itself(redirected(self.shell, &command.kind));
        let context = if kept { context } else { context.inner() };
        let mut states = match lone_subshell(&command.kind).filter(|_| matches!(self.shell, Shell::Dash | Shell::Ash)) {
            Some(list) => self.subshell(list, state, command.span, context),
            None => self.compound(command, state, context),
        };
        if feed(&command.redirections) {
            states.iter_mut().for_each(|s| s.input.clone_from(&input));
        }
        if elsewhere {
            states.iter_mut().for_each(|s| s.output.clone_from(&saved));
        }
        states.iter_mut().for_each(|s| s.restore_errors(errors));
        states
    }

    fn compound(&mut self, command: &Command, state: State, context: Context) -> Vec<State> {
        let span = command.span;
        let shell = self.shell;
        let within = |place| if shell.replaces_itself(place) { context } else { context.inner() };
        match &command.kind {
            Kind::Simple(_) => Vec::new(),
            Kind::And(left, right) => self.and_or(left, right, true, state, context),
            Kind::Or(left, right) => self.and_or(left, right, false, state, context),
            Kind::Not(inner) => {
                let negate = |s: State| {
                    let status = match s.status.success() {
                        Some(success) => Status::from(!success),
                        None => Status::Unknown,
                    };
                    State { pending: None, ..s.with(status) }
                };
                let states = self.command(inner, state, Context::CHECKED);
                self.each(states, |_, s| vec![negate(s)])
            }
            Kind::Pipeline(commands) => self.pipeline(commands, state, span, context),
            Kind::Group(list) => self.list(list, state, within(Place::Group)),
            Kind::Subshell(list) => self.subshell(list, state, span, within(Place::Subshell)),
            Kind::If { arms, otherwise } => self.choice(arms, otherwise, state, within(Place::Choice)),
            Kind::Loop { until, condition, body } => self.rounds(*until, condition, body, state, span, context),
            Kind::For { name, words, body } => {
                self.each_word(name, words.as_deref(), body, state, span, within(Place::For))
            }
            Kind::Count { control, body } => self.count(control, body, state, span, context),
            Kind::Case { word, arms } => self.case(word, arms, state, span, within(Place::Choice)),
            Kind::Function { name, .. } if self.refuses_function(name, &state) => {
                vec![state.exit(Status::Code(2), Cause::Error("a function may not have that name"))]
            }
            Kind::Function { name, body } => {
                let mut state = state.with(Status::OK);
                let function =
                    super::state::Function { body: body.clone(), source: self.source.clone(), file: self.file.clone() };
                state.functions.insert(name.clone(), function);
                vec![state]
            }
            Kind::Test(condition) => {
                let mut state = state;
                state.pending = None;
                match self.condition(condition, &mut state) {
                    Ok(truth) => self.checked(state.with(status(truth)), span, context, None),
                    Err(fail) => vec![self.fail(state, fail, span)],
                }
            }
            Kind::Arithmetic(word) => {
                let mut state = state;
                state.pending = None;
                match self.arithmetic(&word.parts, &mut state) {
                    Ok(value) => {
                        let truth = Truth::from(value.map(|v| v != 0));
                        self.checked(state.with(status(truth)), span, context, None)
                    }
                    Err(_) => self.checked(state.with(Status::Code(1)), span, context, None),
                }
            }
            Kind::Time(None) => vec![state.with(Status::OK)],
            Kind::Time(Some(inner)) => self.command(inner, state, context.inner()),
            Kind::Other(what) => vec![self.give_up(state, &format!("{what} is not followed"), span)],
        }
    }

    /// `set -e` after a command whose status nobody looks at.
    pub fn checked(&mut self, state: State, span: Span, context: Context, expected: Option<bool>) -> Vec<State> {
        if self.traps_errors(&state, context) {
            return self.err_trap(state, span, context, expected);
        }
        if context.checked || !state.options.errexit || state.flow != Flow::Next || state.status.success() == Some(true)
        {
            return vec![state];
        }
        let decided = self.decide(state, span, expected);
        decided
            .into_iter()
            .map(|(ok, s)| {
                if ok {
                    s
                } else {
                    let status = s.status;
                    s.exit(status, Cause::Errexit)
                }
            })
            .collect()
    }

    /// Whether bash runs its trap on ERR if this command has failed: where `set -e` would count, but in functions, sourced
    /// files and subshells (bash(1), *trap*).
    fn traps_errors(&self, state: &State, context: Context) -> bool {
        let here = state.options.errtrace || state.calls == 0 && state.subshell == 0;
        let own = self.shell == Shell::Bash && here && !context.checked;
        own && state.flow == Flow::Next
            && state.status.success() != Some(true)
            && state.traps.get(b"ERR".as_bstr()).is_some_and(|trap| trap.action.is_some())
    }

    fn err_trap(&mut self, state: State, span: Span, context: Context, expected: Option<bool>) -> Vec<State> {
        let mut states = Vec::new();
        for (succeeded, mut state) in self.decide(state, span, expected) {
            if succeeded {
                states.push(state);
                continue;
            }
            let status = state.status;
            let trap = state.traps.remove(b"ERR".as_bstr());
            let action = trap.as_ref().and_then(|trap| trap.action.as_ref()?.known().map(bstr::BString::from));
            let Some(text) = action else {
                states.push(self.give_up(state, "what the trap on ERR runs is not known", span));
                continue;
            };
            for state in self.text(&text, state, Context::CHECKED) {
                let mut state = if state.flow == Flow::Next { state.with(status) } else { state };
                if let Some(trap) = &trap {
                    state.traps.insert("ERR".into(), trap.clone());
                }
                let exits = state.options.errexit && state.flow == Flow::Next && !context.checked;
                states.push(if exits { state.exit(status, Cause::Errexit) } else { state });
            }
        }
        states
    }

    fn and_or(&mut self, left: &Command, right: &Command, and: bool, state: State, context: Context) -> Vec<State> {
        let states = self.command(left, state, Context::CHECKED);
        self.each(states, |engine, state| {
            let sides = engine.decide(state, left.span, None);
            let step = |(success, state): (bool, State)| {
                if success == and { engine.command(right, state, context) } else { vec![state] }
            };
            sides.into_iter().flat_map(step).collect()
        })
    }

    fn choice(&mut self, arms: &[(List, List)], otherwise: &List, state: State, context: Context) -> Vec<State> {
        let Some(((condition, body), rest)) = arms.split_first() else {
            let state = if otherwise.is_empty() { state.with(Status::OK) } else { state };
            return self.list(otherwise, state, context);
        };
        let states = self.list(condition, state, Context::CHECKED);
        let span = list_span(condition);
        self.each(states, |engine, state| {
            let mut ends = Vec::new();
            for (success, mut state) in engine.decide(state, span, None) {
                state.pending = None;
                ends.extend(match success {
                    true => engine.list(body, state, context),
                    false => engine.choice(rest, otherwise, state, context),
                });
            }
            ends
        })
    }

    /// `( … )`: what it does to itself is lost, its status is not.
    pub fn subshell(&mut self, list: &List, state: State, span: Span, context: Context) -> Vec<State> {
        let inside = self.fork(&state);
        // bash and ash run the last command of a subshell in it, unseen from here; ash even stays the process.
        let tail = context.tail && self.lets_go(&state);
        let catch = if is_negated(list) { Catch::Negated } else { inside.catch };
        let subshell = if tail { state.subshell } else { inside.subshell };
        let inside = State { subshell, catch, parenthesised: true, ..inside };
        let ends = self.list(list, inside, Context { tail, ..context });
        let mut states = Vec::new();
        for end in ends {
            for end in self.leave_subshell(end) {
                let mut outside = state.clone();
                outside.pause();
                outside.status = end.status;
                outside.output.clone_from(&end.output);
                outside.errors = end.errors;
                outside.absorb(&end, true);
                outside.files = end.files;
                outside.pending = end.pending;
                outside.behind = end.behind;
                outside.when = end.when;
                outside.notice(end.signalled.as_ref());
                outside.started = end.started;
                outside.missing = end.missing;
                states.extend(self.checked(outside, span, context, None));
            }
        }
        self.settle(states)
    }

    /// The state of a subshell that begins (XCU 2.12): traps that are not ignored are reset.
    pub fn fork(&self, state: &State) -> State {
        let mut inside = state.clone();
        if state.subshell == 0 {
            inside.outer.clone_from(&state.traps);
        }
        inside.subshell += 1;
        inside.catch = Catch::Subshell;
        inside.loops = 0;
        let errtrace = state.options.errtrace;
        inside.traps.retain(|name, t| t.action.is_none() || errtrace && *name == "ERR");
        inside.inherited = std::mem::take(&mut inside.jobs);
        inside.trapped = false;
        inside.pending = None;
        inside
    }

    /// The state of a member of a pipeline, or of a job, that begins. bash sets up nothing for an error to go to in a fork
    /// for a simple command (execute_cmd.c, `execute_simple_command`).
    pub fn fork_for(&self, command: &Command, state: &State) -> State {
        let inside = self.fork(state);
        let trapped = state.traps.get(b"EXIT".as_bstr()).is_some_and(|trap| trap.action.is_some());
        match (&command.kind, self.shell) {
            (Kind::Simple(_), Shell::Bash) if trapped => State { catch: Catch::Trapped, ..inside },
            (Kind::Simple(_), Shell::Bash) => State { catch: state.catch, ..inside },
            _ => inside,
        }
    }

    /// The end of a subshell: its EXIT trap.
    pub fn leave_subshell(&mut self, state: State) -> Vec<State> {
        if state.flow == Flow::Over { Vec::new() } else { self.leave(state) }
    }
}

/// Where a command within one that is redirected stands.
fn redirected(shell: Shell, kind: &Kind) -> Place {
    match kind {
        Kind::Subshell(_) => Place::SubshellRedirected,
        kind if shell == Shell::Ash && lone_subshell(kind).is_some() => Place::SubshellRedirected,
        Kind::Group(_) => Place::GroupRedirected,
        Kind::If { .. } | Kind::Case { .. } => Place::ChoiceRedirected,
        Kind::For { .. } => Place::ForRedirected,
        _ => Place::While,
    }
}

/// What is in `( … )`, with nothing but braces around. The parsers of dash and ash hang redirections on a subshell's own
/// node, and those that hung there before are lost: `{ ( … ) >a; } >b` does not open `a` (dash parser.c, `command`; busybox
/// ash.c, `parse_command`).
fn lone_subshell(kind: &Kind) -> Option<&List> {
    match kind {
        Kind::Subshell(list) => Some(list),
        Kind::Group(list) => match list.as_slice() {
            [only] if !only.background => lone_subshell(&only.command.kind),
            _ => None,
        },
        _ => None,
    }
}

/// `! …` alone.
fn is_negated(list: &List) -> bool {
    matches!(list.as_slice(), [only] if !only.background && matches!(only.command.kind, Kind::Not(_)))
}

fn status(truth: Truth) -> Status {
    truth.known().map_or(Status::Unknown, Status::from)
}

pub(super) fn list_span(list: &List) -> Span {
    let first = list.first().map(|s| s.command.span).unwrap_or_default();
    let last = list.last().map(|s| s.command.span).unwrap_or_default();
    Span { start: first.start, end: last.end, line: first.line }
}

/// The name of a program without its directories.
pub fn base(name: &[u8]) -> &[u8] {
    name.rsplit_once_str("/").map_or(name, |(_, n)| n)
}
