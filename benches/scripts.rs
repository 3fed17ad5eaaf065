//! What following a script costs that has many branches, loops and functions.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/tree/mod.rs"]
mod tree;

use std::fmt::Write;

use divan::{Bencher, black_box};
use imagelint::launch::script::{Bounds, Field, Inside, Invocation, Value, follow};
use imagelint::launch::{Replacing, Shell};
use imagelint::rootfs::{Credentials, Rootfs, View};

const FILES: [&str; 8] = ["bin/", "bin/app", "bin/sed", "bin/chown", "bin/wget", "bin/tool", "etc/", "etc/passwd:644"];

fn main() {
    divan::main();
}

/// Settings that may be there or not, each of which a function writes; what ways have in common is little.
fn branches(count: usize) -> String {
    let mut text =
        "#!/bin/bash\nset -eo pipefail\nset_one() {\n local name=\"$1\" value=\"$2\"\n if [ -n \"$value\" ]; then\n \
                    sed -i \"s|.*$name=.*|$name=$value|\" /etc/app.conf\n fi\n}\n"
            .to_owned();
    for n in 0..count {
        let _ = write!(
            text,
            "V{n}=\"$(wget -qO- http://host/{n})\"\nif [ \"$V{n}\" != x ]; then F{n}=yes; fi\nset_one n{n} \"$V{n}\"\n"
        );
    }
    text + "exec app \"$@\"\n"
}

/// Loops within loops that wait for what is not known, and a function that calls itself.
fn loops(count: usize) -> String {
    let mut text = "#!/bin/bash\nretry() {\n if ! tool \"$1\"; then sleep 1; retry \"$1\"; fi\n}\n".to_owned();
    for n in 0..count {
        let _ = write!(
            text,
            "until tool ping{n}; do\n for i in a b c; do\n if tool \"$i\"; then R{n}=$i; fi\n done\n retry {n}\ndone\n"
        );
    }
    text + "exec app\n"
}

fn run(bencher: Bencher<'_, '_>, text: &str) {
    let mut image = tree::of(vec![tree::filled(&FILES, &[("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")])]);
    let rootfs = Rootfs::build(&mut image).unwrap();
    let view = View::new(&image, &rootfs);
    let invocation = Invocation {
        shell: Shell::Bash,
        name: "/entrypoint.sh".into(),
        text: text.into(),
        command_string: false,
        replaces: Replacing::Last,
        pipefail: false,
        posix: false,
        startup: Vec::new(),
        signals: vec!["TERM".into()],
        fed: false,
        arguments: vec![Field::One(Value::from("-x"))],
        environment: vec![("PATH".into(), "/bin".into()), ("HOME".into(), "/root".into())],
        cwd: "/".into(),
        options: Vec::new(),
        pid: Some(1),
    };
    bencher.bench_local(|| {
        let endings = follow(&invocation, &Inside::new(&view, Credentials::root()), Bounds::default());
        assert!(!endings.is_empty());
        black_box(endings);
    });
}

#[divan::bench(args = [10, 100, 300])]
fn many_branches(bencher: Bencher<'_, '_>, count: usize) {
    run(bencher, &branches(count));
}

#[divan::bench(args = [1, 5, 20])]
fn many_loops(bencher: Bencher<'_, '_>, count: usize) {
    run(bencher, &loops(count));
}
