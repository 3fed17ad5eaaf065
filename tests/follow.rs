//! Scripts of images followed to their ends, over a file system in memory.
#![allow(clippy::unwrap_used)]

mod tree;

use imagelint::launch::script::{Bounds, End, Ending, Field, Inside, Invocation, Value, follow};
use imagelint::launch::{Replacing, Shell};
use imagelint::rootfs::{Credentials, Rootfs, View};

const FILES: [&str; 15] = [
    "bin/",
    "bin/redis-server",
    "bin/su-exec",
    "bin/java",
    "bin/app",
    "bin/find",
    "bin/grep",
    "bin/chown",
    "bin/closed:644",
    "bin/id",
    "etc/",
    "etc/passwd:644",
    "lib.sh:644",
    "docker-entrypoint.d/",
    "data/",
];

fn ends(shell: Shell, uid: u32, text: &str, arguments: &[&str]) -> Vec<Ending> {
    let contents: [(&str, &[u8]); 2] =
        [("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"), ("lib.sh", b"run() { exec app \"$@\"; }\n")];
    let mut image = tree::of(vec![tree::filled(&FILES, &contents)]);
    let rootfs = Rootfs::build(&mut image).unwrap();
    let view = View::new(&image, &rootfs);
    let credentials = Credentials { uid, gid: uid, groups: Vec::new(), dac_override: uid == 0 };
    let invocation = Invocation {
        shell,
        name: "/entrypoint.sh".into(),
        text: text.into(),
        command_string: false,
        replaces: Replacing::Last,
        pipefail: false,
        startup: Vec::new(),
        arguments: arguments.iter().map(|a| Field::One(Value::from(*a))).collect(),
        environment: vec![("PATH".into(), "/bin".into()), ("HOME".into(), "/root".into())],
        cwd: "/".into(),
        options: Vec::new(),
        pid: Some(1),
        signals: Vec::new(),
    };
    follow(&invocation, &Inside::new(&view, credentials), Bounds::default())
}

/// One line for each ending that is not only come to when something fails that should not.
fn told(shell: Shell, uid: u32, text: &str, arguments: &[&str]) -> Vec<String> {
    let words = |argv: &[Field]| {
        let word = |f: &Field| f.known().map_or("?".to_owned(), |w| w.to_string());
        argv.iter().map(word).collect::<Vec<_>>().join(" ")
    };
    let likely = |e: &Ending| !e.when.iter().any(|c| c.unlikely);
    let tell = |e: &Ending| match &e.end {
        End::Exec { argv, .. } => format!("exec {}", words(argv)),
        End::Child { argv, last, .. } => format!("{} {}", if *last { "last" } else { "child" }, words(argv)),
        End::Exits { status, .. } => format!("exits {:?}", status.code()),
        End::Waits { .. } => "waits".to_owned(),
        End::Loops { .. } => "loops".to_owned(),
        End::Unknown { why } => format!("unknown {why}"),
    };
    ends(shell, uid, text, arguments).iter().filter(|e| likely(e)).map(tell).collect()
}

const REDIS: &str = r#"#!/bin/sh
set -e
if [ "${1#-}" != "$1" ] || [ -z "$1" ]; then
    set -- redis-server "$@"
fi
if [ "$1" = 'redis-server' -a "$(id -u)" = '0' ]; then
    find . \! -user redis -exec chown redis '{}' +
    exec su-exec redis "$0" "$@"
fi
exec "$@"
"#;

#[test]
fn arguments_and_ids_decide() {
    assert_eq!(
        told(Shell::Ash, 0, REDIS, &["--port", "1"]),
        ["exec su-exec redis /entrypoint.sh redis-server --port 1"]
    );
    assert_eq!(told(Shell::Ash, 999, REDIS, &["redis-server"]), ["exec redis-server"]);
    assert_eq!(told(Shell::Dash, 0, REDIS, &["app", "x y"]), ["exec app x y"]);
}

