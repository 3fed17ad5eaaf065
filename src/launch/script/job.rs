//! Background jobs: what they run, what `$!` is, and what a shell does that is waiting for them when a signal comes.

use std::rc::Rc;

use bstr::{BString, ByteSlice};

use super::becoming::last_commands;
use super::engine::{Context, Engine};
use super::spawn::environment;
use super::state::{Content, Flow, State};
use super::value::{Field, Status, Value};
use super::{Cause, End, Failed, Job, Signalled, Started};
use crate::format::shell::{Command, Span};
use crate::launch::shell::Shell;

/// Jobs that are remembered.
const MAX_JOBS: usize = 64;
/// No process has such a number: PID_MAX_LIMIT of include/linux/threads.h.
const PID_MAX: usize = 4 << 20;
/// Signals by number (signal(7), x86 and ARM); the first is what `trap` calls EXIT.
pub const SIGNALS: [&str; 32] = [
    "EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
    "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH",
    "IO", "PWR", "SYS",
];

/// A program that may never end, seen from where no endings are recorded.
pub struct Noted {
    /// Its words.
    pub argv: Vec<Field>,
    /// Its environment.
    pub environment: Vec<(BString, Value)>,
    /// Its working directory.
    pub cwd: Value,
    /// The shell that runs it becomes it.
    pub direct: bool,
    /// The shell exits if it fails.
    pub fatal: bool,
    /// It certainly never ends by itself.
    pub never: bool,
    /// Its standard input may hold anything.
    pub fed: bool,
    /// Signals that it ignores, because its shell does.
    pub ignores: Vec<BString>,
    /// Its shell has a trap that does something.
    pub traps: bool,
}

/// What stands for the process id of a job: a number that no process has.
pub fn id(number: usize) -> BString {
    (PID_MAX + 1 + number).to_string().into()
}

/// The number of the job whose id this is.
pub fn number(id: &[u8]) -> Option<usize> {
    id.to_str().ok()?.parse::<usize>().ok()?.checked_sub(PID_MAX + 1).filter(|n| *n < MAX_JOBS)
}

/// The words with ids of jobs hidden: they are not what the program gets.
pub fn hide_ids(argv: &[Field]) -> Vec<Field> {
    let is_id = |field: &Field| field.known().is_some_and(|word| number(word).is_some());
    let hide =
        |field: &Field| if is_id(field) { Field::One(Value::filled("it is the id of a job")) } else { field.clone() };
    argv.iter().map(hide).collect()
}

/// The last commands of the job that is followed: see `becoming`.
#[derive(Default)]
pub struct Last {
    /// Where they stand.
    commands: Vec<Span>,
    /// In the text that is read at this depth of calls,
    calls: usize,
    /// and of texts that are read late.
    late: usize,
}

