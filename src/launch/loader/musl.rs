//! musl's loader: ldso/dynlink.c.

use std::rc::Rc;

use bstr::{BStr, BString, ByteSlice};
use goblin::elf::header;

use super::closure::{Closure, Found, Libc, LinkError};
use super::maps::{MAX_MAPS, Map, Maps};
use super::{Started, base};
use crate::format::elf::{HEADER, Machine, Object, Tag, is_elf};
use crate::rootfs::{Errno, Ino};

/// What `load_library` takes for the loader itself.
const OWN: [&str; 7] = ["libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."];
/// Where libraries are without a path file (`sys_path`).
const DEFAULT: &str = "/lib:/usr/local/lib:/usr/lib";
/// More of a path file than this is not read.
const PATH_FILE: usize = 1 << 20;
/// A composed path of this length or more is passed over (`buf` in `load_library`).
const BUFFER: usize = 512;
/// Length of a 32-bit ELF header.
const HEADER_32: usize = 52;
/// NAME_MAX.
const NAME: usize = 255;

/// Maps what the program needs, as musl does before it gives control to it.
///
/// # Errors
/// It cannot be told.
pub fn link(started: &Started<'_>, program: Rc<Object>, loader: Rc<Object>) -> Result<Closure, String> {
    let Started { program: file, interp, loader: own, .. } = started;
    let map = |path: &BStr, ino, object, found| Map {
        object,
        asked: path.into(),
        path: path.into(),
        names: Vec::new(),
        ino,
        needed_by: Maps::PROGRAM,
        found,
    };
    let maps = Maps::new(
        map(file.path.as_bstr(), file.ino, program, Found::Program),
        map(interp, own.ino, loader, Found::Loader),
    );
    let mut linker = Linker { started, maps, system: None, is_directory: false };
    linker.preload()?;
    linker.load_dependencies()?;
    Ok(linker.maps.finish(Libc::Musl, started.called))
}

struct Linker<'a> {
    started: &'a Started<'a>,
    maps: Maps,
    /// `sys_path`, once it was needed.
    system: Option<BString>,
    /// The path file is a directory.
    is_directory: bool,
}

/// What opening a library comes to.
enum Opened {
    Found(BString, Ino, Found),
    /// With what open(2) said, if it was called.
    Failed(Option<Errno>),
}

