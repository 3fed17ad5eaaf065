//! What starts and what does not, in images of a few lines. What programs and shells end with was seen under runc 1.1.5
//! and crun 1.8.1.
#![allow(clippy::unwrap_used)]

#[path = "support/elf.rs"]
#[allow(dead_code)]
mod elf;
mod tree;

use imagelint::image::Image;
use imagelint::launch::{self, Outcome, Overrides};
use imagelint::rootfs::Rootfs;
use imagelint::rule::Subject;
use imagelint::rules::RULES;

/// An image with dash as /bin/sh, bash, busybox as /bin/ash, and GNU env; all of them stand-ins by name.
fn image(files: &[(&str, &[u8])], entrypoint: &[&str], env: &[&str]) -> Image {
    let (_, ok) = elf::programs().into_iter().find(|(name, _)| *name == "ok").unwrap();
    let programs = ["bin/ok", "bin/dash", "bin/bash", "bin/busybox", "usr/bin/env"];
    let mut lines = programs.to_vec();
    lines.extend(["bin/sh -> dash", "bin/ash -> busybox"]);
    lines.extend(files.iter().map(|(path, _)| *path));
    let mut contents: Vec<(&str, &[u8])> = programs.iter().map(|p| (*p, ok.as_slice())).collect();
    contents.extend(files);
    let mut image = tree::of(vec![tree::filled(&lines, &contents)]);
    image.configuration.entrypoint = entrypoint.iter().map(|w| w.to_string()).collect();
    image.configuration.env = env.iter().map(|e| e.to_string()).collect();
    image
}

/// How the newest Docker ends: `runs`, `unknown`, or an exit code and the rule that explains it.
fn docker(mut image: Image) -> String {
    let rootfs = Rootfs::build(&mut image).unwrap();
    let launch = launch::follow(&image, &rootfs, &Overrides::default());
    let start = &launch.starts[0];
    let rule = start.outcome.cause().map(|c| c.rule(&launch.process)).unwrap_or_default();
    match &start.outcome {
        Outcome::Runs => "runs".to_owned(),
        Outcome::Unknown(_) => "unknown".to_owned(),
        Outcome::Loops { .. } => format!("loops {rule}"),
        _ => format!("{:?} {rule}", start.seen().unwrap().exit_code.unwrap()),
    }
}

fn run(entrypoint: &[&str]) -> String {
    docker(image(&[], entrypoint, &[]))
}

#[test]
fn one_plain_command_of_a_shell_is_followed() {
    for shell in ["sh", "bash", "ash"] {
        assert_eq!(run(&[shell, "-c", "nope"]), "127 script-command-not-found");
        assert_eq!(run(&[shell, "-c", "ok"]), "runs");
        assert_eq!(run(&[shell, "-c", "set -e; env nope; ok"]), "127 command-not-found", "the shell is there");
        assert_eq!(run(&[shell, "-c", "exec ok --flag"]), "runs");
        assert_eq!(run(&[shell, "-c", "['a', 'b']"]), "127 broken-exec-form");
        assert_eq!(run(&[shell, "-c", "nope || ok"]), "runs", "more than is followed");
    }
}

#[test]
fn what_is_left_open_is_said() {
    let caveat = |entrypoint: &[&str]| {
        let mut image = image(&[], entrypoint, &[]);
        let rootfs = Rootfs::build(&mut image).unwrap();
        launch::follow(&image, &rootfs, &Overrides::default()).starts[0].caveat()
    };
    assert_eq!(caveat(&["ok"]), None);
    assert!(caveat(&["sh", "-c", "$(ok)"]).unwrap().contains("the shell gets control"));
    assert_eq!(caveat(&["sh", "-c", "nope || ok"]), None, "followed to its end");
    assert_eq!(caveat(&["sh", "-c", "exec ok"]), None, "followed to its end");
    assert_eq!(caveat(&["nope"]), None, "it does not run");
}

#[test]
fn a_shell_and_a_program_for_another_machine() {
    let programs = elf::programs();
    let (_, arm) = programs.iter().find(|(name, _)| *name == "ok-arm64").unwrap();
    for (shell, code) in [("sh", 126), ("bash", 126), ("ash", 2)] {
        let image = image(&[("app", arm)], &[shell, "-c", "/app"], &[]);
        assert_eq!(docker(image), format!("{code} wrong-architecture"), "{shell}");
    }
}

