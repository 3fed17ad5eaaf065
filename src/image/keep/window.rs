//! What a dynamic loader reads of an ELF file, gathered while the file passes by.
//!
//! Linkers put strings and version tables near the front and the dynamic section near the end, and one cannot be
//! understood without the other. So the front is held, and then what [`Object::read`] asks for and does not find there,
//! as long as it lies ahead. What has passed by costs a second look, if it is ever needed.

use std::borrow::Cow;

use super::piece::Piece;
use crate::format::elf::{Object, Segments};

/// The first look, which has the program headers.
const HEAD: usize = 4096;

/// The least of the front, if the file is as long.
const FRONT: usize = 1 << 20;

/// Where code and strings share a segment, the front is this part of a long file: gold(1) puts 4 to 5 MiB of strings
/// before the code of LLVM's libraries, which are 60 to 120 MiB long.
const SHARE: u64 = 12;

/// The same of files whose code is apart from what stands before it: node has 7 MiB of symbols there.
const SEPARATE: usize = 12 << 20;

/// The least of a piece further back: what is asked for next often lies beside it.
const PIECE: usize = 64 << 10;

/// The most of all pieces.
const PIECES: usize = 2 << 20;

/// Bytes that are not there.
struct Missing {
    offset: u64,
    len: usize,
}

/// Gathers one file after the other.
#[derive(Default)]
pub(super) struct Window {
    size: u64,
    /// A file without PT_DYNAMIC is worth it too.
    always: bool,
    /// Its buffer serves one file after the other.
    front: Piece,
    pieces: Vec<Piece>,
    state: State,
}

#[derive(Default)]
enum State {
    /// Nothing is wanted of this file.
    #[default]
    Off,
    /// The program headers tell how long the front is.
    Planning,
    /// Until nothing is missing.
    Gathering,
    /// Nothing was missing.
    Complete(Box<Object>),
}

impl Window {
    /// Begins a file that nothing is wanted of.
    pub(super) fn clear(&mut self) {
        self.state = State::Off;
        self.front.bytes.clear();
        self.front.bytes.shrink_to(FRONT);
        self.pieces.clear();
    }

    /// Begins an ELF file of `size` bytes. With `whole`, as much of it as may be is taken for the front; `always` takes
    /// one without PT_DYNAMIC too.
    pub(super) fn start(&mut self, size: u64, whole: bool, always: bool) {
        self.clear();
        (self.size, self.always) = (size, always);
        self.front.start(0, within(size, if whole { FRONT } else { HEAD }));
        self.state = if whole { State::Gathering } else { State::Planning };
    }

    /// Takes the bytes at `position`; the offset of the next that are wanted.
    pub(super) fn feed(&mut self, position: u64, bytes: &[u8]) -> Option<u64> {
        while matches!(self.state, State::Planning | State::Gathering) {
            self.front.feed(position, bytes);
            self.pieces.iter_mut().for_each(|piece| piece.feed(position, bytes));
            let next = self.pieces.iter().chain([&self.front]).filter_map(Piece::next).min();
            if next.is_some() {
                return next;
            }
            self.look(position);
        }
        None
    }

    /// Whether all that was wanted came by.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete(_))
    }

    /// What was gathered.
    pub(super) fn finish(&mut self) -> Option<Object> {
        match std::mem::take(&mut self.state) {
            State::Complete(object) => Some(*object),
            _ => None,
        }
    }

    /// All that was wanted is there: decides what else is.
    fn look(&mut self, position: u64) {
        if matches!(self.state, State::Planning) {
            self.state = self.plan(position);
            return;
        }
        self.state = match Object::read(self.size, |offset, len| self.get(offset, len)) {
            Ok(Some(object)) if self.always || object.has_dynamic => State::Complete(Box::new(object)),
            Ok(_) => State::Off,
            Err(missing) if self.want(&missing, position) => State::Gathering,
            Err(_) => State::Off,
        };
    }

    /// Strings never lie in the code, so that the front ends where that begins. Go's linker puts them behind it, and tells
    /// where in a section table near the start.
    fn plan(&mut self, position: u64) -> State {
        let segments = match Segments::of(self.size, |offset, len| self.get(offset, len)) {
            Ok(Some(segments)) if self.always || segments.dynamic().is_some() => segments,
            Ok(_) => return State::Off,
            Err(Missing { .. }) => return self.extend(FRONT),
        };
        let places = segments.places(&self.front.bytes);
        if places.is_empty() {
            let most = segments.text().map(|text| usize::try_from(text).unwrap_or(SEPARATE).clamp(HEAD, SEPARATE));
            return self.extend(most.unwrap_or_else(|| self.share()));
        }
        let is_ahead = places.into_iter().all(|(offset, len)| self.want(&Missing { offset, len }, position));
        if is_ahead { State::Gathering } else { State::Off }
    }

    fn share(&self) -> usize {
        within(self.size / SHARE, SEPARATE).max(FRONT)
    }

    fn extend(&mut self, most: usize) -> State {
        self.front.len = within(self.size, most);
        State::Gathering
    }

    /// Wants a piece, unless some of it has passed by.
    fn want(&mut self, missing: &Missing, position: u64) -> bool {
        let len = within(self.size.saturating_sub(missing.offset), missing.len.max(PIECE));
        let mut piece = Piece { offset: missing.offset, len, bytes: self.longest(missing.offset).to_vec() };
        piece.bytes.truncate(len);
        let held: usize = self.pieces.iter().map(|piece| piece.len).sum();
        let is_ahead = piece.next().is_none_or(|next| next >= position);
        let is_wanted = is_ahead && held + len <= PIECES;
        self.pieces.push(piece);
        is_wanted
    }

    fn get(&self, offset: u64, len: usize) -> Result<Cow<'_, [u8]>, Missing> {
        let found = self.longest(offset).get(..len);
        found.map(Cow::Borrowed).ok_or(Missing { offset, len })
    }

    /// The most that is held from `offset` on.
    fn longest(&self, offset: u64) -> &[u8] {
        let all = self.pieces.iter().chain([&self.front]);
        all.map(|piece| piece.from(offset)).max_by_key(|bytes| bytes.len()).unwrap_or_default()
    }
}

fn within(size: u64, most: usize) -> usize {
    usize::try_from(size).map_or(most, |size| size.min(most))
}
