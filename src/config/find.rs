//! Where `imagelint.toml` is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::FILE_NAME;

/// The nearest `imagelint.toml`: in `directory` or above it, up to the root of the repository (where `.git` is) or
/// `home`, whichever comes first, else up to the root of the file system.
///
/// Whatever has the name counts: that it is no file that can be read is told when it is read.
pub fn find(directory: &Path, home: Option<&OsStr>) -> Option<PathBuf> {
    let home = home.map(Path::new).filter(|home| home.is_absolute());
    for directory in directory.ancestors() {
        let file = directory.join(FILE_NAME);
        if file.symlink_metadata().is_ok() {
            return Some(file);
        }
        // `.git` is a file in work trees and submodules.
        if directory.join(".git").symlink_metadata().is_ok() || home == Some(directory) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn it_is_looked_for_upwards_to_the_root_of_the_repository_or_home() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |path: &str| scratch.path().join(path);
        fs::create_dir_all(at("home/repository/.git")).unwrap();
        fs::create_dir_all(at("home/repository/a/b")).unwrap();
        fs::create_dir_all(at("home/elsewhere")).unwrap();
        let home = at("home");
        let found = |path: &str| find(&at(path), Some(home.as_os_str()));

        fs::write(at(FILE_NAME), "").unwrap();
        assert_eq!((found("home/repository/a/b"), found("home/elsewhere")), (None, None));
        fs::write(at("home/imagelint.toml"), "").unwrap();
        assert_eq!((found("home/repository/a/b"), found("home/elsewhere")), (None, Some(at("home/imagelint.toml"))));
        fs::write(at("home/repository/imagelint.toml"), "").unwrap();
        assert_eq!(found("home/repository/a/b"), Some(at("home/repository/imagelint.toml")));
        fs::write(at("home/repository/a/imagelint.toml"), "").unwrap();
        assert_eq!(found("home/repository/a/b"), Some(at("home/repository/a/imagelint.toml")));
        assert_eq!(find(&at("home/elsewhere/gone"), None), Some(at("home/imagelint.toml")));
        fs::remove_file(at("home/imagelint.toml")).unwrap();
        assert_eq!(find(&at("home/elsewhere"), None), Some(at(FILE_NAME)));
    }
}
