//! With an image and its Dockerfile together, findings point at the instruction and the file of the repository.

#![allow(clippy::unwrap_used)]

mod builder;
mod content;
mod make;

use make::{Image, Project, places};
use serde_json::{Value, json};

const DOCKERFILE: &str =
    "# the service\nFROM base:1\nENV A=b\nCOPY docker/run.sh /entry.sh\nENTRYPOINT [\"/entry.sh\"]\n";
const CRLF: &str = "#!/bin/sh\r\necho hi\r\n";

const LAYERS: &[&[(&str, &[u8], u32)]] =
    &[&[("etc/os-release", b"ID=x\n", 0o644)], &[("entry.sh", CRLF.as_bytes(), 0o755)]];

fn project() -> Project {
    Project::new(&[("Dockerfile", DOCKERFILE), ("docker/run.sh", CRLF), ("other", "x\n")]).track()
}

/// The image of `DOCKERFILE`, with such a history of what is above the base.
fn image(history: &[Value]) -> Image<'static> {
    let base = json!({ "created_by": "/bin/sh -c #(nop) ADD file:1f0f7fb6b9 in / " });
    let history: Vec<Value> = [base].into_iter().chain(history.iter().cloned()).collect();
    Image { layers: LAYERS, history: json!(history), config: json!({ "Entrypoint": ["/entry.sh"], "Env": ["A=b"] }) }
}

fn buildkit() -> Vec<Value> {
    vec![
        json!({ "created_by": "ENV A=b", "comment": "buildkit.dockerfile.v0", "empty_layer": true }),
        json!({ "created_by": "COPY docker/run.sh /entry.sh # buildkit", "comment": "buildkit.dockerfile.v0" }),
        json!({ "created_by": "ENTRYPOINT [\"/entry.sh\"]", "comment": "buildkit.dockerfile.v0", "empty_layer": true }),
    ]
}

fn classic() -> Vec<Value> {
    vec![
        json!({ "created_by": "/bin/sh -c #(nop)  ENV A=b", "empty_layer": true }),
        json!({ "created_by": "/bin/sh -c #(nop) COPY file:a20890a2cd in /entry.sh " }),
        json!({ "created_by": "/bin/sh -c #(nop)  ENTRYPOINT [\"/entry.sh\"]", "empty_layer": true }),
    ]
}

/// The only finding.
fn one(project: &Project, image: &Image<'_>, arguments: &[&str]) -> (Value, String) {
    let (findings, complaints) = project.findings(&project.image("image", image), arguments);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    (findings.into_iter().next().unwrap(), complaints)
}

#[test]
fn every_builder_leads_to_the_file_and_the_instruction() {
    let mut one_layer = classic();
    one_layer[1]["empty_layer"] = json!(true);
    one_layer[2]["empty_layer"] = json!(false);
    let kaniko = vec![json!({ "created_by": "COPY docker/run.sh /entry.sh", "author": "kaniko" })];
    let mut squashed = classic();
    squashed[1]["empty_layer"] = json!(true);
    squashed.push(json!({ "comment": "merge sha256:faf5 to sha256:c47b" }));
    let project = project();
    for history in [buildkit(), classic(), one_layer, kaniko, squashed] {
        let (finding, complaints) = one(&project, &image(&history), &["--dockerfile", "Dockerfile"]);
        assert_eq!(finding["rule"], "carriage-return-in-shebang");
        let found = places(&finding);
        assert_eq!(found, ("docker/run.sh:1:10-11".to_owned(), "Dockerfile:4:1-29".to_owned()), "{history:#?}");
        assert_eq!((&finding["inherited"], &finding["layer"]["inherited"]), (&json!(false), &json!(false)));
        assert_eq!(complaints, "", "{history:#?}");
    }
}

