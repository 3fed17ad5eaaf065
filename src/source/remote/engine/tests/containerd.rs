//! containerd's socket, with something else behind it.

use std::fs;
use std::os::unix::net::UnixListener;
use std::time::Instant;

use tempfile::TempDir;

use super::fake::{Fake, Say};
use super::*;

fn ask(root: &std::path::Path, address: &str, limits: Limits) -> Result<Answer> {
    ask_for(&machine(root, &[("CONTAINERD_ADDRESS", address)], limits), Place::Containerd, "app")
}

#[test]
fn what_does_not_speak_grpc_is_an_error() {
    for say in [
        Say::status(500, "boom"),
        Say::Bytes(Vec::new()),
        Say::Bytes(b"\x00\x01garbage".into()),
        Say::Endless(Vec::new(), b'x'),
        Say::Silence(Vec::new()),
    ] {
        let begun = Instant::now();
        let fake = Fake::new(move |_| say.clone());
        let said = error(ask(fake.directory.path(), &fake.address(), SOON));
        assert!(said.contains("could not read image `app` of containerd: containerd at /"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn a_socket_that_is_not_there_is_no_containerd() {
    let root = TempDir::new().unwrap();
    let why = absent(ask_for(&machine(root.path(), &[], SOON), Place::Containerd, "app"));
    assert_eq!(why, format!("{}/run/containerd/containerd.sock is not there", root.path().display()));
    let none = root.path().join("none").display().to_string();
    assert_eq!(absent(ask(root.path(), &none, SOON)), format!("{none} (CONTAINERD_ADDRESS) is not there"));
    let said = error(ask(root.path(), "tcp://machine:1", SOON));
    assert!(said.contains("CONTAINERD_ADDRESS: `tcp://machine:1` is no absolute path"), "{said}");
}

#[test]
fn a_socket_without_a_daemon_is_an_error_with_help() {
    let root = TempDir::new().unwrap();
    let directory = root.path().join("run/k3s/containerd");
    fs::create_dir_all(&directory).unwrap();
    drop(UnixListener::bind(directory.join("containerd.sock")).unwrap());
    let said = error(ask_for(&machine(root.path(), &[], SOON), Place::Containerd, "app"));
    assert!(said.contains("nothing listens on /") && said.contains("/run/k3s/containerd/containerd.sock"), "{said}");
    assert!(said.contains("systemctl start containerd"), "{said}");
}
