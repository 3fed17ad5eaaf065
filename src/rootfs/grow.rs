//! The tree while layers are applied: as small as the one that comes of it, and made into it in place.

use std::cmp::Ordering;

use super::children::{Children, Place};
use super::kept::Slot;
use super::tree::Ino;
use crate::format::tree::{self, Data, Record, Records, Removed, Tree};

/// A tree that changes. An entry and the inode that it names first are one record; the number of a directory's children
/// is in [`Data::Directory`]'s `first`.
pub struct Growing {
    records: Records,
    /// The last layer that had a directory or made a file, by number.
    touched: Vec<u16>,
    text: Vec<u8>,
    children: Vec<Children>,
    /// In the order of the numbers.
    kept: Vec<Slot>,
    removed: Vec<Removed>,
}

/// The length that most names do not have.
const NAME: usize = 16;

/// Whatever stands for no layer.
const NO_LAYER: u16 = u16::MAX;

impl Growing {
    /// A tree of a root directory, with room for so many entries: what grows leaves holes behind that nothing fills.
    pub fn new(root: Record, entries: usize) -> Self {
        let (children, kept, removed) = Default::default();
        let (records, touched) = (Records::with_capacity(entries + 1), Vec::with_capacity(entries + 1));
        let text = Vec::with_capacity(entries.saturating_mul(NAME));
        let mut tree = Growing { records, touched, text, children, kept, removed };
        let name = tree::push_name(&mut tree.text, b"");
        tree.add(Record { name, ..root }, NO_LAYER);
        tree
    }

    /// The inode of that number.
    pub fn record(&self, ino: Ino) -> Option<Record> {
        self.records.get(ino.0)
    }

