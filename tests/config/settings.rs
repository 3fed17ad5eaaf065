//! The file: where it is, what is wrong with it, severities and what fails.

use std::fs;
use std::process::Command;

use super::{Bench, HEALTHCHECK, INTERPRETER, support, told};

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

#[test]
fn what_the_readme_shows_is_understood() {
    let bench = Bench::new();
    let readme = fs::read_to_string(support::repository("README.md")).unwrap();
    let shown = readme.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    let run = bench.config(shown).run(&["config"]);
    assert_eq!(run.stdout, "imagelint.toml: rules set: 1, ignores: 1, sections for images: 1\n", "{}", run.stderr);
}
