//! TLS to a daemon on a port, with what the docker CLI keeps for it: `ca.pem`, `cert.pem` and `key.pem` of one directory
//! (docker/cli `cli/flags/options.go`). A daemon is always held against `ca.pem`, or against what this machine trusts
//! where that file is not there: there is no way to leave it out.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Larger than any file of certificates.
const MAX_FILE: u64 = 4 << 20;

/// A connection to a daemon that is who it says.
///
/// # Errors
/// The files are not as they should be, nobody answers, or it is somebody else.
pub(super) async fn connect(host: &str, port: u16, certificates: &Path) -> io::Result<TlsStream<TcpStream>> {
    let config = config(certificates)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| io::Error::other(format!("`{host}` is no name")))?;
    let wire = TcpStream::connect((host, port)).await?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, wire).await;
    connected.map_err(|error| io::Error::other(in_words(&error, certificates)))
}

fn config(directory: &Path) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(io::Error::other)?;
    let builder = match read(&directory.join("ca.pem"))? {
        Some(pem) => builder.with_root_certificates(roots(&pem, directory)?),
        None => builder.with_platform_verifier().map_err(io::Error::other)?,
    };
    let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    match (read(&cert)?, read(&key)?) {
        (Some(chain), Some(secret)) => {
            let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
            let chain = chain.map_err(|_| odd(&cert, "certificates"))?;
            let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|_| odd(&key, "key"))?;
            builder.with_client_auth_cert(chain, secret).map_err(|error| {
                io::Error::other(format!("{} and {} do not go together: {error}", cert.display(), key.display()))
            })
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn roots(pem: &[u8], directory: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (path, mut found) = (directory.join("ca.pem"), false);
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| odd(&path, "certificates"))?;
        roots.add(certificate).map_err(|_| odd(&path, "certificates"))?;
        found = true;
    }
    if found { Ok(roots) } else { Err(odd(&path, "certificates")) }
}

fn odd(path: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{} holds no {what} in PEM", path.display()))
}

/// A file, if it is there.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let failed = |error: io::Error| io::Error::other(format!("{}: {error}", path.display()));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

fn in_words(error: &io::Error, certificates: &Path) -> String {
    let ca = certificates.join("ca.pem");
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) if ca.exists() => {
            format!("its certificate is not one that {} vouches for: {why:?}", ca.display())
        }
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("its certificate is trusted by nothing on this machine, and there is no {}: {why:?}", ca.display())
        }
        Some(rustls::Error::InvalidMessage(_)) => "it does not speak TLS".to_owned(),
        _ => error.to_string(),
    }
}
