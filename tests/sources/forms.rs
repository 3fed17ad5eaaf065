//! The same image in every form.

use std::process::{Command, Stdio};

use imagelint::format::elf::Tag;
use imagelint::image::Image;
use imagelint::rootfs::{Rootfs, View};
use serde_json::{Value, json};

use crate::dynamic::{Dynamic, ET_EXEC, Layout, library, names, program};
use crate::make::*;

/// `manifest.json` beside `index.json`, as engines with a containerd store write.
fn with_manifest_json(store: &mut Store, descriptor: &Value) {
    let path = |digest: &Value| format!("blobs/{}", digest.as_str().unwrap().replace(':', "/"));
    let manifest: Value = serde_json::from_slice(&store.files[&path(&descriptor["digest"])]).unwrap();
    let layers: Vec<String> = manifest["layers"].as_array().unwrap().iter().map(|l| path(&l["digest"])).collect();
    let entry = json!([{"Config": path(&manifest["config"]["digest"]), "RepoTags": ["app:1"], "Layers": layers}]);
    store.files.insert("manifest.json".into(), entry.to_string().into());
}

/// The layout that `docker save` wrote before version 25, with a link between layers.
fn old_docker_archive() -> Vec<u8> {
    let layers = layers("word");
    let config = config("amd64", &layers.clone().map(|l| digest(&l))).to_string();
    let id = digest(config.as_bytes()).replace("sha256:", "");
    let manifest =
        json!([{"Config": format!("{id}.json"), "RepoTags": ["app:1"], "Layers": ["one/layer.tar", "two/layer.tar"]}]);
    let mut builder = tar::Builder::new(Vec::new());
    let add = |builder: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    builder.append_link(&mut link, "./one/layer.tar", "../shared/layer.tar").unwrap();
    add(&mut builder, "./shared/layer.tar", &layers[0]);
    add(&mut builder, "two/json", b"{}");
    add(&mut builder, "two/VERSION", b"1.0");
    let mut hard = tar::Header::new_gnu();
    hard.set_entry_type(tar::EntryType::Link);
    add(&mut builder, "real.tar", &layers[1]);
    builder.append_link(&mut hard, "two/layer.tar", "real.tar").unwrap();
    add(&mut builder, &format!("{id}.json"), config.as_bytes());
    add(&mut builder, "manifest.json", manifest.to_string().as_bytes());
    builder.into_inner().unwrap()
}

fn check(image: Image, source: &str) {
    let expected = layers("word");
    assert_eq!(image.source, source, "{}", image.reference);
    assert_eq!(image.platform.to_string(), "linux/amd64");
    assert_eq!(image.configuration.entrypoint, ["/app"]);
    assert_eq!(image.configuration.cmd, Vec::<String>::new());
    let created_by: Vec<_> = image.layers.iter().map(|l| l.created_by.as_deref()).collect();
    assert_eq!(created_by, [Some("RUN 0"), Some("RUN 1")]);
    let scratch = Scratch::new();
    let plain: Vec<_> = expected
        .iter()
        .map(|l| listing(&open(&format!("rootfs:{}", scratch.file("l", l))).unwrap())[0].clone())
        .collect();
    assert_eq!(listing(&image), plain, "{}", image.reference);
    assert_eq!(image.again.reread(1, 0, 2, 3).unwrap(), b"wor", "{}", image.reference);
    assert_eq!(image.again.reread(0, 1, 20, 100).unwrap(), b"h\n", "{}", image.reference);
    assert!(image.again.reread(9, 0, 0, 1).is_err());
}

#[test]
fn all_forms_give_the_same_image() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let descriptor = add_image(&mut store, "amd64", "word");
    store.index(&[named(&descriptor, "app:1")]);
    let layout = scratch.layout("layout", &store);
    let archive = scratch.file("a:b.tar", &store.pack());
    let gz = scratch.file("oci.tar.gz", &gzip(&store.pack()));
    let zst = scratch.file("oci.tar.zst", &zstd(&store.pack()));
    for reference in [format!("oci:{layout}"), layout.clone(), format!("oci:{layout}:app:1"), format!("{layout}:app:1")]
    {
        check(open(&reference).unwrap(), "oci-layout");
    }
    for path in [&archive, &gz, &zst] {
        for reference in [format!("oci-archive:{path}"), format!("oci-archive:{path}:app:1"), path.clone()] {
            let image = open(&reference).unwrap();
            assert_eq!(image.digest.as_deref(), descriptor["digest"].as_str());
            check(image, "oci-archive");
        }
    }
    with_manifest_json(&mut store, &descriptor);
    let both = scratch.file("both.tar", &store.pack());
    check(open(&both).unwrap(), "oci-archive");
    check(open(&format!("docker-archive:{both}:app:1")).unwrap(), "docker-archive");
    check(
        open(&format!("docker-archive:{}", scratch.file("both.gz", &gzip(&store.pack())))).unwrap(),
        "docker-archive",
    );
    let old = scratch.file("old.tar", &old_docker_archive());
    let old_gz = scratch.file("old.tar.gz", &gzip(&old_docker_archive()));
    for path in [old, old_gz] {
        check(open(&path).unwrap(), "docker-archive");
        check(open(&format!("docker-archive:{path}:app:1")).unwrap(), "docker-archive");
    }
}

