//! Podman: its service, and itself without one.

use std::path::Path;
use std::process::Command;

use crate::lint::{Surroundings, same};
use crate::samples::Sample;
use crate::server::{Server, can_run, run};
use crate::tap::Tap;

/// Storage of its own, where the test has its files.
fn settings(directory: &Path) -> Vec<(&'static str, String)> {
    let storage = directory.join("storage.conf");
    let (root, run) = (directory.join("root"), directory.join("run"));
    let text = format!("[storage]\ndriver = \"vfs\"\ngraphroot = {root:?}\nrunroot = {run:?}\n");
    std::fs::write(&storage, text).unwrap();
    let containers = directory.join("containers.conf");
    std::fs::write(&containers, "[engine]\nevents_logger = \"none\"\ncgroup_manager = \"cgroupfs\"\n").unwrap();
    let text = |path: std::path::PathBuf| path.display().to_string();
    vec![("CONTAINERS_STORAGE_CONF", text(storage)), ("CONTAINERS_CONF", text(containers))]
}

fn podman(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("podman");
    command.args(arguments).envs(settings(directory));
    command
}

fn load(directory: &Path, sample: &Sample, name: &str) -> String {
    let archive = directory.join("load.tar");
    std::fs::write(&archive, sample.docker_archive(&[name])).unwrap();
    run(podman(directory, &["load", "--quiet", "--input"]).arg(&archive));
    let saved = directory.join(format!("{}.tar", name.replace(['/', ':'], "_")));
    std::fs::write(&saved, sample.saved()).unwrap();
    format!("docker-archive:{}", saved.display())
}

/// All ways to name images, and what is said where there is none.
fn check(podman: &Surroundings, directory: &Path) {
    let (demo, app) = (Sample::demo(), Sample::small("arm64", "one"));
    let file = load(directory, &demo, "localhost/demo:1");
    let image = same(podman, "podman:demo:1", &file);
    assert_eq!(image["digest"], demo.id());
    let file_of_app = load(directory, &app, "registry.example/app:latest");
    assert_eq!(same(podman, "podman:registry.example/app", &file_of_app)["platform"], "linux/arm64");
    let digits = app.id().replace("sha256:", "");
    for id in [&digits, &digits[..12]] {
        same(podman, &format!("podman:{id}"), &file_of_app);
    }
    let digest = run(&mut self::podman(directory, &["image", "inspect", "--format", "{{.Digest}}", &digits]));
    same(podman, &format!("podman:registry.example/app@{}", digest.trim()), &file_of_app);
    let large = load(directory, &Sample::large(), "localhost/large:1");
    same(podman, "podman:localhost/large:1", &large);

    let absent = podman.error(&["podman:nope"]);
    assert!(absent.contains("`podman:nope`: Podman has no image nope"), "{absent}");
    assert!(absent.contains("to look in all places: imagelint nope see podman images"), "{absent}");
    let odd = podman.error(&["podman:App"]);
    assert!(odd.contains("`podman:App`: Podman says: ") && odd.contains("repository name must be lowercase"), "{odd}");
}

#[test]
fn the_service_gives_what_the_file_is() {
    if !can_run(&["podman", "unshare", "setpriv"]) {
        return;
    }
    let mut server = Server::start(|directory, socket| {
        podman(directory, &["system", "service", "--time=0", &format!("unix://{}", socket.display())])
    });
    // Without a `podman` to fall back to.
    let address = format!("unix://{}", server.socket.display());
    let service = Surroundings(vec![("CONTAINER_HOST", address.clone()), ("PATH", "/nonexistent".to_owned())]);
    check(&service, server.directory.path());
    warm(&server);
    // The socket stays behind, and podman is asked itself.
    server.stop();
    let mut variables = settings(server.directory.path());
    variables.push(("CONTAINER_HOST", address));
    let saved = format!("docker-archive:{}", server.path("localhost_demo_1.tar").display());
    same(&Surroundings(variables.clone()), "podman:demo:1", &saved);
    variables.push(("PATH", "/nonexistent".to_owned()));
    let error = Surroundings(variables).error(&["podman:demo:1"]);
    assert!(error.contains("podman is not installed"), "{error}");
}

/// Of an image that was linted before, the service is asked for the ID and for nothing else.
fn warm(server: &Server) {
    let tap = Tap::of(&server.socket);
    let service = tap.surroundings("CONTAINER_HOST");
    let (expected, service) = (service.all("podman:demo:1", &[]), service.with_cache(&server.path("cache")));
    assert_eq!(tap.sent(), 2);
    for sent in [1, 0] {
        assert_eq!(service.all("podman:demo:1", &[]), expected);
        assert_eq!(tap.sent(), sent);
    }
}

/// The same without a service: podman is started once, and does not save.
fn warm_without_service(directory: &Path, variables: &[(&'static str, String)]) {
    let (log, programs) = (directory.join("started"), directory.join("programs"));
    std::fs::create_dir(&programs).unwrap();
    let write = r#"printf '#!/bin/sh\necho "$1 $2" >>"%s"\nexec "%s" "$@"\n' "$2" "$3" >"$1"; chmod 755 "$1""#;
    let podman = run(Command::new("sh").args(["-c", "command -v podman"]));
    run(Command::new("sh").args(["-ec", write, "sh"]).arg(programs.join("podman")).arg(&log).arg(podman.trim()));
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut podman = Surroundings(variables.to_vec());
    podman.0.push(("PATH", path));
    let started =
        || std::fs::read_to_string(&log).map(|text| std::fs::remove_file(&log).map(|()| text)).unwrap().unwrap();
    let (expected, podman) = (podman.all("podman:demo:1", &[]), podman.with_cache(&directory.join("cache")));
    assert_eq!(started(), "image inspect\nsave --quiet\n".repeat(2));
    for expected_starts in ["image inspect\nsave --quiet\nimage inspect\n", "image inspect\nimage inspect\n"] {
        assert_eq!(podman.all("podman:demo:1", &[]), expected);
        assert_eq!(started(), expected_starts);
    }
}

#[test]
fn podman_gives_what_the_file_is_without_a_service() {
    if !can_run(&["podman"]) {
        return;
    }
    let directory = tempfile::TempDir::new().unwrap();
    let mut variables = settings(directory.path());
    variables.push(("XDG_RUNTIME_DIR", directory.path().display().to_string()));
    check(&Surroundings(variables.clone()), directory.path());
    warm_without_service(directory.path(), &variables);
}