impl Linker<'_> {
    /// `load_preload`; what cannot be loaded is passed over.
    fn preload(&mut self) -> Result<(), String> {
        let names = self.variable(b"LD_PRELOAD");
        for name in names.split(|b| b.is_ascii_whitespace() || matches!(b, b':' | 0x0b)).filter(|n| !n.is_empty()) {
            self.load(name.as_bstr(), None)?.into_iter().for_each(drop);
        }
        Ok(())
    }

    /// A variable that only unprivileged processes heed.
    fn variable(&self, name: &[u8]) -> BString {
        let value = self.started.environment.get(name).filter(|_| !self.started.secure);
        value.cloned().unwrap_or_default()
    }

    /// `load_deps`: what every object needs, in the order of mapping. A failure is told and the rest tried.
    fn load_dependencies(&mut self) -> Result<(), String> {
        let mut next = 0;
        while let Some(number) = self.maps.order.get(next).copied() {
            let object = Rc::clone(&self.maps.get(number).object);
            let is_self = number == Maps::LOADER;
            for name in object.strings(Tag::Needed).filter(|_| !is_self) {
                if let Err(error) = self.load(name, Some(number))? {
                    self.maps.errors.push(error);
                }
            }
            next += 1;
        }
        Ok(())
    }

    /// `load_library`.
    fn load(&mut self, name: &BStr, needed_by: Option<usize>) -> Result<Result<(), LinkError>, String> {
        let is_own = OWN.iter().any(|own| name.starts_with(own.as_bytes()));
        if is_own || name == self.started.interp {
            self.maps.name(Maps::LOADER, name);
            self.maps.append(Maps::LOADER, needed_by.unwrap_or(Maps::PROGRAM));
            return Ok(Ok(()));
        }
        let by = needed_by.unwrap_or(Maps::PROGRAM);
        let has_slash = name.contains(&b'/');
        if !has_slash && self.maps.called(name).is_some() {
            return Ok(Ok(()));
        }
        let mut searched = Vec::new();
        let (path, ino, found) = match self.find(name, needed_by, &mut searched)? {
            Opened::Found(path, ino, found) => (path, ino, found),
            Opened::Failed(errno) => {
                let name = name.to_owned();
                return Ok(Err(LinkError::NotFound { name, needed_by: by, searched, other_class: None, errno }));
            }
        };
        let known = self.maps.iter().skip(1).find(|(_, map)| map.ino == ino).map(|(number, _)| number);
        if let Some(number) = known {
            if !has_slash && self.maps.get(number).names.is_empty() {
                self.shorten(number);
            }
            return Ok(Ok(()));
        }
        match self.map(ino)? {
            Ok(object) => self.add(name, path, ino, object, by, found).map(Ok),
            Err(problem) => {
                let name = name.to_owned();
                Ok(Err(LinkError::Unusable { name, path, needed_by: by, problem, by_name: true }))
            }
        }
    }

    fn add(
        &mut self,
        name: &BStr,
        path: BString,
        ino: Ino,
        object: Rc<Object>,
        needed_by: usize,
        found: Found,
    ) -> Result<(), String> {
        if self.maps.len() >= MAX_MAPS {
            return Err(format!("more than {MAX_MAPS} libraries are needed"));
        }
        let asked = name.to_owned();
        let number = self.maps.add(Map { object, asked, path, names: Vec::new(), ino, needed_by, found });
        if !name.contains(&b'/') {
            self.shorten(number);
        }
        self.maps.append(number, needed_by);
        Ok(())
    }

    /// Lets the last component of its path lead to a map (`shortname`).
    fn shorten(&mut self, number: usize) {
        let name = BString::from(base(&self.maps.get(number).path));
        self.maps.name(number, name.as_bstr());
    }

    /// The stages of the search.
    fn find(&mut self, name: &BStr, needed_by: Option<usize>, searched: &mut Vec<BString>) -> Result<Opened, String> {
        if name.is_empty() || (name.len() > NAME && !name.contains(&b'/')) {
            return Ok(Opened::Failed(None));
        }
        if name.contains(&b'/') {
            return Ok(match self.started.open(name)? {
                Ok(ino) => Opened::Found(name.to_owned(), ino, Found::Path),
                Err(errno) => Opened::Failed(Some(errno)),
            });
        }
        let mut stages = vec![(self.variable(b"LD_LIBRARY_PATH"), Found::LibraryPath)];
        if let Some(by) = needed_by {
            stages.extend(self.maps.ancestors(by).filter_map(|of| self.rpath(of)));
        }
        stages.push((BString::default(), Found::Default));
        let mut errno = None;
        for (mut path, found) in stages {
            if found == Found::Default {
                // Reading a path file that is a directory is what fails last, the first time.
                let before = self.system.is_some();
                path = self.system_path()?;
                errno = errno
                    .filter(|_| before || !self.is_directory)
                    .or((!before && self.is_directory).then_some(Errno::EISDIR));
            }
            match self.path_open(name, &path, searched)? {
                Ok((path, ino)) => return Ok(Opened::Found(path, ino, found)),
                Err(last) => errno = last.or(errno),
            }
            // Any other error inhibits the further search.
            if errno.is_some_and(|errno| !goes_on(errno) && errno != Errno::EISDIR) {
                break;
            }
        }
        Ok(Opened::Failed(errno))
    }

    fn path_open(
        &self,
        name: &BStr,
        list: &[u8],
        searched: &mut Vec<BString>,
    ) -> Result<Result<(BString, Ino), Option<Errno>>, String> {
        let mut errno = None;
        for directory in list.split(|b| matches!(b, b':' | b'\n')).filter(|d| !d.is_empty()) {
            searched.push(directory.into());
            let path = BString::from([directory, b"/", name.as_bytes()].concat());
            if path.len() >= BUFFER {
                continue;
            }
            match self.started.open(&path)? {
                Ok(ino) => return Ok(Ok((path, ino))),
                Err(error) if goes_on(error) => errno = Some(error),
                Err(error) => return Ok(Err(Some(error))),
            }
        }
        Ok(Err(errno))
    }

    /// DT_RUNPATH of an object, or else its DT_RPATH, which musl does not tell apart (`decode_dyn`, `fixup_rpath`).
    fn rpath(&self, number: usize) -> Option<(BString, Found)> {
        let map = self.maps.get(number);
        let (path, found) = match map.object.strings(Tag::Runpath).last() {
            Some(path) => (path, Found::Runpath(number)),
            None => (map.object.strings(Tag::Rpath).last()?, Found::Rpath(number)),
        };
        Some((self.origin(number, path)?, found))
    }

    /// `$ORIGIN` is the one token that is known; any other voids the whole list.
    fn origin(&self, number: usize, path: &BStr) -> Option<BString> {
        if !path.contains(&b'$') {
            return Some(path.to_owned());
        }
        let own = &self.maps.get(number).path;
        let directory = own.rfind_byte(b'/').map_or(&b"."[..], |at| own.get(..at).unwrap_or_default());
        let is_program = number == Maps::PROGRAM;
        if self.started.secure && (is_program || !directory.starts_with(b"/")) {
            return None;
        }
        let (mut out, mut rest) = (BString::default(), path.as_bytes());
        while let Some(at) = rest.find_byte(b'$') {
            let (before, token) = rest.split_at(at);
            rest = token.strip_prefix(b"$ORIGIN").or_else(|| token.strip_prefix(b"${ORIGIN}"))?;
            out.extend_from_slice(before);
            out.extend_from_slice(directory);
        }
        out.extend_from_slice(rest);
        Some(out)
    }

    /// The path file beside the loader, or the default: absent means the default, unreadable means nothing.
    fn system_path(&mut self) -> Result<BString, String> {
        if let Some(path) = &self.system {
            return Ok(path.clone());
        }
        let interp = self.started.interp;
        let parent = |path: &[u8]| path.rfind_byte(b'/').and_then(|at| path.get(..at).map(BString::from));
        let prefix = parent(interp).and_then(|directory| parent(&directory)).unwrap_or_default();
        let file = [prefix.as_bytes(), b"/etc/ld-musl-", architecture(self.started, &self.maps), b".path"].concat();
        let path = match self.started.open(&file)? {
            Ok(ino) if self.started.view.inode(ino).kind.is_directory() => {
                self.is_directory = true;
                BString::default()
            }
            Ok(ino) => self.started.view.read(ino, 0, PATH_FILE).map_err(|error| error.to_string())?.into(),
            Err(Errno::ENOENT) => BString::from(DEFAULT),
            Err(_) => BString::default(),
        };
        Ok(self.system.insert(path).clone())
    }

    /// `map_library`: it reads every file as one of its own layout, and asks for its type alone.
    fn map(&self, ino: Ino) -> Result<Result<Rc<Object>, &'static str>, String> {
        const NOEXEC: &str = "Exec format error";
        let view = self.started.view;
        if view.inode(ino).kind.is_directory() {
            return Ok(Err("Is a directory"));
        }
        let own = &self.maps.get(Maps::LOADER).object;
        let head = view.read(ino, 0, HEADER).map_err(|error| error.to_string())?;
        let is_short = head.len() < if own.machine().is_64 { HEADER } else { HEADER_32 };
        let class = |ident: &[u8]| ident.get(header::EI_CLASS).copied();
        // A library of another machine's word size lays out its headers differently, so that nothing fits.
        let unlike = |m: Machine| m.e_machine != own.e_machine && m.architecture().is_some();
        let is_other_size = class(&head) != class(&own.ident) && Machine::of(&head).is_some_and(unlike);
        if is_short || is_other_size || !is_elf(&head) && !self.has_type(&head) {
            return Ok(Err(NOEXEC));
        }
        match self.started.object(ino)? {
            Some(object) if object.machine() == own.machine() => {
                let is_mapped = matches!(object.e_type, header::ET_DYN | header::ET_EXEC) && object.has_dynamic;
                Ok(if is_mapped { Ok(object) } else { Err(NOEXEC) })
            }
            _ => Err("musl maps a library whatever machine it is for, and what then happens is not known".to_owned()),
        }
    }

    /// Whether what is no ELF file has ET_EXEC or ET_DYN where the type would be.
    fn has_type(&self, head: &[u8]) -> bool {
        let is_big_endian = self.maps.get(Maps::LOADER).object.machine().is_big_endian;
        let bytes: Option<[u8; 2]> = head.get(16..18).and_then(|bytes| bytes.try_into().ok());
        let kind = bytes.map(|bytes| if is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) });
        matches!(kind, Some(header::ET_DYN | header::ET_EXEC))
    }
}

/// Errors of open(2) after which `path_open` looks further.
fn goes_on(errno: Errno) -> bool {
    matches!(errno, Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::ENAMETOOLONG)
}

/// `LDSO_ARCH`, which the loader's own name has; if it was renamed, what its machine goes by (arch/*/reloc.h).
fn architecture<'a>(started: &'a Started<'_>, maps: &'a Maps) -> &'a [u8] {
    let named = |path: &'a [u8]| base(path).strip_prefix(b"ld-musl-")?.strip_suffix(b".so.1");
    let loader = &maps.get(Maps::LOADER).object;
    let hard_float = loader.e_flags & 0x400 != 0;
    let known = named(&started.loader.path).or_else(|| named(started.interp));
    known.unwrap_or_else(|| match loader.machine().architecture() {
        Some("amd64") => b"x86_64",
        Some("386") => b"i386",
        Some("arm64") => b"aarch64",
        Some("arm") if hard_float => b"armhf",
        Some("arm") => b"arm",
        Some("ppc64le") => b"powerpc64le",
        Some("loong64") => b"loongarch64",
        Some(other) => other.as_bytes(),
        None => b"",
    })
}
