//! Docker: where its daemon is, as the docker CLI finds it.

use super::api::Service;
use super::context::{self, Context};
use super::endpoint::Endpoint;
use super::machine::Machine;
use super::trouble::Trouble;
use crate::error::{Error, Result};
use crate::source::places::{Access, Answer, Found};

const SOCKET: &str = "/var/run/docker.sock";

/// Asks it for an image.
///
/// # Errors
/// It is there, and does not answer as it should.
pub(super) fn ask(machine: &Machine, name: &str, access: &Access) -> Result<Answer> {
    let service = service(machine)?;
    if let Some(why) = not_asked(&service, access) {
        return Ok(Answer::Absent(why));
    }
    if let Endpoint::Tls(address) = &service.endpoint {
        return Err(no_tls(address));
    }
    match service.image(name) {
        Ok(stream) => Ok(Answer::Found(Found::Archive(stream))),
        Err(Trouble::NoSocket) => Ok(Answer::Absent(no_socket(&service))),
        Err(Trouble::NoImage) => Ok(Answer::Absent(format!("Docker has no image {name}"))),
        Err(Trouble::NoName(why)) => Ok(Answer::Absent(format!("Docker says: {why}"))),
        Err(trouble) => Err(service.error(format!("image `{name}` of Docker"), trouble)),
    }
}

/// Why an engine on another machine is left alone, if it is.
pub(super) fn not_asked(service: &Service, access: &Access) -> Option<String> {
    let Service { endpoint, from, .. } = service;
    let from = from.iter().map(|from| format!("{from}: ")).collect::<String>();
    (access.offline && !endpoint.is_local())
        .then(|| format!("not asked (--offline): {from}{endpoint} is another machine"))
}

/// `/x is not there`, and which setting says that it should be.
pub(super) fn no_socket(service: &Service) -> String {
    let from = service.from.iter().map(|from| format!(" ({from})")).collect::<String>();
    format!("{}{from} is not there", service.endpoint)
}

fn service(machine: &Machine) -> Result<Service> {
    let (endpoint, from) = match machine.variable("DOCKER_HOST") {
        Some(address) => {
            let from = "DOCKER_HOST".to_owned();
            (encrypted(parse(address, &from)?, asks_for_tls(machine)), Some(from))
        }
        None => match context::current(machine)? {
            Some(Context { name, host, has_certificates }) => {
                let from = format!("context {name}");
                (encrypted(parse(&host, &from)?, has_certificates), Some(from))
            }
            None => (Endpoint::Unix(socket(machine)), None),
        },
    };
    Ok(Service { title: "Docker", endpoint, from, limits: machine.limits, ssh: machine.program("ssh") })
}

/// The daemon's own, or else that of a daemon without root.
fn socket(machine: &Machine) -> std::path::PathBuf {
    let socket = machine.path(SOCKET);
    let rootless = machine.below("XDG_RUNTIME_DIR", "docker.sock");
    rootless.filter(|rootless| socket.symlink_metadata().is_err() && rootless.exists()).unwrap_or(socket)
}

pub(super) fn parse(address: &str, from: &str) -> Result<Endpoint> {
    Endpoint::parse(address).map_err(|problem| Error::new(from, problem))
}

fn encrypted(endpoint: Endpoint, is_encrypted: bool) -> Endpoint {
    match endpoint {
        Endpoint::Tcp { .. } if is_encrypted => Endpoint::Tls(endpoint.to_string()),
        endpoint => endpoint,
    }
}

fn no_tls(address: &str) -> Error {
    Error::new(format!("Docker at {address}"), "it is asked for over TLS with certificates, which is not supported")
        .help("reach it over ssh (DOCKER_HOST=ssh://HOST), or pipe the image: docker save NAME | imagelint -")
}

/// docker/cli `cli/flags/options.go`: any value does.
fn asks_for_tls(machine: &Machine) -> bool {
    ["DOCKER_TLS_VERIFY", "DOCKER_TLS"].iter().any(|name| machine.variable(name).is_some())
}
