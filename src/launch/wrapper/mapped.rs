//! `/lib64/ld-linux-x86-64.so.2 program`: the loader opens and maps the program itself (glibc elf/rtld.c), so that it
//! needs no x bit, no PT_INTERP and no PATH.

use std::sync::Arc;

use bstr::{BString, ByteSlice};

use super::Wrapping;
use super::table::Effect;
use crate::launch::execve::Loaded;
use crate::launch::loader::Started;
use crate::launch::outcome::{Cause, Misuse, Outcome, Problem, Step, StepKind, Via};
use crate::launch::program::{Next, Running};
use crate::rootfs::{PathError, READ, Resolved};

impl Running<'_> {
    /// Maps the program that the loader's words name.
    pub(super) fn map(&mut self, wrapping: &Wrapping<'_>, steps: &mut Vec<Step>) -> Result<Next, String> {
        let Some(name) = wrapping.call.argv.first() else {
            return Ok(Next::Ends(wrapping.misused(Misuse::NoProgram)));
        };
        let looks = wrapping.call.has(Effect::Lists) || wrapping.call.has(Effect::Verifies);
        if !name.contains(&b'/') {
            return Err(format!("`{name}` is looked up where libraries are"));
        }
        let file = match self.view.resolve(name, &self.cwd, &self.credentials) {
            Ok(file) if !self.credentials.may(READ, self.view.inode(file.ino)) => {
                return Ok(self.unmapped(wrapping, name, Problem::NotReadable(file.ino)));
            }
            Ok(file) => file,
            Err(PathError { unknowable: Some(why), .. }) => return Err(format!("`{name}` cannot be told: {why}")),
            Err(error) => return Ok(self.unmapped(wrapping, name, Problem::Unresolved(error))),
        };
        match self.mapped(wrapping, name, file, steps)? {
            Next::Program(_) if looks => Ok(Next::Ends(Outcome::Runs)),
            Next::Ends(Outcome::Exits { cause: Cause::Link(_), .. }) if wrapping.call.has(Effect::Verifies) => {
                Err(format!("how the loader verifies `{name}` is not followed"))
            }
            next => Ok(next),
        }
    }

    fn mapped(
        &mut self,
        wrapping: &Wrapping<'_>,
        name: &BString,
        file: Resolved,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let own = self.view.object(wrapping.loaded.file.ino).map_err(|e| e.to_string())?;
        let object = self.view.object(file.ino).map_err(|e| e.to_string())?;
        let machine = own.map(|own| own.e_machine);
        if object.as_ref().is_none_or(|object| Some(object.e_machine) != machine) {
            return Ok(self.unmapped(wrapping, name, Problem::TooShort(file.ino)));
        }
        if !object.is_some_and(|object| object.has_dynamic) {
            return Err(format!("`{name}` has no dynamic section for the loader to read"));
        }
        let mut environment = self.environment.clone();
        if let Some(path) = wrapping.call.value(Effect::Libraries) {
            environment.set("LD_LIBRARY_PATH".into(), path.clone());
        }
        let loader = &wrapping.loaded.file;
        let started = Started {
            view: self.view,
            cwd: self.cwd.as_bstr(),
            credentials: &self.credentials,
            environment: &environment,
            secure: false,
            called: name.as_bstr(),
            program: &file,
            interp: loader.path.as_bstr(),
            loader,
        };
        let closure = self.linked.closure(&started)?;
        let mut argv = wrapping.call.argv.clone();
        if let (Some(called), Some(first)) = (wrapping.call.value(Effect::Called), argv.first_mut()) {
            *first = called.clone();
        }
        steps.push(Step {
            argv: argv.clone(),
            path: file.path.clone(),
            ino: Some(file.ino),
            layer: self.view.inode(file.ino).layer.map(usize::from),
            kind: StepKind::Elf,
            via: Via::Exec,
            pid: self.pid(),
            cwd: self.cwd.clone(),
            links: file.links.clone(),
            libraries: Some(Arc::clone(&closure)),
        });
        if let Some(code) = closure.exit_code() {
            return Ok(Next::Ends(Outcome::Exits { code, cause: Cause::Link(closure) }));
        }
        let credentials = self.credentials.clone();
        Ok(Next::Program(Loaded { file, argv, script: None, loader: None, credentials, secure: false }))
    }

    fn unmapped(&self, wrapping: &Wrapping<'_>, name: &BString, problem: Problem) -> Next {
        let cause = Cause::Exec { role: wrapping.role(), path: name.clone(), problem };
        let code = if wrapping.call.has(Effect::Verifies) { 1 } else { wrapping.wrapper.codes.absent };
        Next::Ends(Outcome::Exits { code, cause })
    }
}
