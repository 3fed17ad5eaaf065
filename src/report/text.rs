//! For people: what was read, whether it starts, and each finding with its evidence and a way out.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::escape::{block, sentence, wrap};
use super::lines::{heading, layer_of};
use super::snippet::Snippet;
use super::{Detail, Style, Summary, Unread, Writer, counted, told, trace, tree};
use crate::finding::{Confidence, ExitCodes, Finding, Fix, Place, Severity};
use crate::launch::{Outcome, Start};
use crate::rule::Subject;

/// A text on its way: images come one after the other.
pub struct Report {
    style: Style,
    images: usize,
    summary: Summary,
}

impl Report {
    /// An empty report.
    pub fn new(style: Style) -> Self {
        Report { style, images: 0, summary: Summary::default() }
    }
}

impl Writer for Report {
    /// The text about one image.
    fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String {
        self.summary.add(findings);
        let style = &self.style;
        let gap = if self.images > 0 && style.detail > Detail::Brief { "\n" } else { "" };
        self.images += 1;
        if style.detail == Detail::Brief {
            let lines: String = told(findings).map(|f| brief(f, style)).collect();
            return if lines.is_empty() { lines } else { heading(subject.image, style) + &lines };
        }
        let verdict = verdict(subject, told(findings), style);
        let mut text = format!("{gap}{}{verdict}", heading(subject.image, style));
        told(findings).for_each(|f| text.push_str(&full(f, subject, style)));
        if style.detail == Detail::Everything {
            text.push_str(&format!("\n{}", tree::body(subject, style)));
        }
        text
    }

    /// Standard error has told.
    fn unread(&mut self, _: Unread<'_>) {}

    /// The last line: how many findings there are.
    fn finish(&self) -> String {
        let (found, suppressed) = (self.summary.counted(), self.summary.suppressed);
        if self.style.detail == Detail::Brief || self.images == 0 || found.is_empty() && suppressed == 0 {
            return String::new();
        }
        let images = if self.images > 1 { format!(" in {}", counted(self.images, "image")) } else { String::new() };
        match (found.is_empty(), suppressed) {
            (true, n) => format!("\n{n} suppressed{images}\n"),
            (_, 0) => format!("\n{found}{images}; `imagelint explain RULE` tells more\n"),
            (_, n) => format!("\n{found}, {n} suppressed{images}; `imagelint explain RULE` tells more\n"),
        }
    }
}

/// What keeps imagelint from looking.
pub fn problem(title: &str, message: &str, help: Option<&str>, style: &Style) -> String {
    let advice = Diagnosis::advice(&sentence(message), None, style);
    let help = help.map(|text| wrap(&block(text), style.width.saturating_sub(10)).join("\n"));
    style.draw(&Diagnosis { code: Some(sentence(title)), severity: miette::Severity::Error, help, ..advice })
}

/// Whether it starts, in a sentence; why not, unless a finding tells.
pub(super) fn verdict<'f>(
    subject: &Subject<'_>,
    findings: impl IntoIterator<Item = &'f Finding>,
    style: &Style,
) -> String {
    let (launch, is_partial) = (subject.launch, subject.image.unseen.is_some());
    let (running, stopped): (Vec<&Start>, Vec<&Start>) =
        launch.current().iter().partition(|s| trace::word(&s.outcome) == "runs");
    let names = |starts: &[&Start]| listed(&starts.iter().map(|s| trace::kind_of_engine(s)).collect::<Vec<_>>());
    let (running, stopped, loops) = (names(&running), names(&stopped), launch.current().iter().any(loops));
    let text = match trace::outcome(launch) {
        "runs" if loops => style.paint("31", "starts itself again for ever"),
        "runs" if is_partial => style.paint("32", "nothing is known that keeps it from starting"),
        "runs" => style.paint("32", &format!("starts under {running}")),
        "depends" => style.paint("33", &format!("starts under {running}, but not under {stopped}")),
        "fails" => style.paint("31", &format!("cannot start under {stopped}")),
        "exits" => style.paint("31", &format!("starts and ends at once under {stopped}")),
        _ if is_partial => style.paint("33", "whether it starts is not known before it is built"),
        _ => style.paint("33", &format!("whether it starts under {stopped} cannot be told")),
    };
    let Some(start) = trace::decisive(launch) else {
        let caveat =
            trace::caveat(launch).map(|open| style.fill("  ", &super::escape::sentence(open), 2)).unwrap_or_default();
        return format!("{text}\n{caveat}");
    };
    let rule = start.outcome.cause().map(|c| c.rule(&launch.process));
    if rule.is_some_and(|rule| findings.into_iter().any(|f| f.rule == rule)) {
        return text + "\n";
    }
    let rule = rule.map(|r| format!(" ({r})")).unwrap_or_default();
    let why = trace::why(start).map(|why| style.fill("  because ", &sentence(why + &rule), 10)).unwrap_or_default();
    let ends = style.fill("  exit code: ", &tree::endings(launch), 13);
    if start.seen().is_some() { format!("{text}\n{why}{ends}") } else { format!("{text}\n{why}") }
}

