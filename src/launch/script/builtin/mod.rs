//! Built-in commands: which shell has which, and what they do (POSIX XCU 2.14, dash(1), bash(1), busybox ash).

mod flow;
mod jobs;
mod shell;
mod variable;

use std::collections::HashSet;
use std::sync::LazyLock;

use bstr::{BString, ByteSlice};

use super::Cause;
use super::engine::Engine;
use super::printf;
use super::simple::Call;
use super::state::{Catch, Content, State};
use super::value::{Field, Status, Value, all_known};
use crate::launch::shell::Shell;

pub use shell::set_option;

const COMMON: &str = ". : [ alias bg break cd command continue echo eval exec exit export false fg getopts hash jobs kill local \
    printf pwd read readonly return set shift test times trap true type ulimit umask unalias unset wait";
const BASH: &str = "source builtin caller compgen complete compopt declare dirs disown enable help history let logout mapfile \
    popd pushd readarray shopt suspend typeset bind";
const ASH: &str = "source let help history";

static TABLES: LazyLock<[HashSet<&'static [u8]>; 3]> = LazyLock::new(|| {
    ["", BASH, ASH]
        .map(|own| [COMMON, own].iter().flat_map(|l| l.split_ascii_whitespace()).map(str::as_bytes).collect())
});

/// Whether the shell runs it itself.
pub fn is_builtin(shell: Shell, name: &[u8]) -> bool {
    if shell.in_part() {
        return super::subset::is_theirs(shell, name);
    }
    let [dash, bash, ash] = &*TABLES;
    match shell {
        Shell::Bash => bash,
        Shell::Ash => ash,
        _ => dash,
    }
    .contains(name)
}

