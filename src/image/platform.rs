//! Platforms: `os/architecture[/variant]` with the values of Go's GOOS and GOARCH, as the image spec has them.

use std::fmt;
use std::str::FromStr;

/// A platform in normal form: `linux/amd64`, `linux/arm/v7`. `arm64/v8` and plain `arm64` are the same and lose the
/// variant, plain `arm` is `arm/v7` (containerd `platforms/database.go`, `normalizeArch`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// Such as `linux`.
    pub os: String,
    /// Such as `amd64`.
    pub architecture: String,
    /// Such as `v7`.
    pub variant: Option<String>,
}

impl Platform {
    /// Normalises as containerd does: aliases (`x86_64`, `aarch64`, `armhf`…), case, default variants.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let os = os.to_lowercase();
        let architecture = architecture.to_lowercase();
        let variant = variant.map(str::to_lowercase).filter(|v| !v.is_empty());
        let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
            ("i386", _) => ("386", None),
            ("x86_64" | "x86-64" | "amd64", v) => ("amd64", v.filter(|v| *v != "v1")),
            ("aarch64" | "arm64", v) => ("arm64", v.filter(|v| !matches!(*v, "8" | "v8"))),
            ("armhf", _) => ("arm", Some("v7")),
            ("armel", _) => ("arm", Some("v6")),
            ("arm", None | Some("7" | "v7")) => ("arm", Some("v7")),
            ("arm", Some("5" | "v5")) => ("arm", Some("v5")),
            ("arm", Some("6" | "v6")) => ("arm", Some("v6")),
            ("arm", Some("8" | "v8")) => ("arm", Some("v8")),
            (a, v) => (a, v),
        };
        Platform { os, architecture: architecture.to_owned(), variant: variant.map(str::to_owned) }
    }

    /// Whether they differ in nothing but the variant.
    pub fn is_variant_of(&self, other: &Platform) -> bool {
        (&self.os, &self.architecture) == (&other.os, &other.architecture)
    }

    /// `linux` on the architecture this program was built for: what an engine here would run.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "x86" => "386",
            "loongarch64" => "loong64",
            other => other,
        };
        Platform::new("linux", architecture, None)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|v| write!(f, "/{v}"))
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match *s.split('/').collect::<Vec<_>>() {
            [os, architecture] if !os.is_empty() && !architecture.is_empty() => {
                Ok(Platform::new(os, architecture, None))
            }
            [os, architecture, variant] if !os.is_empty() && !architecture.is_empty() => {
                Ok(Platform::new(os, architecture, Some(variant)))
            }
            _ => Err(format!("`{s}` is not os/architecture[/variant], such as linux/amd64 or linux/arm/v7")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_forms() {
        for (typed, normal) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("Linux/ARM/V6", "linux/arm/v6"),
            ("linux/386", "linux/386"),
            ("linux/riscv64", "linux/riscv64"),
        ] {
            assert_eq!(typed.parse::<Platform>().map(|p| p.to_string()), Ok(normal.to_owned()));
        }
        for bad in ["amd64", "", "linux/", "/amd64", "a/b/c/d"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }
}
