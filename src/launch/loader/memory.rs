//! What loaders have said so far: every runtime starts the same programs.

use std::cell::RefCell;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use super::closure::Closure;
use super::processor::Processor;
use super::{Started, open};
use crate::rootfs::{Credentials, Ino};

/// Answers by question. There are few.
#[derive(Default)]
pub struct Memory {
    known: RefCell<Vec<(Question, Answer)>>,
}

type Answer = Result<Arc<Closure>, String>;

/// All that a loader's answer depends on, in one root file system.
#[derive(PartialEq, Eq)]
struct Question {
    program: Ino,
    path: BString,
    called: BString,
    interp: BString,
    cwd: BString,
    credentials: Credentials,
    variables: [Option<BString>; 2],
    secure: bool,
    resets_parents: bool,
}

impl Memory {
    /// What the loader maps, or complains of, on any processor.
    ///
    /// # Errors
    /// It cannot be told, and why; or it depends on the processor.
    pub fn closure(&self, started: &Started<'_>) -> Answer {
        let question = Question::of(started);
        if let Some((_, answer)) = self.known.borrow().iter().find(|(q, _)| *q == question) {
            return answer.clone();
        }
        let answer = ask(started);
        self.known.borrow_mut().push((question, answer.clone()));
        answer
    }
}

/// Directories for better processors count only if they change how it ends.
fn ask(started: &Started<'_>) -> Answer {
    let closure = started.link(&Processor::default())?;
    if closure.has_variants {
        let architecture = open::architecture(started)?;
        let best = started.link(&Processor::best(architecture))?;
        if best.exit_code() != closure.exit_code() {
            let [plain, best] = [&closure, &best].map(|c| c.error().map(|error| c.message(error)));
            let why = plain.or(best).unwrap_or_default();
            return Err(format!("whether it starts depends on the host's processor: {why}"));
        }
    }
    Ok(Arc::new(closure))
}

impl Question {
    fn of(started: &Started<'_>) -> Self {
        let owned = |text: &BStr| text.to_owned();
        let variable = |name: &str| started.environment.get(name.as_bytes()).cloned();
        Question {
            program: started.program.ino,
            path: owned(started.program.path.as_bstr()),
            called: owned(started.called),
            interp: owned(started.interp),
            cwd: owned(started.cwd),
            credentials: started.credentials.clone(),
            variables: ["LD_LIBRARY_PATH", "LD_PRELOAD"].map(variable),
            secure: started.secure,
            resets_parents: started.view.resets_parents(),
        }
    }
}
