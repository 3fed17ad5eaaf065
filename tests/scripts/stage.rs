//! Where scripts run: a scratch directory with stub programs, and what the evaluator is told of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bstr::{BStr, BString, ByteSlice};
use imagelint::launch::script::{Content, Field, Found, Invocation, Run, Status, Truth, Value, World, run_known};
use imagelint::launch::{Replacing, Shell};
use imagelint::rootfs::Errno;
use tempfile::TempDir;

use super::grammar::Script;

/// A stub exits with the digits of its name; `o…` prints, `u…` exits as the environment says.
const STUB: &str = r#"#!/bin/dash
l="$$ ${0##*/}"; for a; do l="$l|$a"; done; echo "$l" >>"$STAGE_LOG"
case ${0##*/} in
o*) echo "out${0##*o}";;
u*) exit $STAGE_LUCK;;
esac
exit ${0##*[a-z]}
"#;

pub struct Stage {
    dir: TempDir,
    command: Vec<String>,
    /// See [`ignores_keys`].
    ignoring: bool,
}

/// What happened.
#[derive(Debug)]
pub struct Observed {
    /// Words of each stub, and whether it was the shell's own process.
    pub ran: Vec<(Vec<String>, bool)>,
    /// Exit code.
    pub code: i32,
}

impl Stage {
    /// `None` if the shell is not installed.
    pub fn new(command: &[&str]) -> Option<Self> {
        let found = std::env::var("PATH").ok()?.split(':').any(|d| Path::new(d).join(command[0]).exists());
        if !found || !Path::new("/bin/dash").exists() {
            return None;
        }
        let dir = TempDir::new().unwrap();
        let at = |p: &str| dir.path().join(p);
        for d in ["bin", "closed", "closed/adir", "run", "data", "data/sub"] {
            fs::create_dir_all(at(d)).unwrap();
        }
        for name in ["p0", "p1", "p3", "p7", "o0", "o4", "u0", "m0"] {
            fs::write(at("bin").join(name), STUB).unwrap();
            fs::set_permissions(at("bin").join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(at("closed/noex"), "x").unwrap();
        fs::write(at("bin/badint"), "#!/nope/sh\n").unwrap();
        fs::set_permissions(at("bin/badint"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(at("data/lib.sh"), "lib=1\nlibf() { p0 lib \"$1\"; }\n").unwrap();
        fs::write(at("data/ret.sh"), "p0 ret; return 3; p1 no\n").unwrap();
        fs::write(at("data/fail.sh"), "p0 in; p3; p0 after\n").unwrap();
        for name in ["a.t", "b.t", "sub/c.t"] {
            fs::write(at("data").join(name), "text\n").unwrap();
        }
        fs::write(at("data/empty"), "").unwrap();
        let command = command.iter().map(|s| (*s).to_owned()).collect();
        Some(Stage { dir, command, ignoring: ignores_keys() })
    }

    fn path(&self) -> String {
        let d = self.dir.path().display();
        format!("{d}/bin:{d}/closed:/usr/bin:/bin")
    }

    fn environment(&self, script: &Script) -> Vec<(String, String)> {
        let d = self.dir.path().display();
        let mut all = vec![
            ("PATH".to_owned(), self.path()),
            ("HOME".to_owned(), format!("{d}/data")),
            ("D".to_owned(), format!("{d}/data")),
            ("E".to_owned(), "e v".to_owned()),
            ("EMPTY".to_owned(), String::new()),
            ("STAGE_LOG".to_owned(), format!("{d}/log{}", script.number)),
        ];
        all.push(("STAGE_LUCK".to_owned(), script.luck.to_string()));
        all
    }

    /// Removes what scripts have written.
    fn clean(&self) {
        for left in fs::read_dir(self.dir.path().join("run")).unwrap().flatten() {
            let _ = fs::remove_file(left.path());
        }
    }

    pub fn invocation(&self, shell: Shell, script: &Script) -> Invocation {
        self.clean();
        let file = format!("{}/script.sh", self.dir.path().display());
        let known = |s: &str| Value::from(s);
        Invocation {
            shell,
            name: known(if script.command_string { "zero" } else { &file }),
            text: script.text.as_str().into(),
            command_string: script.command_string,
            replaces: Replacing::Last,
            pipefail: false,
            posix: self.command.iter().any(|word| word == "--posix"),
            startup: Vec::new(),
            arguments: script.arguments.iter().map(|a| Field::One(known(a))).collect(),
            environment: self.environment(script).into_iter().map(|(n, v)| (n.into(), known(&v))).collect(),
            cwd: BString::from(self.dir.path().join("run").to_str().unwrap()),
            options: Vec::new(),
            pid: None,
            signals: Vec::new(),
            fed: false,
        }
    }

    pub fn world(&self) -> Real<'_> {
        Real { stage: self }
    }

    /// Runs it; `None` if it takes too long.
    pub fn run(&self, script: &Script) -> Option<Observed> {
        let log = self.dir.path().join(format!("log{}", script.number));
        let run = self.dir.path().join("run");
        fs::write(&log, "").unwrap();
        let file = self.dir.path().join("script.sh");
        fs::write(&file, &script.text).unwrap();
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]);
        if self.ignoring {
            command = Command::new("env");
            command.arg("--default-signal=INT,QUIT").args(&self.command);
        }
        command.env_clear().envs(self.environment(script)).current_dir(&run);
        if script.command_string {
            command.arg("-c").arg(&script.text).arg("zero");
        } else {
            command.arg(&file);
        }
        command.args(&script.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.process_group(0).spawn().unwrap();
        let (pid, since) = (child.id(), Instant::now());
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if since.elapsed() > Duration::from_secs(5) {
                end_group(pid);
                child.wait().unwrap();
                return None;
            }
            std::thread::sleep(Duration::from_micros(300));
        };
        if [" | ", " &\n"].iter().any(|apart| script.text.contains(apart)) || script.text.ends_with(" &") {
            wait_for_group(pid);
        }
        let text = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
        let record = |line: &str| {
            let (own, words) = line.split_once(' ')?;
            Some((words.split('|').map(str::to_owned).collect(), own == pid.to_string()))
        };
        let _ = fs::remove_file(&log);
        Some(Observed { ran: text.lines().filter_map(record).collect(), code: status.code()? })
    }
}

/// Waits for jobs, and members of pipelines, that outlive the shell.
fn wait_for_group(leader: u32) {
    let since = Instant::now();
    while signal_group(leader, "0") && since.elapsed() < Duration::from_millis(200) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether the signal could be sent.
fn signal_group(leader: u32, signal: &str) -> bool {
    let group = format!("-{leader}");
    let sent = Command::new("kill").args([&format!("-{signal}"), "--", &group]).stderr(Stdio::null()).status();
    sent.is_ok_and(|status| status.success())
}

/// Whether this process ignores SIGINT or SIGQUIT, as a background job of a shell does: a shell that it starts could then
/// not trap them (XCU 2.11), and what is predicted is of one that can.
fn ignores_keys() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 0b110 != 0)
}

/// Ends a script that starts itself over and over, with all that it has started.
fn end_group(leader: u32) {
    for _ in 0..20 {
        if !signal_group(leader, "KILL") {
            return;
        }
    }
}

/// The real file system, as root sees it.
pub struct Real<'a> {
    stage: &'a Stage,
}

