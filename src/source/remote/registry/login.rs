//! Logins that `docker login` and `podman login` have left: in files, or with a credential helper.
//!
//! Docker's config.json goes first, then Podman's auth.json (containers-auth.json(5)). `docker_credential` decodes the
//! entries and runs the helpers; which entry is meant is found here, because it knows neither entries for a part of a
//! registry nor all places of auth.json. A login that cannot be had is no error yet, as in Docker: the image may be
//! public. Only if the registry refuses, the reason is told. What the secrets are is never told.

use std::env;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use oci_client::secrets::RegistryAuth;
use serde_json::{Map, Value};

use super::name::Name;

/// Larger files hold no logins.
const MAX_FILE: u64 = 1 << 20;

/// What is known of the user at a registry. Without `Debug`, for it is secret.
pub(super) struct Login {
    pub auth: RegistryAuth,
    /// The file that it is from.
    pub from: String,
    /// Why there is none although there should be, as a clause.
    pub note: Option<String>,
}

impl Login {
    fn none() -> Self {
        Login { auth: RegistryAuth::Anonymous, from: String::new(), note: None }
    }

    pub fn is_anonymous(&self) -> bool {
        self.auth == RegistryAuth::Anonymous
    }
}

/// The login for `name`; a helper is waited for as long as `patience`.
pub(super) fn of(name: &Name, patience: Duration) -> Login {
    let mut first_note = None;
    for file in files() {
        let login = of_file(&file, name, patience);
        if !login.is_anonymous() {
            return login;
        }
        first_note = first_note.or(login.note);
    }
    Login { note: first_note, ..Login::none() }
}

