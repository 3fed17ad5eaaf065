//! The OCI way in: `index.json`, the indexes below it, and the manifests they lead to.

use std::collections::HashSet;

use oci_spec::image::{Descriptor, ImageIndex};
use serde_json::Value;

use super::manifest::{self, Leaf, Manifest};
use super::select::{self, Named, Source};
use super::{Platform, document};
use crate::error::{Error, Result};
use crate::source::Blobs;

/// Engines nest one level, two at most.
const MAX_DEPTH: usize = 8;

/// More than any image has platforms and attestations.
const MAX_MANIFESTS: usize = 4096;

/// The entries of `index.json`, those for one digest merged; `None` if the source has no `index.json`.
pub(crate) fn entries(blobs: &dyn Blobs) -> Result<Option<Vec<Named<Descriptor>>>> {
    let Some(bytes) = document::read(blobs, "index.json")? else { return Ok(None) };
    let reading = format!("`index.json` of {}", blobs.place());
    let index = parse(document::value(&bytes, &reading)?, &reading)?;
    if index.manifests().len() > MAX_MANIFESTS {
        return Err(Error::new(reading, format!("it lists more than {MAX_MANIFESTS} manifests")));
    }
    let mut entries: Vec<Named<Descriptor>> = Vec::new();
    for descriptor in index.manifests() {
        let digest = descriptor.digest().to_string();
        let names = names(descriptor);
        match entries.iter_mut().find(|e| e.digest == digest) {
            Some(entry) => entry.names.extend(names),
            None => entries.push(Named { names, digest, value: descriptor.clone() }),
        }
    }
    Ok(Some(entries))
}

/// image-spec annotations.md; `io.containerd.image.name` is what containerd and Docker add, with the repository.
fn names(descriptor: &Descriptor) -> Vec<String> {
    let annotations = descriptor.annotations().as_ref();
    let name = |key: &str| annotations.and_then(|a| a.get(key)).filter(|name| !name.is_empty()).cloned();
    ["io.containerd.image.name", "org.opencontainers.image.ref.name"].into_iter().filter_map(name).collect()
}

/// The one manifest for `wanted` and `platform`; `typed` is how the source is named.
pub(crate) fn choose(
    blobs: &dyn Blobs,
    entries: Vec<Named<Descriptor>>,
    wanted: Option<&str>,
    platform: Option<&Platform>,
    typed: &str,
) -> Result<Manifest> {
    let source = Source { place: blobs.place(), typed };
    let entries = select::by_name(entries, wanted, &source)?;
    let mut walk = Walk { blobs, seen: HashSet::new(), leaves: Vec::new(), absent: None, attestations: false };
    for (number, entry) in entries.iter().enumerate() {
        walk.follow(&entry.value, None, number, 0)?;
    }
    let leaf = choose_leaf(blobs, walk, platform, &entries, &source)?;
    manifest::read(blobs, &leaf)?.ok_or_else(|| document::missing(blobs, "manifest", leaf.descriptor.digest()))
}

fn choose_leaf(
    blobs: &dyn Blobs,
    walk: Walk<'_>,
    wanted: Option<&Platform>,
    entries: &[Named<Descriptor>],
    source: &Source<'_>,
) -> Result<Leaf> {
    if let (None, [only]) = (wanted, walk.leaves.as_slice()) {
        return Ok(only.clone());
    }
    if walk.leaves.is_empty() {
        return Err(match (walk.absent, walk.attestations) {
            (Some(absent), _) => document::missing(blobs, "index", absent.digest()),
            (None, true) => Error::new(blobs.place(), "it holds attestations only, and no image"),
            (None, false) => Error::new(blobs.place(), "its index lists no image"),
        });
    }
    let only = walk.leaves.len() == 1;
    let mut placed = Vec::new();
    let mut artifact = None;
    for leaf in walk.leaves {
        match leaf.platform.clone().map_or_else(|| manifest::platform_of(blobs, &leaf), |p| Ok(Some(p))) {
            Ok(Some(platform)) => placed.push((platform, leaf)),
            Ok(None) if only => return Ok(leaf),
            // Blobs of other images need not be here (`docker save` of one platform), and artifacts are no choice.
            Ok(None) => artifact = Some(leaf),
            Err(error) => return Err(error),
        }
    }
    if let (true, Some(artifact)) = (placed.is_empty(), artifact) {
        return Ok(artifact);
    }
    let all = placed.clone();
    let (platform, leaf) = select::by_platform(placed, wanted, blobs.place())?;
    let other = |(p, l): &(Platform, Leaf)| *p == platform && l.entry != leaf.entry;
    if all.iter().any(|candidate| other(candidate) && candidate.1.descriptor.digest() != leaf.descriptor.digest()) {
        return Err(select::several(&unnamed(entries), source));
    }
    Ok(leaf)
}

