//! `case` (POSIX XCU 2.9.4.3), with `;&` and `;;&` of bash.

use super::engine::{Context, Engine};
use super::expand::Fail;
use super::state::State;
use super::value::{Status, Truth, Value};
use super::{Condition, pattern};
use crate::format::shell::{Arm, ArmEnd, Span, Word};

/// What `case` compares with its patterns.
struct Subject<'c> {
    value: Value,
    /// The word that it comes from.
    word: Span,
    /// The whole command.
    span: Span,
    arms: &'c [Arm],
    context: Context,
}

impl Engine<'_> {
    pub(super) fn case(
        &mut self,
        word: &Word,
        arms: &[Arm],
        mut state: State,
        span: Span,
        context: Context,
    ) -> Vec<State> {
        let value = match self.value(word, &mut state) {
            Ok(value) => value,
            Err(fail) => return vec![self.fail(state, fail, span)],
        };
        state.pending = None;
        let subject = Subject { value, word: word.span, span, arms, context };
        let (mut ends, left) = self.arms_from(0, &subject, state);
        ends.extend(left.into_iter().map(|state| state.with(Status::OK)));
        self.settle(ends)
    }

    /// Goes from this arm to the one that matches: the states behind that, and those that match none.
    fn arms_from(&mut self, first: usize, subject: &Subject<'_>, state: State) -> (Vec<State>, Vec<State>) {
        let (mut ends, mut left) = (Vec::new(), vec![state]);
        for (i, arm) in subject.arms.iter().enumerate().skip(first) {
            for mut state in std::mem::take(&mut left) {
                let truth = match self.arm(arm, &subject.value, &mut state) {
                    Ok(truth) => truth,
                    Err(fail) => {
                        ends.push(self.fail(state, fail, subject.span));
                        continue;
                    }
                };
                let asked = arm.patterns.first().map_or(subject.span, |p| p.span);
                let sides = match truth.known() {
                    Some(taken) => vec![(taken, state)],
                    None => self.either(state, subject.word, asked),
                };
                for (taken, state) in sides {
                    if taken {
                        ends.extend(self.enter(i, subject, state));
                    } else {
                        left.push(state);
                    }
                }
            }
            if left.is_empty() {
                break;
            }
        }
        (ends, left)
    }

    /// Both ways of an arm of `case`.
    fn either(&mut self, state: State, word: Span, pattern: Span) -> Vec<(bool, State)> {
        let text = |verb| format!("`{}` {verb} `{}`", self.excerpt(word), self.excerpt(pattern));
        let condition = |verb| Condition { text: text(verb), line: pattern.line, unlikely: false };
        let [mut yes, mut no] = [state.clone(), state];
        yes.when.push(condition("matches"));
        no.when.push(condition("does not match"));
        vec![(true, yes), (false, no)]
    }

    fn enter(&mut self, index: usize, subject: &Subject<'_>, state: State) -> Vec<State> {
        let Some(arm) = subject.arms.get(index) else { return vec![state] };
        let state = if arm.body.is_empty() { state.with(Status::OK) } else { state };
        let last = index + 1 == subject.arms.len() || arm.end == ArmEnd::Leave;
        let context = if last { subject.context } else { subject.context.inner() };
        let states = self.list(&arm.body, state, context);
        match arm.end {
            ArmEnd::Leave => states,
            ArmEnd::Enter => self.each(states, |engine, state| engine.enter(index + 1, subject, state)),
            ArmEnd::Match => self.each(states, |engine, state| {
                let (mut ends, left) = engine.arms_from(index + 1, subject, state);
                ends.extend(left); // the status of what was entered stays
                ends
            }),
        }
    }

    fn arm(&mut self, arm: &Arm, value: &Value, state: &mut State) -> Result<Truth, Fail> {
        let mut truth = Truth::No;
        for word in &arm.patterns {
            match self.matches(word, value, state)? {
                Truth::Yes => return Ok(if truth == Truth::No { Truth::Yes } else { truth }),
                Truth::Unknown => truth = Truth::Unknown,
                Truth::No => {}
            }
        }
        Ok(truth)
    }

    /// Whether a value matches a pattern.
    pub fn matches(&mut self, word: &Word, value: &Value, state: &mut State) -> Result<Truth, Fail> {
        let pattern = self.pattern(word, state)?;
        Ok(match (pattern, value.known()) {
            (Some(p), _) if p.iter().all(|b| *b == b'*') && !p.is_empty() => Truth::Yes,
            (Some(p), Some(text)) => Truth::from(pattern::matches(&p, text)),
            (Some(p), None) if p.is_empty() => Truth::from(value.is_empty()),
            _ => Truth::Unknown,
        })
    }
}
