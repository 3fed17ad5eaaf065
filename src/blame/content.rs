//! Which file of the repository a file of an image is, by what is in it.
//!
//! Git's index has the ids of all files, so that most need not be read. A checkout that converts line ends
//! (`core.autocrlf`, gitattributes(5)) changes the bytes on their way into the image: what is the same but for those is the same.

use bstr::{BStr, BString, ByteSlice};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::source::context::{Context, Kind, Listed};

/// Files beyond this length are not compared.
pub const MAX_LENGTH: u64 = 1 << 20;

/// How a file of the image and one of the repository are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Same {
    /// Byte by byte.
    Whole,
    /// The image has CRLF line ends, and the repository LF.
    ToCrlf,
    /// The other way round.
    ToLf,
}

/// The bytes as they may be in the repository.
struct Form {
    same: Same,
    bytes: Vec<u8>,
    ids: [String; 2],
}

impl Form {
    fn new(same: Same, bytes: Vec<u8>) -> Self {
        let ids = [blob::<Sha1>(&bytes), blob::<Sha256>(&bytes)];
        Form { same, bytes, ids }
    }
}

/// A file of the image, to be found in the repository.
pub struct Wanted(Vec<Form>);

impl Wanted {
    /// The file with these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        let other = if bytes.contains_str("\r\n") {
            Some((Same::ToCrlf, bytes.replace("\r\n", "\n")))
        } else {
            bytes.contains(&b'\n').then(|| (Same::ToLf, bytes.replace("\n", "\r\n")))
        };
        let other = other.map(|(same, bytes)| Form::new(same, bytes));
        Wanted(std::iter::once(Form::new(Same::Whole, bytes)).chain(other).collect())
    }

    /// Whether these are its bytes.
    pub fn has(&self, bytes: &[u8]) -> bool {
        self.0.first().is_some_and(|form| form.bytes == bytes)
    }

    /// Whether a file of the context is it.
    pub fn is(&self, context: &Context, path: &BStr, listed: &Listed) -> Option<Same> {
        if listed.kind != Kind::Regular {
            return None;
        }
        let tracked = listed.blob.as_ref().and_then(|blob| self.0.iter().find(|form| form.ids.contains(blob)));
        tracked.or_else(|| self.lying(context, path)).map(|form| form.same)
    }

    /// The file may have been changed since git saw it.
    fn lying(&self, context: &Context, path: &BStr) -> Option<&Form> {
        let size = context.size(path);
        if !self.0.iter().any(|form| form.bytes.len() as u64 == size) {
            return None;
        }
        let bytes = context.read(path, MAX_LENGTH + 1).ok()?;
        self.0.iter().find(|form| form.bytes == bytes)
    }

    /// The one among files of the context; of several the one whose path is likest that in the image, if there is one.
    pub fn among<'c>(
        &self,
        context: &Context,
        files: impl Iterator<Item = (&'c BString, &'c Listed)>,
        image: &BStr,
    ) -> Option<(BString, Same)> {
        if self.0.first().is_none_or(|form| form.bytes.is_empty()) {
            return None;
        }
        let found = files.filter_map(|(path, listed)| Some((self.is(context, path.as_bstr(), listed)?, path)));
        let found: Vec<_> = found.collect();
        let best = found.iter().map(|(same, _)| *same).min()?;
        let mut likest: Vec<_> = found.iter().filter(|(same, _)| *same == best).collect();
        likest.sort_by_key(|(_, path)| std::cmp::Reverse(likeness(path, image)));
        let (_, path) = match likest.as_slice() {
            [(_, first), (_, second), ..] if likeness(first, image) == likeness(second, image) => return None,
            [first, ..] => *first,
            [] => return None,
        };
        Some(((*path).clone(), best))
    }
}

/// How many names two paths have in common at their end.
fn likeness(a: &[u8], b: &[u8]) -> usize {
    a.rsplit_str("/").zip(b.rsplit_str("/")).take_while(|(a, b)| a == b).count()
}

/// git-hash-object(1).
fn blob<D: Digest>(bytes: &[u8]) -> String {
    let mut hasher = D::new();
    hasher.update(format!("blob {}\0", bytes.len()));
    hasher.update(bytes);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        assert_eq!(blob::<Sha1>(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(blob::<Sha1>(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
    }

    #[test]
    fn paths_are_alike_from_their_ends() {
        assert_eq!(likeness(b"docker/run.sh", b"/run.sh"), 1);
        assert_eq!(likeness(b"docker/run.sh", b"/opt/docker/run.sh"), 2);
        assert_eq!(likeness(b"a", b"/b"), 0);
    }
}
