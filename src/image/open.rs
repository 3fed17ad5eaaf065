//! From a reference to an [`Image`]: finds the source, chooses the image in it, reads its layers.

use std::path::Path;
use std::{fs, io};

use super::options::Options;
use super::plan::Plan;
use super::streamed::Streamed;
use super::{Changeset, Image, Layer, Reread, docker_archive, index, load, rootfs};
use crate::error::{Error, Result};
use crate::reference::Reference;
use crate::source::{Archive, Blobs, Input, Layout, unreadable};

/// Opens the image that `reference` names and reads its layers, each blob once and verified.
///
/// # Errors
/// There is no such image, it cannot be read, or several or other ones are there: imagelint could not look.
pub fn open(reference: &Reference, options: &Options<'_>) -> Result<Image> {
    let request = Request { reference, options };
    match reference {
        Reference::Stdin => request.archive("-", None, Form::Any),
        Reference::OciLayout(rest) => {
            let (path, name) = split(rest);
            request.layout(path, name)
        }
        Reference::OciArchive(rest) => {
            let (path, name) = split(rest);
            request.archive(path, name, Form::Oci)
        }
        Reference::DockerArchive(rest) => {
            let (path, name) = split(rest);
            request.archive(path, name, Form::Docker)
        }
        Reference::Rootfs(path) => rootfs::open(path, reference, options),
        // Other tools spell a registry's transport so.
        Reference::Docker(name) if name.starts_with("//") => Err(registry(reference, name.trim_start_matches('/'))),
        Reference::Docker(name) => Err(remote(reference, &format!("docker save {name} | imagelint -"))),
        Reference::Podman(name) => Err(remote(reference, &format!("podman save {name} | imagelint -"))),
        Reference::Containerd(name) => Err(remote(reference, &format!("ctr image export - {name} | imagelint -"))),
        Reference::Registry(name) => Err(registry(reference, name)),
        Reference::Untyped(text) => request.untyped(text),
    }
}

fn registry(reference: &Reference, name: &str) -> Error {
    let command = format!("skopeo copy docker://{name} oci-archive:image.tar && imagelint oci-archive:image.tar");
    remote(reference, &command)
}

fn remote(reference: &Reference, command: &str) -> Error {
    Error::new(format!("`{reference}`"), "this version reads local files only").help(command)
}

/// Which of the two documents that an archive may have leads the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `index.json`, or else `manifest.json`.
    Any,
    Oci,
    Docker,
}

struct Request<'a> {
    reference: &'a Reference,
    options: &'a Options<'a>,
}

impl Request<'_> {
    /// What has an existing path in front is that path, and the rest a name in it. What begins with `.` or `/` can be
    /// nothing but a path.
    fn untyped(&self, text: &str) -> Result<Image> {
        let (path, name) = split(text);
        if !text.starts_with(['.', '/']) && !exists(path) {
            return Err(Error::new(
                format!("`{text}`"),
                "there is no file or directory of that name, and this version reads local files only",
            )
            .help(format!("docker save {text} | imagelint -")));
        }
        if !Path::new(path).is_dir() {
            return self.archive(path, name, Form::Any);
        }
        match not_a_layout(path, fs::read_dir(path).and_then(Iterator::collect)) {
            Some(error) => Err(error),
            None => self.layout(path, name),
        }
    }

    fn layout(&self, path: &str, name: Option<&str>) -> Result<Image> {
        let metadata = Path::new(path).metadata();
        let metadata = metadata.map_err(|e| unreadable(format!("image layout `{path}`"), &e))?;
        if !metadata.is_dir() {
            return Err(Error::new(format!("image layout `{path}`"), "it is not a directory")
                .help(format!("if it is an archive, name it as oci-archive:{path} or docker-archive:{path}")));
        }
        let blobs = Box::new(Layout::new(path.into()));
        let plan = self.plan(blobs.as_ref(), path, name, Form::Oci, "oci-layout")?;
        self.read(blobs, plan)
    }

    fn archive(&self, path: &str, name: Option<&str>, form: Form) -> Result<Image> {
        let input = Input::new(path);
        if let (Input::File(file), true) = (&input, input.is_plain_tar()?) {
            let blobs = Box::new(Archive::open(file.clone())?);
            let plan = self.plan(blobs.as_ref(), path, name, form, "oci-archive")?;
            return self.read(blobs, plan);
        }
        let mut streamed = Streamed::read(input, self.options.progress)?;
        let plan = self.plan(&streamed, path, name, form, "oci-archive")?;
        let changesets = streamed.layers(&plan)?;
        Ok(self.image(plan, changesets, |plan| Box::new(streamed.again(plan))))
    }

    fn plan(
        &self,
        blobs: &dyn Blobs,
        path: &str,
        name: Option<&str>,
        form: Form,
        source: &'static str,
    ) -> Result<Plan> {
        let platform = self.options.platform.as_ref();
        if form != Form::Docker
            && let Some(entries) = index::entries(blobs)?
            && (form == Form::Oci || !entries.is_empty())
        {
            let typed = format!("{}:{path}", if source == "oci-layout" { "oci" } else { source });
            return index::choose(blobs, entries, name, platform, &typed)?.plan(blobs, source);
        }
        if form != Form::Oci
            && let Some(entries) = docker_archive::entries(blobs)?
        {
            return docker_archive::plan(blobs, entries, name, platform, &format!("docker-archive:{path}"));
        }
        Err(no_image(blobs, form))
    }

    fn read(&self, blobs: Box<dyn Blobs>, plan: Plan) -> Result<Image> {
        let changesets = load::layers(blobs.as_ref(), &plan, self.options.progress)?;
        Ok(self.image(plan, changesets, |plan| Box::new(load::Again::new(blobs, plan.layers))))
    }

    fn image(&self, plan: Plan, changesets: Vec<Changeset>, again: impl FnOnce(Plan) -> Box<dyn Reread>) -> Image {
        let layer = |(planned, changeset): (&super::plan::PlannedLayer, Changeset)| Layer {
            digest: planned.digest.clone(),
            created_by: planned.created_by.clone(),
            changeset,
        };
        Image {
            source: plan.source,
            reference: self.reference.to_string(),
            digest: Some(plan.digest.clone()),
            platform: plan.platform.clone(),
            configuration: plan.configuration.clone(),
            layers: plan.layers.iter().zip(changesets).map(layer).collect(),
            again: again(plan),
        }
    }
}

