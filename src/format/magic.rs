//! What a file is, told by its first bytes.

/// A format that execve(2) does not take, named for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Nothing in it.
    Empty,
    /// Text that is a shell script by its looks, without `#!`.
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
    /// gzip, xz, zstd, bzip2 or tar.
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
