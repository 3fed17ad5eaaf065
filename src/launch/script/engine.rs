//! The walk: ways side by side, what they have in common, where they end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use bstr::{BString, ByteSlice};

use super::job::{Last, Noted};
use super::state::{Flow, State};
use super::value::{Field, Status, Value};
use super::world::{Found, World};
use super::{Bounds, Cause, Condition, Ending, Invocation, dialect};
use crate::format::shell::{self, Fault, List, Script, Span, Statement};
use crate::launch::shell::Shell;

/// Commands within commands, function calls counted: a level takes some 20 KiB of stack in a build without optimisation.
pub(super) const MAX_DEPTH: usize = 50;
/// What reading a text of its own takes, in the same measure.
const TEXT_DEPTH: usize = 5;
/// Bytes of a condition's text.
const MAX_TEXT: usize = 80;
/// Texts that are kept after they were read.
const MAX_TEXTS: usize = 256;

/// A command: its name, PATH, the working directory, and whether it is to be become.
pub(super) type Sought = (BString, Option<BString>, BString, bool);

/// A script, and why it was not read to its end.
pub(super) type Parsed = (Script, Option<Fault>);

/// How a command stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Its status is looked at: `set -e` does not count.
    pub checked: bool,
    /// The last command of `-c`: the shell may become it.
    pub tail: bool,
}

impl Context {
    /// Looked at.
    pub const CHECKED: Context = Context { checked: true, tail: false };

    /// The same, not last.
    pub fn inner(self) -> Self {
        Context { tail: false, ..self }
    }
}

/// Follows a script to its ends.
pub fn follow(invocation: &Invocation, world: &dyn World, bounds: Bounds) -> Vec<Ending> {
    let mut engine = Engine {
        shell: invocation.shell,
        invocation,
        world,
        bounds,
        steps: bounds.steps,
        spared: 0,
        depth: 0,
        late: 0,
        muted: 0,
        noted: Vec::new(),
        last: Last::default(),
        endings: Vec::new(),
        commands: RefCell::default(),
        running: Vec::new(),
        looks: Cell::new(0),
        origin: None,
        source: Rc::from(invocation.text.as_bytes()),
        texts: HashMap::new(),
        substituted: None,
        refused: false,
        unsure: false,
        doubt: false,
        checked: false,
        reads: false,
        file: Rc::new(invocation.name.clone()),
    };
    engine.main();
    engine.endings
}

/// A command substitution takes no more than this part of all steps.
const SHARE: usize = 40;

pub(super) struct Engine<'a> {
    pub shell: Shell,
    pub invocation: &'a Invocation,
    pub world: &'a dyn World,
    pub bounds: Bounds,
    pub steps: usize,
    /// Steps that what is followed now may not take.
    spared: usize,
    pub depth: usize,
    /// Texts that are read late around: see [`Engine::text`].
    pub late: usize,
    /// Within a pipeline or a background job: programs are noted, no endings are recorded.
    pub muted: usize,
    /// The line of the `eval` whose text is read.
    pub origin: Option<usize>,
    /// See [`Last`].
    pub last: Last,
    /// Programs that may run for ever, of what is muted.
    pub noted: Vec<Noted>,
    pub endings: Vec<Ending>,
    /// What was looked up in the image.
    pub commands: RefCell<HashMap<Sought, Found>>,
    /// Programs that get control whatever their words are: name, PATH, working directory.
    pub running: Vec<(Field, Value, Value)>,
    /// How often files decided, or what other programs do: another process may come to change that.
    pub looks: Cell<usize>,
    /// The text that spans refer to.
    pub source: Rc<[u8]>,
    /// What was read, so that it is read once.
    texts: HashMap<Rc<[u8]>, Rc<Parsed>>,
    /// The file that commands are read from.
    pub file: Rc<Value>,
    /// Whether the shell replaces itself by its last command is not known.
    pub unsure: bool,
    /// The status of what is expanded now is looked at.
    pub checked: bool,
    /// What is redirected is `read`.
    pub reads: bool,
    /// A redirection of the command may fail.
    pub doubt: bool,
    /// An assignment of `export` and its kind was refused.
    pub refused: bool,
    /// Status of the last command substitution of the command.
    pub substituted: Option<Status>,
}

