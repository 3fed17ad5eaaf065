//! A shell that gets control: the script or the text that it is given, and what becomes of the commands in it.

use bstr::{BStr, BString, ByteSlice};

use super::busybox::Applets;
use super::execve::Loaded;
use super::outcome::{Cause, Outcome, Problem, Role, Step, StepKind};
use super::program::{MAX_PROGRAMS, Next, Running, base, is_busybox, is_foreign, is_unreachable, known, mark};
use super::script::{self, End, Ending, Field, Invocation, Value};
use super::scripts;
use super::shell::{self, Options, Replacing, Script, Shell, Words};
use crate::format::elf;
use crate::format::magic::Format;
use crate::rootfs::{Errno, Ino, PathError, READ};

/// More of a script than this is not read.
const SCRIPT_MAX: usize = 1 << 20;

impl Running<'_> {
    pub(super) fn shell(&mut self, shell: Shell, loaded: &Loaded, steps: &mut Vec<Step>) -> Result<Next, String> {
        mark(steps, StepKind::Shell);
        match &loaded.script {
            Some((_, at)) => self.script(shell, loaded, *at, &self.script_options(shell, loaded, *at), steps),
            None => self.shell_arguments(shell, loaded, steps),
        }
    }

    /// `sh -c TEXT` or `sh FILE`.
    pub(super) fn shell_arguments(
        &mut self,
        shell: Shell,
        loaded: &Loaded,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let runs = Ok(Next::Ends(Outcome::Runs));
        // The applet of `busybox sh` is the second word.
        let skip = usize::from(loaded.argv.first().is_some_and(|w| base(w) == b"busybox"));
        let (options, at) = match Words::read(shell, loaded.argv.get(skip..).unwrap_or_default()) {
            Words::Text(options, at) => (options, at + skip),
            // Without a slash some shells go on to look in PATH.
            Words::Script(options, at) if loaded.argv.get(at + skip).is_some_and(|f| f.contains(&b'/')) => {
                return self.script(shell, loaded, at + skip, &options, steps);
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
    pub(super) fn text(
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
        let call = self.invocation(shell, name, text, arguments.get(1..).unwrap_or_default());
        let call = Invocation { command_string: true, replaces: Replacing::Last, ..call };
        match self.prepared(call, called.as_bstr(), options) {
            Some(call) => self.evaluate(call, Some(loaded), steps),
            None => Ok(Next::Ends(Outcome::Runs)),
        }
    }

    /// With what the words of the shell ask for, and the files that it reads first; `None` if these are not known.
    fn prepared(&self, mut call: Invocation, called: &BStr, options: &Options) -> Option<Invocation> {
        let home = if options.login || call.shell == Shell::Zsh { self.home() } else { None };
        call.startup = self.startup(call.shell, called, options, home.as_ref().map(|h| h.as_bstr()))?;
        if let Some(home) = home {
            call.environment.retain(|(name, _)| name != "HOME");
            call.environment.push(("HOME".into(), Value::Known(home)));
        }
        call.posix = call.shell == Shell::Bash && self.is_posix(called, options);
        (call.options, call.pipefail) = (options.letters.clone(), options.pipefail);
        Some(call)
    }

    /// What the words before a script ask for, if only as far as their letters are known.
    fn script_options(&self, shell: Shell, loaded: &Loaded, at: usize) -> Options {
        if let Words::Script(options, script) = Words::read(shell, &loaded.argv)
            && script == at
        {
            return options;
        }
        let letters = loaded.argv.get(1..at).unwrap_or_default().iter().flat_map(|word| word.iter());
        Options { letters: letters.copied().filter(u8::is_ascii_alphabetic).collect(), ..Options::default() }
    }

    /// The script that word `at` names: the shell opens it anew, without what execve(2) was allowed.
    pub(super) fn script(
        &mut self,
        shell: Shell,
        loaded: &Loaded,
        at: usize,
        options: &Options,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
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
                let called = loaded.argv.first().cloned().unwrap_or_default();
                let arguments = loaded.argv.get(at + 1..).unwrap_or_default();
                let call = self.invocation(shell, path, text.into(), arguments);
                match self.prepared(call, called.as_bstr(), options) {
                    Some(call) => self.evaluate(call, None, steps),
                    None => Ok(Next::Ends(Outcome::Runs)),
                }
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
    pub(super) fn without_shebang(
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
    pub(super) fn no_script(&self, shell: Shell, ino: Ino) -> Result<Option<(u8, Problem)>, String> {
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
    pub(super) fn invocation(&self, shell: Shell, name: BString, text: BString, arguments: &[BString]) -> Invocation {
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
            name: if name.contains(&0) { Value::filled("what it is called is not known") } else { Value::Known(name) },
            text,
            command_string: false,
            replaces: Replacing::Never,
            arguments: arguments.iter().map(field).collect(),
            environment,
            cwd: self.cwd.clone(),
            options: Vec::new(),
            pipefail: false,
            posix: false,
            startup: Vec::new(),
            pid: (self.branches == 0).then(|| self.pid()).filter(|pid| *pid == 1),
            signals: self.signals.clone(),
            fed: self.fed,
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
        let is_reason = |missing: &&script::Missing| missing.code == code && matches!(code, 126 | 127);
        let failed_after = |missing: &&script::Missing| {
            ending.failed.as_ref().is_some_and(|f| f.code == code && f.span.start > missing.span.start)
        };
        let missing = ending.missing.iter().rfind(is_reason).filter(|missing| !failed_after(missing));
        if let Some(missing) = missing {
            let role = Role::ShellCommand { line: missing.span.line, sourced: missing.file.is_some() };
            let mut tried = steps.clone();
            if let Ok(Next::Ends(Outcome::Exits { cause, .. })) =
                self.execvp(vec![missing.name.clone()], role, &mut tried, |_, _| code)
            {
                *steps = tried;
                return Outcome::Exits { code, cause };
            }
        }
        let failed = ending.failed.as_deref().filter(|_| code != 0);
        let by_program = failed.and_then(|failed| self.failed(call.shell, failed, code, steps));
        if let Some(outcome) = by_program {
            return outcome;
        }
        let own = || call.name.known().map(BStr::to_owned).unwrap_or_default();
        let path = ending.file.clone().unwrap_or_else(own);
        if let End::Exits { cause: script::Cause::Syntax(line), .. } = ending.end {
            let path = Some(path).filter(|_| !call.command_string || ending.file.is_some());
            return Outcome::Exits { code, cause: Cause::ShellSyntax { path, line, shell: call.shell } };
        }
        let left = ending.jobs.iter().find(|job| !job.short && job.told.is_none());
        let left = left.and_then(|job| Some((job.argv.first()?.known()?.to_owned(), job.span.line)));
        Outcome::Exits { code, cause: Cause::ScriptEnds { path, line, code, left } }
    }

    /// The one argument that a shebang line gives to a shell.
    pub(super) fn shell_argument(
        &self,
        shell: Shell,
        argument: &BString,
        path: &BString,
    ) -> Option<Result<Outcome, String>> {
        let exits = |code, cause| Some(Ok(Outcome::Exits { code, cause }));
        if let Some(options) = argument.strip_prefix(b"-") {
            if options.ends_with(b"\r") && shell.in_part() {
                return Some(Err(format!("what this shell makes of `{argument}` is not known")));
            }
            if options.ends_with(b"\r") {
                let cause = Cause::CarriageReturn { path: path.clone(), line: 1, text: argument.clone() };
                return exits(if shell == Shell::Bash { 1 } else { 2 }, cause);
            }
            if let Some(code) = refused_options(shell, options) {
                return exits(code, Cause::ShellOptions { argument: argument.clone(), path: path.clone() });
            }
            return (options.contains(&b'c') || argument.starts_with(b"--"))
                .then(|| Err(format!("`{argument}` in the shebang line of `{path}` is not followed")));
        }
        if argument.starts_with(b"+") && argument.len() > 1 {
            return None;
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
    pub(super) fn open(&self, path: &BStr) -> Result<Result<Ino, Problem>, String> {
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
        role: Role,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        if self.environment.get(b"PATH").is_none() || self.bash_reads_more(shell, false) {
            return Ok(Next::Ends(Outcome::Runs)); // shells have default paths of their own
        }
        let mut tried_steps = steps.clone();
        let in_path = words.first().is_some_and(|name| !name.contains(&b'/'));
        let code = |errno, cause: &Cause| shell.cannot_execute(errno, in_path, exec, is_unreachable(cause));
        let next = self.execvp(words.clone(), role, &mut tried_steps, code)?;
        if let Some(own) = self.own_applet(shell, &next, &words, role, steps) {
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

    /// The applet that a busybox runs in place of a file of its name, where that makes a difference.
    pub(super) fn own_applet(
        &self,
        shell: Shell,
        next: &Next,
        words: &[BString],
        role: Role,
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
        runs.then(|| match self.execute(own.path.clone(), words.to_vec(), role, steps) {
            Ok(loaded) => Ok(Next::Program(loaded)),
            Err(_) => Err(format!("busybox runs its own `{name}`, and cannot execute itself")),
        })
    }

    /// Whether bash knows commands that are in no file: BASH_ENV is run before the script, unless it begins in POSIX mode
    /// (measured: called `sh`, and with `--posix`); functions come in variables.
    pub(super) fn bash_reads_more(&self, shell: Shell, posix: bool) -> bool {
        let set = |name: &BString| name.starts_with(b"BASH_FUNC_");
        let file = self.environment.get(b"BASH_ENV").is_some_and(|f| !f.is_empty()) && !posix;
        shell == Shell::Bash && (file || self.environment.names().any(set))
    }
}

/// The exit code of a shell that is given these letters by the one argument of a shebang line: blanks are letters, too, and
/// the name that `-o` takes is the script (measured with dash 0.5.12, bash 5.2, busybox 1.35; what busybox makes of `-o` is
/// to read no script).
fn refused_options(shell: Shell, options: &[u8]) -> Option<u8> {
    let at = options.iter().position(|letter| b"oO ".contains(letter))?;
    match (shell, options.get(at)?) {
        (Shell::Bash, b'o') => Some(2),
        (Shell::Bash, b'O') if options.contains(&b' ') => Some(2),
        (Shell::Bash, b' ') => Some(1),
        (Shell::Dash, _) => Some(2),
        (Shell::Ash, b'o') => Some(0),
        (Shell::Ash, _) => Some(2),
        _ => None,
    }
}

/// A program that is not there, or may not be executed.
pub(super) fn is_absence(cause: &Cause) -> bool {
    match cause {
        Cause::NotInPath { .. } => true,
        Cause::Exec { problem: Problem::Unresolved(e), .. } => matches!(e.errno, Errno::ENOENT | Errno::EACCES),
        _ => false,
    }
}

/// A word of a command line as an argument of a script.
pub(super) fn field(word: &BString) -> Field {
    match word.contains(&0) {
        true => Field::Any("it is not known what the script is given".into()),
        false => Field::One(Value::Known(word.clone())),
    }
}
