//! A directory of what was learned of blobs before: the cache. The only place that writes.
//!
//! An entry is a file that is named after the digest of the blob that it is about (or of a list of such digests), and is
//! written under another name first, so that a file under its own name is whole. What a crash leaves is found by its
//! checksum, or by the process that is gone, and removed. Entries are never trusted further: what is in them was made from
//! a blob that had the digest, and whoever may write to the directory may write anything into it.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// What all entries may take in bytes: some thousand layers.
const MOST: u64 = 512 << 20;

/// What is left of that when there was more.
const ENOUGH: u64 = MOST / 10 * 8;

/// The longest entry that is read or written.
const ENTRY_MAX: u64 = 64 << 20;

/// What entries begin with.
const MAGIC: &[u8; 16] = b"imagelint cache\n";

/// Raise it when what is kept of a layer, or how it is written, changes.
const FORMAT: u32 = 1;

/// Magic, format, the program's version, a checksum.
const HEADER: usize = MAGIC.len() + 4 + 32 + 32;

/// What entries of this program are called.
const SUFFIX: &str = "entry";

/// What was learned of blobs, by key.
pub trait Keep: Debug + Send + Sync {
    /// What was put under `key`, if it is still there.
    fn get(&self, key: &Key) -> Option<Vec<u8>>;

    /// Puts `parts`, one after the other, under `key`, if that is possible.
    fn put_parts(&self, key: &Key, parts: &[&[u8]]);

    /// Whether it will be there in another run.
    fn lasts(&self) -> bool {
        true
    }

    /// Puts `bytes` under `key`, if that is possible.
    fn put(&self, key: &Key, bytes: &[u8]) {
        self.put_parts(key, &[bytes]);
    }
}

impl Keep for Store {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        Store::get(self, key)
    }

    fn put_parts(&self, key: &Key, parts: &[&[u8]]) {
        Store::put_parts(self, key, parts);
    }
}

/// The directory.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    /// Why nothing more is written, as soon as something could not be.
    trouble: Mutex<Option<String>>,
    has_written: AtomicBool,
    temporaries: AtomicU64,
}

/// What there is in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// How many entries.
    pub entries: usize,
    /// How many bytes they take.
    pub bytes: u64,
}

impl Store {
    /// The store in `directory`, which is made when something is written.
    pub fn new(directory: PathBuf) -> Self {
        let (trouble, has_written, temporaries) = Default::default();
        Store { directory, trouble, has_written, temporaries }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What was put under `key`, if it is there and whole; using it makes it young again.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let path = self.path(key);
        // no link, no device, and nothing that others put there
        let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        let file = File::open(&path).ok().filter(|_| is_file && self.is_private().is_ok())?;
        let bytes = read(&file);
        if bytes.is_none() && !is_of_another_version(&file) {
            // A crash or a full disk left it so, and it would only be in the way.
            let _ = fs::remove_file(&path);
        }
        let bytes = bytes?;
        // Where this fails the entry is only forgotten sooner.
        let _ = file.set_modified(SystemTime::now());
        Some(bytes)
    }

