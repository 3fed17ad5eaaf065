//! What a script has done to files, so that what the image has is known to hold no more.

use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice};

use super::shared::Shared;
use super::value::Truth;

/// What has been done to files since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Paths that a command made (`d` directory, `f` regular), removed (`-`), or changed (`?`).
    touched: Shared<BTreeMap<BString, u8>>,
    /// A program ran of which nothing is known: what is absent may be there.
    pub disturbed: bool,
}

impl Files {
    /// Notes it.
    pub fn touch(&mut self, path: BString, what: u8) {
        if self.touched.len() < 1000 {
            self.touched.insert(path, what);
        } else {
            self.disturbed = true;
        }
    }

    /// The answer of `test -OPERATOR path` where the image's is `image`.
    pub fn test(&self, operator: u8, path: &BStr, image: Truth) -> Truth {
        if let Some(what) = self.touched.get(path) {
            return match (what, operator) {
                (b'd', b'e' | b'd') | (b'f', b'e' | b'f') => Truth::Yes,
                (b'd', b'f' | b'h' | b'L') | (b'f', b'd' | b'h' | b'L') => Truth::No,
                (b'-', _) => Truth::No,
                _ => Truth::Unknown,
            };
        }
        let below = |(parent, what): (&BString, &u8)| matches!(what, b'-' | b'?') && is_below(path, parent);
        let linked = self.touched.iter().any(below);
        if linked || (self.disturbed && image == Truth::No) { Truth::Unknown } else { image }
    }

    /// Whether the bytes of `path` are the image's.
    pub fn is_untouched(&self, path: &BStr) -> bool {
        !self.touched.contains_key(path)
            && !self.touched.keys().any(|p| is_below(path, p) && self.touched.get(p) != Some(&b'd'))
    }

    /// Whether `path` was made a directory.
    pub fn is_made(&self, path: &BStr) -> bool {
        self.touched.get(path) == Some(&b'd')
    }

    /// Whether all files are the image's, but for directories.
    pub fn is_clean(&self) -> bool {
        !self.disturbed && self.touched.values().all(|what| *what == b'd')
    }

    /// Whether names in the directory `path` are the image's.
    pub fn is_listed(&self, path: &BStr) -> bool {
        !self.disturbed && !self.touched.keys().any(|p| is_below(p.as_bstr(), path) || is_below(path, p) || p == path)
    }

    /// Paths that are not what the image has there, or may not be.
    pub fn changed(&self) -> Vec<BString> {
        self.touched.iter().filter(|(_, what)| **what != b'd').map(|(path, _)| path.clone()).collect()
    }

    /// What a fork has done as well; `sure`: it has ended, and did that on every way.
    pub fn also(&mut self, other: &Files, sure: bool) {
        self.disturbed |= other.disturbed;
        for (path, what) in other.touched.iter() {
            match self.touched.get(path) {
                Some(own) if own == what => {}
                None if sure => self.touch(path.clone(), *what),
                _ => self.touch(path.clone(), b'?'),
            }
        }
    }

    /// As after one way or another.
    pub fn join(&mut self, other: &Files) {
        for (path, what) in other.touched.iter() {
            if self.touched.get(path) != Some(what) {
                self.touched.insert(path.clone(), b'?');
            }
        }
        let keys = self.touched.keys().filter(|p| !other.touched.contains_key(*p)).cloned().collect::<Vec<_>>();
        keys.into_iter().for_each(|p| self.touch(p, b'?'));
        self.disturbed |= other.disturbed;
    }
}

fn is_below(path: &BStr, parent: &[u8]) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.starts_with(b"/") || parent.ends_with(b"/"))
}
