//! How the OCI runtime finds argv\[0\] before it starts the process: runc with Go's `exec.LookPath`, crun with
//! `find_executable` (crun `src/libcrun/utils.c`).

use std::collections::HashSet;

use bstr::{BStr, BString, ByteSlice, ByteVec};

use super::outcome::{Cause, Outcome, Phase, Problem, Role, Tried, Via};
use super::process::Environment;
use super::runtime::Lookup;
use crate::format::shell::is_own_word;
use crate::rootfs::{Credentials, EXECUTE, Errno, Kind, PathError, View};

/// Where and as whom is looked.
pub struct Search<'a> {
    /// What the container sees.
    pub view: &'a View<'a>,
    /// The working directory, free of links.
    pub cwd: &'a BStr,
    /// The process's own credentials.
    pub credentials: &'a Credentials,
    /// Its environment, for PATH.
    pub environment: &'a Environment,
}

/// The path that will be executed, as the runtime hands it to execve(2).
#[derive(Debug)]
pub struct Found {
    /// The path.
    pub path: BString,
    /// How it was found.
    pub via: Via,
}

/// What must be so for a candidate to do.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    credentials: &'a Credentials,
    /// Any x bit will do, whoever's.
    any_x: bool,
    /// Only a regular file will do; else only a directory will not.
    regular: bool,
    /// The command is named by its path.
    by_path: bool,
}

