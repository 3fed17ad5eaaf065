//! What `docker save` writes: `manifest.json` with one entry an image (moby `image/tarexport`).

use std::collections::BTreeSet;

use oci_spec::image::Digest;
use serde::Deserialize;

use super::manifest::{check_layers, check_platform};
use super::plan::{self, Foreign, Plan, PlannedLayer};
use super::select::{self, Named};
use super::{Platform, config, document};
use crate::error::{Error, Result};
use crate::source::verify::{Blob, Hasher};
use crate::source::{Blobs, clean};

/// More than anyone saves at once; each costs a look at its configuration.
const MAX_IMAGES: usize = 1024;

/// An entry of `manifest.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
    /// Where layers that are not in the archive come from; by diff id.
    #[serde(default)]
    layer_sources: Option<std::collections::HashMap<String, Source>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Source {
    #[serde(default)]
    urls: Option<Vec<String>>,
}

/// An entry with its configuration.
struct Found {
    entry: Entry,
    config: config::Document,
    reading: String,
}

/// The entries of `manifest.json`; `None` if the source has none.
pub(crate) fn entries(blobs: &dyn Blobs) -> Result<Option<Vec<Entry>>> {
    let Some(bytes) = document::read(blobs, "manifest.json")? else { return Ok(None) };
    let reading = format!("`manifest.json` of {}", blobs.place());
    let value = document::value(&bytes, &reading)?;
    let entries: Option<Vec<Entry>> =
        serde_json::from_value(value).map_err(|e| Error::new(&reading, format!("it is not as specified: {e}")))?;
    let entries = entries.unwrap_or_default();
    if entries.len() > MAX_IMAGES {
        return Err(Error::new(reading, format!("it lists more than {MAX_IMAGES} images")));
    }
    Ok(Some(entries))
}

/// What is to be read for `wanted` and `platform`; `typed` is how the archive is named.
pub(crate) fn plan(
    blobs: &dyn Blobs,
    entries: Vec<Entry>,
    wanted: Option<&str>,
    platform: Option<&Platform>,
    typed: &str,
) -> Result<Plan> {
    let found = found(blobs, entries, wanted, typed)?;
    let several = several(&found, blobs, typed);
    let platforms: Vec<Platform> = found.iter().map(|(platform, _)| platform.clone()).collect();
    let (platform, (id, found)) = select::by_platform(found, platform, blobs.place())?;
    if platforms.iter().filter(|p| **p == platform).count() > 1 {
        return Err(several);
    }
    found.plan(blobs, platform, id)
}

/// The same for every platform but Windows, where there is another.
pub(crate) fn all(
    blobs: &dyn Blobs,
    entries: Vec<Entry>,
    wanted: Option<&str>,
    typed: &str,
) -> Result<Vec<Result<Plan>>> {
    let mut found = found(blobs, entries, wanted, typed)?;
    let platforms: BTreeSet<&Platform> = found.iter().map(|(platform, _)| platform).collect();
    if platforms.len() < found.len() {
        return Err(several(&found, blobs, typed));
    }
    if found.iter().any(|(platform, _)| platform.os != "windows") {
        found.retain(|(platform, _)| platform.os != "windows");
    }
    let plan = |(platform, (id, found)): (Platform, (String, Found))| found.plan(blobs, platform, id);
    Ok(found.into_iter().map(plan).collect())
}

/// The images called `wanted`, with their platform and their ID.
fn found(
    blobs: &dyn Blobs,
    entries: Vec<Entry>,
    wanted: Option<&str>,
    typed: &str,
) -> Result<Vec<(Platform, (String, Found))>> {
    let named = entries.into_iter().map(|entry| find_by_config(blobs, entry));
    let named = merge(named.collect::<Result<Vec<_>>>()?);
    let chosen = select::by_name(named, wanted, &select::Source { place: blobs.place(), typed })?;
    let load = |item: Named<Entry>| {
        let found = load(blobs, item.value)?;
        Ok((found.config.platform(None), (item.digest, found)))
    };
    chosen.into_iter().map(load).collect()
}

fn several(found: &[(Platform, (String, Found))], blobs: &dyn Blobs, typed: &str) -> Error {
    let digest =
        |(_, (id, _)): &(Platform, (String, Found))| Named { names: Vec::new(), digest: id.clone(), value: () };
    let digests: Vec<Named<()>> = found.iter().map(digest).collect();
    select::several(&digests, &select::Source { place: blobs.place(), typed })
}

