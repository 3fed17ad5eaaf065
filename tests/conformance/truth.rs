//! Recorded outcomes, replayed.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use imagelint::image::{self, Options};
use imagelint::launch::{self, Launch, RUNTIMES};
use imagelint::rootfs::Rootfs;
use serde_json::Value;

use crate::GROUPS;
use crate::compare::{Record, Tally, Verdict};

/// Names of runtimes as recorded, and as they are predicted.
pub const NAMES: [(&str, &str); 15] = [
    ("docker-29.7", "docker-29"),
    ("docker-20.10", "docker-20.10"),
    ("podman-5", "podman-5"),
    ("podman-4.3/crun", "podman-4.3"),
    ("podman-4.3/runc", "podman-4.3/runc"),
    ("containerd-2.2-cri", "containerd-2"),
    ("containerd-1.6-cri", "containerd-1.6"),
    ("cri-o-1.35", "cri-o-1.35"),
    ("runc-1.5", "runc-1.2"),
    ("runc-1.2", "runc-1.2"),
    ("runc-1.1.5", "runc-1.1"),
    ("runc-1.1.15", "runc-1.1"),
    ("crun-1.27", "crun-1.21"),
    ("crun-1.21", "crun-1.21"),
    ("crun-1.8.1", "crun-1.8"),
];

/// Compares every recorded case of the start with its prediction, for every runtime that was recorded.
pub fn replay(shared: &Path, tally: &mut Tally) {
    let bases = bases(shared);
    let truth = shared.join("truth/start.jsonl");
    let layouts = scratch().join("start");
    make_layouts(shared, &truth, &bases, &layouts);
    GROUPS.iter().for_each(|group| tally.require(group));
    let mut without = 0;
    for case in cases(&truth) {
        let (id, group) = (text(&case, "id"), text(&case, "group"));
        let layout = layouts.join(&id);
        if case["base"] == "fat" && !(layout.is_dir() && GROUPS.contains(&group.as_str())) {
            without += usize::from(GROUPS.contains(&group.as_str()));
            continue; // it takes seconds to read
        }
        if !layout.is_dir() {
            continue; // its base is not set up
        }
        let launch = predict(&layout);
        for (runtime, record) in case["measured"].as_object().into_iter().flatten() {
            let Some((_, name)) = NAMES.iter().find(|(recorded, _)| recorded == runtime) else { continue };
            tally.add(&group, &format!("{id} under {runtime}"), judge(&launch, name, record));
        }
    }
    if without > 0 {
        println!("not compared: {without} cases need the base fat");
    }
}

/// Holds the prediction for one runtime against a record.
pub fn judge(launch: &Result<Launch, String>, runtime: &str, record: &Value) -> Verdict {
    match launch {
        Err(error) => Verdict::Wrong(error.clone()),
        Ok(launch) => match launch.starts.iter().find(|s| s.runtime.name == runtime) {
            Some(start) => Record(record).judge(start),
            None => Verdict::Wrong(format!("no runtime {runtime} among {}", RUNTIMES.len())),
        },
    }
}

pub fn predict(layout: &Path) -> Result<Launch, String> {
    let reference = format!("oci:{}", layout.display()).parse().map_err(|e| format!("{e:?}"))?;
    let mut image = image::open(&reference, &Options::default()).map_err(|e| e.to_string())?;
    let rootfs = Rootfs::build(&mut image).unwrap();
    Ok(launch::follow(&image, &rootfs, &Default::default()))
}

/// The base root file systems of the recordings, unpacked once.
pub fn bases(shared: &Path) -> PathBuf {
    let bases = scratch().join("bases");
    if !bases.join("assets").is_dir() {
        run(Command::new(shared.join("oracle/setup")).arg(&bases));
    }
    let _ = std::fs::remove_file(bases.join("fat"));
    if let Some(fat) =
        std::env::var_os("IMAGELINT_FAT").map(|dir| PathBuf::from(dir).join("fat")).filter(|f| f.is_dir())
    {
        symlink(&fat, bases.join("fat")).unwrap_or_else(|e| panic!("{}: {e}", fat.display()));
    }
    bases
}

pub fn make_layouts(shared: &Path, cases: &Path, bases: &Path, out: &Path) {
    let _ = std::fs::remove_dir_all(out);
    let mut command = Command::new(shared.join("oracle/cases"));
    command.args(["layouts".as_ref(), cases.as_os_str(), out.as_os_str(), "--bases".as_ref(), bases.as_os_str()]);
    run(command.env("ORACLE_WORK", scratch().join("work")));
}

pub fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("conformance")
}

pub fn cases(path: &Path) -> Vec<Value> {
    let lines = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    lines.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).collect()
}

pub fn text(case: &Value, field: &str) -> String {
    case[field].as_str().unwrap_or_default().to_owned()
}

pub fn run(command: &mut Command) -> Vec<u8> {
    std::fs::create_dir_all(scratch()).unwrap_or_else(|e| panic!("{}: {e}", scratch().display()));
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}
