//! What a project says of its findings, from the files to the exit code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod baseline;
mod ignores;
mod settings;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

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
