//! Which image of several: by name, then by platform. Never a silent substitute.

use std::collections::BTreeSet;

use super::Platform;
use crate::error::{Error, Result};

/// How many names or platforms a message lists.
const LISTED: usize = 20;

/// Something that names lead to: an entry of an index or of `manifest.json`.
#[derive(Clone, Debug)]
pub(crate) struct Named<T> {
    pub names: Vec<String>,
    /// The digest it is also known by.
    pub digest: String,
    pub value: T,
}

/// Those called `wanted`; without a wish all, if they are one image.
///
/// They are one image if names that they share connect them, or if none of them has a name: the platforms of an image
/// may stand in an index side by side.
pub(crate) fn by_name<T>(all: Vec<Named<T>>, wanted: Option<&str>, source: &Source<'_>) -> Result<Vec<Named<T>>> {
    let Some(wanted) = wanted else {
        return if is_one_image(&all) { Ok(all) } else { Err(several(&all, source)) };
    };
    let listed = list(labels(&all));
    let is_wanted = |item: &Named<T>| item.digest == wanted || item.names.iter().any(|n| same_name(n, wanted));
    let chosen: Vec<_> = all.into_iter().filter(is_wanted).collect();
    if chosen.is_empty() {
        return Err(
            Error::new(source.place, format!("it holds no image `{wanted}`")).help(format!("it holds {listed}"))
        );
    }
    Ok(chosen)
}

/// What is chosen from, as the user knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// In errors: ``archive `x.tar` ``.
    pub place: &'a str,
    /// As it is typed, without a name: `oci:x`.
    pub typed: &'a str,
}

/// The error for several images where one is to be chosen.
pub(crate) fn several<T>(all: &[Named<T>], source: &Source<'_>) -> Error {
    let labels = labels(all);
    let example = labels.iter().next().cloned().unwrap_or_default();
    Error::new(source.place, format!("it holds several images: {}", list(labels)))
        .help(format!("choose one by its name: imagelint {}:{example}", source.typed))
}

fn is_one_image<T>(all: &[Named<T>]) -> bool {
    let mut known: BTreeSet<&String> = all.iter().take(1).flat_map(|item| &item.names).collect();
    if known.is_empty() {
        return all.iter().all(|item| item.names.is_empty());
    }
    let mut rest: Vec<_> = all.iter().collect();
    loop {
        let before = rest.len();
        rest.retain(|item| {
            let connected = item.names.iter().any(|name| known.contains(name));
            if connected {
                known.extend(&item.names);
            }
            !connected
        });
        if rest.is_empty() || rest.len() == before {
            return rest.is_empty();
        }
    }
}

fn labels<T>(all: &[Named<T>]) -> BTreeSet<String> {
    let label = |item: &Named<T>| match item.names.as_slice() {
        [] => vec![item.digest.clone()],
        names => names.to_vec(),
    };
    all.iter().flat_map(label).collect()
}

