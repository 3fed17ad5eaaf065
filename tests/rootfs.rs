//! Changesets applied to one another, and paths resolved in what comes of it.
#![allow(clippy::unwrap_used)]

mod tree;

use imagelint::image::Entry;
use imagelint::rootfs::{Credentials, Errno, Kind, PathError, RefusalKind, Rootfs, View};
use tree::{file, image};

/// The tree as lines, each with the layer that made it.
fn listing(layers: &[&[&str]]) -> Vec<String> {
    let rootfs = Rootfs::build(&mut image(layers)).unwrap();
    let (mut out, mut left) = (Vec::new(), vec![(Rootfs::ROOT, String::new())]);
    while let Some((dir, path)) = left.pop() {
        let Kind::Directory(names) = rootfs.inode(dir).kind else { continue };
        for (name, ino) in names {
            let path = format!("{path}/{}", String::from_utf8_lossy(name));
            let inode = rootfs.inode(ino);
            let kind = match &inode.kind {
                Kind::Directory(_) => "/".to_owned(),
                Kind::Symlink(target) => format!(" -> {target}"),
                _ => String::new(),
            };
            out.push(format!("{path}{kind} {}", inode.layer.unwrap()));
            left.push((ino, path));
        }
    }
    out.sort();
    out
}

fn refusals(layers: &[&[&str]]) -> Vec<(String, bool)> {
    let rootfs = Rootfs::build(&mut image(layers)).unwrap();
    rootfs.refusals().iter().map(|r| (r.path.to_string(), r.kind.by_all())).collect()
}

#[test]
fn whiteouts_remove_what_is_below() {
    assert_eq!(listing(&[&["a", "d/", "d/x"], &[".wh.a", ".wh.d"]]), [""; 0]);
    assert_eq!(listing(&[&["a"], &[".wh.a"], &["a"]]), ["/a 2"]);
    assert_eq!(listing(&[&["a"], &[".wh.a", "a"]]), ["/a 1"], "whiteout first");
    assert_eq!(listing(&[&["d/", "d/x", "d/y"], &["d/z", "d/.wh..wh..opq"]]), ["/d/ 0", "/d/z 1"]);
    assert_eq!(listing(&[&["d/e/x"], &["d/", "d/.wh..wh..opq", "d/e/y"]]), ["/d/ 1", "/d/e/ 1", "/d/e/y 1"]);
    assert_eq!(listing(&[&["a"], &[".wh.", ".wh..wh.plnk"]]), ["/a 0"], "bookkeeping");
}

#[test]
fn hard_links_live_on_without_the_first_name() {
    assert_eq!(listing(&[&["a", "b = a"], &[".wh.a"]]), ["/b 0"]);
    assert_eq!(listing(&[&["d/a", "b = d/a"]]), ["/b 0", "/d/ 0", "/d/a 0"]);
    assert_eq!(refusals(&[&["a"], &["b = a"]]), [("b".to_owned(), true)], "only within a layer");
    assert_eq!(refusals(&[&["a = a"]]), [("a".to_owned(), true)]);
    assert_eq!(refusals(&[&["d/", "b = d"]]), [("b".to_owned(), true)], "never a directory");
}

#[test]
fn one_kind_replaces_the_other() {
    assert_eq!(listing(&[&["d/x"], &["d -> y"]]), ["/d -> y 1"]);
    assert_eq!(listing(&[&["d -> y"], &["d/"]]), ["/d/ 1"]);
    assert_eq!(listing(&[&["d/x"], &["d"]]), ["/d 1"]);
    assert_eq!(listing(&[&["d/x"], &["d/:700"]]), ["/d/ 1", "/d/x 0"], "metadata only");
}

