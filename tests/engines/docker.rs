//! Docker's daemon.

use std::path::Path;
use std::process::Command;

use crate::lint::{Surroundings, same};
use crate::samples::Sample;
use crate::server::{Server, can_run};
use crate::tap::Tap;

pub fn dockerd(directory: &Path, socket: &Path) -> Command {
    let mut command = Command::new("dockerd");
    command.arg("-H").arg(format!("unix://{}", socket.display()));
    for (option, name) in [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")] {
        command.arg(option).arg(directory.join(name));
    }
    // Nothing is run, so neither networks nor a better storage are needed.
    command.args(["--iptables=false", "--bridge=none", "--storage-driver=vfs"]);
    command
}

pub fn load(server: &Server, sample: &Sample, name: &str) -> String {
    server.post("/images/load", &sample.docker_archive(&[name]));
    format!("docker-archive:{}", server.file(&format!("{}.tar", name.replace(':', "_")), &sample.saved()))
}

#[test]
fn an_image_of_docker_is_what_it_is_as_a_file() {
    if !can_run(&["dockerd", "containerd", "unshare", "setpriv"]) {
        return;
    }
    let mut server = Server::start(dockerd);
    let socket = server.socket.display().to_string();
    let docker = Surroundings(vec![("DOCKER_HOST", format!("unix://{socket}"))]);
    let (demo, one, latest) = (Sample::demo(), Sample::small("arm64", "one"), Sample::small("amd64", "latest"));
    let file = load(&server, &demo, "demo:1");
    let image = same(&docker, "docker:demo:1", &file);
    assert_eq!(image["digest"], demo.id());
    // A name alone is one image, not all of that repository.
    let file_of_one = load(&server, &one, "app:1");
    let file_of_latest = load(&server, &latest, "app:latest");
    assert_eq!(same(&docker, "docker:app", &file_of_latest)["platform"], "linux/amd64");
    assert_eq!(same(&docker, "docker:docker.io/library/app:1", &file_of_one)["platform"], "linux/arm64");
    // By ID, and by the part of it that is shown.
    let (id, digits) = (one.id(), one.id().replace("sha256:", ""));
    for id in [id.as_str(), &digits, &digits[..12]] {
        same(&docker, &format!("docker:{id}"), &file_of_one);
    }
    // A bare name, by way of a context.
    let image = same(&contexts(&server), "demo:1", &file);
    assert_eq!(image["digest"], demo.id());
    let large = load(&server, &Sample::large(), "large:1");
    same(&docker, "docker:large:1", &large);
    same(&docker, "docker:large:1", &large);

    warm(&server, &Tap::of(&server.socket));

    let absent = docker.error(&["docker:nope"]);
    assert!(absent.contains("`docker:nope`: Docker has no image nope"), "{absent}");
    assert!(absent.contains("to look in all places: imagelint nope see docker images for what it has"), "{absent}");
    assert!(docker.error(&["docker:App"]).contains("repository name must be lowercase"));
    let tried = docker.error(&["--source", "docker", "nope:1"]);
    assert!(tried.contains("docker: Docker has no image nope:1"), "{tried}");
    server.stop();
    let refused = docker.error(&["docker:demo:1"]);
    assert!(refused.contains(&format!("nothing listens on {socket} (DOCKER_HOST)")), "{refused}");
    assert!(refused.contains("systemctl start docker"), "{refused}");
}

/// Of an image that was linted before, Docker is asked for the ID and for nothing else.
fn warm(server: &Server, tap: &Tap) {
    let docker = tap.surroundings("DOCKER_HOST");
    for name in ["demo:1", "large:1"] {
        let (reference, cache) = (format!("docker:{name}"), server.path("cache"));
        let (expected, docker) = (docker.all(&reference, &[]), docker.with_cache(&cache));
        assert_eq!(tap.sent(), 2);
        for sent in [1, 0, 0] {
            assert_eq!(docker.all(&reference, &[]), expected);
            assert_eq!(tap.sent(), sent, "{name}");
        }
    }
    // The name now stands for another image.
    let docker = docker.with_cache(&server.path("cache"));
    let file = load(server, &Sample::small("amd64", "other"), "demo:1");
    same(&docker, "docker:demo:1", &file);
    assert_eq!(tap.sent(), 1);
    let file = load(server, &Sample::demo(), "demo:1");
    same(&docker, "docker:demo:1", &file);
    assert_eq!(tap.sent(), 0);
}

/// As `docker context create` and `docker context use` leave it.
fn contexts(server: &Server) -> Surroundings {
    let id = crate::make::digest(b"here").replace("sha256:", "");
    let meta = server.path("docker").join("contexts/meta").join(id);
    std::fs::create_dir_all(&meta).unwrap();
    let host = format!("unix://{}", server.socket.display());
    let endpoints = serde_json::json!({"Name": "here", "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": false}}});
    std::fs::write(meta.join("meta.json"), endpoints.to_string()).unwrap();
    server.file("docker/config.json", br#"{"auths": {}, "currentContext": "here"}"#);
    Surroundings(vec![("DOCKER_CONFIG", server.path("docker").display().to_string())])
}
