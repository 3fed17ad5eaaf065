//! `imagelint explain`: a rule, an exit code, or what a runtime printed.

mod errors;

use clap::Args;
use imagelint::report::document::{Document, render};
use imagelint::report::{Detail, Style};
use imagelint::rule::Rule;
use imagelint::rules::RULES;

use super::output::{self, Color, Complaint, Result};
use super::{Exit, near};

/// Sections that begin with `## CODE`.
const EXIT_CODES: &str = include_str!("explain/exit-codes.md");
/// That of what they have in common.
const SIGNALS: &str = "128+n";

/// As typed.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Typed {
    /// A rule's name, an exit code, or an error text such as `exec /app: no such file or directory`
    #[arg(value_name = "RULE | EXIT-CODE | ERROR-TEXT", required = true, allow_negative_numbers = true)]
    what: Vec<String>,
    /// Whether to colour it
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

/// Explains.
pub fn run(typed: Typed) -> Result<Exit> {
    let (what, style) = (typed.what.join(" "), output::style(typed.color, Detail::Full));
    let text = match number(&what) {
        Some(code) => exit_code(code, &style),
        None if what.replace(' ', "") == SIGNALS => {
            section(SIGNALS).map(|section| explained(section, &style)).unwrap_or_default()
        }
        None => match (near::rule(&what), errors::find(&what)) {
            (Ok(rule), _) => document(rule, &style),
            (Err(_), Some(error)) => render(error.meaning, &style) + &catalogue(error.rules, &style),
            (Err(unknown), None) if !what.contains(' ') => return Err(unknown),
            (Err(_), None) => exit_code(mentioned(&what).ok_or_else(|| unheard(&what))?, &style),
        },
    };
    output::print(&text)?;
    Ok(Exit::Clean)
}

/// `137`, and `128+9`, as people have it from signal(7).
fn number(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let (base, signal) = text.split_once('+')?;
        base.trim_end().parse::<i64>().ok()?.checked_add(signal.trim_start().parse().ok()?)
    })
}

/// The number in `Exited (127) 2 minutes ago` or `terminated with exit code 137`.
fn mentioned(text: &str) -> Option<i64> {
    let text = text.to_lowercase();
    let after = ["exited (", "exit code", "exit status", "exitcode", "code"].iter();
    let rest = after.filter_map(|word| Some(text.split_once(word)?.1)).next()?;
    let digits = rest.trim_start_matches([' ', ':', '=', '"']).split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn unheard(text: &str) -> Complaint {
    Complaint::new(format!("`{text}` is not a text that a container start is known to end with"))
        .help("paste one line, such as `exec /app: no such file or directory`, or the exit code: imagelint explain 127")
}

fn document(rule: &Rule, style: &Style) -> String {
    let document = Document::of(rule);
    let (severity, summary) = (document.value("severity").unwrap_or_default(), document.value("summary"));
    let heading = format!("{} ({severity}): {}\n\n", style.bold(rule.name), summary.unwrap_or_default());
    heading + &document.render(style)
}

/// The rules of `names` that there are, with their summaries.
fn catalogue(names: &[&str], style: &Style) -> String {
    let there: Vec<_> = names.iter().filter_map(|name| RULES.iter().find(|rule| rule.name == *name)).collect();
    if there.is_empty() {
        return String::new();
    }
    let line = |rule: &&Rule| {
        format!("  {}: {}\n", style.bold(rule.name), Document::of(rule).value("summary").unwrap_or_default())
    };
    format!(
        "\nRules that find it in an image (`imagelint explain RULE`):\n{}",
        there.iter().map(line).collect::<String>()
    )
}

fn exit_code(code: i64, style: &Style) -> String {
    // wait(2) keeps eight bits.
    let kept = code.rem_euclid(256);
    let folded = match code {
        0..=255 => String::new(),
        _ => {
            render(&format!("Exit codes have eight bits: {code} is seen as {kept} ({code} modulo 256).\n"), style)
                + "\n"
        }
    };
    folded
        + &section(&kept.to_string())
            .map_or_else(|| render(&signal_or_own(kept), style), |section| explained(section, style))
}

/// The section about `code`, without the mark of its heading.
fn section(code: &str) -> Option<&'static str> {
    EXIT_CODES.split("## ").find(|section| section.split(' ').next() == Some(code))
}

