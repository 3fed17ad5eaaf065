//! The line of processes from PID 1 to the main program, and how far a signal comes down it.
//!
//! The kernel delivers the signal to PID 1 only; from there it goes on as far as every parent passes it on. Below PID 1
//! the default action counts: what has no handler dies of the signal (signal(7)), and a shell that dies leaves its child
//! without word of it.

use bstr::BString;

use super::{Confidence, Disposition, Ending, Known, Nature, Pid1, Reaction, Signal};
use crate::launch::family::{Branch, Held, Parent, Stays};
use crate::launch::outcome::{Cause, Outcome, Step, StepKind};
use crate::launch::script::{self, End, Status};
use crate::launch::shell::Shell;
use crate::launch::wrapper::{Passing, Relay, Relays};
use crate::rootfs::View;

/// A loop that looks at its traps at least that often ends in time, in seconds.
const SOON: u64 = 2;

/// One that looks at them no more often is killed in most stops: the grace period of Kubernetes, in seconds.
const GRACE: u64 = 30;

/// A line of processes.
pub struct Line<'a> {
    /// What they see.
    pub view: &'a View<'a>,
    /// What is executed in them.
    pub steps: &'a [Step],
    /// Those that stay as parents.
    pub parents: &'a [Parent],
    /// Its first process is a child.
    pub below: bool,
}

