//! Real root file systems and saved images: they read the same in every form, and their shell runs on their own
//! platform and is foreign on another.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use imagelint::image::{self, Image, Options, Platform};
use imagelint::launch::{self, Launch, Outcome, Overrides};
use imagelint::rootfs::Rootfs;

use crate::compare::{Tally, Verdict};
use crate::make::{Scratch, Store, config, digest, gzip, listing, open};

/// Architectures as file names write them, and as platforms do; the first that fits.
const ARCHITECTURES: [(&str, &str); 11] = [
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
    ("x86", "386"),
];
const FORMS: &str = "images, in every form";
const SHELLS: &str = "images, their shell";

/// Reads all of them.
pub fn compare(shared: &Path, tally: &mut Tally) {
    tally.require(FORMS);
    tally.require(SHELLS);
    let sources = fs::read_to_string(shared.join("images/SOURCES.tsv")).unwrap();
    for line in sources.lines().skip(1) {
        let mut fields = line.split('\t');
        let (name, kind) = (fields.next().unwrap(), fields.next().unwrap());
        let path = shared.join("images").join(name);
        match kind {
            "rootfs" => {
                tally.add(FORMS, name, verdict(root_file_system(&path)));
                tally.add(SHELLS, name, verdict(shell(&path, name)));
            }
            _ => tally.add(FORMS, name, verdict(archive(&path))),
        }
    }
}

fn verdict(result: Result<(), String>) -> Verdict {
    result.map_or_else(Verdict::Wrong, |()| Verdict::Agree)
}

/// As a tar archive, and as the only layer of a layout, an archive and a compressed archive.
fn root_file_system(path: &PathBuf) -> Result<(), String> {
    let rootfs = read(&format!("rootfs:{}", path.display()))?;
    let (scratch, mut store) = (Scratch::new(), Store::default());
    let layer = fs::read(path).map_err(|e| e.to_string())?;
    let descriptor = store.image(&config("amd64", &[digest(&layer)]), &[layer]);
    store.index(&[descriptor]);
    let packed = store.pack();
    for form in [scratch.layout("layout", &store), scratch.file("x.tar", &packed), scratch.file("x.gz", &gzip(&packed))]
    {
        if listing(&read(&form)?) != listing(&rootfs) {
            return Err(format!("differs as {form}"));
        }
    }
    match rootfs.layers.first().is_some_and(|l| l.changeset.bad_archive().is_none() && l.changeset.len() > 5) {
        true => Ok(()),
        false => Err("its archive is not read to the end".to_owned()),
    }
}

/// A saved image, as it is and compressed (or not, where it is already). Some hold several, or come from a Docker before 1.10: then both
/// forms say so alike.
fn archive(path: &Path) -> Result<(), String> {
    let scratch = Scratch::new();
    let bytes = fs::read(path).map_err(|e| e.to_string())?;
    let mut other = Vec::new();
    match bytes.starts_with(b"\x1f\x8b") {
        true => drop(flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut other).map_err(|e| e.to_string())?),
        false => other = gzip(&bytes),
    }
    match (read(&path.display().to_string()), read(&scratch.file("other", &other))) {
        (Ok(one), Ok(other)) if listing(&one) == listing(&other) => Ok(()),
        (Err(one), Err(_)) if one.contains("several images") || one.contains("manifest.json") => Ok(()),
        (one, other) => Err(format!("{:?} and {:?}", one.err(), other.err())),
    }
}

fn read(reference: &str) -> Result<Image, String> {
    open(reference).map_err(|e| e.to_string())
}

fn shell(path: &Path, name: &str) -> Result<(), String> {
    let own = ARCHITECTURES.iter().find(|(a, _)| name.contains(a)).ok_or("unknown architecture")?.1;
    let other = if own == "s390x" { "amd64" } else { "s390x" };
    let launch = start(path, own)?;
    if let Some(start) = launch.starts.iter().find(|s| !matches!(s.outcome, Outcome::Runs)) {
        return Err(format!("on {own}: {:?}", start.outcome));
    }
    let launch = start(path, other)?;
    let foreign = |c: &imagelint::launch::Cause| c.rule(&launch.process) == "wrong-architecture";
    match launch.starts.iter().find(|s| !s.outcome.cause().is_some_and(foreign)) {
        Some(start) => Err(format!("on {other}: {:?}", start.outcome)),
        None => Ok(()),
    }
}

fn start(path: &Path, architecture: &str) -> Result<Launch, String> {
    let reference = format!("rootfs:{}", path.display()).parse().map_err(|e| format!("{e}"))?;
    let platform: Platform = format!("linux/{architecture}").parse()?;
    let image = image::open(&reference, &Options { platform: Some(platform), ..Options::default() });
    let mut image = image.map_err(|e| e.to_string())?;
    let overrides = Overrides { args: vec!["/bin/sh".to_owned()], ..Overrides::default() };
    let rootfs = Rootfs::build(&mut image).unwrap();
    Ok(launch::follow(&image, &rootfs, &overrides))
}
