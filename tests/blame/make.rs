//! Images with histories as builders write them, and the repositories that they were built from.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A repository in the making, and images beside it.
pub struct Project {
    directory: TempDir,
}

/// An image: layers as files with their bytes and modes, the history and the configuration.
pub struct Image<'a> {
    pub layers: &'a [&'a [(&'a str, &'a [u8], u32)]],
    pub history: Value,
    pub config: Value,
}

impl Project {
    /// A directory with these files; `run` can be called in it.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Project { directory: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    pub fn root(&self) -> PathBuf {
        let root = self.directory.path().join("repository");
        fs::create_dir_all(&root).unwrap();
        root
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Has git track all files.
    pub fn track(self) -> Self {
        for arguments in [&["init", "--quiet", "."][..], &["add", "--all"]] {
            let mut git = Command::new("git");
            git.args(["-c", "core.autocrlf=false"]).args(arguments).current_dir(self.root());
            let done = git.output().unwrap();
            assert!(done.status.success(), "git: {}", String::from_utf8_lossy(&done.stderr));
        }
        self
    }

    /// Writes what `docker save` would.
    pub fn image(&self, name: &str, image: &Image<'_>) -> PathBuf {
        let layers: Vec<Vec<u8>> = image.layers.iter().map(|files| tar(files)).collect();
        let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", hex(layer))).collect();
        let config = json!({
            "os": "linux", "architecture": "amd64", "config": image.config, "history": image.history,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let names: Vec<String> = (0..layers.len()).map(|at| format!("{at}.tar")).collect();
        let manifest = json!([{ "Config": "config.json", "RepoTags": null, "Layers": names }]).to_string();
        let config = config.to_string();
        let mut files: Vec<(&str, &[u8], u32)> =
            vec![("manifest.json", manifest.as_bytes(), 0o644), ("config.json", config.as_bytes(), 0o644)];
        files.extend(names.iter().zip(&layers).map(|(name, layer)| (name.as_str(), layer.as_slice(), 0o644)));
        let path = self.directory.path().join(format!("{name}.tar"));
        fs::write(&path, tar(&files)).unwrap();
        path
    }

    /// Writes what `docker buildx build --provenance=mode=max --output type=oci,tar=false` would: a layout with the image and a
    /// statement about it.
    pub fn attested(&self, name: &str, image: &Image<'_>, predicate: &Value) -> PathBuf {
        let path = self.directory.path().join(name);
        let blobs = path.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let put = |media_type: &str, bytes: &[u8]| {
            fs::write(blobs.join(hex(bytes)), bytes).unwrap();
            json!({ "mediaType": media_type, "digest": format!("sha256:{}", hex(bytes)), "size": bytes.len() })
        };
        let oci = |what: &str| format!("application/vnd.oci.image.{what}.v1+json");
        let layers: Vec<Vec<u8>> = image.layers.iter().map(|files| tar(files)).collect();
        let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", hex(layer))).collect();
        let config = json!({
            "os": "linux", "architecture": "amd64", "config": image.config, "history": image.history,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let layers: Vec<Value> =
            layers.iter().map(|layer| put("application/vnd.oci.image.layer.v1.tar", layer)).collect();
        let manifest = |config: &Value, layers: &[Value]| {
            let kind = oci("manifest");
            json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers }).to_string()
        };
        let config = put(&oci("config"), config.to_string().as_bytes());
        let mut own = put(&oci("manifest"), manifest(&config, &layers).as_bytes());
        own["platform"] = json!({ "os": "linux", "architecture": "amd64" });

        let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicate": predicate });
        let mut statement = put("application/vnd.in-toto+json", statement.to_string().as_bytes());
        statement["annotations"] = json!({ "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" });
        let empty = put("application/vnd.oci.empty.v1+json", b"{}");
        let mut attestation = put(&oci("manifest"), manifest(&empty, &[statement]).as_bytes());
        attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        attestation["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": own["digest"],
        });
        let index = json!({ "schemaVersion": 2, "mediaType": oci("index"), "manifests": [own, attestation] });
        fs::write(path.join("index.json"), index.to_string()).unwrap();
        fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        path
    }

    /// Runs the linter in the repository.
    pub fn lint(&self, image: &Path, arguments: &[&str]) -> Looked {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        let output = command.arg(image).args(arguments).args(["--no-cache", "--no-config"]).current_dir(self.root());
        Looked(output.output().unwrap())
    }

    /// The findings, as JSON.
    pub fn findings(&self, image: &Path, arguments: &[&str]) -> (Vec<Value>, String) {
        let looked = self.lint(image, &[arguments, &["--format", "json"]].concat());
        (looked.findings(), looked.complaints())
    }
}

/// What came of a run.
pub struct Looked(pub Output);

impl Looked {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    /// Standard error in one line.
    pub fn complaints(&self) -> String {
        let text = String::from_utf8_lossy(&self.0.stderr).replace('│', " ");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn findings(&self) -> Vec<Value> {
        let report: Value = serde_json::from_str(&self.text()).unwrap_or_else(|e| panic!("{e}: {}", self.complaints()));
        report["images"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|image| image["findings"].as_array().unwrap().clone())
            .collect()
    }
}

/// `path:line:column` of where a finding is to be mended, and of the instruction that brought it; `-` where there is none.
pub fn places(finding: &Value) -> (String, String) {
    let place = |source: &Value| match source["path"].as_str() {
        Some(path) => format!("{path}:{}:{}-{}", source["line"], source["column"], source["end_column"]),
        None => "-".to_owned(),
    };
    (place(&finding["source"]), place(&finding["instruction"]))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn tar(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(*mode);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}
