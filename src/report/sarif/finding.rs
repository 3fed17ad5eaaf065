//! A finding as a `result`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bstr::{BStr, ByteSlice};

use super::model::{
    ArtifactChange, ArtifactLocation, CodeFlow, Content, Finding, FindingProperties, Fix, FlowStep, Layer, Location,
    LogicalLocation, Message, PhysicalLocation, Region, Replacement, Suggestion, Suppression, ThreadFlow,
};
use super::rules;
use crate::finding::{self, Because, Edit, Place, Position, Suppressor};
use crate::fingerprint;
use crate::image::Image;
use crate::report::escape::{block, sentence, visible};
use crate::report::located::{Located, image_name};
use crate::rule::Subject;

/// Stands for the root of the repository, which readers know and files do not tell.
pub const ROOT: &str = "%SRCROOT%";

/// What `finding` says of the image of `subject`.
pub fn of(finding: &finding::Finding, subject: &Subject<'_>) -> Finding {
    let primary = Located::of(finding, subject);
    let related = related(finding, subject);
    Finding {
        rule_id: finding.rule,
        rule_index: rules::index(finding.rule),
        level: finding.severity.as_str(),
        message: message(finding),
        code_flows: flow(finding, &primary, subject).into_iter().collect(),
        partial_fingerprints: fingerprints(finding, &primary, subject.image),
        locations: [Location { logical_locations: vec![logical(&finding.place, subject.image)], ..location(&primary) }],
        related_locations: related,
        fixes: finding.fixes.iter().filter_map(fix).collect(),
        suppressions: finding.suppression.iter().map(suppression).collect(),
        baseline_state: None,
        properties: properties(finding, subject.image),
    }
}

/// The message, with a link to the instruction if that is another place, and what to do.
fn message(finding: &finding::Finding) -> Message {
    let mut text = plain(&finding.message);
    if finding.blame.instruction.is_some() {
        text.push_str(" ([the instruction that brings it into the image](1))");
    }
    if !finding.help.is_empty() {
        text.push_str(&format!("\nhelp: {}", plain(&finding.help)));
    }
    Message { text }
}

/// Text that is no link: in a message, `[text](id)` is one (SARIF 2.1.0).
fn plain(text: &str) -> String {
    let text = sentence(text);
    if text.contains("](") { text.replace('\\', r"\\").replace('[', r"\[").replace(']', r"\]") } else { text }
}

fn note(text: &str) -> Option<Message> {
    Some(Message { text: plain(text) })
}

/// What is told beside the place to mend: the instruction first, since the message leads to it.
fn related(finding: &finding::Finding, subject: &Subject<'_>) -> Vec<Location> {
    let mut related = Vec::new();
    if let Some(instruction) = &finding.blame.instruction {
        let message = note("the instruction that brings it into the image");
        related.push(Location { message, ..location(&Located::source(instruction)) });
    }
    if finding.blame.source.is_some() {
        let place = Located::place(&finding.place, subject);
        let logical_locations = vec![logical(&finding.place, subject.image)];
        related.push(Location { message: note("in the image"), logical_locations, ..location(&place) });
    }
    related.into_iter().zip(1..).map(|(location, id)| Location { id: Some(id), ..location }).collect()
}

fn location(located: &Located) -> Location {
    Location { id: None, physical_location: physical(located), logical_locations: Vec::new(), message: None }
}

fn physical(located: &Located) -> PhysicalLocation {
    let region = region(located.start, located.end);
    let snippet = located.text.clone().filter(|text| !text.is_empty()).map(Content::Text);
    PhysicalLocation { artifact_location: artifact(located), region: Region { snippet, ..region } }
}

/// A path in an image is in no repository, so that it has no base.
fn artifact(located: &Located) -> ArtifactLocation {
    ArtifactLocation { uri: located.uri(), uri_base_id: located.is_source.then_some(ROOT) }
}

fn region(start: Position, end: Position) -> Region {
    let (Position { line: start_line, column: start_column }, Position { line: end_line, column: end_column }) =
        (start, end);
    Region { start_line, start_column, end_line, end_column, snippet: None }
}

