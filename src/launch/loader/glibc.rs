//! glibc's ld.so: elf/dl-deps.c (which objects), elf/dl-load.c (where from), ld.so(8).

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

use bstr::{BStr, BString, ByteSlice};
use goblin::elf::dynamic;

use super::closure::{Closure, Found, Libc, LinkError};
use super::maps::{MAX_MAPS, Map, Maps};
use super::open::Candidate;
use super::processor::Processor;
use super::tokens::Tokens;
use super::{Started, versions};
use crate::format::elf::{Object, Tag};
use crate::format::ld_so_cache::Cache;
use crate::rootfs::{Errno, Ino};

/// Where the cache of ldconfig(8) is.
const CACHE: &[u8] = b"/etc/ld.so.cache";
/// Libraries to load before all others, ld.so(8).
const PRELOAD: &[u8] = b"/etc/ld.so.preload";
/// More of these files than this is not read.
const FILE_MAX: usize = 1 << 20;
/// `DF_1_NODEFLIB`, elf.h: no default directories.
const NODEFLIB: u64 = dynamic::DF_1_NODEFLIB;
/// `SECURE_NAME_LIMIT`, elf/rtld.c.
const SECURE_NAME: usize = 255;

/// Maps what the program needs, as ld.so does before it gives control to it.
///
/// # Errors
/// It cannot be told.
pub fn link(
    started: &Started<'_>,
    program: Rc<Object>,
    loader: Rc<Object>,
    processor: &Processor,
) -> Result<Closure, String> {
    let mut linker = Linker::new(started, program, loader, processor)?;
    linker.preload()?;
    linker.load_dependencies()?;
    linker.maps.has_variants |= linker.names_platform.get();
    versions::check(&mut linker.maps);
    Ok(linker.maps.finish(Libc::Glibc, started.called))
}

struct Linker<'a> {
    started: &'a Started<'a>,
    maps: Maps,
    processor: &'a Processor,
    /// What stands between a directory and the name, in the order of the search.
    subdirectories: Vec<String>,
    cache: Option<Cache>,
    /// Compiled into the loader.
    defaults: Vec<BString>,
    library_path: Vec<BString>,
    /// `$LIB`.
    lib: Option<BString>,
    /// `$PLATFORM`.
    platform: Option<&'static str>,
    /// Whether anything names it.
    names_platform: Cell<bool>,
    /// Directories of which it is known whether they have variants.
    looked_into: HashSet<BString>,
}

/// A library that is found.
struct Hit {
    path: BString,
    ino: Ino,
    object: Rc<Object>,
}

/// Why one is not.
enum Stop {
    /// An error of the image.
    Error(LinkError),
    /// It cannot be told.
    Unknown(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Stop::Unknown(why)
    }
}

/// A search under way.
struct Look<'n> {
    name: &'n BStr,
    needed_by: usize,
    searched: Vec<BString>,
    other_class: Option<&'static str>,
    errno: Option<Errno>,
}

impl<'a> Linker<'a> {
    fn new(
        started: &'a Started<'a>,
        program: Rc<Object>,
        loader: Rc<Object>,
        processor: &'a Processor,
    ) -> Result<Self, String> {
        let defaults: Vec<BString> = loader.strings(Tag::Directory).map(BStr::to_owned).collect();
        if defaults.is_empty() {
            return Err(format!("the directories compiled into `{}` are not known", started.loader.path));
        }
        let lib = defaults.first().map(|first| BString::from(first.trim_with(|c| c == '/')));
        let names = loader.strings(Tag::Soname).map(BStr::to_owned);
        let names = [started.interp.to_owned()].into_iter().chain(names).collect();
        let maps = Maps::new(
            map(
                started.program.path.as_bstr(),
                started.program.ino,
                program,
                Vec::new(),
                Maps::PROGRAM,
                Found::Program,
            ),
            map(started.interp, started.loader.ino, loader, names, Maps::PROGRAM, Found::Loader),
        );
        let platform = processor.platform.or_else(|| platform(&maps.get(Maps::PROGRAM).object));
        let subdirectories = processor.subdirectories();
        let mut linker = Linker {
            started,
            maps,
            processor,
            subdirectories,
            cache: None,
            defaults,
            library_path: Vec::new(),
            lib,
            platform,
            names_platform: Cell::new(false),
            looked_into: HashSet::new(),
        };
        linker.cache = linker.read(CACHE)?.and_then(|bytes| Cache::parse(&bytes));
        let library_path =
            started.environment.get(b"LD_LIBRARY_PATH").filter(|path| !path.is_empty() && !started.secure);
        if let Some(path) = library_path {
            linker.library_path = linker.directories(path.split(|b| matches!(b, b':' | b';')), Maps::PROGRAM);
        }
        Ok(linker)
    }

