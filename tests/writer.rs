//! The dynamic ELF files that tests write are taken by what takes real ones, where that is installed.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "support/dynamic.rs"]
mod dynamic;

use std::fs;
use std::path::Path;
use std::process::Command;

use dynamic::{Dynamic, ET_EXEC, Layout, library, names, program};

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// What a command says on both channels; `None` if it is not installed.
fn said(command: &str, arguments: &[&str]) -> Option<String> {
    let done = Command::new(command).args(arguments).env("LC_ALL", "C").output().ok()?;
    Some(String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

#[test]
fn readelf_reads_them_without_a_warning() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("x").to_str().unwrap().to_owned();
    for (is_64, is_big_endian, e_type, layout) in [
        (true, false, 3, Layout::First),
        (true, true, 3, Layout::Last),
        (false, false, ET_EXEC, Layout::Middle),
        (false, true, ET_EXEC, Layout::Go),
    ] {
        let versions = vec![("libc.so.6".to_owned(), vec![("GLIBC_2.4".to_owned(), true)])];
        let asked = program("/lib/ld.so.1", &["liba.so", "libc.so.6"]);
        let defined = names(&["X_1"]);
        let file = Dynamic { is_64, is_big_endian, e_type, layout, versions, defined, ..asked };
        fs::write(&path, file.write()).unwrap();
        let Some(said) = said("readelf", &["-hlSdVW", &path]) else { return };
        for part in ["[liba.so]", "File: libc.so.6", "Name: GLIBC_2.4  Flags: WEAK", "Name: X_1", "/lib/ld.so.1]"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("readelf:"), "{said}");
    }
}

/// `ld.so --list` maps and relocates, and does not execute.
fn listed(directory: &Path, file: &Dynamic) -> Option<String> {
    if !cfg!(target_arch = "x86_64") || !Path::new(LOADER).exists() {
        return None;
    }
    let path = directory.join("program");
    fs::write(&path, file.write()).unwrap();
    said(LOADER, &["--list", path.to_str().unwrap()])
}

#[test]
fn the_loader_finds_libraries_and_their_versions() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path();
    let put = |name: &str, file: &Dynamic| fs::write(directory.join(name), file.write()).unwrap();
    put("liby.so.1", &Dynamic { layout: Layout::Go, ..library("liby.so.1", &[]) });
    let defined = names(&["X_1.0"]);
    put("libx.so.1", &Dynamic { defined, runpath: Some("$ORIGIN".into()), ..library("libx.so.1", &["liby.so.1"]) });
    let needs = |version: &str| {
        let versions = vec![("libx.so.1".to_owned(), vec![(version.to_owned(), false)])];
        Dynamic { versions, runpath: Some("$ORIGIN".into()), ..program(LOADER, &["libx.so.1"]) }
    };
    let Some(right) = listed(directory, &needs("X_1.0")) else { return };
    let place = |name: &str| format!("{name} => {}/{name}", directory.display());
    assert!(right.contains(&place("libx.so.1")) && right.contains(&place("liby.so.1")), "{right}");
    assert!(!right.contains("version"), "{right}");
    let wrong = listed(directory, &needs("X_9")).unwrap();
    assert!(wrong.contains("version `X_9' not found"), "{wrong}");
    let lost = listed(directory, &Dynamic { runpath: None, ..needs("X_1.0") }).unwrap();
    assert!(lost.contains("libx.so.1 => not found") || lost.contains("cannot open shared object file"), "{lost}");
}