impl Line<'_> {
    /// What the container comes to when the process at `level`, 0 for the first, gets `signal`.
    pub fn react(&self, level: usize, signal: Signal, known: &mut Known) -> Reaction {
        let child = level > 0 || self.below;
        match (signal, self.parents.get(level)) {
            (Signal::KILL, _) | (Signal::STOP, _) => Reaction::of_kernel(signal),
            (_, Some(Parent::Wrapper(relay))) => self.relayed(relay, level, signal, known),
            (_, Some(Parent::Shell(held))) => self.shell(held, level, signal, known),
            (_, None) => self.program(level, child, signal, known),
        }
    }

    /// A program that may soon end by itself, below a parent that then ends with another code: which one it is that people
    /// see cannot be told.
    pub fn ends_otherwise(&self, known: &mut Known) -> Option<String> {
        let changes = |parent: &Parent| match parent {
            Parent::Wrapper(relay) => relay.passing == Passing::Xargs,
            Parent::Shell(held) => matches!(held.then, Some(Status::Code(code)) if code != 0),
        };
        self.parents.iter().any(changes).then_some(())?;
        let level = self.parents.len();
        let step = self.step(level).filter(|step| step.kind == StepKind::Elf)?;
        let name = step.argv.first().cloned().unwrap_or_default();
        let program = self.program(level, false, Signal::TERM, known);
        let is_tool = program.nature == Nature::Tool && program.disposition == Disposition::Default;
        is_tool.then(|| format!("`{name}` may end by itself, and the exit code is then another one than its own"))
    }

    /// The end of a script whose program is sure to end: what its code has is no function that waits.
    pub fn ends_with(&self) -> Option<Outcome> {
        let Some(Parent::Shell(held)) = self.parents.last() else { return None };
        let Some(Status::Code(code)) = held.then.filter(|then| *then != Status::OK) else { return None };
        let step = self.step(self.parents.len()).filter(|step| step.kind == StepKind::Elf)?;
        let ends = self.view.code(step.ino?).is_some_and(|program| program.ends());
        let path = held.script.clone().unwrap_or_default();
        let cause = Cause::ScriptEnds { path, line: held.line, code, left: None };
        let outer = self.parents.iter().rev().skip(1);
        ends.then(|| outer.fold(Outcome::Exits { code, cause }, |outcome, parent| parent.pass(outcome)))
    }

    /// The last program that is executed in the process at `level`.
    pub fn step(&self, level: usize) -> Option<&Step> {
        let is_own = |step: &&Step| step.pid.max(1) as usize == level + 1 && step.kind != StepKind::Loader;
        self.steps.iter().rfind(is_own)
    }

    fn program(&self, level: usize, child: bool, signal: Signal, known: &mut Known) -> Reaction {
        let Some(step) = self.step(level) else { return Reaction::unknown("which program gets it is not known") };
        let reaction = match known.iter().find(|(other, sent, _)| other == step && *sent == signal) {
            Some((.., reaction)) => reaction.clone(),
            None => {
                let program = Pid1 { view: self.view, step: step.clone() };
                let reaction = program.reaction(signal);
                known.push((step.clone(), signal, reaction.clone()));
                reaction
            }
        };
        let reaction = if child { reaction.below_pid_1(signal) } else { reaction };
        // nohup(1) ignores it, and so does what it becomes
        let is_nohup = |step: &Step| step.pid.max(1) as usize == level + 1 && step.path.ends_with(b"/nohup");
        match signal == Signal(1) && self.steps.iter().any(is_nohup) {
            true => reaction.told_to_ignore(signal),
            false => reaction,
        }
    }

    fn relayed(&self, relay: &Relay, level: usize, signal: Signal, known: &mut Known) -> Reaction {
        let name = &relay.name;
        let child = level > 0 || self.below;
        let (relays, sent) = relay.on(signal.0);
        let sent = Signal(sent);
        let on = |reaction: Reaction, whom: &str| {
            let why = format!("`{name}` passes {signal} on to {whom}; {}", reaction.why);
            let exit_code = reaction.exit_code.map(|code| relay.passing.ended(code, sent.0));
            Reaction { disposition: Disposition::Forwards, why, exit_code, reaches: reaction.reaches + 1, ..reaction }
        };
        match relays {
            Relays::Nothing => {
                let why = format!("`{name}` does nothing on {signal} and passes nothing on to its child");
                Reaction::dropped(child, signal, why, Confidence::Certain)
            }
            Relays::Child => on(self.react(level + 1, sent, known), "its child"),
            Relays::Group => on(self.group(level + 1, sent, known), "the process group of its child"),
            Relays::Ends => {
                let reaction = self.react(level + 1, sent, known);
                let why = format!("`{name}` passes {signal} on to its child and ends at once");
                let (ending, exit_code, reaches) = (Ending::Stops, Some(relay.ends), reaction.reaches + 1);
                let main_told = reaction.main_told.filter(|told| !told); // it may be killed before it acts on it
                Reaction { disposition: Disposition::Forwards, ending, main_told, exit_code, why, reaches, ..reaction }
            }
            Relays::Kills => {
                let reaction = self.react(level + 1, sent, known);
                let why =
                    format!("`{name}` ends its child on {signal}, with SIGKILL two seconds later, and then itself");
                let (ending, exit_code, reaches) = (Ending::Delayed, Some(relay.ends), reaction.reaches + 1);
                Reaction { disposition: Disposition::Forwards, ending, exit_code, why, reaches, ..reaction }
            }
        }
    }

    /// A signal to a whole process group: the process at `level` and its children.
    fn group(&self, level: usize, signal: Signal, known: &mut Known) -> Reaction {
        let own = self.react(level, signal, known);
        let own = Reaction { reaches: own.reaches.max(self.of_group(level)), ..own };
        let Some(Parent::Shell(held)) = self.parents.get(level) else { return own };
        let has_trap = held.trap(signal).is_some_and(|trap| trap.action.is_some());
        match &held.stays {
            // It may be dead before its child has heard.
            _ if !has_trap && own.ending == Ending::Stops => Reaction { main_told: None, ..own },
            Stays::Foreground { .. } if has_trap => {
                let below = self.react(level + 1, signal, known);
                let why = format!("the shell's trap runs when its child has ended; {}", below.why);
                Reaction { exit_code: below.exit_code.filter(|_| below.ending == Ending::Killed), why, ..below }
            }
            _ => Reaction { main_told: own.main_told.filter(|told| *told), ..own },
        }
    }

    /// How many processes from `level` on are in one process group.
    fn of_group(&self, level: usize) -> usize {
        let below = self.parents.iter().skip(level);
        1 + below.take_while(|parent| !matches!(parent, Parent::Wrapper(relay) if relay.leads)).count()
    }

    fn shell(&self, held: &Held, level: usize, signal: Signal, known: &mut Known) -> Reaction {
        let child = level > 0 || self.below;
        if let Stays::Unknown(why) = &held.stays {
            return Reaction::unknown(format!("it is a shell, and what it comes to is not known: {why}"));
        }
        match held.trap(signal).map(|trap| &trap.action) {
            Some(None) => {
                let why = format!("the shell is told to ignore {signal}, and passes nothing on");
                Reaction::ignored(why, Confidence::Certain, Nature::Parent)
            }
            Some(Some(_)) => self.trapped(held, level, signal, known),
            // measured: mksh that waits dies of it as PID 1, too
            None if held.shell == Shell::Mksh && matches!(held.stays, Stays::Waits(_)) => {
                let why = format!("mksh ends on {signal} while it waits, and passes nothing on");
                let code = Some(128 + signal.0);
                let ended = Reaction::stops(Disposition::Handler, code, why, Confidence::Certain);
                Reaction { main_told: None, nature: Nature::Parent, ..ended }
            }
            None if matches!(held.shell, Shell::Bash | Shell::Ksh)
                && held.traps.iter().any(|(name, _)| name == "EXIT") =>
            {
                self.at_exit(held, level, signal, known)
            }
            None => {
                let why = format!("the shell has no trap for {signal} and passes nothing on to its child");
                let confidence = if held.open { Confidence::Likely } else { Confidence::Certain };
                Reaction::dropped(child, signal, why, confidence)
            }
        }
    }

    /// bash and ksh93 with a trap on EXIT handle what would end them.
    fn at_exit(&self, held: &Held, level: usize, signal: Signal, known: &mut Known) -> Reaction {
        // measured: ksh93 ends with the number of the signal
        let code = if held.shell == Shell::Bash { Some(128 + signal.0) } else { None };
        let kills = |(name, trap): &(BString, script::Trap)| {
            let action = trap.action.as_ref().and_then(|a| a.known());
            name == "EXIT" && action.is_none_or(|text| text.windows(4).any(|w| w == b"kill"))
        };
        let kills = held.traps.iter().any(kills);
        let passes = if kills { "" } else { ", and passes nothing on" };
        let why = format!("{} with a trap on EXIT handles {signal}: it runs the trap and ends{passes}", held.shell);
        let plain = Reaction::stops(Disposition::Handler, code, why.clone(), Confidence::Certain);
        match held.endings(signal).next() {
            Some(_) if held.shell == Shell::Bash => Reaction { why, ..self.trapped(held, level, signal, known) },
            _ => Reaction { main_told: if kills { None } else { Some(false) }, nature: Nature::Parent, ..plain },
        }
    }

    /// A trap runs when the command in the foreground has ended; `wait` is interrupted at once.
    fn trapped(&self, held: &Held, level: usize, signal: Signal, known: &mut Known) -> Reaction {
        match held.stays {
            Stays::Waits(_) | Stays::Loops(_) => {}
            _ => {
                let text = &held.text;
                let why = format!(
                    "the shell's trap for {signal} does not run before `{text}` has ended, which gets no signal"
                );
                return Reaction::ignored(why, Confidence::Certain, Nature::Parent);
            }
        }
        let mut reactions = held.endings(signal).map(|ending| self.after(held, ending, level, known));
        let Some(first) = reactions.next() else {
            return Reaction::unknown(format!("what the trap for {signal} does is not known"));
        };
        let all = reactions.fold(first, Reaction::either);
        match held.stays {
            Stays::Loops(pause) if all.ending == Ending::Stops => match pause {
                Some(seconds) if seconds <= SOON => all,
                Some(seconds) if seconds > GRACE => {
                    let why = format!(
                        "the shell's trap for {signal} does not run before a `sleep` of {seconds} s in its loop has ended"
                    );
                    Reaction { reaches: 1, ..Reaction::ignored(why, Confidence::Likely, Nature::Parent) }
                }
                _ => {
                    Reaction { ending: Ending::Delayed, why: format!("{}, when the loop comes to it", all.why), ..all }
                }
            },
            _ => all,
        }
    }

    /// What comes of one way after the trap.
    fn after(&self, held: &Held, ending: &script::Ending, level: usize, known: &mut Known) -> Reaction {
        let Some(signalled) = &ending.signalled else { return Reaction::unknown("no signal came") };
        let reactions: Vec<(usize, Reaction)> = ending
            .jobs
            .iter()
            .filter_map(|job| Some((job, Signal::named(job.told.as_ref()?)?)))
            .filter_map(|(job, signal)| {
                Some((job.number, self.job(held.branch(job.number)?, held, level, signal, known)))
            })
            .collect();
        let main_told = held.main_told(ending, &reactions);
        let main = reactions.iter().find(|(number, _)| Some(*number) == held.main);
        // of several jobs it is not followed which one the shell waits for when the signal comes
        let alone = held.jobs.len() == 1;
        let overtaken = alone
            && !signalled.paused
            && main.is_some_and(|(number, main)| !signalled.awaited.contains(number) && is_slow(main));
        let reaches = 1 + main.map_or(0, |(_, reaction)| reaction.reaches);
        let trap = format!("the shell's trap runs for SIG{}", signalled.signal);
        match &ending.end {
            End::Exits { status, .. } => {
                let awaited = reactions.iter().filter(|(number, _)| signalled.awaited.contains(number));
                let worst = awaited.map(|(_, reaction)| reaction).max_by_key(|reaction| rank(reaction.ending));
                let code = match status {
                    Status::Code(code) => Some(*code),
                    Status::Job(job) => reactions.iter().find(|(n, _)| n == job).and_then(|(_, r)| r.exit_code),
                    _ => None,
                };
                let ended = Reaction::stops(
                    Disposition::Handler,
                    code,
                    format!("{trap}, and the script ends"),
                    Confidence::Likely,
                );
                match worst {
                    Some(worst) if worst.ending != Ending::Stops => {
                        let why = format!("{trap} and waits for what it told; {}", worst.why);
                        Reaction {
                            disposition: Disposition::Handler,
                            why,
                            main_told,
                            reaches,
                            nature: Nature::Parent,
                            ..worst.clone()
                        }
                    }
                    _ => Reaction { main_told, overtaken, reaches, nature: Nature::Parent, ..ended },
                }
            }
            End::Waits { .. } | End::Loops { .. } => {
                let why = format!("{trap}, and then the script goes on as before and does not end");
                let killed = Reaction::ignored(why, Confidence::Likely, Nature::Parent);
                Reaction { disposition: Disposition::Handler, main_told, reaches, ..killed }
            }
            _ => Reaction::unknown(format!("{trap}, and what the script comes to then is not known")),
        }
    }

    /// A background job that is sent a signal.
    fn job(&self, branch: &Branch, held: &Held, level: usize, signal: Signal, known: &mut Known) -> Reaction {
        let ignored = branch.job.ignores.iter().any(|name| Signal::named(name) == Some(signal));
        match (ignored, branch.job.direct) {
            (true, true) => self.program_of(branch, held, level, signal, known).told_to_ignore(signal),
            (true, false) => Reaction::unknown(format!("the shell of the job was told to ignore {signal}")),
            (false, true) => self.program_of(branch, held, level, signal, known),
            (false, false) if branch.job.traps => Reaction::unknown("the shell of the job has a trap of its own"),
            (false, false) => {
                let why = format!("{signal} ends the shell of the job, which does not pass it on");
                let reaction = Reaction::stops(Disposition::Default, Some(128 + signal.0), why, Confidence::Likely);
                Reaction { main_told: Some(false), reaches: 0, ..reaction }
            }
        }
    }

    /// The program that the process of a job became.
    fn program_of(&self, branch: &Branch, held: &Held, level: usize, signal: Signal, known: &mut Known) -> Reaction {
        if held.main == Some(branch.job.number) {
            return self.react(level + 1, signal, known);
        }
        let line = Line { steps: &branch.steps, parents: &branch.parents, below: true, ..*self };
        if line.steps.is_empty() { Reaction::unknown("the job is not followed") } else { line.react(0, signal, known) }
    }
}

