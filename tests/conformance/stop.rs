//! What the stop signal does: recordings, replayed, and the records of live runs.
//!
//! Programs lie in a large base root file system, which is not made here: `IMAGELINT_FAT` names a directory that has it
//! (`oracle/setup DIR --debian`). Reading it 70 times takes minutes in a build without optimisation.

use std::path::{Path, PathBuf};
use std::process::Command;

use imagelint::launch::{Delivery, Ending, Launch, Outcome, Signal, Start, StepKind, StopSignal};
use serde_json::Value;

use crate::compare::{Tally, Verdict};
use crate::truth::{NAMES, bases, cases, predict, run, scratch, text};

const SIGNALS: &str = "StopSignal";
const PROGRAMS: &str = "program";
/// What shells and wrappers do: of these groups at most one in twenty may be unknown.
const PARENTS: [&str; 3] = ["sh -c", "script", "wrapper"];
/// PID 1 is a shell or an init there: what those run is not followed as far as the signal goes.
const CHILDREN: &str = "program, below a shell";
const SHELLS: [&str; 6] = ["dash", "bash", "tcsh", "rc.byron", "tini", "busybox-sh"];

/// Compares the recorded cases of both groups.
pub fn replay(shared: &Path, tally: &mut Tally) {
    let truth = shared.join("truth/stop.jsonl");
    tally.require(SIGNALS);
    let layouts = make_layouts(shared, &truth, &bases(shared), SIGNALS);
    for case in cases(&truth).iter().filter(|case| case["group"] == SIGNALS) {
        signals(case, &predict(&layouts.join(text(case, "id"))), tally);
    }
    match std::env::var_os("IMAGELINT_FAT") {
        Some(fat) => {
            parents(shared, &truth, Path::new(&fat), tally);
            programs(shared, &truth, Path::new(&fat), tally);
        }
        None => println!("IMAGELINT_FAT is not set: what programs do on the stop signal is not compared"),
    }
}

fn make_layouts(shared: &Path, truth: &Path, bases: &Path, group: &str) -> PathBuf {
    let out = scratch().join(group);
    let _ = std::fs::remove_dir_all(&out);
    let mut command = Command::new(shared.join("oracle/cases"));
    command.args(["layouts".as_ref(), truth.as_os_str(), out.as_os_str(), "--bases".as_ref(), bases.as_os_str()]);
    run(command.args(["--only", &format!("^({group})$")]).env("ORACLE_WORK", scratch().join("work")));
    out
}

/// Every engine that was recorded reads the value as predicted.
fn signals(case: &Value, launch: &Result<Launch, String>, tally: &mut Tally) {
    let value = StopSignal::parse(case["config"]["StopSignal"].as_str().unwrap_or_default());
    // The test program exits with the number of the signal that it gets; the other one has no handler.
    let reports = case["files"].as_array().is_some_and(|files| files.iter().any(|f| f["asset"] == "sigreport"));
    for (runtime, record) in case["measured"].as_object().into_iter().flatten() {
        let Some((_, name)) = NAMES.iter().find(|(recorded, _)| recorded == runtime) else { continue };
        let verdict = match launch {
            Err(error) => Verdict::Wrong(error.clone()),
            Ok(launch) => match launch.starts.iter().find(|s| s.runtime.name == *name) {
                Some(start) => delivered(value.delivery(start.runtime), start, record, reports),
                None => Verdict::Wrong(format!("no runtime {name}")),
            },
        };
        tally.add(SIGNALS, &format!("{} under {runtime}", text(case, "id")), verdict);
    }
}

fn delivered(delivery: Delivery, start: &Start, record: &Value, reports: bool) -> Verdict {
    let stop = &record["stop"];
    let code = stop["exit_code"].as_u64();
    let agrees = match delivery {
        Delivery::Refused => {
            let seen = start.seen().and_then(|seen| seen.exit_code).map(u64::from);
            record["start_ok"] == false
                && matches!(start.outcome, Outcome::Fails { .. })
                && record["run_rc"].as_u64() == seen
        }
        Delivery::Fails => stop.is_null() || stop["stop_rc"].as_u64().is_some_and(|rc| rc != 0),
        Delivery::Nothing => code == Some(137),
        Delivery::Sent(Signal::KILL | Signal::STOP) => code == Some(137),
        Delivery::Sent(_) if !reports => code == Some(137),
        Delivery::Sent(signal) => code == Some(signal.0.into()),
    };
    match agrees && (stop.is_null() || !matches!(judge(start, record), Verdict::Wrong(_))) {
        true => Verdict::Agree,
        false => Verdict::Wrong(format!("predicted {delivery:?}, measured {record}")),
    }
}

/// What becomes of a container whose PID 1 is a shell or starts another program, by every runtime that was recorded.
fn parents(shared: &Path, truth: &Path, fat: &Path, tally: &mut Tally) {
    for group in PARENTS {
        tally.require(group);
        let layouts = make_layouts(shared, truth, fat, group);
        let (mut all, mut unknown) = (0, 0);
        for case in cases(truth).iter().filter(|case| case["group"] == group) {
            let launch = predict(&layouts.join(text(case, "id"))).unwrap_or_else(|e| panic!("{e}"));
            for (runtime, record) in case["measured"].as_object().into_iter().flatten() {
                let Some((_, name)) = NAMES.iter().find(|(recorded, _)| recorded == runtime) else { continue };
                let Some(start) = launch.starts.iter().find(|s| s.runtime.name == *name) else { continue };
                let verdict = whole(start, record);
                (all, unknown) = (all + 1, unknown + usize::from(matches!(verdict, Verdict::Unknown(_))));
                tally.add(group, &format!("{} under {runtime}", text(case, "id")), verdict);
            }
        }
        if unknown * 20 > all {
            let why = format!("{unknown} of {all} are unknown, more than one in twenty");
            tally.add(group, "all", Verdict::Wrong(why));
        }
    }
}

