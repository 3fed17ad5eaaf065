//! Small layouts and archives, made in scratch directories.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use imagelint::image::{self, Changeset, Image, Options};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}

/// A tar archive of files by name.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    structured_zstd::encoding::compress_to_vec(bytes, structured_zstd::encoding::CompressionLevel::Fastest)
}

/// The files of an image layout, to be written as a directory or packed.
#[derive(Clone, Default)]
pub struct Store {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Store {
    pub fn blob(&mut self, bytes: impl Into<Vec<u8>>) -> (String, usize) {
        let bytes = bytes.into();
        let (digest, size) = (digest(&bytes), bytes.len());
        self.files.insert(format!("blobs/{}", digest.replace(':', "/")), bytes);
        (digest, size)
    }

    pub fn described(&mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Value {
        let (digest, size) = self.blob(bytes);
        json!({"mediaType": media_type, "digest": digest, "size": size})
    }

    pub fn json(&mut self, media_type: &str, value: &Value) -> Value {
        self.described(media_type, value.to_string())
    }

    /// A manifest with its configuration and layers; its descriptor.
    pub fn image(&mut self, config: &Value, layers: &[Vec<u8>]) -> Value {
        let config = self.json(OCI_CONFIG, config);
        let layers: Vec<Value> = layers.iter().map(|l| self.described(LAYER, l.clone())).collect();
        self.json(OCI_MANIFEST, &json!({"schemaVersion": 2, "config": config, "layers": layers}))
    }

    pub fn index(&mut self, manifests: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        self.files.insert("index.json".into(), index.to_string().into());
        self.files.insert("oci-layout".into(), json!({"imageLayoutVersion": "1.0.0"}).to_string().into());
    }

    pub fn write(&self, root: &Path) {
        for (name, bytes) in &self.files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// Blobs first, documents last, as engines do.
    pub fn pack(&self) -> Vec<u8> {
        let files: Vec<_> = self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        tar(&files)
    }
}

/// The media type is only a hint, so one does for all.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

pub fn platform(descriptor: &Value, typed: &str) -> Value {
    let parts: Vec<&str> = typed.split('/').collect();
    let mut descriptor = descriptor.clone();
    descriptor["platform"] = json!({"os": parts[0], "architecture": parts[1]});
    if let Some(variant) = parts.get(2) {
        descriptor["platform"]["variant"] = json!(variant);
    }
    descriptor
}

pub fn named(descriptor: &Value, name: &str) -> Value {
    let mut descriptor = descriptor.clone();
    descriptor["annotations"]["org.opencontainers.image.ref.name"] = json!(name);
    descriptor
}

pub fn config(architecture: &str, diff_ids: &[String]) -> Value {
    let history: Vec<Value> =
        diff_ids.iter().enumerate().map(|(i, _)| json!({"created_by": format!("RUN {i}")})).collect();
    json!({
        "architecture": architecture, "os": "linux",
        "config": {"Entrypoint": ["/app"], "Cmd": null, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    })
}

/// Two layers, the second of them holding this word.
pub fn layers(word: &str) -> [Vec<u8>; 2] {
    [
        tar(&[("bin/sh", b"#!/x\n"), ("etc/passwd", b"root:x:0:0::/:/bin/sh\n")]),
        tar(&[("app", format!("#!{word}").as_bytes())]),
    ]
}

/// A whole image in a store; its descriptor.
pub fn add_image(store: &mut Store, architecture: &str, word: &str) -> Value {
    let layers = layers(word);
    let config = config(architecture, &layers.clone().map(|l| digest(&l)));
    store.image(&config, &layers.map(|l| gzip(&l)))
}

pub struct Scratch(pub TempDir);

impl Scratch {
    pub fn new() -> Self {
        Scratch(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name).display().to_string()
    }

    pub fn layout(&self, name: &str, store: &Store) -> String {
        store.write(&self.path(name));
        self.path(name).display().to_string()
    }
}

pub fn open(reference: &str) -> imagelint::Result<Image> {
    image::open(&reference.parse()?, &Options::default())
}

pub fn open_for(reference: &str, platform: &str) -> imagelint::Result<Image> {
    image::open(&reference.parse()?, &Options { platform: Some(platform.parse().unwrap()), ..Options::default() })
}

/// The message, and the help below it.
pub fn error(result: imagelint::Result<Image>) -> String {
    use miette::Diagnostic;
    let error = result.map(|image| image.reference).unwrap_err();
    format!("{error}\n{}", Diagnostic::help(&error).map(|h| h.to_string()).unwrap_or_default())
}

/// Every entry of every layer, to be compared.
pub fn listing(image: &Image) -> Vec<Vec<String>> {
    image.layers.iter().map(|layer| entries(&layer.changeset)).collect()
}

pub fn entries(changeset: &Changeset) -> Vec<String> {
    let mut lines = Vec::new();
    changeset.for_each(|e| {
        let content =
            e.content.and_then(|c| c.get(0, e.size as usize)).map(|c| String::from_utf8_lossy(c).into_owned());
        lines.push(format!("{} {:?} {:o} {} {content:?}", e.path, e.file_type, e.mode, e.link));
    });
    lines
}
