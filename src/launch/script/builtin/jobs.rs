//! Built-in commands about background jobs: wait, kill, jobs.

use bstr::{BStr, BString, ByteSlice};

use crate::launch::script::compound::base;
use crate::launch::script::engine::Engine;
use crate::launch::script::job::{self, Noted, SIGNALS};
use crate::launch::script::simple::Call;
use crate::launch::script::state::State;
use crate::launch::script::value::{Field, Status, Value, all_known};
use crate::launch::script::{Cause, End, Ending, Job};
use crate::launch::shell::Shell;

/// Signals that do not end a program.
const HARMLESS: [&str; 4] = ["CHLD", "CONT", "URG", "WINCH"];

/// Whom `kill` names.
enum Target {
    Job(usize),
    /// The shell itself.
    Shell,
    /// Its process group, itself included.
    Group,
    /// All processes but PID 1.
    All,
    /// No such process.
    Nobody,
    Unknown,
}

impl Engine<'_> {
    /// `wait`: for jobs that end soon it ends; for others that is another question.
    pub(super) fn wait(&mut self, call: &Call<'_>, mut state: State) -> Vec<State> {
        let words = call.argv.get(1..).unwrap_or_default();
        let is_option = |w: &&Field| w.known().is_some_and(|w| w.starts_with(b"-"));
        if self.shell == Shell::Dash && words.iter().any(|w| is_option(&w) && w.known() != Some("--".into())) {
            return vec![state.exit(Status::Code(2), Cause::Error("`wait` does not know an option"))];
        }
        let named: Vec<&Field> = words.iter().filter(|w| !is_option(w)).collect();
        if state.jobs.is_empty() {
            return vec![self.waited_for_nothing(&named, state)];
        }
        let awaited = awaited(&named, &state);
        let endless = |j: &&Job| awaited.contains(&j.number) && !j.short;
        let endless: Vec<Job> = state.jobs.iter().filter(endless).cloned().collect();
        if state.signalled.is_some() {
            return self.wait_on_signal(call, state, &named, &endless);
        }
        let untold: Vec<usize> = endless.iter().filter(|j| j.told.is_none()).map(|j| j.number).collect();
        if let Some(job) = endless.iter().find(|job| job.told.is_none()).filter(|_| self.muted > 0) {
            let Job { argv, environment, cwd, never, fed, .. } = job.clone();
            let (ignores, traps) = state.dispositions();
            self.noted.push(Noted { ignores, traps, argv, environment, cwd, direct: false, fatal: false, never, fed });
        }
        let mut states = Vec::new();
        if !untold.is_empty() && !self.ran_beside(&state, &untold) {
            let at = self.note(&state, End::Waits { jobs: untold }, call.span);
            states = self.interrupted(&state, at);
            state.behind = at.into_iter().collect::<Vec<_>>().into();
            state.files.disturbed = true;
        }
        // only a signal ends that
        if endless.iter().any(|job| job.never && job.told.is_none()) && named.len() == words.len() {
            return states;
        }
        // they have ended then
        let ended = match awaited.as_slice() {
            [only] if named.len() == words.len() => state.jobs.iter().find(|job| job.number == *only).cloned(),
            _ => None,
        };
        let waited = state.jobs.iter_mut().filter(|job| awaited.contains(&job.number));
        waited.for_each(|job| job.short = true);
        let any = words.len() > named.len();
        // bash forgets them
        if named.is_empty() && !any && self.shell == Shell::Bash {
            state.jobs.clear();
        }
        let status = match ended {
            _ if named.is_empty() && !any => Status::OK,
            Some(job) => {
                state.failed = job.failed.or(state.failed);
                job.status
            }
            None => Status::Unknown,
        };
        states.push(state.with(status));
        states
    }

    /// Whether these jobs ran already when the shell came to the `wait` before, for another one: where programs run side by
    /// side, that is where it stays.
    fn ran_beside(&self, state: &State, jobs: &[usize]) -> bool {
        let [before] = state.behind.as_slice() else { return false };
        let ran = |ending: &Ending| jobs.iter().all(|job| ending.jobs.iter().any(|other| other.number == *job));
        self.ending(*before).is_some_and(|ending| matches!(ending.end, End::Waits { .. }) && ran(ending))
    }

    fn waited_for_nothing(&self, named: &[&Field], state: State) -> State {
        let is_number = |w: &&Field| w.known().is_some_and(|w| w.iter().all(u8::is_ascii_digit));
        state.with(match (named.is_empty(), named.iter().all(is_number)) {
            (true, _) => Status::OK,
            (false, true) => Status::Code(127),
            (false, false) => Status::Unknown,
        })
    }

    /// After a signal: jobs that were told end, others do not.
    fn wait_on_signal(&mut self, call: &Call<'_>, mut state: State, named: &[&Field], endless: &[Job]) -> Vec<State> {
        let Some(signalled) = &mut state.signalled else { return Vec::new() };
        let untold: Vec<usize> = endless.iter().filter(|j| j.told.is_none()).map(|j| j.number).collect();
        if !untold.is_empty() && !signalled.otherwise {
            self.note(&state, End::Waits { jobs: untold }, call.span);
            return Vec::new();
        }
        signalled.awaited.extend(endless.iter().map(|j| j.number));
        let status = match (named, endless) {
            ([], _) => Status::OK,
            ([_], [job]) => Status::Job(job.number),
            _ => Status::Unknown,
        };
        vec![state.with(status)]
    }

    /// `fg`: the same as waiting for the job, but no signal interrupts it.
    pub(super) fn foreground(&mut self, call: &Call<'_>, mut state: State) -> State {
        let named: Vec<&Field> = call.argv.iter().skip(1).collect();
        let awaited = awaited(&named, &state);
        let endless = state.jobs.iter().filter(|j| awaited.contains(&j.number) && !j.short && j.told.is_none());
        let endless: Vec<usize> = endless.map(|j| j.number).collect();
        if !endless.is_empty() {
            self.note(&state, End::Waits { jobs: endless }, call.span);
            state.files.disturbed = true;
        }
        state.with(Status::Unknown)
    }

    /// `kill`: jobs that are sent a signal are remembered as told.
    pub(super) fn kill(&mut self, call: &Call<'_>, state: State) -> State {
        let words = call.argv.get(1..).unwrap_or_default();
        let is_bare = signal(words).is_some_and(|(_, targets)| targets.is_empty());
        if is_bare || self.refuses(words, &state) {
            return state.with(Status::Code(if self.shell == Shell::Dash { 2 } else { 1 }));
        }
        let span = self.source.get(call.span.start..call.span.end).unwrap_or_default();
        let own = ["$$", "BASHPID"].iter().any(|name| span.contains_str(name));
        let targets =
            words.iter().any(|word| word.known().is_none_or(|w| matches!(self.target(w, &state), Target::Shell)));
        if own && targets && state.signalled.is_none() && !self.is_spared(words, &state) {
            return self.give_up(state, "the shell sends itself a signal", call.span);
        }
        self.send(words, state)
    }

    /// Whether a signal from the shell itself does nothing to it: the kernel drops what PID 1 does not handle.
    fn is_spared(&self, words: &[Field], state: &State) -> bool {
        let Some((Some(signal), _)) = signal(words) else { return false };
        let handled = |name: &[u8]| state.traps.get(name.as_bstr()).is_some_and(|trap| trap.action.is_some());
        let exits = self.shell == Shell::Bash && handled(b"EXIT");
        self.invocation.pid == Some(1) && state.subshell == 0 && !handled(&signal) && !exits
    }

    /// What `xargs kill` does with the numbers that a pipeline feeds it: the words of that `kill`.
    pub(in crate::launch::script) fn killed_by_xargs(&self, argv: &[Field], state: &State) -> Option<Vec<Field>> {
        let word = |at: usize| argv.get(at).and_then(Field::known).map(|word| base(word));
        if word(0) != Some(b"xargs") {
            return None;
        }
        let at = (1..argv.len()).find(|at| word(*at) == Some(b"kill"))?;
        let options = ["-r", "--no-run-if-empty", "-n1", "-n", "1", "-t"];
        let plain = (1..at).all(|at| options.iter().any(|option| word(at) == Some(option.as_bytes())));
        let read = state.input.as_ref().and_then(Value::known).filter(|_| plain && self.finds("kill", state))?;
        let ids = read.split_str("\n").flat_map(|line| line.split_str(" ")).filter(|id| !id.is_empty());
        let ids: Vec<Field> = ids.map(|id| Field::One(Value::Known(id.into()))).collect();
        let own = argv.get(at + 1..).unwrap_or_default().iter().cloned();
        Some(own.chain(ids).collect())
    }

    /// What `kill` does that is given these words.
    pub(in crate::launch::script) fn send(&mut self, words: &[Field], state: State) -> State {
        match signal(words) {
            Some((signal, targets)) => self.send_to(signal, targets, state),
            None => state.with(Status::Unknown),
        }
    }

    fn send_to(&mut self, signal: Option<BString>, targets: &[Field], mut state: State) -> State {
        if signal.as_ref().is_some_and(|s| s == "0") {
            return state.with(Status::Unknown);
        }
        let mut status = Status::OK;
        for word in targets {
            let target = word.known().map_or(Target::Unknown, |word| self.target(word, &state));
            match target {
                // of a shell further out
                Target::Job(number) if !is_known(number, &state) => otherwise(&mut state),
                Target::Job(number) => tell(&mut state, Some(number), signal.as_ref()),
                Target::Nobody => status = Status::Code(1),
                Target::All => tell(&mut state, None, signal.as_ref()),
                Target::Group => {
                    tell(&mut state, None, signal.as_ref());
                    if self.kills_itself(&state, signal.as_ref()) {
                        return state.exit(
                            Status::Code(139),
                            Cause::Error("the trap sends its own signal to the shell, for ever"),
                        );
                    }
                }
                // it is not handled: see `is_spared`
                Target::Shell if state.signalled.is_none() => {}
                Target::Shell | Target::Unknown => {
                    otherwise(&mut state);
                    status = Status::Unknown;
                }
            }
        }
        state.with(status)
    }

    /// Words that the shell's own `kill` does not take, and then sends nothing (measured with dash 0.5.12, bash 5.2 and busybox
    /// 1.35). dash takes no `SIG`, nor does bash in POSIX mode.
    fn refuses(&self, words: &[Field], state: &State) -> bool {
        let known = |at: usize| words.get(at).and_then(Field::known).map(|word| word.as_bytes());
        let (first, second) = (known(0).unwrap_or_default(), known(1));
        let short = self.shell == Shell::Dash || state.options.posix;
        let long = short && words.iter().take(2).any(is_long_name);
        let names = first.len() > 1 && first.starts_with(b"-") && first != b"--" && first != b"-s";
        match self.shell {
            _ if long
                || first.starts_with(b"--s")
                || words.last().and_then(Field::known).is_some_and(|w| w.is_empty()) =>
            {
                true
            }
            Shell::Dash => first == b"-n" || names && second == Some(b"--"),
            Shell::Ash => first == b"-n",
            _ => false,
        }
    }

    fn target(&self, word: &BStr, state: &State) -> Target {
        let own = self.invocation.pid.map(|pid| pid.to_string());
        match (word.as_bytes(), own) {
            (b"0", _) => Target::Group,
            (b"-1", _) => Target::All,
            (word, Some(own)) if word == own.as_bytes() => Target::Shell,
            // without job control a job is no process group, and dash asks for one
            (word, _) if word.starts_with(b"%") && self.shell == Shell::Dash => Target::Nobody,
            (word, _) => match word.strip_prefix(b"%").and_then(|n| n.to_str().ok()?.parse::<usize>().ok()) {
                Some(n) => state.jobs.get(n.wrapping_sub(1)).map_or(Target::Unknown, |job| Target::Job(job.number)),
                None => job::number(word).map_or(Target::Unknown, Target::Job),
            },
        }
    }

    /// A trap that sends its own signal to its own group runs again before it ends, until the stack is full (measured:
    /// SIGSEGV in dash, bash and ash).
    fn kills_itself(&self, state: &State, signal: Option<&BString>) -> bool {
        let running = state.signalled.as_ref().filter(|s| s.running && Some(&s.signal) == signal);
        running.is_some_and(|s| state.traps.get(&s.signal).is_some_and(|trap| trap.action.is_some()))
    }

    /// `jobs -p` prints the ids; in a command substitution dash has forgotten them.
    pub(super) fn jobs(&self, call: &Call<'_>, mut state: State) -> State {
        let words = all_known(call.argv.get(1..).unwrap_or_default());
        let ids = words.is_some_and(|words| words == ["-p"]);
        let jobs = if state.subshell > 0 && self.shell != Shell::Dash { &state.inherited } else { &state.jobs };
        let text: Vec<u8> = jobs.iter().flat_map(|j| [job::id(j.number).as_slice(), b"\n"].concat()).collect();
        let text = if ids { Value::Known(text.into()) } else { Value::unknown("`jobs` prints it") };
        state.print(&text);
        state.with(Status::OK)
    }
}

