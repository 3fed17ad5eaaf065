//! Addresses of engines, as `DOCKER_HOST`, `CONTAINER_HOST` and contexts have them (docker/cli `opts/hosts.go`).

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Unix(PathBuf),
    Tcp {
        host: String,
        port: u16,
    },
    /// An engine on which another machine's sshd opens a shell.
    Ssh {
        user: Option<String>,
        host: String,
        port: Option<u16>,
        /// The engine's socket there.
        path: Option<String>,
    },
    /// As `Tcp`, encrypted.
    Tls {
        host: String,
        port: u16,
        /// The directory of `ca.pem`, `cert.pem` and `key.pem`.
        certificates: PathBuf,
    },
}

/// The port that Docker without TLS listens on, and the one with.
const PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

impl Endpoint {
    /// Takes an address apart; the error says what is wrong with it.
    pub fn parse(address: &str) -> Result<Self, String> {
        // `DOCKER_HOST=machine:2375` is understood by the docker CLI.
        let (scheme, rest) = address.split_once("://").unwrap_or(("tcp", address));
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Endpoint::Unix(rest.into())),
            "unix" => Err(format!("`{address}` names no absolute path")),
            "tcp" | "http" => match tcp(rest, PORT) {
                Some((host, port)) => Ok(Endpoint::Tcp { host, port }),
                None => Err(format!("`{address}` is no HOST:PORT")),
            },
            "ssh" => ssh(rest).ok_or_else(|| format!("`{address}` is no ssh://[USER@]HOST[:PORT]")),
            _ => Err(format!("`{address}` is neither unix://, tcp:// nor ssh://")),
        }
    }

    /// The same, of an engine that speaks TLS where it listens on a port.
    pub fn parse_encrypted(address: &str, certificates: PathBuf) -> Result<Self, String> {
        let address = address.strip_prefix("https://").unwrap_or(address);
        match Endpoint::parse(address)? {
            Endpoint::Tcp { .. } => {
                let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
                let (host, port) = tcp(rest, TLS_PORT).ok_or_else(|| format!("`{address}` is no HOST:PORT"))?;
                Ok(Endpoint::Tls { host, port, certificates })
            }
            endpoint => Ok(endpoint),
        }
    }

    /// Whether nothing leaves this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Endpoint::Unix(_) => true,
            Endpoint::Tcp { host, .. } | Endpoint::Tls { host, .. } | Endpoint::Ssh { host, .. } => is_loopback(host),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn tcp(rest: &str, otherwise: u16) -> Option<(String, u16)> {
    let (host, port) = host_and_port(rest.trim_end_matches('/'))?;
    // What `docker` takes an empty host for.
    let host = if host.is_empty() { "localhost".to_owned() } else { host };
    Some((host, port.unwrap_or(otherwise)))
}

fn ssh(rest: &str) -> Option<Endpoint> {
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (user, rest) = authority.rsplit_once('@').map_or((None, authority), |(user, rest)| (Some(user), rest));
    let (host, port) = host_and_port(rest)?;
    // A password has no place on ssh's command line, and neither name may be taken for an option of it.
    let is_odd = |word: &str| word.is_empty() || word.starts_with('-') || word.contains(':') && user == Some(word);
    if is_odd(&host) || user.is_some_and(is_odd) {
        return None;
    }
    let path = Some(path.to_owned()).filter(|path| path.len() > 1);
    Some(Endpoint::Ssh { user: user.map(str::to_owned), host, port, path })
}

/// `host`, `host:port`, `[address]:port`.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:%".contains(c);
    let port = port.map(|port| port.parse().ok()).map_or(Some(None), |port| port.map(Some))?;
    host.chars().all(plain).then(|| (host.to_owned(), port))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "{}", path.display()),
            Endpoint::Tcp { host, port } | Endpoint::Tls { host, port, .. } if host.contains(':') => {
                write!(f, "tcp://[{host}]:{port}")
            }
            Endpoint::Tcp { host, port } | Endpoint::Tls { host, port, .. } => write!(f, "tcp://{host}:{port}"),
            Endpoint::Ssh { user, host, port, path } => {
                f.write_str("ssh://")?;
                user.iter().try_for_each(|user| write!(f, "{user}@"))?;
                f.write_str(host)?;
                port.iter().try_for_each(|port| write!(f, ":{port}"))?;
                f.write_str(path.as_deref().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Result<Endpoint, String> {
        Ok(Endpoint::Tcp { host: host.into(), port })
    }

    #[test]
    fn forms_of_docker_host() {
        assert_eq!(Endpoint::parse("unix:///run/x.sock"), Ok(Endpoint::Unix("/run/x.sock".into())));
        assert_eq!(Endpoint::parse("tcp://10.0.0.1:2375"), tcp("10.0.0.1", 2375));
        assert_eq!(Endpoint::parse("tcp://machine"), tcp("machine", 2375));
        assert_eq!(Endpoint::parse("tcp://:99"), tcp("localhost", 99));
        assert_eq!(Endpoint::parse("machine:99"), tcp("machine", 99));
        assert_eq!(Endpoint::parse("tcp://[::1]:99/"), tcp("::1", 99));
        let ssh = |user: Option<&str>, host: &str, port, path: Option<&str>| {
            let (user, path) = (user.map(str::to_owned), path.map(str::to_owned));
            Ok(Endpoint::Ssh { user, host: host.into(), port, path })
        };
        assert_eq!(Endpoint::parse("ssh://machine"), ssh(None, "machine", None, None));
        assert_eq!(
            Endpoint::parse("ssh://me@machine:22/run/x.sock"),
            ssh(Some("me"), "machine", Some(22), Some("/run/x.sock"))
        );
        let tls = |address: &str| Endpoint::parse_encrypted(address, "/certs".into());
        let on = |host: &str, port| Ok(Endpoint::Tls { host: host.into(), port, certificates: "/certs".into() });
        assert_eq!(tls("tcp://machine"), on("machine", 2376));
        assert_eq!(tls("tcp://machine:99"), on("machine", 99));
        assert_eq!(tls("https://[::1]:99"), on("::1", 99));
        assert_eq!(tls("unix:///x"), Ok(Endpoint::Unix("/x".into())));
    }

    #[test]
    fn what_is_no_address_says_so() {
        for bad in [
            "unix://",
            "unix://x.sock",
            "fd://",
            "npipe:////./pipe/docker_engine",
            "tcp://machine:port",
            "tcp://a:1:2",
            "tcp://[x]:1",
            "tcp://[::1]2",
            "ssh://",
            "ssh://-oProxyCommand=x",
            "ssh://-l@machine",
            "ssh://me:secret@machine",
            "tcp://a b:1",
            "https://machine:2376",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for (address, local) in [
            ("unix:///x", true),
            ("tcp://127.0.0.1:1", true),
            ("tcp://[::1]:1", true),
            ("ssh://localhost", true),
            ("tcp://localhost.example:1", false),
            ("tcp://10.0.0.1:1", false),
            ("ssh://127.0.0.1.example", false),
        ] {
            assert_eq!(Endpoint::parse(address).map(|e| e.is_local()), Ok(local), "{address}");
        }
    }

    #[test]
    fn an_endpoint_is_shown_as_it_was_typed() {
        for address in ["tcp://a:1", "tcp://[::1]:2", "ssh://me@a:22/run/x.sock", "ssh://a"] {
            assert_eq!(Endpoint::parse(address).map(|e| e.to_string()).as_deref(), Ok(address));
        }
    }
}
