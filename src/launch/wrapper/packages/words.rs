//! The words of npm and its kin: which script or program of a package they are called to run.

use bstr::{BString, ByteSlice};

use super::Kind;

/// Commands of yarn and pnpm that are no scripts, whatever package.json says.
const COMMANDS: [&str; 78] = [
    "access",
    "add",
    "approve-builds",
    "audit",
    "autoclean",
    "bin",
    "c",
    "cache",
    "cat-file",
    "cat-index",
    "check",
    "ci",
    "clean-install",
    "config",
    "create",
    "dedupe",
    "deploy",
    "dlx",
    "doctor",
    "env",
    "exec",
    "fetch",
    "find-hash",
    "generate-lock-entry",
    "generateLockEntry",
    "get",
    "global",
    "help",
    "i",
    "import",
    "info",
    "init",
    "install",
    "install-test",
    "it",
    "la",
    "licenses",
    "link",
    "list",
    "ll",
    "ln",
    "lockfile",
    "login",
    "logout",
    "ls",
    "m",
    "multi",
    "node",
    "outdated",
    "owner",
    "pack",
    "patch",
    "patch-commit",
    "policies",
    "prune",
    "publish",
    "rb",
    "rebuild",
    "recursive",
    "remove",
    "restart",
    "rm",
    "root",
    "self-update",
    "server",
    "set",
    "setup",
    "stop",
    "store",
    "tag",
    "team",
    "unlink",
    "unplug",
    "up",
    "update",
    "upgrade",
    "version",
    "why",
];
/// What it is called to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// A script of the package, and what is put behind its text.
    Script { name: BString, arguments: Vec<BString>, options: Options },
    /// The same, or something else if there is no such script: `yarn serve`.
    Shortcut { name: BString, arguments: Vec<BString>, options: Options },
    /// A program of node_modules/.bin.
    Program { argv: Vec<BString>, options: Options },
    /// Something with options that are not followed.
    Unclear(BString),
    /// To call node with these words (`bin/yarn` is a shell script).
    Node(Vec<BString>),
}

/// Options that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Where the package is.
    pub prefix: Option<BString>,
    /// A script that is not there is no error.
    pub if_present: bool,
    /// Without the scripts before and after.
    pub alone: bool,
}

/// The words behind its name.
pub(super) fn task(kind: Kind, words: &[BString]) -> Option<Task> {
    let mut call = Words::read(kind, words);
    if let Some(word) = call.unclear.take() {
        return call.runs_something(kind).then_some(Task::Unclear(word));
    }
    let mut words = call.words.into_iter();
    let options = call.options;
    let script = |name: BString, arguments, options| Some(Task::Script { name, arguments, options });
    if kind == Kind::Npx {
        return Some(Task::Program { argv: words.next().into_iter().chain(words).collect(), options })
            .filter(is_some_program);
    }
    let command = words.next()?;
    match (kind, command.as_slice()) {
        (_, b"start") => script(command, words.collect(), options),
        (_, b"test") | (Kind::Npm, b"t" | b"tst") | (Kind::Pnpm, b"t") => {
            script("test".into(), words.collect(), options)
        }
        (_, b"run") | (Kind::Npm | Kind::Pnpm, b"run-script") | (Kind::Npm, b"rum" | b"urn") => {
            let name = words.next()?;
            script(name, words.collect(), options)
        }
        (Kind::Npm | Kind::Pnpm, b"exec") | (Kind::Npm, b"x") => {
            Some(Task::Program { argv: words.collect(), options }).filter(is_some_program)
        }
        (Kind::Yarn | Kind::Pnpm, other) if !COMMANDS.iter().any(|command| command.as_bytes() == other) => {
            Some(Task::Shortcut { name: command, arguments: words.collect(), options })
        }
        _ => None,
    }
}

fn is_some_program(task: &Task) -> bool {
    !matches!(task, Task::Program { argv, .. } if argv.is_empty())
}

/// Words and options, which npm takes in any order, and the others before the script's name.
#[derive(Default)]
struct Words {
    words: Vec<BString>,
    options: Options,
    unclear: Option<BString>,
}

impl Words {
    fn read(kind: Kind, words: &[BString]) -> Self {
        let (mut call, mut left) = (Words::default(), words.iter());
        while let Some(word) = left.next() {
            if call.is_over(kind) || !word.starts_with(b"-") || word == "-" {
                call.words.push(word.clone());
            } else if word == "--" {
                // pnpm hands it on.
                call.words.extend((kind == Kind::Pnpm && !call.words.is_empty()).then(|| word.clone()));
                call.words.extend(left.by_ref().cloned());
            } else if !call.option(kind, word, &mut left) {
                call.unclear.get_or_insert(word.clone());
            }
        }
        call
    }

    /// What follows is for the script or the program.
    fn is_over(&self, kind: Kind) -> bool {
        let first = self.words.first().map_or(b"".as_slice(), |word| word.as_slice());
        let named = match first {
            b"run" | b"run-script" | b"exec" => 2,
            _ => 1,
        };
        match kind {
            Kind::Npx => !self.words.is_empty(),
            Kind::Npm => false,
            Kind::Yarn | Kind::Pnpm => self.words.len() >= named,
        }
    }

    /// Whether the option is understood.
    fn option<'a>(&mut self, kind: Kind, word: &BString, left: &mut impl Iterator<Item = &'a BString>) -> bool {
        let (name, value) = match word.split_once_str("=") {
            Some((name, value)) => (name, Some(BString::from(value))),
            None => (word.as_slice(), None),
        };
        match (kind, name, &value) {
            (Kind::Npm, b"--prefix" | b"-C", _)
            | (Kind::Yarn, b"--cwd", _)
            | (Kind::Pnpm, b"--dir" | b"-C" | b"--prefix", _) => {
                self.options.prefix = value.or_else(|| left.next().cloned());
            }
            (Kind::Npm, b"--loglevel" | b"--omit", _) => drop(value.or_else(|| left.next().cloned())),
            (Kind::Npm | Kind::Pnpm, b"--if-present", None) => self.options.if_present = true,
            (Kind::Npm, b"--ignore-scripts", None) => self.options.alone = true,
            (_, b"-s" | b"--silent", None) | (Kind::Npm, b"-q" | b"-d" | b"--quiet" | b"--production", None) => {}
            (Kind::Npm, b"--no-update-notifier" | b"--no-audit" | b"--no-fund", None) => {}
            (Kind::Npx, b"-y" | b"--yes" | b"--no-install" | b"--no" | b"--quiet" | b"-q", None) => {}
            _ => return false,
        }
        true
    }

    /// Whether it is about a script or program at all.
    fn runs_something(&self, kind: Kind) -> bool {
        let first = self.words.first().map_or(b"".as_slice(), |word| word.as_slice());
        kind == Kind::Npx || matches!(first, b"start" | b"test" | b"t" | b"run" | b"run-script" | b"exec" | b"x")
    }
}
