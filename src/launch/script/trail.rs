//! What happened on the way to a state: a list that grows at its end, and whose beginning many ways have in common.

use std::rc::Rc;

#[derive(Debug)]
struct Node<T> {
    item: T,
    before: Trail<T>,
}

/// Such a list: it is cloned, and added to, in constant time.
#[derive(Debug)]
pub struct Trail<T> {
    last: Option<Rc<Node<T>>>,
    len: usize,
    /// Something is missing that was on one of the ways.
    torn: bool,
}

impl<T> Clone for Trail<T> {
    fn clone(&self) -> Self {
        Trail { last: self.last.clone(), len: self.len, torn: self.torn }
    }
}

impl<T> Default for Trail<T> {
    fn default() -> Self {
        Trail { last: None, len: 0, torn: false }
    }
}

/// One after the other: a long list dropped within itself would take the stack.
impl<T> Drop for Trail<T> {
    fn drop(&mut self) {
        let mut next = self.last.take();
        while let Some(mut node) = next.and_then(Rc::into_inner) {
            next = node.before.last.take();
        }
    }
}

impl<T> Extend<T> for Trail<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T> Trail<T> {
    /// Adds one.
    pub fn push(&mut self, item: T) {
        let before = std::mem::take(self);
        let (len, torn) = (before.len + 1, before.torn);
        *self = Trail { last: Some(Rc::new(Node { item, before })), len, torn };
    }

    /// Notes that something is missing.
    pub fn tear(&mut self) {
        self.torn = true;
    }

    /// Whether something is missing that was on one of the ways that were taken for this one.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The one that was added last.
    pub fn last(&self) -> Option<&T> {
        self.last.as_ref().map(|node| &node.item)
    }

    /// The first one.
    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// From the first to the last.
    pub fn iter(&self) -> std::vec::IntoIter<&T> {
        let mut items: Vec<&T> = self.backwards().map(|node| &node.item).collect();
        items.reverse();
        items.into_iter()
    }

    /// All are gone.
    pub fn clear(&mut self) {
        *self = Trail::default();
    }

    fn backwards(&self) -> impl Iterator<Item = &Node<T>> {
        std::iter::successors(self.last.as_deref(), |node| node.before.last.as_deref())
    }

    fn is(&self, other: &Self) -> bool {
        match (&self.last, &other.last) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    /// The list without the last one.
    fn shorter(&self) -> Self {
        self.last.as_ref().map(|node| node.before.clone()).unwrap_or_default()
    }
}

impl<T: Clone + Eq> Trail<T> {
    /// The items.
    pub fn to_vec(&self) -> Vec<T> {
        self.iter().cloned().collect()
    }

    /// Those after the first `count`.
    pub fn since(&self, count: usize) -> Vec<T> {
        self.iter().skip(count).cloned().collect()
    }

    /// Keeps what both begin with.
    pub fn keep_common(&mut self, other: &Self) {
        let (torn, len) = (self.torn || other.torn, self.len.max(other.len));
        let (mut mine, mut theirs) = (self.clone(), other.clone());
        while mine.len > theirs.len {
            mine = mine.shorter();
        }
        while theirs.len > mine.len {
            theirs = theirs.shorter();
        }
        let mut common = mine.clone();
        while !mine.is(&theirs) {
            let same = mine.last() == theirs.last();
            (mine, theirs) = (mine.shorter(), theirs.shorter());
            if !same {
                common = mine.clone();
            }
        }
        *self = common;
        self.torn = torn || self.len < len;
    }

    /// Keeps what the other has, too.
    pub fn keep_shared(&mut self, other: &Self) {
        if self.is(other) {
            return;
        }
        let theirs: Vec<&T> = other.iter().collect();
        let kept: Vec<T> = self.iter().filter(|item| theirs.contains(item)).cloned().collect();
        if kept.len() < self.len {
            self.clear();
            self.extend(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(items: &[u8]) -> Trail<u8> {
        let mut trail = Trail::default();
        trail.extend(items.iter().copied());
        trail
    }

    #[test]
    fn what_both_begin_with() {
        let common = |a: &[u8], b: &[u8]| {
            let mut a = of(a);
            a.keep_common(&of(b));
            a.to_vec()
        };
        assert_eq!(common(&[1, 2, 3], &[1, 2, 4, 3]), [1, 2]);
        assert_eq!(common(&[1, 2], &[1, 2, 3]), [1, 2]);
        assert_eq!(common(&[1, 9, 3], &[1, 2, 3]), [1]);
        assert_eq!(common(&[], &[1]), [0u8; 0]);
        let mut parted = of(&[1, 2]);
        let mut other = parted.clone();
        parted.push(3);
        other.push(4);
        assert!(!parted.is_torn());
        parted.keep_common(&other);
        assert_eq!(parted.to_vec(), [1, 2]);
        assert!(parted.is_torn());
        parted.push(5);
        assert!(parted.is_torn() && parted.clone().is_torn());
        let mut same = of(&[1]);
        same.keep_common(&of(&[1]));
        assert!(!same.is_torn());
    }

    #[test]
    fn what_both_have() {
        let mut mine = of(&[1, 2, 3]);
        mine.keep_shared(&of(&[3, 1]));
        assert_eq!(mine.to_vec(), [1, 3]);
        assert_eq!((mine.len(), mine.first(), mine.last()), (2, Some(&1), Some(&3)));
        assert_eq!(of(&[1, 2, 3]).since(1), [2, 3]);
    }

    #[test]
    fn a_long_one_is_dropped() {
        let mut long = Trail::default();
        (0..200_000).for_each(|n| long.push(n));
        assert_eq!(long.len(), 200_000);
    }
}
