//! Podman: its service if one listens, or else the program itself, which needs none.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::api::Service;
use super::docker::{not_asked, parse};
use super::endpoint::Endpoint;
use super::machine::{Limits, Machine};
use super::name::{digest, is_id};
use super::process::{Failed, Output};
use super::trouble::{Trouble, is_about_the_name};
use crate::error::{Error, Result};
use crate::source::places::{Access, Answer, Found, Identity, Stream};

const CONTAINER_HOST: &str = "CONTAINER_HOST";

const SOCKET: &str = "/run/podman/podman.sock";

/// `podman image exists` exits so where there is none (podman-image-exists(1)).
const NO_SUCH_IMAGE: i32 = 1;

/// What podman says then (containers/storage `types/errors.go`, `ErrImageUnknown`).
const NOT_KNOWN: &str = "image not known";

/// Asks it for an image.
///
/// # Errors
/// It is there, and does not answer as it should.
pub(super) fn ask(machine: &Machine, name: &str, access: &Access) -> Result<Answer> {
    let services = services(machine)?;
    for service in &services {
        if let Some(why) = not_asked(service, access) {
            return Ok(Answer::Absent(why));
        }
        // The program has its own way over ssh.
        if matches!(service.endpoint, Endpoint::Ssh { .. }) {
            continue;
        }
        match service.image(name) {
            Ok(stream) => return Ok(Answer::Found(Found::Archive(stream))),
            Err(Trouble::NoImage) => return Ok(Answer::Absent(absent(name))),
            Err(Trouble::NoName(why)) => return Ok(Answer::Absent(format!("Podman says: {why}"))),
            Err(trouble) if may_be_done_without(service, &trouble) => {}
            Err(trouble) => return Err(service.error(reading(name), trouble)),
        }
    }
    Program::new(machine, name, access).ask(&services)
}

/// What the service of a socket on this machine would give, the program gives as well: nobody need listen there. Root's
/// socket is not for other users, who have images of their own.
fn may_be_done_without(service: &Service, trouble: &Trouble) -> bool {
    let is_socket = matches!(service.endpoint, Endpoint::Unix(_));
    match trouble {
        Trouble::NoSocket | Trouble::Refused => is_socket,
        Trouble::Denied => is_socket && service.from.is_none(),
        _ => false,
    }
}

fn absent(name: &str) -> String {
    format!("Podman has no image {name}")
}

fn reading(name: &str) -> String {
    format!("image `{name}` of Podman")
}

/// Where a service may listen: where `CONTAINER_HOST` says, or else in the user's place and in root's.
fn services(machine: &Machine) -> Result<Vec<Service>> {
    let service = |endpoint, from| Service { title: "Podman", endpoint, from, limits: machine.limits, ssh: None };
    if let Some(address) = machine.variable(CONTAINER_HOST) {
        let from = CONTAINER_HOST.to_owned();
        return Ok(vec![service(parse(address, &from)?, Some(from))]);
    }
    let user = machine.below("XDG_RUNTIME_DIR", "podman/podman.sock");
    let sockets = user.into_iter().chain([machine.path(SOCKET)]);
    Ok(sockets.map(|socket| service(Endpoint::Unix(socket), None)).collect())
}

/// The program `podman`.
#[derive(Clone)]
struct Program {
    /// Where it is, if it is installed.
    path: Option<PathBuf>,
    limits: Limits,
    name: String,
    /// Whether it is kept from asking the service that was asked already.
    is_local: bool,
    /// Whether it is kept from asking any.
    is_offline: bool,
}

impl Program {
    fn new(machine: &Machine, name: &str, access: &Access) -> Self {
        let address = machine.variable(CONTAINER_HOST);
        let is_local = address.is_some_and(|address| matches!(Endpoint::parse(address), Ok(Endpoint::Unix(_))));
        let (path, limits, is_offline) = (machine.program("podman"), machine.limits, access.offline);
        Program { path, limits, name: name.to_owned(), is_local, is_offline }
    }

    fn ask(self, services: &[Service]) -> Result<Answer> {
        if self.path.is_none() {
            let socket = services.first().map(|service| format!(", and nothing listens on {}", service.endpoint));
            return Ok(Answer::Absent(format!("podman is not installed{}", socket.unwrap_or_default())));
        }
        let id = match self.text(&["image", "inspect", "--format", "{{.Id}}", &self.name]) {
            Ok(id) => id.trim().to_owned(),
            Err(error) => return self.not_inspected(&error),
        };
        if !is_id(&id) {
            return Err(Error::new(reading(&self.name), "podman image inspect gives no ID"));
        }
        Ok(Answer::Found(Found::Archive(self.archive(id))))
    }

    /// Whether there is no such image. If the words do not tell, as those of another version may not, the exit status of
    /// another command does.
    fn not_inspected(&self, error: &io::Error) -> Result<Answer> {
        let failed = error.get_ref().and_then(|error| error.downcast_ref::<Failed>());
        if failed.is_some_and(|failed| failed.words.contains(NOT_KNOWN)) {
            return Ok(Answer::Absent(absent(&self.name)));
        }
        match self.text(&["image", "exists", &self.name]) {
            Ok(_) => Err(self.error(error)),
            Err(error) => self.refused(&error),
        }
    }

    fn refused(&self, error: &io::Error) -> Result<Answer> {
        let failed = error.get_ref().and_then(|error| error.downcast_ref::<Failed>());
        match failed {
            Some(failed) if failed.status.code() == Some(NO_SUCH_IMAGE) => Ok(Answer::Absent(absent(&self.name))),
            Some(failed) if is_about_the_name(&failed.words) => {
                Ok(Answer::Absent(format!("Podman says: {}", failed.words)))
            }
            _ => Err(self.error(error)),
        }
    }

    /// In the format of Docker, whose configuration is the image's own, so that the ID stays what it is; layers come as
    /// they are stored, where the other format has them compressed anew.
    fn archive(self, id: String) -> Stream {
        let identity = Identity { id: digest(&id), engine: String::new() };
        Stream::new(reading(&self.name), identity, move || {
            let arguments = ["save", "--quiet", "--format", "docker-archive", &id];
            let saved = self.output(&arguments, self.limits.prepare, self.limits.idle);
            Ok(Box::new(saved.map_err(|error| self.error(&error))?))
        })
    }

    fn text(&self, arguments: &[&str]) -> io::Result<String> {
        self.output(arguments, self.limits.answer, self.limits.answer)?.text()
    }

    fn output(&self, arguments: &[&str], first: Duration, idle: Duration) -> io::Result<Output> {
        let mut command = Command::new(self.path.as_deref().unwrap_or(Path::new("podman")));
        // With it, podman asks a service, too (podman(1), --remote).
        if self.is_local {
            command.env_remove(CONTAINER_HOST);
        }
        // A connection may be the default one (podman-system-connection(1)); `--remote=false` does not say no to that of
        // containers.conf (measured with 4.3).
        if self.is_offline {
            command.env_remove(CONTAINER_HOST).env_remove("CONTAINER_CONNECTION");
            command.env("CONTAINERS_CONF", "/dev/null").env("PODMAN_CONNECTIONS_CONF", "/dev/null");
        }
        Output::of(command.args(arguments), first, idle)
    }

    fn error(&self, error: &io::Error) -> Error {
        Error::new(reading(&self.name), format!("podman fails: {error}"))
            .help("try the same with podman itself: podman image inspect NAME; images of root are seen by root only")
    }
}
