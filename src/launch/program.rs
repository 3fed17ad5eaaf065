//! What a program that has control does next, for the few that are known: `env` and shells.

use std::cell::RefCell;
use std::sync::Arc;

use bstr::{BString, ByteSlice};

use super::busybox::Applets;
use super::env::{self, Flavour};
use super::execve::{Caller, Loaded, Stop};
use super::family::{Branch, Parent};
use super::loader::{Memory, Started};
use super::outcome::{Cause, Misuse, Outcome, Phase, Problem, Role, Step, StepKind, Tried};
use super::process::Environment;
use super::script::Ending;
use super::shell::Shell;
use super::shells;
use super::ways::{self, Choices};
use super::wrapper::{self, Manager, Wrapper};
use crate::format::shell::is_own_word;
use crate::rootfs::{Credentials, Errno, View};

/// Wrappers that may follow one another before it is called a loop.
pub(super) const MAX_PROGRAMS: usize = 16;
/// Stands for words of a command line that are not known, one or many or none: no word has a NUL.
pub const UNKNOWN: &[u8] = b"\0";

/// A process that was started, between one execve(2) and the next.
#[derive(Clone)]
pub struct Running<'a> {
    /// What it sees.
    pub view: &'a View<'a>,
    /// Its working directory.
    pub cwd: BString,
    /// Its credentials; execve(2) has taken what capabilities a user other than root had.
    pub credentials: Credentials,
    /// Its environment.
    pub environment: Environment,
    /// See [`Caller`].
    pub kernel: Option<crate::format::elf::Kernel>,
    /// See [`Caller`].
    pub bounding: u64,
    /// What loaders have said so far.
    pub linked: &'a Memory,
    /// What scripts come to.
    pub scripts: &'a ways::Memory,
    /// The ways taken through scripts.
    pub choices: Option<&'a RefCell<Choices>>,
    /// Signals of which it is asked what scripts do on them, by name without SIG.
    pub signals: Vec<BString>,
    /// Background jobs within one another, of which this is the innermost.
    pub branches: usize,
    /// Scripts that their shell reads because the kernel does not execute them, one within another.
    pub nested: usize,
    /// What scripts became by `exec`: words, environment, working directory, credentials.
    pub became: Vec<(Vec<BString>, Environment, BString, Credentials)>,
    /// A script has run what may have changed files: see [`leaves_files`].
    pub disturbed: bool,
    /// Paths that scripts have changed, or may have.
    pub touched: Vec<BString>,
    /// Steps that were taken before that.
    pub since: usize,
    /// Its standard input is not the container's, and may hold anything.
    pub fed: bool,
    /// The processes that stay as parents, outermost first.
    pub parents: Vec<Parent>,
    /// Background jobs of shells that became another program.
    pub beside: Vec<Branch>,
    /// The program that has control calls glibc's execvp(3): see [`wrapper::hands_to_shell`].
    pub hands_to_shell: bool,
}

/// What comes next.
pub(super) enum Next {
    /// The end.
    Ends(Outcome),
    /// Another program has control.
    Program(Loaded),
}

impl Next {
    /// Whether the program was executed: also if it was a file that a shell was given in its place, and could not read.
    pub(super) fn is_started(&self) -> bool {
        match self {
            Next::Program(_) => true,
            Next::Ends(Outcome::Exits { code, cause }) => *code == 2 && is_foreign(cause),
            Next::Ends(_) => false,
        }
    }
}

/// A program known by its file and the name it is called by.
pub(super) enum Known {
    Env(Flavour),
    Shell(Shell),
    Wrapper(&'static Wrapper),
    /// npm or one of its kin, which node runs.
    Manager(Manager),
    /// A busybox that has no such applet.
    NoApplet,
}

impl Running<'_> {
    /// Follows `loaded` until a program that is not known has control.
    pub fn follow(&mut self, loaded: Loaded, steps: &mut Vec<Step>) -> Outcome {
        let outcome = self.chain(loaded, steps);
        let outcome = self.doubted(outcome, steps);
        self.passed_on(outcome)
    }