/// The jobs that the words name: all if there are none, or if a word is not known.
fn awaited(named: &[&Field], state: &State) -> Vec<usize> {
    let number = |word: &&Field| {
        let word = word.known()?;
        match word.strip_prefix(b"%") {
            Some(n) => state.jobs.get(n.to_str().ok()?.parse::<usize>().ok()?.checked_sub(1)?).map(|j| j.number),
            None => job::number(word),
        }
    };
    let numbers: Option<Vec<usize>> = named.iter().map(number).collect();
    match numbers {
        Some(numbers) if !numbers.is_empty() => numbers,
        _ => state.jobs.iter().map(|j| j.number).collect(),
    }
}

/// The name of the signal, and the words after it; TERM where none is named. An inner `None`: which one is not known.
fn signal(words: &[Field]) -> Option<(Option<BString>, &[Field])> {
    let name = |word: &[u8]| {
        let upper = word.to_ascii_uppercase();
        let plain = upper.strip_prefix(b"SIG").unwrap_or(&upper);
        match plain.to_str().ok().and_then(|n| n.parse::<usize>().ok()) {
            Some(0) => Some(BString::from("0")),
            Some(number) => SIGNALS.get(number).map(|n| BString::from(*n)),
            None => SIGNALS.iter().any(|s| s.as_bytes() == plain).then(|| plain.into()),
        }
    };
    match words {
        [first, second, rest @ ..] if matches!(first.known().map(|w| w.as_bytes()), Some(b"-s" | b"-n")) => {
            Some((second.known().and_then(|w| name(w)), rest))
        }
        [first, ..] if first.known().is_some_and(|w| w == "-l" || w == "-L") => None,
        [first, rest @ ..] if first.known().is_some_and(|w| w == "--") => Some((Some("TERM".into()), rest)),
        [first, rest @ ..] => match first.known().and_then(|w| w.strip_prefix(b"-")) {
            Some(word) => Some((name(word), rest.strip_prefix(&[Field::One("--".into())][..]).unwrap_or(rest))),
            None => Some((Some("TERM".into()), words)),
        },
        [] => Some((Some("TERM".into()), &[])),
    }
}

