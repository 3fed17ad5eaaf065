//! Findings of which it is known where in the repository they are to be mended.

use std::sync::Arc;

use imagelint::finding::{Blame, Edit, Finding, Fix, Source, SourceFile, Suppression, Suppressor};
use imagelint::fingerprint::line_hashes;
use imagelint::lint::Lint;
use imagelint::report::Format;
use serde_json::json;

use crate::sarif::{faults, log};
use crate::{demo, json as parsed, written};

const DOCKERFILE: &str = "FROM scratch\n\nCOPY docker-entrypoint.sh \\\n  /\nENTRYPOINT [\"/docker-entrypoint.sh\"]\n";
const SCRIPT: &str = "#!/bin/bash\r\n# é 👋 x\r\nset -e\r\n";

fn source(path: &str, text: &str, part: &str) -> Source {
    let start = text.find(part).unwrap();
    Source { file: Arc::new(SourceFile { path: path.into(), text: text.into() }), span: start..start + part.len() }
}

/// The script of the demo image, as if it lay in a directory with a blank and were copied by a Dockerfile.
pub fn blamed(linted: &Lint) -> Finding {
    let script = |part| source("./images/a b/docker-entrypoint.sh", SCRIPT, part);
    let instruction = source("images/Dockerfile", DOCKERFILE, "COPY docker-entrypoint.sh \\\n  /");
    let edit = |part, with: &[u8]| Edit { at: script(part), with: with.into() };
    let insertion = Source { span: 12..12, ..instruction.clone() };
    let edits =
        vec![edit("/bin/bash\r", b"/bin/sh"), Edit { at: insertion, with: "\nRUN x".into() }, edit("👋", b"\xff")];
    let fix = Fix { title: "write `/bin/sh`".into(), text: "#!/bin/sh".into(), edits, is_safe: true };
    let blame = Blame {
        source: Some(script("/bin/bash\r")),
        instruction: Some(instruction),
        inherited: Some(false),
        layer_inherited: Some(false),
    };
    Finding { blame, fixes: vec![fix], ..linted.findings[0].clone() }
}

