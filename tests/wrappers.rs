//! Programs that start programs, in images of a few lines. What they end with was seen under runc 1.1.5 with those of
//! Debian 12, npm 6.14 to 11.6, yarn 1.22 and pnpm 9.15.
#![allow(clippy::unwrap_used)]

#[path = "support/elf.rs"]
#[allow(dead_code)]
mod elf;
mod tree;

use imagelint::image::Image;
use imagelint::launch::{self, Outcome, Overrides, Start};
use imagelint::rootfs::Rootfs;

/// Stand-ins, by name.
const PROGRAMS: [&str; 25] = [
    "bin/ok",
    "bin/dash",
    "bin/busybox",
    "bin/setarch",
    "bin/pgrphack",
    "bin/envdir",
    "bin/setlock",
    "bin/s6-setsid",
    "bin/s6-envdir",
    "bin/s6-setlock",
    "bin/s6-applyuidgid",
    "bin/s6-fghack",
    "bin/s6-envuidgid",
    "bin/chpst",
    "bin/newgrp",
    "bin/script",
    "bin/dumb-init",
    "bin/tini",
    "bin/catatonit",
    "bin/setsid",
    "bin/sudo",
    "bin/perl",
    "bin/node",
    "bin/env",
    "bin/bash",
];

fn ok() -> Vec<u8> {
    elf::programs().into_iter().find(|(name, _)| *name == "ok").unwrap().1
}

/// The names of busybox's applets stand in it in their order.
fn busybox() -> Vec<u8> {
    [ok().as_slice(), b"[\0[[\0ash\0busybox\0cttyhack\0env\0linux32\0setsid\0sh\0timeout\0\0"].concat()
}

fn image(files: &[(&str, &[u8])], entrypoint: &[&str], directory: &str) -> Image {
    let (ok, busybox) = (ok(), busybox());
    let mut lines = PROGRAMS.to_vec();
    lines.extend(["bin/sh -> dash", "bin/sg -> newgrp", "bin/linux32 -> setarch", "bin/linux64 -> setarch"]);
    lines.extend(files.iter().map(|(path, _)| *path));
    let mut contents: Vec<(&str, &[u8])> = PROGRAMS.iter().map(|p| (*p, ok.as_slice())).collect();
    contents.iter_mut().filter(|(path, _)| *path == "bin/busybox").for_each(|(_, bytes)| *bytes = &busybox);
    contents.extend(files.iter().filter(|(path, _)| !path.contains(" -> ")));
    let mut image = tree::of(vec![tree::filled(&lines, &contents)]);
    image.configuration.entrypoint = entrypoint.iter().map(|w| w.to_string()).collect();
    image.configuration.env = vec!["PATH=/bin".to_owned()];
    image.configuration.working_dir = directory.to_owned();
    image
}

fn start(mut image: Image) -> Start {
    let rootfs = Rootfs::build(&mut image).unwrap();
    launch::follow(&image, &rootfs, &Overrides::default()).starts.swap_remove(0)
}

/// `runs`, `unknown` or an exit code.
fn end(start: &Start) -> String {
    match &start.outcome {
        Outcome::Runs => "runs".to_owned(),
        Outcome::Unknown(_) => "unknown".to_owned(),
        _ => start.seen().and_then(|seen| seen.exit_code).map_or("?".to_owned(), |code| code.to_string()),
    }
}

fn run(command: &str) -> String {
    let files: [(&str, &[u8]); 6] = [
        ("closed:644", &ok()),
        ("text", b"exit 41\n"),
        ("vars/PATH", b"/nowhere\n"),
        ("etc/passwd", b"root:x:0:0::/:/bin/sh\n"),
        ("etc/group", b"root:x:0:\n"),
        ("bin/chronic", b"#!/bin/perl -w\n"),
    ];
    end(&start(image(&files, &command.split(' ').collect::<Vec<_>>(), "/")))
}

