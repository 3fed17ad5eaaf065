//! A registry that is spoken to: where it is, how it wants to be asked, and as whom.

use std::time::Duration;

use oci_client::secrets::RegistryAuth;
use reqwest::header::{ACCEPT, HeaderMap, RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::clients;
use super::failure::{self, Failure};
use super::login::Login;
use super::name::{Name, is_loopback};
use super::patience::Patience;
use super::token::{self, Refused, Request};
use crate::source::places::Access;

/// What is understood; a registry that is not told so may convert, and then the digest is another. Schema 1 is named
/// because the image module says what it is.
const DOCUMENTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.v1+prettyjws";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A manifest or index.
    Document,
    /// A blob, from this byte on.
    Blob(u64),
    /// A part of a blob, from this byte up to that one, which is not part of it.
    Part(u64, u64),
}

/// How the registry wants to be told who asks (RFC 9110, 11.6.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Challenge {
    None,
    Basic,
    Bearer,
}

/// What is sent along.
#[derive(Clone, PartialEq, Eq)]
enum Pass {
    None,
    Basic,
    Bearer(String),
}

/// See the module.
pub(super) struct Session {
    name: Name,
    /// `https://host`.
    base: String,
    http: Client,
    login: Login,
    tokens: Request,
    pass: Mutex<Pass>,
    /// Hosts that the user names as insecure.
    insecure: Vec<String>,
    patience: Patience,
}

impl Session {
    /// Finds out how the registry is spoken to, and gets a token if it wants one.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this user in.
    pub async fn connect(name: Name, access: &Access, login: Login, patience: Patience) -> Result<Self, Failure> {
        let http = clients::http(name.is_loopback(), &patience)?;
        let is_plain = name.is_insecure(access) || (name.is_loopback() && !has_https(&http, &name).await);
        let tokens = Request {
            client: clients::tokens(name.is_loopback(), is_plain, &patience)?,
            reference: name.reference().clone(),
            auth: login.auth.clone(),
        };
        let base = format!("{}://{}", if is_plain { "http" } else { "https" }, name.host());
        let (pass, insecure) = (Mutex::new(Pass::None), access.insecure.clone());
        let session = Session { name, base, http, login, tokens, pass, insecure, patience };
        let first = session.bounded(session.persist(|| session.http.get(format!("{}/v2/", session.base)))).await?;
        if first.status() == StatusCode::UNAUTHORIZED {
            session.bounded(session.renew(&Pass::None, &first)).await?;
        }
        Ok(session)
    }

    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The registry, for messages.
    pub fn host(&self) -> &str {
        self.name.registry()
    }

    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Asks for what is at `path`; the answer's body is still to come.
    ///
    /// # Errors
    /// It is not there, or is not given.
    pub async fn get(&self, path: &str, wish: Wish) -> Result<Response, Failure> {
        self.bounded(self.get_as_somebody(path, wish)).await
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        timeout(self.patience.total, work).await.unwrap_or_else(|_| Err(failure::silent(self.host())))
    }

    /// A token may have run out, so a first refusal is none.
    async fn get_as_somebody(&self, path: &str, wish: Wish) -> Result<Response, Failure> {
        let pass = self.pass.lock().await.clone();
        let response = self.persist(|| self.request(path, wish, &pass)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return self.judge(response, wish, &pass);
        }
        self.renew(&pass, &response).await?;
        let pass = self.pass.lock().await.clone();
        let response = self.persist(|| self.request(path, wish, &pass)).await?;
        self.judge(response, wish, &pass)
    }

    fn request(&self, path: &str, wish: Wish, pass: &Pass) -> RequestBuilder {
        let request = self.http.get(format!("{}{path}", self.base));
        let request = match wish {
            Wish::Document => request.header(ACCEPT, DOCUMENTS),
            Wish::Blob(0) => request,
            Wish::Blob(from) => request.header(RANGE, format!("bytes={from}-")),
            Wish::Part(from, to) => request.header(RANGE, format!("bytes={from}-{}", to.saturating_sub(1))),
        };
        match (pass, &self.login.auth) {
            (Pass::Bearer(token), _) => request.bearer_auth(token),
            (Pass::Basic, RegistryAuth::Basic(user, password)) => request.basic_auth(user, Some(password)),
            _ => request,
        }
    }

    /// Asks again while the registry is busy or the connection breaks.
    async fn persist(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, Failure> {
        let mut attempt = 1;
        loop {
            let is_last = attempt >= self.patience.attempts;
            let wait = match request().send().await {
                Ok(response) if !is_busy(response.status()) => return Ok(response),
                Ok(response) => match retry_after(response.headers()) {
                    wait if is_last || wait > self.patience.retry_after => {
                        return Err(failure::status(self.host(), response.status(), attempt));
                    }
                    wait => wait.max(self.patience.before(attempt)),
                },
                Err(error) if is_last || !failure::may_pass(&error) => {
                    return Err(failure::unreachable(self.host(), &error));
                }
                Err(_) => self.patience.before(attempt),
            };
            sleep(wait).await;
            attempt += 1;
        }
    }

    fn judge(&self, response: Response, wish: Wish, pass: &Pass) -> Result<Response, Failure> {
        match (response.status(), wish) {
            (StatusCode::OK, _)
            | (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Wish::Blob(1..) | Wish::Part(..)) => {
                Ok(response)
            }
            (StatusCode::NOT_FOUND, Wish::Document) => Err(self.absent()),
            (StatusCode::NOT_FOUND, Wish::Blob(_) | Wish::Part(..)) => {
                Err(Failure::absent(format!("registry {} does not have it (404)", self.host())))
            }
            (status, _) if !response.url().as_str().starts_with(&self.base) => {
                let elsewhere = response.url().host_str().unwrap_or_default();
                Err(Failure::new(format!("registry {} leads to {elsewhere}, which answers {status}", self.host()))
                    .help("try again"))
            }
            (status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), _) => Err(self.denied(status, pass)),
            (status, _) => Err(failure::status(self.host(), status, 1)),
        }
    }

