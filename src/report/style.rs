//! How a text is drawn: colours, frames, widths.

use std::fmt;

use miette::{Diagnostic, MietteHandler, MietteHandlerOpts, ReportHandler};

use super::Style;
use super::escape::wrap;
use crate::finding::Severity;

impl Style {
    /// `text` in bold.
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// `text` with the SGR attributes `sgr`.
    pub(super) fn paint(&self, sgr: &str, text: &str) -> String {
        if self.color { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// `text` in the colour of a severity.
    pub(super) fn severity(&self, severity: Severity, text: &str) -> String {
        let sgr = match severity {
            Severity::Error => "31",
            Severity::Warning => "33",
            Severity::Note => "36",
        };
        self.paint(sgr, text)
    }

    /// `text` filled, every line after the first indented.
    pub(super) fn fill(&self, first: &str, text: &str, indent: usize) -> String {
        let lines = wrap(text, self.width.saturating_sub(indent).max(20));
        format!("{first}{}\n", lines.join(&format!("\n{}", " ".repeat(indent))))
    }

    /// miette, set to this style whatever it would find out for itself about standard error.
    pub fn miette(&self) -> MietteHandler {
        let options = MietteHandlerOpts::new().color(self.color).unicode(self.unicode).width(self.width);
        let options = options.terminal_links(false).wrap_lines(false);
        if self.narrated { options.force_narrated(true).build() } else { options.force_graphical(true).build() }
    }

    /// `diagnostic` as miette shows it.
    pub fn draw(&self, diagnostic: &dyn Diagnostic) -> String {
        struct Drawn<'a>(MietteHandler, &'a dyn Diagnostic);
        impl fmt::Display for Drawn<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.debug(self.1, f)
            }
        }
        Drawn(self.miette(), diagnostic).to_string()
    }
}
