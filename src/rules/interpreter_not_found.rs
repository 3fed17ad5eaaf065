//! The interpreter that a script asks for is not there.

use bstr::ByteSlice;

use crate::finding::Finding;
use crate::launch::{Cause, Problem, Role};
use crate::rule::{Explanation, Rule, Subject, Trouble, list, namesakes, paste, quote};

/// See `rules/interpreter-not-found.md`.
pub const RULE: Rule =
    Rule { name: "interpreter-not-found", document: include_str!("../../rules/interpreter-not-found.md"), check };

/// Where packages put interpreters; a path elsewhere, or cut at a blank, names no package.
const PACKAGED: [&[u8]; 5] = [b"/bin", b"/usr/bin", b"/usr/local/bin", b"/sbin", b"/usr/sbin"];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| match trouble.cause {
        Cause::Exec { role: Role::Wrapped { .. }, path: name, .. } | Cause::NotInPath { name, .. } => {
            explain(trouble, name, &format!("asks `env` for {}, which is in no directory of PATH", quote(name)))
        }
        Cause::Exec { path, problem, .. } => {
            let state = match problem {
                Problem::Unresolved(e) if e.removed_by.is_some() => "which a later layer removed",
                _ => "which is not in the image",
            };
            let explanation = explain(trouble, path, &format!("asks for the interpreter {}, {state}", quote(path)));
            let removed_by = match problem {
                Problem::Unresolved(e) => e.removed_by,
                _ => None,
            };
            keep(trouble, explanation, removed_by)
        }
        _ => Explanation::default(),
    })
}

fn explain(trouble: &Trouble<'_>, interpreter: &[u8], problem: &str) -> Explanation {
    let script = trouble.script();
    let file = script.map_or_else(|| trouble.command().to_owned(), |s| s.path.to_string());
    let name = interpreter.rsplit_str("/").next().unwrap_or(interpreter).to_str_lossy();
    let elsewhere = namesakes(&trouble.subject, name.as_bytes(), 3);
    let shell = matches!(&*name, "bash" | "zsh" | "ksh" | "ash" | "dash");
    let sh = shell && trouble.has_shell();
    let mut explanation =
        Explanation::new(format!("{} {problem}", quote(&file)), "").at(script.and_then(|s| trouble.first_line_of(s)));
    if let Some(path) = elsewhere.first() {
        let all: Vec<String> = elsewhere.iter().map(quote).collect();
        explanation.help = format!("the image has {}: write that into the first line", list(&all));
        let line = paste::shebang(&path.to_string(), &file);
        return explanation.fix_if("write the path that is there into the first line", line);
    }
    let packaged = interpreter.rsplit_once_str("/").is_none_or(|(dir, _)| PACKAGED.contains(&dir));
    let install = if packaged { paste::install(package(&name)) } else { Vec::new() };
    let bring = match install.is_empty() {
        true => format!("copy {} into the image", quote(interpreter)),
        false => format!("install {}", quote(&*name)),
    };
    explanation.help = format!("{bring}, or write an interpreter that the image has into the first line");
    if sh {
        let title = format!("the image has `/bin/sh`; if the script needs nothing of {name}");
        explanation = explanation.fix_if(title, paste::shebang("/bin/sh", &file));
    }
    explanation.fixes(install)
}

/// What a layer removed is better kept than installed again.
fn keep(trouble: &Trouble<'_>, mut explanation: Explanation, removed_by: Option<usize>) -> Explanation {
    if let Some(layer) = removed_by {
        explanation.help = format!("do not remove it in {}", trouble.layer_name(layer));
    }
    explanation.layer(removed_by)
}

/// The package that has an interpreter, by the name that Alpine and Debian share.
fn package(name: &str) -> &str {
    match name {
        "python" => "python3",
        "node" => "nodejs",
        other => other,
    }
}
