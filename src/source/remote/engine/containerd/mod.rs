//! containerd: its store of images and of content, by gRPC over its socket.

mod client;
mod messages;
mod names;
mod store;

use std::path::PathBuf;
use std::sync::Arc;

use self::client::{Client, Failure};
use self::store::Store;
use super::endpoint::Endpoint;
use super::machine::Machine;
use super::trouble::Trouble;
use crate::error::{Error, Result};
use crate::source::places::{Answer, Found};

/// Its own, that of k3s, and that which Docker starts if there is no other.
const SOCKETS: [&str; 3] = [
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock",
];

/// Those of ctr and nerdctl, of Docker, and of Kubernetes.
const NAMESPACES: [&str; 3] = ["default", "moby", "k8s.io"];

/// Asks it for an image.
///
/// # Errors
/// It is there, and does not answer as it should.
pub(super) fn ask(machine: &Machine, name: &str) -> Result<Answer> {
    let (sockets, from) = sockets(machine)?;
    let namespaces = namespaces(machine);
    let mut absent = None;
    let mut closed = None;
    let mut failed = None;
    for socket in &sockets {
        match look(machine, socket, &namespaces, name) {
            Ok(Some(store)) => return Ok(Answer::Found(Found::Blobs(Arc::new(store)))),
            Ok(None) => absent = Some(nowhere(name, &namespaces)),
            Err(Failure(Trouble::NoSocket)) => {}
            // containerd's socket is root's wherever Docker's is not, so this is no fault of the user
            Err(Failure(Trouble::Denied)) if from.is_none() => {
                closed = closed.or(Some(format!("permission denied on {} (root may ask it)", socket.display())));
            }
            Err(Failure(trouble)) => failed = failed.or(Some(error(name, socket, from, trouble))),
        }
    }
    match (failed, closed.map(Answer::Closed), absent) {
        (Some(error), _, _) => Err(error),
        (None, Some(closed), _) => Ok(closed),
        (None, None, Some(why)) => Ok(Answer::Absent(why)),
        (None, None, None) => Ok(Answer::Absent(no_socket(&sockets, from))),
    }
}

/// Where it may listen, and which setting says so.
fn sockets(machine: &Machine) -> Result<(Vec<PathBuf>, Option<&'static str>)> {
    const VARIABLE: &str = "CONTAINERD_ADDRESS";
    let Some(address) = machine.variable(VARIABLE) else {
        return Ok((SOCKETS.map(|socket| machine.path(socket)).into(), None));
    };
    // ctr takes a path; unix:// is what other tools write.
    let typed = if address.starts_with('/') { format!("unix://{address}") } else { address.to_owned() };
    match Endpoint::parse(&typed) {
        Ok(Endpoint::Unix(path)) => Ok((vec![path], Some(VARIABLE))),
        _ => Err(Error::new(VARIABLE, format!("`{address}` is no absolute path of a socket"))),
    }
}

fn namespaces(machine: &Machine) -> Vec<String> {
    match machine.variable("CONTAINERD_NAMESPACE") {
        Some(namespace) => vec![namespace.to_owned()],
        None => NAMESPACES.map(str::to_owned).into(),
    }
}

/// The first image of that name, in the order of namespaces.
fn look(
    machine: &Machine,
    socket: &std::path::Path,
    namespaces: &[String],
    name: &str,
) -> std::result::Result<Option<Store>, Failure> {
    let client = Client::connect(socket, machine.limits)?;
    for namespace in namespaces {
        for spelling in names::spellings(name) {
            if let Some(target) = client.image(namespace, &spelling)? {
                return Ok(Some(Store::new(client, namespace.clone(), name, target)));
            }
        }
    }
    Ok(None)
}

fn nowhere(name: &str, namespaces: &[String]) -> String {
    match namespaces {
        [namespace] => format!("containerd has no image {name} in the namespace {namespace}"),
        several => format!("containerd has no image {name} in the namespaces {}", several.join(", ")),
    }
}

fn no_socket(sockets: &[PathBuf], from: Option<&str>) -> String {
    let first = sockets.first().map(|socket| socket.display().to_string()).unwrap_or_default();
    let from = from.map(|from| format!(" ({from})")).unwrap_or_default();
    format!("{first}{from} is not there")
}

fn error(name: &str, socket: &std::path::Path, from: Option<&str>, trouble: Trouble) -> Error {
    let from = from.map(|from| format!(" ({from})")).unwrap_or_default();
    let socket = format!("{}{from}", socket.display());
    let error = |problem: String| Error::new(format!("image `{name}` of containerd"), problem);
    match trouble {
        Trouble::Denied => error(format!("permission denied on {socket}"))
            .help("run imagelint with sudo: containerd's socket is root's; or look elsewhere with --source docker|podman|registry"),
        Trouble::Refused => error(format!("nothing listens on {socket}"))
            .help("start containerd (`systemctl start containerd`), or look elsewhere with --source"),
        Trouble::Other(problem) | Trouble::NoName(problem) => error(format!("containerd at {socket}: {problem}")),
        Trouble::NoImage | Trouble::NoSocket => error(format!("{socket} is not there any more")),
    }
}
