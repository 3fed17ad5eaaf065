//! The files that a shell reads before its script.

use bstr::{BStr, BString};

use super::Shell;

/// What a shell reads first: the first of each group that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Startup {
    /// Groups of paths.
    Files(Vec<Vec<BString>>),
    /// That is not known.
    Unknown,
}

/// Where zsh was built to look for its own files.
const ZSHENV: [&str; 3] = ["/etc/zshenv", "/etc/zsh/zshenv", "/usr/local/etc/zshenv"];

impl Startup {
    /// Of a shell called by `name`; `home` is the home directory.
    ///
    /// dash(1), bash(1), *INVOCATION*; busybox ash reads /etc/profile and $HOME/.profile. zsh reads zshenv in any case.
    pub fn of(shell: Shell, name: &BStr, login: bool, no_profile: bool, home: Option<&BStr>) -> Self {
        let one = |path: &str| vec![BString::from(path)];
        let own = |name: &str| home.map(|home| [home, name.as_bytes()].concat().into());
        match (shell, login) {
            (Shell::Zsh, false) => {
                let Some(own) = own("/.zshenv") else { return Startup::Unknown };
                Startup::Files(ZSHENV.iter().map(|path| one(path)).chain([vec![own]]).collect())
            }
            (_, false) => Startup::Files(Vec::new()),
            (Shell::Bash, true) if no_profile => Startup::Files(Vec::new()),
            (Shell::Bash | Shell::Dash | Shell::Ash, true) => {
                let posix = shell != Shell::Bash || is_sh(name);
                let names: &[&str] =
                    if posix { &["/.profile"] } else { &["/.bash_profile", "/.bash_login", "/.profile"] };
                let own: Option<Vec<BString>> = names.iter().map(|name| own(name)).collect();
                own.map_or(Startup::Unknown, |own| Startup::Files(vec![one("/etc/profile"), own]))
            }
            _ => Startup::Unknown,
        }
    }
}

/// Whether bash that is called by this name, without its directories, acts as `sh` (shell.c, `set_shell_name`).
pub fn is_sh(name: &BStr) -> bool {
    name.strip_prefix(b"-").unwrap_or(name) == b"sh"
}

/// Whether zsh's own file does nothing here: comments, and what Debian's does if PATH is empty or the default of login(1).
pub fn is_harmless(text: &[u8], path: Option<&BStr>) -> bool {
    const DEBIAN: [&str; 4] = [
        r#"if [[ -z "$PATH" || "$PATH" == "/bin:/usr/bin" ]]"#,
        "then",
        r#"export PATH="/usr/local/bin:/usr/bin:/bin:/usr/games""#,
        "fi",
    ];
    let lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let rest: Vec<&[u8]> = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#")).collect();
    let debian = rest.len() == DEBIAN.len() && rest.iter().zip(DEBIAN).all(|(line, known)| *line == known.as_bytes());
    rest.is_empty() || debian && path.is_some_and(|p| !p.is_empty() && p != "/bin:/usr/bin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_files() {
        let files = |shell, name: &str, login| match Startup::of(shell, name.into(), login, false, Some("/root".into()))
        {
            Startup::Files(groups) => groups.concat().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Startup::Unknown => "unknown".to_owned(),
        };
        assert_eq!(files(Shell::Dash, "sh", false), "");
        assert_eq!(files(Shell::Dash, "sh", true), "/etc/profile /root/.profile");
        assert_eq!(files(Shell::Bash, "sh", true), "/etc/profile /root/.profile");
        let bash = "/etc/profile /root/.bash_profile /root/.bash_login /root/.profile";
        assert_eq!(files(Shell::Bash, "bash", true), bash);
        assert_eq!(files(Shell::Zsh, "zsh", false), "/etc/zshenv /etc/zsh/zshenv /usr/local/etc/zshenv /root/.zshenv");
        assert_eq!(files(Shell::Zsh, "zsh", true), "unknown");
        assert_eq!(Startup::of(Shell::Dash, "sh".into(), true, false, None), Startup::Unknown);
    }

    #[test]
    fn harmless_files() {
        let debian = b"# c\n\nif [[ -z \"$PATH\" || \"$PATH\" == \"/bin:/usr/bin\" ]]\nthen\n\texport PATH=\"/usr/local/bin:/usr/bin:/bin:/usr/games\"\nfi\n";
        assert!(is_harmless(debian, Some("/usr/bin".into())));
        assert!(!is_harmless(debian, Some("/bin:/usr/bin".into())));
        assert!(!is_harmless(debian, None));
        assert!(!is_harmless(b"exit 3\n", Some("/usr/bin".into())));
        assert!(is_harmless(b"# nothing\n", None));
    }
}
