//! The command has no x bit for anyone.

use bstr::ByteSlice;

use crate::finding::Finding;
use crate::rootfs::Ino;
use crate::rule::{Explanation, Rule, Subject, Trouble, at, namesakes, paste, quote};

/// See `rules/not-executable.md`.
pub const RULE: Rule = Rule { name: "not-executable", document: include_str!("../../rules/not-executable.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Some((path, ino)) = trouble.candidate() else { return Explanation::default() };
        let layer = trouble.layer_of(ino);
        let who = trouble.who();
        let Some(inode) = trouble.inode(ino) else {
            let message = format!("{who} {}, which the runtime makes and nobody may execute", quote(&path));
            return Explanation::new(message, "name a program of the image");
        };
        let mode = inode.mode;
        let message = format!("{who} {}, which nobody may execute (mode {mode:04o})", quote(&path));
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
    let copy = trouble.copy_with("--chmod=0755", trouble.layer_of(ino), path);
    let explanation = explanation
        .fix_if("set it while copying (BuildKit, Buildah)", copy)
        .fix("set it in the image", format!("RUN chmod +x {}", paste::operand(path)))
        .fix("set it in git, for everyone", format!("git update-index --chmod=+x {}", paste::operand(name)));
    let line = trouble.first_line(ino);
    let Some(words) = line.strip_prefix(b"#!") else { return explanation };
    // As binfmt_script does: blanks and tabs separate, a carriage return does not.
    let words: Vec<&[u8]> = words.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
    let Some(interpreter) = words.first() else { return explanation };
    if let Some(missing) = missing(trouble, interpreter, words.get(1).copied()) {
        return explanation.why(format!(
            "once it is executable, its interpreter will be missing next: the first line is {}, and {} is not in the image",
            quote(&line),
            quote(missing)
        ));
    }
    let argv: Vec<String> =
        words.iter().map(|word| word.to_str_lossy().into_owned()).chain([path.to_owned()]).collect();
    explanation.fix("or let its interpreter read it", trouble.instead(&argv))
}

/// What of a `#!` line is not in the image: the interpreter, or the one that `env` is to look for.
fn missing<'l>(trouble: &Trouble<'_>, interpreter: &'l [u8], argument: Option<&'l [u8]>) -> Option<&'l [u8]> {
    let rootfs = trouble.subject.rootfs;
    let file = at(&trouble.subject, interpreter).map(|ino| rootfs.inode(ino));
    if !file.is_some_and(|file| file.kind.is_regular() && file.mode & 0o111 != 0) {
        return Some(interpreter);
    }
    let sought =
        argument.filter(|word| interpreter.ends_with(b"/env") && !word.starts_with(b"-") && !word.contains(&b'='));
    sought.filter(|name| !name.contains(&b'/') && namesakes(&trouble.subject, name, 1).is_empty())
}
