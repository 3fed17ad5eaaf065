//! What an interpreter runs: the words of its command line, and the text of a script with what it imports.

use bstr::{BString, ByteSlice};

use super::language::{LANGUAGES, Language};
use super::{Confidence, Disposition, Nature, Pid1, Reaction, Signal, base, java, program};

/// Files that are read of one program: each may cost another look at its layer.
const FILES: usize = 12;

/// What a command line has an interpreter run.
pub enum Source {
    /// Text on the command line.
    Text(BString),
    /// A script.
    File(BString),
    /// A module by name, `python -m`.
    Module(BString),
}

/// What the text of a script says of a signal.
pub enum Says {
    /// It sets a handler.
    Handles,
    /// It sets the default disposition, or ignores the signal.
    Ignores,
    /// It may do anything, and why.
    Unclear(String),
    /// The same, and what the interpreter does by itself does not hold either.
    Opaque(String),
    /// It executes another program in its place.
    Replaced,
    /// Nothing; these are the names of what it imports.
    Nothing(Vec<BString>),
}

/// The reaction of a program that is an interpreter.
pub fn interpreter(pid1: &Pid1<'_>, signal: Signal) -> Option<Reaction> {
    let names = pid1.names();
    if names.iter().any(|name| *name == "java") {
        return Some(java::reaction(pid1, signal));
    }
    let plain = names.map(|name| name.trim_end_with(|c| c.is_ascii_digit() || c == '.').as_bstr());
    let language =
        LANGUAGES.iter().find(|language| plain.iter().any(|name| language.names.iter().any(|n| name == n)))?;
    Some(language.reaction(pid1, signal))
}

impl Language {
    fn reaction(&self, pid1: &Pid1<'_>, signal: Signal) -> Reaction {
        let Some(source) = (self.source)(pid1.arguments()) else {
            return Reaction::unknown(format!("what `{}` runs is not told by its arguments", self.names[0]));
        };
        let name = match &source {
            Source::File(path) => base(path).to_owned(),
            Source::Module(name) => name.clone(),
            Source::Text(_) => BString::default(),
        };
        if let Some(known) = program::known_script(pid1, &name, signal) {
            return known.of_nature(self.nature);
        }
        let mut reading =
            Reading { language: self, pid1, signal, left: Vec::new(), seen: Vec::new(), waits: false, starts: false };
        let said = reading.program(source);
        let nature = if reading.waits { self.nature } else { Nature::Tool };
        let reaction = match said {
            Ok(Says::Replaced) => Reaction::unknown("the program executes another one in its place"),
            Ok(Says::Opaque(why)) => Reaction::unknown(why),
            Ok(Says::Handles) => self.handled(signal),
            Ok(Says::Ignores) => self.ignored(signal, nature),
            Ok(Says::Nothing(_)) => (self.otherwise)(signal, true).unwrap_or_else(|| self.ignored(signal, nature)),
            Ok(Says::Unclear(why)) | Err(why) => {
                (self.otherwise)(signal, false).unwrap_or_else(|| Reaction::unknown(why))
            }
        };
        // The main program may be one that it has started.
        let main_told = reaction.main_told.filter(|_| !reading.starts);
        Reaction { main_told, ..reaction }
    }

    fn handled(&self, signal: Signal) -> Reaction {
        Reaction::handled(None, format!("the {} program sets a handler for {signal}", self.title))
            .of_nature(self.nature)
    }

    fn ignored(&self, signal: Signal, nature: Nature) -> Reaction {
        let why = format!("the {} program sets no handler for {signal}, and PID 1 has none by default", self.title);
        Reaction::ignored(why, Confidence::Likely, nature)
    }
}

/// A program that is being read, file by file.
struct Reading<'a> {
    language: &'a Language,
    pid1: &'a Pid1<'a>,
    signal: Signal,
    left: Vec<BString>,
    seen: Vec<BString>,
    /// Something in it waits.
    waits: bool,
    /// Something in it starts other programs.
    starts: bool,
}

impl Reading<'_> {
    /// Searches a script, and the files of the program that it imports.
    fn program(&mut self, source: Source) -> Result<Says, String> {
        match source {
            Source::Text(text) => {
                if let Some(says) = self.take(&text, b"")? {
                    return Ok(says);
                }
            }
            Source::File(path) => self.left.push(path),
            Source::Module(name) => self.import(&name, b"")?,
        }
        self.rest()
    }

    /// Reads what is left; the first file that says something decides.
    fn rest(&mut self) -> Result<Says, String> {
        while let Some(path) = self.left.pop() {
            if self.seen.contains(&path) {
                continue;
            }
            if self.seen.len() == FILES {
                return Err("the program has more files than are searched for a handler".to_owned());
            }
            self.seen.push(path.clone());
            let text = self.file(&path).ok_or_else(|| match path.contains(&0) {
                true => "which file it reads is not known before it runs".to_owned(),
                false => format!("`{path}` cannot be read"),
            })?;
            let directory = path.rsplitn_str(2, "/").nth(1).unwrap_or(b".").to_owned();
            if let Some(says) = self.take(&text, &directory)? {
                return Ok(says);
            }
        }
        Ok(Says::Nothing(Vec::new()))
    }

    fn file(&self, path: &BString) -> Option<BString> {
        let endings = self.language.endings.iter();
        let paths = endings.map(|ending| BString::from([path.as_slice(), ending.as_bytes()].concat()));
        [path.clone()].into_iter().chain(paths).find_map(|path| self.pid1.text(&path))
    }

    /// One text; what it imports is read later.
    fn take(&mut self, text: &BString, directory: &[u8]) -> Result<Option<Says>, String> {
        self.waits |= self.language.waits.iter().any(|word| text.contains_str(word));
        self.starts |= self.language.starts.iter().any(|word| text.contains_str(word));
        match (self.language.says)(text.as_bstr(), self.signal) {
            Says::Nothing(imports) => {
                imports.iter().try_for_each(|name| self.import(name, directory))?;
                Ok(None)
            }
            says => Ok(Some(says)),
        }
    }

    /// What a name leads to: nothing that matters, a file of the program, or what is not known.
    fn import(&mut self, name: &BString, directory: &[u8]) -> Result<(), String> {
        let root = (self.language.root)(name.as_bstr());
        if self.language.harmless.iter().any(|known| root == *known) {
            return Ok(());
        }
        let directory = if directory.is_empty() { b".".as_slice() } else { directory };
        let local = (self.language.locate)(name.as_bstr(), directory);
        match local.into_iter().find(|path| self.file(path).is_some()) {
            Some(path) => self.left.push(path),
            None => return Err(format!("the program imports `{name}`, which may handle signals")),
        }
        Ok(())
    }
}

/// Says that a reaction ends the program whatever its text says.
pub fn ends(code: Option<u8>, why: String) -> Reaction {
    Reaction::stops(Disposition::Exits, code, why, Confidence::Likely)
}

/// The first argument, if it is no option.
pub fn first_file(arguments: &[BString]) -> Option<Source> {
    let file = arguments.first().filter(|word| !word.starts_with(b"-"))?;
    Some(Source::File(file.clone()))
}

/// What a text was found to say, in one line, for tests of the languages.
#[cfg(test)]
pub fn told(says: Says) -> String {
    match says {
        Says::Handles => "handles".to_owned(),
        Says::Ignores => "ignores".to_owned(),
        Says::Unclear(_) => "unclear".to_owned(),
        Says::Opaque(_) => "opaque".to_owned(),
        Says::Replaced => "replaced".to_owned(),
        Says::Nothing(imports) => format!("nothing {}", bstr::join(" ", imports).to_str_lossy()),
    }
}