impl Real<'_> {
    fn candidate(path: &Path) -> Result<(), Errno> {
        let meta = fs::metadata(path).map_err(|e| match e.raw_os_error() {
            Some(20) => Errno::ENOTDIR,
            _ => Errno::ENOENT,
        })?;
        let executable = meta.is_file() && meta.permissions().mode() & 0o111 != 0;
        if !executable {
            return Err(Errno::EACCES);
        }
        Ok(())
    }
}

impl World for Real<'_> {
    fn test(&self, operator: u8, path: &BStr) -> Truth {
        let path = path.to_path().unwrap();
        if matches!(operator, b'h' | b'L') {
            return Truth::from(fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink()));
        }
        let Ok(meta) = fs::metadata(path) else { return Truth::No };
        Truth::from(match operator {
            b'e' | b'r' | b'w' => true,
            b'f' => meta.is_file(),
            b'd' => meta.is_dir(),
            b's' => meta.len() > 0,
            b'x' => meta.is_dir() || meta.permissions().mode() & 0o111 != 0,
            _ => return Truth::Unknown,
        })
    }

    fn command(&self, shell: Shell, name: &BStr, search: Option<&BStr>, cwd: &BStr, exec: bool) -> Found {
        let whole = |p: &[u8]| cwd.to_path().unwrap().join(p.to_path().unwrap());
        if name.contains(&b'/') {
            return match Real::candidate(&whole(name)) {
                Ok(()) => Found::Program(name.into()),
                Err(errno) => Found::Fails(shell.cannot_execute(errno, false, exec, false)),
            };
        }
        let Some(search) = search else { return Found::Unknown };
        let mut closed = None;
        for element in search.split_str(":") {
            let path = whole(element).join(name.to_path().unwrap());
            match Real::candidate(&path) {
                Ok(()) => return Found::Program(path.to_str().unwrap().into()),
                Err(Errno::EACCES) if path.is_file() || exec && shell != Shell::Bash => closed = Some(Errno::EACCES),
                Err(_) => {}
            }
        }
        Found::Fails(closed.map_or(127, |errno| shell.cannot_execute(errno, true, exec, false)))
    }

    fn read(&self, path: &BStr) -> Content {
        fs::read(path.to_path().unwrap()).map_or(Content::Absent, Content::Bytes)
    }

    fn canonical(&self, path: &BStr) -> Option<Option<BString>> {
        Some(fs::canonicalize(path.to_path().unwrap()).ok().map(|p| p.to_str().unwrap().into()))
    }

    fn list(&self, directory: &BStr) -> Option<Vec<BString>> {
        let entries = fs::read_dir(directory.to_path().unwrap()).ok()?;
        Some(entries.flatten().map(|e| e.file_name().to_str().unwrap().into()).collect())
    }

    fn ids(&self) -> (u32, u32) {
        (0, 0)
    }

    fn run(&self, argv: &[Field], cwd: &BStr) -> Run {
        let bin = self.stage.dir.path().join("bin");
        let Some(name) = argv[0].known().map(ToString::to_string) else { return Run::UNKNOWN };
        let base = name.rsplit('/').next().unwrap().to_owned();
        if !bin.join(&base).exists() {
            return run_known(argv, cwd, self);
        }
        let code = base.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap_or(0);
        let known =
            Run { short: true, status: Status::Code(code), output: Some("".into()), disturbs: false, never: false };
        match base.as_bytes()[0] {
            // its interpreter is not there
            b'b' => Run { status: Status::Code(127), ..known },
            b'o' => Run { output: Some(format!("out{code}\n").into()), ..known },
            b'u' => Run { status: Status::Unknown, ..known },
            b'm' => Run::UNKNOWN,
            _ => known,
        }
    }
}
