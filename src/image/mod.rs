//! Index, manifest, configuration and layers, in the words of the OCI image specification.

mod cache;
mod changeset;
mod config;
mod configuration;
mod directory;
mod docker_archive;
mod document;
mod images;
mod index;
mod keep;
mod known;
#[doc(hidden)]
pub mod layer;
mod load;
mod manifest;
mod named;
mod open;
mod options;
mod plan;
mod platform;
mod progress;
mod provenance;
mod record;
mod rootfs;
mod select;
mod streamed;
mod toc;

pub use changeset::{BadArchive, Changeset, Content, Entry, FileType};
pub use configuration::{Configuration, Healthcheck};
pub use images::Images;
pub use open::{at_hand, open, open_all};
pub use options::Options;
pub use platform::Platform;
pub use progress::Progress;
pub use provenance::Provenance;
pub use record::{History, Record};

/// What the image with this configuration says of its making.
#[cfg(test)]
pub(crate) fn config_record(bytes: &[u8]) -> Result<Record> {
    Ok(config::Document::parse(bytes, "a test")?.record(Default::default()))
}

use bstr::BString;
use std::sync::Arc;

use crate::error::Result;
use crate::format::tree::Tree;

/// An image of one platform, its layers read.
pub struct Image {
    /// The kind of source, as reports show it: `oci-layout`, `oci-archive`, `docker-archive`, `rootfs`, `docker`,
    /// `podman`, `containerd`, `registry`.
    pub source: &'static str,
    /// What the user asked for, and the name chosen inside it where there were several.
    pub reference: String,
    /// Digest of the manifest; of the configuration where the source has no manifest (the *image ID*);
    /// `None` for a root file system.
    pub digest: Option<String>,
    /// The platform for which engines choose it: that of the index if there is one and it says, else that of the
    /// configuration.
    pub platform: Platform,
    /// The platform of the configuration, if the index says another.
    pub configured: Option<Platform>,
    /// The other platforms of the image, where all of them are read.
    pub others: Vec<Other>,
    /// What the process is to be.
    pub configuration: Configuration,
    /// What it says of its making.
    pub record: Record,
    /// Base first.
    pub layers: Vec<Layer>,
    /// The merged tree of exactly these layers, if it is known from an earlier run: they were not read then, and are
    /// empty.
    pub tree: Option<Tree>,
    /// How many layers are known by their tables of contents only.
    pub tables: usize,
    /// Of an image that is not built yet: the base that was looked at, where, and its digest.
    pub upon: Option<String>,
    /// Files that no layer has may be there all the same.
    pub unseen: Option<Unseen>,
    /// A second look at layers, for bytes that were not kept.
    pub again: Box<dyn Reread>,
}

impl Image {
    /// Whether it is one, and not what a Dockerfile is taken to make.
    pub fn is_built(&self) -> bool {
        self.source != DOCKERFILE
    }
}

/// The source of what is still to be built.
pub const DOCKERFILE: &str = "dockerfile";

/// That the layers do not tell all: the image is still to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// Below which directories; `/` stands for all.
    pub below: Vec<BString>,
    /// Who may have made what is not seen: `which the base image may have`.
    pub why: &'static str,
    /// What a program is taken for that is named by its path, and that nobody has seen; empty if it is not.
    pub program: Vec<u8>,
    /// The layer whose files are likewise only taken to be there.
    pub assumed: Option<u16>,
}

impl Unseen {
    /// Whether a path may be there although no layer has it.
    pub fn covers(&self, path: &[u8]) -> bool {
        let is_below = |directory: &BString| {
            let rest = path.strip_prefix(directory.strip_suffix(b"/").unwrap_or(directory));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        self.below.iter().any(is_below)
    }
}

/// Another platform of an image, as far as it is known without reading its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Which.
    pub platform: Platform,
    /// The digests of its layers, as [`Layer::digest`].
    pub layers: Vec<String>,
    /// The files that its command executes, if that was followed before: length, and what was kept of them.
    pub executed: Vec<(u64, Arc<Content>)>,
}

/// A layer: where it comes from and what it holds.
pub struct Layer {
    /// Digest of the blob as stored; the diff id where the source stores plain tar archives; empty for a root file
    /// system, which has neither.
    pub digest: String,
    /// `created_by` of its history entry, if the configuration has one.
    pub created_by: Option<String>,
    /// Its entries, none where [`Image::tree`] is known; the platforms of an image share the layers that they have in
    /// common.
    pub changeset: Arc<Changeset>,
}

/// Reads bytes of a layer a second time.
pub trait Reread: Send + Sync {
    /// The `len` bytes (fewer at the end of the file) at `offset` of the regular file that entry `ordinal` of layer
    /// `layer` holds.
    ///
    /// # Errors
    /// The source cannot be read twice (standard input), or has changed.
    fn reread(&self, layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>>;

    /// What would have been kept of that file, where [`Content::is_unread`] says that it was not read.
    ///
    /// # Errors
    /// As [`Reread::reread`].
    fn content(&self, layer: usize, ordinal: u32) -> Result<Option<Content>> {
        let _ = (layer, ordinal);
        Ok(None)
    }

    /// What was made of that file before, and [`Reread::remember`]ed as `what`.
    fn recall(&self, layer: usize, ordinal: u32, what: &str) -> Option<Vec<u8>> {
        let _ = (layer, ordinal, what);
        None
    }

    /// Keeps what was made of the file, so that another look is not needed the next time.
    fn remember(&self, layer: usize, ordinal: u32, what: &str, made: &[u8]) {
        let _ = (layer, ordinal, what, made);
    }

    /// Whether the merged tree of the image would be kept.
    fn keeps_tree(&self) -> bool {
        false
    }

    /// Keeps it, as [`Image::tree`] of the next run; it is in parts.
    fn keep_tree(&self, tree: &[&[u8]]) {
        let _ = tree;
    }
}
