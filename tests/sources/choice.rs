//! Several images in one place: names and platforms.

use serde_json::json;

use crate::make::*;

fn word(image: &imagelint::image::Image) -> String {
    listing(image)[1][0].clone()
}

#[test]
fn names_choose() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let (a, b) = (add_image(&mut store, "amd64", "first"), add_image(&mut store, "amd64", "second"));
    let mut containerd = b.clone();
    containerd["annotations"]["io.containerd.image.name"] = json!("docker.io/library/b:latest");
    store.index(&[named(&a, "a"), named(&a, "alias"), containerd]);
    for (path, kind) in [(scratch.layout("l", &store), "oci"), (scratch.file("l.tar", &store.pack()), "oci-archive")] {
        let typed = |name: &str| format!("{kind}:{path}:{name}");
        assert!(word(&open(&typed("alias")).unwrap()).contains("first"));
        assert!(word(&open(&typed("b")).unwrap()).contains("second"));
        assert!(word(&open(&typed(b["digest"].as_str().unwrap())).unwrap()).contains("second"));
        assert!(word(&open(&format!("{kind}:{path}@{}", b["digest"].as_str().unwrap())).unwrap()).contains("second"));
        let several = error(open(&format!("{kind}:{path}")));
        assert!(several.contains("`a`, `alias`, `docker.io/library/b:latest`"), "{several}");
        assert!(several.ends_with(&format!("choose one by its name: imagelint {kind}:{path}:a")), "{several}");
        assert_eq!(error(open(&path)).lines().last(), several.lines().last(), "without a transport");
        assert!(word(&open(&format!("{path}:alias")).unwrap()).contains("first"));
        let none = error(open(&typed("c")));
        assert!(none.contains("no image `c`") && none.contains("`alias`"), "{none}");
    }
}

#[test]
fn images_without_names_are_told_apart_by_digest() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let (a, b) = (add_image(&mut store, "amd64", "first"), add_image(&mut store, "amd64", "second"));
    store.index(&[a.clone(), b.clone()]);
    let message = error(open_for(&scratch.layout("l", &store), "linux/amd64"));
    assert!(
        message.contains(a["digest"].as_str().unwrap()) && message.contains(b["digest"].as_str().unwrap()),
        "{message}"
    );
}

#[test]
fn platforms_choose() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let amd = add_image(&mut store, "amd64", "x86");
    let arm = add_image(&mut store, "arm", "thirtytwo");
    let riscv = json!({"mediaType": OCI_MANIFEST, "digest": digest(b"not here"), "size": 8});
    let mut attestation = platform(&riscv, "unknown/unknown");
    attestation["digest"] = json!(digest(b"nor this"));
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let manifests =
        [platform(&amd, "linux/amd64"), platform(&arm, "linux/arm/v6"), platform(&riscv, "linux/riscv64"), attestation];
    let inner = store.json(OCI_INDEX, &json!({"schemaVersion": 2, "manifests": manifests}));
    let outer = store.json(OCI_INDEX, &json!({"schemaVersion": 2, "manifests": [inner]}));
    store.index(&[outer]);
    for path in
        [scratch.layout("l", &store), scratch.file("l.tar", &store.pack()), scratch.file("l.tgz", &gzip(&store.pack()))]
    {
        assert!(word(&open_for(&path, "linux/amd64").unwrap()).contains("x86"));
        let arm = open_for(&path, "linux/arm/v7").unwrap();
        assert!(word(&arm).contains("thirtytwo"));
        assert_eq!(arm.platform.to_string(), "linux/arm/v6");
        let absent = error(open_for(&path, "linux/s390x"));
        assert!(
            absent.contains("no image for linux/s390x, only for `linux/amd64`, `linux/arm/v6`, `linux/riscv64`"),
            "{absent}"
        );
        assert!(error(open_for(&path, "linux/riscv64")).contains("the blob is missing"));
        assert!(error(open_for(&path, "linux/arm/v5")).contains("linux/arm/v6"));
    }
}

#[test]
fn platforms_that_only_configurations_know() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let (a, b) = (add_image(&mut store, "s390x", "ibm"), add_image(&mut store, "riscv64", "five"));
    store.index(&[a.clone(), b]);
    let path = scratch.layout("l", &store);
    assert!(word(&open_for(&path, "linux/riscv64").unwrap()).contains("five"));
    assert!(error(open_for(&path, "linux/arm64")).contains("`linux/riscv64`, `linux/s390x`"));
    store.index(&[a]);
    let path = scratch.layout("one", &store);
    assert!(word(&open(&path).unwrap()).contains("ibm"));
    assert!(error(open_for(&path, "linux/amd64")).contains("only for `linux/s390x`"));
}

#[test]
fn the_only_platform_beside_attestations_is_taken() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let image = platform(&add_image(&mut store, "ppc64le", "power"), "linux/ppc64le");
    let attestation =
        platform(&json!({"mediaType": OCI_MANIFEST, "digest": digest(b"a"), "size": 1}), "unknown/unknown");
    store.index(&[image, attestation.clone()]);
    assert_eq!(open(&scratch.layout("l", &store)).unwrap().platform.to_string(), "linux/ppc64le");
    store.index(&[attestation]);
    assert!(error(open(&scratch.layout("m", &store))).contains("attestations only"));
}

#[test]
fn what_is_no_linux_image_is_said_plainly() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let config = store.json(OCI_CONFIG, &json!({"os": "windows", "architecture": "amd64"}));
    let windows = store.json(OCI_MANIFEST, &json!({"schemaVersion": 2, "config": config, "layers": []}));
    store.index(&[windows]);
    assert!(error(open(&scratch.layout("windows", &store))).contains("Windows images are not looked at"));

    let chart = store.described("application/vnd.cncf.helm.config.v1+json", "{}");
    let chart = store.json(OCI_MANIFEST, &json!({"schemaVersion": 2, "config": chart, "layers": []}));
    store.index(&[chart]);
    let message = error(open(&scratch.layout("chart", &store)));
    assert!(
        message.contains("not a container image, but an artifact (application/vnd.cncf.helm.config.v1+json)"),
        "{message}"
    );

    let old = store
        .json("application/vnd.docker.distribution.manifest.v1+json", &json!({"schemaVersion": 1, "fsLayers": []}));
    store.index(&[old]);
    assert!(error(open(&scratch.layout("schema1", &store))).contains("schema 1"));
}

/// A name may follow a path that is not marked as one by a transport, `.` or `/`.
#[test]
fn a_relative_path_takes_a_name() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let (a, b) = (add_image(&mut store, "amd64", "first"), add_image(&mut store, "amd64", "second"));
    store.index(&[named(&a, "app:1"), named(&b, "app:2")]);
    scratch.file("c0.tar", &store.pack());
    let run = |typed: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_imagelint"))
            .args(["--no-cache", "--no-progress", typed])
            .current_dir(scratch.0.path())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(run("c0.tar:app:2").0, Some(1));
    let (code, message) = run("c0.tar");
    assert!(code == Some(2) && message.contains("imagelint oci-archive:c0.tar:app:1"), "{message}");
    assert!(run("c0.tar:app:3").1.contains("no image `app:3`"));
}
