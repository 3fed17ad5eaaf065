//! A Dockerfile and its context to an OCI image layout: just enough of a builder for fixtures and examples.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::dockerfile::{self, Instruction};

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A layer in the making.
struct Layer {
    tar: Vec<u8>,
    created_by: String,
}

/// The image in the making.
struct Builder {
    context: PathBuf,
    programs: PathBuf,
    config: serde_json::Map<String, Value>,
    environment: BTreeMap<String, String>,
    shell: Vec<String>,
    layers: Vec<Layer>,
    /// Directories that are there, so that parents are made once and COPY knows a directory when it meets one.
    directories: BTreeSet<String>,
    /// Files that are there: a WORKDIR that is one is left alone.
    files: BTreeSet<String>,
    /// What the index and the configuration say.
    platforms: Platforms,
}

/// `platforms.json`: two platforms as `os/architecture[/variant]`, where they are not both linux/amd64.
#[derive(serde::Deserialize)]
struct Platforms {
    index: String,
    configuration: String,
}

impl Platforms {
    fn of(context: &Path) -> Result<Self, String> {
        match fs::read_to_string(context.join("platforms.json")) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| e.to_string()),
            Err(_) => Ok(Platforms { index: "linux/amd64".into(), configuration: "linux/amd64".into() }),
        }
    }
}

/// As a descriptor and a configuration have it.
fn platform(typed: &str) -> Value {
    let mut parts = typed.split('/');
    let mut value = json!({ "os": parts.next(), "architecture": parts.next() });
    if let Some(variant) = parts.next() {
        value["variant"] = json!(variant);
    }
    value
}

/// Builds `text` with the files of `context`, and the extra layers of `context/layers.json`, into `out`.
pub fn build(text: &str, context: &Path, programs: &Path, out: &Path) -> Result<(), String> {
    let mut builder = Builder {
        context: context.to_owned(),
        programs: programs.to_owned(),
        config: serde_json::Map::new(),
        environment: BTreeMap::new(),
        shell: vec!["/bin/sh".into(), "-c".into()],
        layers: Vec::new(),
        directories: BTreeSet::from([String::new()]),
        files: BTreeSet::new(),
        platforms: Platforms::of(context)?,
    };
    for instruction in dockerfile::parse(text)? {
        builder.instruction(&instruction).map_err(|e| format!("{} {}: {e}", instruction.name, instruction.rest))?;
    }
    if let Ok(extra) = fs::read_to_string(context.join("layers.json")) {
        builder.extra_layers(&extra)?;
    }
    builder.write(out).map_err(|e| e.to_string())
}

impl Builder {
    fn instruction(&mut self, i: &Instruction) -> Result<(), String> {
        let set = |key: &str, value: Value, config: &mut serde_json::Map<String, Value>| {
            config.insert(key.to_owned(), value);
        };
        let rest = i.rest.as_str();
        match i.name.as_str() {
            "FROM" if rest == "scratch" => {
                // As BuildKit does for an image from scratch.
                self.environment.insert("PATH".into(), DEFAULT_PATH.into());
                set("Env", json!([format!("PATH={DEFAULT_PATH}")]), &mut self.config);
                Ok(())
            }
            "COPY" => self.copy(i),
            "ENV" => self.env(rest),
            "ENTRYPOINT" => {
                let words = dockerfile::command(rest, &self.shell);
                set("Entrypoint", json!(words), &mut self.config);
                Ok(())
            }
            "CMD" => {
                let words = dockerfile::command(rest, &self.shell);
                set("Cmd", json!(words), &mut self.config);
                Ok(())
            }
            "USER" => {
                set("User", json!(rest), &mut self.config);
                Ok(())
            }
            "WORKDIR" => self.workdir(rest),
            "STOPSIGNAL" => {
                set("StopSignal", json!(rest), &mut self.config);
                Ok(())
            }
            "SHELL" => {
                self.shell = serde_json::from_str(rest).map_err(|e| e.to_string())?;
                set("Shell", json!(self.shell), &mut self.config);
                Ok(())
            }
            "HEALTHCHECK" => self.healthcheck(rest),
            "LABEL" => {
                let labels: BTreeMap<_, _> = dockerfile::assignments(rest, &self.environment)?.into_iter().collect();
                set("Labels", json!(labels), &mut self.config);
                Ok(())
            }
            "EXPOSE" => Ok(()),
            _ => Err("not among what fixtures may use".into()),
        }
    }

