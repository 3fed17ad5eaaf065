//! A rule's document: its front matter, and its text for a terminal.

use super::Style;
use crate::rule::Rule;

/// A document taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    front: &'a str,
    /// What follows the front matter.
    pub body: &'a str,
}

impl<'a> Document<'a> {
    /// Takes apart `name: value` lines between two lines `---`, and the text below.
    pub fn parse(text: &'a str) -> Self {
        let parts = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
        let (front, body) = parts.unwrap_or(("", text));
        Document { front, body: body.trim() }
    }

    /// The document of `rule`.
    pub fn of(rule: &Rule) -> Document<'static> {
        Document::parse(rule.document)
    }

    /// A value of the front matter.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        let of = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':').map(|v| v.trim().trim_matches('"'));
        self.front.lines().find_map(of)
    }

    /// The values of a list in the front matter: `[a, b]` or `a, b`.
    pub fn values(&self, name: &str) -> Vec<&'a str> {
        let list = self.value(name).unwrap_or_default().trim_matches(['[', ']']);
        list.split(',').map(str::trim).filter(|v| !v.is_empty()).collect()
    }

    /// What stands below a heading of the second level.
    pub fn section(&self, heading: &str) -> Option<&'a str> {
        let of = |section: &'a str| section.strip_prefix(heading)?.strip_prefix('\n');
        self.body.split("\n## ").find_map(of).map(str::trim)
    }

    /// The text for a terminal: headings bold, paragraphs filled, code as it stands.
    pub fn render(&self, style: &Style) -> String {
        let without_title = self.body.strip_prefix("# ").and_then(|rest| rest.split_once('\n'));
        render(without_title.map_or(self.body, |(_, rest)| rest.trim_start()), style)
    }
}

/// Markdown for a terminal, as far as rule documents use it.
pub fn render(markdown: &str, style: &Style) -> String {
    // An item is a paragraph of its own; a row of a table stays as it is.
    let (mut out, mut paragraph, mut code) = (String::new(), String::new(), false);
    for line in markdown.lines() {
        let fence = line.trim_start().starts_with("```");
        let item = line.starts_with("- ") || line.starts_with("* ");
        let row = line.starts_with('|');
        if fence || code || item || row || line.trim().is_empty() || line.starts_with('#') {
            fill(&mut out, &mut paragraph, style);
        }
        match line.trim_start_matches('#') {
            _ if fence => code = !code,
            _ if row && !code => out.push_str(&format!("{line}\n")),
            _ if code => out.push_str(&format!("    {line}\n")),
            _ if line.trim().is_empty() => out.push('\n'),
            heading if heading.len() < line.len() => {
                let (on, off) = if style.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
                out.push_str(&format!("{on}{}{off}\n", heading.trim()));
            }
            text => {
                if !paragraph.is_empty() {
                    paragraph.push(' ');
                }
                paragraph.push_str(text.trim());
            }
        }
    }
    fill(&mut out, &mut paragraph, style);
    out
}

fn fill(out: &mut String, paragraph: &mut String, style: &Style) {
    if paragraph.is_empty() {
        return;
    }
    let indent = if paragraph.starts_with(['-', '*']) { 2 } else { 0 };
    out.push_str(&style.fill("", paragraph, indent));
    paragraph.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_and_body() {
        let d = Document::parse("---\nname: x-y\nsummary: \"what: it is\"\nexit-codes: [127, 255]\n---\n\n# x\ntext\n");
        assert_eq!((d.value("name"), d.value("summary")), (Some("x-y"), Some("what: it is")));
        assert_eq!(d.values("exit-codes"), ["127", "255"]);
        assert_eq!((d.value("absent"), d.body), (None, "# x\ntext"));
        assert_eq!(Document::parse("plain").body, "plain");
        let d = Document::parse("# x\n\n## A\na\nb\n\n## A b\nc\n");
        assert_eq!((d.section("A"), d.section("A b"), d.section("B")), (Some("a\nb"), Some("c"), None));
    }

    #[test]
    fn code_stays_as_it_is_and_paragraphs_are_filled() {
        let text = render("## Why\na\nb\n- c\n  d\n|x|\n```sh\n# not a heading\n  x\n```\n", &Style::PLAIN);
        assert_eq!(text, "Why\na b\n- c d\n|x|\n    # not a heading\n      x\n");
    }
}
