//! Ctrl-C while a layer is on its way: the process ends by the signal, at once, and leaves nothing that a later run could
//! stumble over.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::play::App;
use crate::server::{Body, Reply, Server};

const SIGINT: i32 = 2;
/// Longer than a process takes to begin or to end, and shorter than what the registry is waited for.
const SOON: Duration = Duration::from_secs(10);

/// As a shell starts it in the foreground: what a job in the background has run ignores SIGINT (XCU 2.11), and the tests may
/// be one.
fn lint(server: &Server, home: &TempDir) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_imagelint")]);
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin");
    command.args(["--format", "json"]).arg(format!("registry:{}/app", server.host()));
    command
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The exit signal and what was written to standard output.
fn interrupt(mut child: Child) -> (Option<i32>, String) {
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let began = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if began.elapsed() > SOON => {
                child.kill().unwrap();
                panic!("it does not end");
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let mut written = String::new();
    child.stdout.take().unwrap().read_to_string(&mut written).unwrap();
    (status.signal(), written)
}

#[test]
fn ends_at_once_and_leaves_nothing() {
    let (app, home) = (App::new(), TempDir::new().unwrap());
    let bytes = app.layer_bytes().clone();
    let half = bytes.len() / 2;
    let silent = app.serve_layer(move |_, _| Some(Reply::of(Body::Silent(bytes[..half].to_vec(), bytes.len()))));

    let child = lint(&silent, &home).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    until("the layer is not asked for", || !silent.asked_for(&app.layer()).is_empty());
    std::thread::sleep(Duration::from_millis(200)); // so that half of it has come
    assert_eq!(interrupt(child), (Some(SIGINT), String::new()));

    let cache = home.path().join(".cache/imagelint");
    let left: Vec<_> =
        fs::read_dir(&cache).map(|all| all.map(|e| e.unwrap().file_name()).collect()).unwrap_or_default();
    let hex = app.layer().replace("sha256:", "");
    assert!(left.iter().all(|name| !name.to_string_lossy().contains(&hex)), "of a part of a layer: {left:?}");
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "unfinished: {left:?}");

    let whole = app.serve(|_| None);
    let later = lint(&whole, &home).output().unwrap();
    let alone = lint(&whole, &TempDir::new().unwrap()).output().unwrap();
    assert_eq!(later.status.code(), alone.status.code());
    assert!(matches!(later.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&later.stderr));
    assert_eq!(String::from_utf8_lossy(&later.stdout), String::from_utf8_lossy(&alone.stdout));
}
