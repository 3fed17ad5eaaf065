//! An image that an engine has sent before: as long as it is known by the same ID, it need not be sent again.
//!
//! Engines know an image by the digest of one of its documents: of its configuration, or (with containerd's store) of
//! its manifest or index. What was kept of the archive under that ID are the archive's documents, and which members its
//! layers were. The way from them to a plan is gone again, step by step, as if the archive had come; the plan is taken
//! only if a document of that very digest is on the way, verified. From there on all is verified by what came before, and
//! the layers must be known by what they are verified by. Otherwise the archive is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::Changeset;
use super::cache::{Cache, known_by};
use super::layer::Bounds;
use super::plan::{Plan, PlannedLayer};
use super::streamed::{Again, Seen, Which};
use crate::error::{Error, Result};
use crate::format::tree::Tree;
use crate::source::places::{Identity, Stream};
use crate::source::{Blobs, Input, Opened, clean};

/// An archive without its layers' bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outline {
    /// Who has sent it.
    pub engine: String,
    /// The documents by name.
    pub documents: BTreeMap<String, Vec<u8>>,
    /// The names of what may be layers, and which members they are where the names are links.
    pub layers: BTreeMap<String, String>,
    /// The digests of the images in it of which all layers were read, and were what the documents say.
    pub read: BTreeSet<String>,
}

impl Outline {
    /// Keeps the outline of an archive whose image `plan` was read from `stream`.
    pub fn keep(stream: &Stream, plan: &Plan, cache: &Cache, outline: impl FnOnce() -> Outline) {
        let Identity { id, engine } = stream.identity();
        if !cache.keeps() || !plan.is_known_by(id) {
            return;
        }
        let mut outline = Outline { engine: engine.clone(), ..outline() };
        if outline.documents.values().map(Vec::len).sum::<usize>() > DOCUMENTS_MAX {
            return;
        }
        // Other platforms of the same image were read before it.
        let before = cache.outline(id, plan.source);
        let is_same = |before: &Outline| Outline { read: BTreeSet::new(), ..before.clone() } == outline;
        let before = before.filter(is_same);
        outline.read.extend(before.into_iter().flat_map(|before| before.read));
        outline.read.insert(plan.digest.clone());
        cache.keep_outline(id, plan.source, &outline);
    }
}

/// Longer documents are not kept: those of an image have some tens of KiB.
const DOCUMENTS_MAX: usize = 1 << 20;

impl Plan {
    /// Whether a document of that digest leads to it.
    fn is_known_by(&self, id: &str) -> bool {
        self.documents.iter().any(|digest| digest == id)
    }
}

/// The same, to be read as if it were the archive.
pub(crate) struct Outlined {
    place: String,
    outline: Outline,
    /// Something was asked for that had not come with the archive. It may be there by now.
    lacks: AtomicBool,
}

impl Outlined {
    /// `place` names the image in messages.
    pub fn new(place: &str, outline: Outline) -> Self {
        Outlined { place: place.to_owned(), outline, lacks: AtomicBool::new(false) }
    }

    /// The image of these plans, if they are what the ID of `stream` stands for and all layers are known; `whole` if the layers
    /// are wanted rather than what they come to.
    pub fn known(self, stream: Stream, plans: &[Result<Plan>], cache: &Cache, whole: bool) -> Option<Known> {
        let plans: Vec<&Plan> = plans.iter().map(|plan| plan.as_ref().ok()).collect::<Option<_>>()?;
        let Identity { id, engine } = stream.identity();
        if *engine != self.outline.engine {
            return None;
        }
        let is_right = |plan: &&Plan| plan.is_known_by(id) && self.outline.read.contains(&plan.digest);
        if plans.is_empty() || !plans.iter().all(is_right) || self.lacks.load(Ordering::Relaxed) {
            return None;
        }
        let (bounds, mut layers) = (Bounds::default(), HashMap::new());
        if let [plan] = plans.as_slice()
            && !whole
            && let Some(tree) = known_by(&plan.layers).and_then(|layers| cache.tree(&layers))
        {
            return Some(Known { stream, members: self.outline.layers, layers, tree: Some(tree) });
        }
        for planned in plans.iter().flat_map(|plan| &plan.layers) {
            let digest = planned.verified_by()?;
            if !layers.contains_key(digest) {
                layers.insert(digest.to_owned(), Arc::new(cache.layer(planned, &bounds)?));
            }
        }
        Some(Known { stream, members: self.outline.layers, layers, tree: None })
    }
}

impl Blobs for Outlined {
    fn open(&self, name: &str) -> Result<Option<Opened>> {
        let name = clean(name);
        if let Some(bytes) = self.outline.documents.get(&name) {
            return Ok(Some(Opened { size: bytes.len() as u64, reader: Box::new(Cursor::new(bytes.clone())) }));
        }
        if name.starts_with("blobs/") {
            self.lacks.store(true, Ordering::Relaxed);
        }
        Ok(None)
    }

    fn place(&self) -> &str {
        &self.place
    }
}

/// An image whose layers are known.
pub(crate) struct Known {
    stream: Stream,
    members: BTreeMap<String, String>,
    /// By what they are verified by.
    layers: HashMap<String, Arc<Changeset>>,
    /// Of an image of one platform, which then needs no layers. Those of several would all be in memory at once.
    tree: Option<Tree>,
}

impl Known {
    /// The merged tree of the layers, if it is known.
    pub fn tree(&self) -> Option<Tree> {
        self.tree.clone()
    }

    /// The changesets of the planned layers; empty ones if their tree is known.
    pub fn layers(&self, plan: &Plan) -> Result<Vec<Arc<Changeset>>> {
        if self.tree.is_some() {
            return Ok(vec![Arc::default(); plan.layers.len()]);
        }
        let bounds = Bounds::default();
        let layer = |planned: &PlannedLayer| {
            let changeset = planned.verified_by().and_then(|digest| self.layers.get(digest));
            let changeset = changeset.ok_or_else(|| Error::new(&planned.what, "it is not known"))?;
            // The same blob may be a layer twice.
            bounds.count_again(changeset).map_err(|problem| Error::new(&planned.what, problem))?;
            Ok(Arc::clone(changeset))
        };
        plan.layers.iter().map(layer).collect()
    }

    /// The second look, for which the archive has to come after all.
    pub fn again(&self, plan: &Plan) -> Again {
        let seen = |planned: &PlannedLayer| Seen {
            member: Which::Name(self.members.get(&planned.file).cloned().unwrap_or_default()),
            expected: planned.expected.clone(),
            what: planned.what.clone(),
        };
        Again { input: Input::Stream(self.stream.clone()), layers: plan.layers.iter().map(seen).collect() }
    }
}
