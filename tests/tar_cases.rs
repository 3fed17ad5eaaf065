//! The tar reader against Go's archive/tar, on crafted archives with Go's answers beside them.
//!
//! The archives are not part of the repository. They are looked for in `$IMAGELINT_SHARED`, else in `../shared`;
//! without them nothing is compared, and that is said.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use imagelint::format::tar::{Error, Header, Reader};

fn shared() -> PathBuf {
    std::env::var_os("IMAGELINT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), Into::into)
}

/// What Go's `%q` makes of bytes, as far as the cases need it.
fn quoted(bytes: &[u8]) -> String {
    let text: String = bytes.escape_ascii().to_string();
    format!("\"{text}\"")
}

/// Bytes that reading the whole body yields, holes included, and whether reading fails.
fn body<R: std::io::Read>(reader: &mut Reader<R>, header: &Header) -> (u64, bool) {
    let mut read = 0;
    loop {
        match reader.data() {
            Ok(Some(chunk)) => read += chunk.len() as u64,
            Ok(None) => return (if header.sparse { header.size } else { read }, false),
            Err(_) => return (if header.sparse { header.size } else { read }, true),
        }
    }
}

fn walk(archive: &[u8]) -> String {
    let (mut said, mut reader) = (String::new(), Reader::new(archive));
    loop {
        match reader.next_header() {
            Ok(None) => return said + "EOF",
            Err(Error::Refused(_)) => return said + "ERR",
            Err(Error::Io(error)) => panic!("reading memory failed: {error}"),
            Ok(Some(header)) => {
                let (size, failed) = body(&mut reader, &header);
                let (kind, name, link) = (header.typeflag as char, quoted(&header.name), quoted(&header.link));
                write!(said, "{kind}:{name}:{size}:{link}{} ", if failed { "!" } else { "" }).unwrap();
                if failed {
                    return said + "ERR";
                }
            }
        }
    }
}

#[test]
fn answers_are_gos() {
    let dir = shared().join("truth/tar-cases");
    let Ok(answers) = fs::read_to_string(dir.join("go-archive-tar.txt")) else {
        println!("skipped: no shared truth");
        return;
    };
    let mut compared = 0;
    let mut differ = Vec::new();
    for line in answers.lines() {
        let (name, go) = line.split_once('\t').unwrap();
        let archive = fs::read(dir.join(name.trim_start_matches("cases/"))).unwrap();
        let ours = walk(&archive);
        if ours.trim() != go.trim() {
            differ.push(format!("{name}\n  Go:   {go}\n  ours: {ours}"));
        }
        compared += 1;
    }
    println!("compared: {compared}");
    assert!(differ.is_empty(), "{} of {compared} differ\n{}", differ.len(), differ.join("\n"));
}