impl Engine<'_> {
    /// Runs a built-in command.
    pub fn builtin(&mut self, name: &BString, call: Call<'_>, mut state: State) -> Vec<State> {
        if self.is_special(call.argv.first(), &state) && !call.plain {
            let exported = self.shell == Shell::Bash;
            for (name, value) in &call.assigned {
                state.set(name, Content::Text(value.clone()));
                state.mark(name, |v| v.exported |= exported);
            }
        }
        // bash sets something up for them in a fork (execute_cmd.c, `execute_subshell_builtin_or_function`)
        if state.subshell > 0 && state.catch == Catch::Script {
            state.catch = Catch::Subshell;
        }
        let (span, context) = (call.span, call.context);
        let state = match name.as_slice() {
            b"exec" => return self.exec(call, state),
            b"eval" => return self.eval(call, state),
            b"." | b"source" => return self.source_file(call, state),
            b"builtin" if call.argv.get(1).is_some_and(|f| f.known().is_some_and(|n| !is_builtin(self.shell, n))) => {
                state.with(Status::Code(1))
            }
            b"command" | b"builtin" => return self.prefix(call, state),
            b"cd" => return self.cd(call, state),
            b"wait" => {
                let states = self.wait(&call, state);
                // a job that a trap has told ends with a code of its own
                let ends = |s: &State| matches!(s.status, Status::Job(_)) && s.options.errexit && !context.checked;
                let split = |s: State| match ends(&s) {
                    true => vec![s.clone().with(Status::OK), {
                        let status = s.status;
                        s.exit(status, Cause::Errexit)
                    }],
                    false => vec![s],
                };
                let states = states.into_iter().flat_map(split).collect();
                return self.each(states, |engine, state| engine.checked(state, span, context, Some(true)));
            }
            b"fg" => self.foreground(&call, state),
            b"kill" => self.kill(&call, state),
            b"jobs" => self.jobs(&call, state),
            b":" | b"true" => state.with(Status::OK),
            b"false" => state.with(Status::Code(1)),
            b"exit" => self.exit(&call, state),
            b"return" => self.return_from(&call, state),
            b"break" | b"continue" => self.leave_loops(&call, state, name == "break"),
            b"shift" => {
                let states = self.shift(&call, state);
                return self.each(states, |engine, s| engine.checked(told(name, s), span, context, Some(true)));
            }
            b"set" => self.set(&call, state),
            b"unset" => self.unset_names(&call, state),
            b"export" | b"readonly" => self.export(&call, state, name == "readonly"),
            b"local" | b"declare" | b"typeset" => self.declare(&call, state, name == "local"),
            b"trap" => self.trap(&call, state),
            b"read" => self.read(&call, state),
            b"getopts" => self.getopts(&call, state),
            b"let" => self.calculate(&call, state),
            b"echo" | b"printf" => self.print(&call, state, name == "echo"),
            b"pwd" => self.print_directory(state),
            b"test" | b"[" => {
                let status = self.test(&call.argv, &state);
                state.with(status)
            }
            b"hash" if call.argv.get(1).and_then(Field::known).is_some_and(|word| word == "-p") => {
                self.give_up(state, "`hash -p` is not followed", span)
            }
            b"type" | b"hash" => self.judge(name, &call, state),
            b"shopt" => shopt(&call, state),
            b"alias" if self.is_renamed(&call, &state) => self.give_up(state, "aliases are not followed", span),
            b"mapfile" | b"readarray" => {
                let mut state = state;
                if let Some(name) = call.argv.last().and_then(Field::known) {
                    state.set(name, Content::Opaque);
                }
                state.with(Status::OK)
            }
            b"pushd" | b"popd" => {
                State { cwd: Value::unknown("it is taken from a stack"), ..state.with(Status::Unknown) }
            }
            b"umask" if call.argv.len() > 1 => state.with(Status::Unknown),
            b"umask" | b"ulimit" | b"times" | b"disown" | b"bind" | b"enable" | b"history" | b"complete" | b"alias"
            | b"unalias" => self.silent(&call, state),
            _ => state.with(Status::Unknown),
        };
        self.checked(told(name, state), span, context, Some(true))
    }

    /// Whether an alias is defined whose name stands somewhere behind it.
    fn is_renamed(&self, call: &Call<'_>, state: &State) -> bool {
        let words = call.argv.get(1..).unwrap_or_default();
        let own = self.source.get(call.span.end..).unwrap_or_default();
        let whole = self.invocation.text.as_slice();
        let texts = [own, if *self.source == *whole { b"" } else { whole }];
        let is_used = |word: &Field| {
            let Some((name, _)) = word.known().and_then(|word| word.split_once_str("=")) else { return true };
            texts.iter().any(|text| text.fields_with(|c| !c.is_alphanumeric() && !"_-.".contains(c)).any(|w| w == name))
        };
        (self.is_strict(state) || state.options.aliases) && words.iter().any(is_used)
    }

    /// An error of a special built-in ends dash and ash, bash in POSIX mode only, and none of them behind `command`.
    fn special_error(&self, state: State, code: u8, call: &Call<'_>, what: &'static str) -> State {
        // bash ends by usage errors only, and where the status counts (execute_cmd.c, `special_builtin_failed`)
        let counts = self.shell != Shell::Bash || code == 2 && !call.context.checked;
        if !self.is_strict(&state) || call.plain || !counts {
            return state.with(Status::Code(code));
        }
        state.exit(Status::Code(code), Cause::Error(what))
    }

    fn silent(&self, call: &Call<'_>, mut state: State) -> State {
        if state.output.is_some() {
            state.print(&Value::unknown("a built-in command prints it"));
        }
        let status = if call.argv.len() > 2 || self.shell == Shell::Dash { Status::Unknown } else { Status::OK };
        state.with(status)
    }

    fn print(&self, call: &Call<'_>, mut state: State, echo: bool) -> State {
        let words = all_known(call.argv.get(1..).unwrap_or_default());
        let text = words.and_then(|words| if echo { printf::echo(self.shell, &words) } else { printf::printf(&words) });
        let known = text.is_some();
        if state.output.is_some() {
            let why = "what it is made of is not known";
            let filled =
                echo && call.argv.iter().skip(1).any(|f| matches!(f, Field::One(v) if v.is_empty() == Some(false)));
            let unknown = if filled { Value::filled(why) } else { Value::unknown(why) };
            state.print(&text.map_or(unknown, Value::Known));
        }
        state.with(if echo || known { Status::OK } else { Status::Unknown })
    }

    fn print_directory(&self, mut state: State) -> State {
        let mut text = state.cwd.clone();
        text.push(&"\n".into());
        state.print(&text);
        state.with(Status::OK)
    }

    /// `type` and `hash`: their status, where it is plain.
    fn judge(&self, name: &BString, call: &Call<'_>, mut state: State) -> State {
        if state.output.is_some() {
            state.print(&Value::unknown("a built-in command prints it"));
        }
        let words = call.argv.get(1..).unwrap_or_default();
        let missing = match (name == "type", self.shell) {
            (true, Shell::Bash) => Status::Code(1),
            (true, _) => Status::Code(127),
            (false, Shell::Dash | Shell::Bash | Shell::Ash) => Status::Code(1),
            (false, _) => Status::Unknown,
        };
        let [word] = words else { return state.with(Status::Unknown) };
        let is_plain = |word: &bstr::BStr| !word.contains(&b'/') && !word.starts_with(b"-");
        if name == "hash" && (missing == Status::Unknown || !word.known().is_some_and(is_plain)) {
            return state.with(Status::Unknown);
        }
        let status = match word.known().map(|w| self.describe(w, call, &state)) {
            Some(Some(Some(_))) => Status::OK,
            Some(Some(None)) => missing,
            _ => Status::Unknown,
        };
        state.with(status)
    }
}

/// What went wrong is told, except by those whose status is their answer.
fn told(name: &BString, mut state: State) -> State {
    let answers = [":", "true", "false", "exit", "return", "wait", "read", "getopts", "let"].iter().any(|n| name == n);
    let tests = ["test", "["].iter().any(|n| name == n) && state.status != Status::Code(2);
    if !answers && !tests && state.status.success() != Some(true) {
        state.complain();
    }
    state
}

fn shopt(call: &Call<'_>, mut state: State) -> State {
    let words: Vec<_> = call.argv.iter().skip(1).filter_map(Field::known).collect();
    let harmless = ["-s", "-u", "-q", "extglob", "globstar", "huponexit", "checkwinsize"];
    let on = words.first().is_some_and(|w| *w == "-s");
    let changes = on || words.first().is_some_and(|w| *w == "-u");
    let options = &mut state.options;
    for word in &words {
        match word.as_bytes() {
            _ if !changes => {}
            b"nullglob" => options.nullglob = on,
            b"lastpipe" => options.lastpipe = on,
            b"inherit_errexit" => options.inherits = on,
            b"expand_aliases" => options.aliases = on,
            _ => options.strange |= !harmless.iter().any(|h| word == h),
        }
    }
    let quiet = words.first().is_some_and(|w| w.starts_with(b"-") && w.contains(&b'q'));
    state.with(if quiet { Status::Unknown } else { Status::OK })
}
