//! An image that is named by a name: which engine or registry has it.

use super::Progress;
use crate::error::{Error, Result};
use crate::source::places::{Access, Answer, Found, Place};

/// Where it was found.
pub(super) struct Located {
    pub place: Place,
    pub found: Found,
}

/// Looks for `name` in `place`.
///
/// # Errors
/// It is not there, or the place does not answer.
pub(super) fn at(place: Place, name: &str, access: &Access) -> Result<Located> {
    match ask(place, name, access)? {
        Answer::Found(found) => Ok(Located { place, found }),
        Answer::Absent(why) | Answer::Closed(why) => {
            Err(Error::new(format!("`{place}:{name}`"), why).help(elsewhere(place, name)))
        }
    }
}

/// What else can be tried where an image is not in the one place that was named.
fn elsewhere(place: Place, name: &str) -> String {
    if !cfg!(feature = "remote") {
        return format!("pipe the image: docker save {name} | imagelint -");
    }
    let list = match place {
        Place::Docker => "see docker images for what it has",
        Place::Podman => "see podman images for what it has; images of root are seen by root only",
        Place::Containerd => "see ctr --namespace NAMESPACE images ls for what it has",
        Place::Registry => "look whether the name is right",
    };
    format!("to look in all places: imagelint {name}\n{list}")
}

/// Looks for a bare name in every place, the network last. What does not have it is told if nothing has; what does not
/// answer as it should ends the search, so that no other image of that name is taken for the one that is meant.
///
/// # Errors
/// It is nowhere, or a place does not answer.
pub(super) fn anywhere(name: &str, access: &Access, progress: &dyn Progress) -> Result<Located> {
    let mut tried = Vec::new();
    for place in Place::ALL.into_iter().filter(|place| access.only.is_none_or(|only| only == *place)) {
        if place == Place::Registry && access.offline {
            tried.push("registry: not asked (--offline)".to_owned());
            continue;
        }
        match ask(place, name, access).map_err(|error| explained(error, place, &tried))? {
            Answer::Found(found) => return Ok(Located { place, found }),
            Answer::Absent(why) => tried.push(format!("{place}: {why}")),
            Answer::Closed(why) => {
                progress.passed_over(&format!("{place} was passed over: {why}"));
                tried.push(format!("{place}: {why}"));
            }
        }
    }
    let problem = "there is no file or directory of that name, and no such image was found";
    Err(Error::new(format!("`{name}`"), problem).help(format!("tried in this order\n{}", tried.join("\n"))))
}

/// What a place said that ends the search, and what came before: the name may have been mistyped.
fn explained(error: Error, place: Place, tried: &[String]) -> Error {
    let error = error.or_help(format!("to look elsewhere: --source {}", others(place)));
    if tried.is_empty() { error } else { error.and_help(format!("tried before\n{}", tried.join("\n"))) }
}

fn others(place: Place) -> String {
    let others = Place::ALL.into_iter().filter(|other| *other != place).map(Place::name);
    others.collect::<Vec<_>>().join("|")
}

#[cfg(feature = "remote")]
fn ask(place: Place, name: &str, access: &Access) -> Result<Answer> {
    if place == Place::Registry && access.offline {
        return Err(Error::new(format!("`registry:{name}`"), "registries are not asked (--offline)"));
    }
    crate::source::remote::ask(place, name, access)
}

#[cfg(not(feature = "remote"))]
fn ask(_: Place, _: &str, _: &Access) -> Result<Answer> {
    Ok(Answer::Absent("this build reads files only (it was built without the feature `remote`)".to_owned()))
}
