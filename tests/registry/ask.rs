//! What a good registry has is what the layout has.

use imagelint::image::{self, Options};

use crate::make::{self, Scratch, Store, listing};
use crate::play::{self, App, absent, blobs};
use crate::server::{Reply, Server};

fn open(reference: &str) -> imagelint::Result<image::Image> {
    make::open(reference)
}

#[test]
fn an_image_is_the_same_as_in_its_layout() {
    let mut app = App::new();
    app.store.index(&[app.top.clone()]);
    let scratch = Scratch::new();
    let server = app.serve(|_| None);
    let here = open(&format!("oci:{}", scratch.layout("app", &app.store))).unwrap();
    for reference in [
        format!("registry:{}/app", server.host()),
        format!("docker://{}/app:latest", server.host()),
        format!("registry:localhost:{}/app", server.port),
        format!("{}/app@{}", server.host(), app.digest()),
        format!("registry:{}/app:latest@{}", server.host(), app.digest()),
    ] {
        let there = open(&reference).unwrap_or_else(|e| panic!("{reference}: {e}"));
        assert_eq!((there.source, there.digest.as_deref()), ("registry", Some(app.digest())), "{reference}");
        assert_eq!(listing(&there), listing(&here));
        assert_eq!(there.platform, here.platform);
    }
    assert!(server.asked().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn manifests_below_an_index_are_asked_for_as_manifests_and_once() {
    let mut store = Store::default();
    let images = ["amd64", "arm64"].map(|arch| {
        let image = make::add_image(&mut store, arch, arch);
        make::platform(&image, &format!("linux/{arch}"))
    });
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": make::OCI_INDEX, "manifests": images});
    let top = store.json(make::OCI_INDEX, &index);
    let server = App { store, top }.serve(|_| None);
    let reference = format!("registry:{}/app", server.host()).parse().unwrap();
    let all: Vec<_> = image::open_all(&reference, &Options::default()).unwrap().collect();
    let platforms: Vec<String> = all.into_iter().map(|image| image.unwrap().platform.to_string()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    for image in &images {
        let digest = image["digest"].as_str().unwrap();
        assert_eq!(
            server.asked_for(digest).iter().map(|r| r.path.as_str()).collect::<Vec<_>>(),
            [format!("/v2/app/manifests/{digest}")]
        );
    }
}

/// The layers' sizes are known from the manifest, so nothing is asked twice.
#[test]
fn every_blob_is_asked_for_once() {
    let app = App::new();
    let server = app.serve(|_| None);
    open(&format!("registry:{}/app", server.host())).unwrap();
    let mut paths: Vec<String> = server.asked_for("/app/").into_iter().map(|request| request.path).collect();
    paths.sort();
    let count = paths.len();
    paths.dedup();
    assert_eq!((paths.len(), count), (4, 4), "{paths:?}");
}

#[test]
fn over_ipv6() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("left out, because there is no IPv6");
        return;
    }
    let app = App::new();
    let digest = app.digest().to_owned();
    let server = Server::start_at("[::1]:0", move |request| app.answer(request));
    let image = open(&format!("registry:[::1]:{}/app@{digest}", server.port)).unwrap();
    assert_eq!(image.digest, Some(digest));
}

#[test]
fn accepted_documents_are_named() {
    let server = App::new().serve(|_| None);
    blobs(play::ask(&server));
    let asked = server.asked_for("manifests/latest");
    let accept = asked[0].header("accept").unwrap();
    for kind in [make::OCI_INDEX, make::OCI_MANIFEST, "vnd.docker.distribution.manifest.v2+json"] {
        assert!(accept.contains(kind), "{accept}");
    }
}

#[test]
fn what_is_not_there_is_absent() {
    let server = App::new().serve(|_| None);
    let why = absent(play::ask_for(&server, "other"));
    let host = server.host();
    assert_eq!(why, format!("{host} has no image {host}/other:latest, or it is private (log in: docker login {host})"));
}

#[test]
fn other_content_under_a_digest_is_refused_by_name() {
    let app = App::new();
    let wrong = make::digest(b"another");
    let bytes = app.bytes(app.digest()).unwrap().clone();
    let server = app.serve(move |request| request.path.contains("/manifests/").then(|| Reply::ok(bytes.clone())));
    let error = make::error(open(&format!("registry:{}/app@{wrong}", server.host())));
    assert!(error.contains(&wrong) && error.contains(app.digest()), "{error}");
}

#[test]
fn urls_in_descriptors_are_not_followed() {
    let elsewhere = Server::start(|_| Reply::ok("x"));
    let mut store = Store::default();
    let layer = make::tar(&[("app", b"#!/x")]);
    let config = store.json(make::OCI_CONFIG, &make::config("amd64", &[make::digest(&layer)]));
    let url = format!("http://{}/layer", elsewhere.host());
    let foreign = serde_json::json!({"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": make::digest(&layer), "size": layer.len(), "urls": [url]});
    let manifest = serde_json::json!({"schemaVersion": 2, "config": config, "layers": [foreign]});
    let top = store.json(make::OCI_MANIFEST, &manifest);
    let server = App { store, top }.serve(|_| None);
    let error = make::error(open(&format!("registry:{}/app", server.host())));
    assert!(error.contains("foreign layer") && error.contains(&url), "{error}");
    assert!(elsewhere.asked().is_empty());
}
