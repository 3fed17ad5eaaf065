//! `action.yml`: its steps' scripts, run as GitHub's runner runs them, with what users may write into the inputs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const INPUTS: [&str; 7] = ["IMAGE", "DOCKERFILE", "CONTEXT", "FAIL_ON", "ARGS", "CATEGORY", "VERSION"];

fn action() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap()
}

/// The block below `run: |` of the step that has this id, without its indentation.
fn script(id: &str) -> String {
    let action = action();
    let (_, step) = action.split_once(&format!("- id: {id}\n")).unwrap();
    let (_, block) = step.split_once("      run: |\n").unwrap();
    let inside = |line: &&str| line.is_empty() || line.starts_with("        ");
    block.lines().take_while(inside).map(|line| format!("{}\n", line.get(8..).unwrap_or_default())).collect()
}

/// A checkout with one Dockerfile that does not start, and what the runner gives a step.
struct Bench {
    directory: TempDir,
}

struct Run {
    code: Option<i32>,
    stdout: String,
    outputs: String,
    summary: String,
}

impl Bench {
    fn new() -> Self {
        let bench = Bench { directory: tempfile::tempdir().unwrap() };
        let here = bench.directory.path();
        fs::create_dir(here.join("work")).unwrap();
        fs::write(here.join("work/Dockerfile"), "FROM scratch\nCOPY --chmod=755 a.sh /\nCMD [\"/a.sh\"]\n").unwrap();
        fs::write(here.join("work/a.sh"), "#!/bin/bash\n").unwrap();
        for arguments in [&["init", "--quiet"][..], &["add", "--all"]] {
            assert!(Command::new("git").current_dir(here.join("work")).args(arguments).status().unwrap().success());
        }
        bench
    }

    fn step(&self, id: &str, inputs: &[(&str, &str)]) -> Run {
        let here = self.directory.path();
        let at = |name: &str| here.join(name);
        for name in ["step.sh", "outputs", "summary"] {
            fs::write(at(name), if name == "step.sh" { script(id) } else { String::new() }).unwrap();
        }
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(at("step.sh")).current_dir(at("work"));
        command.env("GITHUB_OUTPUT", at("outputs")).env("GITHUB_STEP_SUMMARY", at("summary"));
        command.env("SARIF", "imagelint.sarif").env("ACTION", env!("CARGO_MANIFEST_DIR"));
        // where the step before has installed it
        let program = Path::new(env!("CARGO_BIN_EXE_imagelint"));
        let _ = fs::create_dir_all(at("root/bin"));
        let _ = std::os::unix::fs::symlink(program, at("root/bin/imagelint"));
        command.env("ROOT", at("root")).env("IMAGELINT_CACHE_DIR", at("cache"));
        command.envs(INPUTS.iter().map(|name| (name, ""))).envs(inputs.iter().copied());
        let output = command.output().unwrap();
        let read = |name: &str| fs::read_to_string(at(name)).unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            outputs: read("outputs"),
            summary: read("summary"),
        }
    }

    fn sarif(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.directory.path().join("work/imagelint.sarif")).unwrap()).unwrap()
    }
}

#[test]
fn findings_are_told_and_the_exit_code_is_kept() {
    let bench = Bench::new();
    let run = bench.step("lint", &[]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.starts_with("::error file=a.sh,"), "{}", run.stdout);
    assert!(run.outputs.contains("exit-code=1\n") && run.outputs.contains("\nimagelint.sarif\n"), "{}", run.outputs);
    assert!(run.summary.contains("interpreter-not-found"), "{}", run.summary);
    assert_eq!(bench.sarif()["runs"][0]["results"][0]["ruleId"], "interpreter-not-found");
    for (inputs, code) in [
        (&[("FAIL_ON", "never")][..], 0),
        (&[("DOCKERFILE", "Dockerfile\r\n\n")], 1),
        (&[("DOCKERFILE", "Dockerfile"), ("CONTEXT", ".")], 1),
        (&[("DOCKERFILE", "absent")], 2),
        (&[("ARGS", "--no-cache\n  --ignore interpreter-not-found ")], 0),
        (&[("SARIF", "a b.sarif")], 1),
    ] {
        let run = bench.step("lint", inputs);
        assert_eq!(run.code, Some(code), "{inputs:?} {}", run.stdout);
        assert!(run.outputs.contains(&format!("exit-code={code}\n")), "{inputs:?} {}", run.outputs);
        assert!(run.outputs.contains(".sarif\n"), "{inputs:?} {}", run.outputs);
    }
}

#[test]
fn inputs_are_never_run() {
    // what GitHub puts in for `${{` would be text of the script
    let action = action();
    for (at, _) in action.match_indices("run: |\n") {
        let block = action[at + 7..].lines().take_while(|line| line.is_empty() || line.starts_with("        "));
        assert!(block.into_iter().all(|line| !line.contains("${{")));
    }
    let bench = Bench::new();
    let hostile = "$(touch ../pwned) `touch ../pwned`; touch ../pwned";
    for input in ["IMAGE", "DOCKERFILE", "CONTEXT", "FAIL_ON", "ARGS"] {
        assert_eq!(bench.step("lint", &[(input, hostile), ("NO", "")]).code, Some(2), "{input}");
    }
    assert_eq!(bench.step("lint", &[("IMAGE", "--report=json=../pwned")]).code, Some(2));
    bench.step("lint", &[("CATEGORY", hostile)]);
    bench.step("source", &[("VERSION", hostile)]);
    assert!(!bench.directory.path().join("pwned").exists());
}

#[test]
fn categories() {
    let bench = Bench::new();
    bench.step("lint", &[]);
    let own = bench.sarif()["runs"][0]["automationDetails"]["id"].as_str().unwrap().to_owned();
    if Command::new("jq").arg("--version").output().is_err() {
        eprintln!("SKIPPED: jq is not here, so nothing is known of categories");
        return;
    }
    assert_eq!(bench.step("lint", &[("CATEGORY", "a \"b\"")]).code, Some(1));
    assert_eq!(bench.sarif()["runs"][0]["automationDetails"]["id"], format!("a \"b\"/{own}"));
}

#[test]
fn nothing_is_uploaded_where_nothing_was_looked_at() {
    let bench = Bench::new();
    let untrack = ["rm", "--quiet", "--cached", "Dockerfile"];
    assert!(
        Command::new("git").current_dir(bench.directory.path().join("work")).args(untrack).status().unwrap().success()
    );
    let run = bench.step("lint", &[]);
    assert_eq!((run.code, run.outputs.as_str()), (Some(0), "exit-code=0\n"));
}

/// The name of a build changes with what it is built from, and with nothing else.
#[test]
fn builds_are_named_after_their_source() {
    let bench = Bench::new();
    let (here, source) = (bench.directory.path(), bench.directory.path().join("source"));
    for path in ["Cargo.toml", "Cargo.lock", "src/main.rs", "rules/a b.md", "docs/x", "README.md"] {
        fs::create_dir_all(source.join(path).parent().unwrap()).unwrap();
        fs::write(source.join(path), path).unwrap();
    }
    let key = || bench.step("source", &[("ACTION", source.to_str().unwrap())]).outputs;
    let first = key();
    assert!(first.starts_with("key=") && first.len() == "key=\n".len() + 40, "{first}");
    fs::write(source.join("README.md"), "other").unwrap();
    assert_eq!(key(), first);
    fs::write(source.join("src/main.rs"), "other").unwrap();
    assert_ne!(key(), first);
    assert!(here.exists());
}
