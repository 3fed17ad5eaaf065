//! path_resolution(7), clamped at the root of the image.

use bstr::{BString, ByteSlice};

use super::apply::split;
use super::credentials::Credentials;
use super::tree::{Ino, Kind, Rootfs, join};
use super::view::View;
use super::{Errno, PathError, Resolved};

/// Links that one resolution may follow (path_resolution(7)).
const MAX_LINKS: usize = 40;
/// PATH_MAX of limits.h, the final NUL included.
const PATH_MAX: usize = 4096;
/// NAME_MAX of limits.h.
const NAME_MAX: usize = 255;

impl View<'_> {
    /// Resolves `path` for `credentials`, a relative one from `cwd` (absolute, free of links); links are followed, the
    /// last too.
    ///
    /// # Errors
    /// As path_resolution(7) has them.
    pub fn resolve(&self, path: &[u8], cwd: &[u8], credentials: &Credentials) -> Result<Resolved, PathError> {
        Walk::new(self, credentials).run(path, cwd)
    }
}

impl View<'_> {
    /// The same for a program that is named by its path: where it may be and nobody has seen it, it is taken to be there
    /// ([`Unseen`](crate::image::Unseen)).
    ///
    /// # Errors
    /// As path_resolution(7) has them.
    pub fn resolve_program(&self, path: &[u8], cwd: &[u8], credentials: &Credentials) -> Result<Resolved, PathError> {
        let found = self.resolve(path, cwd, credentials);
        let unseen = self.unseen().filter(|unseen| !unseen.program.is_empty());
        match (found, unseen) {
            (Err(error), Some(unseen))
                if error.unknowable == Some(unseen.why)
                    && !path.ends_with(b"/")
                    && self.may_be_meant(path, cwd, credentials) =>
            {
                let path = if error.rest.is_empty() { error.at } else { join(&error.at, &error.rest) };
                Ok(Resolved { ino: View::ASSUMED, path, links: error.links })
            }
            (found, _) => found,
        }
    }
}

impl View<'_> {
    /// Whether somebody who names this program may mean one that nobody has seen. With blanks in its name arguments are meant, if
    /// options follow, or if what stands before the blank is a program; with a variable in it a shell is.
    pub fn may_be_meant(&self, program: &[u8], cwd: &[u8], credentials: &Credentials) -> bool {
        let Some((first, rest)) = program.split_once_str(" ").filter(|_| !program.contains(&b'$')) else {
            return !program.contains(&b'$');
        };
        let copied = self.unseen().is_some_and(|unseen| unseen.below.iter().any(|path| *path == program));
        let is_there =
            || self.resolve(first, cwd, credentials).is_ok_and(|found| !self.inode(found.ino).kind.is_directory());
        let is_copied = || self.unseen().is_some_and(|unseen| unseen.below.iter().any(|path| *path == first));
        copied || first.contains(&b'/') && !rest.starts_with(b"-") && !is_there() && !is_copied()
    }
}

/// One component that is still to be walked, and whether it comes from the target of a link.
struct Component {
    name: BString,
    from_link: bool,
}

struct Walk<'a> {
    view: &'a View<'a>,
    credentials: &'a Credentials,
    /// From the root to where the walk stands.
    stack: Vec<(Ino, BString)>,
    /// Last first.
    left: Vec<Component>,
    /// The path ends in a slash: only a directory will do.
    directory: bool,
    links: Vec<(BString, BString)>,
}

impl<'a> Walk<'a> {
    fn new(view: &'a View<'a>, credentials: &'a Credentials) -> Self {
        let stack = vec![(Rootfs::ROOT, BString::from("/"))];
        Walk { view, credentials, stack, left: Vec::new(), directory: false, links: Vec::new() }
    }

    /// Resolves `path`, a relative one from `cwd`, which is absolute and free of links. A link at the end is followed.
    fn run(mut self, path: &[u8], cwd: &[u8]) -> Result<Resolved, PathError> {
        if path.is_empty() {
            return Err(self.error(Errno::ENOENT, BString::from(""), false));
        }
        if path.len() >= PATH_MAX {
            return Err(self.error(Errno::ENAMETOOLONG, path.into(), false));
        }
        if !path.starts_with(b"/") {
            for name in split(cwd) {
                let Some(ino) = self.view.entry(self.at().0, name) else { break };
                self.push(ino, name);
            }
        }
        self.queue(path, false);
        while let Some(component) = self.left.pop() {
            self.step(component)?;
        }
        let (ino, path) = self.at().clone();
        if self.directory && !self.is_directory(ino) {
            return Err(self.error(Errno::ENOTDIR, path, false));
        }
        Ok(Resolved { ino, path, links: self.links })
    }

