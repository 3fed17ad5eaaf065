//! What RUN may do to the files that were copied before it.

use std::collections::{BTreeMap, HashSet};

use bstr::{BStr, BString, ByteSlice};

use super::{From, MAX_LENGTH, Made, Placed};

/// Programs that change what is in a file that they name.
const EDITORS: [&str; 9] = ["sed", "perl", "awk", "dos2unix", "envsubst", "patch", "tee", "truncate", "tr"];
/// Programs that do what a file of their own says, and what such files are called.
const MAKERS: [(&str, &str); 5] = [
    ("make", "Makefile"),
    ("make", "makefile"),
    ("npm", "package.json"),
    ("yarn", "package.json"),
    ("pnpm", "package.json"),
];
/// Scripts of a RUN that are looked into.
const MAX_SCRIPTS: usize = 20;
/// Comparisons of words with files; a build of a thousand files and a hundred commands takes some millions.
const MAX_WORK: usize = 20_000_000;

/// Programs after which a file is no more where it was.
const MOVERS: [&str; 3] = ["mv", "rm", "unlink"];

/// The files of the layers so far.
type Layers = [(Made, BTreeMap<BString, Placed>)];

/// What the commands of a build do, one after the other.
pub struct Run<'b> {
    /// The bytes of a file, if they are at hand.
    pub read: &'b dyn Fn(&From) -> Option<Vec<u8>>,
    /// Words and files that may still be compared.
    left: usize,
}

impl<'b> Run<'b> {
    /// None so far.
    pub fn new(read: &'b dyn Fn(&From) -> Option<Vec<u8>>) -> Self {
        Run { read, left: MAX_WORK }
    }

    /// Takes into account what a command does, and the scripts that it runs.
    pub fn command(&mut self, text: &BStr, layers: &mut Layers) {
        self.hand_over(text, layers);
        let called: HashSet<&[u8]> = words(text).into_iter().map(last).collect();
        let is_made =
            |name: &[u8]| MAKERS.iter().any(|(by, file)| file.as_bytes() == name && called.contains(by.as_bytes()));
        let mut scripts: Vec<&From> = Vec::new();
        for (path, placed) in layers.iter().flat_map(|(_, files)| files) {
            let is_script = called.contains(last(path)) || is_made(last(path));
            if is_script && placed.size <= MAX_LENGTH && scripts.len() < MAX_SCRIPTS && !scripts.contains(&&placed.from)
            {
                scripts.push(&placed.from);
            }
        }
        let is_makefile =
            |from: &&From| matches!(from, From::Context(path) if last(path).eq_ignore_ascii_case(b"makefile"));
        let is_unseen = called.contains(&b"make"[..]) && !scripts.iter().any(is_makefile);
        let texts: Vec<Vec<u8>> = scripts.into_iter().filter_map(|from| (self.read)(from)).collect();
        if is_unseen {
            // what it does stands in a file that nobody has seen
            layers.iter_mut().flat_map(|(_, files)| files.values_mut()).for_each(|placed| placed.mode |= 0o555);
        }
        self.line(text, layers);
        if self.may(texts.iter().map(Vec::len).sum()) {
            texts.iter().flat_map(|text| text.lines()).for_each(|line| self.line(line.as_bstr(), layers));
        }
    }

    /// Who may do what with files that a command names is not known any more: it may have changed that in ways of its own.
    fn hand_over(&mut self, text: &BStr, layers: &mut Layers) {
        let words = words(text);
        let files: usize = layers.iter().map(|(_, files)| files.len()).sum();
        if !self.may(files.saturating_mul(words.len())) {
            return;
        }
        for (path, placed) in layers.iter_mut().flat_map(|(_, files)| files) {
            if mention(&words, path.as_bstr()) != Mention::None {
                placed.mode |= (placed.mode >> 6 & 7) * 0o11;
            }
        }
    }

    fn line(&mut self, text: &BStr, layers: &mut Layers) {
        let words = words(text);
        let Some(does) = Does::of(text, &words) else { return };
        let files: usize = layers.iter().map(|(_, files)| files.len()).sum();
        if self.may(files.saturating_mul(words.len())) {
            layers.iter_mut().for_each(|(_, files)| changes(does, &words, files));
        } else {
            // too much to look at: nothing is known of any
            layers.iter_mut().for_each(|(_, files)| files.clear());
        }
    }

