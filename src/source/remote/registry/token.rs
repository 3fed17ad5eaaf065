//! Tokens for a login, or for nobody in particular: `oci-client` asks the token service that the registry names.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use oci_client::errors::{OciDistributionError, OciEnvelope, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::super::runtime;
use super::failure::{self, Failure};
use super::patience::Patience;

/// `oci-client` reads the answer whole, however long it is. On the one thread of the runtime it gets one piece (at most
/// some 400 KiB, hyper's largest buffer) each time it is polled, since what reads from the connection cannot run
/// meanwhile; so this many bound the memory. An exchange takes some twenty.
const MAX_POLLS: u32 = 256;

/// Why there is no token.
pub(super) enum Refused {
    /// The service does not give one for this login or image.
    Denied,
    /// Something is wrong with it.
    Failed(Failure),
}

/// What a token is asked for with.
#[derive(Clone)]
pub(super) struct Request {
    pub client: Client,
    pub reference: Reference,
    pub auth: RegistryAuth,
}

/// A token to read the image; `None` if the registry asks for none.
///
/// # Errors
/// It wants one, and gives none.
pub(super) async fn get(request: &Request, host: &str, patience: &Patience) -> Result<Option<String>, Refused> {
    let mut attempt = 1;
    loop {
        let answer = once(request.clone(), host, patience).await?;
        let reason = match answer {
            Ok(token) => return Ok(token),
            Err(OciDistributionError::AuthenticationFailure(reason)) => reason,
            Err(error) => return Err(Refused::Failed(broken(host, &error))),
        };
        // The library does not tell the status; a wrong password is not tried again, that may lock the user out.
        match serde_json::from_str::<OciEnvelope>(&reason) {
            Ok(envelope) if envelope.errors.iter().any(|error| error.code == OciErrorCode::Toomanyrequests) => {
                return Err(Refused::Failed(failure::limited(host)));
            }
            Ok(_) => return Err(Refused::Denied),
            Err(_) if request.auth != RegistryAuth::Anonymous => return Err(Refused::Denied),
            Err(_) if attempt >= patience.attempts => {
                let problem = format!("the token service of registry {host} gives no token, {attempt} times");
                return Err(Refused::Failed(
                    Failure::new(problem).help(format!("try later, or log in: docker login {host}")),
                ));
            }
            Err(_) => {}
        }
        sleep(patience.before(attempt)).await;
        attempt += 1;
    }
}

type Answer = Result<Option<String>, OciDistributionError>;

/// On the runtime's own thread, for the sake of [`MAX_POLLS`].
async fn once(request: Request, host: &str, patience: &Patience) -> Result<Answer, Refused> {
    let (sender, answer) = oneshot::channel();
    let total = patience.total;
    let exchange = async move {
        let Request { client, reference, auth } = &request;
        let exchange =
            Bounded { inner: Box::pin(client.auth(reference, auth, RegistryOperation::Pull)), left: MAX_POLLS };
        drop(sender.send(timeout(total, exchange).await));
    };
    runtime::spawn(exchange).map_err(|e| Refused::Failed(Failure::new(e.to_string())))?;
    match answer.await {
        Ok(Ok(Some(answer))) => Ok(answer),
        Ok(Ok(None)) => Err(Refused::Failed(Failure::new(format!(
            "the token service of registry {host} answers with more than a token"
        )))),
        Ok(Err(_)) | Err(_) => Err(Refused::Failed(failure::silent(host))),
    }
}

fn broken(host: &str, error: &OciDistributionError) -> Failure {
    match error {
        OciDistributionError::RequestError(error) => {
            let words = failure::words(error);
            Failure::new(format!("the token service of registry {host} does not answer: {words}"))
                .help("look whether there is a network, or try later")
        }
        _ => Failure::new(format!("the token service of registry {host} answers with something else than a token")),
    }
}

/// A future that may be polled so many times; then it is given up.
struct Bounded<F> {
    inner: Pin<Box<F>>,
    left: u32,
}

impl<F: Future> Future for Bounded<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
        self.left = left;
        self.inner.as_mut().poll(context).map(Some)
    }
}
