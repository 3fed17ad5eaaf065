//! Reading the layers of a source that allows any order: side by side, the largest first.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::cache::Cache;
use super::layer::{self, Bounds, Expected};
use super::plan::{Plan, PlannedLayer};
use super::progress::{Counted, Progress};
use super::toc::Partial;
use super::{Changeset, Content, Reread};
use crate::error::{Error, Result};
use crate::source::{Blobs, Opened};

/// More workers than this would only wait for the disk, and each holds a decompressor's window.
const MAX_WORKERS: usize = 8;

/// Layers that images read later have, too: by file, and by what was verified of it.
#[derive(Default)]
pub(crate) struct Shared(HashMap<(String, Expected), Arc<Changeset>>);

impl Shared {
    fn get(&self, layer: &PlannedLayer) -> Option<&Arc<Changeset>> {
        self.0.get(&key(layer))
    }

    /// Keeps of these and of what is held what one of `later` needs, but no more than an image may have; what does not
    /// fit is read again.
    fn keep(&mut self, plan: &Plan, read: &[Read], later: &[&Plan], room: &Bounds) {
        let whole = plan.layers.iter().zip(read).filter(|(_, read)| read.partial.is_none());
        let read = whole.map(|(layer, read)| (key(layer), Arc::clone(&read.changeset)));
        let mut all: HashMap<_, _> = std::mem::take(&mut self.0).into_iter().chain(read).collect();
        let needed = later.iter().flat_map(|plan| &plan.layers).map(key);
        let found = needed.filter_map(|key| all.remove_entry(&key));
        self.0 = found.filter(|(_, changeset)| room.hold(changeset)).collect();
    }
}

fn key(layer: &PlannedLayer) -> (String, Expected) {
    (layer.file.clone(), layer.expected.clone())
}

/// A layer that was read.
#[derive(Default)]
pub(crate) struct Read {
    pub changeset: Arc<Changeset>,
    /// Only its table of contents was.
    pub partial: Option<Partial>,
}

impl From<Changeset> for Read {
    fn from(changeset: Changeset) -> Self {
        Read { changeset: Arc::new(changeset), partial: None }
    }
}

