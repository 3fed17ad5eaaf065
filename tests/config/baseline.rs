//! Findings that were there before.

use std::fs;

use serde_json::Value;

use super::{Bench, HEALTHCHECK, INTERPRETER, told};

#[test]
fn a_baseline_leaves_what_is_new() {
    let bench = Bench::new();
    bench.script("script", "", "");
    let written = bench.run(&["demo", "--write-baseline", "base.json"]);
    assert_eq!((written.code, written.stderr.as_str()), (Some(0), "note: wrote 2 findings to `base.json`\n"));
    let text = fs::read_to_string(bench.path("base.json")).unwrap();
    assert_eq!(text.lines().count(), 4);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["schema"], "imagelint.baseline/1");
    let report: Value = serde_json::from_str(&bench.run(&["demo", "--format", "json"]).stdout).unwrap();
    let prints = |findings: &Value| {
        let mut prints: Vec<_> = findings.as_array().unwrap().iter().map(|f| f["fingerprint"].to_string()).collect();
        prints.sort();
        prints
    };
    assert_eq!(prints(&document["findings"]), prints(&report["images"][0]["findings"]));

    assert_eq!(bench.told(&["demo", "--baseline", "base.json"]), told(&[], 0));
    assert_eq!(bench.told(&["oci:demo", "--baseline", "base.json"]), told(&[], 0));
    let both = &["demo", "script", "--baseline", "base.json"];
    assert_eq!(bench.told(both), told(&["warning missing-exec"], 1));
    assert_eq!(bench.told(&["demo", "--baseline", "base.json", "--no-ignores"]), told(&[INTERPRETER, HEALTHCHECK], 1));
    assert_eq!(bench.run(both).stderr, "");

    // what was not looked at stays in it, what is new is added
    bench.run(&["script", "--baseline", "base.json", "--write-baseline", "base.json"]);
    assert_eq!(fs::read_to_string(bench.path("base.json")).unwrap().lines().count(), 5);
    assert_eq!(bench.told(both), told(&[], 0));
    let again = bench.run(&["script", "demo", "--write-baseline", "again.json"]);
    assert_eq!(again.code, Some(0));
    let read = |name| fs::read_to_string(bench.path(name)).unwrap();
    assert_eq!(read("again.json"), read("base.json"));
}

#[test]
fn a_baseline_tells_what_is_mended() {
    let bench = Bench::new();
    bench.script("image", "", "").run(&["image", "demo", "--write-baseline", "base.json"]);
    fs::remove_dir_all(bench.path("image")).unwrap();
    bench.script("image", "exec \\", "");
    let stale = bench.run(&["image", "--baseline", "base.json"]);
    assert_eq!(stale.code, Some(0));
    let says = "base.json: 1 of 3 findings no longer occur: missing-exec in /entrypoint.sh of image";
    assert!(stale.stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(says), "{}", stale.stderr);
    assert_eq!(bench.run(&["image", "--baseline", "base.json", "--ignore", "missing-exec"]).stderr, "");
    assert_eq!(bench.run(&["demo", "--baseline", "base.json"]).stderr, "");
    bench.run(&["image", "--baseline", "base.json", "--write-baseline", "base.json"]);
    assert_eq!(bench.run(&["image", "demo", "--baseline", "base.json"]).stderr, "");
    assert_eq!(fs::read_to_string(bench.path("base.json")).unwrap().lines().count(), 4);
}

#[test]
fn a_baseline_is_whole_or_not_written() {
    let bench = Bench::new();
    let run = bench.run(&["demo", "absent", "--write-baseline", "base.json"]);
    assert_eq!((run.code, bench.path("base.json").exists()), (Some(2), false));
    assert!(run.stderr.contains("was not written"), "{}", run.stderr);
    assert_eq!(bench.run(&["demo", "--baseline", "base.json"]).code, Some(2));
    for text in ["", "{}", r#"{"schema":"imagelint.report/1","findings":[]}"#] {
        let run = bench.write("base.json", text).run(&["demo", "--baseline", "base.json"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{text}");
        assert!(run.stderr.contains("--write-baseline base.json"), "{}", run.stderr);
    }
    assert_eq!(bench.run(&["demo", "--write-baseline", "no/such/directory.json"]).code, Some(2));
    assert_eq!(bench.run(&["demo", "--no-ignores", "--write-baseline", "base.json"]).code, Some(2));
    bench.write("image.tar", "");
    let run = bench.run(&["image.tar", "--write-baseline", "image.tar"]);
    assert!(run.stderr.contains("would overwrite the image"), "{}", run.stderr);
}

#[test]
fn what_an_ignore_covers_does_not_go_into_a_baseline() {
    let bench = Bench::new();
    bench.config("[[ignore]]\nrule = 'interpreter-not-found'\nreason = 'x'");
    bench.run(&["demo", "--write-baseline", "base.json"]);
    let text = fs::read_to_string(bench.path("base.json")).unwrap();
    assert!(!text.contains("interpreter-not-found") && text.contains("healthcheck-not-runnable"), "{text}");
}
