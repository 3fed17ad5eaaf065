//! What builds come to.

use super::*;

fn plan(text: &str) -> Plan {
    super::super::parse(text.as_bytes()).plan(text.as_bytes(), None, None).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn commands_of_stages() {
    let of = |text| {
        let Configuration { entrypoint, cmd, .. } = plan(text).configuration;
        (entrypoint, cmd)
    };
    let words = |text: &str| text.split('|').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    for (text, entrypoint, cmd) in [
        ("FROM a\nCMD x y", "", "/bin/sh|-c|x y"),
        ("FROM a\nSHELL [\"bash\",\"-c\"]\nCMD x", "", "bash|-c|x"),
        ("FROM a\nCMD [\"x\"]\nENTRYPOINT [\"e\"]", "e", "x"),
        ("FROM a AS b\nCMD [\"x\"]\nFROM b\nENTRYPOINT [\"e\"]", "e", ""),
        ("FROM a AS b\nONBUILD CMD [\"t\"]\nFROM b\nENTRYPOINT [\"e\"]", "e", "t"),
        ("FROM a AS b\nENTRYPOINT [\"e\"]\nFROM c\nCMD x", "", "/bin/sh|-c|x"),
        ("FROM a\nENTRYPOINT [\"e\"]\nENTRYPOINT", "", ""),
        ("FROM a\nENTRYPOINT []\nCMD", "", "/bin/sh|-c|"),
    ] {
        assert_eq!(
            of(text),
            (
                words(entrypoint),
                if cmd.ends_with('|') { vec!["/bin/sh".into(), "-c".into(), String::new()] } else { words(cmd) }
            ),
            "{text}"
        );
    }
}

#[test]
fn variables_and_paths() {
    let text = "ARG V=1\nFROM base:$V\nARG V\nARG U\nENV A=x B=$A-$V C=$U D=${HOME}\nWORKDIR /w\nWORKDIR $A\n\
                COPY --chmod=755 a b$V ./\nCOPY --from=o /x y\nCOPY <<E $A.sh\nhi\nE\nUSER $U";
    let plan = plan(text);
    assert_eq!(plan.base, Base::Image("base:1".to_owned()));
    let env = &plan.configuration.env;
    assert!(
        env.contains(&"A=x".to_owned()) && !env.iter().any(|e| e.starts_with("C=") || e.starts_with("D=")),
        "{env:?}"
    );
    assert_eq!(plan.configuration.working_dir, "/w/x");
    let copies: Vec<_> = plan.steps.iter().filter_map(|s| if let Step::Copy(c) = s { Some(c) } else { None }).collect();
    let [first, second, third] = copies.as_slice() else { panic!("{copies:?}") };
    assert_eq!((first.to.as_deref(), first.mode), (Some("/w/x/"), Some(0o755)));
    assert_eq!(first.sources, [Some("a".to_owned()), Some("b1".to_owned())]);
    assert_eq!((&second.origin, second.to.as_deref()), (&Origin::Elsewhere, Some("/w/x/y")));
    assert_eq!((third.documents.len(), third.to.as_deref()), (1, Some("/w/x/x.sh")));
}

/// After BuildKit's source (`parseSourcesAndDest` and `ExpandRaw`).
#[test]
fn here_documents_are_what_is_written() {
    let text = |dockerfile: &str| {
        let plan = plan(dockerfile);
        let copy = plan.steps.iter().find_map(|s| if let Step::Copy(c) = s { Some(c) } else { None });
        copy.and_then(|copy| copy.documents.first()?.text.clone())
    };
    for (start, body, written) in [
        ("<<\"E\"", "a\n\tb $A\n", Some("a\n\tb $A\n")),
        ("<<-\"E\"", "\t#!/bin/sh\n\t\techo \\$A\n", Some("#!/bin/sh\necho \\$A\n")),
        ("<<E", "echo '$A' \"${A}\" \\$A\n", Some("echo '1' \"1\" $A\n")),
        ("<<E", "exec \"$@\" $1 \\\n x\n", Some("exec \"\"  \n x\n")),
        ("<<E", "$UNKNOWN\n", None),
    ] {
        let dockerfile = format!("FROM a\nENV A=1\nCOPY {start} /x\n{body}E\n");
        assert_eq!(text(&dockerfile), written.map(bstr::BString::from), "{dockerfile}");
    }
    assert_eq!(text("FROM scratch\nCOPY <<E /x\n$UNKNOWN\nE\n"), Some("\n".into()));
}

#[test]
fn instructions_without_effect() {
    let dead = |text| plan(text).dead.iter().map(|d| (d.instruction, d.by)).collect::<Vec<_>>();
    assert_eq!(dead("FROM a\nCMD x\nCMD y"), [(1, 2)]);
    assert_eq!(dead("FROM a AS b\nCMD x\nFROM b\nENTRYPOINT y"), [(1, 3)]);
    assert_eq!(dead("FROM a\nCMD x\nENTRYPOINT y"), []);
}

#[test]
fn what_the_base_wants_done_first() {
    let text = b"FROM base\nENTRYPOINT [\"e\"]";
    let base = Configuration {
        env: vec!["A=1".to_owned()],
        cmd: vec!["old".to_owned()],
        on_build: vec!["COPY run.sh /$A/run.sh".to_owned(), "CMD [\"t\"]".to_owned()],
        ..Configuration::default()
    };
    let plan = super::super::parse(text).plan(text, None, Some(&base)).unwrap_or_else(|| panic!("a stage"));
    assert_eq!((plan.configuration.entrypoint, plan.configuration.cmd), (vec!["e".to_owned()], vec!["t".to_owned()]));
    let [Step::Copy(copy)] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    assert_eq!((copy.to.as_deref(), copy.instruction), (Some("/1/run.sh"), 0));
}
