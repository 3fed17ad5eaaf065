//! The platforms of an image, read one after the other: what they have in common is read once.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cache::{Cache, Remembering, known_by};
use super::known::{Known, Outline};
use super::load::{self, Shared};
use super::options::Options;
use super::plan::{Plan, PlannedLayer};
use super::progress::Progress;
use super::streamed::Streamed;
use super::{Changeset, Image, Layer, Other, Reread};
use crate::error::{Error, Result};
use crate::format::tree::Tree;
use crate::source::Blobs;

/// More than Linux has architectures and variants; all of their configurations are in memory at once.
const MAX_PLATFORMS: usize = 32;

/// Images still to be read, all of one source.
///
/// Only one is in memory at a time, beside the layers that later ones need again.
pub struct Images<'a> {
    reference: String,
    progress: &'a dyn Progress,
    cache: Cache,
    whole: bool,
    origin: Origin,
    /// An error is about one platform, and does not keep the others from being read.
    plans: VecDeque<Result<Plan>>,
    /// What is known of every platform.
    known: Vec<Other>,
    /// Of one image alone the platform goes without saying.
    is_alone: bool,
}

/// Where their layers come from.
pub(crate) enum Origin {
    /// A source that allows any order.
    Blobs(Arc<dyn Blobs>, Shared),
    /// One that has been read already.
    Streamed(Box<Streamed>),
    /// One that was read another time, and need not be again. All its layers are in memory, no more than one image may
    /// have.
    Known(Box<Known>),
    /// A root file system, which has one platform and nothing to choose.
    Whole(Option<Box<Image>>),
}

impl<'a> Images<'a> {
    /// What `plans` lead to in `origin`.
    ///
    /// # Errors
    /// There are more than any image has.
    pub(crate) fn new(
        reference: String,
        options: &Options<'a>,
        origin: Origin,
        plans: Vec<Result<Plan>>,
    ) -> Result<Self> {
        check_count(plans.len(), &format!("`{reference}`"))?;
        let known = plans.iter().flatten().map(|plan| Other {
            platform: plan.platform.clone(),
            layers: plan.layers.iter().map(|layer| layer.digest.clone()).collect(),
            executed: Vec::new(),
        });
        let (known, is_alone) = (known.collect(), plans.len() == 1);
        let (progress, cache) = (options.progress, Cache::new(options.store.clone()));
        Ok(Images { reference, progress, cache, whole: options.whole, origin, known, is_alone, plans: plans.into() })
    }

    fn read(&mut self, plan: Plan) -> Result<Image> {
        let platform = plan.platform.clone();
        let read = match &self.origin {
            Origin::Blobs(blobs, _) => match self.tree(&plan) {
                Some(tree) => Ok(self.merged(plan, Arc::clone(blobs), tree)),
                None => self.layered(plan),
            },
            _ => self.layered(plan),
        };
        read.map_err(|error| if self.is_alone { error } else { error.of_platform(platform) })
    }

    /// The merged tree of all layers, if it is known.
    fn tree(&self, plan: &Plan) -> Option<Tree> {
        self.cache.tree(&known_by(&plan.layers)?).filter(|_| !self.whole)
    }

    /// An image of which nothing need be read but what a second look takes.
    fn merged(&self, plan: Plan, blobs: Arc<dyn Blobs>, tree: Tree) -> Image {
        let unread = vec![Arc::default(); plan.layers.len()];
        let again = |layers| load::Again { blobs, layers, partial: Vec::new() };
        Image { tree: Some(tree), ..self.verified(plan, unread, again) }
    }

    fn layered(&mut self, plan: Plan) -> Result<Image> {
        let later: Vec<&Plan> = self.plans.iter().flatten().collect();
        match &mut self.origin {
            Origin::Blobs(blobs, shared) => {
                let blobs = Arc::clone(blobs);
                let read = load::layers(blobs.as_ref(), &plan, shared, &later, &self.cache, self.progress);
                read.map(|read| {
                    let (changesets, partial): (_, Vec<Option<_>>) =
                        read.into_iter().map(|read| (read.changeset, read.partial)).unzip();
                    let tables = partial.iter().flatten().count();
                    let known_by = plan.layers.iter().zip(&partial).map(|(layer, partial)| match partial {
                        Some(_) => layer.table.as_ref().map(|table| table.digest().to_owned()),
                        None => verified_by(layer),
                    });
                    let known_by = known_by.collect();
                    let again = |layers| load::Again { blobs, layers, partial };
                    Image { tables, ..self.image(plan, changesets, known_by, again) }
                })
            }
            Origin::Streamed(streamed) => {
                let changesets = streamed.layers(&plan, &later, &self.cache);
                let again = streamed.again(&plan);
                if let (Ok(_), Some(stream)) = (&changesets, streamed.stream()) {
                    Outline::keep(stream, &plan, &self.cache, || streamed.outline());
                }
                changesets.map(|changesets| self.verified(plan, changesets, |_| again))
            }
            Origin::Known(known) => {
                let (changesets, again, tree) = (known.layers(&plan), known.again(&plan), known.tree());
                changesets.map(|changesets| Image { tree, ..self.verified(plan, changesets, |_| again) })
            }
            Origin::Whole(_) => Err(Error::new(format!("`{}`", self.reference), "it has one platform")),
        }
    }

    /// An image of which all layers were read as a whole.
    fn verified<R: Reread + 'static>(
        &self,
        plan: Plan,
        changesets: Vec<Arc<Changeset>>,
        again: impl FnOnce(Vec<PlannedLayer>) -> R,
    ) -> Image {
        let known_by = plan.layers.iter().map(verified_by).collect();
        self.image(plan, changesets, known_by, again)
    }

    fn image<R: Reread + 'static>(
        &self,
        plan: Plan,
        changesets: Vec<Arc<Changeset>>,
        digests: Vec<Option<String>>,
        again: impl FnOnce(Vec<PlannedLayer>) -> R,
    ) -> Image {
        let tree = known_by(&plan.layers).filter(|_| changesets.iter().all(|changeset| changeset.is_whole()));
        let layer = |(planned, changeset): (&PlannedLayer, Arc<Changeset>)| Layer {
            digest: planned.digest.clone(),
            created_by: planned.created_by.clone(),
            changeset,
        };
        Image {
            source: plan.source,
            reference: self.reference.clone(),
            digest: Some(plan.digest),
            others: self.known.iter().filter(|other| other.platform != plan.platform).cloned().collect(),
            platform: plan.platform,
            configured: plan.configured,
            configuration: plan.configuration,
            record: plan.record,
            layers: plan.layers.iter().zip(changesets).map(layer).collect(),
            tree: None,
            tables: 0,
            unseen: None,
            upon: None,
            again: Box::new(Remembering { inner: again(plan.layers), cache: self.cache.clone(), digests, tree }),
        }
    }
}

fn verified_by(layer: &PlannedLayer) -> Option<String> {
    layer.verified_by().map(str::to_owned)
}

/// Complains of too many, if possible before they are planned.
pub(crate) fn check_count(platforms: usize, reading: &str) -> Result<()> {
    if platforms <= MAX_PLATFORMS {
        return Ok(());
    }
    Err(Error::new(reading, format!("it has more than {MAX_PLATFORMS} platforms, the most that are read")))
}

impl Iterator for Images<'_> {
    type Item = Result<Image>;

    fn next(&mut self) -> Option<Result<Image>> {
        if let Origin::Whole(image) = &mut self.origin {
            return image.take().map(|image| Ok(*image));
        }
        let plan = self.plans.pop_front()?;
        Some(plan.and_then(|plan| self.read(plan)))
    }
}
