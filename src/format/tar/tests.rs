//! Archives made byte by byte, and what is read from them.

use super::craft::{Craft, header, put};
use super::*;

/// `typeflag:name:bytes of body:link` of every entry, then `EOF` or `ERR`.
fn walk(archive: &[u8]) -> String {
    let (mut said, mut reader) = (String::new(), Reader::new(archive));
    loop {
        match reader.next_header() {
            Ok(None) => return said + "EOF",
            Err(_) => return said + "ERR",
            Ok(Some(header)) => {
                said += &format!("{}:{}:", header.typeflag as char, header.name);
                let mut read = 0;
                let failed = loop {
                    match reader.data() {
                        Ok(Some(bytes)) => read += bytes.len() as u64,
                        end => break end.is_err(),
                    }
                };
                said += &format!("{}:{} ", if header.sparse { header.size } else { read }, header.link);
                if failed {
                    return said + "ERR";
                }
            }
        }
    }
}

fn file() -> Craft {
    Craft::default().entry(b'0', "a", b"hello")
}

#[track_caller]
fn check(archive: &[u8], said: &str) {
    assert_eq!(walk(archive), said);
}

#[test]
fn ends() {
    check(b"", "EOF");
    check(&[0; 512], "EOF");
    check(&[0; 1024], "EOF");
    check(&[0; 700], "ERR");
    check(&file().0, "0:a:5: EOF");
    check(&file().0[..512 + 5], "0:a:5: EOF");
    check(&file().0[..512 + 4], "0:a:4: ERR");
    check(&file().0[..100], "ERR");
    check(&[file().end(), b"garbage".to_vec()].concat(), "0:a:5: EOF");
    check(&file().block([0; 512]).entry(b'0', "b", b"").end(), "0:a:5: ERR");
}

#[test]
fn only_files_have_bodies() {
    for typeflag in b'1'..=b'6' {
        let archive =
            Craft::default().with(header(typeflag, "x", 1000), &[(157, b"t")]).entry(b'0', "b", b"hello").end();
        check(&archive, &format!("{}:x:0:t 0:b:5: EOF", typeflag as char));
    }
    check(&Craft::default().entry(b'7', "c", b"hello").entry(b'Z', "d", b"x").end(), "7:c:5: Z:d:1: EOF");
    check(&Craft::default().entry(0, "dir/", b"").entry(0, "f", b"x").end(), "5:dir/:0: 0:f:1: EOF");
    check(&Craft::default().entry(b'0', "dir/", b"x").end(), "0:dir/:1: EOF");
}

#[test]
fn which_name_wins() {
    let long = |c: Craft| c.entry(b'L', "././@LongLink", b"gnu\0");
    let pax = |c: Craft| c.pax(&[("path", "pax")]);
    check(&pax(Craft::default()).entry(b'0', "a", b"").end(), "0:pax:0: EOF");
    check(&long(pax(Craft::default())).entry(b'0', "a", b"").end(), "0:gnu:0: EOF");
    check(&pax(long(Craft::default())).entry(b'0', "a", b"").end(), "0:gnu:0: EOF");
    check(&pax(Craft::default()).pax(&[("uid", "1")]).entry(b'0', "a", b"").end(), "0:a:0: EOF");
    check(&Craft::default().pax(&[("path", "")]).entry(b'0', "a", b"").end(), "0:a:0: EOF");
    check(&pax(Craft::default()).entry(b'g', "g", b"").entry(b'0', "a", b"").end(), "g:g:0: 0:a:0: EOF");
    check(&Craft::default().entry(b'K', "l", b"gnu\0").entry(b'2', "a", b"").end(), "2:a:0:gnu EOF");
    let prefix = Craft::default().with(header(b'0', "a", 0), &[(345, b"pre")]);
    check(&prefix.end(), "0:pre/a:0: EOF");
}

#[test]
fn gnu_headers_have_no_prefix_unless_its_times_are_none() {
    let gnu = |fields: &[(usize, &[u8])]| {
        let mut block = header(b'0', "a", 0);
        put(&mut block, 257, b"ustar  \0");
        Craft::default().with(block, fields).end()
    };
    check(&gnu(&[(345, b"00000000001\0")]), "0:a:0: EOF");
    check(&gnu(&[(345, b"pre")]), "0:pre/a:0: EOF");
    check(&gnu(&[(345, b"pr\xe9")]), "0:a:0: EOF");
}

