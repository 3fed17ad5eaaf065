//! Programs that end soon, and what some of them print.
//!
//! What is not listed here may be the main process and run for ever.

use std::collections::HashSet;
use std::sync::LazyLock;

use bstr::{BStr, BString, ByteSlice};

use super::value::Value;
use super::value::{Field, Status, all_known};
use super::world::{Content, Run, World, absolute};
use crate::launch::wrapper;

/// They end soon, and change no more files than they name.
const SHORT: &str = "[ addgroup adduser apk apt apt-get arch awk b2sum base32 base64 basename cat chattr chcon chgrp chmod chown cksum cmp \
    comm cp crontab csplit curl cut date dd deluser delgroup df diff dig dirname dmesg dnsdomainname dos2unix du echo \
    egrep env envsubst expand expr factor fallocate false fgrep file find fmt fold free gawk getconf getent getopt gpg grep \
    groupadd groupdel groupmod groups gunzip gzip head hexdump host hostid hostname iconv id install ip iptables \
    ip6tables join jq kill killall last ldconfig ldd less link ln locale locale-gen logger logname ls lsb_release lsof \
    lscpu lsmod make-ssl-cert mawk md5sum mesg mkdir mkfifo mknod mktemp modprobe more mount mountpoint mv nc netstat nl \
    nproc nslookup od openssl passwd paste pathchk pgrep pidof pinky ping pkill pr printenv printf ps pwd readlink \
    realpath rev rm rmdir route sed seq setcap setfacl sha1sum sha256sum sha512sum shred shuf sleep sort split ss stat \
    strings stty sum sync sysctl tac tar tee test timedatectl touch tr true truncate tsort tty umount uname uncompress \
    unexpand uniq unlink unxz unzip update-ca-certificates update-alternatives uptime useradd userdel usermod users \
    usleep uuidgen vdir wc wget which who whoami xxd xz xzcat yes zcat zip chpasswd ssh-keygen keytool htpasswd \
    update-locale dpkg dpkg-reconfigure debconf-set-selections yq";

static TABLE: LazyLock<HashSet<&'static str>> = LazyLock::new(|| SHORT.split_ascii_whitespace().collect());

/// They end soon if they are given files or options; alone they read standard input, which is empty at once.
const NEVER: [&[&str]; 3] = [&["tail", "-f"], &["tail", "-F"], &["sleep", "infinity"]];

/// Wrappers before one program that are looked through: each costs a look at all words behind it.
const MAX_WRAPPERS: usize = 8;

/// Options that have a program tell of itself.
const TELLING: [&str; 3] = ["--version", "-version", "--help"];

/// Commands of git that end soon.
const GIT: &str = "add branch checkout commit config describe diff init log rev-parse show status submodule tag";

/// What comes of running a program, by its name.
pub fn run(argv: &[Field], cwd: &BStr, world: &dyn World) -> Run {
    let Some(name) = argv.first().and_then(Field::known) else { return Run::UNKNOWN };
    let name = name.rsplit_once_str("/").map_or(name.as_bytes(), |(_, n)| n);
    let Ok(name) = name.to_str() else { return Run::UNKNOWN };
    let never = NEVER
        .iter()
        .any(|words| words.iter().all(|w| argv.iter().any(|f| f.known().is_some_and(|k| k.ends_with_str(w)))));
    let command = argv.get(1).and_then(Field::known);
    let of_git = name == "git" && command.is_some_and(|c| GIT.split_ascii_whitespace().any(|known| c == known));
    if never {
        return Run { never: true, disturbs: false, ..Run::UNKNOWN };
    }
    if let Some(inner) = wrapped(argv).filter(|inner| !inner.is_empty() || name != "xargs") {
        let inner = behind_wrappers(inner);
        let run =
            if wrapped(inner).is_some_and(|more| !more.is_empty()) { Run::UNKNOWN } else { run(inner, cwd, world) };
        return Run { disturbs: true, output: None, status: Status::Unknown, ..run };
    }
    // whatever it is, it tells of itself and ends
    let asked = argv.len() == 2 && command.is_some_and(|c| TELLING.iter().any(|word| c == *word));
    let alone = name == "xargs" && wrapped(argv).is_some();
    if !(of_git || alone || asked || TABLE.contains(name)) || name == "env" && argv.len() > 1 {
        return Run::UNKNOWN;
    }
    let unknown = Run { short: true, status: Status::Unknown, output: None, disturbs: false, never: false };
    let Some(words) = all_known(argv) else { return unknown };
    let words: Vec<&[u8]> = words.iter().skip(1).map(|w| w.as_bytes()).collect();
    match output(name, &words, cwd, world) {
        Some(Ok(text)) => Run { status: Status::OK, output: Some(text), ..unknown },
        Some(Err(code)) => Run { status: Status::Code(code), output: Some(BString::default()), ..unknown },
        None => unknown,
    }
}