    /// The whole of a small file, if it can be opened.
    fn read(&self, path: &[u8]) -> Result<Option<Vec<u8>>, String> {
        match self.started.open(path)? {
            Ok(ino) => self.started.view.read(ino, 0, FILE_MAX).map(Some).map_err(|error| error.to_string()),
            Err(_) => Ok(None),
        }
    }

    /// LD_PRELOAD, then /etc/ld.so.preload (`dl_main` in elf/rtld.c); what cannot be loaded is passed over.
    fn preload(&mut self) -> Result<(), String> {
        let started = self.started;
        let variable = started.environment.get(b"LD_PRELOAD").cloned().unwrap_or_default();
        let valid = |name: &&[u8]| !started.secure || (name.len() < SECURE_NAME && !name.contains(&b'/'));
        let file = self.read(PRELOAD)?.unwrap_or_default();
        let uncommented = file.lines().map(|line| line.split(|b| *b == b'#').next().unwrap_or_default());
        let listed: Vec<&[u8]> = uncommented.flat_map(|l| l.split(|b| matches!(b, b':' | b' ' | b'\t'))).collect();
        let named = variable.split(|b| matches!(b, b':' | b' ')).filter(valid);
        for name in named.chain(listed).filter(|name| !name.is_empty()) {
            match self.load(name.as_bstr(), Maps::PROGRAM) {
                Ok(number) => self.maps.append(number, Maps::PROGRAM),
                Err(Stop::Error(_)) => {}
                Err(Stop::Unknown(why)) => return Err(why),
            }
        }
        Ok(())
    }

    /// `_dl_map_object_deps`: breadth first.
    fn load_dependencies(&mut self) -> Result<(), String> {
        let (mut done, mut at) = (HashSet::new(), 0);
        while let Some(number) = self.maps.order.get(at).copied() {
            if done.insert(number) {
                // What it is a filter of now stands before it, and comes next.
                self.load_all(number)?;
            } else {
                at += 1;
            }
        }
        Ok(())
    }

    /// Loads what one object names.
    fn load_all(&mut self, number: usize) -> Result<(), String> {
        let object = Rc::clone(&self.maps.get(number).object);
        for (tag, text) in object.dependencies() {
            // In a privileged program a token is an error, and so is what it voids.
            let name = self.expand(text, number).unwrap_or_default();
            match (self.load(name.as_bstr(), number), tag) {
                (Ok(found), Tag::Needed) => self.maps.append(found, number),
                (Ok(found), _) => self.maps.put_before(number, found),
                (Err(Stop::Error(_)), Tag::Auxiliary) => {}
                (Err(Stop::Error(error)), _) => self.maps.errors.push(error),
                (Err(Stop::Unknown(why)), _) => return Err(why),
            }
        }
        Ok(())
    }

    /// `_dl_map_object`: the number of the map that `name` leads to.
    fn load(&mut self, name: &BStr, needed_by: usize) -> Result<usize, Stop> {
        if let Some(number) = self.maps.known(name) {
            self.maps.name(number, name);
            return Ok(number);
        }
        let (hit, found) = if name.contains(&b'/') || name.is_empty() {
            (self.at(name, needed_by)?, Found::Path)
        } else {
            self.search(name, needed_by)?
        };
        let same = self.maps.iter().find(|(_, map)| map.ino == hit.ino).map(|(number, _)| number);
        if let Some(number) = same {
            self.maps.name(number, name);
            return Ok(number);
        }
        if self.maps.len() >= MAX_MAPS {
            return Err(Stop::Unknown(format!("more than {MAX_MAPS} libraries are needed")));
        }
        let Hit { path, ino, object } = hit;
        Ok(self.maps.add(map(path.as_bstr(), ino, object, vec![name.to_owned()], needed_by, found)))
    }

    /// A name with a slash: exactly that file, once its tokens are expanded (those of LD_PRELOAD by the program's place).
    fn at(&self, name: &BStr, needed_by: usize) -> Result<Hit, Stop> {
        let path = self.expand(name, needed_by).unwrap_or_default();
        let mut look = Look { name, needed_by, searched: Vec::new(), other_class: None, errno: None };
        match self.candidate(path, &mut look)? {
            Some(hit) => Ok(hit),
            None => Err(look.fail()),
        }
    }

