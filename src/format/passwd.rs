//! `/etc/passwd` and `/etc/group`, as the engines' shared look-up reads them (github.com/moby/sys/user).
//!
//! Fields that are missing are empty, numbers that are none are 0, a line may end in CR, and nothing is a comment.

use bstr::ByteSlice;

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: Vec<u8>,
    /// User id.
    pub uid: i64,
    /// Group id.
    pub gid: i64,
    /// Login shell; empty for `/bin/sh`.
    pub shell: Vec<u8>,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Group name.
    pub name: Vec<u8>,
    /// Group id.
    pub gid: i64,
    /// Names of members.
    pub members: Vec<Vec<u8>>,
}

/// The lines of `/etc/passwd`.
pub fn users(text: &[u8]) -> impl Iterator<Item = User> + '_ {
    lines(text).map(|fields| User {
        name: field(&fields, 0).to_vec(),
        uid: number(field(&fields, 2)).unwrap_or_default(),
        gid: number(field(&fields, 3)).unwrap_or_default(),
        shell: field(&fields, 6).to_vec(),
    })
}

/// The lines of `/etc/group`.
pub fn groups(text: &[u8]) -> impl Iterator<Item = Group> + '_ {
    lines(text).map(|fields| Group {
        name: field(&fields, 0).to_vec(),
        gid: number(field(&fields, 2)).unwrap_or_default(),
        members: field(&fields, 3).split(|b| *b == b',').map(<[u8]>::to_vec).collect(),
    })
}

/// A number as Go's `strconv.Atoi` takes it: decimal, a sign allowed.
pub fn number(text: &[u8]) -> Option<i64> {
    text.to_str().ok().filter(|t| !t.is_empty())?.parse().ok()
}

fn lines(text: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    text.split(|b| *b == b'\n')
        .map(|l| l.trim_ascii())
        .filter(|l| !l.is_empty())
        .map(|l| l.split(|b| *b == b':').collect())
}

fn field<'a>(fields: &[&'a [u8]], index: usize) -> &'a [u8] {
    fields.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_lines() {
        let text = b"root:x:0:0:root:/root:/bin/sh\r\n\n  app:x:1000:50\nshort\nbad:x:a:b\n";
        let all: Vec<_> = users(text).map(|u| (String::from_utf8(u.name).unwrap_or_default(), u.uid, u.gid)).collect();
        let want = [("root", 0, 0), ("app", 1000, 50), ("short", 0, 0), ("bad", 0, 0)];
        assert_eq!(all, want.map(|(n, u, g)| (n.to_owned(), u, g)));
    }

    #[test]
    fn members() {
        let all: Vec<_> = groups(b"a:x:5:\nb:x:6:x,app\r\n").map(|g| (g.gid, g.members)).collect();
        assert_eq!(all, [(5, vec![b"".to_vec()]), (6, vec![b"x".to_vec(), b"app".to_vec()])]);
    }

    #[test]
    fn numbers_as_go_reads_them() {
        assert_eq!(number(b"1000"), Some(1000));
        assert_eq!(number(b"-1"), Some(-1));
        assert_eq!(number(b"+5"), Some(5));
        assert_eq!(number(b" 5"), None);
        assert_eq!(number(b"0x5"), None);
        assert_eq!(number(b""), None);
    }
}
