//! The API of Docker, which Podman's service speaks as well: an image's ID, and the image as `docker save` writes it.

use std::future::Future;
use std::io::{self, Read};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use bytes::Bytes;
use futures_util::{Stream as Bodies, StreamExt, stream};
use hyper::header::SERVER;
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::machine::Limits;
use super::trouble::{Trouble, whole};
use super::{name, wire};
use crate::error::Error;
use crate::source::places::{Identity, Stream};
use crate::source::remote::body::Body;
use crate::source::remote::runtime;

/// The library's own bound for a request, which counts whole seconds only; those of [`Limits`] come first.
const NEVER: u64 = 1 << 20;

/// What an engine calls itself, as soon as it has answered: `Docker/20.10.24 (linux)`.
type Engine = Arc<OnceLock<String>>;

/// A service that speaks Docker's API.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// `Docker`, `Podman`.
    pub title: &'static str,
    pub endpoint: Endpoint,
    /// Which setting it is from, if it is not where it is by default.
    pub from: Option<String>,
    pub limits: Limits,
    /// The program that reaches other machines.
    pub ssh: Option<PathBuf>,
}

impl Service {
    /// The image that it calls `name`, saved anew each time it is opened; by its ID, the whole digest of one image, where
    /// a name may stand for several.
    pub fn image(&self, name: &str) -> Result<Stream, Trouble> {
        let engine = Engine::default();
        let id = self.id(name, &engine)?;
        let identity = Identity { id: name::digest(&id), engine: engine.get().cloned().unwrap_or_default() };
        let (service, place) = (self.clone(), format!("image `{name}` of {}", self.title));
        let reading = place.clone();
        let open = move || service.save(&id).map_err(|trouble| service.error(reading.clone(), trouble));
        Ok(Stream::new(place, identity, open))
    }

    fn id(&self, name: &str, engine: &Engine) -> Result<String, Trouble> {
        let ask = async {
            let inspected = timeout(self.limits.answer, self.client(engine)?.inspect_image(name)).await;
            let inspected = inspected.map_err(|_| Trouble::Other(self.too_long(self.limits.answer)))??;
            inspected
                .id
                .filter(|id| name::is_id(id))
                .ok_or_else(|| Trouble::Other("it gives no ID of the image".to_owned()))
        };
        runtime::block_on(ask).unwrap_or_else(|error| Err(Trouble::Other(error.to_string())))
    }

    fn save(&self, id: &str) -> Result<Box<dyn Read + Send>, Trouble> {
        let client = self.client(&Engine::default())?;
        let mut pieces = Box::pin(client.export_image(id));
        // What is wrong before the first byte is said with the error's own help.
        let first = runtime::block_on(async { timeout(self.limits.prepare, pieces.next()).await });
        let first = first.map_err(|error| Trouble::Other(error.to_string()))?;
        let first = first.map_err(|_| Trouble::Other(self.too_long(self.limits.prepare)))?.transpose()?;
        let rest = pieces.map(|piece| piece.map_err(|error| io::Error::other(whole(&error))));
        let all = stream::iter(first.map(Ok)).chain(patient(Box::pin(rest), self.limits.idle));
        Ok(Box::new(Body::new(all).map_err(|error| Trouble::Other(error.to_string()))?))
    }

    /// Notes in `engine` who answers.
    fn client(&self, engine: &Engine) -> Result<Docker, Trouble> {
        let (service, limits, engine) = (self.clone(), self.limits, Arc::clone(engine));
        let send = move |request: BollardRequest| {
            let (Service { endpoint, ssh, .. }, engine) = (service.clone(), Arc::clone(&engine));
            async move {
                let response = wire::send(&endpoint, ssh.as_deref(), limits, request).await?;
                let name = response.headers().get(SERVER).and_then(|name| name.to_str().ok()).map(str::to_owned);
                name.map(|name| engine.set(name));
                Ok(response)
            }
        };
        Ok(Docker::connect_with_custom_transport(send, Some("http://localhost"), NEVER, API_DEFAULT_VERSION)?)
    }

    fn too_long(&self, limit: Duration) -> String {
        format!("it has not answered for {} s", limit.as_secs_f64())
    }

    /// The error for trouble that does not mean that something is absent.
    pub fn error(&self, reading: impl Into<String>, trouble: Trouble) -> Error {
        let Service { title, endpoint, .. } = self;
        let from = self.from.iter().map(|from| format!(" ({from})")).collect::<String>();
        let error = |problem: String| Error::new(reading, problem);
        match trouble {
            Trouble::NoImage | Trouble::NoName(_) => error(format!("{title} has it no more")),
            Trouble::NoSocket => error(format!("{endpoint}{from} is not there any more")),
            Trouble::Refused => error(format!("nothing listens on {endpoint}{from}")).help(format!(
                "start {title} (`systemctl start {}`), or look elsewhere with --source",
                title.to_lowercase()
            )),
            Trouble::Denied => {
                error(format!("permission denied on {endpoint}{from}")).help(self.help_with_permissions())
            }
            Trouble::Other(problem) => error(format!("{title} at {endpoint}{from}: {problem}")),
        }
    }

    fn help_with_permissions(&self) -> &'static str {
        match self.title {
            "Docker" => {
                "run imagelint with sudo, or as a user of the group docker (`sudo usermod -aG docker $USER`, then log in again)"
            }
            _ => "run imagelint as the user whose images they are, or with sudo for those of root",
        }
    }
}

type Pieces = Pin<Box<dyn Bodies<Item = io::Result<Bytes>> + Send>>;

/// The same pieces, or an error if the next one takes too long.
pub(super) fn patient(pieces: Pieces, idle: Duration) -> impl Bodies<Item = io::Result<Bytes>> + Send {
    stream::unfold(pieces, move |mut pieces| next(idle, async move { (pieces.next().await, pieces) }))
}

async fn next<F>(idle: Duration, piece: F) -> Option<(io::Result<Bytes>, Pieces)>
where
    F: Future<Output = (Option<io::Result<Bytes>>, Pieces)>,
{
    match timeout(idle, piece).await {
        Ok((piece, pieces)) => piece.map(|piece| (piece, pieces)),
        Err(_) => {
            let silence = io::Error::other(format!("nothing has come for {} s", idle.as_secs_f64()));
            Some((Err(silence), Box::pin(stream::empty())))
        }
    }
}
