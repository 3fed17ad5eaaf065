//! Where a path of a context leads: links on the way are followed as COPY follows them, which is never out of the context
//! (BuildKit solver/llbsolver/file, buildah copier: both resolve them as if the context were the root).

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bstr::{BStr, BString, ByteSlice};

/// Links that lead to links (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// The directory that paths are below, and where its directories lead.
#[derive(Debug)]
pub struct Within {
    root: PathBuf,
    directories: Mutex<HashMap<BString, Option<BString>>>,
}

impl Within {
    /// Paths below `root`.
    pub fn new(root: &Path) -> Self {
        Within { root: root.into(), directories: Mutex::default() }
    }

    /// Where the directory of a file leads, and the file's name in it; links of the name itself are left.
    fn parent(&self, path: &BStr) -> Option<BString> {
        let (directory, name) = match path.rfind(b"/") {
            Some(at) => (path.get(..at)?, path.get(at + 1..)?),
            None => (&b""[..], path.as_bytes()),
        };
        let directory = self.directory(directory.as_bstr())?;
        Some(below(&directory, name))
    }

    fn directory(&self, path: &BStr) -> Option<BString> {
        let known = self.directories.lock().ok()?.get(path).cloned();
        if let Some(known) = known {
            return known;
        }
        let leads = self.leads(path);
        self.directories.lock().ok()?.insert(path.to_owned(), leads.clone());
        leads
    }

    /// Where a path leads with all its links.
    pub fn leads(&self, path: &BStr) -> Option<BString> {
        let mut left: Vec<BString> = path.rsplit_str("/").map(BString::from).collect();
        let (mut at, mut links) = (BString::default(), 0);
        while let Some(name) = left.pop() {
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    let above = at.rfind(b"/").unwrap_or(0);
                    at.truncate(above);
                    continue;
                }
                _ => {}
            }
            let next = below(&at, &name);
            let Ok(link) = fs::read_link(self.at(next.as_bstr())) else {
                at = next;
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            let link = link.as_os_str().as_bytes();
            if link.starts_with(b"/") {
                at.clear();
            }
            left.extend(link.rsplit_str("/").map(BString::from));
        }
        Some(at)
    }

    /// Where the file at `path` is; `None` if a link stands in the way: then it is another's.
    pub fn place(&self, path: &BStr) -> Option<PathBuf> {
        (self.parent(path)? == path).then(|| self.at(path))
    }

    fn at(&self, path: &BStr) -> PathBuf {
        self.root.join(std::ffi::OsStr::from_bytes(path))
    }
}

fn below(directory: &[u8], name: &[u8]) -> BString {
    if directory.is_empty() { name.into() } else { [directory, b"/", name].concat().into() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    #[allow(clippy::unwrap_used)]
    fn links_stay_below_the_root() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("real/deep")).unwrap();
        fs::write(path("real/deep/x"), "").unwrap();
        symlink("real", path("link")).unwrap();
        symlink("../outside", path("out")).unwrap();
        symlink("/real/deep", path("absolute")).unwrap();
        symlink("loop", path("loop")).unwrap();
        let within = Within::new(root.path());
        for (asked, leads) in [
            ("real/deep/x", Some("real/deep/x")),
            ("link/deep/x", Some("real/deep/x")),
            ("absolute/x", Some("real/deep/x")),
            ("out/x", Some("outside/x")),
            ("../../real", Some("real")),
            ("loop/x", None),
        ] {
            assert_eq!(within.leads(asked.into()), leads.map(BString::from), "{asked}");
        }
        assert_eq!(within.place("real/deep/x".into()), Some(path("real/deep/x")));
        assert_eq!(within.place("link/deep/x".into()), None);
        assert_eq!(within.place("link".into()), Some(path("link")));
    }
}
