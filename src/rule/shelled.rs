//! A container whose PID 1 is a shell or another parent of the main program, for the rules that judge how it stops.

use bstr::{BString, ByteSlice};

use super::{Subject, at, json_array, paste, quote};
use crate::finding::{Confidence, Fix, Place};
use crate::launch::family::{Held, Parent, Stays};
use crate::launch::{Ending, Reaction, Start, Step, StepKind, Stop};
use crate::rootfs::View;

/// More of a script than this is not looked at for a place in it.
const HEAD: usize = 1 << 16;

/// A container that runs below a parent.
pub struct Parented<'a> {
    subject: Subject<'a>,
    /// The start under the first current engine that runs it.
    pub start: &'a Start,
    /// What stopping it does.
    pub stop: &'a Stop,
    /// The parents, PID 1 first; there is one at least.
    pub parents: &'a [Parent],
}

impl<'a> Subject<'a> {
    /// The container, if it runs below a parent on every way, and what stopping it does is more than possible. One that does
    /// its work and ends is not stopped.
    pub fn parented(&self) -> Option<Parented<'a>> {
        let (start, stop) = running(self.launch.current())?;
        let sure = !self.launch.cut
            && stop.reaction.confidence > Confidence::Possible
            && stop.reaction.ending != Ending::Unknown
            && !stop.is_one_shot;
        let alike = |other: &[Start]| running(other).is_none_or(|(_, s)| is_alike(&s.reaction, &stop.reaction));
        let others = self.launch.others.iter().all(|way| alike(way.starts.get(..3).unwrap_or(&way.starts)));
        let parented = Parented { subject: *self, start, stop, parents: &start.parents };
        (!start.parents.is_empty() && sure && others).then_some(parented)
    }
}

/// The first start that runs, and what stopping it does.
pub fn running(starts: &[Start]) -> Option<(&Start, &Stop)> {
    starts.iter().find_map(|start| Some((start, start.stop.as_ref()?)))
}

fn is_alike(one: &Reaction, other: &Reaction) -> bool {
    one.ending == other.ending && one.main_told == other.main_told
}

