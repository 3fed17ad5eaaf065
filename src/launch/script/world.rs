//! What a script finds around it: files, programs, ids.

use std::cell::OnceCell;

use bstr::{BStr, BString, ByteSlice};

use super::program;
use super::value::{Field, Status, Truth, Value};
use crate::format::shell::is_own_word;
use crate::launch::busybox::Applets;
use crate::launch::shell::Shell;
use crate::rootfs::{Credentials, EXECUTE, Errno, Ino, Inode, Kind, PathError, READ, Resolved, View};

/// More of a file than this is not read.
const MAX_LENGTH: usize = 1 << 20;

/// A command that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file that can be executed, by its path as called.
    Program(BString),
    /// The shell says so with this code: 127 or 126.
    Fails(u8),
    /// Not known.
    Unknown,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is not there, or may not be read.
    Absent,
    /// Not known.
    Unknown,
}

/// A program that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// It ends soon by itself.
    pub short: bool,
    /// With this status.
    pub status: Status,
    /// What it prints; `None`: not known.
    pub output: Option<BString>,
    /// It changes files that it does not name.
    pub disturbs: bool,
    /// It certainly never ends by itself.
    pub never: bool,
}

/// A program that a shell is about to start.
#[derive(Clone, Copy, Debug)]
pub struct Called<'c> {
    /// Its words.
    pub argv: &'c [Field],
    /// Its environment.
    pub environment: &'c [(BString, Value)],
    /// Its working directory.
    pub cwd: &'c Value,
    /// Other files may be there by then than the image has.
    pub changed: bool,
    /// Paths that are not what the image has there, or may not be.
    pub touched: &'c [BString],
    /// Its standard input is not the container's, and may hold anything.
    pub fed: bool,
}

/// What is sure to become of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It ends by itself, and soon.
    Ends {
        /// With this code.
        code: u8,
        /// It is a script, which did what it does; others end before they do anything.
        acted: bool,
    },
    /// It gets control, whatever its words are.
    Runs,
    /// That is not known.
    Unknown,
}

/// Follows programs that scripts start.
pub trait Programs {
    /// What is sure to become of a program.
    fn fate(&self, called: &Called<'_>) -> Fate;
}

impl Run {
    /// A program of which nothing is known.
    pub const UNKNOWN: Run = Run { short: false, status: Status::Unknown, output: None, disturbs: true, never: false };
}

/// What a script finds around it.
pub trait World {
    /// `test -OPERATOR path`, of an absolute path.
    fn test(&self, operator: u8, path: &BStr) -> Truth;
    /// Looks a command up: in `search`, the value of PATH, unless it holds a slash. `exec`: to become it.
    fn command(&self, shell: Shell, name: &BStr, search: Option<&BStr>, cwd: &BStr, exec: bool) -> Found;
    /// Reads a file.
    fn read(&self, path: &BStr) -> Content;
    /// The path without links, all of it there; `None` if that is not known; `Some(None)` if it is not there.
    fn canonical(&self, path: &BStr) -> Option<Option<BString>>;
    /// The names in a directory; `None` if not known, none if it is no directory.
    fn list(&self, directory: &BStr) -> Option<Vec<BString>>;
    /// Effective user and group.
    fn ids(&self) -> (u32, u32);
    /// The name of a user, from passwd(5).
    fn user(&self, _uid: u32) -> Option<BString> {
        None
    }
    /// What comes of running a program.
    fn run(&self, argv: &[Field], cwd: &BStr) -> Run;
    /// What is sure to become of a program: see [`Programs::fate`].
    fn fate(&self, _called: &Called<'_>) -> Fate {
        Fate::Unknown
    }
}

/// The container's file system, seen by its process.
pub struct Inside<'a> {
    view: &'a View<'a>,
    credentials: Credentials,
    /// The busybox whose shell it is.
    busybox: Option<Ino>,
    applets: OnceCell<Option<Applets>>,
    programs: Option<&'a dyn Programs>,
}

impl<'a> Inside<'a> {
    /// A process with these credentials; execve(2) has taken what capabilities a user other than root had.
    pub fn new(view: &'a View<'a>, credentials: Credentials) -> Self {
        Inside { view, credentials, busybox: None, applets: OnceCell::new(), programs: None }
    }

    /// The same for the shell of this busybox.
    #[must_use]
    pub fn of_busybox(self, busybox: Option<Ino>) -> Self {
        Inside { busybox, ..self }
    }

