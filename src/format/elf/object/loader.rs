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
        match directory(string) {
            Some(directory) if run.is_empty() || directory.len() == string.len() => run.push(directory),
            _ if run.iter().any(|directory| directory.contains_str("/lib")) => return run,
            other => run = Vec::from_iter(other),
        }
    }
    Vec::new()
}

/// The directory that `string` is, or ends with: the first may stand right behind code or numbers.
fn directory(string: &[u8]) -> Option<&[u8]> {
    let plain = string.rsplit(|byte| !byte.is_ascii_graphic()).next()?;
    let directory = plain.get(plain.find_byte(b'/')?..)?;
    (directory.ends_with(b"/") && (2..=DIRECTORY).contains(&directory.len())).then_some(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> String {
        system_dirs(bytes).join(&b' ').to_str_lossy().into_owned()
    }

    #[test]
    fn directories_as_real_loaders_have_them() {
        let debian = b"\0\0/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0\x19\0\0";
        assert_eq!(found(debian), "/lib/x86_64-linux-gnu/ /usr/lib/x86_64-linux-gnu/ /lib/ /usr/lib/");
        assert_eq!(found(b"/\0/etc/\0x\0\xc0\x03\x5f\xd6/lib64/\0/usr/lib64/\0\0\0/lib/\0"), "/lib64/ /usr/lib64/");
        assert_eq!(found(b"\x7fELF\0/gnu/store/abc-glibc-2.35/lib/\0"), "/gnu/store/abc-glibc-2.35/lib/");
        assert_eq!(found(b"/etc/ld.so.cache\0/lib/x\0/var/\0"), "");
    }

    #[test]
    fn names_of_loaders() {
        for name in ["ld-linux-x86-64.so.2", "ld-2.31.so", "ld.so.1", "ld64.so.2", "ld-linux.so.3"] {
            assert!(is_loader(name.as_bytes()), "{name}");
        }
        for name in ["ld-musl-x86_64.so.1", "libld.so", "ld", "ldb.so", "ld.bfd"] {
            assert!(!is_loader(name.as_bytes()), "{name}");
        }
    }
}