    /// What is not there, or not executable, when the image is built may be so by then.
    pub(super) fn doubted(&self, outcome: Outcome, steps: &mut Vec<Step>) -> Outcome {
        match outcome {
            Outcome::Exits { .. } if self.is_touched(steps) => Outcome::Runs,
            Outcome::Exits { cause, .. }
                if self.disturbed && !matches!(cause, Cause::ScriptEnds { .. } | Cause::ShellSyntax { .. }) =>
            {
                while steps.last().is_some_and(|step| step.ino.is_none()) {
                    steps.pop();
                }
                Outcome::Runs
            }
            outcome => outcome,
        }
    }

    /// Whether scripts have changed a file that was executed since, or whom a program may become.
    fn is_touched(&self, steps: &[Step]) -> bool {
        let is = |path: &[u8]| {
            let below = |parent: &BString| path.strip_prefix(parent.as_slice()).is_some_and(|r| r.starts_with(b"/"));
            self.touched.iter().any(|touched| *touched == path || below(touched))
        };
        let linked = |step: &Step| step.libraries.as_ref().is_some_and(|l| l.objects.iter().any(|o| is(&o.path)));
        let users = || is(b"/etc/passwd") || is(b"/etc/group");
        let mut own = steps.iter().skip(self.since);
        own.any(|step| {
            is(&step.path)
                || step.links.iter().any(|(link, _)| is(link))
                || linked(step)
                || step.kind == StepKind::Wrapper && users()
        })
    }

    fn chain(&mut self, mut loaded: Loaded, steps: &mut Vec<Step>) -> Outcome {
        for _ in 0..MAX_PROGRAMS {
            self.hands_to_shell = false;
            self.credentials = loaded.credentials.clone();
            if let Some(outcome) = self.link(&loaded, steps) {
                return outcome;
            }
            let (pid, before) = (self.pid(), steps.len());
            let known = Manager::of(self, &loaded).map(|manager| (Known::Manager(manager), 1));
            let next = match known.or_else(|| self::known(self.view, &loaded)) {
                Some((Known::Env(flavour), arguments)) => self.env(flavour, &loaded, arguments, steps),
                Some((Known::Shell(shell), at)) => self.shell(shell, &without(&loaded, at - 1), steps),
                Some((Known::Manager(_), _)) if loaded.argv.iter().any(|word| word.contains(&0)) => {
                    Err("what a package manager is asked for is not known before it runs".to_owned())
                }
                Some((Known::Manager(manager), _)) => self.manage(&manager, steps),
                Some((Known::Wrapper(wrapper), arguments)) => self.wrap(wrapper, &loaded, arguments, steps),
                Some((Known::NoApplet, at)) => Ok(Next::Ends(no_applet(&loaded, at - 1))),
                None => return self.without_script(&loaded).unwrap_or(Outcome::Runs),
            };
            steps.iter_mut().skip(before).for_each(|step| step.pid = step.pid.max(pid));
            match next {
                Ok(Next::Program(program)) => loaded = program,
                Ok(Next::Ends(outcome)) => return outcome,
                Err(reason) => return Outcome::Unknown(reason),
            }
        }
        Outcome::Unknown("programs start one another without end".to_owned())
    }

    /// What its dynamic loader makes of a program, if that ends it; what was mapped is noted with its step.
    fn link(&self, loaded: &Loaded, steps: &mut [Step]) -> Option<Outcome> {
        let (interp, loader) = loaded.loader.as_ref()?;
        let started = Started {
            view: self.view,
            cwd: self.cwd.as_bstr(),
            credentials: &loaded.credentials,
            environment: &self.environment,
            secure: loaded.secure,
            called: loaded.argv.first().map_or(b"".as_bstr(), |word| word.as_bstr()),
            program: &loaded.file,
            interp: interp.as_bstr(),
            loader,
        };
        match self.linked.closure(&started) {
            Ok(closure) => {
                let step = steps.iter_mut().rfind(|step| step.ino == Some(loaded.file.ino));
                step.into_iter().for_each(|step| step.libraries = Some(Arc::clone(&closure)));
                let code = closure.exit_code()?;
                Some(Outcome::Exits { code, cause: Cause::Link(closure) })
            }
            Err(why) => Some(Outcome::Unknown(why)),
        }
    }

