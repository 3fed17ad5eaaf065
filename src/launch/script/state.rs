//! A shell at one point of one way through its script.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bstr::BString;

use super::files::Files;
use super::parted::Parted;
use super::shared::Shared;
use super::trail::Trail;
use super::value::{Field, Status, Value};
use super::{Cause, Condition, Failed, Job, Missing, Signalled, Started, Trap};
use crate::format::shell::{Command, Span};

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Declared, not set.
    Unset,
    /// A string.
    Text(Value),
    /// An indexed array of bash.
    Array(Vec<Field>),
    /// Set, or not: nothing is known.
    Opaque,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// What it holds.
    pub content: Content,
    /// It goes to programs.
    pub exported: bool,
    /// It cannot be changed.
    pub readonly: bool,
}

/// A function and the text it comes from.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its body.
    pub body: Arc<Command>,
    /// The text that spans refer to.
    pub source: Rc<[u8]>,
    /// The file of that text.
    pub file: Rc<Value>,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.body, &other.body)
    }
}

impl Eq for Function {}

/// `set` options that change the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-e`
    pub errexit: bool,
    /// `-u`
    pub nounset: bool,
    /// `-f`
    pub noglob: bool,
    /// `-o pipefail`
    pub pipefail: bool,
    /// `-m`
    pub monitor: bool,
    /// `nullglob` of bash.
    pub nullglob: bool,
    /// `lastpipe` of bash: the last member of a pipeline is no fork.
    pub lastpipe: bool,
    /// `inherit_errexit` of bash: command substitutions keep `-e`.
    pub inherits: bool,
    /// `-E` of bash: functions and forks have the trap on ERR, too.
    pub errtrace: bool,
    /// `expand_aliases` of bash.
    pub aliases: bool,
    /// `-o posix` of bash.
    pub posix: bool,
    /// `command` has run a program, which bash does not forget: no error of `.` and `eval` ends it then (bash
    /// builtins/command.def, `executing_command_builtin` stays set; measured with 5.2).
    pub commanded: bool,
    /// `-n`
    pub noexec: bool,
    /// Something that changes how words are expanded, and is not followed.
    pub strange: bool,
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next command.
    Next,
    /// `break n`
    Break(usize),
    /// `continue n`
    Continue(usize),
    /// `return`
    Return,
    /// The shell exits.
    Exit(Cause),
    /// This way has ended, and was recorded.
    Over,
}

/// Where bash goes on from an expansion that fails: it jumps to what was set up last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catch {
    /// The script, in the shell itself or in a fork of it for a simple command.
    Script,
    /// The same, in a fork of a shell that has a trap on EXIT, which then runs in the fork, too.
    Trapped,
    /// A subshell.
    Subshell,
    /// A subshell of nothing but `! …`, which makes a success of it.
    Negated,
}

/// Where the shell's own error messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Errors {
    /// Where nobody looks.
    Aside,
    /// To where standard output is captured, as after `2>&1`.
    Captured,
    /// The same, and there were some: how they read is not known.
    Written,
}

/// Variables that one function call hides, with what they held.
pub type Hidden = Vec<(BString, Option<Variable>)>;

