//! What the tests of rules share: fixtures, a small builder, small programs.
#![allow(dead_code)]

pub mod build;
pub mod dockerfile;
pub mod elf;

use std::fs;
use std::path::{Path, PathBuf};

use imagelint::finding::Finding;
use imagelint::image;
use imagelint::launch::{self, Launch, Overrides};
use imagelint::reference::Reference;
use imagelint::rootfs::Rootfs;
use imagelint::rule::Subject;
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

/// What linting an image gives.
pub struct Linted {
    pub launch: Launch,
    pub findings: Vec<Finding>,
}

/// Lints an OCI image layout, as the command line does.
pub fn lint(layout: &Path) -> Linted {
    let reference: Reference = format!("oci:{}", layout.display()).parse().unwrap();
    let image = image::open(&reference, &image::Options::default()).unwrap();
    let rootfs = Rootfs::build(&image);
    let launch = launch::follow(&image, &rootfs, &Overrides::default());
    let healthcheck = launch::follow_healthcheck(&image, &rootfs, &Overrides::default());
    let subject = Subject { image: &image, rootfs: &rootfs, launch: &launch, healthcheck: healthcheck.as_ref() };
    let findings = RULES.iter().flat_map(|rule| (rule.check)(&subject)).collect();
    Linted { launch, findings }
}