/// All layers, in the plan's order; those in `shared` are not read again.
pub(crate) fn layers(
    blobs: &dyn Blobs,
    plan: &Plan,
    shared: &mut Shared,
    later: &[&Plan],
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Vec<Read>> {
    let bounds = Bounds::default();
    let wanted: Vec<_> = plan.layers.iter().enumerate().filter(|(_, layer)| shared.get(layer).is_none()).collect();
    let indices: Vec<usize> = wanted.iter().map(|(index, _)| *index).collect();
    let known = |index: usize| plan.layers.get(index).and_then(|layer| cache.layer(layer, &bounds));
    let known = run(&indices, &|index| Ok(known(index).map(Read::from)))?;
    let mut unread = Vec::new();
    for ((index, layer), _) in wanted.iter().zip(&known).filter(|(_, known)| known.is_none()) {
        unread.push((size(blobs, layer)?, *index));
    }
    progress.start(Some(unread.len()), Some(unread.iter().map(|(size, _)| size).sum()));
    unread.sort_by_key(|(size, index)| (Reverse(*size), *index));
    let order: Vec<usize> = unread.into_iter().map(|(_, index)| index).collect();
    let done = run(&order, &|index| match plan.layers.get(index) {
        Some(layer) => read(blobs, layer, &bounds, cache, progress),
        None => Ok(Read::default()),
    });
    progress.finish();
    let mut done = done?.into_iter();
    let all = known.into_iter().map(|known| known.or_else(|| done.next()).unwrap_or_default());
    let all = join(plan, shared, all, &bounds)?;
    shared.keep(plan, &all, later, &Bounds::default());
    Ok(all)
}

/// What was just read, between what an earlier image has read; that counts for this image as well.
fn join(plan: &Plan, shared: &Shared, mut read: impl Iterator<Item = Read>, bounds: &Bounds) -> Result<Vec<Read>> {
    let join = |layer: &PlannedLayer| match shared.get(layer) {
        Some(known) => {
            let counted = bounds.count_again(known).map(|()| Arc::clone(known));
            let counted = counted.map_err(|problem| Error::new(&layer.what, problem))?;
            Ok(Read { changeset: counted, partial: None })
        }
        None => Ok(read.next().unwrap_or_default()),
    };
    plan.layers.iter().map(join).collect()
}

fn read(
    blobs: &dyn Blobs,
    planned: &PlannedLayer,
    bounds: &Bounds,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Read> {
    if let Some((partial, changeset)) = Partial::open(blobs, planned, cache, bounds)? {
        progress.layer();
        return Ok(Read { changeset: Arc::new(changeset), partial: Some(partial) });
    }
    let blob = open(blobs, planned)?;
    let reader = Counted { reader: blob.reader, progress };
    let changeset = layer::read(reader, &planned.expected, &planned.what, bounds)?;
    cache.keep_layer(planned, &changeset);
    progress.layer();
    Ok(Read::from(changeset))
}

/// How long a layer is as stored: what its descriptor says, so that a registry is not asked twice.
fn size(blobs: &dyn Blobs, planned: &PlannedLayer) -> Result<u64> {
    match planned.expected.size {
        Some(size) => Ok(size),
        None => Ok(open(blobs, planned)?.size),
    }
}

fn open(blobs: &dyn Blobs, planned: &PlannedLayer) -> Result<Opened> {
    blobs.open(&planned.file)?.ok_or_else(|| absent(planned))
}

/// The error for a layer that the source does not have.
pub(crate) fn absent(planned: &PlannedLayer) -> Error {
    match &planned.foreign {
        None => Error::new(&planned.what, "the blob is missing")
            .help("the image is incomplete: save or copy it again, for the platform that you want"),
        Some(foreign) => {
            let url = foreign.url.as_deref().unwrap_or("a place that the manifest does not name");
            Error::new(&planned.what, format!("it is a foreign layer that is fetched from {url}, and not stored here"))
        }
    }
}

/// Runs `job` for every number in `order`, as many at a time as there are cores, and gives the results by number.
///
/// After a failure only numbers below it are still tried, so that the error is that of the first layer at fault,
/// however threads happen to run.
fn run<T: Send>(order: &[usize], job: &(dyn Fn(usize) -> Result<T> + Sync)) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(usize::MAX);
    let results = Mutex::new(Vec::with_capacity(order.len()));
    let work = || {
        while let Some(&number) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            if number > failed.load(Ordering::Relaxed) {
                continue;
            }
            let result = job(number);
            if result.is_err() {
                failed.fetch_min(number, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = cores.min(MAX_WORKERS).min(order.len());
    thread::scope(|scope| {
        // One of them is this thread.
        (1..workers).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The second look at layers of such a source.
pub(crate) struct Again {
    pub blobs: Arc<dyn Blobs>,
    pub layers: Vec<PlannedLayer>,
    /// Those of which only the table of contents was read.
    pub partial: Vec<Option<Partial>>,
}

impl Again {
    fn partial(&self, layer: usize) -> Option<&Partial> {
        self.partial.get(layer)?.as_ref()
    }
}

impl Reread for Again {
    fn content(&self, layer: usize, ordinal: u32) -> Result<Option<Content>> {
        match (self.partial(layer), self.layers.get(layer)) {
            (Some(partial), Some(planned)) => partial.content(self.blobs.as_ref(), planned, ordinal),
            _ => Ok(None),
        }
    }

    fn reread(&self, layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>> {
        let Some(planned) = self.layers.get(layer) else { return Err(no_such_layer(layer)) };
        if let Some(partial) = self.partial(layer) {
            return partial.reread(self.blobs.as_ref(), planned, ordinal, offset, len);
        }
        let blob = open(self.blobs.as_ref(), planned)?.reader;
        layer::reread(blob, &planned.expected, ordinal, offset, len, &planned.what)
    }
}

/// The error for a layer that the image does not have.
pub(crate) fn no_such_layer(layer: usize) -> Error {
    Error::new(format!("layer {}", layer + 1), "the image has no such layer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Configuration, Entry, FileType, Platform};

    fn plan(digests: &[&str]) -> Plan {
        let layer = |digest: &&str| PlannedLayer {
            file: (*digest).to_owned(),
            digest: (*digest).to_owned(),
            expected: Expected::default(),
            created_by: None,
            table: None,
            foreign: None,
            what: String::new(),
        };
        Plan {
            source: "test",
            digest: String::new(),
            documents: Vec::new(),
            platform: Platform::host(),
            configured: None,
            configuration: Configuration::default(),
            record: Default::default(),
            layers: digests.iter().map(layer).collect(),
        }
    }

    #[test]
    fn what_is_kept_for_later_is_needed_and_bounded() {
        let changeset = |entries| {
            let mut set = Changeset::default();
            let entry = Entry {
                ordinal: 0,
                path: "f".into(),
                file_type: FileType::Regular,
                mode: 0,
                uid: 0,
                gid: 0,
                size: 0,
                link: "".into(),
                content: None,
                capability: None,
            };
            (0..entries).for_each(|_| set.push(b"", &entry));
            Read::from(set)
        };
        let (now, sets) = (plan(&["a", "b", "c"]), [5, 1, 4].map(changeset));
        let kept = |later: &[&str], entries| {
            let mut shared = Shared::default();
            shared.keep(&now, &sets, &[&plan(later)], &Bounds::new(entries, 0, 0, 0));
            let mut names: Vec<String> = shared.0.into_keys().map(|(file, _)| file).collect();
            names.sort_unstable();
            names.concat()
        };
        assert_eq!(kept(&[], 10), "");
        assert_eq!(kept(&["c", "x", "b"], 10), "bc");
        assert_eq!(kept(&["a", "b", "c"], 10), "abc");
        assert_eq!(kept(&["a", "b", "c"], 7), "ab");
        assert_eq!(kept(&["a", "b", "c"], 4), "b");
    }

    #[test]
    fn results_come_in_the_order_of_numbers() {
        let squares = run(&[2, 0, 1], &|n| Ok(n * n));
        assert_eq!(squares.ok(), Some(vec![0, 1, 4]));
    }

    #[test]
    fn the_first_failure_by_number_is_the_error() {
        for _ in 0..100 {
            let error = run(&[5, 4, 3, 2, 1, 0], &|n| if n == 0 { Ok(()) } else { Err(Error::new(n.to_string(), "")) });
            assert_eq!(error.err().map(|e| e.reading().to_owned()).as_deref(), Some("1"));
        }
    }
}
