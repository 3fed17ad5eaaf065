//! A made-up root for a script of which only the script, the Dockerfile and the context are at hand: the shells of this
//! machine, stubs for what the script calls, users, directories.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use bstr::ByteSlice;
use imagelint::format::elf::Object;
use imagelint::format::shell::{Dialect, parse};
use imagelint::image::{Changeset, Content, Entry, FileType, Image, Layer};

use super::case::Case;
use super::recipe::{PATH, Recipe};
use super::words::Words;
use super::{elf, tree};

/// Programs that any image of the kind has.
const GENERIC: &str = "app awk base64 basename bash cat chgrp chmod chown cp curl cut date dirname dumb-init echo env expr \
    false find gosu grep head hostname id install ip kill ln ls mkdir mktemp mv nginx node nproc openssl perl printf ps pwd \
    python python3 readlink realpath rm rmdir sed seq sleep sort stat su su-exec sudo supervisord tail tar tee test timeout \
    tini touch tr true uname uniq wc wget which whoami xargs";
const DIRECTORIES: &str = "tmp usr/bin usr/sbin usr/lib usr/lib64 usr/local/bin usr/local/sbin usr/share etc var/lib var/log \
    var/run var/cache var/www/html run root home opt srv mnt media proc sys dev";
const USERS: &str = "root daemon bin sys mail www-data nobody postgres mysql redis nginx";
/// Files of this machine that shells consist of, and where the image has them.
const MACHINE: [(&str, &str); 7] = [
    ("/bin/dash", "usr/bin/dash"),
    ("/bin/bash", "usr/bin/bash"),
    ("/bin/busybox", "usr/bin/busybox"),
    ("/lib64/ld-linux-x86-64.so.2", "usr/lib64/ld-linux-x86-64.so.2"),
    ("/lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu/libc.so.6"),
    ("/lib/x86_64-linux-gnu/libresolv.so.2", "usr/lib/x86_64-linux-gnu/libresolv.so.2"),
    ("/lib/x86_64-linux-gnu/libtinfo.so.6", "usr/lib/x86_64-linux-gnu/libtinfo.so.6"),
];

/// Length and bytes of a program.
type Stored = (u64, Arc<Content>);

fn program(bytes: Vec<u8>) -> Stored {
    let mut content = Content::head(bytes.as_slice());
    let fetch = |offset: u64, len: usize| bytes.get(offset as usize..offset as usize + len).map(Into::into).ok_or(());
    if let Ok(Some(object)) = Object::read(bytes.len() as u64, fetch) {
        content.set_object(object);
    }
    (bytes.len() as u64, Arc::new(content))
}

static STUB: LazyLock<Stored> = LazyLock::new(|| {
    let small = elf::programs().into_iter().find(|(name, _)| *name == "ok");
    program(small.unwrap().1)
});
static SHELLS: LazyLock<Vec<(&str, Stored)>> = LazyLock::new(|| {
    // Debian's busybox prefers its applets to files, that of the images does not
    let plain = |bytes: Vec<u8>| bytes.replace("/proc/self/exe", "/proc/self/no.");
    let read = |path: &str| std::fs::read(path).map(|bytes| program(plain(bytes)));
    MACHINE.iter().map(|(from, to)| (*to, read(from).unwrap_or_else(|_| STUB.clone()))).collect()
});

/// Whether all shells are real ones.
pub fn is_real() -> bool {
    MACHINE.iter().all(|(from, _)| std::path::Path::new(from).exists())
}

/// A file of the root in the making.
enum File {
    Text(Vec<u8>, u16),
    Program(u64, Arc<Content>),
    Link(String),
    Directory(u16),
}

/// The image of a case, and the path of its script.
pub struct Root {
    /// The image.
    pub image: Image,
    /// The script.
    pub script: String,
    /// Which shell `/bin/sh` is.
    pub sh: &'static str,
}

struct Maker<'c> {
    case: &'c Case,
    recipe: Recipe,
    files: BTreeMap<String, File>,
    script: String,
}

