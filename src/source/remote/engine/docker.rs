//! Docker: where its daemon is, as the docker CLI finds it.

use std::path::PathBuf;

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
            (parse_with(address, certificates(machine, address), &from)?, Some(from))
        }
        None => match context::current(machine)? {
            Some(Context { name, host, certificates }) => {
                let from = format!("context {name}");
                (parse_with(&host, certificates, &from)?, Some(from))
            }
            None => (Endpoint::Unix(socket(machine)), None),
        },
    };
    Ok(Service { title: "Docker", endpoint, from, limits: machine.limits, ssh: machine.program("ssh") })
}

/// The daemon's own, or else that of a daemon without root.
fn socket(machine: &Machine) -> PathBuf {
    let socket = machine.path(SOCKET);
    let rootless = machine.below("XDG_RUNTIME_DIR", "docker.sock");
    rootless.filter(|rootless| socket.symlink_metadata().is_err() && rootless.exists()).unwrap_or(socket)
}

pub(super) fn parse(address: &str, from: &str) -> Result<Endpoint> {
    Endpoint::parse(address).map_err(|problem| Error::new(from, problem))
}

fn parse_with(address: &str, certificates: Option<PathBuf>, from: &str) -> Result<Endpoint> {
    match certificates {
        Some(certificates) => {
            Endpoint::parse_encrypted(address, certificates).map_err(|problem| Error::new(from, problem))
        }
        None => parse(address, from),
    }
}

/// The directory of the certificates, if TLS is to be spoken (docker/cli `cli/flags/options.go`: any value asks for it).
fn certificates(machine: &Machine, address: &str) -> Option<PathBuf> {
    let asked = ["DOCKER_TLS_VERIFY", "DOCKER_TLS"].iter().any(|name| machine.variable(name).is_some());
    let own = || machine.variable("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| context::directory(machine));
    (asked || address.starts_with("https://")).then(|| own().unwrap_or_default())
}
