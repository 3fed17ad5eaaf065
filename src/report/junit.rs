//! JUnit's XML, as CI systems take it: an image is a suite, a finding a test that failed.

use super::escape::{block, sentence, visible};
use super::located::{Located, image_name};
use super::{Unread, Writer, told};
use crate::finding::{Finding, Severity};
use crate::rule::Subject;

/// A report on its way.
#[derive(Default)]
pub struct Report {
    suites: Vec<Suite>,
}

struct Suite {
    name: String,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

struct Case {
    class: String,
    name: String,
    place: Option<Located>,
    verdict: Verdict,
}

/// How a test ended: what kind of failure in which words, and all there is to say.
enum Verdict {
    Passed(Option<String>),
    Failed {
        kind: &'static str,
        message: String,
        text: String,
    },
    /// It could not be made.
    Error {
        message: String,
        text: String,
    },
}

impl Writer for Report {
    fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String {
        let image = subject.image;
        let class = format!("{} {}", image_name(image), image.platform);
        let mut cases: Vec<Case> = told(findings).map(|finding| case(finding, &class, subject)).collect();
        if cases.is_empty() {
            // Where no test was made, readers think that something went wrong.
            cases.push(Case { class, name: "no findings".to_owned(), place: None, verdict: Verdict::Passed(None) });
        }
        let digest = image.digest.clone().map(|digest| ("digest", digest));
        let platform = ("platform", image.platform.to_string());
        let properties = [("source", image.source.to_owned()), platform].into_iter().chain(digest).collect();
        self.suites.push(Suite { name: image.reference.clone(), properties, cases });
        String::new()
    }

    fn unread(&mut self, unread: Unread<'_>) {
        let platform = unread.platform.map(|platform| format!(" {platform}")).unwrap_or_default();
        let (message, text) = (unread.message.to_owned(), unread.help.unwrap_or_default().to_owned());
        let class = format!("{}{platform}", unread.reference);
        let verdict = Verdict::Error { message, text };
        let case = Case { class, name: "could not look".to_owned(), place: None, verdict };
        self.suites.push(Suite { name: unread.reference.to_owned(), properties: Vec::new(), cases: vec![case] });
    }

    fn finish(&self) -> String {
        let cases = || self.suites.iter().flat_map(|suite| &suite.cases);
        let suites: String = self.suites.iter().map(suite).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"imagelint\"{}>\n{suites}</testsuites>\n",
            counts(cases())
        )
    }
}

fn case(finding: &Finding, class: &str, subject: &Subject<'_>) -> Case {
    let located = Located::of(finding, subject);
    let text = text(finding, &located);
    let message = finding.message.clone();
    let verdict = match finding.severity {
        Severity::Error => Verdict::Failed { kind: "error", message, text },
        Severity::Warning => Verdict::Failed { kind: "warning", message, text },
        // Nothing that a build should be red for.
        Severity::Note => Verdict::Passed(Some(format!("{message}\n{text}"))),
    };
    let place = Some(located).filter(|located| located.is_source);
    Case { class: class.to_owned(), name: finding.rule.to_owned(), place, verdict }
}

fn text(finding: &Finding, located: &Located) -> String {
    let mut text = format!("at {}\n", located.point());
    for (because, number) in finding.because.iter().zip(1..) {
        text.push_str(&format!("{number}. {}\n", sentence(&because.message)));
    }
    if !finding.help.is_empty() {
        text.push_str(&format!("help: {}\n", sentence(&finding.help)));
    }
    for fix in &finding.fixes {
        text.push_str(&format!("fix: {}\n{}\n", sentence(&fix.title), block(&fix.text)));
    }
    text
}

fn suite(suite: &Suite) -> String {
    let Suite { name, properties, cases } = suite;
    let property = |(name, value): &(&str, String)| {
        format!("      <property{}{}/>\n", attribute("name", name), attribute("value", value))
    };
    let properties = match properties.as_slice() {
        [] => String::new(),
        some => format!("    <properties>\n{}    </properties>\n", some.iter().map(property).collect::<String>()),
    };
    let (open, cases) = (counts(cases), cases.iter().map(test).collect::<String>());
    format!("  <testsuite{}{open}>\n{properties}{cases}  </testsuite>\n", attribute("name", name))
}

fn counts<'c>(cases: impl IntoIterator<Item = &'c Case>) -> String {
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for case in cases {
        tests += 1;
        failures += usize::from(matches!(case.verdict, Verdict::Failed { .. }));
        errors += usize::from(matches!(case.verdict, Verdict::Error { .. }));
    }
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\"")
}

fn test(case: &Case) -> String {
    let file = case.place.as_ref().map(|located| {
        format!("{}{}", attribute("file", &located.shown()), attribute("line", &located.start.line.to_string()))
    });
    let named = attribute("classname", &case.class) + &attribute("name", &case.name) + &file.unwrap_or_default();
    match &case.verdict {
        Verdict::Passed(None) => format!("    <testcase{named}/>\n"),
        Verdict::Passed(Some(note)) => element(&named, "system-out", "", note),
        Verdict::Failed { kind, message, text } => {
            element(&named, "failure", &(attribute("type", kind) + &attribute("message", message)), text)
        }
        Verdict::Error { message, text } => {
            element(&named, "error", &(attribute("type", "could-not-look") + &attribute("message", message)), text)
        }
    }
}

fn element(named: &str, inner: &str, attributes: &str, text: &str) -> String {
    let text = escaped(&block(text));
    format!("    <testcase{named}>\n      <{inner}{attributes}>{text}</{inner}>\n    </testcase>\n")
}

fn attribute(name: &str, value: &str) -> String {
    format!(" {name}=\"{}\"", escaped(&sentence(value)))
}

/// Markup as text. Control characters are visible by now; what is left that XML 1.0 (section 2.2) does not allow are
/// two characters that are none.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text.as_bytes()).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_an_image_says_is_markup() {
        let hostile = "</failure>]]>&amp;\"'\0\u{b}\u{1b}\u{ffff}\u{fffe}\r\n\tx";
        let escaped = escaped(hostile);
        assert_eq!(escaped, "&lt;/failure&gt;]]&gt;&amp;amp;&quot;'␀␋␛\u{fffd}\u{fffd}␍\n\tx");
        assert!(!attribute("name", hostile).contains(['\n', '\t']));
    }
}
