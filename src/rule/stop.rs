//! What people see when they stop a container, for the rules that judge it.

use super::{Explanation, Subject, json_array, paste};
use crate::finding::{Blame, Confidence, ExitCodes, Field, Finding, Fix, Place, Severity};
use crate::launch::{Ending, Reaction, Start, Stop};

/// What a container that does not stop looks like.
pub const KILLED: &str = "every stop takes the whole grace period (10 s with docker, 30 s in Kubernetes) and ends with \
                          SIGKILL and exit code 137; requests in flight die with it";

impl<'a> Subject<'a> {
    /// What stopping does under the first current engine that runs the container.
    pub fn stop(&self) -> Option<&'a Stop> {
        self.launch.current().iter().find_map(|start| start.stop.as_ref())
    }

    /// What PID 1 does with a signal that the kernel drops, if that is more than possible.
    pub fn dropped(&self) -> Option<(&'a Stop, &'a Reaction)> {
        let stop = self.stop()?;
        let reaction = &stop.reaction;
        let alone = self.launch.current().iter().find(|start| start.stop.is_some())?.parents.is_empty();
        let killed = |reaction: &Reaction| {
            alone && !self.launch.cut && reaction.ending == Ending::Killed && reaction.confidence > Confidence::Possible
        };
        let others = self.launch.others.iter().flat_map(|way| way.starts.iter().find_map(|start| start.stop.as_ref()));
        (killed(reaction) && others.into_iter().all(|stop| killed(&stop.reaction))).then_some((stop, reaction))
    }

    /// A warning about stopping.
    pub fn stop_finding(&self, rule: &'static str, confidence: Confidence, place: Place, said: Explanation) -> Finding {
        let killed =
            |start: &Start| start.stop.as_ref().filter(|stop| stop.reaction.ending == Ending::Killed).map(|_| 137);
        let code = |index: usize| self.launch.current().get(index).and_then(|s| killed(s).or(s.seen()?.exit_code));
        let steps = self.launch.current().iter().find(|start| start.stop.is_some()).map(|start| &start.steps);
        // of a script it is the script's
        let own = if let Place::File { layer, .. } = &place { *layer } else { None };
        Finding {
            rule,
            severity: Severity::Warning,
            confidence,
            message: said.message,
            help: said.help,
            exit_codes: ExitCodes { docker: code(0), podman: code(1), kubernetes: code(2) },
            place,
            because: said.why,
            layer: said.layer.or(own).or_else(|| steps?.last()?.layer),
            fixes: said.fixes,
            blame: Blame::default(),
            suppression: None,
        }
    }

    /// The place of the first word of the command.
    pub fn first_word(&self) -> Place {
        let process = &self.launch.process;
        let (field, index) = process.origins.first().copied().flatten().unwrap_or((Field::Cmd, 0));
        Place::Config { field, index: Some(index) }
    }

    /// An init in front of the command, in the instruction that names it.
    pub fn with_init(&self) -> Option<Fix> {
        let process = &self.launch.process;
        let (field, _) = process.origins.first().copied().flatten()?;
        let own = process.origins.iter().take_while(|origin| origin.is_some_and(|(f, _)| f == field)).count();
        let init = ["tini".to_owned(), "--".to_owned()];
        let words: Vec<String> = init.into_iter().chain(process.argv.iter().take(own).cloned()).collect();
        let instruction = if field == Field::Entrypoint { "ENTRYPOINT" } else { "CMD" };
        paste::fix("an init as PID 1 (install the package tini)", format!("{instruction} {}", json_array(&words)))
    }
}
