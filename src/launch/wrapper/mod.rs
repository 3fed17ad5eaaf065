//! Programs that start programs: which one, as the same process or as a child, and what they end with if it does not
//! start.
//!
//! `table` says what is known of each, `parse` takes their words apart, `prepare` is what they do first, `users` and
//! `logins` follow what changes the user, `mapped` the dynamic loader when it is called by name, `packages` npm and its
//! kin, `parents` those that stay, and `exec` is execvp(3) with what glibc adds to it.

mod exec;
mod logins;
mod mapped;
mod packages;
mod parents;
mod parse;
mod prepare;
mod table;
mod users;

use bstr::BString;

use super::execve::Loaded;
use super::family::Parent;
use super::outcome::{Cause, Misuse, Outcome, Problem, Role, Step, StepKind, Via};
use super::program::{Next, Running, UNKNOWN, base, mark};
use crate::rootfs::Errno;
use parse::{Call, Misread};
use table::{Bare, Codes, Effect, Kind, Operand};

pub use exec::hands_to_shell;
pub use packages::Manager;
pub use parents::{Passing, Relay, Relays};
pub use table::Wrapper;

/// CAP_SYS_ADMIN, capabilities(7).
const SYS_ADMIN: u64 = 1 << 21;

/// The wrapper of that file name.
pub fn program(file: &[u8]) -> Option<&'static Wrapper> {
    if crate::format::elf::is_loader(file) {
        return Some(&table::LOADER);
    }
    table::WRAPPERS.iter().find_map(|part| find(part, file))
}

/// The wrapper that is a script, and where its words begin: which one, the name of its file says.
pub fn script(loaded: &Loaded) -> Option<(&'static Wrapper, usize)> {
    let (file, at) = loaded.script.as_ref()?;
    let wrapper = program(base(&file.path)).filter(|wrapper| wrapper.kind == Kind::Chronic)?;
    Some((wrapper, at + 1))
}

/// The applet of busybox with that name.
pub fn applet(name: &[u8]) -> Option<&'static Wrapper> {
    find(table::APPLETS, name)
}

/// Where in `argv` the program stands that the wrapper of that name starts, or its end if it is given none; `None` if the
/// words do not say.
pub fn inner(argv: &[BString]) -> Option<usize> {
    let (name, words) = argv.split_first()?;
    let wrapper = program(base(name)).filter(|w| w.kind.takes_words())?;
    let call = parse::read(wrapper, words).ok()?;
    let at = argv.len() - call.argv.len();
    argv.get(at..).is_some_and(|rest| rest == call.argv).then_some(at)
}

fn find(table: &'static [Wrapper], name: &[u8]) -> Option<&'static Wrapper> {
    table.iter().find(|wrapper| wrapper.names.iter().any(|n| n.as_bytes() == name))
}

/// A wrapper that has control.
struct Wrapping<'a> {
    wrapper: &'static Wrapper,
    /// What it is called.
    name: BString,
    call: Call,
    loaded: &'a Loaded,
    /// Where its words begin in argv.
    arguments: usize,
}

impl Wrapping<'_> {
    fn misused(&self, misuse: Misuse) -> Outcome {
        misused(self.wrapper, &self.name, misuse)
    }

    fn role(&self) -> Role {
        let shebang = self.loaded.script.as_ref().is_some_and(|(_, at)| *at > self.arguments);
        Role::Wrapped { shebang, words: false }
    }
}

fn misused(wrapper: &Wrapper, name: &BString, misuse: Misuse) -> Outcome {
    let code = match misuse {
        Misuse::NoDirectory(_) => wrapper.codes.file,
        _ => wrapper.codes.usage,
    };
    misused_with(code, name.as_slice(), misuse)
}

fn misused_with(code: u8, name: impl AsRef<[u8]>, misuse: Misuse) -> Outcome {
    Outcome::Exits { code, cause: Cause::Misused { wrapper: name.as_ref().into(), misuse } }
}

