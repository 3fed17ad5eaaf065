//! Layers made byte by byte, and what is kept of them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use structured_zstd::encoding::{CompressionLevel, compress_slice_to_vec};

use super::*;
use crate::format::elf::craft::{Dynamic, Layout, library, program};
use crate::format::elf::{Object, Tag};
use crate::format::tar::craft::{Craft, header};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_slice_to_vec(bytes, CompressionLevel::Fastest)
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    xz.write_all(bytes).unwrap();
    xz.finish().unwrap()
}

fn digest(bytes: &[u8]) -> String {
    let mut hasher = Hasher::of(&format!("sha256:{}", "0".repeat(64))).unwrap();
    hasher.update(bytes);
    hasher.finish()
}

fn expected(blob: &[u8]) -> Expected {
    Expected { digest: Some(digest(blob)), diff_id: None, size: Some(blob.len() as u64) }
}

/// Reads a blob that is what its digest says.
fn read_blob(blob: &[u8]) -> Result<Changeset> {
    read(blob, &expected(blob), "layer 1", &Bounds::default())
}

fn paths(set: &Changeset) -> String {
    let mut paths = Vec::new();
    set.for_each(|e| paths.push(e.path.to_string()));
    paths.join(" ")
}

/// The first `len` bytes that were kept of an archive's only file.
fn kept(archive: &[u8]) -> Option<Arc<Content>> {
    let mut kept = None;
    read_blob(archive).unwrap().for_each(|e| kept = e.content.cloned());
    kept
}

fn kept_len(archive: &[u8]) -> usize {
    kept(archive).map_or(0, |c| c.len())
}

fn two_files() -> Craft {
    Craft::default().file(0o755, "bin/sh", b"#!/bin/true\n").entry(b'0', "etc/motd", b"hello")
}

#[test]
fn every_compression() {
    let archive = two_files().end();
    let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    for blob in [
        archive.clone(),
        gzip(&archive),
        zstd(&archive),
        xz(&archive),
        [gzip(&archive[..700]), gzip(&archive[700..]), gzip(b"")].concat(),
        [skippable.clone(), zstd(&archive[..700]), skippable, zstd(&archive[700..])].concat(),
    ] {
        let set = read_blob(&blob).unwrap();
        assert_eq!((paths(&set).as_str(), set.bad_archive()), ("bin/sh etc/motd", None));
    }
}

#[test]
fn empty_layers() {
    for blob in [vec![], gzip(b""), vec![0; 1024], gzip(&[0; 1024])] {
        let set = read_blob(&blob).unwrap();
        assert!(set.is_empty() && set.bad_archive().is_none());
    }
}

#[test]
fn entries_are_as_the_archive_has_them() {
    let archive = Craft::default()
        .entry(b'g', "pax_global_header", b"")
        .with(header(b'5', "./d/", 7), &[(100, b"0041777\0"), (108, b"0000001\0"), (116, b"0000002\0")])
        .with(header(b'2', "d/l", 0), &[(157, b"../x")])
        .with(header(b'1', "d/h", 9), &[(157, b"d/f")])
        .with(header(b'0', "d/f", 0), &[(157, b"ignored")])
        .pax(&[("SCHILY.xattr.security.capability", "cap")])
        .file(0o755, "d/c", b"x")
        .end();
    let mut seen = Vec::new();
    read_blob(&archive).unwrap().for_each(|e| {
        let capability = e.capability.map(|c| c.len());
        seen.push(format!(
            "{} {} {:?} {:o} {} {} {} {} {capability:?}",
            e.ordinal, e.path, e.file_type, e.mode, e.uid, e.gid, e.size, e.link
        ));
    });
    assert_eq!(
        seen,
        [
            "0 ./d/ Directory 1777 1 2 0  None",
            "1 d/l Symlink 644 0 0 0 ../x None",
            "2 d/h Hardlink 644 0 0 0 d/f None",
            "3 d/f Regular 644 0 0 0  None",
            "4 d/c Regular 755 0 0 1  Some(3)",
        ]
    );
}

