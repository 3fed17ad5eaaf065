//! All platforms of an image: each as if it were read alone, and what they share read once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use imagelint::image::{self, Image, Options, Progress};
use serde_json::{Value, json};

use crate::make::*;

/// Counts what is read of layers: bytes, and layers.
#[derive(Default)]
struct Count(AtomicU64, AtomicU64);

impl Progress for Count {
    fn advance(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn layer(&self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

fn all(reference: &str) -> Vec<imagelint::Result<Image>> {
    image::open_all(&reference.parse().unwrap(), &Options::default()).unwrap().collect()
}

/// Platforms; errors have theirs, and a mark.
fn platforms(reference: &str) -> Vec<String> {
    let name = |image: imagelint::Result<Image>| match image {
        Ok(image) => image.platform.to_string(),
        Err(error) => format!("{}!", error.platform().unwrap_or_default()),
    };
    all(reference).into_iter().map(name).collect()
}

fn refusal(reference: &str) -> String {
    image::open_all(&reference.parse().unwrap(), &Options::default()).map(drop).unwrap_err().to_string()
}

/// A layer that all platforms have, and one of their own; the descriptor, with its platform.
fn add(store: &mut Store, typed: &str) -> Value {
    let [base, _] = layers("");
    let own = tar(&[("app", format!("#!/{typed}").as_bytes())]);
    let mut config = config(typed.split('/').nth(1).unwrap(), &[digest(&base), digest(&own)]);
    config["variant"] = json!(typed.split('/').nth(2));
    platform(&store.image(&config, &[gzip(&base), gzip(&own)]), typed)
}

fn nested(store: &mut Store, manifests: &[Value]) {
    let inner = store.json(OCI_INDEX, &json!({"schemaVersion": 2, "manifests": manifests}));
    store.index(&[named(&inner, "app")]);
}

fn absent(typed: &str) -> Value {
    platform(&json!({"mediaType": OCI_MANIFEST, "digest": digest(typed.as_bytes()), "size": 8}), typed)
}

const THREE: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/arm/v7"];

#[test]
fn shared_layers_are_read_once() {
    let (scratch, mut store) = (Scratch::new(), Store::default());
    let manifests = THREE.map(|typed| add(&mut store, typed));
    nested(&mut store, &manifests);
    let is_layer = |bytes: &&Vec<u8>| bytes.starts_with(&[0x1f, 0x8b]);
    let layers: Vec<usize> = store.files.values().filter(is_layer).map(Vec::len).collect();
    assert_eq!(layers.len(), 4);
    for path in [scratch.layout("l", &store), scratch.file("l.tar", &store.pack())] {
        let count = Count::default();
        let options = Options { progress: &count, ..Options::default() };
        let images = image::open_all(&path.parse().unwrap(), &options).unwrap();
        let mut holders = Vec::new();
        for (typed, image) in THREE.iter().zip(images) {
            let image = image.unwrap();
            assert_eq!(listing(&image), listing(&open_for(&path, typed).unwrap()));
            assert_eq!((image.platform.to_string().as_str(), image.others.len()), (*typed, 2));
            holders.push(Arc::strong_count(&image.layers[0].changeset));
        }
        assert_eq!(count.0.load(Ordering::Relaxed) as usize, layers.iter().sum::<usize>());
        assert_eq!(count.1.load(Ordering::Relaxed), 4);
        assert_eq!(holders, [2, 2, 1], "kept only while it is needed");
    }
}

#[test]
fn a_compressed_archive_is_read_once() {
    let (scratch, mut store) = (Scratch::new(), Store::default());
    let manifests = THREE.map(|typed| add(&mut store, typed));
    nested(&mut store, &manifests);
    let packed = gzip(&store.pack());
    let path = scratch.file("l.tgz", &packed);
    let count = Count::default();
    let options = Options { progress: &count, ..Options::default() };
    let images = image::open_all(&path.parse().unwrap(), &options).unwrap();
    let listings: Vec<_> = images.map(|image| listing(&image.unwrap())).collect();
    assert_eq!(count.0.load(Ordering::Relaxed) as usize, packed.len());
    assert_eq!(count.1.load(Ordering::Relaxed), 4);
    let alone = THREE.map(|typed| listing(&open_for(&path, typed).unwrap()));
    assert_eq!(listings, alone);
}

#[test]
fn what_is_not_there_is_an_error_of_its_platform() {
    let (scratch, mut store) = (Scratch::new(), Store::default());
    let mut manifests = vec![add(&mut store, "linux/amd64"), absent("linux/riscv64"), add(&mut store, "linux/s390x")];
    let own = digest(&gzip(&tar(&[("app", b"#!/linux/s390x")])));
    store.files.remove(&format!("blobs/{}", own.replace(':', "/")));
    let mut attestation = absent("unknown/unknown");
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    manifests.extend([attestation, absent("windows/amd64")]);
    nested(&mut store, &manifests);
    for path in
        [scratch.layout("l", &store), scratch.file("l.tar", &store.pack()), scratch.file("l.tgz", &gzip(&store.pack()))]
    {
        assert_eq!(platforms(&path), ["linux/amd64", "linux/riscv64!", "linux/s390x!"]);
        let errors: Vec<String> = all(&path).into_iter().filter(Result::is_err).map(error).collect();
        let [riscv, s390x] = errors.as_slice() else { panic!("two errors") };
        assert!(riscv.starts_with("could not read linux/riscv64, manifest sha256:"), "{riscv}");
        assert!(riscv.contains("the blob is missing") && riscv.contains("skopeo copy --all"), "{riscv}");
        assert!(s390x.starts_with("could not read linux/s390x, layer 2 of 2"), "{s390x}");
    }
}

/// The error belongs to the layer, whichever platform meets it first.
#[test]
fn a_damaged_layer_is_an_error_of_all_that_share_it() {
    let (scratch, mut store) = (Scratch::new(), Store::default());
    let manifests = THREE.map(|typed| add(&mut store, typed));
    nested(&mut store, &manifests);
    let base = format!("blobs/{}", digest(&gzip(&layers("")[0])).replace(':', "/"));
    store.files.get_mut(&base).unwrap().truncate(40);
    for path in [scratch.layout("l", &store), scratch.file("l.tgz", &gzip(&store.pack()))] {
        assert_eq!(platforms(&path), THREE.map(|typed| format!("{typed}!")));
    }
}

#[test]
fn platforms_that_only_configurations_know_and_artifacts() {
    let (scratch, mut store) = (Scratch::new(), Store::default());
    let chart = store.described("application/vnd.cncf.helm.config.v1+json", "{}");
    let chart = store.json(OCI_MANIFEST, &json!({"schemaVersion": 2, "config": chart, "layers": []}));
    let (a, b) = (add_image(&mut store, "s390x", "ibm"), add_image(&mut store, "riscv64", "five"));
    store.index(&[a.clone(), chart, b]);
    assert_eq!(platforms(&scratch.layout("l", &store)), ["linux/s390x", "linux/riscv64"]);
    store.index(&[a]);
    assert_eq!(platforms(&scratch.layout("one", &store)), ["linux/s390x"]);
}

#[test]
fn one_manifest_for_two_platforms() {
    let (scratch, mut store) = (Scratch::new(), Store::default());
    let amd = add(&mut store, "linux/amd64");
    let both = [amd.clone(), platform(&amd, "linux/arm64"), amd.clone()];
    store.index(&both);
    let flat = scratch.layout("flat", &store);
    nested(&mut store, &both);
    for path in [flat, scratch.layout("nested", &store)] {
        assert_eq!(platforms(&path), ["linux/amd64", "linux/arm64"]);
        let arm = open_for(&path, "linux/arm64").unwrap();
        assert_eq!(arm.configured.map(|platform| platform.to_string()).as_deref(), Some("linux/amd64"));
        assert_eq!(open_for(&path, "linux/amd64").unwrap().configured, None);
    }
}

#[test]
fn what_cannot_be_chosen_or_is_too_much() {
    let (scratch, mut store) = (Scratch::new(), Store::default());
    let (a, b) = (add_image(&mut store, "amd64", "first"), add_image(&mut store, "amd64", "second"));
    store.index(&[a.clone(), b.clone()]);
    assert!(refusal(&scratch.layout("rivals", &store)).contains("it holds several images"));
    // Within an index engines take the first.
    nested(&mut store, &[platform(&a, "linux/amd64"), platform(&b, "linux/amd64")]);
    assert_eq!(platforms(&scratch.layout("first", &store)), ["linux/amd64"]);
    nested(&mut store, &[absent("windows/amd64"), absent("windows/arm64")]);
    assert!(refusal(&scratch.layout("windows", &store)).contains("no image for Linux"));
    let many: Vec<Value> = (0..33).map(|n| platform(&a, &format!("linux/amd64/v{n}x"))).collect();
    nested(&mut store, &many);
    assert!(refusal(&scratch.layout("many", &store)).contains("more than 32 platforms"));
}

#[test]
fn docker_archives_and_root_file_systems_have_one() {
    let scratch = Scratch::new();
    let [layer, _] = layers("word");
    let config = config("arm64", &[digest(&layer)]).to_string();
    let manifest = json!([{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["a/layer.tar"]}]).to_string();
    let bytes = tar(&[("a/layer.tar", &layer), ("c.json", config.as_bytes()), ("manifest.json", manifest.as_bytes())]);
    for path in [scratch.file("x.tar", &bytes), scratch.file("x.tgz", &gzip(&bytes))] {
        assert_eq!(platforms(&path), ["linux/arm64"]);
    }
    let rootfs = format!("rootfs:{}", scratch.file("r.tar", &layer));
    assert_eq!(platforms(&rootfs), [open(&rootfs).unwrap().platform.to_string()]);
}

#[test]
fn the_platform_is_that_of_the_index() {
    let (scratch, mut store) = (Scratch::new(), Store::default());
    for (index, architecture, variant, platform_of, configured) in [
        ("linux/amd64", "arm64", "", "linux/amd64", Some("linux/arm64")),
        ("linux/amd64", "", "", "linux/amd64", None),
        ("linux/arm/v6", "arm", "", "linux/arm/v6", None),
        ("linux/arm/v6", "arm", "v7", "linux/arm/v6", Some("linux/arm/v7")),
        ("linux/arm64", "arm64", "v8", "linux/arm64", None),
        ("linux/amd64", "amd64", "v3", "linux/amd64/v3", None),
    ] {
        let mut config = config(architecture, &[]);
        config["variant"] = json!(variant);
        let image = store.image(&config, &[]);
        store.index(&[platform(&image, index)]);
        let image = open(&scratch.layout(&image["digest"].as_str().unwrap()[7..], &store)).unwrap();
        let found = (image.platform.to_string(), image.configured.map(|platform| platform.to_string()));
        assert_eq!(found, (platform_of.to_owned(), configured.map(str::to_owned)), "{index} {architecture} {variant}");
    }
}
