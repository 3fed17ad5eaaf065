//! A root file system without an image around it: a tar archive of one layer, or a directory.

use std::path::Path;

use super::layer::{self, Bounds, Expected};
use super::options::Options;
use super::progress::Counted;
use super::{Changeset, Configuration, Image, Layer, Platform, Reread, directory};
use crate::error::{Error, Result};
use crate::reference::Reference;
use crate::source::Input;

/// Reads it as an image of one layer, with an empty configuration.
pub(crate) fn open(path: &str, reference: &Reference, options: &Options<'_>) -> Result<Image> {
    options.progress.start(None, None);
    let read = read(path, options);
    options.progress.finish();
    let (changeset, again) = read?;
    Ok(Image {
        source: "rootfs",
        reference: reference.to_string(),
        digest: None,
        platform: options.platform.clone().unwrap_or_else(Platform::host),
        configured: None,
        others: Vec::new(),
        configuration: Configuration::default(),
        record: Default::default(),
        layers: vec![Layer { digest: String::new(), created_by: None, changeset: changeset.into() }],
        tree: None,
        tables: 0,
        unseen: None,
        upon: None,
        again,
    })
}

fn read(path: &str, options: &Options<'_>) -> Result<(Changeset, Box<dyn Reread>)> {
    if Path::new(path).is_dir() {
        let changeset = directory::read(path.as_ref())?;
        if saved(&changeset) == Some(Saved::Oci) {
            return Err(an_image(format!("root file system `{path}`"), &format!("oci:{path}")));
        }
        return Ok((changeset, Box::new(directory::Again::new(path.into()))));
    }
    let input = Input::new(path);
    let what = format!("root file system {input}");
    let reader = Counted { reader: input.raw()?, progress: options.progress };
    let changeset = layer::read(reader, &Expected::default(), &what, &Bounds::default())?;
    if changeset.is_empty() {
        let problem = changeset.bad_archive().map_or("it is empty", |bad| bad.problem.as_str());
        return Err(Error::new(what, problem).help("name a directory, or a tar archive of one"));
    }
    match saved(&changeset) {
        Some(Saved::Oci) => Err(an_image(what, &format!("oci-archive:{path}"))),
        Some(Saved::Docker) => Err(an_image(what, &format!("docker-archive:{path}"))),
        None => Ok((changeset, Box::new(Again { input, what }))),
    }
}

fn an_image(what: String, typed: &str) -> Error {
    Error::new(what, "it is a saved image, with the root file system in its layers").help(format!("imagelint {typed}"))
}

/// An image in an archive, taken for a root file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saved {
    Oci,
    Docker,
}

/// A file of the name manifest.json alone is in many a web application; beside layers it is what `docker save` writes.
fn saved(changeset: &Changeset) -> Option<Saved> {
    let (mut index, mut layout, mut manifest, mut layers) = Default::default();
    changeset.for_each(|entry| match entry.path.strip_prefix(b"./").unwrap_or(entry.path) {
        b"index.json" => index = true,
        b"oci-layout" => layout = true,
        b"manifest.json" => manifest = true,
        name => layers |= is_layer(name),
    });
    match (index && layout, manifest && layers) {
        (true, _) => Some(Saved::Oci),
        (_, true) => Some(Saved::Docker),
        _ => None,
    }
}

/// `<id>/layer.tar` (Docker), `<digest>.tar` (podman), `<digest>.tar.gz` (crane), `blobs/sha256/<digest>` (Docker 25).
fn is_layer(name: &[u8]) -> bool {
    let depth = name.iter().filter(|b| **b == b'/').count();
    let is_tar = name.ends_with(b".tar") || name.ends_with(b".tar.gz");
    name.starts_with(b"blobs/sha256/") || depth == 0 && is_tar || depth == 1 && name.ends_with(b"/layer.tar")
}

/// The second look at an archive.
struct Again {
    input: Input,
    what: String,
}

impl Reread for Again {
    fn reread(&self, _layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>> {
        if !self.input.is_regular() {
            return Err(Error::new(&self.what, format!("{} cannot be read twice", self.input))
                .help("save it to a file, and name that"));
        }
        layer::reread(self.input.raw()?, &Expected::default(), ordinal, offset, len, &self.what)
    }
}