#[test]
fn what_is_kept() {
    let page = |start: &str| [start.as_bytes(), &[b'x'; 5000]].concat();
    let one = |mode, name, bytes: &[u8]| kept_len(&Craft::default().file(mode, name, bytes).end());
    assert_eq!(one(0o755, "x", &page("MZ")), 4096);
    assert_eq!(one(0o001, "x", b"short"), 5);
    assert_eq!(one(0o755, "x", b""), 0);
    assert_eq!(one(0o644, "x", &page("#!/bin/sh\n")), 4096);
    assert_eq!(one(0o644, "x", b"#!"), 2);
    assert_eq!(one(0o644, "x", b"#"), 0);
    assert_eq!(one(0o644, "x", &page("hello")), 0);
    for name in ["etc/passwd", "./etc/group", "/etc//passwd"] {
        assert_eq!(one(0o600, name, &page("root:x:0:0")), 5010, "{name}");
        assert_eq!(one(0o600, name, &vec![b'a'; 3 << 20]), 1 << 20, "{name}");
    }
    for name in ["ld.so.cache", "ld.so.preload", "ld.so.conf", "ld.so.conf.d/x.conf", "ld-musl-x86_64.path"] {
        let content = kept(&Craft::default().file(0o600, &format!("etc/{name}"), &page("/opt/lib")).end());
        assert_eq!(content.map(|content| content.len()), Some(5008), "{name}");
    }
    assert_eq!(one(0o600, "etc/ld.so.conf.d/x", b"/opt/lib"), 0);
    assert_eq!(one(0o600, "etc/passwd/x", b"root"), 0);
    assert_eq!(one(0o600, "usr/etc/passwd", b"root"), 0);
}

/// A little-endian 64-bit ELF file of `len` bytes with its program header and interpreter at some places.
fn elf(len: usize, phoff: usize, interpreter: usize) -> Vec<u8> {
    let mut file = vec![0xaa; len];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    put(16, &[3, 0, 62, 0, 1, 0, 0, 0]);
    put(32, &(phoff as u64).to_le_bytes());
    put(52, &[64, 0, 56, 0, 1, 0]);
    put(interpreter, b"/lib/ld.so\0");
    put(phoff, &3_u32.to_le_bytes());
    put(phoff + 8, &(interpreter as u64).to_le_bytes());
    put(phoff + 32, &11_u64.to_le_bytes());
    file
}

#[test]
fn elf_files_keep_what_execve_reads() {
    let content = |file: &[u8]| kept(&Craft::default().file(0o755, "x", file).end()).unwrap();
    for (phoff, interpreter, len) in [
        (64, 120, 131),
        (64, 5000, 120 + 11),
        (64, 4090, 120 + 11),
        (64, 400_000, 120 + 11),
        (4070, 200, 64 + 56),
        (300_000, 400_000, 64 + 56 + 11),
        (300_000, 300_100, 64 + 56 + 11),
        (4096, 4152, 64 + 56 + 11),
    ] {
        let kept = content(&elf(500_000, phoff, interpreter));
        let table = kept.get(phoff as u64, 56).is_some();
        let name = kept.get(interpreter as u64, 11) == Some(b"/lib/ld.so\0");
        let passed = phoff == 4070;
        assert!(table && (name || passed), "{phoff} {interpreter}");
        assert_eq!(kept.len(), if passed { kept.len() } else { len }, "{phoff} {interpreter}");
    }
    // A file whose header does not hold together may be of another layout than it says.
    for (at, byte) in [(4, 1), (5, 2), (4, 9), (18, 0), (54, 1)] {
        let mut file = elf(500_000, 64, 120);
        file[at] = byte;
        assert_eq!(content(&file).len(), 4096, "{at}");
    }
    let mut short = elf(500, 64, 120);
    short.truncate(70);
    assert!(content(&short).get(0, 64).is_some());
}

/// What of `file` a dynamic loader reads, if that was kept.
fn object(mode: u16, name: &str, file: &[u8]) -> Option<Object> {
    kept(&Craft::default().file(mode, name, file).end()).and_then(|content| content.object().cloned())
}

fn needs(object: Option<&Object>) -> String {
    let list = |object: &Object| BString::from(bstr::join(" ", object.strings(Tag::Needed))).to_string();
    object.map_or("nothing".into(), list)
}

#[test]
fn what_a_loader_reads_is_kept_of_dynamic_files() {
    let plain = library("libx.so.1", &["liby.so.1", "libc.so.6"]);
    // code and data far longer than anything that is held
    let long = Dynamic { text: vec![0x90; 3 << 20], data: vec![1; 2 << 20], ..plain.clone() };
    let patched = Dynamic { layout: Layout::Last, ..long.clone() };
    let go = Dynamic { layout: Layout::Go, ..long.clone() };
    for file in [plain, long, patched, go] {
        for mode in [0o644, 0o755] {
            for name in ["x", "lib/libx.so.1"] {
                assert_eq!(needs(object(mode, name, &file.write()).as_ref()), "liby.so.1 libc.so.6");
            }
        }
    }
    let content = kept(&Craft::default().file(0o755, "x", &program("/ld.so", &["a"]).write()).end()).unwrap();
    assert!(content.get(0, 64).is_some() && content.object().is_some());
    let content = kept(&Craft::default().file(0o644, "x", &library("x", &["a"]).write()).end()).unwrap();
    assert_eq!(content.get(0, 1), None, "nothing but what a loader reads");
}

