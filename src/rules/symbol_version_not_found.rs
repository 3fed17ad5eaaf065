//! A library that is older than the one that the program was linked against.

use bstr::{BStr, BString, ByteSlice};

use crate::finding::Finding;
use crate::format::elf::Tag;
use crate::launch::{Closure, LinkError};
use crate::rootfs::View;
use crate::rule::{Explanation, Rule, Subject, Trouble, list, quote};

/// See `rules/symbol-version-not-found.md`.
pub const RULE: Rule =
    Rule { name: "symbol-version-not-found", document: include_str!("../../rules/symbol-version-not-found.md"), check };

/// The first releases with a version of glibc or of GCC's libraries. Debian 11 and 12 were looked at; the others are from
/// memory of what those releases ship.
const RELEASES: [(&str, &str); 11] = [
    ("GLIBC_2.28", "Debian 10, RHEL 8"),
    ("GLIBC_2.31", "Debian 11, Ubuntu 20.04"),
    ("GLIBC_2.34", "RHEL 9"),
    ("GLIBC_2.35", "Ubuntu 22.04"),
    ("GLIBC_2.36", "Debian 12"),
    ("GLIBC_2.39", "Ubuntu 24.04, RHEL 10"),
    ("GLIBC_2.41", "Debian 13"),
    ("GLIBCXX_3.4.28", "Debian 11, Ubuntu 20.04"),
    ("GLIBCXX_3.4.30", "Debian 12, Ubuntu 22.04"),
    ("GLIBCXX_3.4.33", "Debian 13, Ubuntu 24.04"),
    ("CXXABI_1.3.15", "Debian 13, Ubuntu 24.04"),
];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Some((closure, error)) = trouble.closure().and_then(|c| Some((c, c.error()?))) else {
            return Explanation::default();
        };
        let explanation = match error {
            LinkError::Version { library, version, .. } => too_old(trouble, closure, error, *library, version),
            LinkError::Inconsistent { file, .. } => inconsistent(closure, error, file),
            _ => Explanation::default(),
        };
        let program = closure.object(error.needed_by());
        explanation.at(program.map(|object| trouble.file(&object.path, object.ino, None)))
    })
}

fn too_old(
    trouble: &Trouble<'_>,
    closure: &Closure,
    error: &LinkError,
    library: usize,
    version: &BString,
) -> Explanation {
    let (by, of) = (quote(closure.display(error.needed_by())), quote(closure.display(library)));
    let newest = newest(trouble, closure, library, family(version.as_bstr()));
    let has = newest.as_ref().map(|newest| format!(", which has {} at most", quote(newest))).unwrap_or_default();
    let message = format!("{by} needs version {} of {of}{has}", quote(highest(closure, library, version)));
    let help = "it was built on a newer distribution than the image's: build it on the image's own base (or an older \
                one), or take a newer base image";
    let mut explanation = Explanation::new(message, help).why(format!("missing: {}", missing(closure)));
    if let Some(releases) = releases(highest(closure, library, version)) {
        explanation = explanation.why(format!("versions as new as that are in {releases} and later"));
    }
    explanation
}

fn inconsistent(closure: &Closure, error: &LinkError, file: &[u8]) -> Explanation {
    let by = quote(closure.display(error.needed_by()));
    let message = format!("{by} needs versions of {}, which it does not name among its libraries", quote(file));
    Explanation::new(message, "the file was edited (patchelf --replace-needed?): build it anew for its libraries")
}

/// `GLIBC_2.38` is of the family `GLIBC_`.
fn family(version: &BStr) -> &[u8] {
    version.rfind_byte(b'_').and_then(|at| version.get(..=at)).unwrap_or_default()
}

/// The highest version of the same family that is missing from the library.
fn highest<'c>(closure: &'c Closure, library: usize, version: &'c BString) -> &'c BStr {
    let same = closure.errors.iter().filter_map(|error| match error {
        LinkError::Version { library: of, version: other, .. }
            if *of == library && family(other.as_bstr()) == family(version.as_bstr()) =>
        {
            Some(other.as_bstr())
        }
        _ => None,
    });
    same.max_by_key(|version| numbers(version)).unwrap_or(version.as_bstr())
}

/// The highest version of a family that a library defines.
fn newest(trouble: &Trouble<'_>, closure: &Closure, library: usize, family: &[u8]) -> Option<BString> {
    let view = View::new(trouble.subject.image, trouble.subject.rootfs);
    let object = view.object(closure.object(library)?.ino).ok().flatten()?;
    let of_family = |version: &&BStr| {
        let rest = version.strip_prefix(family).unwrap_or_default();
        rest.first().is_some_and(u8::is_ascii_digit)
    };
    object.strings(Tag::Defined).filter(of_family).max_by_key(|version| numbers(version)).map(BStr::to_owned)
}

/// All that is missing, once each.
fn missing(closure: &Closure) -> String {
    let mut names: Vec<String> = Vec::new();
    for error in &closure.errors {
        if let LinkError::Version { version, library, .. } = error {
            let name = format!("{} of {}", quote(version), quote(closure.display(*library)));
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let count = names.len();
    names.truncate(10);
    list(&names) + if count > names.len() { ", and others" } else { "" }
}

/// Releases that have a version.
fn releases(version: &BStr) -> Option<&'static str> {
    let wanted = (family(version), numbers(version));
    let has = |known: &BStr| family(known) == wanted.0 && numbers(known) >= wanted.1;
    RELEASES.iter().find(|(known, _)| has(BStr::new(known))).map(|(_, releases)| *releases)
}

/// The numbers in a version, to compare by.
fn numbers(version: &BStr) -> Vec<u32> {
    let tail = version.rfind_byte(b'_').and_then(|at| version.get(at + 1..)).unwrap_or_default();
    tail.split(|b| *b == b'.').map(|part| part.to_str().ok().and_then(|p| p.parse().ok()).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(numbers("GLIBC_2.38".into()) > numbers("GLIBC_2.9".into()));
        assert_eq!(family("GLIBCXX_3.4.32".into()), b"GLIBCXX_");
        assert_eq!(releases("GLIBC_2.38".into()), Some("Ubuntu 24.04, RHEL 10"));
        assert_eq!(releases("GLIBC_2.99".into()), None);
        assert_eq!(releases("FOO_1".into()), None);
    }
}
