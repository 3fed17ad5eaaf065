//! Which package brings a library, by its soname.

use super::{Subject, at, paste};
use crate::finding::Fix;

/// Programs that install packages, and how they are asked for a library by its soname: `apk` and RPM know sonames as
/// capabilities (apk-package(5), "so:"; rpm-dependency-generators(7)), Debian's packages go by other names.
const MANAGERS: [(&str, &str, Manager); 6] = [
    ("/sbin/apk", "apk", Manager::Apk),
    ("/usr/bin/apt-get", "apt-get", Manager::Apt),
    ("/usr/bin/microdnf", "microdnf", Manager::Rpm),
    ("/usr/bin/dnf", "dnf", Manager::Rpm),
    ("/usr/bin/yum", "yum", Manager::Rpm),
    ("/usr/bin/zypper", "zypper", Manager::Rpm),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manager {
    Apk,
    Apt,
    Rpm,
}

/// Debian packages whose name does not follow from the soname, by soname. All but libssl1.1 (Debian 11) are names in
/// Debian 12's package list.
const DEBIAN: [(&str, &str); 44] = [
    ("libEGL.so.1", "libegl1"),
    ("libGL.so.1", "libgl1"),
    ("libGLdispatch.so.0", "libglvnd0"),
    ("libICE.so.6", "libice6"),
    ("libSM.so.6", "libsm6"),
    ("libX11.so.6", "libx11-6"),
    ("libasound.so.2", "libasound2"),
    ("libatomic.so.1", "libatomic1"),
    ("libblas.so.3", "libblas3"),
    ("libbz2.so.1.0", "libbz2-1.0"),
    ("libcrypto.so.1.1", "libssl1.1"),
    ("libcrypto.so.3", "libssl3"),
    ("libcurl-gnutls.so.4", "libcurl3-gnutls"),
    ("libcurl.so.4", "libcurl4"),
    ("libgfortran.so.5", "libgfortran5"),
    ("libgio-2.0.so.0", "libglib2.0-0"),
    ("libglib-2.0.so.0", "libglib2.0-0"),
    ("libgmodule-2.0.so.0", "libglib2.0-0"),
    ("libgobject-2.0.so.0", "libglib2.0-0"),
    ("libgssapi_krb5.so.2", "libgssapi-krb5-2"),
    ("libgthread-2.0.so.0", "libglib2.0-0"),
    ("libk5crypto.so.3", "libk5crypto3"),
    ("libkrb5.so.3", "libkrb5-3"),
    ("liblapack.so.3", "liblapack3"),
    ("liblber-2.5.so.0", "libldap-2.5-0"),
    ("libldap-2.5.so.0", "libldap-2.5-0"),
    ("libldap_r-2.4.so.2", "libldap-2.4-2"),
    ("libmagic.so.1", "libmagic1"),
    ("libmariadb.so.3", "libmariadb3"),
    ("libncurses.so.6", "libncurses6"),
    ("libnspr4.so", "libnspr4"),
    ("libnss3.so", "libnss3"),
    ("libodbc.so.2", "libodbc2"),
    ("libopenblas.so.0", "libopenblas0"),
    ("libpcre.so.3", "libpcre3"),
    ("libpcre2-8.so.0", "libpcre2-8-0"),
    ("libpng16.so.16", "libpng16-16"),
    ("libsasl2.so.2", "libsasl2-2"),
    ("libssl.so.1.1", "libssl1.1"),
    ("libssl.so.3", "libssl3"),
    ("libusb-1.0.so.0", "libusb-1.0-0"),
    ("libxml2.so.2", "libxml2"),
    ("libyaml-0.so.2", "libyaml-0-2"),
    ("libz.so.1", "zlib1g"),
];

/// The instruction that installs the library of this soname, with the package manager that is in the image.
pub fn install(subject: &Subject<'_>, soname: &[u8], is_64: bool) -> Option<Fix> {
    let soname = str::from_utf8(soname).ok().filter(|name| paste::is_plain(name) && !name.contains('/'))?;
    let (_, command, manager) = manager(subject)?;
    let suffix = if is_64 { "()(64bit)" } else { "" };
    match manager {
        Manager::Apk => paste::fix("install the package that has it", format!("RUN apk add --no-cache so:{soname}")),
        Manager::Apt => paste::fix(
            format!("install the package that is likely to have it ({})", debian(soname)?),
            format!("RUN apt-get update && apt-get install -y --no-install-recommends {}", debian(soname)?),
        ),
        Manager::Rpm => {
            paste::fix("install the package that has it", format!("RUN {command} install -y '{soname}{suffix}'"))
        }
    }
}

/// The instruction that brings a dynamic loader of another C library into the image, where its distribution has one:
/// Alpine's gcompat runs simple glibc programs, Debian's musl and libc6-i386 have the loaders themselves.
pub fn loader(subject: &Subject<'_>, loader: &[u8]) -> Option<Fix> {
    let (_, command, manager) = manager(subject)?;
    let name = loader.rsplit(|b| *b == b'/').next().unwrap_or(loader);
    match manager {
        Manager::Apk if matches!(name, b"ld-linux-x86-64.so.2" | b"ld-linux-aarch64.so.1") => {
            paste::fix("add the layer that runs simple glibc programs on musl", "RUN apk add --no-cache gcompat")
        }
        Manager::Apt if name.starts_with(b"ld-musl-") => {
            paste::fix("add musl", "RUN apt-get update && apt-get install -y --no-install-recommends musl")
        }
        Manager::Apt if name == b"ld-linux.so.2" => paste::fix(
            "add the loader for 32-bit programs",
            "RUN apt-get update && apt-get install -y --no-install-recommends libc6-i386",
        ),
        Manager::Rpm if name == b"ld-linux.so.2" => {
            paste::fix("add the loader for 32-bit programs", format!("RUN {command} install -y glibc.i686"))
        }
        _ => None,
    }
}

fn manager(subject: &Subject<'_>) -> Option<(&'static str, &'static str, Manager)> {
    MANAGERS.into_iter().find(|(path, ..)| at(subject, path.as_bytes()).is_some())
}

/// Debian's name: in the list, or by the rule of its policy (*Shared libraries*, 8.1): `libNAME.so.N` is in `libnameN`,
/// with a dash after a digit.
fn debian(soname: &str) -> Option<String> {
    if let Some((_, package)) = DEBIAN.iter().find(|(name, _)| *name == soname) {
        return Some((*package).to_owned());
    }
    let (name, version) = soname.split_once(".so.")?;
    let dash = if name.ends_with(|c: char| c.is_ascii_digit()) { "-" } else { "" };
    let package = format!("{}{dash}{version}", name.replace('_', "-").to_ascii_lowercase());
    package.starts_with("lib").then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_debian() {
        for (soname, package) in [
            ("libpq.so.5", Some("libpq5")),
            ("libstdc++.so.6", Some("libstdc++6")),
            ("libgomp.so.1", Some("libgomp1")),
            ("libssl.so.1.1", Some("libssl1.1")),
            ("libsqlite3.so.0", Some("libsqlite3-0")),
            ("libXext.so.6", Some("libxext6")),
            ("libz.so.1", Some("zlib1g")),
            ("plugin.so", None),
        ] {
            assert_eq!(debian(soname).as_deref(), package, "{soname}");
        }
        let names: Vec<String> = DEBIAN.iter().map(|(soname, _)| soname.to_string()).collect();
        assert!(names.is_sorted(), "{names:?}");
    }
}
