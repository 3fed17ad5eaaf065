//! What a program that has control does next, for the few that are known: `env` and shells.

use std::cell::RefCell;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use super::busybox::Applets;
use super::env::{self, Flavour};
use super::execve::{Caller, Loaded, Stop};
use super::family::{Branch, Parent};
use super::loader::{Memory, Started};
use super::outcome::{Cause, Misuse, Outcome, Phase, Problem, Role, Step, StepKind, Tried};
use super::process::Environment;
use super::script::{self, End, Ending, Field, Invocation, Started as Ran, Value};
use super::scripts;
use super::shell::{self, Options, Replacing, Script, Shell, Words};
use super::shells;
use super::ways::{self, Choices};
use super::wrapper::{self, Manager, Wrapper};
use crate::format::elf;
use crate::format::magic::Format;
use crate::rootfs::{Credentials, Errno, Ino, PathError, READ, View};

/// Wrappers that may follow one another before it is called a loop.
const MAX_PROGRAMS: usize = 16;
/// Programs after which all files are what they were, but for directories.
const HARMLESS: [&str; 16] = [
    "basename", "date", "dirname", "echo", "false", "grep", "hostname", "id", "ls", "mkdir", "printf", "sleep", "true",
    "uname", "wc", "whoami",
];
/// Stands for words of a command line that are not known, one or many or none: no word has a NUL.
pub const UNKNOWN: &[u8] = b"\0";
/// More of a script than this is not read.
const SCRIPT_MAX: usize = 1 << 20;

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
    /// A script has run what may have changed files: see [`leaves_files`].
    pub disturbed: bool,
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
enum Known {
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
        let outcome = match self.chain(loaded, steps) {
            // What is not there, or not executable, when the image is built may be so by then.
            Outcome::Exits { cause, .. }
                if self.disturbed && !matches!(cause, Cause::ScriptEnds { .. } | Cause::ShellSyntax { .. }) =>
            {
                while steps.last().is_some_and(|step| step.ino.is_none()) {
                    steps.pop();
                }
                Outcome::Runs
            }
            outcome => outcome,
        };
        self.passed_on(outcome)
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

    fn shell(&mut self, shell: Shell, loaded: &Loaded, steps: &mut Vec<Step>) -> Result<Next, String> {
        mark(steps, StepKind::Shell);
        match &loaded.script {
            Some((_, at)) => self.script(shell, loaded, *at, steps),
            None => self.shell_arguments(shell, loaded, steps),
        }
    }

    /// `sh -c TEXT` or `sh FILE`.
    fn shell_arguments(&mut self, shell: Shell, loaded: &Loaded, steps: &mut Vec<Step>) -> Result<Next, String> {
        let runs = Ok(Next::Ends(Outcome::Runs));
        // The applet of `busybox sh` is the second word.
        let skip = usize::from(loaded.argv.first().is_some_and(|w| base(w) == b"busybox"));
        let (options, at) = match Words::read(shell, loaded.argv.get(skip..).unwrap_or_default()) {
            Words::Text(options, at) => (options, at + skip),
            // Without a slash some shells go on to look in PATH.
            Words::Script(options, at)
                if !options.login && loaded.argv.get(at + skip).is_some_and(|f| f.contains(&b'/')) =>
            {
                return self.script(shell, loaded, at + skip, steps);
            }
            _ => return runs,
        };
        let Some(text) = loaded.argv.get(at).filter(|text| !text.contains(&0)) else { return runs };
        if options.login || shell.in_part() || !options.letters.is_empty() || options.pipefail {
            return self.text(shell, loaded, at, &options, steps);
        }
        if let Some(code) = shell::broken_exec_form(text.as_bstr()) {
            let cause = Cause::BrokenExecForm { text: text.to_string() };
            return Ok(Next::Ends(Outcome::Exits { code, cause }));
        }
        self.text(shell, loaded, at, &options, steps)
    }

