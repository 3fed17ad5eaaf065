//! ELF files as the kernel and dynamic loaders read them: no panic, bounded results, and what is kept of a file while its
//! layer passes by is what a look at the file itself finds.
#![no_main]

use std::borrow::Cow;
use std::cell::Cell;

use imagelint::format::elf::{Kernel, Machine, Object, Program, Tag};
use imagelint::image::layer::{self, Bounds, Expected};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let object = read(data, u32::MAX).expect("it never fails");
    if let Some(object) = &object {
        assert!(object.len() < 1 << 20);
        assert!(object.versions().count() <= object.len());
        assert!(object.string(Tag::Soname).is_none_or(|name| !name.is_empty()));
    }
    // Fetches fail one after the other.
    for after in 0..6 {
        if let Ok(found) = read(data, after) {
            assert_eq!(found, object);
        }
    }
    kernels(data);
    passes_by(data, object.as_ref());
});

/// Reads the file; the fetch after that many fails.
fn read(data: &[u8], after: u32) -> Result<Option<Object>, ()> {
    let left = Cell::new(after);
    Object::read(data.len() as u64, |offset, len| {
        left.set(left.get().checked_sub(1).ok_or(())?);
        let from = usize::try_from(offset).map_err(drop)?;
        data.get(from..).and_then(|rest| rest.get(..len)).map(Cow::Borrowed).ok_or(())
    })
}

fn kernels(data: &[u8]) {
    let _ = Machine::of(data).map(|machine| machine.to_string());
    for architecture in ["amd64", "386", "s390x", "arm64"] {
        let Some(kernel) = Kernel::of(architecture) else { continue };
        let Ok(program) = Program::parse(kernel, data) else { continue };
        let from = usize::try_from(program.table.0).unwrap_or(usize::MAX);
        let table = data.get(from..).and_then(|rest| rest.get(..program.table.1)).unwrap_or_default();
        let _ = program.interpreter(table);
    }
}

fn passes_by(data: &[u8], object: Option<&Object>) {
    for name in ["x", "lib/x.so", "ld-x.so"] {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o755);
        archive.append_data(&mut header, name, data).expect("it is written to memory");
        let archive = archive.into_inner().expect("it is written to memory");
        let changeset =
            layer::read(&archive[..], &Expected::default(), name, &Bounds::default()).expect("it is well-formed");
        changeset.for_each(|entry| {
            if let Some(kept) = entry.content.and_then(|content| content.object()) {
                assert_eq!(Some(kept), object);
            }
        });
    }
}
