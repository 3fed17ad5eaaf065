//! An image manifest and its configuration: OCI's, and Docker's version 2, schema 2.

use oci_spec::image::{Descriptor, ImageManifest};
use serde_json::Value;

use super::plan::{self, Foreign, Plan, PlannedLayer, Vouched};
use super::{Platform, Provenance, Record, config, document};
use crate::error::{Error, Result};
use crate::source::Blobs;

/// More than any engine can mount: overlayfs takes 500, Docker's limit is 127.
pub(crate) const MAX_LAYERS: usize = 1024;

/// A manifest that an index names.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub descriptor: Descriptor,
    /// From the index, where it says.
    pub platform: Option<Platform>,
    /// Which entry of `index.json` led here.
    pub entry: usize,
    /// What that entry names, if it is an index that was read.
    pub index: Option<String>,
}

impl Leaf {
    /// Whether nothing says which of the two is meant, where they are for one platform: in one index the first is.
    pub fn is_rival(&self, other: &Leaf) -> bool {
        self.entry != other.entry && self.descriptor.digest() != other.descriptor.digest()
    }
}

/// A manifest and how it was found.
pub(crate) struct Manifest {
    leaf: Leaf,
    document: ImageManifest,
    reading: String,
    provenance: Option<Provenance>,
}

/// Reads and verifies the manifest; `None` if its blob is not here.
pub(crate) fn read(blobs: &dyn Blobs, leaf: &Leaf) -> Result<Option<Manifest>> {
    let Some(bytes) = document::described(blobs, &leaf.descriptor, "manifest")? else { return Ok(None) };
    let reading = format!("manifest {} of {}", leaf.descriptor.digest(), blobs.place());
    let value = document::value(&bytes, &reading)?;
    refuse(&value, &reading)?;
    let document = document::typed(value, &reading)?;
    Ok(Some(Manifest { leaf: leaf.clone(), document, reading, provenance: None }))
}

/// Documents that stand where a manifest should and are none.
fn refuse(value: &Value, reading: &str) -> Result<()> {
    let has = |key: &str| value.get(key).is_some();
    if value.get("schemaVersion") == Some(&Value::from(1)) || has("fsLayers") {
        return Err(Error::new(reading, "it is a Docker manifest of schema 1, which engines no longer read")
            .help("push the image again with a current engine, which writes schema 2 or OCI"));
    }
    if has("manifests") {
        return Err(Error::new(reading, "it is an index where its descriptor says manifest"));
    }
    if !has("config") {
        return Err(Error::new(reading, "it is no image manifest: it has no `config`"));
    }
    Ok(())
}

/// The platform that the configuration gives, where the index gives none; `None` for artifacts and for images whose
/// blobs are not here.
pub(crate) fn platform_of(blobs: &dyn Blobs, leaf: &Leaf) -> Result<Option<Platform>> {
    let Some(manifest) = read(blobs, leaf)? else { return Ok(None) };
    if manifest.artifact().is_some() {
        return Ok(None);
    }
    Ok(manifest.configuration(blobs)?.map(|document| document.platform(None)))
}

impl Manifest {
    /// The same with what one of `attestations` says of it.
    pub fn attested(self, blobs: &dyn Blobs, attestations: &[Descriptor]) -> Self {
        let provenance = Provenance::of(blobs, attestations, self.leaf.descriptor.digest().as_ref());
        Manifest { provenance, ..self }
    }

