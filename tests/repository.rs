//! A repository with a defect of each kind that can be mended: it is linted where it lies, mended by `--fix`, built, and the
//! image is linted. Places in SARIF are those of the files, before and after.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::repository;

/// What a defect is, and where it is told.
struct Case {
    /// Its directory, and the rule.
    rule: &'static str,
    dockerfile: &'static str,
    /// The script, and whether git has it executable.
    script: Option<(&'static [u8], bool)>,
    /// The file, then line, column, and the last line and column of the place.
    place: (&'static str, [u64; 4]),
}

const START: &str = "FROM scratch\nCOPY bin /bin/\n";

const CASES: [Case; 8] = [
    Case {
        rule: "broken-exec-form",
        dockerfile: "CMD ['/bin/app', 'x y']\n",
        script: None,
        place: ("Dockerfile", [3, 5, 3, 24]),
    },
    Case {
        rule: "shell-form-command",
        dockerfile: "SHELL [\"/bin/dash\", \"-c\"]\nENTRYPOINT /bin/app \\\n    --verbose\n",
        script: None,
        place: ("Dockerfile", [4, 12, 5, 14]),
    },
    Case {
        rule: "arguments-in-one-string",
        dockerfile: "ENTRYPOINT [\"/bin/app --verbose\"]\n",
        script: None,
        place: ("Dockerfile", [3, 13, 3, 33]),
    },
    Case {
        rule: "carriage-return-in-shebang",
        dockerfile: "COPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\n",
        script: Some((b"#!/bin/sh\r\nexec /bin/app\r\n", true)),
        place: ("run.sh", [1, 10, 1, 11]),
    },
    Case {
        rule: "byte-order-mark",
        dockerfile: "COPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\n",
        script: Some((b"\xef\xbb\xbf#!/bin/sh\nexec /bin/app\n", true)),
        place: ("run.sh", [1, 1, 1, 2]),
    },
    Case {
        rule: "not-executable",
        dockerfile: "COPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\n",
        script: Some((b"#!/bin/sh\nexec /bin/app\n", false)),
        place: ("Dockerfile", [3, 1, 3, 20]),
    },
    Case {
        rule: "missing-shebang",
        dockerfile: "COPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\n",
        script: Some((b"# starts the server\nexec /bin/app\n", true)),
        place: ("run.sh", [1, 1, 1, 20]),
    },
    Case {
        rule: "missing-exec",
        dockerfile: "COPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\n",
        script: Some((b"#!/bin/sh\nset -e\nMODE=fast /bin/app \"$@\"\n", true)),
        place: ("run.sh", [3, 1, 3, 24]),
    },
];

fn git(root: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").arg("-C").arg(root).args(identity).args(arguments).output().expect("git");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Writes the cases, each in a directory of its own, as a repository.
fn write(root: &Path) {
    let programs = repository("fixtures/programs");
    for case in &CASES {
        let directory = root.join(case.rule);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("Dockerfile"), format!("{START}{}", case.dockerfile)).unwrap();
        let bin = directory.join("bin");
        fs::create_dir(&bin).unwrap();
        for (program, name) in [("busybox", "busybox"), ("sh", "dash"), ("ok", "app")] {
            fs::copy(programs.join(program), bin.join(name)).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink("busybox", bin.join("sh")).unwrap();
        if let Some((text, is_executable)) = case.script {
            let script = directory.join("run.sh");
            fs::write(&script, text).unwrap();
            let mode = if is_executable { 0o755 } else { 0o644 };
            fs::set_permissions(&script, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
    git(root, &["init", "-q"]);
    git(root, &["add", "-A"]);
    git(root, &["commit", "-qm", "first"]);
}

fn imagelint(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
    command.current_dir(root).env("IMAGELINT_CACHE_DIR", root.join(".git/cache")).args(arguments).output().unwrap()
}

/// Rule, file and region of each result.
fn places(output: &Output) -> Vec<(String, String, [u64; 4])> {
    let log: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let one = |result: &Value| {
        let location = &result["locations"][0]["physicalLocation"];
        let region =
            ["startLine", "startColumn", "endLine", "endColumn"].map(|key| location["region"][key].as_u64().unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&result["ruleId"]), text(&location["artifactLocation"]["uri"]), region)
    };
    log["runs"].as_array().unwrap().iter().flat_map(|run| run["results"].as_array().unwrap()).map(one).collect()
}

#[test]
fn every_defect_is_told_at_its_place_and_mended() {
    let root = tempfile::tempdir().unwrap();
    write(root.path());
    for case in &CASES {
        let dockerfile = format!("{}/Dockerfile", case.rule);
        let found = imagelint(root.path(), &["-f", &dockerfile, "--format", "sarif"]);
        let (file, region) = case.place;
        let expected = vec![(case.rule.to_owned(), format!("{}/{file}", case.rule), region)];
        assert_eq!(places(&found), expected, "{}", case.rule);
        assert_eq!(found.status.code(), Some(1), "{}", case.rule);

        let shown = imagelint(root.path(), &["-f", &dockerfile, "--diff"]);
        assert_eq!(shown.status.code(), Some(1), "{}", case.rule);
        let mended = imagelint(root.path(), &["-f", &dockerfile, "--fix"]);
        let after = imagelint(root.path(), &["-f", &dockerfile, "--format", "sarif"]);
        assert_eq!(places(&after), [], "{}: {}", case.rule, String::from_utf8_lossy(&shown.stdout));
        assert_eq!(mended.status.code(), Some(0), "{}", case.rule);
        let again = imagelint(root.path(), &["-f", &dockerfile, "--diff"]);
        assert!(again.status.success() && again.stdout.is_empty(), "{}", case.rule);
    }
}

/// A push as somebody at a terminal makes it: whether it went through, and what was said.
fn push(root: &Path) -> (bool, String) {
    let bin = Path::new(env!("CARGO_BIN_EXE_imagelint")).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(bin.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["push", "-q", "origin", "main"]).env("PATH", path.unwrap());
    let output = git.env("IMAGELINT_CACHE_DIR", root.join(".git/cache")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_push_with_defects_is_refused_until_they_are_mended() {
    let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path());
    git(other.path(), &["init", "-q", "--bare"]);
    git(root.path(), &["remote", "add", "origin", &other.path().display().to_string()]);
    assert!(imagelint(root.path(), &["init", "--hook"]).status.success());

    let (passed, said) = push(root.path());
    assert!(!passed, "{said}");
    for case in &CASES {
        assert!(said.contains(case.rule), "{}: {said}", case.rule);
    }
    let mended = imagelint(root.path(), &["check", "--tracked", "--fix"]);
    assert!(mended.status.success(), "{}", String::from_utf8_lossy(&mended.stdout));
    git(root.path(), &["commit", "-qam", "mended"]);
    let (passed, said) = push(root.path());
    assert!(passed, "{said}");
    built(root.path());
}

/// Builds the images and lints them, where there is a builder that may.
fn built(root: &Path) {
    let has_buildah = Command::new("buildah").arg("--version").output().is_ok_and(|output| output.status.success());
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !has_buildah || !is_root {
        assert!(std::env::var_os("IMAGELINT_REQUIRE_SERVERS").is_none(), "buildah is not here, or this is not root");
        eprintln!("SKIPPED: without buildah and root nothing was built");
        return;
    }
    let store = tempfile::tempdir().unwrap();
    for case in &CASES {
        let layout = format!("oci:{}", store.path().join(case.rule).display());
        let storage = [("--root", "root"), ("--runroot", "run")]
            .map(|(flag, name)| [flag.to_owned(), store.path().join(name).display().to_string()]);
        let mut buildah = Command::new("buildah");
        buildah.args(storage.as_flattened()).args(["--storage-driver", "vfs"]);
        let build = buildah.args(["build", "-q", "--isolation", "chroot", "-t"]).arg(&layout).arg(root.join(case.rule));
        let output = build.output().unwrap();
        assert!(output.status.success(), "{}: {}", case.rule, String::from_utf8_lossy(&output.stderr));
        let linted = imagelint(root, &[&layout]);
        assert_eq!(linted.status.code(), Some(0), "{}: {}", case.rule, String::from_utf8_lossy(&linted.stdout));
    }
}

#[test]
fn comments_beside_the_place_are_heard() {
    let root = tempfile::tempdir().unwrap();
    git(root.path(), &["init", "-q"]);
    let dockerfile = |comment: &str| {
        let text = format!("FROM debian:12\nENV A=1\n{comment}\nCMD app \\\n  --serve\n");
        fs::write(root.path().join("Dockerfile"), text).unwrap();
        imagelint(root.path(), &["-f", "Dockerfile", "--format", "sarif"])
    };
    let said = dockerfile("# imagelint: ignore[shell-form-command] it is stopped by hand");
    let log: Value = serde_json::from_slice(&said.stdout).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["suppressions"][0]["justification"], "it is stopped by hand", "{result}");
    assert_eq!((said.status.code(), said.stderr.is_empty()), (Some(0), true));

    for (comment, complaint) in [
        ("# imagelint: ignore[shell-form-command]", "gives no reason"),
        ("# imagelint: ignore[shell-form-comand] a reason", "did you mean `shell-form-command`"),
        ("# imagelint: ignore[missing-exec] a reason", "matches nothing"),
    ] {
        let said = dockerfile(comment);
        let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(1), "{comment}");
        assert!(stderr.contains(complaint), "{comment}: {stderr}");
    }
}

#[test]
fn a_dockerfile_that_cannot_be_built_is_an_error_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("Dockerfile"), "FROM scratch\nCOPY --form=x a /b\nRUNN x\n").unwrap();
    let said = imagelint(root.path(), &["-f", "Dockerfile"]);
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(2));
    assert!(stderr.contains("Dockerfile:2:6") && stderr.contains("unknown flag: --form"), "{stderr}");
}

/// Files are replaced as a whole; line ends stay, modes stay, links are not followed out of the context.
#[test]
fn fixes_leave_alone_what_is_not_wrong() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = |name: &str| root.path().join(name);
    git(root.path(), &["init", "-q"]);
    fs::write(path("Dockerfile"), "FROM debian:12\r\nCOPY run.sh /run.sh\r\nCMD app --serve\r\n").unwrap();
    fs::set_permissions(path("Dockerfile"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(imagelint(root.path(), &["-f", "Dockerfile", "--fix"]).status.success());
    let mended = fs::read_to_string(path("Dockerfile")).unwrap();
    assert_eq!(mended, "FROM debian:12\r\nCOPY run.sh /run.sh\r\nCMD [\"app\", \"--serve\"]\r\n");
    assert_eq!(fs::metadata(path("Dockerfile")).unwrap().permissions().mode() & 0o777, 0o640);

    let script = outside.path().join("run.sh");
    fs::write(&script, "#!/bin/sh\r\nexec app\r\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    symlink(&script, path("run.sh")).unwrap();
    fs::write(path("Dockerfile"), "FROM debian:12\nCOPY run.sh /run.sh\nENTRYPOINT [\"/run.sh\"]\n").unwrap();
    imagelint(root.path(), &["-f", "Dockerfile", "--fix"]);
    assert_eq!(fs::read(&script).unwrap(), b"#!/bin/sh\r\nexec app\r\n");
    let left: Vec<_> = fs::read_dir(root.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}

/// A shell behind a program that starts others is the base's own, although directories of PATH before it are not seen; and no
/// fix takes away the user that the program was to run as.
#[test]
fn shells_behind_other_programs_are_followed() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("Dockerfile");
    for (command, rule) in [
        (r#"["sudo", "-u", "app", "sh", "-c", "node a.js; true"]"#, "stops-without-telling"),
        (r#"["su", "app", "-c", "./server --port 1"]"#, "stops-without-telling"),
        (r#"["env", "sh", "-c", "node a.js; true"]"#, "shell-form-command"),
        (r#"["setpriv", "--reuid", "5", "sh", "-c", "node a.js; true"]"#, "shell-form-command"),
    ] {
        fs::write(&file, format!("FROM debian:12\nRUN useradd app\nENTRYPOINT {command}\n")).unwrap();
        let output = imagelint(root.path(), &["--dockerfile", "Dockerfile", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        let findings = report.pointer("/findings").or(report.pointer("/images/0/findings")).unwrap();
        let found = findings.as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap());
        assert_eq!(found.collect::<Vec<_>>(), [rule], "{command}");
        assert_eq!(findings[0]["fixes"].as_array().map_or(0, Vec::len), 0, "{command}: {findings}");
    }
}
