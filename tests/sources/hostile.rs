//! What is wrong ends in a sentence that names what was read, and never in a panic.

use imagelint::image::{self, Options};
use imagelint::source::places::Access;
use serde_json::{Value, json};

use crate::make::*;

/// Fails as a directory, an archive and a compressed archive, each time with these words.
fn refused(store: &Store, words: &[&str]) {
    let scratch = Scratch::new();
    let layout = scratch.layout("layout", store);
    let archive = scratch.file("x.tar", &store.pack());
    let compressed = scratch.file("x.tar.gz", &gzip(&store.pack()));
    for reference in [format!("oci:{layout}"), format!("oci-archive:{archive}"), format!("oci-archive:{compressed}")] {
        let message = error(open(&reference));
        assert!(message.starts_with("could not read "), "{message}");
        assert!(words.iter().all(|word| message.contains(word)), "{reference}: {words:?} in {message}");
    }
}

fn image() -> (Store, Value) {
    let mut store = Store::default();
    let descriptor = add_image(&mut store, "amd64", "word");
    store.index(std::slice::from_ref(&descriptor));
    (store, descriptor)
}

fn path(digest: &Value) -> String {
    format!("blobs/{}", digest.as_str().unwrap().replace(':', "/"))
}

fn manifest(store: &Store, descriptor: &Value) -> Value {
    serde_json::from_slice(&store.files[&path(&descriptor["digest"])]).unwrap()
}

/// Another manifest in place of the image's.
fn replaced(change: impl FnOnce(&mut Value)) -> Store {
    let (mut store, descriptor) = image();
    let mut manifest = manifest(&store, &descriptor);
    change(&mut manifest);
    let descriptor = store.json(OCI_MANIFEST, &manifest);
    store.index(&[descriptor]);
    store
}

fn with_config(config: &str) -> Store {
    let mut store = Store::default();
    let config = store.described(OCI_CONFIG, config);
    let manifest = store.json(OCI_MANIFEST, &json!({"schemaVersion": 2, "config": config, "layers": []}));
    store.index(&[manifest]);
    store
}

#[test]
fn missing_blobs() {
    let (store, descriptor) = image();
    let manifest = manifest(&store, &descriptor);
    for (kind, digest) in [
        ("manifest", &descriptor["digest"]),
        ("configuration", &manifest["config"]["digest"]),
        ("layer 2 of 2", &manifest["layers"][1]["digest"]),
    ] {
        let mut store = store.clone();
        store.files.remove(&path(digest)).unwrap();
        refused(&store, &[kind, digest.as_str().unwrap(), "the blob is missing"]);
    }
}

#[test]
fn digest_mismatches() {
    let (store, descriptor) = image();
    let manifest = manifest(&store, &descriptor);
    for digest in [&descriptor["digest"], &manifest["config"]["digest"], &manifest["layers"][0]["digest"]] {
        let mut changed = store.clone();
        let bytes = changed.files.get_mut(&path(digest)).unwrap();
        // Not the first bytes, so that it is still JSON or gzip.
        let last = bytes.last_mut().unwrap();
        *last ^= 1;
        let found = crate::make::digest(bytes);
        refused(&changed, &[digest.as_str().unwrap(), &found]);
        let mut longer = store.clone();
        longer.files.get_mut(&path(digest)).unwrap().push(b' ');
        refused(&longer, &[digest.as_str().unwrap()]);
    }
}

#[test]
fn sizes_that_lie() {
    refused(&replaced(|m| m["layers"][1]["size"] = json!(1)), &["layer 2 of 2"]);
    refused(&replaced(|m| m["config"]["size"] = json!(u64::MAX)), &["configuration"]);
    refused(&replaced(|m| m["config"]["size"] = json!(-1)), &["manifest", "invalid value"]);
}

