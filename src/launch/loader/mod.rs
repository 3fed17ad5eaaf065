//! The dynamic loader: ld.so(8) of glibc and musl's ldso/dynlink.c. Which libraries a program needs, where its loader
//! looks for each, and what it says if one is absent or too old.
//!
//! [`Closure`] is the answer; `glibc` and `musl` find it, each by its own rules.

mod closure;
mod glibc;
mod maps;
mod memory;
mod musl;
mod open;
mod processor;
mod tokens;
mod versions;

use bstr::{BStr, BString, ByteSlice};

use super::process::Environment;
use crate::format::elf::{Machine, Object, Tag};
use crate::image::Image;
use crate::rootfs::{Credentials, Resolved, Rootfs, View};

pub use closure::{Closure, Found, Libc, LinkError, Linked};
pub use memory::Memory;
pub use processor::Processor;

/// A process in which the loader has control: the kernel has mapped the program and the loader.
#[derive(Clone, Copy)]
pub struct Started<'a> {
    /// What it sees.
    pub view: &'a View<'a>,
    /// Its working directory.
    pub cwd: &'a BStr,
    /// Its credentials after execve(2).
    pub credentials: &'a Credentials,
    /// Its environment.
    pub environment: &'a Environment,
    /// AT_SECURE, getauxval(3): it has privileges that its caller had not.
    pub secure: bool,
    /// `argv[0]`, by which the loader calls the program.
    pub called: &'a BStr,
    /// The program.
    pub program: &'a Resolved,
    /// PT_INTERP.
    pub interp: &'a BStr,
    /// Where that leads.
    pub loader: &'a Resolved,
}

impl Started<'_> {
    /// Maps the program's libraries as its loader does, on a machine with `processor`.
    ///
    /// # Errors
    /// It cannot be told, and why.
    pub fn link(&self, processor: &Processor) -> Result<Closure, String> {
        let object = |file: &Resolved| match self.view.object(file.ino) {
            Ok(Some(object)) => Ok(object),
            Ok(None) => Err(format!("the dynamic section of `{}` cannot be read", file.path)),
            Err(error) => Err(error.to_string()),
        };
        let (program, loader) = (object(self.program)?, object(self.loader)?);
        let closure = match libc(&self.loader.path, &loader) {
            Libc::Glibc => glibc::link(self, program, loader, processor)?,
            Libc::Musl => musl::link(self, program, loader)?,
            Libc::Other => return Err(format!("the rules of the loader `{}` are not known", self.loader.path)),
        };
        Ok(closure)
    }
}

/// Whose loader it is: glibc's defines versions of its own, musl's is known by its names.
fn libc(path: &[u8], loader: &Object) -> Libc {
    let name = base(path);
    let soname = loader.string(Tag::Soname).unwrap_or_default();
    if loader.strings(Tag::Defined).any(|version| version.starts_with(b"GLIBC_")) {
        Libc::Glibc
    } else if name.starts_with(b"ld-musl-") || soname.starts_with(b"libc.musl-") || soname == "libc.so" {
        Libc::Musl
    } else {
        Libc::Other
    }
}

/// The libraries of the program at `path` for root, with the variables `environment`; `loader` stands in for PT_INTERP
/// where there is none, as in a library.
///
/// # Errors
/// It is no program with a dynamic loader, or its loader cannot be followed, in words.
pub fn libraries(
    image: &Image,
    rootfs: &Rootfs,
    path: &[u8],
    loader: Option<&[u8]>,
    environment: &[(&str, &str)],
    processor: &Processor,
) -> Result<Closure, String> {
    let view = View::new(image, rootfs);
    let root = Credentials::root();
    let resolve =
        |path: &[u8]| view.resolve(path, b"/", &root).map_err(|e| format!("`{}`: {}", path.as_bstr(), e.errno.text()));
    let program = resolve(path)?;
    let interp: BString = match loader {
        Some(path) => path.into(),
        None => interpreter(&view, &program)?.ok_or_else(|| format!("`{}` has no PT_INTERP", path.as_bstr()))?,
    };
    let mut variables = Environment::default();
    environment.iter().for_each(|(name, value)| variables.set((*name).into(), (*value).into()));
    let started = Started {
        view: &view,
        cwd: b"/".as_bstr(),
        credentials: &root,
        environment: &variables,
        secure: false,
        called: path.as_bstr(),
        program: &program,
        interp: interp.as_bstr(),
        loader: &resolve(&interp)?,
    };
    started.link(processor)
}

/// PT_INTERP of a program, as its own kernel reads it.
fn interpreter(view: &View<'_>, program: &Resolved) -> Result<Option<BString>, String> {
    use crate::format::elf::{HEADER, Kernel, Program};
    let read = |offset, len| view.read(program.ino, offset, len).map_err(|e| e.to_string());
    let head = read(0, HEADER)?;
    let kernel = Machine::of(&head).and_then(|m| m.architecture()).and_then(Kernel::of);
    let kernel = kernel.ok_or_else(|| format!("`{}` is for an unknown machine", program.path))?;
    let parsed = Program::parse(kernel, &head)?;
    let table = read(parsed.table.0, parsed.table.1)?;
    let Some((offset, len)) = parsed.interpreter(&table)? else { return Ok(None) };
    Ok(read(offset, len)?.split(|b| *b == 0).next().map(BString::from))
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or(path)
}
