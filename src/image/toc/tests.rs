//! The same layer as an archive and by its table of contents: the same entries, the same contents kept.

use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use structured_zstd::encoding::{CompressionLevel, compress_slice_to_vec};

use super::*;
use crate::format::elf::craft::{library, program};
use crate::format::tar::craft::Craft;
use crate::image::layer::Expected;
use crate::source::Opened;

/// A blob of which parts can be had.
struct Parts {
    blob: Vec<u8>,
    fetched: AtomicU64,
}

impl Blobs for Parts {
    fn open(&self, _: &str) -> Result<Option<Opened>> {
        panic!("the whole layer is not needed")
    }

    fn part(&self, _: &str, start: u64, len: u64) -> Result<Option<Opened>> {
        self.fetched.fetch_add(len, Ordering::Relaxed);
        let bytes = self.blob[start as usize..(start + len) as usize].to_vec();
        Ok(Some(Opened { reader: Box::new(Cursor::new(bytes)), size: len }))
    }

    fn place(&self) -> &str {
        "a registry"
    }
}

fn noise(len: usize) -> Vec<u8> {
    // Marsaglia's xorshift64
    let mut x = 88_172_645_463_325_252_u64;
    let next = |_| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x as u8
    };
    (0..len).map(next).collect()
}

/// Name, mode and bytes of files; the last of them makes the layer worth the trouble.
fn files() -> Vec<(&'static str, u16, Vec<u8>)> {
    let script = [b"#!/bin/sh\n".as_slice(), &noise(9000)].concat();
    vec![
        ("bin/sh", 0o755, program("/lib/ld.so", &["libc.so"]).write()),
        ("lib/libc.so", 0o644, library("libc.so", &["liba.so"]).write()),
        ("etc/passwd", 0o644, b"root:x:0:0::/:/bin/sh\n".to_vec()),
        ("run.sh", 0o755, script),
        ("usr/lib/short.so", 0o644, b"/* text */".to_vec()),
        ("empty", 0o755, Vec::new()),
        ("noise", 0o644, noise(6 << 20)),
    ]
}

fn digest(bytes: &[u8]) -> String {
    let mut hasher = Hasher::of(&format!("sha256:{}", "0".repeat(64))).unwrap();
    hasher.update(bytes);
    hasher.finish()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_slice_to_vec(bytes, CompressionLevel::Fastest)
}

/// The files' bytes, cut in pieces and compressed, and their entries.
fn pieces(compress: fn(&[u8]) -> Vec<u8>, piece: usize) -> (Vec<u8>, Vec<Value>) {
    let (mut blob, mut entries) =
        (b"some header".to_vec(), vec![json!({"type": "dir", "name": "bin/", "mode": 0o755})]);
    for (name, mode, bytes) in files() {
        let mut entry =
            json!({"type": "reg", "name": name, "mode": mode, "size": bytes.len(), "digest": digest(&bytes)});
        for (n, part) in bytes.chunks(piece).enumerate() {
            if n > 0 {
                entry = json!({"type": "chunk", "name": name, "chunkOffset": n * piece});
            }
            entry["offset"] = json!(blob.len());
            entry["chunkSize"] = json!(part.len());
            entry["chunkDigest"] = json!(digest(part));
            blob.extend(compress(part));
            entries.push(entry.take());
        }
        if bytes.is_empty() {
            entries.push(entry);
        }
    }
    entries.push(json!({"type": "symlink", "name": "app", "linkName": "run.sh", "mode": 0o777}));
    (blob, entries)
}

fn zstd_chunked() -> (Parts, Vouched) {
    let (mut blob, entries) = pieces(zstd, 3000);
    let table = zstd(json!({"version": 1, "entries": entries}).to_string().as_bytes());
    blob.extend(b"\x50\x2a\x4d\x18");
    blob.extend((table.len() as u32).to_le_bytes());
    let position = format!("{}:{}:{}:1", blob.len(), table.len(), 0);
    blob.extend(&table);
    (Parts { blob, fetched: 0.into() }, Vouched::ZstdChunked { digest: digest(&table), position })
}

