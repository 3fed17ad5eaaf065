//! Files of our own writer, whole and damaged; `tests/writer.rs` shows them to real tools.

use super::*;
use crate::format::elf::craft::{Dynamic, ET_EXEC, Layout, library, names, program};

fn read(file: &[u8]) -> Option<Object> {
    let fetch = |offset: u64, len| Ok::<_, ()>(Cow::Borrowed(&file[offset as usize..][..len]));
    Object::read(file.len() as u64, fetch).unwrap()
}

fn list(object: &Object, tag: Tag) -> String {
    bstr::join(" ", object.strings(tag)).to_str_lossy().into_owned()
}

/// Everything at once.
fn full() -> Dynamic {
    Dynamic {
        auxiliary: names(&["liba.so"]),
        filter: names(&["libf.so", "libg.so"]),
        soname: Some("me".into()),
        rpath: Some("/old".into()),
        runpath: Some("$ORIGIN/../lib:/opt".into()),
        flags: 8,
        flags_1: 0x0800_0001,
        versions: vec![
            ("libc.so.6".into(), vec![("GLIBC_2.34".into(), false), ("GLIBC_2.4".into(), true)]),
            ("libm.so.6".into(), vec![("GLIBC_2.2.5".into(), false)]),
        ],
        defined: names(&["ME_1.0", "ME_2.0"]),
        ..program("/lib/ld.so.1", &["libm.so.6", "libc.so.6"])
    }
}

#[test]
fn all_classes_and_byte_orders() {
    for (is_64, is_big_endian, e_type, layout) in [
        (true, false, 3, Layout::First),
        (true, true, ET_EXEC, Layout::Last),
        (false, false, ET_EXEC, Layout::Middle),
        (false, true, 3, Layout::Go),
    ] {
        let file = Dynamic { is_64, is_big_endian, e_type, layout, e_flags: 5, e_machine: 40, ..full() };
        let object = read(&file.write()).unwrap();
        assert_eq!((object.e_type, object.e_machine, object.e_version, object.e_flags), (e_type, 40, 1, 5));
        assert_eq!(object.e_phentsize, if is_64 { 56 } else { 32 });
        assert!(object.has_load && object.has_dynamic && object.has_interp && object.has_verdef && !object.is_cut);
        assert_eq!((object.flags, object.flags_1), (8, 0x0800_0001));
        assert_eq!(list(&object, Tag::Needed), "libm.so.6 libc.so.6");
        assert_eq!(
            (list(&object, Tag::Auxiliary), list(&object, Tag::Filter)),
            ("liba.so".into(), "libf.so libg.so".into())
        );
        assert_eq!(object.string(Tag::Soname).unwrap(), "me");
        assert_eq!(
            (list(&object, Tag::Rpath), list(&object, Tag::Runpath)),
            ("/old".into(), "$ORIGIN/../lib:/opt".into())
        );
        assert_eq!(list(&object, Tag::Defined), "ME_1.0 ME_2.0");
        let versions: Vec<_> = object.versions().map(|(f, v, weak)| format!("{f} {v} {weak}")).collect();
        assert_eq!(versions, ["libc.so.6 GLIBC_2.34 false", "libc.so.6 GLIBC_2.4 true", "libm.so.6 GLIBC_2.2.5 false"]);
    }
}

#[test]
fn what_is_no_elf_file() {
    let file = full().write();
    assert_eq!(read(b""), None);
    assert_eq!(read(b"#!/bin/sh"), None);
    assert_eq!(read(&file[..40]), None);
    for (at, byte) in [(4, 0), (4, 3), (5, 0), (5, 3), (1, b'e')] {
        let mut file = file.clone();
        file[at] = byte;
        assert_eq!(read(&file), None, "{at}");
    }
}

/// Where the dynamic section of a 64-bit little-endian file stands.
fn dynamic_of(file: &[u8]) -> usize {
    let headers = file[64..].chunks(56);
    let dynamic = headers.clone().find(|header| header[..4] == [2, 0, 0, 0]).unwrap();
    u64::from_le_bytes(dynamic[8..16].try_into().unwrap()) as usize
}

/// The file with another value in the entry of that tag.
fn with(file: &[u8], tag: u64, new: (u64, u64)) -> Vec<u8> {
    let (mut file, start) = (file.to_vec(), dynamic_of(file));
    let entry = file[start..].chunks_mut(16).find(|entry| entry[..8] == tag.to_le_bytes()).unwrap();
    entry.copy_from_slice(&[new.0.to_le_bytes(), new.1.to_le_bytes()].concat());
    file
}

