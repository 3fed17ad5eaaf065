//! Contexts of the docker CLI: addresses of engines by name (docker/cli `cli/context/store`).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::machine::Machine;
use crate::error::{Error, Result};
use crate::source::unreadable;

/// Larger than any of these files.
const MAX_FILE: u64 = 1 << 20;

/// The context that stands for no context.
const DEFAULT: &str = "default";

/// An engine's address as a context has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub name: String,
    pub host: String,
    /// Where its certificates are, if it has some: then TLS is spoken.
    pub certificates: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default, rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default, rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Default, Deserialize)]
struct Endpoints {
    #[serde(default)]
    docker: Option<Docker>,
}

#[derive(Deserialize)]
struct Docker {
    #[serde(default, rename = "Host")]
    host: String,
}

/// Where the docker CLI keeps its files.
pub(super) fn directory(machine: &Machine) -> Option<PathBuf> {
    machine.variable("DOCKER_CONFIG").map(PathBuf::from).or_else(|| machine.below("HOME", ".docker"))
}

/// The context in use, if there is one: `DOCKER_CONTEXT`, or else what `docker context use` has left.
///
/// # Errors
/// It is not there, or cannot be read.
pub(super) fn current(machine: &Machine) -> Result<Option<Context>> {
    let Some(directory) = directory(machine) else { return Ok(None) };
    let name = match machine.variable("DOCKER_CONTEXT") {
        Some(name) => Some(name.to_owned()),
        None => read::<Config>(&directory.join("config.json"))?.and_then(|config| config.current_context),
    };
    name.filter(|name| !name.is_empty() && name != DEFAULT).map(|name| load(&directory, name)).transpose()
}

fn load(directory: &Path, name: String) -> Result<Context> {
    let id: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let contexts = directory.join("contexts");
    let reading = || format!("Docker's context `{name}`");
    let meta = read::<Meta>(&contexts.join("meta").join(&id).join("meta.json"))?.ok_or_else(|| {
        Error::new(reading(), format!("there is no such context in {}", contexts.display()))
            .help("see docker context ls; DOCKER_CONTEXT or `docker context use` has chosen it")
    })?;
    let host = meta.endpoints.docker.map(|docker| docker.host).filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Error::new(reading(), "it has no address of a Docker engine"))?;
    let certificates = contexts.join("tls").join(&id).join("docker");
    Ok(Context { name, host, certificates: certificates.is_dir().then_some(certificates) })
}

/// A document in JSON, if it is there.
fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let reading = || format!("`{}`", path.display());
    let mut text = Vec::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(reading(), &error)),
    };
    file.take(MAX_FILE).read_to_end(&mut text).map_err(|error| unreadable(reading(), &error))?;
    let parsed = serde_json::from_slice(&text);
    parsed.map(Some).map_err(|error| Error::new(reading(), format!("it is not as the docker CLI writes it: {error}")))
}
