//! The walk: ways side by side, what they have in common, where they end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use bstr::{BString, ByteSlice};

use super::job::Noted;
use super::parted::Parted;
use super::shared::Shared;
use super::state::{Catch, Content, Errors, Flow, Options, State, Variable};
use super::trail::Trail;
use super::value::{Field, Status, Truth, Value};
use super::world::{Found, World, absolute};
use super::{Bounds, Cause, Condition, End, Ending, Invocation, dialect};
use crate::format::shell::{self, Command, Fault, Kind, List, Script, Span, Statement};
use crate::launch::shell::{Place, Replacing, Shell, is_plain};

/// Endings that are kept.
const MAX_ENDINGS: usize = 256;
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
type Parsed = (Script, Option<Fault>);

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
        endings: Vec::new(),
        commands: RefCell::default(),
        origin: None,
        source: Rc::from(invocation.text.as_bytes()),
        texts: HashMap::new(),
        substituted: None,
        refused: false,
        unsure: false,
        doubt: false,
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
    /// Programs that may run for ever, of what is muted.
    pub noted: Vec<Noted>,
    endings: Vec<Ending>,
    /// What was looked up in the image.
    pub commands: RefCell<HashMap<Sought, Found>>,
    /// The text that spans refer to.
    pub source: Rc<[u8]>,
    /// What was read, so that it is read once.
    texts: HashMap<Rc<[u8]>, Rc<Parsed>>,
    /// The file that commands are read from.
    pub file: Rc<Value>,
    /// Whether the shell replaces itself by its last command is not known.
    pub unsure: bool,
    /// A redirection of the command may fail.
    pub doubt: bool,
    /// An assignment of `export` and its kind was refused.
    pub refused: bool,
    /// Status of the last command substitution of the command.
    pub substituted: Option<Status>,
}

