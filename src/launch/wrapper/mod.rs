//! Programs that start programs: which one, as the same process or as a child, and what they end with if it does not
//! start.
//!
//! `table` says what is known of each, `parse` takes their words apart, `users` and `logins` follow what changes the
//! user, `mapped` the dynamic loader when it is called by name, and `exec` is execvp(3) with what glibc adds to it.

mod exec;
mod logins;
mod mapped;
mod parse;
mod table;
mod users;

use bstr::{BString, ByteSlice};

use super::execve::Loaded;
use super::family::Parent;
use super::outcome::{Cause, Misuse, Outcome, Role, Step, StepKind, Via};
use super::program::{Next, Running, base, mark};
use crate::rootfs::{Errno, PathError, View};
use parse::{Call, Misread};
use table::{Bare, Codes, Effect, Kind, Operand};

pub use exec::hands_to_shell;
pub use table::Wrapper;

/// CAP_SYS_CHROOT, capabilities(7).
const SYS_CHROOT: u64 = 1 << 18;

/// What a parent makes of its child's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// Its own.
    Same,
    /// Its own; the child leads a process group.
    Group,
    /// xargs(1), *EXIT STATUS*: 123 for 1 to 125, 124 for 255, 125 for a signal, with which codes from 126 on are not mixed up.
    Xargs,
}

impl Passing {
    /// The parent's exit code for its child's, which got `signal`.
    pub fn code(self, code: u8, _signal: crate::launch::Signal) -> u8 {
        code
    }

    /// The parent's end.
    pub fn pass(self, outcome: Outcome) -> Outcome {
        match (self, outcome) {
            (Passing::Xargs, Outcome::Exits { code, cause }) if code != 0 => {
                Outcome::Exits { code: if code == 255 { 124 } else { 123 }, cause }
            }
            (_, outcome) => outcome,
        }
    }
}

/// What a parent does with a signal, and with the end of its child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// What it is called.
    pub name: BString,
    /// What it makes of its child's exit code.
    pub passing: Passing,
    /// Whom it passes signals on to.
    pub relays: Relays,
    /// Signals that it passes on as others; 0: not at all.
    pub rewrites: Vec<(u8, u8)>,
}

/// What a wrapper that stays does with a stop signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relays {
    /// It has no handler.
    Nothing,
    /// It passes it on to its child.
    Child,
    /// It passes it on to the process group of its child.
    Group,
    /// It ends its child with SIGTERM, two seconds later with SIGKILL, and then itself with 128+15.
    Kills,
}

fn relay_of(wrapping: &Wrapping<'_>) -> Relay {
    let name = wrapping.wrapper.names.first().copied().unwrap_or_default();
    let has = |w: &str| wrapping.loaded.argv.iter().any(|x| *x == w);
    let relays = match name {
        "tini" | "catatonit" => if has("-g") { Relays::Group } else { Relays::Child },
        "dumb-init" => if has("-c") { Relays::Child } else { Relays::Group },
        "sudo" => Relays::Child,
        "timeout" => Relays::Group,
        "su" | "runuser" => Relays::Kills,
        _ => Relays::Nothing,
    };
    Relay { name: wrapping.name.clone(), passing: Passing::Same, relays, rewrites: Vec::new() }
}

/// The wrapper of that file name.
pub fn program(file: &[u8]) -> Option<&'static Wrapper> {
    if crate::format::elf::is_loader(file) {
        return Some(&table::LOADER);
    }
    find(table::WRAPPERS, file)
}

