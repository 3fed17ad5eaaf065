//! The OCI way in: `index.json`, the indexes below it, and the manifests they lead to.

use std::collections::HashSet;

use oci_spec::image::{Descriptor, ImageIndex};
use serde_json::Value;

use super::manifest::{self, Leaf, Manifest};
use super::plan::Plan;
use super::select::{self, Named, Source};
use super::{Platform, document, images};
use crate::error::{Error, Result};
use crate::source::Blobs;

/// Engines nest one level, two at most.
const MAX_DEPTH: usize = 8;

/// More than any image has platforms and attestations.
const MAX_MANIFESTS: usize = 4096;

/// The entries of `index.json`, those for one digest merged unless they are for several platforms; `None` if the source has no `index.json`.
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
        let platform = platform_in(descriptor);
        let same = |e: &&mut Named<Descriptor>| {
            let other = platform_in(&e.value);
            e.digest == digest && (platform.is_none() || other.is_none() || other == platform)
        };
        match entries.iter_mut().find(same) {
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

/// The one manifest for `wanted` and `platform`; `typed` is how the source is named. What is attested of it is read if
/// `attested`.
pub(crate) fn choose(
    blobs: &dyn Blobs,
    entries: Vec<Named<Descriptor>>,
    wanted: Option<&str>,
    platform: Option<&Platform>,
    typed: &str,
    attested: bool,
) -> Result<Manifest> {
    let source = Source { place: blobs.place(), typed };
    let entries = select::by_name(entries, wanted, &source)?;
    let walk = Walk::along(blobs, &entries)?;
    let attestations = walk.attestations(attested);
    let leaf = choose_leaf(blobs, walk, platform, &entries, &source)?;
    let manifest = manifest::read(blobs, &leaf)?;
    let manifest = manifest.ok_or_else(|| document::missing(blobs, "manifest", leaf.descriptor.digest()))?;
    Ok(manifest.attested(blobs, &attestations))
}

/// What is to be read for `wanted` on every platform but Windows. A platform whose blobs are not here is an error in
/// the list; attestations and other artifacts are none.
pub(crate) fn all(
    blobs: &dyn Blobs,
    entries: Vec<Named<Descriptor>>,
    wanted: Option<&str>,
    typed: &str,
    kind: &'static str,
    attested: bool,
) -> Result<Vec<Result<Plan>>> {
    let source = Source { place: blobs.place(), typed };
    let entries = select::by_name(entries, wanted, &source)?;
    let walk = Walk::along(blobs, &entries)?;
    // With an index that is not here there may be more platforms than are known.
    let absent = walk.absent.clone().map(|absent| Err(document::missing(blobs, "index", absent.digest())));
    let attestations = walk.attestations(attested);
    if walk.leaves.len() < 2 {
        let only = choose_leaf(blobs, walk, None, &entries, &source)?;
        return Ok([plan(blobs, &only, kind, &attestations)].into_iter().chain(absent).collect());
    }
    let leaves = platforms(blobs, &walk.leaves, &entries, &source)?;
    if leaves.is_empty() {
        return Err(Error::new(blobs.place(), "its index lists no image for Linux"));
    }
    Ok(leaves.iter().map(|leaf| plan(blobs, leaf, kind, &attestations)).chain(absent).collect())
}

/// One manifest a platform. Windows starts by other rules, and artifacts are not started at all.
fn platforms(
    blobs: &dyn Blobs,
    leaves: &[Leaf],
    entries: &[Named<Descriptor>],
    source: &Source<'_>,
) -> Result<Vec<Leaf>> {
    let mut found: Vec<Leaf> = Vec::new();
    for leaf in leaves {
        let mut leaf = leaf.clone();
        if leaf.platform.is_none() && is_artifact(blobs, &leaf) {
            continue;
        }
        // What is damaged or absent is told when it is planned.
        let platform = leaf.platform.clone().or_else(|| manifest::platform_of(blobs, &leaf).ok().flatten());
        if platform.as_ref().is_some_and(|platform| platform.os == "windows") {
            continue;
        }
        match found.iter().find(|known| platform.is_some() && known.platform == platform) {
            Some(known) if known.is_rival(&leaf) => return Err(select::several(&unnamed(entries), source)),
            // Engines take the first of an index.
            Some(_) => {}
            None => {
                leaf.platform = platform;
                found.push(leaf);
            }
        }
    }
    images::check_count(found.len(), blobs.place())?;
    Ok(found)
}

fn plan(blobs: &dyn Blobs, leaf: &Leaf, kind: &'static str, attestations: &[Descriptor]) -> Result<Plan> {
    let planned = match manifest::read(blobs, leaf) {
        Ok(Some(manifest)) => manifest.attested(blobs, attestations).plan(blobs, kind),
        Ok(None) => Err(absent(blobs, leaf)),
        Err(error) => Err(error),
    };
    planned.map_err(|error| leaf.platform.iter().fold(error, Error::of_platform))
}

/// `docker save` of an image with a containerd store writes the index whole and the blobs of one platform.
fn absent(blobs: &dyn Blobs, leaf: &Leaf) -> Error {
    Error::new(format!("manifest {} of {}", leaf.descriptor.digest(), blobs.place()), "the blob is missing").help(
        "the index lists this platform, and the source does not have it: copy all platforms (`skopeo copy --all`), \
         or leave out --all-platforms",
    )
}

fn is_artifact(blobs: &dyn Blobs, leaf: &Leaf) -> bool {
    matches!(manifest::read(blobs, leaf), Ok(Some(manifest)) if manifest.artifact().is_some())
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
        return Err(match (walk.absent, !walk.attestations.is_empty()) {
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
    if all.iter().any(|(p, l)| *p == platform && l.is_rival(&leaf)) {
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
    seen: HashSet<(String, Option<Platform>)>,
    leaves: Vec<Leaf>,
    /// The digest of the index on the way, the first one if there are several.
    index: Option<String>,
    /// An index whose blob is not here.
    absent: Option<Descriptor>,
    attestations: Vec<Descriptor>,
}

impl<'a> Walk<'a> {
    /// All that `entries` lead to.
    fn along(blobs: &'a dyn Blobs, entries: &[Named<Descriptor>]) -> Result<Self> {
        let (leaves, index, absent) = Default::default();
        let mut walk = Walk { blobs, seen: HashSet::new(), leaves, index, absent, attestations: Vec::new() };
        for (number, entry) in entries.iter().enumerate() {
            walk.index = None;
            walk.follow(&entry.value, None, number, 0)?;
        }
        Ok(walk)
    }

    /// Those that were met, if they are wanted.
    fn attestations(&self, wanted: bool) -> Vec<Descriptor> {
        if wanted { self.attestations.clone() } else { Vec::new() }
    }

    /// Collects the manifests below `descriptor`. Every digest is visited once, so a cycle, were one possible among
    /// digests, would end; but a manifest may be there for several platforms.
    fn follow(&mut self, descriptor: &Descriptor, above: Option<&Platform>, entry: usize, depth: usize) -> Result<()> {
        if is_attestation(descriptor) {
            self.attestations.push(descriptor.clone());
            return Ok(());
        }
        let platform = platform_in(descriptor).or_else(|| above.cloned());
        let leaf_of = platform.clone().filter(|_| is_manifest_type(descriptor.media_type().as_ref()));
        if !self.seen.insert((descriptor.digest().to_string(), leaf_of)) {
            return Ok(());
        }
        if depth > MAX_DEPTH || self.seen.len() > MAX_MANIFESTS {
            return Err(Error::new(self.blobs.place(), "its indexes are nested too deeply or list too many manifests"));
        }
        match self.index(descriptor)? {
            Step::Index(index) => {
                self.index.get_or_insert_with(|| descriptor.digest().to_string());
                index.manifests().iter().try_for_each(|below| self.follow(below, platform.as_ref(), entry, depth + 1))
            }
            Step::Absent => {
                self.absent = Some(descriptor.clone());
                Ok(())
            }
            Step::Leaf => {
                let index = self.index.clone();
                self.leaves.push(Leaf { descriptor: descriptor.clone(), platform, entry, index });
                Ok(())
            }
        }
    }

    /// Reads an index. The media type says whether it is one; without it, the document does.
    fn index(&self, descriptor: &Descriptor) -> Result<Step> {
        let media_type = descriptor.media_type().to_string();
        let certain = is_index_type(&media_type);
        if is_manifest_type(&media_type) {
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

/// Anything else that is named as something.
fn is_manifest_type(media_type: &str) -> bool {
    !media_type.is_empty() && !is_index_type(media_type)
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
