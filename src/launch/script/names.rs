//! Pathname expansion (POSIX XCU 2.6.6) over the files of the image.

use bstr::{BString, ByteSlice};

use super::engine::Engine;
use super::expand::MAX_WORDS;
use super::pattern;
use super::splitting::Piece;
use super::state::State;
use super::value::Field;
use super::world::absolute;
use crate::launch::shell::Shell;

impl Engine<'_> {
    /// Pathname expansion (XCU 2.6.6) of one field.
    pub(super) fn glob(&mut self, piece: Piece, state: &State, fields: &mut Vec<Field>) {
        let value = match piece {
            Piece::Any(why) => return fields.push(Field::Any(why)),
            Piece::Field { value, pattern: Some(pattern) }
                if !state.options.noglob && pattern::is_pattern(&pattern) =>
            {
                match self.names(&pattern, state) {
                    Some(names) if names.is_empty() && state.options.nullglob => return,
                    Some(names) if names.is_empty() => value,
                    Some(names) => {
                        fields.extend(names.into_iter().take(MAX_WORDS).map(|n| Field::One(n.into())));
                        return;
                    }
                    None => return fields.push(Field::Any("files match it".into())),
                }
            }
            Piece::Field { value, .. } => value,
        };
        fields.push(Field::One(value));
    }

    /// The files that a pattern matches, sorted as in the C locale; `None` if not known.
    pub(super) fn names(&self, pattern: &[u8], state: &State) -> Option<Vec<BString>> {
        if state.options.strange || pattern::is_extended(pattern) {
            return None;
        }
        let (mut found, mut rest) = if pattern.starts_with(b"/") {
            (vec![BString::from("/")], pattern.trim_start_with(|c| c == '/'))
        } else {
            (vec![BString::default()], pattern)
        };
        while !rest.is_empty() {
            let (component, more) = rest.split_once_str("/").unwrap_or((rest, b""));
            let mut next = Vec::new();
            for dir in &found {
                self.step(dir, component, !more.is_empty() || rest.ends_with(b"/"), state, &mut next)?;
            }
            found = next;
            rest = more;
            if found.len() > MAX_WORDS {
                return None;
            }
        }
        found.sort();
        // Other locales sort letters of both cases together.
        let same = common_prefix(&found);
        let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'/' | b'.');
        let ambiguous = found.iter().any(|f| !f.iter().skip(same).all(plain));
        if ambiguous && self.shell == Shell::Bash { None } else { Some(found) }
    }

    pub(super) fn step(
        &self,
        dir: &BString,
        component: &[u8],
        more: bool,
        state: &State,
        next: &mut Vec<BString>,
    ) -> Option<()> {
        let slash: &[u8] = if more { b"/" } else { b"" };
        if !pattern::is_pattern(component) {
            let name = pattern::unquote(component);
            let path: BString = [dir.as_slice(), &name].concat().into();
            let whole = absolute(path.as_bstr(), &state.cwd)?;
            let image = self.world.test(b'e', whole.as_bstr());
            if state.files.test(b'e', whole.as_bstr(), image).known()? {
                next.push([path.as_slice(), slash].concat().into());
            }
            return Some(());
        }
        let here =
            if dir.is_empty() { BString::from(state.cwd.known()?) } else { absolute(dir.as_bstr(), &state.cwd)? };
        let plain = BString::from(here.trim_end_with(|c| c == '/'));
        if !state.files.is_listed(plain.as_bstr()) {
            return None;
        }
        let names = self.world.list(if plain.is_empty() { b"/".as_bstr() } else { plain.as_bstr() })?;
        for name in names.iter().filter(|n| !n.starts_with(b".") || component.starts_with(b".")) {
            if pattern::matches(component, name)? {
                let path: BString = [dir.as_slice(), name, slash].concat().into();
                if more {
                    let whole = absolute(path.as_bstr(), &state.cwd)?;
                    if !self.world.test(b'd', whole.as_bstr()).known()? {
                        continue;
                    }
                }
                next.push(path);
            }
        }
        Some(())
    }
}

/// How many bytes all begin with.
pub(super) fn common_prefix(names: &[BString]) -> usize {
    let Some((first, rest)) = names.split_first() else { return 0 };
    let same = |name: &BString| first.iter().zip(name.iter()).take_while(|(a, b)| a == b).count();
    rest.iter().map(same).min().unwrap_or(first.len())
}
