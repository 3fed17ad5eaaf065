//! What a file of the image is in the repository: among what the instruction can have copied, else among all.

use std::collections::BTreeMap;
use std::rc::Rc;

use bstr::{BStr, BString, ByteSlice};

use super::{Built, single};
use crate::blame::content::{MAX_LENGTH, Same, Wanted};
use crate::dockerfile::{Copy, From, Origin, Performed, Step};
use crate::rootfs::{Ino, Kind, Rootfs};

/// A file of the context that a file of the image is.
pub(super) struct Found {
    pub from: From,
    pub same: Same,
    /// The instruction that copied it, where that is known.
    pub copied: Option<usize>,
}

impl<'a> Built<'a> {
    /// What a file of the image is in the repository.
    pub(super) fn found(&self, path: &BStr, layer: Option<usize>, own: &[Performed]) -> Option<Found> {
        let wanted = Wanted::new(self.bytes(path, layer)?);
        let copies = self.copies(own);
        let name = path.strip_prefix(b"/").unwrap_or(path).as_bstr();
        let copied = copies.iter().rev().find_map(|step| self.brought(step, name, &wanted));
        copied.or_else(|| match (single(own), copies.as_slice()) {
            // of a single COPY from the context nothing else can be
            (Some(_), [Step::Copy(copy)]) if copy.origin == Origin::Context && !copy.is_add => {
                self.beside(copy, path, &wanted)
            }
            _ => self.anywhere(path, &wanted),
        })
    }

    /// The COPY and ADD among these instructions; all if it is not known which it was.
    fn copies(&self, own: &[Performed]) -> Vec<&'a Step> {
        let is_own = |at: usize| own.is_empty() || own.iter().any(|performed| performed.instruction == at);
        let steps = self.blamer.build.plan.steps.iter();
        steps.filter(|step| matches!(step, Step::Copy(copy) if is_own(copy.instruction))).collect()
    }

    /// The file that a COPY brings to that place, if it is the one.
    fn brought(&self, step: &Step, name: &BStr, wanted: &Wanted) -> Option<Found> {
        let Step::Copy(copy) = step else { return None };
        let from = self.all_brought(copy).get(name)?.clone();
        let same = match &from {
            From::Context(path) => {
                let context = self.blamer.build.context.as_ref()?;
                wanted.is(context, path.as_bstr(), &context.get(path.as_bstr())?)?
            }
            // variables in it are expanded; where it is known to be the one, that does no harm
            From::Document(_) if self.is_aligned() => Same::Whole,
            From::Document(_) => wanted.has(&self.blamer.build.bytes(&from)?).then_some(Same::Whole)?,
            From::Assumed => return None,
        };
        Some(Found { from, same, copied: Some(copy.instruction) })
    }

    /// The file of the repository that an instruction copies to that place.
    pub(super) fn source_of(&self, instruction: usize, name: &BStr) -> Option<BString> {
        let mut steps = self.copies(&[]).into_iter();
        let copy = steps.find_map(|step| match step {
            Step::Copy(copy) if copy.instruction == instruction && copy.origin == Origin::Context => Some(copy),
            _ => None,
        })?;
        let From::Context(path) = self.all_brought(copy).get(name)?.clone() else { return None };
        Some(self.blamer.build.context.as_ref()?.source_path(path.as_bstr()))
    }

    /// The files that it brings, listed once.
    fn all_brought(&self, copy: &Copy) -> Rc<BTreeMap<BString, From>> {
        let mut known = self.brought.borrow_mut();
        let files = known.entry(copy.instruction).or_insert_with(|| Rc::new(self.blamer.build.brought(copy)));
        Rc::clone(files)
    }

    /// Another of the files that a COPY brings: where a directory was there before, they lie below it.
    fn beside(&self, copy: &Copy, path: &BStr, wanted: &Wanted) -> Option<Found> {
        let context = self.blamer.build.context.as_ref()?;
        let brought = self.all_brought(copy);
        let listed = brought.values().filter_map(|from| match from {
            From::Context(path) => Some((path, context.get(path.as_bstr())?)),
            _ => None,
        });
        let listed: Vec<_> = listed.collect();
        let (path, same) = wanted.among(context, listed.iter().map(|(path, listed)| (*path, listed)), path)?;
        Some(Found { from: From::Context(path), same, copied: Some(copy.instruction) })
    }

    fn anywhere(&self, path: &BStr, wanted: &Wanted) -> Option<Found> {
        let context = self.blamer.build.context.as_ref()?;
        let (path, same) = wanted.among(context, context.files(), path)?;
        Some(Found { from: From::Context(path), same, copied: None })
    }

    /// The bytes of a file of the image, if it is the one of that layer and not too long.
    fn bytes(&self, path: &BStr, layer: Option<usize>) -> Option<Vec<u8>> {
        let mut names = path.split_str("/").filter(|name| !name.is_empty());
        let ino: Ino = names.try_fold(Rootfs::ROOT, |dir, name| self.view.entry(dir, name))?;
        let inode = self.view.inode(ino);
        let is_it = layer.is_none() || inode.layer.map(usize::from) == layer;
        match inode.kind {
            Kind::Regular { size, .. } if is_it && size <= MAX_LENGTH => self.view.read(ino, 0, size as usize).ok(),
            _ => None,
        }
    }
}
