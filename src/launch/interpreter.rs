//! Interpreters of other languages that are given a script which is not there.

use bstr::{BStr, ByteSlice};

use super::execve::Loaded;
use super::outcome::{Cause, Outcome, Problem, Role};
use super::program::{Running, base};
use crate::rootfs::{Errno, View};

/// Exit codes where the script cannot be opened, by the name of the interpreter without a version (measured, Debian 12).
const CODES: [(&str, u8); 6] = [("python", 2), ("perl", 2), ("node", 1), ("nodejs", 1), ("ruby", 1), ("java", 1)];

impl Running<'_> {
    /// The end of an interpreter whose first operand is no file, or of Python with a module that is nowhere in the image.
    pub(super) fn without_script(&self, loaded: &Loaded) -> Option<Outcome> {
        let file = base(&loaded.file.path).trim_end_with(|c| c.is_ascii_digit() || c == '.');
        let (name, code) = CODES.iter().find(|(name, _)| name.as_bytes() == file)?;
        let (at, script) = match &loaded.script {
            Some(_) => return None, // the kernel has opened it
            None if *name == "java" => {
                (2, loaded.argv.get(2).filter(|_| loaded.argv.get(1).is_some_and(|w| w == "-jar"))?)
            }
            None => (1, loaded.argv.get(1)?),
        };
        if *name == "python" && script == "-m" {
            return self.without_module(loaded.argv.get(at + 1)?.as_bstr());
        }
        if script.starts_with(b"-") || script.contains(&0) || script.is_empty() {
            return None;
        }
        let error = self.view.resolve(script, &self.cwd, &self.credentials).err()?;
        // node looks for the name with an ending, too
        let endings = ["", ".js", ".json", ".node", ".mjs", ".cjs"];
        let is_absent = |ending: &str| {
            let path = [script.as_slice(), ending.as_bytes()].concat();
            let found = self.view.resolve(&path, &self.cwd, &self.credentials);
            found.is_err_and(|error| error.unknowable.is_none() && error.errno == Errno::ENOENT)
        };
        let absent = endings.iter().all(|ending| is_absent(ending));
        let cause = Cause::Exec { role: Role::Command, path: script.clone(), problem: Problem::Unresolved(error) };
        absent.then_some(Outcome::Exits { code: *code, cause })
    }

    /// `python -m`: 1 if no file or directory of the image can be the module (runpy, *No module named*).
    fn without_module(&self, module: &BStr) -> Option<Outcome> {
        let first = module.split_str(".").next()?;
        let proper = !first.is_empty() && first.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let problem = Problem::Unresolved(self.view.resolve(module, &self.cwd, &self.credentials).err()?);
        let cause = Cause::Exec { role: Role::Command, path: module.to_owned(), problem };
        (proper && !self.disturbed && !is_anywhere(self.view, first)).then_some(Outcome::Exits { code: 1, cause })
    }
}

/// Whether any entry of the image is called so, with whatever ending; or an archive may hold it.
fn is_anywhere(view: &View<'_>, name: &[u8]) -> bool {
    let is_it = |entry: &[u8]| entry.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."));
    let holds = |entry: &[u8]| [".egg", ".zip", ".pth", ".egg-link"].iter().any(|end| entry.ends_with(end.as_bytes()));
    view.rootfs().names().any(|entry| is_it(entry) || holds(entry))
}