    /// What is to be read for it.
    pub fn plan(&self, blobs: &dyn Blobs, source: &'static str) -> Result<Plan> {
        if let Some(kind) = self.artifact() {
            return Err(Error::new(&self.reading, format!("it is not a container image, but an artifact ({kind})")));
        }
        let missing = || document::missing(blobs, "configuration", self.document.config().digest());
        let config = self.configuration(blobs)?.ok_or_else(missing)?;
        let (platform, configured) = config.platforms(self.leaf.platform.as_ref());
        [Some(&platform), configured.as_ref()]
            .into_iter()
            .flatten()
            .try_for_each(|platform| check_platform(platform, &self.reading))?;
        let layers = self.document.layers();
        check_layers(layers.len(), config.diff_ids.len(), &self.reading)?;
        let created_by = config.created_by(layers.len());
        let planned = layers.iter().zip(created_by).enumerate();
        let layers = planned.map(|(i, (layer, by))| planned_layer(blobs, layer, by, i, layers.len()));
        let annotations = self.document.annotations().clone().unwrap_or_default();
        let digest = self.leaf.descriptor.digest().to_string();
        let own = [digest.clone(), self.document.config().digest().to_string()];
        Ok(Plan {
            source,
            documents: self.leaf.index.iter().cloned().chain(own).collect(),
            digest,
            platform,
            configured,
            layers: layers.collect::<Result<_>>()?,
            record: Record { provenance: self.provenance.clone(), ..config.record(annotations.into_iter().collect()) },
            configuration: config.configuration,
        })
    }

    fn configuration(&self, blobs: &dyn Blobs) -> Result<Option<config::Document>> {
        let descriptor = self.document.config();
        let Some(bytes) = document::described(blobs, descriptor, "configuration")? else { return Ok(None) };
        let reading = format!("configuration {} of {}", descriptor.digest(), blobs.place());
        config::Document::parse(&bytes, &reading).map(Some)
    }

    /// The artifact's type if this is none of an image: a Helm chart, a signature, an SBOM. Attestations have an
    /// image's configuration, and are told by their layers.
    pub fn artifact(&self) -> Option<String> {
        let config = self.document.config().media_type().to_string();
        let image = matches!(
            config.as_str(),
            "" | "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
        );
        if !image {
            let named = self.document.artifact_type().as_ref().map(ToString::to_string);
            return Some(named.unwrap_or(config));
        }
        let layers = self.document.layers().iter().map(|layer| layer.media_type().to_string());
        layers.into_iter().find(|layer| layer.starts_with("application/vnd.in-toto"))
    }
}

fn planned_layer(
    blobs: &dyn Blobs,
    layer: &Descriptor,
    created_by: Option<String>,
    index: usize,
    count: usize,
) -> Result<PlannedLayer> {
    let digest = layer.digest().to_string();
    let what = plan::what(index, count, &digest, blobs.place());
    Ok(PlannedLayer {
        file: document::blob_name(layer.digest(), &what)?,
        expected: plan::expected(Some(layer.digest()), None, Some(layer.size())),
        created_by,
        table: layer.annotations().as_ref().and_then(Vouched::of),
        foreign: foreign(layer),
        digest,
        what,
    })
}

fn foreign(layer: &Descriptor) -> Option<Foreign> {
    let url = layer.urls().as_ref().and_then(|urls| urls.first()).cloned();
    let media_type = layer.media_type().to_string();
    let marked = media_type.contains("nondistributable") || media_type.contains("foreign");
    (marked || url.is_some()).then_some(Foreign { url })
}

/// Windows images start by other rules altogether.
pub(crate) fn check_platform(platform: &Platform, reading: &str) -> Result<()> {
    if platform.os != "windows" {
        return Ok(());
    }
    Err(Error::new(reading, format!("it is a Windows image ({platform}), and Windows images are not looked at")))
}

/// containerd (`rootfs/apply.go`) and Docker (`distribution/pull_v2.go`) refuse such images.
pub(crate) fn check_layers(layers: usize, diff_ids: usize, reading: &str) -> Result<()> {
    if layers != diff_ids {
        return Err(Error::new(reading, format!("it has {layers} layers, and its configuration {diff_ids} diff ids"))
            .help("engines refuse this image: build it again"));
    }
    if layers > MAX_LAYERS {
        return Err(Error::new(reading, format!("it has {layers} layers, more than the {MAX_LAYERS} that are read")));
    }
    Ok(())
}
