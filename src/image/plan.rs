//! What is to be read: everything about the chosen image except the layers' bytes.

use std::collections::HashMap;

use oci_spec::image::Digest;

use super::layer::Expected;
use super::{Configuration, Platform, Record};

/// An image found and chosen, its layers not read yet.
#[derive(Debug)]
pub(crate) struct Plan {
    pub source: &'static str,
    pub digest: String,
    /// The digests of all documents that led here and were verified, from an index to the configuration.
    pub documents: Vec<String>,
    pub platform: Platform,
    /// As [`super::Image::configured`].
    pub configured: Option<Platform>,
    pub configuration: Configuration,
    pub record: Record,
    pub layers: Vec<PlannedLayer>,
}

/// Where a layer is and what it must be.
#[derive(Debug)]
pub(crate) struct PlannedLayer {
    /// Its file in the source.
    pub file: String,
    /// As [`super::Layer::digest`].
    pub digest: String,
    pub expected: Expected,
    pub created_by: Option<String>,
    /// Set if the manifest vouches for a table of contents in the blob.
    pub table: Option<Vouched>,
    /// Set if engines fetch it from elsewhere.
    pub foreign: Option<Foreign>,
    /// How messages call it.
    pub what: String,
}

impl PlannedLayer {
    /// The digest that its bytes are verified by: of the blob, or else of the archive inside.
    pub fn verified_by(&self) -> Option<&str> {
        self.expected.digest.as_deref().or(self.expected.diff_id.as_deref())
    }
}

/// A table of contents, and the digest by which the manifest vouches for it.
#[derive(Clone, Debug)]
pub(crate) enum Vouched {
    /// Of its JSON (stargz-snapshotter, docs/estargz.md, *TOC*).
    Estargz { digest: String },
    /// Of its compressed bytes, and where they are (containers/storage `pkg/chunked/internal/compression.go`).
    ZstdChunked { digest: String, position: String },
}

impl Vouched {
    /// The digest.
    pub fn digest(&self) -> &str {
        match self {
            Vouched::Estargz { digest } | Vouched::ZstdChunked { digest, .. } => digest,
        }
    }

    /// As a layer's annotations have it.
    pub fn of(annotations: &HashMap<String, String>) -> Option<Self> {
        let find = |key: &str| annotations.get(key).cloned();
        if let Some(digest) = find("containerd.io/snapshot/stargz/toc.digest") {
            return Some(Vouched::Estargz { digest });
        }
        // the second is what it was called until 2023
        ["io.github.containers.zstd-chunked", "io.containers.zstd-chunked"].into_iter().find_map(|prefix| {
            let digest = find(&format!("{prefix}.manifest-checksum"))?;
            let position = find(&format!("{prefix}.manifest-position"))?;
            Some(Vouched::ZstdChunked { digest, position })
        })
    }
}

/// A layer that is not distributed with its image (image-spec, layer.md, *Non-Distributable Layers*).
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    pub url: Option<String>,
}

/// `layer 2 of 5 (sha256:…) of archive `x.tar``.
pub(crate) fn what(index: usize, count: usize, digest: &str, place: &str) -> String {
    format!("layer {} of {count} ({digest}) of {place}", index + 1)
}

/// What the bytes of a layer must hash to.
pub(crate) fn expected(digest: Option<&Digest>, diff_id: Option<&Digest>, size: Option<u64>) -> Expected {
    Expected { digest: digest.map(ToString::to_string), diff_id: diff_id.map(ToString::to_string), size }
}
