//! Programs that are known by name, and what they do on a signal.
//!
//! The name is that of the file, links resolved, or else the one that the program is called by: programs that are many in
//! one file, as busybox, go by that. Where it was established stands with each: *measured* is what it did as PID 1 under
//! runc and crun.

use bstr::{BStr, BString, ByteSlice};

use super::{Disposition, Nature, Pid1, Reaction, Signal, base};
use crate::finding::Confidence;

/// A line of the table.
struct Known {
    names: &'static [&'static str],
    /// Whether the arguments are those that the line speaks of.
    when: fn(&Pid1<'_>) -> bool,
    /// Signals that end it, with the exit code where that is known. Of others nothing is known, unless there are none.
    ends: &'static [(u8, Option<u8>)],
    disposition: Disposition,
    how: &'static str,
}

const INT: u8 = 2;
const QUIT: u8 = 3;
const USR1: u8 = 10;
const TERM: u8 = 15;
const WINCH: u8 = 28;
/// What most servers do.
const ORDINARY: &[(u8, Option<u8>)] = &[(TERM, Some(0)), (INT, Some(0))];

const IDLE: Known = Known { names: &[], when: always, ends: &[], disposition: Disposition::Default, how: "measured" };
const SERVER: Known = Known { ends: ORDINARY, disposition: Disposition::Handler, ..IDLE };

#[rustfmt::skip]
const KNOWN: [Known; 21] = [
    Known { names: &["sleep"], ..IDLE },
    Known { names: &["tail"], when: follows, ..IDLE },
    Known { names: &["cat"], how: "source: coreutils cat.c and busybox cat.c set no handler", ..IDLE },
    Known { names: &["crond"], when: busybox_in_foreground, ..IDLE },
    Known { names: &["cron"], when: |p| has(p, &["-f"]), ..IDLE },
    Known { names: &["nginx", "openresty"], ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, Some(0))],
            how: "measured; INT: nginx(8)", ..SERVER },
    Known { names: &["apache2", "httpd"], when: apache_in_foreground, ends: &[(TERM, Some(0)), (WINCH, Some(0))],
            how: "measured; WINCH: manual, \"Stopping and Restarting\"", ..SERVER },
    Known { names: &["haproxy"], ends: &[(TERM, None), (INT, None), (USR1, None)],
            how: "measured; INT and USR1: management guide, \"Stopping and restarting\"", ..SERVER },
    Known { names: &["redis-server", "redis-sentinel", "valkey-server"],
            how: "measured; INT: manual, \"Redis signal handling\"", ..SERVER },
    Known { names: &["postgres", "postmaster"], ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, None)],
            how: "measured; QUIT: manual, \"Shutting Down the Server\"", ..SERVER },
    Known { names: &["mysqld", "mariadbd"], ends: &[(TERM, Some(0))],
            how: "manual, \"The Server Shutdown Process\"", ..SERVER },
    Known { names: &["mongod", "mongos"], how: "manual, \"Stop mongod Processes\"", ..SERVER },
    Known { names: &["memcached"], how: "measured; INT: source, memcached.c `sig_handler`", ..SERVER },
    Known { names: &["php-fpm"], ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, Some(0))],
            how: "measured; INT: php-fpm(8)", ..SERVER },
    Known { names: &["sshd"], when: |p| has(p, &["-D", "-De", "-eD"]), ends: &[(TERM, None)],
            how: "source: sshd.c `sigterm_handler`", ..SERVER },
    Known { names: &["supervisord"], when: |p| has(p, &["-n", "--nodaemon"]),
            ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, Some(0))], disposition: Disposition::Forwards,
            how: "measured; INT and QUIT: manual, \"Signals\"" },
    Known { names: &["runsvdir"], ends: &[(TERM, Some(0))], disposition: Disposition::Forwards, ..SERVER },
    Known { names: &["s6-svscan"], ends: &[(TERM, Some(0))], disposition: Disposition::Forwards, ..SERVER },
    Known { names: &["gunicorn", "hypercorn", "celery"], ends: &[(TERM, Some(0))], ..SERVER },
    Known { names: &["uvicorn"], ends: &[(TERM, None)], ..SERVER },
    Known { names: &["flask", "http.server", "php -S", "waitress-serve"], ..IDLE },
];

/// Programs of Go and others that become their arguments; what those do is another matter.
const BECOME: [&str; 4] = ["gosu", "su-exec", "setpriv", "chpst"];

/// A program that replaces itself.
pub fn becomes_another(pid1: &Pid1<'_>) -> Option<Reaction> {
    let name = pid1.names().into_iter().find(|name| BECOME.iter().any(|known| *name == known))?;
    Some(Reaction::unknown(format!("`{name}` executes another program in its place, which is not followed")))
}

/// What is known of the program by its name.
pub fn known(pid1: &Pid1<'_>, signal: Signal) -> Option<Reaction> {
    let (name, line) = pid1.called().into_iter().find_map(|name| Some((name, line(name)?)))?;
    (line.when)(pid1).then(|| line.reaction(pid1, name, signal))
}

