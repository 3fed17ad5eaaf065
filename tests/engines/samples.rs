//! Images to be given to engines, as layouts and as archives that engines load.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::make::{Store, add_image, config, digest, gzip, platform, tar};

/// An image, and what it is known by.
pub struct Sample {
    pub store: Store,
    pub descriptor: Value,
}

impl Sample {
    /// The image that the README shows.
    pub fn demo() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo-image");
        let mut store = Store::default();
        for name in ["index.json", "oci-layout"] {
            store.files.insert(name.into(), fs::read(root.join(name)).unwrap());
        }
        for blob in fs::read_dir(root.join("blobs/sha256")).unwrap() {
            store.blob(fs::read(blob.unwrap().path()).unwrap());
        }
        let index: Value = serde_json::from_slice(&store.files["index.json"]).unwrap();
        Sample { store, descriptor: index["manifests"][0].clone() }
    }

    /// Two small layers.
    pub fn small(architecture: &str, word: &str) -> Self {
        let mut store = Store::default();
        let descriptor = add_image(&mut store, architecture, word);
        store.index(std::slice::from_ref(&descriptor));
        Sample { store, descriptor }
    }

    /// Several layers that do not compress, far larger than what waits in any buffer on the way, and the main program in
    /// the last.
    pub fn large() -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut noise = |len: usize| -> Vec<u8> {
            let next = |_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()
            };
            (0..len / 8).flat_map(next).collect()
        };
        let mut layers: Vec<Vec<u8>> =
            (0..4).map(|i| tar(&[(format!("data/{i}").as_str(), noise((i + 1) << 19).as_slice())])).collect();
        layers.push(tar(&[("app", b"#!/bin/absent\n")]));
        let diff_ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        let layers: Vec<Vec<u8>> = layers.iter().map(|layer| gzip(layer)).collect();
        let mut store = Store::default();
        let descriptor = store.image(&config("amd64", &diff_ids), &layers);
        store.index(std::slice::from_ref(&descriptor));
        Sample { store, descriptor }
    }

    pub fn manifest(&self) -> Value {
        serde_json::from_slice(&self.store.files[&path(&self.descriptor["digest"])]).unwrap()
    }

    /// The digest of the configuration, by which engines without a content store know it.
    pub fn id(&self) -> String {
        self.manifest()["config"]["digest"].as_str().unwrap().to_owned()
    }

    /// An archive for `docker load`, and for this program.
    pub fn docker_archive(&self, names: &[&str]) -> Vec<u8> {
        let manifest = self.manifest();
        let layers: Vec<String> = manifest["layers"].as_array().unwrap().iter().map(|l| path(&l["digest"])).collect();
        let entry = json!([{"Config": path(&manifest["config"]["digest"]), "RepoTags": names, "Layers": layers}]);
        let mut store = self.store.clone();
        store.files.remove("index.json");
        store.files.insert("manifest.json".into(), entry.to_string().into());
        store.pack()
    }

    /// The same, with layers as engines save them: not compressed, so that they are known by the same digests.
    pub fn saved(&self) -> Vec<u8> {
        let manifest = self.manifest();
        let mut files =
            vec![("config.json".to_owned(), self.store.files[&path(&manifest["config"]["digest"])].clone())];
        for (i, layer) in manifest["layers"].as_array().unwrap().iter().enumerate() {
            files.push((format!("{i}.tar"), gunzip(&self.store.files[&path(&layer["digest"])])));
        }
        let layers: Vec<&String> = files.iter().skip(1).map(|(name, _)| name).collect();
        let entry = json!([{"Config": "config.json", "RepoTags": null, "Layers": layers}]).to_string();
        files.push(("manifest.json".to_owned(), entry.into()));
        tar(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>())
    }

    /// An archive for `ctr image import`.
    pub fn oci_archive(&self, name: &str) -> Vec<u8> {
        let mut store = self.store.clone();
        let mut descriptor = self.descriptor.clone();
        descriptor["annotations"] = json!({"io.containerd.image.name": name});
        store.index(&[descriptor]);
        store.pack()
    }
}

/// One image for two platforms.
pub fn of_two_platforms() -> Sample {
    let mut store = Store::default();
    let manifests = ["amd64", "arm64"].map(|architecture| {
        let descriptor = add_image(&mut store, architecture, architecture);
        platform(&descriptor, &format!("linux/{architecture}"))
    });
    let index = json!({"schemaVersion": 2, "mediaType": crate::make::OCI_INDEX, "manifests": manifests});
    let descriptor = store.json(crate::make::OCI_INDEX, &index);
    store.index(std::slice::from_ref(&descriptor));
    Sample { store, descriptor }
}

fn path(digest: &Value) -> String {
    format!("blobs/{}", digest.as_str().unwrap().replace(':', "/"))
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => drop(std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(bytes), &mut all).unwrap()),
        false => all.extend_from_slice(bytes),
    }
    all
}
