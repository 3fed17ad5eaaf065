//! The program `podman`, made up.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Instant;

use tempfile::TempDir;

use super::fake::{Fake, Say};
use super::*;

const DIGITS: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A machine with a program `podman` that does `script`.
fn with(root: &Path, script: &str, variables: &[(&str, &str)], limits: Limits) -> Machine {
    with_program(root, "podman", script, variables, limits)
}

fn ask(machine: &Machine) -> Result<Answer> {
    ask_for(machine, Place::Podman, "app:1")
}

fn saving(save: &str) -> String {
    format!("case $1$2 in imageexists) ;; imageinspect) echo {DIGITS};; save*) {save};; esac")
}

#[test]
fn the_archive_is_what_podman_writes() {
    let root = TempDir::new().unwrap();
    let machine = with(root.path(), &saving(r#"printf '%s ' "$@""#), &[], LATER);
    let stream = archive(ask(&machine));
    assert_eq!(stream.place(), "image `app:1` of Podman");
    for _ in 0..2 {
        let (bytes, end) = read(&stream);
        let expected = format!("save --quiet --format docker-archive {DIGITS} ");
        assert_eq!((String::from_utf8_lossy(&bytes).as_ref(), end), (expected.as_str(), None));
    }
}

#[test]
fn what_podman_says_is_told() {
    let root = TempDir::new().unwrap();
    assert_eq!(absent(ask(&with(root.path(), "exit 1", &[], LATER))), "Podman has no image app:1");
    let unknown = "[ $2 = inspect ] || exit 9; echo 'Error: inspecting object: app:1: image not known' >&2; exit 125";
    assert_eq!(absent(ask(&with(root.path(), unknown, &[], LATER))), "Podman has no image app:1");
    let said = error(ask(&with(root.path(), "echo 'Error: storage is locked' >&2; exit 125", &[], LATER)));
    assert!(said.contains("podman fails: exit status: 125: Error: storage is locked"), "{said}");
    let why = absent(ask(&with(root.path(), "echo 'Error: invalid reference format' >&2; exit 125", &[], LATER)));
    assert_eq!(why, "Podman says: Error: invalid reference format");
    let said = error(ask(&with(root.path(), "echo no-id", &[], LATER)));
    assert!(said.contains("podman image inspect gives no ID"), "{said}");
    let machine = with(root.path(), &saving("printf abc; echo 'Error: disk' >&2; exit 125"), &[], LATER);
    let (bytes, end) = read(&archive(ask(&machine)));
    assert_eq!((bytes.as_slice(), end.as_deref()), (b"abc".as_slice(), Some("exit status: 125: Error: disk")));
}

#[test]
fn much_that_is_said_holds_nothing_up() {
    let root = TempDir::new().unwrap();
    let script = saving(
        "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done; printf abc",
    );
    assert_eq!(read(&archive(ask(&with(root.path(), &script, &[], LATER)))), (b"abc".to_vec(), None));
}

#[test]
fn silence_ends() {
    let root = TempDir::new().unwrap();
    let begun = Instant::now();
    let said = error(ask(&with(root.path(), "exec sleep 100", &[], SOON)));
    assert!(said.contains("nothing has come for 1.5 s"), "{said}");
    let machine = with(root.path(), &saving("printf abc; exec sleep 100"), &[], SOON);
    let (bytes, end) = read(&archive(ask(&machine)));
    assert_eq!((bytes.as_slice(), end.as_deref()), (b"abc".as_slice(), Some("nothing has come for 1.5 s")));
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// A process that was waited for is gone, and no zombie.
#[test]
fn a_program_that_nobody_listens_to_is_ended() {
    let root = TempDir::new().unwrap();
    let machine = with(root.path(), &saving("echo $$; exec sleep 100"), &[], LATER);
    let mut reader = archive(ask(&machine)).open().unwrap();
    let (mut pid, mut byte) = (String::new(), [0]);
    while matches!(reader.read(&mut byte), Ok(1)) && byte != *b"\n" {
        pid.push(char::from(byte[0]));
    }
    let process = Path::new("/proc").join(&pid);
    assert!(!pid.is_empty() && process.exists());
    drop(reader);
    assert!(!process.exists());
}

#[test]
fn a_service_that_has_ended_is_done_without() {
    let root = TempDir::new().unwrap();
    let socket = root.path().join("run/podman/podman.sock");
    fs::create_dir_all(root.path().join("run/podman")).unwrap();
    drop(UnixListener::bind(&socket).unwrap());
    let (runtime, address) = (root.path().join("run").display().to_string(), format!("unix://{}", socket.display()));
    let script = format!("[ -z \"$CONTAINER_HOST\" ] || exit 9; {}", saving("printf abc"));
    for variable in [("XDG_RUNTIME_DIR", runtime.as_str()), ("CONTAINER_HOST", &address)] {
        let machine = with(root.path(), &script, &[variable], LATER);
        assert_eq!(read(&archive(ask(&machine))), (b"abc".to_vec(), None));
    }
}

#[test]
fn a_service_that_listens_is_asked_first() {
    let fake = Fake::new(|_| Say::status(404, ""));
    let machine = with(fake.directory.path(), "exit 9", &[("CONTAINER_HOST", &fake.address())], LATER);
    assert_eq!(absent(ask(&machine)), "Podman has no image app:1");
    assert_eq!(fake.requests(), ["GET /images/app:1/json HTTP/1.1"]);
    let fake = Fake::new(|_| Say::status(500, r#"{"message": "boom"}"#));
    let machine = with(fake.directory.path(), "exit 1", &[("CONTAINER_HOST", &fake.address())], LATER);
    let said = error(ask(&machine));
    assert!(said.contains("Podman at") && said.contains("status 500: boom"), "{said}");
}

#[test]
fn without_service_and_program_there_is_no_podman() {
    let root = TempDir::new().unwrap();
    let why = absent(ask(&machine(root.path(), &[("PATH", "/nonexistent")], SOON)));
    assert!(why.starts_with("podman is not installed, and nothing listens on /"), "{why}");
    let access = Access { offline: true, ..Access::default() };
    let machine = machine(root.path(), &[("CONTAINER_HOST", "ssh://machine.invalid/run/podman.sock")], SOON);
    let why = absent(ask_on(&machine, Place::Podman, "app", &access));
    assert!(why.starts_with("not asked (--offline): CONTAINER_HOST: ssh://machine.invalid"), "{why}");
}

/// podman is told nothing of connections that lead elsewhere.
#[test]
fn the_program_opens_no_connection_offline() {
    let root = TempDir::new().unwrap();
    let script = r#"printf '%s' "$CONTAINERS_CONF $PODMAN_CONNECTIONS_CONF" >"$0.said"; exit 1"#;
    let machine = with_program(root.path(), "podman", script, &[], LATER);
    for (offline, expected) in [(true, "/dev/null /dev/null"), (false, " ")] {
        let access = Access { offline, ..Access::default() };
        assert_eq!(absent(ask_on(&machine, Place::Podman, "app", &access)), "Podman has no image app");
        assert_eq!(fs::read_to_string(root.path().join("podman.said")).unwrap(), expected);
    }
}
