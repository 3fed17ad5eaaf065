//! Manifests and indexes: fetched whole, within a bound, and looked through for the descriptors in them.

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use super::failure::{self, Failure};
use super::session::{Session, Wish};

/// What registries take for a manifest (distribution-spec, *Pushing Manifests*), and the image module reads of one.
pub(super) const MAX: u64 = 4 << 20;

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
    pub manifests: Option<Vec<Described>>,
    pub config: Option<Described>,
    pub layers: Option<Vec<Described>>,
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
    let whole = async {
        let response = session.get(path, Wish::Document).await?;
        let header = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let header = header.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
        Ok((read(session, response).await?, header))
    };
    // Silence is bounded by the client, a trickle by this.
    let whole = tokio::time::timeout(session.patience().total, whole).await;
    let (bytes, header) = whole.unwrap_or_else(|_| Err(failure::silent(session.host())))?;
    if header == "text/html" {
        return Err(Failure::new(format!("registry {} answers with a web page, not with a manifest", session.host()))
            .help("look whether the name of the registry is right, and whether the network wants a login"));
    }
    let content: Content = serde_json::from_slice(&bytes).unwrap_or_default();
    let media_type = content.media_type.clone().filter(|media_type| !media_type.is_empty()).unwrap_or(header);
    Ok(Document { bytes, media_type, content })
}

async fn read(session: &Session, mut response: Response) -> Result<Bytes, Failure> {
    if response.content_length().is_some_and(|len| len > MAX) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|e| failure::unreachable(session.host(), &e))? {
        if (bytes.len() + piece.len()) as u64 > MAX {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}

fn too_large() -> Failure {
    Failure::new(format!("its manifest is larger than {} MiB, the most that is read of a document", MAX >> 20))
}
