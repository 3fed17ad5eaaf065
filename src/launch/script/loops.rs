//! `while`, `until` and `for` (POSIX XCU 2.9.4), as far as their rounds are followed.

use std::collections::BTreeMap;

use bstr::{BString, ByteSlice};

use super::compound::{base, list_span};
use super::engine::{Context, Engine};
use super::state::{Content, Flow, State};
use super::value::{Field, Status, Value};
use super::{Cause, End};
use crate::format::shell::{List, Part, Span, Word};

/// Rounds of a loop whose condition is not known, before it is left.
const OPEN_ROUNDS: usize = 2;

impl Engine<'_> {
    pub(super) fn rounds(
        &mut self,
        until: bool,
        condition: &List,
        body: &List,
        state: State,
        span: Span,
        context: Context,
    ) -> Vec<State> {
        let (mut ends, mut round) = (Vec::new(), Vec::new());
        let (mut waiting, before) = (None, state.behind.clone());
        // whether files decide in the condition, and in the body
        let (mut asks, mut acts) = (false, false);
        let mut left = vec![(State { loops: state.loops + 1, ..state.clone() }, 0, Status::OK)];
        for _ in 0..self.bounds.rounds {
            let mut next = Vec::new();
            for (start, open, status) in left {
                let compare = start.clone();
                let looked = self.looks.get();
                let tested = self.list(condition, start, Context::CHECKED);
                asks |= self.looks.get() > looked;
                for state in tested {
                    if state.flow != Flow::Next {
                        self.leave_loop(state, &mut ends, &mut next, open);
                        continue;
                    }
                    let unknown = state.status.success().is_none();
                    for (success, state) in self.decide(state, list_span(condition), None) {
                        if success == until {
                            ends.push(State { pending: None, ..state.with(status) });
                            continue;
                        }
                        let open = open + usize::from(unknown);
                        if open > self.open_rounds() {
                            self.widen(&compare, state, span, &mut ends);
                            continue;
                        }
                        let looked = self.looks.get();
                        let done = self.list(body, state, context.inner());
                        acts |= self.looks.get() > looked;
                        for state in done {
                            if state.flow == Flow::Next && state.is_same(&compare) && !unknown {
                                if let Some(at) = self.round_trips(&state, &before, span) {
                                    round.push(at);
                                    waiting = Some(state);
                                    continue;
                                }
                                let pause = pause(&compare, &state);
                                let at = self.record(&state, End::Loops { pause }, span);
                                for state in self.interrupted(&state, at) {
                                    match state.flow {
                                        // it goes on with what the trap has left
                                        Flow::Next => {
                                            ends.extend(self.rounds(until, condition, body, state, span, context))
                                        }
                                        Flow::Break(1) => {
                                            ends.push(State { flow: Flow::Next, ..state.with(Status::OK) })
                                        }
                                        Flow::Break(n) => ends.push(State { flow: Flow::Break(n - 1), ..state }),
                                        _ => ends.push(state),
                                    }
                                }
                                round.extend(at);
                                waiting = Some(state);
                                continue;
                            }
                            self.leave_loop(state, &mut ends, &mut next, open);
                        }
                    }
                }
            }
            left = next;
            if left.is_empty() {
                break;
            }
            if left.len() > self.ways().min(8) {
                left = join_rounds(left);
            }
        }
        for (state, ..) in left {
            let why = format!("a loop takes more than {} rounds", self.bounds.rounds);
            self.give_up(state, &why, span);
        }
        if let Some(state) = waiting.filter(|_| ends.iter().all(|s| s.flow != Flow::Next)) {
            ends.extend(self.ended_outside(state, (asks, condition), (acts, body)));
        }
        let leave = |mut s: State| {
            s.behind.extend(round.iter().copied());
            State { loops: state.loops, ..s }
        };
        let ends = ends.into_iter().map(leave).collect();
        self.settle(ends)
    }

    /// The program of a loop that goes round for ever, if it is one that may never end: that is where the shell is found.
    fn round_trips(&mut self, state: &State, before: &[usize], span: Span) -> Option<usize> {
        let at = *state.behind.last()?;
        let ending = self.endings.get_mut(at)?;
        // a function that is called in it may stand elsewhere
        let inside = ending.span.start >= span.start && ending.span.end <= span.end || !before.contains(&at);
        let is_child = matches!(ending.end, End::Child { .. }) && inside && ending.signalled.is_none();
        is_child.then(|| {
            ending.goes_on = false;
            at
        })
    }

    /// A loop that goes round as long as files do not change has come to its end: a volume, or another process, may have
    /// changed them. It is left by its condition, or by a `break` or `return` in its body.
    fn ended_outside(
        &self,
        mut state: State,
        (asks, condition): (bool, &List),
        (acts, body): (bool, &List),
    ) -> Option<State> {
        let text = |list: &List| self.source.get(list_span(list).start..list_span(list).end).unwrap_or_default();
        let says = |word: &str| acts && text(body).contains_str(word);
        state.flow = match () {
            () if asks || says("break") => Flow::Next,
            () if says("return") && state.calls > 0 => Flow::Return,
            () => return None,
        };
        let span = list_span(if asks { condition } else { body });
        let text = format!("`{}` comes to another end", self.excerpt(span));
        state.when.push(super::Condition { text, line: span.line, unlikely: false });
        state.files.disturbed = true;
        Some(state.with(Status::OK))
    }

    /// Fewer as steps run out.
    pub(super) fn open_rounds(&self) -> usize {
        if self.ways() > 1 { OPEN_ROUNDS } else { 1 }
    }

    /// A way that has gone round often enough: what the rounds changed is not known where it leaves.
    pub(super) fn widen(&mut self, before: &State, after: State, _: Span, ends: &mut Vec<State>) {
        let mut joined = after;
        if joined.join(before) {
            joined.status = Status::Unknown;
            joined.flow = Flow::Next;
            ends.push(joined);
        }
    }

    pub(super) fn leave_loop(
        &mut self,
        mut state: State,
        ends: &mut Vec<State>,
        next: &mut Vec<(State, usize, Status)>,
        open: usize,
    ) {
        match state.flow {
            Flow::Next | Flow::Continue(1) => {
                state.flow = Flow::Next;
                let status = state.status;
                next.push((state, open, status));
            }
            Flow::Break(1) => {
                state.flow = Flow::Next;
                state.status = Status::OK;
                ends.push(state);
            }
            Flow::Break(n) => ends.push(State { flow: Flow::Break(n - 1), ..state }),
            Flow::Continue(n) => ends.push(State { flow: Flow::Continue(n - 1), ..state }),
            _ => ends.push(state),
        }
    }

    /// bash gives up the loop, but for POSIX mode.
    fn readonly_variable(&mut self, state: State, span: Span, context: Context) -> Vec<State> {
        if !self.is_strict(&state) {
            return self.checked(state.with(Status::Code(1)), span, context, None);
        }
        let code = self.readonly_code(&state);
        vec![state.exit(Status::Code(code), Cause::Error("the variable of a loop is readonly"))]
    }

    pub(super) fn each_word(
        &mut self,
        name: &BString,
        words: Option<&[Word]>,
        body: &List,
        mut state: State,
        span: Span,
        context: Context,
    ) -> Vec<State> {
        let fields = match words {
            None => state.arguments.to_vec(),
            Some(words) => match self.fields(words, &mut state) {
                Ok(fields) => fields,
                Err(fail) => return vec![self.fail(state, fail, span)],
            },
        };
        let loops = state.loops;
        let status = if fields.is_empty() { Status::OK } else { state.status };
        let mut left = vec![State { loops: loops + 1, pending: None, ..state.with(status) }];
        let mut ends = Vec::new();
        for (i, field) in fields.iter().enumerate().take(self.bounds.rounds) {
            let last = i + 1 == fields.len();
            let value = match field {
                Field::One(value) => value.clone(),
                Field::Any(why) => Value::unknown(why.clone()),
            };
            let skipped = if matches!(field, Field::Any(_)) { left.clone() } else { Vec::new() };
            let mut next = Vec::new();
            for mut state in left {
                if !state.set(name, Content::Text(value.clone())) {
                    ends.extend(self.readonly_variable(state, span, context));
                    continue;
                }
                let context = if last { context } else { context.inner() };
                for state in self.list(body, state, context) {
                    let mut more = Vec::new();
                    self.leave_loop(state, &mut ends, &mut more, 0);
                    next.extend(more.into_iter().map(|(s, ..)| s));
                }
            }
            for (taken, other) in next.iter_mut().zip(&skipped) {
                taken.join(other);
            }
            left = self.settle(next);
        }
        if fields.len() > self.bounds.rounds {
            let why = format!("a loop takes more than {} rounds", self.bounds.rounds);
            left = left.into_iter().map(|s| self.give_up(s, &why, span)).collect();
        }
        ends.extend(left);
        let ends = ends.into_iter().map(|s| State { loops, ..s }).collect();
        self.settle(ends)
    }

    /// `for ((a; b; c))`, as the `while` that it is.
    pub(super) fn count(
        &mut self,
        control: &[Word; 3],
        body: &List,
        mut state: State,
        span: Span,
        context: Context,
    ) -> Vec<State> {
        let [first, condition, step] = control;
        let mut ends = Vec::new();
        if self.arithmetic(&first.parts, &mut state).is_err() {
            return vec![self.give_up(state, "the head of a loop is not followed", span)];
        }
        let loops = state.loops;
        let mut left = vec![(State { loops: loops + 1, ..state.with(Status::OK) }, 0)];
        for _ in 0..self.bounds.rounds {
            let mut next = Vec::new();
            for (mut state, open) in left {
                let goes_on = match condition.parts.as_slice() {
                    [] => Ok(Some(1)),
                    parts => self.arithmetic(parts, &mut state),
                };
                let open = match goes_on {
                    Ok(Some(0)) => {
                        ends.push(state);
                        continue;
                    }
                    Ok(Some(_)) => open,
                    Ok(None) if open < self.open_rounds() => {
                        ends.push(state.clone());
                        open + 1
                    }
                    Ok(None) => {
                        self.leave_open(state, &mut ends, span);
                        continue;
                    }
                    Err(_) => {
                        self.give_up(state, "the head of a loop is not followed", span);
                        continue;
                    }
                };
                for state in self.list(body, state, context.inner()) {
                    self.leave_loop(state, &mut ends, &mut next, open);
                }
            }
            left = self.stepped(next, &step.parts);
            if left.is_empty() {
                break;
            }
        }
        for (state, _) in left {
            let why = format!("a loop takes more than {} rounds", self.bounds.rounds);
            self.give_up(state, &why, span);
        }
        let ends = ends.into_iter().map(|s| State { loops, ..s }).collect();
        self.settle(ends)
    }

    /// It has gone round often enough: as after this round or an earlier one.
    fn leave_open(&mut self, state: State, ends: &mut Vec<State>, span: Span) {
        let with = |end: &State| {
            let mut joined = state.clone();
            joined.join(end).then_some(joined)
        };
        match ends.iter().rev().find_map(with) {
            Some(joined) => ends.push(State { status: Status::Unknown, ..joined }),
            None => drop(self.give_up(state, "the head of a loop is not followed", span)),
        }
    }

    /// After a round of `for ((a; b; c))`: what it left, by the number of rounds of which it is not known whether they come.
    fn stepped(&mut self, round: Vec<(State, usize, Status)>, step: &[Part]) -> Vec<(State, usize)> {
        let mut by_open: BTreeMap<usize, Vec<State>> = BTreeMap::new();
        for (mut state, open, _) in round {
            let _ = self.arithmetic(step, &mut state);
            by_open.entry(open).or_default().push(state);
        }
        let settled = by_open.into_iter().map(|(open, states)| (open, self.settle(states)));
        settled.flat_map(|(open, states)| states.into_iter().map(move |state| (state, open))).collect()
    }
}

