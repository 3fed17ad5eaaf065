//! The same with what a real builder makes.

use std::path::PathBuf;
use std::process::Command;

use super::CRLF;
use super::make::{Project, places};

const DOCKERFILE: &str =
    "FROM scratch\n# how it starts\nCOPY start/run.sh   /opt/entry.sh\nENTRYPOINT [ \"/opt/entry.sh\", \"-v\" ]\n";

/// buildah(1), if it can be run here.
fn buildah(project: &Project, arguments: &[&str]) -> Result<(), String> {
    let storage = project.root().with_file_name("storage");
    let root = |name: &str| storage.join(name).display().to_string();
    let mut command = Command::new("buildah");
    command.args(["--storage-driver", "vfs", "--root", &root("root"), "--runroot", &root("run")]);
    let output = command.args(arguments).current_dir(project.root()).output().map_err(|e| e.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// As `buildah build` makes it, saved.
fn built(project: &Project, layers: &str) -> Result<PathBuf, String> {
    let out = project.root().with_file_name(format!("{layers}.tar"));
    let name = format!("made-{layers}");
    buildah(project, &["bud", "--isolation", "chroot", &format!("--layers={layers}"), "-t", &name, "."])?;
    buildah(project, &["push", &name, &format!("docker-archive:{}", out.display())])?;
    Ok(out)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

#[test]
fn findings_land_on_the_lines_that_buildah_built() {
    if !is_root() || Command::new("buildah").arg("--version").output().is_err() {
        eprintln!("SKIPPED: nothing was built, since there is no buildah here, or this is not root");
        assert!(std::env::var_os("IMAGELINT_REQUIRE_SERVERS").is_none(), "buildah is required here");
        return;
    }
    let project = Project::new(&[("Dockerfile", DOCKERFILE), ("start/run.sh", CRLF)]).track();
    for layers in ["true", "false"] {
        let image = built(&project, layers).unwrap_or_else(|error| panic!("buildah: {error}"));
        let (findings, complaints) = project.findings(&image, &["--dockerfile", "Dockerfile"]);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(findings[0]["rule"], "carriage-return-in-shebang");
        assert_eq!(places(&findings[0]), ("start/run.sh:1:10-11".to_owned(), "Dockerfile:3:1-34".to_owned()));
        assert_eq!(findings[0]["inherited"], false);
        assert_eq!(complaints, "");
    }
}