#[test]
fn strings_that_passed_by_cost_a_second_look() {
    let middle = Dynamic { layout: Layout::Middle, data: vec![1; 2 << 20], ..library("libx.so.1", &["liby.so.1"]) };
    assert_eq!(object(0o644, "lib/libx.so.1", &middle.write()), None);
    assert_eq!(kept_len(&Craft::default().file(0o644, "x.so", &middle.write()).end()), 64);
    let short = Dynamic { data: vec![1; 600_000], ..middle };
    assert_eq!(object(0o644, "lib/libx.so.1", &short.write()), None, "the front ends where the code begins");
    let loader = object(0o644, "lib/ld-x.so", &short.write());
    assert_eq!(needs(loader.as_ref()), "liby.so.1", "loaders are held as a whole");
}

#[test]
fn of_other_elf_files_no_more_is_kept_than_before() {
    let mut object_file = elf(5000, 64, 200);
    object_file[54..58].copy_from_slice(&[0; 4]);
    assert_eq!(kept(&Craft::default().file(0o644, "x.o", &object_file).end()), None);
    assert_eq!(object(0o755, "static", &elf(5000, 64, 200)), None);
    assert!(object(0o644, "libx.so", &elf(5000, 64, 200)).is_some_and(|object| !object.has_dynamic));
}

#[test]
fn something_else_in_a_librarys_place() {
    let one = |mode, name, bytes: &[u8]| kept_len(&Craft::default().file(mode, name, bytes).end());
    assert_eq!(one(0o644, "usr/lib/libc.so", &[b'/'; 300]), 64);
    assert_eq!(one(0o644, "usr/lib/libc.so.6", b"/*"), 2);
    assert_eq!(one(0o644, "usr/lib.so.d/x", &[b'/'; 300]), 0);
    assert_eq!(one(0o644, "lib/x.so", &[b"\x7fELF\x09", &[0; 99][..]].concat()), 64, "damaged");
    assert_eq!(one(0o644, "lib/x", &[b"\x7fELF\x09", &[0; 99][..]].concat()), 0);
}

#[test]
fn no_more_is_kept_than_the_bound() {
    let bounds = Bounds::new(100, 1000, 20, 1 << 20);
    let archive = two_files().file(0o755, "bin/x", b"0123456789").file(0o755, "bin/y", b"01234567").end();
    let mut kept = Vec::new();
    let set = read(&archive[..], &Expected::default(), "x", &bounds).unwrap();
    set.for_each(|e| kept.push(e.content.map_or(0, |c| c.len())));
    assert_eq!(kept, [12, 0, 0, 8]);
}

#[test]
fn bounds_are_errors() {
    let archive = two_files().entry(b'0', &"n".repeat(80), b"").end();
    for (bounds, problem) in [
        (Bounds::new(1, 1000, 0, 1 << 20), "files, the most"),
        (Bounds::new(10, 8, 0, 1 << 20), "MiB of names"),
        (Bounds::new(10, 1000, 0, 1000), "decompresses to more"),
    ] {
        let error = read(&archive[..], &Expected::default(), "layer 7", &bounds).unwrap_err().to_string();
        assert!(error.contains("layer 7") && error.contains(problem), "{error}");
    }
}

#[test]
fn bombs_are_stopped() {
    // A thousand-fold bomb, in the archive and behind its end.
    let zeros = vec![0; 8 << 20];
    let bounds = || Bounds::new(10, 1000, 0, 4 << 20);
    for compress in [gzip, zstd, xz] {
        for archive in [Craft::default().entry(b'0', "a", &zeros).end(), zeros.clone()] {
            let blob = compress(&archive);
            assert!(blob.len() < archive.len() / 100);
            let error = read(&blob[..], &Expected::default(), "x", &bounds()).unwrap_err().to_string();
            assert!(error.contains("decompresses to more"), "{error}");
        }
    }
}

#[test]
fn archives_that_engines_refuse() {
    let refused = |archive: &[u8]| {
        let set = read_blob(&gzip(archive)).unwrap();
        let bad = set.bad_archive().unwrap().clone();
        format!("{} {} | {}", bad.ordinal, bad.after, bad.problem)
    };
    let start = two_files().0;
    let then = |more: &[u8]| [&start[..], more].concat();
    assert!(refused(&then(b"junk")).starts_with("2 etc/motd | the archive ends inside a header"));
    assert!(refused(&then(&[b'x'; 512])).contains("checksum"));
    assert!(refused(&then(&header(b'0', "big", 5000))).contains("ends inside a file"));
    assert!(refused(&Craft(start.clone()).entry(b'7', "c", b"").end()).contains("unhandled tar header type 55"));
    assert!(refused(b"<html>no such layer</html>").starts_with("0  | "));
}

