//! What the process of a background job becomes: a shell that has nothing to do behind the last command of the job saves
//! itself a fork, and who sends a signal to `$!` then sends it to the program.
//!
//! Measured with dash 0.5.12, bash 5.2 and busybox 1.35, 46 jobs: dash and ash carry it through braces, `if`, `case`, `&&`
//! and `||` (`EV_EXIT` of dash eval.c), bash through subshells only. The others were not asked.

use crate::format::shell::{Command, Kind, List, Span};
use crate::launch::shell::Shell;

/// The simple commands behind which the process of the job `command` has nothing to do.
pub fn last_commands(shell: Shell, command: &Command) -> Vec<Span> {
    let mut last = Vec::new();
    match (shell, &command.kind) {
        (Shell::Dash | Shell::Ash, _) => carried(command, &mut last),
        (Shell::Bash, Kind::Not(inner)) => simple(inner, &mut last),
        (Shell::Bash, Kind::Subshell(list)) => in_subshell(list, &mut last),
        _ => simple(command, &mut last),
    }
    last
}

fn simple(command: &Command, last: &mut Vec<Span>) {
    if matches!(command.kind, Kind::Simple(_)) {
        last.push(command.span);
    }
}

fn carried(command: &Command, last: &mut Vec<Span>) {
    let mut of = |list: &List| {
        if let Some(end) = list.last().filter(|end| !end.background) {
            carried(&end.command, last);
        }
    };
    match &command.kind {
        Kind::Group(list) | Kind::Subshell(list) => of(list),
        Kind::If { arms, otherwise } => arms.iter().map(|(_, body)| body).chain([otherwise]).for_each(of),
        Kind::Case { arms, .. } => arms.iter().map(|arm| &arm.body).for_each(of),
        Kind::And(_, right) | Kind::Or(_, right) => carried(right, last),
        _ => simple(command, last),
    }
}

fn in_subshell(list: &List, last: &mut Vec<Span>) {
    let Some(end) = list.last().filter(|end| !end.background) else { return };
    match &end.command.kind {
        Kind::Subshell(list) => in_subshell(list, last),
        Kind::And(_, right) | Kind::Or(_, right) => simple(right, last),
        _ => simple(&end.command, last),
    }
}