/// The words of the program that the wrappers in front of it come to; not all of them, if there are very many.
pub fn behind_wrappers(mut argv: &[Field]) -> &[Field] {
    for _ in 0..MAX_WRAPPERS {
        match wrapped(argv).filter(|inner| !inner.is_empty() && inner.len() < argv.len()) {
            Some(inner) => argv = inner,
            None => break,
        }
    }
    argv
}

/// The words of the program that a wrapper starts; env(1) is one if it has words besides variables.
fn wrapped(argv: &[Field]) -> Option<&[Field]> {
    let words: Vec<BString> = argv.iter().map(|field| field.known().unwrap_or(b"\0".as_bstr()).into()).collect();
    let (name, rest) = words.split_first()?;
    match basename(name).as_slice() {
        b"env" => argv.get(1 + rest.iter().position(|word| !word.contains(&b'='))?..),
        _ => argv.get(wrapper::inner(&words)?..),
    }
}

/// What it prints, or the code that it fails with printing nothing.
fn output(name: &str, words: &[&[u8]], cwd: &BStr, world: &dyn World) -> Option<Result<BString, u8>> {
    let (uid, gid) = world.ids();
    let line = |text: BString| Some(Ok([text.as_slice(), b"\n"].concat().into()));
    let here = Value::from(cwd.to_owned());
    match (name, words) {
        ("true", []) => Some(Ok(BString::default())),
        ("false", []) => Some(Err(1)),
        ("echo", words) if words.iter().all(|w| !w.contains(&b'\\') && !w.starts_with(b"-")) => {
            line(bstr::join(" ", words).into())
        }
        ("id", [b"-u"]) => line(uid.to_string().into()),
        ("id", [b"-g"]) => line(gid.to_string().into()),
        ("id", [b"-un" | b"-nu"]) | ("id", [b"-u", b"-n"]) | ("whoami", []) => line(world.user(uid)?),
        ("dirname", [path]) | ("dirname", [b"--", path]) if !path.starts_with(b"-") => line(dirname(path)),
        ("basename", [path]) | ("basename", [b"--", path]) if !path.starts_with(b"-") => line(basename(path)),
        ("basename", [path, suffix]) if !path.starts_with(b"-") => {
            let base = basename(path);
            let cut = base.strip_suffix(*suffix).filter(|b| !b.is_empty()).map(BString::from);
            line(cut.unwrap_or(base))
        }
        ("readlink", [b"-f" | b"-e", path]) | ("realpath", [path]) if !path.starts_with(b"-") => {
            match world.canonical(absolute(path.as_bstr(), &here)?.as_bstr())? {
                Some(path) => line(path),
                None => None,
            }
        }
        ("pwd", []) => line(cwd.into()),
        ("cat", [path]) if !path.starts_with(b"-") => match world.read(absolute(path.as_bstr(), &here)?.as_bstr()) {
            Content::Bytes(bytes) => Some(Ok(bytes.into())),
            Content::Absent => Some(Err(1)),
            Content::Unknown => None,
        },
        _ => None,
    }
}

/// dirname(1)
pub fn dirname(path: &[u8]) -> BString {
    let trimmed = path.trim_end_with(|c| c == '/');
    match trimmed.rsplit_once_str("/") {
        _ if trimmed.is_empty() && !path.is_empty() => "/".into(),
        None => ".".into(),
        Some((dir, _)) => {
            let dir = dir.trim_end_with(|c| c == '/');
            if dir.is_empty() { "/".into() } else { dir.into() }
        }
    }
}

