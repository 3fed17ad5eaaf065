//! Built-in commands that go elsewhere: exec, eval, source, exit, return, break.

use bstr::{BString, ByteSlice};

use super::is_builtin;
use crate::format::shell::{Command, Kind};
use crate::launch::script::engine::{Context, Engine};
use crate::launch::script::job::SIGNALS;
use crate::launch::script::simple::Call;
use crate::launch::script::state::{Flow, State};
use crate::launch::script::value::{Field, Status, Value, joined};
use crate::launch::script::world::{Content, absolute};
use crate::launch::script::{Cause, End};
use crate::launch::shell::Shell;

impl Engine<'_> {
    /// `exec`: without a command only its redirections count.
    pub(super) fn exec(&mut self, mut call: Call<'_>, state: State) -> Vec<State> {
        call.argv.remove(0);
        while let Some(option) = call.argv.first().and_then(Field::known).filter(|w| w.starts_with(b"-")) {
            let takes = option == "-a" && self.shell != Shell::Dash;
            let end = option == "--";
            match (self.shell, option.as_bytes()) {
                (Shell::Dash, _) => break, // it has no options
                (_, b"-") => break,
                (Shell::Ash, b"-a") => {
                    return vec![self.give_up(state, "`exec -a` is not known to every busybox", call.span)];
                }
                (_, b"-a" | b"--") | (Shell::Bash, b"-l" | b"-c" | b"-cl") => {}
                (Shell::Bash, _) => {
                    let state = self.special_error(state, 2, &call, "`exec` does not know an option");
                    return self.checked(state, call.span, call.context, None);
                }
                (Shell::Ash | Shell::Zsh | Shell::Ksh | Shell::Mksh | Shell::Yash, _) => {
                    return vec![state.exit(Status::Code(2), Cause::Error("`exec` does not know an option"))];
                }
            }
            call.argv.drain(..(1 + usize::from(takes)).min(call.argv.len()));
            if end {
                break;
            }
        }
        if call.argv.is_empty() {
            return vec![state.with(Status::OK)];
        }
        self.spawn(call, state, true)
    }

    pub(super) fn eval(&mut self, call: Call<'_>, mut state: State) -> Vec<State> {
        if !self.is_strict(&state) && !call.assigned.is_empty() {
            return vec![self.give_up(state, "assignments before `eval` are not followed", call.span)];
        }
        let text = joined(call.argv.get(1..).unwrap_or_default(), b" ");
        let Some(text) = text.known().map(BString::from) else { return self.eval_unknown(call, state) };
        if text.trim_ascii().is_empty() {
            state.status = Status::OK;
        }
        // its lines are counted anew: what is told is the line of `eval`
        let outer = self.origin.replace(self.origin.unwrap_or(call.span.line));
        let states = self.text(&text, state, call.context);
        self.origin = outer;
        self.each(states, |engine, state| engine.checked(state, call.span, call.context, None))
    }

    /// `eval` of what is not all known: a command whose name is, or something that changes nothing here.
    fn eval_unknown(&mut self, mut call: Call<'_>, state: State) -> Vec<State> {
        let plain = |w: &bstr::BStr| w.iter().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(b));
        if call.argv.get(1).and_then(Field::known).is_some_and(plain) {
            call.argv.remove(0);
            return self.call(call, state);
        }
        self.assume(call, state, "what `eval` gets is not known")
    }

    /// Commands that are not known: they are taken to leave the script where it is, and may set any variable.
    fn assume(&mut self, call: Call<'_>, mut state: State, why: &str) -> Vec<State> {
        let text = format!("`{}` does not come back", self.excerpt(call.span));
        self.unless(&state, text, why, call.span);
        state.open = true;
        state.files.disturbed = true;
        self.checked(state.with(Status::Unknown), call.span, call.context, Some(true))
    }

    /// `.` and `source`.
    pub(super) fn source_file(&mut self, call: Call<'_>, mut state: State) -> Vec<State> {
        let operands = call.argv.get(1..).unwrap_or_default();
        let operands = operands.strip_prefix(&[Field::One("--".into())][..]).unwrap_or(operands);
        let Some((file, arguments)) = operands.split_first() else {
            return vec![self.special_error(state, 2, &call, "nothing is sourced")];
        };
        let (file, arguments) = (file.clone(), arguments.to_vec());
        let content = match file.known().map(BString::from) {
            Some(name) => self.sourced(&name, &state),
            None => Content::Unknown,
        };
        let text = match content {
            Content::Bytes(text) => text,
            Content::Absent => {
                state.complain();
                return self.nothing_sourced(&call, state, &file);
            }
            Content::Unknown => return self.assume(call, state, "what is sourced is not known"),
        };
        if state.parenthesised && self.ends_in_a_list(&text) {
            return vec![self.give_up(
                state,
                "bash may become the last command of a file that `( … )` reads",
                call.span,
            )];
        }
        if state.calls >= 30 {
            return vec![self.give_up(state, "files source one another without end", call.span)];
        }
        let old = state.arguments.clone();
        // dash keeps the arguments as they are
        let replaced = !arguments.is_empty() && self.shell != Shell::Dash;
        if replaced {
            state.arguments = arguments.into();
        }
        state.calls += 1;
        state.status = Status::OK;
        let name = match file {
            Field::One(name) => name,
            Field::Any(why) => Value::unknown(why),
        };
        state.frames.push(("source".into(), name.clone()));
        let file = std::mem::replace(&mut self.file, name.into());
        let origin = self.origin.take();
        // measured: whether the status of `.` is looked at does not count within the file for dash, ash and mksh
        let checked = call.context.checked && !matches!(self.shell, Shell::Dash | Shell::Ash | Shell::Mksh);
        let mut states = self.text(&text, state, Context { checked, ..call.context });
        self.origin = origin;
        self.file = file;
        for state in &mut states {
            state.calls -= 1;
            state.frames.pop();
            if replaced {
                state.arguments.clone_from(&old);
            }
            if state.flow == Flow::Return {
                state.flow = Flow::Next;
            }
        }
        self.each(states, |engine, state| engine.checked(state, call.span, call.context, None))
    }

    /// The file to source is not there.
    fn nothing_sourced(&mut self, call: &Call<'_>, state: State, file: &Field) -> Vec<State> {
        let code = Status::Code(if self.shell == Shell::Bash { 1 } else { 2 });
        let by_path = file.known().is_some_and(|name| name.contains(&b'/'));
        // bash error.c, `report_error`: with -e it exits there and then, with the status of what ran before
        let before = state.options.errexit && !call.context.checked && (by_path || !state.options.posix);
        let status = match state.status.success() {
            Some(true) => code,
            _ if before && self.shell == Shell::Bash => state.status,
            _ => code,
        };
        if self.ends_by_reading(&state) && !call.plain {
            return vec![state.exit(status, Cause::Error("the file to source is not there"))];
        }
        self.checked(state.with(status), call.span, call.context, None)
    }

    /// Whether the last line of a text is `…; command` or `… && command`: behind it bash forgets what comes after `.` in `( … )`
    /// (measured with 5.2; not so for a command alone, for `eval`, and in command substitutions and pipelines).
    fn ends_in_a_list(&mut self, text: &[u8]) -> bool {
        if self.shell != Shell::Bash {
            return false;
        }
        let (source, parsed) = self.parsed(text);
        let is_simple = |command: &Command| matches!(command.kind, Kind::Simple(_));
        match parsed.0.body.as_slice() {
            [.., before, last] if is_simple(&last.command) => {
                let gap = source.get(before.command.span.end..last.command.span.start).unwrap_or_default();
                !gap.contains(&b'\n')
            }
            [.., last] => matches!(&last.command.kind, Kind::And(_, right) | Kind::Or(_, right) if is_simple(right)),
            [] => false,
        }
    }

    fn sourced(&self, name: &BString, state: &State) -> Content {
        let read = |path: BString| {
            if state.files.is_untouched(path.as_bstr()) {
                match self.world.read(path.as_bstr()) {
                    Content::Absent if state.files.disturbed => Content::Unknown,
                    content => content,
                }
            } else {
                Content::Unknown
            }
        };
        if name.is_empty() {
            return Content::Absent;
        }
        if name.contains(&b'/') {
            return absolute(name.as_bstr(), &state.cwd).map_or(Content::Unknown, read);
        }
        let Some(path) = state.text(b"PATH").flatten() else { return Content::Unknown };
        let Some(path) = path.known() else { return Content::Unknown };
        let here = (!self.is_strict(state)).then_some(&b"."[..]);
        for element in path.split_str(":").chain(here) {
            let candidate: BString =
                [if element.is_empty() { b"." } else { element }, b"/", name.as_slice()].concat().into();
            match absolute(candidate.as_bstr(), &state.cwd).map_or(Content::Unknown, read) {
                Content::Absent => {}
                found => return found,
            }
        }
        Content::Absent
    }

    /// `command` and `builtin`.
    pub(super) fn prefix(&mut self, mut call: Call<'_>, mut state: State) -> Vec<State> {
        call.argv.remove(0);
        while let Some(option) =
            call.argv.first().and_then(Field::known).filter(|w| w.starts_with(b"-")).map(BString::from)
        {
            call.argv.remove(0);
            match option.as_slice() {
                b"-v" | b"-V" => {
                    let state = self.tell(&call, state);
                    return self.checked(state, call.span, call.context, None);
                }
                b"--" => break,
                _ => {}
            }
        }
        if call.argv.is_empty() {
            state.status = Status::OK;
            return vec![state];
        }
        let own = call.argv.first().and_then(Field::known).is_some_and(|name| is_builtin(self.shell, name));
        state.options.commanded |= self.shell == Shell::Bash && !own;
        self.call(Call { plain: true, ..call }, state)
    }

    /// `command -v name`
    fn tell(&mut self, call: &Call<'_>, mut state: State) -> State {
        let one = self.shell == Shell::Bash || self.shell.in_part();
        let missing = Status::Code(if one { 1 } else { 127 });
        let [word] = call.argv.as_slice() else {
            state.print(&Value::unknown("`command -v` prints it"));
            return state.with(Status::Unknown);
        };
        let description = word.known().and_then(|w| self.describe(w, call, &state));
        let status = match description {
            Some(Some(mut text)) => {
                text.push(&"\n".into());
                state.print(&text);
                Status::OK
            }
            Some(None) => missing,
            None => {
                state.print(&Value::unknown("`command -v` prints it"));
                Status::Unknown
            }
        };
        state.with(status)
    }

    /// What a name stands for; `Some(None)`: nothing.
    pub(super) fn describe(&self, name: &bstr::BStr, call: &Call<'_>, state: &State) -> Option<Option<Value>> {
        const RESERVED: &str = "! { } case do done elif else esac fi for if in then until while";
        let reserved = RESERVED.split(' ').any(|r| name == r);
        if reserved || state.functions.contains_key(name) || super::is_builtin(self.shell, name) {
            return Some(Some(Value::Known(name.into())));
        }
        let search = state.text(b"PATH").flatten();
        let search = search.as_ref().map(Value::known);
        if search == Some(None) && !name.contains(&b'/') {
            return None;
        }
        let _ = call;
        self.looked();
        match self.world.command(self.shell, name, search.flatten(), state.cwd.known()?, false) {
            super::super::Found::Program(path) if !self.is_untouched(&path, &name.into(), search.flatten(), state) => {
                None
            }
            super::super::Found::Program(path) => Some(Some(Value::Known(path))),
            // measured: bash and ash tell of files that cannot be executed, too
            super::super::Found::Fails(126)
                if self.shell == Shell::Ash || self.shell == Shell::Bash && !state.options.posix =>
            {
                Some(Some(Value::filled("`command -v` prints it")))
            }
            super::super::Found::Fails(_) if !state.files.disturbed => Some(None),
            _ => None,
        }
    }

    pub(super) fn exit(&mut self, call: &Call<'_>, state: State) -> State {
        match self.number(call, &state) {
            Ok(status) => state.exit(status, Cause::Exit),
            Err(()) => state.exit(Status::Code(2), Cause::Error("the code to exit with is no number")),
        }
    }

    /// The status that `exit` and `return` are given.
    fn number(&self, call: &Call<'_>, state: &State) -> Result<Status, ()> {
        let Some(word) = call.argv.get(1) else { return Ok(self.status_to_exit(call, state)) };
        if let Field::One(Value::StatusOf(number)) = word {
            return Ok(Status::Job(*number));
        }
        let Some(text) = word.known() else { return Ok(Status::Unknown) };
        let text = text.to_str().map_err(drop)?.trim();
        let digits = text.strip_prefix('-').filter(|_| self.shell == Shell::Bash).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(());
        }
        let number: i64 = text.parse().map_err(drop)?;
        Ok(Status::Code((number & 255) as u8))
    }

    /// That of `exit` alone. In a trap dash and ash exit with what was the status before it.
    fn status_to_exit(&self, call: &Call<'_>, state: &State) -> Status {
        let exits = call.argv.first().and_then(Field::known).is_some_and(|name| name == "exit");
        let signalled = state.signalled.as_ref().filter(|s| s.running && exits && self.shell != Shell::Bash);
        let code = signalled.filter(|s| self.ending(s.at).is_some_and(|e| matches!(e.end, End::Waits { .. })));
        let code = code.and_then(|s| SIGNALS.iter().position(|name| s.signal == *name));
        code.map_or(state.status, |number| Status::Code(128 + number as u8))
    }

    pub(super) fn return_from(&mut self, call: &Call<'_>, state: State) -> State {
        let status = self.number(call, &state);
        match (status, state.calls, self.shell) {
            (_, 0, Shell::Bash) if state.options.posix => {
                self.special_error(state, 2, call, "`return` stands outside of functions")
            }
            (Err(()), 0, Shell::Bash) => state.with(Status::Code(2)),
            (Err(()), _, Shell::Bash) => State { flow: Flow::Return, ..state.with(Status::Code(2)) },
            (Err(()), ..) => state.exit(Status::Code(2), Cause::Error("the code to return is no number")),
            (Ok(_), 0, Shell::Bash) => state.with(Status::Code(2)),
            (Ok(status), 0, _) => state.exit(status, Cause::Exit),
            (Ok(status), ..) => State { flow: Flow::Return, ..state.with(status) },
        }
    }

    pub(super) fn leave_loops(&mut self, call: &Call<'_>, state: State, leave: bool) -> State {
        let n = match call.argv.get(1) {
            None => Some(1),
            Some(word) => word.known().and_then(|w| w.to_str().ok()).and_then(|w| w.parse::<usize>().ok()),
        };
        let Some(n) = n.filter(|n| *n > 0) else {
            return self.give_up(state, "how many loops are left is not known", call.span);
        };
        let n = n.min(state.loops);
        let flow = match (n, leave) {
            (0, _) => Flow::Next,
            (n, true) => Flow::Break(n),
            (n, false) => Flow::Continue(n),
        };
        State { flow, ..state.with(Status::OK) }
    }
}
