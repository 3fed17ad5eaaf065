//! What goes wrong with a registry, in words for people.

use std::error::Error as _;
use std::{fmt, io};

use reqwest::StatusCode;

use crate::error::Error;

/// Why something does not come.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    problem: String,
    help: Option<String>,
    is_absent: bool,
}

impl Failure {
    /// `problem` says what is wrong, as a clause.
    pub fn new(problem: impl Into<String>) -> Self {
        Failure { problem: problem.into(), help: None, is_absent: false }
    }

    /// What was asked for is not there.
    pub fn absent(problem: impl Into<String>) -> Self {
        Failure { is_absent: true, ..Failure::new(problem) }
    }

    /// What the user can do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Failure { help: Some(help.into()), ..self }
    }

    /// Why there is nothing, if that is what it is.
    pub fn absence(&self) -> Option<String> {
        self.is_absent.then(|| self.to_string())
    }

    /// As the error of reading `reading`.
    pub fn error(self, reading: impl Into<String>) -> Error {
        let error = Error::new(reading, self.problem);
        self.help.into_iter().fold(error, Error::help)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        self.help.iter().try_for_each(|help| write!(f, " ({help})"))
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        io::Error::other(failure)
    }
}

/// The registry answers with a status that is none of those with a meaning of their own.
pub(super) fn status(host: &str, status: StatusCode, attempts: u32) -> Failure {
    let times = if attempts > 1 { format!(", {attempts} times") } else { String::new() };
    match status {
        StatusCode::TOO_MANY_REQUESTS => limited(host),
        status if status.is_server_error() => {
            Failure::new(format!("registry {host} has a problem of its own: it answers {status}{times}"))
                .help("try later")
        }
        status => Failure::new(format!("registry {host} does not answer as a registry does: {status}"))
            .help("look whether the name of the registry is right"),
    }
}

/// Too many requests.
pub(super) fn limited(host: &str) -> Failure {
    Failure::new(format!("registry {host} limits how often it may be asked (429)"))
        .help(format!("log in with `docker login {host}`, or try later"))
}

/// What comes instead of an answer, without the address: that of a redirect may hold what nobody else is to know.
pub(super) fn unreachable(host: &str, error: &reqwest::Error) -> Failure {
    if let Some(tls) = cause::<rustls::Error>(error) {
        return untrusted(host, tls);
    }
    if let Some(kind) = cause::<io::Error>(error).map(io::Error::kind).filter(|_| !error.is_timeout()) {
        match kind {
            io::ErrorKind::ConnectionRefused => {
                return Failure::new(format!("registry {host} is not there: connection refused")).help(format!(
                    "look whether name and port of the registry are right, and whether it runs{}",
                    proxy()
                ));
            }
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                return Failure::new(format!("registry {host} cannot be reached from this machine: {kind}"))
                    .help(format!("look whether there is a network{}", proxy()));
            }
            _ => {}
        }
    }
    let words = innermost(error);
    let said = chain(error);
    if said.contains("dns error") {
        return Failure::new(format!("there is no registry {host}: the name is not known ({words})"))
            .help(format!("look whether the name is right, and whether there is a network{}", proxy()));
    }
    if error.is_timeout() {
        return silent(host);
    }
    if error.is_redirect() {
        return Failure::new(format!("registry {host} leads astray: {words}"));
    }
    if said.contains("proxy") || said.contains("tunnel") {
        return Failure::new(format!("registry {host} cannot be reached through the proxy: {words}"))
            .help("look whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY are right");
    }
    Failure::new(format!("the connection to registry {host} does not hold: {words}")).help("try again")
}

/// Nothing comes in time.
pub(super) fn silent(host: &str) -> Failure {
    Failure::new(format!("registry {host} does not answer in time"))
        .help(format!("look whether there is a network{}; or try later", proxy()))
}

/// Who asks through a proxy is told of the proxy's troubles as if they were the registry's. Its address may hold a
/// password.
fn proxy() -> String {
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let set = names.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    set.map_or_else(String::new, |name| format!(", and whether the proxy that {name} names is right"))
}

fn untrusted(host: &str, error: &rustls::Error) -> Failure {
    match error {
        rustls::Error::InvalidCertificate(_) => {
            Failure::new(format!("the certificate of registry {host} is not trusted: {error}"))
                .help("if its authority is your own, name the file of its certificate in SSL_CERT_FILE")
        }
        _ => Failure::new(format!("registry {host} does not speak TLS as it should: {error}"))
            .help(format!("if it is to be spoken to without TLS: --insecure-registry {host}")),
    }
}

/// Whether the other side has a certificate that is not trusted: it does speak TLS.
pub(super) fn is_untrusted(error: &reqwest::Error) -> bool {
    matches!(cause::<rustls::Error>(error), Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether the next attempt may go better: what breaks or stalls may, what is refused or unknown does not.
pub(super) fn may_pass(error: &reqwest::Error) -> bool {
    !error.is_redirect() && !error.is_builder() && !error.is_connect() && cause::<rustls::Error>(error).is_none()
}

/// The innermost cause of a type; an `io::Error` may carry another error that is no `source` of it.
fn cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut found = None;
    let mut next = error.source();
    while let Some(error) = next {
        found = error.downcast_ref::<E>().or(found);
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match carried {
            Some(carried) => Some(carried as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    found
}

/// Why a body does not come on.
pub(super) fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() { "nothing comes any more".to_owned() } else { innermost(error) }
}

fn innermost(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.last().map_or_else(|| "no reason is known".to_owned(), ToString::to_string)
}

fn chain(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.map(|error| error.to_string().to_ascii_lowercase()).collect::<Vec<_>>().join(": ")
}
