//! Merged trees from the cache: the report is the same, and only the very layers in their order have it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use imagelint::source::{self, Key};
use serde_json::json;

use crate::make::*;

struct Cache(Scratch);

impl Cache {
    fn new() -> Self {
        Cache(Scratch::new())
    }

    fn path(&self) -> PathBuf {
        self.0.path("cache")
    }

    /// What is said of an image, with the cache or without.
    fn said(&self, image: &str, options: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        command.args(["--format", "json"]).args(options).arg(image).env("IMAGELINT_CACHE_DIR", self.path());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    fn warm(&self, image: &str) -> (Option<i32>, String, String) {
        self.said(image, &[])
    }

    fn cold(&self, image: &str) -> (Option<i32>, String, String) {
        self.said(image, &["--no-cache"])
    }

    /// The entries that are called so.
    fn entries(&self, what: &str) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.path()).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut found: Vec<_> =
            listed.filter(|path| path.to_string_lossy().ends_with(&format!(".{what}.entry"))).collect();
        found.sort();
        found
    }

    /// The one tree, as it was put there.
    fn tree(&self) -> (source::Store, Key) {
        let [path] = &self.entries("tree")[..] else { panic!("{:?}", self.entries("tree")) };
        let name = path.file_name().unwrap().to_string_lossy().replace("sha256-", "sha256:");
        (source::Store::new(self.path()), Key::new(name.split('.').next().unwrap(), "tree").unwrap())
    }
}

/// An image of these layers.
fn layout(scratch: &Scratch, name: &str, layers: &[Vec<u8>]) -> String {
    let mut store = Store::default();
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let blobs: Vec<Vec<u8>> = layers.iter().map(|layer| gzip(layer)).collect();
    let descriptor = store.image(&config("amd64", &diff_ids), &blobs);
    store.index(&[descriptor]);
    scratch.layout(name, &store)
}

#[test]
fn the_report_is_the_same_without_the_layers() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = layout(&scratch, "l", &layers("/bin/sh"));
    let expected = cache.cold(&root);
    assert_eq!(cache.warm(&root), expected);
    assert_eq!((cache.entries("layer").len(), cache.entries("tree").len()), (2, 1));
    for path in cache.entries("layer") {
        fs::remove_file(path).unwrap();
    }
    for layer in layers("/bin/sh") {
        fs::remove_file(PathBuf::from(&root).join("blobs").join(digest(&gzip(&layer)).replace(':', "/"))).unwrap();
    }
    assert_eq!(cache.warm(&root), expected);
    assert!(cache.cold(&root).2.contains("the blob is missing"));
}

#[test]
fn other_layers_or_another_order_have_another_tree() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let script = |interpreter: &str| tar(&[("app", format!("#!{interpreter}\n").as_bytes())]);
    let [a, b, c] = ["/a", "/b", "/c"].map(script);
    let lists: [&[&Vec<u8>]; 7] = [&[&a, &b], &[&b, &a], &[&a], &[&b], &[&a, &b, &c], &[&a, &a], &[&c, &a, &b]];
    let mut all = Vec::new();
    for (number, list) in lists.iter().enumerate() {
        let layers: Vec<Vec<u8>> = list.iter().map(|layer| (*layer).clone()).collect();
        all.push(layout(&scratch, &number.to_string(), &layers));
    }
    for _ in 0..2 {
        for root in &all {
            assert_eq!(cache.warm(root), cache.cold(root), "{root}");
        }
        assert_eq!(cache.entries("tree").len(), lists.len());
    }
    assert_ne!(cache.warm(&all[0]).1, cache.warm(&all[1]).1, "it could be told");
}

