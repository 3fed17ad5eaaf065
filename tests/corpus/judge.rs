//! How a script is called, and what its endings say in the terms of a human who reads it.

use std::collections::BTreeSet;

use imagelint::image::Image;
use imagelint::launch::script::{Cause, End, Ending, Field, Invocation, Value};
use imagelint::launch::{Replacing, Shell};
use imagelint::rootfs::{Credentials, View};

use super::case::Case;
use super::root::Root;

/// The shell that the shebang line names.
fn shell(text: &[u8], sh: &str) -> Option<Shell> {
    let first = String::from_utf8_lossy(text).lines().next()?.to_owned();
    let words = first.strip_prefix("#!").unwrap_or("/bin/sh").split_whitespace();
    let name =
        words.filter(|w| !w.starts_with('-')).filter_map(|w| w.rsplit('/').next()).find(|w| w.ends_with("sh"))?;
    match (name, sh) {
        ("bash", _) | ("sh", "bash") => Some(Shell::Bash),
        ("dash", _) | ("sh", "dash") => Some(Shell::Dash),
        ("ash" | "sh", _) => Some(Shell::Ash),
        _ => None,
    }
}

/// The script as the container's command calls it.
pub fn invocation(case: &Case, root: &Root) -> Option<Invocation> {
    let configuration = &root.image.configuration;
    let words: Vec<&String> = configuration.entrypoint.iter().chain(&configuration.cmd).collect();
    let name = root.script.rsplit('/').next();
    let at = words.iter().position(|w| w.rsplit('/').next() == name).map_or(words.len(), |at| at + 1);
    let arguments = words.iter().skip(at).map(|w| Field::One(Value::from(w.as_str()))).collect();
    let text = String::from_utf8_lossy(&case.text);
    let first = text.lines().next().unwrap_or_default();
    let options = first.split_whitespace().skip(1).filter_map(|w| w.strip_prefix('-')).flat_map(str::bytes).collect();
    let split = configuration.env.iter().filter_map(|e| e.split_once('='));
    let mut environment: Vec<_> = split.map(|(name, value)| (name.into(), Value::from(value))).collect();
    environment.push(("HOME".into(), Value::filled("the engine sets HOME")));
    environment.push(("HOSTNAME".into(), Value::filled("the engine sets HOSTNAME")));
    let cwd = if configuration.working_dir.is_empty() { "/" } else { &configuration.working_dir };
    Some(Invocation {
        shell: shell(&case.text, root.sh)?,
        name: Value::from(root.script.as_str()),
        text: case.text.as_slice().into(),
        command_string: false,
        replaces: Replacing::Never,
        pipefail: false,
        posix: first.contains("/sh") && root.sh == "bash",
        startup: Vec::new(),
        signals: vec!["TERM".into()],
        fed: false,
        arguments,
        environment,
        cwd: cwd.into(),
        options,
        pid: Some(1),
    })
}

/// The credentials of the configured user.
pub fn credentials(image: &Image, view: &View<'_>) -> Credentials {
    let user = image.configuration.user.as_str();
    if user.is_empty() || user == "root" || user == "0" || user.starts_with("root:") {
        return Credentials::root();
    }
    let id = match view.resolve(b"/etc/passwd", b"/", &Credentials::root()) {
        Ok(found) => {
            let passwd = view.read(found.ino, 0, 1 << 16).unwrap_or_default();
            let name = format!("{}:", user.split(':').next().unwrap_or_default());
            let text = String::from_utf8_lossy(&passwd).into_owned();
            let line = text.lines().find(|l| l.starts_with(&name)).map(str::to_owned);
            line.and_then(|l| l.split(':').nth(2)?.parse().ok())
        }
        Err(_) => None,
    };
    let uid = id.unwrap_or(1000);
    Credentials { uid, gid: uid, groups: Vec::new(), dac_override: uid == 0 }
}

/// Endings that a reader would name.
pub fn expected(endings: &[Ending]) -> impl Iterator<Item = &Ending> {
    endings.iter().filter(|e| e.is_expected())
}