    fn env(&mut self, rest: &str) -> Result<(), String> {
        for (name, value) in dockerfile::assignments(rest, &self.environment)? {
            self.environment.insert(name.clone(), value.clone());
            let list = self.config.entry("Env").or_insert_with(|| json!([]));
            let list = list.as_array_mut().ok_or("Env is no array")?;
            let prefix = format!("{name}=");
            list.retain(|e| !e.as_str().is_some_and(|e| e.starts_with(&prefix)));
            list.push(json!(format!("{name}={value}")));
        }
        Ok(())
    }

    fn healthcheck(&mut self, rest: &str) -> Result<(), String> {
        let (_, rest) = dockerfile::flags(rest);
        let test = match rest.split_once(char::is_whitespace) {
            None if rest == "NONE" => vec!["NONE".to_owned()],
            Some(("CMD", command)) => match serde_json::from_str::<Vec<String>>(command.trim()) {
                Ok(words) => [vec!["CMD".to_owned()], words].concat(),
                Err(_) => vec!["CMD-SHELL".to_owned(), command.trim().to_owned()],
            },
            _ => return Err("neither NONE nor CMD".into()),
        };
        self.config.insert("Healthcheck".into(), json!({ "Test": test }));
        Ok(())
    }

    fn workdir(&mut self, rest: &str) -> Result<(), String> {
        let current = self.config.get("WorkingDir").and_then(Value::as_str).unwrap_or("/").to_owned();
        let path =
            if rest.starts_with('/') { rest.to_owned() } else { format!("{}/{rest}", current.trim_end_matches('/')) };
        self.config.insert("WorkingDir".into(), json!(path));
        if self.files.contains(path.trim_matches('/')) {
            return Ok(());
        }
        let mut tar = tar::Builder::new(Vec::new());
        if self.parents(&mut tar, &format!("{}/x", path.trim_matches('/')))? {
            self.layer(tar, format!("WORKDIR {path}"))?;
        }
        Ok(())
    }

    fn copy(&mut self, i: &Instruction) -> Result<(), String> {
        let (flags, rest) = dockerfile::flags(&i.rest);
        let mode = flags.get("chmod").map(|m| u32::from_str_radix(m, 8)).transpose().map_err(|e| e.to_string())?;
        let owner = flags.get("chown").map_or(Ok((0, 0)), |o| owner(o))?;
        let from = match flags.get("from") {
            None => self.context.clone(),
            Some(&"programs") => self.programs.clone(),
            Some(other) => return Err(format!("no stage or context is called {other}")),
        };
        let mut words: Vec<&str> = rest.split_whitespace().collect();
        let to = words.pop().ok_or("no destination")?;
        let workdir = self.config.get("WorkingDir").and_then(Value::as_str).unwrap_or("/");
        let to = if to.starts_with('/') { to.to_owned() } else { format!("{}/{to}", workdir.trim_end_matches('/')) };
        let into = to.ends_with('/') || to.ends_with("/.") || self.directories.contains(to.trim_matches('/'));
        let to = to.trim_end_matches("/.").trim_matches('/').to_owned();
        let mut tar = tar::Builder::new(Vec::new());
        for word in words {
            if let Some(name) = word.strip_prefix("<<") {
                let name = name.trim_matches(['\'', '"']);
                let text = i.heredocs.get(name).ok_or("no here-document of that name")?;
                let path = if into { join(&to, name) } else { to.clone() };
                self.parents(&mut tar, &path)?;
                self.files.insert(path.clone());
                entry(&mut tar, &path, Kind::File(text.as_bytes()), mode.unwrap_or(0o644), owner)?;
                continue;
            }
            let source = from.join(word);
            let path = match (source.is_dir() && !source.is_symlink(), into) {
                (false, true) => join(&to, word.rsplit('/').next().unwrap_or(word)),
                _ => to.clone(),
            };
            self.parents(&mut tar, &path)?;
            self.add(&mut tar, &source, &path, mode, owner)?;
        }
        self.layer(tar, format!("COPY {} # buildkit", i.rest))
    }