    /// Puts `parts`, one after the other, under `key`. What hinders that is told once, by [`Store::trouble`].
    pub fn put_parts(&self, key: &Key, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len as u64 > ENTRY_MAX || self.trouble().is_some() {
            return;
        }
        match self.write(&self.path(key), parts) {
            Ok(()) => self.has_written.store(true, Ordering::Relaxed),
            Err(error) => *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string()),
        }
    }

    /// Why nothing could be written.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.directory.join(&key.0)
    }

    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        self.make()?;
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        let temporary = self.directory.join(format!("{}.{number}.{TEMPORARY}", process::id()));
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
        let written = new.and_then(|mut file| {
            file.write_all(&header(parts))?;
            parts.iter().try_for_each(|part| file.write_all(part))
        });
        let renamed = written.and_then(|()| fs::rename(&temporary, path));
        if renamed.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        renamed
    }

    /// Makes the directory, for nobody else to read: it tells which images its user looks at.
    fn make(&self) -> io::Result<()> {
        if !self.directory.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        }
        self.is_private()
    }

    fn is_private(&self) -> io::Result<()> {
        if fs::metadata(&self.directory)?.mode() & 0o002 != 0 {
            return Err(io::Error::other("everyone may write to it, so what is in it cannot be relied on"));
        }
        Ok(())
    }

    /// What is in it.
    ///
    /// # Errors
    /// It is there and cannot be listed.
    pub fn contents(&self) -> io::Result<Contents> {
        let files = self.files()?;
        let entries = files.iter().filter(|file| file.is_entry);
        Ok(entries
            .fold(Contents::default(), |all, file| Contents { entries: all.entries + 1, bytes: all.bytes + file.len }))
    }

    /// Removes all entries and what crashes left, and nothing else; what was removed.
    ///
    /// # Errors
    /// The first that could not be.
    pub fn clear(&self) -> io::Result<Contents> {
        let mut removed = Contents::default();
        for file in self.files()? {
            match fs::remove_file(&file.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            if file.is_entry {
                removed = Contents { entries: removed.entries + 1, bytes: removed.bytes + file.len };
            }
        }
        Ok(removed)
    }

    /// Lets go of what was not used for long, if there is too much; and of what processes left that are gone.
    fn trim(&self) -> io::Result<()> {
        let (mut entries, left): (Vec<Stored>, Vec<Stored>) = self.files()?.into_iter().partition(|file| file.is_entry);
        for file in left.iter().filter(|file| file.is_abandoned()) {
            let _ = fs::remove_file(&file.path);
        }
        let mut all: u64 = entries.iter().map(|file| file.len).sum();
        if all <= MOST {
            return Ok(());
        }
        entries.sort_by_key(|file| file.used);
        for file in entries {
            if all <= ENOUGH {
                break;
            }
            fs::remove_file(&file.path)?;
            all -= file.len;
        }
        Ok(())
    }

    /// The files that this program made: by name, in the directory itself, and no links.
    fn files(&self) -> io::Result<Vec<Stored>> {
        let listed = match fs::read_dir(&self.directory) {
            Ok(listed) => listed,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in listed {
            files.extend(Stored::of(&entry?.path()));
        }
        Ok(files)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.has_written.load(Ordering::Relaxed) {
            // It is a cache: what cannot be removed now may be another time.
            let _ = self.trim();
        }
    }
}

/// Files that are being written are called `PROCESS.NUMBER.tmp`.
const TEMPORARY: &str = "tmp";

/// What an entry is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// For what was learned of the blob with that digest (`sha256:…`, verified); `what` is made of letters, digits and
    /// `-`. `None` if it is no digest.
    pub fn new(digest: &str, what: &str) -> Option<Self> {
        super::verify::Hasher::of(digest).ok()?;
        let (algorithm, hex) = digest.split_once(':')?;
        Some(Key(format!("{algorithm}-{hex}.{what}.{SUFFIX}")))
    }
}

struct Stored {
    path: PathBuf,
    is_entry: bool,
    len: u64,
    used: SystemTime,
}

impl Stored {
    fn of(path: &Path) -> Option<Self> {
        let suffix = path.extension().and_then(OsStr::to_str)?;
        let is_entry = suffix == SUFFIX;
        let metadata = path.symlink_metadata().ok()?;
        if !metadata.is_file() || !(is_entry || suffix == TEMPORARY) {
            return None;
        }
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(Stored { path: path.to_owned(), is_entry, len: metadata.len(), used })
    }

    /// Whether the process that was writing it is gone.
    fn is_abandoned(&self) -> bool {
        let name = self.path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let process = name.split('.').next().and_then(|number| number.parse::<u32>().ok());
        process.is_none_or(|process| !Path::new("/proc").join(process.to_string()).exists())
    }
}

/// Everything before the checksum: a file of another format or version of the program is left to it.
fn stamp() -> [u8; HEADER - 32] {
    let mut stamp = [0; HEADER - 32];
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let parts = [MAGIC.as_slice(), &FORMAT.to_le_bytes(), version];
    stamp.iter_mut().zip(parts.concat()).for_each(|(into, byte)| *into = byte);
    stamp
}

fn header(parts: &[&[u8]]) -> Vec<u8> {
    let mut checksum = Sha256::new();
    parts.iter().for_each(|part| checksum.update(part));
    [stamp().as_slice(), checksum.finalize().as_slice()].concat()
}

/// What stands behind the header, if both are whole.
fn read(mut file: &File) -> Option<Vec<u8>> {
    let len = file.metadata().ok().filter(fs::Metadata::is_file)?.len();
    let len = len.checked_sub(HEADER as u64).filter(|len| *len <= ENTRY_MAX)?;
    let (mut head, mut bytes) = ([0; HEADER], Vec::with_capacity(len as usize));
    file.read_exact(&mut head).ok()?;
    file.take(len).read_to_end(&mut bytes).ok()?;
    (head.as_slice() == header(&[&bytes])).then_some(bytes)
}