#[test]
fn sarif_points_to_the_repository() {
    let linted = demo();
    let finding = blamed(&linted);
    let log = log(&linted, std::slice::from_ref(&finding));
    assert_eq!(faults(&log), Vec::<String>::new());
    let result = &log["runs"][0]["results"][0];
    let uri = "images/a%20b/docker-entrypoint.sh";
    let script = json!({ "uri": uri, "uriBaseId": "%SRCROOT%" });
    let physical = &result["locations"][0]["physicalLocation"];
    assert_eq!(physical["artifactLocation"], script);
    assert_eq!(physical["region"], json!({ "startLine": 1, "startColumn": 3, "endLine": 1, "endColumn": 13 }));
    assert!(log["runs"][0]["originalUriBaseIds"].get("%SRCROOT%").is_some());
    assert_eq!(result["partialFingerprints"]["primaryLocationLineHash"], line_hashes(SCRIPT.as_bytes())[0].as_str());

    let related = result["relatedLocations"].as_array().unwrap();
    let uris: Vec<_> = related.iter().map(|r| &r["physicalLocation"]["artifactLocation"]["uri"]).collect();
    assert_eq!(uris[0], "images/Dockerfile");
    assert!(uris[1].as_str().unwrap().ends_with("demo-image/docker-entrypoint.sh"), "{uris:?}");
    assert_eq!((&related[0]["id"], &related[1]["id"]), (&json!(1), &json!(2)));
    let region = json!({ "startLine": 3, "startColumn": 1, "endLine": 4, "endColumn": 4 });
    assert_eq!(related[0]["physicalLocation"]["region"], region);
    assert!(result["message"]["text"].as_str().unwrap().contains("](1)"));

    let changes = result["fixes"][0]["artifactChanges"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    let replacements = json!([
        { "deletedRegion": { "startLine": 1, "startColumn": 3, "endLine": 1, "endColumn": 13 },
          "insertedContent": { "text": "/bin/sh" } },
        { "deletedRegion": { "startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 6 },
          "insertedContent": { "binary": "/w==" } },
    ]);
    assert_eq!(changes[0], json!({ "artifactLocation": script, "replacements": replacements }));
    let nothing = json!({ "startLine": 1, "startColumn": 13, "endLine": 1, "endColumn": 13 });
    assert_eq!(changes[1]["replacements"][0]["deletedRegion"], nothing);
    assert_eq!(result["properties"]["layer"]["inherited"], false);
    assert!(result["properties"].get("suggestions").is_none());
}

#[test]
fn json_has_the_same() {
    let linted = demo();
    let mut whole = blamed(&linted);
    let report = parsed(&written(Format::Json, &linted, std::slice::from_ref(&whole)));
    // what is not UTF-8 cannot be said in JSON, and half of a fix is none
    assert_eq!(report["images"][0]["findings"][0]["fixes"][0]["edits"], json!([]));
    whole.fixes[0].edits.retain(|edit| edit.with != b"\xff"[..]);
    let report = parsed(&written(Format::Json, &linted, &[whole]));
    let finding = &report["images"][0]["findings"][0];
    let path = "./images/a b/docker-entrypoint.sh";
    let source = json!({ "path": path, "line": 1, "column": 3, "end_line": 1, "end_column": 13 });
    assert_eq!(finding["source"], source);
    assert_eq!((&finding["instruction"]["line"], &finding["instruction"]["end_line"]), (&json!(3), &json!(4)));
    assert_eq!((&finding["layer"]["inherited"], &finding["suppression"]), (&json!(false), &json!(null)));
    assert_eq!(finding["fixes"][0]["safe"], true);
    let edit = json!({ "path": path, "line": 1, "column": 3, "end_line": 1, "end_column": 13, "with": "/bin/sh" });
    assert_eq!(finding["fixes"][0]["edits"][0], edit);
}

#[test]
fn the_text_shows_the_source_first() {
    let linted = demo();
    let text = written(Format::Text, &linted, &[blamed(&linted)]);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    let places =
        ["images/a b/docker-entrypoint.sh:1:3]", "[images/Dockerfile:3:1]", "[/docker-entrypoint.sh:1:1]", "☞ 1. "];
    assert!(places.map(at).is_sorted(), "{text}");
    assert!(text.contains("#!/bin/bash␍"));
}

#[test]
fn annotations_and_issues_name_file_and_line() {
    let linted = demo();
    let finding = blamed(&linted);
    let text = written(Format::Github, &linted, std::slice::from_ref(&finding));
    let command = "::error file=images/a b/docker-entrypoint.sh,line=1,col=3,endColumn=13,endLine=1,title=";
    assert!(text.starts_with(command), "{text}");
    let lines =
        Finding { blame: Blame { source: finding.blame.instruction.clone(), ..Blame::default() }, ..finding.clone() };
    let text = written(Format::Github, &linted, &[lines]);
    assert!(text.starts_with("::error file=images/Dockerfile,line=3,endLine=4,title="), "{text}");
    let issues = parsed(&written(Format::Gitlab, &linted, std::slice::from_ref(&finding)));
    assert_eq!(
        issues[0]["location"],
        json!({ "path": "images/a b/docker-entrypoint.sh", "lines": { "begin": 1, "end": 1 } })
    );
    let xml = written(Format::Junit, &linted, std::slice::from_ref(&finding));
    assert!(xml.contains(" file=\"images/a b/docker-entrypoint.sh\" line=\"1\""), "{xml}");
    let markdown = written(Format::Markdown, &linted, &[finding]);
    assert!(
        markdown.contains("<code>images/a b/docker&#45;entrypoint.sh")
            || markdown.contains("<code>images/a b/docker-entrypoint.sh")
    );
}

#[test]
fn what_is_suppressed_is_no_finding_for_people() {
    let linted = demo();
    let suppression = Suppression { by: Suppressor::Configuration, reason: "it is known".into() };
    let hidden = Finding { suppression: Some(suppression), ..linted.findings[0].clone() };
    let only = std::slice::from_ref(&hidden);
    let both = [hidden.clone(), linted.findings[1].clone()];
    for format in [Format::Text, Format::Github, Format::Gitlab, Format::Junit, Format::Markdown] {
        for findings in [only, &both] {
            let text = written(format, &linted, findings);
            let told = findings.len() > 1;
            assert!(!text.contains("[interpreter-not-found]") && !text.contains("interpreter-not-found\""), "{text}");
            assert_eq!(text.contains("healthcheck-not-runnable"), told, "{format:?}: {text}");
        }
    }
    assert!(written(Format::Text, &linted, only).ends_with("\n1 suppressed\n"));
    assert!(written(Format::Text, &linted, &both).contains("1 warning, 1 suppressed; "));
    assert!(written(Format::Markdown, &linted, only).contains("1 finding suppressed"));
    assert_eq!(parsed(&written(Format::Gitlab, &linted, only)), json!([]));
    assert_eq!(written(Format::Github, &linted, only), "");
    assert!(written(Format::Junit, &linted, only).contains(r#"failures="0""#));
    let report = parsed(&written(Format::Json, &linted, &both));
    assert_eq!(report["summary"], json!({ "errors": 0, "warnings": 1, "notes": 0, "suppressed": 1 }));
    let suppression = json!({ "by": "configuration", "reason": "it is known" });
    assert_eq!(report["images"][0]["findings"][0]["suppression"], suppression);
}
