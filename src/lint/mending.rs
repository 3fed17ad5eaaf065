//! Fixes, one after the other: each is tried on the texts first, and kept only if what it mends is gone and nothing new is found.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BString, ByteSlice};

use super::Lint;
use super::unbuilt::{Unbuilt, Wanted};
use crate::error::Result;
use crate::finding::{Edit, Finding, Severity};
use crate::launch::{Launch, Outcome, StepKind};

/// Fixes that are tried at most.
const MAX_FIXES: usize = 200;

/// Which fixes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that change nothing but what is wrong.
    Safe,
    /// All that are known as edits.
    All,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Mended {
    /// The files that change, by their paths in the repository: as they were, and as they are to be.
    pub files: BTreeMap<BString, (BString, BString)>,
    /// What was mended: the rule, and the fix.
    pub done: Vec<(&'static str, String)>,
}

/// What marks a fix that was tried in vain.
type Tried = BTreeSet<(&'static str, BString, usize, String)>;

/// Mends what can be mended of a Dockerfile and the files it copies. `judge` lints a state of it and gives its findings,
/// those that are ignored among them.
///
/// # Errors
/// The Dockerfile cannot be looked at.
pub fn mend(
    wanted: &Wanted,
    which: Which,
    mut judge: impl FnMut(&Unbuilt) -> Result<(Lint, Vec<Finding>)>,
) -> Result<(Mended, Lint, Vec<Finding>)> {
    let (mut wanted, mut mended, mut tried) = (wanted.clone(), Mended::default(), Tried::new());
    let (mut lint, mut findings) = judge(&Unbuilt::open(&wanted)?)?;
    for _ in 0..MAX_FIXES {
        let Some((finding, fix)) = next(&findings, which, &tried) else { break };
        let (rule, fix, mark) = (finding.rule, finding.fixes.get(fix).cloned(), mark(finding, fix));
        let Some(fix) = fix else { break };
        tried.extend(mark);
        let mut changed = wanted.changed.clone();
        for edit in &fix.edits {
            changed.insert(edit.at.file.path.clone(), applied(edit));
        }
        let attempt = Wanted { changed, ..wanted.clone() };
        // a text that cannot be read any more is no fix
        let Ok(unbuilt) = Unbuilt::open(&attempt) else { continue };
        let Ok((then, left)) = judge(&unbuilt) else { continue };
        // of a script that others read, more comes behind
        let is_alone = rule != "missing-exec"
            || !fix.edits.iter().any(|edit| unbuilt.is_read_by_another(edit.at.file.path.as_bstr()));
        let is_faithful = which == Which::All || is_alone && is_faithful(&lint.launch, &then.launch, rule);
        if !is_faithful || !is_better(&findings, &left, rule) {
            continue;
        }
        for edit in &fix.edits {
            mended
                .files
                .entry(edit.at.file.path.clone())
                .or_insert_with(|| (edit.at.file.text.clone(), BString::default()));
        }
        mended.done.push((rule, fix.title));
        (wanted, lint, findings) = (attempt, then, left);
    }
    for (path, (_, after)) in &mut mended.files {
        if let Some(text) = wanted.changed.get(path) {
            after.clone_from(text);
        }
    }
    mended.files.retain(|_, (before, after)| before != after);
    Ok((mended, lint, findings))
}

/// The next fix: which finding, and which of its fixes.
fn next<'f>(findings: &'f [Finding], which: Which, tried: &Tried) -> Option<(&'f Finding, usize)> {
    let told = findings.iter().filter(|finding| finding.suppression.is_none());
    let mut all = told.flat_map(|finding| (0..finding.fixes.len()).map(move |fix| (finding, fix)));
    all.find(|(finding, fix)| {
        let usable =
            finding.fixes.get(*fix).filter(|fix| !fix.edits.is_empty() && (fix.is_safe || which == Which::All));
        usable.is_some() && mark(finding, *fix).is_some_and(|mark| !tried.contains(&mark))
    })
}

fn mark(finding: &Finding, fix: usize) -> Option<(&'static str, BString, usize, String)> {
    let (source, fix) = (finding.blame.source.as_ref()?, finding.fixes.get(fix)?);
    Some((finding.rule, source.file.path.clone(), source.span.start, fix.title.clone()))
}

fn applied(edit: &Edit) -> BString {
    let text = edit.at.file.text.as_bytes();
    let (before, after) = (text.get(..edit.at.span.start), text.get(edit.at.span.end..));
    [before.unwrap_or_default(), &edit.with, after.unwrap_or_default()].concat().into()
}

/// Whether what ran before still runs, with the same words. A script that began to run is not to end at once: its first line
/// may have named the wrong shell.
fn is_faithful(before: &Launch, after: &Launch, rule: &str) -> bool {
    let of = |launch: &Launch| launch.current().first().map(|start| start.outcome.clone());
    let (Some(was), Some(is)) = (of(before), of(after)) else { return false };
    match was.cause() {
        Some(_) => rule != "missing-shebang" || !matches!(is, Outcome::Exits { code: 1.., .. }),
        None => is.cause().is_none() && program(before) == program(after),
    }
}

/// The words of the program at the end of the line.
fn program(launch: &Launch) -> Option<&[BString]> {
    let start = launch.current().first()?;
    let is_main =
        |step: &&crate::launch::Step| step.pid as usize == start.parents.len() + 1 && step.kind != StepKind::Loader;
    start.steps.iter().rfind(is_main).map(|step| step.argv.as_slice())
}

/// Whether a finding of the rule is gone, and nothing has come that is as bad. What an error hid may come to light.
fn is_better(before: &[Finding], after: &[Finding], rule: &str) -> bool {
    let of = |findings: &[Finding], rule: &str| findings.iter().filter(|f| f.rule == rule).count();
    let Some(mended) = before.iter().filter(|f| f.rule == rule).map(|f| f.severity).max() else { return false };
    let errors = |findings: &[Finding]| findings.iter().filter(|f| f.severity == Severity::Error).count();
    let is_new = |finding: &&Finding| of(after, finding.rule) > of(before, finding.rule);
    let is_bad = |finding: &Finding| match mended {
        Severity::Error => errors(after) > errors(before),
        mended => finding.severity >= mended,
    };
    of(after, rule) < of(before, rule) && !after.iter().filter(is_new).any(is_bad)
}
