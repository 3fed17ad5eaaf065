//! A shell that has control: which way it takes through its script, and what it starts there, in its place or below it.

use bstr::{BStr, BString};

use super::before::Starting;
use super::execve::Loaded;
use super::family::{Branch, Held, Parent, Stays};
use super::outcome::{Outcome, Role, Step, StepKind, Via};
use super::program::{Next, Running, UNKNOWN, leaves_files};
use super::script::{Called, End, Ending, Field, Invocation, Job, Status, Within};
use super::shell::Shell;
use super::ways::{self, DECISIVE, Way};

/// Background jobs of one shell that are followed.
const MAX_JOBS: usize = 8;
/// Shells in the background of shells.
pub(super) const MAX_BRANCHES: usize = 2;

impl Running<'_> {
    /// What a script comes to on the way that is taken.
    pub(super) fn evaluate(
        &mut self,
        call: Invocation,
        program: Option<&Loaded>,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let runs = Ok(Next::Ends(Outcome::Runs));
        if self.bash_reads_more(call.shell, call.posix) {
            let why = "bash is told by its environment to run more than the script";
            self.hold(&call, Stays::Unknown(why.to_owned()), None);
            return runs;
        }
        let busybox = own_file(call.shell, steps).and_then(|step| step.ino);
        let starting = Starting { running: self, shell: call.shell, steps };
        let ends = self.scripts.follow(&call, program, busybox, &starting);
        let Some((ending, way)) = ways::choose(&ends, self.choices) else {
            self.hold(&call, Stays::Unknown("what the script comes to is not known".to_owned()), None);
            return runs;
        };
        let on_signal = ends.endings.iter().filter(|e| e.signalled.as_ref().is_some_and(|s| s.at == way.ending));
        let on_signal = on_signal.filter(|e| !e.when.iter().any(|c| c.unlikely)).cloned().collect();
        // what it cannot run itself was not made by what it ran before
        self.disturbed |= !matches!(ending.end, End::Exits { .. }) && !leaves_files(ending);
        if self.touched.is_empty() {
            self.since = steps.len();
        }
        self.touched.extend(ending.touched.iter().cloned());
        self.ending(&call, ending, way, on_signal, steps)
    }

    /// Goes on where a script ends.
    fn ending(
        &mut self,
        call: &Invocation,
        ending: &Ending,
        way: Way,
        on_signal: Vec<Ending>,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let held = |stays| Held { stays, then: way.then, on_signal, ..held(call, ending) };
        match &ending.end {
            End::Exec { argv, environment, cwd, fed, .. } => {
                let called = Called { argv, environment, cwd, changed: false, touched: &[], fed: *fed };
                self.beside = self.branches(ending, None);
                match self.take(&called) {
                    Some(words) if self.has_been_here(&words) => self.stay(held(Stays::Loops(None))),
                    Some(words) => self.command(call.shell, words, true, role(ending), steps),
                    None => self.stay(held(Stays::Unknown(NAME.to_owned()))),
                }
            }
            End::Child { argv, environment, cwd, last, within, fatal, fed } => {
                let stays = match within {
                    Within::Shell => Stays::Foreground { last: *last },
                    Within::Subshell => Stays::Subshell,
                    Within::Pipeline { .. } => Stays::Pipeline,
                };
                let mut held = held(stays);
                held.last = *last && within.decides();
                held.jobs = self.branches(ending, None);
                let is_last = held.last;
                let ends = |code| *fatal && code != 0 || is_last;
                self.below(
                    call,
                    held,
                    &Called { argv, environment, cwd, changed: false, touched: &[], fed: *fed },
                    role(ending),
                    steps,
                    &ends,
                )
            }
            End::Waits { jobs } => {
                let main = ending.jobs.iter().find(|job| jobs.contains(&job.number) && !job.short);
                let mut held = held(Stays::Waits(jobs.clone()));
                held.jobs = self.branches(ending, main);
                held.main = main.map(|job| job.number);
                match main {
                    Some(Job { argv, environment, cwd, fed, .. }) => {
                        let called = Called { argv, environment, cwd, changed: false, touched: &[], fed: *fed };
                        self.below(call, held, &called, role(ending), steps, &|_| false)
                    }
                    None => self.stay(held),
                }
            }
            End::Exits { status: Status::Code(code), .. } => {
                Ok(Next::Ends(self.exits(call, ending, *code, ending.span.line, steps)))
            }
            End::Exits { .. } => self.stay(held(Stays::Unknown("the script ends by itself".to_owned()))),
            End::Loops { pause } => {
                let mut held = held(Stays::Loops(*pause));
                held.jobs = self.branches(ending, None);
                self.stay(held)
            }
            End::Unknown { why } => self.stay(held(Stays::Unknown(why.clone()))),
        }
    }

    /// The words of a program, if its name is known and what it is looked up by; its environment and directory are taken over.
    pub(super) fn take(&mut self, called: &Called<'_>) -> Option<Vec<BString>> {
        called.argv.first().and_then(Field::known)?;
        let words = called.argv.iter().map(|field| field.known().unwrap_or(UNKNOWN.into()).to_owned()).collect();
        let cwd = called.cwd.known()?;
        let decides = |name: &BString| DECISIVE.iter().any(|decisive| name == decisive);
        if called.environment.iter().any(|(name, value)| decides(name) && value.known().is_none()) {
            return None;
        }
        self.cwd = cwd.to_owned();
        self.fed = called.fed;
        let known = called.environment.iter().filter_map(|(n, v)| Some((n.clone(), v.known()?.to_owned())));
        self.environment.replace(known);
        Some(words)
    }

    /// Whether it has become just this before: scripts that wait, then start themselves anew.
    fn has_been_here(&mut self, words: &[BString]) -> bool {
        let now = (words.to_vec(), self.environment.clone(), self.cwd.clone(), self.credentials.clone());
        let again = self.became.contains(&now);
        self.became.push(now);
        again
    }

    /// The shell stays, and nothing below it is known.
    fn stay(&mut self, held: Held) -> Result<Next, String> {
        self.parents.push(Parent::Shell(Box::new(held)));
        Ok(Next::Ends(Outcome::Runs))
    }

    fn hold(&mut self, call: &Invocation, stays: Stays, line: Option<usize>) {
        let held = Held {
            shell: call.shell,
            script: script(call),
            sourced: false,
            stays,
            line: line.unwrap_or(1),
            span: 0..0,
            text: String::new(),
            traps: Vec::new(),
            open: false,
            jobs: Vec::new(),
            main: None,
            on_signal: Vec::new(),
            then: None,
            fatal: false,
            last: false,
        };
        self.parents.push(Parent::Shell(Box::new(held)));
    }

    /// The shell stays as the parent of a program; `ends` says whether it ends with one that ends with this code.
    fn below(
        &mut self,
        call: &Invocation,
        held: Held,
        called: &Called<'_>,
        role: Role,
        steps: &mut Vec<Step>,
        ends: &dyn Fn(u8) -> bool,
    ) -> Result<Next, String> {
        let before = (self.cwd.clone(), self.environment.clone(), steps.len());
        let Some(words) = self.take(called) else { return self.stay(Held { stays: unknown(&held), ..held }) };
        self.parents.push(Parent::Shell(Box::new(held)));
        let pid = self.pid();
        let next = self.command(call.shell, words, false, role, steps);
        let child = steps.get_mut(before.2..).unwrap_or_default();
        child.iter_mut().for_each(|step| step.pid = step.pid.max(pid));
        child.iter_mut().take(1).for_each(|step| step.via = Via::Child);
        match next {
            // It did not start: the end of the shell, if it was the last command, or by `set -e`.
            Ok(Next::Ends(Outcome::Exits { code, .. })) if ends(code) => {
                self.parents.pop();
                next
            }
            Ok(Next::Ends(Outcome::Exits { .. } | Outcome::Fails { .. })) => {
                steps.truncate(before.2);
                (self.cwd, self.environment) = (before.0, before.1);
                Ok(Next::Ends(Outcome::Runs))
            }
            next => next,
        }
    }

    /// The background jobs; those that are not the main program are followed by themselves.
    fn branches(&self, ending: &Ending, main: Option<&Job>) -> Vec<Branch> {
        let branch = |job: &Job| match main {
            Some(main) if main.number == job.number => unfollowed(job),
            _ => self.branch(job),
        };
        ending.jobs.iter().take(MAX_JOBS).map(branch).collect()
    }

    fn branch(&self, job: &Job) -> Branch {
        let called = Called {
            argv: &job.argv,
            environment: &job.environment,
            cwd: &job.cwd,
            changed: false,
            touched: &[],
            fed: job.fed,
        };
        let mut steps = Vec::new();
        let role = Role::ShellCommand { line: job.span.line, sourced: false };
        match self.aside(&called, role, self.disturbed, &mut steps) {
            Some((parents, outcome)) => Branch { job: job.clone(), steps, parents, outcome: Some(outcome) },
            None => unfollowed(job),
        }
    }

    /// What comes of a program that runs beside the line that is followed, or before it, and whether other files may be
    /// there by then; `None` if that is not looked into.
    pub(super) fn aside(
        &self,
        called: &Called<'_>,
        role: Role,
        disturbed: bool,
        steps: &mut Vec<Step>,
    ) -> Option<(Vec<Parent>, Outcome)> {
        let mut beside = Running { disturbed, since: 0, ..self.clone() };
        beside.parents.clear();
        beside.beside.clear();
        beside.branches += 1;
        beside.choices = None;
        let words = beside.take(called).filter(|words| beside.branches <= MAX_BRANCHES && !words.is_empty())?;
        let next = beside.execvp(words, role, steps, |_, _| 127);
        let outcome = match next {
            Ok(Next::Program(loaded)) => beside.follow(loaded, steps),
            Ok(Next::Ends(outcome)) => beside.doubted(outcome, steps),
            Err(why) => Outcome::Unknown(why),
        };
        Some((beside.parents, outcome))
    }
}

