//! The command has no x bit for anyone.

use crate::finding::Finding;
use crate::launch::{Cause, Role};
use crate::rootfs::Ino;
use crate::rule::{Explanation, Rule, Subject, Trouble, quote};

/// See `rules/not-executable.md`.
pub const RULE: Rule = Rule { name: "not-executable", document: include_str!("../../rules/not-executable.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Some((path, ino)) = trouble.candidate() else { return Explanation::default() };
        let layer = trouble.layer_of(ino);
        let who = trouble.instruction();
        let Some(inode) = trouble.inode(ino) else {
            let message = format!("{who} names {}, which the runtime makes and nobody may execute", quote(&path));
            return Explanation::new(message, "name a program of the image");
        };
        let mode = inode.mode;
        let message = match trouble.cause {
            Cause::Exec { role: Role::Wrapped { .. }, .. } => {
                format!("{} is to be executed, and nobody may execute it (mode {mode:04o})", quote(&path))
            }
            _ => format!("{who} names {}, which nobody may execute (mode {mode:04o})", quote(&path)),
        };
        let explanation = Explanation::new(message, "set the execute bit where the file is copied, or in git")
            .at(Some(trouble.file(&path, ino, None)))
            .layer(layer);
        let explanation = match layer {
            Some(layer) => explanation.why(format!("{} comes from {}", quote(&path), trouble.layer_name(layer))),
            None => explanation,
        };
        fixes(trouble, explanation, &path.to_string(), ino)
    })
}

fn fixes(trouble: &Trouble<'_>, explanation: Explanation, path: &str, ino: Ino) -> Explanation {
    let name = path.rsplit('/').next().unwrap_or(path);
    let explanation = explanation
        .fix("set it while copying (BuildKit, Buildah)", trouble.copy_with("--chmod=0755", trouble.layer_of(ino), path))
        .fix("set it in the image", format!("RUN chmod +x {path}"))
        .fix("set it in git, for everyone", format!("git update-index --chmod=+x {name}"));
    let line = String::from_utf8_lossy(&trouble.first_line(ino)).into_owned();
    let Some(interpreter) = line.strip_prefix("#!").map(str::split_whitespace) else { return explanation };
    let argv: Vec<&str> = interpreter.chain([path]).collect();
    explanation.fix("or let its interpreter read it", trouble.instead(&argv))
}
