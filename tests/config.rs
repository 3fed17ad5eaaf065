//! What a project says of its findings, from the files to the exit code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A repository with image layouts, and the program run in it.
struct Bench(TempDir);

/// What a run left.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// A script that starts its program without `exec`; `{}` is put before that line, and `{end}` behind it.
const SCRIPT: &str = r#"FROM scratch
COPY --from=programs busybox /bin/busybox
COPY --from=programs busybox /bin/sleep
COPY --chmod=0755 <<'EOF' /entrypoint.sh
#!/bin/busybox ash
{}
/bin/sleep 86400 {end}
EOF
ENTRYPOINT ["/entrypoint.sh"]
"#;

impl Bench {
    /// With an image called `demo`, which has an error in `/docker-entrypoint.sh` and a warning in its health check.
    fn new() -> Self {
        let bench = Bench(tempfile::tempdir().unwrap());
        // Nothing above it counts.
        fs::create_dir(bench.path(".git")).unwrap();
        fs::create_dir(bench.path("sub")).unwrap();
        std::os::unix::fs::symlink(support::repository("fixtures/demo-image"), bench.path("demo")).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn config(&self, text: &str) -> &Self {
        self.write("imagelint.toml", text)
    }

    fn build(&self, name: &str, dockerfile: &str) -> &Self {
        let programs = support::repository("fixtures/programs");
        support::build::build(dockerfile, self.0.path(), &programs, &self.path(name)).unwrap();
        self
    }

    /// An image whose one finding is `missing-exec` in line 3 of `/entrypoint.sh`.
    fn script(&self, name: &str, above: &str, end: &str) -> &Self {
        self.build(name, &SCRIPT.replace("{}", above).replace("{end}", end))
    }

    fn run_in(&self, directory: &str, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        command.args(arguments).current_dir(self.path(directory)).env("LANG", "C.UTF-8");
        command.env("IMAGELINT_CACHE_DIR", self.0.path().with_extension("cache"));
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_in(".", arguments)
    }

    /// The rules whose findings are told, with their severity, and the exit code.
    fn told(&self, arguments: &[&str]) -> (Vec<String>, Option<i32>) {
        let run = self.run(&[arguments, &["-q"]].concat());
        let title = |line: &str| Some(line.split_once("]")?.0.replace('[', " "));
        let lines = run.stdout.lines().filter(|line| !line.starts_with("oci-layout "));
        (lines.filter_map(title).collect(), run.code)
    }
}

fn told(titles: &[&str], code: i32) -> (Vec<String>, Option<i32>) {
    (titles.iter().map(|title| (*title).to_owned()).collect(), Some(code))
}

const INTERPRETER: &str = "error interpreter-not-found";
const HEALTHCHECK: &str = "warning healthcheck-not-runnable";

#[test]
fn severities_and_what_fails() {
    let bench = Bench::new();
    assert_eq!(bench.told(&["demo"]), told(&[INTERPRETER, HEALTHCHECK], 1));
    for (config, arguments, expected) in [
        ("rules.interpreter-not-found = 'off'", &[][..], told(&[HEALTHCHECK], 1)),
        ("fail-on = 'error'\nrules.interpreter-not-found = 'off'", &[], told(&[HEALTHCHECK], 0)),
        ("fail-on = 'never'", &[], told(&[INTERPRETER, HEALTHCHECK], 0)),
        (
            "[rules]\ninterpreter-not-found = 'note'\nhealthcheck-not-runnable = 'error'",
            &[],
            told(&["error healthcheck-not-runnable", "note interpreter-not-found"], 1),
        ),
        // The command line has the last word.
        ("fail-on = 'never'", &["--fail-on", "warning"], told(&[INTERPRETER, HEALTHCHECK], 1)),
        ("rules.interpreter-not-found = 'off'", &["--select", "interpreter-not-found"], told(&[INTERPRETER], 1)),
        ("rules.interpreter-not-found = 'error'", &["--ignore", "interpreter-not-found"], told(&[HEALTHCHECK], 1)),
        ("rules.interpreter-not-found = 'off'", &["--no-config"], told(&[INTERPRETER, HEALTHCHECK], 1)),
        // Sections are for the images that they name.
        ("[[image]]\nname = 'demo'\nrules.interpreter-not-found = 'off'", &[], told(&[HEALTHCHECK], 1)),
        ("[[image]]\nname = 'other'\nrules.interpreter-not-found = 'off'", &[], told(&[INTERPRETER, HEALTHCHECK], 1)),
        (
            "fail-on = 'never'\nrules.interpreter-not-found = 'off'\n[[image]]\nname = 'd*'\nfail-on = 'error'\n\
             rules.interpreter-not-found = 'error'",
            &[],
            told(&[INTERPRETER, HEALTHCHECK], 1),
        ),
    ] {
        bench.config(config);
        assert_eq!(bench.told(&[&["demo"], arguments].concat()), expected, "{config} {arguments:?}");
        assert_eq!(bench.run(&[&["demo"], arguments].concat()).stderr, "", "{config}");
    }
}

#[test]
fn one_image_may_be_lenient_and_another_strict() {
    let bench = Bench::new();
    bench.build("other", "FROM scratch\nHEALTHCHECK CMD [\"/x\"]\nCOPY --from=programs ok /ok\nCMD [\"/ok\"]\n");
    bench.config("[[image]]\nname = 'other'\nfail-on = 'error'\n");
    assert_eq!(bench.told(&["other"]), told(&[HEALTHCHECK], 0));
    assert_eq!(bench.told(&["other", "demo"]).1, Some(1));
    assert_eq!(bench.told(&["other", "absent"]).1, Some(2));
}

#[test]
fn the_file_is_found_upwards_or_named() {
    let bench = Bench::new();
    bench.config("rules.interpreter-not-found = 'off'");
    let lines = |directory, arguments: &[&str]| bench.run_in(directory, arguments).stdout.lines().count();
    assert_eq!(lines("sub", &["-q", "../demo"]), 2);
    assert_eq!(lines("sub", &["-q", "../demo", "--no-config"]), 3);
    bench.write("other.toml", "rules.healthcheck-not-runnable = 'off'\nrules.interpreter-not-found = 'off'");
    assert_eq!(lines("sub", &["-q", "../demo", "--config", "../other.toml"]), 0);
    bench.write("sub/imagelint.toml", "");
    assert_eq!(lines("sub", &["-q", "../demo"]), 3);
    let shown = bench.run(&["config"]);
    assert_eq!(shown.stdout, "imagelint.toml: rules set: 1, ignores: 0, sections for images: 0\n");
    assert!(bench.run_in("sub", &["config", "--no-config"]).stdout.contains("as without it"));
}

#[test]
fn what_is_wrong_with_the_file_ends_with_2_and_says_what_to_do() {
    let bench = Bench::new();
    for (text, says) in [
        ("fail_on = 'error'", &["imagelint.toml:1:1", "did you mean `fail-on`?"][..]),
        ("[rules]\nmising-exec = 'off'", &["imagelint.toml:2:1", "did you mean `missing-exec`?"]),
        ("[[ignore]]\nrule = 'no-reaper'", &["imagelint.toml:1:1", "`reason`, which is required"]),
        ("fail-on = ", &["imagelint.toml:1:11"]),
        ("\u{1}", &["imagelint.toml:1:2"]),
    ] {
        let run = bench.config(text).run(&["demo"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{text}");
        says.iter().for_each(|part| assert!(run.stderr.contains(part), "{text}: {}", run.stderr));
        assert_eq!(bench.run(&["config"]).code, Some(2), "{text}");
    }
    fs::write(bench.path("imagelint.toml"), b"# \xff\n").unwrap();
    assert!(bench.run(&["demo"]).stderr.contains("line 1 is not UTF-8"));
    fs::write(bench.path("imagelint.toml"), vec![b'\n'; 1 << 20]).unwrap();
    assert!(bench.run(&["demo"]).stderr.contains("longer than 256 KiB"));
    fs::remove_file(bench.path("imagelint.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", bench.path("imagelint.toml")).unwrap();
    assert_eq!(bench.run(&["demo"]).code, Some(2));
    fs::remove_file(bench.path("imagelint.toml")).unwrap();
    fs::create_dir(bench.path("imagelint.toml")).unwrap();
    let run = bench.run(&["demo"]);
    assert!(run.code == Some(2) && run.stderr.contains("it is a directory"), "{}", run.stderr);
    fs::remove_dir(bench.path("imagelint.toml")).unwrap();
    assert!(Command::new("mkfifo").arg(bench.path("imagelint.toml")).status().unwrap().success());
    assert!(bench.run(&["demo"]).stderr.contains("it is no regular file"));
    assert_eq!(bench.run(&["demo", "--config", "absent.toml"]).code, Some(2));
}

#[test]
fn ignores_have_reasons_places_and_last_days() {
    let bench = Bench::new();
    for (ignore, expected) in [
        ("", told(&[HEALTHCHECK], 1)),
        ("path = '/*.sh'", told(&[HEALTHCHECK], 1)),
        ("image = 'dem?'", told(&[HEALTHCHECK], 1)),
        ("until = 9999-12-31", told(&[HEALTHCHECK], 1)),
        ("path = '/opt/**'", told(&[INTERPRETER, HEALTHCHECK], 1)),
        ("image = 'other'", told(&[INTERPRETER, HEALTHCHECK], 1)),
        ("until = 2020-02-29", told(&[INTERPRETER, HEALTHCHECK], 1)),
    ] {
        bench.config(&format!("[[ignore]]\nrule = 'interpreter-not-found'\nreason = 'x'\n{ignore}\n"));
        assert_eq!(bench.told(&["demo"]), expected, "{ignore}");
        assert_eq!(bench.told(&["demo", "--no-ignores"]), told(&[INTERPRETER, HEALTHCHECK], 1), "{ignore}");
        let stderr = bench.run(&["demo"]).stderr;
        let says = match ignore {
            "until = 2020-02-29" => {
                "imagelint.toml:2:8: the ignore of `interpreter-not-found` expired after 2020-02-29"
            }
            "path = '/opt/**'" => "imagelint.toml:2:8: the ignore of `interpreter-not-found` matches nothing",
            _ => "",
        };
        assert!(stderr.contains(says) && stderr.is_empty() == says.is_empty(), "{ignore}: {stderr}");
    }
}

#[test]
fn an_ignore_is_unused_only_if_it_could_have_been_used() {
    let bench = Bench::new();
    bench.script("script", "", "");
    let unused = |arguments: &[&str]| bench.run(arguments).stderr.matches("matches nothing").count();
    bench.config("[[ignore]]\nrule = 'missing-exec'\nreason = 'x'");
    assert_eq!(unused(&["demo"]), 1);
    // it is for the other image
    assert_eq!(unused(&["demo", "script"]), 0);
    // the rule was not asked
    assert_eq!(unused(&["demo", "--ignore", "missing-exec"]), 0);
    assert_eq!(unused(&["demo", "--select", "no-reaper"]), 0);
    // it may be for the image that could not be read
    assert_eq!(unused(&["demo", "absent"]), 0);
    assert_eq!(unused(&["demo", "--no-ignores"]), 0);
    bench.config("[[ignore]]\nrule = 'missing-exec'\nimage = 'script'\nreason = 'x'");
    assert_eq!((unused(&["demo"]), unused(&["script"])), (0, 0));
}

#[test]
fn comments_stand_beside_the_place() {
    let bench = Bench::new();
    let note = told(&["warning missing-exec"], 1);
    for (above, end, expected, says) in [
        (":", "", note.clone(), ""),
        ("# imagelint: ignore[missing-exec] stops at once anyway", "", told(&[], 0), ""),
        (":", "# imagelint: ignore[missing-exec] stops at once anyway", told(&[], 0), ""),
        ("# imagelint: ignore-file[missing-exec] stops at once anyway", "", told(&[], 0), ""),
        (
            "# imagelint: ignore[missing-exec]",
            "",
            note.clone(),
            "/entrypoint.sh:2:1 in image: this ignore gives no reason",
        ),
        ("# imagelint: ignore[mising-exec] x", "", note.clone(), "did you mean `missing-exec`?"),
        ("# imagelint: ignore[no-reaper] x", "", note.clone(), "the ignore of `no-reaper` matches nothing"),
        ("# imagelint: ignore[missing-exec] x\n:", "", note.clone(), "the ignore of `missing-exec` matches nothing"),
        (
            "# imagelint: ignore[missing-exec,no-reaper] x",
            "",
            told(&[], 0),
            "the ignore of `no-reaper` matches nothing",
        ),
        (":\n# imagelint: ignore-file[missing-exec] x", "", note.clone(), "`ignore-file` stands below"),
    ] {
        fs::remove_dir_all(bench.path("image")).unwrap_or_default();
        bench.script("image", above, end);
        assert_eq!(bench.told(&["image"]), expected, "{above} {end}");
        let stderr = bench.run(&["image"]).stderr;
        assert!(stderr.contains(says) && stderr.is_empty() == says.is_empty(), "{above} {end}: {stderr}");
        let all = bench.run(&["image", "--no-ignores", "-q"]);
        assert_eq!((all.stdout.contains("missing-exec"), all.stderr.as_str()), (true, ""), "{above} {end}");
    }
}

/// A comment in a script in which nothing is found is known all the same.
#[test]
fn a_comment_without_a_finding_is_unused() {
    let bench = Bench::new();
    let sound =
        SCRIPT.replace("{}", "# imagelint: ignore[missing-exec] x").replace("/bin/sleep 8", "exec /bin/sleep 8");
    bench.build("sound", &sound.replace("{end}", ""));
    let run = bench.run(&["sound"]);
    let says = "/entrypoint.sh:2:1 in sound: the ignore of `missing-exec` matches nothing";
    assert!(run.stderr.contains(says), "{}{}", run.stdout, run.stderr);
    assert_eq!(bench.run(&["sound", "--select", "no-reaper"]).stderr, "");
}

#[test]
fn a_script_behind_a_link_is_one_file() {
    let bench = Bench::new();
    let script = SCRIPT.replace("{}", "# imagelint: ignore[missing-exec] x").replace("{end}", "");
    fs::write(
        bench.path("layers.json"),
        r#"[{"entries": [{"path": "/link", "type": "symlink", "target": "entrypoint.sh"}]}]"#,
    )
    .unwrap();
    bench.build("image", &script.replace("[\"/entrypoint.sh\"]", "[\"/link\"]"));
    let run = bench.run(&["image"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    assert!(bench.run(&["image", "--no-ignores"]).stdout.contains("missing-exec"));
}

#[test]
fn a_hostile_image_says_little() {
    let bench = Bench::new();
    bench.script("image", &"# imagelint: ignore[\u{1b}[2J] \u{1b}[31m\n".repeat(500), "");
    let run = bench.run(&["image"]);
    assert_eq!(run.stderr.matches("there is no rule").count(), 20);
    assert!(run.stderr.contains("480 more") && !run.stderr.contains('\u{1b}'), "{}", run.stderr);
}

#[test]
fn a_label_speaks_for_its_image() {
    let bench = Bench::new();
    for (value, expected, says) in [
        ("missing-exec: stops at once anyway", told(&[], 0), ""),
        ("no-reaper: x; missing-exec: y", told(&[], 0), "the ignore of `no-reaper` matches nothing"),
        ("missing-exec", told(&["warning missing-exec"], 1), "gives no reason"),
        ("mising-exec: x", told(&["warning missing-exec"], 1), "did you mean `missing-exec`?"),
    ] {
        fs::remove_dir_all(bench.path("image")).unwrap_or_default();
        let label = format!("FROM scratch\nLABEL io.github.imagelint.ignore=\"{value}\"");
        let dockerfile = SCRIPT.replace("{}", ":").replace("{end}", "").replace("FROM scratch", &label);
        bench.build("image", &dockerfile);
        assert_eq!(bench.told(&["image"]), expected, "{value}");
        assert_eq!(bench.told(&["image", "--no-ignores"]), told(&["warning missing-exec"], 1), "{value}");
        let stderr = bench.run(&["image"]).stderr;
        assert!(stderr.contains(says) && stderr.is_empty() == says.is_empty(), "{value}: {stderr}");
        assert!(says.is_empty() || stderr.contains("label io.github.imagelint.ignore of image"), "{value}: {stderr}");
    }
}

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

#[test]
fn no_ignores_hardens_severities() {
    let bench = Bench::new();
    bench.config("fail-on = 'never'\n[rules]\ninterpreter-not-found = 'off'\nhealthcheck-not-runnable = 'error'");
    let both = told(&["error interpreter-not-found", "error healthcheck-not-runnable"], 1);
    assert_eq!(bench.told(&["demo", "--no-ignores"]), both);
    assert_eq!(bench.told(&["demo", "--no-ignores", "--fail-on", "never"]).1, Some(0));
    bench.config("rules.interpreter-not-found = 'note'");
    assert_eq!(bench.told(&["demo", "--no-ignores"]), told(&[INTERPRETER, HEALTHCHECK], 1));
}

#[test]
fn the_schema_is_written_as_it_is_kept() {
    let run = Bench::new().run(&["config", "schema"]);
    assert_eq!(run.stdout, fs::read_to_string(support::repository("docs/imagelint.schema.json")).unwrap());
}
