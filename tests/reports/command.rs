//! Reports as the command line writes them.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{build, names, repository};
use crate::{json as parsed, sarif};

const FORMATS: [&str; 7] = ["text", "json", "sarif", "junit", "github", "gitlab", "markdown"];

/// A directory with images.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Bench(tempfile::tempdir().unwrap());
        bench.image("broken", "FROM scratch\nENTRYPOINT [\"app\"]\n");
        bench.image("sound", "FROM scratch\nCOPY --from=programs ok /ok\nENTRYPOINT [\"/ok\"]\n");
        bench
    }

    fn image(&self, name: &str, dockerfile: &str) {
        let (context, programs) = (repository("fixtures"), repository("fixtures/programs"));
        build::build(dockerfile, &context, &programs, &self.0.path().join(name)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        command.args(["--no-cache"]).args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn log(&self, name: &str) -> Value {
        let log = parsed(&self.read(name));
        assert_eq!(sarif::faults(&log), Vec::<String>::new(), "{name}");
        log
    }
}

#[test]
fn exit_codes_are_the_same_in_every_format() {
    let bench = Bench::new();
    for (images, code) in [(&["sound"][..], 0), (&["broken"], 1), (&["broken", "absent"], 2), (&["absent"], 2)] {
        for format in FORMATS {
            let run = bench.run(&[images, &["--format", format]].concat());
            assert_eq!(run.status.code(), Some(code), "{images:?} as {format}");
        }
    }
}

#[test]
fn standard_output_and_files_have_the_same() {
    let bench = Bench::new();
    for format in &FORMATS[1..] {
        let file = format!("{format}=report");
        let run = bench.run(&["broken", "absent", "--format", format, "--report", &file]);
        assert_eq!(String::from_utf8(run.stdout).unwrap(), bench.read("report"), "{format}");
    }
    let error = bench.run(&["absent", "--format", "github"]);
    let stdout = String::from_utf8(error.stdout).unwrap();
    assert!(stdout.starts_with("::error title=could not look at absent::could not read "), "{stdout}");
}

#[test]
fn a_directory_has_a_report_for_each_image() {
    let bench = Bench::new();
    let run = bench.run(&["broken", "oci:./sound", "absent:1", "--output-dir", "out/put"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8(run.stdout).unwrap().starts_with("oci-layout broken"), "the text is written as well");
    assert_eq!(names(&bench.0.path().join("out/put")), ["absent.sarif", "broken.sarif", "sound.sarif"]);
    let (broken, sound) = (bench.log("out/put/broken.sarif"), bench.log("out/put/sound.sarif"));
    assert_eq!(broken["runs"][0]["automationDetails"]["id"], "imagelint/broken/linux-amd64/");
    assert_eq!(broken["runs"][0]["results"][0]["ruleId"], "command-not-found");
    assert_eq!((&sound["runs"][0]["results"], sound["runs"].as_array().unwrap().len()), (&json!([]), 1));
    assert_eq!(bench.log("out/put/absent.sarif")["runs"][0]["invocations"][0]["executionSuccessful"], false);

    bench.run(&["sound", "--output-dir", "junit=out"]);
    bench.run(&["sound", "--output-dir", "markdown=out"]);
    assert_eq!(names(&bench.0.path().join("out")), ["put", "sound.md", "sound.xml"]);
    // What is there is replaced, and what was written before it was whole is gone.
    fs::write(bench.0.path().join("out/sound.xml"), "x".repeat(1 << 20)).unwrap();
    assert_eq!(bench.run(&["sound", "--output-dir", "junit=out"]).status.code(), Some(0));
    assert!(bench.read("out/sound.xml").len() < 1 << 12);
}

#[test]
fn two_images_do_not_share_a_report() {
    let bench = Bench::new();
    for images in [["sound:1", "sound:2"], ["sound", "oci:sound"], ["a/b", "a_b"]] {
        let run = bench.run(&[&images[..], &["--output-dir", "out"]].concat());
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!((run.status.code(), run.stdout.len()), (Some(2), 0), "{images:?}");
        assert!(stderr.contains("two images have one report"), "{stderr}");
        assert!(!bench.0.path().join("out").exists());
    }
    let run = bench.run(&["sound", "--output-dir", "out", "--report", "json=out/sound.sarif"]);
    let stderr = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.code() == Some(2) && stderr.contains("two reports go to one file"), "{stderr}");
    fs::write(bench.0.path().join("file"), "").unwrap();
    let run = bench.run(&["sound", "--output-dir", "file"]);
    assert!(run.status.code() == Some(2) && String::from_utf8(run.stderr).unwrap().contains("`file`"));
}

#[test]
fn the_demo_image_is_told_from_a_checkout() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
    let run = command.args(["--no-cache", "fixtures/demo-image", "--format", "sarif"]).current_dir(repository(""));
    let log: Value = serde_json::from_slice(&run.output().unwrap().stdout).unwrap();
    assert_eq!(log["runs"][0]["automationDetails"]["id"], "imagelint/fixtures/demo-image/linux-amd64/");
    let location = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"], json!({ "uri": "fixtures/demo-image/docker-entrypoint.sh" }));
}