impl Engine<'_> {
    fn main(&mut self) {
        let state = self.start();
        let parsed = shell::parse(&self.source.clone(), dialect(self.shell));
        let (script, fault) = halves(parsed);
        let odd = self.odd(&self.source.clone(), fault.as_ref());
        let replaces = self.may_replace(&script, fault.is_some());
        self.unsure = replaces == Truth::Unknown;
        let context = Context { checked: false, tail: replaces != Truth::No };
        let mut states = self.startup(state);
        if let Some(why) = odd {
            states.into_iter().for_each(|state| drop(self.give_up(state, &why, Span::default())));
            return;
        }
        states = self.each(states, |engine, state| engine.list(&script.body, state, context));
        for state in states {
            self.finish(state, fault.as_ref());
        }
    }

    /// What the shell itself sets, and the environment.
    fn start(&self) -> State {
        let call = self.invocation;
        let mut variables = Parted::default();
        let mut set = |name: &str, value: Value, exported| {
            variables.insert(name.into(), Variable { content: Content::Text(value), exported, readonly: false });
        };
        set("IFS", " \t\n".into(), false);
        set("OPTIND", "1".into(), false);
        set("PPID", call.pid.filter(|p| *p == 1).map_or(Value::filled("it is the parent's id"), |_| "0".into()), false);
        if self.shell == Shell::Bash {
            self.bash_variables(&mut set);
        }
        for (name, value) in &call.environment {
            let proper =
                name.first().is_some_and(|b| shell::is_name_start(*b)) && name.iter().all(|b| shell::is_name(*b));
            if proper && *name != "IFS" && *name != "PPID" {
                let content = Content::Text(value.clone());
                variables.insert(name.clone(), Variable { content, exported: true, readonly: false });
            }
        }
        let exported = variables.get(b"PWD").is_some_and(|v: &Variable| v.exported) || self.shell == Shell::Bash;
        let pwd = Content::Text(Value::Known(call.cwd.clone()));
        variables.insert("PWD".into(), Variable { content: pwd, exported, readonly: false });
        let mut state = State {
            variables,
            functions: Shared::default(),
            name: call.name.clone(),
            arguments: call.arguments.clone().into(),
            options: Options::default(),
            traps: Shared::default(),
            trapped: false,
            jobs: Shared::default(),
            inherited: Shared::default(),
            spawned: 0,
            signalled: None,
            cwd: Value::Known(call.cwd.clone()),
            status: Status::OK,
            flow: Flow::Next,
            files: Shared::default(),
            output: None,
            input: None,
            open: false,
            locals: Shared::default(),
            subshell: 0,
            catch: Catch::Script,
            errors: Errors::Aside,
            calls: 0,
            frames: Shared::default(),
            loops: 0,
            pending: None,
            last: (Span::default(), self.file.clone()),
            behind: Shared::default(),
            when: Trail::default(),
            missing: Trail::default(),
            started: Trail::default(),
        };
        for option in &call.options {
            super::builtin::set_option(&mut state.options, *option, true);
        }
        state.options.pipefail = call.pipefail;
        state
    }

    /// The files that are read first; a way that ends in one of them has ended.
    fn startup(&mut self, state: State) -> Vec<State> {
        let mut states = vec![state];
        for (path, text) in &self.invocation.startup {
            let file = std::mem::replace(&mut self.file, Rc::new(Value::Known(path.clone())));
            states = self.each(states, |engine, mut state| {
                state.calls += 1;
                engine.text(text, state, Context::default())
            });
            self.file = file;
            for state in &mut states {
                state.calls -= 1;
                state.pending = None;
                if state.flow == Flow::Return {
                    state.flow = Flow::Next;
                }
            }
        }
        states
    }

    /// Why a text is not followed at all, in a shell that is followed in part.
    fn odd(&self, text: &[u8], fault: Option<&Fault>) -> Option<String> {
        let odd = super::subset::text(self.shell, text).map(str::to_owned);
        odd.or_else(|| fault.map(|f| f.message.clone())).filter(|_| self.shell.in_part())
    }

    fn bash_variables(&self, set: &mut impl FnMut(&str, Value, bool)) {
        let (uid, gid) = self.world.ids();
        set("UID", uid.to_string().as_str().into(), false);
        set("EUID", uid.to_string().as_str().into(), false);
        set("GROUPS", gid.to_string().as_str().into(), false);
        set("BASH", Value::filled("it is where bash lies"), false);
        set("BASH_VERSION", Value::filled("it is bash's version"), false);
        set("HOSTNAME", Value::filled("it is the container's name"), false);
        set("OSTYPE", "linux-gnu".into(), false);
        set("HOSTTYPE", Value::filled("it is the machine"), false);
        set("MACHTYPE", Value::filled("it is the machine"), false);
        set("SHLVL", Value::filled("it counts shells"), true);
        set("RANDOM", Value::filled("it is random"), false);
        set("SECONDS", Value::filled("it is the time"), false);
    }

    /// Whether the shell may become the last command of `-c`: what that command is and stands in is looked at there.
    fn may_replace(&self, script: &Script, fault: bool) -> Truth {
        let call = self.invocation;
        // ksh93 does so at the end of a file, too: where, was not measured.
        if self.shell == Shell::Ksh && !call.command_string {
            return Truth::Unknown;
        }
        if !call.command_string || fault || !self.shell.replaces_itself(Place::Plain) || !self.is_at_the_end(script) {
            return Truth::No;
        }
        // What ksh93 reads behind a here-document is not told from what is in it.
        if self.shell == Shell::Ksh && self.source.contains_str("<<") {
            return Truth::Unknown;
        }
        match call.replaces {
            Replacing::Never => Truth::No,
            Replacing::Last => Truth::Yes,
            Replacing::Unknown => Truth::Unknown,
            Replacing::Alone => stands_alone(script),
        }
    }

    fn is_at_the_end(&self, script: &Script) -> bool {
        let end = script.body.last().map_or(0, |last| last.command.span.end);
        let rest = self.source.get(end..).unwrap_or_default();
        let continued = self.source.ends_with(b"\\\n");
        let rest = if continued { rest.trim_end_with(|c| "\\\n".contains(c)) } else { rest };
        let rest = behind_closing(rest).replace("\\\n", "");
        match self.shell {
            Shell::Ksh if self.source.contains_str("<<") => true,
            Shell::Mksh => is_plain(&self.source),
            Shell::Bash => self.shell.sees_the_end(&rest) && self.is_optimized(script),
            shell => shell.sees_the_end(&rest),
        }
    }

    /// bash builtins/evalstring.c, `can_optimize_connection`: of what is read at once, the last command must be simple,
    /// and joined to the rest by `;`, `&&` or `||`.
    fn is_optimized(&self, script: &Script) -> bool {
        let simple = |c: &Command| matches!(c.kind, Kind::Simple(_));
        let Some((last, rest)) = script.body.split_last() else { return false };
        let joined = rest.last().filter(|p| {
            let gap = self.source.get(p.command.span.end..last.command.span.start);
            !gap.unwrap_or_default().contains(&b'\n')
        });
        match (joined, &last.command.kind) {
            (Some(previous), Kind::Simple(_)) => !previous.background,
            (Some(_), _) => false,
            (None, Kind::And(_, right) | Kind::Or(_, right)) => simple(right),
            (None, kind) => matches!(kind, Kind::Simple(_)),
        }
    }

    /// The end of one way: the script's, or of a shell that exits.
    fn finish(&mut self, mut state: State, fault: Option<&Fault>) {
        let line = self.source.lines().count();
        let end = Span { start: self.source.len(), end: self.source.len(), line };
        if state.flow == Flow::Over {
            return;
        }
        if let (Flow::Next, Some(fault)) = (state.flow, fault) {
            let span = Span { line: fault.line, ..end };
            if !fault.refused || fault.before.is_none() {
                self.record(&state, End::Unknown { why: fault.message.clone() }, span);
                return;
            }
            state = state.exit(Status::Code(2), Cause::Syntax(fault.line));
        }
        if let (Some(index), Flow::Next, None) = (state.pending, state.flow, state.traps.get(b"EXIT".as_bstr()))
            && let Some(End::Child { last, .. }) = self.endings.get_mut(index).map(|e| &mut e.end)
        {
            *last = true;
            return;
        }
        let (mut span, main) = (end, self.file.clone());
        let cause = match state.flow {
            Flow::Exit(cause) => {
                let (last, file) = &state.last;
                (span, self.file) = (*last, file.clone());
                cause
            }
            Flow::Return => Cause::Exit,
            _ => Cause::End,
        };
        for state in self.leave(state) {
            let status = state.status;
            self.record(&state, End::Exits { status, cause }, span);
        }
        self.file = main;
    }

    /// Runs the EXIT trap of a shell that exits; its status stays unless the trap exits.
    pub fn leave(&mut self, mut state: State) -> Vec<State> {
        let Some(trap) = state.traps.remove(b"EXIT".as_bstr()) else { return vec![state] };
        let status = state.status;
        let Some(action) = trap.action else { return vec![state] };
        if let Some(signalled) = &mut state.signalled {
            signalled.running = false;
        }
        if self.shell == Shell::Ash && state.calls > 0 {
            // a subshell within a function: it has the script's, not the function's
            state.arguments = vec![Field::Any("they are the arguments of the script".into())].into();
        }
        state.flow = Flow::Next;
        state.calls = 0;
        let Some(text) = action.known().map(BString::from) else {
            return vec![state.with(Status::Unknown)];
        };
        // what it runs is not what the script was there for
        let apart = state.signalled.is_none().then(|| std::mem::take(&mut state.behind));
        let mut states = self.text(&text, state, Context::default());
        if let Some(behind) = apart {
            for state in &mut states {
                self.passed(state, None);
                state.behind = behind.clone();
            }
        }
        let shell = self.shell;
        let kept = |s: State| match s.flow {
            // measured: with `exit`, and at the end of a file, zsh keeps its status, at the end of `-c` it does not
            Flow::Exit(Cause::Errexit) if shell == Shell::Zsh => s.with(Status::Unknown),
            Flow::Next | Flow::Return => s.with(status),
            Flow::Exit(Cause::Error(_)) if shell == Shell::Bash => s.with(Status::Unknown),
            _ => s,
        };
        states.into_iter().map(kept).filter(|s| s.flow != Flow::Over).collect()
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
            states = states.into_iter().map(|s| self.stumble(s, fault)).collect();
        }
        self.source = source;
        states
    }

    /// Reads a text, and keeps what came of it: a function that is defined by it is then the same on all ways.
    fn parsed(&mut self, text: &[u8]) -> (Rc<[u8]>, Rc<Parsed>) {
        if let Some((text, parsed)) = self.texts.get_key_value(text) {
            return (text.clone(), parsed.clone());
        }
        let (text, parsed): (Rc<[u8]>, _) = (text.into(), Rc::new(halves(shell::parse(text, dialect(self.shell)))));
        if self.texts.len() < MAX_TEXTS {
            self.texts.insert(text.clone(), parsed.clone());
        }
        (text, parsed)
    }

    /// A syntax error in text that is read late: dash and ash give up, bash goes on.
    fn stumble(&mut self, state: State, fault: &Fault) -> State {
        if state.flow != Flow::Next {
            return state;
        }
        if !fault.refused || fault.before.is_none() {
            let span = Span { line: fault.line, ..Span::default() };
            return self.give_up(state, &fault.message, span);
        }
        match self.shell {
            Shell::Bash => state.with(Status::Code(2)),
            _ => state.exit(Status::Code(2), Cause::Syntax(fault.line)),
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
        if line.len() <= MAX_TEXT && text.lines().count() <= 1 {
            return line.to_owned();
        }
        let cut: String = line.chars().take(MAX_TEXT).collect();
        format!("{cut} …")
    }

    /// Records that nothing is known from here on if `text` holds, which is not to be expected.
    pub fn unless(&mut self, state: &State, text: String, why: &str, span: Span) {
        let mut other = state.clone();
        other.when.push(Condition { text, line: span.line, unlikely: true });
        self.give_up(other, why, span);
    }

    /// Records that nothing is known from here on.
    pub fn give_up(&mut self, mut state: State, why: &str, span: Span) -> State {
        self.record(&state, End::Unknown { why: why.to_owned() }, span);
        state.flow = Flow::Over;
        state
    }

    /// Records an ending; the same one is recorded once.
    pub fn record(&mut self, state: &State, end: End, span: Span) -> Option<usize> {
        if self.muted > 0 {
            return None;
        }
        let (text, file) = (self.excerpt(span), self.elsewhere(state));
        let span = self.origin.map_or(span, |line| Span { line, ..Span::default() });
        let traps: Vec<_> = state.traps.iter().map(|(n, t)| (n.clone(), t.clone())).collect();
        let same = |e: &Ending| {
            e.end == end
                && e.span == span
                && e.file == file
                && e.traps == traps
                && e.jobs == *state.jobs
                && e.signalled == state.signalled
        };
        let known = self.endings.iter().position(same);
        let stays = matches!(end, End::Exec { .. } | End::Child { .. } | End::Waits { .. } | End::Loops { .. });
        if stays && state.signalled.is_none() {
            self.passed(state, known);
        }
        if let Some(index) = known {
            let old = self.endings.get_mut(index)?;
            let failure = |when: &[Condition]| when.iter().find(|c| c.unlikely).cloned();
            let failed = failure(&old.when).filter(|_| state.failure().is_some());
            let common = old.when.iter().zip(state.when.iter()).take_while(|(a, b)| a == b).count();
            old.when.truncate(common);
            if failure(&old.when).is_none() {
                old.when.extend(failed);
            }
            match state.behind.is_empty() || old.behind.is_empty() {
                true => old.behind.clear(),
                false => old
                    .behind
                    .extend(state.behind.iter().filter(|i| !old.behind.contains(i)).copied().collect::<Vec<_>>()),
            }
            let missing = state.missing.to_vec();
            old.missing.retain(|m| missing.contains(m));
            let common = old.started.iter().zip(state.started.iter()).take_while(|(a, b)| a == b).count();
            old.whole &= !state.started.is_torn() && old.started.len() == common && state.started.len() == common;
            old.started.truncate(common);
            return Some(index);
        }
        if self.endings.len() >= MAX_ENDINGS {
            return None;
        }
        self.endings.push(Ending {
            when: state.when.to_vec(),
            end,
            text,
            span,
            file,
            traps,
            jobs: state.jobs.to_vec(),
            missing: state.missing.to_vec(),
            started: state.started.to_vec(),
            whole: !state.started.is_torn(),
            goes_on: false,
            behind: state.behind.to_vec(),
            signalled: state.signalled.clone(),
        });
        Some(self.endings.len() - 1)
    }
}

