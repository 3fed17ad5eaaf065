//! The program as its users meet it: arguments in; standard output, standard error, files and an exit code out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A directory with image layouts, and the program run in it.
struct Bench {
    directory: TempDir,
}

/// Path, mode, bytes.
type File<'a> = (&'a str, u32, &'a [u8]);

impl Bench {
    fn new() -> Self {
        Bench { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// An OCI image layout of one layer.
    fn image(&self, name: &str, config: Value, created_by: &str, files: &[File<'_>]) {
        let root = self.path(name);
        fs::create_dir_all(root.join("blobs/sha256")).unwrap();
        let mut tar = tar::Builder::new(Vec::new());
        for (path, mode, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(*mode);
            tar.append_data(&mut header, path, *bytes).unwrap();
        }
        let layer = blob(&root, &tar.into_inner().unwrap(), "application/vnd.oci.image.layer.v1.tar");
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": config,
            "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] },
            "history": [{ "created_by": created_by }],
        });
        let config = blob(&root, config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
        let manifest = blob(&root, manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(root.join("index.json"), index.to_string()).unwrap();
        fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    }

    /// An image whose command is a script for `/bin/bash`, which is not there.
    fn broken(&self, name: &str) {
        let script = b"#!/bin/bash\nexec \"$@\"\n";
        let config = json!({ "Entrypoint": ["/entrypoint.sh"], "Cmd": ["app"] });
        self.image(name, config, "COPY entrypoint.sh / # buildkit", &[("entrypoint.sh", 0o755, script)]);
    }

    /// An image that starts.
    fn sound(&self, name: &str) {
        self.image(name, json!({ "Cmd": ["/ok"] }), "COPY ok /", &[("ok", 0o755, &ok())]);
    }

    /// An image that starts, with a health check that cannot run.
    fn unhealthy(&self, name: &str) {
        let config = json!({ "Cmd": ["/ok"], "Healthcheck": { "Test": ["CMD", "/curl"] } });
        self.image(name, config, "COPY ok /", &[("ok", 0o755, &ok())]);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        command.args(arguments).current_dir(self.directory.path()).env("LANG", "C.UTF-8");
        command.env("IMAGELINT_CACHE_DIR", self.directory.path().with_extension("cache"));
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "NO_GRAPHICS", "LC_ALL", "LC_CTYPE"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// Names in the directory, to see that nothing is left behind.
    fn names(&self) -> Vec<String> {
        support::names(self.directory.path())
    }
}

fn blob(root: &Path, bytes: &[u8], media_type: &str) -> Value {
    let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    fs::write(root.join("blobs/sha256").join(&hex), bytes).unwrap();
    json!({ "mediaType": media_type, "digest": format!("sha256:{hex}"), "size": bytes.len() })
}

/// A static program for amd64.
fn ok() -> Vec<u8> {
    support::elf::programs().into_iter().find(|(name, _)| *name == "ok").unwrap().1
}

/// What a run left.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The names of an object's fields, sorted.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn exit_codes() {
    let bench = Bench::new();
    bench.broken("broken");
    bench.sound("sound");
    bench.unhealthy("unhealthy");
    for (arguments, code) in [
        (&["sound"][..], 0),
        (&["check", "sound"], 0),
        (&["broken"], 1),
        (&["check", "sound", "broken"], 1),
        (&["broken", "--fail-on", "error"], 1),
        (&["broken", "--fail-on", "never"], 0),
        (&["unhealthy"], 1),
        (&["unhealthy", "--fail-on", "error"], 0),
        (&["unhealthy", "--fail-on", "note"], 1),
        (&["broken", "--ignore", "interpreter-not-found"], 0),
        (&["broken", "--select", "command-not-found,path-not-found"], 0),
        (&["broken", "--select", "command-not-found", "--select", "interpreter-not-found"], 1),
        (&["absent"], 2),
        (&["broken", "absent"], 2),
        (&["absent", "sound"], 2),
        (&["sound", "--platform", "linux/s390x"], 2),
        (&["trace", "broken"], 0),
        (&["trace", "absent"], 2),
        (&["rules"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
    ] {
        let run = bench.run(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn usage_errors_end_with_2_and_say_what_to_do() {
    let bench = Bench::new();
    bench.sound("sound");
    for (arguments, says) in [
        (&[][..], "Usage"),
        (&["--no-such-option", "sound"], "--no-such-option"),
        (&["check"], "IMAGE"),
        (&["sound", "--format", "yaml"], "yaml"),
        (&["sound", "--fail-on", "sometimes"], "sometimes"),
        (&["sound", "--platform", "amd64"], "linux/amd64"),
        (&["sound", "--env", "NAME"], "NAME=VALUE"),
        (&["sound", "--report", "yaml=x"], "gitlab or markdown"),
        (&["trace", "sound", "--report", "sarif=x"], "text or json"),
        (&["trace", "sound", "--format", "sarif"], "possible values: text, json"),
        (&["sound", "--output-dir", ""], "FORMAT=DIR"),
        (&["sound", "--report", "json"], "FORMAT=FILE"),
        (&["sound", "--select", "comand-not-found"], "did you mean `command-not-found`"),
        (&["sound", "--ignore", "qqqqq"], "imagelint rules"),
        (&["sound", "-q", "-v"], "--quiet"),
        (&["explain", "comand-not-found"], "did you mean `command-not-found`"),
        (&["explain", "nothing that anything prints"], "imagelint explain 127"),
        (&["completions", "tcl"], "tcl"),
        (&["registry:app", "--offline"], "--offline"),
    ] {
        let run = bench.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.contains(says), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn an_image_named_like_a_subcommand_follows_check() {
    let bench = Bench::new();
    bench.sound("rules");
    assert!(bench.run(&["check", "rules"]).stdout.contains("oci-layout rules"));
    assert!(bench.run(&["rules"]).stdout.contains("command-not-found"));
}

#[test]
fn the_first_line_says_what_was_read() {
    let bench = Bench::new();
    bench.sound("sound");
    bench.broken("broken");
    for arguments in [&["sound"][..], &["broken"], &["trace", "sound"], &["-q", "broken"], &["-v", "broken"]] {
        let run = bench.run(arguments);
        let line = run.stdout.lines().next().unwrap();
        let name = arguments.last().unwrap();
        assert!(line.starts_with(&format!("oci-layout {name}, sha256:")), "{line}");
        assert!(line.ends_with(", linux/amd64"), "{line}");
    }
}

#[test]
fn a_text_names_evidence_layer_exit_codes_and_a_fix() {
    let bench = Bench::new();
    bench.broken("broken");
    let run = bench.run(&["broken"]);
    for part in [
        "cannot start under docker, podman and kubernetes",
        "error[interpreter-not-found]",
        "`/bin/bash`",
        r#""Entrypoint": ["/entrypoint.sh"]"#,
        "#!/bin/bash",
        "exit code: docker 255, podman 1, kubernetes 255",
        "layer: 1 of 1 (sha256:",
        "COPY entrypoint.sh /\n",
        "help: ",
        "fix: ",
        "1 error",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    assert_eq!(run.stderr, "");
    let ignored = bench.run(&["broken", "--ignore", "interpreter-not-found"]).stdout;
    assert!(ignored.contains("because the interpreter `/bin/bash` is not in the image"), "{ignored}");
}

#[test]
fn quiet_and_verbose() {
    let bench = Bench::new();
    bench.sound("sound");
    bench.broken("broken");
    assert_eq!(bench.run(&["-q", "sound"]).stdout, "");
    assert_eq!(bench.run(&["-q", "broken"]).stdout.lines().count(), 2);
    assert!(bench.run(&["-v", "sound"]).stdout.contains("crun-1.8"));
    assert!(!bench.run(&["sound"]).stdout.contains("crun-1.8"));
}

#[test]
fn colour_only_where_it_is_wanted() {
    let bench = Bench::new();
    bench.broken("broken");
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let run: Run = bench.command(arguments).envs(variables.iter().copied()).output().unwrap().into();
        run.stdout.contains('\x1b') || run.stderr.contains('\x1b')
    };
    assert!(!colored(&["broken"], &[]), "not a terminal");
    assert!(!colored(&["absent"], &[]), "not a terminal");
    assert!(colored(&["broken", "--color", "always"], &[("NO_COLOR", "1")]), "asked for");
    assert!(colored(&["broken"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&["broken"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["broken", "--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&["trace", "broken"], &[]));
    assert!(!colored(&["explain", "127"], &[]));
    assert!(!colored(&["broken", "--color", "always", "--format", "json"], &[]));
}

#[test]
fn told_rather_than_drawn() {
    let bench = Bench::new();
    bench.broken("broken");
    let run: Run = bench.command(&["broken"]).env("NO_GRAPHICS", "1").output().unwrap().into();
    assert!(run.stdout.contains("snippet line 1"), "{}", run.stdout);
    assert!(!run.stdout.contains(['│', '╭', '☞']), "{}", run.stdout);
}

#[test]
fn strings_of_the_image_cannot_command_the_terminal() {
    let bench = Bench::new();
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{8}\u{9b}31m\u{202e}\u{0}";
    let file = evil.replace('\0', "");
    let script = format!("#!/bin/{file}\n");
    let config = json!({
        "Entrypoint": [format!("/{file}"), evil], "Cmd": [evil, "x".repeat(100_000)], "User": "", "WorkingDir": "",
        "Env": [format!("PATH={evil}")], "StopSignal": evil, "Healthcheck": { "Test": ["CMD", evil] },
    });
    bench.image("evil", config, evil, &[(&file, 0o755, script.as_bytes())]);
    let name = format!("absent{}", evil.replace('\0', ""));
    for arguments in [
        &["evil"][..],
        &["-v", "evil"],
        &["-q", "evil"],
        &["trace", "-v", "evil"],
        &["evil", "--user", evil.trim_end_matches('\0')],
        &[&name],
        &["explain", &name],
        &["evil", "--select", &name],
    ] {
        let run = bench.run(arguments);
        let text = run.stdout + &run.stderr;
        let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(obeyed), "{arguments:?}: {:?}", text.chars().find(|c| obeyed(*c)));
    }
    let run = bench.run(&["evil", "--format", "json"]);
    assert_eq!(run.json()["images"][0]["image"]["source"], "oci-layout");
    assert!(!run.stdout.contains('\u{1b}'));
}

#[test]
fn names_that_are_not_utf_8_do_not_break_json() {
    let bench = Bench::new();
    bench.image("odd", json!({ "Cmd": ["/run"] }), "COPY run /", &[("run", 0o755, b"#!/bin/\xff\xfe\n")]);
    for arguments in [&["odd", "--format", "json"][..], &["trace", "odd", "--format", "json"]] {
        let run = bench.run(arguments);
        assert!(run.json().is_object());
        assert!(run.stdout.contains('\u{fffd}'));
    }
    assert!(bench.run(&["trace", "odd"]).stdout.contains("#!/bin/\\xFF\\xFE"));
}

#[test]
fn the_json_of_check() {
    let bench = Bench::new();
    bench.broken("broken");
    bench.unhealthy("unhealthy");
    let run = bench.run(&["broken", "unhealthy", "absent", "--format", "json"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("absent"));
    let report = run.json();
    assert_eq!(keys(&report), ["errors", "images", "schema", "summary", "version"]);
    assert_eq!(report["schema"], "imagelint.report/1");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["summary"], json!({ "errors": 1, "warnings": 1, "notes": 0, "suppressed": 0 }));
    assert_eq!(report["images"].as_array().unwrap().len(), 2);
    let error = &report["errors"][0];
    assert_eq!(keys(error), ["help", "message", "platform", "reference"]);
    assert_eq!((report["errors"].as_array().unwrap().len(), &error["reference"]), (1, &json!("absent")));
    assert!(error["message"].as_str().unwrap().contains("absent"), "{error}");
    assert_eq!(bench.run(&["broken", "--format", "json"]).json()["errors"], json!([]));
    let image = &report["images"][0];
    assert_eq!(keys(image), ["findings", "image", "traces"]);
    assert_eq!(keys(&image["image"]), ["digest", "platform", "reference", "source", "tables_of_contents"]);
    assert_eq!(image["traces"][0]["schema"], "imagelint.trace/1");
    let finding = &image["findings"][0];
    let fields = [
        "because",
        "confidence",
        "exit_codes",
        "fingerprint",
        "fixes",
        "help",
        "inherited",
        "instruction",
        "layer",
        "message",
        "place",
        "rule",
        "severity",
        "source",
        "suppression",
    ];
    assert_eq!(keys(finding), fields);
    assert_eq!((&finding["source"], &finding["suppression"]), (&Value::Null, &Value::Null));
    assert_eq!(finding["rule"], "interpreter-not-found");
    assert_eq!((&finding["severity"], &finding["confidence"]), (&json!("error"), &json!("certain")));
    assert_eq!(finding["exit_codes"], json!({ "docker": 255, "podman": 1, "kubernetes": 255 }));
    assert_eq!(keys(&finding["layer"]), ["created_by", "digest", "index", "inherited"]);
    assert_eq!((&finding["layer"]["index"], &finding["layer"]["inherited"]), (&json!(0), &Value::Null));
    let place = &finding["place"];
    let fields = ["column", "end_column", "end_line", "field", "index", "kind", "layer", "line", "path"];
    assert_eq!(keys(place), fields);
    assert_eq!((&place["kind"], &place["path"]), (&json!("file"), &json!("/entrypoint.sh")));
    assert_eq!((&place["line"], &place["end_line"]), (&json!(1), &json!(1)));
    assert_eq!(keys(&finding["because"][0]), ["message", "place"]);
    let unhealthy = &report["images"][1]["findings"][0]["place"];
    assert_eq!(
        unhealthy,
        &json!({
            "kind": "config", "field": "Healthcheck", "index": 1, "path": null, "layer": null,
            "line": null, "column": null, "end_line": null, "end_column": null,
        })
    );
}

#[test]
fn the_json_of_trace() {
    let bench = Bench::new();
    bench.broken("broken");
    bench.sound("sound");
    let run = bench.run(&["trace", "broken", "sound", "--format", "json"]);
    let traces: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [broken, sound] = traces.as_slice() else { panic!("one object a line") };
    assert_eq!(
        keys(broken),
        ["agrees_with_runtime", "config", "healthcheck", "image", "more_paths", "paths", "schema"]
    );
    assert_eq!(broken["schema"], "imagelint.trace/1");
    assert_eq!(keys(&broken["config"]), ["cmd", "entrypoint", "stop_signal", "user", "workdir"]);
    let path = &broken["paths"][0];
    let fields = ["cause", "errno", "outcome", "processes", "runtimes", "start", "steps", "stop", "when", "why"];
    assert_eq!(keys(path), fields);
    assert_eq!((&path["outcome"], &path["cause"]), (&json!("fails"), &json!("interpreter-not-found")));
    assert_eq!((&path["errno"], &path["when"]), (&json!("ENOENT"), &json!([])));
    let start = BTreeMap::from([("docker", 255), ("podman", 1), ("kubernetes", 255)]);
    assert_eq!(keys(&path["start"]), start.keys().copied().collect::<Vec<_>>());
    for (engine, code) in start {
        let start = &path["start"][engine];
        assert_eq!((&start["outcome"], &start["exit_code"]), (&json!("fails"), &json!(code)));
        assert_eq!(start["created"], true);
    }
    assert_eq!(path["start"]["kubernetes"]["reason"], "Error");
    assert!(path["runtimes"]["docker-20.10"].is_object() && path["runtimes"]["crun-1.8"].is_object());
    let step = &path["steps"][0];
    assert_eq!(keys(step), ["argv", "file", "kind", "layer", "links", "note", "pid", "via"]);
    assert_eq!(
        (&step["kind"], &step["via"], &step["note"]),
        (&json!("script"), &json!("entrypoint"), &json!("#!/bin/bash"))
    );
    assert_eq!(step["argv"], json!(["/entrypoint.sh", "app"]));
    let fields = ["confidence", "disposition", "exit_code", "main_told", "pid1", "result", "signal", "why"];
    assert_eq!(keys(&path["stop"]), fields);
    assert_eq!((&path["stop"]["signal"], &path["stop"]["result"]), (&json!("SIGTERM"), &json!("unknown")));
    let path = &sound["paths"][0];
    assert_eq!((&path["outcome"], &path["cause"], &path["why"]), (&json!("runs"), &Value::Null, &Value::Null));
    assert_eq!(
        path["start"]["docker"],
        json!({ "outcome": "runs", "exit_code": null, "created": true, "cause": null })
    );
}

#[test]
fn overrides_as_docker_run_has_them() {
    let bench = Bench::new();
    bench.broken("broken");
    bench.sound("sound");
    let trace = |arguments: &[&str]| {
        let run = bench.run(&[&["trace", "--format", "json"], arguments].concat());
        run.json()["paths"][0].clone()
    };
    assert_eq!(trace(&["sound", "--", "/absent", "-x"])["cause"], "path-not-found");
    assert_eq!(trace(&["broken", "--", "a", "b"])["steps"][0]["argv"], json!(["/entrypoint.sh", "a", "b"]));
    assert_eq!(trace(&["sound", "--user", "nobody-here"])["cause"], "user-not-found");
    assert_eq!(trace(&["sound", "--entrypoint", "ok", "--env", "PATH=/"])["outcome"], "runs");
    assert_eq!(trace(&["sound", "--entrypoint", "ok", "--env", "PATH=/usr"])["cause"], "command-not-found");
    assert_eq!(trace(&["sound", "--workdir", "/ok"])["cause"], "workdir-unusable");
    let text = bench.run(&["sound", "--", "/absent"]).stdout;
    assert!(text.contains("the command as overridden"), "{text}");
}

#[test]
fn fingerprints_outlive_a_rebuild() {
    let bench = Bench::new();
    bench.broken("app");
    let fingerprint =
        || bench.run(&["app", "--format", "json"]).json()["images"][0]["findings"][0]["fingerprint"].clone();
    let before = fingerprint();
    fs::remove_dir_all(bench.path("app")).unwrap();
    let files: &[File<'_>] = &[("other", 0o644, b"x"), ("entrypoint.sh", 0o755, b"#!/bin/bash\n# changed\n")];
    bench.image("app", json!({ "Entrypoint": ["/entrypoint.sh"] }), "COPY . /", files);
    assert_eq!(fingerprint(), before);
    assert!(before.as_str().unwrap().len() == 32 && before != Value::Null);
}

#[test]
fn reports_go_to_files_whole_or_not_at_all() {
    let bench = Bench::new();
    bench.broken("broken");
    fs::write(bench.path("old.json"), "old").unwrap();
    let run = bench.run(&["broken", "--report", "json=old.json", "--report", "text=report.txt", "--color", "always"]);
    assert_eq!(run.code, Some(1));
    let json: Value = serde_json::from_slice(&fs::read(bench.path("old.json")).unwrap()).unwrap();
    assert_eq!(json["summary"]["errors"], 1);
    let text = fs::read_to_string(bench.path("report.txt")).unwrap();
    assert!(text.contains("error[interpreter-not-found]") && !text.contains('\x1b'));
    assert_eq!(bench.names(), ["broken", "old.json", "report.txt"]);

    let run = bench.run(&["broken", "--report", "json=no/such/directory/x.json"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("no/such/directory/x.json"), "{}", run.stderr);
    let run = bench.run(&["trace", "broken", "--report", "json=trace.json"]);
    assert_eq!(run.code, Some(0));
    assert!(fs::read_to_string(bench.path("trace.json")).unwrap().starts_with("{\"schema\":\"imagelint.trace/1\""));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let bench = Bench::new();
    bench.broken("broken");
    for arguments in [
        &["broken"][..],
        &["broken", "--format", "json"],
        &["trace", "broken"],
        &["rules"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run: Run = child.wait_with_output().unwrap().into();
        assert!(!run.stderr.contains("panic"), "{arguments:?}: {}", run.stderr);
        assert!(matches!(run.code, Some(0 | 1)), "{arguments:?}: {:?}", run.code);
    }
}

#[test]
fn standard_output_that_is_full_is_told() {
    let bench = Bench::new();
    bench.broken("broken");
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let run: Run = bench.command(&["broken"]).stdout(full).output().unwrap().into();
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("could not write to standard output"), "{}", run.stderr);
}

#[test]
fn archives_on_standard_input() {
    let bench = Bench::new();
    bench.sound("sound");
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(".", bench.path("sound")).unwrap();
    let archive = tar.into_inner().unwrap();
    let mut child = bench.command(&["-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&archive).unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert!(run.stdout.starts_with("oci-archive "), "{}", run.stdout);
}

#[test]
fn errors_name_the_image_and_help() {
    let bench = Bench::new();
    bench.sound("sound");
    let run = bench.run(&["sound", "--platform", "linux/s390x"]);
    assert!(run.stderr.contains("error: sound") && run.stderr.contains("linux/amd64"), "{}", run.stderr);
}

#[test]
fn explanations() {
    let bench = Bench::new();
    for (what, says) in [
        (&["explain", "command-not-found"][..], "What it does"),
        (&["explain", "127"], "command-not-found"),
        (&["explain", "137"], "OOMKilled"),
        (&["explain", "131"], "SIGQUIT"),
        (&["explain", "42"], "the program's own"),
        (&["explain", "-1"], "execve"),
        (&["explain", "300"], "modulo 256"),
        (&["explain", r#"exec: "app": executable file not found in $PATH"#], "command-not-found"),
        (&["explain", "exec", "/app:", "no", "such", "file", "or", "directory"], "interpreter-not-found"),
        (&["explain", "exec /app: exec format error"], "wrong-architecture"),
    ] {
        let run = bench.run(what);
        assert_eq!(run.code, Some(0), "{what:?}: {}", run.stderr);
        assert!(run.stdout.contains(says), "{what:?}: {}", run.stdout);
    }
    for code in [0, 1, 2, 125, 126, 127, 128, 130, 134, 137, 139, 143, 255] {
        let text = bench.run(&["explain", &code.to_string()]).stdout;
        assert!(text.starts_with(&format!("{code} ")) && text.lines().count() > 2, "{text}");
        assert!(!text.contains("the program's own\n"), "{text}");
    }
}

#[test]
fn the_catalogue() {
    let bench = Bench::new();
    let rules = bench.run(&["rules", "--format", "json"]).json();
    assert_eq!(rules["schema"], "imagelint.rules/1");
    let rules = rules["rules"].as_array().unwrap();
    assert!(rules.len() > 20);
    for rule in rules {
        assert_eq!(keys(rule), ["exit_codes", "name", "severity", "since", "summary"]);
        let name = rule["name"].as_str().unwrap();
        assert!(rule["summary"].is_string() && rule["severity"].is_string(), "{name}");
        assert_eq!(bench.run(&["explain", name]).code, Some(0));
    }
}

/// groff(1) has nothing to complain of.
fn no_warnings(bench: &Bench, page: &str) {
    fs::write(bench.path("page.1"), page).unwrap();
    match Command::new("groff").args(["-man", "-ww", "-Tutf8"]).arg(bench.path("page.1")).output() {
        Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stderr), ""),
        Err(_) => eprintln!("SKIPPED: groff is not here, so nothing is known of its warnings"),
    }
}

#[test]
fn completions_and_manual() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(bench.run(&["completions", shell]).stdout.contains("imagelint"), "{shell}");
    }
    let man = bench.run(&["man"]).stdout;
    assert!(man.contains(".TH imagelint 1") && man.contains("tracked") && man.contains("imagelint\\-init(1)"), "{man}");
    let init = bench.run(&["man", "init"]).stdout;
    assert!(init.contains(".TH imagelint-init 1") && init.contains("github"), "{init}");
    let run = bench.run(&["man", "nothing"]);
    assert!(run.code == Some(2) && run.stderr.contains("there are check,"), "{}", run.stderr);
    for page in [man, init] {
        no_warnings(&bench, &page);
    }
}

/// A symbolic link, a FIFO, a device and standard output stay what they are.
#[test]
fn reports_are_written_to_what_a_name_leads_to() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    let bench = Bench::new();
    bench.broken("broken");
    fs::write(bench.path("real.json"), "old").unwrap();
    fs::set_permissions(bench.path("real.json"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("real.json", bench.path("link.json")).unwrap();
    symlink("new.json", bench.path("dangling.json")).unwrap();
    let run = bench.run(&["broken", "--report", "json=link.json", "--report", "json=dangling.json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    for (link, file) in [("link.json", "real.json"), ("dangling.json", "new.json")] {
        assert!(bench.path(link).is_symlink(), "{link}");
        assert!(fs::read_to_string(bench.path(file)).unwrap().contains("imagelint.report/1"), "{file}");
    }
    assert_eq!(fs::metadata(bench.path("real.json")).unwrap().permissions().mode() & 0o777, 0o600);

    // Through links of the test's own: a program that replaces what it is given must not get at the machine's.
    symlink("/dev/stdout", bench.path("stdout")).unwrap();
    symlink("/dev/null", bench.path("null")).unwrap();
    let run = bench.run(&["-q", "broken", "--report", "json=stdout"]);
    assert!(run.stdout.starts_with("oci-layout") && run.stdout.contains("imagelint.report/1"), "{}", run.stdout);
    let run = bench.run(&["broken", "--report", "json=null"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    assert!(bench.path("stdout").is_symlink());
    assert!(fs::metadata(bench.path("null")).unwrap().file_type().is_char_device());

    let fifo = bench.path("fifo");
    if !Command::new("mkfifo").arg(&fifo).status().is_ok_and(|status| status.success()) {
        return;
    }
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::read_to_string(fifo).unwrap()
    });
    assert_eq!(bench.run(&["broken", "--report", "json=fifo"]).code, Some(1));
    assert!(reader.join().unwrap().contains("imagelint.report/1"));
    assert!(fs::metadata(fifo).unwrap().file_type().is_fifo());
    assert!(bench.names().iter().all(|name| !name.ends_with(".tmp")), "{:?}", bench.names());
}

/// Standard output that goes to a file gets the report at its end rather than another file in its place.
#[test]
fn a_report_to_standard_output_in_a_file_is_appended() {
    let bench = Bench::new();
    bench.broken("broken");
    let out = fs::File::create(bench.path("out")).unwrap();
    std::os::unix::fs::symlink("/dev/stdout", bench.path("stdout")).unwrap();
    let status = bench.command(&["-q", "broken", "--report", "json=stdout"]).stdout(out).status().unwrap();
    assert_eq!(status.code(), Some(1));
    let text = fs::read_to_string(bench.path("out")).unwrap();
    assert!(text.starts_with("oci-layout") && text.contains("imagelint.report/1"), "{text}");
}

#[test]
fn reports_do_not_overwrite_images_or_each_other() {
    let bench = Bench::new();
    bench.sound("sound");
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(".", bench.path("sound")).unwrap();
    let archive = tar.into_inner().unwrap();
    fs::write(bench.path("image.tar"), &archive).unwrap();
    fs::hard_link(bench.path("image.tar"), bench.path("same.tar")).unwrap();
    std::os::unix::fs::symlink("image.tar", bench.path("link.tar")).unwrap();
    for (arguments, says) in [
        (&["image.tar", "--report", "json=image.tar"][..], "would overwrite the image `image.tar`"),
        (&["oci-archive:image.tar", "--report", "json=./image.tar"], "would overwrite the image"),
        (&["oci-archive:image.tar:app:1", "--report", "json=same.tar"], "would overwrite the image"),
        (&["trace", "image.tar", "--report", "text=link.tar"], "would overwrite the image"),
        (&["sound", "--report", "json=a", "--report", "text=./a"], "two reports go to one file"),
        (&["sound", "--report", "json=a", "--report", "text=sound/../a"], "two reports go to one file"),
        (&["image.tar", "--report", "json=link", "--report", "json=link"], "two reports go to one file"),
    ] {
        let run = bench.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.contains(says), "{arguments:?}: {}", run.stderr);
    }
    assert!(fs::read(bench.path("image.tar")).unwrap() == archive);
    assert_eq!(bench.names(), ["image.tar", "link.tar", "same.tar", "sound"]);
}

#[test]
fn a_quiet_trace_is_a_line_an_engine() {
    let bench = Bench::new();
    bench.broken("broken");
    let text = bench.run(&["trace", "-q", "broken", "--report", "text=trace.txt"]).stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    for (line, begin) in lines.iter().zip(["oci-layout broken", "  docker ", "  podman ", "  kubernetes "]) {
        assert!(line.starts_with(begin), "{text}");
    }
    assert_eq!(fs::read_to_string(bench.path("trace.txt")).unwrap(), text);
    assert!(bench.run(&["trace", "-v", "broken"]).stdout.contains("crun-1.8"));
    let json = |arguments: &[&str]| bench.run(&[&["trace", "--format", "json"], arguments].concat()).stdout;
    assert_eq!(json(&["-q", "broken"]), json(&["broken"]));
}

#[test]
fn names_on_the_command_line_are_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    let odd = std::ffi::OsStr::from_bytes(b"a\xffb.tar");
    for before in [&[][..], &["check"], &["trace", "--format", "json"]] {
        let run: Run = bench.command(before).arg(odd).output().unwrap().into();
        assert_eq!(run.code, Some(2));
        assert!(run.stderr.contains(r"a\xFFb.tar") && run.stderr.contains("not UTF-8"), "{}", run.stderr);
    }
}

/// Neither colours nor links where they are not wanted, whatever goes wrong; links never.
#[test]
fn colour_and_links_of_errors() {
    let bench = Bench::new();
    bench.broken("broken");
    let text = |arguments: &[&str], variables: &[(&str, &str)]| {
        let run: Run = bench.command(arguments).envs(variables.iter().copied()).output().unwrap().into();
        run.stdout + &run.stderr
    };
    let forced = &[("CLICOLOR_FORCE", "1")][..];
    for arguments in
        [&["broken"][..], &["trace", "broken"], &["explain", "nonsense"], &["rules"], &["broken", "absent"]]
    {
        let with = |color: &'static str| [arguments, &["--color", color]].concat();
        assert!(!text(&with("never"), forced).contains('\x1b'), "{arguments:?}");
        let always = text(&with("always"), &[("NO_COLOR", "1")]);
        assert!(always.contains("\x1b[") && !always.contains("\x1b]"), "{arguments:?}: {always:?}");
        assert!(!text(arguments, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]).contains('\x1b'), "{arguments:?}");
        assert!(!text(arguments, &[("CLICOLOR", "1")]).contains('\x1b'), "{arguments:?}");
    }
    assert!(!text(&["broken", "--select", "nonsense", "--color", "never"], forced).contains('\x1b'));
}

/// What a fix leads to is looked at before it is offered.
#[test]
fn interpreters_are_offered_where_they_are() {
    let bench = Bench::new();
    let script = |name: &str, line: &str| {
        let files: &[File<'_>] = &[("start.sh", 0o644, line.as_bytes()), ("bin/sh", 0o755, &ok())];
        bench.image(name, json!({ "Entrypoint": ["/start.sh"] }), "", files);
        bench.run(&[name]).stdout.replace("\n  │ ", " ")
    };
    let sh = script("sh", "#!/bin/sh -e\n");
    assert!(sh.contains(r#"ENTRYPOINT ["/bin/sh", "-e", "/start.sh"]"#) && !sh.contains("missing next"), "{sh}");
    for (name, line, missing) in [("bash", "#!/bin/bash\n", "`/bin/bash`"), ("cr", "#!/bin/sh\r\n", r"`/bin/sh\r`")] {
        let text = script(name, line);
        assert!(!text.contains("let its interpreter read it"), "{text}");
        assert!(text.contains("once it is executable, its interpreter will be missing next"), "{text}");
        assert!(text.contains(&format!("{missing} is not in the image")), "{text}");
    }
}

#[test]
fn a_health_check_without_a_command_is_named() {
    let bench = Bench::new();
    for test in [json!(["CMD"]), json!(["CMD", ""])] {
        let config = json!({ "Cmd": ["/ok"], "Healthcheck": { "Test": test } });
        bench.image("odd", config, "", &[("ok", 0o755, &ok())]);
        let run = bench.run(&["odd"]);
        assert_eq!(run.code, Some(1));
        assert!(run.stdout.contains("HEALTHCHECK names no command"), "{}", run.stdout);
        assert!(!run.stdout.contains("ENTRYPOINT"), "{}", run.stdout);
    }
}

/// The line of exit codes has them; the reasons add what it does not have.
#[test]
fn exit_codes_are_told_once() {
    let bench = Bench::new();
    bench.broken("broken");
    let text = bench.run(&["broken"]).stdout;
    assert_eq!(text.matches("255").count(), 2, "once for docker, once for kubernetes: {text}");
    assert!(text.contains("CrashLoopBackOff") && text.contains("1 with Docker"), "{text}");
}

#[test]
fn programs_for_another_machine_are_not_taken_for_go() {
    let bench = Bench::new();
    let arm = support::elf::programs().into_iter().find(|(name, _)| *name == "ok-arm64").unwrap().1;
    bench.image("arm", json!({ "Cmd": ["/usr/bin/bash"] }), "", &[("usr/bin/bash", 0o755, &arm)]);
    let text = bench.run(&["arm"]).stdout;
    assert!(!text.contains("go build") && text.contains("docker build --platform linux/amd64 ."), "{text}");
}

/// What the README shows is what a fresh clone prints.
#[test]
fn the_readme_shows_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, after) = readme.split_once("fixtures/demo-image\n").unwrap();
    let (shown, _) = after.split_once("  …\n").unwrap();
    let printed = Command::new(env!("CARGO_BIN_EXE_imagelint"))
        .args(["--no-cache", "fixtures/demo-image"])
        .current_dir(root)
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    assert_eq!(printed.status.code(), Some(1));
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.starts_with(shown), "{printed}");
}

/// An image of several platforms: what index and configuration say, and the program.
type Variant<'a> = (&'a str, &'a str, Vec<u8>);

impl Bench {
    /// A base layer that all have in common, the program in one of its own.
    fn platforms(&self, name: &str, variants: &[Variant<'_>]) {
        let root = self.path(name);
        fs::create_dir_all(root.join("blobs/sha256")).unwrap();
        let layer = |path: &str, bytes: &[u8]| {
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o755);
            tar.append_data(&mut header, path, bytes).unwrap();
            blob(&root, &tar.into_inner().unwrap(), "application/vnd.oci.image.layer.v1.tar")
        };
        let base = layer("etc/passwd", b"root:x:0:0::/:/bin/sh\n");
        let mut manifests = Vec::new();
        for (platform, architecture, program) in variants {
            let layers = [base.clone(), layer("app", program)];
            let config = json!({
                "architecture": architecture, "os": "linux", "config": { "Cmd": ["/app"] },
                "rootfs": { "type": "layers", "diff_ids": layers.clone().map(|layer| layer["digest"].clone()) },
            });
            let config = blob(&root, config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
            let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
            let bytes = manifest.to_string();
            let mut manifest = blob(&root, bytes.as_bytes(), "application/vnd.oci.image.manifest.v1+json");
            let (os, architecture) = platform.split_once('/').unwrap();
            manifest["platform"] = json!({ "os": os, "architecture": architecture });
            manifests.push(manifest);
        }
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        fs::write(root.join("index.json"), index.to_string()).unwrap();
        fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    }

    /// Lists a platform in the index of `name`, and nothing else of it.
    fn absent(&self, name: &str, architecture: &str) {
        let path = self.path(name).join("index.json");
        let mut index: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        index["manifests"].as_array_mut().unwrap().push(json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 8,
            "digest": format!("sha256:{}", "0".repeat(64)),
            "platform": { "os": "linux", "architecture": architecture },
        }));
        fs::write(path, index.to_string()).unwrap();
    }
}

fn arm64() -> Vec<u8> {
    support::elf::programs().into_iter().find(|(name, _)| *name == "ok-arm64").unwrap().1
}

#[test]
fn all_platforms_have_one_verdict() {
    let bench = Bench::new();
    bench.platforms("good", &[("linux/amd64", "amd64", ok()), ("linux/arm64", "arm64", arm64())]);
    bench.platforms("bad", &[("linux/amd64", "amd64", ok()), ("linux/arm64", "arm64", ok())]);
    bench.platforms("partial", &[("linux/amd64", "amd64", ok()), ("linux/arm64", "arm64", ok())]);
    bench.absent("partial", "s390x");
    for (name, options, code) in [
        ("good", &["--all-platforms"][..], 0),
        ("bad", &[], 0),
        ("bad", &["--all-platforms"], 1),
        ("bad", &["--all-platforms", "--fail-on", "never"], 0),
        ("partial", &["--all-platforms"], 2),
        ("partial", &["--platform", "linux/amd64"], 0),
        ("good", &["--all-platforms", "--platform", "linux/amd64"], 2),
    ] {
        assert_eq!(bench.run(&[&[name], options].concat()).code, Some(code), "{name} {options:?}");
    }
    let run = bench.run(&["check", "partial", "--all-platforms"]);
    assert!(run.stdout.contains(", linux/amd64\n") && run.stdout.contains(", linux/arm64\n"), "{}", run.stdout);
    assert!(run.stderr.contains("linux/s390x") && run.stderr.contains("the blob is missing"), "{}", run.stderr);
    let run = bench.run(&["trace", "good", "--all-platforms", "--platform", "linux/amd64"]);
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
}

#[test]
fn all_platforms_in_json() {
    let bench = Bench::new();
    bench.platforms("partial", &[("linux/amd64", "amd64", ok()), ("linux/arm64", "arm64", ok())]);
    bench.absent("partial", "s390x");
    let platforms =
        |images: &[Value]| images.iter().map(|image| image["image"]["platform"].clone()).collect::<Vec<_>>();
    let run = bench.run(&["trace", "partial", "--all-platforms", "--format", "json"]);
    assert_eq!(run.code, Some(2));
    let traces: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(platforms(&traces), ["linux/amd64", "linux/arm64"]);
    assert_eq!(
        (&traces[0]["paths"][0]["outcome"], &traces[1]["paths"][0]["outcome"]),
        (&json!("runs"), &json!("fails"))
    );
    let report = bench.run(&["check", "partial", "--all-platforms", "--format", "json"]).json();
    assert_eq!(platforms(report["images"].as_array().unwrap()), ["linux/amd64", "linux/arm64"]);
    let [error] = report["errors"].as_array().unwrap().as_slice() else { panic!("one error") };
    assert_eq!((&error["reference"], &error["platform"]), (&json!("partial"), &json!("linux/s390x")));
    assert_eq!(report["summary"]["errors"], 1);
    let digests: Vec<_> = traces.iter().map(|trace| &trace["image"]["digest"]).collect();
    assert!(digests[0] != digests[1]);
}

#[test]
fn all_platforms_of_an_archive_on_standard_input() {
    let bench = Bench::new();
    bench.platforms("bad", &[("linux/arm64", "arm64", ok()), ("linux/amd64", "amd64", ok())]);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(".", bench.path("bad")).unwrap();
    let mut command = bench.command(&["trace", "-", "--all-platforms", "--format", "json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&tar.into_inner().unwrap()).unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    let outcomes =
        run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["paths"][0]["outcome"].clone());
    assert_eq!(
        (run.code, outcomes.collect::<Vec<_>>()),
        (Some(0), vec![json!("fails"), json!("runs")]),
        "{}",
        run.stderr
    );
}

/// The finding names the platforms that have the same file, whichever of them is read first.
#[test]
fn one_binary_under_two_platforms() {
    let bench = Bench::new();
    let same = "the same file is in linux/amd64 and linux/arm64, in a layer that they share: \
                the build copied one binary to both";
    for (name, order) in [("first", ["amd64", "arm64"]), ("last", ["arm64", "amd64"])] {
        let platforms = order.map(|a| format!("linux/{a}"));
        bench.platforms(name, &[(&platforms[0], order[0], ok()), (&platforms[1], order[1], ok())]);
        let report = bench.run(&["check", name, "--all-platforms", "--format", "json"]).json();
        let findings = report["images"].as_array().unwrap().iter().flat_map(|i| i["findings"].as_array().unwrap());
        let [finding] = findings.collect::<Vec<_>>()[..] else { panic!("one finding: {report}") };
        let told = |text: &str| finding["because"].as_array().unwrap().iter().any(|b| b["message"] == text);
        assert!(told(same), "{finding}");
        assert_eq!(finding["fixes"][0]["text"], "COPY app-$TARGETARCH /app");
    }
    // In a layer of its own it is known by its length and header, if it was met before.
    for (name, ours, theirs, is_told) in [("alike", vec![0], vec![1], true), ("longer", vec![], vec![1], false)] {
        let [ours, theirs] = [ours, theirs].map(|end| [ok(), end].concat());
        bench.platforms(name, &[("linux/amd64", "amd64", ours), ("linux/arm64", "arm64", theirs)]);
        let text = bench.run(&[name, "--all-platforms"]).stdout;
        assert_eq!(text.contains("a file of the same length and header is in linux/amd64 and"), is_told, "{text}");
        assert!(!text.contains("in a layer that they share"), "{text}");
    }
    let alone = bench.run(&["first", "--platform", "linux/arm64"]).stdout;
    assert!(alone.contains("wrong-architecture") && !alone.contains("one binary"), "{alone}");
}

#[test]
fn index_configuration_and_program_are_compared() {
    let bench = Bench::new();
    for (name, index, architecture, program, code, message) in [
        (
            "configuration",
            "linux/amd64",
            "arm64",
            ok(),
            1,
            "the index says `linux/amd64`, and the configuration `linux/arm64`; `/app` is built for amd64",
        ),
        (
            "program",
            "linux/amd64",
            "arm64",
            arm64(),
            1,
            "`/app` is built for arm64, the index says linux/amd64, and the configuration linux/arm64",
        ),
        ("none", "linux/s390x", "arm64", ok(), 1, "the index says linux/s390x, and the configuration linux/arm64"),
    ] {
        bench.platforms(name, &[(index, architecture, program)]);
        let run = bench.run(&[name, "-q"]);
        assert_eq!((run.code, run.stdout.contains(message)), (Some(code), true), "{name}: {}", run.stdout);
        assert_eq!(run.stdout.contains("warning["), name == "configuration", "{}", run.stdout);
    }
    bench.platforms("script", &[("linux/amd64", "arm64", b"#!/absent\n".to_vec())]);
    let options = ["script", "--deep", "--env", "PATH=/", "--select", "wrong-architecture", "-q"];
    let deep = bench.run(&options).stdout;
    assert_eq!(deep.matches("wrong-architecture").count(), 1, "of the image, not of a program: {deep}");
}
