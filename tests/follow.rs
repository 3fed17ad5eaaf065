//! Scripts of images followed to their ends, over a file system in memory.
#![allow(clippy::unwrap_used)]

mod tree;

use imagelint::launch::script::{Bounds, End, Ending, Field, Inside, Invocation, Value, follow};
use imagelint::launch::{Replacing, Shell};
use imagelint::rootfs::{Credentials, Rootfs, View};

const FILES: [&str; 33] = [
    "bin/",
    "bin/redis-server",
    "bin/su-exec",
    "bin/sudo",
    "bin/setpriv",
    "bin/env",
    "bin/nice",
    "bin/timeout",
    "bin/xargs",
    "bin/java",
    "bin/app",
    "bin/find",
    "bin/sleep",
    "bin/grep",
    "bin/chown",
    "bin/closed:644",
    "bin/id",
    "bin/which",
    "bin/getent",
    "bin/kill",
    "bin/cat",
    "bin/rm",
    "bin/mkdir",
    "bin/tee",
    "bin/head",
    "bin/tr",
    "etc/",
    "etc/passwd:644",
    "lib.sh:644",
    "fails.sh:644",
    "version:644",
    "docker-entrypoint.d/",
    "data/",
];

fn ends(shell: Shell, uid: u32, text: &str, arguments: &[&str]) -> Vec<Ending> {
    ends_of(shell, uid, text, arguments, false)
}

/// With what comes of SIGTERM.
fn ends_on_term(text: &str, arguments: &[&str]) -> Vec<Ending> {
    ends_on_term_of(Shell::Dash, text, arguments)
}

fn ends_on_term_of(shell: Shell, text: &str, arguments: &[&str]) -> Vec<Ending> {
    let call = call(shell, text, arguments, false);
    walk(0, &Invocation { signals: vec!["TERM".into()], ..call })
}

fn ends_of(shell: Shell, uid: u32, text: &str, arguments: &[&str], command_string: bool) -> Vec<Ending> {
    walk(uid, &call(shell, text, arguments, command_string))
}

fn call(shell: Shell, text: &str, arguments: &[&str], command_string: bool) -> Invocation {
    Invocation {
        shell,
        name: "/entrypoint.sh".into(),
        text: text.into(),
        command_string,
        replaces: Replacing::Last,
        pipefail: false,
        posix: false,
        startup: Vec::new(),
        arguments: arguments.iter().map(|a| Field::One(Value::from(*a))).collect(),
        environment: vec![("PATH".into(), "/bin".into()), ("HOME".into(), "/root".into())],
        cwd: "/".into(),
        options: Vec::new(),
        pid: Some(1),
        signals: Vec::new(),
        fed: false,
    }
}

