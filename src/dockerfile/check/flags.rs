//! Flags of instructions (BuildKit `instructions/bflag.go` and `commands_run*.go`).

use bstr::ByteSlice;

use super::super::go::lossy;
use super::super::instruction::{Fault, Instruction, Keyword, Word};

/// What a flag takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Nothing, or true or false.
    Bool,
    /// A value.
    Value,
    /// A value, and it may stand there several times.
    Values,
}

/// The flags of an instruction; `None` if they are not looked at.
fn known(keyword: Keyword, is_check: bool) -> Option<&'static [(&'static str, Takes)]> {
    use Takes::{Bool, Value, Values};
    Some(match keyword {
        Keyword::StopSignal => return None,
        Keyword::Healthcheck if !is_check => return None,
        Keyword::Healthcheck => &[
            ("interval", Value),
            ("timeout", Value),
            ("start-period", Value),
            ("start-interval", Value),
            ("retries", Value),
        ],
        Keyword::From => &[("platform", Value)],
        Keyword::Run => &[("mount", Values), ("network", Value), ("security", Value), ("device", Values)],
        Keyword::Copy => &[
            ("chown", Value),
            ("from", Value),
            ("chmod", Value),
            ("link", Bool),
            ("exclude", Values),
            ("parents", Bool),
        ],
        Keyword::Add => &[
            ("chown", Value),
            ("chmod", Value),
            ("link", Bool),
            ("keep-git-dir", Bool),
            ("checksum", Value),
            ("unpack", Bool),
            ("exclude", Values),
        ],
        // arguments of ARG are read before its flags, which nobody asks for
        Keyword::Arg => return None,
        _ => &[],
    })
}

/// The first flag that BuildKit refuses.
pub fn check(instruction: &Instruction, keyword: Keyword) -> Option<Fault> {
    let is_check = instruction.verb.as_ref().is_some_and(|verb| verb.text.eq_ignore_ascii_case(b"cmd"));
    let known = known(keyword, is_check)?;
    let mut seen: Vec<&str> = Vec::new();
    for flag in &instruction.flags {
        match one(flag, known, &mut seen) {
            Ok(Some((name, value))) => {
                if let Some(message) = value_fault(name, &value) {
                    return Some(fault(flag, message));
                }
            }
            Ok(None) => {}
            Err(message) => return Some(fault(flag, message)),
        }
    }
    None
}

fn fault(flag: &Word, message: String) -> Fault {
    Fault { message, span: flag.span.clone(), is_syntax: false }
}

/// The flag's name and its value, if it has one to look at.
fn one(
    flag: &Word,
    known: &'static [(&'static str, Takes)],
    seen: &mut Vec<&str>,
) -> Result<Option<(&'static str, String)>, String> {
    let text = lossy(&flag.text);
    let (name, value) = text.split_once('=').map_or((text.as_str(), None), |(name, value)| (name, Some(value)));
    let bare = name.strip_prefix("--").ok_or_else(|| format!("a flag begins with `--`, not `{name}`"))?;
    let found = known.iter().find(|(known, _)| *known == bare);
    let (bare, takes) = *found.ok_or_else(|| format!("unknown flag: {name}"))?;
    if seen.contains(&bare) && takes != Takes::Values {
        return Err(format!("duplicate flag specified: {name}"));
    }
    seen.push(bare);
    match (takes, value) {
        (Takes::Bool, Some("")) | (Takes::Value | Takes::Values, None) => {
            Err(format!("missing a value on flag: {name}"))
        }
        (Takes::Bool, Some(value)) if !["true", "false"].contains(&value.to_lowercase().as_str()) => {
            Err(format!("expecting boolean value for flag {name}, not: {value}"))
        }
        (Takes::Bool, _) => Ok(None),
        (_, value) => Ok(Some((bare, value.unwrap_or_default().to_owned()))),
    }
}

fn value_fault(name: &str, value: &str) -> Option<String> {
    match name {
        "interval" | "timeout" | "start-period" | "start-interval" => super::interval(name, value),
        "retries" if value.is_empty() => None,
        "retries" => match value.parse::<i32>() {
            Ok(number) if number >= 0 => None,
            Ok(number) => Some(format!("--retries cannot be negative ({number})")),
            Err(_) => Some(format!("--retries is no number: {value}")),
        },
        "network" => (!["default", "none", "host"].contains(&value)).then(|| format!("invalid network mode {value:?}")),
        "security" => (!["insecure", "sandbox"].contains(&value)).then(|| format!("security {value:?} is not valid")),
        "mount" => mount(value),
        "device" => fields(value).is_none().then(|| "the fields of --device are quoted wrongly".to_owned()),
        _ => None,
    }
}

fn mount(value: &str) -> Option<String> {
    let Some(fields) = fields(value) else { return Some("the fields of --mount are quoted wrongly".to_owned()) };
    let expands = |field: &String| {
        let (key, value) = field.split_once('=')?;
        let dollar = value.find('$')?;
        (key.eq_ignore_ascii_case("from") && dollar + 1 != value.len()).then_some(())
    };
    let any = fields.iter().any(|field| expands(field).is_some());
    any.then(|| "'from' doesn't support variable expansion, define alias stage instead".to_owned())
}

/// Fields that commas separate, as in CSV; `None` if quotes are not as they are there.
fn fields(value: &str) -> Option<Vec<String>> {
    let (mut fields, mut rest) = (Vec::new(), value);
    loop {
        let end = match rest.strip_prefix('"') {
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let field = rest.get(..end)?;
                if field.contains('"') {
                    return None;
                }
                fields.push(field.to_owned());
                end
            }
            Some(quoted) => {
                let end = quoted.as_bytes().replace("\"\"", "\0\0").find_byte(b'"')?;
                fields.push(quoted.get(..end)?.replace("\"\"", "\""));
                end + 2
            }
        };
        match rest.get(end..)? {
            "" => return Some(fields),
            behind => rest = behind.strip_prefix(',')?,
        }
    }
}
