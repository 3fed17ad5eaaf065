//! Workflow commands: lines that GitHub Actions turns into annotations, beside the code where it is known which.

use super::escape::sentence;
use super::located::{Located, image_name};
use super::{Unread, Writer, told};
use crate::finding::{Finding, Severity};
use crate::rule::Subject;

/// A report on its way.
#[derive(Default)]
pub struct Report {
    unread: String,
}

impl Writer for Report {
    fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String {
        told(findings).map(|finding| annotation(finding, subject)).collect()
    }

    fn unread(&mut self, unread: Unread<'_>) {
        let platform = unread.platform.map(|platform| format!(" ({platform})")).unwrap_or_default();
        let title = format!("could not look at {}{platform}", unread.reference);
        let help = unread.help.unwrap_or_default();
        self.unread.push_str(&command("error", &[("title", title)], &lines([unread.message, help])));
    }

    fn finish(&self) -> String {
        self.unread.clone()
    }
}

fn annotation(finding: &Finding, subject: &Subject<'_>) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let located = Located::of(finding, subject);
    let title = format!("{} in {}", finding.rule, image_name(subject.image));
    // A file that is not in the repository would only be shown as one that is missing.
    let mut properties = if located.is_source { position(&located) } else { Vec::new() };
    properties.push(("title", title));
    let place = if located.is_source { String::new() } else { format!("at {}", located.point()) };
    command(level, &properties, &lines([finding.message.as_str(), &place, &finding.help]))
}

/// Columns are taken for one line only.
fn position(located: &Located) -> Vec<(&'static str, String)> {
    let mut position = vec![("file", located.shown()), ("line", located.start.line.to_string())];
    if located.start.line == located.end.line {
        position.push(("col", located.start.column.to_string()));
        position.push(("endColumn", located.end.column.to_string()));
    }
    position.push(("endLine", located.end.line.to_string()));
    position
}

fn lines<const N: usize>(lines: [&str; N]) -> String {
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).map(block).collect();
    lines.join("\n")
}

/// Help may have several lines.
fn block(text: &str) -> String {
    text.lines().map(sentence).collect::<Vec<_>>().join("\n")
}

/// `::error file=Dockerfile,line=7::message`
fn command(name: &str, properties: &[(&str, String)], message: &str) -> String {
    let of = |(name, value): &(&str, String)| {
        format!("{name}={}", escaped(&sentence(value)).replace(':', "%3A").replace(',', "%2C"))
    };
    let properties: Vec<String> = properties.iter().map(of).collect();
    format!("::{name} {}::{}\n", properties.join(","), escaped(message))
}

/// As the runner takes it back (actions/toolkit, `command.ts`): the sign of the escape first, then what ends a line.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_an_image_says_ends_a_command() {
        let hostile = "100%\r\n::error::x,y:z\u{1b}[2J\u{2028}::stop-commands::t";
        let line = command("error", &[("file", hostile.to_owned()), ("line", "1".to_owned())], &lines([hostile]));
        assert_eq!(line.matches(['\n', '\r']).count(), 1);
        assert!(line.starts_with("::error file=100%25␍␊%3A%3Aerror%3A%3Ax%2Cy%3Az␛[2J<U+2028>"), "{line}");
        assert!(line.ends_with(",line=1::100%25%0A::error::x,y:z␛[2J<U+2028>::stop-commands::t\n"), "{line}");
    }
}
