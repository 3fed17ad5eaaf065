//! Dockerfiles against what BuildKit said of them: recorded edge cases, and a corpus of real files where one was gathered
//! (IMAGELINT_DOCKERFILES names the directory that has `dockerfiles/`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;
use imagelint::dockerfile::{Arguments, Form, Instruction, Keyword, Parsed, Word, parse};
use imagelint::launch::Overrides;
use imagelint::lint::{Unbuilt, Wanted};
use serde_json::{Value, json};

fn shared() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("IMAGELINT_SHARED").map_or(usual, PathBuf::from);
    shared.join("truth/dockerfile-edge").is_dir().then_some(shared)
}

fn text(word: &Word) -> String {
    word.text.to_str_lossy().into_owned()
}

/// As the recording has an instruction.
fn node(instruction: &Instruction, is_trigger: bool) -> Value {
    let mut args: Vec<String> = instruction.verb.iter().map(text).collect();
    match &instruction.arguments {
        _ if instruction.keyword.is_none() => args.push(String::new()),
        Arguments::Pairs(pairs) => {
            for pair in pairs {
                let sign = if pair.is_legacy { "" } else { "=" };
                args.extend([text(&pair.name), text(&pair.value), sign.to_owned()]);
            }
        }
        _ => args.extend(instruction.words().iter().map(text)),
    }
    let keyword = instruction.name.text.to_str_lossy().to_uppercase();
    let mut node = json!({
        "cmd": keyword, "args": args, "json": instruction.form() == Form::Exec,
        "start": if is_trigger { 0 } else { instruction.lines.0 },
        "end": if is_trigger { 0 } else { instruction.lines.1 },
    });
    if args.is_empty() {
        node["args"] = Value::Null;
    }
    if !instruction.flags.is_empty() {
        node["flags"] = instruction.flags.iter().map(text).collect();
    }
    if let Arguments::Trigger(trigger) = &instruction.arguments {
        node["sub"] = self::node(trigger, true);
    }
    node
}

fn nodes(parsed: &Parsed, file: &[u8]) -> Vec<Value> {
    let one = |instruction: &Instruction| {
        let mut node = node(instruction, false);
        if !instruction.heredocs.is_empty() {
            let document =
                |d: &imagelint::dockerfile::Heredoc| format!("{}\0{}", d.name, file[d.body.clone()].to_str_lossy());
            node["hd"] = instruction.heredocs.iter().map(document).collect();
        }
        node
    };
    parsed.instructions.iter().map(one).collect()
}

/// Whether BuildKit refuses it, and whether before it looks at what instructions mean.
fn refused(parsed: &Parsed) -> (bool, bool) {
    let faults: Vec<_> =
        parsed.faults.iter().chain(parsed.instructions.iter().filter_map(|i| i.fault.as_ref())).collect();
    let first = parsed.instructions.iter().find(|i| !i.is(Keyword::Arg));
    let stage = first.is_none_or(|i| i.is(Keyword::From));
    (!faults.is_empty() || !stage, faults.iter().any(|fault| fault.is_syntax))
}

fn commands(parsed: &Parsed) -> Value {
    let mut stage = -1;
    let mut found = Vec::new();
    for instruction in &parsed.instructions {
        match instruction.keyword {
            Some(Keyword::From) => stage += 1,
            Some(keyword @ (Keyword::Cmd | Keyword::Entrypoint)) => {
                let mut line = json!(instruction.words().iter().map(text).collect::<Vec<_>>());
                if instruction.words().is_empty() && keyword == Keyword::Entrypoint {
                    line = Value::Null;
                }
                let shell = instruction.form() == Form::Shell;
                found.push(json!({"stage": stage, "kind": keyword.as_str(), "shell": shell, "line": line}));
            }
            _ => {}
        }
    }
    if found.is_empty() { Value::Null } else { found.into() }
}