/// The file of a busybox whose shell has control.
pub(super) fn own_file(shell: Shell, steps: &[Step]) -> Option<&Step> {
    steps.iter().rfind(|step| step.kind == StepKind::Shell).filter(|_| shell == Shell::Ash)
}

const NAME: &str = "which program it becomes is not known";

/// The program below a shell is not known.
fn unknown(held: &Held) -> Stays {
    Stays::Unknown(format!("which program `{}` runs is not known", held.text))
}

fn unfollowed(job: &Job) -> Branch {
    Branch { job: job.clone(), steps: Vec::new(), parents: Vec::new(), outcome: None }
}

/// The file that the shell reads.
fn script(call: &Invocation) -> Option<BString> {
    call.name.known().filter(|_| !call.command_string).map(BStr::to_owned)
}

/// The command that an ending comes with.
pub(super) fn role(ending: &Ending) -> Role {
    Role::ShellCommand { line: ending.span.line, sourced: ending.file.is_some() }
}

fn held(call: &Invocation, ending: &Ending) -> Held {
    Held {
        shell: call.shell,
        script: ending.file.clone().or_else(|| script(call)),
        sourced: ending.file.is_some(),
        stays: Stays::Loops(None),
        line: ending.span.line,
        span: ending.span.start..ending.span.end,
        text: ending.text.clone(),
        traps: ending.traps.clone(),
        open: ending.open,
        jobs: Vec::new(),
        main: None,
        on_signal: Vec::new(),
        fatal: matches!(ending.end, End::Child { fatal: true, .. }),
        last: false,
        then: None,
    }
}
