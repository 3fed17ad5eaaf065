//! A script from its beginning, with what the shell itself sets, to the exit of the shell.

use std::rc::Rc;

use bstr::{BString, ByteSlice};

use super::engine::{Context, Engine, halves};
use super::parted::Parted;
use super::shared::Shared;
use super::state::{Catch, Content, Errors, Flow, Options, State, Variable};
use super::trail::Trail;
use super::value::{Field, Status, Truth, Value};
use super::{Cause, End, dialect};
use crate::format::shell::{self, Command, Fault, Kind, Script, Span};
use crate::launch::shell::{Place, Replacing, Shell, is_plain};

impl Engine<'_> {
    pub(super) fn main(&mut self) {
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
            variables
                .insert("PIPESTATUS".into(), Variable { content: Content::Opaque, exported: false, readonly: false });
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
            outer: Shared::default(),
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
            input: call.fed.then(|| Value::unknown("it is not known what the script is given to read")),
            open: false,
            locals: Shared::default(),
            subshell: 0,
            parenthesised: false,
            catch: Catch::Script,
            errors: Errors::Aside,
            calls: 0,
            frames: Shared::default(),
            loops: 0,
            pending: None,
            last: (Span::default(), self.file.clone()),
            behind: Shared::default(),
            acted: false,
            failed: None,
            when: Trail::default(),
            missing: Trail::default(),
            started: Trail::default(),
        };
        for option in &call.options {
            super::builtin::set_option(&mut state.options, *option, true);
        }
        state.options.pipefail = call.pipefail;
        state.options.posix = call.posix;
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
        set("BASHPID", Value::filled("it is the id of the shell, or of a fork of it"), false);
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
        let dies = self.shell == Shell::Bash && state.signalled.as_ref().is_some_and(|signalled| signalled.dies);
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
            _ if dies => s.with(status),
            // measured: with `exit`, and at the end of a file, zsh keeps its status, at the end of `-c` it does not
            Flow::Exit(Cause::Errexit) if shell == Shell::Zsh => s.with(Status::Unknown),
            Flow::Next | Flow::Return => s.with(status),
            Flow::Exit(Cause::Error(_)) if shell == Shell::Bash => s.with(Status::Unknown),
            _ => s,
        };
        states.into_iter().map(kept).filter(|s| s.flow != Flow::Over).collect()
    }
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
