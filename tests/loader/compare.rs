//! A root's files, predicted and asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use imagelint::image::{self, Image, Options};
use imagelint::launch::{Closure, Found, Libc, LinkError, Processor, libraries};
use imagelint::rootfs::Rootfs;

use crate::answer::{Answer, Parsed};
use crate::root::{Mapped, Root};
use crate::worker::{Job, Ran, Worker};

/// Differences that are shown.
const SHOWN: usize = 20;

/// How a loader is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// `LOADER --list FILE`
    List,
    /// LD_TRACE_LOADED_OBJECTS, in what is started as usual.
    Trace,
    /// Started; the program ends with 42.
    Start,
}

/// A question to both.
struct Question {
    mode: Mode,
    path: String,
    loader: String,
    environment: Vec<(String, String)>,
}

/// What a loader is.
#[derive(Clone, Copy, Debug)]
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
        tally.compare(question, kinds[&question.loader].unwrap(), ran, &image, &rootfs);
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
    let named: BTreeSet<&String> =
        files.iter().filter_map(|f| f.interpreter.as_ref()).filter(|i| root.has(i)).collect();
    let mut ask = |loader: &str, arguments: &[&str]| {
        let mut argv = root.emulator();
        argv.push(loader.to_owned());
        argv.extend(arguments.iter().map(|a| (*a).to_owned()));
        worker.one(argv)
    };
    let mut kinds = BTreeMap::new();
    for loader in named {
        let said = ask(loader, &[]);
        // Their words to whoever names no program, on standard error; glibc before 2.33 has no --version.
        let libc = match &said {
            Ran { err, .. } if err.contains("musl libc") => Some(Libc::Musl),
            Ran { err, .. } if err.contains("ld.so") || err.contains("missing program name") => Some(Libc::Glibc),
            _ => None,
        };
        let levels = levels(&ask(loader, &["--help"]).out);
        kinds.insert(loader.clone(), libc.map(|libc| Kind { libc, processor: Processor { levels } }));
    }
    kinds
}