    /// The stages of the search, in ld.so's order.
    fn search(&mut self, name: &BStr, needed_by: usize) -> Result<(Hit, Found), Stop> {
        let mut look = Look { name, needed_by, searched: Vec::new(), other_class: None, errno: None };
        let own = Rc::clone(&self.maps.get(needed_by).object);
        if own.string(Tag::Runpath).is_none() {
            for of in self.rpath_chain(needed_by) {
                if let Some(hit) = self.in_list(&self.rpath(of, Tag::Rpath), &mut look)? {
                    return Ok((hit, Found::Rpath(of)));
                }
            }
        }
        if let Some(hit) = self.in_list(&self.library_path.clone(), &mut look)? {
            return Ok((hit, Found::LibraryPath));
        }
        if let Some(hit) = self.in_list(&self.rpath(needed_by, Tag::Runpath), &mut look)? {
            return Ok((hit, Found::Runpath(needed_by)));
        }
        let defaults = own.flags_1 & NODEFLIB == 0;
        if let Some(hit) = self.in_cache(defaults, &mut look)? {
            return Ok((hit, Found::Cache));
        }
        if defaults && let Some(hit) = self.in_list(&self.defaults.clone(), &mut look)? {
            return Ok((hit, Found::Default));
        }
        Err(look.fail())
    }

    /// The objects whose DT_RPATH counts: the one that needs the library, what made it be loaded, and so on, and the
    /// program.
    fn rpath_chain(&self, number: usize) -> Vec<usize> {
        let counts = |n: &usize| self.maps.get(*n).object.string(Tag::Runpath).is_none();
        let mut chain: Vec<usize> = self.maps.ancestors(number).collect();
        if !chain.contains(&Maps::PROGRAM) {
            chain.push(Maps::PROGRAM);
        }
        chain.retain(counts);
        chain
    }

    /// The directories of DT_RPATH or DT_RUNPATH of an object; of repeated entries the last counts.
    fn rpath(&self, number: usize, tag: Tag) -> Vec<BString> {
        let path = self.maps.get(number).object.strings(tag).last();
        path.filter(|path| !path.is_empty())
            .map_or_else(Vec::new, |path| self.directories(path.split(|b| *b == b':'), number))
    }

    /// `fillin_rpath`: tokens expanded, one slash at the end, none twice; an empty element is the working directory.
    fn directories<'p>(&self, elements: impl Iterator<Item = &'p [u8]>, number: usize) -> Vec<BString> {
        let mut directories: Vec<BString> = Vec::new();
        for element in elements {
            let expanded = self.expand(element, number);
            let Some(mut directory) = expanded.filter(|d| !d.is_empty() || element.is_empty()) else { continue };
            while directory.len() > 1 && directory.ends_with(b"/") {
                directory.pop();
            }
            if !directory.is_empty() && !directory.ends_with(b"/") {
                directory.push(b'/');
            }
            if !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories
    }

    /// What an object says, with its tokens expanded.
    fn expand(&self, text: &[u8], number: usize) -> Option<BString> {
        if text.contains_str("PLATFORM") {
            self.names_platform.set(true);
        }
        let tokens = Tokens {
            origin: directory_of(&self.maps.get(number).path),
            lib: self.lib.as_ref().map(|lib| lib.as_bstr()),
            platform: self.platform,
            secure: self.started.secure,
            is_program: number == Maps::PROGRAM,
        };
        tokens.expand(text, |path| self.is_trusted(path))
    }

    /// `is_trusted_path_normalize`: below a directory that is compiled in.
    fn is_trusted(&self, path: &[u8]) -> bool {
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in path.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => drop(parts.pop()),
                name => parts.push(name),
            }
        }
        let normal = [b"/".as_slice(), &parts.join(&b'/'), b"/"].concat();
        self.defaults.iter().any(|directory| normal.starts_with(directory))
    }

    /// `open_path`: a list of directories, each with its subdirectories.
    fn in_list(&mut self, directories: &[BString], look: &mut Look<'_>) -> Result<Option<Hit>, Stop> {
        for directory in directories {
            look.searched.push(directory.clone());
            if self.looked_into.insert(directory.clone()) {
                self.maps.has_variants |= self.has_variants(directory);
            }
            for subdirectory in &self.subdirectories {
                let path = [directory.as_bytes(), subdirectory.as_bytes(), look.name].concat();
                if let Some(hit) = self.candidate(path.into(), look)? {
                    return Ok(Some(hit));
                }
            }
            // A directory that is there, and an error other than these: the rest of the list is not looked at.
            if !matches!(look.errno, Some(Errno::ENOENT | Errno::EACCES) | None) && self.is_directory(directory) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// `_dl_load_cache_lookup`. An entry whose file is gone counts for nothing.
    fn in_cache(&mut self, defaults: bool, look: &mut Look<'_>) -> Result<Option<Hit>, Stop> {
        let Some(cache) = &self.cache else { return Ok(None) };
        let accepted = accepted(&self.maps.get(Maps::PROGRAM).object);
        let rank = |level: &[u8]| self.processor.rank(level);
        self.maps.has_variants |= cache.has_variants(look.name);
        let Some(path) = cache.lookup(look.name, &accepted, rank, self.processor.capabilities()) else {
            return Ok(None);
        };
        look.searched.push(CACHE.into());
        if !defaults && self.defaults.iter().any(|directory| path.starts_with(directory)) {
            return Ok(None);
        }
        self.candidate(path.to_owned(), look)
    }

    fn candidate(&self, path: BString, look: &mut Look<'_>) -> Result<Option<Hit>, Stop> {
        match self.started.verify(&path, &self.maps.get(Maps::PROGRAM).object)? {
            Candidate::Taken(ino, object) => return Ok(Some(Hit { path, ino, object })),
            Candidate::Passed(errno) => look.errno = Some(errno),
            Candidate::OtherClass => {
                let is_64 = self.maps.get(Maps::PROGRAM).object.machine().is_64;
                look.other_class = Some(if is_64 { "ELFCLASS32" } else { "ELFCLASS64" });
                look.errno = Some(Errno::ENOENT);
            }
            Candidate::Fatal(problem) => return Err(look.unusable(path, problem, false)),
            Candidate::Unmapped(problem) => return Err(look.unusable(path, problem, true)),
            Candidate::Cut => {
                let (name, needed_by) = (look.name.to_owned(), look.needed_by);
                return Err(Stop::Error(LinkError::Cut { name, path, needed_by }));
            }
        }
        Ok(None)
    }

    /// Whether a directory has subdirectories that only some processors make the loader look into.
    fn has_variants(&self, directory: &BString) -> bool {
        Processor::MARKS.iter().any(|mark| self.is_directory(&[directory.as_bytes(), mark.as_bytes()].concat()))
    }

    fn is_directory(&self, path: &[u8]) -> bool {
        let Started { view, cwd, credentials, .. } = self.started;
        let path = if path.is_empty() { b".".as_slice() } else { path };
        view.resolve(path, cwd, credentials).is_ok_and(|found| view.inode(found.ino).kind.is_directory())
    }
}

impl Look<'_> {
    fn unusable(&self, path: BString, problem: &'static str, by_name: bool) -> Stop {
        let (name, needed_by) = (self.name.to_owned(), self.needed_by);
        Stop::Error(LinkError::Unusable { name, path, needed_by, problem, by_name })
    }

    fn fail(self) -> Stop {
        let Look { name, needed_by, searched, other_class, errno } = self;
        Stop::Error(LinkError::NotFound { name: name.to_owned(), needed_by, searched, other_class, errno })
    }
}

