//! A program that a script runs as its child: what it prints, ends with, reads and changes, as far as that is known.

use std::rc::Rc;

use bstr::{BString, ByteSlice};

use super::compound::base;
use super::engine::Engine;
use super::job::Noted;
use super::loops::seconds;
use super::simple::Call;
use super::spawn::{environment, trimmed};
use super::state::{Flow, State};
use super::value::{Field, Status, Value, all_known};
use super::world::{Called, Fate, Run, absolute};
use super::{Failed, Started, Within, program};

/// A sleep that takes as long, in seconds, is no pause.
const LONG: u64 = 60;
/// Variables that the dynamic loader looks at (ld.so(8)).
const LINKING: [&str; 2] = ["LD_LIBRARY_PATH", "LD_PRELOAD"];
/// Programs that tell what stands in files.
const READING: [&[u8]; 5] = [b"cat", b"readlink", b"realpath", b"whoami", b"id"];
/// Programs that are remembered.
const MAX_STARTED: usize = 256;

impl Engine<'_> {
    pub(super) fn run(&mut self, call: &Call<'_>, state: State, name: &BString) -> Vec<State> {
        self.run_as(call, state, name, false)
    }

    /// The same; `becomes`: in place of a shell that is not the script's.
    pub(super) fn run_as(&mut self, call: &Call<'_>, mut state: State, name: &BString, becomes: bool) -> Vec<State> {
        let apart = state.subshell > 0 || self.muted > 0;
        if state.started.len() < MAX_STARTED {
            state.started.push(Started { argv: call.argv.clone(), line: call.span.line, apart });
        }
        if let Some(words) = self.killed_by_xargs(&call.argv, &state) {
            let state = self.send(&words, state);
            return self.checked(state, call.span, call.context, Some(true));
        }
        let run = self.outcome(call, name, &mut state);
        self.heard(call, &run, &mut state);
        if !run.short {
            self.awaited(call, &run, becomes, &mut state);
            if run.never && self.muted == 0 {
                self.stays(state.pending);
                return vec![State { flow: Flow::Over, ..state }];
            }
        }
        self.effects(&call.argv, &run, &mut state);
        if matches!(state.input, Some(Value::Known(_))) && program::may_read(&call.argv) {
            let rest = Value::unknown("a program may have read of it");
            state.input = Some(if call.argv.len() == 1 && base(name) == b"cat" { "".into() } else { rest });
        }
        state.status = run.status;
        self.checked(state, call.span, call.context, Some(true))
    }

    /// What comes of it: by its name, by the files that it reads, or because it is sure to end.
    fn outcome(&mut self, call: &Call<'_>, name: &BString, state: &mut State) -> Run {
        let run = match state.cwd.known() {
            Some(cwd) => self.world.run(&call.argv, cwd),
            None => Run::UNKNOWN,
        };
        let mut run = self.reliable(run, name, &call.argv, state);
        if run.status != Status::Unknown && READING.contains(&base(name)) {
            self.looked();
        }
        if run.status == Status::Unknown && !run.never {
            if run.disturbs {
                self.ended(call, state, &mut run);
            } else if let Some((code, output)) = self.answer(&call.argv, state).filter(|_| run.short) {
                self.looked();
                run = Run { status: Status::Code(code), output, ..run };
            }
        }
        // a loop sleeps between its rounds; elsewhere a long sleep is what the script is there for
        run.short &=
            state.loops > 0 || seconds(program::behind_wrappers(&call.argv)).is_some_and(|seconds| seconds < LONG);
        run
    }

    /// What it prints goes where the script's output goes; and it takes its time.
    fn heard(&self, call: &Call<'_>, run: &Run, state: &mut State) {
        if let Some(output) = &run.output {
            state.print(&Value::Known(output.clone()));
        } else if state.output.is_some() {
            let why = format!("`{}` prints it", self.excerpt(call.span));
            state.print(&Value::unknown(why));
        }
        if let Some(signalled) = &mut state.signalled {
            signalled.paused = true;
            signalled.otherwise |= !program::is_harmless(&call.argv);
        }
    }

    /// It may never end: the script may come to nothing else.
    fn awaited(&mut self, call: &Call<'_>, run: &Run, becomes: bool, state: &mut State) {
        let (ignores, traps) = state.dispositions();
        let program = Noted {
            ignores,
            traps,
            argv: call.argv.clone(),
            environment: environment(state, &call.assigned),
            cwd: state.cwd.clone(),
            direct: becomes || self.is_becoming(call.span, state),
            fatal: state.options.errexit && !call.context.checked,
            never: run.never,
            fed: state.input.is_some(),
        };
        let within = if state.subshell > 0 { Within::Subshell } else { Within::Shell };
        state.pending = self.note_child(state, program, within, call.span);
    }

    /// What surely comes of a program that is not known by its name.
    fn ended(&mut self, call: &Call<'_>, state: &mut State, run: &mut Run) {
        let own = |name: &[u8]| call.assigned.iter().any(|(assigned, _)| assigned == name);
        let linked = |name: &&str| state.variables.get(name.as_bytes()).is_some() || own(name.as_bytes());
        let path = state.text(b"PATH").flatten().filter(|_| !own(b"PATH") && !LINKING.iter().any(linked));
        let key = call.argv.first().cloned().zip(path).map(|(name, path)| (name, path, state.cwd.clone()));
        if key.as_ref().is_some_and(|key| self.running.contains(key)) {
            return;
        }
        let environment = environment(state, &call.assigned);
        let (changed, fed) = (!state.leaves_files(), state.input.is_some());
        let touched = state.files.changed();
        let called =
            Called { argv: &call.argv, environment: &environment, cwd: &state.cwd, changed, touched: &touched, fed };
        let (code, acted) = match self.world.fate(&called) {
            Fate::Ends { code, acted } => (code, acted),
            Fate::Runs => return self.running.extend(key),
            Fate::Unknown => return,
        };
        let output = if acted { None } else { Some(BString::default()) };
        self.looked();
        *run = Run { short: true, status: Status::Code(code), output, disturbs: acted, never: false };
        if code == 0 {
            return;
        }
        let (argv, cwd, file) = (call.argv.clone(), state.cwd.clone(), self.elsewhere(state));
        state.failed =
            Some(Rc::new(Failed { argv, environment, cwd, changed, touched, fed, span: call.span, file, code }));
    }

    /// What programs print of files that were changed is not known.
    pub(super) fn reliable(&self, run: Run, name: &BString, argv: &[Field], state: &State) -> Run {
        let reads = READING.contains(&base(name));
        let users = !matches!(base(name), b"whoami" | b"id") || state.files.is_untouched("/etc/passwd".into());
        let clean = users
            && all_known(argv).is_some_and(|words| {
                words
                    .iter()
                    .skip(1)
                    .all(|w| absolute(w, &state.cwd).is_some_and(|p| state.files.is_untouched(p.as_bstr())))
            });
        if reads && !clean && run.short { Run { status: Status::Unknown, output: None, ..run } } else { run }
    }

    /// Notes what was done to a path, and to those that it leads to by links.
    pub(super) fn touch(&self, state: &mut State, path: &BString, what: u8) {
        let (parent, name) = path.rsplit_once_str("/").unwrap_or((b"", path));
        if let Some(Some(parent)) = self.world.canonical(if parent.is_empty() { b"/" } else { parent }.as_bstr()) {
            let plain: BString = [parent.strip_suffix(b"/").unwrap_or(&parent), b"/", name].concat().into();
            if plain != *path {
                state.files.touch(plain, what);
            }
        }
        if what != b'-'
            && let Some(Some(real)) = self.world.canonical(path.as_bstr())
            && real != *path
        {
            state.files.touch(real, b'?');
        }
        state.files.touch(path.clone(), what);
    }

    pub(super) fn effects(&self, argv: &[Field], run: &Run, state: &mut State) {
        state.acted |= !program::leaves_files(argv);
        let cwd = state.cwd.clone();
        let mut touched = Vec::new();
        let named = program::touches(program::behind_wrappers(argv), |path, what| match absolute(path, &cwd) {
            Some(path) => touched.push((path, what)),
            None => touched.push(("/".into(), b'?')),
        });
        touched.into_iter().for_each(|(path, what)| self.touch(state, &trimmed(&path), what));
        state.files.disturbed |= !named || run.disturbs;
    }
}
