//! SARIF of every fixture: by the schema, and by what GitHub documents and its uploader refuses.

use std::collections::BTreeSet;

use imagelint::finding::{Finding, Severity, Suppression, Suppressor};
use imagelint::fingerprint::line_hash;
use imagelint::image::DOCKERFILE;
use imagelint::image::Image;
use imagelint::launch::Overrides;
use imagelint::lint::{Lint, Unbuilt, Wanted};
use imagelint::report::{Format, Report, Style};
use imagelint::rule::Rule;
use imagelint::rules::RULES;
use serde_json::{Value, json};

use crate::{
    built, demo, each, fixture, json as parsed, schema,
    support::{fixtures, repository},
    written,
};

/// The log on what was found.
pub fn log(linted: &Lint, findings: &[Finding]) -> Value {
    parsed(&written(Format::Sarif, linted, findings))
}

/// What is wrong with `log`.
pub fn faults(log: &Value) -> Vec<String> {
    let mut wrong = schema::faults(log);
    // The types of the crate that the schema is from have every field that is written.
    if let Err(error) = serde_json::from_value::<serde_sarif::sarif::Sarif>(log.clone()) {
        wrong.push(error.to_string());
    }
    let mut categories = BTreeSet::new();
    for run in log["runs"].as_array().unwrap() {
        let id = run["automationDetails"]["id"].as_str().unwrap();
        if !id.ends_with('/') || !categories.insert(id) {
            wrong.push(format!("the category {id}"));
        }
        wrong.extend(run["results"].as_array().expect("an array, even if empty").iter().flat_map(fault_of_result));
    }
    wrong
}

/// What GitHub would not take or not show.
fn fault_of_result(result: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut ensure = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{what}: {result}"));
        }
    };
    let filled = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    ensure(filled(&result["message"]["text"]) && filled(&result["ruleId"]), "empty");
    ensure(result["locations"].as_array().is_some_and(|list| list.len() == 1), "one location");
    let prints = &result["partialFingerprints"];
    let line = prints["primaryLocationLineHash"].as_str().unwrap();
    let (hash, count) = line.split_once(':').unwrap();
    let is_hex = hash.len() <= 16 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    ensure(is_hex && count.parse::<usize>().is_ok() && filled(&prints["imagelint/v1"]), "fingerprints");
    let flows = result["codeFlows"].as_array().into_iter().flatten().flat_map(|flow| {
        let steps = flow["threadFlows"][0]["locations"].as_array().unwrap();
        steps.iter().map(|step| &step["location"])
    });
    let related = result["relatedLocations"].as_array().into_iter().flatten();
    for location in result["locations"].as_array().unwrap().iter().chain(flows).chain(related) {
        let physical = &location["physicalLocation"];
        let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
        let plain = uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b));
        ensure(!uri.is_empty() && plain && !uri.starts_with('/'), "uri");
        ensure(!uri.contains("tmp") && !uri.contains("sha256"), "a temporary path or a digest");
        let region = &physical["region"];
        let at = |line, column| (region[line].as_u64().unwrap(), region[column].as_u64().unwrap());
        let (start, end) = (at("startLine", "startColumn"), at("endLine", "endColumn"));
        ensure(start.0 > 0 && start.1 > 0 && start < end, "region");
    }
    wrong
}

#[test]
fn every_fixture_is_taken() {
    each(|linted| {
        let log = log(linted, &linted.findings);
        let mut wrong = faults(&log);
        let run = &log["runs"][0];
        let count = run["results"].as_array().unwrap().len();
        if log["runs"].as_array().unwrap().len() != 1 || count != linted.findings.len() {
            wrong.push(format!("{count} results"));
        }
        for (result, finding) in run["results"].as_array().unwrap().iter().zip(&linted.findings) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            let named = run["tool"]["driver"]["rules"][index]["id"] == finding.rule && result["ruleId"] == finding.rule;
            if !named || result["level"] != finding.severity.as_str() {
                wrong.push(format!("{} is {}", finding.rule, result["ruleId"]));
            }
        }
        wrong
    });
}

