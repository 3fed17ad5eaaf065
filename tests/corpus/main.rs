//! The evaluator of scripts against real entrypoints, if IMAGELINT_CORPUS names a directory of them (see `case`).
//!
//! Real scripts come from images that work: an error that is found in one is a mistake of this program, or of the root
//! that is made up around it. The report goes to standard error, a line for each script to IMAGELINT_CORPUS_OUT.
#![allow(clippy::unwrap_used)]

mod case;
#[path = "../support/elf.rs"]
#[allow(dead_code)]
mod elf;
mod judge;
mod recipe;
mod root;
#[path = "../tree/mod.rs"]
mod tree;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use imagelint::finding::Severity;
use imagelint::launch::script::{Bounds, Ending, Inside, follow};
use imagelint::launch::{self, Overrides};
use imagelint::rootfs::{Rootfs, View};
use imagelint::rule::Subject;
use imagelint::rules::RULES;

use case::Case;

/// Attempts at a root that has what a script is found to call.
const ATTEMPTS: usize = 3;

/// How one script went.
struct Result {
    endings: Vec<Ending>,
    alone: Duration,
    whole: Duration,
    errors: Vec<String>,
    warnings: Vec<String>,
    outcome: String,
    /// What the made-up root had to be given because only the evaluation tells its name.
    mended: BTreeSet<String>,
}

/// How often the kernel counts.
const TICK: Duration = Duration::from_millis(4);