/// The same image saved under two names may have two entries.
fn merge(all: Vec<Named<Entry>>) -> Vec<Named<Entry>> {
    let mut merged: Vec<Named<Entry>> = Vec::new();
    for item in all {
        match merged.iter_mut().find(|m| m.digest == item.digest) {
            Some(known) => known.names.extend(item.names),
            None => merged.push(item),
        }
    }
    merged
}

/// An image is known by the digest of its configuration, its *image ID*.
fn find_by_config(blobs: &dyn Blobs, entry: Entry) -> Result<Named<Entry>> {
    let bytes = config_bytes(blobs, &entry)?;
    let mut hasher = Hasher::Sha256(Default::default());
    hasher.update(&bytes);
    let digest = hasher.finish();
    Ok(Named { names: entry.repo_tags.clone().unwrap_or_default(), digest, value: entry })
}

/// The name `<digest>.json` is not held against the bytes: `docker load` does not either, and there are archives
/// edited by hand that load. A file below `blobs` is.
fn config_bytes(blobs: &dyn Blobs, entry: &Entry) -> Result<Vec<u8>> {
    let reading = config_name(blobs, entry);
    let missing = || Error::new(&reading, "the file is missing").help("the archive is incomplete: save it again");
    let bytes = document::read(blobs, &entry.config)?.ok_or_else(missing)?;
    if let Some(digest) = blob_digest(&entry.config) {
        Blob::new(bytes.as_slice(), Some(digest.as_ref()), None)
            .map_err(|problem| Error::new(&reading, problem))?
            .verify(&reading)?;
    }
    Ok(bytes)
}

fn config_name(blobs: &dyn Blobs, entry: &Entry) -> String {
    format!("configuration `{}` of {}", entry.config, blobs.place())
}

fn load(blobs: &dyn Blobs, entry: Entry) -> Result<Found> {
    let reading = config_name(blobs, &entry);
    let config = config::Document::parse(&config_bytes(blobs, &entry)?, &reading)?;
    Ok(Found { entry, config, reading })
}

impl Found {
    fn plan(self, blobs: &dyn Blobs, platform: Platform, id: String) -> Result<Plan> {
        check_platform(&platform, &self.reading)?;
        let files = self.entry.layers.clone().unwrap_or_default();
        check_layers(files.len(), self.config.diff_ids.len(), &self.reading)?;
        let created_by = self.config.created_by(files.len());
        let parts = files.iter().zip(&self.config.diff_ids).zip(created_by).enumerate();
        let layers = parts.map(|(i, ((file, diff_id), by))| {
            let what = plan::what(i, files.len(), diff_id.as_ref(), blobs.place());
            self.layer(file, diff_id, by, what)
        });
        Ok(Plan {
            source: "docker-archive",
            documents: vec![id.clone()],
            digest: id,
            platform,
            configured: None,
            layers: layers.collect::<Result<_>>()?,
            configuration: self.config.configuration.clone(),
            record: self.config.record(Default::default()),
        })
    }

    fn layer(&self, file: &str, diff_id: &Digest, created_by: Option<String>, what: String) -> Result<PlannedLayer> {
        document::blob_name(diff_id, &what)?;
        let stored = blob_digest(file);
        Ok(PlannedLayer {
            file: clean(file),
            digest: stored.as_ref().unwrap_or(diff_id).to_string(),
            expected: plan::expected(stored.as_ref(), Some(diff_id), None),
            created_by,
            table: None,
            foreign: self.foreign(diff_id),
            what,
        })
    }

    fn foreign(&self, diff_id: &Digest) -> Option<Foreign> {
        let source = self.entry.layer_sources.as_ref()?.get(diff_id.as_ref())?;
        let url = source.urls.as_ref()?.first()?;
        Some(Foreign { url: Some(url.clone()) })
    }
}

/// The digest in `blobs/sha256/<hex>`, the form that engines with a containerd store write.
fn blob_digest(file: &str) -> Option<Digest> {
    let file = clean(file);
    let (algorithm, hex) = file.strip_prefix("blobs/")?.split_once('/')?;
    let digest: Digest = format!("{algorithm}:{hex}").parse().ok()?;
    document::blob_name(&digest, "").is_ok().then_some(digest)
}