fn explained(section: &'static str, style: &Style) -> String {
    let (text, rules) = section.split_once("\nRules: ").unwrap_or((section, ""));
    let code = text.split(' ').next().unwrap_or_default();
    render(&format!("## {}\n", text.trim_end()), style) + &catalogue(&finders(code, rules), style)
}

/// The rules that find `code` beforehand: the usual ones, then all others that name it in their documents.
fn finders(code: &str, usual: &'static str) -> Vec<&'static str> {
    let mut names: Vec<_> = usual.trim().split(", ").filter(|name| !name.is_empty()).collect();
    for rule in RULES.iter().filter(|rule| Document::of(rule).values("exit-codes").contains(&code)) {
        if !names.contains(&rule.name) {
            names.push(rule.name);
        }
    }
    names
}

/// Codes without a section of their own.
fn signal_or_own(code: i64) -> String {
    match code {
        129..=192 => format!(
            "## {code} a signal\n\nThe process died of signal {number} (128 + {number}){name}. `kill -l {number}` \
             names it, signal(7) explains it. A program may also use this number for purposes of its own.\n",
            number = code - 128,
            name = signal_name(code - 128).map(|name| format!(", {name}")).unwrap_or_default(),
        ),
        _ => format!(
            "## {code} the program's own\n\nNeither the engines nor the shells use {code}: the program gave it, \
             and its documentation or its log tells what it means.\n\n\
             How to tell: `docker logs NAME`, `kubectl logs POD --previous`.\n"
        ),
    }
}

/// signal(7), as on x86 and ARM.
fn signal_name(number: i64) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    NAMES.get(usize::try_from(number - 1).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_say_how_to_tell_and_name_rules_that_there_are() {
        for code in ["0", "1", "2", "125", "126", "127", "128", SIGNALS, "130", "134", "137", "139", "143", "255"] {
            let section = section(code).unwrap_or_else(|| panic!("nothing about {code}"));
            assert!(section.contains("\nHow to tell: "), "{code}");
            assert!(section.contains("\nWhat to do: ") || code == SIGNALS, "{code}");
            let (_, rules) = section.split_once("\nRules: ").unwrap_or_default();
            for name in finders("", rules) {
                assert!(RULES.iter().any(|rule| rule.name == name), "{code}: {name}");
            }
        }
    }

    #[test]
    fn rules_are_found_by_the_codes_that_they_name() {
        for rule in RULES {
            for code in Document::of(rule).values("exit-codes") {
                assert!(finders(code, "").contains(&rule.name), "{code}: {}", rule.name);
            }
        }
        assert_eq!(finders("134", "no-reaper"), ["no-reaper"]);
    }

    #[test]
    fn numbers_as_people_type_them() {
        for (text, code) in [
            ("137", Some(137)),
            ("-1", Some(-1)),
            ("128+9", Some(137)),
            ("128 + 9", Some(137)),
            ("128+n", None),
            ("9223372036854775807+1", None),
            ("", None),
        ] {
            assert_eq!(number(text), code, "{text}");
        }
    }

    #[test]
    fn exit_codes_are_found_in_what_engines_print() {
        for (text, code) in [
            ("Exited (127) 2 minutes ago", Some(127)),
            ("command terminated with exit code 137", Some(137)),
            ("Exit Code:    255", Some(255)),
            ("\"ExitCode\": 126,", Some(126)),
            ("exit status 1", Some(1)),
            ("exit code unknown", None),
            ("no code at all", None),
        ] {
            assert_eq!(mentioned(text), code, "{text}");
        }
    }
}
