//! Root file systems as directories.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::make::*;

#[test]
fn a_directory_reads_as_its_archive_does() {
    let scratch = Scratch::new();
    let root = scratch.path("root");
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::create_dir_all(root.join("proc/1")).unwrap();
    fs::create_dir_all(root.join("usr/proc")).unwrap();
    fs::write(root.join("bin/sh"), b"#!/bin/x\n").unwrap();
    fs::write(root.join("usr/proc/data"), b"data").unwrap();
    fs::set_permissions(root.join("bin/sh"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::hard_link(root.join("bin/sh"), root.join("bin/tsh")).unwrap();
    symlink("../../etc", root.join("bin/zsh")).unwrap();
    let image = open_for(&format!("rootfs:{}", root.display()), "linux/s390x").unwrap();
    assert_eq!((image.source, image.digest.as_deref()), ("rootfs", None));
    assert_eq!(image.platform.to_string(), "linux/s390x");
    let names: Vec<String> =
        listing(&image)[0].iter().map(|l| l.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "bin Directory",
        "bin/sh Regular",
        "bin/tsh Hardlink",
        "bin/zsh Symlink",
        "proc Directory",
        "usr Directory",
        "usr/proc Directory",
        "usr/proc/data Regular",
    ];
    assert_eq!(names, expected);
    assert!(listing(&image)[0][1].contains("4755") && listing(&image)[0][1].contains("#!/bin/x"));
    assert!(listing(&image)[0][2].contains("bin/sh"));
    assert_eq!(image.again.reread(0, 7, 1, 2).unwrap(), b"at");
    assert_eq!(image.again.reread(0, 1, 0, 99).unwrap(), b"#!/bin/x\n");
    assert!(image.again.reread(0, 0, 0, 1).is_err());
    assert!(image.again.reread(0, 99, 0, 1).is_err());
}

#[test]
fn archives_of_any_compression() {
    let scratch = Scratch::new();
    let [plain, _] = layers("word");
    let files = [scratch.file("p", &plain), scratch.file("g", &gzip(&plain)), scratch.file("z", &zstd(&plain))];
    let all: Vec<_> = files.iter().map(|f| listing(&open(&format!("rootfs:{f}")).unwrap())).collect();
    assert!(all.iter().all(|one| *one == all[0] && one[0].len() == 2));
}

/// Root reads everything, so there is nothing to see as root.
#[test]
fn unreadable_files_are_named() {
    let scratch = Scratch::new();
    let root = scratch.path("root");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("secret"), b"#!x").unwrap();
    for path in [root.join("secret"), root.clone()] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let result = open(&format!("rootfs:{}", root.display()));
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).unwrap();
    if let Err(e) = result {
        assert!(e.to_string().contains("permission denied"), "{e}");
    }
}

/// Made from within, as it cannot be reached by its path.
#[test]
fn what_is_deeper_than_any_path_is_left_out() {
    use std::process::Command;
    let scratch = Scratch::new();
    let root = scratch.path("root");
    fs::create_dir(&root).unwrap();
    let name = "d".repeat(200);
    let script = format!("for i in $(seq 30); do mkdir {name} && cd -P {name} || exit 1; done; touch x");
    assert!(Command::new("bash").arg("-c").arg(script).current_dir(&root).status().unwrap().success());
    fs::write(root.join("z"), b"#!x").unwrap();
    let image = open(&format!("rootfs:{}", root.display()));
    Command::new("rm").arg("-rf").arg(&root).status().unwrap();
    let names = listing(&image.unwrap())[0].len();
    assert!((15..22).contains(&names), "{names}");
}
