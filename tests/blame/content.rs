//! Where the history does not tell, what is certain by itself is told, and nothing else.

use serde_json::{Value, json};

use super::make::{Image, Project, places};
use super::{CRLF, DOCKERFILE, buildkit, classic, image, one, project};

const LF: &str = "#!/bin/sh\necho hi\n";

#[test]
fn a_history_of_something_else_is_said_and_nothing_guessed() {
    let mut edited = buildkit();
    edited[1]["created_by"] = json!("COPY docker/run.sh /other.sh # buildkit");
    let mut after = classic();
    after.push(json!({ "author": "joe", "comment": "by hand", "empty_layer": true }));
    let project = project();
    for (history, why) in [
        (edited, "in place of line 4 of `Dockerfile` its history has `COPY docker/run.sh /other.sh # buildkit`"),
        (after, "in place of line 5 of `Dockerfile` its history has an entry that names no instruction"),
        (buildkit()[1..].to_vec(), "in place of line 3 of `Dockerfile` its history has `/bin/sh -c #(nop) ADD file"),
        (buildkit()[..1].to_vec(), "its history tells of 1 layers, and it has 2"),
    ] {
        let (finding, complaints) = one(&project, &image(&history), &["--dockerfile", "Dockerfile"]);
        assert!(complaints.contains(why), "{complaints}");
        // the bytes of the file are proof, and those of the only COPY that brings it there
        assert_eq!(places(&finding), ("docker/run.sh:1:10-11".to_owned(), "Dockerfile:4:1-29".to_owned()));
        assert_eq!(finding["layer"]["inherited"], Value::Null);
        // other bytes are none
        let other =
            Image { layers: &[&[("a", b"", 0o644)], &[("entry.sh", b"#!/bin/sh\r\n", 0o755)]], ..image(&history) };
        let (finding, _) = one(&project, &other, &["--dockerfile", "Dockerfile"]);
        assert_eq!((places(&finding), &finding["inherited"]), (("-".to_owned(), "-".to_owned()), &Value::Null));
    }
    let none = Image { history: json!([]), ..image(&[]) };
    assert!(one(&project, &none, &["--dockerfile", "Dockerfile"]).1.contains("it has no history"));
}

#[test]
fn without_history_a_command_is_blamed_if_it_is_the_same() {
    let project = project();
    let layers: &[&[(&str, &[u8], u32)]] = &[&[("a", b"", 0o644)]];
    let entrypoint = |path: &str| Image { layers, history: json!([]), config: json!({ "Entrypoint": [path] }) };
    let (finding, _) = one(&project, &entrypoint("/entry.sh"), &["--dockerfile", "Dockerfile"]);
    assert_eq!((places(&finding).0.as_str(), &finding["inherited"]), ("Dockerfile:5:13-24", &json!(false)));
    let (finding, _) = one(&project, &entrypoint("/entry"), &["--dockerfile", "Dockerfile"]);
    assert_eq!((places(&finding).0.as_str(), &finding["inherited"]), ("-", &Value::Null));
}

#[test]
fn a_checkout_that_converts_line_ends_is_proven() {
    let project = Project::new(&[("Dockerfile", DOCKERFILE), ("docker/run.sh", LF)]).track();
    let said =
        |finding: &Value| finding["because"].to_string().contains("`docker/run.sh` has LF line ends in the repository");
    for checkout in [LF, CRLF] {
        // in the working tree of whoever builds there are CRLFs, in the index there are none
        project.write("docker/run.sh", checkout);
        let (finding, _) = one(&project, &image(&buildkit()), &["--dockerfile", "Dockerfile"]);
        assert!(said(&finding), "{finding:#}");
        let (source, instruction) = places(&finding);
        assert!(source.starts_with("docker/run.sh:1:"), "{source}");
        assert_eq!(instruction, "Dockerfile:4:1-29");
    }
    let project = super::project();
    assert!(!said(&one(&project, &image(&buildkit()), &["--dockerfile", "Dockerfile"]).0), "the repository has CRLFs");
}

#[test]
fn a_file_that_has_changed_since_is_not_blamed() {
    let project =
        Project::new(&[("Dockerfile", DOCKERFILE), ("docker/run.sh", "#!/bin/bash\n"), ("copy", CRLF)]).track();
    let (finding, _) = one(&project, &image(&buildkit()), &["--dockerfile", "Dockerfile"]);
    // COPY of another file cannot have brought it, whatever has the same bytes
    assert_eq!(places(&finding), ("Dockerfile:4:1-29".to_owned(), "-".to_owned()));
    let said = "`docker/run.sh` of the repository is another file than `/entry.sh` of the image";
    assert!(finding["because"].to_string().contains(said), "{finding:#}");
}