/// Why a directory of which nothing more is known is no image layout, by what is in it.
fn not_a_layout(path: &str, listed: io::Result<Vec<fs::DirEntry>>) -> Option<Error> {
    let place = format!("directory `{path}`");
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => return Some(unreadable(place, &error)),
    };
    let has = |name: &str| listed.iter().any(|entry| entry.file_name() == name);
    if has("index.json") || has("oci-layout") {
        return None;
    }
    Some(if has("version") && has("manifest.json") {
        // containers/image, `directory/directory_dest.go`: "Directory Transport Version: 1.1"
        Error::new(place, "it is what `skopeo copy` writes to dir:, which is not read")
            .help(format!("skopeo copy dir:{path} oci:{}.oci && imagelint oci:{0}.oci", path.trim_end_matches('/')))
    } else {
        Error::new(place, "it is not an OCI image layout")
            .help(format!("if it is a root file system, name it as rootfs:{path}"))
    })
}

fn no_image(blobs: &dyn Blobs, form: Form) -> Error {
    let has = |name: &str| matches!(blobs.open(name), Ok(Some(_)));
    let place = blobs.place();
    match form {
        Form::Oci if has("manifest.json") => {
            Error::new(place, "it has no index.json").help("it is what `docker save` writes: use docker-archive:")
        }
        Form::Docker if has("index.json") => {
            Error::new(place, "it has no manifest.json").help("it is an OCI archive: use oci-archive:")
        }
        _ if has("repositories") => {
            Error::new(place, "it has no manifest.json: it was saved by a Docker before 1.10, and is not read")
                .help("load it into an engine that still does, and save it again")
        }
        Form::Oci => Error::new(place, "it has no index.json, so it is no OCI image layout"),
        _ => Error::new(place, "it has neither index.json nor manifest.json, so it is no image")
            .help("if it is a root file system, name it as rootfs:FILE"),
    }
}

/// Takes the name off `rest`. Colons and ats may belong to the path, so the longest existing path wins; if there is
/// none, all is the path, and opening it will say so.
fn split(rest: &str) -> (&str, Option<&str>) {
    if rest == "-" || exists(rest) {
        return (rest, None);
    }
    let at = |(i, _): (usize, &str)| Some((rest.get(..i)?, rest.get(i + 1..)?));
    let mut splits = rest.rmatch_indices([':', '@']).filter_map(at);
    let found = splits.find(|(path, _)| !path.is_empty() && (*path == "-" || exists(path)));
    found.map_or((rest, None), |(path, name)| (path, Some(name).filter(|name| !name.is_empty())))
}

fn exists(path: &str) -> bool {
    // A path that may not be looked at exists as far as anyone here can tell; opening it says what is wrong.
    Path::new(path).symlink_metadata().map_or_else(|e| e.kind() == std::io::ErrorKind::PermissionDenied, |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Root may list everything, so the refusal is made up.
    #[test]
    fn a_directory_that_may_not_be_listed_says_so() {
        let error = not_a_layout("d", Err(io::ErrorKind::PermissionDenied.into()));
        assert_eq!(error.map(|e| e.to_string()).as_deref(), Some("could not read directory `d`: permission denied"));
    }
}