#[test]
fn sizes() {
    check(&Craft::default().pax(&[("size", "5")]).with(header(b'0', "a", 0), &[]).body(b"hello").end(), "0:a:5: EOF");
    let base256 = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];
    check(&Craft::default().with(header(b'0', "a", 0), &[(124, &base256)]).body(b"hello").end(), "0:a:5: EOF");
    check(&Craft::default().with(header(b'0', "a", 0), &[(124, &[0xff; 12])]).end(), "ERR");
    check(&Craft::default().with(header(b'0', "a", 0), &[(124, b"9")]).end(), "ERR");
    check(&Craft::default().pax(&[("size", "-1")]).entry(b'0', "a", b"").end(), "ERR");
    check(&Craft::default().pax(&[("size", "9223372036854775807")]).entry(b'0', "a", b"").end(), "0:a:1024: ERR");
}

#[test]
fn malformed_headers() {
    let mut wrong = header(b'0', "a", 0);
    wrong[0] = b'b';
    check(&Craft::default().block(wrong).end(), "ERR");
    for (at, bytes) in [(100, b"x"), (108, b"x"), (116, b"x"), (136, b"x"), (329, b"x"), (337, b"x")] {
        check(&Craft::default().with(header(b'0', "a", 0), &[(at, bytes)]).end(), "ERR");
    }
    for records in ["6 a=b", "5 ab\n", "6 =bc\n", "99 a=b\n", "0 a=b\n", "-6 a=b\n", "4 a\n", "x a=b\n", "a=b\n", "5\n"]
    {
        check(&Craft::default().entry(b'x', "x", records.as_bytes()).entry(b'0', "a", b"").end(), "ERR");
    }
    for (key, value) in
        [("path", "a\0b"), ("uname", "\0"), ("k\0", "v"), ("uid", "x"), ("mtime", "1e3"), ("size", "1 ")]
    {
        check(&Craft::default().pax(&[(key, value)]).entry(b'0', "a", b"").end(), "ERR");
    }
}

#[test]
fn metadata_is_bounded() {
    for typeflag in [b'x', b'g', b'L', b'K'] {
        let archive = Craft::default().entry(typeflag, "x", &vec![b'a'; (1 << 20) + 1]).entry(b'0', "a", b"").end();
        check(&archive, "ERR");
    }
    let archive = Craft::default().entry(b'L', "x", &vec![b'a'; 1 << 20]).entry(b'0', "a", b"").end();
    let name = Reader::new(&archive[..]).next_header().unwrap().unwrap().name;
    assert_eq!(name.len(), 1 << 20);
}

#[test]
fn owner_and_capability() {
    let archive = Craft::default()
        .pax(&[("uid", "70000"), ("gid", "-1"), ("SCHILY.xattr.security.capability", "\x01\0\0\x02")])
        .with(header(b'0', "a", 0), &[(100, b"0104755\0")])
        .end();
    let header = Reader::new(&archive[..]).next_header().unwrap().unwrap();
    assert_eq!((header.uid, header.gid, header.mode), (70000, -1, 0o104_755));
    assert_eq!(header.capability.as_deref(), Some(&b"\x01\0\0\x02"[..]));
}