#[test]
fn digests_that_lead_elsewhere() {
    for digest in [
        "sha256:../../etc/passwd",
        "../../../etc/passwd",
        "sha256:",
        "",
        "sha256:AB",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
    ] {
        refused(&replaced(|m| m["layers"][0]["digest"] = json!(digest)), &["digest"]);
        let mut store = Store::default();
        store.index(&[json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": 2})]);
        refused(&store, &["digest"]);
    }
}

#[test]
fn documents_that_are_not_what_they_should_be() {
    for (index, words) in [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "no index"),
        ("{\"manifests\":[1]}", "invalid type"),
        ("{\"manifests\":\"x\"}", "invalid type"),
        ("{\"manifests\":[],\"layers\":[]}", "both an index and a manifest"),
        ("{\"manifests\":[]}", "lists no image"),
    ] {
        let (mut store, _) = image();
        store.files.insert("index.json".into(), index.into());
        if index.is_empty() || index == "[]" {
            continue;
        }
        refused(&store, &["could not read", words]);
    }
    refused(&replaced(|m| m["layers"] = json!({})), &["manifest", "invalid type"]);
    refused(&replaced(|m| drop(m.as_object_mut().unwrap().remove("config"))), &["manifest", "no `config`"]);
    refused(&replaced(|m| drop(m["layers"].as_array_mut().unwrap().pop())), &["1 layers", "2 diff ids"]);
    refused(&with_config("{\"config\":{\"Cmd\":\"sh\"}}"), &["configuration", "`config.Cmd`", "a string"]);
    refused(&with_config("{\"config\":{\"Env\":{}}}"), &["`config.Env`"]);
    refused(&with_config(&"[".repeat(100_000)), &["not valid JSON"]);
    refused(&with_config("{\"rootfs\":{\"diff_ids\":[\"sha256:..\"]}}"), &["rootfs.diff_ids"]);
}

#[test]
fn documents_that_are_too_large() {
    let (mut store, _) = image();
    let mut index = store.files["index.json"].clone();
    index.resize(5 << 20, b' ');
    store.files.insert("index.json".into(), index);
    let scratch = Scratch::new();
    for reference in [scratch.layout("l", &store), scratch.file("x.tar", &store.pack())] {
        let message = error(open(&reference));
        assert!(message.contains("larger than 4 MiB"), "{message}");
    }
    assert!(open(&scratch.file("x.tgz", &gzip(&store.pack()))).is_err());
}

#[test]
fn indexes_nested_without_end() {
    let mut store = Store::default();
    let mut descriptor = add_image(&mut store, "amd64", "word");
    for _ in 0..20 {
        descriptor = store.json(OCI_INDEX, &json!({"schemaVersion": 2, "manifests": [descriptor]}));
    }
    store.index(&[descriptor]);
    refused(&store, &["nested too deeply"]);
}

#[test]
fn foreign_layers() {
    let store = replaced(|m| {
        m["layers"][0]["digest"] = json!(digest(b"elsewhere"));
        m["layers"][0]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
        m["layers"][0]["urls"] = json!(["https://layers.example/base"]);
    });
    refused(&store, &["layer 1 of 2", "foreign layer", "https://layers.example/base"]);
}

#[test]
fn archives_cut_anywhere() {
    let (store, _) = image();
    let scratch = Scratch::new();
    let (plain, compressed) = (store.pack(), gzip(&store.pack()));
    // Zeros and what has no meaning at the end may be missing.
    let whole = listing(&open(&scratch.file("whole.tar", &plain)).unwrap());
    for len in (0..plain.len()).step_by(97) {
        match open(&format!("oci-archive:{}", scratch.file("x.tar", &plain[..len]))) {
            Ok(image) => assert_eq!(listing(&image), whole),
            Err(e) => assert!(e.to_string().contains("x.tar"), "{e}"),
        }
    }
    for len in (0..compressed.len() - 1).step_by(31) {
        let message = error(open(&format!("oci-archive:{}", scratch.file("x.gz", &compressed[..len]))));
        assert!(message.contains("x.gz"), "{message}");
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let (store, _) = image();
    let scratch = Scratch::new();
    for (name, bytes) in [("x.tar", store.pack()), ("x.gz", gzip(&store.pack()))] {
        for at in (0..bytes.len()).step_by(61) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            let _ = open(&scratch.file(name, &bytes));
        }
    }
}

#[test]
fn things_that_are_no_image() {
    let scratch = Scratch::new();
    let noise: Vec<u8> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let empty = scratch.file("empty", b"");
    let random = scratch.file("random", &noise);
    let text = scratch.file("text", b"hello");
    let no_image = scratch.file("files.tar", &tar(&[("hello", b"world")]));
    std::fs::create_dir(scratch.path("dir")).unwrap();
    let dir = scratch.path("dir").display().to_string();
    for (reference, words) in [
        (empty.clone(), "it is empty"),
        (random.clone(), "not a tar archive"),
        (text, "too early"),
        (no_image.clone(), "rootfs:FILE"),
        (scratch.file("files.tgz", &gzip(&tar(&[("hello", b"world")]))), "rootfs:FILE"),
        (format!("oci:{no_image}"), "oci-archive:"),
        (dir.clone(), "rootfs:"),
        (format!("oci-archive:{dir}"), "it is a directory"),
        (format!("docker-archive:{dir}"), "it is a directory"),
        (format!("oci:{dir}"), "no index.json"),
        (format!("rootfs:{random}"), "random"),
        (format!("rootfs:{empty}"), "empty"),
        (format!("oci:{}", scratch.path("none").display()), "no such file or directory"),
        (format!("docker-archive:{}:x", scratch.path("none").display()), "no such file or directory"),
        (format!("rootfs:{}", scratch.path("none").display()), "no such file or directory"),
        ("/dev/null".to_owned(), "not a file"),
        ("docker://r.example/a".to_owned(), "--offline"),
        ("registry:r.example/a".to_owned(), "--offline"),
    ] {
        let access = Access { offline: true, ..Access::default() };
        let options = Options { access, ..Options::default() };
        let message = error(reference.parse().and_then(|reference| image::open(&reference, &options)));
        assert!(message.contains(words), "{reference}: {message}");
    }
}

#[test]
fn images_taken_for_something_else() {
    let scratch = Scratch::new();
    let (store, _) = image();
    let [layer, _] = layers("word");
    let oci = scratch.file("oci.tar", &store.pack());
    let layout = scratch.layout("layout", &store);
    let docker = scratch.file("docker.tar", &tar(&[("manifest.json", b"[]"), ("abc/layer.tar", &layer)]));
    let podman = scratch.file("podman.tgz", &gzip(&tar(&[("./abc.tar", &layer), ("./manifest.json", b"[]")])));
    for (path, typed) in [
        (&oci, format!("oci-archive:{oci}")),
        (&layout, format!("oci:{layout}")),
        (&docker, format!("docker-archive:{docker}")),
        (&podman, format!("docker-archive:{podman}")),
    ] {
        let message = error(open(&format!("rootfs:{path}")));
        assert!(
            message.contains("it is a saved image") && message.ends_with(&format!("imagelint {typed}")),
            "{message}"
        );
    }
    let web = scratch.file("web.tar", &tar(&[("manifest.json", b"{}"), ("app/layer.js", b"")]));
    assert!(open(&format!("rootfs:{web}")).is_ok());
    let dir = scratch.path("dir");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("version"), "Directory Transport Version: 1.1\n").unwrap();
    std::fs::write(dir.join("manifest.json"), "{}").unwrap();
    let message = error(open(&dir.display().to_string()));
    assert!(message.contains(&format!("skopeo copy dir:{0} oci:{0}.oci", dir.display())), "{message}");
}