/// `myapp@sha256:…!/docker-entrypoint.sh`.
fn logical(place: &Place, image: &Image) -> LogicalLocation {
    let (within, kind) = match place {
        Place::Config { field, .. } => (format!("configuration/{}", field.as_str()), "property"),
        Place::File { path, .. } => (visible(path), "resource"),
        Place::Layer { index } => (image.layers.get(*index).map(|l| l.digest.clone()).unwrap_or_default(), "resource"),
    };
    let digest = image.digest.as_deref().map(|digest| format!("@{}", visible(digest.as_bytes()))).unwrap_or_default();
    LogicalLocation {
        fully_qualified_name: format!("{}{digest}!{}", image_name(image), visible(within.as_bytes())),
        kind,
    }
}

/// The launch as far as it leads to the finding, step by step.
fn flow(finding: &finding::Finding, primary: &Located, subject: &Subject<'_>) -> Option<CodeFlow> {
    let step = |because: &Because| {
        let located = because.place.as_ref().map(|place| Located::place(place, subject));
        let location = location(located.as_ref().unwrap_or(primary));
        FlowStep { location: Location { message: note(&because.message), ..location } }
    };
    let end = Location { message: note(&finding.message), ..location(primary) };
    let locations = finding.because.iter().map(step).chain([FlowStep { location: end }]).collect();
    (!finding.because.is_empty()).then_some(CodeFlow { thread_flows: [ThreadFlow { locations }] })
}

/// GitHub's, which is of the line if the file is in the repository and must be ours if it is not, and ours.
fn fingerprints(finding: &finding::Finding, primary: &Located, image: &Image) -> BTreeMap<&'static str, String> {
    let key = fingerprint::v1(finding, image);
    let source = finding.blame.source.as_ref();
    let line = source.and_then(|source| fingerprint::line_hash(&source.file.text, primary.start.line));
    let line = line.unwrap_or_else(|| format!("{}:1", key.get(..16).unwrap_or_default()));
    BTreeMap::from([("primaryLocationLineHash", line), (fingerprint::V1, key)])
}

/// What is to be replaced, file by file; nothing if it is not known where.
fn fix(fix: &finding::Fix) -> Option<Fix> {
    let mut changes: Vec<ArtifactChange> = Vec::new();
    for edit in &fix.edits {
        let location = artifact(&Located::source(&edit.at));
        match changes.iter_mut().find(|change| change.artifact_location == location) {
            Some(change) => change.replacements.push(replacement(edit)),
            None => {
                changes.push(ArtifactChange { artifact_location: location, replacements: vec![replacement(edit)] });
            }
        }
    }
    let description = Message { text: plain(&fix.title) };
    (!changes.is_empty()).then_some(Fix { description, artifact_changes: changes })
}

fn replacement(edit: &Edit) -> Replacement {
    let (start, end) = edit.at.region();
    Replacement { deleted_region: region(start, end), inserted_content: content(edit.with.as_ref()) }
}

fn content(bytes: &BStr) -> Content {
    match bytes.to_str() {
        Ok(text) => Content::Text(text.to_owned()),
        Err(_) => Content::Binary(STANDARD.encode(bytes)),
    }
}

/// What stands beside the place or in the image is in the source; what stands elsewhere is not.
fn suppression(suppression: &finding::Suppression) -> Suppression {
    let kind = match suppression.by {
        Suppressor::Comment | Suppressor::Label => "inSource",
        Suppressor::Configuration | Suppressor::Baseline => "external",
    };
    Suppression { kind, status: "accepted", justification: sentence(&suppression.reason) }
}

fn properties(finding: &finding::Finding, image: &Image) -> FindingProperties {
    let finding::ExitCodes { docker, podman, kubernetes } = finding.exit_codes;
    let codes = [("docker", docker), ("podman", podman), ("kubernetes", kubernetes)];
    let unplaced = finding.fixes.iter().filter(|fix| fix.edits.is_empty());
    FindingProperties {
        confidence: finding.confidence.as_str(),
        exit_codes: codes.into_iter().filter_map(|(engine, code)| Some((engine, code?))).collect(),
        layer: finding.layer.and_then(|index| layer(index, finding, image)),
        suggestions: unplaced.map(|f| Suggestion { title: sentence(&f.title), text: block(&f.text) }).collect(),
    }
}

fn layer(index: usize, finding: &finding::Finding, image: &Image) -> Option<Layer> {
    let layer = image.layers.get(index)?;
    let (digest, created_by) = (Some(layer.digest.clone()).filter(|d| !d.is_empty()), layer.created_by.as_deref());
    Some(Layer { index, digest, created_by: created_by.map(sentence), inherited: finding.blame.layer_inherited })
}
