//! Layers that were read before: known by what they were verified by, and never by what somebody says.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use imagelint::image::{self, Image, Options};
use imagelint::source;
use serde_json::json;

use crate::make::*;

struct Cache(Scratch);

impl Cache {
    fn new() -> Self {
        Cache(Scratch::new())
    }

    fn store(&self) -> Arc<source::Store> {
        Arc::new(source::Store::new(self.0.path("cache")))
    }

    fn open(&self, reference: &str) -> imagelint::Result<Image> {
        let options = Options { store: Some(self.store()), ..Options::default() };
        image::open(&reference.parse()?, &options)
    }

    fn entries(&self) -> Vec<std::path::PathBuf> {
        let listed = fs::read_dir(self.0.path("cache")).into_iter().flatten();
        let mut paths: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

fn store() -> Store {
    let mut store = Store::default();
    let descriptor = add_image(&mut store, "amd64", "word");
    store.index(&[descriptor]);
    store
}

/// Takes the layers out of a layout, so that they cannot be read again.
fn without_layers(root: &str) {
    for layer in layers("word") {
        let digest = digest(&gzip(&layer));
        fs::remove_file(Path::new(root).join("blobs").join(digest.replace(':', "/"))).unwrap();
    }
}

#[test]
fn known_layers_are_not_read() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = scratch.layout("l", &store());
    let first = cache.open(&root).unwrap();
    assert_eq!(first.again.reread(1, 0, 2, 3).unwrap(), b"wor");
    let expected = listing(&first);
    assert_eq!(cache.entries().len(), 3, "two layers and a piece");
    without_layers(&root);
    let second = cache.open(&root).unwrap();
    assert_eq!(listing(&second), expected);
    assert_eq!(second.again.reread(1, 0, 2, 3).unwrap(), b"wor");
    assert!(second.again.reread(1, 0, 1, 3).is_err(), "that piece is not known");
    assert!(open(&root).is_err());
}

#[test]
fn a_layer_is_known_in_every_form_that_has_its_digest() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let layers = layers("word");
    let config = config("amd64", &layers.clone().map(|l| digest(&l)));
    let mut plain = Store::default();
    let descriptor = plain.image(&config, &layers);
    plain.index(&[descriptor]);
    // standard input and compressed archives pass by once, and are kept, too
    let archive = scratch.file("a.tar.gz", &gzip(&plain.pack()));
    let expected = listing(&cache.open(&archive).unwrap());
    assert_eq!(cache.entries().len(), 2);
    let root = scratch.layout("l", &plain);
    for layer in &layers {
        fs::remove_file(Path::new(&root).join("blobs").join(digest(layer).replace(':', "/"))).unwrap();
    }
    assert_eq!(listing(&cache.open(&root).unwrap()), expected);
    let manifest = json!([{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["0.tar", "1.tar"]}]);
    let config = config.to_string();
    let files: [(&str, &[u8]); 4] = [
        ("c.json", config.as_bytes()),
        ("0.tar", &layers[0]),
        ("1.tar", &layers[1]),
        ("manifest.json", &serde_json::to_vec(&manifest).unwrap()),
    ];
    let docker = scratch.file("d.tar", &tar(&files));
    assert_eq!(listing(&cache.open(&docker).unwrap()), expected);
    assert_eq!(cache.entries().len(), 2, "the diff id is the digest of what is not compressed");
}

/// One image says that its layer is what another has: it is not believed, and the other is not harmed.
#[test]
fn a_diff_id_that_is_only_stated_is_not_believed() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let honest = layers("word");
    let claimed = config("amd64", &honest.clone().map(|l| digest(&l)));
    let mut liar = Store::default();
    let others = layers("evil").map(|l| gzip(&l));
    let descriptor = liar.image(&claimed, &others);
    liar.index(&[descriptor]);
    let lie = listing(&cache.open(&scratch.layout("liar", &liar)).unwrap());
    let mut plain = Store::default();
    let descriptor = plain.image(&claimed, &honest);
    plain.index(&[descriptor]);
    let truth = listing(&cache.open(&scratch.layout("honest", &plain)).unwrap());
    assert_ne!(lie, truth);
    assert_eq!(listing(&cache.open(&scratch.path("liar").display().to_string()).unwrap()), lie);
}

#[test]
fn what_is_not_what_its_digest_says_is_not_kept() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = scratch.layout("l", &store());
    for layer in layers("word") {
        let path = Path::new(&root).join("blobs").join(digest(&gzip(&layer)).replace(':', "/"));
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    assert!(cache.open(&root).is_err());
    assert_eq!(cache.entries().len(), 0);
}

