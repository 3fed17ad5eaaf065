//! The calls: an image by name, the size of a blob, its bytes.

use std::future::Future;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use futures_util::StreamExt;
use hyper::http::uri::PathAndQuery;
use prost::Message;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::super::api::patient;
use super::super::machine::Limits;
use super::super::trouble::{Trouble, shorten};
use super::messages::{
    Descriptor, GetImageRequest, GetImageResponse, InfoRequest, InfoResponse, Protobuf, ReadContentRequest,
    ReadContentResponse,
};
use crate::source::remote::body::Body;
use crate::source::remote::runtime;

/// What may be under way in one blob. containerd sends 1 MiB at a time (`services/content/contentserver`).
const BLOB_WINDOW: u32 = 1 << 20;

/// What may be under way in all: more blobs than are ever read at once, so that one that nobody reads on does not hold
/// up the others.
const WINDOW: u32 = 32 << 20;

/// The connection, shared by all who read.
#[derive(Clone, Debug)]
pub(super) struct Client {
    channel: Channel,
    limits: Limits,
}

/// Why a call has failed; that something is not there is none.
#[derive(Debug)]
pub(super) struct Failure(pub Trouble);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure(Trouble::of_connection(&error))
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Failure(Trouble::Other(words(&status)))
    }
}

fn words(status: &Status) -> String {
    shorten(&format!("{}: {}", status.code().description().to_lowercase(), status.message()))
}

impl Client {
    /// Connects to `socket`.
    ///
    /// # Errors
    /// It is not there, or nobody listens, or it may not be opened.
    pub fn connect(socket: &Path, limits: Limits) -> Result<Self, Failure> {
        // The library connects anew when it has to, and says little of what is wrong: the first time is ours.
        let probe = async { timeout(limits.connect, UnixStream::connect(socket)).await };
        let silence = |_| Failure(Trouble::Other("it takes too long to connect".to_owned()));
        drop(runtime::block_on(probe)?.map_err(silence)??);
        let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display()));
        let endpoint = endpoint.map_err(|error| Failure(Trouble::Other(error.to_string())))?;
        let endpoint = endpoint.initial_stream_window_size(BLOB_WINDOW).initial_connection_window_size(WINDOW);
        let channel = runtime::block_on(async { endpoint.connect_timeout(limits.connect).connect_lazy() })?;
        Ok(Client { channel, limits })
    }

    /// What the image `name` is, if there is one.
    ///
    /// # Errors
    /// It does not answer, or not as it should.
    pub fn image(&self, namespace: &str, name: &str) -> Result<Option<Descriptor>, Failure> {
        let request = GetImageRequest { name: name.to_owned() };
        let path = PathAndQuery::from_static("/containerd.services.images.v1.Images/Get");
        let answer: Option<GetImageResponse> = self.unary(namespace, path, request)?;
        let target = |answer: GetImageResponse| answer.image?.target;
        let odd = || Failure(Trouble::Other("its answer does not say what the image is".to_owned()));
        answer.map(|answer| target(answer).ok_or_else(odd)).transpose()
    }

    /// The size of a blob, if it is there.
    ///
    /// # Errors
    /// As [`Client::image`].
    pub fn size(&self, namespace: &str, digest: &str) -> Result<Option<u64>, Failure> {
        let request = InfoRequest { digest: digest.to_owned() };
        let path = PathAndQuery::from_static("/containerd.services.content.v1.Content/Info");
        let answer: Option<InfoResponse> = self.unary(namespace, path, request)?;
        let odd = || Failure(Trouble::Other(format!("its answer does not say how large {digest} is")));
        let size = |answer: InfoResponse| u64::try_from(answer.info?.size).ok();
        answer.map(|answer| size(answer).ok_or_else(odd)).transpose()
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// As [`Client::image`].
    pub fn read(&self, namespace: &str, digest: &str) -> Result<Box<dyn Read + Send>, Failure> {
        let request = ReadContentRequest { digest: digest.to_owned(), offset: 0, size: 0 };
        let request = request_in(namespace, request)?;
        let path = PathAndQuery::from_static("/containerd.services.content.v1.Content/Read");
        let call = async {
            let mut grpc = self.ready().await?;
            let codec = Protobuf::<ReadContentRequest, ReadContentResponse>::default();
            grpc.server_streaming(request, path, codec).await
        };
        let messages = self.bounded(call)??.into_inner();
        // Pieces come in order; one that does not is noticed here, as a wrong digest would not say why.
        let pieces = messages.scan(0_i64, |at, message| {
            let piece = message.map_err(|status| io::Error::other(words(&status))).and_then(|m| in_order(at, m));
            std::future::ready(Some(piece))
        });
        Ok(Box::new(Body::holding(1, patient(Box::pin(pieces), self.limits.idle))?))
    }

    fn unary<A, B>(&self, namespace: &str, path: PathAndQuery, message: A) -> Result<Option<B>, Failure>
    where
        A: Message + 'static,
        B: Message + Default + 'static,
    {
        let request = request_in(namespace, message)?;
        let call = async { self.ready().await?.unary(request, path, Protobuf::<A, B>::default()).await };
        match self.bounded(call)? {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        let unready = |error: tonic::transport::Error| Status::unavailable(super::super::trouble::whole(&error));
        grpc.ready().await.map_err(unready)?;
        Ok(grpc)
    }

    fn bounded<T>(&self, call: impl Future<Output = T>) -> Result<T, Failure> {
        let limit = self.limits.answer;
        let too_long = |_| Failure(Trouble::Other(format!("it has not answered for {} s", limit.as_secs_f64())));
        runtime::block_on(async { timeout(limit, call).await })?.map_err(too_long)
    }
}

fn in_order(at: &mut i64, message: ReadContentResponse) -> io::Result<Bytes> {
    if message.offset != *at {
        return Err(io::Error::other(format!("bytes come out of order, at {} and not {at}", message.offset)));
    }
    *at = at.saturating_add(i64::try_from(message.data.len()).unwrap_or(i64::MAX));
    Ok(message.data)
}

/// containerd `pkg/namespaces/grpc.go`: the namespace is a header.
fn request_in<T>(namespace: &str, message: T) -> Result<Request<T>, Failure> {
    let mut request = Request::new(message);
    let value = MetadataValue::try_from(namespace);
    let value = value.map_err(|_| Failure(Trouble::Other(format!("`{namespace}` is no name of a namespace"))))?;
    request.metadata_mut().insert("containerd-namespace", value);
    Ok(request)
}
