//! The dynamic loader: ld.so(8) of glibc and musl's ldso/dynlink.c. Which libraries a program needs, where its loader
//! looks for each, and what it says if one is absent or too old.

use bstr::BString;

use crate::image::Image;
use crate::rootfs::{Ino, Rootfs};

/// The C library that a loader belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
    /// Another, whose rules are not known here.
    Other,
}

/// A program with all that its loader maps for it, in the loader's order.
#[derive(Clone, Debug)]
pub struct Closure {
    /// Whose rules were followed.
    pub libc: Libc,
    /// The program first.
    pub objects: Vec<Linked>,
    /// What is wrong; the first is what ends a start.
    pub errors: Vec<LinkError>,
}

/// A file that the loader maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The name it was asked for by.
    pub name: BString,
    /// The path that the loader opened, as it composed it.
    pub path: BString,
    /// The file.
    pub ino: Ino,
    /// The index of the object that needs it; the program's own is its own.
    pub needed_by: usize,
    /// Why it was found there.
    pub found: Found,
}

/// Why a library was found where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The program itself, mapped by the kernel.
    Program,
    /// The loader itself, mapped by the kernel.
    Loader,
    /// LD_PRELOAD or /etc/ld.so.preload.
    Preload,
    /// The name holds a slash.
    Path,
    /// DT_RPATH of the object of that index.
    Rpath(usize),
    /// DT_RUNPATH of the object of that index.
    Runpath(usize),
    /// LD_LIBRARY_PATH.
    LibraryPath,
    /// /etc/ld.so.cache.
    Cache,
    /// A directory compiled into the loader, or musl's path file.
    Default,
}

/// What a loader complains of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// No candidate for a needed library.
    NotFound {
        /// The library as it was asked for.
        name: BString,
        /// The object that needs it.
        needed_by: usize,
        /// Where it was looked for, directory by directory.
        searched: Vec<BString>,
        /// Only 32-bit libraries for a 64-bit program, or the reverse, were there.
        other_class: bool,
    },
    /// A file that is there and that the loader does not take.
    Unusable {
        /// The file.
        path: BString,
        /// The object that needs it.
        needed_by: usize,
        /// The loader's words.
        problem: &'static str,
    },
    /// A version that an object needs of a library, which does not define it.
    Version {
        /// The library's path.
        library: BString,
        /// The version, such as `GLIBC_2.38`.
        version: BString,
        /// The object that needs it.
        needed_by: usize,
    },
}

/// The directories below `glibc-hwcaps` that a processor has, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// Such as `x86-64-v3`, `x86-64-v2`.
    pub levels: &'static [&'static str],
}

/// The libraries of the program at `path`, for root, with the variables `environment`. A library names no loader: then
/// `loader` is the one that is run on it, as ldd(1) does.
///
/// # Errors
/// It is no program with a dynamic loader, or its loader cannot be followed, in words.
pub fn libraries(
    _image: &Image,
    _rootfs: &Rootfs,
    _path: &[u8],
    _loader: Option<&[u8]>,
    _environment: &[(&str, &str)],
    _processor: Processor,
) -> Result<Closure, String> {
    Err("not followed yet".to_owned())
}