fn walk(uid: u32, call: &Invocation) -> Vec<Ending> {
    let contents: [(&str, &[u8]); 4] = [
        ("version", b"1.2"),
        ("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
        ("lib.sh", b"run() { exec app \"$@\"; }\n"),
        ("fails.sh", b"false\ntrue\n"),
    ];
    let mut image = tree::of(vec![tree::filled(&FILES, &contents)]);
    let rootfs = Rootfs::build(&mut image).unwrap();
    let view = View::new(&image, &rootfs);
    let credentials = Credentials { uid, gid: uid, groups: Vec::new(), dac_override: uid == 0 };
    follow(call, &Inside::new(&view, credentials), Bounds::default())
}

/// One line for each ending that is not only come to when something fails that should not.
fn told(shell: Shell, uid: u32, text: &str, arguments: &[&str]) -> Vec<String> {
    tell(&ends(shell, uid, text, arguments))
}

/// The same for the operand of `-c`.
fn told_of(shell: Shell, text: &str) -> Vec<String> {
    tell(&ends_of(shell, 0, text, &[], true))
}

fn tell(ends: &[Ending]) -> Vec<String> {
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
    ends.iter().filter(|e| likely(e)).map(tell).collect()
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

/// What comes behind the `wait` for a job is not what the script is there for, if a trap would have handed the signal on.
#[test]
fn what_cleans_up_is_not_the_main_program() {
    let main = |text: &str, arguments: &[&str]| {
        let ends = ends_on_term(text, arguments);
        let main = ends.iter().filter(|e| e.is_expected());
        tell(&main.cloned().collect::<Vec<_>>())
    };
    let behind = |trap: &str, last: &str| format!("{trap}\napp & p=$!\nwait $p\n{last}\n");
    let trap = "trap 'kill $p' TERM";
    assert_eq!(main(&behind(trap, "java -clean\nexit 3"), &[]), ["waits"]);
    assert_eq!(main(&behind(trap, "java \"$@\""), &["-jar", "x"]), ["last java -jar x"]);
    assert_eq!(main(&behind(trap, "exec java"), &[]), ["exec java"]);
    assert_eq!(main(&behind(trap, "exec chown app /data"), &[]), ["waits"]);
    assert_eq!(main(&behind("trap 'kill $p' HUP", "java"), &[]), ["last java"]);
    assert_eq!(main(&behind("trap '' TERM", "java"), &[]), ["last java"]);
}

#[test]
fn wrappers_end_with_what_they_run() {
    for wrapper in ["su-exec app", "sudo -HEu app", "setpriv --reuid 1", "env -i", "env A=b", "nice -n 5", "timeout 5"]
    {
        let expected = if wrapper == "env -i" { 2 } else { 1 };
        let text = format!("{wrapper} chown app /data\nexec app\n");
        assert_eq!(told(Shell::Dash, 0, &text, &[]).len(), expected, "{wrapper}");
        let text = format!("{wrapper} java\nexec app\n");
        assert_eq!(told(Shell::Dash, 0, &text, &[]).len(), 2, "{wrapper}");
    }
    // looked through as far as anybody writes, and no further
    assert_eq!(told(Shell::Dash, 0, &format!("{}chown app /data\nexec app\n", "nice ".repeat(3)), &[]), ["exec app"]);
    assert_eq!(told(Shell::Dash, 0, &format!("{}chown app /data\nexec app\n", "env A=1 ".repeat(900)), &[]).len(), 2);
    assert_eq!(told(Shell::Dash, 0, "id | xargs -n1\nid | xargs chown app\nexec app\n", &[]), ["exec app"]);
    assert_eq!(told(Shell::Dash, 0, "id | xargs java\nexec app\n", &[]).len(), 2);
    assert_eq!(told(Shell::Dash, 0, "su-exec app sleep 3600\nid\n", &[])[0], "child su-exec app sleep 3600");
}

#[test]
fn endings_know_the_file_that_they_are_in() {
    let of = |text: &str| {
        ends(Shell::Dash, 0, text, &["x"]).iter().map(|e| (e.span.line, e.file.clone())).collect::<Vec<_>>()
    };
    assert_eq!(of("\n. /lib.sh\nrun\n"), [(1, Some("/lib.sh".into()))]);
    assert_eq!(of("cd /data\n. ../lib.sh\nexec app\n"), [(3, None)]);
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
    let text = "if find /data -name x; then exec app; else exec java; fi\n";
    let ends = ends(Shell::Ash, 0, text, &[]);
    let when: Vec<_> = ends.iter().map(|e| e.when[0].text.clone()).collect();
    assert_eq!(when, ["`find /data -name x` succeeds", "`find /data -name x` fails"]);
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
        assert_eq!(expected(shell, "java a\nwhile true; do java b; done\n"), ["child java b"]);
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

/// An error ends a fork of bash for a simple command as it ends the script: with 127 under `-c`.
#[test]
fn where_bash_goes_from_an_error_hangs_on_the_fork() {
    let bash = |text: &str| told_of(Shell::Bash, text).pop().unwrap();
    assert_eq!(bash("id | id ${x?}"), "exits Some(127)");
    assert_eq!(bash("set -u; f() { id $x; }; id | f"), "exits Some(127)");
    assert_eq!(bash("set -eu; id | id $x"), "exits Some(1)");
    assert_eq!(bash("id | { id ${x?}; }"), "exits Some(1)");
    assert_eq!(bash("id | eval 'id ${x?}'"), "exits Some(1)");
    assert_eq!(bash("(id | id ${x?}); exit $?"), "exits Some(1)");
    assert_eq!(bash("( ! id ${x?} ); exit $?"), "exits Some(0)");
    assert_eq!(bash("( id; ! id ${x?} ); exit $?"), "exits Some(1)");
    assert!(bash("trap 'id' EXIT; id | id ${x?}").starts_with("unknown"));
    assert_eq!(told(Shell::Bash, 0, "id | id ${x?}\n", &[]), ["exits Some(1)"]);
    for shell in [Shell::Dash, Shell::Ash] {
        assert_eq!(told_of(shell, "(id | { id ${x?}; }); exit $?"), ["exits Some(2)"]);
        assert_eq!(told_of(shell, "( ! id ${x?} ); exit $?"), ["exits Some(2)"]);
    }
}

/// bash goes on with the next line of what it reads: a script, the operand of `-c`, or that of `eval`.
#[test]
fn what_bash_gives_up_is_a_line() {
    let bash = |text: &str| told_of(Shell::Bash, text).pop().unwrap();
    assert_eq!(bash("y=$((1 1)); exec app"), "exits Some(1)");
    assert_eq!(bash("(y=$((1 1))\nid); exit $?"), "exits Some(1)");
    assert_eq!(bash("set -u; id ${#a[@]}; exec app"), "exits Some(1)");
    assert_eq!(bash("set -eu; id ${#a[@]}\nexec app"), "exits Some(1)");
    assert_eq!(bash("set -u; id ${#a}\nexec app"), "exits Some(127)");
    assert!(bash("set -u; id ${#a[@]}\nexec app").starts_with("unknown"));
    for text in ["y=$((1 1))\nexec app", "eval 'y=$((1 1))'; exec app", "f() { y=$((1 1)); }; eval f; exec app"] {
        assert!(bash(text).starts_with("unknown"), "{text}");
    }
}

#[test]
fn arithmetic_is_what_stands_in_its_parentheses() {
    for shell in [Shell::Dash, Shell::Ash] {
        // whatever is in it, run or not
        let text = "if false; then y=$(( case $1 in *) id ;; esac )); fi\nexec app\n";
        assert_eq!(told(shell, 0, text, &[]), ["exec app"]);
        assert_eq!(told(shell, 0, "y=$(( case $1 in *) id ;; esac ))\nexec app\n", &[]), ["exits Some(2)"]);
        assert_eq!(told(shell, 0, "y=\"$(( 1 ) ))\"\nexec app\n", &[]), ["exits Some(2)"]);
        assert_eq!(told(shell, 0, "y=$(( if [ 1 ]; then id; fi ))\nexec app\n", &[]), ["exits Some(2)"]);
        assert_eq!(told(shell, 0, "y=$(( a[0] ))\nexec app\n", &[]), ["exits Some(2)"]);
        assert_eq!(told(shell, 0, "y=$(( \"1\" + 1 ))\nexec app $y\n", &[]), ["exits Some(2)"]);
    }
    assert_eq!(told(Shell::Bash, 0, "x=3\ny=$(( \"$x\" + 1 ))\nexec app $y\n", &[]), ["exec app 4"]);
    assert_eq!(told(Shell::Bash, 0, "(( \"1\" > 0 )) && exec app\n", &[]), ["exec app"]);
}

#[test]
fn a_file_without_a_name_cannot_be_opened() {
    for (shell, code) in [(Shell::Dash, 2), (Shell::Ash, 1), (Shell::Bash, 1)] {
        let failed = format!("exits Some({code})");
        for text in ["x=\nid <\"$x\"\nexit $?\n", "id >\"\"\nexit $?\n"] {
            assert_eq!(told(shell, 0, text, &[]).join(" "), failed);
        }
        let goes_on = if shell == Shell::Bash { "exec app" } else { failed.as_str() };
        assert_eq!(told(shell, 0, "eval id <\"\"\nexec app\n", &[]), [goes_on]);
        let code = if shell == Shell::Bash { 1 } else { 2 };
        assert_eq!(told(shell, 0, ". \"\"\nexit $?\n", &[]), [format!("exits Some({code})")]);
    }
}

/// A program that is not known may have made the file, or not.
#[test]
fn a_file_that_may_be_missing_goes_both_ways() {
    for shell in [Shell::Dash, Shell::Ash, Shell::Bash] {
        assert_eq!(told(shell, 0, "app\njava </data/x\n", &[]), ["child app", "child java", "exits None"]);
        let all = ends(shell, 0, "app\nexec java </data/x\n", &[]);
        let failed = |e: &&Ending| matches!(e.end, End::Exits { .. }) && e.when.iter().any(|c| c.unlikely);
        assert_eq!(all.iter().filter(failed).count(), 1, "{shell:?}");
        let all = ends(shell, 0, "set -e\napp || :\n: </data/x\nexec java\n", &[]);
        assert_eq!(all.iter().filter(failed).count(), 1, "{shell:?}");
    }
}

#[test]
fn who_tells_of_files_that_cannot_be_run() {
    let text = "if command -v closed >/dev/null; then exit 3; fi\nexec app\n";
    for (shell, end) in [(Shell::Dash, "exec app"), (Shell::Ash, "exits Some(3)"), (Shell::Bash, "exits Some(3)")] {
        assert_eq!(told(shell, 0, text, &[]), [end]);
    }
    for shell in [Shell::Zsh, Shell::Ksh, Shell::Mksh, Shell::Yash] {
        assert_eq!(told(shell, 0, text, &[]), ["exec app"]);
    }
}

#[test]
fn a_trap_on_exit_that_fails_under_e() {
    let text = "set -e\ntrap 'false; id' EXIT\nid\n";
    assert_eq!(told(Shell::Zsh, 0, text, &[]).pop().unwrap(), "exits None");
}

/// What ran on one way only is not told, and that this is so is.
#[test]
fn what_ran_is_told_as_far_as_all_ways_have_it() {
    let text = "id\nif [ \"$(find /)\" = a ]; then chown a /x; fi\nexec app\n";
    let all = ends(Shell::Dash, 0, text, &[]);
    let whole = |end: &Ending| (end.whole, end.started.len());
    let exec = all.iter().find(|e| matches!(e.end, End::Exec { .. })).map(whole);
    assert_eq!(exec, Some((false, 2)));
    let all = ends(Shell::Dash, 0, "id\nexec app\n", &[]);
    assert_eq!(all.iter().map(whole).collect::<Vec<_>>(), [(true, 1)]);
}

/// How the shell's own messages read differs.
#[test]
fn messages_of_the_shell_are_captured_too() {
    for shell in [Shell::Dash, Shell::Ash, Shell::Bash] {
        for captured in [
            "nope 2>&1",
            "{ nope; } 2>&1",
            "( cd /nope ) 2>&1",
            "nope 2>&1 >/dev/null",
            "exec 2>&1; nope",
            "f() { cd /nope; }; f 2>&1",
            "id 2>&1 </nope/x",
            "{ : ${x?}; } 2>&1",
            ". /nope 2>&1",
        ] {
            assert_eq!(
                told(shell, 0, &format!("y=$( {captured} )\nexec app \"$y\"\n"), &[]),
                ["exec app ?"],
                "{captured}"
            );
        }
        for aside in ["nope", "nope 2>/dev/null", "{ nope 2>/dev/null; } 2>&1", "id </nope/x 2>&1", "nope 2>&2"] {
            assert_eq!(told(shell, 0, &format!("y=$({aside})\nexec app \"$y\"\n"), &[]), ["exec app "], "{aside}");
        }
    }
}

/// The parsers of dash and ash keep one list of redirections for a subshell and the braces around.
#[test]
fn the_outer_redirection_of_a_subshell_is_the_one() {
    let text = "{ ( : ) </nope/x; } >/dev/null\nexit $?\n";
    for shell in [Shell::Dash, Shell::Ash] {
        assert_eq!(told(shell, 0, text, &[]), ["exits Some(0)"]);
        assert_eq!(told(shell, 0, "{ ( : ) </nope/x; :; } >/dev/null\nexit $?\n", &[]), ["exits Some(0)"]);
        assert_ne!(told(shell, 0, "( : ) </nope/x\nexit $?\n", &[]), ["exits Some(0)"]);
    }
    assert_eq!(told(Shell::Bash, 0, text, &[]), ["exits Some(1)"]);
    assert_eq!(told_of(Shell::Ash, "{ ( id; app ) >/dev/null; } >/dev/null"), ["exec app"]);
}

#[test]
fn a_trap_on_exit_finds_what_the_function_left() {
    let of = |shell, call: &str| {
        let text = format!("f() {{ local x; x=l; trap 'exec app $x $*' EXIT; $1; }}\nx=g\nset -- q\n{call}\n");
        told(shell, 0, &text, &[]).pop().unwrap()
    };
    for shell in [Shell::Dash, Shell::Ash] {
        assert_eq!(of(shell, "f exit"), "exec app l q");
        assert_eq!(of(shell, "set -e; f false"), "exec app l q");
    }
    assert_eq!(of(Shell::Bash, "f exit"), "exec app l exit");
    assert_eq!(of(Shell::Bash, "set -e; f false"), "exec app g false");
}

#[test]
fn a_case_that_ksh93_does_not_read() {
    let text = |first: &str| format!("y=$({first} case a in a) : ;; esac; fi)\nexec app\n");
    assert!(told(Shell::Ksh, 0, &text("if true; then"), &[]).pop().unwrap().starts_with("unknown"));
    assert_eq!(told(Shell::Ksh, 0, &text("if true; then :;"), &[]), ["exec app"]);
    assert_eq!(told(Shell::Mksh, 0, &text("if true; then"), &[]), ["exec app"]);
}

/// How many arguments there are is not known: dash ends where there are too few.
#[test]
fn arguments_that_may_be_too_few() {
    let text = "set -- $(find /)\nshift 2\nexec app\n";
    for (shell, failing) in [(Shell::Dash, 1), (Shell::Ash, 0), (Shell::Bash, 0)] {
        assert_eq!(told(shell, 0, text, &[]).pop().unwrap(), "exec app");
        let all = ends(shell, 0, text, &[]);
        let failed = |e: &&Ending| matches!(e.end, End::Exits { .. }) && e.when.iter().any(|c| c.unlikely);
        assert_eq!(all.iter().filter(failed).count(), failing, "{shell:?}");
    }
}

/// bash 5.2 as `sh`, called with these texts; the first is what it does as `bash`.
#[test]
fn bash_as_sh() {
    let told_as = |posix, text: &str| {
        let call = call(Shell::Bash, text, &[], false);
        tell(&walk(0, &Invocation { posix, ..call }))
    };
    for (text, own, sh) in [
        (". /nofile\nexec app\n", "exec app", "exits Some(1)"),
        (". /nofile || true\nexec app\n", "exec app", "exits Some(1)"),
        ("cd /\n. lib.sh\nrun\n", "exec app", "exits Some(1)"),
        ("set -o nosuch\nexec app\n", "exec app", "exits Some(2)"),
        ("set -o nosuch || :\nexec app\n", "exec app", "exec app"),
        ("set -e\nx=$(closed; echo a)\nexec app $x\n", "exec app a", "exits Some(126)"),
        ("x=1 :\nexec app $x\n", "exec app", "exec app 1"),
        ("a-b() { :; }\nexec app\n", "exec app", "exits Some(2)"),
        (": </nope/x\nexec app\n", "exec app", "exits Some(1)"),
        ("eval 'if ('\nexec app\n", "exec app", "exits Some(2)"),
        ("export 1a\nexec app\n", "exec app", "exec app"),
        ("set -o posix\n. /nofile\nexec app\n", "exits Some(1)", "exits Some(1)"),
        ("set +o posix\n. /nofile\nexec app\n", "exec app", "exec app"),
    ] {
        assert_eq!((told_as(false, text), told_as(true, text)), (vec![own.to_owned()], vec![sh.to_owned()]), "{text}");
    }
}

/// dash, ash and mksh look whether the status of `.` counts only when the file has ended; bash all the time.
#[test]
fn errexit_in_sourced_files() {
    let text = "set -e\n. /fails.sh || true\nexec app\n";
    assert_eq!(told(Shell::Bash, 0, text, &[]), ["exec app"]);
    for shell in [Shell::Dash, Shell::Ash, Shell::Mksh] {
        assert_eq!(told(shell, 0, text, &[]), ["exits Some(1)"]);
    }
}

/// dash and ash refuse commands in `$(( … ))` once what is substituted there has run.
#[test]
fn commands_are_no_arithmetic() {
    for shell in [Shell::Dash, Shell::Ash] {
        assert_eq!(told(shell, 0, "y=$(( n=0; $(find x) ))\nexec app\n", &[]), ["exits Some(2)"]);
        assert_eq!(told(shell, 0, "y=$(( 1 + $(find x) ))\nexec app\n", &[]), ["exec app"]);
    }
}

/// As measured, with `$!` read right after each job began: whether it is the program, or a shell before it.
#[test]
fn what_a_job_becomes() {
    let direct = |shell, job: &str| {
        let text = format!("f() {{ app; }}\n{job} &\nwait\n");
        let ends = ends(shell, 0, &text, &[]);
        ends.iter().find_map(|e| Some(e.jobs.first()?.direct)).unwrap()
    };
    for (job, dash, bash) in [
        ("app", true, true),
        ("( app )", true, true),
        ("( cd /; exec app )", true, true),
        ("( true && app )", true, true),
        ("{ app; }", true, false),
        ("true && app", true, false),
        ("if true; then app; fi", true, false),
        ("eval exec app", true, true),
        ("eval app", false, false),
        ("( app; true )", false, false),
        ("( trap : TERM; app )", false, false),
        ("for i in 1; do app; done", false, false),
        ("f", false, false),
        ("( f )", false, false),
        ("! app", false, true),
    ] {
        let all = [Shell::Dash, Shell::Ash, Shell::Bash].map(|shell| direct(shell, job));
        assert_eq!(all, [dash, dash, bash], "{job}");
    }
}

#[test]
fn where_a_shell_waits() {
    let waits = |text: &str| {
        let told = told(Shell::Dash, 0, text, &[]);
        (told.iter().filter(|end| *end == "waits").count(), told.last().cloned().unwrap())
    };
    // nothing comes behind what never ends
    assert_eq!(waits("sleep infinity & wait\nexec app\n"), (1, "waits".into()));
    // those that run side by side are waited for at the first `wait`
    assert_eq!(waits("app a & p=$!\napp b & q=$!\nwait $p\nwait $q\n"), (1, "exits None".into()));
    // the first has to end before the second begins
    assert_eq!(waits("app a & wait $!\napp b & wait $!\n"), (2, "exits None".into()));
}

/// XCU 2.11; bash has job control without a terminal, too.
#[test]
fn jobs_ignore_keys() {
    let ignores = |shell, text: &str| {
        let ends = ends(shell, 0, text, &[]);
        ends.iter().find_map(|e| Some(e.jobs.first()?.ignores.contains(&"INT".into()))).unwrap()
    };
    assert!(ignores(Shell::Dash, "app & wait\n") && ignores(Shell::Bash, "app & wait\n"));
    assert!(ignores(Shell::Dash, "set -m\napp & wait\n") && !ignores(Shell::Bash, "set -m\napp & wait\n"));
}

/// bash 5.2, each with these texts.
#[test]
fn what_is_bashs_own() {
    for (text, end) in [
        ("IFS=, read -ra parts <<< a,b,app\nexec ${parts[2]}\n", "exec ?"),
        ("shopt -s nullglob\nfor f in /nodir/*; do exit 9; done\nexec app\n", "exec app"),
        ("for f in /nodir/*; do exit 9; done\nexec app\n", "exits Some(9)"),
        ("set -e\ntrap 'exit 7' ERR\nnosuch\nexec app\n", "exits Some(7)"),
        ("trap 'exit 7' ERR\nfalse\nexec app\n", "exits Some(7)"),
        ("trap 'exit 7' ERR\nfalse || true\nexec app\n", "exec app"),
        ("trap 'echo oops' ERR\nfalse\nexec app\n", "exec app"),
        ("set -e\ntrap 'echo oops' ERR\n(exit 4)\nexec app\n", "exits Some(4)"),
    ] {
        assert_eq!(told(Shell::Bash, 0, text, &[]), [end], "{text}");
    }
}

/// A line without an end is read, and is a failure all the same.
#[test]
fn what_a_file_gives_to_read() {
    for (file, end) in [("/etc/passwd", "exec app"), ("/version", "exits Some(1)"), ("/nope", "exits None")] {
        let text = format!("set -e\nread -r x < {file}\nexec app\n");
        let ends = told(Shell::Bash, 0, &text, &[]);
        assert!(ends == [end] || file == "/nope" && ends == ["exits Some(1)"], "{file}: {ends:?}");
    }
}

/// The status that a script ends with on SIGTERM, of dash.
#[test]
fn what_a_trap_ends_with() {
    for (text, code) in [
        ("trap exit TERM\nsleep infinity & wait\n", Some(143)),
        ("trap 'echo x; exit' TERM\nsleep infinity & wait\n", Some(143)),
        ("trap 'exit 0' TERM\nsleep infinity & wait\n", Some(0)),
        ("trap 'kill -SIGTERM $!; exit' TERM\napp & wait\n", Some(143)),
    ] {
        let ends = ends_on_term(text, &[]);
        let exits = ends.iter().filter(|e| e.signalled.is_some()).find_map(|e| match &e.end {
            End::Exits { status, .. } => Some(status.code()),
            _ => None,
        });
        assert_eq!(exits, Some(code), "{text}");
    }
}

/// Spellings of `kill` that shells do not take: the job hears nothing.
#[test]
fn what_kill_does_not_take() {
    let told = |shell, kill: &str| {
        let text = format!("trap '{kill}; exit 0' TERM\napp & p=$!\nwait $p\n");
        let call = call(shell, &text, &[], false);
        let ends = walk(0, &Invocation { signals: vec!["TERM".into()], ..call });
        ends.iter().find(|e| e.signalled.is_some()).map(|e| e.jobs[0].told.is_some())
    };
    for (kill, dash, bash, ash) in [
        ("kill $p", true, true, true),
        ("kill -TERM $p", true, true, true),
        ("kill -s TERM $p", true, true, true),
        ("kill -- $p", true, true, true),
        ("kill -SIGTERM $p", false, true, true),
        ("kill -s SIGTERM $p", false, true, true),
        ("kill -TERM -- $p", false, true, true),
        ("kill -n 15 $p", false, true, false),
        ("kill %1", false, true, true),
    ] {
        let all = [Shell::Dash, Shell::Bash, Shell::Ash].map(|shell| told(shell, kill));
        assert_eq!(all, [Some(dash), Some(bash), Some(ash)], "{kill}");
    }
}

/// What stands in files of the image is known before a program reads it there, unless the script may have changed it
/// (measured with Debian 12 and busybox 1.35).
#[test]
fn programs_that_answer_from_files() {
    for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
        let own = |text: &str| told(shell, 0, &format!("{text}\n"), &[]);
        for asked in [
            "grep -q '^root:' /etc/passwd && exec app",
            "grep -qs root$ /etc/passwd || exec app",
            "[ \"$(grep -F root: /etc/passwd)\" ] && exec app",
            "id root && exec app",
            "id nosuch || exec app",
            "[ \"$(id -u root)\" = 0 ] && exec app",
            "getent passwd root && exec app",
            "getent group nosuch || exec app",
            "which java && exec app",
            "which nosuch || exec app",
            "hash java && exec app",
            "hash nosuch || exec app",
        ] {
            assert_eq!(own(asked), ["exec app"], "{asked}");
        }
        assert_eq!(own("grep -q x /nowhere || exit $?"), ["exits Some(2)"]);
        assert_eq!(own("getent passwd nosuch || exit $?"), ["exits Some(2)"]);
        for unknown in [
            "echo nosuch >/etc/passwd; id nosuch || exec app",
            "redis-server; id nosuch || exec app",
            "grep -q 'r.*t' /etc/passwd || exec app",
            "grep -qv root /etc/passwd || exec app",
        ] {
            assert!(own(unknown).len() > 1, "{unknown}: {:?}", own(unknown));
        }
    }
}

/// Options of bash that change the way (measured with bash 5.2).
#[test]
fn shopt_options() {
    let own = |text: &str| told(Shell::Bash, 0, &format!("{text}\n"), &[]);
    assert_eq!(own("shopt -s lastpipe; true | exit 5; exit 4"), ["exits Some(5)"]);
    assert_eq!(own("shopt -s lastpipe; set -o pipefail; false | true || exec app"), ["exec app"]);
    assert_eq!(own("true | exit 5; exit 4"), ["exits Some(4)"]);
    assert_eq!(own("set -e; x=$(false; true); exec app"), ["exec app"]);
    assert_eq!(own("shopt -s inherit_errexit; set -e; x=$(false; true); exec app"), ["exits Some(1)"]);
    assert_eq!(own("shopt -s extglob\ncase abc in a@(b|x)c) exec app;; esac"), ["exec app", "exits Some(0)"]);
    assert_eq!(own("shopt -s extglob; case abc in a@(b|x)c) exec app;; esac"), ["exits Some(2)"]);
    assert_eq!(own("alias x='exit 3'\nx\nexec app"), ["exec app"]);
    assert_eq!(own("shopt -s expand_aliases\nalias y='exit 3'\nexec app"), ["exec app"]);
    let renamed = own("shopt -s expand_aliases\nalias app='exit 3'\nexec app");
    assert_eq!(renamed, ["unknown aliases are not followed"]);
}

/// `;;&` of bash tries the patterns that follow; what was run keeps its status where none matches (measured with bash 5.2).
#[test]
fn case_goes_on_matching() {
    let own = |text: &str| told(Shell::Bash, 0, &format!("{text}\n"), &[]);
    assert_eq!(own("case a in a) true ;;& b) exit 3;; a) exec app;; esac"), ["exec app"]);
    assert_eq!(own("case a in a) false ;;& b) exit 3;; esac; exit $?"), ["exits Some(1)"]);
    assert_eq!(own("case a in a) true ;& b) exit 3;; esac"), ["exits Some(3)"]);
    assert_eq!(own("case a in a) true ;;& b) exit 3;; *) exec app;; esac"), ["exec app"]);
}

/// What is piped is known as far as what prints it is (measured with dash, bash and busybox of Debian 12).
#[test]
fn pipelines_carry_what_is_printed() {
    for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
        let own = |text: &str| told(shell, 0, &format!("{text}\n"), &[]);
        for text in [
            "echo foo | grep -q foo && exec app",
            "echo foo | grep -q bar || exec app",
            "[ \"$(echo 5 | { read y; echo \"$y\"; })\" = 5 ] && exec app",
            "[ \"$(echo 5 | cat)\" = 5 ] && exec app",
            "printf '%s\\n' a b | while read x; do [ \"$x\" = b ] && exit 6; done; [ $? = 6 ] && exec app",
            "printf '%s\\n' a b | { read x; cat >/dev/null; read y; } || exec app",
            "printf '%s\\n' a b | { read x; sleep 1; read y; } && exec app",
        ] {
            assert_eq!(own(text), ["exec app"], "{shell:?}: {text}");
        }
        let eaten = "printf '%s\\n' a b | { read x; grep b; read y; } && exec app";
        assert_eq!(own(eaten), ["exec app", "exits None"], "{shell:?}");
    }
}

/// Who is told by a trap that has forks of the shell send the signal (measured, with `tail` and a program with a handler).
/// dash forgets its jobs in a fork, so that `jobs -p` prints none there.
#[test]
fn forks_that_tell_jobs() {
    let is_told = |shell: Shell, action: &str| {
        let text = format!("trap '{action}; exit 4' TERM\napp & p=$!\nwait\n");
        let ends = ends_on_term_of(shell, &text, &[]);
        let ending = ends.iter().find(|e| e.signalled.is_some() && matches!(e.end, End::Exits { .. })).unwrap();
        (ending.jobs[0].told.is_some(), ending.signalled.as_ref().unwrap().otherwise)
    };
    for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
        let by_jobs = shell != Shell::Dash;
        for (action, told) in [
            ("( kill $p )", true),
            ("echo $p | xargs kill", true),
            ("kill $p | cat", true),
            ("kill -0 $p | cat", false),
            ("x=$(kill $p)", true),
            ("jobs -p | xargs kill", by_jobs),
            ("jobs -p | cat | xargs -n1 kill -TERM", by_jobs),
        ] {
            assert_eq!(is_told(shell, action).0, told, "{shell:?}: {action}");
        }
    }
}

