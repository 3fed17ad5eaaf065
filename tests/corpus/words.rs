//! What a script calls, reads and names, as far as its own syntax tree shows it: the made-up root must have all of that.

use std::collections::BTreeSet;

use imagelint::format::shell::{
    Command, Dialect, Kind, List, Parameter, Part, Redirection, Script, Simple, Word, parse,
};

/// Commands that run the command behind them.
const CARRIERS: [&str; 18] = [
    "exec",
    "command",
    "nohup",
    "env",
    "gosu",
    "su-exec",
    "sudo",
    "tini",
    "dumb-init",
    "setuidgid",
    "chpst",
    "nice",
    "time",
    "timeout",
    "xargs",
    "setsid",
    "chroot",
    "eval",
];
/// Commands that become the user behind them.
const USERS: [&str; 6] = ["gosu", "su-exec", "su", "chown", "setuidgid", "runuser"];

/// What was found.
#[derive(Default)]
pub struct Words {
    /// Names and paths of programs.
    pub commands: BTreeSet<String>,
    /// Files that are sourced.
    pub sourced: BTreeSet<String>,
    /// Archives that java runs.
    pub archives: BTreeSet<String>,
    /// Directories that are changed into, and those of files that are written.
    pub directories: BTreeSet<String>,
    /// Users.
    pub users: BTreeSet<String>,
}

/// A word without anything that is expanded.
fn plain(word: &Word) -> Option<String> {
    fn text(part: &Part, out: &mut Vec<u8>) -> bool {
        match part {
            Part::Plain(text) | Part::Quoted(text) => out.extend_from_slice(text),
            Part::Double(parts) => return parts.iter().all(|p| text_of(p, out)),
            _ => return false,
        }
        true
    }
    fn text_of(part: &Part, out: &mut Vec<u8>) -> bool {
        text(part, out)
    }
    let mut out = Vec::new();
    let known = word.parts.iter().all(|part| text(part, &mut out));
    known.then(|| String::from_utf8_lossy(&out).into_owned())
}

/// What a text calls.
pub fn commands(text: &str) -> BTreeSet<String> {
    let mut words = Words::default();
    parse(text.as_bytes(), Dialect::Bash).iter().for_each(|script| words.script(script));
    words.commands
}

impl Words {
    /// Looks through a whole script.
    pub fn script(&mut self, script: &Script) {
        self.list(&script.body);
    }

    fn list(&mut self, list: &List) {
        list.iter().for_each(|statement| self.command(&statement.command));
    }

    fn command(&mut self, command: &Command) {
        command.redirections.iter().for_each(|r| self.redirection(r));
        match &command.kind {
            Kind::Simple(simple) => self.simple(simple),
            Kind::And(a, b) | Kind::Or(a, b) => [a, b].into_iter().for_each(|c| self.command(c)),
            Kind::Not(inner) | Kind::Time(Some(inner)) => self.command(inner),
            Kind::Pipeline(commands) => commands.iter().for_each(|c| self.command(c)),
            Kind::Group(list) | Kind::Subshell(list) => self.list(list),
            Kind::If { arms, otherwise } => {
                arms.iter().for_each(|(condition, body)| [condition, body].into_iter().for_each(|l| self.list(l)));
                self.list(otherwise);
            }
            Kind::Loop { condition, body, .. } => [condition, body].into_iter().for_each(|l| self.list(l)),
            Kind::For { words, body, .. } => {
                words.iter().flatten().for_each(|w| self.word(w));
                self.list(body);
            }
            Kind::Count { body, .. } => self.list(body),
            Kind::Case { word, arms } => {
                self.word(word);
                arms.iter().for_each(|arm| self.list(&arm.body));
            }
            Kind::Function { body, .. } => self.command(body),
            _ => {}
        }
    }

    fn redirection(&mut self, redirection: &Redirection) {
        self.word(&redirection.target);
        if let Some((dir, _)) = plain(&redirection.target).as_deref().and_then(|t| t.rsplit_once('/')) {
            self.directories.insert(dir.to_owned());
        }
    }

    fn simple(&mut self, simple: &Simple) {
        simple.assignments.iter().for_each(|a| self.word(&a.value));
        simple.words.iter().for_each(|w| self.word(w));
        let words: Vec<Option<String>> = simple.words.iter().map(plain).collect();
        let Some(Some(name)) = words.first() else { return };
        self.commands.insert(name.clone());
        let operands: Vec<&String> = words.iter().skip(1).flatten().filter(|w| !w.starts_with('-')).collect();
        match name.as_str() {
            "." | "source" => self.sourced.extend(operands.first().map(|w| (*w).clone())),
            "cat" => self.sourced.extend(operands.iter().map(|w| (*w).clone())),
            "cd" => self.directories.extend(operands.first().map(|w| (*w).clone())),
            "set" => self.commands.extend(operands.iter().take(3).map(|w| (*w).clone())),
            _ => {}
        }
        if CARRIERS.contains(&name.as_str()) {
            self.commands.extend(operands.iter().map(|w| (*w).clone()));
        }
        for word in words.iter().flatten() {
            self.users.extend(word.split_once("uid=").map(|(_, user)| user.to_owned()));
        }
        for pair in words.windows(2) {
            if let [Some(option), Some(archive)] = pair
                && option == "-jar"
            {
                self.archives.insert(archive.clone());
            }
            if let [Some(option), Some(user)] = pair
                && option.ends_with("uid")
            {
                self.users.insert(user.clone());
            }
        }
        for (at, word) in words.iter().enumerate() {
            if word.as_deref().is_some_and(|w| USERS.contains(&w)) {
                let user = words.iter().skip(at + 1).flatten().find(|w| !w.starts_with('-'));
                self.users.extend(user.iter().flat_map(|u| u.split(':')).map(str::to_owned));
            }
        }
    }

    fn word(&mut self, word: &Word) {
        word.parts.iter().for_each(|part| self.part(part));
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Double(parts) => parts.iter().for_each(|p| self.part(p)),
            Part::Command(script) => script.as_ref().as_ref().into_iter().for_each(|s| self.script(s)),
            Part::Array(Some(words)) => {
                words.iter().for_each(|w| self.word(w));
                self.commands.extend(words.first().and_then(plain));
            }
            Part::Parameter(parameter) => self.parameter(parameter),
            _ => {}
        }
    }

    fn parameter(&mut self, parameter: &Parameter) {
        if let imagelint::format::shell::Operation::Unset { word, .. } = &parameter.operation {
            self.word(word);
        }
    }
}