impl Running<'_> {
    /// What `wrapper` does with its words, which begin at `arguments`.
    pub(super) fn wrap(
        &mut self,
        wrapper: &'static Wrapper,
        loaded: &Loaded,
        arguments: usize,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        mark(steps, StepKind::Wrapper);
        let name = BString::from(base(loaded.argv.get(arguments.saturating_sub(1)).map_or(b"", |w| w.as_slice())));
        let words = loaded.argv.get(arguments..).unwrap_or_default();
        let call = match parse::read(wrapper, words) {
            Ok(call) => call,
            Err(_) if words.iter().any(|word| word.contains(&0)) => {
                return Err(format!("a word that `{name}` is given is not known before it runs"));
            }
            Err(Misread::Word(word)) if wrapper.kind == Kind::Chronic => {
                return Err(format!("`{word}` of `{name}` is not followed"));
            }
            Err(Misread::Word(word)) => return Ok(Next::Ends(misused(wrapper, &name, Misuse::Word(word)))),
            Err(Misread::Missing) if wrapper.operands == [Operand::UserSpec] && wrapper.bare == Bare::Runs => {
                return Ok(Next::Ends(Outcome::Runs));
            }
            Err(Misread::Missing) => return Ok(Next::Ends(misused(wrapper, &name, Misuse::NoProgram))),
        };
        if call.has(Effect::Ends) {
            return Ok(Next::Ends(Outcome::Runs));
        }
        if call.is_vague() {
            return Err(format!("a word that `{name}` is given is not known before it runs"));
        }
        let wrapping = Wrapping { wrapper, name, call, loaded, arguments };
        self.understood(&wrapping)?;
        if wrapping.call.has(Effect::Namespaces) && (self.credentials.uid != 0 || self.bounding & SYS_ADMIN == 0) {
            return Ok(Next::Ends(self.denied(&wrapping, "make namespaces".to_owned())));
        }
        match wrapper.kind {
            Kind::Su => self.log_in(&wrapping, steps),
            Kind::Sudo => self.sudo(wrapping, steps),
            Kind::Loader => self.map(&wrapping, steps),
            Kind::Sg => self.switch_group(wrapping, steps),
            Kind::Script => self.record(wrapping, steps),
            _ => self.words(wrapping, steps),
        }
    }

    /// What is not followed.
    fn understood(&self, wrapping: &Wrapping<'_>) -> Result<(), String> {
        let name = &wrapping.name;
        if wrapping.call.has(Effect::Privileged) {
            return Err(format!("what `{name}` is to do needs a capability that engines do not grant by default"));
        }
        match wrapping.wrapper.kind {
            Kind::Xargs if wrapping.call.has(Effect::Unclear) => {
                Err(format!("whether `{name}` starts anything depends on its input"))
            }
            _ if wrapping.call.has(Effect::Unclear) => Err(format!("an option of `{name}` is not followed")),
            _ => Ok(()),
        }
    }

    fn words(&mut self, mut wrapping: Wrapping<'_>, steps: &mut Vec<Step>) -> Result<Next, String> {
        if let ([Operand::Machine], Some(word)) = (wrapping.wrapper.operands, wrapping.call.operands.first())
            && let Some(outcome) = self.machine(&wrapping, word)?
        {
            return Ok(Next::Ends(outcome));
        }
        let (wrapper, misused) = (wrapping.wrapper, |misuse| Ok(Next::Ends(wrapping.misused(misuse))));
        let call = &wrapping.call;
        if wrapper.kind == Kind::Daemon && !(call.has(Effect::Starts) && is_matched(wrapper, call)) {
            return misused(Misuse::NoOption);
        }
        let needs = wrapper.options.iter().any(|option| option.effect == Effect::Needed);
        if call.argv.is_empty() && wrapper.kind != Kind::Daemon {
            let runs = match wrapper.bare {
                Bare::Usage => false,
                Bare::Runs => true,
                Bare::RunsWithoutOptions => !call.has_options,
            };
            return if runs { Ok(Next::Ends(Outcome::Runs)) } else { misused(Misuse::NoProgram) };
        }
        if needs && !call.has(Effect::Needed) {
            return match wrapper.operands {
                [] => misused(Misuse::NoOption),
                _ => Err(format!("`{}` needs a capability that engines do not grant by default", wrapping.name)),
            };
        }
        let path = self.environment.get(b"PATH").cloned();
        if let Some(outcome) = self.prepare(&wrapping)? {
            return Ok(Next::Ends(outcome));
        }
        wrapping.call.argv = match argv(&wrapping) {
            Ok(argv) => argv,
            Err(misuse) => return Ok(Next::Ends(wrapping.misused(misuse))),
        };
        if wrapper.kind == Kind::Xargs && self.fed {
            wrapping.call.argv.push(UNKNOWN.into());
        }
        // A directory of variables may hold PATH: the program is still looked for in the one that was there before.
        let changed = self.environment.get(b"PATH").cloned();
        self.set_path(path);
        let next = self.start(&wrapping, steps);
        self.set_path(changed);
        next
    }

    fn set_path(&mut self, path: Option<BString>) {
        match path {
            _ if self.environment.get(b"PATH") == path.as_ref() => {}
            Some(path) => self.environment.set("PATH".into(), path),
            None => self.environment.unset(b"PATH"),
        }
    }

    fn denied(&self, wrapping: &Wrapping<'_>, change: String) -> Outcome {
        let cause = Cause::Denied { wrapper: wrapping.name.clone(), change };
        Outcome::Exits { code: wrapping.wrapper.codes.denied, cause }
    }

    /// Starts the program of `wrapping` as it does.
    fn start(&mut self, wrapping: &Wrapping<'_>, steps: &mut Vec<Step>) -> Result<Next, String> {
        self.start_with(wrapping, &wrapping.call, wrapping.wrapper.codes, steps)
    }

    fn start_with(
        &mut self,
        wrapping: &Wrapping<'_>,
        call: &Call,
        codes: Codes,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let wrapper = wrapping.wrapper;
        let leads = match self.parents.last() {
            None => true,
            Some(Parent::Wrapper(relay)) => relay.leads,
            Some(Parent::Shell(_)) => false,
        };
        if let Some(cause) = self.is_looked_for(wrapping) {
            return Ok(Next::Ends(Outcome::Exits { code: codes.absent, cause }));
        }
        let leaves = call.has(Effect::Leaves) || (wrapper.kind == Kind::Session && leads);
        if leaves && !call.has(Effect::Forks) {
            let program = call.argv.first().cloned().unwrap_or_default();
            let cause = Cause::LeftBehind { wrapper: wrapping.name.clone(), program };
            return Ok(Next::Ends(Outcome::Exits { code: 0, cause })); // whatever becomes of the program
        }
        self.hands_to_shell = wrapper.execvp && hands_to_shell(self.view, wrapping.loaded);
        let code = move |errno, _: &Cause| match errno {
            Errno::ENOENT => codes.absent,
            Errno::EACCES => codes.closed,
            _ => codes.other,
        };
        let before = steps.len();
        let forks = (wrapper.forks && !call.has(Effect::Execs)) || call.has(Effect::Forks);
        let mut next = self.execvp(call.argv.clone(), wrapping.role(), steps, code);
        if wrapper.kind == Kind::Chronic {
            next = chronic(next?, call);
        }
        if forks {
            let started = next.as_ref().is_ok_and(Next::is_started);
            let parent = Relay::of(wrapper, &wrapping.name, &wrapping.call);
            self.fork(parent, started, steps.get_mut(before..).unwrap_or_default());
        }
        next
    }

    /// From here on it is a child. A child that did not start is not counted: its end is the wrapper's.
    fn fork(&mut self, parent: Relay, started: bool, steps: &mut [Step]) {
        let pid = self.pid() + 1;
        steps.iter_mut().for_each(|step| step.pid = pid);
        steps.iter_mut().take(1).for_each(|step| step.via = Via::Child);
        if started {
            self.parents.push(Parent::Wrapper(parent));
        }
    }

    /// start-stop-daemon(8) of dpkg looks nothing up, and asks for the file of `--exec` before it does anything: a name is
    /// a path relative to the working directory.
    fn is_looked_for(&self, wrapping: &Wrapping<'_>) -> Option<Cause> {
        let name = wrapping.call.value(Effect::Program).filter(|_| !wrapping.wrapper.execvp)?;
        let problem = self.view.resolve(name, &self.cwd, &self.credentials).err()?;
        let problem = Problem::Unresolved(problem);
        Some(Cause::Exec { role: wrapping.role(), path: name.clone(), problem })
    }
}

