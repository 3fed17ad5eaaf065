//! Programs whose answer stands in files of the image, and is known before they run: which, id, getent, grep (measured with
//! debianutils 5.7, coreutils 9.1, glibc 2.36, grep 3.8 and busybox 1.35).

use bstr::{BStr, BString, ByteSlice};

use super::compound::base;
use super::engine::Engine;
use super::state::State;
use super::value::{Field, Truth, all_known};
use super::world::{Content, Found, absolute};

/// What such a program exits with, and what it prints, if that is known.
pub(super) type Answer = (u8, Option<BString>);

/// Sources of users that are files of the image, or know no others (nsswitch.conf(5)).
const OWN_SOURCES: [&str; 4] = ["files", "compat", "db", "systemd"];
/// Characters of a pattern that stand for themselves in every kind of it.
const LITERAL: &[u8] = b"_-/:=,@ #\"'<>;%&~";

impl Engine<'_> {
    /// What a program answers; `None` if that is not known.
    pub(super) fn answer(&self, argv: &[Field], state: &State) -> Option<Answer> {
        let words = all_known(argv)?;
        let (name, operands) = words.split_first()?;
        let operands: Vec<&[u8]> = operands.iter().map(|word| word.as_bytes()).collect();
        match (base(name), operands.as_slice()) {
            (b"which", [name]) => self.which(name.as_bstr(), state),
            (b"id", [user]) => Some((self.entry("passwd", user, state)?.map_or(1, |_| 0), None)),
            (b"id", [b"-u", user]) => self.column("passwd", user, 2, state),
            (b"id", [b"-g", user]) => self.column("passwd", user, 3, state),
            (b"getent", [table @ (b"passwd" | b"group"), key]) => {
                let entry = self.entry(table.to_str().ok()?, key, state)?;
                Some(entry.map_or((2, Some(BString::default())), |line| (0, Some([&line[..], b"\n"].concat().into()))))
            }
            (b"cat", []) => Some((0, input(state))),
            (b"grep" | b"egrep" | b"fgrep", operands) => self.grep(operands, state),
            _ => None,
        }
    }

    /// Whether a program is known to be found in PATH.
    pub(in crate::launch::script) fn finds(&self, name: &str, state: &State) -> bool {
        matches!(self.which(name.into(), state), Some((0, _)))
    }

    fn which(&self, name: &BStr, state: &State) -> Option<Answer> {
        if name.starts_with(b"-") || name.contains(&b'/') || name.is_empty() {
            return None;
        }
        let (search, cwd) = (state.text(b"PATH").flatten()?, state.cwd.known()?);
        let name = name.to_owned();
        match self.look_up(&name, Some(search.known()?), cwd, false) {
            Found::Program(path) if !self.is_untouched(&path, &name, search.known(), state) => None,
            Found::Program(path) => Some((0, Some([path.as_slice(), b"\n"].concat().into()))),
            Found::Fails(_) if !state.files.disturbed && !self.may_be_made(&name, search.known(), state) => {
                Some((1, Some(BString::default())))
            }
            Found::Fails(_) | Found::Unknown => None,
        }
    }

    /// A column of the entry of a user, as id(1) prints it.
    fn column(&self, table: &str, key: &[u8], column: usize, state: &State) -> Option<Answer> {
        let Some(line) = self.entry(table, key, state)? else { return Some((1, Some(BString::default()))) };
        let field = line.split_str(":").nth(column)?;
        Some((0, Some([field, b"\n"].concat().into())))
    }

    /// The line of passwd(5) or group(5) that a name or a number has; `None` if it is not known whether there is one.
    fn entry(&self, table: &str, key: &[u8], state: &State) -> Option<Option<BString>> {
        if key.starts_with(b"-") || key.is_empty() {
            return None;
        }
        let path = BString::from(["/etc/", table].concat());
        let Some(text) = self.bytes_of(path.as_bstr(), state)? else { return Some(None) };
        let is_number = key.iter().all(u8::is_ascii_digit);
        let has_key = |line: &&[u8]| {
            let mut fields = line.split_str(":");
            let (name, id) = (fields.next(), fields.nth(1));
            name == Some(key) || is_number && id == Some(key)
        };
        match text.lines().find(has_key) {
            Some(line) => Some(Some(line.into())),
            None if !is_number && self.has_other_sources(table, state)? => None,
            None if is_number => None,
            None => Some(None),
        }
    }

    fn has_other_sources(&self, table: &str, state: &State) -> Option<bool> {
        let Some(text) = self.bytes_of("/etc/nsswitch.conf".into(), state)? else { return Some(false) };
        let own = |source: &[u8]| OWN_SOURCES.iter().any(|own| own.as_bytes() == source);
        let line = text.lines().find_map(|line| line.strip_prefix(table.as_bytes())?.strip_prefix(b":"));
        Some(line.is_some_and(|line| {
            !line.split_str(" ").flat_map(|part| part.split_str("\t")).filter(|word| !word.is_empty()).all(own)
        }))
    }

    /// grep(1) for plain text in one file, or in what it is fed.
    fn grep(&self, operands: &[&[u8]], state: &State) -> Option<Answer> {
        let at = operands.iter().position(|word| !word.starts_with(b"-")).unwrap_or(operands.len());
        let (options, operands) = operands.split_at_checked(at)?;
        let (pattern, files) = operands.split_first()?;
        let letters: Vec<u8> = options.iter().flat_map(|word| word.iter().skip(1).copied()).collect();
        if !letters.iter().all(|letter| b"qsFE".contains(letter)) {
            return None;
        }
        let (quiet, fixed) = (letters.contains(&b'q'), letters.contains(&b'F'));
        let (pattern, begins) = anchor(pattern, !fixed && pattern.starts_with(b"^"), false);
        let (pattern, ends) = anchor(pattern, !fixed && pattern.ends_with(b"$"), true);
        if !pattern.iter().all(|b| b.is_ascii_alphanumeric() || LITERAL.contains(b)) {
            return None;
        }
        let text = match files {
            [] => input(state)?.into(),
            [file] => match self.bytes_of(absolute(file.as_bstr(), &state.cwd)?.as_bstr(), state)? {
                Some(text) => text,
                None => return Some((2, Some(BString::default()))),
            },
            _ => return None,
        };
        let is_match = |line: &&[u8]| match (begins, ends) {
            (true, true) => *line == pattern,
            (true, false) => line.starts_with(pattern),
            (false, true) => line.ends_with(pattern),
            (false, false) => line.contains_str(pattern),
        };
        let found: Vec<&[u8]> = text.lines_with_terminator().filter(|line| is_match(&trimmed(line))).collect();
        let output = if quiet { Some(BString::default()) } else { Some(found.concat().into()) };
        Some((u8::from(found.is_empty()), output.filter(|_| quiet || !text.contains(&0))))
    }

    /// A regular file of the image that nobody has changed; an inner `None`: there is none.
    fn bytes_of(&self, path: &BStr, state: &State) -> Option<Option<Vec<u8>>> {
        let is_assumed = || self.world.test(b'f', path) == Truth::Unknown;
        if state.files.disturbed || !state.files.is_untouched(path) || is_assumed() {
            return None;
        }
        match self.world.read(path) {
            Content::Bytes(bytes) => Some(Some(bytes)),
            Content::Absent => Some(None),
            Content::Unknown => None,
        }
    }
}

/// What a program reads from its standard input.
fn input(state: &State) -> Option<BString> {
    match &state.input {
        None => Some(BString::default()),
        Some(text) => text.known().map(BStr::to_owned),
    }
}

/// A pattern without its anchor, and whether it had one.
fn anchor(pattern: &[u8], anchored: bool, at_end: bool) -> (&[u8], bool) {
    match (anchored, at_end) {
        (false, _) => (pattern, false),
        (true, false) => (pattern.get(1..).unwrap_or_default(), true),
        (true, true) => (pattern.get(..pattern.len() - 1).unwrap_or_default(), true),
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}
