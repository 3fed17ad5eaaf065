//! What launch::libraries predicts against what the dynamic loaders of real root file systems answer.
//!
//! `tests/loader/roots DIR NAME...` makes such root file systems; `IMAGELINT_ROOTS=DIR` compares all that are there, and
//! `IMAGELINT_ROOTS_ONLY=NAME,NAME` some. Loaders are asked in a chroot (root only): as ldd(1) does for every file that
//! one maps, and by LD_TRACE_LOADED_OBJECTS for every program; the programs that a root's `.cases` name are started, too.

#![allow(clippy::unwrap_used)]

mod answer;
mod compare;
mod root;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use root::Root;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, root] = arguments.as_slice()
        && flag == worker::FLAG
    {
        worker::serve(root);
        return ExitCode::SUCCESS;
    }
    let Some(directory) = std::env::var_os("IMAGELINT_ROOTS").map(PathBuf::from) else {
        println!("not run: IMAGELINT_ROOTS names no directory of root file systems\n0 passed, 0 failed, 1 skipped");
        return ExitCode::SUCCESS;
    };
    let only = std::env::var("IMAGELINT_ROOTS_ONLY").unwrap_or_default();
    let roots = Root::all(&directory, &only);
    let good = roots.iter().map(compare::root).filter(|good| *good).count();
    println!("{good} passed, {} failed", roots.len() - good);
    if good > 0 && good == roots.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