/// A shell, or a subshell of it.
#[derive(Clone, Debug)]
pub struct State {
    /// Variables by name.
    pub variables: Parted<Variable>,
    /// Functions by name.
    pub functions: Shared<BTreeMap<BString, Function>>,
    /// `$0`
    pub name: Value,
    /// `$1`, `$2`, …
    pub arguments: Shared<Vec<Field>>,
    /// See [`Options`].
    pub options: Options,
    /// By signal: `EXIT`, `TERM`, …
    pub traps: Shared<BTreeMap<BString, Trap>>,
    /// Those of the shell that this is a fork of: PID 1's.
    pub outer: Shared<BTreeMap<BString, Trap>>,
    /// A trap that does something was set, if only for a while.
    pub trapped: bool,
    /// Background jobs.
    pub jobs: Shared<Vec<Job>>,
    /// Those of the shell that this is a fork of.
    pub inherited: Shared<Vec<Job>>,
    /// How many there were.
    pub spawned: usize,
    /// A signal has come.
    pub signalled: Option<Signalled>,
    /// The working directory.
    pub cwd: Value,
    /// `$?`
    pub status: Status,
    /// See [`Flow`].
    pub flow: Flow,
    /// See [`Files`].
    pub files: Shared<Files>,
    /// What standard output has got, if it is captured.
    pub output: Option<Value>,
    /// See [`Errors`].
    pub errors: Errors,
    /// Variables may have been set whose names are not known.
    pub open: bool,
    /// What standard input holds; `None`: the container's, which is empty.
    pub input: Option<Value>,
    /// Variables that `local` hides, a list for each function call.
    pub locals: Shared<Vec<Hidden>>,
    /// Subshells around.
    pub subshell: usize,
    /// One of them is `( … )`.
    pub parenthesised: bool,
    /// See [`Catch`].
    pub catch: Catch,
    /// What bash calls FUNCNAME and BASH_SOURCE, the innermost last.
    pub frames: Shared<Vec<(BString, Value)>>,
    /// Function calls and sourced files around.
    pub calls: usize,
    /// Loops around.
    pub loops: usize,
    /// The last simple command.
    pub last: (Span, Rc<Value>),
    /// The ending of the last program, if nothing was done since.
    pub pending: Option<usize>,
    /// Endings of programs that had to end before it went on.
    pub behind: Shared<Vec<usize>>,
    /// A program ran that may have changed files which it does not name.
    pub acted: bool,
    /// The last program that was sure to fail.
    pub failed: Option<Rc<Failed>>,
    /// What had to be decided.
    pub when: Trail<Condition>,
    /// Commands that could not be run.
    pub missing: Trail<Missing>,
    /// Programs that were run.
    pub started: Trail<Started>,
}

impl State {
    /// The text of a variable: `Some(None)` is unset; `None`: not even that is known.
    pub fn text(&self, name: &[u8]) -> Option<Option<Value>> {
        match self.variables.get(name).map(|v| &v.content) {
            None | Some(Content::Unset) => (!self.open).then_some(None),
            Some(Content::Text(value)) => Some(Some(value.clone())),
            Some(Content::Array(fields)) => match fields.first() {
                None => Some(None),
                Some(Field::One(value)) => Some(Some(value.clone())),
                Some(Field::Any(_)) => None,
            },
            Some(Content::Opaque) => None,
        }
    }

    /// Sets a variable; false if it is readonly.
    pub fn set(&mut self, name: &[u8], content: Content) -> bool {
        match self.variables.get_mut(name) {
            Some(variable) if variable.readonly => return false,
            Some(variable) => variable.content = content,
            None => self.variables.insert(name.into(), Variable { content, exported: false, readonly: false }),
        }
        true
    }

    /// Removes a variable; false if it is readonly.
    pub fn unset(&mut self, name: &[u8]) -> bool {
        if self.variables.get(name).is_some_and(|v| v.readonly) {
            return false;
        }
        self.variables.remove(name);
        true
    }

    /// Changes the attributes of a variable, which need not be set.
    pub fn mark(&mut self, name: &[u8], change: impl FnOnce(&mut Variable)) {
        let fresh = Variable { content: Content::Unset, exported: false, readonly: false };
        self.variables.get_or_insert(name, fresh).map(change);
    }

    /// `local name`: hides the variable until the function returns.
    pub fn hide(&mut self, name: &[u8], keep: bool) {
        let old = self.variables.get(name).cloned();
        let Some(frame) = self.locals.last_mut() else { return };
        if !frame.iter().any(|(n, _)| n == name) {
            frame.push((name.into(), old));
            if !keep {
                self.mark(name, |v| v.content = Content::Unset);
            }
        }
    }

    /// Brings back what the last function call hid.
    pub fn uncover(&mut self) {
        let hidden = self.locals.pop();
        for (name, variable) in hidden.into_iter().flatten() {
            match variable {
                Some(variable) => self.variables.insert(name, variable),
                None => self.variables.remove(&name),
            }
        }
    }

