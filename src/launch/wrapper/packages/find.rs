//! The package.json that npm and its kin find, and what keeps its scripts from being followed.

use bstr::{BString, ByteSlice};
use serde_json::Value;

use super::words::Options;
use super::{Kind, Manager, brief, join, parent};
use crate::launch::outcome::{Misuse, Outcome};
use crate::launch::program::{Running, base};
use crate::launch::wrapper::misused_with;
use crate::rootfs::{Credentials, Errno, PathError, READ};

/// More of a package.json than this is not read.
pub(super) const PACKAGE_MAX: usize = 1 << 20;
/// Directories that a package is looked for in, from the working directory upwards.
const MAX_DEPTH: usize = 64;
/// Files that may name another shell or none, as far as their place is known.
const SETTINGS: [&str; 5] = ["/root/.npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", "/etc/npmrc", "/etc/yarnrc"];
/// A package.json and where it lies.
pub(super) struct Package {
    pub directory: BString,
    pub about: Value,
}

impl Package {
    pub fn script(&self, name: &[u8]) -> Option<&str> {
        self.about.get("scripts")?.get(name.to_str().ok()?)?.as_str()
    }

    pub fn field(&self, name: &str) -> &str {
        self.about.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Running<'_> {
    /// The nearest package upwards; npm takes a directory with node_modules for one too.
    pub(super) fn package(&self, manager: &Manager, options: &Options) -> Result<Result<Package, Outcome>, String> {
        let directory = match &options.prefix {
            Some(prefix) if prefix.starts_with(b"/") => prefix.clone(),
            Some(prefix) => join(&self.cwd, prefix),
            None => self.nearest(manager.kind),
        };
        let path = join(&directory, b"package.json");
        let unreadable =
            |errno| Ok(Err(misused_with(manager.unreadable(errno), manager.name(), Misuse::NoFile(path.clone()))));
        let file = match self.view.resolve(&path, b"/", &self.credentials) {
            Ok(file) => file,
            Err(PathError { unknowable: Some(why), .. }) => return Err(format!("`{path}` cannot be told: {why}")),
            Err(error) => return unreadable(error.errno),
        };
        let inode = self.view.inode(file.ino);
        if inode.kind.is_directory() {
            return unreadable(Errno::EISDIR);
        }
        if !self.credentials.may(READ, inode) {
            return unreadable(Errno::EACCES);
        }
        let text = self.view.read(file.ino, 0, PACKAGE_MAX).map_err(|e| e.to_string())?;
        match parsed(&text) {
            Ok(about) => self.understood_package(manager, Package { directory, about }).map(Ok),
            Err(Flaw::Unclear) => Err(format!("whether `{path}` is JSON is not known")),
            Err(Flaw::Syntax) => Ok(Err(misused_with(1, manager.name(), Misuse::BadFile(path)))),
        }
    }

    fn nearest(&self, kind: Kind) -> BString {
        let npm = matches!(kind, Kind::Npm | Kind::Npx | Kind::Pnpm);
        let mut directory = Some(self.cwd.as_slice());
        for _ in 0..MAX_DEPTH {
            let Some(here) = directory else { break };
            let has = |name: &[u8]| self.view.resolve(&join(here, name), b"/", &Credentials::root()).is_ok();
            let is_modules = base(here) == b"node_modules";
            if has(b"package.json") || (npm && !is_modules && has(b"node_modules")) {
                return if here.is_empty() { "/".into() } else { here.into() };
            }
            directory = parent(here);
        }
        self.cwd.clone()
    }

    /// Refuses what is not followed: other shells, other versions.
    fn understood_package(&self, manager: &Manager, package: Package) -> Result<Package, String> {
        let other = package.field("packageManager");
        if matches!(manager.kind, Kind::Yarn | Kind::Pnpm) && !other.is_empty() {
            return Err(format!("package.json asks for `{}`, which is not followed", brief(other)));
        }
        let mut files: Vec<BString> = SETTINGS.iter().map(|path| BString::from(*path)).collect();
        files.extend([".npmrc", ".yarnrc", ".yarnrc.yml"].iter().map(|name| join(&package.directory, name.as_bytes())));
        files.extend(self.environment.get(b"HOME").map(|home| join(home, b".npmrc")));
        let decides =
            |text: &[u8]| ["shell", "scripts", "prefix", "yarn-path", "yarnPath"].iter().any(|w| text.contains_str(w));
        let set =
            |name: &BString| name.to_ascii_lowercase().starts_with(b"npm_config_") && decides(&name.replace("_", "-"));
        if let Some(file) = files.iter().find(|file| self.file_text(file).is_some_and(|text| decides(&text))) {
            return Err(format!("`{file}` changes how scripts are run"));
        }
        match self.environment.names().find(|name| set(name)) {
            Some(name) => Err(format!("`{name}` changes how scripts are run")),
            None => Ok(package),
        }
    }
}

/// Why a text is no JSON.
enum Flaw {
    /// JSON.parse() does not take it either.
    Syntax,
    /// It may.
    Unclear,
}

/// JSON as node reads it: what is not UTF-8 is replaced, and depth, lone surrogates and large numbers are no errors.
fn parsed(text: &[u8]) -> Result<Value, Flaw> {
    let lossy = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).to_str_lossy();
    serde_json::from_str(&lossy).map_err(|error| {
        let error = error.to_string();
        let lenient = ["recursion limit", "surrogate", "hex escape", "out of range"];
        let unclear = text.len() == PACKAGE_MAX || lenient.iter().any(|words| error.contains(words));
        if unclear { Flaw::Unclear } else { Flaw::Syntax }
    })
}
