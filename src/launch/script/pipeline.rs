//! Pipelines (POSIX XCU 2.9.2).

use bstr::{BString, ByteSlice};

use super::compound::base;
use super::engine::{Context, Engine};
use super::job::Noted;
use super::state::{Errors, State};
use super::value::{Status, Value};
use super::{Condition, Started, Within, program};
use crate::format::shell::{Command, Kind, Span};
use crate::launch::shell::{Place, Shell};

/// What the members of a pipeline have come to so far.
struct Members {
    /// What the pipeline ends with, as far as it has been followed.
    status: Status,
    /// What it prints.
    output: Option<Value>,
    /// What the next member reads.
    piped: Option<Value>,
    /// The shell behind it.
    after: State,
    /// Of the member that has the first program that may never end: whether it is the last, and nothing but that program.
    decides: Option<(bool, bool)>,
    /// No member has more than one end.
    certain: bool,
    /// A filter may fail, though it should not.
    doubted: bool,
    /// The first member prints for ever.
    endless: bool,
}

impl Engine<'_> {
    /// `a | b`: every member is a fork of the shell, the last one too.
    pub(super) fn pipeline(&mut self, commands: &[Command], state: State, span: Span, context: Context) -> Vec<State> {
        let before = self.noted.len();
        let mut members = Members {
            status: Status::OK,
            output: state.output.clone(),
            piped: None,
            after: state.clone(),
            decides: None,
            certain: true,
            doubted: false,
            endless: false,
        };
        for (i, command) in commands.iter().enumerate() {
            let last = i + 1 == commands.len();
            if last && context.tail && self.becomes_the_last(&state) {
                return self.command(command, State { input: members.piped, ..members.after }, context);
            }
            if last && state.options.lastpipe && !state.options.monitor && self.shell == Shell::Bash {
                if self.noted.len() > before {
                    return vec![self.give_up(
                        members.after,
                        "what is piped into the shell itself may never end",
                        span,
                    )];
                }
                return self.last_in_shell(command, members, context);
            }
            let ends = self.member(command, &state, &members, last, context);
            let Some(status) = ends.iter().map(|s| s.status).reduce(Status::join) else {
                return vec![self.give_up(members.after, "a member of the pipeline does not end", span)];
            };
            let long = self.noted.len() > before;
            let text = self.source.get(command.span.start..command.span.end).unwrap_or_default();
            members.endless |= i == 0 && is_endless(text, &ends);
            members.add(command, &ends, (status, last, long), &state);
        }
        self.piped(members, before, span, context)
    }

    /// One member: its ends.
    fn member(
        &mut self,
        command: &Command,
        state: &State,
        members: &Members,
        last: bool,
        context: Context,
    ) -> Vec<State> {
        let mut inside = self.fork_for(command, state);
        inside.output = if last { state.output.clone() } else { Some("".into()) };
        inside.input = members.piped.clone().or(inside.input);
        self.muted += 1;
        let ends = self.command(command, inside, Context { checked: context.checked, tail: false });
        let ends = ends.into_iter().flat_map(|s| self.leave_subshell(s)).collect();
        self.muted -= 1;
        ends
    }

    /// The shell behind a pipeline whose members have all ended.
    fn piped(&mut self, members: Members, before: usize, span: Span, context: Context) -> Vec<State> {
        let Members { status, output, mut after, decides, certain, doubted, .. } = members;
        after.pause();
        (after.output, after.status, after.pending) = (output, status, None);
        let noted: Vec<Noted> = self.noted.drain(before..).collect();
        let others = noted.len().saturating_sub(1);
        if let Some(first) = noted.into_iter().next() {
            let decides = match decides {
                Some((last, true)) => last || after.options.pipefail && others == 0 && status.success() != Some(false),
                _ => false,
            };
            let pending = self.note_child(&mut after, first, Within::Pipeline { decides }, span);
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
    fn last_in_shell(&mut self, command: &Command, members: Members, context: Context) -> Vec<State> {
        let Members { status: others, piped, after, .. } = members;
        let (input, pipefail) = (after.input.clone(), after.options.pipefail);
        let fed = State { input: piped, status: others, ..after };
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

impl Members {
    /// Takes in the ends of one more, which has this `status`.
    fn add(&mut self, command: &Command, ends: &[State], (status, last, long): (Status, bool, bool), state: &State) {
        if self.endless && state.options.pipefail && ends.iter().all(closes) {
            self.status = Status::Code(141); // SIGPIPE
        }
        let failed = self.status.success() == Some(false);
        self.status = match (state.options.pipefail, status.success()) {
            (false, _) if last => status,
            (false, _) | (true, Some(true)) => self.status,
            (true, Some(false)) => status,
            (true, None) if failed && self.endless && ends.iter().all(closes) => self.status,
            (true, None) if failed && is_filter(ends) => {
                self.doubted = true;
                self.status
            }
            (true, None) if failed => Status::Failed,
            (true, None) => Status::Unknown,
        };
        self.certain &= ends.len() == 1;
        if long && self.decides.is_none() {
            self.decides = Some((last, matches!(command.kind, Kind::Simple(_))));
        }
        let after = &mut self.after;
        for end in ends {
            after.notice(end.signalled.as_ref());
            after.absorb(end, ends.len() == 1);
            after.errors = after.errors.max(if state.errors == Errors::Aside { state.errors } else { end.errors });
        }
        let mut printed = Some(Value::unknown("a pipeline prints it"));
        match ends {
            [end] => {
                printed.clone_from(&end.output);
                after.started.extend(own(end, state.started.len()));
                after.missing.clone_from(&end.missing);
            }
            _ => after.started.tear(),
        }
        match last {
            true => self.output = self.output.take().and(printed),
            false => self.piped = printed.or_else(|| Some(Value::unknown("a pipeline feeds it"))),
        }
    }
}

/// Whether a member prints for ever, as long as somebody reads.
fn is_endless(text: &[u8], ends: &[State]) -> bool {
    let is = |end: &State, names: &[&str]| runs_last(end).is_some_and(|name| names.iter().any(|own| name == *own));
    let runs = |names: &[&str]| !ends.is_empty() && ends.iter().all(|end| is(end, names));
    let device = ["/dev/urandom", "/dev/random", "/dev/zero"].iter().any(|device| text.contains_str(device));
    runs(&["yes"]) || device && runs(&["cat", "tr", "base64", "strings"])
}

/// Whether a member is head(1), which ends before it has read all.
fn closes(end: &State) -> bool {
    runs_last(end).is_some_and(|name| name == "head")
}

/// The name of the program that a member runs last.
fn runs_last(end: &State) -> Option<BString> {
    Some(base(end.started.last()?.argv.first()?.known()?).into())
}

/// Whether all that a member runs last is a program that takes what it is fed, whatever that is.
fn is_filter(ends: &[State]) -> bool {
    !ends.is_empty() && ends.iter().all(|end| end.started.last().is_some_and(|s| program::is_filter(&s.argv)))
}

/// The programs that a fork ran, which began with what had run before.
fn own(inside: &State, before: usize) -> Vec<Started> {
    inside.started.since(before)
}
