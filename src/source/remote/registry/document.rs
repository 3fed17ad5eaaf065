//! Manifests and indexes: fetched whole, within a bound, and looked through for the descriptors in them.

use std::fmt;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::{sleep, timeout};

use super::failure::{self, Failure};
use super::session::{Session, Wish};

/// What registries take for a manifest (distribution-spec, *Pushing Manifests*), and the image module reads of one.
pub(super) const MAX: u64 = 4 << 20;

/// More manifests than the image module takes of an index, and more layers than it takes of a manifest.
const MAX_LISTED: usize = 8192;

/// A manifest or index as the registry has it.
pub(super) struct Document {
    pub bytes: Bytes,
    /// Of the document itself, else of the answer's header.
    pub media_type: String,
    pub content: Content,
}

/// What is looked for in it; whether it is valid is for others to judge.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Content {
    media_type: Option<String>,
    manifests: Option<List>,
    config: Option<Described>,
    layers: Option<List>,
}

impl Content {
    /// Whether it lists manifests.
    pub fn is_index(&self) -> bool {
        self.manifests.is_some()
    }

    /// What an index lists.
    pub fn manifests(&self) -> impl Iterator<Item = &Described> {
        self.manifests.iter().flat_map(|list| &list.0)
    }

    /// Configuration and layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Described> {
        self.config.iter().chain(self.layers.iter().flat_map(|list| &list.0))
    }
}

/// A descriptor.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Described {
    media_type: Option<String>,
    pub digest: String,
    pub size: u64,
    urls: Option<Vec<String>>,
}

/// The first descriptors of a list: `{},{},{},…` takes thirty times its size.
struct List(Vec<Described>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(First)
    }
}

struct First;

impl<'de> Visitor<'de> for First {
    type Value = List;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of descriptors")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List, A::Error> {
        let mut list = Vec::new();
        while list.len() < MAX_LISTED {
            match items.next_element()? {
                Some(item) => list.push(item),
                None => return Ok(List(list)),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(List(list))
    }
}

impl Described {
    /// Whether it is kept elsewhere (image-spec, layer.md, *Non-Distributable Layers*).
    pub fn is_foreign(&self) -> bool {
        let media_type = self.media_type.as_deref().unwrap_or_default();
        let has_urls = self.urls.as_ref().is_some_and(|urls| !urls.is_empty());
        has_urls || media_type.contains("nondistributable") || media_type.contains("foreign")
    }
}

/// The document at `path`.
///
/// # Errors
/// It does not come, or is too large; or the answer is not a registry's.
pub(super) async fn fetch(session: &Session, path: &str) -> Result<Document, Failure> {
    // Silence is bounded by the client, a trickle by this.
    let whole = timeout(session.patience().total, persist(session, path)).await;
    let (bytes, header) = whole.unwrap_or_else(|_| Err(failure::silent(session.host())))?;
    if header == "text/html" {
        return Err(Failure::new(format!("registry {} answers with a web page, not with a manifest", session.host()))
            .help("look whether the name of the registry is right, and whether the network wants a login"));
    }
    let content: Content = serde_json::from_slice(&bytes).unwrap_or_default();
    let media_type = content.media_type.clone().filter(|media_type| !media_type.is_empty()).unwrap_or(header);
    Ok(Document { bytes, media_type, content })
}

/// Its bytes and the media type in the header; asked for again if the connection breaks.
async fn persist(session: &Session, path: &str) -> Result<(Bytes, String), Failure> {
    let mut attempt = 1;
    loop {
        let response = session.get(path, Wish::Document).await?;
        let header = media_type(&response);
        match read(response).await {
            Ok(Some(bytes)) => return Ok((bytes, header)),
            Ok(None) => return Err(too_large()),
            Err(error) if attempt >= session.patience().attempts => {
                return Err(failure::unreachable(session.host(), &error));
            }
            Err(_) => sleep(session.patience().before(attempt)).await,
        }
        attempt += 1;
    }
}

fn media_type(response: &Response) -> String {
    let header = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    header.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned()
}

/// The body; `None` if it is too large, which is told as soon as it is known.
async fn read(mut response: Response) -> reqwest::Result<Option<Bytes>> {
    if response.content_length().is_some_and(|len| len > MAX) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if (bytes.len() + piece.len()) as u64 > MAX {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Some(bytes.into()))
}

fn too_large() -> Failure {
    Failure::new(format!("its manifest is larger than {} MiB, the most that is read of a document", MAX >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut_and_not_refused() {
        let many = vec!["{}"; MAX_LISTED + 9].join(",");
        let content: Content = serde_json::from_str(&format!("{{\"manifests\":[{many}],\"config\":null}}")).unwrap();
        assert_eq!((content.manifests().count(), content.blobs().count()), (MAX_LISTED, 0));
        assert!(content.is_index());
    }
}
