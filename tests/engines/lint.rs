//! The program, run as users run it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What stands around the program.
#[derive(Clone, Default)]
pub struct Surroundings(pub Vec<(&'static str, String)>);

impl Surroundings {
    pub fn imagelint(&self, arguments: &[&str]) -> Output {
        let path = std::env::var_os("PATH").unwrap();
        let timeout = std::env::split_paths(&path).map(|path| path.join("timeout")).find(|path| path.is_file());
        let mut command = Command::new(timeout.unwrap());
        command.arg("60").arg(env!("CARGO_BIN_EXE_imagelint")).args(arguments);
        command.env_clear().env("PATH", path).env("HOME", "/nonexistent");
        if !self.0.iter().any(|(name, _)| *name == "IMAGELINT_CACHE_DIR") {
            command.arg("--no-cache");
        }
        command.envs(self.0.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// All that is said of an image: findings and trace, what was read first.
    pub fn all(&self, reference: &str, options: &[&str]) -> (Value, Vec<Value>) {
        let mut image = Value::Null;
        let documents = ["check", "trace"].map(|command| {
            let output = self.imagelint(&[&[command, "--format", "json"], options, &[reference]].concat());
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{reference}: {words}");
            let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
            image = read(&mut document).unwrap();
            document
        });
        (image, documents.into())
    }

    /// The same, and a directory for what is to be remembered.
    pub fn with_cache(&self, directory: &Path) -> Self {
        let mut all = self.clone();
        all.0.push(("IMAGELINT_CACHE_DIR", directory.display().to_string()));
        all
    }

    /// What is said where nothing can be: in one line.
    pub fn error(&self, arguments: &[&str]) -> String {
        let output = self.imagelint(arguments);
        let words = String::from_utf8_lossy(&output.stderr).replace('│', " ");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {words}");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Takes out which image was read, wherever it is said, but for its platform.
fn read(document: &mut Value) -> Option<Value> {
    match document {
        Value::Object(fields) => {
            let mut found = fields.get("image").filter(|image| image.get("reference").is_some()).cloned();
            if found.is_some() {
                let image = fields.get_mut("image").unwrap().as_object_mut().unwrap();
                image.retain(|name, _| !["reference", "source", "digest"].contains(&name.as_str()));
            }
            for value in fields.values_mut() {
                found = read(value).or(found);
            }
            found
        }
        Value::Array(values) => values.iter_mut().filter_map(read).last(),
        _ => None,
    }
}

/// Where two documents differ. Fingerprints are made of the reference, too.
fn differences(at: &str, left: &Value, right: &Value) -> Vec<String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            let pairs = left.iter().zip(right.values()).filter(|((name, _), _)| *name != "fingerprint");
            pairs.flat_map(|((name, left), right)| differences(&format!("{at}.{name}"), left, right)).collect()
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            pairs.flat_map(|(i, (left, right))| differences(&format!("{at}[{i}]"), left, right)).collect()
        }
        _ if left == right => Vec::new(),
        _ => vec![format!("{at}: {left} and {right}")],
    }
}

/// The engine's answer is the file's, but for where it was read; gives what was read.
pub fn same(engine: &Surroundings, reference: &str, file: &str) -> Value {
    same_for(engine, reference, file, &[])
}

pub fn same_for(engine: &Surroundings, reference: &str, file: &str, options: &[&str]) -> Value {
    let (image, said) = engine.all(reference, options);
    let (of_file, expected) = Surroundings::default().all(file, options);
    let differences = differences("", &said.into(), &expected.into());
    assert!(differences.is_empty(), "{reference}: {differences:#?}");
    assert_eq!(image["platform"], of_file["platform"]);
    assert_eq!(image["digest"], of_file["digest"], "{reference}");
    assert_eq!(image["reference"], reference);
    image
}