#[test]
fn wrong_content_is_an_error() {
    let blob = gzip(&two_files().end());
    let right = expected(&blob);
    let with = |change: &dyn Fn(&mut Expected)| {
        let mut expected = right.clone();
        change(&mut expected);
        read(&blob[..], &expected, "layer 1", &Bounds::default()).map(drop).map_err(|e| e.to_string())
    };
    let error = |change: &dyn Fn(&mut Expected)| with(change).unwrap_err();
    assert_eq!(with(&|_| ()), Ok(()));
    assert!(error(&|e| e.digest = Some(digest(b"other"))).contains("does not match its digest"));
    assert!(error(&|e| e.digest = Some("sha1:00".into())).contains("not a sha256 or sha512 digest"));
    assert!(error(&|e| e.size = Some(blob.len() as u64 - 1)).contains("longer than"));
    assert!(error(&|e| e.size = Some(blob.len() as u64 + 1)).contains("ends after"));
    assert!(error(&|e| e.diff_id = Some(digest(b"other"))).contains("does not match its diff id"));
    assert_eq!(with(&|e| e.diff_id = Some(digest(&two_files().end()))), Ok(()));
}

#[test]
fn bytes_behind_the_archive_count() {
    let archive = [two_files().end(), vec![7; 300_000]].concat();
    let expected = Expected { diff_id: Some(digest(&archive)), ..expected(&gzip(&archive)) };
    assert!(read(&gzip(&archive)[..], &expected, "x", &Bounds::default()).unwrap().bad_archive().is_none());
}

#[test]
fn what_does_not_decompress_is_an_error() {
    let archive = two_files().end();
    for blob in [gzip(&archive), zstd(&archive), xz(&archive)] {
        for cut in [10, blob.len() / 2, blob.len() - 1] {
            let cut = &blob[..cut];
            let error = read_blob(cut).unwrap_err().to_string();
            assert!(error.contains("does not decompress"), "{error}");
            // Without the whole blob its digest is the better explanation.
            let error = read(cut, &expected(&blob), "x", &Bounds::default()).unwrap_err().to_string();
            assert!(error.contains("ends after"), "{error}");
        }
        let mut corrupt = blob.clone();
        let last = corrupt.len() - 6;
        corrupt[last] ^= 0xff;
        assert!(read_blob(&corrupt).is_err());
    }
    assert!(read_blob(&[gzip(&archive), gzip(b"")[..5].to_vec()].concat()).is_err());
    assert!(read_blob(&[zstd(&archive), vec![0; 512]].concat()).is_err());
    let bzip2 = read_blob(b"BZh91AY&SY...").unwrap_err().to_string();
    assert!(bzip2.contains("bzip2 is not supported"), "{bzip2}");
}

/// As `unpigz` and `igzip` do, which containerd and Docker run where they are installed.
#[test]
fn what_follows_the_last_gzip_member_is_left_alone() {
    for tail in [vec![0; 512], vec![0], b"trailing".to_vec(), vec![0x1f]] {
        let set = read_blob(&[gzip(&two_files().end()), tail].concat()).unwrap();
        assert_eq!((paths(&set).as_str(), set.bad_archive()), ("bin/sh etc/motd", None));
    }
}

