//! Programs under guard: they live no longer than the test process, however that ends.

use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The folder with the scripts that install and guard the counterparts.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// Installs a counterpart where it is missing (minutes, at worst) and tells its folder.
pub(crate) fn installed(peer: &str) -> PathBuf {
    let output = Command::new(scripts().join("install"))
        .args(["--where", peer])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{peer} could not be installed");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// A loopback port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A running program; dropping it kills the program and everything it started.
#[derive(Debug)]
pub(crate) struct Guarded {
    name: String,
    /// Its standard input is what the guard watches.
    guard: Child,
    log: PathBuf,
}

impl Guarded {
    /// Starts a program whose output goes to `NAME.log` in a folder; `remove` has the folder removed when the program is killed.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: &[A],
        folder: &Path,
        environment: &[(&str, &str)],
        remove: bool,
    ) -> Self {
        let name = program.file_name().unwrap().to_string_lossy().into_owned();
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).unwrap();
        let guard = Command::new(scripts().join("guard"))
            .arg(if remove {
                folder.as_os_str()
            } else {
                OsStr::new("-")
            })
            .arg(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { name, guard, log }
    }

    /// Panics with the end of the log when the program has ended.
    pub(crate) fn assert_running(&mut self) {
        if let Some(status) = self.guard.try_wait().unwrap() {
            panic!("{} ended ({status}):\n{}", self.name, self.last_words());
        }
    }

    /// The end of what the program has said.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // The guard ends by itself once its input has; nothing can be done about one that does not.
        let _ended = self.guard.wait();
    }
}
