//! Docker's daemon on a port, with the certificates that its documentation has one make.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::docker::{dockerd, load};
use crate::lint::{Surroundings, same};
use crate::samples::Sample;
use crate::server::{Server, can_run, run};

fn openssl(directory: &Path, words: &str) {
    run(Command::new("openssl").args(words.split(' ')).current_dir(directory));
}

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// `ca.pem`, and for `server` and `client` each a directory of `cert.pem` and `key.pem`.
fn authority(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    openssl(directory, &format!("req -x509 {KEY} -keyout ca-key.pem -out ca.pem -days 2 -subj /CN=authority"));
    for (who, extension) in [("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")] {
        let own = directory.join(who);
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("extensions"), extension).unwrap();
        fs::copy(directory.join("ca.pem"), own.join("ca.pem")).unwrap();
        openssl(&own, &format!("req {KEY} -keyout key.pem -out request -subj /CN={who}"));
        let sign = "x509 -req -in request -CA ../ca.pem -CAkey ../ca-key.pem -CAcreateserial -days 2";
        openssl(&own, &format!("{sign} -extfile extensions -out cert.pem"));
    }
}

#[test]
fn docker_with_certificates() {
    if !can_run(&["dockerd", "containerd", "unshare", "setpriv", "openssl"]) {
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::start(|directory, socket| {
        authority(&directory.join("ours"));
        authority(&directory.join("others"));
        let certificates = directory.join("ours/server");
        let mut command = dockerd(directory, socket);
        command.arg("-H").arg(format!("tcp://127.0.0.1:{port}")).arg("--tlsverify");
        for (option, file) in [("--tlscacert", "ca.pem"), ("--tlscert", "cert.pem"), ("--tlskey", "key.pem")] {
            command.arg(option).arg(certificates.join(file));
        }
        command
    });
    let file = load(&server, &Sample::demo(), "demo:1");
    let address = format!("tcp://127.0.0.1:{port}");
    let with = |directory: &str| {
        let path = server.path(directory).display().to_string();
        let verify = ("DOCKER_TLS_VERIFY", "1".to_owned());
        Surroundings(vec![("DOCKER_HOST", address.clone()), verify, ("DOCKER_CERT_PATH", path)])
    };
    assert_eq!(same(&with("ours/client"), "docker:demo:1", &file)["platform"], "linux/amd64");

    let foreign = with("others/client").error(&["docker:demo:1"]);
    assert!(foreign.contains("others/client/ca.pem vouches for: "), "{foreign}");
    fs::remove_file(server.path("others/client/ca.pem")).unwrap();
    let unknown = with("others/client").error(&["docker:demo:1"]);
    assert!(unknown.contains("is trusted by nothing on this machine, and there is no"), "{unknown}");
    let own = fs::read(server.path("ours/ca.pem")).unwrap();
    fs::write(server.path("others/client/ca.pem"), own).unwrap();
    let refused = with("others/client").error(&["docker:demo:1"]);
    assert!(refused.contains("Docker at tcp://127.0.0.1") && refused.contains("alert"), "{refused}");
    fs::write(server.path("others/client/key.pem"), "none").unwrap();
    let odd = with("others/client").error(&["docker:demo:1"]);
    assert!(odd.contains("key.pem holds no key in PEM"), "{odd}");
    let plain = Surroundings(vec![("DOCKER_HOST", address.clone())]).error(&["docker:demo:1"]);
    assert!(plain.contains("HTTPS server"), "{plain}");
}