/// Whether it is a job of this shell, or of the one that it is a fork of.
fn is_known(number: usize, state: &State) -> bool {
    state.jobs.iter().chain(state.inherited.iter()).any(|job| job.number == number)
}

/// Jobs may end by what is done here, in a way that is not followed.
fn otherwise(state: &mut State) {
    if let Some(signalled) = &mut state.signalled {
        signalled.otherwise = true;
    }
}

/// `-SIGTERM`, or `SIGTERM` behind `-s`.
fn is_long_name(word: &Field) -> bool {
    let name = word.known().map(|w| w.strip_prefix(b"-").unwrap_or(w).to_ascii_uppercase());
    name.is_some_and(|name| name.starts_with(b"SIG"))
}

/// Sends a signal to one job, or to all.
fn tell(state: &mut State, number: Option<usize>, signal: Option<&BString>) {
    let ends = signal.filter(|s| !HARMLESS.iter().any(|harmless| *s == harmless));
    let Some(signal) = ends else { return };
    let is_meant = |job: &&mut Job| number.is_none_or(|n| n == job.number);
    // those of the shell that this is a fork of are told as well
    for job in state.jobs.iter_mut().chain(state.inherited.iter_mut()).filter(is_meant) {
        job.told = Some(signal.clone());
    }
}
