//! One image of containerd, as an image layout.

use std::io::{self, Cursor, Read};

use serde_json::json;

use super::client::{Client, Failure};
use super::messages::Descriptor;
use crate::error::{Error, Result};
use crate::source::{Blobs, Opened};

/// An image, and the content that it leads to.
pub(super) struct Store {
    client: Client,
    namespace: String,
    place: String,
    index: Vec<u8>,
}

impl Store {
    /// `target` is what the image stands for.
    pub fn new(client: Client, namespace: String, name: &str, target: Descriptor) -> Self {
        let Descriptor { media_type, digest, size } = target;
        let descriptor = json!({"mediaType": media_type, "digest": digest, "size": size});
        let index = json!({"schemaVersion": 2, "manifests": [descriptor]}).to_string().into_bytes();
        let place = format!("image `{name}` of containerd (namespace {namespace})");
        Store { client, namespace, place, index }
    }
}

impl Blobs for Store {
    /// What containerd has not pulled, such as other platforms, is not there.
    fn open(&self, name: &str) -> Result<Option<Opened>> {
        if name == "index.json" {
            let size = self.index.len() as u64;
            return Ok(Some(Opened { reader: Box::new(Cursor::new(self.index.clone())), size }));
        }
        let Some(digest) = digest(name) else { return Ok(None) };
        let failed = |Failure(trouble): Failure| Error::new(format!("{digest} of {}", self.place), trouble.words());
        let Some(size) = self.client.size(&self.namespace, &digest).map_err(failed)? else { return Ok(None) };
        let (client, namespace) = (self.client.clone(), self.namespace.clone());
        Ok(Some(Opened { reader: Box::new(Blob { client, namespace, digest, reader: None }), size }))
    }

    fn place(&self) -> &str {
        &self.place
    }
}

/// `blobs/sha256/HEX` is `sha256:HEX`.
fn digest(name: &str) -> Option<String> {
    let (algorithm, digits) = name.strip_prefix("blobs/")?.split_once('/')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain(algorithm) && plain(digits)).then(|| format!("{algorithm}:{digits}"))
}

/// A blob that is asked for when its first byte is: sizes of all layers are looked at before any is read.
struct Blob {
    client: Client,
    namespace: String,
    digest: String,
    reader: Option<Box<dyn Read + Send>>,
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => {
                let opened = self.client.read(&self.namespace, &self.digest);
                none.insert(opened.map_err(|Failure(trouble)| io::Error::other(trouble.words()))?)
            }
        };
        reader.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_blobs_are_digests() {
        assert_eq!(digest("blobs/sha256/00ff").as_deref(), Some("sha256:00ff"));
        for name in ["oci-layout", "blobs/sha256", "blobs/sha256/", "blobs/sha256/../x", "manifest.json"] {
            assert_eq!(digest(name), None, "{name}");
        }
    }
}