/// Docker 25 writes an index that lists nothing when it saves by image ID.
#[test]
fn an_empty_index_leaves_the_word_to_manifest_json() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let descriptor = add_image(&mut store, "amd64", "word");
    with_manifest_json(&mut store, &descriptor);
    store.files.insert("index.json".into(), br#"{"schemaVersion":2,"manifests":null}"#.to_vec());
    check(open(&scratch.file("x.tar", &store.pack())).unwrap(), "docker-archive");
}

#[test]
fn the_same_blob_twice_and_an_image_without_layers() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let layer = tar(&[("a", b"#!a")]);
    let twice = config("amd64", &[digest(&layer), digest(&layer)]);
    let descriptor = store.image(&twice, &[layer.clone(), layer.clone()]);
    store.index(&[descriptor]);
    for path in [scratch.layout("twice", &store), scratch.file("twice.tgz", &gzip(&store.pack()))] {
        let listing = listing(&open(&path).unwrap());
        assert_eq!(listing.len(), 2);
        assert_eq!(listing[0], listing[1]);
    }
    let mut store = Store::default();
    let config = store.json(OCI_CONFIG, &json!({"os": "linux", "architecture": "amd64"}));
    let manifest = store.json(OCI_MANIFEST, &json!({"schemaVersion": 2, "config": config, "layers": null}));
    store.index(&[manifest]);
    assert_eq!(open(&scratch.layout("none", &store)).unwrap().layers.len(), 0);
}

/// What the program itself says of an archive: a test has only one standard input.
fn traced(reference: &str, input: Stdio) -> Value {
    let program = Command::new(env!("CARGO_BIN_EXE_imagelint"))
        .args(["trace", "--no-cache", "--format", "json", reference])
        .stdin(input)
        .output()
        .unwrap();
    let mut trace: Value = serde_json::from_slice(&program.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&program.stderr)));
    trace["image"]["reference"] = Value::Null;
    trace
}

#[test]
fn standard_input() {
    let scratch = Scratch::new();
    let mut store = Store::default();
    let descriptor = add_image(&mut store, "amd64", "word");
    store.index(&[descriptor]);
    for (name, bytes) in [("a.tar", store.pack()), ("b.gz", gzip(&store.pack())), ("c.tar", old_docker_archive())] {
        let path = scratch.file(name, &bytes);
        let input = std::fs::File::open(&path).unwrap();
        let trace = traced("-", input.into());
        assert_eq!(trace["config"]["entrypoint"], json!(["/app"]), "{name}");
        assert_eq!(trace, traced(&path, Stdio::null()), "{name}");
    }
}

/// /etc/passwd is a link, so its text was not kept: a file is read again, standard input cannot be.
#[test]
fn standard_input_allows_no_second_look() {
    let mut layer = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    layer.append_link(&mut header.clone(), "etc/passwd", "/opt/pw").unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    let text = b"app:x:1:1::/:/bin/sh\n";
    header.set_size(text.len() as u64);
    layer.append_data(&mut header, "opt/pw", &text[..]).unwrap();
    let layer = layer.into_inner().unwrap();
    let mut config = config("amd64", &[digest(&layer)]);
    config["config"]["User"] = json!("app");
    let mut store = Store::default();
    let descriptor = store.image(&config, &[layer]);
    store.index(&[descriptor]);

    let scratch = Scratch::new();
    let path = scratch.file("x.tar", &store.pack());
    let cause = traced(&path, Stdio::null())["paths"][0]["cause"].clone();
    assert_eq!(cause, "path-not-found", "the user is known, the program is not");
    let trace = traced("-", std::fs::File::open(&path).unwrap().into());
    assert_eq!(trace["paths"][0]["outcome"], "unknown");
    let why = trace["paths"][0]["why"].as_str().unwrap();
    assert!(why.contains("standard input cannot be read twice"), "{why}");
}

