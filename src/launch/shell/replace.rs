//! Which shell replaces itself by the last command of `-c TEXT`, and saves itself a fork: what is a child of the shell in
//! one is the process that was the shell in another, and gets the stop signal.
//!
//! Measured with dash 0.5.12, bash 5.2, busybox 1.35, zsh 5.9, ksh93 93u+m/1.0.4, mksh and lksh R59, yash 2.52: programs
//! that tell their process id, some 300 texts.

use super::Shell;

/// How far a shell of some version replaces itself at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacing {
    /// Never.
    Never,
    /// By a command that stands alone or after `&&`, and not after `;`: bash 4.4.
    Alone,
    /// As the table says.
    Last,
    /// Its version is not known, or was never looked at: where the table says so, it may.
    Unknown,
}

/// What the last command of the text is, and stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole text is one simple command of plain words.
    Plain,
    /// Quotes or expansions are in its words.
    Expanded,
    /// Assignments are before it.
    Assigned,
    /// `command` is before it.
    Command,
    /// It is redirected.
    Redirected,
    /// It has a here-document.
    Here,
    /// It comes after `;`, `&&` or `||`, or on a later line.
    After,
    /// In braces.
    Group,
    /// In braces that are redirected.
    GroupRedirected,
    /// In `if` or `case`.
    Choice,
    /// In `if` or `case` that is redirected.
    ChoiceRedirected,
    /// In a subshell.
    Subshell,
    /// In a subshell that is redirected.
    SubshellRedirected,
    /// In the last round of `for`.
    For,
    /// The same, redirected.
    ForRedirected,
    /// In `while` or `until`.
    While,
    /// In a function.
    Function,
    /// The last of a pipeline.
    Pipeline,
    /// A signal is ignored by `trap`.
    TrapIgnored,
    /// A trap was set, and is no more.
    TrapReset,
}

/// `E`: it replaces itself; `c`: the command is its child.
const TABLE: [(Place, &[u8; SHELLS.len()]); 20] = [
    //                             dash, bash, ash, zsh, ksh93, mksh, yash
    (Place::Plain, /*           */ b"cEEEEEE"),
    (Place::Expanded, /*        */ b"cEEEEcE"),
    (Place::Assigned, /*        */ b"cEEEEcE"),
    (Place::Command, /*         */ b"cEEEEEc"),
    (Place::Redirected, /*      */ b"ccEEEcc"),
    (Place::Here, /*            */ b"ccEEEcc"),
    (Place::After, /*           */ b"cEEEEcE"),
    (Place::Group, /*           */ b"ccEEEcE"),
    (Place::GroupRedirected, /* */ b"cccEccc"),
    (Place::Choice, /*          */ b"ccEEEcE"),
    (Place::ChoiceRedirected, /**/ b"cccEEcc"),
    (Place::Subshell, /*        */ b"ccEEEcE"),
    (Place::SubshellRedirected, b"ccEEEcc"),
    (Place::For, /*             */ b"cccEccE"),
    (Place::ForRedirected, /*   */ b"cccEccc"),
    (Place::While, /*           */ b"ccccccc"),
    (Place::Function, /*        */ b"ccccccE"),
    (Place::Pipeline, /*        */ b"ccccccE"),
    (Place::TrapIgnored, /*     */ b"cEEEEcE"),
    (Place::TrapReset, /*       */ b"cEcEEcc"),
];
/// The columns of the table.
const SHELLS: [Shell; 7] = [Shell::Dash, Shell::Bash, Shell::Ash, Shell::Zsh, Shell::Ksh, Shell::Mksh, Shell::Yash];

impl Shell {
    /// Whether it replaces itself by a last command that is, or stands in, `place`.
    pub fn replaces_itself(self, place: Place) -> bool {
        let row = TABLE.iter().find(|(p, _)| *p == place).map(|(_, row)| row);
        let column = SHELLS.iter().position(|shell| *shell == self);
        row.zip(column).and_then(|(row, column)| row.get(column)) == Some(&b'E')
    }

    /// Whether it still replaces itself with `rest` behind the last command: whether it has then seen the end of the
    /// text. Lines that are continued are one.
    pub fn sees_the_end(self, rest: &[u8]) -> bool {
        let mut lines = rest.split(|b| *b == b'\n');
        let first = lines.next().unwrap_or_default();
        match self {
            Shell::Zsh => true,
            // bash reads line by line, ash looks for the end of the text right behind the command.
            Shell::Bash => lines.all(<[u8]>::is_empty) && rest.iter().filter(|b| **b == b'\n').count() < 2,
            Shell::Ash => lines.next().is_none(),
            Shell::Ksh => lines.all(<[u8]>::is_empty),
            Shell::Yash => matches!(rest, b"" | b";"),
            Shell::Mksh | Shell::Dash => first.is_empty() && rest.is_empty(),
        }
    }
}

/// Whether mksh becomes the one command that this text is: it looks for characters that mean something to it before it
/// reads any command.
pub fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_alphanumeric() || b" !%+,-./:@^_".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_row_and_dash_stays() {
        for (place, row) in TABLE {
            assert_eq!(TABLE.iter().filter(|(p, _)| *p == place).count(), 1, "{place:?}");
            assert!(row.iter().all(|c| b"Ec".contains(c)));
            assert!(!Shell::Dash.replaces_itself(place));
        }
        assert!(Shell::Yash.replaces_itself(Place::Pipeline));
        assert!(!Shell::Zsh.replaces_itself(Place::Pipeline));
        assert!(Shell::Zsh.replaces_itself(Place::GroupRedirected));
    }

    #[test]
    fn what_comes_behind_the_command() {
        // `E` where the shell replaced itself, for: bash, ash, zsh, ksh93, yash
        let shells = [Shell::Bash, Shell::Ash, Shell::Zsh, Shell::Ksh, Shell::Yash];
        for (rest, seen) in [
            ("", "EEEEE"),
            (";", "EEEEE"),
            (" ", "EEEEc"),
            (" # c", "EEEEc"),
            (" # c\n", "EcEEc"),
            ("\n", "EcEEc"),
            ("\n\n", "ccEEc"),
            ("\n ", "ccEcc"),
            ("\n# c", "ccEcc"),
            (" # c\n\n", "ccEEc"),
            (" \n\t", "ccEcc"),
            (";\n", "EcEEc"),
            ("; ", "EEEEc"),
        ] {
            let told: String = shells.iter().map(|s| if s.sees_the_end(rest.as_bytes()) { 'E' } else { 'c' }).collect();
            assert_eq!(told, seen, "{rest:?}");
        }
    }

    #[test]
    fn plain_text() {
        for (text, plain) in [("app a", true), ("app !x ^y %z", true), ("app a=b", false), ("app\n", false)] {
            assert_eq!(is_plain(text.as_bytes()), plain, "{text}");
        }
    }
}
