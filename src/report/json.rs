//! `imagelint.report/1`: what `check --format json` writes. Fields are added, never changed; unknown values are null.

use bstr::ByteSlice;
use serde::Serialize;

use super::{Summary, Unread, Writer, trace};
use crate::finding::{self, Because, Edit, Finding, Fix, Place, Position, Suppressor};
use crate::fingerprint;
use crate::image::Image;
use crate::rule::Subject;

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Report {
    schema: &'static str,
    version: &'static str,
    images: Vec<ImageReport>,
    errors: Vec<ErrorReport>,
    summary: Summary,
}

/// An image that could not be looked at.
#[derive(Debug, Serialize)]
struct ErrorReport {
    reference: String,
    /// Of an image of several platforms, the one that it is about.
    platform: Option<String>,
    message: String,
    help: Option<String>,
}

#[derive(Debug, Serialize)]
struct ImageReport {
    image: trace::ImageName,
    findings: Vec<FindingReport>,
    traces: Vec<trace::Trace>,
}

#[derive(Debug, Serialize)]
struct FindingReport {
    rule: &'static str,
    severity: &'static str,
    confidence: &'static str,
    message: String,
    help: String,
    exit_codes: ExitCodes,
    place: PlaceReport,
    because: Vec<BecauseReport>,
    layer: Option<LayerReport>,
    /// Where it is to be mended, in the repository.
    source: Option<Source>,
    /// What brought the file of `source` into the image.
    instruction: Option<Source>,
    /// Whether the base image brings it; that of `layer` may be another's.
    inherited: Option<bool>,
    fixes: Vec<FixReport>,
    fingerprint: String,
    suppression: Option<Suppression>,
}

#[derive(Debug, Serialize)]
struct ExitCodes {
    docker: Option<u8>,
    podman: Option<u8>,
    kubernetes: Option<u8>,
}

/// A place of any kind; what does not apply or is not known is null. Lines and columns count from 1, columns in
/// characters; the end is the first character after it.
#[derive(Debug, Default, Serialize)]
struct PlaceReport {
    kind: &'static str,
    field: Option<&'static str>,
    index: Option<usize>,
    path: Option<String>,
    layer: Option<usize>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

#[derive(Debug, Serialize)]
struct BecauseReport {
    message: String,
    place: Option<PlaceReport>,
}

#[derive(Debug, Serialize)]
struct LayerReport {
    index: usize,
    digest: Option<String>,
    created_by: Option<String>,
    /// Whether it comes from the base image.
    inherited: Option<bool>,
}

#[derive(Debug, Serialize)]
struct FixReport {
    title: String,
    text: String,
    /// The same as bytes of the repository; empty if it is not known where.
    edits: Vec<EditReport>,
    safe: bool,
}

/// A part of a file in the repository, with lines and columns as those of a place.
#[derive(Debug, Serialize)]
struct Source {
    path: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Debug, Serialize)]
struct EditReport {
    #[serde(flatten)]
    at: Source,
    with: String,
}

#[derive(Debug, Serialize)]
struct Suppression {
    by: &'static str,
    reason: String,
}

impl Default for Report {
    fn default() -> Self {
        Report {
            schema: "imagelint.report/1",
            version: env!("CARGO_PKG_VERSION"),
            images: Vec::new(),
            errors: Vec::new(),
            summary: Summary::default(),
        }
    }
}

impl Writer for Report {
    fn add(&mut self, subject: &Subject<'_>, findings: &[Finding]) -> String {
        self.summary.add(findings);
        self.images.push(ImageReport {
            image: trace::ImageName::of(subject.image),
            findings: findings.iter().map(|f| finding(f, subject.image)).collect(),
            traces: vec![trace::Trace::of(subject)],
        });
        String::new()
    }

    fn unread(&mut self, unread: Unread<'_>) {
        let (platform, help) = (unread.platform.map(str::to_owned), unread.help.map(str::to_owned));
        let (reference, message) = (unread.reference.to_owned(), unread.message.to_owned());
        self.errors.push(ErrorReport { reference, platform, message, help });
    }

