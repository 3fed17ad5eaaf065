//! Who may say that a finding is not to be told, and what is told of words that are of no use.

use std::fs;

use super::{Bench, HEALTHCHECK, INTERPRETER, SCRIPT, told};

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
