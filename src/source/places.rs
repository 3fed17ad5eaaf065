//! Where an image may be that is named by a name, not by a path: engines on this machine, and registries.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use super::Blobs;
use crate::error::Result;

/// A kind of place, in the order in which a bare name is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The Docker engine.
    Docker,
    /// Podman's storage.
    Podman,
    /// containerd's store.
    Containerd,
    /// A registry, over the network.
    Registry,
}

impl Place {
    /// All, in that order.
    pub const ALL: [Place; 4] = [Place::Docker, Place::Podman, Place::Containerd, Place::Registry];

    /// As the command line and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Place::Docker => "docker",
            Place::Podman => "podman",
            Place::Containerd => "containerd",
            Place::Registry => "registry",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What may be asked of whom.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The only place where a bare name is looked for.
    pub only: Option<Place>,
    /// No connection is opened to another machine.
    pub offline: bool,
    /// Registries (`HOST[:PORT]`) that are spoken to without TLS; those on loopback need not be named.
    pub insecure: Vec<String>,
}

/// What a place says to a name.
pub enum Answer {
    /// The image is there.
    Found(Found),
    /// It is not, or the place itself is not there; why, as a clause: `/var/run/docker.sock is not there`.
    Absent(String),
    /// It is there, but not for this user, as it is usual; why. The search goes on, and says so.
    Closed(String),
}

/// An image as a place gives it.
pub enum Found {
    /// Blobs as in an image layout that holds this image and no other: `index.json`, `blobs/sha256/…`.
    Blobs(Arc<dyn Blobs>),
    /// An archive as `docker save` writes it.
    Archive(Stream),
}

/// What an engine knows an image by, before it sends anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The digest of one of its documents: of the configuration, or of a manifest or index.
    pub id: String,
    /// Which engine says so, in which version, if it tells: another may write another archive of the same image.
    pub engine: String,
}

type Open = dyn Fn() -> Result<Box<dyn Read + Send>> + Send + Sync;

/// An archive that comes as a stream, and comes again if it is asked for.
#[derive(Clone)]
pub struct Stream {
    place: String,
    identity: Identity,
    open: Arc<Open>,
}

impl Stream {
    /// `place` names it in messages: ``image `app` of Docker``; `open` asks for it.
    pub fn new(
        place: String,
        identity: Identity,
        open: impl Fn() -> Result<Box<dyn Read + Send>> + Send + Sync + 'static,
    ) -> Self {
        Stream { place, identity, open: Arc::new(open) }
    }

    /// Asks for it.
    ///
    /// # Errors
    /// It does not come.
    pub fn open(&self) -> Result<Box<dyn Read + Send>> {
        (self.open)()
    }

    /// What the engine knows it by.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What is being read, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.place).finish()
    }
}
