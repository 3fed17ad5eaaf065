//! The bare limit: all layers of an image layout hashed, decompressed and their tar headers walked, with the libraries
//! and as many threads as imagelint uses, and nothing else done. `benches/whole.py` runs it beside imagelint.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs::File;
use std::sync::Mutex;

use imagelint::format::tar;
use imagelint::source::decode::decode;
use imagelint::source::verify::Blob;

fn pass(path: &str) -> u64 {
    let digest = path.rsplit('/').take(2).collect::<Vec<_>>();
    let digest = format!("{}:{}", digest[1], digest[0]);
    let mut blob = Blob::new(File::open(path).unwrap(), Some(&digest), None).unwrap();
    let mut entries = 0;
    {
        let mut tar = tar::Reader::new(decode(&mut blob).unwrap());
        while tar.next_header().unwrap_or_default().is_some() {
            entries += 1;
            while tar.data().unwrap_or_default().is_some() {}
        }
        tar.drain().unwrap();
    }
    blob.verify(path).unwrap();
    entries
}

/// Arguments: the blobs of the layers.
fn main() {
    let mut paths: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    paths.sort_by_key(|path| File::open(path).and_then(|f| f.metadata()).map_or(0, |m| m.len()));
    let (left, entries) = (Mutex::new(paths), Mutex::new(0));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(path) = left.lock().unwrap().pop() else { break };
                    *entries.lock().unwrap() += pass(&path);
                }
            });
        }
    });
    println!("{} entries", entries.into_inner().unwrap());
}