#[test]
fn cut_zstd_archives_are_explained() {
    let (store, _) = image();
    let scratch = Scratch::new();
    let whole = zstd(&store.pack());
    for cut in [whole.len() / 2, whole.len() - 1] {
        let message = error(open(&scratch.file("x.tar.zst", &whole[..cut])));
        assert!(message.contains("it ends too early\nthe file is truncated"), "{message}");
    }
}

#[test]
fn a_directory_where_a_file_is_expected() {
    let (store, descriptor) = image();
    let scratch = Scratch::new();
    let layout = scratch.layout("l", &store);
    let blob = scratch.path("l").join(path(&descriptor["digest"]));
    std::fs::remove_file(&blob).unwrap();
    std::fs::create_dir(&blob).unwrap();
    assert!(error(open(&layout)).contains("it is a directory, where a file was expected"));
}

#[test]
fn docker_archives() {
    let scratch = Scratch::new();
    let [layer, _] = layers("word");
    let config = config("amd64", &[digest(&layer)]).to_string();
    let manifest = |config: &str, layers: &str| format!("[{{\"Config\":\"{config}\",\"Layers\":[{layers}]}}]");
    let cases: [(&str, String, &[u8], &str); 6] = [
        ("good", manifest("c.json", "\"a/layer.tar\""), &layer, ""),
        ("missing layer", manifest("c.json", "\"b/layer.tar\""), &layer, "layer 1 of 1"),
        ("missing config", manifest("../../../etc/passwd", "\"a/layer.tar\""), &layer, "etc/passwd"),
        ("other layer", manifest("c.json", "\"a/layer.tar\""), &layers("other")[1], "layer 1 of 1"),
        ("counts", manifest("c.json", ""), &layer, "0 layers"),
        ("shape", "{}".into(), &layer, "manifest.json"),
    ];
    for (name, manifest, layer, words) in cases {
        let bytes =
            tar(&[("a/layer.tar", layer), ("c.json", config.as_bytes()), ("manifest.json", manifest.as_bytes())]);
        for path in [scratch.file("x.tar", &bytes), scratch.file("x.tgz", &gzip(&bytes))] {
            match open(&path) {
                Ok(image) => assert_eq!((name, image.layers.len()), ("good", 1)),
                Err(e) => assert!(!words.is_empty() && e.to_string().contains(words), "{name}: {e}"),
            }
        }
    }
}

