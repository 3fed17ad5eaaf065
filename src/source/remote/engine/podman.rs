//! Podman: its service if one listens, or else the program itself, which needs none.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::api::Service;
use super::docker::{no_socket, not_asked, parse};
use super::endpoint::Endpoint;
use super::machine::Machine;
use super::name::is_id;
use super::process::{Failed, Output};
use super::trouble::Trouble;
use crate::error::{Error, Result};
use crate::source::places::{Access, Answer, Found, Stream};

const SOCKET: &str = "/run/podman/podman.sock";

/// `podman image exists` exits so where there is none (podman-image-exists(1)).
const NO_SUCH_IMAGE: i32 = 1;

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
        match service.id(name) {
            Ok(id) => return Ok(Answer::Found(Found::Archive(service.archive(name, id)))),
            Err(Trouble::NoImage) => return Ok(Answer::Absent(format!("Podman has no image {name}"))),
            Err(Trouble::NoName(why)) => return Ok(Answer::Absent(format!("Podman says: {why}"))),
            // The socket of a service that has ended, or of another user: the program does without.
            Err(Trouble::NoSocket | Trouble::Refused | Trouble::Denied) => {}
            Err(trouble) => return Err(service.error(format!("image `{name}` of Podman"), trouble)),
        }
    }
    let program = Program { machine: machine.clone(), name: name.to_owned() };
    program.ask(|| services.iter().map(no_socket).next())
}

/// Where a service may listen: where `CONTAINER_HOST` says, or else in the user's place and in root's. What is reached
/// by ssh is left to the program, which has its own way there.
fn services(machine: &Machine) -> Result<Vec<Service>> {
    let service = |endpoint, from| Service { title: "Podman", endpoint, from, limits: machine.limits };
    if let Some(address) = machine.variable("CONTAINER_HOST") {
        let from = "CONTAINER_HOST".to_owned();
        return Ok(vec![service(parse(address, &from)?, Some(from))]);
    }
    let user = machine.below("XDG_RUNTIME_DIR", "podman/podman.sock");
    let sockets = user.into_iter().chain([machine.path(SOCKET)]);
    Ok(sockets.map(|socket| service(Endpoint::Unix(socket), None)).collect())
}

/// The program `podman`.
#[derive(Clone)]
struct Program {
    machine: Machine,
    name: String,
}

impl Program {
    /// `instead` says which socket is not there.
    fn ask(self, instead: impl Fn() -> Option<String>) -> Result<Answer> {
        let Some(path) = self.machine.program("podman") else {
            let socket = instead().map(|socket| format!(", and {socket}")).unwrap_or_default();
            return Ok(Answer::Absent(format!("podman is not installed{socket}")));
        };
        match self.text(&path, &["image", "exists", &self.name]) {
            Ok(_) => {}
            Err(error) if exit_code(&error) == Some(NO_SUCH_IMAGE) => {
                return Ok(Answer::Absent(format!("Podman has no image {}", self.name)));
            }
            Err(error) => return Err(self.error(&error)),
        }
        let id = self.text(&path, &["image", "inspect", "--format", "{{.Id}}", &self.name]);
        let id = id.map_err(|error| self.error(&error))?.trim().to_owned();
        if !is_id(&id) {
            return Err(Error::new(self.reading(), "podman image inspect gives no ID"));
        }
        Ok(Answer::Found(Found::Archive(self.archive(path, id))))
    }

    /// In the format of Docker, whose configuration is the image's own, so that the ID stays what it is; layers come as
    /// they are stored, where the other format has them compressed anew.
    fn archive(self, path: PathBuf, id: String) -> Stream {
        Stream::new(self.reading(), move || {
            let arguments = ["save", "--quiet", "--format", "docker-archive", &id];
            let saved = self.output(&path, &arguments).map_err(|error| self.error(&error))?;
            Ok(Box::new(saved))
        })
    }

    fn reading(&self) -> String {
        format!("image `{}` of Podman", self.name)
    }

    fn text(&self, path: &Path, arguments: &[&str]) -> io::Result<String> {
        self.output(path, arguments)?.text()
    }

    fn output(&self, path: &Path, arguments: &[&str]) -> io::Result<Output> {
        let limits = self.machine.limits;
        let (first, idle) = if arguments.first() == Some(&"save") {
            (limits.prepare, limits.idle)
        } else {
            (limits.answer, limits.answer)
        };
        Output::of(Command::new(path).args(arguments), first, idle)
    }

    fn error(&self, error: &io::Error) -> Error {
        Error::new(self.reading(), format!("podman fails: {error}"))
            .help("try the same with podman itself: podman image inspect NAME; images of root are seen by root only")
    }
}

fn exit_code(error: &io::Error) -> Option<i32> {
    error.get_ref()?.downcast_ref::<Failed>()?.status.code()
}
