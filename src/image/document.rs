//! JSON documents of a source: found, bounded, verified against their descriptor, parsed.

use std::io::Read;

use oci_spec::image::{Descriptor, Digest, DigestAlgorithm};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::source::verify::Blob;
use crate::source::{Blobs, Opened, unreadable};

/// What registries and engines take for a manifest (distribution-spec, *Pushing Manifests*; containerd `images/image.go`
/// reads no more of an index). Parsed, a document of small values takes sixteen times its size.
pub(crate) const MAX_DOCUMENT: u64 = 4 << 20;

/// The file `name` as a whole; `None` if it is not there.
pub(crate) fn read(blobs: &dyn Blobs, name: &str) -> Result<Option<Vec<u8>>> {
    let Some(opened) = blobs.open(name)? else { return Ok(None) };
    read_verified(opened, None, None, &format!("`{name}` of {}", blobs.place())).map(Some)
}

/// The document that `descriptor` describes, its size and digest verified; `None` if it is not there.
pub(crate) fn described(blobs: &dyn Blobs, descriptor: &Descriptor, kind: &str) -> Result<Option<Vec<u8>>> {
    let reading = format!("{kind} {} of {}", descriptor.digest(), blobs.place());
    let Some(opened) = blobs.open(&blob_name(descriptor.digest(), &reading)?)? else { return Ok(None) };
    read_verified(opened, Some(descriptor.digest().as_ref()), Some(descriptor.size()), &reading).map(Some)
}

fn read_verified(opened: Opened, digest: Option<&str>, size: Option<u64>, reading: &str) -> Result<Vec<u8>> {
    if opened.size > MAX_DOCUMENT || size.is_some_and(|size| size > MAX_DOCUMENT) {
        let mib = MAX_DOCUMENT >> 20;
        return Err(Error::new(reading, format!("it is larger than {mib} MiB, the most that is read of a document")));
    }
    // What grows while it is read is cut, and then it is not valid any more.
    let blob = Blob::new(opened.reader.take(MAX_DOCUMENT), digest, size);
    let mut blob = blob.map_err(|problem| Error::new(reading, problem))?;
    let mut bytes = Vec::new();
    if let Err(error) = blob.read_to_end(&mut bytes) {
        blob.verify(reading)?;
        return Err(unreadable(reading, &error));
    }
    blob.verify(reading)?;
    Ok(bytes)
}

/// The error for a blob that a document names and the source does not have.
pub(crate) fn missing(blobs: &dyn Blobs, kind: &str, digest: &Digest) -> Error {
    Error::new(format!("{kind} {digest} of {}", blobs.place()), "the blob is missing")
        .help("the image is incomplete: save or copy it again")
}

/// Where an image layout keeps the blob (image-spec, image-layout.md). Only digests that can be verified have a place,
/// so that nothing else ever becomes part of a path.
pub(crate) fn blob_name(digest: &Digest, reading: &str) -> Result<String> {
    match digest.algorithm() {
        DigestAlgorithm::Sha256 | DigestAlgorithm::Sha512 => {
            Ok(format!("blobs/{}/{}", digest.algorithm(), digest.digest()))
        }
        other => Err(Error::new(reading, format!("its digest algorithm `{other}` is not sha256 or sha512"))),
    }
}

/// Parses JSON; nesting is bounded by serde_json.
pub(crate) fn value(bytes: &[u8], reading: &str) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|e| Error::new(reading, format!("it is not valid JSON: {e}")))
}

/// Turns a parsed document into what the specification says it is.
pub(crate) fn typed<T: DeserializeOwned>(mut value: Value, reading: &str) -> Result<T> {
    check_count(&value, reading)?;
    tolerate(&mut value);
    if let Some(wrong) = descriptors(&mut value).iter().find_map(|descriptor| wrong_digest(descriptor)) {
        return Err(Error::new(reading, format!("`{wrong}` is not a digest")));
    }
    serde_json::from_value(value).map_err(|e| Error::new(reading, format!("it is not as specified: {e}")))
}

/// Engines are written in Go, where an absent, `null` and empty list or text are the same; the specification's types
/// are stricter. Docker 25 writes `"manifests":null`, some tools leave the media type out.
fn tolerate(value: &mut Value) {
    let Some(document) = value.as_object_mut() else { return };
    for list in ["manifests", "layers"] {
        if document.get(list).is_none_or(Value::is_null) {
            document.insert(list.into(), Value::Array(Vec::new()));
        }
    }
    document.entry("schemaVersion").or_insert(2.into());
    descriptors(value).into_iter().for_each(tolerate_descriptor);
}

/// A short text can list a million descriptors, each of which takes room once it is filled.
fn check_count(value: &Value, reading: &str) -> Result<()> {
    let is_long = |list: &&str| value.get(list).and_then(Value::as_array).is_some_and(|list| list.len() > MAX_LISTED);
    match ["manifests", "layers"].into_iter().find(is_long) {
        Some(list) => Err(Error::new(reading, format!("it lists more than {MAX_LISTED} {list}"))),
        None => Ok(()),
    }
}

/// More descriptors than any document has.
const MAX_LISTED: usize = 4096;

/// Those of an index or a manifest.
fn descriptors(value: &mut Value) -> Vec<&mut Map<String, Value>> {
    let Some(document) = value.as_object_mut() else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in document {
        match (key.as_str(), value) {
            ("manifests" | "layers", Value::Array(items)) => {
                found.extend(items.iter_mut().filter_map(Value::as_object_mut));
            }
            ("config", Value::Object(descriptor)) => found.push(descriptor),
            _ => {}
        }
    }
    found
}

fn wrong_digest(descriptor: &Map<String, Value>) -> Option<&str> {
    descriptor.get("digest")?.as_str().filter(|text| text.parse::<Digest>().is_err())
}

fn tolerate_descriptor(descriptor: &mut Map<String, Value>) {
    fill(descriptor, "mediaType");
    if let Some(platform) = descriptor.get_mut("platform").and_then(Value::as_object_mut) {
        fill(platform, "os");
        fill(platform, "architecture");
    }
}

fn fill(object: &mut Map<String, Value>, key: &str) {
    if object.get(key).is_none_or(Value::is_null) {
        object.insert(key.into(), "".into());
    }
}