/// The same of a script or module that another program runs.
pub fn known_script(pid1: &Pid1<'_>, name: &[u8], signal: Signal) -> Option<Reaction> {
    let line = line(name.as_bstr())?;
    (line.when)(pid1).then(|| line.reaction(pid1, name.as_bstr(), signal))
}

fn line(name: &BStr) -> Option<&'static Known> {
    // php-fpm8.2
    let plain = name.trim_end_with(|c| c.is_ascii_digit() || c == '.').as_bstr();
    let is = |line: &&Known, name: &BStr| line.names.iter().any(|known| name == known);
    KNOWN.iter().find(|line| is(line, name)).or_else(|| KNOWN.iter().find(|line| is(line, plain)))
}

impl Known {
    fn reaction(&self, pid1: &Pid1<'_>, name: &BStr, signal: Signal) -> Reaction {
        if self.ends.is_empty() {
            let why = format!("`{name}` sets no handler for {signal}, and the kernel drops what PID 1 does not handle");
            return Reaction::ignored(why, self.confidence(), nature(name, pid1));
        }
        match self.ends.iter().find(|(number, _)| *number == signal.0) {
            Some((_, code)) => {
                let why = format!("`{name}` ends on {signal}");
                Reaction::stops(self.disposition, *code, why, self.confidence())
            }
            None => Reaction::unknown(format!("what `{name}` does on {signal} is not known")),
        }
    }

    /// What was seen is certain.
    fn confidence(&self) -> Confidence {
        if self.how.starts_with("measured") { Confidence::Certain } else { Confidence::Likely }
    }
}

/// `sleep infinity` and `tail -f /dev/null` are there to keep a container up; a short sleep ends by itself.
fn nature(name: &BStr, pid1: &Pid1<'_>) -> Nature {
    let is_long = |word: &BString| match word.strip_suffix(b"d").unwrap_or(word).to_str() {
        Ok("inf" | "infinity") => true,
        Ok(number) => number.parse::<f64>().is_ok_and(|n| n >= 100_000.0 || word.ends_with(b"d")),
        Err(_) => false,
    };
    let mut words = pid1.arguments().iter();
    match name.as_bytes() {
        b"sleep" if words.any(is_long) => Nature::Idle,
        b"sleep" => Nature::Tool,
        b"tail" if words.any(|word| *word == "/dev/null") => Nature::Idle,
        b"cat" => Nature::Tool,
        _ => Nature::Server,
    }
}

impl Pid1<'_> {
    /// The names by which it may be known; `busybox tail` is `tail`.
    fn called(&self) -> Vec<&BStr> {
        let names = self.names();
        let applet = self.applet().filter(|_| names.iter().all(|name| *name == "busybox"));
        names.into_iter().chain(applet).collect()
    }

    fn applet(&self) -> Option<&BStr> {
        self.arguments().first().map(|word| base(word))
    }
}

fn always(_: &Pid1<'_>) -> bool {
    true
}

fn has(pid1: &Pid1<'_>, words: &[&str]) -> bool {
    pid1.arguments().iter().any(|argument| words.iter().any(|word| argument == word))
}

/// `-f`, also among other letters, `-F`, `--follow`.
fn follows(pid1: &Pid1<'_>) -> bool {
    let letters =
        |word: &BString| word.starts_with(b"-") && !word.starts_with(b"--") && word.find_byteset(b"fF").is_some();
    pid1.arguments().iter().any(|word| letters(word) || word.starts_with(b"--follow"))
}

/// Other crond than busybox's are other programs.
fn busybox_in_foreground(pid1: &Pid1<'_>) -> bool {
    pid1.names().contains(&BStr::new("busybox")) && has(pid1, &["-f"])
}

fn apache_in_foreground(pid1: &Pid1<'_>) -> bool {
    has(pid1, &["-DFOREGROUND", "FOREGROUND", "-DNO_DETACH", "NO_DETACH"])
}

/// nginx without `daemon off;` among its arguments or in its configuration: it starts a second process and ends.
pub fn goes_to_the_background(pid1: &Pid1<'_>) -> Option<String> {
    if !pid1.names().contains(&BStr::new("nginx")) {
        return None;
    }
    let says = |text: &BString| text.contains_str("daemon off") || text.contains_str("daemon  off");
    let ends = |word: &BString| matches!(word.as_slice(), b"-t" | b"-T" | b"-v" | b"-V" | b"-h" | b"-s");
    if pid1.arguments().iter().any(|word| says(word) || ends(word)) {
        return None;
    }
    let place = pid1.arguments().iter().skip_while(|word| *word != "-c").nth(1);
    let place = place.map_or(b"/etc/nginx/nginx.conf".as_slice(), |path| path.as_slice());
    let text = pid1.text(place).unwrap_or_default();
    (!says(&text)).then(|| {
        let place = place.as_bstr();
        format!("`nginx` goes to the background and ends, unless what `{place}` includes says `daemon off;`")
    })
}
