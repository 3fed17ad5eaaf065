//! What stands after the interpreter is one argument, and lines and chains have limits.

use bstr::ByteSlice;

use crate::finding::Finding;
use crate::launch::{Cause, Problem, ShebangProblem};
use crate::rule::{Explanation, Rule, Subject, Trouble, paste, quote};

/// See `rules/shebang-arguments.md`.
pub const RULE: Rule =
    Rule { name: "shebang-arguments", document: include_str!("../../rules/shebang-arguments.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let script = trouble.script();
        let file = trouble.script_path();
        explain(trouble, &file).at(script.and_then(|s| trouble.first_line_of(s)))
    })
}

fn explain(trouble: &Trouble<'_>, file: &str) -> Explanation {
    let script = quote(file);
    match trouble.cause {
        Cause::Exec { problem: Problem::Shebang(_, ShebangProblem::TooLong), .. } => Explanation::new(
            format!("the first line of {script} is longer than the 256 bytes that the kernel reads"),
            "shorten the interpreter's path, with a symbolic link if need be",
        ),
        Cause::Exec { problem: Problem::Shebang(..), .. } => Explanation::new(
            format!("{script} is a chain of more than five scripts that interpret each other"),
            "name a program, not a script, as the interpreter",
        ),
        Cause::EnvLoop { argument } if argument.is_empty() => Explanation::new(
            format!("{script} names `env` and no program, so `env` executes the script again, for ever"),
            "name the interpreter after `env`",
        ),
        Cause::EnvLoop { argument } => split(
            file,
            argument,
            format!("{script} makes `env` set {} and execute the script again, for ever", quote(argument)),
        ),
        Cause::EnvUsage { argument, busybox: true, .. } => Explanation::new(
            format!("{script} gives {} to busybox `env`, which does not know it", quote(argument)),
            "name the interpreter itself in the first line, or install GNU env",
        )
        .fix("install GNU env (Alpine)", "RUN apk add --no-cache coreutils"),
        Cause::EnvUsage { argument, .. } => {
            split(file, argument, format!("{script} gives {} to `env` as one argument", quote(argument)))
        }
        Cause::ShellOptions { argument, .. } => Explanation::new(
            format!("{script} gives {} to its shell as one argument, which does not take it", quote(argument)),
            "keep single letters without a blank (`#!/bin/bash -eu`), and `set -o` the rest in the next line",
        ),
        Cause::ShellArgument { argument, .. } => Explanation::new(
            format!("{script} makes its shell run a script called {}, which does not exist", quote(argument)),
            "leave the argument out of the first line, or write it as an option",
        ),
        Cause::Exec { path: name, .. } | Cause::NotInPath { name, .. } => {
            split(file, name, format!("{script} makes `env` look for one program called {}", quote(name)))
        }
        _ => Explanation::default(),
    }
}

/// The kernel passes all that follows the interpreter as one argument; GNU env splits it with -S.
fn split(file: &str, argument: &[u8], message: String) -> Explanation {
    let words = argument.to_str_lossy();
    let words = words.trim();
    let words = words.strip_prefix('-').filter(|rest| rest.starts_with(' ')).map_or(words, |_| words);
    Explanation::new(message, "let `env` split the line with `-S` (GNU coreutils 8.30 and later, not busybox), or name the interpreter itself")
        .why("the kernel passes everything after the interpreter as one argument, blanks included")
        .fix_if("let `env` split it", paste::shebang(&format!("/usr/bin/env -S {words}"), file))
}
