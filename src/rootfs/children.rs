//! What a directory names while layers are applied: numbers of entries, in the order of their names.
//!
//! The names are elsewhere, so whoever looks brings the order. A directory of a million names is made of short blocks, or
//! a name in front would move all others each time; few names are one block.

use std::cmp::Ordering;

/// The most entries of a block.
const BLOCK: usize = 512;

/// The entries of a directory.
#[derive(Debug)]
pub enum Children {
    /// In one block.
    Few(Vec<u32>),
    /// In several, none of them empty.
    Many(Vec<Vec<u32>>),
}

impl Default for Children {
    fn default() -> Self {
        Children::Few(Vec::new())
    }
}

/// Where an entry is, or would be: the block, and the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(usize, usize);

impl Children {
    /// Where the entry is that `order` finds equal, or else where it would be. Most names come behind all others, so that
    /// is tried first.
    pub fn find(&self, order: impl Fn(u32) -> Ordering) -> Result<Place, Place> {
        let blocks = self.blocks();
        let Some((last, block)) = blocks.len().checked_sub(1).zip(blocks.last()) else { return Err(Place(0, 0)) };
        if block.last().is_none_or(|entry| order(*entry) == Ordering::Less) {
            return Err(Place(last, block.len()));
        }
        let after =
            blocks.partition_point(|block| block.first().is_some_and(|entry| order(*entry) != Ordering::Greater));
        let number = after.saturating_sub(1);
        let found = blocks.get(number).map_or(Err(0), |block| block.binary_search_by(|entry| order(*entry)));
        found.map(|at| Place(number, at)).map_err(|at| Place(number, at))
    }

    /// The entry at a place.
    pub fn get(&self, Place(block, at): Place) -> Option<u32> {
        self.blocks().get(block)?.get(at).copied()
    }

    /// Puts another in the place of an entry.
    pub fn replace(&mut self, Place(block, at): Place, entry: u32) {
        if let Some(into) = self.block(block).and_then(|block| block.get_mut(at)) {
            *into = entry;
        }
    }

    /// Puts one in front of what is at a place.
    pub fn insert(&mut self, Place(number, at): Place, entry: u32) {
        let Some(block) = self.block(number) else { return };
        if block.len() < BLOCK {
            return block.insert(at.min(block.len()), entry);
        }
        if let Children::Few(only) = self {
            *self = Children::Many(vec![std::mem::take(only)]);
        }
        let Children::Many(blocks) = self else { return };
        let (is_last, Some(block)) = (number + 1 == blocks.len(), blocks.get_mut(number)) else { return };
        // What comes in order leaves full blocks behind.
        let mut rest = if is_last && at == BLOCK { Vec::new() } else { block.split_off(BLOCK / 2) };
        match at.checked_sub(block.len()) {
            Some(at) => rest.insert(at.min(rest.len()), entry),
            None => block.insert(at, entry),
        }
        blocks.insert(number + 1, rest);
    }

    /// Takes one out.
    pub fn remove(&mut self, Place(number, at): Place) {
        let Some(block) = self.block(number).filter(|block| at < block.len()) else { return };
        block.remove(at);
        if let (true, Children::Many(blocks)) = (block.is_empty(), self) {
            blocks.remove(number);
        }
    }

    /// Takes out all but those that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        match self {
            Children::Few(block) => block.retain(|entry| keep(*entry)),
            Children::Many(blocks) => {
                blocks.iter_mut().for_each(|block| block.retain(|entry| keep(*entry)));
                blocks.retain(|block| !block.is_empty());
            }
        }
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.blocks().iter().flatten().copied()
    }

    fn blocks(&self) -> &[Vec<u32>] {
        match self {
            Children::Few(block) => std::slice::from_ref(block),
            Children::Many(blocks) => blocks,
        }
    }

    /// A block; of none the first is made.
    fn block(&mut self, number: usize) -> Option<&mut Vec<u32>> {
        match self {
            Children::Few(block) => Some(block),
            Children::Many(blocks) => {
                if blocks.is_empty() {
                    blocks.push(Vec::new());
                }
                blocks.get_mut(number)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// As a set would have it, whatever comes in whatever order.
    #[test]
    fn they_are_in_order() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below) as u32
        };
        for round in 0..40_u32 {
            let (mut children, mut set) = (Children::default(), BTreeSet::new());
            for step in 0..4000 {
                let entry = match round % 4 {
                    0 => step,
                    1 => 4000 - step,
                    _ => next(3000),
                };
                match (children.find(|other| other.cmp(&entry)), next(10) < round / 4) {
                    (Ok(place), true) => {
                        assert_eq!(children.get(place), Some(entry));
                        children.remove(place);
                        set.remove(&entry);
                    }
                    (Ok(place), false) => children.replace(place, entry),
                    (Err(place), _) => {
                        children.insert(place, entry);
                        assert!(set.insert(entry));
                    }
                }
            }
            assert!(children.iter().eq(set.iter().copied()), "{round}");
            children.retain(|entry| entry % 7 == 0);
            set.retain(|entry| entry % 7 == 0);
            assert!(children.iter().eq(set.iter().copied()), "{round}");
            assert!(set.iter().all(|entry| children.find(|other| other.cmp(entry)).is_ok()));
            children.retain(|_| false);
            let place = children.find(|other| other.cmp(&5)).unwrap_err();
            children.insert(place, 5);
            assert!(children.iter().eq([5]));
        }
    }
}
