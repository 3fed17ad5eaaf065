//! `--fix` keeps what a script does: real shells run it before and after.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A script, the words that it gets, and what becomes of it; `None` if it is to stay as it is.
type Case = (&'static str, &'static [&'static str], Option<&'static str>);

const CASES: [Case; 31] = [
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
    ("#!/bin/sh\n# usage: help\nhelp() { echo; }\n\"$@\"\n", &["srv"], None),
    ("#!/bin/sh\neval \"$MORE\"\nsrv a\n", &[], None),
    ("#!/bin/bash\ncommand_not_found_handle() { :; }\nsrv a\n", &[], None),
    ("#!/bin/sh\n. /dev/null\nsrv a\n", &[], None),
    // what comes behind it would not come
    ("#!/bin/sh\nsrv || exit 3\n", &[], None),
    ("#!/bin/sh\ntrap 'srv end' EXIT\nsrv a\n", &[], None),
    ("#!/bin/sh\nif srv; then :; fi\n", &[], None),
    // the shell that was meant is not known
    ("set x 1\nsrv $x\n", &[], None),
    ("[ $EUID -eq 0 ] && exec srv a\nexec srv b\n", &[], None),
    ("trap 'echo {a,b}' ERR\nexec srv\n", &[], None),
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

/// What is safe of a shell form, and what only somebody can say who knows what it is for.
#[test]
fn shell_forms_keep_their_shell_and_what_comes_last() {
    for (command, safe, all) in [
        (r#"["bash", "-c", "srv x; true"]"#, None, Some(r#"["bash", "-c", "exec srv x"]"#)),
        (r#"["/bin/bash", "-c", "srv $A"]"#, None, None),
        ("srv x; true", None, Some(r#"["sh", "-c", "exec srv x"]"#)),
        ("srv 'a b'", Some(r#"["sh", "-c", "exec srv 'a b'"]"#), None),
        ("srv a b", Some(r#"["srv", "a", "b"]"#), None),
        (r#"["sh", "-c", "srv", "a"]"#, None, None),
        (r#"["srv a > b"]"#, None, None),
        (r#"["srv a"]"#, Some(r#"["srv", "a"]"#), None),
        ("trap 'rm -f /x' EXIT; srv $A", None, Some(r#"["sh", "-c", "trap 'rm -f /x' EXIT; exec srv $A"]"#)),
        (". /etc/profile; srv $A", None, Some(r#"["sh", "-c", ". /etc/profile; exec srv $A"]"#)),
        ("['srv', 'a']", Some(r#"["srv", "a"]"#), None),
        (r#"["srv", "a",]"#, Some(r#"["srv", "a"]"#), None),
        ("[srv, a]", Some(r#"["srv", "a"]"#), None),
        (r#"["sh", "-c", "echo \"hi\" there",]"#, None, None),
    ] {
        let root = tempfile::tempdir().unwrap();
        let dockerfile = |command: &str| format!("FROM debian:12\nCMD {command}\n");
        for (options, mended) in [(&["--fix"][..], safe), (&["--fix", "--unsafe-fixes"], all.or(safe))] {
            write(root.path(), &[("Dockerfile", dockerfile(command).as_bytes())]);
            output(root.path(), env!("CARGO_BIN_EXE_imagelint"), &[&["-f", "Dockerfile"], options].concat());
            let after = fs::read_to_string(root.path().join("Dockerfile")).unwrap();
            assert_eq!(after, dockerfile(mended.unwrap_or(command)), "{command} {options:?}");
        }
    }
}

fn write(root: &Path, files: &[(&str, &[u8])]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn output(root: &Path, program: &str, words: &[&str]) -> std::process::Output {
    let mut command = Command::new(program);
    command.current_dir(root).env("IMAGELINT_CACHE_DIR", root.join(".git/cache")).args(words).output().unwrap()
}

/// What `--diff` shows is what `--fix` does, and `git apply` takes it: of files that several Dockerfiles share, with line ends of
/// their own, and with names and texts that are not UTF-8.
#[test]
fn a_diff_is_a_patch_of_what_would_be_done() {
    let root = tempfile::tempdir().unwrap();
    let dockerfile = |name: &str| {
        format!("FROM debian:12\nCOPY --chmod=755 [\"{name}\", \"/e.sh\"]\nENTRYPOINT [\"/e.sh\"]\nCMD [\"a\"]\n")
    };
    write(
        root.path(),
        &[
            ("Dockerfile", dockerfile("a/e.sh").as_bytes()),
            ("Dockerfile.b", dockerfile("a/e.sh").as_bytes()),
            ("Dockerfile.c", b"FROM debian:12\r\nCMD srv a\r\n"),
            ("Dockerfile.d", dockerfile("sm\u{f6} \u{f6}.sh").as_bytes()),
            ("a/e.sh", b"#!/bin/sh\r\necho \xe9\r\nsrv \"$@\"\r\n"),
            ("sm\u{f6} \u{f6}.sh", b"#!/bin/sh\necho \xe9\nsrv \"$@\"\n"),
        ],
    );
    let git = |words: &[&str]| {
        let said = output(root.path(), "git", words);
        assert!(said.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    let imagelint = |words: &[&str]| output(root.path(), env!("CARGO_BIN_EXE_imagelint"), words);
    let diff = imagelint(&["check", "--tracked", "--diff"]);
    assert_eq!(diff.status.code(), Some(1));
    let patch = tempfile::NamedTempFile::new().unwrap();
    fs::write(patch.path(), &diff.stdout).unwrap();
    git(&["apply", "--whitespace=nowarn", patch.path().to_str().unwrap()]);
    let applied = git(&["diff"]);
    assert_eq!(applied.matches("+++ ").count(), 3, "{applied}");
    git(&["checkout", "-q", "."]);
    let fixed = imagelint(&["check", "--tracked", "--fix"]);
    assert!(String::from_utf8_lossy(&fixed.stderr).contains("3 files changed"), "{fixed:?}");
    assert_eq!(git(&["diff"]), applied);
}

/// A link of the context that leads out of it is not followed, be it in the middle of a path.
#[test]
fn nothing_outside_the_context_is_read_or_written() {
    let root = tempfile::tempdir().unwrap();
    let script: &[u8] = b"#!/bin/sh\r\nexec srv\r\n";
    write(
        root.path(),
        &[
            ("outside/e.sh", script),
            ("context/Dockerfile", b"FROM debian:12\nCOPY --chmod=755 link/e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n"),
        ],
    );
    std::os::unix::fs::symlink("../outside", root.path().join("context/link")).unwrap();
    let imagelint = |words: &[&str]| output(&root.path().join("context"), env!("CARGO_BIN_EXE_imagelint"), words);
    let said = imagelint(&["-f", "Dockerfile", "--fix"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    assert_eq!(fs::read(root.path().join("outside/e.sh")).unwrap(), script);
    // inside it is followed
    fs::rename(root.path().join("outside"), root.path().join("context/inside")).unwrap();
    fs::remove_file(root.path().join("context/link")).unwrap();
    std::os::unix::fs::symlink("inside", root.path().join("context/link")).unwrap();
    assert!(imagelint(&["-f", "Dockerfile", "--fix"]).status.success());
    assert_eq!(fs::read(root.path().join("context/inside/e.sh")).unwrap(), b"#!/bin/sh\nexec srv\n");
}