    fn may(&mut self, work: usize) -> bool {
        let left = self.left.checked_sub(work);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

/// The name at the end of a path.
fn last(path: &[u8]) -> &[u8] {
    path.rsplit_str("/").next().unwrap_or_default()
}

/// What a command does to files that it names.
#[derive(Clone, Copy)]
struct Does {
    opens: bool,
    changes: bool,
}

impl Does {
    fn of(text: &BStr, words: &[&[u8]]) -> Option<Self> {
        let names = |programs: &[&str]| words.iter().any(|word| programs.iter().any(|p| *word == p.as_bytes()));
        // `os.chmod` and `fs.chmodSync` are others' words for it
        let opens = names(&["chmod", "install", "chown"]) || words.iter().any(|word| word.contains_str(".chmod"));
        let changes = names(&EDITORS) || names(&MOVERS);
        (opens || changes || text.contains(&b'>')).then_some(Does { opens, changes })
    }
}

/// Files that it opens to all, or whose owner it changes, and those that it changes or removes, which are no longer known.
fn changes(does: Does, words: &[&[u8]], files: &mut BTreeMap<BString, Placed>) {
    files.retain(|path, placed| {
        let mention = mention(words, path.as_bstr());
        if does.opens && mention != Mention::None {
            placed.mode |= 0o555;
        }
        !(mention == Mention::Itself && (does.changes || is_written(words, path.as_bstr())))
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mention {
    None,
    /// A directory above it, or a pattern, or what is not known.
    Around,
    Itself,
}

fn words(text: &BStr) -> Vec<&[u8]> {
    let separates = |b: u8| b.is_ascii_whitespace() || b";&|()\"'`{}=,".contains(&b);
    text.split(|b| separates(*b)).filter(|word| !word.is_empty()).collect()
}

/// How a command speaks of a file.
fn mention(words: &[&[u8]], path: &BStr) -> Mention {
    let name = path.rsplit_str("/").next().unwrap_or_default();
    let itself = |word: &&[u8]| {
        let last = word.rsplit_str("/").next().unwrap_or_default();
        last == name || (last.contains(&b'*') && like(last, name) && is_beside(word, path))
    };
    if words.iter().any(itself) {
        return Mention::Itself;
    }
    let around = |word: &&[u8]| {
        let directory = word.trim_with(|c| c == '/');
        let above = word.starts_with(b"/")
            && (directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/")));
        above || word.starts_with(b"$") || *word == b"." || *word == b"*" || *word == b"-R" || *word == b"find"
    };
    if words.iter().any(around) { Mention::Around } else { Mention::None }
}

/// Whether a pattern may be of files in the directory of `path`, or in one above it.
fn is_beside(pattern: &[u8], path: &[u8]) -> bool {
    let directory = |path: &[u8]| path.rfind_byte(b'/').and_then(|at| path.get(..at)).unwrap_or_default().to_vec();
    let Some(whole) = pattern.strip_prefix(b"/") else { return true };
    let own = directory(whole);
    own.contains(&b'*') || directory(path).starts_with(&own)
}

/// Whether `name` begins and ends as a pattern with one `*` does.
fn like(pattern: &[u8], name: &[u8]) -> bool {
    let (start, end) = pattern.split_once_str("*").unwrap_or((pattern, b""));
    name.starts_with(start) && name.ends_with(end.rsplit_str("*").next().unwrap_or_default())
}

/// `> file`.
fn is_written(words: &[&[u8]], path: &BStr) -> bool {
    let name = path.rsplit_str("/").next().unwrap_or_default();
    let ends = |word: &[u8]| word.rsplit_str("/").next() == Some(name);
    let mut pairs = words.windows(2);
    pairs.any(|pair| matches!(pair, [b">" | b">>", file] if ends(file)))
        || words.iter().any(|word| word.starts_with(b">") && ends(word.trim_start_with(|c| c == '>')))
}
