//! What the tests of rules share: fixtures, a small builder, small programs.
#![allow(dead_code)]

pub mod build;
pub mod dockerfile;
pub mod dynamic;
pub mod elf;

use std::fs;
use std::path::{Path, PathBuf};

use imagelint::image::Options;
use imagelint::launch::Overrides;
use imagelint::lint::Lint;
use imagelint::reference::Reference;
use imagelint::rules::RULES;

/// A file or directory of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Names in a directory, sorted.
pub fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// All fixtures: rule, case, directory.
pub fn fixtures() -> Vec<(String, String, PathBuf)> {
    let root = repository("fixtures");
    let mut out = Vec::new();
    for rule in names(&root) {
        for case in names(&root.join(&rule)) {
            let dir = root.join(&rule).join(&case);
            if dir.join("Dockerfile").is_file() {
                out.push((rule.clone(), case, dir));
            }
        }
    }
    out
}

/// The fenced Dockerfiles of a rule's document.
pub fn examples(document: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = document;
    while let Some((_, after)) = rest.split_once("```dockerfile\n") {
        let Some((block, tail)) = after.split_once("\n```") else { break };
        out.push(format!("{block}\n"));
        rest = tail;
    }
    out
}

/// Lints an OCI image layout, as the command line does.
pub fn lint(layout: &Path) -> Lint {
    let reference: Reference = format!("oci:{}", layout.display()).parse().unwrap();
    Lint::new(&reference, &Options::default(), &Overrides::default(), RULES).unwrap()
}
