//! What a script runs before it comes to its end: some programs are sure to fail where they are started, and then the
//! script takes its way from there.

use std::cell::RefCell;

use super::outcome::{Cause, Outcome, Role, Step, StepKind, Via};
use super::program::{Next, Running};
use super::script::{Called, Failed, Fate, Programs};
use super::scripts::MAX_BRANCHES;
use super::shell::Shell;
use super::ways::Choices;

/// The shell that starts such programs.
pub(super) struct Starting<'r> {
    pub running: &'r Running<'r>,
    pub shell: Shell,
    /// What was executed until it had control.
    pub steps: &'r [Step],
}

impl Programs for Starting<'_> {
    fn fate(&self, called: &Called<'_>) -> Fate {
        let mut steps = self.steps.to_vec();
        let role = Role::ShellCommand { line: 0, sourced: false };
        let Some(outcome) = self.running.surely(self.shell, called, role, &mut steps) else { return Fate::Unknown };
        let own = steps.get(self.steps.len()..).unwrap_or_default();
        match outcome {
            // what goes on in the background is another question
            Outcome::Exits { cause: Cause::LeftBehind { .. } | Cause::ScriptEnds { left: Some(_), .. }, .. } => {
                Fate::Unknown
            }
            Outcome::Exits { code, .. } => Fate::Ends { code, acted: own.iter().any(|s| s.kind == StepKind::Shell) },
            Outcome::Runs if own.iter().all(|s| matches!(s.kind, StepKind::Elf | StepKind::Loader)) => Fate::Runs,
            _ => Fate::Unknown,
        }
    }
}

impl Running<'_> {
    /// What comes of a program that a shell starts as its child, if there is but one way to be expected.
    fn surely(&self, shell: Shell, called: &Called<'_>, role: Role, steps: &mut Vec<Step>) -> Option<Outcome> {
        if self.branches >= MAX_BRANCHES || !self.scripts.ask() {
            return None;
        }
        let ways = RefCell::new(Choices::default());
        let mut child = Running {
            disturbed: self.disturbed || called.changed,
            touched: self.touched.iter().chain(called.touched).cloned().collect(),
            since: steps.len(),
            branches: self.branches + 1,
            choices: Some(&ways),
            parents: Vec::new(),
            beside: Vec::new(),
            ..self.clone()
        };
        let words = child.take(called)?;
        let outcome = match child.command(shell, words, false, role, steps).ok()? {
            Next::Program(loaded) => child.follow(loaded, steps),
            Next::Ends(outcome) => child.doubted(outcome, steps),
        };
        ways.into_inner().is_only().then_some(outcome)
    }

    /// The end of a shell by a program that is sure to fail: why it does, with the steps that lead there.
    pub(super) fn failed(&self, shell: Shell, failed: &Failed, code: u8, steps: &mut Vec<Step>) -> Option<Outcome> {
        let Failed { argv, environment, cwd, changed, touched, fed, span, file, .. } = failed;
        let called = Called { argv, environment, cwd, changed: *changed, touched, fed: *fed };
        let role = Role::ShellCommand { line: span.line, sourced: file.is_some() };
        let (before, pid) = (steps.len(), self.pid());
        let mut tried = steps.clone();
        let Outcome::Exits { cause, .. } = self.surely(shell, &called, role, &mut tried)? else { return None };
        if failed.code != code && matches!(cause, Cause::ScriptEnds { .. }) {
            return None; // whoever looked at its code has decided otherwise
        }
        let own = tried.get_mut(before..).unwrap_or_default();
        own.iter_mut().for_each(|step| step.pid = step.pid.max(pid));
        own.iter_mut().take(1).for_each(|step| step.via = Via::Child);
        *steps = tried;
        Some(Outcome::Exits { code, cause })
    }
}