/// basename(1)
pub fn basename(path: &[u8]) -> BString {
    let trimmed = path.trim_end_with(|c| c == '/');
    match trimmed.rsplit_once_str("/") {
        _ if trimmed.is_empty() && !path.is_empty() => "/".into(),
        None => trimmed.into(),
        Some((_, base)) => base.into(),
    }
}

/// Programs after which all files are what they were, but for directories.
const QUIET: &str = "basename date dirname echo false grep hostname id ls mkdir printf sleep true uname wc whoami";

/// Whether a program does nothing to files but make directories.
pub fn leaves_files(argv: &[Field]) -> bool {
    is_among(QUIET, argv)
}

/// Programs that end soon and tell nothing to other processes.
const HARMLESS: &str = "basename cat chmod chown cp date df dirname du echo env false find grep head id ls mkdir mv printf \
    ps pwd rm rmdir sed seq sleep sort stat sync tail tee test touch tr true uname wc whoami";

/// Whether a program does nothing to other processes.
pub fn is_harmless(argv: &[Field]) -> bool {
    is_among(HARMLESS, argv)
}

/// Harmless programs that read what they are given.
const READING: &str = "cat env grep head sed sort tail tee tr wc";

/// Whether a program may read of its standard input.
pub fn may_read(argv: &[Field]) -> bool {
    !is_among(HARMLESS, argv) || is_among(READING, argv)
}

/// Programs that pass on what they are given, or something of it.
const FILTERS: &str = "awk cat cut head sed sort tail tee tr ts uniq";

/// Whether a program takes any input, and succeeds.
pub fn is_filter(argv: &[Field]) -> bool {
    is_among(FILTERS, argv)
}

fn is_among(names: &str, argv: &[Field]) -> bool {
    let name = argv.first().and_then(Field::known).map(|name| basename(name));
    name.is_some_and(|name| names.split_ascii_whitespace().any(|known| name == known))
}

/// Notes in `touch` which files a short program makes or changes.
pub fn touches(argv: &[Field], mut touch: impl FnMut(&BStr, u8)) -> bool {
    let Some(words) = all_known(argv) else { return false };
    let Some((name, operands)) = words.split_first() else { return true };
    let name = basename(name);
    let files = operands.iter().filter(|w| !w.starts_with(b"-"));
    match name.as_slice() {
        b"mkdir" => files.for_each(|f| touch(f, b'd')),
        b"touch" => files.for_each(|f| touch(f, b'?')),
        b"rm" | b"rmdir" | b"unlink" => files.for_each(|f| touch(f, b'-')),
        b"cp" | b"mv" | b"ln" | b"tee" | b"install" | b"chmod" | b"chown" | b"chgrp" | b"mkfifo" | b"mknod"
        | b"truncate" => {
            files.for_each(|f| touch(f, b'?'));
        }
        b"dd" => operands.iter().filter_map(|w| w.strip_prefix(b"of=")).for_each(|f| touch(f.as_bstr(), b'?')),
        b"find" if operands.iter().any(|w| matches!(w.as_bytes(), b"-delete" | b"-exec" | b"-execdir")) => {
            let roots = operands.iter().take_while(|w| !w.starts_with(b"-"));
            roots.for_each(|f| touch(f, b'?'));
            return false;
        }
        b"adduser" | b"useradd" | b"usermod" | b"userdel" | b"deluser" | b"addgroup" | b"groupadd" | b"groupmod"
        | b"groupdel" | b"delgroup" | b"passwd" | b"chpasswd" => {
            ["/etc/passwd", "/etc/group"].iter().for_each(|f| touch((*f).into(), b'?'));
            return false;
        }
        b"awk" | b"gawk" | b"mawk" if operands.iter().any(|w| w.contains(&b'>')) => return false,
        b"sed" if operands.iter().any(|w| w.starts_with(b"w ") || w.contains_str(" w ")) => return false,
        b"sed" if operands.iter().any(|w| w.starts_with(b"-i")) => files.for_each(|f| touch(f, b'?')),
        b"tar" | b"unzip" | b"wget" | b"curl" | b"dpkg" | b"apk" | b"apt-get" | b"apt" | b"find" | b"mount"
        | b"openssl" | b"ssh-keygen" => return false,
        _ => {}
    }
    true
}