#[test]
fn bash_may_know_commands_that_are_in_no_file() {
    let bash = |env: &[&str]| docker(image(&[], &["bash", "-c", "nope"], env));
    assert_eq!(bash(&["BASH_ENV="]), "127 script-command-not-found");
    assert_eq!(bash(&["BASH_ENV=/root/.bashrc"]), "runs");
    assert_eq!(bash(&["BASH_FUNC_nope%%=() { ok; }"]), "runs");
    let dash = docker(image(&[], &["sh", "-c", "nope"], &["BASH_ENV=/x"]));
    assert_eq!(dash, "127 script-command-not-found", "dash does not look at it");
    for builtin in ["bind", "compopt", "coproc", "cd"] {
        let end = run(&["bash", "-c", builtin]);
        assert!(["runs", "0 script-ends"].contains(&end.as_str()), "{builtin}: {end}");
    }
}

#[test]
fn a_script_is_opened_by_its_shell() {
    assert_eq!(run(&["sh", "/nope.sh"]), "2 path-not-found");
    assert_eq!(run(&["bash", "/nope.sh"]), "127 path-not-found");
    let script = |text: &[u8]| docker(image(&[("app.sh", text)], &["sh", "/app.sh"], &[]));
    assert_eq!(script(b"exec ok\n"), "runs");
    assert_eq!(script(b"ok\r\n"), "127 carriage-return-in-shebang");
    let mut closed = image(&[("app.sh:600", b"ok\n")], &["sh", "/app.sh"], &[]);
    closed.configuration.user = "1000".to_owned();
    assert_eq!(docker(closed), "2 permission-denied-for-user");
}

#[test]
fn env_that_starts_the_script_again() {
    let script = |text: &[u8]| docker(image(&[("app", text)], &["/app"], &[]));
    assert_eq!(script(b"#!/usr/bin/env\n"), "loops shebang-arguments");
    assert_eq!(script(b"#!/usr/bin/env A=1 ok\n"), "loops shebang-arguments");
    assert_eq!(script(b"#!/usr/bin/env -S A=1 ok\n"), "runs");
    assert_eq!(script(b"#!/usr/bin/env ok\n"), "runs");
    assert_eq!(script(b"#!/usr/bin/env nope\n"), "127 interpreter-not-found");
}

#[test]
fn what_the_runtime_mounts() {
    let workdir = |path: &str| {
        let mut image = image(&[], &["ok"], &[]);
        image.configuration.working_dir = path.to_owned();
        docker(image)
    };
    for path in ["/proc", "/proc/", "/sys", "/dev", "/dev/shm"] {
        assert_eq!(workdir(path), "runs", "{path}");
    }
    assert_eq!(workdir("/proc/self"), "unknown");
    assert_eq!(workdir("/dev/stdin"), "unknown");
    assert_eq!(workdir("/dev/null"), "125 workdir-unusable");
    assert_eq!(docker(image(&[], &["ok"], &["PATH=/proc/self/cwd/bin"])), "unknown");
    assert_eq!(docker(image(&[], &["ok"], &["PATH=/bin:/proc/self/cwd/bin"])), "runs");
}

#[test]
fn long_lists_cost_little() {
    let path = format!("PATH={}", "/a:".repeat(40_000));
    assert_eq!(docker(image(&[], &["nope"], &[&path])), "127 command-not-found");
    let path = format!("PATH={}", "/a:".repeat(1_000_000));
    assert_eq!(docker(image(&[], &["nope"], &[&path])), "unknown");
    let word = "x".repeat(1000);
    let words: Vec<&str> = ["ok"].into_iter().chain(std::iter::repeat_n(word.as_str(), 3000)).collect();
    assert_eq!(run(&words), "255 argument-too-long");
    assert_eq!(run(&words[..2000]), "runs");
}

#[test]
fn users_are_looked_up_in_files_that_engines_can_read() {
    let user = |passwd: &[u8], user: &str| {
        let mut image = image(&[("etc/passwd", passwd)], &["ok"], &[]);
        image.configuration.user = user.to_owned();
        docker(image)
    };
    assert_eq!(user(b"app:x:1000:1000::/:\n", "app"), "runs");
    assert_eq!(user(b"app:x:1000:1000::/:\n", "ghost"), "125 user-not-found");
    let long = ["app:x:1000:1000::/:\n", &"x".repeat(70_000), "\n"].concat();
    assert_eq!(user(long.as_bytes(), "app"), "unknown");
    let mut image = image(&[], &["ok"], &[]);
    image.layers.push(tree::layer(&["etc/passwd -> /proc/1/root/passwd"]));
    image.configuration.user = "app".to_owned();
    assert_eq!(docker(image), "unknown", "who is in it, only the running container knows");
}

