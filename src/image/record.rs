//! How an image was built, as far as it says so itself. Nothing of it is proof: builders leave things out, and anyone can
//! write anything.

use std::collections::BTreeMap;

use super::Provenance;

/// An entry of `history` (image-spec, config.md): an instruction, as the builder that carried it out writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// `created_by`.
    pub created_by: String,
    /// `author`.
    pub author: String,
    /// `comment`.
    pub comment: String,
    /// `empty_layer`: it made no layer.
    pub is_empty_layer: bool,
}

/// What an image says of its making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// All entries of the history, in the order of the build.
    pub history: Vec<History>,
    /// The digests of the layers' archives, base first; they are the same however layers are compressed.
    pub diff_ids: Vec<String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// What its builder attests, if that was asked for.
    pub provenance: Option<Provenance>,
}

impl Record {
    /// How many layers the history tells of.
    pub fn told_layers(&self) -> usize {
        self.history.iter().filter(|entry| !entry.is_empty_layer).count()
    }

    /// Whether the layers of `base` are the first of this image.
    pub fn begins_with(&self, base: &Record) -> bool {
        !base.diff_ids.is_empty() && self.diff_ids.starts_with(&base.diff_ids)
    }
}
