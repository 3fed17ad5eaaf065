//! How far reading has come, on standard error, for someone who waits at a terminal.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use imagelint::image::Progress;
use imagelint::report::escape::{sentence, shorten};
use indicatif::{ProgressBar, ProgressStyle};

/// How long people wait without wondering.
const PATIENCE: Duration = Duration::from_secs(1);

/// A line that shows itself once reading takes longer than a second, and is gone at the end.
pub struct Bar {
    name: String,
    silent: bool,
    wanted: bool,
    since: Instant,
    total: AtomicU64,
    read: AtomicU64,
    layers: AtomicUsize,
    layers_read: AtomicUsize,
    line: OnceLock<ProgressBar>,
}

impl Bar {
    /// For the image `name`; never seen if `silent` or nobody looks at standard error.
    pub fn new(name: &str, silent: bool) -> Self {
        Bar {
            name: shorten(&sentence(name), 40),
            silent,
            wanted: !silent && io::stderr().is_terminal(),
            since: Instant::now(),
            total: AtomicU64::new(0),
            read: AtomicU64::new(0),
            layers: AtomicUsize::new(0),
            layers_read: AtomicUsize::new(0),
            line: OnceLock::new(),
        }
    }

    fn show(&self) -> ProgressBar {
        let (total, read) = (self.total.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed));
        let (line, template) = match total {
            0 => (ProgressBar::new_spinner(), "{spinner} reading {msg}: {prefix}{bytes}"),
            _ => (ProgressBar::new(total), "{spinner} reading {msg}: {prefix}{bytes} of {total_bytes}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            line.set_style(style);
        }
        line.set_message(self.name.clone());
        line.set_prefix(self.layers());
        line.set_position(read);
        line
    }

    fn layers(&self) -> String {
        layers(self.layers_read.load(Ordering::Relaxed), self.layers.load(Ordering::Relaxed))
    }

    fn tell_layers(&self) {
        if let Some(line) = self.line.get() {
            line.set_prefix(self.layers());
        }
    }
}

/// `3 of 12 layers, `; how many there are is not known of what comes as a stream.
fn layers(read: usize, all: usize) -> String {
    match (read, all) {
        (0, 0) => String::new(),
        (1, 0) => "1 layer, ".to_owned(),
        (_, 0) => format!("{read} layers, "),
        (_, 1) => format!("{read} of 1 layer, "),
        _ => format!("{read} of {all} layers, "),
    }
}

impl Progress for Bar {
    fn passed_over(&self, what: &str) {
        if !self.silent {
            eprintln!("note: {}", sentence(what));
        }
    }

    fn start(&self, layers: Option<usize>, bytes: Option<u64>) {
        self.layers.fetch_add(layers.unwrap_or(0), Ordering::Relaxed);
        self.tell_layers();
        // The platforms of an image come one after the other.
        let bytes = bytes.unwrap_or(0);
        let total = self.total.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(line) = self.line.get() {
            line.set_length(total);
        }
    }

    fn layer(&self) {
        self.layers_read.fetch_add(1, Ordering::Relaxed);
        self.tell_layers();
    }

    fn advance(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
        if self.wanted && self.since.elapsed() > PATIENCE {
            self.line.get_or_init(|| self.show()).set_position(self.read.load(Ordering::Relaxed));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(line) = self.line.get() {
            line.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::layers;

    #[test]
    fn layers_are_told_with_as_much_as_is_known() {
        let told = [(0, 0), (1, 0), (3, 0), (0, 1), (3, 12)].map(|(read, all)| layers(read, all));
        assert_eq!(told, ["", "1 layer, ", "3 layers, ", "0 of 1 layer, ", "3 of 12 layers, "]);
    }
}
