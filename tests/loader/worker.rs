//! Runs loaders in a root: this program once more, in a mount namespace of its own with /proc in the root, and changed
//! into the root, so that no program stands between it and the loader whom LD_PRELOAD and the like would reach first.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Read, Stdin, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// The option that makes this program the worker.
pub const FLAG: &str = "--worker";
const THREADS: usize = 2;

/// A command to run with nothing in the environment but this.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// In the list of all.
    pub number: usize,
    pub argv: Vec<String>,
    pub environment: Vec<(String, String)>,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ran {
    number: usize,
    pub out: String,
    pub err: String,
    /// `None` where a signal ended it, or execve(2) failed.
    pub code: Option<i32>,
    /// Why it was not run at all.
    pub refused: Option<String>,
}

impl Job {
    fn run(&self, nothing: &File) -> Ran {
        let mut command = Command::new(&self.argv[0]);
        command
            .args(&self.argv[1..])
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(nothing.try_clone().unwrap());
        match command.output() {
            Err(error) => Ran { number: self.number, refused: Some(error.to_string()), ..Ran::default() },
            Ok(done) => Ran {
                number: self.number,
                out: String::from_utf8_lossy(&done.stdout).into_owned(),
                err: String::from_utf8_lossy(&done.stderr).into_owned(),
                code: done.status.code(),
                refused: done.status.signal().map(|s| format!("signal {s}")),
            },
        }
    }
}

/// Takes jobs from standard input until it ends.
pub fn serve(root: &str) {
    // The root need not have a /dev.
    let nothing = File::open("/dev/null").unwrap();
    std::os::unix::fs::chroot(root).unwrap();
    std::env::set_current_dir("/").unwrap();
    let lines = Mutex::new(BufReader::new(std::io::stdin()).lines());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(line) = next(&lines) {
                    let job: Job = serde_json::from_str(&line).unwrap();
                    let answer = serde_json::to_string(&job.run(&nothing)).unwrap();
                    println!("{answer}");
                }
            });
        }
    });
}

fn next(lines: &Mutex<Lines<BufReader<Stdin>>>) -> Option<String> {
    lines.lock().unwrap().next().map(Result::unwrap)
}

/// A worker that waits for jobs.
pub struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Worker {
    pub fn start(root: &Path) -> Self {
        let own = std::env::current_exe().unwrap();
        let script = r#"if [ -d "$1/proc" ]; then mount -t proc proc "$1/proc"; fi && exec "$2" "$3" "$1""#;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(root).arg(own).arg(FLAG);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Worker { child, stdin, stdout }
    }

    /// Runs all, and gives what came of each, in their order.
    pub fn run(&mut self, mut jobs: Vec<Job>) -> Vec<Ran> {
        jobs.iter_mut().enumerate().for_each(|(number, job)| job.number = number);
        let mut all = vec![Ran::default(); jobs.len()];
        let stdin = self.stdin.as_mut().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                jobs.iter().for_each(|job| writeln!(stdin, "{}", serde_json::to_string(job).unwrap()).unwrap())
            });
            for line in self.stdout.by_ref().lines().take(jobs.len()) {
                let ran: Ran = serde_json::from_str(&line.unwrap()).unwrap();
                let number = ran.number;
                all[number] = ran;
            }
        });
        all
    }

    pub fn one(&mut self, argv: Vec<String>, variables: &[(&str, &str)]) -> Ran {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.run(vec![Job { number: 0, argv, environment }]).remove(0)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