/// What dynamic loaders read was kept when the layer passed by, wherever linkers put it.
#[test]
fn ordinary_programs_need_no_second_look() {
    let scratch = Scratch::new();
    let long = |file: Dynamic| Dynamic { text: [file.text.clone(), vec![0x90; 2 << 20]].concat(), ..file };
    let needed = &["libx.so.1", "libc.so.6"];
    let interp = "/lib64/ld-linux-x86-64.so.2";
    let directories = b"/lib64/\0/usr/lib64/\0".to_vec();
    let loader =
        Dynamic { data: directories, defined: names(&["GLIBC_PRIVATE"]), ..library("ld-linux-x86-64.so.2", &[]) };
    for (name, program) in [
        ("static", Dynamic { interp: None, e_type: ET_EXEC, ..program("", &[]) }),
        ("dynamic", long(program(interp, needed))),
        ("go", Dynamic { layout: Layout::Go, ..long(program(interp, needed)) }),
    ] {
        let layer = tar(&[
            ("lib64/ld-linux-x86-64.so.2", &loader.write()),
            ("lib64/libc.so.6", &Dynamic { defined: names(&["GLIBC_2.2.5"]), ..library("libc.so.6", &[]) }.write()),
            (
                "lib64/libx.so.1",
                &Dynamic { layout: Layout::Last, ..long(library("libx.so.1", &["libc.so.6"])) }.write(),
            ),
            ("app", &program.write()),
        ]);
        let mut store = Store::default();
        let descriptor = store.image(&config("amd64", &[digest(&layer)]), &[layer]);
        store.index(&[descriptor]);
        let path = scratch.file(name, &store.pack());
        let trace = traced("-", std::fs::File::open(&path).unwrap().into());
        assert_eq!(trace["paths"][0]["outcome"], "runs", "{name}: {trace}");
        assert_eq!(trace, traced(&path, Stdio::null()), "{name}");
    }
}

/// A dynamic loader's view of files: kept, read again, or of nothing that is ELF.
#[test]
fn what_a_loader_reads_is_found_in_every_form() {
    let middle = Dynamic { layout: Layout::Middle, data: vec![1; 2 << 20], ..library("libm.so", &["libc.so.6"]) };
    let versions = vec![("libc.so.6".to_owned(), vec![("GLIBC_2.34".to_owned(), false)])];
    let kept = Dynamic { versions, ..program("/ld.so", &["libc.so.6"]) };
    let files: [(&str, Vec<u8>); 6] = [
        ("middle", middle.write()),
        ("kept", kept.write()),
        ("static", Dynamic { interp: None, ..program("", &[]) }.write()),
        ("libtext.so", b"INPUT(libc.so.6)".to_vec()),
        ("short.so", b"\x7fEL".to_vec()),
        ("empty.so", Vec::new()),
    ];
    let layer = tar(&files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice())));
    let mut store = Store::default();
    let descriptor = store.image(&config("amd64", &[digest(&layer)]), std::slice::from_ref(&layer));
    store.index(&[descriptor]);
    let scratch = Scratch::new();
    let root = scratch.path("root");
    std::fs::create_dir(&root).unwrap();
    files.iter().for_each(|(name, bytes)| std::fs::write(root.join(name), bytes).unwrap());
    for path in [scratch.layout("layout", &store), format!("rootfs:{}", root.display())] {
        let mut image = open(&path).unwrap();
        let rootfs = Rootfs::build(&mut image).unwrap();
        let view = View::new(&image, &rootfs);
        let said = |name: &str| {
            let ino = view.entry(Rootfs::ROOT, name.as_bytes()).unwrap();
            assert_eq!(view.object(ino).unwrap(), view.object(ino).unwrap());
            let object = view.object(ino).unwrap()?;
            let versions = object.versions().map(|(file, version, _)| format!(" {file} {version}"));
            Some(object.strings(Tag::Needed).map(|name| name.to_string()).chain(versions).collect::<String>())
        };
        assert_eq!(said("middle").unwrap(), "libc.so.6", "{path}");
        assert_eq!(said("kept").unwrap(), "libc.so.6 libc.so.6 GLIBC_2.34", "{path}");
        assert_eq!(said("static").unwrap(), "", "{path}");
        assert_eq!((said("libtext.so"), said("short.so"), said("empty.so")), (None, None, None), "{path}");
    }
}
