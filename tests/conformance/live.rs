//! Random images, run now.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::compare::{Tally, Verdict};
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
        for runtime in ["runc", "crun"] {
            compare(shared, seed, runtime, &list, &input, &layouts, tally);
        }
    }
}

fn compare(shared: &Path, seed: u32, runtime: &str, list: &Path, input: &Path, layouts: &Path, tally: &mut Tally) {
    let Some(name) = installed(runtime) else {
        return tally.add("live", runtime, Verdict::Wrong("not installed".to_owned()));
    };
    let group = format!("live {name}");
    tally.require(&group);
    let output = scratch().join(format!("random-{seed}.{runtime}"));
    let mut oracle = Command::new("python3");
    oracle.arg(shared.join("oracle/oracle.py")).arg("batch").arg(input).arg(&output);
    run(oracle.args(["--runtime", runtime, "--jobs", "2", "--fast"]).env("ORACLE_WORK", scratch().join("work")));
    let records = cases(&output);
    for case in cases(list) {
        let id = text(&case, "id");
        let record = records.iter().find(|r| r["id"] == case["id"]);
        let Some(record) = record else {
            tally.add(&group, &id, Verdict::Wrong("was not run".to_owned()));
            continue;
        };
        tally.add(&group, &id, judge(&predict(&layouts.join(&id)), name, record));
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
