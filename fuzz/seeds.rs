//! Writes the first inputs of the targets to `fuzz/corpus`: `cargo run --manifest-path fuzz/Cargo.toml --bin seeds`.

#[allow(dead_code)]
#[path = "../tests/support/dynamic.rs"]
mod dynamic;

use std::fs;
use std::path::Path;

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

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/elf");
    fs::create_dir_all(&corpus)?;
    for (number, file) in elf().iter().enumerate() {
        fs::write(corpus.join(number.to_string()), file.write())?;
    }
    Ok(())
}