impl Search<'_> {
    /// Looks `name` up as `lookup` does.
    ///
    /// # Errors
    /// How the start ends.
    pub fn find(&self, name: &str, lookup: Lookup) -> Result<Found, Outcome> {
        match lookup {
            Lookup::Runc11 | Lookup::Runc12 => self.runc(name, lookup),
            Lookup::Crun18 | Lookup::Crun121 if name.is_empty() => Err(failed(None, Cause::NothingToRun)),
            Lookup::Crun18 | Lookup::Crun121 => self.crun(name, lookup),
        }
    }

    fn runc(&self, name: &str, lookup: Lookup) -> Result<Found, Outcome> {
        let by_path = name.contains('/');
        let any_x = lookup == Lookup::Runc11;
        let wanted = Wanted { credentials: self.credentials, any_x, regular: false, by_path };
        let found = if name.contains('/') {
            self.check(name.as_bytes(), wanted).map_err(|p| self.command(name.into(), p, lookup))?;
            Found { path: name.into(), via: Via::Command }
        } else {
            self.go_look_path(name, wanted)?
        };
        if lookup == Lookup::Runc11 {
            // One real access check on the file chosen, which ends the search.
            let real = Wanted { any_x: false, ..wanted };
            self.check(&found.path, real).map_err(|p| self.command(found.path.clone(), p, lookup))?;
        }
        Ok(found)
    }

    /// Go's `exec.LookPath`: an empty element is `.`, an empty PATH has none, and a hit that is not absolute is
    /// refused.
    fn go_look_path(&self, name: &str, wanted: Wanted<'_>) -> Result<Found, Outcome> {
        let path = self.path();
        let mut tried = Tries::default();
        for element in path.split_str(":").filter(|_| !path.is_empty()) {
            if tried.is_repeated(element)? {
                continue;
            }
            let candidate = go_join(if element.is_empty() { b"." } else { element }, name.as_bytes());
            match self.check(&candidate, wanted) {
                Err(problem) if unknowable(&problem).is_some() && self.view.unseen().is_none() => {
                    return Err(self.command(candidate, problem, Lookup::Runc12));
                }
                Err(problem) => tried.add(Tried { element: element.into(), path: candidate, problem }),
                Ok(()) if candidate.starts_with(b"/") => return Ok(Found { path: candidate, via: Via::PathLookup }),
                Ok(()) => {
                    let cause = Cause::RelativeHit { name: name.into(), element: element.into(), path: candidate };
                    return Err(failed(None, cause));
                }
            }
        }
        Err(self.not_in_path(name, tried.kept))
    }

    /// As root first; if that fails for another reason than absence, again as the user. A hit as root stays although
    /// the user may not execute it.
    fn crun(&self, name: &str, lookup: Lookup) -> Result<Found, Outcome> {
        let root = Credentials::root();
        let by_path = name.contains('/');
        let wanted = |credentials| Wanted { credentials, any_x: false, regular: true, by_path };
        match self.crun_pass(name, lookup, wanted(&root)) {
            Err(Miss::Other(..)) => self.crun_pass(name, lookup, wanted(self.credentials)),
            other => other,
        }
        .map_err(|miss| match miss {
            Miss::Absent(tried) => self.not_in_path(name, tried),
            Miss::Other(path, problem) => self.command(path, problem, lookup),
            Miss::Ends(outcome) => outcome,
        })
    }

    fn crun_pass(&self, name: &str, lookup: Lookup, wanted: Wanted<'_>) -> Result<Found, Miss> {
        let old = lookup == Lookup::Crun18;
        if name.contains('/') || (old && name.starts_with('.')) {
            return match self.check(name.as_bytes(), wanted) {
                Ok(()) => Ok(Found { path: name.into(), via: Via::Command }),
                Err(problem) => Err(Miss::Other(name.into(), problem)),
            };
        }
        let (path, mut tried, mut last) = (self.path(), Tries::default(), None);
        for element in path.split_str(":") {
            if tried.is_repeated(element).map_err(Miss::Ends)? {
                continue;
            }
            let candidate = match (element.is_empty(), old) {
                (false, _) => [element, b"/", name.as_bytes()].concat().into(),
                (true, true) => BString::from(format!("/{name}")),
                (true, false) => BString::from(name),
            };
            match self.check(&candidate, wanted) {
                Ok(()) => return Ok(Found { path: candidate, via: Via::PathLookup }),
                Err(problem) if unknowable(&problem).is_some() && self.view.unseen().is_none() => {
                    return Err(Miss::Other(candidate, problem));
                }
                Err(problem) => {
                    if !matches!(&problem, Problem::Unresolved(e) if e.errno == Errno::ENOENT) {
                        last = Some((candidate.clone(), problem.clone()));
                    }
                    tried.add(Tried { element: element.into(), path: candidate, problem });
                }
            }
        }
        Err(last.map_or(Miss::Absent(tried.kept), |(path, problem)| Miss::Other(path, problem)))
    }

    fn check(&self, path: &[u8], wanted: Wanted<'_>) -> Result<(), Problem> {
        // what PATH leads to is looked for further on
        let found = match wanted.by_path {
            true => self.view.resolve_program(path, self.cwd, wanted.credentials),
            false => self.view.resolve(path, self.cwd, wanted.credentials),
        };
        // Who names a program with blanks in it means arguments, who names a word of shells means a shell: such a one is nowhere,
        // seen or not.
        let name = path.rsplit_str("/").next().unwrap_or_default();
        let is_shells = !wanted.by_path && (is_own_word(name) || name.contains(&b' '));
        let is_meant = || self.view.may_be_meant(path, self.cwd, wanted.credentials);
        let is_odd = self.view.unseen().is_some() && (is_shells || !is_meant());
        let found = found.map_err(|error| match is_odd {
            true => Problem::Unresolved(PathError { unknowable: None, ..error }),
            false => Problem::Unresolved(error),
        })?;
        let inode = self.view.inode(found.ino);
        match inode.kind {
            Kind::Directory(_) | Kind::Unknowable if !wanted.regular => return Err(Problem::Directory(found.ino)),
            _ => {}
        }
        let x = if wanted.any_x { inode.mode & 0o111 != 0 } else { wanted.credentials.may(EXECUTE, inode) };
        if !x {
            let special = matches!(inode.kind, Kind::Special);
            return Err(if special { Problem::Special(found.ino) } else { closed(found.ino, inode.mode) });
        }
        match inode.kind {
            Kind::Regular { .. } | Kind::Runtime => Ok(()),
            Kind::Directory(_) | Kind::Unknowable => Err(Problem::Directory(found.ino)),
            _ if wanted.regular => Err(Problem::Special(found.ino)),
            _ => Ok(()),
        }
    }

    fn path(&self) -> &BStr {
        self.environment.get(b"PATH").map_or(BStr::new(""), |p| p.as_bstr())
    }

    fn not_in_path(&self, name: &str, tried: Vec<Tried>) -> Outcome {
        let is_unseen = |tried: &Tried| matches!(&tried.problem, Problem::Unresolved(_));
        if let Some((_, why)) =
            tried.iter().find_map(|tried| unknowable(&tried.problem)).filter(|_| tried.iter().all(is_unseen))
        {
            return Outcome::Unknown(format!("`{name}` is in no directory of PATH that is known, {why}"));
        }
        let default_path = self.environment.default_path;
        let cause = Cause::NotInPath { name: name.into(), role: Role::Command, tried, default_path };
        failed(Some(Errno::ENOENT), cause)
    }

    fn command(&self, path: BString, problem: Problem, lookup: Lookup) -> Outcome {
        if let Some((at, why)) = unknowable(&problem) {
            return Outcome::Unknown(format!("`{path}` leads to {at}, {why}"));
        }
        let errno = match &problem {
            Problem::Unresolved(error) => error.errno,
            Problem::Directory(_) if lookup == Lookup::Runc12 => Errno::EISDIR,
            Problem::Directory(_) | Problem::Special(_) if lookup.is_crun() => Errno::EPERM,
            _ => Errno::EACCES,
        };
        failed(Some(errno), Cause::Exec { role: Role::Command, path, problem })
    }
}

