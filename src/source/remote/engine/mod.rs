//! Engines on this machine: whether they have an image, and the image as they give it.

mod api;
mod containerd;
mod context;
mod docker;
mod endpoint;
mod machine;
mod name;
mod podman;
mod process;
mod ssh;
mod tls;
mod trouble;
mod wire;

#[cfg(test)]
mod tests;

use self::machine::Machine;
use crate::error::Result;
use crate::source::places::{Access, Answer, Place};

/// Asks the engine `place` for the image `name`.
///
/// # Errors
/// The engine is there, and does not answer as it should.
pub(super) fn ask(place: Place, name: &str, access: &Access) -> Result<Answer> {
    ask_on(&Machine::this(), place, name, access)
}

fn ask_on(machine: &Machine, place: Place, name: &str, access: &Access) -> Result<Answer> {
    if !name::may_name_an_image(name) {
        return Ok(Answer::Absent(format!("`{name}` cannot be the name of an image")));
    }
    match place {
        Place::Docker => docker::ask(machine, name, access),
        Place::Podman => podman::ask(machine, name, access),
        Place::Containerd => containerd::ask(machine, name),
        Place::Registry => Ok(Answer::Absent("a registry is no engine".to_owned())),
    }
}
