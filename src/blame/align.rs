//! History and Dockerfile side by side: which instruction made which layer.
//!
//! From the end backwards, since the Dockerfile's instructions come last. If one of them is not where it belongs, the image was
//! built from something else, and no line is known.

use super::said::Said;
use crate::dockerfile::{Arguments, Base, Instruction, Keyword, Parsed, Performed, Plan};
use crate::image::{History, Record};

/// Who made a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The base image.
    Base,
    /// These instructions of the Dockerfile: one, or several that were put together.
    Own(Vec<Performed>),
    /// These, and whatever is below them.
    Mixed(Vec<Performed>),
}

/// Why no line is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unaligned {
    /// There is no history.
    None,
    /// It tells of so many layers, and the image has another number.
    Layers(usize, usize),
    /// This instruction is not where it belongs; what is there instead, if anything.
    Other(usize, Option<String>),
    /// It begins with nothing, and so much comes before.
    More(usize),
}

/// Who made each of the layers; `file` is the text of the Dockerfile.
///
/// # Errors
/// Why that is not known.
pub fn align(
    record: &Record,
    layers: usize,
    file: &[u8],
    parsed: &Parsed,
    plan: &Plan,
    is_buildah: bool,
) -> Result<Vec<Maker>, Unaligned> {
    if record.history.is_empty() {
        return Err(Unaligned::None);
    }
    if record.told_layers() != layers {
        return Err(Unaligned::Layers(record.told_layers(), layers));
    }
    let (history, merged) = match record.history.split_last() {
        Some((last, rest)) if is_merge(last) => (rest, Some(last)),
        _ => (record.history.as_slice(), None),
    };
    let own = paired(history, file, parsed, plan)?;
    let first = own.first().map_or(history.len(), |(entry, _)| *entry);
    if plan.base == Base::Scratch && first > 0 {
        return Err(Unaligned::More(first));
    }
    let mut makers = grouped(history, &own, parsed, is_buildah);
    if let Some(last) = merged {
        let inside = last.comment.starts_with("create new ");
        let all = own.iter().filter(|(entry, _)| history.get(*entry).is_some_and(|e| e.is_empty_layer));
        let all: Vec<_> = all.map(|(_, performed)| *performed).filter(|p| changes_files(parsed, *p)).collect();
        makers.push(if inside { Maker::Mixed(all) } else { Maker::Own(all) });
    }
    Ok(makers)
}

/// What Docker adds where it squashes (measured: Docker 20.10, with either builder).
fn is_merge(entry: &History) -> bool {
    let is_one = entry.comment.starts_with("merge sha256:") || entry.comment.starts_with("create new from sha256:");
    entry.created_by.is_empty() && !entry.is_empty_layer && is_one
}

/// The instructions with their entries, in order.
fn paired(
    history: &[History],
    file: &[u8],
    parsed: &Parsed,
    plan: &Plan,
) -> Result<Vec<(usize, Performed)>, Unaligned> {
    let (mut left, mut own) = (history.len(), Vec::new());
    let mut skipped = None;
    let is_sparse = history.last().and_then(Said::of).is_some_and(|said| said.is_sparse);
    for performed in plan.performed.iter().rev() {
        let Some(instruction) = carried_out(parsed, *performed) else { continue };
        let entry = left.checked_sub(1).and_then(|at| history.get(at));
        let said = entry.and_then(Said::of);
        if said.as_ref().is_some_and(|said| said.is_of(instruction, file)) {
            left -= 1;
            own.push((left, *performed));
        } else if is_sparse && instruction.is(Keyword::Run) && !performed.is_trigger {
            skipped = Some(performed.instruction);
        } else if !may_be_left_out(instruction, performed.is_trigger, is_sparse) {
            return Err(Unaligned::Other(performed.instruction, entry.map(|entry| entry.created_by.clone())));
        }
    }
    // whether what is left is the base's, or was made by a RUN that has been changed, cannot be told
    if let (Some(run), Some(entry)) = (skipped, left.checked_sub(1).and_then(|at| history.get(at)))
        && Said::of(entry).is_some_and(|said| said.is_sparse)
    {
        return Err(Unaligned::Other(run, Some(entry.created_by.clone())));
    }
    own.reverse();
    Ok(own)
}

/// What an instruction, or its trigger, is.
pub fn carried_out(parsed: &Parsed, performed: Performed) -> Option<&Instruction> {
    let instruction = parsed.instructions.get(performed.instruction)?;
    match &instruction.arguments {
        Arguments::Trigger(trigger) if performed.is_trigger => Some(trigger),
        _ => Some(instruction),
    }
}

/// Whether a builder writes nothing of it: of a RUN that changes nothing kaniko does not.
fn may_be_left_out(instruction: &Instruction, is_trigger: bool, is_sparse: bool) -> bool {
    match instruction.keyword {
        Some(Keyword::Onbuild) => true,
        _ if is_trigger => true,
        Some(Keyword::Copy | Keyword::Add) => false,
        _ => is_sparse,
    }
}

/// Who made the layers that the history tells of.
fn grouped(history: &[History], own: &[(usize, Performed)], parsed: &Parsed, is_buildah: bool) -> Vec<Maker> {
    let (mut makers, mut after) = (Vec::new(), 0);
    for (at, _) in history.iter().enumerate().filter(|(_, entry)| !entry.is_empty_layer) {
        let group: Vec<_> = own.iter().filter(|(entry, _)| (after..=at).contains(entry)).collect();
        after = at + 1;
        makers.push(match group.split_last() {
            Some(((last, performed), before)) if *last == at => maker(*performed, before, parsed, is_buildah),
            _ => Maker::Base,
        });
    }
    makers
}

/// Who made a layer: the instruction that has it, or all since the one before. Every COPY makes a layer, and what is no
/// instruction for files makes none; buildah gives every RUN one, Docker not those that change nothing.
fn maker(last: Performed, before: &[&(usize, Performed)], parsed: &Parsed, is_buildah: bool) -> Maker {
    let keyword = |performed: Performed| carried_out(parsed, performed).and_then(|instruction| instruction.keyword);
    let makes_one = |performed: Performed| match keyword(performed) {
        Some(Keyword::Add | Keyword::Copy) => true,
        Some(Keyword::Run) => is_buildah,
        _ => false,
    };
    let before = before.iter().map(|(_, performed)| *performed);
    if changes_files(parsed, last) && !before.clone().any(makes_one) {
        return Maker::Own(vec![last]);
    }
    let all: Vec<_> = before.chain([last]).filter(|performed| changes_files(parsed, *performed)).collect();
    Maker::Own(if all.is_empty() { vec![last] } else { all })
}

fn changes_files(parsed: &Parsed, performed: Performed) -> bool {
    let keyword = carried_out(parsed, performed).and_then(|instruction| instruction.keyword);
    matches!(keyword, Some(Keyword::Add | Keyword::Copy | Keyword::Run | Keyword::Workdir))
}

#[cfg(test)]
mod tests;
