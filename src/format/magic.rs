//! What a file is, told by its first bytes.

/// A format that execve(2) does not take, named for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Nothing in it.
    Empty,
    /// Text, such as a shell script, without `#!`.
    Text,
    /// A byte order mark before `#!`.
    ByteOrderMark,
    /// Blanks or empty lines before `#!`.
    LateShebang,
    /// A Windows program.
    Pe,
    /// A macOS program.
    MachO,
    /// A Java class file.
    JavaClass,
    /// A zip archive, such as a jar.
    Zip,
    /// WebAssembly.
    Wasm,
    /// A compressed file or archive: gzip, xz, zstd, bzip2, tar.
    Archive(&'static str),
    /// A git-lfs pointer in the place of the file.
    GitLfsPointer,
    /// An HTML page.
    Html,
    /// An ELF file that is no program: an object file, or a damaged one; and why.
    Elf(&'static str),
    /// Something else.
    Data,
}

/// Formats by their first bytes. Java class files and fat Mach-O files share theirs; see [`classify`].
const MAGIC: [(&[u8], Format); 14] = [
    (b"MZ", Format::Pe),
    (b"\xcf\xfa\xed\xfe", Format::MachO),
    (b"\xce\xfa\xed\xfe", Format::MachO),
    (b"\xfe\xed\xfa\xcf", Format::MachO),
    (b"\xfe\xed\xfa\xce", Format::MachO),
    (b"PK\x03\x04", Format::Zip),
    (b"PK\x05\x06", Format::Zip),
    (b"\0asm", Format::Wasm),
    (b"\x1f\x8b", Format::Archive("gzip")),
    (b"\xfd7zXZ\0", Format::Archive("xz")),
    (b"\x28\xb5\x2f\xfd", Format::Archive("zstd")),
    (b"BZh", Format::Archive("bzip2")),
    (b"!<arch>\n", Format::Archive("ar")),
    (b"version https://git-lfs.github.com/spec/", Format::GitLfsPointer),
];

/// What a file with these first bytes is, given that it has neither `#!` nor the ELF magic at its start.
pub fn classify(head: &[u8]) -> Format {
    if head.is_empty() {
        return Format::Empty;
    }
    if let Some((_, format)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *format;
    }
    if let Some(rest) = head.strip_prefix(b"\xca\xfe\xba\xbe") {
        // Then the number of architectures, or Java's minor and major version, at least 45.
        return if rest.get(3).is_some_and(|n| *n < 45) { Format::MachO } else { Format::JavaClass };
    }
    if head.get(257..262) == Some(b"ustar") {
        return Format::Archive("tar");
    }
    text(head)
}

fn text(head: &[u8]) -> Format {
    let after_mark = head.strip_prefix(b"\xef\xbb\xbf");
    if after_mark.is_some_and(|rest| rest.starts_with(b"#!")) || head.starts_with(b"\xff\xfe#\0!\0") {
        return Format::ByteOrderMark;
    }
    let trimmed = after_mark.unwrap_or(head).trim_ascii_start();
    if trimmed.starts_with(b"#!") {
        return Format::LateShebang;
    }
    let lower = trimmed.get(..15.min(trimmed.len())).unwrap_or_default().to_ascii_lowercase();
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        return Format::Html;
    }
    let control = |b: &u8| *b < b' ' && !matches!(b, b'\n' | b'\r' | b'\t' | 0x0c | 0x1b);
    if head.iter().take(512).any(control) { Format::Data } else { Format::Text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bstr::ByteSlice;

    #[test]
    fn formats() {
        for (head, format) in [
            (&b""[..], Format::Empty),
            (b"echo hi\n", Format::Text),
            (b"\xef\xbb\xbf#!/bin/sh\n", Format::ByteOrderMark),
            (b"\n#!/bin/sh\n", Format::LateShebang),
            (b"MZ\x90\0", Format::Pe),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", Format::MachO),
            (b"\xca\xfe\xba\xbe\0\0\0\x41", Format::JavaClass),
            (b"PK\x03\x04", Format::Zip),
            (b"<!DOCTYPE html><html>", Format::Html),
            (b"<html>", Format::Html),
            (b"version https://git-lfs.github.com/spec/v1\n", Format::GitLfsPointer),
            (b"\x01\x02\x03", Format::Data),
        ] {
            assert_eq!(classify(head), format, "{:?}", head.as_bstr());
        }
    }
}