/// A link that stands for two thousand steps, forty times in every element of PATH.
#[test]
fn links_that_multiply_end_in_unknown() {
    let link = format!("l -> {}", "./".repeat(2000));
    let path: Vec<String> = (0..1000).map(|i| format!("{}/{i}", "/l".repeat(40))).collect();
    let mut image = image(&[], &["nope"], &[&format!("PATH={}", path.join(":"))]);
    image.layers.push(tree::layer(&[&link]));
    assert_eq!(docker(image), "unknown");
}

/// An image with wrappers by name, as `image`, and users.
fn wrapped(entrypoint: &[&str], user: &str) -> String {
    let (_, ok) = elf::programs().into_iter().find(|(name, _)| *name == "ok").unwrap();
    let passwd = b"root:x:0:0::/:/bin/sh\nbin:x:2:2::/:/usr/sbin/nologin\n";
    let names = ["tini", "dumb-init", "gosu", "nice", "timeout", "setpriv", "chpst", "flock", "su", "xargs", "stdbuf"];
    let paths: Vec<String> = names.iter().map(|name| format!("bin/{name}")).collect();
    let mut files: Vec<(&str, &[u8])> = paths.iter().map(|path| (path.as_str(), ok.as_slice())).collect();
    files.extend([("etc/passwd", &passwd[..]), ("closed:644", ok.as_slice())]);
    let mut image = image(&files, entrypoint, &[]);
    image.configuration.user = user.to_owned();
    docker(image)
}

/// Debian 12's, under runc 1.1.5.
#[test]
fn wrappers_end_with_codes_of_their_own() {
    for (command, end) in [
        ("tini -g -- nope", "127 command-not-found"),
        ("tini -s -e 143 /closed", "126 not-executable"),
        ("tini -x ok", "1 wrapper-arguments"),
        ("tini --", "1 wrapper-arguments"),
        ("dumb-init --rewrite=15:2 nope", "2 command-not-found"),
        ("gosu 1000 nope", "1 command-not-found"),
        ("gosu ghost ok", "1 user-not-found"),
        ("gosu bin", "1 wrapper-arguments"),
        ("nice -5 --adj 3 /nope", "127 path-not-found"),
        ("nice -n x ok", "125 wrapper-arguments"),
        ("timeout -k2 -s9 0.5m nope", "127 command-not-found"),
        ("timeout 5x ok", "125 wrapper-arguments"),
        ("stdbuf ok", "125 wrapper-arguments"),
        ("chpst -n 5 -u ghost ok", "111 user-not-found"),
        ("setpriv --regid=1 ok", "1 wrapper-arguments"),
        ("flock -w5 /bin nope", "69 command-not-found"),
        ("flock /nope/lock ok", "66 wrapper-arguments"),
        ("flock /bin -c nope", "127 script-command-not-found"),
        ("su bin -c ok", "1 wrapper-arguments"),
        ("su -c nope", "127 script-command-not-found"),
        ("su bin -s /bin/sh -c nope", "127 script-command-not-found"),
        ("xargs nope", "127 command-not-found"),
        ("xargs env nope", "123 command-not-found"),
        ("xargs -r nope", "unknown"),
        ("tini -- gosu bin nice timeout 5 env nope", "127 command-not-found"),
        ("tini -- gosu bin nice timeout 5 env ok", "runs"),
        ("tini --version", "runs"),
    ] {
        assert_eq!(wrapped(&command.split(' ').collect::<Vec<_>>(), ""), end, "{command}");
    }
    assert_eq!(wrapped(&["gosu", "1000", "ok"], "1000"), "1 permission-denied-for-user");
    assert_eq!(wrapped(&["setpriv", "--reuid=1000", "ok"], "1000"), "runs");
}

/// A script may make what its last command needs: then nothing is claimed of it.
#[test]
fn what_a_script_may_have_made_is_not_missed() {
    let run = |body: &str| {
        let text = format!("#!/bin/sh\n{body}\n");
        docker(image(
            &[
                ("ep.sh", text.as_bytes()),
                ("bin/get", &ok()),
                ("bin/cp", &ok()),
                ("bin/chmod", &ok()),
                ("lib.sh", b"#\n"),
            ],
            &["/ep.sh"],
            &[],
        ))
    };
    for body in [
        "cp /bin/ok /bin/app\nexec app",
        "get /opt/app\nexec /opt/app",
        "echo 'exec ok' > /run.sh\nexec sh /run.sh",
        "chmod +x /x\nexec /x",
        "PATH=$(get)\nexport PATH\nexec app",
        "get &\nexec app",
    ] {
        assert_eq!(run(body), "runs", "{body}");
    }
    assert_eq!(run("set -e\nexec app"), "127 script-command-not-found");
    assert_eq!(run(". /lib.sh\nexec app"), "127 script-command-not-found");
    assert_eq!(run("mkdir -p /x >/dev/null 2>&1\nexec app"), "127 script-command-not-found");
}