/// Long names and PAX records are the one thing that a walk along members holds in memory.
#[test]
fn long_names_are_believed_up_to_a_bound() {
    let scratch = Scratch::new();
    let (store, _) = image();
    for kind in [tar::EntryType::GNULongName, tar::EntryType::GNULongLink, tar::EntryType::XHeader] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(7 << 30);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend(store.pack());
        for path in [scratch.file("x.tar", &bytes), scratch.file("x.tgz", &gzip(&bytes))] {
            let message = error(open(&path));
            assert!(message.contains("longer than 1 MiB"), "{message}");
        }
    }
}

#[test]
fn names_of_every_kind_lead_to_members() {
    let scratch = Scratch::new();
    let [layer, _] = layers("word");
    let long = format!("{}/layer.tar", "directory/".repeat(30));
    let config = config("amd64", &[digest(&layer)]).to_string();
    let manifest = json!([{"Config": "./c.json", "RepoTags": null, "Layers": [long]}]).to_string();
    let mut builder = tar::Builder::new(Vec::new());
    let pax = [("path", long.as_bytes())];
    builder.append_pax_extensions(pax).unwrap();
    for (name, bytes) in
        [("short", layer.as_slice()), ("/c.json", config.as_bytes()), ("./manifest.json", manifest.as_bytes())]
    {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    }
    let pax = builder.into_inner().unwrap();
    let gnu = tar(&[(&long, &layer), ("c.json", config.as_bytes()), ("manifest.json", manifest.as_bytes())]);
    for bytes in [pax, gnu] {
        for path in [scratch.file("x.tar", &bytes), scratch.file("x.tgz", &gzip(&bytes))] {
            assert_eq!(open(&path).unwrap().layers.len(), 1);
        }
    }
}

/// A short text that lists a million descriptors: each would take room.
#[test]
fn an_index_of_a_million_nothings() {
    let scratch = Scratch::new();
    let many = format!(r#"{{"schemaVersion":2,"manifests":[{}{{}}]}}"#, "{},".repeat(1_300_000));
    let mut store = Store::default();
    store.files.insert("index.json".into(), many.into());
    store.files.insert("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
    let message = error(open(&scratch.layout("l", &store)));
    assert!(message.contains("lists more than 4096 manifests"), "{message}");
}