impl Engine<'_> {
    /// The file that commands are read from, if it is not the script.
    pub fn elsewhere(&self, state: &State) -> Option<BString> {
        let file = self.file.known().filter(|_| *self.file != self.invocation.name)?;
        Some(absolute(file, &state.cwd).filter(|_| file.contains(&b'/')).unwrap_or_else(|| file.to_owned()))
    }

    /// An ending that was recorded.
    pub fn ending(&self, at: usize) -> Option<&Ending> {
        self.endings.get(at)
    }

    /// Nothing comes after a program that never ends.
    pub fn stays(&mut self, at: Option<usize>) {
        if let Some(End::Child { last, .. }) = at.and_then(|at| self.endings.get_mut(at)).map(|e| &mut e.end) {
            *last = true;
        }
    }

    /// What ran before on this way has ended.
    pub fn passed(&mut self, state: &State, again: Option<usize>) {
        for index in state.behind.iter().filter(|index| Some(**index) != again) {
            if let Some(ending) = self.endings.get_mut(*index) {
                ending.goes_on = true;
            }
        }
    }
}

fn halves(parsed: Result<Script, Fault>) -> Parsed {
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

/// What comes behind the brackets that end compound commands: their spans end before.
fn behind_closing(mut rest: &[u8]) -> &[u8] {
    loop {
        let next = rest.trim_start_with(|c| " \t\n;".contains(c));
        match next.strip_prefix(b")").or_else(|| next.strip_prefix(b"}")) {
            Some(behind) => rest = behind,
            None => return rest,
        }
    }
}

/// bash 4.4, as measured: alone or after `&&` it does, after `;` it does not; what else it does is not known.
fn stands_alone(script: &Script) -> Truth {
    match script.body.as_slice() {
        [only] => match &only.command.kind {
            Kind::Simple(_) | Kind::And(..) => Truth::Yes,
            _ => Truth::Unknown,
        },
        [.., before, last] if before.command.span.line == last.command.span.line => Truth::No,
        _ => Truth::Unknown,
    }
}