/// The longest `sleep` of a round of a loop, if nothing in it takes longer.
pub(super) fn pause(before: &State, after: &State) -> Option<u64> {
    let round = after.started.since(before.started.len());
    round.iter().map(|started| seconds(&started.argv)).reduce(|a, b| Some(a?.max(b?))).unwrap_or(Some(0))
}

/// How long a program takes: only `sleep` takes long, of those that are known to end.
pub fn seconds(argv: &[Field]) -> Option<u64> {
    let (name, words) = argv.split_first()?;
    match (base(name.known()?), words) {
        (b"sleep", [time]) => {
            let time = time.known()?.to_str().ok()?;
            let (number, unit) = match time.strip_suffix(|c: char| c.is_ascii_alphabetic()) {
                Some(number) => (number, time.get(number.len()..)?),
                None => (time, "s"),
            };
            let unit = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)].iter().find(|(u, _)| *u == unit)?.1;
            Some((number.parse::<f64>().ok().filter(|n| *n >= 0.0)? * unit).ceil() as u64)
        }
        (b"sleep", _) => None,
        _ => Some(0),
    }
}

pub(super) fn join_rounds(left: Vec<(State, usize, Status)>) -> Vec<(State, usize, Status)> {
    let mut kept: Vec<(State, usize, Status)> = Vec::new();
    for (state, open, status) in left {
        let same = kept.iter_mut().find(|(k, o, s)| *o == open && *s == status && k.clone().join(&state));
        match same {
            Some((k, ..)) => drop(k.join(&state)),
            None => kept.push((state, open, status)),
        }
    }
    kept
}