#[test]
fn commands_in_variables_arrays_and_files() {
    let text =
        "CMD=exec\nargs=()\nwhile [[ $# -gt 0 ]]; do args+=(\"$1\"); shift; done\n$CMD java $OPTS \"${args[@]}\"\n";
    assert_eq!(told(Shell::Bash, 0, text, &["-jar", "a b"]), ["exec java -jar a b"]);
    assert_eq!(told(Shell::Dash, 0, ". /lib.sh\nrun \"$@\"\n", &["x"]), ["exec app x"]);
    assert_eq!(told(Shell::Dash, 0, "cd \"$(dirname \"$0\")\"\nexec ./bin/app\n", &[]), ["exec ./bin/app"]);
    assert_eq!(
        told(
            Shell::Bash,
            0,
            "_s() { [ \"${#FUNCNAME[@]}\" -ge 2 ] && [ \"${FUNCNAME[1]}\" = source ]; }\nif ! _s; then exec app; fi\n",
            &[]
        ),
        ["exec app"]
    );
}

#[test]
fn who_is_the_main_program() {
    assert_eq!(told(Shell::Dash, 0, "mkdir -p /x\napp\n", &[]), ["last app"]);
    assert_eq!(told(Shell::Dash, 0, "app &\nwait $!\n", &[]), ["waits", "exits None"]);
    assert_eq!(told(Shell::Dash, 0, "while true; do sleep 1; done\n", &[]), ["loops"]);
    let ends = ends(Shell::Dash, 0, "trap 'kill $p' TERM INT\napp & p=$!\nwait $p\n", &[]);
    assert_eq!(ends[0].traps.iter().map(|(n, _)| n.to_string()).collect::<Vec<_>>(), ["INT", "TERM"]);
    assert_eq!((ends[0].jobs.len(), ends[0].jobs[0].span.line), (1, 2));
}

#[test]
fn what_cannot_be_run() {
    let codes = |text: &str| [Shell::Dash, Shell::Bash, Shell::Ash].map(|s| told(s, 0, text, &[]).join(", "));
    assert_eq!(codes("nope\n"), ["exits Some(127)"; 3]);
    assert_eq!(codes("closed\n"), ["exits Some(127)", "exits Some(126)", "exits Some(126)"]);
    assert_eq!(codes("set -e\nnope\napp\n"), ["exits Some(127)"; 3]);
    assert_eq!(codes("nope\nexec app\n"), ["exec app"; 3]);
    let missing = &ends(Shell::Dash, 0, "true\nexec nope\n", &[])[0].missing;
    assert_eq!((missing[0].name.to_string(), missing[0].span.line, missing[0].fatal), ("nope".into(), 2, true));
}

#[test]
fn what_is_not_known_goes_both_ways() {
    let text = "if grep -q x /data/conf; then exec app; else exec java; fi\n";
    let ends = ends(Shell::Ash, 0, text, &[]);
    let when: Vec<_> = ends.iter().map(|e| e.when[0].text.clone()).collect();
    assert_eq!(when, ["`grep -q x /data/conf` succeeds", "`grep -q x /data/conf` fails"]);
    assert_eq!(
        told(Shell::Ash, 0, "for f in /docker-entrypoint.d/*; do [ -x \"$f\" ] && \"$f\"; done\nexec app\n", &[]),
        ["exec app"]
    );
}

#[test]
fn nothing_runs_for_ever() {
    for text in [
        "f() { f; f; }\nf\n",
        "f() { if grep x; then f; else f \"$(f)\"; fi; }\nf\n",
        "while grep x; do while grep y; do z; done; done\n",
        "x=a; while :; do x=$x$x; done\n",
        "i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done\n",
        ". /entrypoint.sh\n",
        "eval 'eval \"eval x\"'\n",
    ] {
        for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
            assert!(!ends(shell, 0, text, &[]).is_empty(), "{text}");
        }
    }
    let many = (0..40).map(|i| format!("if grep {i} f; then v{i}=1; fi\n")).collect::<String>() + "exec app\n";
    assert_eq!(told(Shell::Dash, 0, &many, &[]), ["exec app"]);
}