/// Makes it; `more` are programs and files that an earlier attempt was found to lack.
pub fn make(case: &Case, more: &BTreeSet<String>) -> Root {
    let recipe = case.dockerfile.as_deref().map(Recipe::read).unwrap_or_default();
    let mut maker = Maker { case, recipe, files: BTreeMap::new(), script: String::new() };
    let sh = maker.shells();
    maker.copies();
    maker.place();
    maker.called(more);
    let workdir = maker.recipe.workdir.clone();
    maker.directory(&workdir);
    Root { script: maker.script.clone(), image: maker.image(), sh }
}

/// /bin and its like are links into /usr.
fn merged(path: &str) -> String {
    let is = ["bin/", "sbin/", "lib/", "lib64/"].iter().any(|directory| path.starts_with(directory));
    if is { format!("usr/{path}") } else { path.to_owned() }
}

impl Maker<'_> {
    fn shells(&mut self) -> &'static str {
        for dir in DIRECTORIES.split_whitespace() {
            self.directory(&format!("/{dir}"));
        }
        self.files.insert("tmp".into(), File::Directory(0o1777));
        for (link, target) in [("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")] {
            self.files.insert(link.into(), File::Link(target.into()));
        }
        for (path, (size, content)) in SHELLS.iter() {
            self.files.insert((*path).into(), File::Program(*size, Arc::clone(content)));
        }
        let text = &self.recipe.text;
        let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
        let sh = if has(&["apk add", "alpine"]) {
            "busybox"
        } else if has(&["yum", "dnf", "centos", "ubi", "fedora", "rhel"]) {
            "bash"
        } else {
            "dash"
        };
        self.files.insert("usr/bin/sh".into(), File::Link(sh.into()));
        self.files.insert("usr/bin/ash".into(), File::Link("busybox".into()));
        sh
    }

    fn directory(&mut self, path: &str) {
        let path = merged(path.trim_matches('/'));
        if path.is_empty() || path.contains("..") {
            return;
        }
        for (at, _) in path.match_indices('/').chain([(path.len(), "")]) {
            let entry = self.files.entry(path[..at].to_owned()).or_insert(File::Directory(0o755));
            if matches!(entry, File::Program(..) | File::Text(..)) {
                *entry = File::Directory(0o755);
            }
        }
    }

    fn file(&mut self, path: &str, file: File) {
        let path = path.replace("//", "/").replace("/./", "/");
        let path = path.trim_matches('/').to_owned();
        if path.split('/').any(|name| name == "..") {
            return;
        }
        let path = merged(&path);
        if let Some((dir, _)) = path.rsplit_once('/') {
            self.directory(&format!("/{dir}"));
        }
        self.files.entry(path).or_insert(file);
    }

    /// COPY and ADD, seen from the Dockerfile's directory and from the context's.
    fn copies(&mut self) {
        let copies = std::mem::take(&mut self.recipe.copies);
        for (sources, target) in &copies {
            for source in sources {
                let source = source.trim_start_matches("./").trim_matches('/').to_owned();
                let beside = self.case.beside.trim_matches('.').trim_matches('/');
                let base = if beside.is_empty() { source.clone() } else { format!("{beside}/{source}") };
                let single = sources.len() == 1 && !target.ends_with('/');
                let bases = [base.trim_end_matches('/').trim_end_matches("/.").to_owned(), source];
                for base in &bases {
                    if self.copy(base, target, single) {
                        break;
                    }
                }
            }
        }
        self.recipe.copies = copies;
    }

    fn copy(&mut self, base: &str, target: &str, single: bool) -> bool {
        let base = if base == "." { "" } else { base };
        let single = single && !matches!(self.files.get(target.trim_matches('/')), Some(File::Directory(_)));
        let case = self.case;
        let mut any = false;
        for (path, executable, bytes) in &case.context {
            let name = path.rsplit('/').next().unwrap_or_default();
            let goal = if path == base {
                if single { target.to_owned() } else { format!("{target}/{name}") }
            } else if let Some((head, tail)) = base.split_once('*') {
                let below = path.strip_prefix(head).filter(|r| r.ends_with(tail) && !r.contains('/'));
                let Some(_) = below else { continue };
                format!("{target}/{name}")
            } else if base.is_empty() {
                format!("{target}/{path}")
            } else if let Some(rest) = path.strip_prefix(base).and_then(|r| r.strip_prefix('/')) {
                format!("{target}/{rest}")
            } else {
                continue;
            };
            any = true;
            self.context_file(&goal, *executable, bytes);
        }
        any
    }

    /// Scripts are made executable by a RUN that is not read.
    fn context_file(&mut self, path: &str, executable: bool, bytes: &[u8]) {
        let mode = if executable || bytes.starts_with(b"#!") { 0o755 } else { 0o644 };
        self.file(path, File::Text(bytes.to_vec(), mode));
    }

    /// Where the script lies in the image: what the command line calls it.
    fn place(&mut self) {
        let name = self.case.place.rsplit('/').next().unwrap_or("entrypoint.sh").to_owned();
        let words = self.recipe.entrypoint.iter().chain(&self.recipe.cmd);
        let words = words.flat_map(|w| w.split_whitespace()).collect::<Vec<_>>();
        let of = |w: &&&str| w.rsplit('/').next() == Some(&name);
        let copied = self.copied(&name);
        let called = words.iter().find(of).map(|w| (**w).to_owned());
        let path = match (called, copied) {
            (Some(word), _) if word.starts_with('/') => word,
            (Some(word), None) if word.contains('/') => format!("{}/{word}", self.recipe.workdir),
            (_, Some(path)) => path,
            (Some(word), None) => format!("/usr/local/bin/{word}"),
            (None, None) => match words.iter().find(|w| w.starts_with('/') && **w != "/bin/sh") {
                Some(word) => (*word).to_owned(),
                None => format!("/{name}"),
            },
        };
        let called = |w: &String| w.split_whitespace().any(|w| w.rsplit('/').next() == path.rsplit('/').next());
        if !self.recipe.entrypoint.iter().chain(&self.recipe.cmd).any(called) {
            (self.recipe.entrypoint, self.recipe.cmd) = (vec![path.clone()], vec!["app".to_owned()]);
        }
        let text = self.case.text.clone();
        self.files.remove(path.trim_matches('/'));
        self.file(&path, File::Text(text, 0o755));
        self.script = path;
    }

    /// Where COPY put a file of this name.
    fn copied(&self, name: &str) -> Option<String> {
        let is = |p: &&String| p.rsplit('/').next() == Some(name);
        let same = |f: &File| matches!(f, File::Text(text, _) if *text == self.case.text);
        self.files.iter().find(|(p, f)| is(p) && same(f)).map(|(p, _)| format!("/{p}"))
    }

    fn called(&mut self, more: &BTreeSet<String>) {
        let mut words = Words::default();
        let scripts: Vec<Vec<u8>> = self
            .files
            .values()
            .filter_map(|f| match f {
                File::Text(text, _) if text.starts_with(b"#!") || *text == self.case.text => Some(text.clone()),
                _ => None,
            })
            .collect();
        for text in &scripts {
            match parse(text, Dialect::Bash) {
                Ok(script) => words.script(&script),
                Err(fault) => fault.before.iter().for_each(|s| words.script(s)),
            }
        }
        words.commands.extend(GENERIC.split_whitespace().map(str::to_owned));
        words.commands.extend(self.recipe.entrypoint.first().cloned());
        words.commands.extend(self.recipe.cmd.first().cloned());
        words.commands.extend(more.iter().cloned());
        let ours: Vec<String> = self.recipe.entrypoint.iter().chain(&self.recipe.cmd).cloned().collect();
        words.commands.extend(ours.iter().filter(|w| !w.contains([' ', '=']) && !w.starts_with('-')).cloned());
        for directory in &words.directories {
            let whole = if directory.starts_with('/') { directory.clone() } else { continue };
            self.directory(&whole);
        }
        for archive in &words.archives {
            let below = |directory: &str| format!("{directory}/{archive}");
            let path = if archive.starts_with('/') { archive.clone() } else { below(&self.recipe.workdir) };
            self.file(&path, File::Text(Vec::new(), 0o644));
        }
        for path in words.sourced.iter().filter(|p| p.starts_with('/') && !p.starts_with("/run/secrets")) {
            let name = path.rsplit('/').next();
            let known = self.case.context.iter().find(|(p, ..)| p.rsplit('/').next() == name);
            let text = known.map(|(_, _, bytes)| bytes.clone()).unwrap_or_default();
            self.file(path, File::Text(text, 0o644));
        }
        let made = self.recipe.text.lines().filter(|l| l.contains("mkdir")).flat_map(str::split_whitespace);
        let made: Vec<String> = made
            .filter(|w| w.starts_with('/') && !w.contains(['$', '{', '*', '\\']))
            .map(|w| w.trim_matches(';').to_owned())
            .collect();
        made.iter().for_each(|directory| self.directory(directory));
        for command in words.commands.iter().filter(|command| more.contains(*command) || !command.contains(' ')) {
            self.stub(command);
        }
        self.users(&words);
    }

    fn stub(&mut self, command: &str) {
        let odd = |c: char| c.is_control() || "$*?<>|&;()=%{}\"'`\\!,:".contains(c);
        if ["", ".", ".."].contains(&command) || command.len() > 200 || command.contains(odd) || command.ends_with('/')
        {
            return;
        }
        let (size, content) = STUB.clone();
        let stub = File::Program(size, content);
        if command.starts_with('/') {
            return self.file(command, stub);
        }
        if command.contains('/') {
            let path = format!("{}/{}", self.recipe.workdir, command.trim_start_matches("./"));
            return self.file(&path, stub);
        }
        let is = |p: &String| p.rsplit('/').next() == Some(command) && p.contains("bin/");
        if !self.files.keys().any(is) {
            self.file(&format!("/usr/bin/{command}"), stub);
        }
    }

    fn users(&mut self, words: &Words) {
        let mut names: Vec<String> = USERS.split(' ').map(str::to_owned).collect();
        let own = self.recipe.user.split(':').map(str::to_owned);
        let adds = |line: &&str| ["useradd", "adduser", "groupadd", "addgroup"].iter().any(|w| line.contains(w));
        let added = self.recipe.text.lines().filter(adds).flat_map(str::split_whitespace);
        let added: Vec<String> =
            added.filter(|w| !w.starts_with('-')).map(|w| w.trim_matches(';').to_owned()).collect();
        let named = self.recipe.env.iter().filter(|(name, _)| name.ends_with("USER") || name.ends_with("GROUP"));
        let named: Vec<String> = named.map(|(_, value)| value.clone()).collect();
        for name in words.users.iter().cloned().chain(own).chain(added).chain(named) {
            let proper = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            if proper && !names.contains(&name) {
                names.push(name);
            }
        }
        let id = |at: usize| if at == 0 { 0 } else { 100 + at };
        let line = |(at, n): (usize, &String)| format!("{n}:x:{0}:{0}::/home/{n}:/bin/sh\n", id(at));
        let passwd: String = names.iter().enumerate().map(line).collect();
        let group: String = names.iter().enumerate().map(|(at, n)| format!("{n}:x:{}:\n", id(at))).collect();
        self.file("/etc/passwd", File::Text(passwd.into(), 0o644));
        self.file("/etc/group", File::Text(group.into(), 0o644));
    }

    fn image(self) -> Image {
        let (mut changeset, mut previous) = (Changeset::default(), String::new());
        for (path, file) in &self.files {
            let text;
            let entry = match file {
                File::Directory(mode) => Entry { file_type: FileType::Directory, mode: *mode, ..tree::file(path) },
                File::Link(target) => {
                    Entry { file_type: FileType::Symlink, link: target.as_str().into(), ..tree::file(path) }
                }
                File::Program(size, content) => Entry { size: *size, content: Some(content), ..tree::file(path) },
                File::Text(bytes, mode) => {
                    text = Arc::new(Content::head(bytes.as_slice()));
                    Entry { size: bytes.len() as u64, mode: *mode, content: Some(&text), ..tree::file(path) }
                }
            };
            changeset.push(previous.as_bytes(), &entry);
            previous.clone_from(path);
        }
        let mut image = tree::of(vec![Layer { digest: String::new(), created_by: None, changeset: changeset.into() }]);
        let mut env = self.recipe.env.clone();
        env.entry("PATH".into()).or_insert_with(|| PATH.into());
        let configuration = &mut image.configuration;
        configuration.env = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        configuration.entrypoint = self.recipe.entrypoint;
        configuration.cmd = self.recipe.cmd;
        configuration.user = self.recipe.user;
        configuration.working_dir = self.recipe.workdir;
        image
    }
}
