//! SARIF 2.1.0, made for GitHub code scanning: one run for each image and platform, under a category of its own, so
//! that what is found of one does not close what was found of another.

mod finding;
mod model;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{
    AutomationDetails, Finding, Image, Invocation, Log, Message, Notification, Reference, Run, RunProperties, Tool,
    UriBase,
};

use super::escape::{block, sentence};
use super::json::pretty;
use super::located::{image_name, typed_name};
use super::{Unread, Writer, trace};
use crate::finding::{self as found, Suppressor};
use crate::rule::Subject;

/// GitHub shows no more of a run, and takes 25 000.
const FINDINGS_MAX: usize = 5_000;

/// A report on its way.
pub struct Report {
    tool: Arc<Tool>,
    categories: Vec<Category>,
    unread: BTreeMap<String, Vec<Notification>>,
}

/// What is known of an image for one platform; images of one name but other tags are one, for readers take no two runs
/// of one category.
struct Category {
    id: String,
    images: Vec<Image>,
    findings: Vec<Finding>,
    notifications: Vec<Notification>,
    has_baseline: bool,
}

impl Default for Report {
    fn default() -> Self {
        Report { tool: Arc::new(rules::tool()), categories: Vec::new(), unread: BTreeMap::new() }
    }
}

impl Writer for Report {
    fn add(&mut self, subject: &Subject<'_>, findings: &[found::Finding]) -> String {
        let category = self.category(id(subject));
        category.images.push(image(subject));
        category.notifications.extend(untold(subject));
        category.findings.extend(findings.iter().map(|finding| as_result(finding, subject)));
        category.has_baseline |= findings.iter().any(is_known);
        String::new()
    }

    fn unread(&mut self, unread: Unread<'_>) {
        let platform = unread.platform.map(|platform| format!(" ({})", sentence(platform))).unwrap_or_default();
        let help = unread.help.map(|help| format!("\nhelp: {}", block(help))).unwrap_or_default();
        let text = format!("{}{platform}: {}{help}", sentence(unread.reference), sentence(unread.message));
        // Were it in the image's own category, all that was found of it before would be closed.
        let id = format!("imagelint/not-read/{}/", sentence(typed_name(unread.reference)));
        self.unread.entry(id).or_default().push(notification(rules::COULD_NOT_LOOK, "error", text));
    }

    fn finish(&self) -> String {
        let read = self.categories.iter().map(|category| self.run(category));
        let unread = self.unread.iter().map(|(id, why)| self.bare(id.clone(), why.clone(), false));
        let runs = read.chain(unread).collect();
        pretty(&Log { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs })
    }
}

impl Report {
    fn category(&mut self, id: String) -> &mut Category {
        let at = self.categories.iter().position(|category| category.id == id).unwrap_or_else(|| {
            let (images, findings, notifications) = (Vec::new(), Vec::new(), Vec::new());
            self.categories.push(Category { id, images, findings, notifications, has_baseline: false });
            self.categories.len() - 1
        });
        &mut self.categories[at]
    }

    fn run(&self, category: &Category) -> Run {
        let (findings, left_out) = worst(&category.findings);
        let mut notifications = category.notifications.clone();
        if left_out > 0 {
            let text = format!("{left_out} findings are left out, the mildest; a report has room for {FINDINGS_MAX}");
            notifications.push(notification(rules::LEFT_OUT, "warning", text));
        }
        let results = findings.into_iter().map(|finding| with_state(finding, category.has_baseline)).collect();
        let properties = RunProperties { images: category.images.clone() };
        Run { results, properties, ..self.bare(category.id.clone(), notifications, true) }
    }

    /// A run without results.
    fn bare(&self, id: String, notifications: Vec<Notification>, successful: bool) -> Run {
        let root = UriBase { description: Message { text: "the root of the repository".to_owned() } };
        Run {
            tool: Arc::clone(&self.tool),
            automation_details: AutomationDetails { id },
            invocations: [Invocation { execution_successful: successful, tool_execution_notifications: notifications }],
            original_uri_base_ids: BTreeMap::from([(finding::ROOT, root)]),
            // As all of our columns are; for a character above U+FFFF, of which there are few in Dockerfiles and
            // scripts, readers that count in UTF-16 would be one column off if it were not said.
            column_kind: "unicodeCodePoints",
            results: Vec::new(),
            properties: RunProperties { images: Vec::new() },
        }
    }
}

/// `imagelint/<image name>/<os-arch>/`: the category is what stands before the last slash.
fn id(subject: &Subject<'_>) -> String {
    let platform = sentence(subject.image.platform.to_string()).replace('/', "-");
    format!("imagelint/{}/{platform}/", sentence(image_name(subject.image)))
}

fn image(subject: &Subject<'_>) -> Image {
    let image = subject.image;
    Image {
        reference: sentence(&image.reference),
        source: image.source,
        digest: image.digest.as_deref().map(sentence),
        platform: sentence(image.platform.to_string()),
    }
}

/// That it cannot be told whether the image starts, and why not.
fn untold(subject: &Subject<'_>) -> Option<Notification> {
    if trace::outcome(subject.launch) != "unknown" {
        return None;
    }
    let why = trace::decisive(subject.launch).and_then(trace::why).unwrap_or_default();
    let text = format!("whether {} starts cannot be told: {}", sentence(&subject.image.reference), sentence(why));
    Some(notification(rules::CANNOT_BE_TOLD, "warning", text))
}

fn notification(id: &'static str, level: &'static str, text: String) -> Notification {
    Notification { descriptor: Reference { id }, level, message: Message { text } }
}

fn as_result(finding: &found::Finding, subject: &Subject<'_>) -> Finding {
    let baseline_state = is_known(finding).then_some("unchanged");
    Finding { baseline_state, ..finding::of(finding, subject) }
}

fn is_known(finding: &found::Finding) -> bool {
    finding.suppression.as_ref().is_some_and(|suppression| suppression.by == Suppressor::Baseline)
}

/// Where one result has a state, all have.
fn with_state(finding: Finding, has_baseline: bool) -> Finding {
    let baseline_state = finding.baseline_state.or(has_baseline.then_some("new"));
    Finding { baseline_state, ..finding }
}

/// As many as there is room for, those first that are told and bad, and how many are not among them.
fn worst(findings: &[Finding]) -> (Vec<Finding>, usize) {
    let mildness = |finding: &&Finding| match finding.level {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    };
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| (!finding.suppressions.is_empty(), mildness(finding)));
    let kept: Vec<Finding> = sorted.into_iter().take(FINDINGS_MAX).cloned().collect();
    let left_out = findings.len() - kept.len();
    (kept, left_out)
}