    /// A file, a link as a link, or what a directory holds. Of modes only the x bit is taken: git keeps no more.
    fn add(
        &mut self,
        tar: &mut tar::Builder<Vec<u8>>,
        from: &Path,
        to: &str,
        mode: Option<u32>,
        owner: (u64, u64),
    ) -> Result<(), String> {
        let say = |e: std::io::Error| format!("{}: {e}", from.display());
        let meta = fs::symlink_metadata(from).map_err(say)?;
        if meta.is_symlink() {
            let target = fs::read_link(from).map_err(say)?;
            return entry(tar, to, Kind::Symlink(target.as_os_str().as_bytes()), 0o777, owner);
        }
        if meta.is_dir() {
            if self.directories.insert(to.to_owned()) {
                entry(tar, to, Kind::Directory, mode.unwrap_or(0o755), owner)?;
            }
            let mut names: Vec<_> = fs::read_dir(from).map_err(say)?.flatten().map(|e| e.file_name()).collect();
            names.sort();
            for name in names {
                let below = join(to, &name.to_string_lossy());
                self.add(tar, &from.join(&name), &below, mode, owner)?;
            }
            return Ok(());
        }
        self.files.insert(to.to_owned());
        let plain = if meta.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
        entry(tar, to, Kind::File(&fs::read(from).map_err(say)?), mode.unwrap_or(plain), owner)
    }

    /// Makes the directories above `path` that are not there; whether there were any.
    fn parents(&mut self, tar: &mut tar::Builder<Vec<u8>>, path: &str) -> Result<bool, String> {
        let mut made = false;
        for (i, _) in path.match_indices('/') {
            if self.directories.insert(path[..i].to_owned()) {
                entry(tar, &path[..i], Kind::Directory, 0o755, (0, 0))?;
                made = true;
            }
        }
        Ok(made)
    }

    fn layer(&mut self, tar: tar::Builder<Vec<u8>>, created_by: String) -> Result<(), String> {
        let tar = tar.into_inner().map_err(|e| e.to_string())?;
        self.layers.push(Layer { tar, created_by });
        Ok(())
    }

    /// `layers.json`: what no Dockerfile from scratch can express. See fixtures/README.md.
    fn extra_layers(&mut self, text: &str) -> Result<(), String> {
        let layers: Vec<Value> = serde_json::from_str(text).map_err(|e| format!("layers.json: {e}"))?;
        for layer in &layers {
            let mut tar = tar::Builder::new(Vec::new());
            for e in layer["entries"].as_array().ok_or("layers.json: no entries")? {
                self.extra_entry(&mut tar, e)?;
            }
            let mut bytes = tar.into_inner().map_err(|e| e.to_string())?;
            if let Some(length) = layer["truncate"].as_u64() {
                bytes.truncate(length as usize);
            }
            let created_by = layer["created_by"].as_str().unwrap_or_default().to_owned();
            self.layers.push(Layer { tar: bytes, created_by });
        }
        Ok(())
    }

    fn extra_entry(&self, tar: &mut tar::Builder<Vec<u8>>, e: &Value) -> Result<(), String> {
        let path = e["path"].as_str().ok_or("layers.json: no path")?.trim_start_matches('/');
        let text = |key: &str| e[key].as_str().unwrap_or_default();
        let mode = u32::from_str_radix(e["mode"].as_str().unwrap_or("0755"), 8).map_err(|e| e.to_string())?;
        let owner = owner(e["owner"].as_str().unwrap_or("0:0"))?;
        if let Some(bits) = e["capability"].as_array() {
            let value = capability(bits.iter().filter_map(Value::as_u64));
            tar.append_pax_extensions([("SCHILY.xattr.security.capability", value.as_slice())])
                .map_err(|e| e.to_string())?;
        }
        let program;
        let kind = match text("type") {
            "directory" => Kind::Directory,
            "symlink" => Kind::Symlink(text("target").as_bytes()),
            "hardlink" => Kind::Hardlink(text("target").trim_start_matches('/').as_bytes()),
            "fifo" => Kind::Fifo,
            "whiteout" => {
                let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
                return entry(tar, join(dir, &format!(".wh.{name}")).as_str(), Kind::File(b""), 0o644, owner);
            }
            "program" => {
                program = fs::read(self.programs.join(text("program"))).map_err(|e| e.to_string())?;
                Kind::File(&program)
            }
            "text" => Kind::File(text("text").as_bytes()),
            other => return Err(format!("layers.json: type {other:?}")),
        };
        entry(tar, path, kind, mode, owner)
    }

