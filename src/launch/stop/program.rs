//! Programs that are known by name, and what they do on a signal.
//!
//! The name is that of the file, links resolved, or else the one that the program is called by: programs that are many in
//! one file, as busybox, go by that. Where it was established stands with each: *measured* is what it did as PID 1 under
//! runc and crun.

use bstr::{BStr, BString, ByteSlice};

use super::{Disposition, Ending, Nature, Pid1, Reaction, Signal, base, uwsgi};
use crate::finding::Confidence;

/// A line of the table.
struct Known {
    names: &'static [&'static str],
    /// Whether the arguments are those that the line speaks of.
    when: fn(&Pid1<'_>) -> bool,
    /// Signals that end it, with the exit code where that is known. Of others nothing is known, unless there are none.
    ends: &'static [(u8, Option<u8>)],
    /// Signals that it takes for something else, and goes on.
    keeps: &'static [u8],
    /// Signals that end it after a while that is longer than grace periods mostly are.
    slow: &'static [u8],
    disposition: Disposition,
    how: &'static str,
}

const HUP: u8 = 1;
const INT: u8 = 2;
const QUIT: u8 = 3;
const USR1: u8 = 10;
const USR2: u8 = 12;
const TERM: u8 = 15;
const WINCH: u8 = 28;
/// SIGRTMIN+3 as glibc counts.
const RTMIN_3: u8 = 37;
/// What most servers do.
const ORDINARY: &[(u8, Option<u8>)] = &[(TERM, Some(0)), (INT, Some(0))];

const IDLE: Known = Known {
    names: &[],
    when: always,
    ends: &[],
    keeps: &[],
    slow: &[],
    disposition: Disposition::Default,
    how: "measured",
};
const SERVER: Known = Known { ends: ORDINARY, disposition: Disposition::Handler, ..IDLE };