    fn env(
        &mut self,
        flavour: Flavour,
        loaded: &Loaded,
        arguments: usize,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        mark(steps, StepKind::Wrapper);
        self.hands_to_shell = wrapper::hands_to_shell(self.view, loaded);
        let rest = loaded.argv.get(arguments..).unwrap_or_default();
        let line = loaded.script.as_ref().filter(|(_, at)| *at > arguments).and(rest.first()).cloned();
        match env::parse(flavour, rest, &mut self.environment) {
            env::Action::Print => Ok(Next::Ends(Outcome::Runs)),
            env::Action::Unknown(why) => Err(why),
            env::Action::Usage(argument) => {
                let cause = Cause::EnvUsage { argument, busybox: flavour == Flavour::Busybox, shebang: line.is_some() };
                Ok(Next::Ends(Outcome::Exits { code: flavour.usage_code(), cause }))
            }
            env::Action::Execute { chdir: Some(_), .. } => Err("`env -C` changes the directory".to_owned()),
            env::Action::Execute { argv, .. } => {
                let script = loaded.script.as_ref().and_then(|(_, at)| loaded.argv.get(*at));
                if script.is_some() && argv.first() == script {
                    let argument = line.unwrap_or_default();
                    return Ok(Next::Ends(Outcome::Loops { cause: Cause::EnvLoop { argument } }));
                }
                let words = argv.first().is_some_and(|a| a.trim_ascii().contains_str(" "));
                let role = Role::Wrapped { shebang: line.is_some(), words };
                self.execvp(argv, role, steps, |errno, _| if errno == Errno::ENOENT { 127 } else { 126 })
            }
        }
    }

