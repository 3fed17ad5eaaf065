//! An image of a registry as an image layout that holds it alone.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::json;

use super::super::runtime;
use super::blob::{Download, Reader};
use super::document::{self, Content, Document};
use super::failure::Failure;
use super::session::Session;
use crate::error::{Error, Result};
use crate::source::verify::Hasher;
use crate::source::{Blobs, Opened};

/// Descriptors that are remembered; the image module allows fewer of an image.
const MAX_KNOWN: usize = 64 << 10;

/// Bytes of manifests that are kept, for they are read several times.
const MAX_KEPT: usize = 16 << 20;

/// What a descriptor said of a digest.
#[derive(Clone, Default)]
struct Known {
    size: u64,
    /// Listed by an index, so that it is asked for as a manifest.
    is_manifest: bool,
    is_foreign: bool,
    bytes: Option<Bytes>,
}

/// See the module.
pub(super) struct Remote {
    place: String,
    session: Arc<Session>,
    index: Bytes,
    known: Mutex<HashMap<String, Known>>,
}

impl Remote {
    /// `document` is what the registry has under the image's name.
    pub fn new(place: String, session: Arc<Session>, document: Document) -> Self {
        // What was asked for by digest is to have it; whoever reads compares.
        let digest = session.name().reference().digest().map_or_else(|| sha256(&document.bytes), str::to_owned);
        let descriptor = json!({
            "mediaType": media_type(&document),
            "digest": &digest,
            "size": document.bytes.len(),
        });
        let index = json!({"schemaVersion": 2, "manifests": [descriptor]}).to_string().into();
        let remote = Remote { place, session, index, known: Mutex::default() };
        remote.learn(&document.content);
        remote.keep(&digest, &document.bytes);
        remote
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what the descriptors in a document say. The larger size counts: it only bounds.
    fn learn(&self, content: &Content) {
        let mut known = self.known();
        let manifests = content.manifests().map(|manifest| (manifest, true));
        let all = manifests.chain(content.blobs().map(|blob| (blob, false)));
        // What is no digest is refused by whoever reads the document.
        for (described, is_manifest) in all.filter(|(described, _)| Hasher::of(&described.digest).is_ok()) {
            if known.len() >= MAX_KNOWN {
                break;
            }
            let entry = known.entry(described.digest.clone()).or_default();
            entry.size = entry.size.max(described.size);
            entry.is_manifest |= is_manifest;
            entry.is_foreign |= described.is_foreign();
        }
    }

    fn keep(&self, digest: &str, bytes: &Bytes) {
        let mut known = self.known();
        let kept: usize = known.values().filter_map(|known| known.bytes.as_ref()).map(Bytes::len).sum();
        if kept + bytes.len() <= MAX_KEPT {
            known.entry(digest.to_owned()).or_default().bytes = Some(bytes.clone());
        }
    }

    /// A manifest below the index.
    fn manifest(&self, digest: &str, size: u64) -> Result<Option<Opened>> {
        if size > document::MAX {
            // Its descriptor is refused for that; it need not come.
            return Ok(Some(Opened { reader: Box::new(Cursor::new(Bytes::new())), size }));
        }
        let path = self.session.name().manifest_of(digest);
        let reading = || format!("manifest {digest} of {}", self.place);
        match self.wait(document::fetch(&self.session, &path), reading)? {
            Ok(document) => {
                self.learn(&document.content);
                self.keep(digest, &document.bytes);
                Ok(Some(opened(document.bytes)))
            }
            Err(failure) => absent_or(failure, reading),
        }
    }

    fn blob(&self, digest: &str, known: &Known) -> Result<Option<Opened>> {
        let mut download = Box::new(Download::new(Arc::clone(&self.session), digest, known.size));
        if known.is_foreign {
            let reading = || format!("blob {digest} of {}", self.place);
            if let Err(failure) = self.wait(download.open(), reading)? {
                return absent_or(failure, reading);
            }
        }
        Ok(Some(Opened { reader: Box::new(Reader::Waiting(download)), size: known.size }))
    }

    fn wait<T>(&self, work: impl Future<Output = T>, reading: impl Fn() -> String) -> Result<T> {
        runtime::block_on(work).map_err(|error| Error::new(reading(), error))
    }
}

impl Blobs for Remote {
    fn open(&self, name: &str) -> Result<Option<Opened>> {
        if name == "index.json" {
            return Ok(Some(opened(self.index.clone())));
        }
        let Some(digest) = digest_of(name) else { return Ok(None) };
        let Some(known) = self.known().get(&digest).cloned() else { return Ok(None) };
        match known {
            Known { bytes: Some(bytes), .. } => Ok(Some(opened(bytes))),
            Known { is_manifest: true, size, .. } => self.manifest(&digest, size),
            known => self.blob(&digest, &known),
        }
    }

    fn part(&self, name: &str, start: u64, len: u64) -> Result<Option<Opened>> {
        let Some(digest) = digest_of(name) else { return Ok(None) };
        let mut download =
            Box::new(Download::part(Arc::clone(&self.session), &digest, start, start.saturating_add(len)));
        let reading = || format!("a part of blob {digest} of {}", self.place);
        match self.wait(download.open(), reading)? {
            // The whole blob comes: it is better read as a whole.
            Ok(()) if download.is_whole() => Ok(None),
            Ok(()) => Ok(Some(Opened { reader: Box::new(Reader::Waiting(download)), size: len })),
            Err(failure) => absent_or(failure, reading),
        }
    }

    fn place(&self) -> &str {
        &self.place
    }
}

/// The digest that a file of an image layout is called after.
fn digest_of(name: &str) -> Option<String> {
    name.strip_prefix("blobs/").map(|path| path.replacen('/', ":", 1))
}

fn opened(bytes: Bytes) -> Opened {
    Opened { size: bytes.len() as u64, reader: Box::new(Cursor::new(bytes)) }
}

fn absent_or(failure: Failure, reading: impl Fn() -> String) -> Result<Option<Opened>> {
    if failure.absence().is_some() { Ok(None) } else { Err(failure.error(reading())) }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    let mut hasher = Hasher::Sha256(sha2::Sha256::new());
    hasher.update(bytes);
    hasher.finish()
}

/// Some registries say no more than `application/json`; then its form tells what it is.
fn media_type(document: &Document) -> &str {
    match document.media_type.as_str() {
        "" | "application/json" | "text/plain" | "application/octet-stream" if document.content.is_index() => {
            "application/vnd.oci.image.index.v1+json"
        }
        "" | "application/json" | "text/plain" | "application/octet-stream" => {
            "application/vnd.oci.image.manifest.v1+json"
        }
        media_type => media_type,
    }
}
