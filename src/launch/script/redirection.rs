//! Redirections (POSIX XCU 2.7), as far as they can fail or take output elsewhere.

use bstr::ByteSlice;

use super::Cause;
use super::engine::{Context, Engine};
use super::expand::Fail;
use super::program;
use super::state::{Errors, State};
use super::value::{Truth, Value};
use super::world::{Content, absolute};
use crate::format::shell::{Redirect, Redirection, Span};

/// More of a file is not fed to `read`.
const MAX_INPUT: usize = 4096;

/// Whether a command reads from elsewhere than the shell does.
pub(super) fn feed(redirections: &[Redirection]) -> bool {
    redirections.iter().any(|redirection| match redirection.operator {
        Redirect::Here | Redirect::HereString => true,
        Redirect::Read | Redirect::Both | Redirect::DuplicateInput => redirection.fd.unwrap_or(0) == 0,
        _ => false,
    })
}

impl Engine<'_> {
    /// A redirection that failed: the command is not run.
    pub(super) fn refused(
        &mut self,
        mut state: State,
        fail: Fail,
        special: bool,
        span: Span,
        context: Context,
    ) -> Vec<State> {
        if !matches!(fail, Fail::Redirection) {
            return vec![self.fail(state, fail, span)];
        }
        state.complain();
        let status = self.redirection_status();
        if special && self.shell.in_part() {
            return vec![self.give_up(state, "what the shell does without the file is not followed", span)];
        }
        if special {
            return vec![state.exit(status, Cause::Error("a file cannot be opened"))];
        }
        self.checked(state.with(status), span, context, None)
    }

    /// The same for a compound command.
    pub fn failed_redirection(&mut self, state: State, fail: Fail, span: Span, _: Context) -> State {
        self.fail(state, fail, span)
    }

    /// Redirections (XCU 2.7), as far as they can fail or take output elsewhere.
    pub fn redirect(&mut self, redirections: &[Redirection], state: &mut State) -> Result<(), Fail> {
        for redirection in redirections {
            self.redirect_one(redirection, state)?;
        }
        Ok(())
    }

    pub(super) fn redirect_one(&mut self, redirection: &Redirection, state: &mut State) -> Result<(), Fail> {
        let target = match (self.value(&redirection.target, state), redirection.operator) {
            // dash and ash expand it in a process of its own
            (Err(Fail::Exit(_, what)), Redirect::Here) => return Err(Fail::Unknown(what.into())),
            (target, _) => target?,
        };
        let writes = |fd: Option<u32>| fd.unwrap_or(1) == 1;
        self.redirect_errors(redirection, &target, state);
        match redirection.operator {
            Redirect::Here => state.input = Some(target),
            Redirect::HereString => {
                let mut text = target;
                text.push(&"\n".into());
                state.input = Some(text);
            }
            Redirect::Read | Redirect::Both => {
                self.open(&target, redirection.operator == Redirect::Both, state)?;
                if redirection.fd.unwrap_or(0) == 0 {
                    let null = target.known().is_some_and(|t| t == "/dev/null");
                    let unknown = || Value::unknown("it is read from a file");
                    state.input = match null {
                        true => None,
                        false if self.reads => Some(self.contents(&target, state).unwrap_or_else(unknown)),
                        false => Some(unknown()),
                    };
                }
            }
            Redirect::Write | Redirect::Append | Redirect::WriteAll => {
                self.open(&target, true, state)?;
                if redirection.operator == Redirect::WriteAll || writes(redirection.fd) {
                    state.output = None;
                }
            }
            Redirect::DuplicateOutput if writes(redirection.fd) && state.output.is_some() => {
                match target.known().map(|t| t.as_bytes()) {
                    Some(b"1") => {}
                    Some(b"2" | b"-") => state.output = None,
                    _ => state.output = Some(Value::unknown("descriptors are exchanged")),
                }
            }
            Redirect::DuplicateInput if redirection.fd.unwrap_or(0) == 0 => {
                state.input = Some(Value::unknown("it is read from another descriptor"));
            }
            Redirect::DuplicateOutput | Redirect::DuplicateInput => {}
        }
        Ok(())
    }

    /// What is read from a file, if it is a short one of the image.
    fn contents(&self, target: &Value, state: &State) -> Option<Value> {
        let path = target.known().and_then(|path| absolute(path, &state.cwd))?;
        if state.files.disturbed || !state.files.is_untouched(path.as_bstr()) {
            return None;
        }
        match self.world.read(path.as_bstr()) {
            Content::Bytes(bytes) if bytes.len() <= MAX_INPUT && !bytes.contains(&0) => {
                Some(Value::Known(bytes.into()))
            }
            _ => None,
        }
    }

    /// Where standard error then goes.
    fn redirect_errors(&self, redirection: &Redirection, target: &Value, state: &mut State) {
        let captured = state.output.is_some() || state.errors != Errors::Aside;
        let known = target.known().map(|t| t.as_bytes());
        let errors = match redirection.operator {
            Redirect::WriteAll => Errors::Aside,
            Redirect::Write | Redirect::Append if redirection.fd == Some(2) => Errors::Aside,
            Redirect::DuplicateOutput if redirection.fd == Some(2) && known == Some(b"-") => Errors::Aside,
            Redirect::DuplicateOutput if redirection.fd == Some(2) && known != Some(b"2") && captured => {
                Errors::Captured
            }
            _ => return,
        };
        // what was written stays written
        state.errors = if state.errors == Errors::Written { state.errors } else { errors };
    }

    /// Opens a file: fails only where that is certain.
    pub(super) fn open(&mut self, target: &Value, write: bool, state: &mut State) -> Result<(), Fail> {
        if target.is_empty() == Some(true) {
            return Err(Fail::Redirection); // open(2): ENOENT
        }
        let Some(path) = target.known().and_then(|t| absolute(t, &state.cwd)) else {
            state.files.disturbed |= write;
            return Ok(());
        };
        if path.starts_with(b"/dev/") || path.starts_with(b"/proc/") {
            return Ok(());
        }
        let path = path.as_bstr();
        let test = |operator, path: &bstr::BStr, state: &State| {
            state.files.test(operator, path, self.world.test(operator, path))
        };
        let there = test(b'e', path, state);
        let parent = program::dirname(path);
        let untouched = state.files.is_untouched(path);
        let fails = match (write, there) {
            (true, Truth::Yes) => {
                test(b'd', path, state) == Truth::Yes || untouched && self.world.test(b'w', path) == Truth::No
            }
            (true, Truth::No) => {
                let dir = test(b'd', parent.as_bstr(), state);
                let closed =
                    !state.files.is_made(parent.as_bstr()) && self.world.test(b'w', parent.as_bstr()) == Truth::No;
                dir == Truth::No || (dir == Truth::Yes && closed)
            }
            (false, Truth::Yes) => untouched && self.world.test(b'r', path) == Truth::No,
            (false, there) => there == Truth::No,
            _ => false,
        };
        if fails {
            return Err(Fail::Redirection);
        }
        let doubt = match write {
            true => there == Truth::Unknown && test(b'd', parent.as_bstr(), state) != Truth::Yes,
            false => there == Truth::Unknown,
        };
        self.doubt |= doubt;
        if write {
            self.touch(state, &path.into(), if doubt { b'?' } else { b'f' });
        }
        Ok(())
    }
}
