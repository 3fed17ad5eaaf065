//! /etc/ld.so.conf: the directories that ldconfig(8) puts into the cache (glibc elf/ldconfig.c, `parse_conf`). The
//! loader itself never reads it.

use bstr::{BStr, BString, ByteSlice};

/// Where it is.
pub const PATH: &str = "/etc/ld.so.conf";

/// Files that may be read, with those that `include` names.
const MAX_FILES: usize = 256;

/// The directories that are named, without a slash at the end. `read` gives the bytes of a file, `matching` the files
/// whose names a pattern matches.
pub fn directories(read: impl Fn(&[u8]) -> Option<Vec<u8>>, matching: impl Fn(&[u8]) -> Vec<BString>) -> Vec<BString> {
    let (mut left, mut found, mut next) = (vec![BString::from(PATH)], Vec::new(), 0);
    while let Some(path) = left.get(next).cloned() {
        next += 1;
        for line in read(&path).unwrap_or_default().lines() {
            match Line::parse(line) {
                Line::Directory(directory) => found.push(directory.into()),
                Line::Include(patterns) => {
                    let patterns = patterns
                        .split(|b| b.is_ascii_whitespace())
                        .filter(|p| !p.is_empty())
                        .map(|pattern| absolute(&path, pattern));
                    let files: Vec<BString> = patterns.flat_map(|pattern| matching(&pattern)).collect();
                    left.extend(files.into_iter().take(MAX_FILES.saturating_sub(left.len())));
                }
                Line::Other => {}
            }
        }
    }
    found
}

/// A pattern is one from the directory of the file that has it.
fn absolute(file: &[u8], pattern: &[u8]) -> BString {
    let directory = file.rfind_byte(b'/').and_then(|at| file.get(..=at)).unwrap_or_default();
    if pattern.starts_with(b"/") { pattern.into() } else { [directory, pattern].concat().into() }
}

enum Line<'a> {
    Directory(&'a BStr),
    Include(&'a [u8]),
    Other,
}

impl<'a> Line<'a> {
    fn parse(line: &'a [u8]) -> Self {
        let line = line.split(|b| *b == b'#').next().unwrap_or_default().trim_ascii();
        match line.strip_prefix(b"include") {
            Some(rest) if rest.starts_with_str(" ") || rest.starts_with_str("\t") => Line::Include(rest.trim_ascii()),
            _ if line.is_empty() || line.starts_with_str("hwcap ") => Line::Other,
            _ => {
                let directory = line.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii_end();
                Line::Directory(BStr::new(directory.strip_suffix(b"/").unwrap_or(directory)))
            }
        }
    }
}

/// Whether a pattern with `*` and `?` matches a name (glob(7); brackets match themselves, nobody uses them here).
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match (pattern.get(at), name.get(from)) {
            (Some(b'*'), _) => {
                star = Some((at, from));
                at += 1;
            }
            (Some(p), Some(n)) if p == n || *p == b'?' => (at, from) = (at + 1, from + 1),
            _ => match &mut star {
                Some((after, taken)) => {
                    *taken += 1;
                    (at, from) = (*after + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_include_one_another_are_read_once_each() {
        let read = |path: &[u8]| {
            Some(match path {
                b"/etc/ld.so.conf" => b"# x\ninclude ld.so.conf.d/*.conf\n/opt/lib/ # y\n".to_vec(),
                b"/etc/ld.so.conf.d/a.conf" => b"/usr/local/lib\n\tinclude /etc/ld.so.conf\n".to_vec(),
                _ => return None,
            })
        };
        let matching = |pattern: &[u8]| match pattern {
            b"/etc/ld.so.conf.d/*.conf" => vec!["/etc/ld.so.conf.d/a.conf".into()],
            other => vec![other.into()],
        };
        let found = directories(read, matching);
        assert_eq!(found[..2], ["/opt/lib", "/usr/local/lib"]);
        assert!(found.len() <= MAX_FILES * 2);
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".conf", true),
            ("*.conf", "a.conf.bak", false),
            ("a?c*", "abc", true),
            ("a?c*", "ac", false),
            ("*a*b", "xaaxb", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
