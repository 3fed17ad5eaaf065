//! What is remembered for the time of one call, where nothing may be written: what its images have in common.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::store::{Keep, Key};

/// What all of it may take in bytes.
const MOST: usize = 64 << 20;

/// Entries in memory; the oldest go first.
#[derive(Debug, Default)]
pub struct Held(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Key, Vec<u8>>,
    order: VecDeque<Key>,
    bytes: usize,
}

impl Inner {
    fn put(&mut self, key: &Key, bytes: Vec<u8>, most: usize) {
        if bytes.len() > most {
            return;
        }
        self.bytes += bytes.len();
        match self.entries.insert(key.clone(), bytes) {
            Some(before) => self.bytes -= before.len(),
            None => self.order.push_back(key.clone()),
        }
        while self.bytes > most {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.entries.remove(&oldest).map_or(0, |bytes| bytes.len());
        }
    }
}

impl Keep for Held {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entries.get(key).cloned()
    }

    fn lasts(&self) -> bool {
        false
    }

    fn put_parts(&self, key: &Key, parts: &[&[u8]]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, parts.concat(), MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let key = |what: &str| Key::new(&format!("sha256:{}", "0".repeat(64)), what).unwrap();
        let mut inner = Inner::default();
        for (what, len) in [("a", 3), ("b", 4), ("a", 4), ("c", 3), ("d", 11)] {
            inner.put(&key(what), vec![0; len], 10);
        }
        let is_held = |what: &str| inner.entries.contains_key(&key(what));
        assert_eq!(["a", "b", "c", "d"].map(is_held), [false, true, true, false]);
        assert_eq!(inner.bytes, 7);
    }
}