#[rustfmt::skip]
const KNOWN: [Known; 33] = [
    Known { names: &["sleep"], ..IDLE },
    Known { names: &["tail"], when: follows, ..IDLE },
    Known { names: &["cat"], how: "source: coreutils cat.c and busybox cat.c set no handler", ..IDLE },
    Known { names: &["crond"], when: busybox_in_foreground, ..IDLE },
    Known { names: &["cron"], when: |p| has(p, &["-f"]), ..IDLE },
    Known { names: &["nginx", "openresty"], ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, Some(0))],
            keeps: &[HUP, USR1, USR2, WINCH], how: "measured; INT and USR2: nginx(8)", ..SERVER },
    Known { names: &["apache2", "httpd"], when: apache_in_foreground, ends: &[(TERM, Some(0)), (INT, Some(0)), (WINCH, Some(0))],
            keeps: &[HUP, USR1], how: "measured; also manual, \"Stopping and Restarting\"", ..SERVER },
    Known { names: &["haproxy"], when: |p| has(p, &["-W", "-Ws"]),
            ends: &[(TERM, None), (INT, None), (USR1, None)], keeps: &[HUP],
            how: "measured; also management guide, \"Stopping and restarting\"", ..SERVER },
    Known { names: &["redis-server", "redis-sentinel", "redis-check-rdb", "valkey-server"],
            how: "measured; also manual, \"Redis signal handling\"", ..SERVER },
    Known { names: &["postgres", "postmaster"], ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, None)], keeps: &[HUP],
            how: "measured; also manual, \"Shutting Down the Server\"", ..SERVER },
    Known { names: &["mysqld", "mariadbd"], ends: &[(TERM, Some(0))], keeps: &[HUP],
            how: "measured; also manual, \"The Server Shutdown Process\"", ..SERVER },
    Known { names: &["mongod", "mongos"], how: "manual, \"Stop mongod Processes\"", ..SERVER },
    Known { names: &["memcached"], ends: &[(TERM, Some(0)), (INT, Some(0)), (USR1, Some(0))],
            how: "measured; also source, memcached.c `sig_handler` and `sig_usrhandler`", ..SERVER },
    Known { names: &["php-fpm"], ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, Some(0))], keeps: &[USR1, USR2],
            how: "measured; also php-fpm(8)", ..SERVER },
    Known { names: &["sshd"], when: |p| has(p, &["-D", "-De", "-eD"]), ends: &[(TERM, None)],
            how: "measured; also source, sshd.c `sigterm_handler`", ..SERVER },
    Known { names: &["supervisord"], when: |p| has(p, &["-n", "--nodaemon"]),
            ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, Some(0))], keeps: &[HUP], disposition: Disposition::Forwards,
            how: "measured; also manual, \"Signals\"", ..SERVER },
    Known { names: &["runsvdir"], ends: &[(TERM, Some(0))], disposition: Disposition::Forwards, ..SERVER },
    Known { names: &["s6-svscan"], ends: &[(TERM, Some(0))], disposition: Disposition::Forwards, ..SERVER },
    Known { names: &["gunicorn"], ends: &[(TERM, Some(0)), (INT, Some(0)), (QUIT, Some(0))],
            keeps: &[HUP, USR1, USR2, WINCH], how: "measured; also manual, \"Signal Handling\"", ..SERVER },
    Known { names: &["hypercorn", "celery", "twistd"], ends: &[(TERM, Some(0))], ..SERVER },
    Known { names: &["uvicorn"], ends: &[(TERM, None), (INT, None)], keeps: &[QUIT], ..SERVER },
    Known { names: &["flask", "http.server", "php -S", "waitress-serve"], ..IDLE },
    Known { names: &["uwsgi", "uwsgi-core"], when: uwsgi::reloads, ends: &[(INT, None), (QUIT, None)], keeps: &[TERM, HUP],
            how: "measured; also manual, \"Signals for controlling uWSGI\"", ..SERVER },
    Known { names: &["uwsgi", "uwsgi-core"], when: uwsgi::is_alone, ends: &[(TERM, Some(30)), (INT, Some(30))], keeps: &[QUIT],
            ..SERVER },
    Known { names: &["uwsgi", "uwsgi-core"], when: uwsgi::dies, ends: &[(TERM, None), (INT, None)],
            how: "measured; also manual, \"Signals for controlling uWSGI\"", ..SERVER },
    Known { names: &["dnsmasq"], when: |p| has(p, &["-k", "--keep-in-foreground"]), ends: &[(TERM, Some(0))],
            keeps: &[HUP, INT], how: "measured; HUP: dnsmasq(8)", ..SERVER },
    Known { names: &["beam.smp", "erlexec"], ends: &[(TERM, Some(0))], ..SERVER },
    Known { names: &["starman", "hypnotoad"], ends: &[(TERM, Some(0))], ..SERVER },
    Known { names: &["varnishd"], when: |p| has(p, &["-F"]), ends: &[(TERM, Some(0))], ..SERVER },
    Known { names: &["fcgiwrap", "privoxy", "rsyslogd", "slapd"], ends: &[(TERM, None)], ..SERVER },
    Known { names: &["vsftpd"], ..IDLE },
    Known { names: &["squid"], ends: &[(INT, None)], slow: &[TERM],
            how: "measured; also manual, `shutdown_lifetime`, 30 seconds", ..SERVER },
    Known { names: &["systemd", "init"], ends: &[(RTMIN_3, None)], keeps: &[TERM, HUP],
            how: "systemd(1), \"Signals\": SIGTERM executes systemd anew, SIGRTMIN+3 halts", ..SERVER },
];

/// Programs of Go and others that become their arguments; what those do is another matter.
const BECOME: [&str; 4] = ["gosu", "su-exec", "setpriv", "chpst"];

/// Shells whose language is not read. They may handle the signal, but only while they are used at a terminal (measured with
/// tcsh and rc), and what they run is another matter.
const SHELLS: [&str; 16] = [
    "ash", "csh", "elvish", "es", "fish", "ksh", "ksh93", "mksh", "nu", "oksh", "pwsh", "rc", "sh", "tcsh", "yash",
    "zsh",
];