    fn finish(&self) -> String {
        pretty(self)
    }
}

/// `value` as indented JSON and a line end.
pub fn pretty(value: &impl Serialize) -> String {
    // Serialising to a string fails only for maps with keys that are no strings, and there are none.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn finding(finding: &Finding, image: &Image) -> FindingReport {
    FindingReport {
        rule: finding.rule,
        severity: finding.severity.as_str(),
        confidence: finding.confidence.as_str(),
        message: finding.message.clone(),
        help: finding.help.clone(),
        exit_codes: ExitCodes {
            docker: finding.exit_codes.docker,
            podman: finding.exit_codes.podman,
            kubernetes: finding.exit_codes.kubernetes,
        },
        place: place(&finding.place),
        because: finding.because.iter().map(because).collect(),
        layer: finding.layer.and_then(|index| layer(index, finding, image)),
        source: finding.blame.source.as_ref().map(source),
        instruction: finding.blame.instruction.as_ref().map(source),
        inherited: finding.blame.inherited,
        fixes: finding.fixes.iter().map(fix).collect(),
        fingerprint: fingerprint::v1(finding, image),
        suppression: finding.suppression.as_ref().map(suppression),
    }
}

fn source(source: &finding::Source) -> Source {
    let (start, end) = source.region();
    Source {
        path: source.file.path.to_str_lossy().into_owned(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}

fn suppression(suppression: &finding::Suppression) -> Suppression {
    let by = match suppression.by {
        Suppressor::Comment => "comment",
        Suppressor::Configuration => "configuration",
        Suppressor::Label => "label",
        Suppressor::Baseline => "baseline",
    };
    Suppression { by, reason: suppression.reason.clone() }
}

fn because(because: &Because) -> BecauseReport {
    BecauseReport { message: because.message.clone(), place: because.place.as_ref().map(place) }
}

fn fix(fix: &Fix) -> FixReport {
    // JSON is UTF-8: what is not cannot be said in it
    let is_said = fix.edits.iter().all(|edit| edit.with.to_str().is_ok());
    let edits = fix.edits.iter().filter(|_| is_said).map(edit).collect();
    FixReport { title: fix.title.clone(), text: fix.text.clone(), edits, safe: fix.is_safe && !fix.edits.is_empty() }
}

fn edit(edit: &Edit) -> EditReport {
    EditReport { at: source(&edit.at), with: edit.with.to_str_lossy().into_owned() }
}

fn layer(index: usize, finding: &Finding, image: &Image) -> Option<LayerReport> {
    let layer = image.layers.get(index).filter(|_| image.is_built())?;
    // A root file system has a layer, which has no digest.
    let (digest, created_by) = (Some(layer.digest.clone()).filter(|d| !d.is_empty()), layer.created_by.clone());
    Some(LayerReport { index, digest, created_by, inherited: finding.blame.layer_inherited })
}

fn place(place: &Place) -> PlaceReport {
    match place {
        Place::Config { field, index } => {
            PlaceReport { kind: "config", field: Some(field.as_str()), index: *index, ..PlaceReport::default() }
        }
        Place::Layer { index } => PlaceReport { kind: "layer", layer: Some(*index), ..PlaceReport::default() },
        Place::File { path, layer, head, span } => {
            let [start, end] = match span {
                Some(span) if !head.is_empty() => {
                    [span.start, span.end].map(|at| Some(Position::of(head.as_bstr(), at)))
                }
                _ => [None; 2],
            };
            PlaceReport {
                kind: "file",
                path: Some(path.to_str_lossy().into_owned()),
                layer: *layer,
                line: start.map(|p| p.line),
                column: start.map(|p| p.column),
                end_line: end.map(|p| p.line),
                end_column: end.map(|p| p.column),
                ..PlaceReport::default()
            }
        }
    }
}
