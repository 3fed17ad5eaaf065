//! What a base image is taken to have that is not at hand: a shell, and the programs that are called.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bstr::{BString, ByteSlice};

use super::{ASSUMED_ID, Assembled, Build, From, Made, entry};
use crate::format::shell::{REGULAR, is_own_word};
use crate::image::{Changeset, Content, Entry, FileType, Healthcheck, Layer, Platform};

/// Programs that are assumed at most.
const MAX_PROGRAMS: usize = 20_000;
/// Texts that are searched for programs at most.
const MAX_TEXTS: usize = 200;

/// What `/bin/sh` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// dash: Debian, Ubuntu and what is built on them.
    Debian,
    /// busybox: Alpine.
    Alpine,
    /// bash: Red Hat's and what follows them, SUSE, Arch.
    RedHat,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 3] = [Family::Debian, Family::Alpine, Family::RedHat];

    /// The family of an image by its name and tag, where these are known to tell; a digest does not.
    ///
    /// Official images (docker-library/official-images) are built on Debian unless their tag says otherwise.
    pub fn of(image: &str) -> Option<Self> {
        let image = image.split('@').next().unwrap_or_default().to_lowercase();
        let name = image.trim_start_matches("docker.io/").trim_start_matches("library/");
        let last = name.rsplit('/').next().unwrap_or_default();
        let (base, tag) = last.split_once(':').unwrap_or((last, ""));
        let says = |words: &[&str]| words.iter().any(|word| base.contains(word) || tag.contains(word));
        if says(&["alpine", "busybox"]) {
            return Some(Family::Alpine);
        }
        let debian = [
            "debian", "ubuntu", "bookworm", "bullseye", "buster", "stretch", "jessie", "trixie", "jammy", "focal",
            "bionic", "xenial", "noble", "slim",
        ];
        let red_hat = [
            "centos",
            "fedora",
            "rockylinux",
            "almalinux",
            "amazonlinux",
            "oraclelinux",
            "rhel",
            "opensuse",
            "archlinux",
        ];
        let is_ubi = base.starts_with("ubi") || tag.contains("ubi8") || tag.contains("ubi9");
        if is_ubi || says(&red_hat) {
            return Some(Family::RedHat);
        }
        if says(&debian) {
            return Some(Family::Debian);
        }
        let official = [
            "buildpack-deps",
            "golang",
            "gcc",
            "httpd",
            "nginx",
            "node",
            "openjdk",
            "perl",
            "php",
            "python",
            "ruby",
            "rust",
            "tomcat",
            "mysql",
            "mariadb",
            "postgres",
            "redis",
            "mongo",
            "wordpress",
            "elixir",
            "erlang",
            "haproxy",
            "memcached",
            "rabbitmq",
            "cassandra",
            "jenkins",
            "maven",
            "gradle",
        ];
        (!name.contains('/') && official.contains(&base)).then_some(Family::Debian)
    }

    /// The shell in words.
    pub fn shell(self) -> &'static str {
        match self {
            Family::Debian => "dash (Debian, Ubuntu)",
            Family::Alpine => "busybox ash (Alpine)",
            Family::RedHat => "bash (Fedora, Red Hat)",
        }
    }

    /// What a file says of itself that is this shell.
    fn marks(self) -> &'static str {
        match self {
            Family::Debian => DASH,
            Family::Alpine => ASH,
            Family::RedHat => BASH,
        }
    }
}

const DASH: &str = "efIimnsxvVECabup";
const ASH: &str = "BusyBox v1.37.0";
const BASH: &str = "@(#)Bash version 5.2.37(1) release GNU";

/// Shells of which nothing is assumed.
const OTHER_SHELLS: [&str; 8] = ["zsh", "ksh", "ksh93", "mksh", "lksh", "yash", "fish", "busybox"];

/// A program for a platform.
pub struct Platformed<'a>(pub &'a Platform);