#[test]
fn commands_are_blamed_on_their_words() {
    let project = project();
    let mut image = image(&buildkit());
    image.layers = &[&[("etc/os-release", b"ID=x\n", 0o644)], &[("other", b"", 0o644)]];
    let (finding, _) = one(&project, &image, &["--dockerfile", "Dockerfile"]);
    assert_eq!(finding["place"]["field"], "Entrypoint");
    assert_eq!(places(&finding).0, "Dockerfile:5:13-24");
    assert_eq!(finding["inherited"], false);
}

#[test]
fn what_the_base_brings_is_its_name() {
    let text = "FROM base:1\nENV A=b\n";
    let project = Project::new(&[("Dockerfile", text), ("copy.sh", CRLF)]).track();
    let image = Image {
        layers: &[&[("entry.sh", CRLF.as_bytes(), 0o755)]],
        history: json!([
            { "created_by": "COPY run.sh /entry.sh # buildkit", "comment": "buildkit.dockerfile.v0" },
            { "created_by": "ENTRYPOINT [\"/entry.sh\"]", "comment": "buildkit.dockerfile.v0", "empty_layer": true },
            { "created_by": "ENV A=b", "comment": "buildkit.dockerfile.v0", "empty_layer": true },
        ]),
        config: json!({ "Entrypoint": ["/entry.sh"], "Env": ["A=b"] }),
    };
    let (finding, complaints) = one(&project, &image, &["--dockerfile", "Dockerfile"]);
    assert_eq!(places(&finding), ("Dockerfile:1:6-12".to_owned(), "-".to_owned()));
    assert_eq!((&finding["inherited"], &finding["layer"]["inherited"]), (&json!(true), &json!(true)));
    assert!(finding["fixes"].as_array().unwrap().iter().all(|fix| fix["edits"] == json!([])), "{finding:#}");
    assert_eq!(complaints, "");
    let text = project.lint(&project.image("image", &image), &["--dockerfile", "Dockerfile"]).text();
    assert!(text.contains("from the base image"), "{text}");
}

#[test]
fn a_base_image_is_known_by_its_layers() {
    let project = project();
    let files: &[(&str, &[u8], u32)] = &[("entry.sh", CRLF.as_bytes(), 0o755)];
    let base = Image { layers: &[files], history: json!([]), config: json!({}) };
    let base = project.image("base", &base).display().to_string();
    let config = json!({ "Entrypoint": ["/entry.sh"] });
    let above = Image { layers: &[files, &[("x", b"", 0o644)]], history: json!([]), config: config.clone() };
    let (finding, _) = one(&project, &above, &["--base", &base]);
    assert_eq!((&finding["inherited"], &finding["source"]), (&json!(true), &Value::Null));
    let (finding, _) = one(&project, &above, &["--base", &base, "--dockerfile", "Dockerfile"]);
    assert_eq!((&finding["inherited"], places(&finding).0.as_str()), (&json!(true), "Dockerfile:2:6-12"));
    let aside = Image { layers: &[&[("x", b"", 0o644)], files], history: json!([]), config };
    let (finding, complaints) = one(&project, &aside, &["--base", &base]);
    assert_eq!(finding["inherited"], Value::Null);
    assert!(complaints.contains("are not those of") && complaints.contains("base.tar"), "{complaints}");
}

#[test]
fn a_dockerfile_that_cannot_be_read_keeps_no_image_from_being_linted() {
    let project = project();
    project.write("Dockerfile", "FROM base\nCOPY --from= a\n  ENTRYPINT x\n");
    let image = project.image("image", &image(&buildkit()));
    let looked = project.lint(&image, &["--dockerfile", "Dockerfile", "--format", "json"]);
    assert_eq!(looked.0.status.code(), Some(2));
    assert!(looked.complaints().contains("Dockerfile:2:"), "{}", looked.complaints());
    assert_eq!(looked.findings().len(), 1);
    let looked = project.lint(&image, &["--dockerfile", "a", "--dockerfile", "b", "--format", "json"]);
    assert_eq!(looked.0.status.code(), Some(2));
    assert!(looked.complaints().contains("one Dockerfile"), "{}", looked.complaints());
    project.write("Dockerfile", DOCKERFILE);
    let looked = project.lint(&image, &["--dockerfile", "Dockerfile", "--target", "nowhere"]);
    assert_eq!(looked.0.status.code(), Some(2));
    assert!(looked.complaints().contains("no stage `nowhere`"), "{}", looked.complaints());
}

