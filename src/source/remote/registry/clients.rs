//! The HTTP clients: the one for documents and blobs, and the one that gets tokens.

use std::sync::Once;

use oci_client::client::{ClientConfig, ClientProtocol};
use reqwest::redirect::{Attempt, Policy};

use super::failure::Failure;
use super::patience::Patience;

const USER_AGENT: &str = concat!("imagelint/", env!("CARGO_PKG_VERSION"));

/// Docker Hub needs two.
const MAX_REDIRECTS: usize = 5;

/// The client for documents and blobs; none of the proxies serves a registry on this machine.
///
/// # Errors
/// There are no certificates on this machine.
pub(super) fn http(is_loopback: bool, patience: &Patience) -> Result<reqwest::Client, Failure> {
    install_ring();
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(patience.connect)
        .read_timeout(patience.idle)
        .referer(false)
        .redirect(Policy::custom(follow));
    let builder = if is_loopback { builder.no_proxy() } else { builder };
    builder.build().map_err(|_| no_certificates())
}

/// The client that gets tokens.
///
/// # Errors
/// As [`http`].
pub(super) fn tokens(is_loopback: bool, is_plain: bool, patience: &Patience) -> Result<oci_client::Client, Failure> {
    install_ring();
    // An explicit proxy takes the place of those of the environment; this one is for no host.
    let no_proxy = || is_loopback.then(|| "http://127.0.0.1:9".to_owned());
    let config = ClientConfig {
        protocol: if is_plain { ClientProtocol::Http } else { ClientProtocol::Https },
        connect_timeout: Some(patience.connect),
        read_timeout: Some(patience.idle),
        user_agent: USER_AGENT,
        https_proxy: no_proxy(),
        http_proxy: no_proxy(),
        no_proxy: is_loopback.then(|| "*,0.0.0.0/0,::/0".to_owned()),
        ..ClientConfig::default()
    };
    // `Client::new` would go on with another configuration.
    oci_client::Client::try_from(config).map_err(|_| no_certificates())
}

/// The libraries are built without cryptography of their own, so that it need not be built with cmake.
fn install_ring() {
    static ONCE: Once = Once::new();
    // If there is one already, it serves as well.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let was_https = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("it redirects too often")
    } else if was_https && attempt.url().scheme() != "https" {
        attempt.error("it redirects to a place without TLS")
    } else {
        attempt.follow()
    }
}

fn no_certificates() -> Failure {
    Failure::new("there are no certificates on this machine by which a registry could be trusted")
        .help("install the package ca-certificates, or name a file of certificates in SSL_CERT_FILE")
}