impl Platformed<'_> {
    /// A static ELF program that does nothing and says `text`; `None` if the machine is not known.
    pub fn program(&self, text: &str) -> Option<Vec<u8>> {
        let machine: u16 = match self.0.architecture.as_str() {
            "amd64" => 62,
            "arm64" => 183,
            "ppc64le" => 21,
            "riscv64" => 243,
            _ => return None,
        };
        let size = (64 + 56 + text.len() + 1) as u64;
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let mut put = |values: &[&[u8]]| values.iter().for_each(|value| bytes.extend_from_slice(value));
        let half = |value: u16| value.to_le_bytes();
        let (word, long) = (|value: u32| value.to_le_bytes(), |value: u64| value.to_le_bytes());
        // ET_EXEC, the machine, version, entry, one program header, no sections
        put(&[&half(2), &half(machine), &word(1), &long(0x40_0078), &long(64), &long(0), &word(0)]);
        put(&[&half(64), &half(56), &half(1), &half(64), &half(0), &half(0)]);
        // PT_LOAD, readable and executable
        put(&[
            &word(1),
            &word(5),
            &long(0),
            &long(0x40_0000),
            &long(0x40_0000),
            &long(size),
            &long(size),
            &long(0x1000),
        ]);
        put(&[text.as_bytes(), b"\0"]);
        Some(bytes)
    }
}

impl Assembled {
    /// Puts the assumed files below all others.
    pub(super) fn assume(mut self, build: &Build<'_>, family: Family) -> Self {
        let Some(unseen) = &self.image.unseen else { return self };
        let everywhere = unseen.covers(b"/");
        let platform = Platformed(&self.image.platform);
        let mut files: BTreeMap<BString, (u16, Vec<u8>)> = BTreeMap::new();
        let mut program = |path: &str, text: &str| {
            if let Some(bytes) = platform.program(text) {
                files.insert(path.trim_start_matches('/').into(), (0o755, bytes));
            }
        };
        let words = build.words(&self.made);
        for word in &words {
            match word.strip_prefix('/') {
                Some(_) if unseen.covers(word.as_bytes()) => program(word, "assumed"),
                Some(_) => {}
                None if is_own_word(word.as_bytes())
                    && (family != Family::RedHat || !REGULAR.contains(&word.as_str())) => {}
                None if everywhere && !OTHER_SHELLS.contains(&word.as_str()) => {
                    program(&format!("/usr/bin/{word}"), "assumed")
                }
                None => {}
            }
        }
        if everywhere {
            for (name, text) in [("sh", family.marks()), ("bash", BASH), ("dash", DASH), ("ash", ASH)] {
                program(&format!("/bin/{name}"), text);
                program(&format!("/usr/bin/{name}"), text);
            }
            program("/usr/bin/env", "assumed");
            files.insert(
                "etc/sudoers".into(),
                (0o440, b"root ALL=(ALL:ALL) ALL\nALL ALL=(ALL:ALL) NOPASSWD: ALL\n".to_vec()),
            );
            files.insert("etc/passwd".into(), (0o644, build.passwd(&words).into_bytes()));
            files.insert("etc/group".into(), (0o644, build.group().into_bytes()));
        }
        let layer = Layer { digest: String::new(), created_by: None, changeset: Arc::new(changeset(&files)) };
        self.image.layers.insert(0, layer);
        if let Some(unseen) = &mut self.image.unseen {
            unseen.assumed = Some(0);
        }
        let assumed = files.into_keys().map(|path| (path, From::Assumed)).collect();
        self.made.insert(0, Made { instruction: None, files: assumed });
        let again = std::mem::replace(&mut self.image.again, Box::new(super::Nothing));
        self.image.again = Box::new(Above { inner: again });
        self
    }
}

fn changeset(files: &BTreeMap<BString, (u16, Vec<u8>)>) -> Changeset {
    let (mut changeset, mut previous) = (Changeset::default(), BString::default());
    for (path, (mode, bytes)) in files {
        let content = Arc::new(Content::head(bytes.clone()));
        let of = entry(path.as_bstr(), FileType::Regular, *mode);
        changeset.push(&previous, &Entry { size: bytes.len() as u64, content: Some(&content), ..of });
        previous.clone_from(path);
    }
    changeset
}

/// The layers of another image, each one further up.
struct Above {
    inner: Box<dyn crate::image::Reread>,
}

impl crate::image::Reread for Above {
    fn reread(&self, layer: usize, ordinal: u32, offset: u64, len: usize) -> crate::Result<Vec<u8>> {
        self.inner.reread(layer.saturating_sub(1), ordinal, offset, len)
    }
}

