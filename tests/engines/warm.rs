//! Images that were linted before: the engine is asked for their ID, and sends nothing.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::lint::Surroundings;
use crate::make::{OCI_INDEX, Store, config, digest, tar};
use crate::samples::{Sample, of_two_platforms};
use crate::tap::Tap;

/// What is said of an image, which image it is included.
fn said(surroundings: &Surroundings, options: &[&str], reference: &str) -> (Value, Vec<Value>) {
    let output = surroundings.imagelint(&[&["--format", "json"], options, &[reference]].concat());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{words}");
    assert_eq!(words, "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let images = report["images"].as_array().unwrap().clone();
    (report, images)
}

/// An image whose main program has to be looked at a second time, for its machine code.
fn waiting() -> Sample {
    let program = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/programs/ok")).unwrap();
    let layers = [tar(&[("etc/hostname", b"x\n")]), tar(&[("a", b"a"), ("app", &program)])];
    let mut store = Store::default();
    let descriptor = store.image(&config("amd64", &layers.clone().map(|layer| digest(&layer))), &layers);
    store.index(std::slice::from_ref(&descriptor));
    Sample { store, descriptor }
}

fn entries(cache: &Path, what: &str) -> Vec<PathBuf> {
    let listed = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    listed.filter(|path| path.to_string_lossy().contains(what)).collect()
}

/// An engine with one image, which it knows by `id`, and sends as `archive`.
struct One {
    tap: Tap,
    engine: Surroundings,
    cache: PathBuf,
}

impl One {
    fn new(id: &str, archive: Vec<u8>) -> Self {
        let tap = Tap::having(&[("app:1", id, archive)]);
        let (cache, engine) = (tap.directory.path().join("cache"), tap.surroundings("DOCKER_HOST"));
        One { engine: engine.with_cache(&cache), cache, tap }
    }

    /// What is said, and how many archives were sent for that.
    fn lint(&self, options: &[&str]) -> (Value, usize) {
        (said(&self.engine, options, "docker:app:1").0, self.tap.sent())
    }

    /// The same twice, and sent only once.
    fn is_sent_once(&self, options: &[&str]) -> Value {
        let (first, sent) = self.lint(options);
        assert_eq!(sent, 1);
        assert_eq!(self.lint(options), (first.clone(), 0));
        first
    }
}

#[test]
fn the_second_time_nothing_is_sent() {
    let sample = Sample::demo();
    let one = One::new(&sample.id(), sample.saved());
    let report = one.is_sent_once(&[]);
    assert_eq!(report["images"][0]["image"]["digest"], sample.id());
    let (again, sent) = one.lint(&["--no-cache"]);
    assert_eq!((again, sent), (report, 1));
}

/// Docker from 25 on saves a layout as well; which of its documents the ID is the digest of depends on where it keeps
/// its images.
#[test]
fn it_is_known_by_the_digest_of_any_document_on_the_way() {
    let sample = Sample::demo();
    let digest = sample.descriptor["digest"].as_str().unwrap();
    for id in [sample.id().as_str(), digest] {
        let report = One::new(id, sample.oci_archive("docker.io/library/app:1")).is_sent_once(&[]);
        assert_eq!(report["images"][0]["image"]["digest"], digest);
    }
    let both = of_two_platforms();
    let one = One::new(both.descriptor["digest"].as_str().unwrap(), both.oci_archive("docker.io/library/app:1"));
    for platform in ["linux/arm64", "linux/amd64"] {
        let report = one.is_sent_once(&["--platform", platform]);
        assert_eq!(report["images"][0]["image"]["platform"], platform);
    }
    let (report, sent) = one.lint(&["--all-platforms"]);
    assert_eq!((report["images"].as_array().unwrap().len(), sent), (2, 0));
    assert_eq!(one.lint(&["--all-platforms", "--no-cache"]), (report, 1));
}

/// The first of the two platforms has been read; the other is damaged.
#[test]
fn only_what_was_read_is_known() {
    let mut both = of_two_platforms();
    let index: Value = serde_json::from_slice(&both.store.files[&path(&both.descriptor)]).unwrap();
    let mut manifest: Value = serde_json::from_slice(&both.store.files[&path(&index["manifests"][1])]).unwrap();
    // All of its layers are known when it is asked for, and yet it is not what it says.
    let other: Value = serde_json::from_slice(&both.store.files[&path(&index["manifests"][0])]).unwrap();
    manifest["layers"] = other["layers"].clone();
    manifest["layers"][0]["size"] = json!(1);
    let damaged = both.store.json("application/vnd.oci.image.manifest.v1+json", &manifest);
    let mut manifests = index["manifests"].clone();
    for field in ["digest", "size"] {
        manifests[1][field] = damaged[field].clone();
    }
    let descriptor =
        both.store.json(OCI_INDEX, &json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}));
    both = Sample { store: both.store, descriptor };
    let one = One::new(both.descriptor["digest"].as_str().unwrap(), both.oci_archive("docker.io/library/app:1"));
    one.is_sent_once(&["--platform", "linux/amd64"]);
    for _ in 0..2 {
        let error = one.engine.error(&["--platform", "linux/arm64", "docker:app:1"]);
        assert!(error.contains("bytes instead of 1"), "{error}");
        assert_eq!(one.tap.sent(), 1);
    }
}