impl Held {
    fn trap(&self, signal: Signal) -> Option<&script::Trap> {
        self.traps.iter().find(|(name, _)| Signal::named(name) == Some(signal)).map(|(_, trap)| trap)
    }

    /// Endings that the script comes to on `signal`; programs on the way are no ends.
    fn endings(&self, signal: Signal) -> impl Iterator<Item = &script::Ending> {
        let is_of = move |e: &&script::Ending| {
            let stage = matches!(e.end, End::Child { last: false, .. });
            !stage && e.signalled.as_ref().is_some_and(|s| Signal::named(&s.signal) == Some(signal))
        };
        self.on_signal.iter().filter(is_of)
    }

    fn branch(&self, number: usize) -> Option<&Branch> {
        self.jobs.iter().find(|branch| branch.job.number == number)
    }

    /// Whether the main program has heard of it, and had time to act on it.
    fn main_told(&self, ending: &script::Ending, reactions: &[(usize, Reaction)]) -> Option<bool> {
        let main = self.main?;
        let signalled = ending.signalled.as_ref()?;
        match reactions.iter().find(|(number, _)| *number == main) {
            Some((_, reaction)) if signalled.awaited.contains(&main) => reaction.main_told,
            Some((_, reaction)) => reaction.main_told.filter(|told| !told), // it is killed while it stops
            None if signalled.otherwise => None,
            None => Some(false),
        }
    }
}

/// Whether it does something before it ends.
fn is_slow(program: &Reaction) -> bool {
    program.ending == Ending::Stops && program.main_told == Some(true) && program.disposition == Disposition::Handler
}

/// The worse, the greater.
fn rank(ending: Ending) -> u8 {
    match ending {
        Ending::Stops => 0,
        Ending::Delayed => 1,
        Ending::Unknown => 2,
        Ending::Killed => 3,
    }
}
