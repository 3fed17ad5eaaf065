//! Pipelines (POSIX XCU 2.9.2).

use super::engine::{Context, Engine};
use super::state::{Errors, State};
use super::value::{Status, Value};
use super::{Condition, Started, Within, program};
use crate::format::shell::{Command, Kind, Span};
use crate::launch::shell::{Place, Shell};

impl Engine<'_> {
    /// `a | b`: every member is a fork of the shell, the last one too.
    pub(super) fn pipeline(&mut self, commands: &[Command], state: State, span: Span, context: Context) -> Vec<State> {
        let (mut status, mut output) = (Status::OK, state.output.clone());
        let mut after = state.clone();
        let (before, mut long) = (self.noted.len(), false);
        let (mut piped, mut certain, mut doubted) = (false, true, false);
        // of the member that has the first program: whether it is the last, and nothing but that program
        let mut decides = None;
        for (i, command) in commands.iter().enumerate() {
            let last = i + 1 == commands.len();
            if last && context.tail && self.becomes_the_last(&state) {
                let fed = State { input: Some(Value::unknown("a pipeline feeds it")), ..after };
                return self.command(command, fed, context);
            }
            if last && i > 0 && state.options.lastpipe && !state.options.monitor && self.shell == Shell::Bash {
                if self.noted.len() > before {
                    return vec![self.give_up(after, "what is piped into the shell itself may never end", span)];
                }
                return self.last_in_shell(command, State { status, ..after }, status, context);
            }
            let mut inside = self.fork_for(command, &state);
            inside.output = if last { state.output.clone() } else { None };
            if piped {
                inside.input = Some(Value::unknown("a pipeline feeds it"));
            }
            piped = true;
            self.muted += 1;
            let ends = self.command(command, inside, Context { checked: context.checked, tail: false });
            let ends: Vec<State> = ends.into_iter().flat_map(|s| self.leave_subshell(s)).collect();
            self.muted -= 1;
            let Some(member) = ends.iter().map(|s| s.status).reduce(Status::join) else {
                // a member that never ends
                return vec![self.give_up(after, "a member of the pipeline does not end", span)];
            };
            status = match (last, state.options.pipefail, member.success()) {
                (true, false, _) => member,
                (_, true, Some(false)) => member,
                (_, true, Some(true)) => status,
                (_, true, None) if status.success() == Some(false) && is_filter(&ends) => {
                    doubted = true;
                    status
                }
                (_, true, None) if status.success() == Some(false) => Status::Failed,
                (_, true, None) => Status::Unknown,
                (false, false, _) => status,
            };
            certain &= ends.len() == 1;
            for end in &ends {
                after.notice(end.signalled.as_ref());
                long |= self.noted.len() > before;
                if long && decides.is_none() {
                    decides = Some((last, matches!(command.kind, Kind::Simple(_))));
                }
                if last {
                    output = match (output, &end.output) {
                        (Some(_), Some(new)) if ends.len() == 1 => Some(new.clone()),
                        (Some(_), _) => Some(Value::unknown("a pipeline prints it")),
                        (None, _) => None,
                    };
                }
                after.absorb(end);
                after.errors = after.errors.max(if state.errors == Errors::Aside { state.errors } else { end.errors });
            }
            match ends.as_slice() {
                [end] => {
                    after.started.extend(own(end, state.started.len()));
                    after.missing.clone_from(&end.missing);
                }
                _ => after.started.tear(),
            }
        }
        after.pause();
        after.output = output;
        after.status = status;
        after.pending = None;
        if long {
            let mut noted = self.noted.drain(before..);
            let (first, others) = (noted.next(), noted.count());
            let decides = match decides {
                Some((last, true)) => last || state.options.pipefail && others == 0 && status.success() != Some(false),
                _ => false,
            };
            let within = Within::Pipeline { decides };
            let pending = first.and_then(|program| self.note_child(&mut after, program, within, span));
            after.pending = pending.filter(|_| certain);
        }
        let mut states = Vec::new();
        if doubted {
            let text = format!("a filter of `{}` fails", self.excerpt(span));
            let mut other = after.clone().with(Status::Failed);
            other.when.push(Condition { text, line: span.line, unlikely: true });
            states = self.checked(other, span, context, None);
        }
        states.extend(self.checked(after, span, context, None));
        states
    }

    /// `lastpipe` of bash: the last member runs in the shell itself, which then looks at what the others ended with.
    fn last_in_shell(&mut self, command: &Command, state: State, others: Status, context: Context) -> Vec<State> {
        let (input, pipefail) = (state.input.clone(), state.options.pipefail);
        let fed = State { input: Some(Value::unknown("a pipeline feeds it")), ..state };
        let states = self.command(command, fed, context.inner());
        self.each(states, |_, mut state| {
            state.input.clone_from(&input);
            match (pipefail, state.status.success()) {
                (true, Some(true)) => state.status = others,
                (true, None) => state.status = Status::Unknown,
                _ => {}
            }
            vec![state]
        })
    }

    /// Whether the shell becomes the last member of a pipeline that comes last: its status is then the pipeline's.
    fn becomes_the_last(&self, state: &State) -> bool {
        self.shell.replaces_itself(Place::Pipeline) && self.muted == 0 && self.lets_go(state) && !state.options.pipefail
    }
}

/// Whether all that a member runs last is a program that takes what it is fed, whatever that is.
fn is_filter(ends: &[State]) -> bool {
    !ends.is_empty() && ends.iter().all(|end| end.started.last().is_some_and(|s| program::is_filter(&s.argv)))
}

/// The programs that a fork ran, which began with what had run before.
fn own(inside: &State, before: usize) -> Vec<Started> {
    inside.started.since(before)
}
