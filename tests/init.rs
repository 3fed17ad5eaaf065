//! What `imagelint init` writes, in scratch repositories of a real git; its hook is run by a real `git push`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const BAD: &str = "FROM scratch\nCOPY --chmod=0755 start.sh /\nENTRYPOINT [\"/start.sh\"]\n";
const GOOD: &str = "FROM debian:12\nCMD [\"sleep\", \"1\"]\n";
const SCRIPT: &str = "#!/bin/bash\nexec app\n";

/// A repository with a bare one as its remote.
struct Bench {
    directory: TempDir,
}

/// How a command ended, and all that it said.
struct Run {
    code: Option<i32>,
    said: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let said = [output.stdout, output.stderr].concat();
        Run { code: output.status.code(), said: String::from_utf8_lossy(&said).into_owned() }
    }
}

impl Bench {
    fn new() -> Self {
        let bench = Bench { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(bench.directory.path().join("home")).unwrap();
        bench.git_in("", &["init", "--quiet", "--bare", "remote"]);
        bench.git_in("", &["init", "--quiet", "--initial-branch=main", "work"]);
        bench.git(&["remote", "add", "origin", "../remote"]);
        bench
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn work(&self, path: &str) -> PathBuf {
        self.at("work").join(path)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.work(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// In a directory, with nothing of the user's configuration, and imagelint in PATH if it is `installed`.
    fn command(&self, directory: &str, program: &str, installed: bool) -> Command {
        let program_directory = Path::new(env!("CARGO_BIN_EXE_imagelint")).parent().unwrap();
        let usual = std::env::var_os("PATH").unwrap();
        let usual = std::env::split_paths(&usual).filter(|directory| !directory.join("imagelint").exists());
        let first = installed.then(|| program_directory.to_owned());
        let mut command = Command::new(program);
        command.current_dir(self.at(directory)).stdin(Stdio::null());
        command.env("PATH", std::env::join_paths(first.into_iter().chain(usual)).unwrap());
        command.env("HOME", self.at("home")).env("TMPDIR", self.directory.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("IMAGELINT_CACHE_DIR", self.at("cache"));
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"] {
            command.env_remove(name);
        }
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "a").env(format!("GIT_{who}_EMAIL"), "a@example.org");
        }
        command
    }

    fn git_in(&self, directory: &str, arguments: &[&str]) {
        let run = Run::from(self.command(directory, "git", false).args(arguments).output().unwrap());
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.said);
    }

    fn git(&self, arguments: &[&str]) {
        self.git_in("work", arguments);
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    }

    fn imagelint_in(&self, directory: &str, arguments: &[&str]) -> Run {
        self.command(directory, env!("CARGO_BIN_EXE_imagelint"), true).args(arguments).output().unwrap().into()
    }

    fn init(&self, arguments: &[&str]) -> Run {
        self.imagelint_in("work", &[&["init"], arguments].concat())
    }

    fn push_in(&self, directory: &str, arguments: &[&str]) -> Run {
        self.command(directory, "git", true).arg("push").args(arguments).output().unwrap().into()
    }

    fn push(&self, arguments: &[&str]) -> Run {
        self.push_in("work", arguments)
    }

    fn refused(&self, arguments: &[&str]) {
        let run = self.push(arguments);
        assert_eq!(run.code, Some(1), "{arguments:?}: {}", run.said);
        assert!(run.said.contains("interpreter-not-found") && run.said.contains("--no-verify"), "{}", run.said);
        self.nothing_is_left();
    }

    fn passes(&self, arguments: &[&str]) -> Run {
        let run = self.push(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.said);
        self.nothing_is_left();
        run
    }

    /// Checkouts of the hook: neither in git's list nor on the disk.
    fn nothing_is_left(&self) {
        let left = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("tmp.");
        assert!(!fs::read_dir(self.directory.path()).unwrap().any(|entry| left(entry.unwrap())));
        assert!(!self.work(".git/worktrees").exists());
    }

    /// With the hook, and a defect committed.
    fn defective() -> Self {
        let bench = Bench::new();
        assert_eq!(bench.init(&["--hook"]).code, Some(0));
        bench.put("Dockerfile", BAD);
        bench.put("start.sh", SCRIPT);
        bench.commit();
        bench
    }
}

#[test]
fn a_push_with_a_defect_is_refused_until_it_is_mended() {
    let bench = Bench::defective();
    bench.refused(&["origin", "main"]);
    // Mended in the work tree only is not mended in what is pushed.
    bench.put("Dockerfile", GOOD);
    bench.refused(&["origin", "main"]);
    bench.commit();
    assert_eq!(bench.passes(&["origin", "main"]).said.matches("imagelint:").count(), 0);
    // A defect in the work tree that nobody gets yet is not held against the push.
    bench.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    bench.put("Dockerfile", BAD);
    bench.passes(&["origin", "main"]);
}

/// Modes are in the index, and nothing in the work tree tells that one was changed there.
#[test]
fn a_mode_that_is_staged_only_is_not_pushed() {
    let bench = Bench::new();
    assert_eq!(bench.init(&["--hook"]).code, Some(0));
    bench.put("Dockerfile", "FROM alpine:3\nCOPY start.sh /\nENTRYPOINT [\"/start.sh\"]\n");
    bench.put("start.sh", "#!/bin/sh\nexec sleep 1\n");
    bench.commit();
    bench.git(&["update-index", "--chmod=+x", "start.sh"]);
    let run = bench.push(&["origin", "main"]);
    assert!(run.code == Some(1) && run.said.contains("not-executable"), "{}", run.said);
    bench.git(&["commit", "--quiet", "--message=x"]);
    let run = bench.push(&["origin", "main"]);
    assert!(!run.said.contains("not-executable"), "{}", run.said);
}

#[test]
fn the_hook_judges_what_is_pushed_whatever_is_checked_out() {
    let bench = Bench::defective();
    bench.git(&["tag", "-a", "-m", "x", "v1"]);
    bench.git(&["checkout", "--quiet", "-b", "other"]);
    bench.put("Dockerfile", GOOD);
    bench.commit();
    bench.refused(&["origin", "main"]);
    bench.refused(&["origin", "v1"]);
    bench.refused(&["origin", "main", "other"]);
    bench.refused(&["../remote", "HEAD~1:refs/heads/main"]);
    bench.passes(&["origin", "other"]);
    // The remote has its objects, and ref by ref there is nothing new to look at.
    bench.passes(&["--no-verify", "origin", "main"]);
    bench.passes(&["origin", "main:third", "v1"]);
    // Nothing to push, and refs that are deleted.
    bench.passes(&["origin", "other"]);
    bench.passes(&["origin", "--delete", "third"]);
    bench.passes(&["origin", ":other"]);
}

#[test]
fn the_hook_in_work_trees_and_from_directories_below() {
    let bench = Bench::defective();
    bench.git(&["worktree", "add", "--quiet", "-b", "linked", "../linked"]);
    let run = bench.push_in("linked", &["origin", "linked"]);
    assert!(run.code == Some(1) && run.said.contains("interpreter-not-found"), "{}", run.said);
    fs::create_dir(bench.at("linked/below")).unwrap();
    fs::write(bench.at("linked/Dockerfile"), GOOD).unwrap();
    let run = bench.push_in("linked/below", &["origin", "linked"]);
    assert!(run.code == Some(1) && run.said.contains("interpreter-not-found"), "{}", run.said);
    bench.git_in("linked", &["commit", "--quiet", "--all", "--message=x"]);
    assert_eq!(bench.push_in("linked/below", &["origin", "linked"]).code, Some(0));
}

#[test]
fn names_may_have_any_byte() {
    for name in ["a b/Dockerfile", "a\nb/Dockerfile.prod", "-f/\"q\".dockerfile", "ä/Containerfile"] {
        let bench = Bench::new();
        assert_eq!(bench.init(&["--hook"]).code, Some(0));
        bench.put(name, BAD);
        bench.put(&format!("{}/start.sh", name.split('/').next().unwrap()), SCRIPT);
        bench.commit();
        bench.refused(&["origin", "main"]);
        bench.put(name, GOOD);
        bench.commit();
        bench.passes(&["origin", "main"]);
    }
}

#[test]
fn without_imagelint_only_what_has_no_dockerfile_is_pushed() {
    let bench = Bench::new();
    assert_eq!(bench.init(&["--hook"]).code, Some(0));
    bench.put("README", "x");
    bench.put("src/dockerfiles.rs", "x");
    bench.commit();
    let push = || Run::from(bench.command("work", "git", false).args(["push", "origin", "main"]).output().unwrap());
    let run = push();
    assert_eq!(run.code, Some(0), "{}", run.said);
    bench.put("Dockerfile", GOOD);
    bench.commit();
    let run = push();
    assert_eq!(run.code, Some(1));
    assert!(run.said.contains("not installed") && run.said.contains("--no-verify"), "{}", run.said);
}

#[test]
fn a_dockerfile_that_is_none_refuses_the_push() {
    let bench = Bench::new();
    assert_eq!(bench.init(&["--hook"]).code, Some(0));
    bench.put("Dockerfile", "RUN nothing\n");
    bench.commit();
    let run = bench.push(&["origin", "main"]);
    assert!(run.code == Some(1) && run.said.contains("no build stage has begun"), "{}", run.said);
}

#[test]
fn nothing_is_overwritten() {
    let bench = Bench::new();
    let all = ["--config", "--hook", "--github", "--gitlab"];
    let files = [
        "imagelint.toml",
        ".git/hooks/pre-push",
        ".github/workflows/imagelint.yml",
        ".gitlab/imagelint.gitlab-ci.yml",
        ".gitlab-ci.yml",
    ];
    let run = bench.init(&all);
    assert_eq!((run.code, run.said.matches("wrote ").count()), (Some(0), 4), "{}", run.said);
    let texts = files.map(|file| fs::read_to_string(bench.work(file)).unwrap());
    assert_ne!(fs::metadata(bench.work(files[1])).unwrap().permissions().mode() & 0o111, 0);
    // Once more is no error and changes nothing.
    let run = bench.init(&all);
    assert_eq!((run.code, run.said.matches("left alone").count()), (Some(0), 4), "{}", run.said);
    assert_eq!(files.map(|file| fs::read_to_string(bench.work(file)).unwrap()), texts);
    // What others wrote stays, and the lines to add are shown where it matters.
    for file in files {
        fs::write(bench.work(file), "exit 0 # mine\n").unwrap();
    }
    let run = bench.init(&all);
    assert_eq!(run.code, Some(2), "{}", run.said);
    assert!(run.said.contains("imagelint check --tracked </dev/null >&2 || exit 1"), "{}", run.said);
    assert!(run.said.contains("- local: .gitlab/imagelint.gitlab-ci.yml"), "{}", run.said);
    for file in files {
        assert_eq!(fs::read_to_string(bench.work(file)).unwrap(), "exit 0 # mine\n", "{file}");
    }
}

/// The line that is shown does what it should.
#[test]
fn the_line_for_a_hook_that_is_there() {
    let bench = Bench::new();
    let hook = bench.work(".git/hooks/pre-push");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\ncat >/dev/null\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let run = bench.init(&["--hook"]);
    let line = run.said.lines().find(|line| line.starts_with("    ")).unwrap();
    fs::write(&hook, format!("#!/bin/sh\ncat >/dev/null\n{}\n", line.trim())).unwrap();
    bench.put("Dockerfile", BAD);
    bench.put("start.sh", SCRIPT);
    bench.commit();
    assert_eq!(bench.push(&["origin", "main"]).code, Some(1));
    bench.put("Dockerfile", GOOD);
    bench.commit();
    bench.passes(&["origin", "main"]);
}

#[test]
fn a_link_that_leads_nowhere_is_not_followed() {
    let bench = Bench::new();
    symlink(bench.at("elsewhere"), bench.work("imagelint.toml")).unwrap();
    let run = bench.init(&["--config"]);
    assert!(run.code == Some(0) && run.said.contains("left alone"), "{}", run.said);
    assert!(!bench.at("elsewhere").exists());
}

#[test]
fn hooks_are_where_git_says() {
    let bench = Bench::new();
    bench.commit();
    bench.put("below/x", "");
    bench.git(&["config", "core.hooksPath", "my hooks"]);
    let run = bench.imagelint_in("work/below", &["init", "--hook"]);
    assert!(run.code == Some(0) && bench.work("my hooks/pre-push").is_file(), "{}", run.said);
    bench.git(&["config", "--unset", "core.hooksPath"]);
    bench.git(&["worktree", "add", "--quiet", "../linked"]);
    let run = bench.imagelint_in("linked", &["init", "--hook"]);
    assert!(run.code == Some(0) && bench.work(".git/hooks/pre-push").is_file(), "{}", run.said);
    // Those of all repositories are not ours to change.
    let other = Bench::new();
    other.git(&["config", "--global", "core.hooksPath", "~/hooks"]);
    let run = other.init(&["--hook"]);
    assert!(run.code == Some(2) && run.said.contains("core.hooksPath"), "{}", run.said);
    assert!(!other.at("home/hooks").exists());
    other.git(&["config", "--local", "core.hooksPath", ".git/hooks"]);
    assert_eq!(other.init(&["--hook"]).code, Some(0));
}

#[test]
fn outside_of_repositories_and_without_a_word() {
    let bench = Bench::new();
    for (directory, arguments, code, said) in [
        ("work", &["init"][..], 2, "--hook"),
        ("home", &["init", "--hook"], 2, "not a git repository"),
        ("home", &["init", "--github"], 2, "not a git repository"),
        ("home", &["init", "--config"], 0, "wrote imagelint.toml"),
        ("home", &["check", "--tracked"], 2, "not a git repository"),
        ("work", &["check", "--tracked"], 0, "no Dockerfile"),
        ("work", &["check", "--tracked", "image"], 2, "cannot be used with"),
    ] {
        let run = bench.imagelint_in(directory, arguments);
        assert!(run.code == Some(code) && run.said.contains(said), "{arguments:?} {:?} {}", run.code, run.said);
    }
}

#[test]
fn tracked_dockerfiles() {
    let bench = Bench::new();
    for (path, text) in [("a/Dockerfile", BAD), ("a/start.sh", SCRIPT), ("b/app.dockerfile", GOOD), ("c/x.rs", BAD)] {
        bench.put(path, text);
    }
    bench.put("gone/Dockerfile", BAD);
    bench.git(&["add", "--all"]);
    bench.put("untracked/Dockerfile", "nonsense");
    fs::remove_file(bench.work("gone/Dockerfile")).unwrap();
    for (directory, arguments, code, read) in [
        ("work", &["--tracked", "--no-cache"][..], 1, &["a/Dockerfile", "b/app.dockerfile"][..]),
        ("work", &["check", "--tracked=:!a"], 0, &["b/app.dockerfile"]),
        ("work", &["check", "--tracked=a", "--tracked=b"], 1, &["a/Dockerfile", "b/app.dockerfile"]),
        ("work/b", &["check", "--tracked"], 0, &["app.dockerfile"]),
        ("work", &["check", "--tracked=c"], 0, &[]),
    ] {
        let run = bench.imagelint_in(directory, &[arguments, &["--format", "json"]].concat());
        assert_eq!(run.code, Some(code), "{arguments:?} {}", run.said);
        let json: serde_json::Value =
            serde_json::from_str(&run.said[run.said.find('{').unwrap()..]).unwrap_or_default();
        let images = json["images"].as_array().cloned().unwrap_or_default();
        let names: Vec<_> = images.iter().filter_map(|image| image["image"]["reference"].as_str()).collect();
        assert!(
            names.len() == read.len() && names.iter().zip(read).all(|(name, path)| name.ends_with(path)),
            "{names:?}"
        );
    }
}

/// git sets GIT_DIR for hooks in linked work trees, and GIT_INDEX_FILE for those of a commit.
#[test]
fn what_git_tells_a_hook_does_not_lead_astray() {
    let bench = Bench::defective();
    bench.put("deep/Dockerfile", BAD);
    bench.put("deep/start.sh", "#!/bin/sh\nexec sleep 1\n");
    bench.commit();
    let mut command = bench.command("work", env!("CARGO_BIN_EXE_imagelint"), true);
    command.args(["check", "--tracked=deep", "--format", "json"]);
    let plain = command.output().unwrap().stdout;
    let hooked = command.env("GIT_DIR", bench.work(".git")).output().unwrap().stdout;
    assert_eq!(String::from_utf8_lossy(&plain), String::from_utf8_lossy(&hooked));
}

/// Docker's own command line finds the plugin, runs it, and hands its exit code on.
#[test]
fn plugin_of_docker() {
    let bench = Bench::new();
    let docker = |arguments: &[&str]| bench.command("work", "docker", true).args(arguments).output();
    if docker(&["--version"]).is_err() {
        assert!(std::env::var_os("IMAGELINT_REQUIRE_SERVERS").is_none(), "docker is not here, and is to be");
        eprintln!("SKIPPED: docker is not here, so nothing is known of the plugin under the real thing");
        return;
    }
    let run = |arguments: &[&str]| Run::from(docker(arguments).unwrap());
    let plugins = bench.at("home/.docker/cli-plugins");
    assert_ne!(run(&["imagelint", "rules"]).code, Some(0), "it is not installed yet");
    fs::create_dir_all(&plugins).unwrap();
    symlink(env!("CARGO_BIN_EXE_imagelint"), plugins.join("docker-imagelint")).unwrap();
    let version = run(&["imagelint", "--version"]);
    assert_eq!((version.code, version.said.trim()), (Some(0), concat!("imagelint ", env!("CARGO_PKG_VERSION"))));
    assert!(run(&["help"]).said.contains("imagelint*"));
    assert!(run(&["imagelint", "--help"]).said.contains("Usage: docker imagelint"));
    assert!(run(&["help", "imagelint"]).said.contains("Usage: docker imagelint"));
    bench.put("Dockerfile", BAD);
    bench.put("start.sh", SCRIPT);
    assert_eq!(run(&["imagelint", "-f", "Dockerfile"]).code, Some(1));
    assert_eq!(run(&["imagelint", "check", "--dockerfile", "absent"]).code, Some(2));
    assert_eq!(run(&["imagelint", "explain", "127"]).code, Some(0));
    let run = run(&["--debug", "imagelint", "rules"]);
    assert!(run.said.contains("options that stand before"), "{}", run.said);
}

#[test]
fn names_of_the_program() {
    let bench = Bench::new();
    symlink(env!("CARGO_BIN_EXE_imagelint"), bench.at("docker-imagelint")).unwrap();
    let mut command = Command::new(bench.at("docker-imagelint"));
    let metadata = command.arg("docker-cli-plugin-metadata").output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    assert_eq!((metadata["SchemaVersion"].as_str(), metadata["Vendor"].as_str()), (Some("0.1.0"), Some("imagelint")));
    assert_eq!(metadata["Version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    assert!(metadata["ShortDescription"].as_str().is_some_and(|text| !text.is_empty()));
    // Nothing of that under its own name.
    let run = bench.imagelint_in("work", &["docker-cli-plugin-metadata", "--offline"]);
    assert_eq!(run.code, Some(2));
}

/// The hook is for every POSIX shell: it is parsed by those that are here.
#[test]
fn the_hook_is_plain_sh() {
    let bench = Bench::new();
    bench.init(&["--hook"]);
    let hook = bench.work(".git/hooks/pre-push");
    let mut parsed = 0;
    for shell in [&["sh"][..], &["dash"], &["bash", "--posix"], &["busybox", "sh"]] {
        let mut command = Command::new(shell[0]);
        let arguments = shell[1..].iter().map(OsStr::new).chain([OsStr::new("-n"), hook.as_os_str()]);
        if let Ok(output) = command.args(arguments).output() {
            assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
            parsed += 1;
        }
    }
    assert!(parsed > 0, "no shell here");
}
