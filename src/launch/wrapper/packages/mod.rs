//! npm, npx, yarn and pnpm, which run the scripts of a package as children: `npm start`, `yarn serve`, `npx serve`.
//!
//! Everything here was measured with npm 6.14 to 11.6, yarn 1.22 and pnpm 9.15 under node 18.

mod find;
mod words;

use bstr::{BString, ByteSlice};
use serde_json::Value;

use find::{PACKAGE_MAX, Package};
use words::{Options, Task, task};

use super::misused_with;
use super::parents::{Passing, Relay, Relays};
use crate::launch::execve::Loaded;
use crate::launch::outcome::{Misuse, Outcome, Role, Step, StepKind};
use crate::launch::program::{Next, Running, base, mark};
use crate::rootfs::{Credentials, EXECUTE, Errno};

/// What scripts may do before the one that is asked for without changing how that starts.
const HARMLESS: [&str; 4] = ["echo", "true", ":", "node -v"];

/// Which of them, told by the package that its file is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Npm,
    Npx,
    Yarn,
    Pnpm,
}

/// One that is called to run a script or a program of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    kind: Kind,
    /// Its version: major and minor number.
    version: (u32, u32),
    /// What it is called to do.
    task: Task,
}

impl Manager {
    /// What node, in `loaded`, is called to do, if its script is one of these.
    pub fn of(running: &Running<'_>, loaded: &Loaded) -> Option<Self> {
        if let Some(argv) = running.yarn(loaded) {
            let task = Task::Node(argv);
            return Some(Manager { kind: Kind::Yarn, version: (1, 0), task });
        }
        if !matches!(base(&loaded.file.path), b"node" | b"nodejs") {
            return None;
        }
        let script = running.view.resolve(loaded.argv.get(1)?, &running.cwd, &Credentials::root()).ok()?;
        let directory = parent(parent(&script.path)?)?;
        let about: Value = serde_json::from_slice(&running.file_text(&join(directory, b"package.json"))?).ok()?;
        let kind = match (about.get("name")?.as_str()?, base(&script.path)) {
            ("npm", b"npm-cli.js") => Kind::Npm,
            ("npm", b"npx-cli.js") => Kind::Npx,
            ("yarn", b"yarn.js") => Kind::Yarn,
            ("pnpm", b"pnpm.cjs") => Kind::Pnpm,
            _ => return None,
        };
        let mut numbers = about.get("version")?.as_str()?.split('.').map_while(|n| n.parse().ok());
        let version = (numbers.next()?, numbers.next()?);
        let task = task(kind, loaded.argv.get(2..)?)?;
        Some(Manager { kind, version, task })
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Npm => "npm",
            Kind::Npx => "npx",
            Kind::Yarn => "yarn",
            Kind::Pnpm => "pnpm",
        }
    }

    /// What it does as a parent. npm from 9.6 to 10.2 passes no signals on.
    fn parent(&self, followed: bool) -> Relay {
        let (absent, signal, interrupt) = match (self.kind, self.version) {
            (Kind::Npm | Kind::Npx, (0..=6, _)) => (1, 0, 0),
            (Kind::Pnpm, _) => (1, 1, 0),
            _ => (127, 1, 1),
        };
        let (relays, heeds): (_, &[u8]) = match (self.kind, self.version) {
            (Kind::Npm | Kind::Npx, (9, 6..) | (10, 0..=2)) => (Relays::Nothing, &[]),
            (Kind::Yarn, _) => (Relays::Ends, &[15]),
            _ => (Relays::Child, &[2, 15]),
        };
        let passing = Passing::Script { absent, signal, interrupt, followed };
        Relay { passing, relays, rewrites: Vec::new(), name: self.name().into(), leads: false, heeds, ends: 1 }
    }

    /// What it ends with where it cannot read package.json: npm with the error number.
    fn unreadable(&self, errno: Errno) -> u8 {
        match (self.kind, errno) {
            (Kind::Npm | Kind::Npx, Errno::ENOENT) => 254,
            (Kind::Npm | Kind::Npx, Errno::EACCES) => 243,
            (Kind::Npm | Kind::Npx, Errno::EISDIR) => 235,
            _ => 1,
        }
    }
}