fn map(path: &BStr, ino: Ino, object: Rc<Object>, names: Vec<BString>, needed_by: usize, found: Found) -> Map {
    let asked = names.first().cloned().unwrap_or_else(|| path.to_owned());
    Map { object, asked, path: path.to_owned(), names, ino, needed_by, found }
}

/// `$ORIGIN` of an object (elf/dl-object.c): the directory of its path.
fn directory_of(path: &BString) -> Option<&BStr> {
    let at = path.rfind_byte(b'/')?;
    path.get(..at.max(1)).map(BStr::new)
}

/// AT_PLATFORM (`ELF_PLATFORM` in the kernel's arch/*/include/asm/elf.h), where it does not depend on the processor.
fn platform(program: &Object) -> Option<&'static str> {
    match program.machine().architecture()? {
        "amd64" => Some("x86_64"),
        "arm64" => Some("aarch64"),
        "386" => Some("i686"),
        _ => None,
    }
}

/// `_dl_cache_check_flags` (sysdeps/unix/sysv/linux/*/dl-cache.h): the flags of entries that a loader takes.
fn accepted(program: &Object) -> Vec<i32> {
    let double_float = program.e_flags & 6 == 4;
    let hard_float = program.e_flags & 0x400 != 0;
    match program.machine().architecture() {
        Some("amd64") => vec![0x303],
        Some("amd64p32") => vec![0x803],
        Some("arm64") => vec![0xa03],
        Some("s390x") => vec![0x403],
        Some("ppc64" | "ppc64le") => vec![0x503],
        Some("riscv64" | "riscv32") => vec![if double_float { 0x1003 } else { 0xf03 }],
        Some("arm") => vec![if hard_float { 0x903 } else { 0xb03 }, 3],
        Some("loong64") => vec![if program.e_flags & 7 == 3 { 0x1103 } else { 0x1203 }],
        Some("mips64" | "mips64le") => vec![0x703, 0xe03],
        _ => vec![3, 1],
    }
}
