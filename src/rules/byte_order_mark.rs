//! A byte order mark before `#!`.

use crate::finding::Finding;
use crate::rule::{Explanation, Rule, Subject, paste::operand, quote};

/// See `rules/byte-order-mark.md`.
pub const RULE: Rule =
    Rule { name: "byte-order-mark", document: include_str!("../../rules/byte-order-mark.md"), check };

/// busybox sed takes `\xEF` for the character U+00EF rather than for a byte, so printf makes the bytes.
const REMOVE: &str = r#"sed -i "1s/^$(printf '\357\273\277')//""#;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let file = trouble.last_file();
        let path = file.map_or_else(|| trouble.command().to_owned(), |step| step.path.to_string());
        let message =
            format!("{} begins with a UTF-8 byte order mark, so the kernel does not see its `#!`", quote(&path));
        let place = file.and_then(|step| Some(trouble.file(&step.path, step.ino?, Some(0..3))));
        Explanation::new(message, "save the script without a byte order mark")
            .why("the kernel wants `#!` as the first two bytes; here they are `ef bb`")
            .at(place)
            .fix("remove it in the image", format!("RUN {REMOVE} {}", operand(&path)))
            .fix("remove it in the repository", format!("{REMOVE} entrypoint.sh"))
    })
}
