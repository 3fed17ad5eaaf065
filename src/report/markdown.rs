//! Markdown for the summary of a job: what was read, whether it starts, and a table of findings.

use super::escape::{block, sentence};
use super::located::Located;
use super::{Style, Summary, Unread, Writer, counted, told};
use super::{lines::heading, text::verdict};
use crate::finding::{Finding, Fix};
use crate::rule::Subject;

/// GitHub takes 1 MiB for a step; what is above is not shown at all, so that we stop before.
const LENGTH_MAX: usize = 900 * 1024;

/// A report on its way.
#[derive(Default)]
pub struct Report {
    summary: Summary,
    text: String,
    left_out: usize,
}

impl Writer for Report {
    fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String {
        let before = self.summary.suppressed;
        self.summary.add(findings);
        let (read, starts) = head(subject, findings);
        self.push(&format!("### {read}\n\n{starts}\n\n"));
        let mut is_open = false;
        for finding in told(findings) {
            if !is_open {
                self.push("| severity | rule | where | what |\n|---|---|---|---|\n");
                is_open = true;
            }
            self.push(&row(finding, subject));
        }
        if is_open {
            self.push("\n");
        }
        told(findings).filter(|finding| !finding.fixes.is_empty()).for_each(|finding| self.push(&fixes(finding)));
        let suppressed = self.summary.suppressed - before;
        if suppressed > 0 {
            self.push(&format!("{} suppressed\n\n", counted(suppressed, "finding")));
        }
        String::new()
    }

    fn unread(&mut self, unread: Unread<'_>) {
        let platform = unread.platform.map(|platform| format!(" ({platform})")).unwrap_or_default();
        let help = unread.help.map(|help| format!("{}\n\n", escaped(&sentence(help)))).unwrap_or_default();
        let title = escaped(&sentence(format!("{}{platform}", unread.reference)));
        self.push(&format!("### {title}\n\ncould not look: {}\n\n{help}", spans(unread.message)));
    }

    fn finish(&self) -> String {
        let counted = self.summary.counted();
        let counted = if counted.is_empty() { "no findings".to_owned() } else { counted };
        let left_out = match self.left_out {
            0 => String::new(),
            n => format!("{n} more parts of this report are left out; it would be too long to be shown\n"),
        };
        format!("## imagelint: {counted}\n\n{}{left_out}", self.text)
    }
}

impl Report {
    /// Nothing is cut in its middle: that would leave markup open.
    fn push(&mut self, part: &str) {
        if self.left_out > 0 || self.text.len() + part.len() > LENGTH_MAX {
            self.left_out += 1;
        } else {
            self.text.push_str(part);
        }
    }
}

fn head(subject: &Subject<'_>, findings: &[Finding]) -> (String, String) {
    let plain = Style { width: 1000, ..Style::PLAIN };
    let lines = verdict(subject, told(findings), &plain);
    let lines: Vec<String> = lines.lines().map(|line| spans(line.trim())).collect();
    (escaped(heading(subject.image, &plain).trim()), lines.join("  \n"))
}

fn row(finding: &Finding, subject: &Subject<'_>) -> String {
    let located = Located::of(finding, subject);
    let help = if finding.help.is_empty() { String::new() } else { format!("<br>{}", spans(&finding.help)) };
    let (severity, rule, place) = (finding.severity.as_str(), finding.rule, code(&located.point()));
    format!("| {severity} | {} | {place} | {}{help} |\n", code(rule), spans(&finding.message))
}

/// What is to be pasted, folded up.
fn fixes(finding: &Finding) -> String {
    let pastes: String = finding.fixes.iter().map(paste).collect();
    format!("<details><summary>fixes of {}</summary>\n\n{pastes}</details>\n\n", code(finding.rule))
}

/// Something to paste, in a fence that is longer than any in it.
fn paste(fix: &Fix) -> String {
    let text = block(&fix.text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{}\n\n{fence}\n{}\n{fence}\n\n", spans(&fix.title), text.trim_end())
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// A sentence of ours, in which words of the user stand in backquotes.
fn spans(text: &str) -> String {
    let text = sentence(text);
    let pieces = text.split('`').enumerate();
    pieces.map(|(i, piece)| if i % 2 == 1 { code(piece) } else { escaped(piece) }).collect()
}

/// Markdown has no escape within backquotes, so that code is an element.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<code>{}</code>", escaped(text)) }
}

/// Every sign that Markdown or HTML may take for more than itself as a reference to it, which neither does.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let is_plain = c.is_alphanumeric()
            || !c.is_ascii()
            || matches!(c, ' ' | '.' | ',' | ';' | '/' | '-' | '(' | ')' | '=' | '\'');
        if is_plain { out.push(c) } else { out.push_str(&format!("&#{};", u32::from(c))) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_an_image_says_is_markup() {
        let hostile = "`a|b`<script>*x*\n# y\n[z](http://e) ```\u{1b} &lt; \\| @all ~~s~~ _u_ $m$ ^M";
        let shown = spans(hostile);
        let bare = shown.replace("<code>", "").replace("</code>", "");
        assert!(
            !bare.contains(['`', '|', '<', '>', '*', '[', ']', '\n', '\u{1b}', '@', '~', '_', '\\', ':', '$']),
            "{bare}"
        );
        assert!(shown.starts_with("<code>a&#124;b</code>&#60;script&#62;"), "{shown}");
    }

    #[test]
    fn a_fence_is_longer_than_any_in_it() {
        let fix = Fix { title: "<b>".into(), text: "a\n`````\n</details>".into(), edits: Vec::new(), is_safe: false };
        let text = paste(&fix);
        assert!(text.contains("\n``````\na\n`````\n</details>\n``````\n"), "{text}");
        assert!(text.starts_with("&#60;b&#62;\n"), "{text}");
    }

    #[test]
    fn what_is_too_long_is_counted() {
        let mut report = Report::default();
        for _ in 0..1000 {
            report.push(&"x".repeat(1024));
        }
        let text = report.finish();
        assert!(
            text.len() <= LENGTH_MAX + 200
                && text.ends_with("100 more parts of this report are left out; it would be too long to be shown\n")
        );
    }
}