    /// Word `at` is the text of `-c`.
    fn text(
        &mut self,
        shell: Shell,
        loaded: &Loaded,
        at: usize,
        options: &Options,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let arguments = loaded.argv.get(at + 1..).unwrap_or_default();
        let called = loaded.argv.first().cloned().unwrap_or_default();
        let name = arguments.first().unwrap_or(&called).clone();
        let text = loaded.argv.get(at).cloned().unwrap_or_default();
        let mut call = self.invocation(shell, name, text, arguments.get(1..).unwrap_or_default());
        let home = if options.login || shell == Shell::Zsh { self.home() } else { None };
        let Some(startup) = self.startup(shell, called.as_bstr(), options, home.as_ref().map(|h| h.as_bstr())) else {
            return Ok(Next::Ends(Outcome::Runs));
        };
        if let Some(home) = home {
            call.environment.retain(|(name, _)| name != "HOME");
            call.environment.push(("HOME".into(), Value::Known(home)));
        }
        let (options, pipefail) = (options.letters.clone(), options.pipefail);
        let replaces = Replacing::Last;
        let call = Invocation { command_string: true, replaces, options, pipefail, startup, ..call };
        self.evaluate(call, Some(loaded), steps)
    }

    /// The script that word `at` names: the shell opens it anew, without what execve(2) was allowed.
    fn script(&mut self, shell: Shell, loaded: &Loaded, at: usize, steps: &mut Vec<Step>) -> Result<Next, String> {
        let path = loaded.argv.get(at).cloned().unwrap_or_default();
        if path.contains(&0) {
            return Err("which script the shell reads is not known before it runs".to_owned());
        }
        if let Some(argument) = loaded.argv.get(at.wrapping_sub(1)).filter(|_| at == 2)
            && let Some(outcome) = self.shell_argument(shell, argument, &path)
        {
            return outcome.map(Next::Ends);
        }
        let ino = match self.open(path.as_bstr())? {
            Ok(ino) => ino,
            Err(problem) => {
                let absent = matches!(&problem, Problem::Unresolved(e) if e.errno == Errno::ENOENT);
                let cause = Cause::Exec { role: Role::Command, path, problem };
                return Ok(Next::Ends(Outcome::Exits { code: shell.cannot_open(absent), cause }));
            }
        };
        if let Some((code, problem)) = self.no_script(shell, ino)? {
            let cause = Cause::Exec { role: Role::Command, path, problem };
            return Ok(Next::Ends(Outcome::Exits { code, cause }));
        }
        let text = self.view.read(ino, 0, SCRIPT_MAX).map_err(|e| e.to_string())?;
        match shell::read(shell, &text) {
            Script::Other | Script::Command { .. } => {
                let options = loaded.argv.get(1..at).unwrap_or_default().iter().flat_map(|word| word.iter());
                let options = options.copied().filter(u8::is_ascii_alphabetic).collect();
                let arguments = loaded.argv.get(at + 1..).unwrap_or_default();
                let call = self.invocation(shell, path, text.into(), arguments);
                if shell == Shell::Zsh && !self.is_quiet(loaded) {
                    return Ok(Next::Ends(Outcome::Runs));
                }
                self.evaluate(Invocation { options, ..call }, None, steps)
            }
            Script::CarriageReturn { code, line, text } => {
                Ok(Next::Ends(Outcome::Exits { code, cause: Cause::CarriageReturn { path, line, text } }))
            }
            Script::CarriageReturns => {
                Err(format!("lines of `{path}` end in CR (CRLF), which the shell takes as text"))
            }
        }
    }

    /// Text that the kernel does not execute: the shell reads it as a script of its own, and its status is the shell's.
    fn without_shebang(
        &mut self,
        shell: Shell,
        path: BString,
        ino: Ino,
        words: &[BString],
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        self.nested += 1;
        if self.nested > MAX_PROGRAMS {
            return Err("scripts start one another without end".to_owned());
        }
        let text = self.view.read(ino, 0, SCRIPT_MAX).map_err(|e| e.to_string())?;
        let call = self.invocation(shell, path, text.into(), words.get(1..).unwrap_or_default());
        self.evaluate(call, None, steps)
    }

