//! Index, manifest, configuration and layers, in the words of the OCI image specification.

mod changeset;
mod config;
mod configuration;
mod directory;
mod docker_archive;
mod document;
mod index;
mod keep;
#[doc(hidden)]
pub mod layer;
mod load;
mod manifest;
mod open;
mod options;
mod plan;
mod platform;
mod progress;
mod rootfs;
mod select;
mod streamed;

pub use changeset::{BadArchive, Changeset, Content, Entry, FileType};
pub use configuration::{Configuration, Healthcheck};
pub use open::open;
pub use options::Options;
pub use platform::Platform;
pub use progress::Progress;

use crate::error::Result;

/// An image of one platform, its layers read.
pub struct Image {
    /// The kind of source, as reports show it: `oci-layout`, `oci-archive`, `docker-archive`, `rootfs`.
    pub source: &'static str,
    /// What the user asked for, and the name chosen inside it where there were several.
    pub reference: String,
    /// Digest of the manifest; of the configuration where the source has no manifest (the *image ID*);
    /// `None` for a root file system.
    pub digest: Option<String>,
    /// The platform of the configuration, its variant from the index where only that has one.
    pub platform: Platform,
    /// What the process is to be.
    pub configuration: Configuration,
    /// Base first.
    pub layers: Vec<Layer>,
    /// A second look at layers, for bytes that were not kept.
    pub again: Box<dyn Reread>,
}

/// A layer: where it comes from and what it holds.
pub struct Layer {
    /// Digest of the blob as stored; the diff id where the source stores plain tar archives; empty for a root file
    /// system, which has neither.
    pub digest: String,
    /// `created_by` of its history entry, if the configuration has one.
    pub created_by: Option<String>,
    /// Its entries.
    pub changeset: Changeset,
}

/// Reads bytes of a layer a second time.
pub trait Reread: Send + Sync {
    /// The `len` bytes (fewer at the end of the file) at `offset` of the regular file that entry `ordinal` of layer
    /// `layer` holds.
    ///
    /// # Errors
    /// The source cannot be read twice (standard input), or has changed.
    fn reread(&self, layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>>;
}