fn is_of_another_version(mut file: &File) -> bool {
    use std::io::Seek;
    let mut head = [0; HEADER - 32];
    file.rewind().is_ok() && file.read_exact(&mut head).is_ok() && head.starts_with(MAGIC) && head != stamp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    fn key(n: u8) -> Key {
        Key::new(&format!("sha256:{}", format!("{n:02x}").repeat(32)), "layer").unwrap()
    }

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path().join("a/b"));
        (directory, store)
    }

    #[test]
    fn what_was_put_is_there() {
        let (_directory, store) = store();
        assert_eq!(store.get(&key(1)), None);
        store.put(&key(1), b"one");
        store.put(&key(2), b"two");
        store.put(&key(1), b"three");
        assert_eq!(store.get(&key(1)).as_deref(), Some(b"three".as_slice()));
        assert_eq!(store.contents().unwrap().entries, 2);
        assert_eq!(store.clear().unwrap().entries, 2);
        assert_eq!((store.get(&key(2)), store.contents().unwrap()), (None, Contents::default()));
        assert_eq!(fs::metadata(store.directory()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_is_damaged_is_not_there_and_goes() {
        let (_directory, store) = store();
        let path = store.path(&key(1));
        for damage in 0..4 {
            store.put(&key(1), b"something");
            let mut bytes = fs::read(&path).unwrap();
            match damage {
                0 => *bytes.last_mut().unwrap() ^= 1,
                1 => bytes.truncate(HEADER + 2),
                2 => bytes.truncate(5),
                _ => bytes.push(0),
            }
            fs::write(&path, bytes).unwrap();
            assert_eq!(store.get(&key(1)), None, "{damage}");
            assert!(!path.exists(), "{damage}");
        }
    }

    #[test]
    fn another_versions_entries_are_left_to_it() {
        let (_directory, store) = store();
        store.put(&key(1), b"something");
        let path = store.path(&key(1));
        let mut bytes = fs::read(&path).unwrap();
        bytes[MAGIC.len()] += 1;
        fs::write(&path, bytes).unwrap();
        assert!(store.get(&key(1)).is_none() && path.exists());
    }

    #[test]
    fn links_are_not_followed() {
        let (directory, store) = store();
        store.put(&key(1), b"something");
        let outside = directory.path().join("outside");
        fs::rename(store.path(&key(1)), &outside).unwrap();
        std::os::unix::fs::symlink(&outside, store.path(&key(1))).unwrap();
        assert_eq!(store.get(&key(1)), None);
        store.clear().unwrap();
        assert!(outside.exists() && store.path(&key(1)).is_symlink());
        store.put(&key(1), b"new");
        assert_ne!(fs::read(&outside).unwrap().last(), Some(&b'w'));
    }

    #[test]
    fn other_files_stay() {
        let (_directory, store) = store();
        store.put(&key(1), b"something");
        fs::write(store.directory().join("notes.txt"), "mine").unwrap();
        store.clear().unwrap();
        assert!(store.directory().join("notes.txt").exists());
    }

    #[test]
    fn what_a_dead_process_left_goes() {
        let (_directory, store) = store();
        store.put(&key(1), b"something");
        let (dead, own) = (store.directory().join("999999999.0.tmp"), format!("{}.77.tmp", process::id()));
        let own = store.directory().join(own);
        fs::write(&dead, "x").unwrap();
        fs::write(&own, "x").unwrap();
        store.trim().unwrap();
        assert!(!dead.exists() && own.exists());
    }

    #[test]
    fn the_oldest_go_first() {
        let (_directory, store) = store();
        let now = SystemTime::now();
        for n in 0..5 {
            store.put(&key(n), b"x");
            let file = File::options().write(true).open(store.path(&key(n))).unwrap();
            file.set_len(MOST / 4).unwrap();
            file.set_modified(now - Duration::from_secs(100 - u64::from(n))).unwrap();
        }
        store.trim().unwrap();
        let left: Vec<u8> = (0..5).filter(|n| store.path(&key(*n)).exists()).collect();
        assert_eq!(left, [2, 3, 4], "5/4 of the most, and then no more than 8/10");
    }

    #[test]
    fn a_directory_that_everyone_may_write_to_is_not_used() {
        let (_directory, store) = store();
        fs::create_dir_all(store.directory()).unwrap();
        fs::set_permissions(store.directory(), fs::Permissions::from_mode(0o777)).unwrap();
        store.put(&key(1), b"x");
        assert!(store.trouble().is_some_and(|trouble| trouble.contains("everyone")));
        assert_eq!(store.get(&key(1)), None);
    }

    #[test]
    fn trouble_is_told_and_ends_writing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let store = Store::new(file.join("below"));
        store.put(&key(1), b"x");
        assert!(store.trouble().is_some());
        assert_eq!(store.contents().ok(), None);
    }

    #[test]
    fn keys_are_digests() {
        assert_eq!(Key::new("sha256:../../etc/passwd", "layer"), None);
        assert_eq!(Key::new("md5:00", "layer"), None);
    }
}
