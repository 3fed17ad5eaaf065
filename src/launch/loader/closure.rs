//! What a loader comes to: the files it maps, or what it complains of.

use bstr::{BStr, BString};

use crate::rootfs::{Errno, Ino};

/// signal(7), on x86 and most others.
const SIGBUS: u8 = 7;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// Whose rules were followed.
    pub libc: Libc,
    /// How the loader calls the program: `argv[0]`.
    pub called: BString,
    /// The program first.
    pub objects: Vec<Linked>,
    /// What is wrong; the first is what ends a start.
    pub errors: Vec<LinkError>,
    /// Some directory that was searched has subdirectories for certain processors.
    pub has_variants: bool,
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
    /// A directory compiled into the loader, or one of musl's path file.
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
        /// Libraries of that name were there, of another word size only (glibc tells): the name of that class.
        other_class: Option<&'static str>,
        /// What the last attempt to open it said, if there was one.
        errno: Option<Errno>,
    },
    /// A file that is there and that the loader does not take.
    Unusable {
        /// The library as it was asked for.
        name: BString,
        /// The file.
        path: BString,
        /// The object that needs it.
        needed_by: usize,
        /// The loader's words.
        problem: &'static str,
        /// Whether the loader calls it by the name it was asked for, not by its path.
        by_name: bool,
    },
    /// A file that ends before its segments do: the process gets SIGBUS, and nobody says anything.
    Cut {
        /// The library as it was asked for.
        name: BString,
        /// The file.
        path: BString,
        /// The object that needs it.
        needed_by: usize,
    },
    /// A version that an object needs of a library, which does not define it.
    Version {
        /// The library's index.
        library: usize,
        /// The version, such as `GLIBC_2.38`.
        version: BString,
        /// The object that needs it.
        needed_by: usize,
    },
    /// A version table speaks of a file that is not among the needed ones (elf/dl-version.c, "Inconsistency detected").
    Inconsistent {
        /// The file that it names.
        file: BString,
        /// The object whose table it is.
        needed_by: usize,
    },
}

impl LinkError {
    /// The index of the object that needs what is missing.
    pub fn needed_by(&self) -> usize {
        match self {
            LinkError::NotFound { needed_by, .. }
            | LinkError::Unusable { needed_by, .. }
            | LinkError::Cut { needed_by, .. }
            | LinkError::Version { needed_by, .. }
            | LinkError::Inconsistent { needed_by, .. } => *needed_by,
        }
    }
}

impl Closure {
    /// What ends the start.
    pub fn error(&self) -> Option<&LinkError> {
        self.errors.first()
    }

    /// The code that the process exits with if it ends in the loader (glibc elf/rtld.c and elf/dl-minimal.c; musl
    /// ldso/dynlink.c: `_exit(127)`); measured.
    pub fn exit_code(&self) -> Option<u8> {
        Some(match self.error()? {
            LinkError::Version { .. } => 1,
            LinkError::Cut { .. } => 128 + SIGBUS,
            _ => 127,
        })
    }

    /// The object of that index.
    pub fn object(&self, index: usize) -> Option<&Linked> {
        self.objects.get(index)
    }

    /// How the loader calls the object of that index in messages.
    pub fn display(&self, index: usize) -> &BStr {
        match self.objects.get(index) {
            Some(object) if index > 0 => BStr::new(&object.path),
            _ => BStr::new(&self.called),
        }
    }

    /// The chain from the program to the object of that index.
    pub fn chain(&self, index: usize) -> Vec<usize> {
        let (mut chain, mut at) = (vec![index], index);
        while let Some(object) = self.objects.get(at).filter(|o| o.needed_by != at && chain.len() <= self.objects.len())
        {
            at = object.needed_by;
            chain.push(at);
        }
        chain.reverse();
        chain
    }

    /// What the loader prints before it ends the process.
    pub fn message(&self, error: &LinkError) -> String {
        let needed_by = self.display(error.needed_by());
        match (self.libc, error) {
            (Libc::Musl, LinkError::NotFound { name, errno, .. }) => {
                let errno = errno.map_or_else(|| "No error information".to_owned(), musl);
                format!("Error loading shared library {name}: {errno} (needed by {needed_by})")
            }
            (Libc::Musl, LinkError::Unusable { name, problem, .. }) => {
                format!("Error loading shared library {name}: {problem} (needed by {needed_by})")
            }
            (_, LinkError::NotFound { name, other_class: Some(class), .. }) => {
                format!("{}: error while loading shared libraries: {name}: wrong ELF class: {class}", self.called)
            }
            (_, LinkError::NotFound { name, errno, .. }) => format!(
                "{}: error while loading shared libraries: {name}: cannot open shared object file{}",
                self.called,
                errno.map(minimal).unwrap_or_default()
            ),
            (_, LinkError::Unusable { name, path, problem, by_name, .. }) => {
                let file = if *by_name { name } else { path };
                format!("{}: error while loading shared libraries: {file}: {problem}", self.called)
            }
            (_, LinkError::Cut { .. }) => "Bus error".to_owned(),
            (_, LinkError::Version { library, version, .. }) => {
                let library = self.display(*library);
                format!("{}: {library}: version `{version}' not found (required by {needed_by})", self.called)
            }
            (_, LinkError::Inconsistent { .. }) => {
                "Inconsistency detected by ld.so: dl-version.c: _dl_check_map_versions: Assertion `needed != NULL' \
                 failed!"
                    .to_owned()
            }
        }
    }
}

/// What ld.so's own strerror has (glibc elf/dl-minimal.c), with the numbers of Linux for the rest.
fn minimal(errno: Errno) -> String {
    match errno {
        Errno::ENOENT | Errno::EPERM | Errno::EIO | Errno::EACCES => format!(": {}", capital(errno.text())),
        Errno::ENOTDIR => ": Error 20".to_owned(),
        Errno::EISDIR => ": Error 21".to_owned(),
        Errno::ENAMETOOLONG => ": Error 36".to_owned(),
        Errno::ELOOP => ": Error 40".to_owned(),
        other => format!(": {}", capital(other.text())),
    }
}

/// musl's strerror (src/errno/__strerror.h).
fn musl(errno: Errno) -> String {
    match errno {
        Errno::ELOOP => "Symbolic link loop".to_owned(),
        Errno::ENAMETOOLONG => "Filename too long".to_owned(),
        other => capital(other.text()),
    }
}

/// As strerror(3) writes it.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
