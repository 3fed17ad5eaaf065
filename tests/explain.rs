//! What was recorded of real engines, explained: every error text that they, runtimes, shells and loaders printed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn recordings() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("IMAGELINT_SHARED").map_or(usual, PathBuf::from);
    Some(shared.join("truth/start.jsonl")).filter(|file| file.is_file())
}

/// Whether a text is of those whom users meet: not the recorder's own, no listing of a program that ran, and not cut off
/// before it came to the error.
fn is_theirs(engine: &str, text: &str) -> bool {
    let is_cut_off = text.contains("/a/a/a/a/") && !text.to_lowercase().contains("too long");
    let is_output = text.starts_with("OK ") || text.contains("RSS        max resident");
    engine != "execve" && !text.starts_with("FileNotFoundError") && !is_cut_off && !is_output
}

fn texts(recordings: &Path) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for line in fs::read_to_string(recordings).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        for (engine, measured) in case["measured"].as_object().unwrap() {
            // 41 to 43 are the test programs' own: what they say is no error
            let is_well = matches!(measured["exit_code"].as_i64(), Some(0 | 41..=43));
            let said = [(&measured["error_text"], true), (&measured["output"], !is_well)];
            let said = said.into_iter().filter_map(|(text, counts)| text.as_str().filter(|_| counts));
            let said = said.map(str::trim).filter(|text| !text.is_empty() && is_theirs(engine, text));
            texts.extend(said.map(str::to_owned));
        }
    }
    texts
}

#[test]
fn every_recorded_error_is_explained() {
    let Some(recordings) = recordings() else {
        eprintln!("SKIPPED: the recordings are not here, so nothing was explained");
        return;
    };
    let texts = texts(&recordings);
    assert!(texts.len() > 500, "only {} texts", texts.len());
    let is_explained = |text: &&String| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        let output = command.args(["explain", "--", text]).output().unwrap();
        output.status.success() && output.stdout.len() > 40
    };
    let unheard: Vec<_> = texts.iter().filter(|text| !is_explained(text)).collect();
    println!("{} of {} distinct texts are explained", texts.len() - unheard.len(), texts.len());
    assert!(unheard.is_empty(), "{unheard:#?}");
}
