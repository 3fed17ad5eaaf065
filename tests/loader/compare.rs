//! A root's files, predicted and asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bstr::BString;
use imagelint::image::{self, Image, Options};
use imagelint::launch::{Closure, Found, Libc, LinkError, Linked, Processor, libraries};
use imagelint::rootfs::Rootfs;

use crate::answer::{Answer, NOT_DYNAMIC, Parsed, without_reason};
use crate::root::{Mapped, Root};
use crate::worker::{Job, Ran, Worker};

/// Differences that are shown, where `IMAGELINT_ROOTS_SHOW` does not say how many.
const SHOWN: usize = 20;

fn shown() -> usize {
    std::env::var("IMAGELINT_ROOTS_SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(SHOWN)
}

/// Crafted files of which only a listing says so, by the end of their paths: an auxiliary library that is absent is then
/// made up, what is put before the first object is not shown, a library is not the one that is preloaded, and `$ORIGIN` of a program that the loader itself opens is
/// where its name says.
const LISTING: [&str; 5] =
    ["/names/f/aux-none", "/names/f/many", "/names/f/libmany.so", "/tokens/link", "/preloads/l/liba.so"];
/// Weak versions of a library that has no versions at all: whether a symbol is bound to one decides, and symbols are
/// not looked at.
const SYMBOLS: [&str; 2] = ["/versions/weak-none", "/versions/deep-weak-none"];
/// The signal that a process gets which reads what a file that was cut off does not have.
const SIGBUS: &str = "signal 7";

/// How a loader is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The loader is run on the file, as ldd(1) does.
    List,
    /// LD_TRACE_LOADED_OBJECTS, in what is started as usual.
    Trace,
    /// Started; the program ends with 42.
    Start,
}

/// A question to both.
struct Question {
    mode: Mode,
    libc: Libc,
    path: String,
    loader: String,
    environment: Vec<(String, String)>,
}

/// What a loader is.
#[derive(Clone, Debug)]
struct Kind {
    libc: Libc,
    processor: Processor,
}

#[derive(Default)]
struct Tally {
    agree: usize,
    differences: Vec<String>,
    left_out: BTreeMap<String, usize>,
    strange: Vec<String>,
}

/// Compares all of one root; whether nothing differs.
pub fn root(root: &Root) -> bool {
    let start = Instant::now();
    let reference = format!("rootfs:{}", root.directory.display()).parse().unwrap();
    let mut image = image::open(&reference, &Options::default()).unwrap();
    let rootfs = Rootfs::build(&mut image).unwrap();
    let read = start.elapsed();
    let files = root.files();
    let mut worker = Worker::start(&root.directory);
    let mut tally = Tally::default();
    let kinds = kinds(root, &files, &mut worker);
    let questions = questions(root, &files, &kinds, &mut tally);
    let answers = worker.run(questions.iter().map(|q| q.job(&root.emulator())).collect());
    let asked = start.elapsed();
    for (question, ran) in questions.iter().zip(&answers) {
        tally.compare(question, kinds[&question.loader].as_ref().unwrap(), ran, &image, &rootfs);
    }
    println!(
        "{}: {} files, read in {:.1} s, asked in {:.1} s, predicted in {:.1} s",
        root.name,
        files.len(),
        read.as_secs_f32(),
        (asked - read).as_secs_f32(),
        (start.elapsed() - asked).as_secs_f32()
    );
    tally.print(&root.name)
}

/// What each loader is that is named in the root, `None` for one that does not run here.
fn kinds(root: &Root, files: &[Mapped], worker: &mut Worker) -> BTreeMap<String, Option<Kind>> {
    let mut kinds = BTreeMap::new();
    for file in files {
        if let Some(loader) = file.interpreter.as_ref().filter(|i| root.has(i) && !kinds.contains_key(*i)) {
            kinds.insert(loader.clone(), kind(root, loader, &file.path, worker));
        }
    }
    kinds
}

