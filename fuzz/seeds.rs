//! Writes the first inputs of the targets to `fuzz/corpus`: `cargo run --manifest-path fuzz/Cargo.toml --bin seeds`.

#[allow(dead_code)]
#[path = "../tests/support/dynamic.rs"]
mod dynamic;

use std::fs;
use std::path::Path;

use imagelint::format::tree::{Data, Record, Records, Removed, Tree, push_name};

use dynamic::{Dynamic, ET_EXEC, Layout, library, names, program};

fn elf() -> Vec<Dynamic> {
    let versions =
        vec![("libc.so.6".to_owned(), vec![("GLIBC_2.34".to_owned(), false), ("GLIBC_2.4".to_owned(), true)])];
    let defined = names(&["LIBX_1.0", "LIBX_1.1"]);
    let plain = program("/lib64/ld-linux-x86-64.so.2", &["libx.so.1", "libc.so.6"]);
    let full = Dynamic {
        runpath: Some("$ORIGIN/../lib:/opt/lib".into()),
        rpath: Some("/old".into()),
        auxiliary: names(&["liba.so"]),
        filter: names(&["libf.so"]),
        flags: 8,
        flags_1: 1,
        versions: versions.clone(),
        ..plain.clone()
    };
    vec![
        plain,
        Dynamic { layout: Layout::Last, data: vec![1; 5000], ..full.clone() },
        Dynamic { layout: Layout::Go, ..full.clone() },
        Dynamic { is_big_endian: true, e_machine: 22, ..full.clone() },
        Dynamic { is_64: false, e_machine: 3, e_type: ET_EXEC, ..full.clone() },
        Dynamic { is_64: false, is_big_endian: true, e_machine: 8, ..full },
        Dynamic { defined, versions, ..library("libx.so.1", &["libc.so.6"]) },
        Dynamic { data: b"\0/lib64/\0/usr/lib64/\0\0".to_vec(), ..library("ld-linux-x86-64.so.2", &[]) },
    ]
}

/// Texts of the tests, each in one of the first three shells.
fn scripts() -> Vec<Vec<u8>> {
    let texts = [include_str!("../tests/scripts/ends.txt"), include_str!("../tests/shell/cases.txt")];
    let lines = texts.iter().flat_map(|text| text.lines()).map(|line| line.replace("\\n", "\n"));
    lines.enumerate().map(|(number, line)| [&[(number % 3) as u8], line.as_bytes()].concat()).collect()
}

/// A directory with a file, a link and a second name of the file.
fn tree() -> Vec<u8> {
    let mut text = Vec::new();
    let names = ["", "bin", "a", "b", "c"].map(|name| push_name(&mut text, name.as_bytes()));
    let target = text.len() as u32;
    text.extend_from_slice(b"/bin/a");
    let data = [
        Data::Directory { first: 1, count: 1 },
        Data::Directory { first: 2, count: 3 },
        Data::Regular { size: 5, kept: false },
        Data::Symlink { at: target, len: 6 },
        Data::Link(2),
    ];
    let mut records = Records::default();
    for (name, data) in names.into_iter().zip(data) {
        records.push(&Record { name, data, mode: 0o755, uid: 0, gid: 0, layer: Some(0), ordinal: 0, implied: false });
    }
    let removed = [Removed { directory: 1, name: names[2], layer: 1 }];
    let tree = Tree::new(records, text, &removed);
    let (head, parts) = tree.written(b"", b"");
    [head.as_slice()].into_iter().chain(parts).collect::<Vec<_>>().concat()
}

fn write(target: &str, inputs: Vec<Vec<u8>>) -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    inputs.iter().enumerate().try_for_each(|(number, input)| fs::write(corpus.join(number.to_string()), input))
}

fn main() -> std::io::Result<()> {
    write("elf", elf().iter().map(|file| file.write()).collect())?;
    write("script", scripts())?;
    write("tree", vec![tree()])
}
