//! What was learned of layers before, by the digest of their blob: a layer that is known is not read again.
//!
//! Only what was verified is kept, under the very digest that it was verified by: that of the blob as stored, which for
//! a layer that is not compressed is its diff id, too. A diff id that a configuration only states would let one image
//! say what is in the layers of another. What all layers of an image come to is kept under the digest of the list of what
//! each was verified by: in another order, or with one more, they come to something else. What led to an image of an engine
//! is kept under the engine's ID of it, and held against that when it is used ([`super::known`]).

use std::sync::Arc;

use super::known::Outline;
use super::layer::Bounds;
use super::plan::PlannedLayer;
use super::{Changeset, Content, Reread};
use crate::error::Result;
use crate::format::tree::Tree;
use crate::source::verify::Hasher;
use crate::source::{Keep, Key};

/// Layers that are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache(Option<Arc<dyn Keep>>);

impl Cache {
    /// In `store`, or nowhere.
    pub fn new(store: Option<Arc<dyn Keep>>) -> Self {
        Cache(store)
    }

    /// The changeset of a layer, if it is known and within what is left of `bounds`.
    pub fn layer(&self, planned: &PlannedLayer, bounds: &Bounds) -> Option<Changeset> {
        let bytes = self.get(planned.verified_by()?, LAYER)?;
        let changeset: Changeset = postcard::from_bytes(&bytes).ok()?;
        bounds.hold(&changeset).then_some(changeset)
    }

    /// Keeps a changeset that was verified, unless something was left out of it.
    pub fn keep_layer(&self, planned: &PlannedLayer, changeset: &Changeset) {
        if let Some(digest) = planned.verified_by() {
            self.keep(digest, changeset);
        }
    }

    /// The same, of a blob that has this digest. What engines refuse as an archive is not kept: of a layer that was
    /// compressed twice the diff id is the digest of a compressed blob, which is a sound layer of another image.
    pub fn keep(&self, digest: &str, changeset: &Changeset) {
        if changeset.is_whole()
            && changeset.bad_archive().is_none()
            && self.0.is_some()
            && let Ok(bytes) = postcard::to_extend(changeset, Vec::with_capacity(changeset.len() * WRITTEN))
        {
            self.put(digest, LAYER, &bytes);
        }
    }

    /// The merged tree of layers, if it is known; `layers` is what they are [known by](known_by).
    pub fn tree(&self, layers: &str) -> Option<Tree> {
        Tree::read(self.get(layers, TREE)?)
    }

    /// A table of contents, and where the files' bytes end in the blob.
    pub fn table(&self, digest: &str) -> Option<(Vec<u8>, u64)> {
        postcard::from_bytes(&self.get(digest, "table")?).ok()
    }

    /// Keeps a table that was verified by this digest.
    pub fn keep_table(&self, digest: &str, json: &[u8], end: u64) {
        if let Ok(bytes) = postcard::to_stdvec(&(json, end)) {
            self.put(digest, "table", &bytes);
        }
    }

    /// Whether anything is kept.
    pub fn keeps(&self) -> bool {
        self.0.is_some()
    }

    /// Whether what is kept will be there in another run: images of one run share layers, but not all of them.
    fn lasts(&self) -> bool {
        self.0.as_ref().is_some_and(|store| store.lasts())
    }

    /// What led to an image that `place` knows by the digest `id`.
    pub fn outline(&self, id: &str, place: &str) -> Option<Outline> {
        postcard::from_bytes(&self.get(id, &outline_of(place))?).ok()
    }

    /// Keeps it.
    pub fn keep_outline(&self, id: &str, place: &str, outline: &Outline) {
        if let Ok(bytes) = postcard::to_stdvec(outline) {
            self.put(id, &outline_of(place), &bytes);
        }
    }

    fn get(&self, digest: &str, what: &str) -> Option<Vec<u8>> {
        self.0.as_ref()?.get(&Key::new(digest, what)?)
    }

    fn put(&self, digest: &str, what: &str, bytes: &[u8]) {
        if let (Some(store), Some(key)) = (&self.0, Key::new(digest, what)) {
            store.put(&key, bytes);
        }
    }
}

/// What an outline is kept as: engines write the same image in different ways.
fn outline_of(place: &str) -> String {
    format!("saved-by-{place}")
}

/// What a changeset is kept as.
const LAYER: &str = "layer";

/// More bytes than entries are long on average when they are written.
const WRITTEN: usize = 16;

/// What a merged tree is kept as.
const TREE: &str = "tree";

/// What the layers of an image are known by together: the digest of a list of what each was verified by, in their order.
/// `None` if one was not.
pub(super) fn known_by(layers: &[PlannedLayer]) -> Option<String> {
    let mut hasher = Hasher::Sha256(Default::default());
    for layer in layers {
        hasher.update(layer.verified_by()?.as_bytes());
        hasher.update(b"\n");
    }
    Some(hasher.finish())
}

/// Longer pieces of files are not kept: what was made of them is.
const PIECE_MAX: usize = 1 << 20;

/// A second look at layers that is not taken twice.
pub(super) struct Remembering<R> {
    pub inner: R,
    pub cache: Cache,
    /// What the layers were verified by, or the tables that stand for them.
    pub digests: Vec<Option<String>>,
    /// What they are known by together, if their tree may be kept.
    pub tree: Option<String>,
}

impl<R> Remembering<R> {
    fn digest(&self, layer: usize) -> Option<&str> {
        self.digests.get(layer)?.as_deref()
    }
}

impl<R: Reread> Reread for Remembering<R> {
    fn reread(&self, layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>> {
        let what = format!("{offset}-{len}");
        if let Some(known) = self.recall(layer, ordinal, &what) {
            return Ok(known);
        }
        let bytes = self.inner.reread(layer, ordinal, offset, len)?;
        if bytes.len() <= PIECE_MAX {
            self.remember(layer, ordinal, &what, &bytes);
        }
        Ok(bytes)
    }

    fn content(&self, layer: usize, ordinal: u32) -> Result<Option<Content>> {
        let known = self.recall(layer, ordinal, "content");
        if let Some(known) = known.and_then(|bytes| postcard::from_bytes(&bytes).ok()) {
            return Ok(known);
        }
        let content = self.inner.content(layer, ordinal)?;
        if let Ok(bytes) = postcard::to_stdvec(&content) {
            self.remember(layer, ordinal, "content", &bytes);
        }
        Ok(content)
    }

    fn recall(&self, layer: usize, ordinal: u32, what: &str) -> Option<Vec<u8>> {
        self.cache.get(self.digest(layer)?, &format!("{ordinal}-{what}"))
    }

    fn remember(&self, layer: usize, ordinal: u32, what: &str, made: &[u8]) {
        if let Some(digest) = self.digest(layer) {
            self.cache.put(digest, &format!("{ordinal}-{what}"), made);
        }
    }

    fn keeps_tree(&self) -> bool {
        self.tree.is_some() && self.cache.lasts()
    }

    fn keep_tree(&self, tree: &[&[u8]]) {
        let key = self.tree.as_deref().and_then(|layers| Key::new(layers, TREE));
        if let (Some(store), Some(key)) = (&self.cache.0, key) {
            store.put_parts(&key, tree);
        }
    }
}