/// What a loader says to whoever names no program, and where it looks for a library that is nowhere.
fn kind(root: &Root, loader: &str, program: &str, worker: &mut Worker) -> Option<Kind> {
    let argv = |arguments: &[&str]| {
        let arguments = [loader].into_iter().chain(arguments.iter().copied());
        root.emulator().into_iter().chain(arguments.map(str::to_owned)).collect()
    };
    let said = worker.one(argv(&[]), &[]).err;
    if said.contains("musl libc") {
        return Some(Kind { libc: Libc::Musl, processor: Processor::default() });
    }
    // In the words of glibc before 2.33, which has no --version, and after.
    if !said.contains("ld.so") && !said.contains("missing program name") {
        return None;
    }
    let variables = [("LD_DEBUG", "libs"), ("LD_LIBRARY_PATH", "/nowhere"), ("LD_PRELOAD", "libnone.so")];
    let searched = worker.one(argv(&["--list", program]), &variables).err;
    let variables = [("LD_DEBUG", "libs"), ("LD_LIBRARY_PATH", "/platform/$PLATFORM"), ("LD_PRELOAD", "libnone.so")];
    let platform = platform(&worker.one(argv(&["--list", program]), &variables).err);
    Some(Kind { libc: Libc::Glibc, processor: Processor { platform, ..processor(&searched) } })
}

/// `search path=/platform/haswell/tls:…`.
fn platform(searched: &str) -> Option<&'static str> {
    let path = searched.lines().find_map(|line| line.split_once("search path=/platform/"));
    path.and_then(|(_, rest)| rest.split(['/', ':', '\t', ' ']).next()).map(leak)
}

/// `search path=/nowhere/glibc-hwcaps/x86-64-v3:/nowhere/tls/x86_64:…:/nowhere`: of the older directories the first has
/// all names.
fn processor(searched: &str) -> Processor {
    let path = searched.lines().find_map(|line| line.split_once("search path=/nowhere/"));
    let path = path.and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default();
    let below = path.split(':').map(|d| d.trim_start_matches("/nowhere"));
    let (levels, older): (Vec<&str>, Vec<&str>) =
        below.map(|d| d.trim_start_matches('/')).partition(|d| d.starts_with("glibc-hwcaps/"));
    let names = older.first().into_iter().flat_map(|first| first.rsplit('/')).filter(|n| !n.is_empty());
    Processor {
        levels: levels.iter().filter_map(|d| d.strip_prefix("glibc-hwcaps/")).map(leak).collect(),
        legacy: names.map(leak).collect(),
        platform: None,
    }
}

fn leak(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn questions(
    root: &Root,
    files: &[Mapped],
    kinds: &BTreeMap<String, Option<Kind>>,
    tally: &mut Tally,
) -> Vec<Question> {
    let usual = root.loaders(files);
    let mut questions = Vec::new();
    let mut loaders = BTreeMap::new();
    for file in files {
        let Some(loader) = file.interpreter.as_ref().or_else(|| usual.get(&file.machine)) else {
            tally.leave_out("no program in the root names a loader for that machine");
            continue;
        };
        let Some(kind) = kinds.get(loader) else {
            tally.leave_out("its loader is not there");
            continue;
        };
        let Some(kind) = kind else {
            tally.leave_out(&format!("{loader} does not run here"));
            continue;
        };
        if kinds.contains_key(&file.path) || is_loader(file) {
            tally.leave_out("a loader itself");
            continue;
        }
        let question = |mode| Question {
            mode,
            libc: kind.libc,
            path: file.path.clone(),
            loader: loader.clone(),
            environment: Vec::new(),
        };
        questions.push(question(Mode::List));
        if kind.libc == Libc::Glibc && file.plain && file.interpreter.is_some() {
            questions.push(question(Mode::Trace));
        }
        loaders.insert(&file.path, loader);
    }
    for case in root.cases() {
        let Some(loader) = loaders.get(&root.canonical(&case.path)) else {
            match files.iter().any(|file| file.path == root.canonical(&case.path)) {
                true => tally.leave_out("a case whose loader is not there"),
                false => tally.strange.push(format!("{}: no file of that name for a case", case.path)),
            }
            continue;
        };
        for mode in [Mode::List, Mode::Start] {
            let (path, environment) = (case.path.clone(), case.environment.clone());
            let libc = kinds[loader.as_str()].as_ref().map_or(Libc::Other, |k| k.libc);
            questions.push(Question { mode, libc, path, loader: (*loader).clone(), environment });
        }
    }
    questions
}

/// By its name, for loaders that no program of the root names.
fn is_loader(file: &Mapped) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    file.interpreter.is_none()
        && (name.starts_with("ld-linux")
            || name.starts_with("ld-musl")
            || name.starts_with("ld64.so")
            || name.starts_with("ld-2."))
}