/// A loop that goes round as long as files are what they are in the image may be left: others change them.
#[test]
fn loops_that_wait_for_others() {
    for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
        for wait in [
            "until [ -f /run/x ]; do sleep 1; done",
            "until grep -q ready /version; do sleep 1; done",
            "until cat /run/x; do sleep 1; done",
            "until id nosuch; do sleep 1; done",
            "until command -v nosuch; do sleep 1; done",
            "while :; do [ -f /run/x ] && break; sleep 1; done",
            "w() { while :; do [ -f /run/x ] && return; sleep 1; done; }\nw",
        ] {
            assert_eq!(told(shell, 0, &format!("{wait}\nexec app\n"), &[]), ["loops", "exec app"], "{shell:?}: {wait}");
        }
        for stay in ["while :; do sleep 1; done", "while :; do [ -f /run/x ] && sleep 2; sleep 1; done"] {
            assert_eq!(told(shell, 0, &format!("{stay}\nexec app\n"), &[]), ["loops"], "{shell:?}: {stay}");
        }
    }
}

/// What a script does to files holds for what it looks up, runs and reads behind that (measured with dash, bash and busybox
/// of Debian 12).
#[test]
fn files_that_scripts_change() {
    for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
        let own = |text: &str| told(shell, 0, &format!("{text}\n"), &[]);
        assert_eq!(own("rm /version; [ -f /version ] || exec app"), ["exec app"], "{shell:?}");
        assert_eq!(own("nice rm /version; [ -f /version ] || exec app"), ["exec app"], "{shell:?}");
        assert_eq!(own("mkdir /x; [ -d /x ] && exec app"), ["exec app"], "{shell:?}");
        for text in [
            "echo x | tee /x; [ -f /x ] && exec app",
            "echo x | { read y; echo $y >/x; }; [ -s /x ] && exec app",
            "sleep 1 >/x & wait; [ -f /x ] && exec app",
            "rm /bin/java; which java || exec app",
            "echo >/bin/java; command -v java || exec app",
            "mkdir /r; echo 'exit 6' >/r/h; cd /r; . ./h; exec app",
            "find /data -name x -delete; [ -f /data/x ] || exec app",
        ] {
            assert!(own(text).contains(&"exec app".to_owned()), "{shell:?}: {text}: {:?}", own(text));
        }
        assert!(own("rm /bin/java; hash java || exit 3; exec app").len() > 1, "{shell:?}");
    }
}