    /// What a shell says of a directory or a program in the place of its script (measured; dash and ash stumble over a
    /// program's first bytes, and read nothing from a directory).
    fn no_script(&self, shell: Shell, ino: Ino) -> Result<Option<(u8, Problem)>, String> {
        if shell.in_part() && !self.view.inode(ino).kind.is_regular() {
            return Err("what this shell reads from it is not known".to_owned());
        }
        if self.view.inode(ino).kind.is_directory() {
            return Ok((shell == Shell::Bash).then_some((126, Problem::Directory(ino))));
        }
        let head = self.view.read(ino, 0, elf::HEADER).map_err(|e| e.to_string())?;
        if shell.in_part() && elf::is_elf(&head) {
            return Err("what this shell makes of a program as its script is not known".to_owned());
        }
        let code = if shell == Shell::Bash { 126 } else { 2 };
        Ok(elf::is_elf(&head).then_some((code, Problem::Format(ino, Format::Elf("a program is no script")))))
    }

    /// A script as its shell is given it.
    fn invocation(&self, shell: Shell, name: BString, text: BString, arguments: &[BString]) -> Invocation {
        let known = |text: &BString| Value::Known(text.clone());
        let mut environment: Vec<(BString, Value)> =
            self.environment.variables().map(|(name, value)| (name.clone(), known(value))).collect();
        // Engines set these two, and not always to the same.
        for name in ["HOME", "HOSTNAME"] {
            if self.environment.get(name.as_bytes()).is_none() {
                environment.push((name.into(), Value::filled(format!("the engine sets {name}"))));
            }
        }
        Invocation {
            shell,
            name: Value::Known(name),
            text,
            command_string: false,
            replaces: Replacing::Never,
            arguments: arguments.iter().map(field).collect(),
            environment,
            cwd: self.cwd.clone(),
            options: Vec::new(),
            pipefail: false,
            startup: Vec::new(),
            pid: (self.branches == 0).then(|| self.pid()).filter(|pid| *pid == 1),
            signals: self.signals.clone(),
        }
    }

    /// The shell exits: for want of a command, or because the script says so.
    pub(super) fn exits(
        &self,
        call: &Invocation,
        ending: &Ending,
        code: u8,
        line: usize,
        steps: &mut Vec<Step>,
    ) -> Outcome {
        let missing = ending.missing.iter().rfind(|missing| missing.code == code && matches!(code, 126 | 127));
        if let Some(missing) = missing {
            let role = Role::ShellCommand { line: missing.span.line };
            let mut tried = steps.clone();
            if let Ok(Next::Ends(Outcome::Exits { cause, .. })) =
                self.execvp(vec![missing.name.clone()], role, &mut tried, |_, _| code)
            {
                *steps = tried;
                return Outcome::Exits { code, cause };
            }
        }
        let path = call.name.known().map(BStr::to_owned).unwrap_or_default();
        if let End::Exits { cause: script::Cause::Syntax(line), .. } = ending.end {
            let path = Some(path).filter(|_| !call.command_string);
            return Outcome::Exits { code, cause: Cause::ShellSyntax { path, line, shell: call.shell } };
        }
        let left = ending.jobs.iter().find(|job| !job.short && job.told.is_none());
        let left = left.and_then(|job| job.argv.first()?.known().map(BStr::to_owned));
        Outcome::Exits { code, cause: Cause::ScriptEnds { path, line, code, left } }
    }

    /// The one argument that a shebang line gives to a shell.
    fn shell_argument(&self, shell: Shell, argument: &BString, path: &BString) -> Option<Result<Outcome, String>> {
        let exits = |code, cause| Some(Ok(Outcome::Exits { code, cause }));
        if let Some(options) = argument.strip_prefix(b"-") {
            if options.ends_with(b"\r") && shell.in_part() {
                return Some(Err(format!("what this shell makes of `{argument}` is not known")));
            }
            if options.ends_with(b"\r") {
                let cause = Cause::CarriageReturn { path: path.clone(), line: 1, text: argument.clone() };
                return exits(if shell == Shell::Bash { 1 } else { 2 }, cause);
            }
            return (options.contains(&b'c') || argument.starts_with(b"--"))
                .then(|| Err(format!("`{argument}` in the shebang line of `{path}` is not followed")));
        }
        match self.view.resolve(argument, &self.cwd, &self.credentials) {
            Err(error) if error.unknowable.is_none() => {
                let code = shell.cannot_open(error.errno == Errno::ENOENT);
                exits(code, Cause::ShellArgument { argument: argument.clone(), path: path.clone() })
            }
            _ => Some(Err(format!("the shebang line of `{path}` makes the shell run `{argument}` in its place"))),
        }
    }

