//! The words of a shell before the text of `-c`: `-ec`, `-o pipefail -c`, `--posix -c`, `-lc`.
//!
//! Measured with every shell; what one of them refuses, or means otherwise, is not followed.

use bstr::{BStr, BString, ByteSlice};

use super::Shell;

/// Letters that mean the same to all of them.
const LETTERS: &[u8] = b"abCefmuvx";
/// What `-o` may name, and its letter.
const NAMES: [(&str, u8); 5] =
    [("errexit", b'e'), ("nounset", b'u'), ("noglob", b'f'), ("xtrace", b'x'), ("verbose", b'v')];

/// Options that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Letters that are set.
    pub letters: Vec<u8>,
    /// `-o pipefail`
    pub pipefail: bool,
    /// `-l`: files are read first.
    pub login: bool,
    /// `--posix` or `-o posix` of bash.
    pub posix: bool,
    /// `--noprofile`, if it is a login shell.
    pub no_profile: bool,
}

/// How a shell is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// With `-c`: the text is the word at this index.
    Text(Options, usize),
    /// With a script, whose path is the word at this index.
    Script(Options, usize),
    /// What it does is not followed.
    Unknown,
}

impl Words {
    /// Reads the words of a shell's command line, the name included.
    pub fn read(shell: Shell, argv: &[BString]) -> Self {
        let login = argv.first().is_some_and(|name| name.starts_with(b"-"));
        let mut reader = Reader { shell, options: Options { login, ..Options::default() }, text: false };
        reader.read(argv).unwrap_or(Words::Unknown)
    }
}

struct Reader {
    shell: Shell,
    options: Options,
    /// `-c` was seen.
    text: bool,
}

impl Reader {
    fn read(&mut self, argv: &[BString]) -> Option<Words> {
        let mut at = 1;
        while let Some(word) = argv.get(at) {
            match word.as_slice() {
                b"--" | b"-" => {
                    at += 1;
                    break;
                }
                [b'-', b'-', name @ ..] => self.long(name)?,
                [sign @ (b'-' | b'+'), letters @ ..] if !letters.is_empty() => {
                    at += self.cluster(*sign == b'-', letters, argv.get(at + 1))?;
                }
                _ => break,
            }
            at += 1;
        }
        argv.get(at)?;
        let options = std::mem::take(&mut self.options);
        Some(if self.text { Words::Text(options, at) } else { Words::Script(options, at) })
    }

    /// How many words more it takes.
    fn cluster(&mut self, on: bool, letters: &[u8], next: Option<&BString>) -> Option<usize> {
        let mut taken = 0;
        for (i, letter) in letters.iter().enumerate() {
            match letter {
                b'c' if on => self.text = true,
                b'l' if on => self.options.login = true,
                // Where it is not the last letter some take the rest for the name.
                b'o' if i + 1 == letters.len() => {
                    self.named(next?.as_bstr(), on)?;
                    taken = 1;
                }
                // zsh reads no files of its own then, and goes on to expand patterns
                b'f' if self.shell == Shell::Zsh => return None,
                letter if LETTERS.contains(letter) => self.set(*letter, on),
                _ => return None,
            }
        }
        Some(taken)
    }

    fn set(&mut self, letter: u8, on: bool) {
        self.options.letters.retain(|l| *l != letter);
        if on {
            self.options.letters.push(letter);
        }
    }

    fn named(&mut self, name: &BStr, on: bool) -> Option<()> {
        if name == "pipefail" && self.shell != Shell::Dash {
            self.options.pipefail = on;
            return Some(());
        }
        if name == "posix" && self.shell == Shell::Bash {
            self.options.posix = on;
            return Some(());
        }
        let (_, letter) = NAMES.iter().find(|(known, _)| name == *known)?;
        self.set(*letter, on);
        Some(())
    }

    fn long(&mut self, name: &[u8]) -> Option<()> {
        match (self.shell, name) {
            (Shell::Bash, b"norc") => {}
            (Shell::Bash, b"posix") => self.options.posix = true,
            (Shell::Bash, b"noprofile") => self.options.no_profile = true,
            (Shell::Bash, b"login") => self.options.login = true,
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(shell: Shell, line: &str) -> Words {
        let argv: Vec<BString> = line.split(' ').map(BString::from).collect();
        Words::read(shell, &argv)
    }

    fn text(letters: &[u8], pipefail: bool, login: bool, at: usize) -> Words {
        Words::Text(Options { letters: letters.to_vec(), pipefail, login, ..Options::default() }, at)
    }

    #[test]
    fn clusters_and_words() {
        for (line, words) in [
            ("sh -c app", text(b"", false, false, 2)),
            ("sh -ec app", text(b"e", false, false, 2)),
            ("sh -xec app", text(b"xe", false, false, 2)),
            ("sh -ce app", text(b"e", false, false, 2)),
            ("sh -c -e app", text(b"e", false, false, 3)),
            ("sh -e -c app", text(b"e", false, false, 3)),
            ("sh -e +e -c app", text(b"", false, false, 4)),
            ("sh -o errexit -c app", text(b"e", false, false, 4)),
            ("sh -eo pipefail -c app", text(b"e", true, false, 4)),
            ("sh -c -- app", text(b"", false, false, 3)),
            ("sh -lc app", text(b"", false, true, 2)),
            ("-sh -c app", text(b"", false, true, 2)),
            ("sh --posix -c app", Words::Text(Options { posix: true, ..Options::default() }, 3)),
            ("sh -o posix -c app", Words::Text(Options { posix: true, ..Options::default() }, 4)),
            ("sh --norc --noprofile app", Words::Script(Options { no_profile: true, ..Options::default() }, 3)),
            ("sh -- -c app", Words::Script(Options::default(), 2)),
            ("sh -ic app", Words::Unknown),
            ("sh -sc app", Words::Unknown),
            ("sh -Qc app", Words::Unknown),
            ("sh -O extglob -c app", Words::Unknown),
            ("sh -c", Words::Unknown),
            ("sh", Words::Unknown),
        ] {
            assert_eq!(read(Shell::Bash, line), words, "{line}");
        }
    }

    #[test]
    fn what_one_shell_refuses() {
        assert_eq!(read(Shell::Dash, "dash -o pipefail -c app"), Words::Unknown);
        assert_eq!(read(Shell::Zsh, "zsh -fc app"), Words::Unknown);
        assert_eq!(read(Shell::Mksh, "mksh --posix -c app"), Words::Unknown);
        assert_eq!(read(Shell::Ash, "sh -oc pipefail app"), Words::Unknown);
    }
}
