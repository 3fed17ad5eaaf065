//! What a walk comes to: endings are recorded once, with what all ways there have in common.

use bstr::BString;

use super::engine::Engine;
use super::state::{Flow, State};
use super::world::absolute;
use super::{Condition, End, Ending};
use crate::format::shell::Span;

/// Endings that are kept.
const MAX_ENDINGS: usize = 256;

impl Engine<'_> {
    /// Records that nothing is known from here on if `text` holds, which is not to be expected.
    pub fn unless(&mut self, state: &State, text: String, why: &str, span: Span) {
        let mut other = state.clone();
        other.when.push(Condition { text, line: span.line, unlikely: true });
        self.give_up(other, why, span);
    }

    /// Records that nothing is known from here on.
    pub fn give_up(&mut self, mut state: State, why: &str, span: Span) -> State {
        self.record(&state, End::Unknown { why: why.to_owned() }, span);
        state.flow = Flow::Over;
        state
    }

    /// Records an ending; the same one is recorded once.
    pub fn record(&mut self, state: &State, end: End, span: Span) -> Option<usize> {
        if self.muted > 0 {
            return None;
        }
        let (text, file) = (self.excerpt(span), self.elsewhere(state));
        let span = self.origin.map_or(span, |line| Span { line, ..Span::default() });
        let traps = if state.subshell > 0 { &state.outer } else { &state.traps };
        let traps: Vec<_> = traps.iter().map(|(n, t)| (n.clone(), t.clone())).collect();
        let same = |e: &Ending| {
            e.end == end
                && e.span == span
                && e.file == file
                && e.traps == traps
                && e.jobs == *state.jobs
                && e.signalled == state.signalled
        };
        let known = self.endings.iter().position(same);
        let stays = matches!(end, End::Exec { .. } | End::Child { .. } | End::Waits { .. } | End::Loops { .. });
        if stays && state.signalled.is_none() {
            self.passed(state, known);
        }
        if let Some(index) = known {
            let old = self.endings.get_mut(index)?;
            let failure = |when: &[Condition]| when.iter().find(|c| c.unlikely).cloned();
            let failed = failure(&old.when).filter(|_| state.failure().is_some());
            let common = old.when.iter().zip(state.when.iter()).take_while(|(a, b)| a == b).count();
            old.when.truncate(common);
            if failure(&old.when).is_none() {
                old.when.extend(failed);
            }
            match state.behind.is_empty() || old.behind.is_empty() {
                true => old.behind.clear(),
                false => old
                    .behind
                    .extend(state.behind.iter().filter(|i| !old.behind.contains(i)).copied().collect::<Vec<_>>()),
            }
            let missing = state.missing.to_vec();
            old.missing.retain(|m| missing.contains(m));
            let common = old.started.iter().zip(state.started.iter()).take_while(|(a, b)| a == b).count();
            old.whole &= !state.started.is_torn() && old.started.len() == common && state.started.len() == common;
            old.started.truncate(common);
            old.open |= state.open;
            old.clean &= state.leaves_files();
            let more = state.files.changed().into_iter().filter(|path| !old.touched.contains(path));
            let more: Vec<BString> = more.collect();
            old.touched.extend(more);
            old.failed = old.failed.take().filter(|failed| Some(failed) == state.failed.as_ref());
            return Some(index);
        }
        if self.endings.len() >= MAX_ENDINGS {
            return None;
        }
        self.endings.push(Ending {
            when: state.when.to_vec(),
            end,
            text,
            span,
            file,
            traps,
            jobs: state.jobs.to_vec(),
            missing: state.missing.to_vec(),
            started: state.started.to_vec(),
            whole: !state.started.is_torn(),
            goes_on: false,
            behind: state.behind.to_vec(),
            clean: state.leaves_files(),
            open: state.open,
            touched: state.files.changed(),
            failed: state.failed.clone(),
            signalled: state.signalled.clone(),
        });
        Some(self.endings.len() - 1)
    }

    /// The file that commands are read from, if it is not the script.
    pub fn elsewhere(&self, state: &State) -> Option<BString> {
        let file = self.file.known().filter(|_| *self.file != self.invocation.name)?;
        Some(absolute(file, &state.cwd).filter(|_| file.contains(&b'/')).unwrap_or_else(|| file.to_owned()))
    }

    /// An ending that was recorded.
    pub fn ending(&self, at: usize) -> Option<&Ending> {
        self.endings.get(at)
    }

    /// Nothing comes after a program that never ends.
    pub fn stays(&mut self, at: Option<usize>) {
        if let Some(End::Child { last, .. }) = at.and_then(|at| self.endings.get_mut(at)).map(|e| &mut e.end) {
            *last = true;
        }
    }

    /// What ran before on this way has ended.
    pub fn passed(&mut self, state: &State, again: Option<usize>) {
        for index in state.behind.iter().filter(|index| Some(**index) != again) {
            if let Some(ending) = self.endings.get_mut(*index) {
                ending.goes_on = true;
            }
        }
    }
}