impl Question {
    fn job(&self, emulator: &[String]) -> Job {
        let mut argv = emulator.to_vec();
        let mut environment = self.environment.clone();
        match self.mode {
            Mode::List if self.libc == Libc::Musl => argv.extend([self.loader.clone(), "--list".to_owned()]),
            // Not --list, which ends at the first library that is missing (elf/rtld.c: only rtld_mode_trace goes on).
            Mode::List => argv.push(self.loader.clone()),
            Mode::Trace | Mode::Start => {}
        }
        if self.libc == Libc::Glibc && self.mode != Mode::Start {
            environment.push(("LD_TRACE_LOADED_OBJECTS".to_owned(), "1".to_owned()));
        }
        argv.push(self.path.clone());
        Job { number: 0, argv, environment }
    }

    fn name(&self) -> String {
        let variables: Vec<String> = self.environment.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        let how = match self.mode {
            Mode::List => format!("{} ", self.loader),
            Mode::Trace => "LD_TRACE_LOADED_OBJECTS=1 ".to_owned(),
            Mode::Start => String::new(),
        };
        format!("{}{how}{}", variables.concat(), self.path)
    }
}

impl Tally {
    fn leave_out(&mut self, why: &str) {
        *self.left_out.entry(why.to_owned()).or_default() += 1;
    }

    fn compare(&mut self, question: &Question, kind: &Kind, ran: &Ran, image: &Image, rootfs: &Rootfs) {
        let is_among = |list: &[&str]| list.iter().any(|end| question.path.ends_with(end));
        if question.mode != Mode::Start && is_among(&LISTING) {
            return self.leave_out("what only a listing shows");
        }
        if question.mode == Mode::Start && is_among(&SYMBOLS) {
            return self.leave_out("symbols that are bound to versions");
        }
        let environment: Vec<(&str, &str)> =
            question.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let loader = Some(question.loader.as_bytes());
        let closure = libraries(image, rootfs, question.path.as_bytes(), loader, &environment, &kind.processor);
        if matches!(&closure, Err(why) if why.ends_with("is not a regular file")) {
            return self.leave_out("a device as a library, whose number is not kept");
        }
        if matches!(&closure, Err(why) if why.starts_with("musl maps a library whatever")) {
            return self.leave_out("damaged headers, which musl does not look at");
        }
        if let Some(refused) = &ran.refused {
            let is_cut = |c: &Closure| matches!(c.error(), Some(LinkError::Cut { .. }));
            if refused == SIGBUS && closure.as_ref().is_ok_and(is_cut) {
                self.agree += 1;
                return;
            }
            return self.leave_out(&format!("ended with {refused}"));
        }
        let parsed = match question.mode {
            Mode::Start => Parsed::start(kind.libc, ran),
            _ => Parsed::list(kind.libc, ran),
        };
        if let Some(line) = parsed.strange.first() {
            self.strange.push(format!("{}: {line}", question.name()));
        }
        let own = format!("{0}: error while loading shared libraries: {0}: ", question.path);
        if question.mode == Mode::List
            && parsed.answer.complaints.iter().any(|c| c.starts_with(&own) || c.ends_with(NOT_DYNAMIC))
        {
            return self.leave_out("the loader does not take the file itself, which at a start the kernel maps");
        }
        match closure {
            Err(why) => self.differ(question, &format!("  not predicted: {why}\n  real: {:?}\n", parsed.answer)),
            Ok(closure) => self.judge(question, &closure, parsed),
        }
    }

