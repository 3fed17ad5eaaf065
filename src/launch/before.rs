//! What a script runs before it comes to its main program: under `set -e` it goes no further where that does not start.

use bstr::ByteSlice;

use super::outcome::{Outcome, Step, Via};
use super::program::{Running, leaves_files};
use super::script::{End, Ending, Status};
use super::scripts::{Called, role};

/// Programs before the main one that are looked at.
const MAX_BEFORE: usize = 8;

impl Running<'_> {
    /// The end of the script, if a program on the only way to `ending` is sure to fail and that ends the shell.
    pub(super) fn stumbles(&self, endings: &[Ending], ending: &Ending, steps: &mut Vec<Step>) -> Option<Outcome> {
        before(endings, ending).into_iter().rev().find_map(|earlier| {
            let (outcome, own) = self.fails(earlier)?;
            let outcome = trapped(endings, earlier, outcome)?;
            steps.extend(own);
            Some(outcome)
        })
    }

    fn fails(&self, earlier: &Ending) -> Option<(Outcome, Vec<Step>)> {
        let End::Child { argv, environment, cwd, fatal: true, .. } = &earlier.end else { return None };
        let mut steps = Vec::new();
        let disturbed = self.disturbed || !leaves_files(earlier);
        let (_, outcome) = self.aside(&Called { argv, environment, cwd }, role(earlier), disturbed, &mut steps)?;
        let pid = self.pid();
        steps.iter_mut().for_each(|step| step.pid = step.pid.max(pid));
        steps.iter_mut().take(1).for_each(|step| step.via = Via::Child);
        matches!(outcome, Outcome::Exits { code, .. } if code != 0).then_some((outcome, steps))
    }
}

/// What traps on EXIT and ERR make of it: the evaluation knows the end of the script for a failure of the program, if not by which
/// code.
fn trapped(endings: &[Ending], earlier: &Ending, outcome: Outcome) -> Option<Outcome> {
    let runs = |name: &str| ["EXIT", "ERR"].contains(&name);
    if !earlier.traps.iter().any(|(name, trap)| trap.action.is_some() && name.to_str().is_ok_and(runs)) {
        return Some(outcome);
    }
    let at = endings.iter().position(|ending| std::ptr::eq(ending, earlier))?;
    let failed =
        |e: &&Ending| e.behind.contains(&at) && e.when.iter().any(|c| c.unlikely && c.line == earlier.span.line);
    match endings.iter().find(failed).map(|ending| &ending.end)? {
        End::Exits { status: Status::Failed, .. } => Some(outcome),
        End::Exits { status: Status::Code(code), .. } => match outcome {
            Outcome::Exits { cause, .. } => Some(Outcome::Exits { code: *code, cause }),
            other => Some(other),
        },
        _ => None,
    }
}

/// The programs that had to end before `ending`, the last one first, as far as all ways have the same.
fn before<'e>(endings: &'e [Ending], ending: &'e Ending) -> Vec<&'e Ending> {
    let previous = |ending: &Ending| match ending.behind.as_slice() {
        [only] => endings.get(*only),
        _ => None,
    };
    std::iter::successors(previous(ending), |earlier| previous(earlier)).take(MAX_BEFORE).collect()
}