    /// The same, with what comes of other programs than those that are known by their names.
    #[must_use]
    pub fn with_programs(self, programs: &'a dyn Programs) -> Self {
        Inside { programs: Some(programs), ..self }
    }

    /// Whether the shell runs an applet of its own under that name.
    fn has_own(&self, name: &BStr) -> bool {
        let read = || Applets::of(self.view, self.busybox?).ok();
        self.applets.get_or_init(read).as_ref().is_some_and(|applets| applets.preferred && applets.has(name))
    }

    fn resolve(&self, path: &[u8]) -> Result<Resolved, PathError> {
        self.view.resolve(path, b"/", &self.credentials)
    }

    fn answer(&self, operator: u8, inode: Inode<'_>, size: u64) -> Truth {
        let credentials = &self.credentials;
        Truth::from(match operator {
            b'e' => true,
            b'f' => inode.kind.is_regular(),
            b'd' => inode.kind.is_directory(),
            b's' => inode.kind.is_directory() || size > 0,
            b'r' => credentials.may(READ, inode),
            b'w' => credentials.may(2, inode),
            b'x' => credentials.may(EXECUTE, inode),
            b'h' | b'L' => matches!(inode.kind, Kind::Symlink(_)),
            b'u' => inode.mode & 0o4000 != 0,
            b'g' => inode.mode & 0o2000 != 0,
            b'k' => inode.mode & 0o1000 != 0,
            b'O' => inode.uid == credentials.uid,
            b'G' => inode.gid == credentials.gid,
            b'S' | b'p' | b'b' | b'c' if inode.kind.is_regular() || inode.kind.is_directory() => false,
            b'S' => false,
            _ => return Truth::Unknown,
        })
    }

    /// The link itself, where `test -h` asks for it.
    fn link(&self, path: &BStr) -> Truth {
        let (parent, name) = path.rsplit_once_str("/").unwrap_or((b"", path));
        let parent = if parent.is_empty() { b"/" } else { parent };
        match self.resolve(parent) {
            Ok(dir) => match self.view.entry(dir.ino, name) {
                Some(ino) => Truth::from(matches!(self.view.inode(ino).kind, Kind::Symlink(_))),
                None => Truth::No,
            },
            Err(error) => Truth::from(error.unknowable.is_none().then_some(false)),
        }
    }

    /// An element of PATH, or a path (`by_path`): a file that can be executed, or why not.
    fn candidate(&self, path: &[u8], cwd: &BStr, by_path: bool) -> Result<(), (Option<Errno>, bool)> {
        let found = match by_path {
            true => self.view.resolve_program(path, cwd, &self.credentials),
            false => self.view.resolve(path, cwd, &self.credentials),
        };
        let resolved = found.map_err(|e| match e.unknowable {
            Some(_) => (None, false),
            None => (Some(e.errno), e.errno == Errno::EACCES),
        })?;
        let inode = self.view.inode(resolved.ino);
        match inode.kind {
            Kind::Regular { .. } if self.credentials.may(EXECUTE, inode) => Ok(()),
            Kind::Unknowable => Err((None, false)),
            _ => Err((Some(Errno::EACCES), false)),
        }
    }

    fn is_regular(&self, path: &[u8], cwd: &BStr) -> bool {
        let found = self.view.resolve(path, cwd, &self.credentials);
        found.is_ok_and(|f| self.view.inode(f.ino).kind.is_regular())
    }
}