/// One line for each ending that a reader would name.
fn expected(shell: Shell, text: &str) -> Vec<String> {
    let named = ends(shell, 0, text, &[]).into_iter().filter(Ending::is_expected);
    let word = |f: &Field| f.known().map_or("?".to_owned(), |w| w.to_string());
    let words = |argv: &[Field]| argv.iter().map(word).collect::<Vec<_>>().join(" ");
    let tell = |e: Ending| match &e.end {
        End::Exec { argv, .. } => format!("exec {}", words(argv)),
        End::Child { argv, .. } => format!("child {}", words(argv)),
        End::Exits { status, .. } => format!("exits {:?}", status.code()),
        other => format!("{other:?}"),
    };
    named.map(tell).collect()
}

#[test]
fn what_has_something_behind_it_ends() {
    for shell in [Shell::Dash, Shell::Ash, Shell::Bash] {
        assert_eq!(expected(shell, "java setup\nexec app\n"), ["exec app"]);
        assert_eq!(expected(shell, "java setup\necho done\n"), ["child java setup"]);
        assert_eq!(expected(shell, "x=$(java setup)\nexec app\n"), ["exec app"]);
        assert_eq!(expected(shell, "java a\nwhile true; do java b; done\n"), ["Loops { pause: Some(0) }"]);
        assert_eq!(expected(shell, "until java ping; do :; done\nexec app\n"), ["exec app"]);
    }
}

#[test]
fn who_waits_for_a_file_is_given_it() {
    for shell in [Shell::Dash, Shell::Ash, Shell::Bash] {
        assert_eq!(expected(shell, "while [ ! -f /data/ready ]; do :; done\nexec app\n"), ["exec app"]);
        assert_eq!(expected(shell, "set -e\nuntil [ -e /data/ready ]; do :; done\nexec app\n"), ["exec app"]);
        assert_eq!(expected(shell, "while [ a = a ]; do :; done\nexec app\n"), ["Loops { pause: Some(0) }"]);
    }
}

#[test]
fn what_is_not_known_does_not_hide_the_end() {
    for shell in [Shell::Dash, Shell::Ash, Shell::Bash] {
        assert_eq!(expected(shell, "f=$(find /)\n. \"$f\"\nexec app\n"), ["exec app"]);
        assert_eq!(expected(shell, "$(find /) x\nexec app\n"), ["exec app"]);
        assert_eq!(expected(shell, "eval \"$(find /)\"\nexec app\n"), ["exec app"]);
        assert_eq!(expected(shell, "exec $(find /) -x\n"), ["exec ? -x"]);
        assert_eq!(expected(shell, "eval exec \"$(find /)\"\n"), ["exec ?"]);
        assert_eq!(expected(shell, "f() { java \"$1\" || f 2; }\nf 1\nexec app\n"), ["exec app"]);
    }
    // where it does not come back, that is said, and marked
    let all = ends(Shell::Dash, 0, "f=$(find /)\n. \"$f\"\nexec app\n", &[]);
    assert!(all.iter().any(|e| matches!(e.end, End::Unknown { .. }) && e.when.iter().any(|c| c.unlikely)));
}

#[test]
fn failures_by_different_ways_stay_failures() {
    let text = "set -e\nif [ \"$(find /)\" = a ]; then chown a /x; else chown a /y; fi\nexec app\n";
    for shell in [Shell::Dash, Shell::Ash, Shell::Bash] {
        assert_eq!(expected(shell, text), ["exec app"]);
    }
}

#[test]
fn regular_expressions_decide() {
    let text = "if [[ \"$SKIP\" =~ ^([yY][eE][sS]|[yY])+$ ]]; then exit 0; fi\nexec app\n";
    assert_eq!(expected(Shell::Bash, text), ["exec app"]);
    assert_eq!(expected(Shell::Bash, &format!("SKIP=yes\n{text}")), ["exits Some(0)"]);
    let text = "set -u\nif [[ \"$(find /)\" =~ ^(a)/(b)$ ]]; then x=\"${BASH_REMATCH[1]}\"; fi\nexec app\n";
    assert_eq!(expected(Shell::Bash, text), ["exec app"]);
}