/// Where logins are kept, in the order in which they are looked at.
fn files() -> Vec<PathBuf> {
    let of = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = |below: &str| of("HOME").map(|home| home.join(below));
    let docker = of("DOCKER_CONFIG").or_else(|| home(".docker")).map(|dir| dir.join("config.json"));
    // The variable takes the place of the others.
    let podman = match of("REGISTRY_AUTH_FILE") {
        Some(file) => vec![file],
        None => [
            of("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")).or_else(of_user),
            of("XDG_CONFIG_HOME").or_else(|| home(".config")).map(|dir| dir.join("containers/auth.json")),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    docker.into_iter().chain(podman).collect()
}

/// Where there is no runtime directory (containers/image `pkg/docker/config/config.go`).
fn of_user() -> Option<PathBuf> {
    let user = Path::new("/proc/self").metadata().ok()?.uid();
    Some(format!("/run/containers/{user}/auth.json").into())
}

fn of_file(path: &Path, name: &Name, patience: Duration) -> Login {
    let file = path.display().to_string();
    let noted = |note: String| Login { note: Some(note), ..Login::none() };
    let Ok(bytes) = read(path) else { return Login::none() };
    let Ok(Value::Object(config)) = serde_json::from_slice(&bytes) else {
        return noted(format!("{file} is not valid JSON, so that no login is taken from it"));
    };
    let Some(server) = server(&config, name) else { return Login::none() };
    match credential(bytes, server, patience) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Login { auth: RegistryAuth::Basic(user, password), from: file, note: None }
        }
        // It would have to be exchanged by OAuth 2, which `oci-client` does not do.
        Ok(DockerCredential::IdentityToken(_)) => noted(format!(
            "the login in {file} is an identity token, which is not supported: log in with a user name and a password \
             or access token"
        )),
        Err(Some(why)) => noted(format!("the login in {file} cannot be had: {why}")),
        Err(None) => Login::none(),
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A FIFO would be waited for.
    if path.metadata()?.is_file() {
        File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The key under which `config` may have a login for `name`, the most specific first; if all logins are with one
/// helper, the name under which Docker gives it them.
fn server(config: &Map<String, Value>, name: &Name) -> Option<String> {
    let entries = |part: &str| config.get(part).and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let keys: Vec<&String> = entries("credHelpers").chain(entries("auths")).collect();
    let wanted = name.login_keys();
    let of = |wanted: &String| keys.iter().find(|key| plain(key) == *wanted).map(|key| (*key).clone());
    let store = || config.get("credsStore").and_then(Value::as_str).filter(|store| !store.is_empty());
    wanted.iter().find_map(of).or_else(|| store().map(|_| canonical(name)))
}

/// A key without scheme, and then without path; Docker Hub has several names.
fn plain(key: &str) -> &str {
    let stripped = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let host = stripped.map_or(key, |rest| rest.split('/').next().unwrap_or_default());
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

/// docker/cli `cli/config/credentials` keeps Docker Hub under this name.
fn canonical(name: &Name) -> String {
    match name.registry() {
        "docker.io" => "https://index.docker.io/v1/".to_owned(),
        registry => registry.to_owned(),
    }
}

/// What the library makes of the entry; why it cannot be had, `None` if there is none after all. On a thread of its own,
/// because a helper may wait for ever.
fn credential(config: Vec<u8>, server: String, patience: Duration) -> Result<DockerCredential, Option<String>> {
    let (sender, answer) = mpsc::channel();
    let ask = move || drop(sender.send(get_credential_from_reader(config.as_slice(), &server)));
    let asked = thread::Builder::new().name("credentials".to_owned()).spawn(ask);
    asked.map_err(|e| Some(e.to_string()))?;
    let late = |_| Some("the credential helper does not answer".to_owned());
    answer.recv_timeout(patience).map_err(late)?.map_err(|error| reason(&error))
}

/// In words, without what a helper printed: it may be a secret.
fn reason(error: &CredentialRetrievalError) -> Option<String> {
    match error {
        CredentialRetrievalError::NoCredentialConfigured => None,
        // docker-credential-helpers, `credentials/error.go`: so every helper says that it has none.
        CredentialRetrievalError::HelperFailure { stdout, .. } if stdout.contains("credentials not found") => None,
        CredentialRetrievalError::HelperFailure { helper, .. } => Some(format!("`{helper} get` fails")),
        CredentialRetrievalError::HelperCommunicationError => {
            Some("its credential helper (docker-credential-…) cannot be run, or ends at once".to_owned())
        }
        CredentialRetrievalError::MalformedHelperResponse => {
            Some("its credential helper answers with something else".to_owned())
        }
        CredentialRetrievalError::CredentialMismatchError => {
            Some("`auth` says another thing than `username` and `password`".to_owned())
        }
        CredentialRetrievalError::CredentialDecodingError => {
            Some("its `auth` is not base64 of USER:PASSWORD".to_owned())
        }
        _ => Some("it is not as Docker writes it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server_in(config: Value, name: &str) -> Option<String> {
        server(config.as_object().unwrap(), &Name::parse(name).unwrap())
    }

    #[test]
    fn the_most_specific_entry_wins() {
        let auths = json!({"auths": {"h.example": {}, "h.example/a/b": {}, "h.example/a": {}, "x.example": {}}});
        for (name, key) in [
            ("h.example/a/b", Some("h.example/a/b")),
            ("h.example/a/c", Some("h.example/a")),
            ("h.example/ab", Some("h.example")),
            ("g.example/a/b", None),
            ("h.example:5000/a", None),
        ] {
            assert_eq!(server_in(auths.clone(), name).as_deref(), key, "{name}");
        }
    }

    #[test]
    fn docker_hub_and_urls_as_keys() {
        let hub = "https://index.docker.io/v1/";
        assert_eq!(server_in(json!({"auths": {hub: {}}}), "alpine").as_deref(), Some(hub));
        assert_eq!(server_in(json!({"auths": {"docker.io": {}}}), "alpine").as_deref(), Some("docker.io"));
        assert!(server_in(json!({"auths": {"https://h.example/v2/": {}}}), "h.example/a").is_some());
        assert_eq!(server_in(json!({"credsStore": "x"}), "alpine").as_deref(), Some(hub));
        assert_eq!(server_in(json!({"credsStore": "x"}), "h.example/a").as_deref(), Some("h.example"));
        assert_eq!(server_in(json!({"credsStore": ""}), "h.example/a"), None);
        assert_eq!(server_in(json!({"credHelpers": {"h.example": "x"}}), "h.example/a").as_deref(), Some("h.example"));
        assert_eq!(server_in(json!({"auths": []}), "h.example/a"), None);
    }

    #[test]
    fn what_a_helper_prints_is_not_told() {
        let failure = |stdout: &str| CredentialRetrievalError::HelperFailure {
            helper: "docker-credential-x".into(),
            stdout: stdout.into(),
            stderr: "secret".into(),
        };
        assert_eq!(reason(&failure("secret")).as_deref(), Some("`docker-credential-x get` fails"));
        assert_eq!(reason(&failure("credentials not found in native keychain\n")), None);
    }
}