/// A layer that only says that it is another has its own tree.
#[test]
fn what_is_only_stated_is_not_believed() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let (honest, evil) = (layers("/bin/sh"), layers("/evil"));
    let claimed = config("amd64", &honest.clone().map(|layer| digest(&layer)));
    let roots = [("honest", &honest), ("liar", &evil)].map(|(name, layers)| {
        let mut store = Store::default();
        let descriptor = store.image(&claimed, &layers.clone().map(|layer| gzip(&layer)));
        store.index(&[descriptor]);
        scratch.layout(name, &store)
    });
    for root in roots.iter().chain(&roots) {
        assert_eq!(cache.warm(root), cache.cold(root));
    }
    assert_eq!(cache.entries("tree").len(), 2);
}

/// A layer is compressed twice, and its archive, which is none, is the very blob of another image.
#[test]
fn a_blob_that_another_calls_its_archive_is_still_a_layer() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let honest = layers("/bin/sh");
    let root = layout(&scratch, "honest", &honest);
    let blobs = honest.map(|layer| gzip(&layer));
    let liar = config("amd64", &blobs.clone().map(|blob| digest(&blob))).to_string();
    let [first, second] = blobs.map(|blob| gzip(&blob));
    let manifest = json!([{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["0.tar", "1.tar"]}]).to_string();
    let files: [(&str, &[u8]); 4] =
        [("c.json", liar.as_bytes()), ("0.tar", &first), ("1.tar", &second), ("manifest.json", manifest.as_bytes())];
    let liar = scratch.file("d.tar", &tar(&files));
    let expected = cache.cold(&root);
    assert!(cache.warm(&liar).1.contains("refused-layer"));
    for _ in 0..2 {
        assert_eq!(cache.warm(&root), expected);
    }
}

#[test]
fn a_damaged_tree_is_made_anew() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = layout(&scratch, "l", &layers("/bin/sh"));
    let expected = cache.warm(&root);
    let (store, key) = cache.tree();
    let whole = store.get(&key).unwrap();
    for damage in [|bytes: &mut Vec<u8>| bytes.truncate(90), |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1] {
        let path = &cache.entries("tree")[0];
        let mut bytes = fs::read(path).unwrap();
        damage(&mut bytes);
        fs::write(path, bytes).unwrap();
        assert_eq!(cache.warm(&root), expected);
        assert_eq!(store.get(&key).as_ref(), Some(&whole));
    }
}

/// The checksum is right, and what it is of is not.
#[test]
fn a_tree_that_is_none_is_made_anew() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = layout(&scratch, "l", &layers("/bin/sh"));
    let expected = cache.warm(&root);
    let (store, key) = cache.tree();
    let whole = store.get(&key).unwrap();
    let format = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut other = whole.clone();
    other[format] += 1;
    for bytes in [other, whole[..whole.len() - 1].to_vec(), [&whole[..], b"x"].concat(), Vec::new(), vec![0xff; 500]] {
        store.put_parts(&key, &[&bytes]);
        assert_eq!(cache.warm(&root), expected);
        assert_eq!(store.get(&key).as_ref(), Some(&whole));
    }
}

/// Whoever may write to the cache may say anything, but bring nothing down.
#[test]
fn lies_do_no_harm() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = layout(&scratch, "l", &layers("/bin/sh"));
    cache.warm(&root);
    let (store, key) = cache.tree();
    let whole = store.get(&key).unwrap();
    let start = whole.iter().position(|byte| *byte == b'\n').unwrap() + 2;
    for (at, byte) in (start..whole.len()).flat_map(|at| [(at, 0), (at, 0xff)]).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        store.put_parts(&key, &[&bytes]);
        let (code, _, errors) = cache.warm(&root);
        assert!(matches!(code, Some(0..=2)) && !errors.contains("panic"), "{at}: {code:?} {errors}");
    }
}

#[test]
fn layers_that_engines_refuse_have_no_tree() {
    let (scratch, cache) = (Scratch::new(), Cache::new());
    let root = layout(&scratch, "l", &[tar(&[("app", b"#!/x\n"), ("app", b"#!/x\n")])]);
    for _ in 0..2 {
        assert_eq!(cache.warm(&root), cache.cold(&root));
    }
    assert_eq!((cache.entries("layer").len(), cache.entries("tree").len()), (1, 0));
}