#[test]
fn parents_are_those_of_the_same_layer() {
    assert_eq!(listing(&[&["usr/bin/sh", "bin -> usr/bin"], &["bin/app"]])[..2], ["/bin/ 1", "/bin/app 1"]);
    assert_eq!(listing(&[&["file"], &["file/app"]]), ["/file/ 1", "/file/app 1"]);
    assert_eq!(listing(&[&["real/", "lnk -> real", "lnk/app"]]), ["/lnk -> real 0", "/real/ 0", "/real/app 0"]);
    assert_eq!(listing(&[&["real/", "lnk -> /real", "lnk/app"]]), ["/lnk -> /real 0", "/real/ 0", "/real/app 0"]);
    assert_eq!(
        listing(&[&["../../etc/x", "/abs", "./a//b/./c"]]),
        ["/a/ 0", "/a/b/ 0", "/a/b/c 0", "/abs 0", "/etc/ 0", "/etc/x 0"]
    );
}

#[test]
fn what_engines_refuse() {
    assert_eq!(refusals(&[&["a", ".wh.a"]]), [(".wh.a".to_owned(), true)]);
    assert_eq!(refusals(&[&["a", "a/b"]]), [("a/b".to_owned(), true)]);
    assert_eq!(refusals(&[&["l -> l", "l/b"]]), [("l/b".to_owned(), true)]);
    assert_eq!(refusals(&[&["a", "./a"]]), [("./a".to_owned(), false)], "containerd takes the last");
    assert_eq!(refusals(&[&["d/", "d/"]]), [("d/".to_owned(), false)]);
    assert_eq!(refusals(&[&["srv/"], &["abs -> /srv", "abs/x"]]).len(), 1);
    assert_eq!(refusals(&[&["d/x", "d/"], &["d/y", "d/"]]), [], "made for what is in it, then named");
    let rootfs = Rootfs::build(&mut image(&[&["srv/"], &["abs -> /srv", "abs/x"]])).unwrap();
    assert!(matches!(rootfs.refusals()[0].kind, RefusalKind::ParentOutsideLayer(_)));
}

/// What all engines refuse, in their words: what `umoci unpack` and `podman pull` say.
#[test]
fn what_linux_does_not_take() {
    let first = |lines: &[&str]| {
        let rootfs = Rootfs::build(&mut image(&[lines])).unwrap();
        rootfs.refusals().iter().find(|r| r.kind.by_all()).map(|r| r.kind.clone())
    };
    let of = |text: String| first(&[&text]);
    assert_eq!(of("n".repeat(255)), None);
    assert_eq!(of("n".repeat(256)), Some(RefusalKind::NameTooLong));
    assert_eq!(of(format!("{}/x", "n".repeat(256))), Some(RefusalKind::NameTooLong));
    assert_eq!(of(format!(".wh.{}", "n".repeat(255))), None, "the whiteout itself is never made");
    assert_eq!(of(format!("{}xx", "a/".repeat(2046))), None);
    assert_eq!(of(format!("{}xx", "a/".repeat(2047))), Some(RefusalKind::NameTooLong));
    let far = format!("l -> {}b", "a/".repeat(2040));
    assert_eq!(first(&[&far, &format!("l/{}x", "b/".repeat(20))]), Some(RefusalKind::NameTooLong), "links followed");
    assert_eq!(of(format!("l -> {}", "t".repeat(4095))), None);
    assert_eq!(of(format!("l -> {}", "t".repeat(4096))), Some(RefusalKind::TargetTooLong));
    assert_eq!(of("l -> ".to_owned()), Some(RefusalKind::TargetEmpty));
    assert_eq!(first(&["a -> b", "b -> a", "a/ok"]), Some(RefusalKind::ParentLoop));
    assert_eq!(first(&["a", "a/ok"]), Some(RefusalKind::ParentNotDirectory));
}