impl<'a> Parented<'a> {
    /// PID 1, if it is a shell, and the container is killed for it.
    pub fn killed_shell(&self) -> Option<&'a Held> {
        self.shell().filter(|_| self.is_killed())
    }

    /// PID 1, if it is a shell.
    pub fn shell(&self) -> Option<&'a Held> {
        match self.parents.first()? {
            Parent::Shell(held) => Some(held),
            Parent::Wrapper(_) => None,
        }
    }

    /// The grace period runs out.
    pub fn is_killed(&self) -> bool {
        self.stop.reaction.ending == Ending::Killed
    }

    /// Whether the shell has a trap that runs something on the stop signal.
    pub fn has_trap(&self, held: &Held) -> bool {
        let signal = self.signal();
        held.traps.iter().any(|(name, trap)| trap.action.is_some() && signal.strip_prefix("SIG") == name.to_str().ok())
    }

    /// The stop signal by its name.
    pub fn signal(&self) -> String {
        match self.stop.delivery {
            crate::launch::Delivery::Sent(signal) => signal.to_string(),
            _ => "the stop signal".to_owned(),
        }
    }

    /// The words of the main program, if it is known.
    pub fn main(&self) -> Option<Vec<String>> {
        let step = self.program()?;
        Some(step.argv.iter().map(|word| word.to_str_lossy().into_owned()).collect())
    }

    /// The program at the end of the line.
    pub fn program(&self) -> Option<&'a Step> {
        let level = self.parents.len();
        let is_own = |step: &&Step| step.pid as usize == level + 1 && step.kind != StepKind::Loader;
        self.start.steps.iter().rfind(is_own)
    }

    /// How sure it is that the main program is what the shell waits for.
    pub fn confidence(&self, held: &Held) -> Confidence {
        let middle = held.stays == Stays::Foreground { last: false };
        self.stop.reaction.confidence.min(if middle { Confidence::Likely } else { Confidence::Certain })
    }

    /// The shell nearest to the main program.
    pub fn last_shell(&self) -> Option<&'a Held> {
        self.parents.iter().rev().find_map(|parent| match parent {
            Parent::Shell(held) => Some(&**held),
            Parent::Wrapper(_) => None,
        })
    }

    /// The main program in words: quoted, or the command of the script.
    pub fn main_quoted(&self, held: Option<&Held>) -> String {
        match (self.main(), held) {
            (Some(words), _) => quote(words.join(" ")),
            (None, Some(held)) => quote(&held.text),
            (None, None) => "the main program".to_owned(),
        }
    }

    /// The place of the command where a shell stays.
    pub fn place(&self, held: &Held) -> Place {
        let file = held.script.as_ref().and_then(|path| self.file(path, held));
        file.unwrap_or_else(|| self.subject.first_word())
    }

    fn file(&self, path: &BString, held: &Held) -> Option<Place> {
        let ino = at(&self.subject, path)?;
        let view = View::new(self.subject.image, self.subject.rootfs);
        let head = view.read(ino, 0, HEAD).ok()?;
        let is_there = head.get(held.span.clone()).is_some_and(|text| text.starts_with_str(first_line(&held.text)));
        let layer = view.inode(ino).layer.map(usize::from);
        let text = super::trouble::is_text(&head);
        let head = BString::from(if text { head } else { Vec::new() });
        let span = (is_there && text).then(|| held.span.clone()).filter(|span| !span.is_empty());
        Some(Place::File { path: path.clone(), layer, head, span })
    }

    /// The very line with `exec` put in.
    pub fn line_with_exec(&self, held: &Held) -> Option<Fix> {
        let script = held.script.as_ref()?;
        let title = format!("line {} of {}, with `exec`", held.line, quote(script));
        let text = whole(held)?;
        let at = behind_assignments(&text);
        let fix = paste::fix(title, format!("{}exec {}", text.get(..at)?, text.get(at..)?))?;
        // a trap of the shell's own would not run any more
        let is_last = match held.stays {
            Stays::Foreground { last } => last || self.ends_there(held),
            _ => false,
        };
        let is_safe = is_last && self.may_be_replaced(held) && held.traps.iter().all(|(_, trap)| trap.action.is_none());
        Some(Fix { is_safe, ..fix })
    }

    fn may_be_replaced(&self, held: &Held) -> bool {
        let Place::File { head, span: Some(span), .. } = self.place(held) else { return false };
        head.len() < HEAD && !held.sourced && super::once::may_be_replaced(&head, &span)
    }

    /// Whether nothing but the ends of what is open follows the command in its script: with `set -e` a command that comes last may
    /// be followed by the end of the script in two ways.
    fn ends_there(&self, held: &Held) -> bool {
        let Place::File { head, span: Some(span), .. } = self.place(held) else { return false };
        let rest = head.get(span.end..).unwrap_or_default();
        let is_end = |word: &str| matches!(word, "fi" | "esac" | "}" | ";;" | ";" | "fi;" | "esac;" | "};");
        let own = |line: &str| line.split(" #").next().unwrap_or_default().split_whitespace().all(is_end);
        rest.to_str().is_ok_and(|rest| rest.lines().all(|line| line.trim_start().starts_with('#') || own(line)))
    }

    /// The shell form with `exec` before its last command, and the exec form where that is plain.
    pub fn forms(&self, held: &Held) -> Vec<Fix> {
        let process = &self.subject.launch.process;
        let Some((index, text)) = process.argv.iter().enumerate().find(|(_, w)| w.contains(&held.text)) else {
            return Vec::new();
        };
        let Some((field, _)) = process.origins.get(index).copied().flatten() else { return Vec::new() };
        let instruction = if field == crate::finding::Field::Entrypoint { "ENTRYPOINT" } else { "CMD" };
        let of_field = |at: &usize| process.origins.get(*at).copied().flatten().is_some_and(|(of, _)| of == field);
        // `su app -c TEXT` is no shell's: without it the program would run as somebody else
        let is_shells = (0..process.argv.len()).filter(of_field).count() == 3
            && index >= 2
            && process.argv.get(index - 2).is_some_and(|word| word.ends_with("sh"));
        if !is_shells {
            return Vec::new();
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_program = words.first().is_some_and(|word| paste::is_plain(word) && !word.contains('='));
        let plain = is_program && words.iter().all(|word| paste::is_literal(word)) && text.trim() == held.text;
        let Some([shell, option]) = process.argv.get(index - 2..index) else { return Vec::new() };
        let shell = if shell == "/bin/sh" { "sh" } else { shell };
        let exec = whole(held).and_then(|own| {
            let at = text.rfind(&own)?;
            let rest = text.get(at + own.len()..)?.trim_start();
            let form = [shell, option, &format!("{}exec {own}", text.get(..at)?)];
            let fix = paste::fix(
                "the same shell, which becomes the program",
                format!("{instruction} {}", json_array(&form)),
            )?;
            // what comes behind it would not come any more
            let is_last = rest.is_empty() || rest.starts_with('#') || rest == ";";
            let is_once = super::once::may_be_replaced(text.as_bytes(), &(at..at + own.len()));
            let has_traps = held.traps.iter().any(|(_, trap)| trap.action.is_some());
            Some(Fix { is_safe: is_last && is_once && !has_traps, ..fix })
        });
        let direct = plain.then(|| format!("{instruction} {}", json_array(&words)));
        let direct = direct.and_then(|text| paste::fix("the exec form of this command", text));
        let direct = direct.map(|fix| Fix { is_safe: true, ..fix });
        [direct, exec].into_iter().flatten().collect()
    }
}