/// The index does not say for which platform its manifests are, and one of them was not pulled: by now it may be there.
#[test]
fn what_was_missing_may_have_come() {
    let mut both = of_two_platforms();
    let mut index: Value = serde_json::from_slice(&both.store.files[&path(&both.descriptor)]).unwrap();
    let manifests = index["manifests"].as_array_mut().unwrap();
    manifests.iter_mut().for_each(|manifest| drop(manifest.as_object_mut().unwrap().remove("platform")));
    let second = manifests[1].clone();
    let descriptor = both.store.json(OCI_INDEX, &index);
    let second = both.store.files.remove(&path(&second)).unwrap();
    let partly = Sample { store: both.store.clone(), descriptor: descriptor.clone() };
    let id = descriptor["digest"].as_str().unwrap();
    let one = One::new(id, partly.oci_archive("docker.io/library/app:1"));
    let (first, sent) = one.lint(&[]);
    assert_eq!((sent, &first["images"][0]["image"]["platform"]), (1, &json!("linux/amd64")));
    assert_eq!(one.lint(&[]), (first, 1));
    both.store.blob(second);
    let whole = Sample { store: both.store, descriptor: descriptor.clone() };
    One::new(id, whole.oci_archive("docker.io/library/app:1")).is_sent_once(&[]);
}

fn path(descriptor: &Value) -> String {
    format!("blobs/{}", descriptor["digest"].as_str().unwrap().replace(':', "/"))
}

/// Docker before 25 saves no layout, and so no manifest.
#[test]
fn another_version_writes_another_archive() {
    let sample = Sample::demo();
    let old = One::new(&sample.id(), sample.saved());
    let report = old.is_sent_once(&[]);
    let archive = sample.oci_archive("docker.io/library/app:1");
    let tap = Tap::by("Docker/25 (linux)", &[("app:1", &sample.id(), archive)]);
    let new = One { engine: tap.surroundings("DOCKER_HOST").with_cache(&old.cache), cache: old.cache.clone(), tap };
    let report_of_new = new.is_sent_once(&[]);
    assert_eq!(report_of_new["images"][0]["image"]["digest"], sample.descriptor["digest"]);
    assert_eq!(old.is_sent_once(&[]), report);
}

#[test]
fn an_id_that_leads_nowhere_is_not_believed() {
    let sample = Sample::demo();
    let one = One::new(&digest(b"something else"), sample.oci_archive("docker.io/library/app:1"));
    let (first, sent) = one.lint(&[]);
    assert_eq!(sent, 1);
    assert_eq!(one.lint(&[]), (first, 1));
    assert_eq!(entries(&one.cache, "saved-by").len(), 0);
}

#[test]
fn what_is_missing_or_damaged_is_sent_again() {
    let sample = Sample::demo();
    let one = One::new(&sample.id(), sample.saved());
    let expected = one.is_sent_once(&[]);
    for (what, damage) in [
        ("saved-by-docker", truncate as fn(&Path)),
        ("saved-by-docker", exchange),
        ("saved-by-docker", remove),
        ("layer", truncate),
        ("layer", remove),
    ] {
        let path = entries(&one.cache, what).pop().unwrap();
        damage(&path);
        if what == "layer" {
            assert_eq!(one.lint(&[]), (expected.clone(), 0), "the merged tree does");
            remove(&entries(&one.cache, "tree").pop().unwrap());
        }
        assert_eq!(one.lint(&[]), (expected.clone(), 1), "{what}");
        assert_eq!(one.lint(&[]), (expected.clone(), 0), "{what}");
    }
}