/// The applet of busybox with that name.
pub fn applet(name: &[u8]) -> Option<&'static Wrapper> {
    find(table::APPLETS, name)
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
    Outcome::Exits { code, cause: Cause::Misused { wrapper: name.clone(), misuse } }
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
        let call = match parse::read(wrapper, loaded.argv.get(arguments..).unwrap_or_default()) {
            Ok(call) => call,
            Err(Misread::Word(word)) => return Ok(Next::Ends(misused(wrapper, &name, Misuse::Word(word)))),
            Err(Misread::Missing) if wrapper.operands == [Operand::UserSpec] && wrapper.bare == Bare::Runs => {
                return Ok(Next::Ends(Outcome::Runs));
            }
            Err(Misread::Missing) => return Ok(Next::Ends(misused(wrapper, &name, Misuse::NoProgram))),
        };
        if call.has(Effect::Ends) {
            return Ok(Next::Ends(Outcome::Runs));
        }
        let wrapping = Wrapping { wrapper, name, call, loaded, arguments };
        self.understood(&wrapping)?;
        match wrapper.kind {
            Kind::Su => self.log_in(&wrapping, steps),
            Kind::Sudo => self.sudo(wrapping, steps),
            Kind::Loader => self.map(&wrapping, steps),
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
        if let Some(outcome) = self.prepare(&wrapping)? {
            return Ok(Next::Ends(outcome));
        }
        wrapping.call.argv = match argv(&wrapping) {
            Ok(argv) => argv,
            Err(misuse) => return Ok(Next::Ends(wrapping.misused(misuse))),
        };
        self.start(&wrapping, steps)
    }

    /// What is done before the program is started: files that are opened, the root directory, the user.
    fn prepare(&mut self, wrapping: &Wrapping<'_>) -> Result<Option<Outcome>, String> {
        let operands = wrapping.wrapper.operands.iter().zip(&wrapping.call.operands);
        for (operand, word) in operands {
            let outcome = match operand {
                Operand::Root => self.root_directory(wrapping, word)?,
                Operand::LockFile => self.lock_file(wrapping, word)?,
                Operand::UserSpec | Operand::UserName | Operand::NameOrIds => {
                    self.become_user(wrapping, *operand, word)?
                }
                _ => None,
            };
            if outcome.is_some() {
                return Ok(outcome);
            }
        }
        if let Some(file) = wrapping.call.value(Effect::Input)
            && let Some(outcome) = self.needs(wrapping, file)?
        {
            return Ok(Some(outcome));
        }
        if wrapping.wrapper.kind == Kind::Ids {
            return self.become_ids(wrapping);
        }
        match wrapping.call.value(Effect::User) {
            Some(user) => self.become_user(wrapping, Operand::UserSpec, user),
            None => Ok(None),
        }
    }

    /// chroot(2). Only the same directory is followed further.
    fn root_directory(&self, wrapping: &Wrapping<'_>, path: &BString) -> Result<Option<Outcome>, String> {
        let found = match self.view.resolve(path, &self.cwd, &self.credentials) {
            Ok(found) if self.view.inode(found.ino).kind.is_directory() => found,
            Err(PathError { unknowable: Some(why), .. }) => return Err(format!("`{path}` cannot be told: {why}")),
            _ => return Ok(Some(wrapping.misused(Misuse::NoDirectory(path.clone())))),
        };
        if self.credentials.uid != 0 || self.bounding & SYS_CHROOT == 0 {
            let change = "change the root directory".to_owned();
            return Ok(Some(self.denied(wrapping, change)));
        }
        match found.path.as_slice() {
            b"/" => Ok(None),
            _ => Err(format!("what `{}` finds below the root directory `{path}` is not followed", wrapping.name)),
        }
    }

    /// A file that is there, or can be made.
    fn lock_file(&self, wrapping: &Wrapping<'_>, path: &BString) -> Result<Option<Outcome>, String> {
        let parent = path.rfind_byte(b'/').and_then(|slash| path.get(..=slash)).unwrap_or(b".");
        self.needs(wrapping, &parent.into())
    }

    fn needs(&self, wrapping: &Wrapping<'_>, path: &BString) -> Result<Option<Outcome>, String> {
        match self.view.resolve(path, &self.cwd, &self.credentials) {
            Err(PathError { unknowable: Some(why), .. }) => Err(format!("`{path}` cannot be told: {why}")),
            Err(_) => Ok(Some(wrapping.misused(Misuse::NoDirectory(path.clone())))),
            Ok(_) => Ok(None),
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
            Some(Parent::Wrapper(relay)) => relay.passing == Passing::Group,
            Some(Parent::Shell(_)) => false,
        };
        if let Some(cause) = self.is_looked_for(wrapping) {
            return Ok(Next::Ends(Outcome::Exits { code: codes.absent, cause }));
        }
        let leaves = call.has(Effect::Leaves) || (wrapper.kind == Kind::Session && leads);
        if leaves && !call.has(Effect::Forks) {
            return Ok(Next::Ends(Outcome::Runs)); // it ends with 0 whatever becomes of the program
        }
        self.hands_to_shell = wrapper.execvp && hands_to_shell(self.view, wrapping.loaded);
        let code = move |errno, _: &Cause| match errno {
            Errno::ENOENT => codes.absent,
            Errno::EACCES => codes.closed,
            _ => codes.other,
        };
        let before = steps.len();
        let forks = (wrapper.forks && !call.has(Effect::Execs)) || call.has(Effect::Forks);
        let next = self.execvp(call.argv.clone(), wrapping.role(), steps, code);
        if forks {
            self.fork(wrapping, next.as_ref().is_ok_and(Next::is_started), steps.get_mut(before..).unwrap_or_default());
        }
        next
    }

    /// From here on it is a child. A child that did not start is not counted: its end is the wrapper's.
    fn fork(&mut self, wrapping: &Wrapping<'_>, started: bool, steps: &mut [Step]) {
        let wrapper = wrapping.wrapper;
        let pid = self.pid() + 1;
        steps.iter_mut().for_each(|step| step.pid = pid);
        steps.iter_mut().take(1).for_each(|step| step.via = Via::Child);
        if started {
            let passing = match wrapper.kind {
                Kind::Xargs => Passing::Xargs,
                _ if wrapper.groups => Passing::Group,
                _ => Passing::Same,
            };
            self.parents.push(Parent::Wrapper(Relay { passing, ..relay_of(wrapping) }));
        }
    }

    /// start-stop-daemon(8) of dpkg looks nothing up, and asks for the file of `--exec` before it does anything: a name is
    /// a path relative to the working directory.
    fn is_looked_for(&self, wrapping: &Wrapping<'_>) -> Option<Cause> {
        let name = wrapping.call.value(Effect::Program).filter(|_| !wrapping.wrapper.execvp)?;
        let problem = self.view.resolve(name, &self.cwd, &self.credentials).err()?;
        let problem = super::outcome::Problem::Unresolved(problem);
        Some(Cause::Exec { role: wrapping.role(), path: name.clone(), problem })
    }
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

/// Whether the busybox at `loaded` was built with the applet `name`: the names of all stand in it in their order, each with
/// its NUL (`applet_names` of include/applet_tables.h), `[` and `[[` first.
///
/// # Errors
/// It cannot be read again.
pub fn has_applet(view: &View<'_>, loaded: &Loaded, name: &[u8]) -> Result<bool, String> {
    /// More than any busybox is long.
    const MOST: usize = 16 << 20;
    let bytes = view.read(loaded.file.ino, 0, MOST).map_err(|e| e.to_string())?;
    let Some(start) = bytes.find(b"[\0[[\0") else { return Err("it has no names of applets".to_owned()) };
    let names = bytes.get(start..).unwrap_or_default().split(|b| *b == 0);
    Ok(names.take_while(|n| !n.is_empty()).any(|n| n == name))
}
