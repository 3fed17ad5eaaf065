//! Predictions against what real runtimes did: recordings, and runs of the moment. And real images, and what Go makes of
//! crafted archives.
//!
//! Recordings and the runner of containers are kept beside the project, in `../shared` or where `IMAGELINT_SHARED`
//! points; without them there is nothing to compare with, and this says so. `IMAGELINT_LIVE=N` also runs the fixtures and
//! N random images for each of three seeds under the runc and crun that are installed (root only). The base `fat` is a
//! Debian of a gigabyte: `IMAGELINT_FAT` names a directory that has it, and what needs it is else not compared.

#![allow(clippy::unwrap_used)]

mod archives;
mod compare;
mod images;
mod live;
#[path = "../sources/make.rs"]
#[allow(dead_code)]
mod make;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod truth;

use std::path::PathBuf;
use std::process::ExitCode;

use compare::Tally;

/// Groups of recordings that lie within what is predicted: all of theirs must agree.
const GROUPS: [&str; 13] = [
    "lookup",
    "PATH",
    "mode/user",
    "USER",
    "WorkingDir",
    "links",
    "layers",
    "shebang",
    "empty config",
    "binary",
    "shell builtins etc.",
    "run by sh",
    "wrappers",
];

fn main() -> ExitCode {
    let Some(shared) = shared() else {
        println!("no recordings beside the project: nothing compared\n0 passed, 0 failed, 1 skipped");
        return ExitCode::SUCCESS;
    };
    let mut tally = Tally::default();
    truth::replay(&shared, &mut tally);
    stop::replay(&shared, &mut tally);
    archives::compare(&shared, &mut tally);
    images::compare(&shared, &mut tally);
    if let Some(count) = std::env::var("IMAGELINT_LIVE").ok().and_then(|n| n.parse().ok()) {
        live::fixtures(&shared, &mut tally);
        live::random(&shared, count, &mut tally);
    }
    tally.print();
    if tally.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shared() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("IMAGELINT_SHARED").map_or(beside, PathBuf::from);
    path.join("truth/start.jsonl").is_file().then_some(path)
}