    /// Writes to standard output.
    pub fn print(&mut self, text: &Value) {
        if let Some(output) = &mut self.output {
            output.push(text);
        }
    }

    /// What was done in a fork may have ended jobs.
    pub fn notice(&mut self, inside: Option<&Signalled>) {
        if let (Some(signalled), Some(inside)) = (&mut self.signalled, inside) {
            signalled.otherwise |= inside.otherwise;
        }
    }

    /// Something ran that takes time: jobs that were told may have ended.
    pub fn pause(&mut self) {
        if let Some(signalled) = &mut self.signalled {
            signalled.paused = true;
        }
    }

    /// Something went wrong, and the shell says so.
    pub fn complain(&mut self) {
        self.errors = if self.errors == Errors::Aside { Errors::Aside } else { Errors::Written };
    }

    /// The end of redirections: messages go where they went before, and what they said is in the output.
    pub fn restore_errors(&mut self, before: Errors) {
        if self.errors == Errors::Written {
            self.print(&Value::unknown("the shell tells of an error in it"));
        }
        self.errors = if before == Errors::Aside { before } else { before.max(self.errors) };
    }

    /// Takes this status and goes on.
    pub fn with(mut self, status: impl Into<Status>) -> Self {
        self.status = status.into();
        self
    }

    /// The shell exits.
    pub fn exit(mut self, status: impl Into<Status>, cause: Cause) -> Self {
        self.status = status.into();
        self.pending = None;
        self.flow = Flow::Exit(cause);
        self
    }

    /// Whether all that is still to come is the same as for `other`.
    pub fn is_same(&self, other: &State) -> bool {
        self.is_alike(other)
            && self.status == other.status
            && self.variables == other.variables
            && self.arguments == other.arguments
            && self.cwd == other.cwd
            && self.output == other.output
            && self.errors == other.errors
            && self.files == other.files
            && self.pending == other.pending
            && self.open == other.open
            && self.input == other.input
    }

    /// Whether one state can stand for both.
    fn is_alike(&self, other: &State) -> bool {
        self.flow == other.flow
            && self.options == other.options
            && self.functions == other.functions
            && self.traps == other.traps
            && self.trapped == other.trapped
            && self.jobs == other.jobs
            && self.signalled == other.signalled
            && self.locals.len() == other.locals.len()
            && self.name == other.name
    }

    /// Makes this state stand for `other` too: what differs is not known. False if too much does.
    pub fn join(&mut self, other: &State) -> bool {
        let both = self.failure().is_some() == other.failure().is_some();
        if !both || !self.is_alike(other) || self.output.is_some() != other.output.is_some() {
            return false;
        }
        if self.variables != other.variables {
            self.join_variables(other);
        }
        if self.locals != other.locals {
            let pairs = self.locals.iter_mut().zip(other.locals.iter());
            pairs.for_each(|(mine, theirs)| join_hidden(mine, theirs));
        }
        if self.arguments != other.arguments {
            self.arguments = join_fields(&self.arguments, &other.arguments).into();
        }
        self.cwd = self.cwd.join(&other.cwd);
        self.status = self.status.join(other.status);
        self.output = self.output.as_ref().zip(other.output.as_ref()).map(|(a, b)| a.join(b));
        if self.files != other.files {
            self.files.join(&other.files);
        }
        self.errors = self.errors.max(other.errors);
        self.open |= other.open;
        self.input = match (self.input.take(), &other.input) {
            (Some(a), Some(b)) => Some(a.join(b)),
            (None, None) => None,
            _ => Some(Value::unknown("it depends on the way taken")),
        };
        if self.pending != other.pending {
            self.pending = None;
        }
        self.forget(other);
        true
    }

    /// The first thing on the way here that went wrong though it should not.
    pub fn failure(&self) -> Option<&Condition> {
        self.when.iter().find(|condition| condition.unlikely)
    }

