//! What a wrapper does before it starts the program: files that it opens, its root directory, its user.

use bstr::{BString, ByteSlice};

use super::Wrapping;
use super::table::{Effect, Kind, Operand};
use crate::format::elf::Kernel;
use crate::launch::outcome::{Misuse, Outcome};
use crate::launch::program::Running;
use crate::rootfs::{Ino, Kind as File, PathError, READ};

/// CAP_SYS_CHROOT, capabilities(7).
const SYS_CHROOT: u64 = 1 << 18;
/// More of a variable's file than this is not read; a longer one is too long for execve(2).
const VARIABLE_MAX: usize = 1 << 17;
/// More files with variables than this are not read.
const VARIABLES_MAX: usize = 1000;
/// Machines of setarch(8) that every kernel takes, and those of x86-64 alone (util-linux sys-utils/setarch.c).
const MACHINES: [&str; 3] = ["linux32", "linux64", "uname26"];
const X86: [&str; 6] = ["x86_64", "i386", "i486", "i586", "i686", "athlon"];

impl Running<'_> {
    /// What is done before the program is started: files that are opened, the root directory, the user.
    pub(super) fn prepare(&mut self, wrapping: &Wrapping<'_>) -> Result<Option<Outcome>, String> {
        let operands = wrapping.wrapper.operands.iter().zip(&wrapping.call.operands);
        for (operand, word) in operands {
            let outcome = match operand {
                Operand::Root => self.root_directory(wrapping, word)?,
                Operand::LockFile => self.lock_file(wrapping, word)?,
                Operand::Variables => self.variables(wrapping, word)?,
                Operand::UserSpec | Operand::UserName | Operand::NameOrIds => {
                    self.become_user(wrapping, *operand, word)?
                }
                _ => None,
            };
            if outcome.is_some() {
                return Ok(outcome);
            }
        }
        if let Some(file) = wrapping.call.value(Effect::Input)
            && let Some(outcome) = self.needs(wrapping, file)?
        {
            return Ok(Some(outcome));
        }
        if let Some(directory) = wrapping.call.value(Effect::Variables)
            && let Some(outcome) = self.variables(wrapping, directory)?
        {
            return Ok(Some(outcome));
        }
        if wrapping.wrapper.kind == Kind::Ids {
            return self.become_ids(wrapping);
        }
        match wrapping.call.value(Effect::User) {
            Some(user) => self.become_user(wrapping, Operand::UserSpec, user),
            None => Ok(None),
        }
    }

    /// chroot(2). Only the same directory is followed further.
    fn root_directory(&self, wrapping: &Wrapping<'_>, path: &BString) -> Result<Option<Outcome>, String> {
        let found = match self.view.resolve(path, &self.cwd, &self.credentials) {
            Ok(found) if self.view.inode(found.ino).kind.is_directory() => found,
            Err(PathError { unknowable: Some(why), .. }) => return Err(format!("`{path}` cannot be told: {why}")),
            _ => return Ok(Some(wrapping.misused(Misuse::NoDirectory(path.clone())))),
        };
        if self.credentials.uid != 0 || self.bounding & SYS_CHROOT == 0 {
            let change = "change the root directory".to_owned();
            return Ok(Some(self.denied(wrapping, change)));
        }
        match found.path.as_slice() {
            b"/" => Ok(None),
            _ => Err(format!("what `{}` finds below the root directory `{path}` is not followed", wrapping.name)),
        }
    }

    /// A file that is there, or can be made.
    pub(super) fn lock_file(&self, wrapping: &Wrapping<'_>, path: &BString) -> Result<Option<Outcome>, String> {
        let parent = path.rfind_byte(b'/').and_then(|slash| path.get(..=slash)).unwrap_or(b".");
        Ok(self.needs(wrapping, &parent.into())?.map(|outcome| quietly(wrapping, outcome)))
    }

    fn needs(&self, wrapping: &Wrapping<'_>, path: &BString) -> Result<Option<Outcome>, String> {
        match self.view.resolve(path, &self.cwd, &self.credentials) {
            Err(PathError { unknowable: Some(why), .. }) => Err(format!("`{path}` cannot be told: {why}")),
            Err(_) => Ok(Some(wrapping.misused(Misuse::NoDirectory(path.clone())))),
            Ok(_) => Ok(None),
        }
    }

    /// setarch(8).
    pub(super) fn machine(&self, wrapping: &Wrapping<'_>, name: &BString) -> Result<Option<Outcome>, String> {
        let is_among = |names: &[&str]| names.iter().any(|n| n.as_bytes() == name.as_slice());
        match (is_among(&MACHINES), self.kernel == Kernel::of("amd64"), is_among(&X86)) {
            (true, ..) | (_, true, true) => Ok(None),
            (_, true, false) => Ok(Some(wrapping.misused(Misuse::Word(name.clone())))),
            _ => Err(format!("whether `{}` takes `{name}` depends on the kernel", wrapping.name)),
        }
    }

    /// envdir(8): a variable for every file, with its first line; an empty file unsets it.
    fn variables(&mut self, wrapping: &Wrapping<'_>, path: &BString) -> Result<Option<Outcome>, String> {
        let missing = || Ok(Some(wrapping.misused(Misuse::NoDirectory(path.clone()))));
        let directory = match self.view.resolve(path, &self.cwd, &self.credentials) {
            Ok(found) => found.ino,
            Err(PathError { unknowable: Some(why), .. }) => return Err(format!("`{path}` cannot be told: {why}")),
            Err(_) if wrapping.call.has(Effect::MaybeVariables) => return Ok(None),
            Err(_) => return missing(),
        };
        let File::Directory(names) = self.view.inode(directory).kind else { return missing() };
        if names.len() > VARIABLES_MAX || !self.credentials.may(READ, self.view.inode(directory)) {
            return Err(format!("the variables in `{path}` are not read"));
        }
        let files: Vec<(BString, Ino)> = names
            .into_iter()
            .filter(|(name, _)| !name.starts_with(b"."))
            .map(|(name, ino)| (BString::from(name), ino))
            .collect();
        for (name, ino) in files {
            self.variable(name, ino).map_err(|()| format!("the variables in `{path}` are not read"))?;
        }
        Ok(None)
    }

    fn variable(&mut self, name: BString, ino: Ino) -> Result<(), ()> {
        let file = self.view.inode(ino);
        if name.contains(&b'=') || !file.kind.is_regular() || !self.credentials.may(READ, file) {
            return Err(());
        }
        let text = self.view.read(ino, 0, VARIABLE_MAX).map_err(drop)?;
        match text.lines().next() {
            None => self.environment.unset(&name),
            Some(line) => {
                let line = line.trim_end_with(|c| matches!(c, ' ' | '\t'));
                self.environment.set(name, line.replace(b"\0", b"\n").into());
            }
        }
        Ok(())
    }
}

/// `setlock -x` ends with 0 where it has no lock.
fn quietly(wrapping: &Wrapping<'_>, outcome: Outcome) -> Outcome {
    let last = wrapping.call.effects.iter().rev().find(|(effect, _)| matches!(effect, Effect::Quiet | Effect::Loud));
    match (last, outcome) {
        (Some((Effect::Quiet, _)), Outcome::Exits { cause, .. }) => Outcome::Exits { code: 0, cause },
        (_, outcome) => outcome,
    }
}