impl World for Inside<'_> {
    fn test(&self, operator: u8, path: &BStr) -> Truth {
        if matches!(operator, b'h' | b'L') {
            return self.link(path);
        }
        match self.resolve(path) {
            Ok(found) if self.view.is_assumed(found.ino) => Truth::Unknown,
            Ok(found) => match self.view.inode(found.ino) {
                inode if matches!(inode.kind, Kind::Unknowable | Kind::Runtime) => match operator {
                    b'e' => Truth::Yes,
                    _ => Truth::Unknown,
                },
                inode => self.answer(operator, inode, self.view.size(found.ino)),
            },
            Err(error) => Truth::from(error.unknowable.is_none().then_some(false)),
        }
    }

    fn command(&self, shell: Shell, name: &BStr, search: Option<&BStr>, cwd: &BStr, exec: bool) -> Found {
        if name.contains(&b'/') {
            return match self.candidate(name, cwd, true) {
                Ok(()) => Found::Program(name.into()),
                Err((None, _)) => Found::Unknown,
                Err((Some(errno), closed)) => Found::Fails(shell.cannot_execute(errno, false, exec, closed)),
            };
        }
        let Some(search) = search else { return Found::Unknown };
        let (mut closed, mut unseen): (Option<(Errno, bool)>, bool) = (None, false);
        for element in search.split_str(":").take(1000) {
            let mut path = BString::from(if element.is_empty() { b"." } else { element });
            path.push(b'/');
            path.extend_from_slice(name);
            match self.candidate(&path, cwd, false) {
                Ok(()) => return Found::Program(path),
                Err((None, _)) if self.view.unseen().is_none() => return Found::Unknown,
                // Nobody calls a program `[a,`: that was to be an array.
                Err((None, _)) => unseen |= !is_own_word(name) && !name.contains(&b' '),
                Err((Some(Errno::EACCES), true)) => closed = closed.or(Some((Errno::EACCES, true))),
                Err((Some(Errno::EACCES), false)) if exec && shell != Shell::Bash || self.is_regular(&path, cwd) => {
                    closed = Some((Errno::EACCES, false))
                }
                Err(_) => {}
            }
        }
        match closed {
            _ if unseen || self.has_own(name) => Found::Unknown,
            Some((errno, unreachable)) => Found::Fails(shell.cannot_execute(errno, true, exec, unreachable)),
            None => Found::Fails(127),
        }
    }

    fn read(&self, path: &BStr) -> Content {
        let Ok(found) = self.resolve(path) else {
            return if self.test(b'e', path) == Truth::No { Content::Absent } else { Content::Unknown };
        };
        let inode = self.view.inode(found.ino);
        if !inode.kind.is_regular() || self.view.is_assumed(found.ino) && !is_table(path) {
            return Content::Unknown;
        }
        if !self.credentials.may(READ, inode) {
            return Content::Absent;
        }
        if self.view.size(found.ino) > MAX_LENGTH as u64 {
            return Content::Unknown;
        }
        self.view.read(found.ino, 0, MAX_LENGTH).map_or(Content::Unknown, Content::Bytes)
    }

    fn canonical(&self, path: &BStr) -> Option<Option<BString>> {
        match self.resolve(path) {
            Ok(found) => Some(Some(found.path)),
            Err(error) => error.unknowable.is_none().then_some(None),
        }
    }

    fn list(&self, directory: &BStr) -> Option<Vec<BString>> {
        match self.resolve(directory) {
            Ok(found) => match self.view.inode(found.ino).kind {
                Kind::Directory(names) if found.path != "/" && found.path != "/dev" => {
                    Some(names.keys().map(BString::from).collect())
                }
                Kind::Regular { .. } => Some(Vec::new()),
                _ => None,
            },
            Err(error) => error.unknowable.is_none().then(Vec::new),
        }
    }

    fn ids(&self) -> (u32, u32) {
        (self.credentials.uid, self.credentials.gid)
    }

    fn user(&self, uid: u32) -> Option<BString> {
        let Content::Bytes(passwd) = self.read(b"/etc/passwd".as_bstr()) else { return None };
        let fields = passwd.lines().map(|l| l.split_str(":").collect::<Vec<_>>());
        let mut of = fields.filter(|f| f.get(2).is_some_and(|u| *u == uid.to_string().as_bytes()));
        of.next()?.first().map(|n| BString::from(*n))
    }

    fn run(&self, argv: &[Field], cwd: &BStr) -> Run {
        program::run(argv, cwd, self)
    }

    fn fate(&self, called: &Called<'_>) -> Fate {
        self.programs.map_or(Fate::Unknown, |programs| programs.fate(called))
    }
}

/// passwd(5) or group(5), which are assumed with what is asked of them.
fn is_table(path: &BStr) -> bool {
    matches!(path.as_bytes(), b"/etc/passwd" | b"/etc/group")
}

/// An absolute path: `path` itself, or below `cwd`.
pub fn absolute(path: &BStr, cwd: &Value) -> Option<BString> {
    if path.starts_with(b"/") {
        return Some(path.into());
    }
    let mut whole = BString::from(cwd.known()?);
    if !whole.ends_with(b"/") {
        whole.push(b'/');
    }
    let path = path.strip_prefix(b"./").unwrap_or(path);
    whole.extend_from_slice(path);
    Some(whole)
}