fn loops(start: &Start) -> bool {
    matches!(start.outcome, Outcome::Loops { .. })
}

/// `a, b and c`.
pub fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn title(finding: &Finding) -> String {
    let unsure = match finding.confidence {
        Confidence::Certain => String::new(),
        other => format!(" ({})", other.as_str()),
    };
    format!("{}[{}]{unsure}", finding.severity.as_str(), finding.rule)
}

fn brief(finding: &Finding, style: &Style) -> String {
    let at = finding.blame.source.as_ref().map(|source| {
        let (start, _) = source.region();
        format!("{}:{}:{}: ", sentence(&source.file.path), start.line, start.column)
    });
    let title = style.severity(finding.severity, &title(finding));
    format!("{}{title}: {}\n", at.unwrap_or_default(), sentence(&finding.message))
}

fn full(finding: &Finding, subject: &Subject<'_>, style: &Style) -> String {
    let mut out = String::from("\n");
    out.push_str(&style.draw(&Diagnosis::of(finding, subject, style)));
    for (message, snippet) in sources(finding, subject) {
        out.push_str(&style.draw(&Diagnosis::advice(message, Some(snippet), style)));
    }
    for (i, because) in finding.because.iter().enumerate() {
        let message = format!("{}. {}", i + 1, sentence(&because.message));
        let repeated = because.place.as_ref() == Some(&finding.place);
        let snippet = because.place.as_ref().filter(|_| !repeated).and_then(|p| Snippet::of(p, subject));
        if style.narrated && snippet.is_none() {
            out.push_str(&style.fill("", &message, 3));
        } else {
            out.push_str(&style.draw(&Diagnosis::advice(&message, snippet, style)));
        }
    }
    let label = |name: &str| style.paint("36", &format!("  {name}: "));
    if let Some(codes) = exit_codes(&finding.exit_codes) {
        out.push_str(&format!("{}{codes}\n", label("exit code")));
    }
    if let Some(layer) = layer_of(finding, subject.image) {
        out.push_str(&style.fill(&label("layer"), &layer, 9));
    }
    if !finding.help.is_empty() {
        out.push_str(&style.fill(&label("help"), &sentence(&finding.help), 8));
    }
    finding.fixes.iter().for_each(|fix| out.push_str(&fix_text(fix, &label("fix"))));
    out
}

/// What stands behind the place in the repository: how that came into the image, and where it is there.
fn sources<'s>(finding: &Finding, subject: &Subject<'_>) -> impl Iterator<Item = (&'s str, Snippet)> {
    let instruction = finding.blame.instruction.as_ref().map(Snippet::of_source);
    let image =
        finding.blame.source.as_ref().filter(|_| subject.image.is_built()).and_then(|_| place(finding, subject));
    let told = [instruction.map(|s| ("brought into the image here", s)), image.map(|s| ("in the image", s))];
    told.into_iter().flatten()
}

/// What there is to show of its place in the image.
fn place(finding: &Finding, subject: &Subject<'_>) -> Option<Snippet> {
    match &finding.place {
        Place::Layer { .. } => None,
        place => Snippet::of(place, subject),
    }
}

/// The text stays as it is, so that it can be pasted.
fn fix_text(fix: &Fix, label: &str) -> String {
    let lines: String = block(&fix.text).lines().map(|line| format!("      {line}\n")).collect();
    format!("{label}{}\n{lines}", sentence(&fix.title))
}

fn exit_codes(codes: &ExitCodes) -> Option<String> {
    let parts = [("docker", codes.docker), ("podman", codes.podman), ("kubernetes", codes.kubernetes)];
    let known: Vec<_> = parts.iter().filter_map(|(name, code)| Some(format!("{name} {}", (*code)?))).collect();
    (!known.is_empty()).then(|| known.join(", "))
}

/// A finding, or one of its reasons, as miette takes it.
#[derive(Debug)]
struct Diagnosis {
    message: String,
    code: Option<String>,
    severity: miette::Severity,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
    help: Option<String>,
}

impl Diagnosis {
    fn of(finding: &Finding, subject: &Subject<'_>, style: &Style) -> Self {
        let severity = match finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        };
        let source = finding.blame.source.as_ref().map(Snippet::of_source);
        let snippet = source.or_else(|| place(finding, subject));
        let advice = Diagnosis::advice(&sentence(&finding.message), snippet, style);
        Diagnosis { code: Some(title(finding)), severity, ..advice }
    }

    /// miette would break lines within paths, so the message comes filled.
    fn advice(message: &str, snippet: Option<Snippet>, style: &Style) -> Self {
        let message = wrap(message, style.width.saturating_sub(6)).join("\n");
        let label = snippet.as_ref().map(|s| LabeledSpan::new(None, s.span.start, s.span.len()));
        let source = snippet.map(|s| NamedSource::new(s.name, s.text));
        Diagnosis { message, code: None, severity: miette::Severity::Advice, source, label, help: None }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnosis {}

impl Diagnostic for Diagnosis {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.as_ref().map(|c| Box::new(c) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label.as_ref().map(|l| Box::new(std::iter::once(l.clone())) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}