/// Where names do not tell images apart, digests do.
fn unnamed(entries: &[Named<Descriptor>]) -> Vec<Named<()>> {
    entries.iter().map(|e| Named { names: Vec::new(), digest: e.digest.clone(), value: () }).collect()
}

struct Walk<'a> {
    blobs: &'a dyn Blobs,
    seen: HashSet<String>,
    leaves: Vec<Leaf>,
    /// An index whose blob is not here.
    absent: Option<Descriptor>,
    attestations: bool,
}

impl Walk<'_> {
    /// Collects the manifests below `descriptor`. Every digest is visited once, so a cycle, were one possible among
    /// digests, would end.
    fn follow(&mut self, descriptor: &Descriptor, above: Option<&Platform>, entry: usize, depth: usize) -> Result<()> {
        if is_attestation(descriptor) {
            self.attestations = true;
            return Ok(());
        }
        if !self.seen.insert(descriptor.digest().to_string()) {
            return Ok(());
        }
        if depth > MAX_DEPTH || self.seen.len() > MAX_MANIFESTS {
            return Err(Error::new(self.blobs.place(), "its indexes are nested too deeply or list too many manifests"));
        }
        let platform = platform_in(descriptor).or_else(|| above.cloned());
        match self.index(descriptor)? {
            Step::Index(index) => {
                index.manifests().iter().try_for_each(|below| self.follow(below, platform.as_ref(), entry, depth + 1))
            }
            Step::Absent => {
                self.absent = Some(descriptor.clone());
                Ok(())
            }
            Step::Leaf => {
                self.leaves.push(Leaf { descriptor: descriptor.clone(), platform, entry });
                Ok(())
            }
        }
    }

    /// Reads an index. The media type says whether it is one; without it, the document does.
    fn index(&self, descriptor: &Descriptor) -> Result<Step> {
        let media_type = descriptor.media_type().to_string();
        let certain = is_index_type(&media_type);
        if !certain && !media_type.is_empty() {
            return Ok(Step::Leaf);
        }
        let Some(bytes) = document::described(self.blobs, descriptor, "index")? else {
            return Ok(if certain { Step::Absent } else { Step::Leaf });
        };
        let reading = format!("index {} of {}", descriptor.digest(), self.blobs.place());
        let value = document::value(&bytes, &reading)?;
        if !certain && value.get("manifests").is_none() {
            return Ok(Step::Leaf);
        }
        Ok(Step::Index(Box::new(parse(value, &reading)?)))
    }
}

enum Step {
    Index(Box<ImageIndex>),
    Leaf,
    Absent,
}

fn is_index_type(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.index.v1+json" | "application/vnd.docker.distribution.manifest.list.v2+json"
    )
}

/// A document that is both index and manifest means different images to different tools (CVE-2021-41190).
fn parse(value: Value, reading: &str) -> Result<ImageIndex> {
    if value.get("layers").is_some() || value.get("config").is_some() {
        return Err(Error::new(reading, "it is both an index and a manifest"));
    }
    if value.get("manifests").is_none() {
        return Err(Error::new(reading, "it is no index: it has no `manifests`"));
    }
    document::typed(value, reading)
}

fn platform_in(descriptor: &Descriptor) -> Option<Platform> {
    let platform = descriptor.platform().as_ref()?;
    let (os, architecture) = (platform.os().to_string(), platform.architecture().to_string());
    if os.is_empty() || architecture.is_empty() {
        return None;
    }
    Some(Platform::new(&os, &architecture, platform.variant().as_deref()))
}

/// BuildKit stores provenance beside the image, as a manifest for `unknown/unknown` (docs/attestations).
fn is_attestation(descriptor: &Descriptor) -> bool {
    let annotations = descriptor.annotations().as_ref();
    let annotated = annotations.and_then(|a| a.get("vnd.docker.reference.type"));
    annotated.is_some_and(|kind| kind == "attestation-manifest")
        || platform_in(descriptor).is_some_and(|p| p.os == "unknown" && p.architecture == "unknown")
}
