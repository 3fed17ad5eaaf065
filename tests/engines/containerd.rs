//! containerd's daemon.

use std::path::Path;
use std::process::Command;

use crate::lint::{Surroundings, same, same_for};
use crate::make::Store;
use crate::samples::{Sample, of_two_platforms};
use crate::server::{Server, can_run, run};

fn containerd(directory: &Path, socket: &Path) -> Command {
    let (root, state, ttrpc) = (directory.join("root"), directory.join("state"), directory.join("ttrpc.sock"));
    let config = format!(
        "version = 2\nroot = {root:?}\nstate = {state:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
         [grpc]\naddress = {socket:?}\n[ttrpc]\naddress = {ttrpc:?}\n"
    );
    std::fs::write(directory.join("config.toml"), config).unwrap();
    let mut command = Command::new("containerd");
    command.arg("--config").arg(directory.join("config.toml"));
    command
}

fn ctr(server: &Server, namespace: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("ctr");
    command.arg("--address").arg(&server.socket).args(["--namespace", namespace]);
    run(command.args(arguments))
}

fn import(server: &Server, namespace: &str, sample: &Sample, name: &str) -> String {
    let archive = server.file("import.tar", &sample.oci_archive(name));
    ctr(server, namespace, &["images", "import", "--no-unpack", "--all-platforms", &archive]);
    layout(server, &sample.store, &sample.id_of_target())
}

fn layout(server: &Server, store: &Store, name: &str) -> String {
    let root = server.path(&name.replace("sha256:", ""));
    store.write(&root);
    format!("oci:{}", root.display())
}

impl Sample {
    fn id_of_target(&self) -> String {
        self.descriptor["digest"].as_str().unwrap().to_owned()
    }
}

#[test]
fn an_image_of_containerd_is_what_it_is_as_a_layout() {
    if !can_run(&["containerd", "ctr", "unshare", "setpriv"]) {
        return;
    }
    let mut server = Server::start(containerd);
    let socket = server.socket.display().to_string();
    let containerd = Surroundings(vec![("CONTAINERD_ADDRESS", socket.clone())]);
    let within = |namespace: &str| {
        let mut all = containerd.clone();
        all.0.push(("CONTAINERD_NAMESPACE", namespace.to_owned()));
        all
    };
    let (demo, one, other) = (Sample::demo(), Sample::small("amd64", "one"), Sample::small("arm64", "other"));
    let file = import(&server, "k8s.io", &demo, "docker.io/library/demo:1");
    for name in ["demo:1", "docker.io/library/demo:1"] {
        let image = same(&containerd, &format!("containerd:{name}"), &file);
        assert_eq!((&image["digest"], image["source"].as_str()), (&demo.descriptor["digest"], Some("containerd")));
    }
    // The same name in two namespaces: the first, or the one that was chosen.
    let file_of_one = import(&server, "default", &one, "docker.io/library/app:latest");
    let file_of_other = import(&server, "moby", &other, "docker.io/library/app:latest");
    assert_eq!(same(&containerd, "containerd:app", &file_of_one)["platform"], "linux/amd64");
    assert_eq!(same(&within("moby"), "containerd:app", &file_of_other)["platform"], "linux/arm64");
    // A name that only containerd would take for one.
    import(&server, "default", &other, "plain");
    same(&containerd, "containerd:plain", &file_of_other);
    let large = import(&server, "default", &Sample::large(), "registry.example/large:1");
    same(&containerd, "containerd:registry.example/large:1", &large);
    two_platforms(&server, &containerd);

    let absent = containerd.error(&["containerd:nope"]);
    assert!(absent.contains("containerd has no image nope in the namespaces default, moby, k8s.io"), "{absent}");
    let absent = within("moby").error(&["containerd:demo:1"]);
    assert!(absent.contains("containerd has no image demo:1 in the namespace moby"), "{absent}");
    let odd = within("a/b").error(&["containerd:demo:1"]);
    assert!(odd.contains("namespace"), "{odd}");
    server.stop();
    let refused = containerd.error(&["containerd:demo:1"]);
    assert!(refused.contains(&format!("nothing listens on {socket} (CONTAINERD_ADDRESS)")), "{refused}");
}

/// What was not pulled is not there; the rest is.
fn two_platforms(server: &Server, containerd: &Surroundings) {
    let sample = of_two_platforms();
    let file = import(server, "default", &sample, "docker.io/library/both:1");
    for platform in ["linux/amd64", "linux/arm64"] {
        let image = same_for(containerd, "containerd:both:1", &file, &["--platform", platform]);
        assert_eq!(image["platform"], platform);
    }
    let index: serde_json::Value =
        serde_json::from_slice(&sample.store.files[&format!("blobs/{}", sample.id_of_target().replace(':', "/"))])
            .unwrap();
    let arm = index["manifests"][1]["digest"].as_str().unwrap();
    ctr(server, "default", &["content", "rm", arm]);
    same_for(containerd, "containerd:both:1", &file, &["--platform", "linux/amd64"]);
    let error = containerd.error(&["--platform", "linux/arm64", "containerd:both:1"]);
    assert!(error.contains(arm) && error.contains("missing"), "{error}");
}
