//! The programs that a shell would find: what the directories of PATH hold.

use std::collections::HashSet;

use bstr::{BString, ByteSlice};

use super::process::{DEFAULT_PATH, Overrides};
use crate::image::Configuration;
use crate::rootfs::{Credentials, EXECUTE, Kind, View};

/// More programs than this are not looked at; a large distribution's image has some thousands.
const MOST: usize = 20_000;

/// Paths of all executable files in the directories of PATH, each file once, under the first name that leads to it.
pub fn in_path(view: &View<'_>, configuration: &Configuration, overrides: &Overrides) -> Vec<BString> {
    let variables = configuration.env.iter().chain(&overrides.env);
    let path = variables.filter_map(|entry| entry.strip_prefix("PATH=")).next_back().unwrap_or(DEFAULT_PATH);
    let root = Credentials::root();
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for directory in path.split(':').filter(|directory| directory.starts_with('/')) {
        let Ok(resolved) = view.resolve(directory.as_bytes(), b"/", &root) else { continue };
        let Kind::Directory(names) = view.inode(resolved.ino).kind else { continue };
        for name in names.keys() {
            let path = BString::from([directory.trim_end_matches('/').as_bytes(), b"/", name].concat());
            let Ok(file) = view.resolve(&path, b"/", &root) else { continue };
            let inode = view.inode(file.ino);
            let is_program = inode.kind.is_regular() && root.may(EXECUTE, inode);
            if is_program && found.len() < MOST && seen.insert(file.ino) {
                found.push(path.as_bstr().to_owned());
            }
        }
    }
    found
}