#[test]
fn sparse_in_extended_header() {
    let sparse =
        |records: &[(&str, &str)]| Craft::default().pax(records).entry(b'0', "x", b"hello").entry(b'0', "b", b"").end();
    let (offset, numbytes, blocks) = ("GNU.sparse.offset", "GNU.sparse.numbytes", "GNU.sparse.numblocks");
    let format_0_0 =
        [("GNU.sparse.size", "99"), (blocks, "2"), (offset, "0"), (numbytes, "2"), (offset, "9"), (numbytes, "3")];
    check(&sparse(&format_0_0), "0:x:99: 0:b:0: EOF");
    let format_0_1 = |size, blocks_, map| {
        [("GNU.sparse.name", "real"), ("GNU.sparse.size", size), (blocks, blocks_), ("GNU.sparse.map", map)]
    };
    check(&sparse(&format_0_1("99", "2", "0,2,9,3")), "0:real:99: 0:b:0: EOF");
    // less, and more, data than the map says
    check(&sparse(&format_0_1("99", "2", "0,2,9,9")), "0:real:99: ERR");
    check(&sparse(&format_0_1("99", "1", "0,2")), "0:real:99: ERR");
    for (size, blocks_, map) in [
        ("99", "1", "0,2,9,3"),
        ("99", "2", "9,3,0,2"),
        ("10", "2", "0,2,9,3"),
        ("99", "2", "0,2,9"),
        ("-1", "0", ""),
        ("99", "1", "-1,5"),
        ("99", "", "0,5"),
    ] {
        let said = walk(&sparse(&format_0_1(size, blocks_, map)));
        // An empty map is no map.
        assert!(said == "ERR" || map.is_empty(), "{map}: {said}");
    }
    check(&sparse(&[(numbytes, "1"), (offset, "0")]), "ERR");
}

#[test]
fn sparse_in_body() {
    let sparse = |body: &[u8]| {
        let records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "99")];
        Craft::default().pax(&records).entry(b'0', "x", body).entry(b'0', "b", b"").end()
    };
    let map = |text: &str| Craft::default().body(text.as_bytes()).0;
    check(&sparse(&[map("1\n10\n5\n"), b"hello".to_vec()].concat()), "0:x:99: 0:b:0: EOF");
    check(&sparse(&[map("0\n"), b"hello".to_vec()].concat()), "0:x:99: ERR");
    check(&sparse(&[map("2\n10\n5\n"), b"hello".to_vec()].concat()), "ERR");
    check(&sparse(b"1\n10\n5\n"), "ERR");
    check(&sparse(&map("-1\n")), "ERR");
    check(&sparse(&map("9223372036854775807\n")), "ERR");
    check(&sparse(&vec![b'1'; 2 << 20]), "ERR");
}

#[test]
fn sparse_in_gnu_header() {
    let sparse = |more: &[u8], magic: &[u8]| {
        let fields: [(usize, &[u8]); 5] =
            [(257, magic), (386, b"00000000000\x0000000000002\0"), (410, b""), (482, more), (483, b"00000000143\0")];
        Craft::default().with(header(b'S', "x", 5), &fields)
    };
    let mut second = [0; 512];
    put(&mut second, 0, b"00000000011\x0000000000003\0");
    check(&sparse(b"\x01", b"ustar  \0").block(second).body(b"hello").end(), "S:x:99: EOF");
    check(&sparse(b"\0", b"ustar  \0").body(b"hello").end(), "S:x:99: ERR");
    check(&sparse(b"\0", b"ustar\x0000").body(b"hello").end(), "ERR");
    check(&sparse(b"\x01", b"ustar  \0").0, "ERR");
}

#[test]
fn small_reads_make_no_difference() {
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let len = into.len().min(7);
            self.0.read(&mut into[..len])
        }
    }
    let archive = file().pax(&[("path", "long")]).entry(b'0', "b", &[1; 2000]).end();
    let mut reader = Reader::new(Drip(&archive));
    assert_eq!(reader.next_header().unwrap().unwrap().name, "a");
    assert_eq!(reader.next_header().unwrap().unwrap().name, "long");
    let mut body = Vec::new();
    while let Some(bytes) = reader.data().unwrap() {
        body.extend_from_slice(bytes);
    }
    assert_eq!(body, [1; 2000]);
    assert!(reader.next_header().unwrap().is_none());
    reader.drain().unwrap();
    assert!(reader.into_inner().0.is_empty());
}

#[test]
fn errors_of_the_source_are_not_the_archives() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let archive = file();
    let mut reader = Reader::new((&archive.0[..514]).chain(Broken));
    assert!(matches!(reader.next_header(), Ok(Some(_))));
    assert!(matches!(reader.next_header(), Err(Error::Io(_))));
    assert!(matches!(reader.next_header(), Ok(None)));
}