#[test]
fn edge_cases_are_read_as_buildkit_reads_them() {
    let Some(shared) = shared() else {
        eprintln!("the recordings are not here: nothing was compared");
        return;
    };
    let directory = shared.join("truth/dockerfile-edge");
    let recorded = fs::read_to_string(directory.join("buildkit-v0.32.2.jsonl")).unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    for line in recorded.lines() {
        let truth: Value = serde_json::from_str(line).unwrap();
        let name = truth["f"].as_str().unwrap();
        let file = fs::read(directory.join(name)).unwrap();
        let parsed = parse(&file);
        compared += 1;
        let is_syntax = truth.get("err").is_some();
        let expected = (is_syntax || truth.get("ierr").is_some(), is_syntax);
        if refused(&parsed) != expected {
            wrong.push(format!("{name}: refused {:?}, BuildKit {expected:?} ({:?})", refused(&parsed), parsed.faults));
            continue;
        }
        if is_syntax {
            continue;
        }
        assert_eq!(truth["escape"].as_str().unwrap().as_bytes(), [parsed.escape], "{name}");
        if json!(nodes(&parsed, &file)) != truth["nodes"] {
            wrong.push(format!("{name}: {}\n  BuildKit {}", json!(nodes(&parsed, &file)), truth["nodes"]));
        }
        if truth.get("ierr").is_none() && commands(&parsed) != truth["cmds"] {
            wrong.push(format!("{name}: {}\n  BuildKit {}", commands(&parsed), truth["cmds"]));
        }
    }
    eprintln!("{compared} edge cases compared, {} differ", wrong.len());
    assert!(compared >= 97 && wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Form and line of the last such instruction of the last stage.
fn last(parsed: &Parsed, keyword: Keyword) -> String {
    let from = parsed.instructions.iter().rposition(|i| i.is(Keyword::From)).unwrap_or(0);
    let Some(found) = parsed.instructions[from..].iter().rfind(|i| i.is(keyword)) else { return "-".to_owned() };
    let form = match (found.form(), keyword) {
        (Form::Exec, _) => "exec",
        (Form::Shell, Keyword::Healthcheck) => "text",
        (Form::Shell, _) => "shell",
    };
    format!("{form}:{}", found.lines.0)
}

#[test]
fn real_files_are_read_as_buildkit_reads_them() {
    let (Some(shared), Some(gathered)) = (shared(), std::env::var_os("IMAGELINT_DOCKERFILES")) else {
        eprintln!("no corpus was gathered: nothing was compared");
        return;
    };
    let table = fs::read_to_string(shared.join("corpus/dockerfiles.tsv")).unwrap();
    let (mut compared, mut absent, mut wrong) = (0, 0, Vec::new());
    for row in table.lines().skip(1) {
        let fields: Vec<&str> = row.split('\t').collect();
        let path = Path::new(&gathered).join("dockerfiles").join(format!("{}.Dockerfile", fields[0]));
        let Ok(file) = fs::read(&path) else {
            absent += 1;
            continue;
        };
        compared += 1;
        let parsed = parse(&file);
        let (refused, is_syntax) = refused(&parsed);
        let answer = if refused { "error" } else { "ok" };
        let count = if is_syntax { 0 } else { parsed.instructions.len() };
        let keywords = [Keyword::Entrypoint, Keyword::Cmd, Keyword::Healthcheck];
        let forms = keywords.map(|keyword| if is_syntax { "-".to_owned() } else { last(&parsed, keyword) });
        let ours = [vec![answer.to_owned(), count.to_string()], forms.to_vec()].concat();
        if ours != fields[4..9] {
            let faults: Vec<_> =
                parsed.faults.iter().chain(parsed.instructions.iter().filter_map(|i| i.fault.as_ref())).collect();
            wrong.push(format!("{}: {ours:?}, BuildKit {:?} {faults:?}", path.display(), &fields[4..9]));
        }
    }
    eprintln!("{compared} real files compared, {absent} not gathered, {} differ", wrong.len());
    assert!(compared > 1000 && wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What was judged by hand of findings in real files.
#[test]
fn few_judged_findings_are_wrong() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dockerfiles/judged.tsv")).unwrap();
    let rows: Vec<Vec<&str>> =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    let wrong = rows.iter().filter(|row| row[3] == "wrong").count();
    assert!(rows.iter().all(|row| row.len() == 5 && matches!(row[3], "right" | "wrong")));
    assert!(rows.len() >= 100 && wrong * 50 < rows.len(), "{wrong} of {} are wrong", rows.len());
}

/// Files to begin with: every fixture's.
fn seeds() -> Vec<Vec<u8>> {
    let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
    let mut seeds = Vec::new();
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if entry.file_name() == "Dockerfile" {
                seeds.push(fs::read(path).unwrap());
            }
        }
    }
    seeds.sort();
    seeds
}

/// Pieces that mean something somewhere.
const PIECES: [&[u8]; 24] = [
    b"\\\n",
    b"\n",
    b"\r\n",
    b"<<EOF\n",
    b"EOF\n",
    b"\"",
    b"'",
    b"[",
    b"]",
    b",",
    b"${A:-",
    b"}",
    b"$",
    b"# escape=`\n",
    b"`",
    b"--chmod=",
    b"--from=x ",
    b"ONBUILD ",
    b"\xff",
    b"\xef\xbb\xbf",
    b"FROM a AS b\n",
    b"ENV ",
    b"HEALTHCHECK ",
    b"\0",
];

#[test]
fn damaged_files_are_read_without_a_panic() {
    let (seeds, mut state) = (seeds(), 0x2545_f491_4f6c_dd1d_u64);
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound.max(1) as u64).unwrap()
    };
    let rules: Vec<_> = imagelint::rules::RULES.iter().collect();
    let mut judged = 0;
    let rounds = std::env::var("IMAGELINT_DAMAGED").ok().and_then(|n| n.parse().ok()).unwrap_or(1500);
    for _ in 0..rounds {
        let mut text = seeds[next(seeds.len())].clone();
        for _ in 0..=next(6) {
            let (at, end) = (next(text.len() + 1), next(12));
            match next(3) {
                0 => drop(text.splice(at..at, PIECES[next(PIECES.len())].iter().copied())),
                1 => drop(text.drain(at..text.len().min(at + end))),
                _ => {
                    let other = &seeds[next(seeds.len())];
                    let from = next(other.len() + 1);
                    text.splice(at..at, other[from..other.len().min(from + 40)].iter().copied());
                }
            }
        }
        let parsed = parse(&text);
        for instruction in &parsed.instructions {
            assert!(instruction.span.start <= instruction.span.end && instruction.span.end <= text.len());
            assert!(instruction.words().iter().all(|word| word.span.end <= text.len()));
        }
        let wanted = Wanted { path: "-".into(), text: Some(text), ..Wanted::default() };
        if let Ok(unbuilt) = Unbuilt::open(&wanted) {
            judged += usize::from(unbuilt.lint(None, &Overrides::default(), &rules).is_ok());
        }
    }
    assert!(judged > 100, "{judged} could be judged");
}
