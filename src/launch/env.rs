//! `env`, the wrapper that shebang lines name most: GNU coreutils' and busybox's.

use bstr::{BString, ByteSlice};

use super::process::Environment;

/// What `env` does with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Executes a program with a changed environment.
    Execute {
        /// The program and its arguments.
        argv: Vec<BString>,
        /// The working directory to change to.
        chdir: Option<BString>,
    },
    /// No program: it prints the environment and ends.
    Print,
    /// An option that it does not have.
    Usage(BString),
    /// Not followed further, and why.
    Unknown(String),
}

/// Which `env` it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// GNU coreutils 8.30 or later.
    Gnu,
    /// busybox: no `-S`.
    Busybox,
}

impl Flavour {
    /// Exit code of a usage error.
    pub fn usage_code(self) -> u8 {
        match self {
            Flavour::Gnu => 125,
            Flavour::Busybox => 1,
        }
    }
}

/// Reads the arguments (without argv\[0\]) as getopt_long(3) with a leading `+` does, and changes `environment`.
pub fn parse(flavour: Flavour, arguments: &[BString], environment: &mut Environment) -> Action {
    let left = arguments.iter().rev().cloned().collect();
    let mut parser = Parser { flavour, left, environment, chdir: None };
    match parser.options() {
        Ok(()) => parser.command(),
        Err(action) => action,
    }
}

/// A command line of `env` that is being read.
struct Parser<'a> {
    flavour: Flavour,
    /// Last first.
    left: Vec<BString>,
    environment: &'a mut Environment,
    chdir: Option<BString>,
}

impl Parser<'_> {
    fn options(&mut self) -> Result<(), Action> {
        while let Some(argument) = self.left.last().filter(|a| a.starts_with(b"-")).cloned() {
            self.left.pop();
            match argument.as_slice() {
                b"-" => self.environment.clear(),
                b"--" => break,
                long if long.starts_with(b"--") => self.long(&argument)?,
                _ => self.short(&argument)?,
            }
        }
        Ok(())
    }

    /// What follows the options: assignments, then the program.
    fn command(mut self) -> Action {
        while let Some((name, value)) = self.left.last().and_then(|a| a.split_once_str("=")) {
            self.environment.set(name.into(), value.into());
            self.left.pop();
        }
        self.left.reverse();
        if self.left.is_empty() { Action::Print } else { Action::Execute { argv: self.left, chdir: self.chdir } }
    }

    /// Letters behind one `-`; one that takes a value takes the rest, or the next argument.
    fn short(&mut self, argument: &BString) -> Result<(), Action> {
        let usage = || Action::Usage(argument.clone());
        let gnu = self.flavour == Flavour::Gnu;
        let mut letters = argument.get(1..).unwrap_or_default();
        while let Some((letter, rest)) = letters.split_first() {
            match letter {
                b'i' => self.environment.clear(),
                b'0' => {}
                b'v' if gnu => {}
                b'u' | b'C' | b'S' if *letter == b'u' || gnu => {
                    let value = if rest.is_empty() { self.left.pop().ok_or_else(usage)? } else { rest.into() };
                    return self.value(*letter, value);
                }
                _ => return Err(usage()),
            }
            letters = rest;
        }
        Ok(())
    }

    fn long(&mut self, argument: &BString) -> Result<(), Action> {
        if self.flavour == Flavour::Busybox {
            let why = format!("whether this busybox knows `{argument}` depends on how it was built");
            return Err(Action::Unknown(why));
        }
        let (name, value) = match argument.split_once_str("=") {
            Some((name, value)) => (name, Some(BString::from(value))),
            None => (argument.as_slice(), None),
        };
        let letter = match name {
            b"--ignore-environment" => {
                self.environment.clear();
                return Ok(());
            }
            b"--null" | b"--debug" | b"--list-signal-handling" => return Ok(()),
            b"--block-signal" | b"--default-signal" | b"--ignore-signal" => return Ok(()),
            b"--unset" => b'u',
            b"--chdir" => b'C',
            b"--split-string" => b'S',
            _ => return Err(Action::Usage(argument.clone())),
        };
        let value = value.or_else(|| self.left.pop()).ok_or_else(|| Action::Usage(argument.clone()))?;
        self.value(letter, value)
    }

    fn value(&mut self, letter: u8, value: BString) -> Result<(), Action> {
        match letter {
            b'u' => self.environment.unset(&value),
            b'C' => self.chdir = Some(value),
            _ => self.left.extend(split_string(&value, self.environment)?.into_iter().rev()),
        }
        Ok(())
    }
}