/// The start and the stop together: a container that ends by itself, or is stopped; and whether its main program, which
/// writes a marker when it hears of it, is told.
fn whole(start: &Start, record: &Value) -> Verdict {
    let measured = format!("measured exit code {}, told {}", record["exit_code"], record["main_told"]);
    let ended = record["exited_by_itself"] == true;
    match &start.outcome {
        Outcome::Unknown(why) => return Verdict::Unknown(why.clone()),
        Outcome::Exits { code, .. } if ended && record["exit_code"].as_u64() == Some((*code).into()) => {
            return Verdict::Agree;
        }
        Outcome::Runs if !ended => {}
        Outcome::Runs if start.stop.as_ref().is_some_and(|stop| stop.reaction.ending == Ending::Unknown) => {
            return Verdict::Unknown(start.stop.as_ref().map(|s| s.reaction.why.clone()).unwrap_or_default());
        }
        outcome => return Verdict::Wrong(format!("{measured}; predicted {outcome:?}, {:?}", start.stop)),
    }
    let told = start.stop.as_ref().and_then(|stop| stop.reaction.main_told);
    match (told, record["main_told"].as_bool(), judge(start, record)) {
        (Some(predicted), Some(told), Verdict::Agree) if predicted != told => {
            Verdict::Wrong(format!("{measured}; predicted that it is told: {predicted}; {:?}", start.stop))
        }
        (.., verdict) => verdict,
    }
}

/// What known and unknown programs do, by the first runtime that was recorded.
fn programs(shared: &Path, truth: &Path, fat: &Path, tally: &mut Tally) {
    tally.require(PROGRAMS);
    let layouts = make_layouts(shared, truth, fat, PROGRAMS);
    let (mut all, mut unknown, mut skipped) = (0, 0, 0);
    for case in cases(truth).iter().filter(|case| case["group"] == PROGRAMS) {
        let Some((runtime, record)) = case["measured"].as_object().and_then(|m| m.iter().next()) else { continue };
        let Some((_, name)) = NAMES.iter().find(|(recorded, _)| recorded == runtime) else { continue };
        let launch = predict(&layouts.join(text(case, "id"))).unwrap_or_else(|e| panic!("{e}"));
        let Some(start) = launch.starts.iter().find(|s| s.runtime.name == *name) else { continue };
        // Bun and Deno came from npm.
        if start.outcome.cause().is_some_and(|cause| cause.rule(&launch.process) == "command-not-found") {
            skipped += 1;
            continue;
        }
        let pid1 = record["pid1_exe"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let group = if SHELLS.contains(&pid1) { CHILDREN } else { PROGRAMS };
        let verdict = judge(start, record);
        if group == PROGRAMS {
            (all, unknown) = (all + 1, unknown + usize::from(matches!(verdict, Verdict::Unknown(_))));
        }
        tally.add(group, &text(case, "id"), verdict);
    }
    println!("{skipped} programs are not in the base and were not compared");
    if unknown * 4 > all {
        tally.add(PROGRAMS, "all", Verdict::Wrong(format!("{unknown} of {all} are unknown, more than a quarter")));
    }
}

/// What is wrong with the processes: from PID 1 down, each that is predicted runs below the one before it.
pub fn judge_processes(start: &Start, record: &Value) -> Option<Verdict> {
    let mut tree = &record["process_tree_after_settle"];
    if tree.is_null() || !matches!(start.outcome, Outcome::Runs) {
        return None;
    }
    let last = start.steps.iter().map(|step| step.pid.max(1)).max()?;
    for pid in 1..=last {
        let own = |step: &&imagelint::launch::Step| step.pid.max(1) == pid && step.kind != StepKind::Loader;
        let argv: Vec<String> = start.steps.iter().rfind(own)?.argv.iter().map(|word| word.to_string()).collect();
        let is_it = |process: &Value| process["argv"] == serde_json::json!(argv);
        let found = match pid {
            1 => Some(tree).filter(|process| is_it(process)),
            _ => tree["children"].as_array().into_iter().flatten().find(|process| is_it(process)),
        };
        let Some(found) = found else {
            return Some(Verdict::Wrong(format!("process {pid} is predicted to be {argv:?}; measured {tree}")));
        };
        tree = found;
    }
    None
}

/// Holds the prediction of a start against a record with `stop`.
pub fn judge(start: &Start, record: &Value) -> Verdict {
    let Some(stop) = &start.stop else {
        return match &start.outcome {
            Outcome::Unknown(why) => Verdict::Unknown(why.clone()),
            outcome => Verdict::Wrong(format!("nothing to stop: {outcome:?}")),
        };
    };
    let (reaction, measured) = (&stop.reaction, &record["stop"]);
    let code = measured["exit_code"].as_u64();
    let killed = measured["killed_after_grace"].as_bool().unwrap_or_default();
    let agrees = match reaction.ending {
        Ending::Unknown => return Verdict::Unknown(reaction.why.clone()),
        _ if measured.is_null() => false,
        Ending::Killed => code == Some(137),
        Ending::Stops => {
            let in_time = !killed || code != Some(137) || stop.delivery == Delivery::Sent(Signal::KILL);
            in_time && reaction.exit_code.is_none_or(|predicted| code == Some(predicted.into()))
        }
        Ending::Delayed => killed || measured["seconds_until_exit"].as_f64().is_some_and(|s| s > 0.5),
    };
    match agrees {
        true => Verdict::Agree,
        false => Verdict::Wrong(format!("measured {measured}; predicted {reaction:?}")),
    }
}