/// A program that replaces itself, or that runs others by a text that is not read.
pub fn becomes_another(pid1: &Pid1<'_>) -> Option<Reaction> {
    if let Some(name) = pid1.names().into_iter().find(|name| SHELLS.iter().any(|known| *name == known)) {
        return Some(Reaction::unknown(format!("`{name}` is a shell whose scripts are not read")));
    }
    let name = pid1.names().into_iter().find(|name| BECOME.iter().any(|known| *name == known))?;
    Some(Reaction::unknown(format!("`{name}` executes another program in its place, which is not followed")))
}

/// What is known of the program by its name.
pub fn known(pid1: &Pid1<'_>, signal: Signal) -> Option<Reaction> {
    let (name, line) = pid1.called().into_iter().find_map(|name| Some((name, line(name, pid1)?)))?;
    Some(line.reaction(pid1, name, signal))
}

/// The same of a script or module that another program runs.
pub fn known_script(pid1: &Pid1<'_>, name: &[u8], signal: Signal) -> Option<Reaction> {
    Some(line(name.as_bstr(), pid1)?.reaction(pid1, name.as_bstr(), signal))
}

/// The line that speaks of the name, and of its arguments.
fn line(name: &BStr, pid1: &Pid1<'_>) -> Option<&'static Known> {
    // php-fpm8.2
    let plain = name.trim_end_with(|c| c.is_ascii_digit() || c == '.').as_bstr();
    let is = |line: &Known, name: &BStr| line.names.iter().any(|known| name == known);
    let names = [name, plain].into_iter().find(|name| KNOWN.iter().any(|line| is(line, name)))?;
    KNOWN.iter().filter(|line| is(line, names)).find(|line| (line.when)(pid1))
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
            None if self.slow.contains(&signal.0) => self.delayed(name, signal),
            None if self.keeps.contains(&signal.0) => self.goes_on(name, signal),
            None => Reaction::unknown(format!("what `{name}` does on {signal} is not known")),
        }
    }

    fn delayed(&self, name: &BStr, signal: Signal) -> Reaction {
        let why = format!("`{name}` ends on {signal} only after a while, for the sake of its clients");
        let reaction = Reaction::ignored(why, self.confidence(), Nature::Server);
        let (disposition, ending) = (Disposition::Handler, Ending::Delayed);
        Reaction { disposition, ending, main_told: Some(true), exit_code: None, ..reaction }
    }

    fn goes_on(&self, name: &BStr, signal: Signal) -> Reaction {
        let why = format!("`{name}` takes {signal} for something else than its end, and goes on");
        let reaction = Reaction::ignored(why, self.confidence(), Nature::Server);
        Reaction { disposition: Disposition::Handler, main_told: Some(true), ..reaction }
    }

    /// What was seen is certain.
    fn confidence(&self) -> Confidence {
        if self.how.starts_with("measured") { Confidence::Certain } else { Confidence::Likely }
    }
}

/// `sleep infinity` and `tail -f /dev/null` are there to keep a container up; a short sleep ends by itself.
fn nature(name: &BStr, pid1: &Pid1<'_>) -> Nature {
    match name.as_bytes() {
        b"sleep" | b"tail" if idles(name, pid1.arguments()) => Nature::Idle,
        b"sleep" | b"cat" => Nature::Tool,
        _ => Nature::Server,
    }
}

/// Whether a program does nothing but keep its container up.
pub fn is_idle(argv: &[BString]) -> bool {
    argv.split_first().is_some_and(|(name, words)| idles(base(name), words))
}

fn idles(name: &BStr, words: &[BString]) -> bool {
    let is_long = |word: &BString| match word.strip_suffix(b"d").unwrap_or(word).to_str() {
        Ok("inf" | "infinity") => true,
        Ok(number) => number.parse::<f64>().is_ok_and(|n| n >= 100_000.0 || word.ends_with(b"d")),
        Err(_) => false,
    };
    match name.as_bytes() {
        b"sleep" => words.iter().any(is_long),
        b"tail" => words.iter().any(|word| *word == "/dev/null"),
        _ => false,
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
