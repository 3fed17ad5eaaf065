//! Images of registries (OCI distribution specification): a manifest or index by name, and the blobs below it as they
//! are read.
//!
//! `oci-client` takes references apart and exchanges logins for tokens, `docker_credential` reads logins. Documents and
//! blobs are asked for with `reqwest`, on which `oci-client` stands itself, because `oci-client` reads manifests and
//! error pages whole however long they are, and does not tell `Retry-After`.
//!
//! What is decided here:
//! - **TLS** is what every registry is spoken to with. Without it are those that the user names as insecure, and those
//!   on loopback where HTTPS does not answer: Docker tries HTTPS there, and then HTTP (`registry/config.go` takes
//!   127.0.0.0/8 for insecure, `registry/service_v2.go` adds the address without TLS). Other than in Docker, a
//!   certificate that is not trusted is an error on loopback, too. HTTPS is never redirected to HTTP.
//! - **Logins** go to the registry that they are for, and to the token service that this registry names, as Docker does
//!   it; not to a token service without TLS where the registry has it. A redirect to another host, port or scheme
//!   takes no login or token along (`reqwest`, `redirect.rs`, `remove_sensitive_headers`).
//! - **Proxies** are those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case; never for
//!   loopback, as in Go (`httpproxy`).
//! - **URLs in descriptors** (foreign layers) are not followed.

mod blob;
mod blobs;
mod clients;
mod document;
mod failure;
mod login;
mod name;
mod patience;
mod session;
mod token;

#[doc(hidden)]
pub use patience::Patience;

use std::sync::Arc;

use super::runtime;
use crate::error::{Error, Result};
use crate::source::places::{Access, Answer, Found};
use failure::Failure;
use name::Name;
use session::Session;

/// Asks the registry that `name` names, or Docker Hub.
///
/// # Errors
/// It cannot be reached, wants a login, or does not answer as it should.
pub fn ask(name: &str, access: &Access) -> Result<Answer> {
    ask_within(name, access, Patience::default())
}

/// The same with other bounds of time, for tests.
///
/// # Errors
/// As [`ask`].
#[doc(hidden)]
pub fn ask_within(name: &str, access: &Access, patience: Patience) -> Result<Answer> {
    let name = match Name::parse(name) {
        Ok(name) => name,
        Err(why) => return Ok(Answer::Absent(why)),
    };
    let place = format!("registry image `{name}`");
    let login = login::of(&name, patience.helper);
    let found = runtime::block_on(async {
        let session = Arc::new(Session::connect(name, access, login, patience).await?);
        let path = session.name().manifest();
        Ok::<_, Failure>((document::fetch(&session, &path).await?, session))
    });
    match found.map_err(|error| Error::new(&place, error))? {
        Ok((document, session)) => {
            Ok(Answer::Found(Found::Blobs(Arc::new(blobs::Remote::new(place, session, document)))))
        }
        Err(failure) => match failure.absence() {
            Some(why) => Ok(Answer::Absent(why)),
            None => Err(failure.error(place)),
        },
    }
}
