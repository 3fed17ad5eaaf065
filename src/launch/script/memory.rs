//! What scripts were found to come to: an image starts under several runtimes, and mostly in the same way.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Bounds, Ending, Inside, Invocation, follow};
use crate::rootfs::{Credentials, Likeness, View};

/// More than these are followed anew.
const MAX_KEPT: usize = 32;

/// All that decides about endings but the image.
#[derive(PartialEq)]
struct Key {
    invocation: Invocation,
    credentials: Credentials,
    view: Likeness,
}

/// The scripts of one image that were followed.
#[derive(Default)]
pub struct Memory(RefCell<Vec<(Key, Rc<[Ending]>)>>);

impl Memory {
    /// As [`follow`] within the container.
    pub fn follow(&self, invocation: &Invocation, view: &View<'_>, credentials: &Credentials) -> Rc<[Ending]> {
        let key = Key { invocation: invocation.clone(), credentials: credentials.clone(), view: view.likeness() };
        if let Some((_, endings)) = self.0.borrow().iter().find(|(k, _)| *k == key) {
            return Rc::clone(endings);
        }
        let world = Inside::new(view, credentials.clone());
        let endings: Rc<[Ending]> = follow(invocation, &world, Bounds::default()).into();
        let mut kept = self.0.borrow_mut();
        if kept.len() < MAX_KEPT {
            kept.push((key, Rc::clone(&endings)));
        }
        endings
    }
}