fn all(cases: &[(&str, &str)]) {
    for (command, expected) in cases {
        assert_eq!(run(command), *expected, "{command}");
    }
}

#[test]
fn machines() {
    all(&[
        ("setarch x86_64 ok", "runs"),
        ("setarch x86_64 nope", "127"),
        ("setarch linux32 -v -- /closed", "126"),
        ("setarch uname26 nope", "127"),
        ("linux32 nope", "127"),
        ("linux64 --verbose /closed", "126"),
        ("setarch nonsense ok", "1"),
        ("setarch s390x", "1"),
        ("setarch -v x86_64 ok", "1"),
        ("setarch -R ok", "unknown"),
        ("setarch --list", "runs"),
        ("linux64 -z ok", "1"),
        ("setarch", "1"),
        ("linux32", "runs"),
    ]);
}

#[test]
fn daemontools_and_s6() {
    all(&[
        ("pgrphack ok", "runs"),
        ("pgrphack nope", "111"),
        ("pgrphack -x ok", "111"),
        ("pgrphack", "100"),
        ("envdir /vars ok", "runs"),
        ("envdir /vars nope", "111"),
        ("envdir /nodir ok", "111"),
        ("envdir -x ok", "111"),
        ("envdir /vars", "111"),
        ("envdir /vars env ok", "127"),
        ("chpst -e /vars ok", "runs"),
        ("chpst -e /vars env ok", "127"),
        ("chpst -e /nodir ok", "111"),
        ("setlock -n /l ok", "runs"),
        ("setlock /l /text", "111"),
        ("setlock /nodir/l ok", "111"),
        ("setlock -x /nodir/l ok", "0"),
        ("setlock -xX /nodir/l ok", "111"),
        ("setlock -z /l ok", "100"),
        ("s6-setsid -b nope", "127"),
        ("s6-setsid /text", "126"),
        ("s6-setsid -z ok", "100"),
        ("s6-envdir /vars ok", "runs"),
        ("s6-envdir /nodir ok", "111"),
        ("s6-envdir -I /nodir nope", "127"),
        ("s6-setlock -t 100 /l nope", "127"),
        ("s6-setlock /nodir/l ok", "111"),
        ("s6-setlock -d 3 /l ok", "100"),
        ("s6-applyuidgid -u 65534 -g 65534 /closed", "126"),
        ("s6-applyuidgid -u 65534 -g 65534 ok", "runs"),
        ("s6-applyuidgid -u nobody ok", "100"),
        ("s6-envuidgid -B root nope", "127"),
        ("s6-fghack ok", "runs"),
        ("s6-fghack /closed", "111"),
    ]);
}

#[test]
fn chronic_is_a_script() {
    all(&[
        ("chronic ok", "runs"),
        ("chronic -e -v nope", "2"),
        ("chronic /nope", "2"),
        ("chronic /closed", "255"),
        ("chronic /etc", "unknown"),
        ("chronic", "255"),
        ("chronic -z ok", "unknown"),
    ]);
    let image = image(&[("bin/chronic", b"#!/bin/perl -w\n")], &["chronic", "ok"], "/");
    assert_eq!(start(image).steps.last().map(|step| step.pid), Some(2));
}

#[test]
fn a_group_and_a_terminal() {
    all(&[
        ("sg root -c nope", "127"),
        ("sg root /closed", "126"),
        ("sg root ok", "runs"),
        ("sg nope -c ok", "1"),
        ("sg root", "runs"),
        ("script -qec nope /dev/null", "127"),
        ("script -qc nope /dev/null", "0"),
        ("script -ec ok /nodir/log", "1"),
        ("script -q /dev/null ok", "1"),
        ("script -z", "1"),
    ]);
}

