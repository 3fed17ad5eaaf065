//! One prediction against one record.

use std::collections::BTreeMap;

use imagelint::launch::{Outcome, Phase, Start};
use serde_json::Value;

/// How a comparison ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Agree,
    Wrong(String),
    Unknown(String),
}

/// What became of a container, as `oracle.py` records it.
pub struct Record<'a>(pub &'a Value);

impl Record<'_> {
    fn started(&self) -> bool {
        self.0["start_ok"].as_bool().unwrap_or_default()
    }

    /// The exit code that the user sees: of `docker run` and `podman run`, or in the status.
    fn code(&self) -> Option<u64> {
        let run = self.0["run_rc"].as_u64().filter(|_| !self.started());
        run.or_else(|| self.0["exit_code"].as_u64())
    }

    fn summary(&self) -> String {
        let kind = match (self.started(), self.0["exited_by_itself"].as_bool()) {
            (false, _) => "fails",
            (true, Some(true)) => "exits",
            (true, _) => "runs",
        };
        format!(
            "{kind} {:?} {}",
            self.code(),
            self.0["error_text"].as_str().or(self.0["output"].as_str()).unwrap_or("")
        )
    }

    /// Holds `start` against this record.
    pub fn judge(&self, start: &Start) -> Verdict {
        let seen = start.seen();
        let code = seen.and_then(|s| s.exit_code).map(u64::from);
        let by_itself = self.0["exited_by_itself"].as_bool().unwrap_or_default();
        let agrees = match &start.outcome {
            Outcome::Unknown(why) => return Verdict::Unknown(why.clone()),
            // A program of its own ends as it likes: the test programs with 42, 0, or by a signal, scripts with 41, and
            // xargs(1) makes 123 of that.
            Outcome::Runs if by_itself => self.started() && matches!(self.code(), Some(0 | 41 | 42 | 123 | 129..=254)),
            Outcome::Runs | Outcome::Loops { .. } => self.started() && !by_itself,
            Outcome::Exits { .. } | Outcome::Fails { phase: Phase::Execve, .. } => {
                self.started() && by_itself && self.code() == code
            }
            Outcome::Fails { .. } => {
                !self.started() && (self.code().is_none() || code.is_none() || self.code() == code)
            }
        };
        // The reason in a container's status, where a CRI runtime gave one and it is predicted.
        let reason = (self.0["reason"].as_str(), seen.and_then(|s| s.reason));
        let agrees = agrees && !matches!(reason, (Some(measured), Some(predicted)) if measured != predicted);
        match agrees {
            true => Verdict::Agree,
            false => Verdict::Wrong(format!(
                "measured {}; predicted {code:?} {:?}",
                self.summary().replace('\n', " "),
                start.outcome
            )),
        }
    }
}

/// Counts by group.
#[derive(Default)]
pub struct Tally {
    groups: BTreeMap<String, [usize; 3]>,
    required: Vec<String>,
}

impl Tally {
    /// Adds one comparison.
    pub fn add(&mut self, group: &str, what: &str, verdict: Verdict) {
        let told = self.required.iter().any(|g| g == group);
        let counts = self.groups.entry(group.to_owned()).or_default();
        match verdict {
            Verdict::Agree => counts[0] += 1,
            Verdict::Wrong(why) => {
                counts[1] += 1;
                if told {
                    println!("DISAGREE {group}: {what}: {why}");
                }
            }
            Verdict::Unknown(why) => {
                counts[2] += 1;
                if told {
                    println!("unknown  {group}: {what}: {why}");
                }
            }
        }
    }

    /// Disagreement in this group is a failure, and at most one in a hundred may be unknown.
    pub fn require(&mut self, group: &str) {
        self.required.push(group.to_owned());
    }

    pub fn print(&self) {
        let mut total = [0; 3];
        for (group, counts) in &self.groups {
            let mark = if self.required.contains(group) { "" } else { "   (not yet predicted)" };
            println!("{group:<24} agree {:>5}  disagree {:>4}  unknown {:>4}{mark}", counts[0], counts[1], counts[2]);
            if self.required.contains(group) {
                total.iter_mut().zip(counts).for_each(|(t, c)| *t += c);
            }
        }
        println!("total: agree {}, disagree {}, unknown {}", total[0], total[1], total[2]);
        println!("{} passed, {} failed", total[0] + total[2], total[1]);
    }

    pub fn is_good(&self) -> bool {
        let mut total = [0; 3];
        for group in &self.required {
            let counts = self.groups.get(group).copied().unwrap_or_default();
            total.iter_mut().zip(counts).for_each(|(t, c)| *t += c);
        }
        total[0] > 0 && total[1] == 0 && total[2] * 100 <= total.iter().sum::<usize>()
    }
}