    /// Opens a file to read it; the inner error is what keeps the process from it.
    fn open(&self, path: &BStr) -> Result<Result<Ino, Problem>, String> {
        match self.view.resolve(path, &self.cwd, &self.credentials) {
            Err(PathError { unknowable: Some(why), at, .. }) => Err(format!("`{path}` leads to {at}, {why}")),
            Err(error) => Ok(Err(Problem::Unresolved(error))),
            Ok(file) if self.credentials.may(READ, self.view.inode(file.ino)) => Ok(Ok(file.ino)),
            Ok(file) => Ok(Err(Problem::NotReadable(file.ino))),
        }
    }

    /// A simple command: its absence is certain, its own exit code is not known unless the shell becomes it.
    pub(super) fn command(
        &mut self,
        shell: Shell,
        words: Vec<BString>,
        exec: bool,
        line: usize,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        if self.environment.get(b"PATH").is_none() || self.bash_reads_more(shell) {
            return Ok(Next::Ends(Outcome::Runs)); // shells have default paths of their own
        }
        let mut tried_steps = steps.clone();
        let in_path = words.first().is_some_and(|name| !name.contains(&b'/'));
        let code = |errno, cause: &Cause| shell.cannot_execute(errno, in_path, exec, is_unreachable(cause));
        let next = self.execvp(words.clone(), Role::ShellCommand { line }, &mut tried_steps, code)?;
        if let Some(own) = self.own_applet(shell, &next, &words, line, steps) {
            return own;
        }
        match next {
            Next::Ends(Outcome::Exits {
                cause: Cause::Exec { problem: Problem::Format(ino, Format::Text | Format::ByteOrderMark), path, .. },
                ..
            }) => {
                *steps = tried_steps;
                mark(steps, StepKind::Script);
                self.without_shebang(shell, path, ino, &words, steps)
            }
            Next::Ends(Outcome::Exits { cause: Cause::Exec { problem: Problem::Format(..), .. }, .. }) => {
                Ok(Next::Ends(Outcome::Runs)) // the shell reads it as a script, or says 126
            }
            Next::Ends(Outcome::Exits { cause, .. }) if shell.in_part() && !is_absence(&cause) => {
                Ok(Next::Ends(Outcome::Runs)) // not measured with these
            }
            // busybox takes a program for another machine for a script, and stumbles over its first line.
            Next::Ends(Outcome::Exits { cause, .. }) if shell == Shell::Ash && is_foreign(&cause) => {
                *steps = tried_steps;
                Ok(Next::Ends(Outcome::Exits { code: 2, cause }))
            }
            next => {
                *steps = tried_steps;
                Ok(next)
            }
        }
    }

    /// Whether zsh reads nothing that matters before a script.
    fn is_quiet(&self, loaded: &Loaded) -> bool {
        let called = loaded.argv.first().map(|name| name.as_bstr()).unwrap_or_default();
        let home = self.home();
        self.startup(Shell::Zsh, called, &Options::default(), home.as_ref().map(|h| h.as_bstr())).is_some()
    }

    /// The applet that a busybox runs in place of a file of its name, where that makes a difference.
    fn own_applet(
        &self,
        shell: Shell,
        next: &Next,
        words: &[BString],
        line: usize,
        steps: &mut Vec<Step>,
    ) -> Option<Result<Next, String>> {
        let own = scripts::own_file(shell, steps)?.clone();
        let name = words.first().filter(|name| !name.contains(&b'/'))?;
        let differs = match next {
            Next::Program(loaded) => !is_busybox(self.view, loaded) && known(self.view, loaded).is_some(),
            Next::Ends(_) => true,
        };
        let applets = Applets::of(self.view, own.ino.filter(|_| differs)?).ok()?;
        let runs = applets.preferred && applets.has(name);
        runs.then(|| match self.execute(own.path.clone(), words.to_vec(), Role::ShellCommand { line }, steps) {
            Ok(loaded) => Ok(Next::Program(loaded)),
            Err(_) => Err(format!("busybox runs its own `{name}`, and cannot execute itself")),
        })
    }