    /// Gets another pass than `old`, unless someone else has done so meanwhile.
    async fn renew(&self, old: &Pass, refusal: &Response) -> Result<(), Failure> {
        let mut pass = self.pass.lock().await;
        if *pass != *old {
            return Ok(());
        }
        self.check_realm(refusal.headers())?;
        let denied = || Err(self.denied(refusal.status(), old));
        match challenge(refusal.headers()) {
            Challenge::Basic if *old == Pass::None && !self.login.is_anonymous() => *pass = Pass::Basic,
            Challenge::Bearer => match token::get(&self.tokens, self.host(), &self.patience).await {
                Ok(Some(token)) => *pass = Pass::Bearer(token),
                Ok(None) => return denied(),
                Err(Refused::Denied) if self.login.is_anonymous() => return Err(self.private()),
                Err(Refused::Denied) => return denied(),
                Err(Refused::Failed(failure)) => return Err(failure),
            },
            _ => return denied(),
        }
        Ok(())
    }

    /// The login must not go to a token service in the clear where the registry itself has TLS.
    fn check_realm(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let Some(realm) = plain_realm(headers).filter(|_| self.base.starts_with("https:")) else { return Ok(()) };
        let is_named = self.insecure.iter().any(|host| host.eq_ignore_ascii_case(&realm));
        if is_named || (is_loopback(&realm) && self.name.is_loopback()) {
            return Ok(());
        }
        Err(Failure::new(format!("registry {} names a token service without TLS: {realm}", self.host()))
            .help(format!("if that is meant: --insecure-registry {realm}")))
    }

    fn denied(&self, status: StatusCode, pass: &Pass) -> Failure {
        let (host, from, code) = (self.host(), &self.login.from, status.as_u16());
        match (pass, self.login.is_anonymous()) {
            (Pass::Bearer(_), true) => self.private(),
            (Pass::Bearer(_), false) => Failure::absent(format!(
                "{host} has no image {}, or the login in {from} may not read it ({code})",
                self.name
            )),
            (_, true) => self.noted(Failure::new(format!("registry {host} wants a login ({code})")), "log in"),
            (_, false) => {
                let problem = format!("registry {host} does not accept the login that is in {from} ({code})");
                self.noted(Failure::new(problem), "log in again")
            }
        }
    }

    fn noted(&self, failure: Failure, what: &str) -> Failure {
        let note = self.login.note.iter().fold(String::new(), |_, note| format!("\n{note}"));
        failure.help(format!("{what}: docker login {}{note}", self.host()))
    }

    /// Registries do not tell strangers which of both it is.
    fn private(&self) -> Failure {
        let note = self.login.note.iter().fold(String::new(), |_, note| format!("; {note}"));
        let host = self.host();
        Failure::absent(format!(
            "{host} has no image {}, or it is private (log in: docker login {host}{note})",
            self.name
        ))
    }

    fn absent(&self) -> Failure {
        match self.login.is_anonymous() {
            true => self.private(),
            false => Failure::absent(format!("{} has no image {}", self.host(), self.name)),
        }
    }
}

/// Whether HTTPS is spoken there, even if with a certificate that is not trusted.
async fn has_https(http: &Client, name: &Name) -> bool {
    match http.get(format!("https://{}/v2/", name.host())).send().await {
        Ok(_) => true,
        Err(error) => failure::is_untrusted(&error),
    }
}

/// Those of which the next attempt may be better.
fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// In seconds; dates are as good as none.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

fn challenge(headers: &HeaderMap) -> Challenge {
    let of = |scheme: &str| {
        let has = |value: &str| value.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).any(has)
    };
    match (of("bearer"), of("basic")) {
        (true, _) => Challenge::Bearer,
        (_, true) => Challenge::Basic,
        _ => Challenge::None,
    }
}

/// The host of a realm without TLS.
fn plain_realm(headers: &HeaderMap) -> Option<String> {
    let begin = "realm=\"http://";
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut lower = values.map(str::to_ascii_lowercase);
    let realm = lower.find_map(|value| Some(value.split_once(begin)?.1.to_owned()))?;
    realm.split(['/', '"']).next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(WWW_AUTHENTICATE, value.parse().unwrap())])
    }

    #[test]
    fn what_the_registry_wants() {
        assert!(challenge(&asking("bearer realm=\"x\"")) == Challenge::Bearer);
        assert!(challenge(&asking("Basic realm=\"x\"")) == Challenge::Basic);
        assert!(challenge(&asking("Negotiate")) == Challenge::None);
        assert!(challenge(&HeaderMap::new()) == Challenge::None);
    }

    #[test]
    fn realms_without_tls() {
        let realm = |value| plain_realm(&asking(value));
        assert_eq!(realm("Bearer realm=\"https://a.example/token\""), None);
        assert_eq!(realm("Bearer realm=\"HTTP://a.example:80/token\",service=\"x\"").as_deref(), Some("a.example:80"));
    }
}