    /// Signals that are ignored, and whether others have a trap.
    pub fn dispositions(&self) -> (Vec<BString>, bool) {
        let ignored = self.traps.iter().filter(|(_, trap)| trap.action.is_none()).map(|(name, _)| name.clone());
        (ignored.collect(), self.traps.values().any(|trap| trap.action.is_some()))
    }

    /// Whether the files are the image's, but for directories that were made.
    pub fn leaves_files(&self) -> bool {
        !self.acted && self.files.is_clean()
    }

    /// Takes over what a fork has done to files and jobs, and which program failed in it last. `sure`: this is its only way.
    pub fn absorb(&mut self, inside: &State, sure: bool) {
        if self.files != inside.files {
            self.files.also(&inside.files, sure);
        }
        self.acted |= inside.acted;
        self.failed.clone_from(&inside.failed);
        for told in inside.inherited.iter().filter(|job| job.told.is_some()) {
            let own = self.jobs.iter().position(|job| job.number == told.number && job.told.is_none());
            if let Some(job) = own.and_then(|at| self.jobs.get_mut(at)) {
                job.told.clone_from(&told.told);
            }
        }
    }

    /// Keeps of the way here what both have.
    pub fn forget(&mut self, other: &State) {
        self.acted |= other.acted;
        self.failed = self.failed.take().filter(|failed| Some(failed) == other.failed.as_ref());
        let failure = self.failure().filter(|_| other.failure().is_some()).cloned();
        self.when.keep_common(&other.when);
        if self.failure().is_none() {
            self.when.extend(failure);
        }
        self.started.keep_common(&other.started);
        self.missing.keep_shared(&other.missing);
        if self.behind != other.behind {
            let own = other.behind.iter().filter(|index| !self.behind.contains(index)).copied();
            let own: Vec<usize> = own.collect();
            self.behind.extend(own);
        }
    }

    fn join_variables(&mut self, other: &State) {
        for (mine, theirs) in self.variables.differing(&other.variables) {
            for (name, variable) in theirs {
                let old = mine.entry(name.clone()).or_insert(ABSENT);
                old.content = join_content(&old.content, &variable.content);
                old.exported |= variable.exported;
            }
            for (_, variable) in mine.iter_mut().filter(|(name, _)| !theirs.contains_key(*name)) {
                variable.content = join_content(&variable.content, &Content::Unset);
            }
        }
    }
}

const ABSENT: Variable = Variable { content: Content::Unset, exported: false, readonly: false };

/// What `local` hides, after one way or another.
fn join_hidden(mine: &mut Hidden, theirs: &Hidden) {
    let only_theirs = theirs.iter().filter(|(name, _)| !mine.iter().any(|(n, _)| n == name));
    let only_theirs: Vec<_> = only_theirs.cloned().collect();
    for (name, held) in mine.iter_mut() {
        if let Some((_, other)) = theirs.iter().find(|(n, _)| n == name)
            && held != other
        {
            let (a, b) = (held.take().unwrap_or(ABSENT), other.as_ref().unwrap_or(&ABSENT));
            let content = join_content(&a.content, &b.content);
            *held = Some(Variable { content, exported: a.exported || b.exported, ..a });
        }
    }
    mine.extend(only_theirs);
}

fn join_content(a: &Content, b: &Content) -> Content {
    match (a, b) {
        _ if a == b => a.clone(),
        (Content::Text(a), Content::Text(b)) => Content::Text(a.join(b)),
        (Content::Array(a), Content::Array(b)) => Content::Array(join_fields(a, b)),
        _ => Content::Opaque,
    }
}

fn join_fields(a: &[Field], b: &[Field]) -> Vec<Field> {
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let mut fields = a.get(..common).unwrap_or_default().to_vec();
    if a.len() == b.len() && a.iter().chain(b).all(|f| matches!(f, Field::One(_))) {
        fields.extend(a.iter().zip(b).skip(common).map(|(a, b)| match (a, b) {
            (Field::One(a), Field::One(b)) => Field::One(a.join(b)),
            _ => Field::Any("it depends on the way taken".into()),
        }));
    } else {
        fields.push(Field::Any("it depends on the way taken".into()));
    }
    fields
}
