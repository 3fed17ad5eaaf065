//! Where a script can come to several ends: which are worth following, and following them one after the other.
//!
//! A launch is one line of steps. Where the line forks, it is followed again from the beginning for each way, with the
//! choices of before and the next one; what was evaluated once is remembered.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bstr::BString;

use super::before::Starting;
use super::execve::Loaded;
use super::program::Running;
use super::script::{self, Bounds, End, Ending, Inside, Invocation, Status};
use super::shells;
use crate::rootfs::{Credentials, Ino};

/// Ways of one launch that are followed.
pub const MAX_WAYS: usize = 8;
/// Programs of one launch that are followed although scripts go on after them.
const MAX_ASKED: usize = 1_000;
/// Commands for which a script is followed that runs beside the main line.
const ASIDE: usize = 2_000;
/// Scripts of one launch after which none is followed that runs beside its main line.
const MAX_ASIDE: usize = 100;
/// Variables that decide what is found.
pub const DECISIVE: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD"];

/// Choices where several ways are to be expected, and between how many.
#[derive(Debug, Default)]
pub struct Choices {
    /// At each fork that was met: the way taken, and how many there were.
    forks: Vec<(usize, usize)>,
    /// Forks met so far.
    met: usize,
    /// On what conditions, in words.
    pub when: Vec<String>,
    /// A script has more ways than are followed.
    pub cut: bool,
}

impl Choices {
    /// The way to take at a fork between `count` ways: the first, unless it was taken before.
    fn choose(&mut self, count: usize) -> usize {
        let (way, known) = match self.forks.get(self.met) {
            Some((way, _)) => ((*way).min(count.saturating_sub(1)), true),
            None => (0, false),
        };
        if !known {
            self.forks.push((0, count));
        }
        self.met += 1;
        way
    }

    /// The same choices again, for another runtime.
    pub fn again(&self) -> Self {
        Choices { forks: self.forks.clone(), ..Choices::default() }
    }

    /// Whether there was nothing to choose.
    pub fn is_only(&self) -> bool {
        self.met == 0 && !self.cut
    }

    /// The choices of the next way, if there is one: the last fork with a way left takes it.
    pub fn next(mut self) -> Option<Self> {
        self.forks.truncate(self.met);
        while let Some((way, count)) = self.forks.pop() {
            if way + 1 < count {
                self.forks.push((way + 1, count));
                return Some(Choices { forks: self.forks, ..Choices::default() });
            }
        }
        None
    }
}

/// A way through a script: the ending to follow, and what the script exits with after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The index of the ending.
    pub ending: usize,
    /// Where the ending is a program with more behind it.
    pub then: Option<Status>,
}

/// All that the endings of a script depend on, in one root file system.
#[derive(PartialEq, Eq)]
struct Question {
    call: Invocation,
    shell: Option<Ino>,
    credentials: Credentials,
    resets_parents: bool,
    bounding: u64,
    disturbed: bool,
    branches: usize,
}

/// What a script comes to, and the ways there that are to be expected.
#[derive(Debug)]
pub struct Ends {
    /// All ends.
    pub endings: Vec<Ending>,
    ways: Vec<Way>,
    /// There are more.
    cut: bool,
}

/// The endings of scripts: every runtime, and every way, comes by the same.
#[derive(Default)]
pub struct Memory {
    known: RefCell<Vec<(Question, Rc<Ends>)>>,
    asked: Cell<usize>,
}

impl Memory {
    /// Whether one more program may be followed that a script starts on its way.
    pub fn ask(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.asked.get() <= MAX_ASKED
    }