#[test]
fn the_last_of_a_tag_counts() {
    let file = Dynamic { rpath: Some("/second".into()), ..library("first", &["n"]) }.write();
    // DT_RPATH becomes another DT_SONAME.
    let rpath = u64::from_le_bytes(file[dynamic_of(&file) + 40..][..8].try_into().unwrap());
    let object = read(&with(&file, 15, (14, rpath))).unwrap();
    assert_eq!((list(&object, Tag::Soname), list(&object, Tag::Rpath)), ("/second".into(), String::new()));
}

#[test]
fn a_damaged_part_is_absent() {
    let file = full().write();
    for lie in [u64::MAX, 1 << 40, file.len() as u64, 0xffff_fff0] {
        let object = read(&with(&file, 5, (5, lie))).unwrap();
        assert_eq!(list(&object, Tag::Needed), "", "no string table at {lie}");
        let object = read(&with(&file, 1, (1, lie))).unwrap();
        assert_eq!(list(&object, Tag::Needed), "libc.so.6", "one name of two at {lie}");
        let object = read(&with(&file, 0x6fff_fffe, (0x6fff_fffe, lie))).unwrap();
        assert_eq!(object.versions().count(), 0);
        let object = read(&with(&file, 0x6fff_fffc, (0x6fff_fffc, lie))).unwrap();
        assert!(object.has_verdef && list(&object, Tag::Defined).is_empty());
    }
    for end in 0..file.len() {
        let _ = read(&file[..end]);
    }
    let mut short = file.clone();
    short.truncate(dynamic_of(&file) + 16);
    let object = read(&short).unwrap();
    assert_eq!((object.end > short.len() as u64, list(&object, Tag::Needed)), (true, String::new()));
}

#[test]
fn without_the_right_size_of_entries_there_are_no_segments() {
    let mut file = full().write();
    file[54] = 57;
    let object = read(&file).unwrap();
    assert_eq!((object.e_phentsize, object.has_load, object.has_dynamic, object.end), (57, false, false, 0));
}

#[test]
fn what_is_too_much_is_cut() {
    let many = vec!["n".repeat(200); 2000];
    let object = read(&Dynamic { needed: many, ..Dynamic::default() }.write()).unwrap();
    assert!(object.is_cut && (1..2000).contains(&object.strings(Tag::Needed).count()) && object.len() < 300_000);
    let entries = read(&Dynamic { needed: vec!["n".into(); 5000], ..Dynamic::default() }.write()).unwrap();
    assert!(entries.is_cut && list(&entries, Tag::Needed).is_empty(), "DT_STRTAB stands behind");
    let long = read(&Dynamic { runpath: Some("/".repeat(20_000)), ..Dynamic::default() }.write()).unwrap();
    assert_eq!((long.is_cut, long.string(Tag::Runpath).unwrap().len()), (true, 16 << 10));
    let versions = vec![("f".to_owned(), vec![("v".to_owned(), false); 5000])];
    let chain = read(&Dynamic { versions, ..Dynamic::default() }.write()).unwrap();
    assert_eq!((chain.is_cut, chain.versions().count()), (true, 4095));
}

#[test]
fn errors_of_fetch_are_passed_on() {
    let file = full().write();
    for after in 0..12 {
        let mut left = after;
        let object = Object::read(file.len() as u64, |offset, len| {
            left -= 1;
            if left < 0 { Err("gone") } else { Ok(Cow::Borrowed(&file[offset as usize..][..len])) }
        });
        assert!(object == Err("gone") || object == Ok(read(&file)), "{after}");
    }
}

#[test]
fn loaders_tell_their_directories() {
    let data = b"\x01\xff/lib64/\0/usr/lib64/\0\0/var/lib/\0".to_vec();
    let loader = |soname| read(&Dynamic { data: data.clone(), ..library(soname, &[]) }.write()).unwrap();
    assert_eq!(list(&loader("ld-linux-x86-64.so.2"), Tag::Directory), "/lib64/ /usr/lib64/");
    assert_eq!(list(&loader("libc.so.6"), Tag::Directory), "");
}

#[test]
fn imports_that_have_to_do_with_signals() {
    for (is_64, is_big_endian) in [(true, false), (false, false), (true, true)] {
        let of = |imports: &[&str]| {
            let file = Dynamic { is_64, is_big_endian, imports: names(imports), ..program("/ld.so", &["libc.so.6"]) };
            read(&file.write()).unwrap().imports.unwrap()
        };
        assert_eq!(of(&[]), Imports::default());
        assert_eq!(of(&["pthread_cond_signal", "sigactionx", "puts"]), Imports::default());
        assert_eq!(of(&["puts", "sigaction"]), Imports::HANDLES);
        assert_eq!(of(&["execvp", "poll"]), Imports::EXECUTES.and(Imports::WAITS));
        assert!(of(&["signalfd", "dlopen"]).has(Imports::TAKES));
    }
}
