//! What the stop signal does: who gets it, what that program does on it, and what becomes of the container.
//!
//! Only PID 1 gets the signal, and the kernel drops one that PID 1 of a container has no handler for, whatever its
//! default action is (pid_namespaces(7)). So everything hangs on the disposition of that program: `program` has those
//! that are known, `script` reads what interpreters run, `evidence` what an ELF file says of itself.

mod evidence;
mod java;
mod language;
mod line;
mod node;
mod perl;
mod php;
mod program;
mod python;
mod ruby;
mod script;
mod signal;
mod task;
mod uwsgi;

use bstr::{BStr, BString, ByteSlice};

use super::outcome::{Cause, Outcome, Phase, Step, StepKind};
use super::{Alternative, Launch, workdir};
use crate::finding::Confidence;
use crate::image::Image;
use crate::rootfs::{Credentials, Rootfs, View};

use line::Line;

pub use program::is_idle;
pub use signal::{Delivery, Signal, StopSignal};
pub use task::is_one as is_task;

/// More of a script than this is not read.
const TEXT_MAX: usize = 1 << 20;

/// What happens to a running container that is told to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What the engine does.
    pub delivery: Delivery,
    /// The argument vector of PID 1.
    pub pid1: Vec<BString>,
    /// What comes of it.
    pub reaction: Reaction,
    /// What would come of SIGTERM, where that is not the signal.
    pub on_sigterm: Option<Ending>,
    /// The main program, below a parent, is a script that does nothing that takes time, as far as all of its text tells: it is
    /// there to do its work and to end.
    pub is_one_shot: bool,
}

/// What PID 1 does with a signal, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// What it has set for the signal.
    pub disposition: Disposition,
    /// What becomes of the container.
    pub ending: Ending,
    /// Whether the main program itself is told.
    pub main_told: Option<bool>,
    /// It is told and handles that, and PID 1 ends without waiting for it: most times it dies before its handler has run.
    pub overtaken: bool,
    /// The exit code of the container.
    pub exit_code: Option<u8>,
    /// The evidence, in one sentence.
    pub why: String,
    /// How good the evidence is.
    pub confidence: Confidence,
    /// What kind of program it is.
    pub nature: Nature,
    /// How many processes the signal comes to, from PID 1 down the line.
    pub reaches: usize,
}

/// signal(7), *Signal dispositions*, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// None of its own: the kernel drops the signal.
    Default,
    /// It ignores the signal.
    Ignored,
    /// A handler of the program.
    Handler,
    /// A handler that passes the signal on to children.
    Forwards,
    /// Its language's runtime, or the kernel, ends it.
    Exits,
    /// Not known.
    Unknown,
}

/// What becomes of the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It ends by itself.
    Stops,
    /// The grace period runs out, and SIGKILL comes.
    Killed,
    /// It ends when something else has ended.
    Delayed,
    /// Not known.
    Unknown,
}

/// Kinds of programs, for what one can do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Does nothing but wait, for ever.
    Idle,
    /// A Python program.
    Python,
    /// A JavaScript program.
    JavaScript,
    /// A program in another language that is interpreted.
    Script,
    /// A Java program.
    Java,
    /// Machine code that waits for something.
    Server,
    /// Machine code that may soon end by itself.
    Tool,
    /// A shell or another parent of the main program.
    Parent,
}

impl Reaction {
    /// The kernel drops the signal.
    fn ignored(why: String, confidence: Confidence, nature: Nature) -> Self {
        Reaction {
            disposition: Disposition::Default,
            ending: Ending::Killed,
            main_told: Some(false),
            overtaken: false,
            exit_code: Some(137),
            why,
            confidence,
            nature,
            reaches: 1,
        }
    }

    /// It is handled, and that ends it.
    fn stops(disposition: Disposition, exit_code: Option<u8>, why: String, confidence: Confidence) -> Self {
        let (ending, main_told) = (Ending::Stops, Some(true));
        let (nature, reaches, overtaken) = (Nature::Server, 1, false);
        Reaction { disposition, ending, main_told, overtaken, exit_code, why, confidence, nature, reaches }
    }

    fn handled(exit_code: Option<u8>, why: String) -> Self {
        Reaction::stops(Disposition::Handler, exit_code, why, Confidence::Likely)
    }

