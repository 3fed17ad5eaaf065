//! The evaluator of scripts against the shells themselves: random small scripts, run with stub programs that record how
//! they were started. Seeds and numbers come from IMAGELINT_SCRIPT_SEEDS (blanks between) and IMAGELINT_SCRIPTS; of
//! shells that are followed in part a tenth of that is run.
#![allow(clippy::unwrap_used)]

mod grammar;
mod stage;

use std::fmt::Write;

use imagelint::launch::Shell;
use imagelint::launch::script::{Bounds, Cause, End, Ending, Field, Invocation, Status, follow};

use grammar::Generator;
use stage::{Observed, Stage};

/// How each shell is called, and how many of a hundred scripts may be unknown: of the last five only a part is followed.
const SHELLS: [(Shell, &[&str], usize); 9] = [
    (Shell::Dash, &["dash"], 10),
    (Shell::Bash, &["bash"], 10),
    (Shell::Ash, &["busybox", "sh"], 10),
    (Shell::Bash, &["bash", "--posix"], 10),
    (Shell::Zsh, &["zsh"], 90),
    (Shell::Ksh, &["ksh93"], 90),
    (Shell::Mksh, &["mksh"], 90),
    (Shell::Mksh, &["lksh"], 90),
    (Shell::Yash, &["yash"], 90),
];

/// Texts of `-c`, one on a line, `\n` and `\\` escaped: every place that a last command can have.
const TEXTS: &str = include_str!("ends.txt");

/// Programs that leave no line.
const SILENT: [&str; 5] = ["basename", "dirname", "badint", "grep", "id"];

/// How one script went.
enum Verdict {
    Agrees,
    Unknown,
    Differs(String),
}

fn words(argv: &[Field]) -> Option<Vec<String>> {
    argv.iter().map(|f| f.known().map(|w| w.to_string())).collect()
}

/// Whether what ran can be what was predicted to have run.
fn same_programs(ending: &Ending, ran: &[(Vec<String>, bool)], exact: bool) -> bool {
    let stub = |argv: &Option<Vec<String>>| argv.as_ref().is_none_or(|a| !SILENT.contains(&a[0].as_str()));
    let predicted = ending.started.iter().map(|s| words(&s.argv)).filter(stub);
    // words that are not known fit anything: the others have the first choice
    let (known, unknown): (Vec<_>, Vec<_>) = predicted.partition(Option::is_some);
    if !exact {
        return true;
    }
    let mut left: Vec<&Vec<String>> = ran.iter().map(|(argv, _)| argv).collect();
    for argv in known.into_iter().flatten() {
        let Some(at) = left.iter().position(|l| argv == **l) else { return false };
        left.remove(at);
    }
    if ending.whole { left.len() == unknown.len() } else { left.len() >= unknown.len() }
}

fn fits(ending: &Ending, observed: &Observed, exact: bool) -> bool {
    // a background job may write its line later
    let replaced = observed.ran.iter().find(|(_, same)| *same);
    let others: Vec<_> = observed.ran.iter().filter(|(_, same)| !same).cloned().collect();
    match &ending.end {
        // The world does not look into programs, as it does not in an image: the interpreter of this one is not there.
        End::Exec { argv, .. } if argv.first().and_then(Field::known).is_some_and(|name| name == "badint") => {
            let trapped = ending.traps.iter().any(|(signal, _)| signal == "EXIT");
            replaced.is_none() && (observed.code == 127 || trapped) && same_programs(ending, &others, exact)
        }
        End::Exec { argv, .. } => {
            let argv = words(argv);
            replaced.is_some_and(|(ran, _)| argv.is_none_or(|a| a == *ran)) && same_programs(ending, &others, exact)
        }
        End::Exits { status, cause } => {
            let code = match status {
                Status::Code(code) => i32::from(*code) == observed.code,
                Status::Failed => observed.code != 0,
                Status::Unknown | Status::Job(_) => true,
            };
            let cause = *cause != Cause::Errexit || observed.code != 0;
            replaced.is_none() && code && cause && same_programs(ending, &others, exact)
        }
        End::Child { argv, last: true, .. } => {
            let argv = words(argv);
            let is = |(ran, same): &(Vec<String>, bool)| !same && argv.as_ref().is_none_or(|a| a == ran);
            // jobs and members of a pipeline may write their lines later
            observed.ran.iter().any(is) && replaced.is_none()
        }
        _ => false,
    }
}

fn judge(endings: &[Ending], observed: &Observed, exact: bool) -> Verdict {
    if endings.iter().any(|e| fits(e, observed, exact)) {
        return Verdict::Agrees;
    }
    if endings.iter().any(|e| matches!(e.end, End::Unknown { .. } | End::Loops { .. })) {
        return Verdict::Unknown;
    }
    let mut text = String::new();
    for ending in endings {
        let started: Vec<_> = ending.started.iter().map(|s| words(&s.argv)).collect();
        let end = match &ending.end {
            End::Exec { argv, .. } => format!("Exec {:?}", words(argv)),
            End::Child { argv, last, .. } => format!("Child {:?} last {last}", words(argv)),
            other => format!("{other:?}"),
        };
        let when: Vec<_> = ending.when.iter().map(|c| &c.text).collect();
        let _ = writeln!(text, "  predicted {end} after {started:?} when {when:?}");
    }
    Verdict::Differs(text)
}

