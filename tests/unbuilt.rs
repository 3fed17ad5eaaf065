//! What is said of a Dockerfile before it is built: the rule, how bad it is, and the line; and that nothing keeps it long.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A script that becomes its program.
const GOOD: &str = "#!/bin/sh\nexec cat\n";

struct Case {
    /// Behind `FROM debian:12`, unless it has a FROM itself.
    dockerfile: &'static str,
    /// Other files, not executable.
    files: &'static [(&'static str, &'static str)],
    /// Rule, severity, file and line.
    found: &'static [(&'static str, &'static str, &'static str)],
}

const fn case(
    dockerfile: &'static str,
    files: &'static [(&'static str, &'static str)],
    found: &'static [(&'static str, &'static str, &'static str)],
) -> Case {
    Case { dockerfile, files, found }
}

const CASES: [Case; 58] = [
    // a program that is called as it cannot be
    case(r#"ENTRYPOINT ["tini", "-x", "--"]"#, &[], &[("wrapper-arguments", "error", "Dockerfile:2")]),
    // a word of shells is no program, but where POSIX is followed
    case(r#"ENTRYPOINT ["export", "A=b"]"#, &[], &[("command-not-found", "error", "Dockerfile:2")]),
    case(r#"ENTRYPOINT ["cd", "/app"]"#, &[], &[("command-not-found", "error", "Dockerfile:2")]),
    case("FROM fedora:40\nENTRYPOINT [\"cd\", \"/app\"]", &[], &[]),
    case(r#"CMD ["/bin/app", "--port=${PORT}"]"#, &[], &[("shell-syntax-in-exec-form", "note", "Dockerfile:2")]),
    // who may read and execute what is copied
    case(
        "COPY --chmod=700 e.sh /e.sh\nUSER 1000\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", GOOD)],
        &[("permission-denied-for-user", "error", "Dockerfile:2")],
    ),
    case(
        "COPY --chmod=700 --chown=1001 e.sh /e.sh\nUSER 1000\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", GOOD)],
        &[("permission-denied-for-user", "error", "Dockerfile:2")],
    ),
    case("COPY --chmod=700 --chown=app e.sh /e.sh\nUSER 1000\nENTRYPOINT [\"/e.sh\"]", &[("e.sh", GOOD)], &[]),
    case("COPY --chmod=700 --chown=1000 e.sh /e.sh\nUSER app\nENTRYPOINT [\"/e.sh\"]", &[("e.sh", GOOD)], &[]),
    case("COPY --chmod=750 e.sh /e.sh\nUSER app\nENTRYPOINT [\"/e.sh\"]", &[("e.sh", GOOD)], &[]),
    case("COPY --chmod=700 e.sh /e.sh\nRUN chown app /e.sh\nUSER app\nENTRYPOINT [\"/e.sh\"]", &[("e.sh", GOOD)], &[]),
    // nothing to run
    case("FROM scratch\nCOPY e.sh /e.sh", &[("e.sh", GOOD)], &[("nothing-to-run", "note", "Dockerfile:1")]),
    case("ENTRYPOINT []", &[], &[("nothing-to-run", "note", "Dockerfile:2")]),
    case("ENV A=b", &[], &[]),
    case("FROM mcr.microsoft.com/windows/nanoserver:1809\nCMD node server.js", &[], &[]),
    // bits that a RUN sets in a way of its own
    case(
        "COPY e.sh /src/\nRUN npm run build\nENTRYPOINT [\"/src/e.sh\"]",
        &[("e.sh", GOOD), ("package.json", r#"{"scripts": {"build": "tsc"}}"#)],
        &[("not-executable", "error", "Dockerfile:2")],
    ),
    case(
        "COPY . /src/\nRUN npm run build\nENTRYPOINT [\"/src/e.sh\"]",
        &[("e.sh", GOOD), ("package.json", r#"{"scripts": {"build": "chmod +x *.sh"}}"#)],
        &[],
    ),
    case(
        "COPY . /src/\nRUN make\nENTRYPOINT [\"/src/e.sh\"]",
        &[("e.sh", GOOD), ("Makefile", "all:\n\tchmod +x e.sh\n")],
        &[],
    ),
    case(
        "COPY . /src/\nRUN [\"/src/setup.sh\"]\nENTRYPOINT [\"/src/e.sh\"]",
        &[("e.sh", GOOD), ("setup.sh", "chmod 755 /src/e.sh\n")],
        &[],
    ),
    case(
        "COPY . /src/\nRUN python3 fix.py\nENTRYPOINT [\"/src/e.sh\"]",
        &[("e.sh", GOOD), ("fix.py", "import os\nos.chmod('e.sh', 0o755)\n")],
        &[],
    ),
    case(
        "COPY --chmod=755 . /\nRUN /setup.sh\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", "#!/bin/sh\nsrv\n"), ("setup.sh", "rm -rf /var/cache/*\nchmod +x /e.sh\n")],
        &[("missing-exec", "warning", "e.sh:2")],
    ),
    // the line of a script
    case(
        "COPY --chmod=755 e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", "#!/bin/sh\necho a\nif true; do\n")],
        &[("shell-syntax-error", "error", "e.sh:3")],
    ),
    case(
        "COPY --chmod=755 e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\nCMD [\"srv\"]",
        &[("e.sh", "#!/bin/sh\n\"$@\" &\necho started\n")],
        &[("background-main-process", "warning", "e.sh:2")],
    ),
    case(
        "FROM scratch\nCOPY --chmod=755 app /app\nWORKDIR /app\nENTRYPOINT [\"/app\"]",
        &[("app", "x")],
        &[("workdir-unusable", "error", "Dockerfile:3")],
    ),
    // here-documents, as they are written
    case(
        "COPY --chmod=755 <<-\"E\" /e.sh\n\t#!/bin/sh\n\tif true; then\n\t\techo hi\n\tfi\n\texec \"$@\"\n\tE\nENTRYPOINT [\"/e.sh\"]\nCMD [\"srv\"]",
        &[],
        &[],
    ),
    case(
        "COPY --chmod=755 <<-\"E\" /e.sh\n\t#!/bin/sh\n\t\"$@\"\n\tE\nENTRYPOINT [\"/e.sh\"]\nCMD [\"srv\"]",
        &[],
        &[("missing-exec", "warning", "Dockerfile:4")],
    ),
    case("COPY --chmod=755 <<E /e.sh\n#!/bin/sh\nexec \"\\$@\"\nE\nENTRYPOINT [\"/e.sh\"]\nCMD [\"srv\"]", &[], &[]),
    case(
        "COPY <<E /e.sh\nexec cat\nE\nRUN chmod +x /e.sh\nENTRYPOINT [\"/e.sh\"]",
        &[],
        &[("missing-shebang", "error", "Dockerfile:3")],
    ),
    // what is not copied although its directory is
    case(
        "COPY . /app\nCMD [\"/app/run.sh\"]",
        &[("run.sh", GOOD), (".dockerignore", "*.sh\n")],
        &[("path-not-found", "warning", "Dockerfile:3")],
    ),
    case("COPY . /app\nCMD [\"/app/run.sh\"]", &[("rnu.sh", GOOD)], &[("path-not-found", "warning", "Dockerfile:3")]),
    case("COPY . /app\nRUN mv /app/rnu.sh /app/run.sh\nCMD [\"/app/run.sh\"]", &[("rnu.sh", GOOD)], &[]),
    case("COPY . /app\nCMD [\"/app/server\"]", &[("server.go", "package main\n")], &[]),
    // a name that no program has, and one with a blank in it that a file has
    case(
        "HEALTHCHECK CMD [\"CMD-SHELL\", \"true\"]\nCMD [\"cat\"]",
        &[],
        &[("healthcheck-not-runnable", "warning", "Dockerfile:2")],
    ),
    case("COPY [\"absent\", \"/e x.sh\"]\nENTRYPOINT [\"/e x.sh\"]", &[], &[]),
    case("COPY . /src/\nRUN make\nENTRYPOINT [\"/src/e.sh\"]", &[("e.sh", GOOD)], &[]),
    case("COPY . /app\nCMD [\"run.sh\"]", &[("run.sh", GOOD)], &[("command-not-found", "warning", "Dockerfile:3")]),
    case(
        "COPY . /app\nENV PATH=/app:$PATH\nCMD [\"run.sh\"]",
        &[("run.sh", GOOD)],
        &[("not-executable", "warning", "Dockerfile:2")],
    ),
    case(
        "WORKDIR /app\nCOPY run.sh .\nWORKDIR /\nCMD [\"./run.sh\"]",
        &[("run.sh", GOOD)],
        &[("path-not-found", "warning", "Dockerfile:5")],
    ),
    // blanks may be a name's own
    case("RUN install x\nCMD [\"/usr/lib/x/Media Server\"]", &[], &[]),
    case("COPY --from=b [\"/out\", \"/opt/My App/\"]\nCMD [\"/opt/My App/run\"]", &[], &[]),
    case("CMD [\"/usr/bin/node server.js\"]", &[], &[("arguments-in-one-string", "warning", "Dockerfile:2")]),
    case("CMD [\"/app --serve\"]", &[], &[("arguments-in-one-string", "warning", "Dockerfile:2")]),
    case(
        "COPY --from=b /app /app\nCMD [\"/app serve\"]",
        &[],
        &[("arguments-in-one-string", "warning", "Dockerfile:3")],
    ),
    case("ENTRYPOINT \"app --x\"", &[], &[("script-command-not-found", "error", "Dockerfile:2")]),
    case("CMD [\"$APP\", \"run\"]", &[], &[("shell-syntax-in-exec-form", "warning", "Dockerfile:2")]),
    // a program that a RUN hands the file to
    case(
        "COPY --chmod=500 e.sh /e.sh\nRUN setfacl -m u:1000:rx /e.sh\nUSER 1000\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", GOOD)],
        &[],
    ),
    // nothing but what is copied is there
    case(
        "FROM golang AS b\nRUN go build\nFROM scratch\nCOPY --from=b /out/app /app\nCMD /app serve",
        &[],
        &[("shell-not-found", "error", "Dockerfile:5")],
    ),
    case(
        "FROM golang AS b\nFROM scratch\nCOPY --from=b /out/app /app\nCMD [\"/srv\"]",
        &[],
        &[("path-not-found", "error", "Dockerfile:4")],
    ),
    case("FROM golang AS b\nFROM scratch\nCOPY --from=b /out /opt/x\nCMD [\"/opt/x/srv\"]", &[], &[]),
    // a line end that env looks for
    case(
        "COPY --chmod=755 e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", "#!/usr/bin/env python3\r\nx\r\n")],
        &[("carriage-return-in-shebang", "error", "e.sh:1")],
    ),
    // arrays whatever is in their words
    case("CMD ['sh', '-c', 'setup; exec app']", &[], &[("broken-exec-form", "warning", "Dockerfile:2")]),
    case("CMD [ \"$X\" = y ] && exec app", &[], &[]),
    case(
        "LABEL io.github.imagelint.ignore=\"missing-exec: stopped by hand\"\nCOPY --chmod=755 e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", "#!/bin/sh\nsrv\n")],
        &[("missing-exec", "warning", "e.sh:2")],
    ),
    case(
        "COPY --chmod=755 e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", "#!/bin/bash\n. /opt/lib.sh\nserver_run\n")],
        &[],
    ),
    case(
        "COPY --chmod=755 e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", "#!/bin/bash\n. /opt/lib.sh\nnginx -g 'daemon off;'\n")],
        &[("missing-exec", "warning", "e.sh:3")],
    ),
    case(
        "COPY --chmod=755 e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", "#!/bin/sh\nmain() { srv; }\nwhile true; do main; done\n")],
        &[("missing-exec", "warning", "e.sh:2")],
    ),
    // links
    case("COPY --chmod=755 absent/e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]", &[("e.sh", "#!/bin/sh\nsrv\n")], &[]),
    case(
        "COPY --chmod=755 ../../e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]",
        &[("e.sh", "#!/bin/sh\nsrv\n")],
        &[("missing-exec", "warning", "e.sh:2")],
    ),
];

