//! Connections to engines that speak HTTP: one for each request, so that its bytes can be counted and its time bounded.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bollard::BollardRequest;
use bollard::errors::Error as ApiError;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::endpoint::Endpoint;
use super::machine::Limits;
use super::process::Said;
use super::ssh::{Destination, Ssh};
use super::tls;

/// Bytes of an answer that is no archive: far above what an image's description has.
const MAX_ANSWER: u64 = 8 << 20;

/// How long a program that has failed is listened to.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Sends a request and waits for the head of the answer.
pub(super) async fn send(
    endpoint: &Endpoint,
    program: Option<&Path>,
    limits: Limits,
    request: BollardRequest,
) -> Result<Response<Incoming>, ApiError> {
    let wire = timeout(limits.connect, connect(endpoint, program, limits)).await;
    let (wire, said) = wire.unwrap_or_else(|_| Err(io::Error::other("it takes too long to connect")))?;
    let sent = exchange(wire, prepared(endpoint, request)).await;
    let (Err(_), Some(said)) = (&sent, said) else { return sent };
    // What the program says of its end may come after the end of its output.
    sleep(LAST_WORDS).await;
    match said.words() {
        words if words.is_empty() => sent,
        words => Err(io::Error::other(words).into()),
    }
}

/// The bytes of one connection, however they go.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

async fn connect(
    endpoint: &Endpoint,
    program: Option<&Path>,
    limits: Limits,
) -> io::Result<(Box<dyn Wire>, Option<Said>)> {
    match endpoint {
        Endpoint::Unix(path) => Ok((Box::new(UnixStream::connect(path).await?), None)),
        Endpoint::Tcp { host, port } => Ok((Box::new(TcpStream::connect((host.as_str(), *port)).await?), None)),
        Endpoint::Ssh { user, host, port, path } => {
            let program = program.ok_or_else(|| io::Error::other("ssh is not installed"))?;
            let destination = Destination { user: user.as_deref(), host, port: *port, path: path.as_deref() };
            let ssh = Ssh::start(program, &destination, limits)?;
            let said = ssh.said();
            Ok((Box::new(ssh), Some(said)))
        }
        Endpoint::Tls { host, port, certificates } => {
            Ok((Box::new(tls::connect(host, *port, certificates).await?), None))
        }
    }
}

async fn exchange(wire: Box<dyn Wire>, request: BollardRequest) -> Result<Response<Incoming>, ApiError> {
    let is_archive = request.uri().path().ends_with("/get");
    let left = Arc::new(AtomicU64::new(MAX_ANSWER));
    let counted = Counted { wire, left: Arc::clone(&left) };
    let (mut sender, connection) = http1::handshake(TokioIo::new(counted)).await?;
    let connection = tokio::spawn(connection);
    let response = match sender.send_request(request).await {
        Ok(response) => response,
        Err(error) => return Err(ended(connection, error).await),
    };
    // The archive has bounds of its own where it is read; an error instead of it has not.
    if is_archive && response.status().is_success() {
        left.store(u64::MAX, Ordering::Relaxed);
    }
    Ok(response)
}

/// Why a request was not answered: what has ended the connection, if that is known.
async fn ended(connection: JoinHandle<hyper::Result<()>>, error: hyper::Error) -> ApiError {
    match timeout(LAST_WORDS, connection).await {
        Ok(Ok(Err(reason))) => reason.into(),
        _ => error.into(),
    }
}

/// The library puts a version into every path, and no version is understood by all engines of today (20.10 knows none
/// above 1.41, 29 none below 1.44). A path without one means the engine's own, and these two requests have not changed.
fn prepared(endpoint: &Endpoint, mut request: BollardRequest) -> BollardRequest {
    let path = request.uri().path();
    let path = path.strip_prefix("/v").and_then(|rest| rest.find('/').and_then(|at| rest.get(at..))).unwrap_or(path);
    if let Ok(uri) = path.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    let host = match endpoint {
        Endpoint::Tcp { host, port } | Endpoint::Tls { host, port, .. } => format!("{host}:{port}"),
        _ => "localhost".to_owned(),
    };
    if let Ok(host) = HeaderValue::try_from(host) {
        request.headers_mut().insert(HOST, host);
    }
    request
}

/// A wire that ends in an error when it has brought too much.
struct Counted {
    wire: Box<dyn Wire>,
    left: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.wire).poll_read(cx, buffer);
        let read = (buffer.filled().len() - before) as u64;
        let take = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(read) };
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Poll::Ready(Err(io::Error::other("the answer is too long")));
        }
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}
