//! From a reference to an [`Image`]: finds the source, chooses the image in it, reads its layers.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use super::cache::Cache;
use super::images::{Images, Origin};
use super::known::Outlined;
use super::load::Shared;
use super::named::{self, Located};
use super::options::Options;
use super::plan::Plan;
use super::streamed::Streamed;
use super::{Image, Platform, docker_archive, index, rootfs};
use crate::error::{Error, Result};
use crate::reference::Reference;
use crate::source::places::{Access, Found, Place, Stream};
use crate::source::{Archive, Blobs, Input, Layout, unreadable};

/// Opens the image that `reference` names and reads its layers, each blob once and verified.
///
/// # Errors
/// There is no such image, it cannot be read, or several or other ones are there: imagelint could not look.
pub fn open(reference: &Reference, options: &Options<'_>) -> Result<Image> {
    let mut images = Request { reference, options, wish: Wish::One(options.platform.as_ref()) }.images()?;
    images.next().unwrap_or_else(|| Err(Error::new(format!("`{reference}`"), "it holds no image")))
}

/// The image of that name, if Docker on this machine has it and all of its layers are remembered, so that nothing need be sent
/// or read.
pub fn at_hand(name: &str, options: &Options<'_>) -> Option<Image> {
    let access = Access { offline: true, ..options.access.clone() };
    let Located { found: Found::Archive(stream), place } = named::at(Place::Docker, name, &access).ok()? else {
        return None;
    };
    let reference = Reference::Docker(name.to_owned());
    let request = Request { reference: &reference, options, wish: Wish::One(options.platform.as_ref()) };
    request.known(&stream, place.name())?.ok()?.next()?.ok()
}

/// As [`open`], for all its platforms, [`Options::platform`] set aside; those of Windows are left out where there are others.
/// Layers that platforms share are read once.
///
/// # Errors
/// As [`open`]; what keeps one platform from being read is an error in the list, and names the platform.
pub fn open_all<'a>(reference: &Reference, options: &Options<'a>) -> Result<Images<'a>> {
    Request { reference, options, wish: Wish::All }.images()
}

/// Which of the two documents that an archive may have leads the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `index.json`, or else `manifest.json`.
    Any,
    Oci,
    Docker,
}

/// Which platforms are asked for.
#[derive(Clone, Copy, Debug)]
enum Wish<'r> {
    One(Option<&'r Platform>),
    All,
}

struct Request<'r, 'a> {
    reference: &'r Reference,
    options: &'r Options<'a>,
    wish: Wish<'r>,
}