    /// What a script comes to.
    pub fn follow(
        &self,
        call: &Invocation,
        program: Option<&Loaded>,
        busybox: Option<Ino>,
        starting: &Starting<'_>,
    ) -> Rc<Ends> {
        let Running { view, credentials, bounding, disturbed, branches, .. } = starting.running;
        let question = Question {
            call: call.clone(),
            shell: program.map(|program| program.file.ino).or(busybox),
            credentials: credentials.clone(),
            resets_parents: view.resets_parents(),
            bounding: if view.has_capabilities() { *bounding } else { 0 },
            disturbed: *disturbed,
            branches: *branches,
        };
        if let Some((_, ends)) = self.known.borrow().iter().find(|(q, _)| *q == question) {
            return ends.clone();
        }
        if *branches > 0 && self.known.borrow().len() >= MAX_ASIDE {
            return Rc::new(Ends { endings: Vec::new(), ways: Vec::new(), cut: true });
        }
        let world = Inside::new(view, credentials.clone()).of_busybox(busybox).with_programs(starting);
        let bounds = Bounds { steps: if *branches > 0 { ASIDE } else { Bounds::default().steps }, ..Bounds::default() };
        let endings = shells::ends(view, &mut call.clone(), program, bounds, &world);
        let mut ways = ways(&endings);
        let cut = ways.len() > MAX_WAYS;
        ways.truncate(MAX_WAYS);
        let ends = Rc::new(Ends { ways, cut, endings });
        self.known.borrow_mut().push((question, ends.clone()));
        ends
    }
}

/// The ways that are to be expected, the likeliest first: what runs before what exits, and few conditions before many.
fn ways(endings: &[Ending]) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for (index, _) in endings.iter().enumerate().filter(|(_, ending)| ending.is_expected()) {
        if !ways.iter().any(|other| is_alike(endings, other.ending, index)) {
            ways.push(Way { ending: index, then: then(endings, index) });
        }
    }
    ways.sort_by_key(|way| endings.get(way.ending).map(|e| (rank(&e.end), e.when.len())));
    ways
}

/// What the script exits with when the program of an ending has ended.
fn then(endings: &[Ending], index: usize) -> Option<Status> {
    let behind = |e: &&Ending| e.behind.contains(&index) && !e.when.iter().any(|c| c.unlikely);
    endings.iter().filter(behind).find_map(|e| match &e.end {
        End::Exits { status, .. } => Some(*status),
        _ => None,
    })
}

fn rank(end: &End) -> u8 {
    match end {
        End::Exec { .. } | End::Child { .. } | End::Waits { .. } => 0,
        End::Loops { .. } | End::Unknown { .. } => 1,
        End::Exits { .. } => 2,
    }
}

/// Whether two endings come to the same.
fn is_alike(endings: &[Ending], one: usize, other: usize) -> bool {
    let (Some(a), Some(b)) = (endings.get(one), endings.get(other)) else { return false };
    let found = |environment: &[(BString, script::Value)]| -> Vec<(BString, script::Value)> {
        let decides = |name: &BString| DECISIVE.iter().any(|decisive| name == decisive);
        environment.iter().filter(|(name, _)| decides(name)).cloned().collect()
    };
    let same = match (&a.end, &b.end) {
        (
            End::Exec { argv, environment, cwd, explicit, fed },
            End::Exec { argv: argv2, environment: env2, cwd: cwd2, explicit: explicit2, fed: fed2 },
        ) => argv == argv2 && cwd == cwd2 && explicit == explicit2 && fed == fed2 && found(environment) == found(env2),
        (a, b) => a == b,
    };
    one == other || same && a.traps == b.traps && a.jobs == b.jobs
}

/// Which way to take, and the ending that it leads to; the likeliest if there is no choice.
pub fn choose<'e>(ends: &'e Ends, choices: Option<&RefCell<Choices>>) -> Option<(&'e Ending, Way)> {
    let Ends { endings, ways, cut } = ends;
    let mut choices = choices.filter(|_| ways.len() > 1).map(RefCell::borrow_mut);
    let index = choices.as_mut().map_or(0, |choices| choices.choose(ways.len()));
    let way = *ways.get(index)?;
    let ending = endings.get(way.ending)?;
    if let Some(choices) = &mut choices {
        choices.cut |= cut;
        let told = ending.when.iter().map(|c| format!("line {}: {}", c.line, c.text));
        choices.when.extend(told);
    }
    Some((ending, way))
}
