//! What a loader says, read: glibc's elf/rtld.c (what ldd(1) shows), and musl's ldso/dynlink.c in its ldd mode.

use imagelint::launch::Libc;

use crate::worker::Ran;

/// Warnings and the like, by a part of the line, that say nothing of what is mapped.
const REMARKS: [&str; 8] = [
    ": no version information available (required by ",
    ": weak version `",
    "ERROR: ld.so: object ",
    "Error relocating ",
    ": symbol not found",
    "undefined symbol: ",
    "unexpected reloc type",
    "WARNING: Unsupported flag value",
];

const WHILE_LOADING: &str = ": error while loading shared libraries: ";
const INCONSISTENCY: &str = "Inconsistency detected by ld.so: ";
/// What musl says of a file that it is asked to list, and that is no program.
pub const NOT_DYNAMIC: &str = ": Not a valid dynamic program";

/// A loader's answer, or a prediction of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Name and path, in its order.
    pub libraries: Vec<(String, String)>,
    /// Names that were not found.
    pub missing: Vec<String>,
    /// What it complains of, in its words.
    pub complaints: Vec<String>,
    /// The exit code, where the program was started.
    pub code: Option<i32>,
}

/// An answer, and lines that could not be read.
#[derive(Debug, Default)]
pub struct Parsed {
    pub answer: Answer,
    pub strange: Vec<String>,
    /// It has no DT_NEEDED: glibc lists nothing then, not even what was preloaded.
    pub needs_nothing: bool,
}

impl Parsed {
    /// Of a loader that was asked for a list, `--list` or LD_TRACE_LOADED_OBJECTS.
    pub fn list(libc: Libc, ran: &Ran) -> Self {
        let mut parsed = Parsed::default();
        for line in ran.out.lines() {
            if !parsed.listed(line) {
                parsed.strange.push(line.to_owned());
            }
        }
        parsed.complaints(libc, ran);
        parsed
    }

    /// Of a program that was started.
    pub fn start(libc: Libc, ran: &Ran) -> Self {
        let mut parsed = Parsed::default();
        parsed.complaints(libc, ran);
        parsed.answer.code = ran.code;
        parsed
    }

    /// `\tNAME => PATH (0x…)`, `\tPATH (0x…)`, `\tNAME => not found`, `\tstatically linked`.
    fn listed(&mut self, line: &str) -> bool {
        let Some(line) = line.strip_prefix('\t') else { return false };
        if let Some(name) = line.strip_suffix(" => not found") {
            self.answer.missing.push(name.to_owned());
            return true;
        }
        // musl prints no 0x for a program that is mapped at 0.
        let Some((line, _)) = line.strip_suffix(')').and_then(|l| l.rsplit_once(" (0")) else {
            self.needs_nothing = line == "statically linked";
            return self.needs_nothing;
        };
        let (name, path) = line.split_once(" => ").unwrap_or((line, line));
        // vdso(7)
        if !name.starts_with("linux-vdso") && !name.starts_with("linux-gate") {
            self.answer.libraries.push((name.to_owned(), path.to_owned()));
        }
        true
    }

    fn complaints(&mut self, libc: Libc, ran: &Ran) {
        for line in ran.err.lines().filter(|line| !REMARKS.iter().any(|r| line.contains(r))) {
            let known = match libc {
                Libc::Musl => line.starts_with("Error loading shared library ") || line.ends_with(NOT_DYNAMIC),
                _ => line.contains(WHILE_LOADING) || line.contains(": version `") || line.starts_with(INCONSISTENCY),
            };
            match known {
                true => self.answer.complaints.push(without_line(line)),
                false => self.strange.push(line.to_owned()),
            }
        }
    }
}

/// A complaint without the reason at its end: where nothing was opened, that is what an earlier call left behind.
pub fn without_reason(complaint: &str) -> String {
    let by = complaint.rfind(" (needed by ").filter(|_| complaint.starts_with("Error loading shared library "));
    match by.and_then(|by| Some((complaint.get(..by)?.rsplit_once(": ")?.0, complaint.get(by..)?))) {
        Some((library, by)) => format!("{library}{by}"),
        None => complaint.strip_suffix(": No such file or directory").unwrap_or(complaint).to_owned(),
    }
}

/// `Inconsistency detected by ld.so: FILE: LINE: FUNCTION: …` without the number, which every version has another of.
fn without_line(line: &str) -> String {
    let mut parts: Vec<&str> = line.split(": ").collect();
    if line.starts_with(INCONSISTENCY) && parts.len() > 2 {
        parts.remove(2);
    }
    parts.join(": ")
}
