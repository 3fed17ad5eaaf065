//! Images may say anything; a report stays what it is.

use std::ops::Range;
use std::sync::Arc;

use imagelint::finding::{Because, Blame, Edit, Finding, Fix, Place, Source, SourceFile, Suppression, Suppressor};
use imagelint::image::Image;
use imagelint::lint::Lint;
use imagelint::report::{Format, Report, Style};
use serde_json::Value;

use crate::others::{commands, markdown, xml};
use crate::sarif::faults;
use crate::{demo, json};

const TEXTS: [&str; 10] = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{8}\u{9b}31m\u{202e}\u{0}\u{feff}",
    "]]></failure><testcase name=\"x\"/><![CDATA[ & &amp; < > ' \"",
    "a\n::error file=/etc/passwd::x\r\n::stop-commands::t\n",
    "100% %0A %25 a,b:c;d::e",
    "`|` <script>alert(1)</script> [x](1) [y](javascript:z) ![z](w) @all #1 </details> ``` | --- |",
    "\u{ffff}\u{fffe}\u{fdd0}\u{10ffff}\u{e0041}",
    "../../../etc/passwd",
    "docker://x:1/y?z#w",
    "``````\n\n```\n</code>\n",
    "",
];

/// Findings that say `text` wherever an image or a repository could have a say.
fn findings(linted: &Lint, text: &str, raw: &[u8]) -> Vec<Finding> {
    let file = Arc::new(SourceFile { path: raw.into(), text: raw.into() });
    let source = |span| Source { file: Arc::clone(&file), span };
    let place = |span| Place::File { path: raw.into(), layer: Some(900), head: raw.into(), span };
    let fix = Fix {
        title: text.into(),
        text: text.into(),
        edits: vec![
            Edit { at: source(0..raw.len()), with: raw.into() },
            Edit { at: source(backwards(7, 3)), with: raw.into() },
        ],
        is_safe: false,
    };
    let base = Finding {
        message: format!("x `{text}` {text}"),
        help: text.into(),
        place: place(Some(0..raw.len())),
        because: vec![Because { message: text.into(), place: Some(place(Some(90..99))) }],
        layer: Some(900),
        fixes: vec![fix],
        ..linted.findings[0].clone()
    };
    let blame = |span: Range<usize>| Blame {
        source: Some(source(span.clone())),
        instruction: Some(source(span)),
        inherited: None,
        layer_inherited: None,
    };
    let suppression = Some(Suppression { by: Suppressor::Comment, reason: text.into() });
    vec![
        Finding { blame: blame(0..raw.len()), ..base.clone() },
        Finding { blame: blame(usize::MAX - 1..usize::MAX), ..base.clone() },
        Finding { blame: blame(backwards(9, 2)), place: place(Some(backwards(5, 2))), ..base.clone() },
        Finding { place: Place::Layer { index: usize::MAX }, suppression, ..base.clone() },
        base,
    ]
}

/// A span that is none.
fn backwards(start: usize, end: usize) -> Range<usize> {
    Range { start, end }
}

/// Every report on an image of that name with those findings.
fn each(check: impl Fn(Format, &str)) {
    for text in TEXTS {
        for raw in [text.as_bytes(), &[text.as_bytes(), b"\xff\xc3(\n\x80"].concat()] {
            let mut linted = demo();
            let findings = findings(&linted, text, raw);
            linted.image = Image { reference: format!("{text}:1"), digest: Some(text.into()), ..linted.image };
            for format in ALL {
                let mut report = Report::new(format, Style::PLAIN);
                let mut written = report.add(&linted.subject(), &findings);
                report.unread(text, Some(text), &format!("x {text}"), Some(text));
                written.push_str(&report.finish());
                check(format, &written);
            }
        }
    }
}

const ALL: [Format; 7] =
    [Format::Text, Format::Json, Format::Sarif, Format::Junit, Format::Github, Format::Gitlab, Format::Markdown];

#[test]
fn every_format_stays_what_it_is() {
    each(|format, written| match format {
        Format::Text => {}
        Format::Json => drop(json(written)),
        Format::Sarif => assert_eq!(faults(&json(written)), Vec::<String>::new()),
        Format::Gitlab => assert_eq!(json(written).as_array().unwrap().len(), 4),
        Format::Junit => assert_eq!(xml(written), (2, 5)),
        Format::Github => assert_eq!(commands(written), 5),
        Format::Markdown => markdown(written, 4),
    });
}

/// What a terminal would obey.
fn obeyed(c: char) -> bool {
    (c.is_control() && c != '\n') || c == '\u{202e}'
}

#[test]
fn nothing_commands_a_terminal() {
    each(|format, written| match format {
        // For programs, with every string as it is.
        Format::Json => {}
        Format::Sarif => strings(&json(written), &mut |text| assert!(!text.contains(obeyed), "{text:?}")),
        _ => assert!(!written.contains(obeyed), "{format:?}: {:?}", written.chars().find(|c| obeyed(*c))),
    });
}

/// The strings of `value`, but for what is to be put into a file.
fn strings(value: &Value, then: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => then(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, then)),
        Value::Object(values) => {
            values.iter().filter(|(name, _)| *name != "insertedContent").for_each(|(_, value)| strings(value, then));
        }
        _ => {}
    }
}
