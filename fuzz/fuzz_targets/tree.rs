//! A merged tree as a cache may have it, whatever is in it: what is taken for a tree can be walked to its end.
#![no_main]

use imagelint::format::tree::{Data, Tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(tree) = Tree::read(data.to_vec()) else { return };
    let (mut left, mut seen) = (vec![Tree::ROOT], 0);
    while let Some(number) = left.pop() {
        seen += 1;
        assert!(seen <= tree.len(), "an entry is in two directories");
        let Some(record) = tree.record(number) else { continue };
        if let Data::Directory { first, count } = record.data {
            let _ = tree.find(first, count, b"usr");
            let _ = tree.removed_by(number, b"usr");
            left.extend(first..first + count);
        }
    }
    assert_eq!(seen, tree.len(), "an entry is in no directory");
    let _ = (0..64).map(|at| (tree.name(at).len(), tree.text(at, 9).len())).max();
});
