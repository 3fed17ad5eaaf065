//! The directories that a glibc loader searches by itself. They are compiled in (`system_dirs` of elf/dl-load.c, made by
//! elf/gen-trusted-dirs.awk), differ between distributions, and no header leads to them.

use std::borrow::Cow;

use bstr::ByteSlice;

use super::Tag;
use super::file::File;

/// The longest loader that is searched; real ones have 250 KB.
const SIZE: u64 = 1 << 20;

/// The longest directory.
const DIRECTORY: usize = 255;

/// Whether a file name or soname is that of glibc's loader: `ld-linux-x86-64.so.2`, `ld-2.31.so`, `ld.so.1`,
/// `ld64.so.2` (elf(5) has no list; glibc sysdeps/unix/sysv/linux/*/shlib-versions). That of musl has no such list.
pub fn is_loader(name: &[u8]) -> bool {
    let begins = ["ld-", "ld.so", "ld64.so"].iter().any(|start| name.starts_with_str(start));
    begins && name.contains_str(".so") && !name.starts_with_str("ld-musl")
}

/// Adds them to packed strings.
pub(super) fn with_directories<'a, E>(
    file: &mut File<impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>>,
    strings: Box<[u8]>,
) -> Result<Box<[u8]>, E> {
    let bytes = file.take(0, SIZE)?;
    let mut packed = strings.into_vec();
    for directory in system_dirs(&bytes) {
        packed.push(Tag::Directory as u8);
        packed.extend_from_slice(directory);
        packed.push(0);
    }
    Ok(packed.into())
}

/// The first run of NUL-terminated absolute directories, each with its final slash, one of which is called lib-something.
fn system_dirs(bytes: &[u8]) -> Vec<&[u8]> {
    let mut run = Vec::new();
    for string in bytes.split(|byte| *byte == 0) {
        if is_directory(string) {
            run.push(string);
        } else if run.iter().any(|directory| directory.contains_str("/lib")) {
            return run;
        } else {
            run.clear();
        }
    }
    Vec::new()
}

fn is_directory(string: &[u8]) -> bool {
    let is_plain = string.iter().all(|byte| byte.is_ascii_graphic());
    is_plain && string.starts_with(b"/") && string.ends_with(b"/") && (2..DIRECTORY).contains(&string.len())
}