/// `-S`: words split at blanks, with quotes, backslashes, `${NAME}` and `#` comments (coreutils manual, *-S/--split-string
/// syntax*).
fn split_string(text: &[u8], environment: &Environment) -> Result<Vec<BString>, Action> {
    let unknown = |what: &str| Action::Unknown(format!("`env -S {}` {what}", text.as_bstr()));
    let (mut words, mut word, mut quote) = (Vec::new(), None::<BString>, None);
    let mut bytes = text.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        match (b, quote) {
            (b'\'' | b'"', None) => {
                quote = Some(b);
                word.get_or_insert_default();
            }
            (_, Some(q)) if b == q => quote = None,
            (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, None) => words.extend(word.take()),
            (b'#', None) if word.is_none() => break,
            (b'$', None | Some(b'"')) => {
                let name = variable(&mut bytes).ok_or_else(|| unknown("holds a variable that is not `${NAME}`"))?;
                let value = environment.get(&name).cloned().unwrap_or_default();
                word.get_or_insert_default().extend_from_slice(&value);
            }
            (b'\\', Some(b'\'')) if !matches!(bytes.peek(), Some(b'\\' | b'\'')) => {
                word.get_or_insert_default().push(b);
            }
            (b'\\', _) => match (bytes.next(), quote) {
                (Some(b'c'), None) => break,
                (Some(b'_'), None) => words.extend(word.take()),
                (Some(e), _) => {
                    let byte = escape(e).ok_or_else(|| unknown("holds a backslash sequence that env refuses"))?;
                    word.get_or_insert_default().push(byte);
                }
                (None, _) => return Err(unknown("ends in a backslash")),
            },
            _ => word.get_or_insert_default().push(b),
        }
    }
    if quote.is_some() {
        return Err(unknown("holds a quote that does not end"));
    }
    words.extend(word);
    Ok(words)
}

fn escape(letter: u8) -> Option<u8> {
    Some(match letter {
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'_' => b' ',
        b'#' | b'$' | b'"' | b'\'' | b'\\' => letter,
        _ => return None,
    })
}

fn variable(bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Option<BString> {
    bytes.next_if_eq(&b'{')?;
    let mut name = BString::default();
    loop {
        match bytes.next()? {
            b'}' => return (!name.is_empty()).then_some(name),
            b if b.is_ascii_alphanumeric() || b == b'_' => name.push(b),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(flavour: Flavour, arguments: &[&str]) -> Action {
        let arguments: Vec<BString> = arguments.iter().map(|a| BString::from(*a)).collect();
        let mut environment = Environment::default();
        environment.set("X".into(), "y z".into());
        parse(flavour, &arguments, &mut environment)
    }

    fn execute(argv: &[&str]) -> Action {
        Action::Execute { argv: argv.iter().map(|a| BString::from(*a)).collect(), chdir: None }
    }

    #[test]
    fn plain() {
        assert_eq!(run(Flavour::Gnu, &["sh", "-e"]), execute(&["sh", "-e"]));
        assert_eq!(run(Flavour::Gnu, &["-i", "-uA", "-u", "B", "C=D", "sh"]), execute(&["sh"]));
        assert_eq!(run(Flavour::Gnu, &["--", "A=B"]), Action::Print);
        assert_eq!(run(Flavour::Busybox, &["-", "sh"]), execute(&["sh"]));
    }

    #[test]
    fn split() {
        assert_eq!(run(Flavour::Gnu, &["-S sh -e", "/app"]), execute(&["sh", "-e", "/app"]));
        assert_eq!(run(Flavour::Gnu, &["-vS", "A=B 'a b'c \"${X}\" # no", "d"]), execute(&["a bc", "y z", "d"]));
        assert_eq!(run(Flavour::Gnu, &["-S", "-i sh"]), execute(&["sh"]));
        assert!(matches!(run(Flavour::Gnu, &["-S", "'a"]), Action::Unknown(_)));
    }

    #[test]
    fn refused() {
        assert_eq!(run(Flavour::Busybox, &["-S sh", "/app"]), Action::Usage("-S sh".into()));
        assert_eq!(run(Flavour::Gnu, &["- sh", "/app"]), Action::Usage("- sh".into()));
    }
}
