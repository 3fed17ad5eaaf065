//! The command is a directory, a device or a FIFO.

use bstr::ByteSlice;

use crate::finding::Finding;
use crate::rootfs::Kind;
use crate::rule::{Explanation, Rule, Subject, quote};

/// See `rules/is-a-directory.md`.
pub const RULE: Rule = Rule { name: "is-a-directory", document: include_str!("../../rules/is-a-directory.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Some((path, ino)) = trouble.candidate() else { return Explanation::default() };
        let inode = trouble.subject.rootfs.inode(ino);
        let Kind::Directory(names) = &inode.kind else {
            let message = format!("{} names {}, which is a device or a FIFO", trouble.instruction(), quote(&path));
            return Explanation::new(message, "name a program");
        };
        let message = format!("{} names {}, which is a directory", trouble.instruction(), quote(&path));
        let explanation = Explanation::new(message, "name the program in it, or copy the program to that path")
            .layer(inode.layer.map(usize::from));
        let runnable = names.iter().find(|(_, ino)| {
            let inode = trouble.subject.rootfs.inode(**ino);
            inode.kind.is_regular() && inode.mode & 0o111 != 0
        });
        let Some((name, _)) = runnable else {
            return explanation.why("there is no executable file in it");
        };
        let inside = format!("{}/{}", path.to_str_lossy().trim_end_matches('/'), name.to_str_lossy());
        let mut argv = vec![inside.as_str()];
        argv.extend(trouble.arguments().iter().map(String::as_str));
        explanation
            .why(format!(
                "COPY to a path that is a directory, or that ends in a slash, puts the file into it: {}",
                quote(&inside)
            ))
            .fix("name the program in it", trouble.instruction_with(&argv))
    })
}
