//! credentials(7) as far as access to files goes.

use super::Inode;

/// Who asks: effective ids and the one capability that matters for look-ups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Effective (and file system) user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: Vec<u32>,
    /// CAP_DAC_OVERRIDE: searches every directory, reads every file, executes a file with any x bit.
    pub dac_override: bool,
}

/// The permission bits of one class, as access(2) numbers them.
pub const READ: u16 = 4;
/// Execute a file, search a directory.
pub const EXECUTE: u16 = 1;

/// Which class of permission bits decides (inode(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The owner's bits.
    Owner,
    /// The group's.
    Group,
    /// The others'.
    Other,
}

impl Credentials {
    /// root with the capabilities that every engine grants.
    pub fn root() -> Self {
        Credentials { uid: 0, gid: 0, groups: Vec::new(), dac_override: true }
    }

    /// Whether `inode` may be accessed for `bit` ([`READ`] or [`EXECUTE`]): the first class that matches decides.
    pub fn may(&self, bit: u16, inode: Inode<'_>) -> bool {
        if self.dac_override {
            return bit != EXECUTE || inode.kind.is_directory() || inode.mode & 0o111 != 0;
        }
        let shift = match self.class(inode) {
            Class::Owner => 6,
            Class::Group => 3,
            Class::Other => 0,
        };
        inode.mode >> shift & bit != 0
    }

    /// The class of `inode`'s permission bits that applies.
    pub fn class(&self, inode: Inode<'_>) -> Class {
        if self.uid == inode.uid {
            Class::Owner
        } else if self.gid == inode.gid || self.groups.contains(&inode.gid) {
            Class::Group
        } else {
            Class::Other
        }
    }
}