/// The layers are all known then.
#[test]
fn what_the_layers_come_to_need_not_be_known() {
    let sample = Sample::demo();
    let one = One::new(&sample.id(), sample.saved());
    let expected = one.is_sent_once(&[]);
    for damage in [truncate as fn(&Path), remove] {
        damage(&entries(&one.cache, "tree").pop().unwrap());
        assert_eq!(one.lint(&[]), (expected.clone(), 0));
        assert_eq!(entries(&one.cache, "tree").len(), 1, "it is made again");
    }
}

fn truncate(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

/// The entry says that the image is another one of the same layers, and is whole.
fn exchange(path: &Path) {
    let mut other = Sample::demo();
    let configuration = self::path(&other.manifest()["config"]);
    let text = other.store.files.get_mut(&configuration).unwrap();
    text.push(b'\n');
    let id = digest(text);
    let one = One::new(&id, other.saved());
    one.is_sent_once(&[]);
    fs::copy(entries(&one.cache, "saved-by-docker").pop().unwrap(), path).unwrap();
}

/// The configuration is exchanged for another, and the entry is whole.
#[test]
fn a_configuration_is_held_against_the_id() {
    let (sample, mut other) = (Sample::demo(), Sample::demo());
    let configuration = path(&sample.manifest()["config"]);
    let text = String::from_utf8(sample.store.files[&configuration].clone()).unwrap();
    let changed = text.replace("linux", "LINUX");
    assert_ne!(text, changed);
    other.store.files.insert(configuration, changed.into_bytes());
    let id = sample.id();
    let (one, liar) = (One::new(&id, sample.saved()), One::new(&id, other.saved()));
    let expected = one.is_sent_once(&[]);
    assert_eq!(liar.lint(&[]).1, 1);
    assert_eq!(entries(&liar.cache, "saved-by").len(), 0, "it is not what the engine says");
    // Bytes of the entry that say what the configuration is, changed with the checksum in front of them.
    let entry = entries(&one.cache, "saved-by").pop().unwrap();
    let mut bytes = fs::read(&entry).unwrap();
    let at = bytes.windows(5).position(|word| word == b"linux").unwrap();
    bytes[at..at + 5].copy_from_slice(b"LINUX");
    let body = bytes.split_off(HEADER);
    let (start, hex) = (HEADER - 32, digest(&body));
    for (i, pair) in hex.trim_start_matches("sha256:").as_bytes().chunks(2).enumerate() {
        bytes[start + i] = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    }
    bytes.extend(body);
    fs::write(&entry, bytes).unwrap();
    assert_eq!(one.lint(&[]), (expected.clone(), 1));
    assert_eq!(one.lint(&[]), (expected, 0));
}

/// Of an entry: magic, format, version, checksum.
const HEADER: usize = 16 + 4 + 32 + 32;

/// What was made of files at a second look is forgotten: the engine sends the image for it, and only for it.
#[test]
fn a_second_look_has_the_image_sent() {
    let sample = waiting();
    let one = One::new(&sample.id(), sample.saved());
    let (expected, sent) = one.lint(&[]);
    assert_eq!(sent, 2, "once more for the second look");
    assert_eq!(one.lint(&[]), (expected.clone(), 0));
    let looks = || entries(&one.cache, ".1-");
    let before = looks();
    assert_eq!(before.len(), 2, "the program's bytes, and what its machine code says: {before:?}");
    before.iter().for_each(|path| remove(path));
    assert_eq!(one.lint(&[]), (expected.clone(), 1));
    // Only what could be read is kept.
    assert_eq!(looks().len(), 2);
    assert_eq!(one.lint(&[]), (expected, 0));
}

/// In one call, where nothing is kept for the next.
#[test]
fn an_image_is_sent_once_in_a_call() {
    let sample = Sample::demo();
    let tap = Tap::having(&[("app:1", &sample.id(), sample.saved()), ("app:2", &sample.id(), sample.saved())]);
    let engine = tap.surroundings("DOCKER_HOST");
    let together = engine.imagelint(&["--format", "json", "docker:app:1", "docker:app:2"]);
    assert_eq!(tap.sent(), 1);
    let report: Value = serde_json::from_slice(&together.stdout).unwrap();
    let apart: Vec<Value> = ["docker:app:1", "docker:app:2"].map(|name| said(&engine, &[], name).1).concat();
    assert_eq!(report["images"], Value::Array(apart));
    assert_eq!(tap.sent(), 2);
}
