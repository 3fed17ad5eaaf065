//! Command substitution (POSIX XCU 2.6.3).

use bstr::ByteSlice;

use super::engine::{Context, Engine};
use super::expand::Fail;
use super::state::{Errors, Flow, State};
use super::value::{Status, Value};
use super::world::absolute;
use crate::format::shell::{Fault, Script};
use crate::launch::shell::Shell;

impl Engine<'_> {
    /// What `$( … )` becomes.
    pub(super) fn substitute(&mut self, script: &Result<Script, Fault>, state: &mut State) -> Result<Value, Fail> {
        let script = match script {
            Ok(script) => script,
            Err(fault) => return Err(Fail::Unknown(fault.message.clone())),
        };
        if let Some(value) = self.file_contents(script, state)? {
            return Ok(value);
        }
        let mut inside = self.fork(state);
        inside.output = Some("".into());
        let status = inside.status;
        // measured: ash lets go of `set -e` here; bash does unless it is in POSIX mode, or asked not to
        inside.options.errexit &= self.shell != Shell::Ash && (self.is_strict(state) || state.options.inherits);
        let context = Context { checked: self.checked && self.shell == Shell::Bash, tail: false };
        self.steps = self.steps.saturating_sub(1);
        let inside = if script.body.is_empty() { inside.with(Status::OK) } else { inside.with(status) };
        self.depth += 2;
        let ends = self.in_share(|engine| engine.list(&script.body, inside, context));
        self.depth -= 2;
        let Some(ends) = ends else {
            state.files.disturbed = true;
            if self.shell == Shell::Bash {
                state.status = Status::Unknown;
            }
            self.substituted = Some(Status::Unknown);
            return Ok(Value::unknown("a command prints it"));
        };
        let ends: Vec<State> = ends.into_iter().flat_map(|s| self.leave_subshell(s)).collect();
        let mut ends = ends.into_iter();
        let Some(mut first) = ends.next() else {
            state.flow = Flow::Over;
            return Err(Fail::Over);
        };
        let alone = ends.len() == 0;
        let before = state.behind.clone();
        for other in ends {
            first.status = first.status.join(other.status);
            first.output = first.output.zip(other.output.clone()).map(|(a, b)| a.join(&b));
            first.files.join(&other.files);
            first.errors = first.errors.max(other.errors);
            first.forget(&other);
        }
        if first.behind != before {
            // what it prints is waited for
            self.passed(&first, None);
        }
        if self.shell == Shell::Bash {
            state.status = first.status; // the others keep `$?` until the command has run
        }
        self.substituted = Some(first.status);
        state.pause();
        state.absorb(&first, true);
        state.started = first.started;
        state.missing = first.missing;
        state.files = first.files;
        if first.errors == Errors::Written && state.errors == Errors::Aside {
            first.output = None; // `exec 2>&1`
        }
        state.errors = if state.errors == Errors::Aside { state.errors } else { first.errors };
        if alone {
            state.when = first.when;
        }
        Ok(chomp(first.output.unwrap_or_else(|| Value::unknown("a command prints it"))))
    }

    /// `$(< file)` of bash.
    fn file_contents(&mut self, script: &Script, state: &mut State) -> Result<Option<Value>, Fail> {
        use crate::format::shell::{Kind, Redirect};
        let [statement] = script.body.as_slice() else { return Ok(None) };
        let Kind::Simple(simple) = &statement.command.kind else { return Ok(None) };
        let [redirection] = statement.command.redirections.as_slice() else { return Ok(None) };
        let empty = simple.words.is_empty() && simple.assignments.is_empty();
        if !empty || redirection.operator != Redirect::Read || self.shell != Shell::Bash {
            return Ok(None);
        }
        let path = self.value(&redirection.target, state)?;
        self.substituted = Some(Status::Unknown);
        let path = path.known().and_then(|p| absolute(p, &state.cwd)).filter(|p| state.files.is_untouched(p.as_bstr()));
        Ok(Some(match path.map(|p| self.world.read(p.as_bstr())) {
            Some(super::Content::Bytes(bytes)) => {
                self.substituted = Some(Status::OK);
                chomp(Value::Known(bytes.into()))
            }
            _ => Value::unknown("it is read from a file"),
        }))
    }
}

/// Newlines at the end go.
fn chomp(value: Value) -> Value {
    match value {
        Value::Known(mut text) => {
            while text.ends_with(b"\n") {
                text.pop();
            }
            text.retain(|b| *b != 0);
            Value::Known(text)
        }
        Value::Unknown { why, .. } => Value::Unknown { why, filled: false },
        Value::StatusOf(_) => value,
    }
}