/// A trap on ERR in functions and forks, with `-E`; what a shell sends itself; pipes that nobody reads to their end (measured
/// with bash 5.2).
#[test]
fn what_bash_does_on_errors_and_signals() {
    let own = |text: &str| told(Shell::Bash, 0, &format!("{text}\n"), &[]);
    assert_eq!(own("set -E; trap 'exit 13' ERR; f() { false; true; }; f; exec app"), ["exits Some(13)"]);
    assert_eq!(own("set -E; trap 'exit 13' ERR; (false; true); exec app"), ["exits Some(13)"]);
    assert_eq!(own("trap 'exit 13' ERR; f() { false; true; }; f; exec app"), ["exec app"]);
    assert_eq!(own("trap 'exit 13' DEBUG; exec app"), ["unknown this trap is not followed"]);
    assert_eq!(own("trap 'echo x' DEBUG; exec app"), ["exec app"]);
    assert_eq!(own("trap 'exit 13' TERM; kill $$; exec app"), ["unknown the shell sends itself a signal"]);
    assert_eq!(own("set -o pipefail; tr -dc a </dev/urandom | head -c 8; exit $?"), ["exits Some(141)"]);
    assert_eq!(own("tr -dc a </dev/urandom | head -c 8 && exec app"), ["exec app", "exits None"]);
    for shell in [Shell::Dash, Shell::Ash] {
        assert_eq!(told(shell, 0, "nope & a=$!; wait; wait $a; exit $?\n", &[]), ["exits Some(127)"]);
    }
}

