//! Images that are run now, under the runc and crun that are installed: random ones, and the fixtures.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::compare::{Tally, Verdict};
use crate::stop;
use crate::support;
use crate::truth::{bases, cases, judge, make_layouts, predict, run, scratch, text};

const SEEDS: [u32; 3] = [11, 12, 13];

/// Runs `count` random images of each seed under the runtimes that are installed, and compares.
pub fn random(shared: &Path, count: usize, tally: &mut Tally) {
    let bases = bases(shared);
    for seed in SEEDS {
        let list = scratch().join(format!("random-{seed}.jsonl"));
        let random = run(Command::new(shared.join("oracle/random-cases")).args([seed.to_string(), count.to_string()]));
        write(&list, &random);
        let layouts = scratch().join(format!("random-{seed}"));
        make_layouts(shared, &list, &bases, &layouts);
        let mut oracle = Command::new(shared.join("oracle/cases"));
        oracle.arg("oracle").arg(&list).arg("--bases").arg(&bases);
        let input = scratch().join(format!("random-{seed}.oracle"));
        write(&input, &run(&mut oracle));
        let ids: Vec<String> = cases(&list).iter().map(|c| text(c, "id")).collect();
        for runtime in ["runc", "crun"] {
            let images = ids.iter().map(|id| (id.clone(), layouts.join(id))).collect();
            compare(shared, &format!("random {seed}"), runtime, images, &input, tally);
        }
    }
}

/// Runs every fixture that claims how it starts under runc or crun, so that none teaches anything false.
pub fn fixtures(shared: &Path, tally: &mut Tally) {
    let programs = programs(&bases(shared));
    let out = scratch().join("fixtures");
    let _ = fs::remove_dir_all(&out);
    for runtime in ["runc", "crun"] {
        let mut images = Vec::new();
        for (rule, case, dir) in support::fixtures() {
            if !claims(&dir, runtime) {
                continue;
            }
            let layout = out.join(format!("{rule}--{case}"));
            if !layout.is_dir() {
                let dockerfile =
                    fs::read_to_string(dir.join("Dockerfile")).unwrap_or_else(|e| panic!("{rule}/{case}: {e}"));
                fs::create_dir_all(&layout).unwrap_or_else(|e| panic!("{}: {e}", layout.display()));
                support::build::build(&dockerfile, &dir, &programs, &layout)
                    .unwrap_or_else(|e| panic!("{rule}/{case}: {e}"));
            }
            images.push((format!("{rule}--{case}"), layout));
        }
        let list = scratch().join(format!("fixtures.{runtime}"));
        let lines: Vec<String> = images.iter().map(|(_, path)| path.display().to_string()).collect();
        write(&list, lines.join("\n").as_bytes());
        let stops: Vec<_> = images.iter().filter(|(id, _)| claims_stop(id)).cloned().collect();
        compare(shared, "fixtures", runtime, images, &list, tally);
        compare_stops(runtime, &stops, &list.with_extension(format!("{runtime}.out")), tally);
    }
}

fn claims_stop(id: &str) -> bool {
    let Some((rule, case)) = id.split_once("--") else { return false };
    let path = support::repository("fixtures").join(rule).join(case).join("expected.json");
    let expected: Value = serde_json::from_str(&fs::read_to_string(path).unwrap_or_default()).unwrap_or_default();
    expected["stop"]["result"] != "unknown" && expected["stop"].is_object()
}

fn claims(fixture: &Path, runtime: &str) -> bool {
    let text = fs::read_to_string(fixture.join("expected.json")).unwrap_or_default();
    let expected: Value = serde_json::from_str(&text).unwrap_or_default();
    let starts = expected["start"].as_object();
    starts.is_some_and(|s| s.keys().any(|name| name.starts_with(runtime)))
}

/// The fixtures' programs, with a real busybox and real loaders in the place of the stand-ins.
fn programs(bases: &Path) -> PathBuf {
    let out = scratch().join("programs");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).unwrap_or_else(|e| panic!("{}: {e}", out.display()));
    for name in support::names(&support::repository("fixtures/programs")) {
        let from = support::repository("fixtures/programs").join(&name);
        match name.as_str() {
            "busybox" => fs::copy(bases.join("bb/bin/busybox"), out.join(&name)).map(drop),
            "glibc-loader" => fs::copy(bases.join("glibc/lib64/ld-linux-x86-64.so.2"), out.join(&name)).map(drop),
            "musl-loader" => fs::copy(bases.join("musl/lib/ld-musl-x86_64.so.1"), out.join(&name)).map(drop),
            _ => match fs::read_link(&from) {
                Ok(target) => symlink(target, out.join(&name)),
                Err(_) => fs::copy(&from, out.join(&name)).map(drop),
            },
        }
        .unwrap_or_else(|e| panic!("{}: {e}", from.display()));
    }
    out
}

/// Runs the images that `input` lists, and compares each with its prediction.
fn compare(shared: &Path, group: &str, runtime: &str, images: Vec<(String, PathBuf)>, input: &Path, tally: &mut Tally) {
    let Some(name) = installed(runtime) else {
        return tally.add("live", runtime, Verdict::Wrong("not installed".to_owned()));
    };
    let group = format!("live {group} {name}");
    tally.require(&group);
    let output = input.with_extension(format!("{runtime}.out"));
    let mut oracle = Command::new("python3");
    oracle.arg(shared.join("oracle/oracle.py")).arg("batch").arg(input).arg(&output);
    run(oracle.args(["--runtime", runtime, "--jobs", "2", "--fast"]).env("ORACLE_WORK", scratch().join("work")));
    let records = cases(&output);
    for (id, layout) in images {
        let verdict = match records.iter().find(|r| r["id"] == id.as_str()) {
            Some(record) => judge(&predict(&layout), name, record),
            None => Verdict::Wrong("was not run".to_owned()),
        };
        tally.add(&group, &id, verdict);
    }
}

/// The same of what the stop signal did, where a fixture claims that; 2 s of grace.
fn compare_stops(runtime: &str, images: &[(String, PathBuf)], output: &Path, tally: &mut Tally) {
    let Some(name) = installed(runtime) else { return };
    let group = format!("live stops {name}");
    tally.require(&group);
    let records = cases(output);
    for (id, layout) in images {
        let Some(record) = records.iter().find(|r| r["id"] == id.as_str()) else { continue };
        let verdict = match predict(layout) {
            Ok(launch) => match launch.starts.iter().find(|s| s.runtime.name == name) {
                Some(start) => stop::judge_processes(start, record).unwrap_or_else(|| stop::judge(start, record)),
                None => Verdict::Wrong(format!("no runtime {name}")),
            },
            Err(error) => Verdict::Wrong(error),
        };
        // A program that ends by itself, as the stand-ins do, was not stopped.
        if !(record["stop"].is_null() && matches!(verdict, Verdict::Unknown(_))) {
            tally.add(&group, id, verdict);
        }
    }
}

/// Which of the predicted runtimes the installed one is.
fn installed(runtime: &str) -> Option<&'static str> {
    let out = Command::new(runtime).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let version = text.lines().next()?.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut numbers = version.split(['.', '-', '+', '~']).map(|n| n.parse::<u32>().unwrap_or_default());
    let version = (numbers.next()?, numbers.next()?);
    Some(match runtime {
        "runc" if version < (1, 2) => "runc-1.1",
        "runc" => "runc-1.2",
        _ if version < (1, 21) => "crun-1.8",
        _ => "crun-1.21",
    })
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}
