//! Wrappers that start a program as a login would: su(1) and runuser(1) through the user's shell, sudo(8) as sudoers(5)
//! lets them.

use bstr::{BString, ByteSlice};

use super::Wrapping;
use super::table::{Effect, Operand};
use crate::launch::outcome::{Misuse, Outcome, Step, StepKind};
use crate::launch::program::{Next, Running, base, mark};
use crate::launch::user;
use crate::rootfs::{Credentials, View};

/// Shells that say no and end with 1.
const REFUSING: [&[u8]; 2] = [b"nologin", b"false"];
/// More of /etc/sudoers than this is not read.
const SUDOERS_MAX: usize = 1 << 16;

impl Running<'_> {
    /// `su [options] [-] [user [argument…]]`; `runuser -u user command`.
    pub(super) fn log_in(&mut self, wrapping: &Wrapping<'_>, steps: &mut Vec<Step>) -> Result<Next, String> {
        let (call, name) = (&wrapping.call, &wrapping.name);
        if self.credentials.uid != 0 || wrapping.loaded.secure {
            return match name.as_slice() {
                b"runuser" => Ok(Next::Ends(self.denied(wrapping, "become another user".to_owned()))),
                _ => Err(format!("`{name}` asks users other than root for a password")),
            };
        }
        if let Some(user) = call.value(Effect::User) {
            return self.run_as(wrapping, &user.clone(), steps);
        }
        let (user, arguments) = match call.argv.split_first() {
            Some((user, arguments)) => (user.clone(), arguments),
            None => (BString::from("root"), &[][..]),
        };
        let record = match user::login(self.view, &user).map_err(|e| e.to_string())? {
            Ok(record) => record,
            Err(error) => return Ok(Next::Ends(self.no_user(wrapping, error))),
        };
        let shell = match call.value(Effect::Shell) {
            Some(shell) => shell.clone(),
            None if record.shell.is_empty() => "/bin/sh".into(),
            None => record.shell.into(),
        };
        if REFUSING.contains(&base(&shell)) {
            return Ok(Next::Ends(wrapping.misused(Misuse::NoLogin(user, shell))));
        }
        if let Some(outcome) = self.become_user(wrapping, Operand::UserSpec, &user)? {
            return Ok(Next::Ends(outcome));
        }
        self.shell_of(wrapping, shell, arguments, steps)
    }

    /// The shell with `-c` and its text; a login shell reads more than is followed.
    fn shell_of(
        &mut self,
        wrapping: &Wrapping<'_>,
        shell: BString,
        arguments: &[BString],
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let text = wrapping.call.value(Effect::Text);
        let mut argv = vec![shell];
        argv.extend(text.into_iter().flat_map(|text| [BString::from("-c"), text.clone()]));
        argv.extend(arguments.iter().cloned());
        let call = super::Call { argv, ..super::Call::default() };
        // A shell is looked for nowhere else, and errexec says what util-linux ends with.
        let codes = super::table::Codes { absent: 127, closed: 126, other: 126, ..wrapping.wrapper.codes };
        let login = wrapping.call.has(Effect::Login);
        let next = self.start_with(wrapping, &call, codes, steps)?;
        match next {
            Next::Program(_) if login && text.is_some() => {
                Err("a login shell reads files of its own before it runs the text".to_owned())
            }
            Next::Program(_) if login => {
                mark(steps, StepKind::Shell);
                Ok(Next::Ends(Outcome::Runs))
            }
            next => Ok(next),
        }
    }

    /// `runuser -u user command`.
    fn run_as(&mut self, wrapping: &Wrapping<'_>, user: &BString, steps: &mut Vec<Step>) -> Result<Next, String> {
        let call = &wrapping.call;
        let clashing = [Effect::Text, Effect::Shell, Effect::Login].into_iter().any(|effect| call.has(effect));
        if clashing || call.argv.is_empty() {
            return Ok(Next::Ends(wrapping.misused(Misuse::NoProgram)));
        }
        match user::login(self.view, user).map_err(|e| e.to_string())? {
            Err(error) => return Ok(Next::Ends(self.no_user(wrapping, error))),
            Ok(_) => drop(self.become_user(wrapping, Operand::UserSpec, user)?),
        }
        self.start(wrapping, steps)
    }

    /// sg(1): `sg [-] group [[-c] command]`, by /bin/sh. Only root is asked for no password.
    pub(super) fn switch_group(&mut self, wrapping: Wrapping<'_>, steps: &mut Vec<Step>) -> Result<Next, String> {
        let words: Vec<&BString> = wrapping.call.argv.iter().collect();
        let (group, text) = match words.as_slice() {
            [] => return Err("`sg` without a group is not followed".to_owned()),
            [dash, ..] if dash.starts_with(b"-") => return Err("an option of `sg` is not followed".to_owned()),
            [_] => return Ok(Next::Ends(Outcome::Runs)),
            [group, flag, text, ..] if *flag == "-c" => (*group, *text),
            [group, text, ..] => (*group, *text),
        };
        if self.credentials.uid != 0 {
            return Err("`sg` may ask users other than root for a password".to_owned());
        }
        if group.first().is_some_and(u8::is_ascii_digit) {
            return Err("`sg` with a number is not followed".to_owned());
        }
        let spec = format!("0:{group}");
        match user::becomes(self.view, &spec).map_err(|e| e.to_string())? {
            Ok(found) => self.credentials.gid = found.gid,
            Err(error) => return Ok(Next::Ends(self.no_user(&wrapping, error))),
        }
        self.shell_text(&wrapping, "/bin/sh".into(), text.clone(), steps)
    }

    /// script(1): a shell, in a terminal of its own.
    pub(super) fn record(&mut self, wrapping: Wrapping<'_>, steps: &mut Vec<Step>) -> Result<Next, String> {
        if let Some(word) = wrapping.call.argv.get(1) {
            return Ok(Next::Ends(wrapping.misused(Misuse::Word(word.clone()))));
        }
        let Some(text) = wrapping.call.value(Effect::Text).cloned() else { return Ok(Next::Ends(Outcome::Runs)) };
        let log = wrapping.call.argv.first().cloned().unwrap_or_else(|| "typescript".into());
        if let Some(outcome) = self.lock_file(&wrapping, &log)? {
            return Ok(Next::Ends(outcome));
        }
        let shell = self.environment.get(b"SHELL").cloned().unwrap_or_else(|| "/bin/sh".into());
        self.shell_text(&wrapping, shell, text, steps)
    }

    fn shell_text(
        &mut self,
        wrapping: &Wrapping<'_>,
        shell: BString,
        text: BString,
        steps: &mut Vec<Step>,
    ) -> Result<Next, String> {
        let call = super::Call { argv: vec![shell, "-c".into(), text], ..wrapping.call.clone() };
        self.start_with(wrapping, &call, wrapping.wrapper.codes, steps)
    }

    /// As root, whom sudoers lets do everything: the environment is made anew, PATH is `secure_path`.
    pub(super) fn sudo(&mut self, mut wrapping: Wrapping<'_>, steps: &mut Vec<Step>) -> Result<Next, String> {
        if self.credentials.uid != 0 || wrapping.loaded.secure {
            return Err("what sudo lets users other than root do is not followed".to_owned());
        }
        let sudoers = sudoers(self.view).ok_or("`/etc/sudoers` cannot be read, so sudo may start nothing")?;
        let lets_root = |line: &[u8]| line.starts_with(b"root") && line.ends_with(b"ALL");
        if !sudoers.lines().any(|line| lets_root(line.trim_ascii())) {
            return Err("`/etc/sudoers` does not let root do everything".to_owned());
        }
        if wrapping.call.has(Effect::Login) {
            return Ok(Next::Ends(Outcome::Runs));
        }
        let user = wrapping.call.value(Effect::User).map(|user| user.strip_prefix(b"#").unwrap_or(user).into());
        if let Some(user) = user
            && let Some(outcome) = self.become_user(&wrapping, Operand::UserSpec, &user)?
        {
            return Ok(Next::Ends(outcome));
        }
        let path = secure_path(&sudoers).or_else(|| self.environment.get(b"PATH").cloned());
        self.environment.clear();
        path.into_iter().for_each(|path| self.environment.set("PATH".into(), path));
        self.assignments(&mut wrapping.call.argv);
        if wrapping.call.argv.is_empty() {
            return Ok(Next::Ends(wrapping.misused(Misuse::NoProgram)));
        }
        self.start(&wrapping, steps)
    }

    /// `NAME=value` before the program.
    fn assignments(&mut self, argv: &mut Vec<BString>) {
        while let Some((name, value)) = argv.first().and_then(|word| word.split_once_str("=")) {
            self.environment.set(name.into(), value.into());
            argv.remove(0);
        }
    }
}

fn sudoers(view: &View<'_>) -> Option<Vec<u8>> {
    let file = view.resolve(b"/etc/sudoers", b"/", &Credentials::root()).ok()?;
    view.read(file.ino, 0, SUDOERS_MAX).ok()
}

/// `Defaults secure_path="…"`.
fn secure_path(sudoers: &[u8]) -> Option<BString> {
    let defaults = sudoers.lines().map(|line| line.trim_ascii()).filter(|line| line.starts_with(b"Defaults"));
    let value = defaults.filter_map(|line| line.split_once_str("secure_path")).next_back()?.1;
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
    Some(value.trim_with(|c| c == '"').into())
}
