//! Histories as builders have written them of the same Dockerfiles: Docker 20.10 with both builders, buildah 1.28 and podman 4.3.
//! That of kaniko is made after its sources.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::dockerfile::parse;

const EVERY: &str = include_str!("histories/every.Dockerfile");
const STAGES: &str = include_str!("histories/stages.Dockerfile");

macro_rules! history {
    ($name:literal) => {
        ($name, include_str!(concat!("histories/", $name, ".json")))
    };
}

fn record(history: &str) -> Record {
    let history: serde_json::Value = serde_json::from_str(history).unwrap();
    let document = json!({ "history": history }).to_string();
    crate::image::config_record(document.as_bytes()).unwrap()
}

/// Lines of the Dockerfile, for each layer; `-` for the base.
fn lines_of(file: &str, record: &Record, is_buildah: bool) -> Result<Vec<String>, Unaligned> {
    let parsed = parse(file.as_bytes());
    let plan = parsed.plan(file.as_bytes(), None, None).unwrap();
    let makers = align(record, record.told_layers(), file.as_bytes(), &parsed, &plan, is_buildah)?;
    let line = |performed: &Performed| {
        let line = parsed.instructions[performed.instruction].lines.0;
        format!("{line}{}", if performed.is_trigger { "!" } else { "" })
    };
    let lines = |own: &[Performed]| own.iter().map(line).collect::<Vec<_>>().join("+");
    let shown = |maker: &Maker| match maker {
        Maker::Base => "-".to_owned(),
        Maker::Own(own) => lines(own),
        Maker::Mixed(own) => format!("?{}", lines(own)),
    };
    Ok(makers.iter().map(shown).collect())
}

#[test]
fn layers_are_those_of_their_instructions() {
    for ((name, history), file, is_buildah, expected) in [
        (history!("every-classic"), EVERY, false, "- 8 9 10 15 16 17 18 19 20 21 22 23 29"),
        (history!("every-buildkit"), EVERY, false, "- 8 9 10 15 16 17 18 19 20 21 22 23 29"),
        (history!("every-buildah"), EVERY, true, "- 8 9 10 17 18 19 20 21 22 23 29"),
        (history!("every-buildah-one-layer"), EVERY, true, "- 8+9+10+15+16+17+18+19+20+21+22+23+29"),
        // RUN true changes nothing, and has no layer
        (history!("stages-classic"), STAGES, false, "- 2 3! 8 9"),
        (history!("stages-buildkit"), STAGES, false, "- 2 4 3! 8 9"),
        (history!("stages-podman"), STAGES, true, "- 2 4 8 9"),
        (history!("stages-buildah-one-layer"), STAGES, true, "- 2+4 8+9+10"),
        (history!("stages-classic-squash"), STAGES, false, "- 2 4+3!+8+9+10"),
        (history!("stages-buildkit-squash"), STAGES, false, "?2+4+3!+8+9+10"),
        (history!("stages-kaniko"), STAGES, false, "- 2 3! 8 9"),
    ] {
        let lines = lines_of(file, &record(history), is_buildah);
        assert_eq!(lines.map(|lines| lines.join(" ")).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let scratch = "FROM scratch\nCOPY run.sh /entry.sh\nENTRYPOINT [\"/entry.sh\"]\n";
    let of = |(_, history): (&str, &str), file: &str| lines_of(file, &record(history), false);
    // the squashed stage says nothing of the one below
    assert_eq!(of(history!("stages-buildah-squash"), STAGES), Err(Unaligned::Other(3, None)));
    // something was done by hand after the build
    assert_eq!(of(history!("docker-commit"), scratch), Err(Unaligned::Other(2, Some(String::new()))));
    // another Dockerfile
    let there = Some("ENTRYPOINT [\"/bin/sh\" \"-c\" \"run me\"]".to_owned());
    assert_eq!(of(history!("stages-buildkit"), scratch), Err(Unaligned::Other(2, there)));
    assert_eq!(of(("none", "[]"), STAGES), Err(Unaligned::None));
}

#[test]
fn an_edited_dockerfile_is_another() {
    for (name, history) in [
        history!("every-classic"),
        history!("every-buildkit"),
        history!("every-buildah"),
        history!("every-buildah-one-layer"),
    ] {
        for (before, after) in [
            ("echo two", "echo 2"),
            ("COPY a /a", "COPY a /aa"),
            ("WORKDIR sub", "WORKDIR bus"),
            ("STOPSIGNAL SIGQUIT", "STOPSIGNAL SIGINT"),
            ("CMD echo hi   there", "CMD echo hi"),
            ("\"/run.sh\", \"x\"", "\"/run.sh\""),
            ("VOLUME /vol /vol2\n", ""),
            ("USER 5:5\n", "USER 5:5\nRUN id\n"),
        ] {
            assert!(EVERY.contains(before), "{before}");
            let other = lines_of(&EVERY.replace(before, after), &record(history), name.contains("buildah"));
            assert!(matches!(other, Err(Unaligned::Other(..))), "{name}: {before}: {other:?}");
        }
    }
}

#[test]
fn a_history_that_counts_otherwise_is_not_believed() {
    let (_, history) = history!("stages-buildkit");
    let (parsed, record) = (parse(STAGES.as_bytes()), record(history));
    let plan = parsed.plan(STAGES.as_bytes(), None, None).unwrap();
    assert_eq!(align(&record, 2, STAGES.as_bytes(), &parsed, &plan, false), Err(Unaligned::Layers(6, 2)));
}

#[test]
fn nothing_comes_before_scratch() {
    let (_, history) = history!("stages-buildkit");
    let lines = lines_of(&STAGES.replacen("lbase", "scratch", 1), &record(history), false);
    assert_eq!(lines, Err(Unaligned::More(1)));
}

#[test]
fn of_kaniko_a_changed_run_is_not_the_base() {
    let of = |file: &str| {
        let entry = |text: &str| json!({ "created_by": text, "author": "kaniko" });
        let history = json!([{ "created_by": "base" }, entry("run old"), entry("copy a /a")]).to_string();
        lines_of(file, &record(&history), false).map(|lines| lines.join(" "))
    };
    assert_eq!(of("FROM a\nrun old\ncopy a /a\nCMD x").as_deref(), Ok("- 2 3"));
    assert_eq!(of("FROM a\nrun new\ncopy a /a\nCMD x"), Err(Unaligned::Other(1, Some("run old".to_owned()))));
    // a RUN that changes nothing has no entry
    assert_eq!(of("FROM a\nrun old\nrun true\ncopy a /a\nCMD x").as_deref(), Ok("- 2 4"));
}
