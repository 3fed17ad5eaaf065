//! The line is straight: a module imports only modules that `src/lib.rs` declares above it.

use std::fs;
use std::path::{Path, PathBuf};

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The modules in the order of declaration.
fn line() -> Vec<String> {
    let declared = |l: &str| l.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned);
    source("src/lib.rs").lines().filter_map(declared).collect()
}

fn files_of(module: &str) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut left, mut files) = (vec![src.join(module)], vec![src.join(module).with_extension("rs")]);
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { left.push(path) } else { files.push(path) }
        }
    }
    files.retain(|f| f.is_file());
    files
}

/// First components after `crate::`, also inside `use crate::{…}`.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        for name in names {
            let word: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push(word);
        }
    }
    found
}

#[test]
fn modules_import_only_what_stands_above_them() {
    let line = line();
    assert!(line.len() > 8, "the line is read from src/lib.rs: {line:?}");
    let mut wrong = Vec::new();
    for (place, module) in line.iter().enumerate() {
        let files = files_of(module);
        assert!(!files.is_empty(), "no file for module {module}");
        for file in files {
            let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            for import in imports(&text) {
                if line.iter().position(|m| *m == import).is_some_and(|at| at > place) {
                    wrong.push(format!("{}: {module} imports {import}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut silent = Vec::new();
    for module in line() {
        for file in files_of(&module) {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if file.extension().is_some_and(|e| e == "rs") && !text.starts_with("//!") {
                silent.push(file);
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}
