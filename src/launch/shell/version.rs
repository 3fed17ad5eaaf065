//! Which version of a shell a file is, by the strings in it.

use bstr::ByteSlice;

use super::{Replacing, Shell};

/// More than any shell is long.
pub const LONGEST: usize = 16 << 20;

/// What a file says of the shell that it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Its first two numbers.
    pub number: Option<(u32, u32)>,
}

impl Version {
    /// What is said in the bytes of the program.
    pub fn of(shell: Shell, bytes: &[u8]) -> Self {
        let number = match shell {
            Shell::Ash => behind(bytes, b"BusyBox v"),
            Shell::Bash => behind(bytes, b"@(#)Bash version "),
            // Its own directory of modules, or the patch level, has the version in it.
            Shell::Zsh => behind(bytes, b"/zsh/").or_else(|| behind(bytes, b"zsh-")),
            Shell::Ksh => behind(bytes, b"Version AJM 93u+m/"),
            Shell::Mksh => release(bytes),
            // The version stands alone.
            Shell::Yash => bytes.contains_str("Yet another shell").then(|| behind(bytes, b"\x002.")).flatten(),
            Shell::Dash => None,
        };
        Version { number }
    }

    /// How far that version was seen to replace itself.
    pub fn replacing(self, shell: Shell) -> Replacing {
        match (shell, self.number) {
            (Shell::Dash, _) => Replacing::Never,
            (Shell::Ash, Some(v)) if v < (1, 28) => Replacing::Never,
            (Shell::Ash, Some(_)) => Replacing::Last,
            (Shell::Bash, Some((4, 4))) => Replacing::Alone,
            (Shell::Bash, Some(v)) if v >= (5, 1) => Replacing::Last,
            (Shell::Zsh, Some((5, 9))) | (Shell::Ksh, Some((1, 0))) | (Shell::Mksh, Some((59, _))) => Replacing::Last,
            (Shell::Yash, Some((52, _))) => Replacing::Last,
            _ => Replacing::Unknown,
        }
    }
}

/// The shell that a file is whose name does not tell: `/bin/sh` copied from elsewhere.
pub fn by_bytes(bytes: &[u8]) -> Option<Shell> {
    let has = |mark: &str| bytes.contains_str(mark);
    match () {
        () if has("BusyBox v") => Some(Shell::Ash),
        () if has("@(#)Bash version ") => Some(Shell::Bash),
        // options.c, `optletters`
        () if has("efIimnsxvVECab") => Some(Shell::Dash),
        () if has("Yet another shell") => Some(Shell::Yash),
        () => korn(bytes),
    }
}

/// The Korn shell that a file named `ksh` is.
pub fn korn(bytes: &[u8]) -> Option<Shell> {
    if bytes.contains_str("MIRBSD KSH") || bytes.contains_str("LEGACY KSH") {
        return Some(Shell::Mksh);
    }
    bytes.contains_str("Version AJM 93").then_some(Shell::Ksh)
}

/// `@(#)MIRBSD KSH R59 2023/04/29`
fn release(bytes: &[u8]) -> Option<(u32, u32)> {
    number(bytes, b"MIRBSD KSH R").or_else(|| number(bytes, b"LEGACY KSH R")).map(|(release, _)| (release, 0))
}

fn number<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<(u32, &'b [u8])> {
    bytes.find_iter(mark).find_map(|at| leading(bytes.get(at + mark.len()..)?))
}

fn leading(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let digits = bytes.iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    let value = bytes.get(..digits)?.to_str().ok()?.parse().ok()?;
    Some((value, bytes.get(digits..)?))
}

/// `1.2` right behind a mark; of yash, whose mark has the first number, the second alone.
fn behind(bytes: &[u8], mark: &[u8]) -> Option<(u32, u32)> {
    bytes.find_iter(mark).find_map(|at| {
        let (major, rest) = leading(bytes.get(at + mark.len()..)?)?;
        match rest.strip_prefix(b".").and_then(leading) {
            Some((minor, _)) => Some((major, minor)),
            None => rest.starts_with(b"\0").then_some((major, 0)).filter(|_| mark.ends_with(b".")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_by_the_strings_of_real_programs() {
        for (text, shell) in [
            (&b"\0BusyBox v1.36.1 (2023-11-07)\0sh: turning off NDELAY mode\0"[..], Some(Shell::Ash)),
            (b"\0@(#)Bash version 5.2.15(1) release GNU\0", Some(Shell::Bash)),
            (b"\0sh: turning off NDELAY mode\0efIimnsxvVECabup\0", Some(Shell::Dash)),
            (b"\0efIimnsxvVECabu\0", Some(Shell::Dash)),
            (b"\0@(#)MIRBSD KSH R59 2023/04/29\0", Some(Shell::Mksh)),
            (b"\0nothing of the kind\0", None),
        ] {
            assert_eq!(by_bytes(text), shell, "{:?}", text.as_bstr());
        }
    }

    #[test]
    fn versions_by_the_strings_of_real_programs() {
        for (shell, text, replacing) in [
            (Shell::Ash, &b"\0BusyBox v1.27.2 (2017-12-12)\0"[..], Replacing::Never),
            (Shell::Ash, b"syslogd started: BusyBox v1.36.1", Replacing::Last),
            (Shell::Ash, b"\0BusyBox v%s\0", Replacing::Unknown),
            (Shell::Bash, b"@(#)Bash version 5.2.15(1) release GNU", Replacing::Last),
            (Shell::Bash, b"@(#)Bash version 4.4.20(1) release GNU", Replacing::Alone),
            (Shell::Bash, b"@(#)Bash version 5.0.3(1) release GNU", Replacing::Unknown),
            (Shell::Zsh, b"\0/usr/lib/x86_64-linux-gnu/zsh/5.9\0", Replacing::Last),
            (Shell::Zsh, b"/usr/lib64/zsh/5.8", Replacing::Unknown),
            (Shell::Ksh, b"@(#)$Id: Version AJM 93u+m/1.0.4 2022-10-22 $", Replacing::Last),
            (Shell::Ksh, b"@(#)$Id: Version AJM 93u+ 2012-08-01 $", Replacing::Unknown),
            (Shell::Mksh, b"KSH_VERSION=@(#)MIRBSD KSH R59 2023/04/29", Replacing::Last),
            (Shell::Mksh, b"KSH_VERSION=@(#)LEGACY KSH R57 2019/03/01", Replacing::Unknown),
            (Shell::Yash, b"Yet another shell, version %s\0\x002.52\0", Replacing::Last),
            (Shell::Yash, b"Yet another shell, version %s\0\x002.50\0", Replacing::Unknown),
            (Shell::Dash, b"", Replacing::Never),
        ] {
            assert_eq!(Version::of(shell, text).replacing(shell), replacing, "{}", text.as_bstr());
        }
        assert_eq!(korn(b"x @(#)MIRBSD KSH R59"), Some(Shell::Mksh));
        assert_eq!(korn(b"Version AJM 93u+ 2012"), Some(Shell::Ksh));
        assert_eq!(korn(b"pdksh"), None);
    }
}
