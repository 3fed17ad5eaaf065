//! Root file systems of real distributions, where a collection of them is at hand: in `images` below the directory that
//! `IMAGELINT_SHARED` names, or below `../shared`.

use std::path::PathBuf;

use crate::make::*;

fn collection() -> Vec<PathBuf> {
    let shared = std::env::var("IMAGELINT_SHARED").unwrap_or(format!("{}/../shared", env!("CARGO_MANIFEST_DIR")));
    let Ok(directory) = std::fs::read_dir(PathBuf::from(shared).join("images")) else { return Vec::new() };
    let paths = directory.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_string_lossy().contains(".tar.")).collect()
}

#[test]
fn real_root_file_systems_read_the_same_in_every_form() {
    for path in collection() {
        let scratch = Scratch::new();
        let rootfs = open(&format!("rootfs:{}", path.display())).unwrap();
        let layer = std::fs::read(&path).unwrap();
        let mut store = Store::default();
        // An image layout's diff ids are not needed to verify it, its blobs' digests are.
        let descriptor = store.image(&config("amd64", &[digest(&layer)]), &[layer]);
        store.index(&[descriptor]);
        let layout = listing(&open(&scratch.layout("layout", &store)).unwrap());
        let archive = listing(&open(&scratch.file("x.tar", &store.pack())).unwrap());
        let compressed = listing(&open(&scratch.file("x.tar.gz", &gzip(&store.pack()))).unwrap());
        assert!(rootfs.layers[0].changeset.bad_archive().is_none(), "{}", path.display());
        assert!(listing(&rootfs)[0].len() > 5, "{}", path.display());
        assert!([layout, archive, compressed].iter().all(|form| *form == listing(&rootfs)), "{}", path.display());
    }
}
