//! The words of a wrapper: options, then operands, then the program.

use bstr::{BString, ByteSlice};

use super::parents::rewrite;
use super::table::{Effect, Kind, Operand, Opt, Takes, Wrapper};

/// A wrapper's words, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// What options change, and their values.
    pub effects: Vec<(Effect, BString)>,
    /// Any option at all.
    pub has_options: bool,
    /// The words before the program.
    pub operands: Vec<BString>,
    /// The program and its arguments.
    pub argv: Vec<BString>,
}

impl Call {
    /// Whether a word that matters before the program starts is not known.
    pub fn is_vague(&self) -> bool {
        let values = self.effects.iter().map(|(_, value)| value).chain(&self.operands).chain(self.argv.first());
        values.into_iter().any(|word| word.contains(&0))
    }

    /// The value of the last option with `effect`.
    pub fn value(&self, effect: Effect) -> Option<&BString> {
        self.effects.iter().rfind(|(e, _)| *e == effect).map(|(_, value)| value)
    }

    /// Whether there is such an option.
    pub fn has(&self, effect: Effect) -> bool {
        self.value(effect).is_some()
    }
}

/// Words that a wrapper does not understand.
#[derive(Debug, PartialEq, Eq)]
pub enum Misread {
    /// This one.
    Word(BString),
    /// One is missing.
    Missing,
}

/// Takes apart the words after the wrapper's name.
///
/// # Errors
/// The word that it does not take.
pub fn read(wrapper: &Wrapper, words: &[BString]) -> Result<Call, Misread> {
    let mut reader = Reader { wrapper, left: words.iter().rev().cloned().collect(), call: Call::default() };
    reader.machine();
    reader.options()?;
    match wrapper.kind {
        Kind::Su => reader.login()?,
        _ => reader.operands()?,
    }
    Ok(reader.call)
}

struct Reader<'a> {
    wrapper: &'a Wrapper,
    /// Last first.
    left: Vec<BString>,
    call: Call,
}