fn ok() -> Vec<u8> {
    elf::programs().into_iter().find(|(name, _)| *name == "ok").unwrap().1
}

/// Run by dash and bash 5.2 with the same outcome.
#[test]
fn what_runs_before_the_main_program_may_end_the_script() {
    let run = |body: &str| {
        let text = format!("#!/bin/sh\n{body}\n");
        let files: [(&str, &[u8]); 7] = [
            ("ep.sh", text.as_bytes()),
            ("zero.sh", b"#!/bin/sh\nexit 0\n"),
            ("three.sh", b"#!/bin/sh\nexit 3\n"),
            ("none.sh", b"#!/bin/sh\nset -e\nnosuch\n"),
            ("lib.sh", b"run() { nosuch; }\n"),
            ("bin/env", &ok()),
            ("bin/get", &ok()),
        ];
        docker(image(&files, &["/ep.sh"], &[]))
    };
    for (body, outcome) in [
        ("set -e\n/three.sh\nexec ok", "3 script-ends"),
        ("set -e\n/zero.sh", "0 script-ends"),
        ("/zero.sh && echo ok", "0 script-ends"),
        ("set -e\n/zero.sh\nexit 1", "1 script-ends"),
        ("/zero.sh\nexec ok", "runs"),
        ("set -e\ncleanup() { :; }\ntrap cleanup EXIT\n/three.sh\nexec ok", "3 script-ends"),
        ("set -e\n/three.sh\necho done", "3 script-ends"),
        ("set -e\n/three.sh || true\nexec ok", "runs"),
        ("/three.sh\nexec ok", "runs"),
        ("set -e\n/none.sh\nexec ok", "127 script-command-not-found"),
        ("set -e\nenv A=1 nosuch\nexec ok", "127 command-not-found"),
        ("set -e\nget\nenv A=1 nosuch\nexec ok", "runs"),
        ("set -e\ntrap 'exit 7' EXIT\n/three.sh\nexec ok", "7 script-ends"),
        (". /lib.sh\nrun", "127 script-command-not-found"),
        (". /lib.sh\nset -e\nrun\nexec ok", "127 script-command-not-found"),
    ] {
        assert_eq!(run(body), outcome, "{body}");
    }
}

/// The kernel hands all that follows the interpreter over as one argument.
#[test]
fn options_of_a_shell_in_the_first_line() {
    let run = |line: &str| {
        let text = format!("#!{line}\nexec ok\n");
        docker(image(&[("ep.sh", text.as_bytes())], &["/ep.sh"], &[]))
    };
    for (line, outcome) in [
        ("/bin/bash -eu", "runs"),
        ("/bin/bash +e", "runs"),
        ("/bin/bash -euo pipefail", "2 shebang-arguments"),
        ("/bin/bash -e -u", "1 shebang-arguments"),
        ("/bin/bash -O extglob", "2 shebang-arguments"),
    ] {
        assert_eq!(run(line), outcome, "{line}");
    }
}

/// bash 5.2 runs its trap on ERR before it ends by `set -e`.
#[test]
fn a_trap_on_err_ends_otherwise() {
    let run = |trap: &str| {
        let text = format!("#!/bin/bash\nset -e\ntrap '{trap}' ERR\n/three.sh\nexec ok\n");
        docker(image(&[("ep.sh", text.as_bytes()), ("three.sh", b"#!/bin/sh\nexit 3\n")], &["/ep.sh"], &[]))
    };
    assert_eq!((run("exit 77").as_str(), run("echo oops").as_str()), ("77 script-ends", "3 script-ends"));
}