/// Where the script goes on when its trap has run.
#[test]
fn what_traps_leave_behind() {
    let code = |shell: Shell, text: &str| {
        let ends = ends_on_term_of(shell, &format!("{text}\n"), &[]);
        let on_term = ends.iter().filter(|e| e.signalled.is_some());
        let code = |e: &Ending| match &e.end {
            End::Exits { status, .. } => format!("{status:?}"),
            End::Loops { .. } => "loops".to_owned(),
            _ => "other".to_owned(),
        };
        on_term.map(code).collect::<Vec<_>>().join(" ")
    };
    for shell in [Shell::Dash, Shell::Bash, Shell::Ash] {
        assert_eq!(code(shell, "trap break TERM; while :; do sleep 1; done; exit 6"), "Code(6)");
        assert_eq!(code(shell, "trap 'stop=1' TERM; while [ -z \"$stop\" ]; do sleep 1; done; exit 9"), "Code(9)");
        assert_eq!(code(shell, "trap : TERM; while :; do sleep 1; done; exit 9"), "loops");
        let text = "set -e; trap 'kill $p; wait $p' TERM; app & p=$!; wait $p; exit 0";
        assert!(code(shell, text).contains("Job(0)"), "{shell:?}: {}", code(shell, text));
    }
    // bash dies of the signal, whatever its trap on EXIT says
    assert_eq!(code(Shell::Bash, "trap 'exit 5' EXIT; app & wait"), "Code(143)");
    assert_eq!(code(Shell::Bash, "trap 'exit 5' EXIT; trap exit TERM; app & wait"), "Code(5)");
    let jobs = |text: &str| ends_on_term(&format!("{text}\n"), &[])[0].jobs[0].clone();
    assert!(jobs("(trap '' TERM; app) & wait").ignores.contains(&"TERM".into()));
    assert!(jobs("(trap 'exit 3' TERM; app; true) & wait").traps);
}
