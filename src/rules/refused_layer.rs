//! A layer that engines refuse to unpack.

use bstr::ByteSlice;

use crate::finding::{Finding, Place};
use crate::launch::Cause;
use crate::rootfs::{Refusal, RefusalKind};
use crate::rule::{Explanation, Rule, Subject, quote};

/// See `rules/refused-layer.md`.
pub const RULE: Rule = Rule { name: "refused-layer", document: include_str!("../../rules/refused-layer.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Cause::RefusedLayer(refusal) = trouble.cause else { return Explanation::default() };
        let layer = trouble.layer_name(refusal.layer);
        let help = "build the layer again with a current docker, podman or buildkit; the tool that wrote it is at fault";
        Explanation::new(format!("{layer} cannot be unpacked: {}", problem(refusal)), help)
            .why(if refusal.kind.by_all() {
                "every engine refuses it, so there is no image to start a container from"
            } else {
                "Podman, CRI-O and Docker's graph drivers refuse it; Docker with the containerd image store and Kubernetes with containerd take it"
            })
            .at(Some(Place::Layer { index: refusal.layer }))
            .layer(Some(refusal.layer))
    })
}

fn problem(refusal: &Refusal) -> String {
    let path = quote(&refusal.path);
    let name = refusal.path.replacen(b".wh.", b"", 1);
    match &refusal.kind {
        RefusalKind::Archive(problem) if refusal.path.is_empty() => {
            format!("its archive is damaged at the start: {problem}")
        }
        RefusalKind::Archive(problem) => format!("its archive is damaged near {path}: {problem}"),
        RefusalKind::HardlinkTargetAbsent(target) => {
            format!("{path} is a hard link to {}, which is not in the same layer", quote(target))
        }
        RefusalKind::WhiteoutOfOwnFile => format!("it adds {} and removes it again with a whiteout", quote(name)),
        RefusalKind::ParentNotDirectory => format!("{path} lies below a file"),
        RefusalKind::ParentLoop => format!("{path} lies below symbolic links that lead in a circle"),
        RefusalKind::NameTooLong => {
            format!("the name that begins with {path} is longer than Linux takes: 255 bytes a file, 4095 a path")
        }
        RefusalKind::TargetTooLong => {
            format!("{path} is a symbolic link to a path that is longer than Linux takes: 4095 bytes")
        }
        RefusalKind::TargetEmpty => format!("{path} is a symbolic link to an empty path, which Linux does not take"),
        RefusalKind::BadCapability => {
            format!("{path} has a `security.capability` that is none, which Linux does not take")
        }
        RefusalKind::DuplicatePath => format!("it has {path} twice"),
        RefusalKind::ParentOutsideLayer(link) => {
            format!("{path} lies below the symbolic link {}, which leads out of the layer", quote(link))
        }
    }
}