/// `  x86-64-v3 (supported, searched)` below the heading in `--help`.
fn levels(help: &str) -> &'static [&'static str] {
    let lines = help.lines().skip_while(|l| !l.starts_with("Subdirectories of glibc-hwcaps")).skip(1);
    let searched = lines.take_while(|l| l.starts_with(' ')).filter(|l| l.contains("searched"));
    let names: Vec<&'static str> = searched.filter_map(|l| l.split_whitespace().next()).map(leak).collect();
    names.leak()
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
        let question =
            |mode| Question { mode, path: file.path.clone(), loader: loader.clone(), environment: Vec::new() };
        questions.push(question(Mode::List));
        if kind.libc == Libc::Glibc && file.plain && file.interpreter.is_some() {
            questions.push(question(Mode::Trace));
        }
        loaders.insert(&file.path, loader);
    }
    for case in root.cases() {
        let Some(loader) = loaders.get(&case.path) else {
            tally.strange.push(format!("{}: no file of that name for a case", case.path));
            continue;
        };
        for mode in [Mode::List, Mode::Start] {
            let (path, environment) = (case.path.clone(), case.environment.clone());
            questions.push(Question { mode, path, loader: (*loader).clone(), environment });
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
            Mode::List => argv.extend([self.loader.clone(), "--list".to_owned()]),
            Mode::Trace => environment.push(("LD_TRACE_LOADED_OBJECTS".to_owned(), "1".to_owned())),
            Mode::Start => {}
        }
        argv.push(self.path.clone());
        Job { number: 0, argv, environment }
    }

    fn name(&self) -> String {
        let variables: Vec<String> = self.environment.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        let how = match self.mode {
            Mode::List => format!("{} --list ", self.loader),
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

    fn compare(&mut self, question: &Question, kind: Kind, ran: &Ran, image: &Image, rootfs: &Rootfs) {
        if let Some(refused) = &ran.refused {
            return self.leave_out(&format!("ended with {refused}"));
        }
        let parsed = match question.mode {
            Mode::Start => Parsed::start(kind.libc, ran),
            _ => Parsed::list(kind.libc, ran),
        };
        if let Some(line) = parsed.strange.first() {
            self.strange.push(format!("{}: {line}", question.name()));
        }
        let environment: Vec<(&str, &str)> =
            question.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let loader = Some(question.loader.as_bytes());
        match libraries(image, rootfs, question.path.as_bytes(), loader, &environment, kind.processor) {
            Err(why) => self.differ(question, &format!("  not predicted: {why}\n  real: {:?}\n", parsed.answer)),
            Ok(closure) => self.judge(question, &closure, parsed.answer),
        }
    }

    fn judge(&mut self, question: &Question, closure: &Closure, mut real: Answer) {
        let mut predicted = match closure.libc {
            Libc::Musl => musl(closure, question),
            _ => glibc(closure, question),
        };
        if closure.libc == Libc::Musl {
            // Its first line is its own name, and it is listed once more under each name that it stands for.
            real.libraries.retain(|(_, path)| *path != question.loader);
            // It names what it was asked for, the prediction what it opened.
            [&mut real, &mut predicted].into_iter().for_each(|a| a.missing.iter_mut().for_each(base));
        }
        if real.fatal.is_some() && predicted.fatal.is_some() {
            // What glibc gathered until then it does not show.
            let fatal = predicted.fatal;
            predicted = Answer { fatal, code: predicted.code, ..Answer::default() };
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
        self.differences.iter().take(SHOWN).for_each(|d| println!("DISAGREE {d}"));
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

/// A prediction as glibc would put it.
fn glibc(closure: &Closure, question: &Question) -> Answer {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut answer = Answer::default();
    for error in &closure.errors {
        match error {
            LinkError::NotFound { name, .. } if question.mode == Mode::Start => {
                let words = "cannot open shared object file: No such file or directory";
                answer.fatal.get_or_insert(format!("{name}: {words}"));
            }
            LinkError::NotFound { name, .. } => {
                if !answer.missing.contains(&text(name)) {
                    answer.missing.push(text(name));
                }
            }
            LinkError::Unusable { path, problem, .. } => drop(answer.fatal.get_or_insert(format!("{path}: {problem}"))),
            LinkError::Version { library, version, needed_by } => {
                let by = match needed_by {
                    0 => question.path.clone(),
                    index => closure.objects.get(*index).map(|o| text(&o.path)).unwrap_or_default(),
                };
                answer.versions.push(format!("{library}: version `{version}' not found (required by {by})"));
            }
        }
    }
    if question.mode == Mode::Start {
        answer.code = Some(match (&answer.fatal, answer.versions.is_empty()) {
            (Some(_), _) => 127,
            (None, false) => 1,
            (None, true) => 42,
        });
        return answer;
    }
    for object in closure.objects.iter().filter(|o| o.found != Found::Program) {
        let name = if object.found == Found::Loader { &object.path } else { &object.name };
        answer.libraries.push((text(name), text(&object.path)));
    }
    answer
}

/// A prediction as musl would put it.
fn musl(closure: &Closure, question: &Question) -> Answer {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let by = |index: usize| match index {
        0 => question.path.clone(),
        index => closure.objects.get(index).map(|o| text(&o.path)).unwrap_or_default(),
    };
    let mut answer = Answer::default();
    for error in &closure.errors {
        answer.missing.push(match error {
            LinkError::NotFound { name, needed_by, .. } => {
                format!("{name}: No such file or directory (needed by {})", by(*needed_by))
            }
            LinkError::Unusable { path, problem, needed_by } => {
                format!("{path}: {problem} (needed by {})", by(*needed_by))
            }
            LinkError::Version { .. } => "musl knows no versions".to_owned(),
        });
    }
    if question.mode == Mode::Start {
        answer.code = Some(if answer.missing.is_empty() { 42 } else { 127 });
        return answer;
    }
    for object in closure.objects.iter().filter(|o| !matches!(o.found, Found::Program | Found::Loader)) {
        answer.libraries.push((text(&object.name), text(&object.path)));
    }
    answer
}

/// Takes the directories off the name at the front of a line.
fn base(line: &mut String) {
    if let Some((name, rest)) = line.split_once(": ") {
        *line = format!("{}: {rest}", name.rsplit('/').next().unwrap_or_default());
    }
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
    field("versions", format!("{:?}", predicted.versions), format!("{:?}", real.versions));
    field("fatal", format!("{:?}", predicted.fatal), format!("{:?}", real.fatal));
    field("exit code", format!("{:?}", predicted.code), format!("{:?}", real.code));
    text
}