fn list(labels: BTreeSet<String>) -> String {
    let more = labels.len().saturating_sub(LISTED);
    let mut text = labels.into_iter().take(LISTED).map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// `alpine`, `alpine:latest` and `docker.io/library/alpine:latest` are the same to Docker's users
/// (distribution/reference, `ParseNormalizedNamed` and `TagNameOnly`).
fn same_name(a: &str, b: &str) -> bool {
    a == b || familiar(a) == familiar(b)
}

fn familiar(name: &str) -> String {
    let short = name.strip_prefix("docker.io/").map(|rest| rest.strip_prefix("library/").unwrap_or(rest));
    let name = short.unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

/// The one for `wanted`; without a wish the only platform there is, else the host's.
///
/// As containerd (`platforms/compare.go`, `Only`) a lower variant serves: `arm/v6` runs on `arm/v7`, plain `amd64` on
/// `amd64/v3`. Other than there, another architecture never does: `386` is not taken for `amd64`.
pub(crate) fn by_platform<T>(
    mut all: Vec<(Platform, T)>,
    wanted: Option<&Platform>,
    reading: &str,
) -> Result<(Platform, T)> {
    let present: BTreeSet<Platform> = all.iter().map(|(platform, _)| platform.clone()).collect();
    let host = Platform::host();
    let target = match (wanted, present.len()) {
        (Some(wanted), _) => wanted,
        (None, 1) => present.first().unwrap_or(&host),
        (None, _) => &host,
    };
    let best = (0..all.len()).filter_map(|i| Some((distance(target, &all.get(i)?.0)?, i))).min();
    match best {
        Some((_, i)) => Ok(all.swap_remove(i)),
        None => Err(absent(target, &present, reading)),
    }
}

fn absent(target: &Platform, present: &BTreeSet<Platform>, reading: &str) -> Error {
    if present.is_empty() {
        return Error::new(reading, "it holds no image");
    }
    let example = present.first().map(ToString::to_string).unwrap_or_default();
    let listed = list(present.iter().map(ToString::to_string).collect());
    Error::new(reading, format!("it has no image for {target}, only for {listed}"))
        .help(format!("choose one of them: --platform {example}"))
}

/// How many variants `have` is below `want`; `None` if it does not run there.
fn distance(want: &Platform, have: &Platform) -> Option<u32> {
    if want == have {
        return Some(0);
    }
    if !want.is_variant_of(have) {
        return None;
    }
    level(want)?.checked_sub(level(have)?)
}

/// The number of a variant where variants are ordered, ten to a major version: `arm64/v8.2` is 82.
fn level(platform: &Platform) -> Option<u32> {
    let default = match platform.architecture.as_str() {
        "amd64" => "v1",
        "arm" => "v7",
        "arm64" => "v8",
        _ => return None,
    };
    let number = platform.variant.as_deref().unwrap_or(default).strip_prefix('v')?;
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some(u32::from(major.parse::<u8>().ok()?) * 10 + u32::from(minor.parse::<u8>().ok().filter(|m| *m < 10)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IT: Source<'_> = Source { place: "it", typed: "oci:it" };

    fn named(names: &[&str], digest: &str) -> Named<()> {
        Named { names: names.iter().map(ToString::to_string).collect(), digest: digest.into(), value: () }
    }

    fn pick(present: &[&str], wanted: Option<&str>) -> std::result::Result<String, String> {
        let all = present.iter().filter_map(|p| Some((p.parse().ok()?, ()))).collect();
        let wanted = wanted.and_then(|w| w.parse().ok());
        by_platform(all, wanted.as_ref(), "it").map(|(p, ())| p.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn names() {
        let all = || vec![named(&["a:1", "b:1"], "sha256:1"), named(&["docker.io/library/c:latest"], "sha256:2")];
        for (wanted, found) in [("b:1", "sha256:1"), ("c", "sha256:2"), ("sha256:1", "sha256:1")] {
            let chosen = by_name(all(), Some(wanted), &IT).unwrap_or_default();
            assert_eq!(chosen.iter().map(|c| c.digest.as_str()).collect::<Vec<_>>(), [found]);
        }
        let message = by_name(all(), None, &IT).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("`a:1`, `b:1`, `docker.io/library/c:latest`"), "{message}");
        assert!(by_name(all(), Some("a"), &IT).is_err());
    }

    #[test]
    fn one_image_under_several_names_or_none() {
        assert!(by_name(vec![named(&["a", "b"], "1"), named(&["c"], "2"), named(&["b", "c"], "3")], None, &IT).is_ok());
        assert!(by_name(vec![named(&[], "1"), named(&[], "2")], None, &IT).is_ok());
        assert!(by_name(vec![named(&[], "1"), named(&["a"], "2")], None, &IT).is_err());
    }

    #[test]
    fn platforms() {
        let both = ["linux/amd64", "linux/arm64"];
        assert_eq!(pick(&both, Some("linux/arm64/v8")).as_deref(), Ok("linux/arm64"));
        assert_eq!(pick(&["linux/s390x"], None).as_deref(), Ok("linux/s390x"));
        assert_eq!(pick(&["linux/arm/v5", "linux/arm/v6"], Some("linux/arm/v7")).as_deref(), Ok("linux/arm/v6"));
        assert_eq!(pick(&["linux/amd64", "linux/amd64/v3"], Some("linux/amd64/v2")).as_deref(), Ok("linux/amd64"));
        assert_eq!(pick(&["linux/amd64/v3", "linux/amd64"], Some("linux/amd64/v4")).as_deref(), Ok("linux/amd64/v3"));
        for (present, wanted) in [
            (&both[..], "linux/s390x"),
            (&["linux/386"], "linux/amd64"),
            (&["linux/arm/v7"], "linux/arm64"),
            (&["linux/arm/v7"], "linux/arm/v6"),
            (&["linux/mips64le/hardfloat"], "linux/mips64le"),
        ] {
            let message = pick(present, Some(wanted)).err().unwrap_or_default();
            assert!(present.iter().all(|p| message.contains(p)), "{message}");
        }
        assert!(pick(&["windows/amd64", "plan9/386"], None).is_err());
    }
}