/// IPC::Run looks for the program itself, and what perl ends with where execve(2) fails after that is an error number
/// that does not tell much.
fn chronic(next: Next, call: &Call) -> Result<Next, String> {
    let Next::Ends(Outcome::Exits { code, cause }) = next else { return Ok(next) };
    let looked_up = call.argv.first().is_some_and(|name| !name.contains(&b'/'));
    let code = match &cause {
        Cause::NotInPath { .. } => code,
        Cause::Exec { problem: Problem::NotExecutable(_), .. } => {
            if looked_up {
                2
            } else {
                code
            }
        }
        Cause::Exec { role: Role::Wrapped { .. }, problem: Problem::Unresolved(e), .. } if e.errno == Errno::ENOENT => {
            code
        }
        Cause::Exec { problem: Problem::Architecture(..), .. } | Cause::ScriptEnds { .. } => code,
        _ => return Err("what `chronic` ends with where its program does not start is not known".to_owned()),
    };
    Ok(Next::Ends(Outcome::Exits { code, cause }))
}

/// Whether start-stop-daemon(8) is told how to recognise a program that already runs.
fn is_matched(wrapper: &Wrapper, call: &Call) -> bool {
    let busybox = wrapper.execvp && call.has(Effect::ProgramAs);
    busybox || call.has(Effect::Match) || call.has(Effect::Program)
}

/// The program with its arguments.
fn argv(wrapping: &Wrapping<'_>) -> Result<Vec<BString>, Misuse> {
    let call = &wrapping.call;
    match wrapping.wrapper.kind {
        Kind::Daemon => {
            let program = call.value(Effect::ProgramAs).or(call.value(Effect::Program)).ok_or(Misuse::NoProgram)?;
            Ok([program].into_iter().chain(&call.argv).cloned().collect())
        }
        Kind::WordsOrText => match call.argv.as_slice() {
            [flag, text] if *flag == "-c" || *flag == "--command" => {
                Ok(vec!["/bin/sh".into(), "-c".into(), text.clone()])
            }
            [flag, ..] if *flag == "-c" || *flag == "--command" => Err(Misuse::Word(flag.clone())),
            words => Ok(words.to_vec()),
        },
        _ => Ok(call.argv.clone()),
    }
}
