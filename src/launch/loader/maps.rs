//! The link maps of a process: what its loader has mapped so far.

use std::collections::HashMap;
use std::rc::Rc;

use bstr::{BStr, BString};

use super::closure::{Closure, Found, Libc, LinkError, Linked};
use crate::format::elf::{Object, Tag};
use crate::rootfs::Ino;

/// A mapped file.
pub struct Map {
    /// What the loader reads of it.
    pub object: Rc<Object>,
    /// The name that it was asked for by first.
    pub asked: BString,
    /// The path that was opened; the program's as the kernel resolved it.
    pub path: BString,
    /// The names that lead to it without a search.
    pub names: Vec<BString>,
    /// The file.
    pub ino: Ino,
    /// The object that needed it first; its own number if none did.
    pub needed_by: usize,
    /// Why it is there.
    pub found: Found,
}

/// More libraries than any program has; a hostile image could name them without end.
pub const MAX_MAPS: usize = 4096;

/// All of them, numbered as they were mapped, and in the order of the search for symbols.
pub struct Maps {
    maps: Vec<Map>,
    /// Numbers by the names and paths that lead to them, and by soname; the first to have one keeps it.
    called: HashMap<BString, usize>,
    sonames: HashMap<BString, usize>,
    /// Numbers, in the order that the loader keeps.
    pub order: Vec<usize>,
    /// What went wrong.
    pub errors: Vec<LinkError>,
    /// See [`Closure::has_variants`].
    pub has_variants: bool,
}

impl Maps {
    /// Number of the program.
    pub const PROGRAM: usize = 0;
    /// Number of the loader.
    pub const LOADER: usize = 1;

    /// As the kernel starts it: the program, and the loader, which is in the order only once something needs it.
    pub fn new(program: Map, loader: Map) -> Self {
        let mut maps = Maps {
            maps: Vec::new(),
            called: HashMap::new(),
            sonames: HashMap::new(),
            order: vec![Self::PROGRAM],
            errors: Vec::new(),
            has_variants: false,
        };
        maps.add(program);
        maps.add(loader);
        maps
    }

    /// The map of that number.
    pub fn get(&self, number: usize) -> &Map {
        // Numbers are only ever made here, and maps are never removed.
        &self.maps[number]
    }

    /// All, by number.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Map)> {
        self.maps.iter().enumerate()
    }

    /// Adds a map that is not in the order yet.
    pub fn add(&mut self, map: Map) -> usize {
        let number = self.maps.len();
        // The program's own path is no name of it (`l_name` is empty).
        let path = Some(&map.path).filter(|_| number != Self::PROGRAM);
        for name in map.names.iter().chain(path) {
            self.called.entry(name.clone()).or_insert(number);
        }
        if let Some(soname) = map.object.strings(Tag::Soname).last() {
            self.sonames.entry(soname.to_owned()).or_insert(number);
        }
        self.maps.push(map);
        number
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.maps.len()
    }

    /// Puts a map last in the order, if it is not in it. The loader, mapped before anything needed it, then is needed
    /// by `needed_by`.
    pub fn append(&mut self, number: usize, needed_by: usize) {
        if self.order.contains(&number) {
            return;
        }
        self.order.push(number);
        if let (Self::LOADER, Some(loader)) = (number, self.maps.get_mut(number)) {
            loader.needed_by = needed_by;
        }
    }

    /// Puts a map before another, unless it is before it already.
    pub fn put_before(&mut self, other: usize, number: usize) {
        let place = |order: &[usize], of| order.iter().position(|n| *n == of);
        let at = place(&self.order, other).unwrap_or_default();
        if place(&self.order, number).is_some_and(|before| before <= at) {
            return;
        }
        self.order.retain(|n| *n != number);
        self.order.insert(at, number);
    }

    /// Remembers that `name` leads to the map of that number.
    pub fn name(&mut self, number: usize, name: &BStr) {
        if let Some(map) = self.maps.get_mut(number)
            && !map.names.iter().any(|n| n == name)
        {
            map.names.push(name.into());
            self.called.entry(name.into()).or_insert(number);
        }
    }

    /// The map that has `name` as a name or as its path (`_dl_name_match_p`).
    pub fn called(&self, name: &BStr) -> Option<usize> {
        self.called.get(name).copied()
    }

    /// The map that has it as a name, path or soname.
    pub fn known(&self, name: &BStr) -> Option<usize> {
        self.called(name).into_iter().chain(self.sonames.get(name).copied()).min()
    }

    /// Whether `name` was looked for in vain.
    pub fn is_missing(&self, name: &BStr) -> bool {
        self.errors.iter().any(|error| match error {
            LinkError::NotFound { name: missing, .. }
            | LinkError::Unusable { name: missing, .. }
            | LinkError::Cut { name: missing, .. } => missing == name,
            LinkError::Version { .. } | LinkError::Inconsistent { .. } => false,
        })
    }

    /// From `number` to the objects that made it be mapped, up to the first.
    pub fn ancestors(&self, number: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(number), |at| Some(self.get(*at).needed_by).filter(|by| by != at))
    }

    /// The result, renumbered in the loader's order.
    pub fn finish(self, libc: Libc, called: &BStr) -> Closure {
        let place = |number: usize| self.order.iter().position(|n| *n == number).unwrap_or_default();
        let linked = |number: &usize| {
            let map = self.get(*number);
            Linked {
                name: map.asked.clone(),
                path: map.path.clone(),
                ino: map.ino,
                needed_by: place(map.needed_by),
                found: match map.found {
                    Found::Rpath(of) => Found::Rpath(place(of)),
                    Found::Runpath(of) => Found::Runpath(place(of)),
                    ref other => other.clone(),
                },
            }
        };
        let objects = self.order.iter().map(linked).collect();
        let mut errors = self.errors.clone();
        for error in &mut errors {
            match error {
                LinkError::NotFound { needed_by, .. }
                | LinkError::Unusable { needed_by, .. }
                | LinkError::Cut { needed_by, .. }
                | LinkError::Inconsistent { needed_by, .. } => *needed_by = place(*needed_by),
                LinkError::Version { library, needed_by, .. } => {
                    (*library, *needed_by) = (place(*library), place(*needed_by));
                }
            }
        }
        Closure { libc, called: called.into(), objects, errors, has_variants: self.has_variants }
    }
}