impl Engine<'_> {
    /// `command &`
    pub fn background(&mut self, command: &Command, mut state: State) -> Vec<State> {
        let before = self.noted.len();
        let mut inside = self.fork_for(command, &state);
        inside.started.clear();
        if !self.controls_jobs(&state) {
            inside.input = None; // XCU 2.9.3.1: as if it was /dev/null
        }
        let last = Last { commands: last_commands(self.shell, command), calls: state.calls, late: self.late };
        let outer = std::mem::replace(&mut self.last, last);
        self.muted += 1;
        let ends = self.command(command, inside, Context::CHECKED);
        self.muted -= 1;
        self.last = outer;
        let long = self.noted.drain(before..).next();
        let short = long.is_none() && !ends.is_empty();
        let first = || ends.iter().find_map(|s| s.started.first()).map(|s| s.argv.clone()).unwrap_or_default();
        let failed = state.failed.clone();
        for end in &ends {
            state.notice(end.signalled.as_ref());
            state.absorb(end, false);
        }
        let (status, failed) = match ends.as_slice() {
            [end] if short => {
                (end.status, std::mem::replace(&mut state.failed, failed).filter(|_| end.failed.is_some()))
            }
            _ => (Status::Unknown, None),
        };
        let noted = long.unwrap_or_else(|| Noted {
            argv: first(),
            environment: environment(&state, &[]),
            cwd: state.cwd.clone(),
            direct: false,
            fatal: false,
            never: false,
            fed: ends.iter().any(|end| end.input.is_some()),
            ignores: Vec::new(),
            traps: false,
        });
        match ends.as_slice() {
            [end] => {
                state.started.extend(end.started.iter().map(|s| Started { apart: true, ..s.clone() }));
                state.missing.clone_from(&end.missing);
            }
            _ => state.started.tear(),
        }
        if !short || ends.iter().any(|e| e.files.disturbed) {
            state.files.disturbed = true;
        }
        self.add_job(noted, command.span, short, (status, failed), &mut state);
        state.pending = None;
        vec![state.with(Status::OK)]
    }

    /// Whether `set -m` is in force; shells but bash want a terminal for it.
    fn controls_jobs(&self, state: &State) -> bool {
        state.options.monitor && self.shell == Shell::Bash
    }

    fn add_job(&mut self, noted: Noted, span: Span, short: bool, end: (Status, Option<Rc<Failed>>), state: &mut State) {
        let (status, failed) = end;
        let ignored = state.traps.iter().filter(|(_, trap)| trap.action.is_none()).map(|(name, _)| name.clone());
        // XCU 2.11: without job control
        let keys: &[&str] = if self.controls_jobs(state) { &[] } else { &["INT", "QUIT"] };
        let ignores: Vec<BString> = ignored.chain(keys.iter().map(|key| BString::from(*key))).collect();
        let number = state.spawned;
        let value = if number < MAX_JOBS {
            let Noted { argv, environment, cwd, direct, never, fed, ignores: own, traps, .. } = noted;
            let ignores = own.into_iter().chain(ignores).collect();
            let told = None;
            state.jobs.push(Job {
                number,
                argv: hide_ids(&argv),
                environment,
                cwd,
                span,
                short,
                never,
                direct,
                ignores,
                traps,
                told,
                fed,
                status,
                failed,
            });
            state.spawned += 1;
            Value::Known(id(number))
        } else {
            Value::filled("it is the id of a job")
        };
        state.mark(b"!", |v| v.content = Content::Text(value));
    }

    /// Whether the process of a job becomes the program that stands at `span`: nothing is left to do, not even for a trap.
    pub(super) fn is_becoming(&self, span: Span, state: &State) -> bool {
        let own = self.last.calls == state.calls && self.last.late == self.late;
        own && self.last.commands.contains(&span) && !state.traps.values().any(|trap| trap.action.is_some())
    }

    /// The ways that a shell takes which has come to the ending `at` and gets one of the signals that are asked about. It
    /// handles them at once there; those that it does not handle are no ways of the script.
    pub fn interrupted(&mut self, state: &State, at: Option<usize>) -> Vec<State> {
        let (Some(at), None, 0) = (at, &state.signalled, state.subshell) else { return Vec::new() };
        let signals = self.invocation.signals.clone();
        signals.into_iter().flat_map(|signal| self.signalled(state, at, signal)).collect()
    }

    fn signalled(&mut self, state: &State, at: usize, signal: BString) -> Vec<State> {
        let Some(index) = SIGNALS.iter().position(|name| signal == *name) else { return Vec::new() };
        let code = 128 + u8::try_from(index).unwrap_or_default();
        let trap = state.traps.get(&signal).map(|trap| trap.action.clone());
        let exits = state.traps.contains_key(b"EXIT".as_bstr()) && self.shell == Shell::Bash;
        let mut inside = state.clone();
        inside.pending = None;
        let running = trap.is_some();
        inside.signalled = Some(Signalled {
            signal,
            at,
            otherwise: false,
            paused: false,
            awaited: Vec::new(),
            running,
            dies: !running,
        });
        match trap {
            Some(Some(action)) => self.trapped(&action, inside, code),
            // bash handles signals that would end it, to run the trap on EXIT first (sig.c, `termsig_handler`)
            None if exits => vec![inside.exit(Status::Code(code), Cause::Exit)],
            _ => Vec::new(),
        }
    }

    /// Runs a trap; what was interrupted has the status `code`.
    fn trapped(&mut self, action: &Value, state: State, code: u8) -> Vec<State> {
        let Some(text) = action.known().map(BString::from) else {
            self.give_up(state, "what the trap runs is not known", Span::default());
            return Vec::new();
        };
        let waits = state
            .signalled
            .as_ref()
            .and_then(|s| self.ending(s.at))
            .is_some_and(|e| matches!(e.end, End::Waits { .. }));
        // `wait` was interrupted, and says so
        let state = if waits { state.with(Status::Code(code)) } else { state };
        let states = self.text(&text, state, Context::default());
        let after = |mut state: State| {
            if let Some(signalled) = &mut state.signalled {
                signalled.running = false;
            }
            match state.flow {
                Flow::Next | Flow::Return => State { flow: Flow::Next, ..state.with(Status::Code(code)) },
                _ => state,
            }
        };
        states.into_iter().map(after).collect()
    }
}