/// Texts that the programs of endings are given behind `-c`.
pub fn texts(endings: &[Ending]) -> Vec<String> {
    let programs = endings.iter().filter_map(|e| match &e.end {
        End::Exec { argv, .. } | End::Child { argv, .. } => Some(argv),
        _ => None,
    });
    let text = |argv: &Vec<Field>| {
        let at = argv.iter().position(|word| word.known().is_some_and(|w| w == "-c"))?;
        Some(argv.get(at + 1)?.known()?.to_string())
    };
    programs.filter_map(text).collect()
}

/// Whether some of them hide the rest of the script.
pub fn is_unknown(endings: &[Ending]) -> bool {
    expected(endings).any(|e| matches!(e.end, End::Unknown { .. }))
}

/// Why.
pub fn reasons(endings: &[Ending]) -> BTreeSet<&str> {
    let why = |e| match e {
        &Ending { end: End::Unknown { ref why }, .. } => Some(why.as_str()),
        _ => None,
    };
    expected(endings).filter_map(why).collect()
}

/// In one word.
pub fn class(endings: &[Ending]) -> &'static str {
    let all: Vec<&Ending> = expected(endings).collect();
    let has = |is: &dyn Fn(&End) -> bool| all.iter().any(|e| is(&e.end));
    let stays = |e: &&&Ending| matches!(e.end, End::Child { .. } | End::Waits { .. } | End::Loops { .. });
    let handled = |e: &&Ending| e.traps.iter().any(|(n, t)| n == "TERM" && t.action.is_some());
    let child = all.iter().find(stays);
    match () {
        () if has(&|e| matches!(e, End::Exec { .. })) && child.is_none() => "exec",
        () if child.is_some_and(handled) => "trap",
        () if has(&|e| matches!(e, End::Exec { .. })) => "exec-or-child",
        () if has(&|e| matches!(e, End::Loops { .. })) => "loop",
        () if child.is_some() => "child",
        () if has(&|e| matches!(e, End::Exits { cause: Cause::End | Cause::Exit, .. })) => "exits",
        () if has(&|e| matches!(e, End::Unknown { .. })) => "unknown",
        () => "fails",
    }
}

/// Whether that is what a human says: `OK` becomes its program, `LOST` stays in front of it, …
pub fn agrees(label: &str, class: &str, _: &Case) -> bool {
    match label {
        "OK" => class == "exec",
        "LOST" | "OK-init-g" | "LOST-cond" => matches!(class, "child" | "exec-or-child" | "loop"),
        "ONESHOT" => matches!(class, "child" | "exits"),
        "OK-trap" => class == "trap",
        _ => false,
    }
}

fn words(argv: &[Field]) -> String {
    let word = |f: &Field| match f {
        Field::One(value) => value.known().map_or("?".to_owned(), |w| w.to_string()),
        Field::Any(_) => "?*".to_owned(),
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ").chars().take(120).collect()
}

/// An ending on a line.
pub fn told(ending: &Ending) -> String {
    let end = match &ending.end {
        End::Exec { argv, .. } => format!("exec {}", words(argv)),
        End::Child { argv, last, within, .. } => format!("child last={last} within={within:?} {}", words(argv)),
        End::Exits { status, cause } => format!("exits {status:?} {cause:?}"),
        other => format!("{other:?}").chars().take(160).collect(),
    };
    let when: Vec<String> = ending
        .when
        .iter()
        .map(|c| format!("{}{}:{}", if c.unlikely { "UNLIKELY " } else { "" }, c.line, c.text))
        .collect();
    let traps: Vec<String> = ending.traps.iter().map(|(n, _)| n.to_string()).collect();
    let missing: Vec<String> = ending.missing.iter().map(|m| m.name.to_string()).collect();
    let mark = if ending.is_expected() { "*" } else { " " };
    format!("{mark}{}: {end} when {when:?} traps {traps:?} missing {missing:?}", ending.span.line)
}