fn imagelint(root: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
    command.current_dir(root).env("IMAGELINT_CACHE_DIR", root.join("cache")).args(words).output().unwrap()
}

#[test]
fn findings_at_their_lines() {
    let mut wrong = Vec::new();
    for Case { dockerfile, files, found } in &CASES {
        let root = tempfile::tempdir().unwrap();
        let from = if dockerfile.starts_with("FROM ") { "" } else { "FROM debian:12\n" };
        fs::write(root.path().join("Dockerfile"), format!("{from}{dockerfile}\n")).unwrap();
        for (name, text) in *files {
            fs::write(root.path().join(name), text).unwrap();
        }
        let output = imagelint(root.path(), &["-f", "Dockerfile", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |f: &Value| {
            let source = &f["source"];
            (text(&f["rule"]), text(&f["severity"]), format!("{}:{}", text(&source["path"]), source["line"]))
        };
        let findings = report.pointer("/images/0/findings").or(report.pointer("/findings")).unwrap();
        let told: Vec<_> = findings.as_array().unwrap().iter().map(one).collect();
        let expected: Vec<_> =
            found.iter().map(|(r, s, at)| ((*r).to_owned(), (*s).to_owned(), (*at).to_owned())).collect();
        if told != expected {
            wrong.push(format!("{dockerfile}\n  {told:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Before a build there are no layers, and no configuration; what is to be done is done to the file in the repository.
#[test]
fn texts_speak_of_what_is_there() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("n.sh"), GOOD).unwrap();
    fs::write(root.path().join("Dockerfile"), "FROM debian:12\nCOPY n.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n").unwrap();
    let full = String::from_utf8(imagelint(root.path(), &["-f", "Dockerfile"]).stdout).unwrap();
    assert!(full.contains("git update-index --chmod=+x n.sh"), "{full}");
    assert!(!full.contains("layer") && !full.contains("configuration"), "{full}");
    let brief = String::from_utf8(imagelint(root.path(), &["-f", "Dockerfile", "-q"]).stdout).unwrap();
    assert!(brief.contains("\nDockerfile:2:1: error[not-executable]: "), "{brief}");
}

/// Files that are none, values that grow, and more of all than any builder takes.
#[test]
fn nothing_keeps_it_long() {
    let root = tempfile::tempdir().unwrap();
    let file = |text: &str| fs::write(root.path().join("Dockerfile"), text).unwrap();
    let said = |arguments: &[&str]| {
        let output = imagelint(root.path(), &[&["-f", "Dockerfile"], arguments].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    file(&format!("FROM a\nENV A=xxxxxxxx\n{}CMD [\"x\"]\n", "ENV A=$A$A\n".repeat(60)));
    assert_eq!(said(&[]).0, Some(0));
    file(&format!("FROM a\nARG A={}\nENV A={}\nCMD [\"x\"]\n", "x".repeat(60_000), "$A".repeat(30_000)));
    assert_eq!(said(&[]).0, Some(0));
    let many: String = (0..9_000).map(|i| format!("ENV A{i}=1\n")).collect();
    file(&format!("FROM a\n{many}CMD [\"x\"]\n"));
    assert_eq!(said(&[]).0, Some(0));
    for (text, complaint) in [
        ("COPY Dockerfile /x/\n".repeat(600), "more than 500 layers"),
        ("LABEL a=b\n".repeat(20_000), "more than 10000 instructions"),
    ] {
        file(&format!("FROM a\n{text}CMD [\"x\"]\n"));
        let (code, stderr) = said(&[]);
        assert!(code == Some(2) && stderr.contains(complaint), "{stderr}");
    }
    file("FROM a\nCMD [\"x\"]\n");
    let pipe = root.path().join(".dockerignore");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (code, stderr) = said(&[]);
    assert!(code == Some(2) && stderr.contains("no regular file"), "{stderr}");
    fs::rename(&pipe, root.path().join("Dockerfile")).unwrap();
    let (code, stderr) = said(&[]);
    assert!(code == Some(2) && stderr.contains("no regular file"), "{stderr}");
    fs::remove_file(root.path().join("Dockerfile")).unwrap();
    file("FROM a\nCMD [\"x\"]\n");
    std::os::unix::fs::symlink("/dev/zero", &pipe).unwrap();
    assert_eq!(said(&[]).0, Some(2));
}
