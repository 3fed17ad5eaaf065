//! Where else a name is, and which name may have been meant.

use bstr::BString;

use super::Subject;
use crate::rootfs::{Credentials, Ino, Inode, Kind, Rootfs, View};

/// How many directory entries are looked at; an image of a million files should not make a hint expensive.
const LOOKS: usize = 300_000;

/// Executable files (and links to such) called `name`, anywhere in the image; at most `limit` paths.
pub fn namesakes(subject: &Subject<'_>, name: &[u8], limit: usize) -> Vec<BString> {
    let may_run = |inode: Inode<'_>| inode.mode & 0o111 != 0;
    files(subject, |entry| entry == name, may_run, limit)
}

/// Regular files (and links to such) whose name and inode are wanted, anywhere in the image; at most `limit` paths.
pub fn files(
    subject: &Subject<'_>,
    is_name: impl Fn(&[u8]) -> bool,
    is_wanted: impl Fn(Inode<'_>) -> bool,
    limit: usize,
) -> Vec<BString> {
    let rootfs = subject.rootfs;
    let (mut found, mut looks) = (Vec::new(), 0);
    let mut todo = vec![(BString::from("/"), Rootfs::ROOT)];
    while let Some((path, dir)) = todo.pop() {
        let Kind::Directory(names) = rootfs.inode(dir).kind else { continue };
        for (entry, ino) in names {
            looks += 1;
            if looks > LOOKS || found.len() >= limit {
                return found;
            }
            let inode = rootfs.inode(ino);
            match inode.kind {
                Kind::Directory(_) => todo.push((below(&path, entry), ino)),
                Kind::Regular { .. } if is_name(entry) && is_wanted(inode) => found.push(below(&path, entry)),
                Kind::Symlink(_) if is_name(entry) => {
                    let link = below(&path, entry);
                    let file = at(subject, &link).map(|ino| rootfs.inode(ino));
                    if file.is_some_and(|f| f.kind.is_regular() && is_wanted(f)) {
                        found.push(link);
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// The name in `dir` that is most like `name`: a slip of one or two letters, or of case, or of an ending.
pub fn similar(rootfs: &Rootfs, dir: Ino, name: &[u8]) -> Option<BString> {
    let Kind::Directory(names) = rootfs.inode(dir).kind else { return None };
    let allowed = if name.len() < 4 { 1 } else { 2 };
    names
        .keys()
        .take(LOOKS)
        .filter(|other| *other != name)
        .map(|other| (slips(name, other), other))
        .filter(|(slips, other)| *slips <= allowed && *slips < name.len().min(other.len()))
        .min()
        .map(|(_, other)| BString::from(other))
}

/// The inode of the image that `path` leads to, links followed; a relative path is one from the root.
pub fn at(subject: &Subject<'_>, path: &[u8]) -> Option<Ino> {
    let path = if path.is_empty() { b"/" } else { path };
    let found = View::new(subject.image, subject.rootfs).resolve(path, b"/", &Credentials::root()).ok()?;
    subject.rootfs.get(found.ino).map(|_| found.ino)
}

/// `dir` + `/` + `name`.
fn below(dir: &[u8], name: &[u8]) -> BString {
    let mut path = BString::from(dir);
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// Letters inserted, removed or changed (Levenshtein); case and the ending `.sh` do not count.
fn slips(a: &[u8], b: &[u8]) -> usize {
    if a.len().abs_diff(b.len()) > 3 || a.len() > 64 {
        return usize::MAX;
    }
    let stem = |n: &[u8]| n.strip_suffix(b".sh").unwrap_or(n).to_ascii_lowercase();
    let (a, b) = (stem(a), stem(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, up) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != y)).min(left + 1).min(up + 1);
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::slips;

    #[test]
    fn slips_of_the_pen() {
        assert_eq!(slips(b"ngnix", b"nginx"), 2);
        assert_eq!(slips(b"Entrypoint.sh", b"entrypoint"), 0);
        assert_eq!(slips(b"kitten", b"sitting"), 3);
        assert_eq!(slips(b"a", b"abcdefg"), usize::MAX);
    }
}