/// Time that this thread has run for (proc(5), *schedstat*): a machine that is busy with something else does not make the
/// program slow. Where the kernel does not count, the time of the day.
fn clock(start: Instant) -> Duration {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let counted = counted.and_then(|text| text.split(' ').next()?.parse().ok());
    counted.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn measured<T>(work: impl Fn() -> T) -> (T, Duration) {
    let start = Instant::now();
    let time = |work: &dyn Fn() -> T| {
        let (before, begun) = (clock(start), Instant::now());
        let done = work();
        let whole = begun.elapsed();
        // the kernel counts from tick to tick
        (done, whole.min(clock(start).saturating_sub(before) + TICK))
    };
    let (done, first) = time(&work);
    let (_, second) = time(&work);
    (done, first.min(second))
}

fn examine(case: &Case, mended: &BTreeSet<String>) -> Option<Result> {
    let mut root = root::make(case, mended);
    let rootfs = Rootfs::build(&mut root.image).unwrap();
    let (image, view) = (&root.image, View::new(&root.image, &rootfs));
    let invocation = judge::invocation(case, &root)?;
    let (endings, alone) = {
        let world = Inside::new(&view, judge::credentials(image, &view));
        measured(|| follow(&invocation, &world, Bounds::default()))
    };
    let overrides = Overrides::default();
    let ((launch, findings), whole) = measured(|| {
        let launch = launch::follow(image, &rootfs, &overrides);
        let subject = Subject { image, rootfs: &rootfs, launch: &launch, healthcheck: None };
        let findings: Vec<_> = RULES.iter().flat_map(|rule| (rule.check)(&subject)).collect();
        (launch, findings)
    });
    let of = |severity| {
        let found = findings.iter().filter(move |f| f.severity == severity);
        found.map(|f| format!("{}: {}", f.rule, f.message)).collect()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let outcome = launch.current().first().map(|s| format!("{:?}", s.outcome)).unwrap_or_default();
    Some(Result { endings, alone, whole, errors, warnings, outcome, mended: mended.clone() })
}

/// With a root that has what is found missing.
fn supplied(case: &Case) -> Option<Result> {
    let mut mended = BTreeSet::new();
    let mut result = examine(case, &mended)?;
    for _ in 0..ATTEMPTS {
        let missing = result.endings.iter().flat_map(|e| &e.missing).map(|m| m.name.to_string());
        let before = mended.len();
        mended.extend(missing);
        mended.extend(judge::texts(&result.endings).iter().flat_map(|text| words::commands(text)));
        // archives that java is told to run, by a name that only the evaluation knows
        let archive = |error: &String| error.split('`').find(|word| word.ends_with(".jar")).map(str::to_owned);
        mended.extend(result.errors.iter().filter_map(archive));
        if mended.len() == before {
            break;
        }
        result = examine(case, &mended)?;
    }
    Some(result)
}

#[test]
fn scripts_of_working_images() {
    let Some(directory) = std::env::var_os("IMAGELINT_CORPUS") else {
        eprintln!("IMAGELINT_CORPUS names no directory of scripts: nothing was looked at");
        return;
    };
    let cases = case::all(Path::new(&directory));
    let only = std::env::var("IMAGELINT_CORPUS_ONLY").ok();
    let (mut out, mut panics, mut other) = (String::new(), Vec::new(), 0);
    let mut results = Vec::new();
    for case in cases.iter().filter(|c| only.as_ref().is_none_or(|o| c.id.starts_with(o))) {
        match catch_unwind(AssertUnwindSafe(|| supplied(case))) {
            Ok(Some(result)) => {
                line(&mut out, case, &result);
                results.push((case, result));
            }
            Ok(None) => other += 1,
            Err(_) => panics.push(&case.id),
        }
    }
    if let Some(path) = std::env::var_os("IMAGELINT_CORPUS_OUT") {
        std::fs::write(path, &out).unwrap();
    }
    eprint!("{}", summary(&results, other, panics.len()));
    assert!(panics.is_empty(), "{panics:?}");
    let wrong: Vec<_> = results.iter().filter(|(_, r)| !r.errors.is_empty()).map(|(c, r)| (&c.id, &r.errors)).collect();
    assert!(wrong.is_empty(), "errors are found in images that work: {wrong:#?}");
}

fn line(out: &mut String, case: &Case, result: &Result) {
    let _ = writeln!(
        out,
        "{} {} [{}] bytes {} alone {:?} whole {:?} class {}\n    outcome {}",
        case.id,
        case.origin,
        case.label,
        case.text.len(),
        result.alone,
        result.whole,
        judge::class(&result.endings),
        result.outcome.chars().take(200).collect::<String>(),
    );
    if !result.mended.is_empty() {
        let _ = writeln!(out, "    given {:?}", result.mended);
    }
    for error in &result.errors {
        let _ = writeln!(out, "    ERROR {error}");
    }
    for warning in &result.warnings {
        let _ = writeln!(out, "    WARNING {warning}");
    }
    for ending in &result.endings {
        let _ = writeln!(out, "    {}", judge::told(ending));
    }
}

fn summary(results: &[(&Case, Result)], other: usize, panics: usize) -> String {
    let mut out = String::new();
    let sorted = |of: fn(&Result) -> Duration| {
        let mut all: Vec<Duration> = results.iter().map(|(_, r)| of(r)).collect();
        all.sort();
        all
    };
    let real = if root::is_real() { "real" } else { "some of them stand-ins" };
    let _ = writeln!(out, "{} scripts, {other} for no shell, {panics} panics; shells: {real}", results.len());
    for (name, all) in [("evaluation", sorted(|r| r.alone)), ("whole", sorted(|r| r.whole))] {
        let _ = writeln!(out, "{name}: median {:?}, most {:?}", all.get(all.len() / 2), all.last());
    }
    let count = |is: &dyn Fn(&Result) -> bool| results.iter().filter(|(_, r)| is(r)).count();
    let _ = writeln!(out, "errors in {}", count(&|r| !r.errors.is_empty()));
    let _ = writeln!(out, "given what only the evaluation names: {}", count(&|r| !r.mended.is_empty()));
    let _ = writeln!(out, "one end to be expected: {}", count(&|r| judge::expected(&r.endings).count() == 1));
    let _ = writeln!(out, "nothing known on some way to be expected: {}", count(&|r| judge::is_unknown(&r.endings)));
    let (mut why, mut classes) = (BTreeMap::new(), BTreeMap::new());
    let (mut agree, mut labelled, mut differ) = (0, 0, Vec::new());
    for (case, result) in results {
        for reason in judge::reasons(&result.endings) {
            *why.entry(reason).or_insert(0) += 1;
        }
        let class = judge::class(&result.endings);
        *classes.entry(class).or_insert(0) += 1;
        if !case.label.is_empty() {
            labelled += 1;
            if judge::agrees(&case.label, class, case) {
                agree += 1;
            } else {
                differ.push(format!("{} {} [{}] {class}", case.id, case.origin, case.label));
            }
        }
    }
    let _ = writeln!(out, "classes: {classes:?}");
    let mut why: Vec<_> = why.into_iter().collect();
    why.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for (reason, n) in why {
        let _ = writeln!(out, "  unknown in {n}: {reason}");
    }
    let _ = writeln!(out, "labels: {agree} of {labelled} agree");
    for one in differ {
        let _ = writeln!(out, "  {one}");
    }
    out
}