#[test]
fn words_of_init_programs() {
    all(&[
        ("dumb-init -r 15:2 nope", "2"),
        ("dumb-init -r 15 ok", "1"),
        ("dumb-init -r TERM:2 ok", "1"),
        ("tini -p SIGTERM -- nope", "127"),
        ("tini -p FOO -- ok", "1"),
        ("tini -e 300 -- ok", "1"),
        ("tini -l ok", "runs"),
        ("catatonit -L -- nope", "runs"),
    ]);
}

/// setsid(1) does not wait where its process leads a group.
#[test]
fn children_that_lead_a_group() {
    for (parent, leads) in [("tini --", true), ("dumb-init", true), ("dumb-init -c", false), ("catatonit", true)] {
        let expected = if leads { "0" } else { "127" };
        assert_eq!(run(&format!("{parent} setsid nope")), expected, "{parent}");
    }
}

#[test]
fn busybox_by_its_own_name() {
    all(&[
        ("busybox sh -c nope", "127"),
        ("busybox ash -c /closed", "126"),
        ("busybox busybox sh -c nope", "127"),
        ("busybox sh /text", "41"),
        ("busybox sh /nope.sh", "2"),
        ("busybox busybox env nope", "127"),
        ("busybox cttyhack nope", "127"),
        ("busybox linux32 /closed", "126"),
        ("busybox linux32 -R ok", "unknown"),
        ("busybox busybox nice ok", "127"),
        ("busybox flock /l ok", "127"),
        ("busybox --list", "runs"),
        ("busybox", "runs"),
    ]);
}

#[test]
fn busybox_in_a_shebang_line() {
    let script = |text: &[u8]| end(&start(image(&[("app", text)], &["/app"], "/")));
    assert_eq!(script(b"#!/bin/busybox sh\nexec nope\n"), "127");
    assert_eq!(script(b"#!/bin/busybox sh\nexit 7\n"), "7");
}

