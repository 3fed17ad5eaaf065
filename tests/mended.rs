//! `--fix` keeps what a script does: real shells run it before and after.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A script, the words that it gets, and what becomes of it; `None` if it is to stay as it is.
type Case = (&'static str, &'static [&'static str], Option<&'static str>);

const CASES: [Case; 24] = [
    ("#!/bin/sh\nsrv \"$@\"\n", &["a"], Some("#!/bin/sh\nexec srv \"$@\"\n")),
    (
        "#!/bin/sh\nmain() { echo; srv \"$@\"; }\nmain a\n",
        &[],
        Some("#!/bin/sh\nmain() { echo; exec srv \"$@\"; }\nmain a\n"),
    ),
    (
        "#!/bin/sh\nif [ $1 ]; then srv a; else srv b; fi\n",
        &[],
        Some("#!/bin/sh\nif [ $1 ]; then srv a; else exec srv b; fi\n"),
    ),
    ("#!/bin/sh\ncd / && srv\n", &[], Some("#!/bin/sh\ncd / && exec srv\n")),
    ("#!/bin/sh\nsrv <<END\nhello\nEND\n", &[], Some("#!/bin/sh\nexec srv <<END\nhello\nEND\n")),
    ("#!/bin/sh\ncase $1 in\n  a) srv x;;\nesac\n", &["a"], Some("#!/bin/sh\ncase $1 in\n  a) exec srv x;;\nesac\n")),
    (
        "#!/bin/sh\nwhile ! srv up; do :; done; srv 2\n",
        &[],
        Some("#!/bin/sh\nwhile ! srv up; do :; done; exec srv 2\n"),
    ),
    // another call comes
    ("#!/bin/sh\nrun() { echo \"+ $*\"; \"$@\"; }\nrun srv migrate\nrun srv \"$@\"\n", &["a"], None),
    ("#!/bin/sh\nrun() { srv \"$@\"; }\nall() { run \"$@\"; }\nall 1\nall 2\n", &[], None),
    ("#!/bin/sh\nrun() { srv \"$@\"; }\nif [ -n \"$MIGRATE\" ]; then run m; fi\nrun a\n", &[], None),
    ("#!/bin/sh\nfor x in 1 2; do srv \"$@\" $x; done\n", &["a"], None),
    ("#!/bin/sh\nrun() { srv \"$@\"; }\nfor x in 1 2; do run $x; done\n", &[], None),
    // no program's word comes first
    ("#!/bin/sh\n! srv\n", &[], None),
    ("#!/bin/sh\ncommand srv\n", &[], None),
    ("#!/bin/bash\nbuiltin command srv\n", &[], None),
    ("#!/bin/bash\ntime srv\n", &[], None),
    ("#!/bin/sh\neval \"$@\"\n", &["srv"], None),
    ("#!/bin/sh\nhelp() { echo; }\n\"$@\"\n", &["srv"], None),
    ("#!/bin/sh\nalias s=srv\nsrv\n", &[], None),
    // what comes behind it would not come
    ("#!/bin/sh\nsrv || exit 3\n", &[], None),
    ("#!/bin/sh\ntrap 'srv end' EXIT\nsrv a\n", &[], None),
    ("#!/bin/sh\nif srv; then :; fi\n", &[], None),
    // the shell that was meant is not known
    ("set -o pipefail\na=(1 2)\nexec srv \"${a[@]}\"\n", &[], None),
    ("set -e\nexec srv \"$@\"\n", &["a"], Some("#!/bin/sh\nset -e\nexec srv \"$@\"\n")),
];

/// A program that writes down its words, and fails.
const SRV: &str = "#!/bin/sh\necho \"$*\" >> \"$LOG\"\n[ \"$1\" = up ]\n";

/// What a script starts, and how it ends.
fn run(root: &Path, script: &str, words: &[&str]) -> (String, Option<i32>) {
    let log = root.join("log");
    fs::write(&log, "").unwrap();
    fs::write(root.join("run.sh"), script).unwrap();
    let shell = script.lines().next().and_then(|line| line.strip_prefix("#!")).unwrap_or("bash");
    let path = format!("{}:/usr/bin:/bin", root.display());
    let mut command = Command::new(shell);
    let output = command.arg(root.join("run.sh")).args(words).env("PATH", path).env("LOG", &log).output().unwrap();
    (fs::read_to_string(&log).unwrap(), output.status.code())
}

#[test]
fn a_mended_script_starts_what_it_started_before() {
    for (script, words, mended) in CASES {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("e.sh");
        fs::write(&file, script).unwrap();
        let dockerfile = format!(
            "FROM debian:12\nCOPY --chmod=755 e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\nCMD {}\n",
            serde_json::to_string(words).unwrap()
        );
        fs::write(root.path().join("Dockerfile"), dockerfile).unwrap();
        let mut imagelint = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        imagelint.current_dir(root.path()).env("IMAGELINT_CACHE_DIR", root.path().join("cache"));
        let said = imagelint.args(["-f", "Dockerfile", "--fix"]).output().unwrap();
        let after = fs::read_to_string(&file).unwrap();
        assert_eq!(after, mended.unwrap_or(script), "{script}: {}", String::from_utf8_lossy(&said.stderr));

        let srv = root.path().join("srv");
        fs::write(&srv, SRV).unwrap();
        fs::set_permissions(&srv, fs::Permissions::from_mode(0o755)).unwrap();
        let was = run(root.path(), script, words);
        assert_eq!(run(root.path(), &after, words), was, "{after}");
        assert!(!was.0.is_empty(), "{script} starts nothing");
    }
}
