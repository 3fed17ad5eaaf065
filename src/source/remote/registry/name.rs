//! The name of an image at a registry, with Docker's defaults.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use oci_client::Reference;

use crate::source::places::Access;

/// Stands in for an IPv6 address, which the library's grammar lacks (distribution `reference/regexp.go` has it).
const STAND_IN: &str = "ipv6.invalid";

/// An image of a registry: `docker.io/library/alpine:latest`.
#[derive(Clone)]
pub(super) struct Name(Reference);

impl Name {
    /// Takes apart what was typed.
    ///
    /// # Errors
    /// It is no reference: why, for people.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let parsed = if typed.starts_with('[') { ipv6(typed) } else { typed.parse().ok() };
        parsed.map(Name).ok_or_else(|| not_a_name(typed))
    }

    pub fn reference(&self) -> &Reference {
        &self.0
    }

    /// The registry as it is typed and logged in to, with its port.
    pub fn registry(&self) -> &str {
        self.0.registry()
    }

    /// The host that is spoken to; for Docker Hub another one.
    pub fn host(&self) -> &str {
        self.0.resolve_registry()
    }

    /// The path of the manifest or index below the registry; a digest goes before a tag.
    pub fn manifest(&self) -> String {
        let tag = || self.0.tag().unwrap_or("latest");
        self.manifest_of(self.0.digest().unwrap_or_else(tag))
    }

    /// The path of the manifest `reference`.
    pub fn manifest_of(&self, reference: &str) -> String {
        format!("/v2/{}/manifests/{reference}", self.0.repository())
    }

    /// The path of a blob.
    pub fn blob(&self, digest: &str) -> String {
        format!("/v2/{}/blobs/{digest}", self.0.repository())
    }

    /// Under which names a login may be kept, the most specific first (containers-auth.json(5)).
    pub fn login_keys(&self) -> Vec<String> {
        let whole = format!("{}/{}", self.registry(), self.0.repository());
        std::iter::successors(Some(whole.as_str()), |key| key.rsplit_once('/').map(|(parent, _)| parent))
            .map(str::to_owned)
            .collect()
    }

    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// Whether the user said that this registry is spoken to without TLS.
    pub fn is_insecure(&self, access: &Access) -> bool {
        access.insecure.iter().any(|host| host.eq_ignore_ascii_case(self.registry()))
    }
}

/// Whether `host`, with or without a port, is this machine (RFC 6761 for the names).
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let bare = bare.to_ascii_lowercase();
    bare == "localhost" || bare.ends_with(".localhost") || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// `[::1]:5000/app`.
fn ipv6(typed: &str) -> Option<Reference> {
    let (host, rest) = typed.split_once('/')?;
    let (address, port) = host.strip_prefix('[')?.split_once(']')?;
    address.parse::<Ipv6Addr>().ok()?;
    let parsed: Reference = format!("{STAND_IN}{port}/{rest}").parse().ok()?;
    let (registry, repository) = (host.to_owned(), parsed.repository().to_owned());
    Some(match (parsed.tag(), parsed.digest()) {
        (Some(tag), Some(digest)) => Reference::with_tag_and_digest(registry, repository, tag.into(), digest.into()),
        (_, Some(digest)) => Reference::with_digest(registry, repository, digest.into()),
        (tag, _) => Reference::with_tag(registry, repository, tag.unwrap_or("latest").into()),
    })
}

fn not_a_name(typed: &str) -> String {
    let hint = match typed.rsplit_once('@') {
        Some((_, digest)) if typed.len() > 1 && !is_digest(digest) => {
            ": after @ stands no digest (sha256: and 64 digits)"
        }
        _ if typed.contains("://") => ": it is a URL, and a name has no scheme",
        _ if typed.chars().any(char::is_uppercase) && typed.to_lowercase().parse::<Reference>().is_ok() => {
            ": names are in lower case"
        }
        _ => ", which is [HOST[:PORT]/]NAME[:TAG][@DIGEST]",
    };
    format!("`{typed}` is not the name of an image{hint}")
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_defaults() {
        let hex = "ab".repeat(32);
        for (typed, whole) in [
            ("alpine", "docker.io/library/alpine:latest".to_owned()),
            ("alpine:3.20", "docker.io/library/alpine:3.20".to_owned()),
            ("grafana/grafana", "docker.io/grafana/grafana:latest".to_owned()),
            ("index.docker.io/alpine", "docker.io/library/alpine:latest".to_owned()),
            ("localhost/app", "localhost/app:latest".to_owned()),
            ("localhost:5000/app", "localhost:5000/app:latest".to_owned()),
            ("ghcr.io/a/b/c:1", "ghcr.io/a/b/c:1".to_owned()),
            ("[::1]:5000/app:1", "[::1]:5000/app:1".to_owned()),
            (&format!("app@sha256:{hex}"), format!("docker.io/library/app@sha256:{hex}")),
            (&format!("h.example/app:1@sha256:{hex}"), format!("h.example/app:1@sha256:{hex}")),
        ] {
            assert_eq!(Name::parse(typed).map(|name| name.to_string()), Ok(whole));
        }
    }

    #[test]
    fn a_digest_goes_before_a_tag() {
        let name = Name::parse(&format!("h.example/app:1@sha256:{}", "ab".repeat(32))).unwrap();
        assert_eq!(name.manifest(), format!("/v2/app/manifests/sha256:{}", "ab".repeat(32)));
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (typed, why) in [
            ("App", "lower case"),
            ("app@sha256:00", "no digest"),
            ("https://ghcr.io/app", "a URL"),
            ("a b", "[HOST[:PORT]/]NAME[:TAG][@DIGEST]"),
            ("", "NAME"),
            ("[::1/app", "NAME"),
            ("[x]:5000/app", "NAME"),
            ("app:", "NAME"),
            ("../app", "NAME"),
        ] {
            let said = Name::parse(typed).map(|name| name.to_string()).unwrap_err();
            assert!(said.contains(why), "{typed}: {said}");
        }
    }

    #[test]
    fn loopback() {
        for host in ["localhost", "LOCALHOST:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000", "r.localhost:1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "128.0.0.1", "[::2]:5000", "notlocalhost", "10.0.0.1:5000"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn logins_by_the_most_specific_name() {
        let keys = Name::parse("h.example:5000/a/b:1").unwrap().login_keys();
        assert_eq!(keys, ["h.example:5000/a/b", "h.example:5000/a", "h.example:5000"]);
    }
}