/// security/commoncap.c, `validheader`.
#[test]
fn capabilities_that_cannot_be_set() {
    let refused = |value: &[u8]| {
        let mut image = image(&[&[]]);
        let entry = Entry { capability: Some(value), ..file("f") };
        std::sync::Arc::make_mut(&mut image.layers[0].changeset).push(b"", &entry);
        Rootfs::build(&mut image).unwrap().refusals().iter().any(|r| r.kind == RefusalKind::BadCapability)
    };
    let value = |start: [u8; 4], len: usize| [&start[..], &vec![0; len - 4]].concat();
    assert!(!refused(b"") && !refused(&value([1, 0, 0, 2], 20)) && !refused(&value([0, 0, 0, 3], 24)));
    for (start, len) in
        [([1, 0, 0, 1], 12), ([1, 0, 0, 3], 20), ([1, 0, 0, 2], 24), ([2, 0, 0, 2], 20), ([1, 0, 0, 2], 25)]
    {
        assert!(refused(&value(start, len)), "{start:?} {len}");
    }
}

/// The way to an entry's directory is not gone twice in a row, unless what it leads through has changed.
#[test]
fn a_link_replaced_by_what_lies_below_it() {
    let lines = ["d/", "e/", "d/l -> ../e", "d/l/a", "d/l = e/a", "e/b"];
    assert_eq!(listing(&[&lines]), ["/d/ 0", "/d/l 0", "/e/ 0", "/e/a 0", "/e/b 0"]);
    let lines = ["d/", "d/l -> ../d", "d/l/l -> ../f", "f/", "d/l/x", "d/y"];
    assert_eq!(listing(&[&lines]), ["/d/ 0", "/d/l -> ../f 0", "/d/y 0", "/f/ 0", "/f/x 0"]);
}

/// A small layer must not become a large tree.
#[test]
fn what_layers_make_of_their_entries_is_bounded() {
    let lines: Vec<String> = (0..100).map(|i| format!("{i}/{}x", "a/".repeat(2000))).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let error = Rootfs::build(&mut image(&[&lines])).map(drop).unwrap_err().to_string();
    assert!(error.contains("layer 1") && error.contains("131072 directories"), "{error}");
    let long = format!("l -> {}", "d/../".repeat(800));
    let through: Vec<String> = (0..6000).map(|i| format!("l/{i}")).collect();
    let lines: Vec<&str> = [long.as_str(), "d/"].into_iter().chain(through.iter().map(String::as_str)).collect();
    let error = Rootfs::build(&mut image(&[&lines])).map(drop).unwrap_err().to_string();
    assert!(error.contains("links lead through"), "{error}");
}