    fn step(&mut self, component: Component) -> Result<(), PathError> {
        let Component { name, from_link } = component;
        if !self.view.take_step() {
            let mut error = self.error(Errno::ELOOP, name, from_link);
            error.unknowable = Some("through more links than are followed");
            return Err(error);
        }
        let (dir, path) = self.at().clone();
        let inode = self.view.inode(dir);
        if matches!(inode.kind, Kind::Unknowable) {
            return self.below_proc(&path, &name);
        }
        if !inode.kind.is_directory() {
            return Err(self.error(Errno::ENOTDIR, path, from_link));
        }
        if !self.view.may_search(self.credentials, inode) {
            return Err(self.error(Errno::EACCES, path, from_link));
        }
        if name.len() > NAME_MAX {
            return Err(self.error(Errno::ENAMETOOLONG, join(&path, &name), from_link));
        }
        match name.as_slice() {
            b"." => return Ok(()),
            b".." => {
                self.stack.truncate(self.stack.len().saturating_sub(1).max(1));
                return Ok(());
            }
            _ => {}
        }
        let Some(child) = self.view.entry(dir, &name) else {
            return Err(self.absent(join(&path, &name), from_link));
        };
        match self.view.inode(child).kind {
            Kind::Symlink(target) => self.follow(join(&path, &name), target.to_owned()),
            _ => {
                self.push(child, &name);
                Ok(())
            }
        }
    }

    fn follow(&mut self, link: BString, target: BString) -> Result<(), PathError> {
        if self.links.len() >= MAX_LINKS {
            return Err(self.error(Errno::ELOOP, link, true));
        }
        if target.starts_with(b"/") {
            self.stack.truncate(1);
        }
        self.links.push((link, target.clone()));
        if target.is_empty() {
            return Err(self.error(Errno::ENOENT, target, true));
        }
        self.queue(&target, true);
        Ok(())
    }

    /// The one thing known below /proc: `/proc/self/exe` is the runtime while it looks, and gone for execve(2).
    fn below_proc(&mut self, path: &[u8], name: &[u8]) -> Result<(), PathError> {
        let exe = self.left.last().map(|c| c.name.as_slice()) == Some(b"exe") && self.left.len() == 1;
        if path == b"/proc" && name == b"self" && exe {
            self.left.clear();
            self.push(View::RUNTIME, b"self/exe");
            return Ok(());
        }
        let mut error = self.error(Errno::ENOENT, join(path, name), false);
        error.unknowable = Some("which only the running container has");
        Err(error)
    }

    /// ENOENT, unless nobody has seen what is there. No file has control characters in its name: there a line end is meant.
    fn absent(&self, at: BString, from_link: bool) -> PathError {
        let error = self.error(Errno::ENOENT, at, from_link);
        let whole = if error.rest.is_empty() { error.at.clone() } else { join(&error.at, &error.rest) };
        let is_odd = whole.iter().any(u8::is_ascii_control);
        let unseen = self.view.unseen().filter(|unseen| !is_odd && unseen.covers(&whole)).map(|unseen| unseen.why);
        PathError { unknowable: unseen, ..error }
    }

    fn queue(&mut self, path: &[u8], from_link: bool) {
        if self.left.is_empty() {
            self.directory |= path.ends_with(b"/");
        }
        // Unlike an empty component, `.` asks for a directory that may be searched.
        let names = path.split(|b| *b == b'/').filter(|c| !c.is_empty());
        let components: Vec<_> = names.map(|n| Component { name: n.into(), from_link }).collect();
        self.left.extend(components.into_iter().rev());
    }

    fn push(&mut self, ino: Ino, name: &[u8]) {
        let path = join(&self.at().1, name);
        self.stack.push((ino, path));
    }

    fn at(&self) -> &(Ino, BString) {
        // The root is never popped.
        &self.stack[self.stack.len() - 1]
    }

    fn is_directory(&self, ino: Ino) -> bool {
        matches!(self.view.inode(ino).kind, Kind::Directory(_) | Kind::Unknowable)
    }

    fn error(&self, errno: Errno, at: BString, from_link: bool) -> PathError {
        let removed_by = self.view.rootfs().removed_by(&at).filter(|_| errno == Errno::ENOENT);
        let rest = self.left.iter().rev().map(|c| c.name.as_bstr()).collect::<Vec<_>>();
        PathError {
            errno,
            at,
            rest: bstr::join("/", rest).into(),
            dangling: from_link && errno == Errno::ENOENT,
            links: self.links.clone(),
            removed_by,
            unknowable: None,
        }
    }
}
