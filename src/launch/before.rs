//! What a script runs before it comes to its main program: under `set -e` it goes no further where that does not start.

use super::outcome::{Outcome, Step, Via};
use super::program::{Running, leaves_files};
use super::script::{End, Ending};
use super::scripts::{Called, role};

/// Programs before the main one that are looked at.
const MAX_BEFORE: usize = 8;

impl Running<'_> {
    /// The end of the script, if a program on the only way to `ending` is sure to fail and that ends the shell.
    pub(super) fn stumbles(&self, endings: &[Ending], ending: &Ending, steps: &mut Vec<Step>) -> Option<Outcome> {
        before(endings, ending).into_iter().rev().find_map(|earlier| {
            let (outcome, own) = self.fails(earlier)?;
            steps.extend(own);
            Some(outcome)
        })
    }

    fn fails(&self, earlier: &Ending) -> Option<(Outcome, Vec<Step>)> {
        let End::Child { argv, environment, cwd, fatal: true, .. } = &earlier.end else { return None };
        if earlier.traps.iter().any(|(name, trap)| name == "EXIT" && trap.action.is_some()) {
            return None; // which may end it otherwise
        }
        let mut steps = Vec::new();
        let disturbed = self.disturbed || !leaves_files(earlier);
        let (_, outcome) = self.aside(&Called { argv, environment, cwd }, role(earlier), disturbed, &mut steps)?;
        let pid = self.pid();
        steps.iter_mut().for_each(|step| step.pid = step.pid.max(pid));
        steps.iter_mut().take(1).for_each(|step| step.via = Via::Child);
        matches!(outcome, Outcome::Exits { code, .. } if code != 0).then_some((outcome, steps))
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
