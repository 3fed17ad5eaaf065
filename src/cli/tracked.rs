//! `--tracked`: the Dockerfiles of a repository.

use std::path::{Path, PathBuf};

use super::git;
use super::output::Result;

/// Endings of what makes or accompanies a Dockerfile and is none.
const OTHERS: [&str; 18] = [
    "dockerignore",
    "j2",
    "jinja",
    "jinja2",
    "tmpl",
    "tpl",
    "template",
    "gotmpl",
    "in",
    "erb",
    "ejs",
    "hbs",
    "mustache",
    "m4",
    "md",
    "orig",
    "rej",
    "bak",
];

/// The Dockerfiles here and below that git tracks and that are there.
pub fn dockerfiles(pathspecs: &[String]) -> Result<Vec<PathBuf>> {
    let mut found = git::tracked(Path::new("."), pathspecs)?;
    // In a merge a file is listed once for each side.
    found.dedup();
    found.retain(|path| path.file_name().is_some_and(|name| is_dockerfile(&name.to_string_lossy())) && path.is_file());
    Ok(found)
}

/// Whether people call a Dockerfile so. `dockerfile.rs` is source code that is about them, `Dockerfile.rs` is one.
fn is_dockerfile(name: &str) -> bool {
    if OTHERS.iter().any(|ending| name.strip_suffix(ending).is_some_and(|stem| stem.ends_with('.'))) {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    ["Dockerfile", "Containerfile"].iter().any(|usual| {
        let ending = usual.to_ascii_lowercase();
        lower == ending
            || name.strip_prefix(usual).is_some_and(|rest| rest.starts_with('.'))
            || lower.strip_suffix(&ending).is_some_and(|stem| stem.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_dockerfiles() {
        for name in [
            "Dockerfile",
            "dockerfile",
            "Containerfile",
            "Dockerfile.prod",
            "Dockerfile.rs",
            "Containerfile.el9",
            "app.dockerfile",
            "app.Dockerfile",
            "web.prod.containerfile",
        ] {
            assert!(is_dockerfile(name), "{name}");
        }
        for name in [
            "dockerfile.rs",
            "dockerfile.go",
            "Dockerfile.dockerignore",
            "Dockerfile.j2",
            "Dockerfile.md",
            "Dockerfiles",
            "MyDockerfile",
            "mydockerfile",
            "Dockerfile-old",
            "docker-compose.yml",
            "",
        ] {
            assert!(!is_dockerfile(name), "{name}");
        }
    }
}