    fn write(self, out: &Path) -> std::io::Result<()> {
        let blobs = out.join("blobs/sha256");
        fs::create_dir_all(&blobs)?;
        let put = |bytes: &[u8]| -> std::io::Result<(String, usize)> {
            let digest: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
            fs::File::create(blobs.join(&digest))?.write_all(bytes)?;
            Ok((format!("sha256:{digest}"), bytes.len()))
        };
        let (mut layers, mut diff_ids, mut history) = (Vec::new(), Vec::new(), Vec::new());
        for layer in &self.layers {
            let (digest, size) = put(&layer.tar)?;
            layers
                .push(json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size }));
            diff_ids.push(digest);
            history.push(json!({ "created_by": layer.created_by }));
        }
        let mut config = platform(&self.platforms.configuration);
        config["config"] = json!(self.config);
        config["rootfs"] = json!({ "type": "layers", "diff_ids": diff_ids });
        config["history"] = json!(history);
        let (digest, size) = put(config.to_string().as_bytes())?;
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": size },
            "layers": layers,
        });
        let (digest, size) = put(manifest.to_string().as_bytes())?;
        let index = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size,
            "platform": platform(&self.platforms.index),
        }] });
        fs::write(out.join("index.json"), index.to_string())?;
        fs::write(out.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
    }
}

/// What an entry is.
enum Kind<'a> {
    File(&'a [u8]),
    Directory,
    Symlink(&'a [u8]),
    Hardlink(&'a [u8]),
    Fifo,
}

fn entry(
    tar: &mut tar::Builder<Vec<u8>>,
    path: &str,
    kind: Kind<'_>,
    mode: u32,
    owner: (u64, u64),
) -> Result<(), String> {
    let mut header = tar::Header::new_gnu();
    let (entry_type, data, link): (_, &[u8], &[u8]) = match kind {
        Kind::File(data) => (tar::EntryType::Regular, data, b""),
        Kind::Directory => (tar::EntryType::Directory, b"", b""),
        Kind::Symlink(target) => (tar::EntryType::Symlink, b"", target),
        Kind::Hardlink(target) => (tar::EntryType::Link, b"", target),
        Kind::Fifo => (tar::EntryType::Fifo, b"", b""),
    };
    header.set_entry_type(entry_type);
    header.set_mode(mode);
    header.set_uid(owner.0);
    header.set_gid(owner.1);
    header.set_size(data.len() as u64);
    header.set_mtime(0);
    let path = if matches!(entry_type, tar::EntryType::Directory) { format!("{path}/") } else { path.to_owned() };
    let done = match link {
        b"" => tar.append_data(&mut header, path, data),
        link => tar.append_link(&mut header, path, PathBuf::from(std::ffi::OsStr::from_bytes(link))),
    };
    done.map_err(|e| e.to_string())
}

/// `uid:gid` in numbers: names need the /etc/passwd of the image.
fn owner(text: &str) -> Result<(u64, u64), String> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    Ok((
        user.parse().map_err(|_| "an owner that is no number")?,
        group.parse().map_err(|_| "a group that is no number")?,
    ))
}

/// `security.capability`, version 2: permitted bits, effective (linux/capability.h, `vfs_cap_data`).
fn capability(bits: impl Iterator<Item = u64>) -> Vec<u8> {
    let set = bits.fold(0u64, |set, bit| set | 1 << bit);
    let words = [0x0200_0001u32, set as u32, 0, (set >> 32) as u32, 0];
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}