/// Why one of crun's passes finds nothing.
enum Miss {
    /// Nowhere in PATH.
    Absent(Vec<Tried>),
    /// The last file that is there, or the path itself.
    Other(BString, Problem),
    /// The search is given up.
    Ends(Outcome),
}

/// PATH elements on the way: what they held, as far as it is worth telling, and that none is tried twice.
#[derive(Default)]
struct Tries {
    seen: HashSet<BString>,
    length: usize,
    kept: Vec<Tried>,
}

impl Tries {
    /// How many are kept; files that are there matter more than files that are not.
    const KEPT: usize = 32;
    /// A longer PATH fits into no process (MAX_ARG_STRLEN), and is not searched to its end.
    const PATH_MAX: usize = 131_072;

    fn is_repeated(&mut self, element: &[u8]) -> Result<bool, Outcome> {
        self.length += element.len() + 1;
        if self.length > Self::PATH_MAX {
            let why = "PATH is longer than Linux lets any string of the environment be, and is not searched to its end";
            return Err(Outcome::Unknown(why.to_owned()));
        }
        Ok(!self.seen.insert(element.into()))
    }

    fn add(&mut self, tried: Tried) {
        let absent = matches!(&tried.problem, Problem::Unresolved(e) if e.errno == Errno::ENOENT);
        if self.kept.len() < if absent { Self::KEPT } else { 2 * Self::KEPT } {
            self.kept.push(tried);
        }
    }
}

/// Where a path leads of which nothing can be said, and why.
fn unknowable(problem: &Problem) -> Option<(&BString, &'static str)> {
    match problem {
        Problem::Unresolved(error) => error.unknowable.map(|why| (&error.at, why)),
        _ => None,
    }
}

/// The problem of a file that may not be executed.
pub(super) fn closed(ino: crate::rootfs::Ino, mode: u16) -> Problem {
    if mode & 0o111 == 0 { Problem::NotExecutable(ino) } else { Problem::NotForUser(ino) }
}

fn failed(errno: Option<Errno>, cause: Cause) -> Outcome {
    Outcome::Fails { phase: Phase::Lookup, errno, cause }
}

/// Go's `filepath.Join`: cleaned, so that `a/../b` is `b` even where `a` is a link.
fn go_join(dir: &[u8], name: &[u8]) -> BString {
    let joined = [dir, b"/", name].concat();
    let mut clean: Vec<&[u8]> = Vec::new();
    for component in joined.split_str("/").filter(|c| !c.is_empty() && *c != b".") {
        match (component, clean.last()) {
            (b"..", Some(last)) if *last != b".." => drop(clean.pop()),
            (b"..", None) if joined.starts_with(b"/") => {}
            _ => clean.push(component),
        }
    }
    let mut path = BString::from(if joined.starts_with(b"/") { "/" } else { "" });
    path.push_str(bstr::join("/", clean));
    if path.is_empty() { ".".into() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_cleans() {
        for (dir, name, want) in [
            ("/bin", "app", "/bin/app"),
            ("//bin//", "app", "/bin/app"),
            (".", "app", "app"),
            ("b/../c", "app", "c/app"),
            ("/a/../..", "app", "/app"),
            ("..", "app", "../app"),
            ("/d1", "", "/d1"),
            (".", ".", "."),
        ] {
            assert_eq!(go_join(dir.as_bytes(), name.as_bytes()), want);
        }
    }
}