impl Reader<'_> {
    fn options(&mut self) -> Result<(), Misread> {
        while self.wrapper.reads_options
            && let Some(word) = self.left.last().filter(|w| w.len() > 1 && w.starts_with(b"-")).cloned()
        {
            self.left.pop();
            match word.as_slice() {
                b"--" => break,
                _ if self.is_niceness(&word) => self.call.has_options = true,
                long if long.starts_with(b"--") => self.long(&word)?,
                _ => self.short(&word)?,
            }
        }
        Ok(())
    }

    /// `nice -5`, `nice --5` and `nice -+5` of coreutils, as before POSIX.
    fn is_niceness(&self, word: &[u8]) -> bool {
        let digits = word.strip_prefix(b"-").map(|w| w.strip_prefix(b"-").or(w.strip_prefix(b"+")).unwrap_or(w));
        let digits = digits.is_some_and(|d| d.first().is_some_and(u8::is_ascii_digit));
        digits && self.wrapper.names.first() == Some(&"nice")
    }

    /// Letters behind one `-`; one that takes a value takes the rest, or the next word.
    fn short(&mut self, word: &BString) -> Result<(), Misread> {
        let mut letters = word.get(1..).unwrap_or_default();
        while let Some((letter, rest)) = letters.split_first() {
            let option = self.option(std::slice::from_ref(letter)).ok_or_else(|| Misread::Word(word.clone()))?;
            if option.takes != Takes::Nothing {
                let value = (!rest.is_empty()).then(|| rest.into());
                return self.take(option, value, word);
            }
            self.add(option, BString::default());
            letters = rest;
        }
        Ok(())
    }

    /// `--name`, `--name=value`, and any beginning of a name that no other option has.
    fn long(&mut self, word: &BString) -> Result<(), Misread> {
        let (name, value) = match word.split_once_str("=") {
            Some((name, value)) => (name, Some(BString::from(value))),
            None => (word.as_slice(), None),
        };
        let name = name.get(2..).unwrap_or_default();
        let option = self.option(name).filter(|_| name.len() > 1).or_else(|| self.abbreviated(name));
        let option = option.ok_or_else(|| Misread::Word(word.clone()))?;
        match (option.takes, value) {
            (Takes::Nothing, Some(_)) => Err(Misread::Word(word.clone())),
            (Takes::Nothing, None) => {
                self.add(option, BString::default());
                Ok(())
            }
            (_, value) => self.take(option, value, word),
        }
    }

    fn option(&self, name: &[u8]) -> Option<Opt> {
        let has = |option: &&Opt| option.names.split(' ').any(|n| n.as_bytes() == name);
        self.wrapper.options.iter().find(has).copied()
    }

    fn abbreviated(&self, beginning: &[u8]) -> Option<Opt> {
        let all = self.wrapper.options.iter().flat_map(|o| o.names.split(' ').map(move |name| (name, o)));
        let mut found = all.filter(|(name, _)| name.len() > 1 && name.as_bytes().starts_with(beginning));
        let (_, option) = found.next()?;
        found.next().is_none().then_some(*option)
    }

    fn take(&mut self, option: Opt, value: Option<BString>, word: &BString) -> Result<(), Misread> {
        let next = value.is_none() && option.takes != Takes::Optional;
        let value = if next { self.left.pop() } else { Some(value.unwrap_or_default()) };
        let value = value.ok_or_else(|| Misread::Word(word.clone()))?;
        let fits = match option.takes {
            Takes::Integer => is_integer(&value),
            Takes::Duration => is_duration(&value),
            Takes::Code => value.to_str().is_ok_and(|t| t.parse::<u8>().is_ok()),
            Takes::Signal => is_signal(&value),
            Takes::Rewrite => rewrite(&value).is_some(),
            _ => true,
        };
        if !fits {
            return Err(Misread::Word(value));
        }
        self.add(option, value);
        Ok(())
    }

    fn add(&mut self, option: Opt, value: BString) {
        self.call.has_options = true;
        self.call.effects.push((option.effect, value));
    }

    /// setarch(8) takes the machine before its options, and there has to be one of either.
    fn machine(&mut self) {
        let machine = self.left.last().filter(|word| !word.starts_with(b"-")).cloned();
        if let ([Operand::Machine], Some(machine)) = (self.wrapper.operands, machine) {
            self.left.pop();
            self.call.operands.push(machine);
        }
    }

    fn operands(&mut self) -> Result<(), Misread> {
        for operand in self.wrapper.operands.iter().skip(self.call.operands.len()) {
            if *operand == Operand::Machine && self.call.has(Effect::Unclear) {
                break;
            }
            let ends = self.call.has(Effect::Ends);
            let Some(word) = self.left.pop() else { return if ends { Ok(()) } else { Err(Misread::Missing) } };
            if *operand == Operand::Machine {
                return if ends { Ok(()) } else { Err(Misread::Missing) };
            }
            let fits = match operand {
                Operand::Duration => is_duration(&word),
                Operand::Integer => is_integer(&word),
                _ => true,
            };
            if !fits {
                return Err(Misread::Word(word));
            }
            self.call.operands.push(word);
        }
        self.left.reverse();
        self.call.argv = std::mem::take(&mut self.left);
        Ok(())
    }

    /// su(1) reads on: options may stand behind the user (getopt(3) permutes), `-` is `-l`, and with `-u` all that
    /// follows is the program.
    fn login(&mut self) -> Result<(), Misread> {
        let mut words = Vec::new();
        while !self.call.has(Effect::User)
            && let Some(word) = self.left.pop()
        {
            match word.as_slice() {
                b"-" if words.is_empty() => self.call.effects.push((Effect::Login, BString::default())),
                b"--" => {
                    words.extend(self.left.drain(..).rev());
                    break;
                }
                dashed if dashed.starts_with(b"-") => {
                    self.left.push(word);
                    self.options()?;
                }
                _ => words.push(word),
            }
        }
        self.left.reverse();
        words.append(&mut self.left);
        self.call.argv = words;
        Ok(())
    }
}

/// tini.c, `signal_names`.
fn is_signal(name: &[u8]) -> bool {
    const NAMES: [&str; 30] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
        "PWR", "SYS",
    ];
    name.strip_prefix(b"SIG").is_some_and(|name| NAMES.iter().any(|n| n.as_bytes() == name))
}

fn is_integer(text: &[u8]) -> bool {
    text.to_str().is_ok_and(|t| t.trim_start().parse::<i64>().is_ok())
}

/// A number that may have a fraction, and one of `smhd` behind it (timeout(1)).
fn is_duration(text: &[u8]) -> bool {
    let number = text.strip_suffix(b"s").or(text.strip_suffix(b"m")).or(text.strip_suffix(b"h"));
    let number = number.or(text.strip_suffix(b"d")).unwrap_or(text);
    number.to_str().is_ok_and(|t| t.parse::<f64>().is_ok_and(|n| n >= 0.0))
}
