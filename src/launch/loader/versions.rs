//! Versions of symbols: whether every library defines what is needed of it (glibc elf/dl-version.c).

use bstr::BStr;

use super::closure::LinkError;
use super::maps::Maps;
use crate::format::elf::Tag;

/// Checks all maps, as `_dl_check_all_versions` does once everything is mapped.
pub fn check(maps: &mut Maps) {
    let found: Vec<LinkError> = maps.order.iter().flat_map(|number| of(maps, *number)).collect();
    maps.errors.extend(found);
}

fn of(maps: &Maps, number: usize) -> Vec<LinkError> {
    let mut errors = Vec::new();
    for (file, version, is_weak) in maps.get(number).object.versions() {
        let Some(library) = find_needed(maps, file) else {
            if !maps.is_missing(file) {
                errors.push(LinkError::Inconsistent { file: file.into(), needed_by: number });
                break;
            }
            continue;
        };
        if !is_weak && !defines(maps, library, version) {
            errors.push(LinkError::Version { library, version: version.into(), needed_by: number });
        }
    }
    errors
}

/// A library without any table of versions satisfies all: it was built without them.
fn defines(maps: &Maps, library: usize, version: &BStr) -> bool {
    let object = &maps.get(library).object;
    !object.has_verdef || object.strings(Tag::Defined).any(|defined| defined == version)
}

/// `find_needed`: by the names that led to an object, never by a search.
fn find_needed(maps: &Maps, file: &BStr) -> Option<usize> {
    maps.order.iter().copied().find(|number| maps.is_called(*number, file))
}
