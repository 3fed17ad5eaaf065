//! Built-in commands that change the shell itself: set, shift, trap, cd.

use bstr::{BStr, BString, ByteSlice};

use crate::launch::script::engine::Engine;
use crate::launch::script::job::SIGNALS;
use crate::launch::script::simple::Call;
use crate::launch::script::state::{Content, Options, State};
use crate::launch::script::value::{Field, Status, Truth, Value};
use crate::launch::script::{Condition, Trap};
use crate::launch::shell::Shell;

/// Sets an option by its letter.
pub fn set_option(options: &mut Options, letter: u8, on: bool) {
    match letter {
        b'e' => options.errexit = on,
        b'u' => options.nounset = on,
        b'f' => options.noglob = on,
        b'm' => options.monitor = on,
        b'n' => options.noexec = on,
        b'E' => options.errtrace = on,
        b'k' | b'B' => options.strange = true,
        _ => {}
    }
}

impl Engine<'_> {
    pub(super) fn set(&mut self, call: &Call<'_>, mut state: State) -> State {
        let words = call.argv.get(1..).unwrap_or_default();
        if words.is_empty() && state.output.is_some() {
            state.print(&Value::unknown("`set` prints it"));
        }
        let mut at = 0;
        while let Some(word) = words.get(at).and_then(Field::known) {
            match word.as_bytes() {
                b"--" => {
                    state.arguments = words.get(at + 1..).unwrap_or_default().to_vec().into();
                    return state.with(Status::OK);
                }
                b"-o" | b"+o" => {
                    let name = words.get(at + 1).and_then(Field::known).map(BString::from);
                    if let Err(code) = self.set_named(name.as_ref(), word.starts_with(b"-"), &mut state) {
                        return self.bad_option(state, code, call);
                    }
                    at += 2;
                }
                [b'-' | b'+', letters @ ..] if self.shell == Shell::Bash && !letters.iter().all(|l| self.takes(*l)) => {
                    // it sets none of them then
                    return self.bad_option(state, 2, call);
                }
                [sign @ (b'-' | b'+'), letters @ ..] => {
                    let name = words.get(at + 1).and_then(Field::known).map(BString::from);
                    for letter in letters {
                        if *letter == b'o' {
                            if let Err(code) = self.set_named(name.as_ref(), *sign == b'-', &mut state) {
                                return self.bad_option(state, code, call);
                            }
                            at += 1;
                        } else if !self.is_option(*letter) {
                            return self.bad_option(state, 2, call);
                        }
                        set_option(&mut state.options, *letter, *sign == b'-');
                    }
                    at += 1;
                }
                _ => break,
            }
        }
        if at < words.len() {
            state.arguments = words.get(at..).unwrap_or_default().to_vec().into();
        }
        state.with(Status::OK)
    }

    /// As measured, ash goes on after `set -o` with a name that it does not know.
    fn bad_option(&self, state: State, code: u8, call: &Call<'_>) -> State {
        if code == 1 {
            state.with(Status::Code(1))
        } else {
            self.special_error(state, code, call, "`set` does not know an option")
        }
    }

    fn takes(&self, letter: u8) -> bool {
        letter == b'o' || self.is_option(letter)
    }

    fn is_option(&self, letter: u8) -> bool {
        let letters = match self.shell {
            Shell::Dash => &b"aefnuvxIimsVEbCp"[..],
            Shell::Ash => b"aefnuvxIimsbCE", // `-E` since 1.35
            Shell::Bash => b"abefhkmnptuvxBCEHPT",
            Shell::Zsh | Shell::Ksh | Shell::Mksh | Shell::Yash => b"eux",
        };
        letters.contains(&letter)
    }

    fn set_named(&self, name: Option<&BString>, on: bool, state: &mut State) -> Result<(), u8> {
        let Some(name) = name else { return Ok(()) };
        const COMMON: &str = "errexit noglob ignoreeof interactive monitor noexec stdin xtrace verbose vi emacs noclobber \
            allexport notify nounset nolog debug";
        match name.as_slice() {
            b"errexit" => state.options.errexit = on,
            b"nounset" => state.options.nounset = on,
            b"noglob" => state.options.noglob = on,
            b"noexec" => state.options.noexec = on,
            b"monitor" => state.options.monitor = on,
            b"pipefail" if self.shell != Shell::Dash => state.options.pipefail = on,
            b"posix" if self.shell == Shell::Bash => state.options.posix = on,
            b"errtrace" if self.shell == Shell::Bash => state.options.errtrace = on,
            b"functrace" | b"braceexpand" | b"hashall" | b"physical" | b"history" | b"keyword" | b"onecmd"
            | b"privileged" | b"histexpand"
                if self.shell == Shell::Bash => {}
            name if COMMON.split_ascii_whitespace().any(|c| c.as_bytes() == name) => {}
            _ => return Err(if self.shell == Shell::Ash { 1 } else { 2 }),
        }
        Ok(())
    }

    pub(super) fn shift(&mut self, call: &Call<'_>, mut state: State) -> Vec<State> {
        let n = match call.argv.get(1) {
            None => Some(1),
            Some(word) => word.known().and_then(|w| w.to_str().ok()).and_then(|w| w.parse::<usize>().ok()),
        };
        let Some(n) = n else {
            return vec![self.give_up(state, "how far arguments are shifted is not known", call.span)];
        };
        let any = state.arguments.iter().position(|f| matches!(f, Field::Any(_)));
        vec![match any {
            Some(at) if at < n && self.shell == Shell::Dash && !call.plain => return self.shift_unknown(call, state),
            Some(at) if at < n => {
                state.arguments = vec![Field::Any("some arguments were shifted away".into())].into();
                state.with(Status::Unknown)
            }
            None if n > state.arguments.len() => match self.shell {
                Shell::Dash => self.special_error(state, 2, call, "there is nothing to shift"),
                _ => state.with(Status::Code(1)),
            },
            _ => {
                let shifted = n.min(state.arguments.len());
                state.arguments.drain(..shifted);
                state.with(Status::OK)
            }
        }]
    }

    /// It may be that there are not as many: that ends dash.
    fn shift_unknown(&self, call: &Call<'_>, state: State) -> Vec<State> {
        let mut short = state.clone();
        let text = format!("`{}` has too few arguments", self.excerpt(call.span));
        short.when.push(Condition { text, line: call.span.line, unlikely: true });
        let short = self.special_error(short, 2, call, "there is nothing to shift");
        let arguments = vec![Field::Any("some arguments were shifted away".into())].into();
        vec![State { arguments, ..state.with(Status::OK) }, short]
    }

    pub(super) fn trap(&mut self, call: &Call<'_>, mut state: State) -> State {
        let words = call.argv.get(1..).unwrap_or_default();
        let words = words.strip_prefix(&[Field::One("--".into())][..]).unwrap_or(words);
        let Some((first, signals)) = words.split_first() else {
            state.print(&Value::unknown("`trap` prints it"));
            return state.with(Status::OK);
        };
        if first.known().is_some_and(|f| matches!(f.as_bytes(), b"-p" | b"-l")) {
            state.print(&Value::unknown("`trap` prints it"));
            return state.with(Status::OK);
        }
        let number = first.known().is_some_and(|f| !f.is_empty() && f.iter().all(u8::is_ascii_digit));
        if signals.is_empty() && !number && self.shell == Shell::Bash && state.options.posix {
            return self.special_error(state, 2, call, "`trap` is not told for which signal");
        }
        let (action, signals) = match (signals.is_empty() || number, first) {
            (true, _) => (None, words),
            (false, Field::One(value)) if value.known().is_some_and(|v| v == "-") => (None, signals),
            (false, Field::One(value)) => (Some(value.clone()), signals),
            (false, Field::Any(_)) => return self.give_up(state, "what `trap` gets is not known", call.span),
        };
        // ash remembers it before it looks at the names
        state.trapped |= self.shell == Shell::Ash && action.as_ref().is_some_and(|a| a.is_empty() != Some(true));
        let mut status = Status::OK;
        let leaves = |text: &BStr| ["exit", "exec", "return", "kill"].iter().any(|word| text.contains_str(word));
        let traced = |word: &BStr| word.eq_ignore_ascii_case(b"DEBUG") || word.eq_ignore_ascii_case(b"RETURN");
        let leaving = action.as_ref().is_some_and(|action| action.known().is_none_or(leaves));
        let is_error = |word: &BStr| self.shell == Shell::Ash && word.eq_ignore_ascii_case(b"ERR");
        let own = |word: &BStr| self.shell == Shell::Bash && traced(word) || is_error(word);
        if leaving && signals.iter().any(|s| s.known().is_some_and(own)) {
            return self.give_up(state, "this trap is not followed", call.span);
        }
        for signal in signals {
            let Some(word) = signal.known() else {
                status = Status::Unknown;
                continue;
            };
            let Some(name) = self.signal(word) else {
                // dash stops at the first bad name
                if self.shell == Shell::Dash {
                    return state.with(Status::Code(1));
                }
                status = Status::Code(1);
                continue;
            };
            match &action {
                None => drop(state.traps.remove(&name)),
                Some(value) => {
                    let action = (value.is_empty() != Some(true)).then(|| value.clone());
                    state.trapped |= action.is_some();
                    state.traps.insert(name, Trap { action, line: call.span.line });
                }
            }
        }
        state.with(status)
    }

    /// The name of a signal as this shell's `trap` takes it; dash does not take SIGTERM.
    fn signal(&self, word: &BStr) -> Option<BString> {
        if word.iter().all(u8::is_ascii_digit) {
            let number: usize = word.to_str().ok()?.parse().ok()?;
            let named = SIGNALS.get(number).map(|n| BString::from(*n));
            return named.or_else(|| (number < 65).then(|| number.to_string().into()));
        }
        let upper = word.to_ascii_uppercase();
        let name = match upper.strip_prefix(b"SIG") {
            Some(_) if self.shell == Shell::Dash => return None,
            Some(name) if name != b"EXIT" => name,
            Some(_) => return None,
            None => &upper,
        };
        let bash = self.shell == Shell::Bash && matches!(name, b"ERR" | b"DEBUG" | b"RETURN");
        let known = SIGNALS.iter().any(|s| s.as_bytes() == name) || name.starts_with(b"RT") || bash;
        known.then(|| name.into())
    }

    pub(super) fn cd(&mut self, call: Call<'_>, state: State) -> Vec<State> {
        let words = call.argv.get(1..).unwrap_or_default();
        let option = |f: &&Field| f.known().is_some_and(|w| matches!(w.as_bytes(), b"-P" | b"-L" | b"--" | b"-e"));
        let skip = words.iter().take_while(option).count();
        if self.shell == Shell::Bash && words.len() > skip + 1 {
            let state = state.with(Status::Code(1)); // too many arguments
            return self.checked(state, call.span, call.context, None);
        }
        let target = match words.get(skip) {
            None => state.text(b"HOME").flatten().unwrap_or_else(|| Value::unknown("`$HOME` is not set")),
            Some(Field::One(value)) if value.known().is_some_and(|v| v == "-") => {
                state.text(b"OLDPWD").flatten().unwrap_or_else(|| Value::unknown("`$OLDPWD` is not set"))
            }
            Some(Field::One(value)) => value.clone(),
            Some(Field::Any(why)) => Value::unknown(why.clone()),
        };
        let failed = Status::Code(match self.shell {
            Shell::Bash | Shell::Zsh | Shell::Ksh | Shell::Yash => 1,
            Shell::Dash | Shell::Ash | Shell::Mksh => 2,
        });
        let path = target.known().and_then(|t| logical(t, &state.cwd));
        let truth = match &path {
            Some(path) => state.files.test(b'd', path.as_bstr(), self.world.test(b'd', path.as_bstr())),
            None => Truth::Unknown,
        };
        let mut states = Vec::new();
        if truth != Truth::No {
            states.push(moved(state.clone(), path.map_or(target, Value::Known)));
        }
        if truth != Truth::Yes {
            let mut state = state.with(failed);
            state.complain();
            if truth == Truth::Unknown {
                let text = format!("`{}` fails", self.excerpt(call.span));
                state.when.push(Condition { text, line: call.span.line, unlikely: true });
            }
            states.extend(self.checked(state, call.span, call.context, None));
        }
        states
    }
}

fn moved(mut state: State, to: Value) -> State {
    let old = std::mem::replace(&mut state.cwd, to.clone());
    state.set(b"OLDPWD", Content::Text(old));
    state.set(b"PWD", Content::Text(to));
    state.with(Status::OK)
}

/// The path as `cd -L` has it: `..` goes back in the text.
fn logical(path: &BStr, cwd: &Value) -> Option<BString> {
    let whole = crate::launch::script::world::absolute(path, cwd)?;
    let mut kept: Vec<&[u8]> = Vec::new();
    for component in whole.split_str("/") {
        match component {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    Some(BString::from([b"/".as_slice(), &bstr::join("/", kept)].concat()))
}
