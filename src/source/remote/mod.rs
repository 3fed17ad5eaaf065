//! Engines and registries: the clients that speak to them, behind [`Blobs`](super::Blobs) and [`Read`](std::io::Read).

mod body;
mod engine;
pub mod registry;
mod runtime;

use super::places::{Access, Answer, Place};
use crate::error::Result;

/// Asks `place` for the image `name`.
///
/// # Errors
/// The place is there, and does not answer as it should: whether it has the image is not known.
pub fn ask(place: Place, name: &str, access: &Access) -> Result<Answer> {
    match place {
        Place::Docker | Place::Podman | Place::Containerd => engine::ask(place, name, access),
        Place::Registry => registry::ask(name, access),
    }
}