/// The path of each name hidden was once stored anew.
#[test]
fn an_opaque_whiteout_of_a_deep_directory() {
    let deep = "a/".repeat(2000);
    let files: Vec<String> = (0..4000).map(|i| format!("{deep}{i}")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let start = std::time::Instant::now();
    let rootfs = Rootfs::build(&mut image(&[&files, &[&format!("{deep}.wh..wh..opq")]])).unwrap();
    assert_eq!(rootfs.removed_by(format!("/{deep}7").as_bytes()), Some(1));
    assert_eq!(rootfs.removed_by(format!("/{deep}none").as_bytes()), None);
    assert!(start.elapsed().as_secs() < 20, "linear, not quadratic");
}

fn resolve(layers: &[&[&str]], path: &str, uid: u32) -> Result<String, PathError> {
    let mut image = image(layers);
    let rootfs = Rootfs::build(&mut image).unwrap();
    let credentials = Credentials { uid, gid: uid, groups: vec![], dac_override: uid == 0 };
    let view = View::new(&image, &rootfs);
    view.resolve(path.as_bytes(), b"/srv", &credentials).map(|found| found.path.to_string())
}

#[test]
fn paths_lead_through_links_and_never_out() {
    let layers: &[&[&str]] = &[&["srv/app", "bin -> usr/bin", "usr/bin/sh", "up -> ../../../srv/app", "s -> /srv/"]];
    for (path, to) in [
        ("/bin/sh", "/usr/bin/sh"),
        ("//bin//sh", "/usr/bin/sh"),
        ("app", "/srv/app"),
        ("../bin/../bin/sh", "/usr/bin/sh"),
        ("/up", "/srv/app"),
        ("/../../srv/app", "/srv/app"),
        ("/s/app", "/srv/app"),
        ("/s/.", "/srv"),
        ("/", "/"),
    ] {
        assert_eq!(resolve(layers, path, 0).as_deref(), Ok(to), "{path}");
    }
}

#[test]
fn paths_that_lead_nowhere() {
    let layers: &[&[&str]] =
        &[&["srv/app", "gone", "loop -> loop", "dang -> /no/where", "shut/x", "shut/:700"], &[".wh.gone", "srv/new"]];
    let error = |path: &str, uid| {
        let error = resolve(layers, path, uid).unwrap_err();
        (error.errno, error.at.to_string())
    };
    assert_eq!(error("/srv/nope", 0), (Errno::ENOENT, "/srv/nope".into()));
    assert_eq!(error("/srv/app/", 0), (Errno::ENOTDIR, "/srv/app".into()));
    assert_eq!(error("/srv/app/x", 0), (Errno::ENOTDIR, "/srv/app".into()));
    assert_eq!(error("/srv/app/.", 0), (Errno::ENOTDIR, "/srv/app".into()));
    assert_eq!(error("/loop", 0), (Errno::ELOOP, "/loop".into()));
    assert_eq!(error("/shut/x", 7), (Errno::EACCES, "/shut".into()));
    assert_eq!(resolve(layers, "/shut/x", 0).as_deref(), Ok("/shut/x"));
    assert_eq!(error(&format!("/{}", "n".repeat(256)), 0).0, Errno::ENAMETOOLONG);
    assert_eq!(error(&"/srv".repeat(1024), 0).0, Errno::ENAMETOOLONG);
    assert_eq!(error("", 0).0, Errno::ENOENT);
    assert_eq!(resolve(layers, "/gone", 0).unwrap_err().removed_by, Some(1));
    let dangling = resolve(layers, "/dang", 0).unwrap_err();
    assert!(dangling.dangling && dangling.at == "/no" && dangling.rest == "where");
    assert!(!resolve(layers, "/srv/nope", 0).unwrap_err().dangling);
    assert!(resolve(layers, "/proc/1/root", 0).unwrap_err().unknowable.is_some());
}

#[test]
fn a_parent_without_an_entry_is_kept_or_made_anew() {
    let seen = |layers: &[&[&str]], anew| {
        let mut image = image(layers);
        let rootfs = Rootfs::build(&mut image).unwrap();
        let credentials = Credentials { uid: 7, gid: 7, groups: vec![], dac_override: false };
        let view = View::new(&image, &rootfs).reset_parents(anew);
        view.resolve(b"/p/ok", b"/", &credentials).map(drop).map_err(|e| e.errno)
    };
    let implied: &[&[&str]] = &[&["p/:700", "p/ok"], &["p/new"]];
    assert_eq!((seen(implied, false), seen(implied, true)), (Err(Errno::EACCES), Ok(())));
    for named in [&["p/:700", "p/new"], &["p/new", "p/:700"]] {
        assert_eq!(seen(&[&["p/:700", "p/ok"], named], true), Err(Errno::EACCES), "the layer names it");
    }
}

#[test]
fn forty_links_and_no_more() {
    let chain =
        |n: usize| -> Vec<String> { (0..n).map(|i| format!("l{i} -> l{}", i + 1)).chain([format!("l{n}")]).collect() };
    let end = |n: usize| {
        let lines = chain(n);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        resolve(&[&lines], "/l0", 0).map_err(|e| e.errno)
    };
    assert_eq!(end(40).as_deref(), Ok("/l40"));
    assert_eq!(end(41), Err(Errno::ELOOP));
}

#[test]
fn the_runtime_mounts_over_what_the_image_has() {
    assert_eq!(resolve(&[&["dev/app"]], "/dev/app", 0).unwrap_err().errno, Errno::ENOENT);
    assert_eq!(resolve(&[&["srv/"]], "/dev/null", 0).as_deref(), Ok("/dev/null"));
    assert_eq!(resolve(&[&["srv/"]], "/proc/self/exe", 0).as_deref(), Ok("/proc/self/exe"));
}