#[test]
fn sarif_has_the_line() {
    let project = project();
    let looked = project.lint(&project.image("image", &image(&buildkit())), &["-f", "Dockerfile", "--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&looked.text()).unwrap();
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "docker/run.sh");
    assert_eq!((&location["region"]["startLine"], &location["region"]["startColumn"]), (&json!(1), &json!(10)));
}

#[test]
fn what_the_command_line_says_is_on_no_line() {
    let text = format!("{DOCKERFILE}USER 5\n");
    let project = Project::new(&[("Dockerfile", &text), ("docker/run.sh", CRLF)]).track();
    let mut history = buildkit();
    history.push(json!({ "created_by": "USER 5", "comment": "buildkit.dockerfile.v0", "empty_layer": true }));
    let mut image = image(&history);
    image.config["User"] = json!("5");
    for (arguments, expected) in [
        (&["--user", "nobody-there"][..], "-"),
        (&["--entrypoint", "/nowhere"], "-"),
        (&["--env", "A=c"], "docker/run.sh:1:10-11"),
    ] {
        let (finding, _) = one(&project, &image, &[&["--dockerfile", "Dockerfile"], arguments].concat());
        assert_eq!(places(&finding).0, expected, "{arguments:?}: {finding:#}");
    }
}

#[test]
fn what_is_attested_tells_the_stage_the_arguments_and_the_text() {
    let text = "FROM scratch AS release\nARG NAME=x\nCOPY run.sh /$NAME.sh\nENTRYPOINT [\"/entry.sh\"]\n\
                FROM scratch AS debug\nCOPY other /other\n";
    let project = Project::new(&[("Dockerfile", text), ("run.sh", CRLF), ("other", "x\n")]).track();
    let image = Image {
        layers: &[&[("entry.sh", CRLF.as_bytes(), 0o755)]],
        history: json!([
            { "created_by": "ARG NAME=entry", "comment": "buildkit.dockerfile.v0", "empty_layer": true },
            { "created_by": "COPY run.sh /entry.sh # buildkit", "comment": "buildkit.dockerfile.v0" },
            { "created_by": "ENTRYPOINT [\"/entry.sh\"]", "comment": "buildkit.dockerfile.v0", "empty_layer": true },
        ]),
        config: json!({ "Entrypoint": ["/entry.sh"] }),
    };
    let predicate = |text: &str| {
        json!({
            "buildDefinition": { "externalParameters": { "request": {
                "frontend": "dockerfile.v0", "args": { "target": "release", "build-arg:NAME": "entry" },
            } } },
            "runDetails": { "metadata": { "buildkit_metadata": { "source": {
                "infos": [{ "filename": "Dockerfile", "data": base64(text) }],
            } } } },
        })
    };
    let layout = project.attested("attested", &image, &predicate(text));
    let (findings, complaints) = project.findings(&layout, &["--dockerfile", "Dockerfile"]);
    assert_eq!((findings.len(), complaints.as_str()), (1, ""), "{findings:#?}");
    assert_eq!(places(&findings[0]), ("run.sh:1:10-11".to_owned(), "Dockerfile:3:1-22".to_owned()));

    // The same without what is attested: the last stage is another one.
    let (_, complaints) = project.findings(&project.image("plain", &image), &["--dockerfile", "Dockerfile"]);
    assert!(complaints.contains("which line made which layer of the image is not known"), "{complaints}");

    project
        .write("Dockerfile", &text.replace("COPY run.sh", "COPY --chmod=0755 run.sh").replace("/$NAME.sh", "/else.sh"));
    let (_, complaints) = project.findings(&layout, &["--dockerfile", "Dockerfile"]);
    assert!(complaints.contains("the image's provenance has the `Dockerfile` that it was built from"), "{complaints}");
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