/// Where the command begins behind `NAME=value` words; these stay before `exec` (measured: dash, bash and ash hand them on).
pub fn behind_assignments(text: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let name = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
        let is_name = name > 0 && !rest.starts_with(|c: char| c.is_ascii_digit());
        if !is_name || !rest.get(name..).is_some_and(|rest| rest.starts_with('=')) {
            return at;
        }
        let Some(end) = word_end(rest) else { return at };
        at += end + rest.get(end..).map_or(0, |rest| rest.len() - rest.trim_start().len());
    }
    at
}

/// Where a word of a shell ends that more follow; `None` if it cannot be told.
fn word_end(text: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(mark), c) if c == mark => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (Some(_), _) => {}
            (None, '$' | '`' | '(') if text.get(at..)?.starts_with("$(") || c != '$' => return None,
            (None, c) if c.is_whitespace() => return Some(at),
            _ => {}
        }
    }
    None
}

/// The command, if it is not cut off.
fn whole(held: &Held) -> Option<String> {
    (!held.text.ends_with('…') && !held.text.is_empty()).then(|| held.text.clone())
}

fn first_line(text: &str) -> &str {
    text.trim_end_matches(['…', ' '])
}

/// A script that starts the program, hands signals on, and waits until it has ended.
pub const IDIOM: &str = "app & pid=$!; trap 'kill -TERM $pid' TERM INT; wait $pid; wait $pid";

#[cfg(test)]
mod tests {
    use super::behind_assignments;

    #[test]
    fn exec_stands_behind_assignments() {
        for (text, command) in [
            ("app x", "app x"),
            ("A=1 B='x y' app", "app"),
            ("A=\"$B c\" app", "app"),
            ("A=$(id) app", "A=$(id) app"),
            ("\"$@\"", "\"$@\""),
            ("A=1", "A=1"),
            ("1=2 app", "1=2 app"),
        ] {
            assert_eq!(text.get(behind_assignments(text)..), Some(command), "{text}");
        }
    }
}