impl Build<'_> {
    /// Words that may name programs: those of the commands, and of the texts that these name.
    fn words(&self, made: &[Made]) -> BTreeSet<String> {
        let configuration = &self.plan.configuration;
        let mut commands: Vec<String> = configuration.entrypoint.iter().chain(&configuration.cmd).cloned().collect();
        match &configuration.healthcheck {
            Some(Healthcheck::Exec(argv)) => commands.extend(argv.iter().cloned()),
            Some(Healthcheck::Shell(text)) => commands.push(text.clone()),
            Some(Healthcheck::None) | None => {}
        }
        let (mut words, mut left, mut seen) = (BTreeSet::new(), commands, BTreeSet::new());
        let first = [configuration.entrypoint.first(), configuration.cmd.first()];
        words.extend(first.into_iter().flatten().filter(|word| is_path(word)).cloned());
        let mut by_name: BTreeMap<&[u8], Vec<(&BString, &From)>> = BTreeMap::new();
        for (path, from) in made.iter().flat_map(|made| &made.files) {
            by_name.entry(path.rsplit_str("/").next().unwrap_or_default()).or_default().push((path, from));
        }
        while let Some(text) = left.pop() {
            for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "_./+-@:".contains(c))) {
                let name = word.rsplit('/').next().unwrap_or_default();
                if name.trim_matches('.').is_empty() || word.len() > 200 || words.len() > MAX_PROGRAMS {
                    continue;
                }
                let named = by_name.get(name.as_bytes()).map(Vec::as_slice).unwrap_or_default();
                // what is copied need not be assumed
                if named.is_empty() && (!word.contains('/') || is_in_bin(word)) {
                    words.insert(word.to_owned());
                }
                for (path, from) in named {
                    if seen.len() < MAX_TEXTS && seen.insert(*path) {
                        left.extend(self.bytes(from).and_then(|bytes| String::from_utf8(bytes).ok()));
                    }
                }
            }
        }
        words
    }

    /// passwd(5), with the user that the container runs as, and whatever else may be the name of one.
    fn passwd(&self, words: &BTreeSet<String>) -> String {
        let user = self.plan.configuration.user.split(':').next().unwrap_or_default();
        let own = match user {
            "" | "root" => String::new(),
            name if name.bytes().all(|b| b.is_ascii_digit()) => String::new(),
            name => format!("{name}:x:{ASSUMED_ID}:{ASSUMED_ID}::/home/{name}:/bin/sh\n"),
        };
        let others = words.iter().filter(|word| is_user(word) && *word != user).take(MAX_USERS);
        let others = others.map(|name| format!("{name}:x:{ASSUMED_ID}:{ASSUMED_ID}::/home/{name}:/bin/sh\n"));
        format!("root:x:0:0:root:/root:/bin/sh\n{own}{}", others.collect::<String>())
    }

    /// group(5), likewise.
    fn group(&self) -> String {
        let group = self.plan.configuration.user.split(':').nth(1).unwrap_or_default();
        let own = match group {
            "" | "root" => String::new(),
            name if name.bytes().all(|b| b.is_ascii_digit()) => String::new(),
            name => format!("{name}:x:{ASSUMED_ID}:\n"),
        };
        format!("root:x:0:\n{own}")
    }
}

/// Users that are assumed at most.
const MAX_USERS: usize = 2_000;

fn is_user(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    word != "root" && word.len() < 32 && word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(fits)
}

fn is_path(word: &str) -> bool {
    word.starts_with('/') && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_./+-@:".contains(&b))
}

/// An absolute path of a file in a directory for programs.
fn is_in_bin(word: &str) -> bool {
    let directory = word.rsplit('/').nth(1).unwrap_or_default();
    word.starts_with('/') && matches!(directory, "bin" | "sbin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_by_name() {
        for (image, family) in [
            ("alpine:3.20", Some(Family::Alpine)),
            ("node:20-alpine3.19", Some(Family::Alpine)),
            ("docker.io/library/python:3.12", Some(Family::Debian)),
            ("python:3.12-slim", Some(Family::Debian)),
            ("registry.access.redhat.com/ubi9/ubi-minimal:9.4", Some(Family::RedHat)),
            ("quay.io/centos/centos:stream9", Some(Family::RedHat)),
            ("mycorp/app:latest", None),
            ("mycorp/node", None),
            ("gcr.io/distroless/static", None),
        ] {
            assert_eq!(Family::of(image), family, "{image}");
        }
    }
}
