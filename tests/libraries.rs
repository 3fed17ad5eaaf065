//! Which libraries loaders map, in images of a few files. The same arrangements, and many more, are put before real
//! loaders in `tests/loader`.
#![allow(clippy::unwrap_used)]

#[path = "support/dynamic.rs"]
#[allow(dead_code)]
mod dynamic;
mod tree;

use std::sync::Arc;

use dynamic::{Dynamic, library, names, program};
use imagelint::format::elf::Object;
use imagelint::image::{Changeset, Content, Entry, FileType, Layer};
use imagelint::launch::{self, Closure, Processor};
use imagelint::rootfs::Rootfs;

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
const MUSL: &str = "/lib/ld-musl-x86_64.so.1";

/// A file of a tree.
#[allow(clippy::large_enum_variant)] // a few in a test
enum File {
    Elf(Dynamic),
    Bytes(Vec<u8>),
    Link(&'static str),
}

fn loaders() -> Vec<(&'static str, File)> {
    let file = |wanted: &str| dynamic::programs().into_iter().find(|(name, _)| *name == wanted).unwrap().1;
    vec![(LOADER, File::Bytes(file("glibc-loader"))), (MUSL, File::Bytes(file("musl-loader")))]
}

/// What the loader of `/app` makes of an image with these files: a line for each library, then for each complaint.
fn linked(files: Vec<(&'static str, File)>, environment: &[(&str, &str)], processor: &Processor) -> Vec<String> {
    let mut image = tree::of(vec![layer(loaders().into_iter().chain(files))]);
    let rootfs = Rootfs::build(&mut image).unwrap();
    let closure = launch::libraries(&image, &rootfs, b"/app", None, environment, processor).unwrap();
    let complaints = closure.errors.iter().map(|error| closure.message(error));
    closure.objects.iter().skip(1).map(|object| object.path.to_string()).chain(complaints).collect()
}

fn layer(files: impl Iterator<Item = (&'static str, File)>) -> Layer {
    let (mut changeset, mut previous) = (Changeset::default(), String::new());
    for (path, file) in files {
        let path = path.trim_start_matches('/').to_owned();
        let (bytes, link) = match file {
            File::Elf(file) => (file.write(), ""),
            File::Bytes(bytes) => (bytes, ""),
            File::Link(target) => (Vec::new(), target),
        };
        let file_type = if link.is_empty() { FileType::Regular } else { FileType::Symlink };
        let content = Arc::new(content(&bytes));
        let entry = Entry { file_type, size: bytes.len() as u64, link: link.into(), ..tree::file(&path) };
        let content = (!bytes.is_empty()).then_some(&content);
        changeset.push(previous.as_bytes(), &Entry { content, ..entry });
        previous = path;
    }
    Layer { digest: String::new(), created_by: None, changeset: changeset.into() }
}

/// What a layer's reader would keep, and all of the bytes.
fn content(bytes: &[u8]) -> Content {
    let mut content = Content::head(bytes);
    let fetch = |offset: u64, len: usize| {
        let from = offset as usize;
        Ok::<_, ()>(bytes.get(from..from + len).unwrap_or_default().into())
    };
    if let Some(object) = Object::read(bytes.len() as u64, fetch).unwrap() {
        content.set_object(object);
    }
    content
}

fn app(needed: &[&str]) -> Dynamic {
    program(LOADER, needed)
}

fn lib(soname: &str) -> File {
    File::Elf(library(soname, &[]))
}

fn glibc(files: Vec<(&'static str, File)>) -> Vec<String> {
    linked(files, &[], &Processor::default())
}

fn not_found(name: &str) -> String {
    format!(
        "/app: error while loading shared libraries: {name}: cannot open shared object file: No such file or directory"
    )
}

#[test]
fn rpath_goes_before_the_variable_and_runpath_after_it() {
    let everywhere = || [("/a/liba.so", lib("liba.so")), ("/b/liba.so", lib("liba.so"))];
    let found = |app: Dynamic| {
        let files = [("/app", File::Elf(app))].into_iter().chain(everywhere()).collect();
        linked(files, &[("LD_LIBRARY_PATH", "/b")], &Processor::default())
    };
    assert_eq!(found(Dynamic { rpath: Some("/a".into()), ..app(&["liba.so"]) }), ["/a/liba.so"]);
    assert_eq!(found(Dynamic { runpath: Some("/a".into()), ..app(&["liba.so"]) }), ["/b/liba.so"]);
    let both = Dynamic { rpath: Some("/a".into()), runpath: Some("/c".into()), ..app(&["liba.so"]) };
    assert_eq!(found(both), ["/b/liba.so"], "a RUNPATH voids the RPATH");
}

#[test]
fn rpath_is_inherited_and_runpath_is_not() {
    let files = |path: fn(Dynamic) -> Dynamic| {
        vec![
            ("/app", File::Elf(path(app(&["liba.so"])))),
            ("/a/liba.so", File::Elf(library("liba.so", &["libb.so"]))),
            ("/a/libb.so", lib("libb.so")),
        ]
    };
    assert_eq!(glibc(files(|app| Dynamic { rpath: Some("/a".into()), ..app })), ["/a/liba.so", "/a/libb.so"]);
    let runpath = glibc(files(|app| Dynamic { runpath: Some("/a".into()), ..app }));
    assert_eq!(runpath, ["/a/liba.so".to_owned(), not_found("libb.so")]);
}

#[test]
fn musl_inherits_both_and_has_directories_of_its_own() {
    let with_musl = |app: Dynamic| ("/app", File::Elf(Dynamic { interp: Some(MUSL.into()), ..app }));
    let run = |files| linked(files, &[], &Processor::default());
    let files = vec![
        with_musl(Dynamic { runpath: Some("$ORIGIN/a".into()), ..app(&["liba.so", "libc.so.6"]) }),
        ("/a/liba.so", File::Elf(library("liba.so", &["libb.so"]))),
        ("/a/libb.so", lib("libb.so")),
    ];
    assert_eq!(run(files), ["/a/liba.so", MUSL, "/a/libb.so"]);
    let files = || vec![with_musl(app(&["liba.so"])), ("/usr/local/lib/liba.so", lib("liba.so"))];
    assert_eq!(run(files()), ["/usr/local/lib/liba.so"]);
    let with_path = |path: &[u8]| files().into_iter().chain([("/etc/ld-musl-x86_64.path", File::Bytes(path.to_vec()))]);
    let missing = "Error loading shared library liba.so: No such file or directory (needed by /app)";
    assert_eq!(run(with_path(b"/opt\n").collect()), [missing]);
    assert_eq!(run(with_path(b"/opt\n/usr/local/lib").collect()), ["/usr/local/lib/liba.so"]);
    let unknown = with_musl(Dynamic { rpath: Some("$ORIGIN/a:$LIB".into()), ..app(&["liba.so"]) });
    assert_eq!(run(vec![unknown, ("/a/liba.so", lib("liba.so"))]), [missing], "an unknown token voids the list");
}

#[test]
fn what_is_loaded_is_known_by_its_names_and_its_inode() {
    let files = vec![
        ("/app", File::Elf(app(&["/l/liba-1.so", "liba.so", "libother.so"]))),
        ("/l/liba-1.so", lib("liba.so")),
        ("/usr/lib/libother.so", File::Link("/l/liba-1.so")),
    ];
    assert_eq!(glibc(files), ["/l/liba-1.so"]);
}

#[test]
fn candidates_are_passed_over_or_fatal() {
    let with = |candidate: File| {
        let app = Dynamic { rpath: Some("/a:/b".into()), ..app(&["liba.so"]) };
        glibc(vec![("/app", File::Elf(app)), ("/a/liba.so", candidate), ("/b/liba.so", lib("liba.so"))])
    };
    let of = |change: fn(Dynamic) -> Dynamic| File::Elf(change(library("liba.so", &[])));
    let fatal = |why: &str| [format!("/app: error while loading shared libraries: {why}")];
    assert_eq!(with(of(|l| Dynamic { is_64: false, e_machine: 3, ..l })), ["/b/liba.so"]);
    assert_eq!(with(of(|l| Dynamic { e_machine: 183, ..l })), ["/b/liba.so"]);
    assert_eq!(with(File::Link("/nowhere")), ["/b/liba.so"]);
    assert_eq!(
        with(File::Bytes(b"GROUP ( liba.so.1 ) and more than a header is long, so that it is read".to_vec())),
        fatal("/a/liba.so: invalid ELF header")
    );
    assert_eq!(with(File::Bytes(Vec::new())), fatal("/a/liba.so: file too short"));
    assert_eq!(
        with(of(|l| Dynamic { is_big_endian: true, ..l })),
        fatal("/a/liba.so: ELF file data encoding not little-endian")
    );
    assert_eq!(with(of(|l| Dynamic { osabi: 9, ..l })), fatal("/a/liba.so: ELF file OS ABI invalid"));
    assert_eq!(with(of(|l| Dynamic { e_type: 2, ..l })), fatal("liba.so: cannot dynamically load executable"));
    let pie = with(of(|l| Dynamic { flags_1: 0x0800_0000, ..l }));
    assert_eq!(pie, fatal("liba.so: cannot dynamically load position-independent executable"));
}

#[test]
fn directories_for_processors_come_first() {
    let files = || {
        vec![
            ("/app", File::Elf(app(&["liba.so"]))),
            ("/usr/lib/liba.so", lib("liba.so")),
            ("/usr/lib/glibc-hwcaps/x86-64-v3/liba.so", lib("liba.so")),
        ]
    };
    assert_eq!(glibc(files()), ["/usr/lib/liba.so"]);
    let v3 = Processor { levels: vec!["x86-64-v3", "x86-64-v2"], ..Processor::default() };
    assert_eq!(linked(files(), &[], &v3), ["/usr/lib/glibc-hwcaps/x86-64-v3/liba.so"]);
}

#[test]
fn the_platform_depends_on_the_processor() {
    let files = || {
        vec![
            ("/app", File::Elf(app(&["liba.so"]))),
            ("/p/x86_64/liba.so", lib("liba.so")),
            ("/p/haswell/liba.so", lib("liba.so")),
        ]
    };
    let environment = [("LD_LIBRARY_PATH", "/p/$PLATFORM")];
    assert_eq!(linked(files(), &environment, &Processor::default()), ["/p/x86_64/liba.so"]);
    assert_eq!(linked(files(), &environment, &Processor::best("amd64")), ["/p/haswell/liba.so"]);
}

#[test]
fn versions_are_needed_of_the_file_that_has_the_name() {
    let with = |defined: &[&str], weak: bool| {
        let versions = vec![("liba.so".to_owned(), vec![("A_2".to_owned(), weak)])];
        let liba = Dynamic { defined: names(defined), ..library("liba.so", &[]) };
        glibc(vec![("/app", File::Elf(Dynamic { versions, ..app(&["liba.so"]) })), ("/lib/liba.so", File::Elf(liba))])
    };
    assert_eq!(with(&["A_1", "A_2"], false), ["/lib/liba.so"]);
    assert_eq!(with(&["A_1"], true), ["/lib/liba.so"], "a weak one may be absent");
    assert_eq!(with(&[], false), ["/lib/liba.so"], "a library without versions has all of them");
    let missing = "/app: /lib/liba.so: version `A_2' not found (required by /app)";
    assert_eq!(with(&["A_1"], false), ["/lib/liba.so", missing]);
}

#[test]
fn libraries_come_breadth_first_and_need_one_another() {
    let files = vec![
        ("/app", File::Elf(app(&["liba.so", "libb.so"]))),
        ("/lib/liba.so", File::Elf(library("liba.so", &["libc.so", "libb.so"]))),
        ("/lib/libb.so", File::Elf(library("libb.so", &["liba.so", "libd.so"]))),
        ("/lib/libc.so", File::Elf(library("libc.so", &["libnone.so"]))),
        ("/lib/libd.so", lib("libd.so")),
    ];
    let mut image = tree::of(vec![layer(loaders().into_iter().chain(files))]);
    let rootfs = Rootfs::build(&mut image).unwrap();
    let closure = launch::libraries(&image, &rootfs, b"/app", None, &[], &Processor::default()).unwrap();
    let order: Vec<String> = closure.objects.iter().skip(1).map(|o| o.name.to_string()).collect();
    assert_eq!(order, ["liba.so", "libb.so", "libc.so", "libd.so"]);
    assert_eq!(chain(&closure), ["/app", "/lib/liba.so", "/lib/libc.so"]);
    assert_eq!(closure.exit_code(), Some(127));
}

/// Who needs whom, up to what is missing.
fn chain(closure: &Closure) -> Vec<String> {
    let by = closure.error().unwrap().needed_by();
    closure.chain(by).into_iter().map(|index| closure.display(index).to_string()).collect()
}

#[test]
fn preloads_and_filters() {
    let files = vec![
        ("/app", File::Elf(app(&["liba.so"]))),
        (
            "/lib/liba.so",
            File::Elf(Dynamic {
                filter: names(&["libb.so"]),
                auxiliary: names(&["libnone.so"]),
                ..library("liba.so", &[])
            }),
        ),
        ("/lib/libb.so", lib("libb.so")),
        ("/opt/pre.so", lib("pre.so")),
    ];
    let environment = [("LD_PRELOAD", "/opt/pre.so /opt/none.so")];
    let found = linked(files, &environment, &Processor::default());
    assert_eq!(found, ["/opt/pre.so", "/lib/libb.so", "/lib/liba.so"], "what is absent is passed over");
}