    /// execvp(3), as env and shells use it: every directory of PATH in turn; a closed file is remembered and the
    /// search goes on.
    pub(super) fn execvp(
        &self,
        argv: Vec<BString>,
        role: Role,
        steps: &mut Vec<Step>,
        code: impl Fn(Errno, &Cause) -> u8,
    ) -> Result<Next, String> {
        let name = argv.first().cloned().unwrap_or_default();
        if name.contains(&0) {
            return Err("which program is started is not known before it runs".to_owned());
        }
        let exits = |errno, cause| Ok(Next::Ends(Outcome::Exits { code: code(errno, &cause), cause }));
        if name.contains(&b'/') {
            return match self.execute(name, argv, role, steps) {
                Ok(loaded) => Ok(Next::Program(loaded)),
                Err(Stop::Fails(errno, cause)) => exits(errno, cause),
                Err(Stop::Killed(signal, cause)) => Ok(Next::Ends(killed(signal, cause))),
                Err(Stop::Ends(code, cause)) => Ok(Next::Ends(Outcome::Exits { code, cause })),
                Err(Stop::Unknown(why)) => Err(why),
            };
        }
        let Some(path) = self.environment.get(b"PATH") else {
            return Err(format!("`{name}` is looked up without PATH, in directories compiled into the program"));
        };
        let (mut tried, mut closed, mut unseen) = (Vec::new(), None::<(Errno, Cause)>, None);
        let candidates = || path.split_str(":").map(|element| (element, in_directory(element, &name)));
        let is_there = |candidate: &BString| self.view.resolve(candidate, &self.cwd, &self.credentials).is_ok();
        // What is seen in one directory is not assumed in those before it.
        let is_seen = self.view.unseen().is_some() && candidates().any(|(_, candidate)| is_there(&candidate));
        for (element, candidate) in candidates() {
            if is_seen && !is_there(&candidate) {
                continue;
            }
            let mut attempt = steps.clone();
            match self.execute(candidate.clone(), argv.clone(), role, &mut attempt) {
                Ok(loaded) => {
                    *steps = attempt;
                    return Ok(Next::Program(loaded));
                }
                Err(Stop::Unknown(why)) if self.view.unseen().is_none() => return Err(why),
                // A program with blanks in its name, or with that of a word of shells, is nowhere, seen or not.
                Err(Stop::Unknown(_)) if name.contains(&b' ') || name.contains(&b'$') || is_own_word(&name) => {}
                Err(Stop::Unknown(why)) => drop(unseen.get_or_insert(why)),
                Err(Stop::Killed(signal, cause)) => {
                    *steps = attempt;
                    return Ok(Next::Ends(killed(signal, cause)));
                }
                Err(Stop::Ends(code, cause)) => {
                    *steps = attempt;
                    return Ok(Next::Ends(Outcome::Exits { code, cause }));
                }
                Err(Stop::Fails(errno, cause)) => {
                    let own = attempt.len() == steps.len() + 1;
                    match (errno, &cause) {
                        (Errno::ENOENT | Errno::ENOTDIR, Cause::Exec { problem, .. }) if own => {
                            tried.push(Tried { element: element.into(), path: candidate, problem: problem.clone() });
                        }
                        (Errno::EACCES, Cause::Exec { problem, .. }) => {
                            tried.push(Tried { element: element.into(), path: candidate, problem: problem.clone() });
                            // A file that is there tells more than a directory that may not be searched.
                            if closed.as_ref().is_none_or(|(_, before)| is_unreachable(before)) {
                                closed = Some((errno, cause));
                            }
                        }
                        // An absent interpreter is ENOENT too: execvp goes on.
                        (Errno::ENOENT, _) => drop(closed.get_or_insert((errno, cause))),
                        _ => {
                            *steps = attempt;
                            return exits(errno, cause);
                        }
                    }
                }
            }
        }
        match closed {
            _ if unseen.is_some() => Err(unseen.unwrap_or_default()),
            Some((errno, cause)) => exits(errno, cause),
            None => exits(
                Errno::ENOENT,
                Cause::NotInPath { name, role, tried, default_path: self.environment.default_path },
            ),
        }
    }

    pub(super) fn caller(&self) -> Caller<'_> {
        Caller {
            view: self.view,
            cwd: self.cwd.as_bstr(),
            credentials: &self.credentials,
            kernel: self.kernel,
            bounding: self.bounding,
            environment: &self.environment,
        }
    }
}

/// busybox, *applet not found*.
fn no_applet(loaded: &Loaded, at: usize) -> Outcome {
    let wrapper = loaded.argv.get(at).map(|word| base(word).into()).unwrap_or_default();
    Outcome::Exits { code: 127, cause: Cause::Misused { wrapper, misuse: Misuse::NoApplet } }
}

/// Whether a script leaves the files of the image as they are: it has run nothing but what prints or makes directories.
pub(super) fn leaves_files(ending: &Ending) -> bool {
    ending.jobs.is_empty() && ending.clean
}

/// EACCES for a directory on the way, not for the file.
pub(super) fn is_unreachable(cause: &Cause) -> bool {
    matches!(cause, Cause::Exec { problem: Problem::Unresolved(e), .. } if e.errno == Errno::EACCES)
}

pub(super) fn is_foreign(cause: &Cause) -> bool {
    matches!(cause, Cause::Exec { problem: Problem::Architecture(..), .. })
}

/// `loaded` without its first words, as the applet of busybox sees it that they name.
fn without(loaded: &Loaded, words: usize) -> Loaded {
    let argv = loaded.argv.get(words..).unwrap_or_default().to_vec();
    let script = loaded.script.as_ref().map(|(file, at)| (file.clone(), at.saturating_sub(words)));
    Loaded { argv, script, ..loaded.clone() }
}

