//! A script, whatever is in it: no panic in its parser or its evaluation, and both end.
#![no_main]

use bstr::{BStr, BString};
use imagelint::launch::script::{Bounds, Content, Field, Found, Invocation, Run, Truth, Value, World, follow, run_known};
use imagelint::launch::{Replacing, Shell};
use libfuzzer_sys::fuzz_target;

/// A file system in which much is there and little is known.
struct Somewhere;

impl World for Somewhere {
    fn test(&self, _: u8, path: &BStr) -> Truth {
        match path.len() % 3 {
            0 => Truth::Yes,
            1 => Truth::No,
            _ => Truth::Unknown,
        }
    }

    fn command(&self, _: Shell, name: &BStr, _: Option<&BStr>, _: &BStr, _: bool) -> Found {
        if name.ends_with(b"x") { Found::Fails(127) } else { Found::Program(name.into()) }
    }

    fn read(&self, path: &BStr) -> Content {
        match path.len() % 3 {
            0 => Content::Bytes(b"a=1; f() { . /b; app; }; f &\nwait".to_vec()),
            1 => Content::Absent,
            _ => Content::Unknown,
        }
    }

    fn canonical(&self, path: &BStr) -> Option<Option<BString>> {
        Some(Some(path.into()))
    }

    fn list(&self, _: &BStr) -> Option<Vec<BString>> {
        Some(vec!["a".into(), "b c".into(), "-d".into()])
    }

    fn ids(&self) -> (u32, u32) {
        (0, 0)
    }

    fn run(&self, argv: &[Field], cwd: &BStr) -> Run {
        run_known(argv, cwd, self)
    }
}

const SHELLS: [Shell; 7] = [Shell::Dash, Shell::Bash, Shell::Ash, Shell::Zsh, Shell::Ksh, Shell::Mksh, Shell::Yash];

fuzz_target!(|data: &[u8]| {
    let Some((how, text)) = data.split_first() else { return };
    let value = |text: &str| Value::from(text);
    let invocation = Invocation {
        shell: SHELLS[usize::from(*how) % SHELLS.len()],
        name: value("/entrypoint.sh"),
        text: text.into(),
        command_string: how & 0x40 != 0,
        replaces: Replacing::Last,
        pipefail: false,
        posix: how & 0x80 != 0,
        startup: Vec::new(),
        arguments: vec![Field::One(value("app")), Field::One(value("-x")), Field::Any("more".into())],
        environment: vec![("PATH".into(), value("/bin:/usr/bin")), ("HOME".into(), Value::filled("the engine sets it"))],
        cwd: "/".into(),
        options: Vec::new(),
        pid: Some(1),
        signals: vec!["TERM".into()],
        fed: false,
    };
    let _ = follow(&invocation, &Somewhere, Bounds::default());
});
