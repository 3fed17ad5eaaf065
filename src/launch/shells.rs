//! Shells as programs of an image: which shell a file is, what its words ask for, what it reads before its script.

use bstr::{BStr, BString, ByteSlice};

use super::execve::Loaded;
use super::program::{Running, base};
use super::script::world::{Content, Inside, World};
use super::script::{self, Bounds, End, Ending, Invocation};
use super::shell::{self, Options, Replacing, Shell, Startup, Version};
use crate::rootfs::View;

/// The shell that a program is by the name of its file and the one that it is called by. One that is called by the name of
/// another does as that one does, as far as it can: that is not followed.
pub fn by_name(view: &View<'_>, loaded: &Loaded) -> Option<Shell> {
    let file = base(&loaded.file.path);
    let called = loaded.argv.first().map(|word| base(word)).unwrap_or_default();
    let called = called.strip_prefix(b"-").unwrap_or(called);
    let own = |names: &[&str]| names.iter().any(|name| called.starts_with(name.as_bytes()));
    match file {
        b"sh" | b"ash" => by_bytes(view, loaded),
        b"dash" => Some(Shell::Dash),
        b"bash" => Some(Shell::Bash),
        b"mksh" | b"lksh" | b"mksh-static" => Some(Shell::Mksh).filter(|_| own(&["mksh", "lksh", "ksh"])),
        b"ksh" => korn(view, loaded).filter(|_| own(&["ksh", "mksh"])),
        b"yash" => Some(Shell::Yash).filter(|_| own(&["yash"])),
        file if file.starts_with(b"ksh93") => Some(Shell::Ksh).filter(|_| own(&["ksh"])),
        file if file == b"zsh" || file.starts_with(b"zsh-5") || file == b"zsh5" => {
            Some(Shell::Zsh).filter(|_| own(&["zsh"]))
        }
        _ => None,
    }
}

/// The shell that a file named `sh` is, which is a link to a shell in most images.
pub fn by_bytes(view: &View<'_>, loaded: &Loaded) -> Option<Shell> {
    shell::by_bytes(&view.read(loaded.file.ino, 0, shell::LONGEST).ok()?)
}

fn korn(view: &View<'_>, loaded: &Loaded) -> Option<Shell> {
    shell::korn(&view.read(loaded.file.ino, 0, shell::LONGEST).ok()?)
}

/// How far this program replaces itself by its last command.
fn replacing(view: &View<'_>, shell: Shell, loaded: &Loaded) -> Replacing {
    let bytes = view.read(loaded.file.ino, 0, shell::LONGEST).unwrap_or_default();
    Version::of(shell, &bytes).replacing(shell)
}

/// The ends of what a shell is given. Only where it matters the version of the shell is looked for in `program`.
pub fn ends(
    view: &View<'_>,
    call: &mut Invocation,
    program: Option<&Loaded>,
    bounds: Bounds,
    world: &Inside<'_>,
) -> Vec<Ending> {
    let endings = script::follow(call, world, bounds);
    let saved = |e: &Ending| matches!(e.end, End::Exec { explicit: false, .. });
    let Some(program) = program.filter(|_| endings.iter().any(saved)) else { return endings };
    call.replaces = replacing(view, call.shell, program);
    if call.replaces == Replacing::Last { endings } else { script::follow(call, world, bounds) }
}

impl Running<'_> {
    /// The files that a shell reads before its script, with their texts; `None` if that is not known.
    pub(super) fn startup(
        &self,
        shell: Shell,
        called: &BStr,
        options: &Options,
        home: Option<&BStr>,
    ) -> Option<Vec<(BString, BString)>> {
        let Startup::Files(groups) =
            Startup::of(shell, base(called).as_bstr(), options.login, options.no_profile, home)
        else {
            return None;
        };
        let world = Inside::new(self.view, self.credentials.clone());
        let mut files = Vec::new();
        for path in groups.into_iter().filter_map(|group| self.first(&world, group).transpose()) {
            let (path, text) = path.ok()?;
            if shell != Shell::Zsh {
                files.push((path, text));
            } else if !shell::is_harmless(&text, self.environment.get(b"PATH").map(|p| p.as_bstr())) {
                return None;
            }
        }
        Some(files)
    }

    /// Whether bash begins in POSIX mode (bash(1), `--posix`, POSIXLY_CORRECT).
    pub(super) fn is_posix(&self, called: &BStr, options: &Options) -> bool {
        options.posix || shell::is_sh(base(called).as_bstr()) || self.environment.get(b"POSIXLY_CORRECT").is_some()
    }

    /// The first of the files that is there.
    fn first(&self, world: &Inside<'_>, paths: Vec<BString>) -> Result<Option<(BString, BString)>, ()> {
        for path in paths {
            match world.read(path.as_bstr()) {
                Content::Absent => {}
                Content::Bytes(text) => return Ok(Some((path, text.into()))),
                Content::Unknown => return Err(()),
            }
        }
        Ok(None)
    }

    /// The home directory: of the environment, or as engines take it from passwd(5).
    pub(super) fn home(&self) -> Option<BString> {
        if let Some(home) = self.environment.get(b"HOME").filter(|home| !home.is_empty()) {
            return Some(home.to_owned());
        }
        let world = Inside::new(self.view, self.credentials.clone());
        let passwd = match world.read(b"/etc/passwd".as_bstr()) {
            Content::Bytes(text) => text,
            Content::Absent => return Some("/".into()),
            Content::Unknown => return None,
        };
        let uid = self.credentials.uid.to_string();
        let fields = passwd.lines().map(|line| line.split_str(":").collect::<Vec<_>>());
        let mut own = fields.filter(|f| f.get(2).is_some_and(|id| *id == uid.as_bytes()));
        Some(own.next().and_then(|f| f.get(5).copied()).filter(|h| !h.is_empty()).unwrap_or(b"/").into())
    }
}