/// What `loaded` is, and where its arguments begin.
pub(super) fn known(view: &View<'_>, loaded: &Loaded) -> Option<(Known, usize)> {
    let called = base(loaded.argv.first()?);
    let file = base(&loaded.file.path);
    if is_busybox(view, loaded) {
        // `busybox busybox APPLET`: it is an applet of its own.
        let is_itself = |at: usize, word: &[u8]| word == b"busybox" || (at == 0 && word.starts_with(b"busybox"));
        let first = loaded.argv.iter().enumerate().position(|(at, word)| !is_itself(at, base(word)))? + 1;
        let applet = base(loaded.argv.get(first - 1)?);
        return match applet {
            b"env" => Some((Known::Env(Flavour::Busybox), first)),
            b"sh" | b"ash" => Some((Known::Shell(Shell::Ash), first)),
            _ => {
                let known = wrapper::applet(applet).map(Known::Wrapper);
                let asked = (first > 1 && !applet.starts_with(b"-")) || known.is_some();
                let absent = asked && Applets::of(view, loaded.file.ino).is_ok_and(|applets| !applets.has(applet));
                (if absent { Some(Known::NoApplet) } else { known }).map(|known| (known, first))
            }
        };
    }
    match (file, called) {
        (b"env", _) | (b"coreutils", b"env") => Some((Known::Env(Flavour::Gnu), 1)),
        _ if shells::by_name(view, loaded).is_some() => shells::by_name(view, loaded).map(|s| (Known::Shell(s), 1)),
        (b"coreutils", called) => Some((Known::Wrapper(wrapper::program(called)?), 1)),
        (b"setarch" | b"newgrp", called) => Some((Known::Wrapper(wrapper::program(called)?), 1)),
        _ => {
            let program = wrapper::program(file).map(|wrapper| (wrapper, 1));
            program.or_else(|| wrapper::script(loaded)).map(|(wrapper, at)| (Known::Wrapper(wrapper), at))
        }
    }
}

/// By name, by being the same inode as the busybox beside it or in /bin (it is installed as links or hard links), or where
/// it is a shell, by its bytes.
pub(super) fn is_busybox(view: &View<'_>, loaded: &Loaded) -> bool {
    match base(&loaded.file.path) {
        file if file.starts_with(b"busybox") => return true,
        b"sh" | b"ash" if shells::by_bytes(view, loaded) == Some(Shell::Ash) => return true,
        _ => {}
    }
    let directory = loaded.file.path.rfind_byte(b'/').and_then(|i| loaded.file.path.get(..i)).unwrap_or_default();
    let same = |dir: &[u8]| {
        let path = [dir, b"/busybox"].concat();
        view.resolve(&path, b"/", &Credentials::root()).is_ok_and(|found| found.ino == loaded.file.ino)
    };
    same(directory) || same(b"/bin")
}

pub(super) fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or(path)
}

pub(super) fn mark(steps: &mut [Step], kind: StepKind) {
    if let Some(step) = steps.iter_mut().rfind(|s| s.kind != StepKind::Loader) {
        step.kind = kind;
    }
}

/// A failed execve(2) of the container's own command.
pub fn failed(stop: Stop) -> Outcome {
    match stop {
        Stop::Fails(errno, cause) => Outcome::Fails { phase: Phase::Execve, errno: Some(errno), cause },
        Stop::Killed(signal, cause) => killed(signal, cause),
        Stop::Ends(code, cause) => Outcome::Exits { code, cause },
        Stop::Unknown(why) => Outcome::Unknown(why),
    }
}

/// Death by a signal, as engines and shells show it.
fn killed(signal: u8, cause: Cause) -> Outcome {
    Outcome::Exits { code: 128 + signal, cause }
}

/// Where a name is looked for: an empty element of PATH is the working directory.
fn in_directory(element: &[u8], name: &BString) -> BString {
    match element {
        [] => name.clone(),
        _ => [element, b"/", name.as_slice()].concat().into(),
    }
}