impl<'a> Request<'_, 'a> {
    fn images(&self) -> Result<Images<'a>> {
        let (reference, access) = (self.reference, &self.options.access);
        match reference {
            Reference::Stdin => self.archive("-", None, Form::Any),
            Reference::OciLayout(rest) => {
                let (path, name) = split(rest);
                self.layout(path, name)
            }
            Reference::OciArchive(rest) => {
                let (path, name) = split(rest);
                self.archive(path, name, Form::Oci)
            }
            Reference::DockerArchive(rest) => {
                let (path, name) = split(rest);
                self.archive(path, name, Form::Docker)
            }
            Reference::Rootfs(path) => {
                let image = rootfs::open(path, reference, self.options)?;
                self.list(Origin::Whole(Some(Box::new(image))), Vec::new())
            }
            // Other tools spell a registry's transport so.
            Reference::Docker(name) if name.starts_with("//") => {
                self.named(named::at(Place::Registry, name.trim_start_matches('/'), access)?)
            }
            Reference::Docker(name) => self.named(named::at(Place::Docker, name, access)?),
            Reference::Podman(name) => self.named(named::at(Place::Podman, name, access)?),
            Reference::Containerd(name) => self.named(named::at(Place::Containerd, name, access)?),
            Reference::Registry(name) => self.named(named::at(Place::Registry, name, access)?),
            Reference::Untyped(text) => self.untyped(text),
        }
    }

    /// What has an existing path in front is that path, and the rest a name in it. What begins with `.` or `/` can be
    /// nothing but a path.
    fn untyped(&self, text: &str) -> Result<Images<'a>> {
        let (path, name) = split(text);
        if !text.starts_with(['.', '/']) && !exists(path) {
            return self.named(named::anywhere(text, &self.options.access, self.options.progress)?);
        }
        if !Path::new(path).is_dir() {
            return self.archive(path, name, Form::Any);
        }
        match not_a_layout(path, fs::read_dir(path).and_then(Iterator::collect)) {
            Some(error) => Err(error),
            None => self.layout(path, name),
        }
    }

    /// An engine gives this one image, so there is no name to choose.
    fn named(&self, Located { place, found }: Located) -> Result<Images<'a>> {
        match found {
            Found::Blobs(blobs) => {
                let place_of_blobs = blobs.place().to_owned();
                self.read(blobs, &place_of_blobs, None, Form::Oci, place.name())
            }
            Found::Archive(stream) => match self.known(&stream, place.name()) {
                Some(images) => images,
                None => {
                    let path = stream.place().to_owned();
                    self.streamed(Input::Stream(stream), &path, None, Form::Any, place.name())
                }
            },
        }
    }

    /// What the engine has sent before. Whatever is wrong with that, it can be sent again.
    fn known(&self, stream: &Stream, source: &'static str) -> Option<Result<Images<'a>>> {
        let cache = Cache::new(self.options.store.clone());
        let outlined = Outlined::new(stream.place(), cache.outline(&stream.identity().id, source)?);
        let plans = self.plans(&outlined, stream.place(), None, Form::Any, source).ok()?;
        let known = outlined.known(stream.clone(), &plans, &cache, self.options.whole)?;
        Some(self.list(Origin::Known(Box::new(known)), plans))
    }

    fn layout(&self, path: &str, name: Option<&str>) -> Result<Images<'a>> {
        let metadata = Path::new(path).metadata();
        let metadata = metadata.map_err(|e| unreadable(format!("image layout `{path}`"), &e))?;
        if !metadata.is_dir() {
            return Err(Error::new(format!("image layout `{path}`"), "it is not a directory")
                .help(format!("if it is an archive, name it as oci-archive:{path} or docker-archive:{path}")));
        }
        self.read(Arc::new(Layout::new(path.into())), path, name, Form::Oci, "oci-layout")
    }

    fn archive(&self, path: &str, name: Option<&str>, form: Form) -> Result<Images<'a>> {
        let input = Input::new(path);
        if let (Input::File(file), true) = (&input, input.is_plain_tar()?) {
            return self.read(Arc::new(Archive::open(file.clone())?), path, name, form, "oci-archive");
        }
        self.streamed(input, path, name, form, "oci-archive")
    }

    fn streamed(
        &self,
        input: Input,
        path: &str,
        name: Option<&str>,
        form: Form,
        source: &'static str,
    ) -> Result<Images<'a>> {
        let streamed = Streamed::read(input, self.options.progress)?;
        let plans = self.plans(&streamed, path, name, form, source)?;
        self.list(Origin::Streamed(Box::new(streamed)), plans)
    }

    fn plans(
        &self,
        blobs: &dyn Blobs,
        path: &str,
        name: Option<&str>,
        form: Form,
        source: &'static str,
    ) -> Result<Vec<Result<Plan>>> {
        if form != Form::Docker
            && let Some(entries) = index::entries(blobs)?
            && (form == Form::Oci || !entries.is_empty())
        {
            let typed = format!("{}:{path}", if source == "oci-layout" { "oci" } else { source });
            return match self.wish {
                Wish::One(platform) => Ok(vec![
                    index::choose(blobs, entries, name, platform, &typed, self.options.attested)?.plan(blobs, source),
                ]),
                Wish::All => index::all(blobs, entries, name, &typed, source, self.options.attested),
            };
        }
        if form != Form::Oci
            && let Some(entries) = docker_archive::entries(blobs)?
        {
            let typed = format!("docker-archive:{path}");
            // An engine that sends such an archive is the source, and not the archive.
            let source = Place::ALL.into_iter().map(Place::name).find(|place| *place == source);
            let of_source = |plan: Plan| Plan { source: source.unwrap_or(plan.source), ..plan };
            let plans = match self.wish {
                Wish::One(platform) => vec![docker_archive::plan(blobs, entries, name, platform, &typed)],
                Wish::All => docker_archive::all(blobs, entries, name, &typed)?,
            };
            return Ok(plans.into_iter().map(|plan| plan.map(of_source)).collect());
        }
        Err(no_image(blobs, form))
    }

    fn read(
        &self,
        blobs: Arc<dyn Blobs>,
        path: &str,
        name: Option<&str>,
        form: Form,
        source: &'static str,
    ) -> Result<Images<'a>> {
        let plans = self.plans(blobs.as_ref(), path, name, form, source)?;
        self.list(Origin::Blobs(blobs, Shared::default()), plans)
    }

    fn list(&self, origin: Origin, plans: Vec<Result<Plan>>) -> Result<Images<'a>> {
        Images::new(self.reference.to_string(), self.options, origin, plans)
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
