//! Real root file systems: their shell runs on their own platform and is foreign on another.
//!
//! They are kept beside the project, in `../shared` or where `IMAGELINT_SHARED` points.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use imagelint::image::{self, Options, Platform};
use imagelint::launch::{self, Launch, Outcome, Overrides};
use imagelint::rootfs::Rootfs;

/// Architectures as file names write them, and as platforms do.
const ARCHITECTURES: [(&str, &str); 12] = [
    ("x86_64", "amd64"),
    ("amd64", "amd64"),
    ("aarch64", "arm64"),
    ("armhf", "arm/v6"),
    ("armv7", "arm/v7"),
    ("arm32v5", "arm/v5"),
    ("arm32v7", "arm/v7"),
    ("ppc64le", "ppc64le"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
    ("x86.tar", "386"),
    ("x86", "386"),
];

fn images() -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("IMAGELINT_SHARED").map_or(beside, PathBuf::from);
    let entries = std::fs::read_dir(shared.join("images")).into_iter().flatten().flatten();
    let rootfs = |p: &PathBuf| p.to_string_lossy().contains("rootfs") || p.to_string_lossy().contains("AlmaLinux");
    entries.map(|e| e.path()).filter(rootfs).collect()
}

fn start_shell(path: &Path, platform: Platform) -> Launch {
    let reference = format!("rootfs:{}", path.display()).parse().unwrap();
    let image = image::open(&reference, &Options { platform: Some(platform), ..Options::default() }).unwrap();
    let overrides = Overrides { args: vec!["/bin/sh".to_owned()], ..Overrides::default() };
    launch::follow(&image, &Rootfs::build(&image), &overrides)
}

#[test]
fn shells_run_at_home_and_nowhere_else() {
    let images = images();
    if images.is_empty() {
        println!("skipped: no root file systems beside the project");
    }
    for path in images {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (_, own) = ARCHITECTURES.iter().find(|(a, _)| name.contains(a)).unwrap_or_else(|| panic!("{name}"));
        let other = if *own == "s390x" { "amd64" } else { "s390x" };

        let launch = start_shell(&path, format!("linux/{own}").parse().unwrap());
        for start in &launch.starts {
            assert!(matches!(start.outcome, Outcome::Runs), "{name} on {own}: {:?}", start.outcome);
        }
        let launch = start_shell(&path, format!("linux/{other}").parse().unwrap());
        for start in &launch.starts {
            let rule = start.outcome.cause().map(|c| c.rule(&launch.process));
            assert_eq!(rule, Some("wrong-architecture"), "{name} on {other}: {:?}", start.outcome);
        }
    }
}
