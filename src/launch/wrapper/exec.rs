//! execvp(3) as glibc has it: what the kernel does not know (ENOEXEC) is given to /bin/sh (posix/execvpe.c,
//! `maybe_script_execute`). musl does not do that, and neither do programs that call execve(2) themselves.

use bstr::{BString, ByteSlice};

use crate::format::magic::Format;
use crate::launch::execve::{Loaded, Stop};
use crate::launch::outcome::{Cause, Problem, Role, Step, Via};
use crate::launch::program::{Running, base};
use crate::rootfs::{Errno, View};

/// The note that glibc puts into everything it links statically, ELF *NT_GNU_ABI_TAG*: sizes, type and name, in both
/// byte orders.
const ABI_TAG: [&[u8]; 2] = [
    b"\x04\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00GNU\x00",
    b"\x00\x00\x00\x04\x00\x00\x00\x10\x00\x00\x00\x01GNU\x00",
];
/// Notes stand behind the program headers.
const NOTES: usize = 2048;

/// Whether the execvp(3) of the program `loaded` is glibc's.
pub fn hands_to_shell(view: &View<'_>, loaded: &Loaded) -> bool {
    match &loaded.loader {
        Some((interp, _)) => !base(interp).starts_with(b"ld-musl-"),
        None => {
            let head = view.read(loaded.file.ino, 0, NOTES).unwrap_or_default();
            ABI_TAG.iter().any(|tag| head.contains_str(tag))
        }
    }
}

impl Running<'_> {
    /// execve(2), and what the libc of the caller makes of ENOEXEC.
    pub(in crate::launch) fn execute(
        &self,
        path: BString,
        argv: Vec<BString>,
        role: Role,
        steps: &mut Vec<Step>,
    ) -> Result<Loaded, Stop> {
        match self.caller().execve(path.clone(), argv.clone(), role, Via::Exec, steps) {
            Err(Stop::Fails(Errno::ENOEXEC, cause)) if self.hands_to_shell => self.by_shell(&path, &argv, cause, steps),
            other => other,
        }
    }

    fn by_shell(&self, path: &BString, argv: &[BString], cause: Cause, steps: &mut Vec<Step>) -> Result<Loaded, Stop> {
        let shell = BString::from("/bin/sh");
        let words = [&shell, path].into_iter().chain(argv.iter().skip(1)).cloned().collect();
        let before = steps.len();
        let loaded = self.caller().execve(shell, words, Role::Interpreter, Via::Exec, steps);
        match (loaded, &cause) {
            (Err(Stop::Fails(errno, _)), _) => {
                steps.truncate(before);
                Err(Stop::Fails(errno, cause))
            }
            // Measured: bash refuses to read it; dash and ash stumble over its first line.
            (Ok(loaded), Cause::Exec { problem: Problem::Architecture(..), .. }) => {
                steps.truncate(before);
                let code = if base(&loaded.file.path) == b"bash" { 126 } else { 2 };
                Err(Stop::Ends(code, cause))
            }
            (Ok(_), Cause::Exec { problem: Problem::Format(_, format), .. }) if !is_text(*format) => {
                Err(Stop::Unknown(format!("`/bin/sh` is given `{path}`, and how that ends depends on its bytes")))
            }
            (other, _) => other,
        }
    }
}

/// What a shell reads as a script.
fn is_text(format: Format) -> bool {
    matches!(format, Format::Text | Format::Empty | Format::ByteOrderMark | Format::LateShebang)
}