#[test]
fn decompressors_fail_in_plain_words() {
    let archive = two_files()
        .entry(b'0', "x", &(0..90_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>())
        .end();
    for blob in [gzip(&archive), zstd(&archive), xz(&archive)] {
        for cut in [blob.len() / 2, blob.len() - 1] {
            let error = read_blob(&blob[..cut]).unwrap_err().to_string();
            assert_eq!(error, "could not read layer 1: it does not decompress: it ends too early");
        }
    }
    let mut corrupt = zstd(&archive);
    corrupt.iter_mut().skip(20).step_by(7).for_each(|byte| *byte ^= 0x55);
    let error = read_blob(&corrupt).unwrap_err().to_string();
    assert!(error.ends_with("its zstd data is damaged") || error.ends_with("it ends too early"), "{error}");
}

#[test]
fn what_linux_does_not_take_is_not_held() {
    let deep = format!("{}x", "a/".repeat(50_000));
    let dots = format!("{}x", "./y/../".repeat(5_000));
    let long = "t".repeat(100_000);
    let archive = Craft::default()
        .pax(&[("path", &deep)])
        .entry(b'0', "", b"")
        .pax(&[("path", &dots)])
        .entry(b'0', "", b"")
        .pax(&[("linkpath", &long)])
        .entry(b'2', "l", b"")
        .pax(&[("linkpath", &dots)])
        .entry(b'1', "h", b"")
        .pax(&[("SCHILY.xattr.security.capability", &long)])
        .entry(b'0', "c", b"")
        .end();
    let mut seen = Vec::new();
    read_blob(&archive).unwrap().for_each(|e| {
        seen.push((e.path.len(), e.link.to_vec(), e.capability.map_or(0, <[u8]>::len)));
    });
    assert_eq!(seen[0], (STORED_MAX, vec![], 0));
    assert_eq!(seen[1], (1, vec![], 0));
    assert_eq!(seen[2], (1, vec![b't'; STORED_MAX], 0));
    assert_eq!(seen[3], (1, b"x".to_vec(), 0));
    assert_eq!(seen[4], (1, vec![], CAPABILITY));
}

#[test]
fn a_layer_that_is_there_twice_counts_twice() {
    let bounds = Bounds::new(3, 1000, 0, 1 << 20);
    let set = read(&two_files().end()[..], &Expected::default(), "x", &bounds).unwrap();
    assert!(bounds.count_again(&set).unwrap_err().contains("files, the most"));
}

#[test]
fn errors_of_the_source_come_through() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }
    let blob = gzip(&two_files().end());
    for cut in [0, 5, 40] {
        let error = read((&blob[..cut]).chain(Broken), &Expected::default(), "x", &Bounds::default()).unwrap_err();
        assert_eq!(error.to_string(), "could not read x: the disk is on fire");
    }
}

#[test]
fn a_second_look() {
    let body: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
    let records =
        [("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.numblocks", "0"), ("GNU.sparse.size", "9")];
    let archive = Craft::default()
        .entry(b'g', "g", b"")
        .entry(b'5', "d", b"")
        .entry(b'0', "f", &body)
        .pax(&records)
        .entry(b'0', "s", b"");
    let blob = gzip(&archive.end());
    let look = |ordinal, offset, len| {
        reread(&blob[..], &expected(&blob), ordinal, offset, len, "x").map_err(|e| e.to_string())
    };
    assert_eq!(look(1, 0, 5).unwrap(), body[..5]);
    assert_eq!(look(1, 262_000, 300_000).unwrap(), body[262_000..562_000]);
    assert_eq!(look(1, 699_990, 100).unwrap(), body[699_990..]);
    assert_eq!(look(1, u64::MAX, 5).unwrap(), b"");
    assert_eq!(look(1, 5, 0).unwrap(), b"");
    assert!(look(0, 0, 1).unwrap_err().contains("not a regular file"));
    assert!(look(2, 0, 1).unwrap_err().contains("sparse"));
    assert!(look(3, 0, 1).unwrap_err().contains("no entry 3"));
}

/// Whatever the bytes, reading ends, without a panic, and says the same twice.
#[test]
fn mutants_do_no_harm() {
    let archive = two_files()
        .pax(&[("path", "long"), ("size", "5"), ("uid", "77")])
        .entry(b'0', "x", b"hello")
        .entry(b'L', "l", b"name\0")
        .file(0o755, "x", &elf(5000, 64, 4095))
        .pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "99")])
        .entry(b'0', "s", &Craft::default().body(b"1\n10\n5\n").body(b"hello").0[..517])
        .end();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let sources = [archive.clone(), gzip(&archive), zstd(&archive), xz(&archive)];
    for round in 0..6000 {
        let mut blob = sources[round % sources.len()].clone();
        for _ in 0..=next(4) {
            match (next(blob.len()), next(6)) {
                (at, 0) => blob.truncate(at.max(1)),
                (at, 1) => drop(blob.splice(at.., archive.iter().copied().skip(at / 2))),
                (at, 2) => blob[at] = [0, b'9', b'7', 0xff, b'x', b'\n'][next(6)],
                (at, _) => blob[at] ^= 1 << next(8),
            }
        }
        let look = || match read(&blob[..], &Expected::default(), "x", &Bounds::default()) {
            Ok(set) => format!("{} {:?}", paths(&set), set.bad_archive()),
            Err(error) => error.to_string(),
        };
        let said = look();
        let _ = reread(&blob[..], &Expected::default(), next(6) as u32, next(5000) as u64, next(9000), "x");
        assert!(round % 50 != 0 || said == look());
    }
}
