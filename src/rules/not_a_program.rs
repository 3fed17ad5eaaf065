//! A file that is no Linux program.

use crate::finding::Finding;
use crate::format::magic::Format;
use crate::launch::{Cause, Problem};
use crate::rule::{Explanation, Rule, Subject, Trouble, paste::shell_word, quote};

/// See `rules/not-a-program.md`.
pub const RULE: Rule = Rule { name: "not-a-program", document: include_str!("../../rules/not-a-program.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let file = trouble.last_file();
        let path = file.map_or_else(|| trouble.command().to_owned(), |step| step.path.to_string());
        let format = match trouble.cause {
            Cause::Exec { problem: Problem::Format(_, format), .. } => *format,
            _ => Format::Data,
        };
        let (what, help) = describe(format);
        let place = file.and_then(|step| Some(trouble.file(&step.path, step.ino?, None)));
        let explanation =
            Explanation::new(format!("{} is no Linux program: it is {what}", quote(&path)), help).at(place);
        fix(trouble, explanation, format, &path)
    })
}

/// What it is, and what to do.
fn describe(format: Format) -> (String, &'static str) {
    let (what, help) = match format {
        Format::Empty => {
            ("an empty file", "look at the step that makes it: a build or a download that failed leaves an empty file")
        }
        Format::Pe => ("a Windows program", "build it for Linux"),
        Format::MachO => ("a macOS program", "build it for Linux, in the Dockerfile rather than on the Mac"),
        Format::JavaClass => ("a Java class file", "let `java` run it"),
        Format::Zip => ("a zip archive, such as a jar", "let its interpreter run it, or unpack it"),
        Format::Wasm => ("a WebAssembly module", "let a WebAssembly runtime run it"),
        Format::GitLfsPointer => ("a git-lfs pointer: the file itself was never fetched", "fetch it before the build"),
        Format::Html => (
            "an HTML page, such as the error page that a download got",
            "let the download fail instead of saving the page",
        ),
        Format::Archive(kind) => {
            return (format!("a {kind} archive"), "unpack it: COPY does not, and ADD only what comes from the context");
        }
        Format::Elf(problem) => {
            return (
                format!("an ELF file that cannot be executed ({problem})"),
                "link it as a program, or copy it again",
            );
        }
        _ => ("data of no format that Linux executes", "copy the program itself"),
    };
    (what.to_owned(), help)
}

fn fix(trouble: &Trouble<'_>, explanation: Explanation, format: Format, path: &str) -> Explanation {
    let (with, file) = (|words: &[&str]| trouble.instead(words), shell_word(path));
    match format {
        Format::GitLfsPointer => explanation.fix("fetch it", "git lfs pull"),
        Format::Html => explanation
            .fix("fail instead", format!("RUN curl --fail --silent --show-error --location --output {file} URL")),
        Format::Pe | Format::MachO => {
            explanation.fix("build it for Linux (Go)", "RUN CGO_ENABLED=0 GOOS=linux go build -o /app .")
        }
        Format::Zip => explanation.fix("if it is a jar", with(&["java", "-jar", path])),
        Format::Wasm => explanation.fix("with a runtime", with(&["wasmtime", path])),
        Format::Archive(_) => explanation.fix("unpack it", format!("RUN tar -xf {file} -C /usr/local")),
        _ => explanation,
    }
}