    fn judge(&mut self, question: &Question, closure: &Closure, parsed: Parsed) {
        let mut real = parsed.answer;
        if closure.libc == Libc::Musl {
            // Its first line is its own name, and it is listed once more under each name that it stands for.
            real.libraries.retain(|(_, path)| *path != question.loader);
        }
        // An object of that name is made up each time that it is asked for.
        let mut seen = BTreeSet::new();
        real.missing.retain(|name| seen.insert(name.clone()));
        let mut predicted = predicted(closure, question.mode);
        if parsed.needs_nothing {
            (predicted.libraries, predicted.missing) = Default::default();
        }
        // Only where nothing was opened is the reason not compared.
        let unopened = |e: &LinkError| matches!(e, LinkError::NotFound { errno: None, .. });
        for error in closure.errors.iter().filter(|e| unopened(e)) {
            let bare = without_reason(&closure.message(error));
            for complaint in predicted.complaints.iter_mut().chain(&mut real.complaints) {
                if without_reason(complaint) == bare {
                    complaint.clone_from(&bare);
                }
            }
        }
        match predicted == real {
            true => self.agree += 1,
            false => self.differ(question, &difference(&predicted, &real)),
        }
    }

    fn differ(&mut self, question: &Question, text: &str) {
        self.differences.push(format!("{}\n{text}", question.name()));
    }

    fn print(&self, name: &str) -> bool {
        let compared = self.agree + self.differences.len();
        self.differences.iter().take(shown()).for_each(|d| println!("DISAGREE {d}"));
        self.strange.iter().take(SHOWN).for_each(|s| println!("not understood: {s}"));
        self.left_out.iter().for_each(|(why, count)| println!("not compared: {count}: {why}"));
        println!(
            "{name}: compared {compared}, agree {}, disagree {}, not understood {}\n",
            self.agree,
            self.differences.len(),
            self.strange.len()
        );
        compared > 0 && self.differences.is_empty() && self.strange.is_empty()
    }
}

/// A prediction as the loader would put it.
fn predicted(closure: &Closure, mode: Mode) -> Answer {
    let mut answer = Answer::default();
    let mut errors: Vec<&LinkError> = closure.errors.iter().collect();
    if mode == Mode::Start {
        answer.code = Some(closure.exit_code().map_or(42, i32::from));
    } else {
        answer.libraries = closure.objects.iter().filter_map(|o| listed(closure.libc, o)).collect();
        if closure.libc == Libc::Glibc {
            // Whoever asks for a list is told what is missing in it, once for each name.
            answer.missing = missing(&errors);
            errors.retain(|e| !matches!(e, LinkError::NotFound { .. }));
        }
    }
    if closure.libc == Libc::Glibc
        && let Some(end) = errors.iter().position(|e| !matches!(e, LinkError::Version { .. }))
    {
        // What it gathered until then it does not show.
        errors = vec![errors[end]];
        (answer.libraries, answer.missing) = Default::default();
    }
    answer.complaints = errors.into_iter().map(|e| closure.message(e)).collect();
    answer
}

fn listed(libc: Libc, object: &Linked) -> Option<(String, String)> {
    let pair = |name: &BString| Some((name.to_string(), object.path.to_string()));
    match object.found {
        Found::Program => None,
        Found::Loader if libc == Libc::Musl => None,
        Found::Loader => pair(&object.path),
        _ => pair(&object.name),
    }
}

fn missing(errors: &[&LinkError]) -> Vec<String> {
    let mut names = Vec::new();
    for error in errors {
        if let LinkError::NotFound { name, .. } = error
            && !names.contains(&name.to_string())
        {
            names.push(name.to_string());
        }
    }
    names
}

/// What differs, field by field.
fn difference(predicted: &Answer, real: &Answer) -> String {
    let mut text = String::new();
    let mut field = |name: &str, predicted: String, real: String| {
        if predicted != real {
            text.push_str(&format!("  {name}: predicted {predicted}\n  {name}: real      {real}\n"));
        }
    };
    let same = predicted.libraries.iter().zip(&real.libraries).take_while(|(a, b)| a == b).count();
    let rest = |answer: &Answer| format!("[{same} alike] {:?}", &answer.libraries[same..]);
    field("libraries", rest(predicted), rest(real));
    field("missing", format!("{:?}", predicted.missing), format!("{:?}", real.missing));
    field("complaints", format!("{:?}", predicted.complaints), format!("{:?}", real.complaints));
    field("exit code", format!("{:?}", predicted.code), format!("{:?}", real.code));
    text
}
