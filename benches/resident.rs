//! The program itself as a daemon on a Git repository: what it holds of the machine's memory.

use super::cost::settle;
use super::environment::{Shape, one_environment};
use super::report::{heading, line};
use crate::peers::kubernetes::Cluster;
use crate::peers::process::free_port;
use crate::peers::wait::until;
use reconciled::model::File;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long a first run may take.
const LONG: Duration = Duration::from_secs(600);

/// Memory that stays alike for so long is at rest.
const REST: Duration = Duration::from_secs(15);

/// What is in memory of one process, in MiB.
struct Memory {
    rest: f64,
    highest: f64,
}

/// What the daemon holds: after it has applied everything, and after it was started again.
pub(crate) struct Resident {
    cold: Memory,
    again: Memory,
}

impl Resident {
    /// Runs the daemon on these applications, twice.
    pub(crate) fn measured(cluster: &Cluster, apps: usize) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let namespace = cluster.namespace("resident");
        commit(folder.path(), apps, &namespace);
        let port = free_port();
        let settings = format!(
            "repositories: [{{ name: bench, url: ./repository, branch: main }}]
web: {{ listen: 127.0.0.1:{port} }}
providers: {{ kubernetes: {{ kubeconfig: {} }} }}
stateFolder: ./state
",
            cluster.kubeconfig().display()
        );
        fs::write(folder.path().join("reconciled.yaml"), settings).unwrap();
        let run = || memory(cluster, folder.path(), port);
        Self {
            cold: run(),
            again: run(),
        }
    }

    /// Prints it beside what DESIGN asks for.
    pub(crate) fn print(&self, objects: usize) {
        heading(&format!(
            "cluster: memory of a daemon with {objects} objects"
        ));
        let mib = |size: f64| format!("{size:.1} MiB");
        let target = "<= 100 MiB at 4,000 objects";
        line("at rest after the cold apply", &mib(self.cold.rest), target);
        line("  highest", &mib(self.cold.highest), "");
        line("at rest after a restart", &mib(self.again.rest), target);
        let times = format!("{:.2} x", self.again.highest / self.again.rest);
        line("  highest", &mib(self.again.highest), "");
        line("  of that at rest", &times, "<= 1.3 x");
    }
}

fn commit(folder: &Path, apps: usize, namespace: &str) {
    let repository = folder.join("repository");
    for (path, file) in one_environment(apps, namespace, Shape::OneFolder).files {
        let File::Bytes(bytes) = file else { continue };
        let path: PathBuf = repository.join(path.to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
    for arguments in [
        &["init", "--quiet", "--initial-branch", "main"][..],
        &["add", "--all"],
        &["commit", "--quiet", "--message", "Applications"],
    ] {
        let mut git = Command::new("git");
        git.current_dir(&repository).args(who).args(arguments);
        assert!(git.status().unwrap().success(), "git {arguments:?}");
    }
}

/// Starts the daemon, waits for its first run and for the cluster to come to rest, and ends it.
fn memory(cluster: &Cluster, folder: &Path, port: u16) -> Memory {
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_reconciled"));
    daemon
        .current_dir(folder)
        .arg("run")
        .env("RECONCILED_LOG__FILTER", "warn");
    let mut daemon = Ended(daemon.spawn().unwrap());
    let metrics = format!("http://127.0.0.1:{port}/metrics");
    until("the first run ends well", LONG, || {
        let answer = reqwest::blocking::get(&metrics).ok()?;
        let text = answer.text().ok()?;
        text.contains("reconciled_runs_total{outcome=\"done\"}")
            .then_some(())
    });
    settle(cluster);
    let id = daemon.0.id().to_string();
    let mut last = (mib(&id, "VmRSS:"), Instant::now());
    // The allocator gives back what is free some time after.
    until("its memory is at rest", LONG, || {
        let now = mib(&id, "VmRSS:");
        if (now - last.0).abs() > 1.0 {
            last = (now, Instant::now());
        }
        (last.1.elapsed() >= REST).then_some(())
    });
    let memory = Memory {
        rest: last.0,
        highest: mib(&id, "VmHWM:"),
    };
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert!(daemon.0.wait().unwrap().success());
    memory
}

/// Reads one size of a process. Source: proc_pid_status(5).
fn mib(process: &str, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<f64>().unwrap() / 1024.0
}

/// A child that does not outlive its end here.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _gone = self.0.kill();
    }
}