    fn unknown(why: impl Into<String>) -> Self {
        Reaction {
            disposition: Disposition::Unknown,
            ending: Ending::Unknown,
            main_told: None,
            overtaken: false,
            exit_code: None,
            why: why.into(),
            confidence: Confidence::Possible,
            nature: Nature::Tool,
            reaches: 1,
        }
    }

    fn of_nature(self, nature: Nature) -> Self {
        Reaction { nature, ..self }
    }

    /// What the kernel does itself.
    fn of_kernel(signal: Signal) -> Self {
        match signal {
            Signal::KILL => Reaction {
                main_told: Some(false),
                ..Reaction::stops(Disposition::Exits, Some(137), KILL.to_owned(), Confidence::Certain)
            },
            _ => Reaction::ignored(STOP.to_owned(), Confidence::Certain, Nature::Tool),
        }
    }

    /// A parent without a handler that passes nothing on: PID 1 goes on, another process dies.
    fn dropped(child: bool, signal: Signal, why: String, confidence: Confidence) -> Self {
        let dropped = Reaction::ignored(why, confidence, Nature::Parent);
        if child { Reaction { main_told: Some(false), ..dropped.below_pid_1(signal) } } else { dropped }
    }

    /// The same program below PID 1, where the default action counts.
    fn below_pid_1(self, signal: Signal) -> Self {
        match (self.disposition, self.ending) {
            (Disposition::Default, Ending::Killed) => {
                let why = format!("{}, but below PID 1 {signal} ends what does not handle it", self.why);
                let exit_code = Some(128 + signal.0);
                Reaction { ending: Ending::Stops, main_told: Some(true), exit_code, why, ..self }
            }
            _ => self,
        }
    }

    /// The same program, begun with the signal ignored, which execve(2) leaves so: only who sets a handler hears of it,
    /// and not all do that then (Python's own for SIGINT does not).
    fn told_to_ignore(self, signal: Signal) -> Self {
        match self.disposition {
            Disposition::Default | Disposition::Ignored | Disposition::Exits => {
                let why =
                    format!("it was started in the background, or by a shell that ignores {signal}: it ignores it");
                Reaction::ignored(why, Confidence::Likely, self.nature)
            }
            _ => Reaction::unknown(format!("it was started in the background, or by a shell that ignores {signal}")),
        }
    }

    /// What holds for both.
    fn either(self, other: Reaction) -> Self {
        if self.ending != other.ending {
            return Reaction::unknown(format!("it depends: {}; or {}", self.why, other.why));
        }
        Reaction {
            reaches: self.reaches.min(other.reaches),
            overtaken: self.overtaken && other.overtaken,
            main_told: self.main_told.filter(|_| self.main_told == other.main_told),
            exit_code: self.exit_code.filter(|_| self.exit_code == other.exit_code),
            ..self
        }
    }
}

/// The program that is PID 1 when all that is known to execute another has done so.
struct Pid1<'a> {
    view: &'a View<'a>,
    step: Step,
}

impl Pid1<'_> {
    fn argv(&self) -> &[BString] {
        &self.step.argv
    }

    /// The words after the first.
    fn arguments(&self) -> &[BString] {
        self.step.argv.get(1..).unwrap_or_default()
    }

    /// The names that tell which program it is: of the file, and the one that it is called by.
    fn names(&self) -> [&BStr; 2] {
        [base(&self.step.path), self.argv().first().map_or(BStr::new(""), |word| base(word))]
    }

    /// The text of a file, if it is there and can be read.
    fn text(&self, path: &[u8]) -> Option<BString> {
        let file = self.view.resolve(path, &self.step.cwd, &Credentials::root()).ok()?;
        let text = self.view.read(file.ino, 0, TEXT_MAX).ok()?;
        (!text.is_empty()).then(|| text.into())
    }

    fn reaction(&self, signal: Signal) -> Reaction {
        match (signal, self.step.kind) {
            (Signal::KILL | Signal::STOP, _) => Reaction::of_kernel(signal),
            (_, StepKind::Elf) => self.program(signal),
            (_, StepKind::Shell) => Reaction::unknown("PID 1 is a shell, and what it runs is not followed"),
            _ => Reaction::unknown("PID 1 is no program whose handling of signals is known"),
        }
    }

    fn program(&self, signal: Signal) -> Reaction {
        let known = program::becomes_another(self).or_else(|| evidence::go(self, signal));
        let known = known.or_else(|| program::known(self, signal)).or_else(|| script::interpreter(self, signal));
        known.unwrap_or_else(|| evidence::elf(self, signal))
    }
}

