//! A script without `#!`.

use crate::finding::Finding;
use crate::format::magic::Format;
use crate::launch::{Cause, Problem};
use crate::rule::{Explanation, Rule, Subject, paste::operand, quote};

/// See `rules/missing-shebang.md`.
pub const RULE: Rule =
    Rule { name: "missing-shebang", document: include_str!("../../rules/missing-shebang.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let file = trouble.last_file();
        let path = file.map_or_else(|| trouble.command().to_owned(), |step| step.path.to_string());
        let operand = operand(&path);
        let (message, fix) = match trouble.cause {
            Cause::Exec { problem: Problem::Format(_, Format::LateShebang), .. } => (
                format!("{} has its `#!` not in the first two bytes, so the kernel does not see it", quote(&path)),
                format!("RUN sed -i '/./,$!d; s/^[[:space:]]*#!/#!/' {operand}"),
            ),
            Cause::Exec { problem: Problem::Shebang(..), .. } => (
                format!("{} has a `#!` line that names no interpreter", quote(&path)),
                format!("RUN sed -i '1s|.*|#!/bin/sh|' {operand}"),
            ),
            _ => (
                format!("{} is a script without a `#!` line, so the kernel does not know what runs it", quote(&path)),
                format!("RUN sed -i '1i #!/bin/sh' {operand}"),
            ),
        };
        let argv = ["/bin/sh", &path];
        let explanation =
            Explanation::new(message, "let the script begin with `#!/bin/sh`, or name the shell in the command")
                .why("a shell would run such a file itself; execve(2), which exec form uses, does not")
                .at(file.and_then(|step| trouble.first_line_of(step)));
        match trouble.has_shell() {
            true => explanation
                .fix("name the interpreter in the first line", fix)
                .fix("or in the command", trouble.instead(&argv)),
            false => explanation.why("the image has no `/bin/sh` either: it needs an interpreter as well"),
        }
    })
}