#[test]
fn of_files_with_the_same_bytes_the_one_with_the_name() {
    let dockerfile = "FROM base:1\nCOPY . /opt/\nRUN make\n";
    let image = Image { history: json!([]), ..image(&[]) };
    for (files, expected) in [
        (&["a/entry.sh", "b/other.sh"][..], "a/entry.sh:1:10-11"),
        (&["a/entry.sh", "b/entry.sh"], "-"),
        (&["a/x.sh", "b/y.sh"], "-"),
        (&["a/x.sh"], "a/x.sh:1:10-11"),
    ] {
        let files: Vec<_> = files.iter().map(|path| (*path, CRLF)).chain([("Dockerfile", dockerfile)]).collect();
        let (finding, _) = one(&Project::new(&files).track(), &image, &["--dockerfile", "Dockerfile"]);
        assert_eq!(places(&finding).0, expected, "{files:?}");
    }
}

#[test]
fn a_context_need_be_no_repository() {
    let project = Project::new(&[("app/Dockerfile", DOCKERFILE), ("app/docker/run.sh", CRLF)]);
    let (finding, _) = one(&project, &image(&buildkit()), &["--dockerfile", "app/Dockerfile"]);
    assert_eq!(places(&finding), ("app/docker/run.sh:1:10-11".to_owned(), "app/Dockerfile:4:1-29".to_owned()));
    let (finding, _) = one(&project, &image(&buildkit()), &["--dockerfile", "app/Dockerfile", "--context", "."]);
    assert_eq!(places(&finding).0, "app/Dockerfile:4:1-29", "there is no docker/run.sh in this context");
}

#[test]
fn a_directory_that_is_there_takes_the_file() {
    let dockerfile = "FROM base:1\nCOPY a b/run.sh /opt\nENTRYPOINT [\"/opt/run.sh\"]\n";
    let project = Project::new(&[("Dockerfile", dockerfile), ("a", "x\n"), ("b/run.sh", CRLF)]).track();
    for (text, to) in
        [(dockerfile.to_owned(), "opt/run.sh"), (dockerfile.replace("a b/run.sh", "b/run.sh"), "opt/run.sh")]
    {
        project.write("Dockerfile", &text);
        let sources = text.lines().nth(1).unwrap();
        let image = Image {
            layers: &[&[("opt/x", b"", 0o644)], &[(to, CRLF.as_bytes(), 0o755)]],
            history: json!([
                { "created_by": "base" },
                { "created_by": format!("{sources} # buildkit"), "comment": "buildkit.dockerfile.v0" },
                { "created_by": "ENTRYPOINT [\"/opt/run.sh\"]", "comment": "buildkit.dockerfile.v0", "empty_layer": true },
            ]),
            config: json!({ "Entrypoint": ["/opt/run.sh"] }),
        };
        let (finding, complaints) = one(&project, &image, &["--dockerfile", "Dockerfile"]);
        assert_eq!(places(&finding).0, "b/run.sh:1:10-11", "{text}: {complaints}");
    }
}

#[test]
fn what_another_stage_had_copied_is_found_by_its_bytes() {
    let dockerfile = "FROM a AS one\nCOPY src /src\nFROM scratch\nCOPY --from=one /src/run.sh /entry.sh\nENTRYPOINT [\"/entry.sh\"]\n";
    let project = Project::new(&[("Dockerfile", dockerfile), ("src/run.sh", CRLF)]).track();
    let image = Image {
        layers: &[&[("entry.sh", CRLF.as_bytes(), 0o755)]],
        history: json!([
            { "created_by": "COPY /src/run.sh /entry.sh # buildkit", "comment": "buildkit.dockerfile.v0" },
            { "created_by": "ENTRYPOINT [\"/entry.sh\"]", "comment": "buildkit.dockerfile.v0", "empty_layer": true },
        ]),
        config: json!({ "Entrypoint": ["/entry.sh"] }),
    };
    let (finding, complaints) = one(&project, &image, &["--dockerfile", "Dockerfile"]);
    assert_eq!(places(&finding), ("src/run.sh:1:10-11".to_owned(), "Dockerfile:4:1-38".to_owned()));
    assert_eq!(complaints, "");
}
