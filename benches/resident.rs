//! The program itself as a daemon on a Git repository: what it holds of the machine, and how soon it answers.

use super::cost::{processor, settle};
use super::environment::{Shape, one_environment};
use super::report::{heading, line, ms};
use super::reviewed::Reviewed;
use crate::peers::github::{GitHub, TOKEN};
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

/// For how long a daemon at rest is watched.
const IDLE: Duration = Duration::from_secs(60);

/// What is in memory of one process, in MiB.
struct Memory {
    rest: f64,
    highest: f64,
}

/// What the daemon holds after it has applied everything, and after it was started again, and what it does then.
pub(crate) struct Resident {
    cold: Memory,
    again: Memory,
    /// From its start until its pages are served and it says that it is ready.
    ready: Duration,
    /// From its start until the first run has ended.
    first: Duration,
    /// Processor time at rest, within [`IDLE`].
    idle: Duration,
    reviewed: Reviewed,
}

impl Resident {
    /// Runs the daemon on these applications, twice.
    pub(crate) fn measured(cluster: &Cluster, apps: usize) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let namespace = cluster.namespace("resident");
        let repository = folder.path().join("repository");
        commit(&repository, apps, &namespace);
        let github = GitHub::start();
        github.is_over(&repository);
        let port = free_port();
        let settings = format!(
            "repositories: [{{ name: bench, url: ./repository, branch: main, github: {} }}]
github: {{ token: {{ env: TOKEN }}, apiUrl: {}, webhookSecret: {{ env: TOKEN }} }}
web: {{ listen: 127.0.0.1:{port} }}
providers: {{ kubernetes: {{ kubeconfig: {} }} }}
stateFolder: ./state
",
            GitHub::REPOSITORY,
            github.server.url(),
            cluster.kubeconfig().display()
        );
        fs::write(folder.path().join("reconciled.yaml"), settings).unwrap();
        let daemon = Daemon::started(folder.path(), port);
        daemon.first_run();
        let cold = daemon.memory(cluster);
        daemon.end();

        let begun = Instant::now();
        let daemon = Daemon::started(folder.path(), port);
        daemon.answers("/readyz", |_| true);
        let ready = begun.elapsed();
        daemon.first_run();
        let first = begun.elapsed();
        let again = daemon.memory(cluster);
        let before = processor(&daemon.id());
        let rests = Instant::now();
        until("it was watched at rest", LONG, || {
            (rests.elapsed() >= IDLE).then_some(())
        });
        let idle = processor(&daemon.id()) - before;
        let reviewed = Reviewed::measured(&github, &repository, &daemon.address);
        daemon.end();
        github.server.assert_contract_kept();
        Self {
            cold,
            again,
            ready,
            first,
            idle,
            reviewed,
        }
    }

    /// Prints it beside what DESIGN asks for.
    pub(crate) fn print(&self, objects: usize) {
        heading(&format!("cluster: a daemon with {objects} objects"));
        let mib = |size: f64| format!("{size:.1} MiB");
        let target = "<= 100 MiB at 4,000 objects";
        line("at rest after the cold apply", &mib(self.cold.rest), target);
        line("  highest", &mib(self.cold.highest), "");
        line("at rest after a restart", &mib(self.again.rest), target);
        let times = format!("{:.2} x", self.again.highest / self.again.rest);
        line("  highest", &mib(self.again.highest), "");
        line("  of that at rest", &times, "<= 1.3 x");
        line("start to ready", &ms(self.ready), "");
        line("start to the first plan, carried out", &ms(self.first), "");
        let share = self.idle.as_secs_f64() / IDLE.as_secs_f64() * 100.0;
        let share = format!("{share:.2} % of a core");
        line("processor at rest", &share, "< 0.5 %");
        self.reviewed.print();
    }
}

fn commit(repository: &Path, apps: usize, namespace: &str) {
    for (path, file) in one_environment(apps, namespace, Shape::OneFolder).files {
        let File::Bytes(bytes) = file else { continue };
        let path: PathBuf = repository.join(path.to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    git(repository, &["init", "--quiet", "--initial-branch", "main"]);
    git(repository, &["add", "--all"]);
    git(
        repository,
        &["commit", "--quiet", "--message", "Applications"],
    );
}

/// Runs Git as somebody, and returns what it said.
pub(crate) fn git(repository: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
    let mut git = Command::new("git");
    git.current_dir(repository).args(who).args(arguments);
    let done = git.output().unwrap();
    assert!(done.status.success(), "git {arguments:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// A running daemon, which does not outlive its end here.
struct Daemon {
    process: Child,
    address: String,
}

impl Daemon {
    fn started(folder: &Path, port: u16) -> Self {
        let mut daemon = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        daemon
            .current_dir(folder)
            .arg("run")
            .env("RECONCILED_LOG__FILTER", "warn")
            .env("TOKEN", TOKEN);
        Self {
            process: daemon.spawn().unwrap(),
            address: format!("127.0.0.1:{port}"),
        }
    }

    fn id(&self) -> String {
        self.process.id().to_string()
    }

    /// Waits until a page is served well and says what it should.
    fn answers(&self, path: &str, is_it: impl Fn(&str) -> bool) {
        let url = format!("http://{}{path}", self.address);
        until(format!("{path} is as it should be"), LONG, || {
            let answer = reqwest::blocking::get(&url).ok()?;
            let answer = answer.error_for_status().ok()?;
            is_it(&answer.text().ok()?).then_some(())
        });
    }

    fn first_run(&self) {
        let done = "reconciled_runs_total{outcome=\"done\"}";
        self.answers("/metrics", |text| text.contains(done));
    }

    /// Waits for the cluster and for the memory to come to rest.
    fn memory(&self, cluster: &Cluster) -> Memory {
        settle(cluster);
        let mut last = (self.mib("VmRSS:"), Instant::now());
        // The allocator gives back what is free some time after.
        until("its memory is at rest", LONG, || {
            let now = self.mib("VmRSS:");
            if (now - last.0).abs() > 1.0 {
                last = (now, Instant::now());
            }
            (last.1.elapsed() >= REST).then_some(())
        });
        Memory {
            rest: last.0,
            highest: self.mib("VmHWM:"),
        }
    }

    /// Reads one size of the process. Source: proc_pid_status(5).
    fn mib(&self, field: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<f64>().unwrap() / 1024.0
    }

    fn end(mut self) {
        assert!(
            Command::new("kill")
                .arg(self.id())
                .status()
                .unwrap()
                .success()
        );
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.process.kill();
    }
}
