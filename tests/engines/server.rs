//! An engine that runs for one test, and not longer.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a daemon may take to answer.
const START: Duration = Duration::from_secs(60);

/// Runs what follows with a view of cgroups that every engine understands. Hybrid hierarchies are refused by some.
const IN_A_ROOM_OF_ITS_OWN: &str = r#"
if [ -d /sys/fs/cgroup/unified ]; then
    umount -l /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
exec "$@"
"#;

/// Whether the test can be run; if not, that is said, or fails.
pub fn can_run(programs: &[&str]) -> bool {
    let found = |program: &&str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|path| path.join(program).is_file())
    };
    let mut missing: Vec<&str> = programs.iter().copied().filter(|program| !found(program)).collect();
    if !fs::read_to_string("/proc/self/status").unwrap().contains("\nUid:\t0\t0\t") {
        missing.push("root");
    }
    if missing.is_empty() {
        return true;
    }
    let what = format!("NOT CHECKED: this needs {}", missing.join(", "));
    assert!(std::env::var_os("IMAGELINT_REQUIRE_SERVERS").is_none(), "{what}");
    eprintln!("{what}");
    false
}

pub struct Server {
    child: Child,
    pub directory: TempDir,
    pub socket: PathBuf,
}

impl Server {
    /// Starts a daemon in namespaces of mounts and processes of its own: it goes with all that it has started and
    /// mounted, when this is let go or the test is gone. `command` gets the directory and the socket.
    pub fn start(command: impl Fn(&Path, &Path) -> Command) -> Self {
        let directory = TempDir::new().unwrap();
        let socket = directory.path().join("engine.sock");
        let daemon = command(directory.path(), &socket);
        let log = File::create(directory.path().join("log")).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-ec", IN_A_ROOM_OF_ITS_OWN, "sh"])
            .arg(daemon.get_program())
            .args(daemon.get_args())
            .envs(daemon.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Server { child, directory, socket };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while UnixStream::connect(&self.socket).is_err() {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || begun.elapsed() > START {
                panic!("the engine does not start ({ended:?}):\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name).display().to_string()
    }

    /// A request of HTTP; the body of the answer.
    pub fn post(&self, path: &str, body: &[u8]) -> String {
        let mut wire = UnixStream::connect(&self.socket).unwrap();
        wire.set_read_timeout(Some(START)).unwrap();
        let length = body.len();
        write!(
            wire,
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-tar\r\nContent-Length: {length}\r\n"
        )
        .unwrap();
        wire.write_all(b"Connection: close\r\n\r\n").unwrap();
        wire.write_all(body).unwrap();
        let mut answer = String::new();
        wire.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}\n{}", self.log());
        answer
    }

    /// The daemon is killed; its socket stays.
    pub fn stop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        let begun = Instant::now();
        // The processes of its namespace end after the one that was waited for.
        while UnixStream::connect(&self.socket).is_ok() && begun.elapsed() < START {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs a tool to its end, which must be a success; what it writes.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    String::from_utf8(output.stdout).unwrap()
}