fn settings() -> (Vec<u64>, usize) {
    let seeds = std::env::var("IMAGELINT_SCRIPT_SEEDS").unwrap_or_else(|_| "1".into());
    let count = std::env::var("IMAGELINT_SCRIPTS").ok().and_then(|n| n.parse().ok()).unwrap_or(150);
    (seeds.split_whitespace().map(|s| s.parse().unwrap()).collect(), count)
}

fn compare(shell: Shell, command: &[&str], most: usize) {
    let Some(stage) = Stage::new(command) else {
        eprintln!("{}: not installed, nothing was run", command.join(" "));
        return;
    };
    let (seeds, count) = settings();
    let count = if most > 10 { count.min(150).max(count / 10) } else { count };
    let (mut ran, mut unknown, mut differ, mut slowest) = (0, 0, 0, 0);
    for seed in seeds {
        let mut generator = Generator::new(seed, shell);
        for number in 0..count {
            let script = generator.script();
            let invocation: Invocation = stage.invocation(shell, &script);
            let clock = std::time::Instant::now();
            let endings = follow(&invocation, &stage.world(), Bounds::default());
            slowest = slowest.max(clock.elapsed().as_millis());
            // What the others make of a script whose interpreter is not there was not measured.
            if shell.in_part() && script.text.contains("badint") {
                continue;
            }
            let Some(observed) = stage.run(&script) else { continue };
            ran += 1;
            // who of them runs the trap on EXIT is known where the interpreter is looked for
            let outside = script.text.contains("badint") && script.text.contains("EXIT");
            match judge(&endings, &observed, !script.open && !outside) {
                Verdict::Agrees => {}
                Verdict::Unknown => unknown += 1,
                Verdict::Differs(predicted) => {
                    differ += 1;
                    if differ <= 8 {
                        eprintln!(
                            "{} seed {seed} number {number} {} args {:?}:\n{}\n{predicted}  observed {:?}\n",
                            command.join(" "),
                            if script.command_string { "-c" } else { "file" },
                            script.arguments,
                            script.text,
                            observed
                        );
                    }
                }
            }
        }
    }
    eprintln!("{}: {ran} scripts, {unknown} unknown, {differ} differ, slowest {slowest} ms", command.join(" "));
    assert!(ran > 0, "the shell is there and nothing was run");
    assert_eq!(differ, 0);
    assert!(unknown * 100 <= ran * most, "{unknown} of {ran} unknown");
}

/// Scripts of the generator: the shells that are followed in part are the less often unknown the smaller these are.
fn compare_one(index: usize) {
    let (shell, command, most) = SHELLS[index];
    compare(shell, command, most);
}

fn text_of(line: &str) -> String {
    let mut text = String::new();
    let mut bytes = line.chars();
    while let Some(c) = bytes.next() {
        match c {
            '\\' => text.push(bytes.next().map_or('\\', |c| if c == 'n' { '\n' } else { c })),
            c => text.push(c),
        }
    }
    text
}

/// Whether the shell replaces itself by the last command of each text, as predicted.
#[test]
fn last_commands() {
    let mut differ = 0;
    for (shell, command, _) in SHELLS {
        let Some(stage) = Stage::new(command) else {
            eprintln!("{}: not installed, nothing was run", command.join(" "));
            continue;
        };
        let (mut ran, mut unknown, mut replaced) = (0, 0, 0);
        for (number, line) in TEXTS.lines().enumerate() {
            let arguments = vec!["p0".to_owned(), "1".to_owned()];
            let text = text_of(line);
            let script = grammar::Script { text, command_string: true, arguments, luck: 0, number, open: false };
            let endings = follow(&stage.invocation(shell, &script), &stage.world(), Bounds::default());
            let Some(observed) = stage.run(&script) else { continue };
            ran += 1;
            replaced += usize::from(observed.ran.iter().any(|(_, same)| *same));
            let exact = !line.contains('&') && !line.contains('|'); // members may write their lines later
            match judge(&endings, &observed, exact) {
                Verdict::Agrees => {}
                Verdict::Unknown => unknown += 1,
                Verdict::Differs(predicted) => {
                    differ += 1;
                    eprintln!("{} -c {line}\n{predicted}  observed {observed:?}", command.join(" "));
                }
            }
        }
        eprintln!("{}: {ran} texts, {replaced} replace the shell, {unknown} unknown", command.join(" "));
        assert!(ran * 10 > TEXTS.lines().count() * 9, "too few texts were run");
        assert!(unknown * 2 < ran, "{unknown} of {ran} unknown");
    }
    assert_eq!(differ, 0);
}

#[test]
fn dash_does_as_predicted() {
    compare_one(0);
}

#[test]
fn bash_does_as_predicted() {
    compare_one(1);
}

#[test]
fn busybox_ash_does_as_predicted() {
    compare_one(2);
}

#[test]
fn bash_in_posix_mode_does_as_predicted() {
    compare_one(3);
}

#[test]
fn zsh_does_as_predicted() {
    compare_one(4);
}

#[test]
fn ksh93_does_as_predicted() {
    compare_one(5);
}

#[test]
fn mksh_does_as_predicted() {
    compare_one(6);
}

#[test]
fn lksh_does_as_predicted() {
    compare_one(7);
}

#[test]
fn yash_does_as_predicted() {
    compare_one(8);
}
