//! The command is a directory, a device or a FIFO.

use bstr::ByteSlice;

use crate::finding::Finding;
use crate::launch::{Cause, Problem};
use crate::rootfs::Kind;
use crate::rule::{Explanation, Rule, Subject, quote};

/// See `rules/is-a-directory.md`.
pub const RULE: Rule = Rule { name: "is-a-directory", document: include_str!("../../rules/is-a-directory.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Some((path, ino)) = trouble.candidate() else { return Explanation::default() };
        let inode = trouble.inode(ino);
        let Some(Kind::Directory(names)) = inode.map(|inode| inode.kind) else {
            let directory = matches!(trouble.cause, Cause::Exec { problem: Problem::Directory(_), .. });
            let what = if directory { "a directory" } else { "a device or a FIFO" };
            let message = format!("{} {}, which is {what}", trouble.who(), quote(&path));
            return Explanation::new(message, "name a program");
        };
        let message = format!("{} {}, which is a directory", trouble.who(), quote(&path));
        let explanation = Explanation::new(message, "name the program in it, or copy the program to that path")
            .layer(trouble.layer_of(ino));
        let runnable = names.into_iter().find(|(_, ino)| {
            trouble.inode(*ino).is_some_and(|inode| inode.kind.is_regular() && inode.mode & 0o111 != 0)
        });
        let Some((name, _)) = runnable else {
            return explanation.why("there is no executable file in it");
        };
        let inside = format!("{}/{}", path.to_str_lossy().trim_end_matches('/'), name.to_str_lossy());
        let argv = [inside.as_str()];
        explanation
            .why(format!(
                "COPY to a path that is a directory, or that ends in a slash, puts the file into it: {}",
                quote(&inside)
            ))
            .fix("name the program in it", trouble.instead(&argv))
    })
}
