//! Wrappers that become another user: `gosu app`, `setpriv --reuid=…`, `chpst -u app`.

use bstr::{BString, ByteSlice};

use super::Wrapping;
use super::table::{Effect, Operand};
use crate::format::passwd;
use crate::launch::outcome::{Cause, Misuse, Outcome, UserError};
use crate::launch::program::Running;
use crate::launch::user;
use crate::rootfs::Credentials;

/// What a look-up says, or how the wrapper ends.
type Found = Result<Credentials, Outcome>;

impl Running<'_> {
    /// Becomes the user that `text` names, as `operand` is read.
    pub(super) fn become_user(
        &mut self,
        wrapping: &Wrapping<'_>,
        operand: Operand,
        text: &BString,
    ) -> Result<Option<Outcome>, String> {
        if wrapping.name.ends_with(b"envuidgid") {
            return Ok(self.look_up(wrapping, operand, text)?.err());
        }
        match self.look_up(wrapping, operand, text)? {
            Err(outcome) => Ok(Some(outcome)),
            Ok(_) if self.credentials.uid != 0 => Ok(Some(self.denied(wrapping, format!("become the user `{text}`")))),
            Ok(credentials) => {
                self.credentials = credentials;
                Ok(None)
            }
        }
    }

    fn look_up(&self, wrapping: &Wrapping<'_>, operand: Operand, text: &BString) -> Result<Found, String> {
        let Some(spec) = spec(&wrapping.name, operand, text) else {
            return Ok(Err(match operand {
                Operand::NameOrIds if text.contains(&b':') => wrapping.misused(Misuse::Word(text.clone())),
                _ => self.no_user(wrapping, UserError::UnknownUser { name: text.to_string(), passwd: true }),
            }));
        };
        let found = user::becomes(self.view, &spec).map_err(|e| e.to_string())?;
        Ok(found.map_err(|error| self.no_user(wrapping, error)))
    }

    pub(super) fn no_user(&self, wrapping: &Wrapping<'_>, error: UserError) -> Outcome {
        let cause = Cause::NoSuchUser { wrapper: wrapping.name.clone(), error };
        Outcome::Exits { code: wrapping.wrapper.codes.user, cause }
    }

    /// setpriv(1): each id by itself. A group needs to be told what becomes of the supplementary ones.
    pub(super) fn become_ids(&mut self, wrapping: &Wrapping<'_>) -> Result<Option<Outcome>, String> {
        let call = &wrapping.call;
        let mut wanted = self.credentials.clone();
        if let Some(user) = call.value(Effect::User) {
            match self.look_up(wrapping, Operand::UserSpec, user)? {
                Ok(found) => wanted.uid = found.uid, // it keeps its capabilities until execve(2)
                Err(outcome) => return Ok(Some(outcome)),
            }
        }
        if let Some(group) = call.value(Effect::Group) {
            match self.look_up(wrapping, Operand::UserSpec, &[b"0:", group.as_slice()].concat().into())? {
                Ok(found) => wanted.gid = found.gid,
                Err(outcome) => return Ok(Some(outcome)),
            }
            if wrapping.name == "setpriv" && !call.has(Effect::Groups) {
                return Ok(Some(wrapping.misused(Misuse::Word("--regid".into()))));
            }
        }
        if let Some(groups) = call.value(Effect::Groups) {
            wanted.groups = groups.split(|b| *b == b',').filter_map(number).collect();
        }
        if self.credentials.uid != 0 && (call.has(Effect::Groups) || wanted != self.credentials) {
            return Ok(Some(self.denied(wrapping, "change its user or groups".to_owned())));
        }
        self.credentials = wanted;
        Ok(None)
    }

    /// The process id of what has control.
    pub(in crate::launch) fn pid(&self) -> u32 {
        self.parents.len() as u32 + 1
    }

    /// What the parents make of the end of the innermost child.
    pub(in crate::launch) fn passed_on(&self, outcome: Outcome) -> Outcome {
        self.parents.iter().rev().fold(outcome, |outcome, parent| parent.pass(outcome))
    }
}

fn number(text: &[u8]) -> Option<u32> {
    passwd::number(text).and_then(|n| u32::try_from(n).ok())
}

/// `text` as `user[:group]`; `None` if the wrapper does not read it so.
fn spec(name: &BString, operand: Operand, text: &BString) -> Option<String> {
    let text = text.to_str().ok()?;
    let is_number = |t: &str| passwd::number(t.as_bytes()).is_some();
    match operand {
        Operand::UserName if is_number(text) => None,
        Operand::NameOrIds => match text.split_once(':') {
            None => (!is_number(text)).then(|| text.to_owned()),
            Some((uid, rest)) => (is_number(uid) && rest.split(':').all(is_number)).then(|| text.to_owned()),
        },
        // chpst(8): names, unless a colon comes first.
        Operand::UserSpec if name == "chpst" => match text.strip_prefix(':') {
            Some(ids) => (ids.contains(':') && ids.split(':').all(is_number)).then(|| ids.to_owned()),
            None => (!is_number(text.split(':').next()?)).then(|| text.to_owned()),
        },
        _ => Some(text.to_owned()),
    }
}