impl Engine<'_> {
    /// Notes that files decide.
    pub(super) fn looked(&self) {
        self.looks.set(self.looks.get() + 1);
    }

    /// Why a text is not followed at all, in a shell that is followed in part.
    pub(super) fn odd(&self, text: &[u8], fault: Option<&Fault>) -> Option<String> {
        let odd = super::subset::text(self.shell, text).map(str::to_owned);
        odd.or_else(|| fault.map(|f| f.message.clone())).filter(|_| self.shell.in_part())
    }

    /// Runs text that is a script of its own: `eval`, a sourced file, a trap.
    pub fn text(&mut self, text: &[u8], state: State, context: Context) -> Vec<State> {
        let (own, parsed) = self.parsed(text);
        let (script, fault) = &*parsed;
        if let Some(why) = self.odd(text, fault.as_ref()) {
            return vec![self.give_up(state, &why, Span::default())];
        }
        let source = std::mem::replace(&mut self.source, own);
        self.depth += TEXT_DEPTH;
        self.late += 1;
        let mut states = self.list(&script.body, state, context.inner());
        self.late -= 1;
        self.depth -= TEXT_DEPTH;
        if let Some(fault) = fault {
            let first = script.body.is_empty();
            states = states.into_iter().map(|s| self.stumble(s, fault, first)).collect();
        }
        self.source = source;
        states
    }

    /// Reads a text, and keeps what came of it: a function that is defined by it is then the same on all ways.
    pub(super) fn parsed(&mut self, text: &[u8]) -> (Rc<[u8]>, Rc<Parsed>) {
        if let Some((text, parsed)) = self.texts.get_key_value(text) {
            return (text.clone(), parsed.clone());
        }
        let (text, parsed): (Rc<[u8]>, _) = (text.into(), Rc::new(halves(shell::parse(text, dialect(self.shell)))));
        if self.texts.len() < MAX_TEXTS {
            self.texts.insert(text.clone(), parsed.clone());
        }
        (text, parsed)
    }

    /// A syntax error in text that is read late, `first` in it: dash and ash give up, bash goes on. In POSIX mode it gives
    /// up if it has run no other command since `.` or `eval` (builtins/evalstring.c, `this_shell_builtin`).
    fn stumble(&mut self, state: State, fault: &Fault, first: bool) -> State {
        if state.flow != Flow::Next {
            return state;
        }
        if !fault.refused || fault.before.is_none() {
            let span = Span { line: fault.line, ..Span::default() };
            return self.give_up(state, &fault.message, span);
        }
        match self.ends_by_reading(&state) && (self.shell != Shell::Bash || first) {
            false => state.with(Status::Code(2)),
            true => {
                let last = (Span { line: fault.line, ..Span::default() }, self.file.clone());
                State { last, ..state.exit(Status::Code(2), Cause::Syntax(fault.line)) }
            }
        }
    }

    /// Commands one after another.
    pub fn list(&mut self, list: &List, state: State, context: Context) -> Vec<State> {
        let mut states = vec![state];
        for (i, statement) in list.iter().enumerate() {
            let last = i + 1 == list.len();
            let context = Context { tail: context.tail && last, ..context };
            if states.iter().all(|s| s.flow != Flow::Next) {
                break;
            }
            states = self.each(states, |engine, state| engine.statement(statement, state, context));
        }
        states
    }

    /// Goes on with those that go on.
    pub fn each(&mut self, states: Vec<State>, mut step: impl FnMut(&mut Self, State) -> Vec<State>) -> Vec<State> {
        let mut next = Vec::new();
        for state in states {
            match state.flow {
                Flow::Next => next.extend(step(self, state)),
                _ => next.push(state),
            }
        }
        self.settle(next)
    }

    fn statement(&mut self, statement: &Statement, state: State, context: Context) -> Vec<State> {
        let span = statement.command.span;
        if self.steps == 0 {
            let why = format!("the script takes more than {} steps", self.bounds.steps);
            return vec![self.give_up(state, &why, span)];
        }
        self.steps -= 1;
        if state.options.noexec {
            return vec![state];
        }
        if statement.background {
            return self.background(&statement.command, state);
        }
        self.command(&statement.command, state, context)
    }

    /// One for those that differ in nothing, and if there are many, one for those that differ little.
    pub fn settle(&mut self, mut states: Vec<State>) -> Vec<State> {
        if states.len() <= 1 {
            states.retain(|state| state.flow != Flow::Over);
            return states;
        }
        let mut kept: Vec<State> = Vec::new();
        for state in states {
            if state.flow == Flow::Over {
                continue;
            }
            match kept.iter_mut().find(|k| k.is_same(&state)) {
                Some(same) => same.forget(&state),
                None => kept.push(state),
            }
        }
        if kept.len() > self.ways() {
            kept = join(kept);
        }
        if self.ways() == 1 && kept.iter().any(|state| state.failure().is_none()) {
            for state in kept.extract_if(.., |state| state.failure().is_some()) {
                self.give_up(state, "there are too many ways through the script", Span::default());
            }
        }
        if kept.len() > self.bounds.paths {
            let why = format!("there are more than {} ways through the script", self.bounds.paths);
            for state in kept.split_off(self.bounds.paths) {
                self.give_up(state, &why, Span::default());
            }
        }
        kept
    }

    /// Ways at a time before those that differ little are taken for one: fewer as steps run out, so that a script with many
    /// branches is followed to its end, if with less that is known.
    pub(super) fn ways(&self) -> usize {
        let spent = self.bounds.steps - self.steps - self.spared;
        match spent * 16 / self.bounds.steps.max(1) {
            0 => self.bounds.paths / 4,
            1 => self.bounds.paths / 16,
            _ => 1,
        }
    }

    /// Follows what comes to no more than a value, with a share of the steps; `None` if it takes more.
    pub(super) fn in_share<T>(&mut self, follow: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let spared = self.steps.saturating_sub(self.bounds.steps / SHARE);
        let recorded = self.endings.len();
        self.steps -= spared;
        self.spared += spared;
        let done = follow(self);
        let exhausted = self.steps == 0 && spared > 0;
        self.steps += spared;
        self.spared -= spared;
        if exhausted {
            self.endings.truncate(recorded);
            return None;
        }
        Some(done)
    }

    /// Splits a state whose status is not known: whether it is 0, and the state for that.
    pub fn decide(&mut self, state: State, span: Span, expected: Option<bool>) -> Vec<(bool, State)> {
        if let Some(success) = state.status.success() {
            return vec![(success, state)];
        }
        let [mut yes, mut no] = [state.clone(), state];
        yes.status = Status::OK;
        no.status = Status::Failed;
        for (side, success) in [(&mut yes, true), (&mut no, false)] {
            side.pending = None;
            if expected != Some(success) {
                let verb = if success { "succeeds" } else { "fails" };
                let text = format!("`{}` {verb}", self.excerpt(span));
                let unlikely = expected.is_some();
                side.when.push(Condition { text, line: span.line, unlikely });
            }
        }
        vec![(true, yes), (false, no)]
    }

    /// What the script says there, on one line.
    pub fn excerpt(&self, span: Span) -> String {
        let text = self.source.get(span.start..span.end).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default().as_bstr().to_string();
        let line = line.trim_end_matches([';', ' ', '\t']);
        let closed = line.ends_with(')') && line.matches('(').count() < line.matches(')').count();
        let line = if closed { line.trim_end_matches([')', ' ']) } else { line };
        if line.len() <= MAX_TEXT && text.lines().count() <= 1 {
            return line.to_owned();
        }
        let cut: String = line.chars().take(MAX_TEXT).collect();
        format!("{cut} …")
    }
}

/// What was read, and what was not understood behind it.
pub(super) fn halves(parsed: Result<Script, Fault>) -> Parsed {
    match parsed {
        Ok(script) => (script, None),
        Err(mut fault) => (
            fault.before.clone().unwrap_or_default(),
            Some({
                fault.before = fault.before.map(|_| Script::default());
                fault
            }),
        ),
    }
}

fn join(states: Vec<State>) -> Vec<State> {
    let mut kept: Vec<State> = Vec::new();
    for state in states {
        if !kept.iter_mut().any(|k| k.join(&state)) {
            kept.push(state);
        }
    }
    kept
}
