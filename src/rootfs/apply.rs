//! Applying changesets: to come.

use bstr::BString;

/// A layer that some or all engines refuse to unpack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The layer, counted from 0.
    pub layer: usize,
    /// The entry.
    pub path: BString,
    /// What is wrong.
    pub kind: RefusalKind,
}

/// What is wrong with a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Not a tar archive as Go's archive/tar reads them.
    Archive(String),
    /// A hard link to a file that is not in the same layer; all engines refuse.
    HardlinkTargetAbsent(BString),
    /// A whiteout for a file that the same layer added before; all engines refuse.
    WhiteoutOfOwnFile,
    /// A path twice; those that unpack with tar-split (Docker's graph drivers, containers/storage) refuse.
    DuplicatePath,
    /// The parent directory is a link that leads to nothing within the layer; the same engines refuse.
    ParentOutsideLayer(BString),
}

impl RefusalKind {
    /// Whether every engine refuses, rather than those with [`strict layers`](crate) only.
    pub fn by_all(&self) -> bool {
        !matches!(self, RefusalKind::DuplicatePath | RefusalKind::ParentOutsideLayer(_))
    }
}
