//! POSIX mode of bash, in which it is as `sh` (bash(1), *POSIX mode*): errors end it that it else goes on from. dash and ash
//! are always so. What stands here was measured with bash 5.2.

use super::engine::Engine;
use super::expand::Fail;
use super::simple::{Call, READONLY};
use super::state::{Catch, State};
use super::value::Field;
use crate::format::shell::{is_name, is_name_start};
use crate::launch::shell::Shell;

/// Special built-ins (XCU 2.14).
const SPECIAL: &str = ". : break continue eval exec exit export readonly return set shift times trap unset";

impl Engine<'_> {
    /// Whether errors in special built-ins end the shell.
    pub fn is_strict(&self, state: &State) -> bool {
        self.shell != Shell::Bash || state.options.posix
    }

    /// Whether this word names a special built-in, and errors in it end the shell.
    pub fn is_special(&self, name: Option<&Field>, state: &State) -> bool {
        name.and_then(Field::known).is_some_and(|name| self.names_special(name)) && self.is_strict(state)
    }

    /// Whether errors of what `.` and `eval` read end the shell.
    pub(super) fn ends_by_reading(&self, state: &State) -> bool {
        self.is_strict(state) && !state.options.commanded
    }

    fn names_special(&self, name: &[u8]) -> bool {
        SPECIAL.split(' ').any(|s| s.as_bytes() == name) || self.shell == Shell::Bash && name == b"source"
    }

    /// Whether a function may not have this name, and the shell ends for it.
    pub fn refuses_function(&self, name: &[u8], state: &State) -> bool {
        let proper = name.first().is_some_and(|b| is_name_start(*b)) && name.iter().all(|b| is_name(*b));
        self.shell == Shell::Bash && state.options.posix && (!proper || self.names_special(name))
    }

    /// A readonly variable is assigned before a command: dash and ash exit, bash says so and goes on. In POSIX mode it
    /// exits where the command is a special built-in, and else gives up the line.
    pub(super) fn check_assigned(&self, call: &Call<'_>, state: &State) -> Result<(), Fail> {
        let readonly = |name: &[u8]| state.variables.get(name).is_some_and(|v| v.readonly);
        if !self.is_strict(state) || !call.assigned.iter().any(|(name, _)| readonly(name)) {
            return Ok(());
        }
        match self.shell == Shell::Bash && !self.is_special(call.argv.first(), state) {
            true => self.give_up_line(READONLY, state),
            false => Err(Fail::Exit(self.readonly_code(state), READONLY)),
        }
    }

    /// With what code `export` and its kind fail that assign a readonly variable.
    pub(super) fn refused_code(&self) -> u8 {
        if self.shell == Shell::Bash { 1 } else { 2 }
    }

    /// With what code a shell exits that assigns a readonly variable.
    pub(super) fn readonly_code(&self, state: &State) -> u8 {
        match (self.shell, state.options.posix) {
            (Shell::Bash, true) => self.unset_code(state),
            (Shell::Bash, false) => 1,
            _ => 2,
        }
    }

    /// With what code bash exits in POSIX mode where an expansion fails.
    pub(super) fn failed_expansion(&self, state: &State) -> u8 {
        if self.invocation.command_string && state.catch == Catch::Script { 127 } else { 1 }
    }
}