    /// Whether bash knows commands that are in no file: BASH_ENV is run before the script, functions come in variables.
    pub(super) fn bash_reads_more(&self, shell: Shell) -> bool {
        let set = |name: &BString| name.starts_with(b"BASH_FUNC_");
        let file = self.environment.get(b"BASH_ENV").is_some_and(|f| !f.is_empty());
        shell == Shell::Bash && (file || self.environment.names().any(set))
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
        let (mut tried, mut closed) = (Vec::new(), None::<(Errno, Cause)>);
        for element in path.split_str(":") {
            let candidate: BString = match element {
                [] => name.clone(),
                _ => [element, b"/", name.as_slice()].concat().into(),
            };
            let mut attempt = steps.clone();
            match self.execute(candidate.clone(), argv.clone(), role, &mut attempt) {
                Ok(loaded) => {
                    *steps = attempt;
                    return Ok(Next::Program(loaded));
                }
                Err(Stop::Unknown(why)) => return Err(why),
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

/// Whether a script leaves the files of the image as they are: it has run nothing but what prints or makes directories,
/// and redirects to no file. Another script that it reads may do so.
pub(super) fn leaves_files(ending: &Ending, text: &[u8]) -> bool {
    let is_harmless = |argv: &[Field]| {
        let name = argv.first().and_then(Field::known).map(|name| base(name));
        name.is_some_and(|name| HARMLESS.iter().any(|harmless| harmless.as_bytes() == name))
    };
    let text = text.replace(">/dev/null", "").replace("> /dev/null", "").replace(">&", "");
    let reads_another = text.lines().any(|line| {
        let line = line.trim_ascii_start();
        line.starts_with(b". ") || line.contains_str("source ") || line.contains_str(" . ")
    });
    // what comes last has changed nothing before it starts
    let own = |started: &&Ran| matches!(&ending.end, End::Child { argv, .. } if *argv == started.argv);
    let before = ending.started.iter().rev().skip_while(|started| own(started));
    ending.jobs.is_empty()
        && before.into_iter().all(|started| is_harmless(&started.argv))
        && !text.contains(&b'>')
        && !reads_another
}

/// A program that is not there, or may not be executed.
fn is_absence(cause: &Cause) -> bool {
    match cause {
        Cause::NotInPath { .. } => true,
        Cause::Exec { problem: Problem::Unresolved(e), .. } => matches!(e.errno, Errno::ENOENT | Errno::EACCES),
        _ => false,
    }
}

/// A word of a command line as an argument of a script.
fn field(word: &BString) -> Field {
    match word.contains(&0) {
        true => Field::Any("it is not known what the script is given".into()),
        false => Field::One(Value::Known(word.clone())),
    }
}

/// EACCES for a directory on the way, not for the file.
fn is_unreachable(cause: &Cause) -> bool {
    matches!(cause, Cause::Exec { problem: Problem::Unresolved(e), .. } if e.errno == Errno::EACCES)
}

fn is_foreign(cause: &Cause) -> bool {
    matches!(cause, Cause::Exec { problem: Problem::Architecture(..), .. })
}

/// `loaded` without its first words, as the applet of busybox sees it that they name.
fn without(loaded: &Loaded, words: usize) -> Loaded {
    let argv = loaded.argv.get(words..).unwrap_or_default().to_vec();
    let script = loaded.script.as_ref().map(|(file, at)| (file.clone(), at.saturating_sub(words)));
    Loaded { argv, script, ..loaded.clone() }
}

/// What `loaded` is, and where its arguments begin.
fn known(view: &View<'_>, loaded: &Loaded) -> Option<(Known, usize)> {
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

/// By name, or by being the same inode as the busybox beside it or in /bin: it is installed as links or hard links.
fn is_busybox(view: &View<'_>, loaded: &Loaded) -> bool {
    if base(&loaded.file.path).starts_with(b"busybox") {
        return true;
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
