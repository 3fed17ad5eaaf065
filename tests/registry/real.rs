//! The reference implementation, `docker-registry`, on loopback, with images copied to it by `skopeo`.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use imagelint::image::Options;
use imagelint::launch::Overrides;
use imagelint::lint::Lint;
use imagelint::rules::RULES;
use tempfile::TempDir;

use crate::make::{self, Store};

/// bcrypt of `s3cr3t`, cost 4.
const HTPASSWD: &str = "jane:$2y$04$HUXqNH/PAzoXkMfuXNXEX.lfRV8vyJV0WjfC9MjEDwfiT17qmTlnW\n";
/// base64 of `jane:s3cr3t`.
const AUTH: &str = "amFuZTpzM2NyM3Q=";

/// The registry and the tool, or why the test is left out.
fn are_there(programs: &[&str]) -> bool {
    let version = |program: &str| if program == "openssl" { "version" } else { "--version" };
    let is_there =
        |program: &str| Command::new(program).arg(version(program)).output().is_ok_and(|o| o.status.success());
    let missing: Vec<&str> = programs.iter().copied().filter(|program| !is_there(program)).collect();
    if missing.is_empty() {
        return true;
    }
    let required = std::env::var_os("IMAGELINT_REQUIRE_SERVERS").is_some();
    assert!(!required, "not installed: {}", missing.join(", "));
    println!("left out, because it is not installed: {}", missing.join(", "));
    false
}

/// What the registry wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    Nothing,
    Login,
    Tls,
}

/// A certificate for 127.0.0.1 that nobody vouches for.
fn certificate(directory: &Path) {
    let mut command = Command::new("openssl");
    command.current_dir(directory).args([
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    command.args(["-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A registry in a scratch directory.
struct Registry {
    process: Child,
    host: String,
    scratch: TempDir,
}

impl Registry {
    fn start(wants: Wants) -> Self {
        let scratch = TempDir::new().unwrap();
        let path = |name: &str| scratch.path().join(name).display().to_string();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let mut config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n",
            path("data")
        );
        if wants == Wants::Tls {
            certificate(scratch.path());
            config += &format!("  tls:\n    certificate: {}\n    key: {}\n", path("cert.pem"), path("key.pem"));
        }
        if wants == Wants::Login {
            fs::write(path("htpasswd"), HTPASSWD).unwrap();
            config += &format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", path("htpasswd"));
        }
        fs::write(path("config.yml"), config).unwrap();
        fs::write(path("config.json"), format!(r#"{{"auths":{{"{host}":{{"auth":"{AUTH}"}}}}}}"#)).unwrap();
        let mut command = Command::new("docker-registry");
        let process = command.args(["serve", &path("config.yml")]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let registry = Registry { process: process.unwrap(), host, scratch };
        let began = Instant::now();
        while TcpStream::connect(&registry.host).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "docker-registry does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    /// Copies an image layout there, all its platforms.
    fn push(&self, layout: &Path, name: &str) {
        let mut command = Command::new("skopeo");
        command.args(["--insecure-policy", "copy", "--all", "--preserve-digests", "--dest-tls-verify=false"]);
        command.args(["--authfile", &self.scratch.path().join("config.json").display().to_string()]);
        command.args([format!("oci:{}", layout.display()), format!("docker://{}/{name}", self.host)]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Healthy, and one whose interpreter is not there.
fn layouts(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for (name, word) in [("missing", "/no/such/interpreter"), ("other", "/bin/sh")] {
        let mut store = Store::default();
        let image = make::add_image(&mut store, "amd64", word);
        store.index(&[image]);
        store.write(&root.join(name));
        names.push(name.to_owned());
    }
    names
}

fn several_platforms(root: &Path) -> String {
    let mut store = Store::default();
    let images = ["amd64", "arm64"].map(|arch| {
        let image = make::add_image(&mut store, arch, &format!("/no/{arch}"));
        make::platform(&image, &format!("linux/{arch}"))
    });
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": make::OCI_INDEX, "manifests": images});
    let top = store.json(make::OCI_INDEX, &index);
    store.index(&[top]);
    store.write(&root.join("several"));
    "several".to_owned()
}

/// Everything that is said of every platform, and the digest of what was read.
fn findings(reference: &str) -> Vec<(Option<String>, String, String)> {
    let rules: Vec<_> = RULES.iter().collect();
    let (reference, overrides) = (reference.parse().unwrap(), Overrides::default());
    let all = Lint::all(&reference, &Options::default(), &overrides, &rules).unwrap();
    all.map(Result::unwrap)
        .map(|lint| (lint.image.digest.clone(), lint.image.platform.to_string(), format!("{:#?}", lint.findings)))
        .collect()
}

#[test]
fn findings_are_those_of_the_layout() {
    if !are_there(&["docker-registry", "skopeo"]) {
        return;
    }
    let (registry, scratch) = (Registry::start(Wants::Nothing), TempDir::new().unwrap());
    let names = [layouts(scratch.path()), vec![several_platforms(scratch.path())]].concat();
    for name in &names {
        registry.push(&scratch.path().join(name), name);
        let here = findings(&format!("oci:{}", scratch.path().join(name).display()));
        let there = findings(&format!("registry:{}/{name}", registry.host));
        assert!(!here.is_empty());
        assert_eq!(there, here, "{name}");
        let digest = here[0].0.clone().unwrap();
        assert_eq!(findings(&format!("registry:{}/{name}@{digest}", registry.host))[0], here[0], "{name}");
    }
    assert!(findings(&format!("registry:{}/missing", registry.host))[0].2.contains("/no/such/interpreter"));
    let error = make::error(make::open(&format!("registry:{}/nothing", registry.host)));
    assert!(error.contains("has no image"), "{error}");
}

#[test]
fn with_a_login() {
    if !are_there(&["docker-registry", "skopeo"]) {
        return;
    }
    let (registry, scratch) = (Registry::start(Wants::Login), TempDir::new().unwrap());
    let names = layouts(scratch.path());
    registry.push(&scratch.path().join(&names[0]), "a/app");
    let run = |config: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        command.env_clear().env("HOME", scratch.path()).env("DOCKER_CONFIG", config);
        command.args(["--format", "json", &format!("registry:{}/a/app", registry.host)]).output().unwrap()
    };
    let output = run(registry.scratch.path());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("/no/such/interpreter"), "{text}");
    let output = run(scratch.path());
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    let text = text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("wants a login (401)") && text.contains("docker login"), "{text}");
}

/// Not even on loopback is a certificate that nobody vouches for passed over, and HTTP is not tried instead.
#[test]
fn with_tls() {
    if !are_there(&["docker-registry", "skopeo", "openssl"]) {
        return;
    }
    let (registry, scratch) = (Registry::start(Wants::Tls), TempDir::new().unwrap());
    let names = layouts(scratch.path());
    registry.push(&scratch.path().join(&names[0]), "app");
    let run = |trusted: Option<&Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        command.env_clear().env("HOME", scratch.path());
        command.envs(trusted.map(|file| ("SSL_CERT_FILE", file)));
        command.args(["--format", "json", &format!("registry:{}/app", registry.host)]).output().unwrap()
    };
    let output = run(Some(&registry.scratch.path().join("cert.pem")));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("/no/such/interpreter"), "{text}");
    let output = run(None);
    let text = String::from_utf8_lossy(&output.stderr).replace('│', " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("is not trusted") && text.contains("SSL_CERT_FILE"), "{text}");
}
