//! The syntax of shell scripts, against the shells themselves where they are installed.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Stdio};

use imagelint::format::shell::{Dialect, Kind, Part, parse};

const SHELLS: [(Dialect, &[&str]); 3] =
    [(Dialect::Dash, &["dash"]), (Dialect::Bash, &["bash"]), (Dialect::Ash, &["busybox", "sh"])];

/// One a line; `\n` stands for a newline.
const CASES: &str = include_str!("shell/cases.txt");

/// What `shell -n` says; `None` if it is not there.
fn accepts(shell: &[&str], text: &str) -> Option<bool> {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg("-n").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Some(child.wait().unwrap().success())
}

#[test]
fn what_is_claimed_is_what_the_shells_say() {
    let mut wrong = Vec::new();
    for (dialect, shell) in SHELLS {
        let (mut asked, mut unsure) = (0, 0);
        for case in CASES.lines() {
            let text = format!("{}\n", case.replace("\\n", "\n"));
            let Some(accepted) = accepts(shell, &text) else { break };
            asked += 1;
            match parse(text.as_bytes(), dialect) {
                Err(fault) if !fault.refused => unsure += 1,
                result if result.is_ok() != accepted => wrong.push((shell[0], case, accepted)),
                _ => {}
            }
        }
        eprintln!("{}: {asked} asked, {unsure} unsure", shell[0]);
        assert!(unsure * 5 <= asked, "too much is left open");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_hostile_is_fatal() {
    let texts = [
        "$(".repeat(50_000),
        "(".repeat(50_000),
        "{ ".repeat(50_000),
        "if a; then ".repeat(20_000),
        "${a-".repeat(50_000),
        "\"$(".repeat(20_000),
        "`".repeat(50_001),
        "a|".repeat(100_000),
        "a&&".repeat(100_000),
        "$((".repeat(30_000),
        "case a in a) ".repeat(20_000),
        "f()".repeat(50_000),
        "! ".repeat(100_000),
        "a=(".repeat(30_000),
        "<<E ".repeat(20_000),
        "[[ ( ".repeat(20_000),
        "\\\n".repeat(100_000),
        "\u{0}".repeat(10),
        "'".repeat(100_001),
        "x".repeat((1 << 20) + 1),
    ];
    for text in &texts {
        for (dialect, _) in SHELLS {
            let _ = parse(text.as_bytes(), dialect);
        }
    }
    let bytes: Vec<u8> = (0..=255).cycle().filter(|b| *b != 0).take(5000).collect();
    for (dialect, _) in SHELLS {
        let _ = parse(&bytes, dialect);
    }
}

#[test]
fn lines_before_a_fault_are_kept() {
    let fault = parse(b"a\nb; c\nexec d\nif x; then\n", Dialect::Dash).unwrap_err();
    assert!(fault.refused);
    assert_eq!(fault.before.unwrap().body.len(), 4);
    let fault = parse(b"a\nb; echo \"\n", Dialect::Dash).unwrap_err();
    assert!(fault.refused && fault.line == 2, "{fault:?}");
    assert_eq!(fault.before.unwrap().body.len(), 1, "the shell reads a line before it runs any of it");
}

#[test]
fn a_pattern_has_quotes_of_its_own() {
    // each was given to the shell with -n
    let text = b"(\n a=\"${v#'\"'}\"\n b=\"${v%%*'\"'}\" c=\"x'${v}'y${#v}'s\"\n)\nd\n";
    for dialect in [Dialect::Dash, Dialect::Ash, Dialect::Bash] {
        assert_eq!(parse(text, dialect).unwrap().body.len(), 2, "{dialect:?}");
    }
    assert!(parse(b"a=\"${v/'\"'/x}\"; b=\"${v[0]%'\"'}\"", Dialect::Bash).is_ok());
}

#[test]
fn quoting_is_kept() {
    let script = parse(b"a 'b'\\ c\"$d\"\xff", Dialect::Dash).unwrap();
    let Kind::Simple(simple) = &script.body[0].command.kind else { panic!() };
    let word = &simple.words[1];
    assert_eq!((word.span.start, word.span.end), (2, 13));
    assert!(matches!(
        word.parts.as_slice(),
        [Part::Quoted(b), Part::Quoted(blank), Part::Plain(c), Part::Double(_), Part::Plain(last)]
            if b == "b" && blank == " " && c == "c" && *last == b"\xff"[..]
    ));
}
