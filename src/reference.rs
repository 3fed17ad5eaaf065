//! What users type to name an image, taken apart. Nothing is looked up here: whether `a:b` is a file with a colon in
//! its name or tag `b` of layout `a` is decided when it is opened.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A reference to an image, by the transport that reads it. [`fmt::Display`] gives back what was typed.
///
/// A file whose name begins with a transport (`oci:x`) is reached as `./oci:x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `-`: an archive of any kind on standard input.
    Stdin,
    /// `oci:DIR[:NAME]`: an OCI image layout.
    OciLayout(String),
    /// `oci-archive:FILE[:NAME]`: a tar archive of an OCI image layout.
    OciArchive(String),
    /// `docker-archive:FILE[:NAME]`: what `docker save` writes.
    DockerArchive(String),
    /// `rootfs:PATH`: a root file system, as a directory or a tar archive.
    Rootfs(String),
    /// `docker:NAME`: an image of the Docker engine.
    Docker(String),
    /// `podman:NAME`: an image of Podman's storage.
    Podman(String),
    /// `containerd:NAME`: an image of containerd's store.
    Containerd(String),
    /// `registry:NAME`: an image of a registry.
    Registry(String),
    /// Anything else: a path if there is one of that name, otherwise an image's name.
    Untyped(String),
}

type Make = fn(String) -> Reference;

const TRANSPORTS: [(&str, Make); 8] = [
    ("oci:", Reference::OciLayout),
    ("oci-archive:", Reference::OciArchive),
    ("docker-archive:", Reference::DockerArchive),
    ("rootfs:", Reference::Rootfs),
    ("docker:", Reference::Docker),
    ("podman:", Reference::Podman),
    ("containerd:", Reference::Containerd),
    ("registry:", Reference::Registry),
];

impl FromStr for Reference {
    type Err = Error;

    fn from_str(typed: &str) -> Result<Self, Error> {
        if typed == "-" {
            return Ok(Reference::Stdin);
        }
        let split = TRANSPORTS.iter().find_map(|(prefix, make)| Some((make, typed.strip_prefix(prefix)?)));
        let (make, rest) = split.unwrap_or((&(Reference::Untyped as Make), typed));
        if rest.is_empty() {
            return Err(Error::new(format!("reference `{typed}`"), "it names nothing")
                .help("name an image as oci:DIR, docker-archive:FILE, rootfs:DIR, a path, or - for standard input"));
        }
        if rest.contains('\0') {
            return Err(Error::new("the reference", "it contains a NUL character"));
        }
        Ok(make(rest.to_owned()))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Stdin => f.write_str("-"),
            Reference::OciLayout(rest) => write!(f, "oci:{rest}"),
            Reference::OciArchive(rest) => write!(f, "oci-archive:{rest}"),
            Reference::DockerArchive(rest) => write!(f, "docker-archive:{rest}"),
            Reference::Rootfs(rest) => write!(f, "rootfs:{rest}"),
            Reference::Docker(rest) => write!(f, "docker:{rest}"),
            Reference::Podman(rest) => write!(f, "podman:{rest}"),
            Reference::Containerd(rest) => write!(f, "containerd:{rest}"),
            Reference::Registry(rest) => write!(f, "registry:{rest}"),
            Reference::Untyped(rest) => f.write_str(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_gives_back_what_was_typed() {
        for typed in [
            "-",
            "oci:dir",
            "oci:dir:tag",
            "oci-archive:a.tar:docker.io/library/app:1",
            "docker-archive:x.tar",
            "rootfs:/",
            "docker:app",
            "podman:localhost/app:1",
            "containerd:app",
            "registry:registry.example/app@sha256:00",
            "myapp:latest",
            "./oci:x",
            "C:\\images\\x.tar",
            "oci-archive:C:\\x.tar:app:1",
            "--",
            "a b:c\u{e9}",
            "::",
            "OCI:dir",
        ] {
            let parsed = typed.parse::<Reference>().map(|r| r.to_string());
            assert_eq!(parsed.ok().as_deref(), Some(typed));
        }
    }

    #[test]
    fn transports_are_told_apart() {
        let parse = |s: &str| s.parse::<Reference>().ok();
        assert_eq!(parse("oci:a:b"), Some(Reference::OciLayout("a:b".into())));
        assert_eq!(parse("oci-archive:a"), Some(Reference::OciArchive("a".into())));
        assert_eq!(parse("docker://alpine"), Some(Reference::Docker("//alpine".into())));
        assert_eq!(parse("C:\\x.tar"), Some(Reference::Untyped("C:\\x.tar".into())));
        assert_eq!(parse("ocean:1"), Some(Reference::Untyped("ocean:1".into())));
    }

    #[test]
    fn references_that_name_nothing_are_refused() {
        for bad in ["", "oci:", "rootfs:", "docker:", "a\0b"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad:?}");
        }
    }
}
