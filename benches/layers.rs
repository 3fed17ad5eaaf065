//! Throughput of the layer reader, in bytes of the blob as stored.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::Write;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use flate2::{Compression, write::GzEncoder};
use imagelint::image::layer::{Bounds, Expected, read};
use structured_zstd::encoding::{CompressionLevel, compress_slice_to_vec};

fn main() {
    divan::main();
}

/// Length of one archive.
const ARCHIVE: usize = 64 << 20;

#[derive(Clone, Copy, Debug)]
enum Stored {
    Plain,
    Gzip,
    Zstd,
}

/// Text-like bytes that shrink to about a third, always the same.
fn text(len: usize) -> Vec<u8> {
    let words: Vec<Vec<u8>> =
        (0..2000_u64).map(|n| random(n, 3 + n % 9).map(|r| b'a' + (r % 26) as u8).collect()).collect();
    let mut out = Vec::with_capacity(len + 16);
    for r in random(42, len as u64) {
        if out.len() >= len {
            break;
        }
        out.extend_from_slice(&words[(r % 2000) as usize]);
        out.push(b" \n\t;"[(r >> 40) as usize % 4]);
    }
    out.truncate(len);
    out
}

/// Marsaglia's xorshift64.
fn random(seed: u64, count: u64) -> impl Iterator<Item = u64> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count).map(move |_| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    })
}

fn archive(file: usize) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut text = text(ARCHIVE);
    // A script now and then.
    text.chunks_mut(file * 16).for_each(|chunk| chunk[..2].copy_from_slice(b"#!"));
    for (n, bytes) in text.chunks(file).enumerate() {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(if n % 16 == 0 { 0o755 } else { 0o644 });
        tar.append_data(&mut header, format!("usr/share/some/where/{}/{n}", n % 100), bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn blob(stored: Stored, file: usize) -> Vec<u8> {
    let archive = archive(file);
    match stored {
        Stored::Plain => archive,
        Stored::Zstd => compress_slice_to_vec(&archive, CompressionLevel::Default),
        Stored::Gzip => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(&archive).unwrap();
            gzip.finish().unwrap()
        }
    }
}

fn bench(bencher: Bencher<'_, '_>, stored: Stored, file: usize) {
    let blob = blob(stored, file);
    let expected = Expected { size: Some(blob.len() as u64), ..Expected::default() };
    bencher
        .counter(BytesCount::new(blob.len()))
        .bench(|| read(black_box(&blob[..]), &expected, "layer", &Bounds::default()).unwrap());
}

#[divan::bench(args = [Stored::Plain, Stored::Gzip, Stored::Zstd], sample_count = 10)]
fn small_files(bencher: Bencher<'_, '_>, stored: Stored) {
    bench(bencher, stored, 2 << 10);
}

#[divan::bench(args = [Stored::Plain, Stored::Gzip, Stored::Zstd], sample_count = 10)]
fn big_files(bencher: Bencher<'_, '_>, stored: Stored) {
    bench(bencher, stored, 8 << 20);
}
