//! Entries as builders write them.

use super::*;
use crate::dockerfile::parse;

fn fits(created_by: &str, line: &str) -> bool {
    let text = format!("FROM a\n{line}");
    let parsed = parse(text.as_bytes());
    let entry = History { created_by: created_by.to_owned(), ..History::default() };
    Said::of(&entry).is_some_and(|said| said.is_of(&parsed.instructions[1], text.as_bytes()))
}

#[test]
fn entries_are_of_their_instructions() {
    for (created_by, line) in [
        ("/bin/sh -c a \"b  c\"", "RUN a \"b  c\""),
        ("|1 A=b /bin/sh -ec a", "RUN a"),
        ("RUN |2 A=b B= /bin/sh -c a # buildkit", "RUN --mount=type=cache,target=/c a"),
        ("/bin/sh -c --mount=type=cache,target=/c a", "RUN --mount=type=cache,target=/c a"),
        ("RUN a b # buildkit", "RUN [\"a\", \"b\"]"),
        ("RUN /bin/sh -c a &&     b # buildkit", "RUN a && \\\n    b"),
        ("RUN /bin/sh -c echo a\n # buildkit", "RUN <<E\necho a\nE"),
        ("COPY --chmod=755 a b /x/ # buildkit", "COPY --chmod=755 a b /x/"),
        ("COPY a-1 /x # buildkit", "COPY a-$V /x"),
        ("COPY <<E /x # buildkit", "COPY <<E /x\nhi\nE"),
        ("/bin/sh -c #(nop) COPY --chown=1:1file:a20890a2cd in /run.sh ", "COPY --chown=1:1 run.sh /run.sh"),
        ("/bin/sh -c #(nop) COPY file:a20890a2cd in /opt/1 ", "COPY a /opt/$V"),
        ("CMD [\"/bin/sh\" \"-c\" \"a \\t\\\"b\\\"\"]", "CMD a \\\n\t\"b\""),
        ("CMD []", "CMD []"),
        (
            "HEALTHCHECK {Test:[CMD-SHELL wget -q localhost] Interval:5s}",
            "HEALTHCHECK --interval=5s CMD wget -q localhost",
        ),
        ("WORKDIR /a/b", "WORKDIR ./b/"),
        ("ENV A=b c", "ENV A=\"b c\""),
        ("EXPOSE [80/tcp]", "EXPOSE 80"),
    ] {
        assert!(fits(created_by, line), "{created_by} of {line}");
    }
}

#[test]
fn entries_are_not_of_others() {
    for (created_by, line) in [
        ("/bin/sh -c a b", "RUN a c"),
        ("RUN /bin/sh -c echo b\n # buildkit", "RUN <<E\necho a\nE"),
        ("RUN /bin/sh -c a # buildkit", "CMD a"),
        ("COPY a /x # buildkit", "COPY a /y"),
        ("COPY a-1 /y # buildkit", "COPY a-$V /x"),
        ("/bin/sh -c #(nop) COPY file:a20890a2cd in /x ", "COPY a /y"),
        ("/bin/sh -c #(nop) COPY file:a20890a2cd in /x ", "ADD a /x"),
        ("CMD [\"a\"]", "CMD []"),
        ("CMD [\"a\" \"b\"]", "CMD [\"a\"]"),
        ("ENTRYPOINT [\"/bin/sh\" \"-c\" \"x y\"]", "ENTRYPOINT z y"),
        ("WORKDIR /a/b", "WORKDIR c"),
        ("bazel build ...", "COPY a /a"),
        ("", "RUN a"),
    ] {
        assert!(!fits(created_by, line), "{created_by} of {line}");
    }
}
