//! What following a program's dynamic loader costs, on top of reading the layers.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/support/dynamic.rs"]
#[allow(dead_code)]
mod dynamic;
#[path = "../tests/tree/mod.rs"]
mod tree;

use std::sync::Arc;

use divan::{Bencher, black_box};
use dynamic::{Dynamic, library, program};
use imagelint::format::elf::Object;
use imagelint::image::{Changeset, Content, Entry, Image, Layer};
use imagelint::launch::{self, Processor};
use imagelint::rootfs::Rootfs;

const LOADER: &str = "lib64/ld-linux-x86-64.so.2";
const DIRECTORY: &str = "usr/lib";

fn main() {
    divan::main();
}

/// A program with `count` libraries, each of which needs the next ten and versions of the first; with a cache, they lie
/// where only that leads.
fn image(count: usize) -> Image {
    let soname = |n: usize| format!("lib{n:03}.so.1");
    let loader = dynamic::programs().into_iter().find(|(name, _)| *name == "glibc-loader").unwrap().1;
    let mut files = vec![(LOADER.to_owned(), loader)];
    for n in 0..count {
        let needed: Vec<String> = (n + 1..count.min(n + 11)).map(soname).collect();
        let needed: Vec<&str> = needed.iter().map(String::as_str).collect();
        let versions = vec![(soname(count - 1), (0..20).map(|v| (format!("V_{v}"), false)).collect())];
        let versions = if n + 11 > count && n + 1 < count { versions } else { Vec::new() };
        let defined = (0..40).map(|v| format!("V_{v}")).collect();
        let file = Dynamic { versions, defined, ..library(&soname(n), &needed) };
        files.push((format!("{DIRECTORY}/{}", soname(n)), file.write()));
    }
    let runpath = Some("$ORIGIN/../lib:$ORIGIN/lib:/opt/a:/opt/b".to_owned());
    let app = Dynamic { runpath, ..program(&format!("/{LOADER}"), &["lib000.so.1"]) };
    files.push(("opt/bin/app".to_owned(), app.write()));
    tree::of(vec![layer(&files)])
}

fn layer(files: &[(String, Vec<u8>)]) -> Layer {
    let (mut changeset, mut previous) = (Changeset::default(), String::new());
    for (path, bytes) in files {
        let mut content = Content::head(bytes.as_slice());
        let fetch = |offset: u64, len: usize| Ok::<_, ()>(bytes[offset as usize..][..len].into());
        content.set_object(Object::read(bytes.len() as u64, fetch).unwrap().unwrap());
        let content = Arc::new(content);
        let entry = Entry { size: bytes.len() as u64, content: Some(&content), ..tree::file(path) };
        changeset.push(previous.as_bytes(), &entry);
        previous.clone_from(path);
    }
    Layer { digest: String::new(), created_by: None, changeset: changeset.into() }
}

/// The closure alone.
#[divan::bench(args = [1, 10, 60, 200])]
fn closure(bencher: Bencher<'_, '_>, count: usize) {
    let mut image = image(count);
    let rootfs = Rootfs::build(&mut image).unwrap();
    bencher.bench_local(|| {
        let processor = Processor::default();
        let found = launch::libraries(&image, &rootfs, b"/opt/bin/app", None, &[], &processor).unwrap();
        assert!(found.errors.is_empty() && found.objects.len() > count);
        black_box(found);
    });
}

/// The whole launch, under all runtimes.
#[divan::bench(args = [1, 10, 60, 200])]
fn follow(bencher: Bencher<'_, '_>, count: usize) {
    let mut image = image(count);
    image.configuration.entrypoint = vec!["/opt/bin/app".to_owned()];
    let rootfs = Rootfs::build(&mut image).unwrap();
    bencher.bench_local(|| black_box(launch::follow(&image, &rootfs, &Default::default())));
}
