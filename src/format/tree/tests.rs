//! A tree is written and read; nothing else is a tree.

use super::*;

const FILE: Data = Data::Regular { size: 5, kept: true };

fn directory(first: u32, count: u32) -> Data {
    Data::Directory { first, count }
}

/// A tree of these entries, whether it is one or not.
fn tree(entries: &[(&str, Data)]) -> Tree {
    let (mut records, mut text) = (Records::default(), Vec::new());
    for (name, data) in entries {
        let name = push_name(&mut text, name.as_bytes());
        records.push(&Record {
            name,
            data: *data,
            mode: 0o755,
            uid: 0,
            gid: 0,
            layer: None,
            ordinal: 0,
            implied: false,
        });
    }
    let name = push_name(&mut text, b"gone");
    let removed = [Removed { directory: 0, name, layer: 3 }, Removed { directory: 1, name, layer: 4 }];
    Tree::new(records, text, &removed)
}

fn written(tree: &Tree) -> Vec<u8> {
    let (head, parts) = tree.written(b"rows", b"contents");
    [head.as_slice(), &parts.concat()].concat()
}

fn sound() -> Tree {
    let symlink = Data::Symlink { at: 1, len: 3 };
    tree(&[
        ("", directory(1, 3)),
        ("a", directory(4, 2)),
        ("b", directory(0, 0)),
        ("c", FILE),
        ("d", Data::Link(3)),
        ("e", symlink),
    ])
}

/// All that can be asked of it, with how many names were seen on the way through its directories.
fn walk(tree: &Tree) -> usize {
    let (mut seen, mut left) = (0, vec![Tree::ROOT]);
    while let Some(number) = left.pop() {
        seen += 1;
        assert!(seen <= tree.len() as usize, "every entry is met once");
        let Some(record) = tree.record(number) else { continue };
        let _ = tree.removed_by(number, tree.name(record.name));
        match record.data {
            Data::Directory { first, count } => {
                let _ = tree.find(first, count, b"c");
                left.extend((first..).take(count as usize));
            }
            Data::Symlink { at, len } => drop(tree.text(at, len).to_vec()),
            Data::Link(to) => assert!(tree.record(to).is_some_and(|to| !matches!(to.data, Data::Link(_)))),
            _ => {}
        }
    }
    seen
}

#[test]
fn what_is_written_is_read() {
    let made = sound();
    let read = Tree::read(written(&made)).unwrap();
    for tree in [&made, &read] {
        assert_eq!((tree.len(), tree.is_empty(), walk(tree)), (6, false, 6));
        assert_eq!(
            ["a", "b", "c", "d", ""].map(|name| tree.find(1, 3, name.as_bytes())),
            [Some(1), Some(2), Some(3), None, None]
        );
        let gone = |directory, name: &str| tree.removed_by(directory, name.as_bytes());
        assert_eq!((gone(0, "gone"), gone(1, "gone"), gone(2, "gone"), gone(0, "a")), (Some(3), Some(4), None, None));
    }
    assert_eq!((made.kept(), read.kept()), ((&b""[..], &b""[..]), (&b"rows"[..], &b"contents"[..])));
    assert_eq!(written(&read), written(&made));
}

#[test]
fn what_is_no_tree_is_not_read() {
    let is_one = |entries: &[(&str, Data)]| Tree::read(written(&tree(entries))).is_some();
    assert!(is_one(&[("", directory(1, 1)), ("a", FILE)]));
    assert!(is_one(&[("", directory(9, 0))]), "of nothing, it does not matter where");
    assert!(!is_one(&[]));
    assert!(!is_one(&[("", FILE)]), "the root is a directory");
    assert!(!is_one(&[("", directory(0, 1))]), "in itself");
    assert!(!is_one(&[("", directory(1, 1)), ("a", directory(1, 1))]));
    assert!(!is_one(&[("", directory(1, 1)), ("a", directory(0, 1))]));
    assert!(!is_one(&[("", directory(1, 2)), ("a", FILE)]), "more than there is");
    assert!(!is_one(&[("", directory(1, u32::MAX)), ("a", FILE)]));
    assert!(!is_one(&[("", directory(1, 1)), ("a", FILE), ("b", FILE)]), "in no directory");
    let twice = [("", directory(1, 2)), ("a", directory(3, 1)), ("b", directory(3, 1)), ("c", FILE)];
    assert!(!is_one(&twice), "in two");
    assert!(!is_one(&[("", directory(1, 1)), ("a", Data::Link(1))]));
    assert!(!is_one(&[("", directory(1, 1)), ("a", Data::Link(0))]));
    assert!(!is_one(&[("", directory(1, 1)), ("a", Data::Link(7))]));
    assert!(!is_one(&[("", directory(1, 2)), ("a", Data::Link(2)), ("b", Data::Link(1))]));
}

#[test]
fn another_format_is_not_read() {
    let mut bytes = written(&sound());
    bytes[MAGIC.len()] += 1;
    assert!(Tree::read(bytes).is_none());
    assert!(Tree::read([&written(&sound())[..], b"x"].concat()).is_none());
    for len in 0..written(&sound()).len() {
        assert!(Tree::read(written(&sound())[..len].to_vec()).is_none(), "{len}");
    }
}

#[test]
fn mutants_do_no_harm() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let (original, mut read) = (written(&sound()), 0);
    for _ in 0..200_000 {
        let mut bytes = original.clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            bytes[at] = [0, 1, 2, 0x7f, 0xff, next(256) as u8][next(6)];
        }
        if let Some(tree) = Tree::read(bytes) {
            walk(&tree);
            read += 1;
        }
    }
    assert!(read > 1000, "{read}");
}
