//! hadolint's DL3025 (*use arguments JSON notation for CMD and ENTRYPOINT arguments*) beside what is found here: each of its
//! findings is found too, or the launch shows why the shell form does no harm there, or why that cannot be told.
//!
//! IMAGELINT_HADOLINT names the program, IMAGELINT_DOCKERFILES a directory of Dockerfiles in `dockerfiles/`; without the latter the
//! fixtures are compared. `docs/comparison.md` has the figures for a corpus of real files.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bstr::ByteSlice;
use imagelint::dockerfile::{Keyword, parse};
use imagelint::finding::Finding;
use imagelint::launch::{Ending, Outcome, Overrides, Start};
use imagelint::lint::{Lint, Unbuilt, Wanted};
use imagelint::rules::RULES;
use serde_json::Value;
use support::repository;

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = match std::env::var_os("IMAGELINT_DOCKERFILES") {
        Some(gathered) => vec![Path::new(&gathered).join("dockerfiles")],
        None => vec![repository("fixtures")],
    };
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            match path.is_dir() {
                true => left.push(path),
                false if name == "Dockerfile" || name.ends_with(".Dockerfile") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// File and line of each DL3025.
fn theirs(program: &Path, files: &[PathBuf]) -> BTreeSet<(PathBuf, usize)> {
    let mut found = BTreeSet::new();
    for some in files.chunks(500) {
        let output =
            Command::new(program).args(["--no-fail", "--format", "json"]).args(some).output().expect("hadolint");
        let all: Value = serde_json::from_slice(&output.stdout).expect("JSON of hadolint");
        for one in all.as_array().unwrap() {
            if one["code"] == "DL3025" {
                let line = usize::try_from(one["line"].as_u64().unwrap()).unwrap();
                found.insert((PathBuf::from(one["file"].as_str().unwrap()), line));
            }
        }
    }
    found
}

fn lint(path: &Path, empty: &Path) -> Option<Lint> {
    let wanted = Wanted { path: path.to_owned(), context: Some(empty.to_owned()), ..Wanted::default() };
    let rules: Vec<_> = RULES.iter().collect();
    Unbuilt::open(&wanted).ok()?.lint(None, &Overrides::default(), &rules).ok()
}

/// The lines of the Dockerfile that a finding is about.
fn lines(finding: &Finding) -> Option<std::ops::RangeInclusive<usize>> {
    let (start, end) = finding.blame.source.as_ref()?.region();
    Some(start.line..=end.line)
}

/// Why a shell form in this line does no harm, or why that is not known.
fn reason(lint: &Lint, text: &[u8], line: usize) -> String {
    let parsed = parse(text);
    let at = parsed.instructions.iter().position(|i| (i.lines.0..=i.lines.1).contains(&line)).expect("an instruction");
    let own = &parsed.instructions[at];
    match own.keyword {
        Some(Keyword::Healthcheck) => return "a health check is no PID 1".to_owned(),
        Some(Keyword::Onbuild) => return "it is for another build".to_owned(),
        _ => {}
    }
    let later = parsed.instructions.iter().skip(at + 1);
    if later.clone().any(|i| i.keyword == own.keyword || i.is(Keyword::From)) {
        return "another one takes its place, or another stage is built".to_owned();
    }
    if own.is(Keyword::Cmd) && parsed.instructions.iter().any(|i| i.is(Keyword::Entrypoint) && !i.words().is_empty()) {
        return "it is handed to the entrypoint, which makes of it what it will".to_owned();
    }
    if text.contains_str("windows")
        || lint.launch.process.argv.first().is_some_and(|w| w.contains("powershell") || w.contains("pwsh"))
    {
        return "it is for Windows, or no shell of Unix".to_owned();
    }
    let start: &Start = &lint.launch.starts[0];
    let stop = start.stop.as_ref();
    match (&start.outcome, stop) {
        (Outcome::Runs, Some(stop)) if stop.is_one_shot => {
            "it does a piece of work, or somebody types into it".to_owned()
        }
        (Outcome::Runs, Some(stop))
            if start.parents.is_empty() && stop.reaction.ending == Ending::Unknown && start.steps.len() == 1 =>
        {
            format!("not known: {}", stop.reaction.why.split('`').next().unwrap_or_default().trim())
        }
        (Outcome::Runs, Some(_)) if start.parents.is_empty() => "the shell becomes the program".to_owned(),
        (Outcome::Runs, Some(stop)) if stop.reaction.ending == Ending::Stops => "PID 1 ends at once".to_owned(),
        (_, Some(stop)) if stop.reaction.why.contains("ends by itself") => "it ends by itself".to_owned(),
        (Outcome::Exits { .. } | Outcome::Fails { .. }, _) => "it ends by itself".to_owned(),
        (Outcome::Unknown(why), _) => format!("not known: {}", why.split('`').next_back().unwrap_or_default().trim()),
        (_, Some(stop)) => format!("not known: {}", stop.reaction.why),
        _ => "unexplained".to_owned(),
    }
}

#[test]
fn what_hadolint_finds_is_found_or_explained() {
    let Some(program) = std::env::var_os("IMAGELINT_HADOLINT").map(PathBuf::from) else {
        eprintln!("hadolint is not here: nothing was compared");
        return;
    };
    let (files, empty) = (files(), tempfile::tempdir().unwrap());
    let theirs = theirs(&program, &files);
    let (mut told, mut ours, mut unexplained) =
        (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new(), Vec::new());
    for path in &files {
        let text = fs::read(path).unwrap();
        let wanted: Vec<usize> = theirs.iter().filter(|(file, _)| file == path).map(|(_, line)| *line).collect();
        let Some(lint) = lint(path, empty.path()) else {
            *told.entry("BuildKit refuses the file".to_owned()).or_default() += wanted.len();
            continue;
        };
        for line in &wanted {
            let found = lint.findings.iter().find(|finding| lines(finding).is_some_and(|lines| lines.contains(line)));
            let word = match found {
                Some(finding) => format!("found: {} ({})", finding.rule, finding.severity.as_str()),
                None => reason(&lint, &text, *line),
            };
            if word == "unexplained" {
                unexplained.push(format!("{}:{line}", path.display()));
            }
            *told.entry(word).or_default() += 1;
        }
        for finding in &lint.findings {
            let is_theirs = lines(finding).is_some_and(|lines| wanted.iter().any(|line| lines.contains(line)));
            if !is_theirs {
                *ours.entry(format!("{} ({})", finding.rule, finding.severity.as_str())).or_default() += 1;
            }
        }
    }
    eprintln!("{} files, {} of DL3025: {told:#?}\nfound here and not by DL3025: {ours:#?}", files.len(), theirs.len());
    assert!(!theirs.is_empty(), "hadolint finds none");
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}