/// What becomes of a child in a subshell or a pipeline becomes of the shell, where that is its status (measured with dash, bash
/// and busybox of Debian 12).
#[test]
fn a_child_that_fails_ends_what_has_its_status() {
    let run = |shell: &str, body: &str| {
        let text = format!("#!/bin/{shell}\n{body}\n");
        let (cat, sleep) = (ok(), ok());
        let three: &[u8] = b"#!/bin/sh\nexit 3\n";
        let files = [("ep.sh", text.as_bytes()), ("three", three), ("bin/cat", &cat), ("bin/sleep", &sleep)];
        docker(image(&files, &["/ep.sh"], &[]))
    };
    for body in [
        "set -e; true | /three; exec ok",
        "true | /three",
        "true | env /three",
        "(/three)",
        "(true; /three)",
        "set -e; (true; /three); exec ok",
    ] {
        for shell in ["sh", "bash"] {
            assert_eq!(run(shell, body), "3 script-ends", "{shell}: {body}");
        }
    }
    assert_eq!(run("bash", "set -eo pipefail; /three | cat; exec ok"), "3 script-ends");
    for body in [
        "set -e; /three | cat; exec ok",
        "set -e; true | /three || exec ok",
        "set -e; if true | /three; then :; fi; exec ok",
        "true | { /three; exec ok; }",
    ] {
        for shell in ["sh", "bash"] {
            assert_eq!(run(shell, body), "runs", "{shell}: {body}");
        }
    }
    for (body, code) in
        [("! true | /three", 0), ("/three | cat", 0), ("/three || exit 5", 5), ("x=$(/three) || exit $?; exec ok", 3)]
    {
        for shell in ["sh", "bash"] {
            assert_eq!(run(shell, body), format!("{code} script-ends"), "{shell}: {body}");
        }
    }
    // the other member goes on for long
    assert_eq!(run("bash", "set -eo pipefail; /three | sleep 900; exec ok"), "runs");
}

/// A program that is sure to fail decides what comes after it, and is named where that ends the shell (measured with dash,
/// bash and busybox of Debian 12).
#[test]
fn a_program_that_is_sure_to_fail_decides() {
    let run = |shell: &str, body: &str| {
        let text = format!("#!/bin/{shell}\n{body}\n");
        let (bad, reads): (&[u8], &[u8]) = (b"#!/nope\n", b"#!/bin/sh\nread x && exit 4\nexit 6\n");
        let (either, three): (&[u8], &[u8]) =
            (b"#!/bin/sh\n[ -n \"$HOSTNAME\" ] || exit 3\nkill -0 7 && exit 3\nexit 0\n", b"#!/bin/sh\nexit 3\n");
        let sleep = ok();
        let files = [("ep.sh", text.as_bytes()), ("bad", bad), ("reads", reads), ("either", either), ("three", three)];
        let files = [&files[..], &[("bin/sleep", &sleep)]].concat();
        docker(image(&files, &["/ep.sh"], &[]))
    };
    for shell in ["sh", "bash"] {
        for body in [
            "set -e; /bad; exec ok",
            "set -e; x=$(/bad); exec ok",
            "/bad && exec ok",
            "/bad & wait $!",
            "set -e; /bad & wait $!; exec ok",
            "( /bad )",
        ] {
            assert_eq!(run(shell, body), "127 interpreter-not-found", "{shell}: {body}");
        }
        for (body, end) in [
            ("/bad || exit 5; exec ok", "5 interpreter-not-found"),
            ("if /bad; then exec ok; else exit 6; fi", "6 interpreter-not-found"),
            ("trap 'exit 9' EXIT; set -e; /bad; exec ok", "9 interpreter-not-found"),
            ("/three || exit 5; exec ok", "5 script-ends"),
            ("/three & wait; exit 7", "7 script-ends"),
            ("/bad || true; exec ok", "runs"),
            ("set -e; /bad & exec ok", "runs"),
            // it hangs on what is not known
            ("/either || exit 5; exec ok", "runs"),
            // nothing comes from the container's standard input
            ("/reads || exit $?; exec ok", "6 script-ends"),
        ] {
            assert_eq!(run(shell, body), end, "{shell}: {body}");
        }
    }
}

/// What does its work and ends is not stopped: nobody need tell it anything.
#[test]
fn one_shot_programs_lose_no_signal() {
    let findings = |body: &str| {
        let text = format!("#!/bin/sh\n{body}\n");
        let files: [(&str, &[u8]); 4] = [
            ("ep.sh", text.as_bytes()),
            ("usr/bin/python3", &ok()),
            ("m.py", b"print(1)\n"),
            ("s.py", b"import time\nwhile True: time.sleep(9)\n"),
        ];
        let mut image = image(&files, &["/ep.sh"], &[]);
        let rootfs = Rootfs::build(&mut image).unwrap();
        let launch = launch::follow(&image, &rootfs, &Overrides::default());
        let subject = Subject { image: &image, rootfs: &rootfs, launch: &launch, healthcheck: None };
        RULES.iter().flat_map(|rule| (rule.check)(&subject)).map(|f| f.rule).collect::<Vec<_>>()
    };
    for body in ["python3 /m.py", "set -e\npython3 /m.py\necho done", "python3 -c 'print(1)'", "python3 --version"] {
        assert!(findings(body).is_empty(), "{body}: {:?}", findings(body));
    }
    assert_eq!(findings("python3 /s.py"), ["missing-exec"]);
}