/// The directory of `path`, without a slash at its end; `None` for the root directory.
fn parent(path: &[u8]) -> Option<&[u8]> {
    path.rfind_byte(b'/').and_then(|slash| path.get(..slash)).filter(|_| path != b"/")
}

fn join(directory: &[u8], name: &[u8]) -> BString {
    [directory.strip_suffix(b"/").unwrap_or(directory), b"/", name].concat().into()
}

impl Running<'_> {
    /// Starts what `manager` is called to start.
    pub(in crate::launch) fn manage(&mut self, manager: &Manager, steps: &mut Vec<Step>) -> Result<Next, String> {
        mark(steps, StepKind::Wrapper);
        match &manager.task {
            Task::Node(argv) => {
                mark(steps, StepKind::Shell);
                self.execvp(argv.clone(), Role::ShellCommand { line: 1, sourced: false }, steps, |_, _| 127)
            }
            Task::Unclear(word) => Err(format!("`{word}` of `{}` is not followed", manager.name())),
            Task::Script { name, arguments, options } => self.script_of(manager, name, arguments, options, steps),
            Task::Shortcut { name, arguments, options } => {
                let package = self.package(manager, options)?.ok();
                if package.is_none_or(|package| package.script(name).is_none_or(str::is_empty)) {
                    return Err(format!("`{} {name}` is no script, and is not followed", manager.name()));
                }
                self.script_of(manager, name, arguments, options, steps)
            }
            Task::Program { argv, options } => self.program_of(manager, argv, options, steps),
        }
    }

    /// The words for node, if a shell in `loaded` reads the script `bin/yarn` of yarn 1: on Linux that executes the file
    /// beside it, whatever else it looks for first.
    fn yarn(&self, loaded: &Loaded) -> Option<Vec<BString>> {
        let (file, at) = loaded.script.as_ref().filter(|(file, _)| base(&file.path) == b"yarn")?;
        let has_node = self.environment.get(b"PATH")?.split_str(":").any(|directory| {
            let found = self.view.resolve(&join(directory, b"node"), &self.cwd, &self.credentials);
            found.is_ok_and(|found| self.credentials.may(EXECUTE, self.view.inode(found.ino)))
        });
        let text = self.file_text(&file.path)?;
        let executes = text.contains_str("exec node \"$basedir/yarn.js\" \"$@\"");
        let script = join(parent(&file.path)?, b"yarn.js");
        let words = [BString::from("node"), script].into_iter().chain(loaded.argv.iter().skip(at + 1).cloned());
        (has_node && executes).then(|| words.collect())
    }

    fn script_of(
        &mut self,
        manager: &Manager,
        name: &BString,
        arguments: &[BString],
        options: &Options,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let package = match self.package(manager, options)? {
            Ok(package) => package,
            Err(outcome) => return Ok(Next::Ends(outcome)),
        };
        let text = match package.script(name) {
            Some("") if manager.kind == Kind::Npm => return Ok(Next::Ends(Outcome::Runs)),
            Some(text) if !text.is_empty() => text,
            _ if name == "start" && self.is_there(&package, b"server.js") => "node server.js",
            _ if options.if_present || name == "env" => return Ok(Next::Ends(Outcome::Runs)),
            _ if manager.kind == Kind::Yarn && self.is_there(&package, &bin(name)) => {
                return Err(format!("`yarn {name}` is no script, and is not followed"));
            }
            _ => return Ok(Next::Ends(misused_with(1, manager.name(), Misuse::NoScript(name.clone())))),
        };
        let hook = |when: &str| package.script(&[when.as_bytes(), name].concat()).filter(|_| !options.alone);
        if let Some(before) = hook("pre").filter(|text| !is_harmless(text)) {
            return Err(format!("`pre{name}` is run first (`{}`), and how it ends is not followed", brief(before)));
        }
        let followed = hook("post").is_some_and(|text| !is_harmless(text));
        let text = with_arguments(manager, text, arguments)?;
        self.settle(manager, &package, name, &text)?;
        self.by_its_shell(manager, text, followed, steps)
    }

    /// `npx NAME`: a program of the package, or else one that would be fetched.
    fn program_of(
        &mut self,
        manager: &Manager,
        argv: &[BString],
        options: &Options,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let Some((name, arguments)) = argv.split_first() else { return Ok(Next::Ends(Outcome::Runs)) };
        let package = match self.package(manager, options)? {
            Ok(package) => package,
            Err(_) => return Err(format!("`{name}` is in no package, and `{}` may fetch it", manager.name())),
        };
        if name.contains(&b'/') || !self.is_there(&package, &bin(name)) {
            return Err(format!("`{name}` is not in node_modules/.bin, and `{}` may fetch it", manager.name()));
        }
        let cwd = self.cwd.clone();
        let text = with_arguments(manager, &name.to_string(), arguments)?;
        self.settle(manager, &package, &"npx".into(), &text)?;
        self.cwd = cwd;
        if manager.kind == Kind::Pnpm {
            return self.child(manager, argv.to_vec(), false, steps);
        }
        self.by_its_shell(manager, text, false, steps)
    }

    fn is_there(&self, package: &Package, name: &[u8]) -> bool {
        self.view.resolve(&join(&package.directory, name), b"/", &self.credentials).is_ok()
    }

    fn file_text(&self, path: &[u8]) -> Option<Vec<u8>> {
        let file = self.view.resolve(path, b"/", &Credentials::root()).ok()?;
        self.view.inode(file.ino).kind.is_regular().then(|| self.view.read(file.ino, 0, PACKAGE_MAX).ok()).flatten()
    }

    /// The working directory and the environment of a script.
    fn settle(&mut self, manager: &Manager, package: &Package, name: &BString, text: &BString) -> Result<(), String> {
        let known = ["npm_lifecycle_event", "npm_package_name", "npm_package_version", "INIT_CWD"];
        let others = known.iter().fold(text.to_vec(), |text, name| text.replace(name, ""));
        if others.contains_str("npm_") {
            return Err(format!("`{}` sets variables that the script uses", manager.name()));
        }
        let mut path = BString::default();
        let mut directory = Some(package.directory.as_slice());
        while let Some(here) = directory.filter(|_| path.len() < PACKAGE_MAX) {
            path.extend_from_slice(&join(here, b"node_modules/.bin:"));
            directory = parent(here);
        }
        path.extend_from_slice(self.environment.get(b"PATH").ok_or("without PATH no shell is found")?);
        let values = [name.clone(), package.field("name").into(), package.field("version").into(), self.cwd.clone()];
        for (name, value) in known.iter().zip(values) {
            self.environment.set((*name).into(), value);
        }
        self.environment.set("PATH".into(), path);
        self.cwd = package.directory.clone();
        Ok(())
    }

    fn by_its_shell(
        &mut self,
        manager: &Manager,
        text: BString,
        followed: bool,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let shell = if manager.kind == Kind::Yarn { "/bin/sh" } else { "sh" };
        self.child(manager, vec![shell.into(), "-c".into(), text], followed, steps)
    }

    fn child(
        &mut self,
        manager: &Manager,
        argv: Vec<BString>,
        followed: bool,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let before = steps.len();
        let role = Role::Wrapped { shebang: false, words: false };
        let next = self.execvp(argv, role, steps, |_, _| 1)?;
        if !next.is_started() {
            return Err(format!("what `{}` ends with without its shell is not known", manager.name()));
        }
        self.fork(manager.parent(followed), true, steps.get_mut(before..).unwrap_or_default());
        Ok(next)
    }
}

/// The file of a package's program.
fn bin(name: &[u8]) -> BString {
    join(b"node_modules/.bin", name)
}

/// One command that does nothing that matters.
fn is_harmless(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_alphanumeric() || " .,:!?_-/'\"".contains(c));
    plain
        && HARMLESS
            .iter()
            .any(|word| text == *word || text.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')))
}

/// The text with its arguments behind it, quoted for the shell.
fn with_arguments(manager: &Manager, text: &str, arguments: &[BString]) -> Result<BString, String> {
    let mut text = BString::from(text);
    for argument in arguments {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_./:=@,+-".contains(b);
        text.push(b' ');
        match argument.as_slice() {
            word if !word.is_empty() && word.iter().all(plain) => text.extend_from_slice(word),
            word if word.iter().all(|b| plain(b) || *b == b' ') => text.extend_from_slice(&[b"'", word, b"'"].concat()),
            _ => return Err(format!("how `{}` quotes `{argument}` is not followed", manager.name())),
        }
    }
    Ok(text)
}

/// The beginning of a text, for messages.
fn brief(text: &str) -> String {
    text.chars().take(60).collect()
}