const KILL: &str = "SIGKILL ends every process at once, and no program can prepare for it";
const STOP: &str = "SIGSTOP suspends the process, which then cannot end until SIGKILL comes";

/// Adds to every start of `launch` what stopping does to it; an engine that refuses the stop signal does not start it.
pub fn follow(launch: &mut Launch, image: &Image, rootfs: &Rootfs) {
    let value = StopSignal::parse(image.configuration.stop_signal.as_deref().unwrap_or_default());
    let view = View::new(image, rootfs);
    let mut known = Vec::new();
    let ways = launch.others.iter_mut().map(|Alternative { starts, .. }| starts);
    for start in [&mut launch.starts].into_iter().chain(ways).flatten() {
        let delivery = value.delivery(start.runtime);
        if delivery == Delivery::Refused && !matches!(start.outcome, Outcome::Fails { phase: Phase::Unpack, .. }) {
            let cause = Cause::StopSignal(image.configuration.stop_signal.clone().unwrap_or_default());
            start.outcome = Outcome::Fails { phase: Phase::Configure, errno: None, cause };
            start.steps.clear();
            start.parents.clear();
        }
        if !matches!(start.outcome, Outcome::Runs | Outcome::Loops { .. }) {
            continue;
        }
        let mut view = view.clone().reset_parents(start.runtime.resets_parents);
        let _ = workdir::enter(&mut view, &launch.process.working_dir, start.runtime);
        let line = Line { view: &view, steps: &start.steps, parents: &start.parents, below: false };
        if let Some(end) = line.ends_with() {
            start.outcome = end;
            continue;
        }
        match line.goes_to_the_background().or_else(|| line.ends_otherwise(&mut known)) {
            Some(why) => start.outcome = Outcome::Unknown(why),
            None => start.stop = Some(line.stop(delivery, &mut known)),
        }
    }
}

/// What was found out for one engine mostly holds for the others.
type Known = Vec<(Step, Signal, Reaction)>;

impl Line<'_> {
    /// A program in the place of PID 1 that leaves it.
    fn goes_to_the_background(&self) -> Option<String> {
        let step = self.step(0).filter(|_| self.parents.is_empty())?;
        program::goes_to_the_background(&Pid1 { view: self.view, step: step.clone() })
    }

    fn is_one_shot(&self) -> bool {
        let step = self.step(self.parents.len()).filter(|_| !self.parents.is_empty());
        let leaves =
            |step: &Step| program::goes_to_the_background(&Pid1 { view: self.view, step: step.clone() }).is_some();
        if step.is_some_and(|step| task::is_one(&step.argv) || leaves(step)) {
            return true;
        }
        let read =
            step.and_then(|step| script::interpreter(&Pid1 { view: self.view, step: step.clone() }, Signal::TERM));
        read.is_some_and(|read| read.nature == Nature::Tool && read.disposition == Disposition::Default)
    }

    fn stop(&self, delivery: Delivery, known: &mut Known) -> Stop {
        let mut react = |signal| self.react(0, signal, known);
        let on_sigterm = react(Signal::TERM).ending;
        let (reaction, on_sigterm) = match delivery {
            Delivery::Sent(signal) => (react(signal), Some(on_sigterm).filter(|_| signal != Signal::TERM)),
            Delivery::Nothing | Delivery::Refused => (unsent(), Some(on_sigterm)),
            Delivery::Fails => (Reaction::unknown(FAILS), Some(on_sigterm)),
        };
        let pid1 = self.step(0).map(|step| step.argv.clone()).unwrap_or_default();
        Stop { delivery, pid1, reaction, on_sigterm, is_one_shot: self.is_one_shot() }
    }
}

const FAILS: &str = "the engine does not understand the stop signal: stopping fails, and the container goes on";

/// The engine understands no signal.
fn unsent() -> Reaction {
    let why = "the engine does not understand the stop signal and sends none before SIGKILL".to_owned();
    let reaction = Reaction::ignored(why, Confidence::Certain, Nature::Tool);
    Reaction { disposition: Disposition::Unknown, ..reaction }
}

/// The last component of a path.
fn base(path: &[u8]) -> &BStr {
    path.rsplit_str("/").next().unwrap_or_default().as_bstr()
}
