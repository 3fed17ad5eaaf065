//! USER resolved against the image's passwd and group, as engines do (github.com/moby/sys/user, `GetExecUser`).

use super::outcome::UserError;
use super::runtime::{BASE, Engine, Runtime};
use crate::error::{Error, Result};
use crate::format::passwd::{self, Group, User};
use crate::rootfs::{Credentials, PathError, View};

/// Ids are 31 bits wide (`minID`, `maxID`).
const ID_MAX: i64 = 0x7fff_ffff;
/// More of /etc/passwd than this is not read.
const FILE_MAX: usize = 1 << 20;
/// Go's `bufio.MaxScanTokenSize`: the look-up fails at a longer line.
const LINE_MAX: usize = 64 << 10;

/// The ids that `spec` (`user[:group]`) stands for.
///
/// # Errors
/// Outer: the files cannot be read a second time. Inner: the engine refuses.
pub fn resolve(view: &View<'_>, spec: &str, runtime: &Runtime) -> Result<std::result::Result<Credentials, UserError>> {
    let passwd = read(view, "/etc/passwd")?;
    let group = read(view, "/etc/group")?;
    Ok(Files { passwd, group }.resolve(spec, runtime))
}

/// The ids that `spec` stands for to a program that becomes that user and looks it up as engines do.
///
/// # Errors
/// As [`resolve`].
pub fn becomes(view: &View<'_>, spec: &str) -> Result<std::result::Result<Credentials, UserError>> {
    resolve(view, spec, &BASE)
}

/// The line of /etc/passwd with the name `name`.
///
/// # Errors
/// The file cannot be read a second time.
pub fn login(view: &View<'_>, name: &[u8]) -> Result<std::result::Result<User, UserError>> {
    let passwd = read(view, "/etc/passwd")?;
    let found = passwd::users(passwd.as_deref().unwrap_or_default()).find(|user| user.name == name);
    let name = String::from_utf8_lossy(name).into_owned();
    Ok(found.ok_or(UserError::UnknownUser { name, passwd: passwd.is_some() }))
}

fn read(view: &View<'_>, path: &str) -> Result<Option<Vec<u8>>> {
    let refused = |what: &str| Err(Error::new(format!("`{path}` of the image"), what));
    let file = match view.resolve(path.as_bytes(), b"/", &Credentials::root()) {
        Ok(file) => file,
        Err(PathError { unknowable: Some(why), at, .. }) => return refused(&format!("it leads to {at}, {why}")),
        Err(_) => return Ok(None),
    };
    if view.size(file.ino) > FILE_MAX as u64 {
        return refused("it is longer than 1 MiB, and not read to its end");
    }
    let text = view.read(file.ino, 0, FILE_MAX)?;
    if text.split(|b| *b == b'\n').any(|line| line.len() >= LINE_MAX) {
        return refused("it has a line of 64 KiB or more, which engines do not read");
    }
    Ok(Some(text))
}

struct Files {
    passwd: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
}

impl Files {
    fn resolve(&self, spec: &str, runtime: &Runtime) -> std::result::Result<Credentials, UserError> {
        let mut parts = spec.split(':');
        let (user, group) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if parts.next().is_some() && runtime.engine == Engine::Containerd {
            return Err(UserError::TooManyParts(spec.to_owned()));
        }
        let found = self.user(user);
        let (uid, mut gid) = match &found {
            Some(u) => (u.uid, u.gid),
            None if user.is_empty() => (0, 0),
            None => match passwd::number(user.as_bytes()) {
                Some(uid) => (in_range(uid, user)?, 0),
                None => return Err(UserError::UnknownUser { name: user.to_owned(), passwd: self.passwd.is_some() }),
            },
        };
        let member = found.map(|u| u.name).filter(|_| group.is_empty() || runtime.keeps_groups);
        let groups = member.map(|name| self.groups_of(&name)).unwrap_or_default();
        if !group.is_empty() {
            gid = self.group(group)?;
        }
        let dac_override = uid == 0 || runtime.dac_override;
        Ok(Credentials { uid: uid as u32, gid: gid as u32, groups, dac_override })
    }

    /// The first line that matches; a number never matches a name. Without a user it is root's.
    fn user(&self, user: &str) -> Option<User> {
        let number = if user.is_empty() { Some(0) } else { passwd::number(user.as_bytes()) };
        let mut users = passwd::users(self.passwd.as_deref()?);
        users.find(|u| number.map_or_else(|| u.name == user.as_bytes(), |n| u.uid == n))
    }

    fn group(&self, group: &str) -> std::result::Result<i64, UserError> {
        let number = passwd::number(group.as_bytes());
        let matches = |g: &Group| number.map_or_else(|| g.name == group.as_bytes(), |n| g.gid == n);
        if let Some(found) = self.group.as_deref().and_then(|text| passwd::groups(text).find(matches)) {
            return Ok(found.gid);
        }
        match number {
            Some(gid) => in_range(gid, group),
            None => Err(UserError::UnknownGroup { name: group.to_owned(), group: self.group.is_some() }),
        }
    }

    /// Groups that list the user's name.
    fn groups_of(&self, name: &[u8]) -> Vec<u32> {
        let groups = passwd::groups(self.group.as_deref().unwrap_or_default());
        groups.filter(|g| g.members.iter().any(|m| m == name)).map(|g| g.gid as u32).collect()
    }
}

fn in_range(id: i64, text: &str) -> std::result::Result<i64, UserError> {
    if (0..=ID_MAX).contains(&id) { Ok(id) } else { Err(UserError::OutOfRange(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::RUNTIMES;

    fn resolve(spec: &str, runtime: &str) -> std::result::Result<(u32, u32, Vec<u32>), UserError> {
        let files = Files {
            passwd: Some(b"root:x:0:0::/:\napp:x:1000:50::/:\n4242:x:7:7::/:\n".to_vec()),
            group: Some(b"extra:x:2000:app,x\nweb:x:33:\n".to_vec()),
        };
        let Some(runtime) = RUNTIMES.iter().find(|r| r.name == runtime) else { panic!("{runtime}") };
        files.resolve(spec, runtime).map(|c| (c.uid, c.gid, c.groups))
    }

    #[test]
    fn names_numbers_and_groups() {
        let docker = |spec| resolve(spec, "docker-29");
        assert_eq!(docker(""), Ok((0, 0, vec![])));
        assert_eq!(docker("app"), Ok((1000, 50, vec![2000])));
        assert_eq!(docker("1000"), Ok((1000, 50, vec![2000])));
        assert_eq!(docker("app:web"), Ok((1000, 33, vec![])));
        assert_eq!(docker("app:77"), Ok((1000, 77, vec![])));
        assert_eq!(docker("4242"), Ok((4242, 0, vec![])), "a number is never a name");
        assert_eq!(docker(":33"), Ok((0, 33, vec![])));
        assert_eq!(resolve("app:web", "containerd-2"), Ok((1000, 33, vec![2000])));
    }

    #[test]
    fn refused() {
        let docker = |spec| resolve(spec, "docker-29");
        assert_eq!(docker("ghost"), Err(UserError::UnknownUser { name: "ghost".into(), passwd: true }));
        assert_eq!(docker("app:nope"), Err(UserError::UnknownGroup { name: "nope".into(), group: true }));
        assert_eq!(docker("-1"), Err(UserError::OutOfRange("-1".into())));
        assert_eq!(docker("2147483648"), Err(UserError::OutOfRange("2147483648".into())));
        assert!(docker(" app").is_err());
        assert!(docker("app\r").is_err());
    }
}