fn estargz() -> (Parts, Vouched) {
    let (mut blob, entries) = pieces(gzip, 4 << 20);
    let json = json!({"version": 1, "entries": entries}).to_string();
    let start = blob.len();
    blob.extend(gzip(&Craft::default().entry(b'0', "stargz.index.json", json.as_bytes()).end()));
    blob.extend(format!("\x1f@\x08\x04\0\0\0\0\0@\x1a\0SG\x16\0{start:016x}STARGZ").bytes());
    blob.extend([1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    let footer = blob.len() - toc::FOOTER;
    (blob[footer + 1], blob[footer + 9]) = (0x8b, 0xff);
    (Parts { blob, fetched: 0.into() }, Vouched::Estargz { digest: digest(json.as_bytes()) })
}

fn planned(parts: &Parts, table: Vouched) -> PlannedLayer {
    let size = Some(parts.blob.len() as u64);
    PlannedLayer {
        file: "blobs/sha256/x".to_owned(),
        digest: String::new(),
        expected: Expected { size, ..Expected::default() },
        created_by: None,
        table: Some(table),
        foreign: None,
        what: "layer 1 of 1".to_owned(),
    }
}

/// Path, mode, size, link and content of every entry.
type Listed = Vec<(String, u16, u64, String, Option<Content>)>;

fn list(changeset: &Changeset, mut content: impl FnMut(&Entry<'_>) -> Option<Content>) -> Listed {
    let mut listed = Vec::new();
    changeset.for_each(|e| listed.push((e.path.to_string(), e.mode, e.size, e.link.to_string(), content(&e))));
    listed
}

fn archive() -> Listed {
    let mut craft = Craft::default().entry(b'5', "bin/", b"");
    for (name, mode, bytes) in files() {
        craft = craft.file(mode, name, &bytes);
    }
    let archive = craft.end();
    let changeset = layer::read(&archive[..], &Expected::default(), "layer", &Bounds::default()).unwrap();
    list(&changeset, |entry| entry.content.map(|content| (**content).clone()))
}

#[test]
fn a_table_is_as_good_as_the_archive() {
    for (parts, vouched) in [zstd_chunked(), estargz()] {
        let planned = planned(&parts, vouched);
        let bounds = Bounds::default();
        let (partial, changeset) = Partial::open(&parts, &planned, &Cache::default(), &bounds).unwrap().unwrap();
        assert!(!changeset.is_whole(), "it is not to be taken for the layer");
        let table = parts.fetched.load(Ordering::Relaxed);
        let listed = list(&changeset, |entry| {
            entry
                .content
                .filter(|content| content.is_unread())
                .and_then(|_| partial.content(&parts, &planned, entry.ordinal).unwrap())
        });
        let (archive, link) = (archive(), listed.last().unwrap().clone());
        assert_eq!((link.0.as_str(), link.3.as_str()), ("app", "run.sh"));
        let without_modes = |listed: &[_]| -> Vec<_> {
            listed
                .iter()
                .map(|(name, _, size, link, content): &(String, u16, u64, String, Option<Content>)| {
                    (name.clone(), *size, link.clone(), content.clone())
                })
                .collect()
        };
        assert_eq!(without_modes(&listed[..listed.len() - 1]), without_modes(&archive));
        let all = parts.fetched.load(Ordering::Relaxed);
        assert!(all < parts.blob.len() as u64 / 2 || matches!(planned.table, Some(Vouched::Estargz { .. })));
        assert!(table < 1 << 20, "{table} bytes for the table");
    }
}

#[test]
fn bytes_of_a_file() {
    let (parts, vouched) = zstd_chunked();
    let planned = planned(&parts, vouched);
    let (partial, _) = Partial::open(&parts, &planned, &Cache::default(), &Bounds::default()).unwrap().unwrap();
    let script = &files()[3].2;
    let read = |offset, len| partial.reread(&parts, &planned, 4, offset, len).unwrap();
    assert_eq!(read(0, 20), script[..20]);
    assert_eq!(read(2990, 3020), script[2990..6010]);
    assert_eq!(read(9000, 500), script[9000..]);
    assert!(read(99_000, 5).is_empty());
    assert!(partial.reread(&parts, &planned, 99, 0, 1).is_err());
}

#[test]
fn what_nobody_vouches_for_is_not_believed() {
    let opened = |parts: &Parts, vouched| {
        let planned = planned(parts, vouched);
        Partial::open(parts, &planned, &Cache::default(), &Bounds::default()).unwrap().is_some()
    };
    let (parts, vouched) = estargz();
    assert!(opened(&parts, vouched.clone()));
    assert!(!opened(&parts, Vouched::Estargz { digest: digest(b"") }));
    let (mut parts, vouched) = zstd_chunked();
    let Vouched::ZstdChunked { digest: real, position } = vouched.clone() else { panic!() };
    assert!(!opened(&parts, Vouched::ZstdChunked { digest: digest(b""), position }));
    for position in ["0:99999999999:1:1", "18446744073709551615:2:1:1", "1:1", "0:10:10:1"] {
        assert!(!opened(&parts, Vouched::ZstdChunked { digest: real.clone(), position: position.to_owned() }));
    }
    // bytes that are not what the table says
    parts.blob[40] ^= 0xff;
    let planned = planned(&parts, vouched);
    let (partial, _) = Partial::open(&parts, &planned, &Cache::default(), &Bounds::default()).unwrap().unwrap();
    let error = partial.reread(&parts, &planned, 1, 0, 10).unwrap_err().to_string();
    assert!(error.contains("a piece of a file"), "{error}");
}