#[test]
fn rules_are_all_listed_and_have_what_github_shows() {
    let log = log(&demo(), &[]);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), RULES.len());
    for rule in rules {
        let text = |pointer: &str| rule.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        for pointer in ["/id", "/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
            assert!(!text(pointer).is_empty(), "{pointer} of {}", rule["id"]);
        }
        assert!(matches!(text("/defaultConfiguration/level"), "error" | "warning" | "note"));
        assert!(matches!(text("/properties/problem.severity"), "error" | "warning" | "recommendation"));
        assert!(matches!(text("/properties/precision"), "very-high" | "high" | "medium" | "low"));
        assert!(rule["properties"].get("security-severity").is_none(), "{} is no vulnerability", rule["id"]);
    }
}

#[test]
fn locations_are_the_same_for_every_build() {
    let linted = demo();
    let log = log(&linted, &linted.findings);
    let run = &log["runs"][0];
    assert!(run["automationDetails"]["id"].as_str().unwrap().ends_with("demo-image/linux-amd64/"), "{run}");
    let location = &run["results"][0]["locations"][0];
    assert!(
        location["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .unwrap()
            .ends_with("demo-image/docker-entrypoint.sh")
    );
    let region = json!({ "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 12, "snippet": { "text": "#!/bin/bash" } });
    assert_eq!(location["physicalLocation"]["region"], region);
    let name = location["logicalLocations"][0]["fullyQualifiedName"].as_str().unwrap();
    assert!(name.contains("@sha256:") && name.ends_with("!/docker-entrypoint.sh"), "{name}");
}

#[test]
fn images_of_one_name_are_one_run_and_others_are_others() {
    let (demo, other) = (demo(), fixture(&repository("fixtures/missing-exec/bad")));
    let mut report = Report::new(Format::Sarif, Style::PLAIN);
    for linted in [&demo, &other, &demo] {
        assert_eq!(report.add(&linted.subject(), &linted.findings), "");
    }
    report.unread("absent:1", None, "there is no such image", Some("look elsewhere"));
    let log = parsed(&report.finish());
    assert_eq!(faults(&log), Vec::<String>::new());
    let runs = log["runs"].as_array().unwrap();
    let counts: Vec<usize> = runs.iter().map(|run| run["results"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [2 * demo.findings.len(), other.findings.len(), 0]);
    let successful: Vec<_> = runs.iter().map(|run| &run["invocations"][0]["executionSuccessful"]).collect();
    assert_eq!(successful, [&json!(true), &json!(true), &json!(false)]);
    let notification = &runs[2]["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(notification["message"]["text"], "absent:1: there is no such image\nhelp: look elsewhere");
    // A run of the image's own category would close what was found of it before.
    assert_eq!(runs[2]["automationDetails"]["id"], "imagelint/not-read/absent/");
}

#[test]
fn nothing_is_cut_in_silence_and_the_worst_is_kept() {
    let linted = demo();
    let worst = linted.findings[0].clone();
    assert_eq!(worst.severity, Severity::Error);
    let mut findings = vec![Finding { severity: Severity::Note, ..worst.clone() }; 3000];
    findings.extend(vec![Finding { severity: Severity::Warning, ..worst.clone() }; 3000]);
    findings.push(worst);
    let log = log(&linted, &findings);
    let run = &log["runs"][0];
    let levels: Vec<&str> = run["results"].as_array().unwrap().iter().map(|r| r["level"].as_str().unwrap()).collect();
    let count = |level| levels.iter().filter(|other| **other == level).count();
    assert_eq!((count("error"), count("warning"), count("note")), (1, 3000, 1999));
    let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert!(notification["message"]["text"].as_str().unwrap().starts_with("1001 findings are left out"));
    assert_eq!(schema::faults(&log), Vec::<String>::new());
}

#[test]
fn what_is_suppressed_says_by_whom_and_why() {
    let linted = demo();
    let suppressed = |by| {
        let suppression = Some(Suppression { by, reason: "known [since](1) \u{1b}".into() });
        Finding { suppression, ..linted.findings[0].clone() }
    };
    for (by, kind) in [
        (Suppressor::Comment, "inSource"),
        (Suppressor::Label, "inSource"),
        (Suppressor::Configuration, "external"),
        (Suppressor::Baseline, "external"),
    ] {
        let log = log(&linted, &[suppressed(by), linted.findings[1].clone()]);
        assert_eq!(faults(&log), Vec::<String>::new());
        let results = log["runs"][0]["results"].as_array().unwrap();
        let told = results.iter().find(|result| result.get("suppressions").is_none()).unwrap();
        let hidden = results.iter().find(|result| result.get("suppressions").is_some()).unwrap();
        assert_eq!(hidden["suppressions"][0]["kind"], kind);
        assert!(hidden["suppressions"][0]["justification"].as_str().unwrap().starts_with("known"));
        let states = (hidden.get("baselineState"), told.get("baselineState"));
        let expected = (Some(&json!("unchanged")), Some(&json!("new")));
        assert_eq!(states, if by == Suppressor::Baseline { expected } else { (None, None) });
    }
}

#[test]
fn what_cannot_be_told_is_a_notification() {
    let text = "FROM scratch\nCOPY --from=programs ok /ok\nWORKDIR /proc/self\nENTRYPOINT [\"./x\"]\n";
    let unknown = built(text, &repository("fixtures"));
    let log = log(&unknown, &unknown.findings);
    assert_eq!(faults(&log), Vec::<String>::new());
    let invocation = &log["runs"][0]["invocations"][0];
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!((&invocation["executionSuccessful"], &notification["level"]), (&json!(true), &json!("warning")));
    assert!(notification["message"]["text"].as_str().unwrap().contains("`/proc/self`"), "{notification}");
}

/// A Dockerfile without an image is named by its path, and what it copies lies below that.
#[test]
fn a_dockerfile_is_what_it_is_called() {
    let mut linted = demo();
    for (reference, name) in [
        ("./services/api/Dockerfile:prod", "services/api/Dockerfile:prod"),
        ("/builds/1234/Dockerfile", "Dockerfile"),
        ("../Dockerfile", "Dockerfile"),
    ] {
        linted.image = Image { source: DOCKERFILE, reference: reference.into(), digest: None, ..linted.image };
        let log = log(&linted, &linted.findings);
        assert_eq!(faults(&log), Vec::<String>::new());
        let run = &log["runs"][0];
        assert_eq!(run["automationDetails"]["id"], format!("imagelint/{name}/linux-amd64/"));
        let location = &run["results"][0]["locations"][0];
        let uri = format!("{}/docker-entrypoint.sh", name.replace(':', "%3A"));
        assert_eq!(location["physicalLocation"]["artifactLocation"]["uri"], uri);
        let logical = &location["logicalLocations"][0]["fullyQualifiedName"];
        assert_eq!(logical, &format!("{name}!/docker-entrypoint.sh"));
    }
}

/// Dockerfiles that are linted before they are built: their findings lie in files that are there, under the hash that
/// GitHub computes of those.
#[test]
fn every_dockerfile_is_taken() {
    let rules: Vec<&Rule> = RULES.iter().collect();
    let mut found = 0;
    for (_, _, directory) in fixtures() {
        let path = directory.join("Dockerfile");
        let wanted = Wanted { path: path.clone(), context: Some(directory.clone()), ..Wanted::default() };
        let linted = Unbuilt::open(&wanted).and_then(|file| file.lint(None, &Overrides::default(), &rules)).unwrap();
        let log = log(&linted, &linted.findings);
        assert_eq!(faults(&log), Vec::<String>::new(), "{}", path.display());
        for result in log["runs"][0]["results"].as_array().unwrap() {
            let place = &result["locations"][0]["physicalLocation"];
            if place["artifactLocation"]["uriBaseId"] != "%SRCROOT%" {
                continue;
            }
            let file = repository(place["artifactLocation"]["uri"].as_str().unwrap());
            let line = usize::try_from(place["region"]["startLine"].as_u64().unwrap()).unwrap();
            let hash = line_hash(&std::fs::read(&file).unwrap(), line).unwrap();
            assert_eq!(result["partialFingerprints"]["primaryLocationLineHash"], hash, "{}", file.display());
            found += 1;
        }
    }
    assert!(found > 40, "{found} findings in files of the repository");
}