/// npm's file and yarn's as their packages have them, and a package of one's own.
fn package(json: &str, command: &str, directory: &str) -> Start {
    let files: [(&str, &[u8]); 12] = [
        ("lib/npm/package.json", br#"{"name":"npm","version":"10.9.9"}"#),
        ("lib/npm/bin/npm-cli.js", b"#!/bin/env node\n"),
        ("lib/npm/bin/npx-cli.js", b"#!/bin/env node\n"),
        ("lib/yarn/package.json", br#"{"name":"yarn","version":"1.22.22"}"#),
        ("lib/yarn/bin/yarn.js", b"#!/bin/env node\n"),
        ("lib/pnpm/package.json", br#"{"name":"pnpm","version":"9.15.9"}"#),
        ("lib/pnpm/bin/pnpm.cjs", b"#!/bin/env node\n"),
        ("lib/yarn/bin/yarn", b"#!/bin/sh\nbasedir=$(f)\nexec node \"$basedir/yarn.js\" \"$@\"\n"),
        ("app/package.json", json.as_bytes()),
        ("app/node_modules/.bin/tool", b"#!/bin/sh\nexit 44\n"),
        ("app/src/x", b""),
        ("app/other/node_modules/x", b""),
    ];
    let mut files = files.to_vec();
    for link in ["npm -> ../lib/npm/bin/npm-cli.js", "npx -> ../lib/npm/bin/npx-cli.js"] {
        files.push((Box::leak(format!("bin/{link}").into_boxed_str()), b""));
    }
    files.push(("bin/yarn -> ../lib/yarn/bin/yarn", b""));
    files.push(("bin/pnpm -> ../lib/pnpm/bin/pnpm.cjs", b""));
    start(image(&files, &command.split(' ').collect::<Vec<_>>(), directory))
}

const SCRIPTS: &str = r#"{"name":"p","version":"1.2.3","scripts":{"start":"ok","nope":"nope","closed":"/text",
    "crash":"exit 3","tool":"tool","empty":"","number":3,"hook":"ok","prehook":"ok","said":"exit 3","presaid":"echo on",
    "then":"exit 0","postthen":"ok","named":"test $npm_lifecycle_event = named || exit 9; exit 5",
    "uses":"exit $npm_config_x","test":"exit 6"}}"#;

#[test]
fn scripts_of_a_package() {
    for (command, expected) in [
        ("npm start", "runs"),
        ("npm run start", "runs"),
        ("npm run nope", "127"),
        ("npm run-script crash", "3"),
        ("npm --silent run crash", "3"),
        ("npm run crash --silent", "3"),
        ("npm test", "6"),
        ("npm t", "6"),
        ("npm run tool", "44"),
        ("npm run missing", "1"),
        ("npm run missing --if-present", "runs"),
        ("npm run number", "1"),
        ("npm run empty", "runs"),
        ("npm run hook", "unknown"),
        ("npm run hook --ignore-scripts", "runs"),
        ("npm run said", "3"),
        ("npm run then", "unknown"),
        ("npm run named", "5"),
        ("npm run uses", "unknown"),
        ("npm run crash --what", "unknown"),
        ("npm run", "runs"),
        ("npm install", "runs"),
        ("npx tool", "44"),
        ("npx -y tool", "44"),
        ("npm exec tool", "44"),
        ("npx missing", "unknown"),
        ("yarn run nope", "127"),
        ("yarn nope", "127"),
        ("yarn start", "runs"),
        ("yarn crash", "3"),
        ("yarn run missing", "1"),
        ("yarn run empty", "1"),
        ("yarn install", "runs"),
        ("yarn missing", "unknown"),
        ("pnpm run nope", "1"),
        ("pnpm crash", "3"),
        ("pnpm run missing", "1"),
        ("pnpm exec tool", "44"),
        ("pnpm install", "runs"),
    ] {
        assert_eq!(end(&package(SCRIPTS, command, "/app")), expected, "{command}");
    }
}

#[test]
fn where_the_package_is() {
    for (command, directory, expected) in [
        ("npm run crash", "/app/src", "3"),
        ("npm run crash", "/app/node_modules/.bin", "3"),
        ("npm run crash", "/app/other", "254"),
        ("yarn run crash", "/app/other", "3"),
        ("pnpm run crash", "/app/other", "1"),
        ("npm start", "/", "254"),
        ("yarn start", "/", "1"),
        ("pnpm start", "/", "1"),
        ("npm --prefix /app run crash", "/", "3"),
        ("npm run crash -C /app", "/", "3"),
    ] {
        assert_eq!(end(&package(SCRIPTS, command, directory)), expected, "{command} in {directory}");
    }
}

#[test]
fn packages_that_are_none() {
    for (json, npm, pnpm) in [
        ("{\"scripts\": {", "1", "1"),
        ("", "1", "1"),
        ("[]", "1", "1"),
        ("{}", "1", "1"),
        ("{\"x\":\"\\ud800\",\"scripts\":{}}", "unknown", "unknown"),
        ("\u{feff}{\"scripts\":{\"start\":\"exit 8\"}}", "8", "8"),
        ("{\"scripts\":{\"start\":\"exit 8\"},\"packageManager\":\"yarn@3.6.0\"}", "8", "unknown"),
    ] {
        assert_eq!(end(&package(json, "npm start", "/app")), npm, "{json}");
        assert_eq!(end(&package(json, "pnpm start", "/app")), pnpm, "{json}");
        assert_eq!(end(&package(json, "yarn start", "/app")), pnpm, "{json}");
    }
}

/// The process tree that was seen: npm, and the shell or what it becomes.
#[test]
fn npm_stays_as_the_parent() {
    let start = package(SCRIPTS, "npm run crash", "/app");
    let argv = |pid| -> Vec<String> {
        let steps = start.steps.iter().filter(|step| step.pid == pid);
        steps.map(|step| step.argv.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(argv(2).first().map(String::as_str), Some("sh -c exit 3"));
    assert!(argv(1).iter().any(|words| words == "node /bin/npm run crash"), "{:?}", argv(1));
}
