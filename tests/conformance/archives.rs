//! The tar reader against Go's archive/tar, on crafted archives with Go's answers beside them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use imagelint::format::tar::{Error, Header, Reader};

use crate::compare::{Tally, Verdict};

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

/// Reads every crafted archive and compares names, types, sizes, links and refusals.
pub fn compare(shared: &Path, tally: &mut Tally) {
    tally.require("tar archives");
    let dir = shared.join("truth/tar-cases");
    for line in fs::read_to_string(dir.join("go-archive-tar.txt")).unwrap().lines() {
        let (name, go) = line.split_once('\t').unwrap();
        let ours = walk(&fs::read(dir.join(name.trim_start_matches("cases/"))).unwrap());
        let verdict = match ours.trim() == go.trim() {
            true => Verdict::Agree,
            false => Verdict::Wrong(format!("Go: {go}; ours: {ours}")),
        };
        tally.add("tar archives", name, verdict);
    }
}
