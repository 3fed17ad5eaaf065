//! The command has no x bit for anyone.

use crate::finding::Finding;
use crate::launch::{Cause, Role};
use crate::rule::{Explanation, Rule, Subject, Trouble, quote};

/// See `rules/not-executable.md`.
pub const RULE: Rule = Rule { name: "not-executable", document: include_str!("../../rules/not-executable.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Some((path, ino)) = trouble.candidate() else { return Explanation::default() };
        let inode = trouble.subject.rootfs.inode(ino);
        let layer = inode.layer.map(usize::from);
        let who = match trouble.cause {
            Cause::Exec { role: Role::Wrapped { .. }, .. } => "the program".to_owned(),
            _ => trouble.instruction().to_owned(),
        };
        let message = format!("{who} names {}, which nobody may execute (mode {:04o})", quote(&path), inode.mode);
        let explanation = Explanation::new(message, "set the execute bit where the file is copied, or in git")
            .at(Some(trouble.file(&path, ino, None)))
            .layer(layer);
        let explanation = match layer {
            Some(layer) => explanation.why(format!("{} comes from {}", quote(&path), trouble.layer_name(layer))),
            None => explanation,
        };
        fixes(trouble, explanation, &path.to_string())
    })
}

fn fixes(trouble: &Trouble<'_>, explanation: Explanation, path: &str) -> Explanation {
    let name = path.rsplit('/').next().unwrap_or(path);
    explanation
        .fix("set it while copying (BuildKit, Buildah)", format!("COPY --chmod=0755 {name} {path}"))
        .fix("set it in the image", format!("RUN chmod +x {path}"))
        .fix("set it in git, for everyone", format!("git update-index --chmod=+x {name}"))
        .fix("or let its interpreter read it", interpreted(trouble, path))
}

/// The command with the script's interpreter in front.
fn interpreted(trouble: &Trouble<'_>, path: &str) -> String {
    let mut argv = vec!["/bin/sh", path];
    argv.extend(trouble.arguments().iter().map(String::as_str));
    trouble.instruction_with(&argv)
}
