//! Variables and contexts that say where Docker is.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::fake::{Fake, Say};
use super::*;

fn docker(root: &Path, variables: &[(&str, &str)], offline: bool) -> Result<Answer> {
    let access = Access { offline, ..Access::default() };
    ask_on(&machine(root, variables, LATER), Place::Docker, "app", &access)
}

fn nobody() -> Fake {
    Fake::new(|_| Say::status(404, ""))
}

/// As `docker context create` writes it.
fn context(directory: &Path, name: &str, host: &str) -> std::path::PathBuf {
    let id: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let meta = directory.join("contexts/meta").join(&id);
    fs::create_dir_all(&meta).unwrap();
    let text = serde_json::json!({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}).to_string();
    fs::write(meta.join("meta.json"), text).unwrap();
    directory.join("contexts/tls").join(id).join("docker")
}

#[test]
fn the_variable_comes_before_the_context() {
    let (root, fake, other) = (TempDir::new().unwrap(), nobody(), nobody());
    let config = root.path().display().to_string();
    context(root.path(), "there", &fake.address());
    fs::write(root.path().join("config.json"), r#"{"auths": {}, "currentContext": "there"}"#).unwrap();
    assert_eq!(absent(docker(root.path(), &[("DOCKER_CONFIG", &config)], false)), "Docker has no image app");
    assert_eq!((fake.requests().len(), other.requests().len()), (1, 0));
    let variables = [("DOCKER_CONFIG", config.as_str()), ("DOCKER_HOST", &other.address())];
    assert_eq!(absent(docker(root.path(), &variables, true)), "Docker has no image app");
    assert_eq!((fake.requests().len(), other.requests().len()), (1, 1));
    // Empty is as good as not there.
    let variables = [("DOCKER_CONFIG", config.as_str()), ("DOCKER_HOST", ""), ("DOCKER_CONTEXT", "")];
    absent(docker(root.path(), &variables, false));
    assert_eq!(fake.requests().len(), 2);
    // `default` is none.
    let variables = [("DOCKER_CONFIG", config.as_str()), ("DOCKER_CONTEXT", "default")];
    assert!(absent(docker(root.path(), &variables, false)).ends_with("/var/run/docker.sock is not there"));
}

#[test]
fn the_context_of_the_variable_comes_before_that_of_the_file() {
    let (root, fake) = (TempDir::new().unwrap(), nobody());
    let home = root.path().display().to_string();
    let directory = root.path().join(".docker");
    context(&directory, "here", &fake.address());
    fs::write(directory.join("config.json"), r#"{"currentContext": "nowhere"}"#).unwrap();
    absent(docker(root.path(), &[("HOME", &home), ("DOCKER_CONTEXT", "here")], false));
    assert_eq!(fake.requests().len(), 1);
    let said = error(docker(root.path(), &[("HOME", &home)], false));
    assert!(said.contains("Docker's context `nowhere`: there is no such context in "), "{said}");
    fs::write(directory.join("config.json"), "{").unwrap();
    let said = error(docker(root.path(), &[("HOME", &home)], false));
    assert!(said.contains("config.json`: it is not as the docker CLI writes it"), "{said}");
}

#[test]
fn without_roots_socket_it_is_that_of_the_user() {
    let (root, fake) = (TempDir::new().unwrap(), nobody());
    fs::rename(&fake.socket, fake.directory.path().join("docker.sock")).unwrap();
    let runtime = fake.directory.path().display().to_string();
    absent(docker(root.path(), &[("XDG_RUNTIME_DIR", &runtime)], false));
    assert_eq!(fake.requests().len(), 1);
}

#[test]
fn other_machines_are_left_alone_offline() {
    let root = TempDir::new().unwrap();
    for address in ["tcp://10.255.255.1:2375", "ssh://me@machine.invalid"] {
        let why = absent(docker(root.path(), &[("DOCKER_HOST", address)], true));
        assert_eq!(why, format!("not asked (--offline): DOCKER_HOST: {address} is another machine"));
    }
    let said = error(docker(root.path(), &[("DOCKER_HOST", "tcp://127.0.0.1:1")], true));
    assert!(said.contains("nothing listens on tcp://127.0.0.1:1"), "{said}");
}

#[test]
fn a_daemon_may_listen_on_a_port() {
    let (root, listener) = (TempDir::new().unwrap(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut wire, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let read = wire.read(&mut request).unwrap();
        wire.write_all(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    assert_eq!(absent(docker(root.path(), &[("DOCKER_HOST", &address)], true)), "Docker has no image app");
    let request = server.join().unwrap().to_lowercase();
    assert!(request.starts_with("get /images/app/json http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: {}\r\n", address.replace("tcp://", ""))), "{request}");
}

/// Answers whoever comes, without TLS.
fn plain() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::Write;
        for mut wire in listener.incoming().flatten() {
            drop(wire.write_all(b"HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    address
}

#[test]
fn what_asks_for_tls() {
    let (root, address) = (TempDir::new().unwrap(), plain());
    let config = root.path().display().to_string();
    for variable in ["DOCKER_TLS_VERIFY", "DOCKER_TLS"] {
        let variables = [("DOCKER_HOST", address.as_str()), (variable, "1"), ("DOCKER_CONFIG", &config)];
        let said = error(docker(root.path(), &variables, false));
        assert!(said.contains("it does not speak TLS"), "{said}");
    }
    fs::create_dir_all(context(root.path(), "secure", &address)).unwrap();
    let variables = [("DOCKER_CONFIG", config.as_str()), ("DOCKER_CONTEXT", "secure")];
    let said = error(docker(root.path(), &variables, false));
    assert!(said.contains("it does not speak TLS"), "{said}");
    fs::write(root.path().join("ca.pem"), "none").unwrap();
    let variables = [("DOCKER_HOST", address.as_str()), ("DOCKER_TLS", "1"), ("DOCKER_CERT_PATH", &config)];
    let said = error(docker(root.path(), &variables, false));
    assert!(said.contains("ca.pem holds no certificates in PEM"), "{said}");
}

#[test]
fn addresses_that_are_none_are_errors() {
    let root = TempDir::new().unwrap();
    let said = error(docker(root.path(), &[("DOCKER_HOST", "npipe:////./pipe/docker_engine")], false));
    assert!(said.contains("could not read DOCKER_HOST: `npipe:////./pipe/docker_engine` is neither"), "{said}");
}

/// As docker's own client calls it (docker/cli `cli/connhelper/ssh`).
#[test]
fn another_machine_is_reached_by_ssh() {
    let root = TempDir::new().unwrap();
    let script = r#"
printf '%s\n' "$@" >"$0.arguments"
while read -r line && [ ${#line} -gt 1 ]; do :; done
printf 'HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n'
cat"#;
    let address = [("DOCKER_HOST", "ssh://me@machine.invalid:2022/run/d'.sock")];
    let machine = with_program(root.path(), "ssh", script, &address, LATER);
    assert_eq!(absent(ask_for(&machine, Place::Docker, "app")), "Docker has no image app");
    let arguments = fs::read_to_string(root.path().join("ssh.arguments")).unwrap();
    let expected = r"-T -o BatchMode=yes -o ConnectTimeout=60 -l me -p 2022 -- machine.invalid docker --host 'unix:///run/d'\''.sock' system dial-stdio";
    assert_eq!(arguments.lines().collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn what_ssh_says_is_told() {
    let root = TempDir::new().unwrap();
    let address = [("DOCKER_HOST", "ssh://machine.invalid")];
    let machine =
        with_program(root.path(), "ssh", "echo 'Permission denied (publickey).' >&2; exit 255", &address, LATER);
    let said = error(ask_for(&machine, Place::Docker, "app"));
    let expected = "Docker at ssh://machine.invalid (DOCKER_HOST): Permission denied (publickey).";
    assert!(said.contains(expected), "{said}");
    let said = error(docker(root.path(), &[address[0], ("PATH", "/nonexistent")], false));
    assert!(said.contains("ssh is not installed"), "{said}");
}
