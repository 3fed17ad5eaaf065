//! What BuildKit refuses of an instruction that it has read (`frontend/dockerfile/instructions/parse.go`).

mod flags;

use super::go::{duration, lossy, trimmed};
use super::here;
use super::instruction::{Arguments, Fault, Form, Instruction, Keyword, Word};

/// What is wrong with it, if anything is.
pub fn fault(instruction: &Instruction) -> Option<Fault> {
    let Some(keyword) = instruction.keyword else {
        let name = lossy(&instruction.name.text);
        return Some(Fault { message: unknown(&name), span: instruction.name.span.clone(), is_syntax: false });
    };
    let span = instruction.name.span.start..instruction.span.end;
    let general = |message| Fault { message, span: span.clone(), is_syntax: false };
    let flagged = || flags::check(instruction, keyword);
    arguments(instruction, keyword).map(general).or_else(flagged)
}

fn unknown(name: &str) -> String {
    let near = Keyword::names().find(|known| is_near(known, &name.to_uppercase()));
    let hint = near.map(|known| format!(" (did you mean {known}?)")).unwrap_or_default();
    format!("unknown instruction: {name}{hint}")
}

/// One letter more, less, other, or two exchanged.
fn is_near(known: &str, name: &str) -> bool {
    let (known, name): (Vec<char>, Vec<char>) = (known.chars().collect(), name.chars().take(20).collect());
    let same = known.iter().zip(&name).take_while(|(a, b)| a == b).count();
    let (a, b) = (known.get(same..).unwrap_or_default(), name.get(same..).unwrap_or_default());
    let rest = |text: &[char], from: usize| text.get(from..).unwrap_or_default().to_vec();
    match a.len().abs_diff(b.len()) {
        0 => rest(a, 1) == rest(b, 1) || (a.first() == b.get(1) && a.get(1) == b.first() && rest(a, 2) == rest(b, 2)),
        1 => rest(a, 1) == b || a == rest(b, 1),
        _ => false,
    }
}

fn arguments(instruction: &Instruction, keyword: Keyword) -> Option<String> {
    let words = instruction.words();
    let name = keyword.as_str();
    let at_least_one = (words.is_empty()).then(|| format!("{name} requires at least one argument"));
    let exactly_one = (words.len() != 1).then(|| format!("{name} requires exactly one argument"));
    match keyword {
        Keyword::Env | Keyword::Label => pairs(instruction, name),
        Keyword::Arg => at_least_one.or_else(|| {
            let blank = words.iter().any(|word| word.text.starts_with(b"="));
            blank.then(|| "ARG names can not be blank".to_owned())
        }),
        Keyword::Maintainer | Keyword::Workdir | Keyword::User | Keyword::StopSignal => exactly_one,
        Keyword::Expose => at_least_one,
        Keyword::Volume => at_least_one.or_else(|| {
            let empty = words.iter().any(|word| trimmed(&word.text).is_empty());
            empty.then(|| "VOLUME specified can not be an empty string".to_owned())
        }),
        Keyword::Add | Keyword::Copy => copied(words, name),
        Keyword::From => from(words),
        Keyword::Onbuild => trigger(instruction),
        Keyword::Shell => at_least_one.or_else(|| {
            let shell = instruction.form() == Form::Shell;
            shell.then(|| "SHELL requires the arguments to be in JSON form".to_owned())
        }),
        Keyword::Healthcheck => healthcheck(instruction),
        Keyword::Cmd | Keyword::Entrypoint | Keyword::Run => None,
    }
}

fn pairs(instruction: &Instruction, name: &str) -> Option<String> {
    match &instruction.arguments {
        Arguments::Pairs(pairs) => {
            let blank = pairs.iter().any(|pair| pair.name.text.is_empty());
            blank.then(|| format!("{name} names can not be blank"))
        }
        _ => Some(format!("{name} requires at least one argument")),
    }
}

fn copied(words: &[Word], name: &str) -> Option<String> {
    match words {
        [.., _, last] => {
            let is_document = matches!(here::document(&lossy(&last.text)), Ok(Some(_)));
            is_document.then(|| format!("{name} cannot accept a heredoc as a destination"))
        }
        _ => Some(format!("{name} requires at least two arguments, the last of them is the destination")),
    }
}

fn from(words: &[Word]) -> Option<String> {
    match words {
        [_] => None,
        [_, keyword, name] if keyword.text.eq_ignore_ascii_case(b"as") => {
            let shown = lossy(&name.text);
            let lower = shown.to_lowercase();
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
            let good = lower.starts_with(|c: char| c.is_ascii_lowercase()) && lower.chars().all(fits);
            (!good).then(|| {
                format!("invalid name for build stage: {shown:?}, name can't start with a number or contain symbols")
            })
        }
        _ => Some("FROM requires either one or three arguments".to_owned()),
    }
}

fn trigger(instruction: &Instruction) -> Option<String> {
    let Arguments::Trigger(trigger) = &instruction.arguments else {
        return Some("ONBUILD requires at least one argument".to_owned());
    };
    match trigger.keyword? {
        Keyword::Onbuild => Some("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned()),
        other @ (Keyword::Maintainer | Keyword::From) => {
            Some(format!("{} isn't allowed as an ONBUILD trigger", other.as_str()))
        }
        _ => None,
    }
}

fn healthcheck(instruction: &Instruction) -> Option<String> {
    let Some(verb) = &instruction.verb else {
        return Some("HEALTHCHECK requires at least one argument".to_owned());
    };
    match lossy(&verb.text).to_uppercase().as_str() {
        "NONE" => {
            let more = !instruction.words().is_empty();
            more.then(|| "HEALTHCHECK NONE takes no arguments".to_owned())
        }
        "CMD" => {
            let nothing = instruction.words().is_empty();
            nothing.then(|| "missing command after HEALTHCHECK CMD".to_owned())
        }
        other => Some(format!("unknown type {other:?} in HEALTHCHECK (try CMD)")),
    }
}

/// An interval of HEALTHCHECK.
fn interval(name: &str, value: &str) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    match duration(value) {
        None => Some(format!("invalid duration {value:?} of --{name}, write it as `30s`")),
        Some(0) => None,
        Some(nanoseconds) if nanoseconds < 1_000_000 => Some(format!("--{name} cannot be less than 1ms")),
        Some(_) => None,
    }
}