    /// Changes an inode.
    pub fn change(&mut self, ino: Ino, change: impl FnOnce(&mut Record)) {
        if let Some(mut record) = self.record(ino) {
            change(&mut record);
            self.records.set(ino.0, &record);
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self, ino: Ino) -> bool {
        self.children_of(ino).is_some()
    }

    /// What `directory` calls `name`.
    pub fn entry(&self, directory: Ino, name: &[u8]) -> Option<Ino> {
        let children = self.children.get(self.children_of(directory)?)?;
        self.named_by(children.get(self.find(children, name).ok()?)?)
    }

    /// Where a symbolic link leads.
    pub fn target(&self, ino: Ino) -> Option<&[u8]> {
        match self.record(ino)?.data {
            Data::Symlink { at, len } => Some(tree::piece(&self.text, at, len)),
            _ => None,
        }
    }

    /// Keeps the target of a symbolic link.
    pub fn symlink(&mut self, target: &[u8]) -> Data {
        Data::Symlink { at: self.push_text(target), len: target.len() as u32 }
    }

    /// Puts an inode into a directory, for `layer`; its number.
    pub fn insert(&mut self, directory: Ino, name: &[u8], layer: u16, record: Record) -> Option<Ino> {
        let (number, place) = self.place(directory, name)?;
        let before = place.ok().and_then(|place| self.children.get(number)?.get(place));
        let at = match before.and_then(|before| self.records.name(before)) {
            Some(at) => at,
            None => tree::push_name(&mut self.text, name),
        };
        before.into_iter().for_each(|before| self.goes(directory, before, layer));
        let new = self.add(Record { name: at, ..record }, layer);
        let children = self.children.get_mut(number)?;
        match place {
            Ok(place) => children.replace(place, new.0),
            Err(place) => children.insert(place, new.0),
        }
        Some(new)
    }

    /// Takes a name out of a directory, for `layer`.
    pub fn unlink(&mut self, directory: Ino, name: &[u8], layer: u16) {
        let Some((number, Ok(place))) = self.place(directory, name) else { return };
        let entry = self.children.get_mut(number).and_then(|children| {
            let entry = children.get(place);
            children.remove(place);
            entry
        });
        entry.into_iter().for_each(|entry| self.goes(directory, entry, layer));
    }

    /// Notes that `layer` takes an entry away, if a lower one had it; the last to do so counts.
    fn goes(&mut self, directory: Ino, entry: u32, layer: u16) {
        let is_lower = self.named_by(entry).is_some_and(|ino| !self.is_touched(ino, layer));
        if let (true, Some(name)) = (is_lower, self.records.name(entry)) {
            self.removed.push(Removed { directory: directory.0, name, layer: u32::from(layer) });
        }
    }

    /// Takes out of a directory what is not of `layer`, and the directories that are left in it.
    pub fn empty(&mut self, directory: Ino, layer: u16) -> Vec<Ino> {
        let number = self.children_of(directory).unwrap_or(usize::MAX);
        let mut children = self.children.get_mut(number).map(std::mem::take).unwrap_or_default();
        let (mut gone, mut directories) = (Vec::new(), Vec::new());
        children.retain(|entry| {
            let Some(ino) = self.named_by(entry).filter(|ino| self.is_touched(*ino, layer)) else {
                gone.push(entry);
                return false;
            };
            directories.extend(self.is_directory(ino).then_some(ino));
            true
        });
        self.children.get_mut(number).into_iter().for_each(|into| std::mem::swap(into, &mut children));
        gone.into_iter().for_each(|entry| self.goes(directory, entry, layer));
        directories
    }

    /// Keeps what there is of the inode that was put in last.
    pub fn keep(&mut self, slot: Slot) {
        self.kept.push(slot);
    }

    /// Appends to what is no name; where it is.
    pub fn push_text(&mut self, text: &[u8]) -> u32 {
        let at = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.text.extend_from_slice(text);
        at
    }

    /// Whether that layer had a directory, or made a file.
    pub fn is_touched(&self, ino: Ino, layer: u16) -> bool {
        self.touched.get(ino.0 as usize) == Some(&layer)
    }

    /// It has.
    pub fn touch(&mut self, ino: Ino, layer: u16) {
        self.touched.get_mut(ino.0 as usize).into_iter().for_each(|touched| *touched = layer);
    }

    fn add(&mut self, mut record: Record, layer: u16) -> Ino {
        if let Data::Directory { first, .. } = &mut record.data {
            *first = self.children.len() as u32;
            self.children.push(Children::default());
        }
        self.touched.push(layer);
        Ino(self.records.push(&record))
    }

    fn children_of(&self, directory: Ino) -> Option<usize> {
        match self.record(directory)?.data {
            Data::Directory { first, .. } => Some(first as usize),
            _ => None,
        }
    }

    fn place(&self, directory: Ino, name: &[u8]) -> Option<(usize, Result<Place, Place>)> {
        let number = self.children_of(directory)?;
        Some((number, self.find(self.children.get(number)?, name)))
    }

    fn find(&self, children: &Children, name: &[u8]) -> Result<Place, Place> {
        let called = |entry: u32| tree::name(&self.text, self.records.name(entry).unwrap_or(u32::MAX));
        children.find(|entry| called(entry).cmp(name))
    }

    /// The inode that an entry stands for.
    fn named_by(&self, entry: u32) -> Option<Ino> {
        match self.records.get(entry)?.data {
            Data::Link(to) => Some(Ino(to)),
            _ => Some(Ino(entry)),
        }
    }

    /// The tree that has come of it, and what was kept of its files.
    pub fn freeze(mut self) -> (Tree, Vec<Slot>) {
        drop(std::mem::take(&mut self.touched));
        let order = self.order();
        let mut places = vec![GONE; self.records.len()];
        (0..).zip(&order).for_each(|(place, entry)| put(&mut places, *entry, place));
        self.lead(&order, &mut places);
        let place = |number: u32| places.get(number as usize).copied().filter(|place| *place != GONE);
        let mut kept = self.kept;
        kept.retain_mut(|slot| place(slot.ino.0).map(|place| slot.ino = Ino(place)).is_some());
        kept.sort_unstable_by_key(|slot| slot.ino);
        let removed = self.removed.into_iter();
        let removed = removed.filter_map(|row| Some(Removed { directory: place(row.directory)?, ..row }));
        let removed = in_order(removed.collect(), &self.text);
        drop(places);
        self.records.arrange(order);
        self.text.shrink_to_fit();
        (Tree::new(self.records, self.text, &removed), kept)
    }

    /// The entries that can be reached, each directory's side by side; directories learn where theirs are.
    fn order(&mut self) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.records.len());
        order.push(Tree::ROOT);
        let mut at = 0;
        while let Some(entry) = order.get(at).copied() {
            at += 1;
            let ino = Ino(entry);
            let Some(children) = self.children_of(ino).and_then(|number| self.children.get_mut(number)) else {
                continue;
            };
            let (first, children) = (order.len() as u32, std::mem::take(children));
            order.extend(children.iter());
            let count = order.len() as u32 - first;
            self.change(ino, |record| record.data = Data::Directory { first, count });
        }
        self.children = Vec::new();
        order
    }

    /// Other names learn where the file is now; the first one becomes the file if that lost the name that it had.
    fn lead(&mut self, order: &[u32], places: &mut [u32]) {
        for (place, entry) in (0..).zip(order) {
            let Some(record) = self.records.get(*entry) else { continue };
            let Data::Link(to) = record.data else { continue };
            let now = match places.get(to as usize) {
                Some(&GONE) => {
                    put(places, to, place);
                    self.records.get(to).map(|file| Record { name: record.name, ..file })
                }
                Some(there) => Some(Record { data: Data::Link(*there), ..record }),
                None => None,
            };
            now.into_iter().for_each(|now| self.records.set(*entry, &now));
        }
    }
}

/// Stands for no place.
const GONE: u32 = u32::MAX;

fn put(places: &mut [u32], number: u32, place: u32) {
    places.get_mut(number as usize).into_iter().for_each(|into| *into = place);
}

/// By directory, and then by name; of several with the same name the last.
fn in_order(mut removed: Vec<Removed>, text: &[u8]) -> Vec<Removed> {
    let order = |a: &Removed, b: &Removed| {
        a.directory.cmp(&b.directory).then_with(|| tree::name(text, a.name).cmp(tree::name(text, b.name)))
    };
    removed.sort_by(order);
    removed.dedup_by(|next, kept| {
        let is_same = order(next, kept) == Ordering::Equal;
        if is_same {
            *kept = *next;
        }
        is_same
    });
    removed
}