/// The layer is exchanged between the first look and the second.
#[test]
fn the_second_look_is_verified() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = scratch.layout("l", &store());
    let image = cache.open(&root).unwrap();
    let path = |layer: &[u8]| Path::new(&root).join("blobs").join(digest(&gzip(layer)).replace(':', "/"));
    fs::write(path(&layers("word")[1]), gzip(&layers("evil")[1])).unwrap();
    let error = image.again.reread(1, 0, 2, 3).unwrap_err().to_string();
    assert!(error.contains("instead of"), "{error}");
    assert_eq!(cache.entries().len(), 2);
}

#[test]
fn damaged_entries_are_read_anew() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = scratch.layout("l", &store());
    let expected = listing(&cache.open(&root).unwrap());
    for damage in [|bytes: &mut Vec<u8>| bytes.truncate(90), |bytes: &mut Vec<u8>| bytes[100] ^= 0x40] {
        for path in cache.entries() {
            let mut bytes = fs::read(&path).unwrap();
            damage(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
        assert_eq!(listing(&cache.open(&root).unwrap()), expected);
        assert_eq!(cache.entries().len(), 2);
    }
    without_layers(&root);
    assert_eq!(listing(&cache.open(&root).unwrap()), expected);
}

fn lint(cache: &Cache, image: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
    command.args(["--format", "json", image]).env("IMAGELINT_CACHE_DIR", cache.0.path("cache"));
    command
}

#[test]
fn processes_share_it_at_the_same_time() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = scratch.layout("l", &store());
    let start = || lint(&cache, &root).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let running: Vec<_> = (0..8).map(|_| start()).collect();
    let outputs: Vec<_> = running.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert_eq!((output.status.code(), &output.stdout), (Some(1), &outputs[0].stdout));
    }
    assert!(cache.entries().iter().all(|path| path.extension().is_some_and(|e| e == "entry")));
}

#[test]
fn a_cache_that_cannot_be_written_is_no_hindrance() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = scratch.layout("l", &store());
    let expected = lint(&cache, &root).output().unwrap();
    // not even root can make a directory below a file
    let file = scratch.file("file", b"");
    let output = lint(&cache, &root).env("IMAGELINT_CACHE_DIR", format!("{file}/cache")).output().unwrap();
    assert_eq!((output.status, output.stdout), (expected.status, expected.stdout));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("warning") && said.contains("cannot be written") && said.contains("--no-cache"), "{said}");
    let output = lint(&cache, &root).arg("--no-cache").env("IMAGELINT_CACHE_DIR", file).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Where this test may mount: a file system with room for next to nothing.
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let bytes: Vec<u8> = (0..20_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let script = [b"#!/bin/sh\n", bytes.as_slice()].concat();
    let files: Vec<(String, &[u8])> = (0..9).map(|n| (format!("bin/{n}"), script.as_slice())).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let layer = tar(&files);
    let mut store = Store::default();
    let descriptor = store.image(&config("amd64", &[digest(&layer)]), &[layer]);
    store.index(&[descriptor]);
    let root = scratch.layout("l", &store);
    fs::create_dir(cache.0.path("cache")).unwrap();
    let script = "mount -t tmpfs -o size=16k,mode=700 none \"$1\" || exit 99; \"$2\" --format json \"$3\" 2>&1 >/dev/null; echo left; ls \"$1\"";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .args([cache.0.path("cache").as_os_str(), env!("CARGO_BIN_EXE_imagelint").as_ref(), root.as_ref()])
        .env("IMAGELINT_CACHE_DIR", cache.0.path("cache"))
        .output();
    let output = match output {
        Ok(output) if output.status.code() != Some(99) && !output.stdout.is_empty() => output,
        _ => return eprintln!("not tried: this user may not mount"),
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("cannot be written: No space left on device"), "{said}");
    assert_eq!(said.split_once("left\n").map(|(_, left)| left), Some(""), "{said}");
}

#[test]
fn it_can_be_shown_and_cleared() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = scratch.layout("l", &store());
    lint(&cache, &root).output().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        let output = command.arg("cache").args(arguments).arg("--cache-dir").arg(cache.0.path("cache")).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert!(run(&[]).contains(": 3 entries, 0.0 MiB"), "{}", run(&[]));
    fs::write(cache.0.path("cache/mine.txt"), "").unwrap();
    assert!(run(&["clear"]).contains("removed 3 entries"));
    assert!(run(&["show"]).contains(": 0 entries"));
    assert!(cache.0.path("cache/mine.txt").exists());
}
