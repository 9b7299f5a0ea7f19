//! What stands around the daemon: a repository, a host's root, settings, a ledger.

use super::process::Daemon;
use crate::peers::git::git;
use crate::peers::wait::outside;
use reconciled::ledger::{Episode, EpisodeId, Ledger, RunRecord};
use reconciled::model::EnvironmentName;
use serde_json::{Value, json};
use sqlx::Connection as _;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

/// Everything below one temporary folder, which goes with it:
/// `repository` (a Git working folder, branch `main`), `host` (the root of host connections),
/// `reconciled.yaml`, `state/` (the ledger and the daemon's caches) and `daemon-N.log`.
pub(crate) struct World {
    folder: tempfile::TempDir,
    settings: Mutex<Value>,
    variables: Mutex<BTreeMap<String, String>>,
}

/// What a command of the program said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

impl World {
    /// Makes an empty repository and settings that follow it each second, allow the host's root, and
    /// serve pages on a free port.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for name in ["repository", "host"] {
            std::fs::create_dir(at.join(name)).unwrap();
        }
        git(
            &at.join("repository"),
            &["init", "--quiet", "-b", "main", "."],
        );
        let settings = json!({
            "repositories": [{ "name": "infra", "url": at.join("repository"), "interval": "250ms" }],
            "stateFolder": "state",
            "ledger": { "path": "state/ledger.db" },
            "web": { "listen": "127.0.0.1:0" },
            "providers": { "host": { "allowed": true, "root": at.join("host") } },
            "log": { "format": "json", "filter": "info" },
        });
        let world = Self {
            folder,
            settings: Mutex::new(Value::Null),
            variables: Mutex::default(),
        };
        world.settings(|now| *now = settings);
        world
    }

    /// The folder everything is in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The repository's working folder.
    pub(crate) fn repository(&self) -> PathBuf {
        self.folder().join("repository")
    }

    /// The root of host connections.
    pub(crate) fn host(&self) -> PathBuf {
        self.folder().join("host")
    }

    /// The ledger's file.
    pub(crate) fn ledger_file(&self) -> PathBuf {
        self.folder().join("state/ledger.db")
    }

    /// The settings file.
    pub(crate) fn settings_file(&self) -> PathBuf {
        self.folder().join("reconciled.yaml")
    }

    /// Changes the settings and writes them, as JSON, which is YAML too. A daemon that runs reads them again.
    pub(crate) fn settings(&self, change: impl FnOnce(&mut Value)) {
        let mut settings = self.settings.lock().unwrap();
        change(&mut settings);
        let new = self.folder().join("reconciled.yaml.new");
        std::fs::write(&new, settings.to_string()).unwrap();
        std::fs::rename(new, self.settings_file()).unwrap();
    }

    /// Gives every program that is started afterwards a variable of the environment.
    pub(crate) fn variable(&self, name: &str, value: impl Into<String>) {
        let mut variables = self.variables.lock().unwrap();
        variables.insert(name.to_owned(), value.into());
    }

    /// Writes files into the repository and commits them; empty text removes the file. `HOST` in a
    /// text stands for the host's root. Returns the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.repository().join(path);
            if text.is_empty() {
                std::fs::remove_file(path).unwrap();
                continue;
            }
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = text.replace("HOST", self.host().to_str().unwrap());
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the repository and tells what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.repository(), arguments)
    }

    /// Reads a file of the host; `None` where it is not there.
    pub(crate) fn live(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.host().join(path)).ok()
    }

    /// Writes a file of the host, as a person would.
    pub(crate) fn write_live(&self, path: &str, text: &str) {
        let path = self.host().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Starts the daemon.
    pub(crate) fn start(&self) -> Daemon<'_> {
        self.start_with(&[])
    }

    /// Starts the daemon with more variables, for this start only.
    pub(crate) fn start_with(&self, variables: &[(&str, &str)]) -> Daemon<'_> {
        let mut command = self.program();
        command.arg("run").envs(variables.iter().copied());
        Daemon::start(self, command)
    }

    /// Starts the daemon by another program, which becomes what its last arguments say.
    pub(crate) fn start_by(&self, other: &[&str], variables: &[(&str, &str)]) -> Daemon<'_> {
        let own = self.program();
        let mut command = Command::new(other[0]);
        command
            .args(&other[1..])
            .arg(own.get_program())
            .args(own.get_args())
            .arg("run")
            .current_dir(self.folder())
            .env_clear()
            .envs(
                own.get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .envs(variables.iter().copied());
        Daemon::start(self, command)
    }

    /// Runs a command of the program beside a daemon that may be running.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Said {
        Said::of(self.program().args(arguments))
    }

    /// Begins such a command; what it says is for the caller to read.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.program();
        command.args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Runs a command that is told of no settings.
    pub(crate) fn unnamed<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.current_dir(self.folder().join("host")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder());
        Said::of(command.args(arguments))
    }

    /// The program with the settings, in the world's folder, with nothing else of this process's environment.
    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command
            .arg("--settings")
            .arg(self.settings_file())
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder())
            .envs(&*self.variables.lock().unwrap());
        command
    }

    /// Asks the ledger, beside a daemon that may be running; `None` while there is none.
    pub(crate) fn ledger<T: Send>(&self, ask: impl AsyncFnOnce(&Ledger) -> T + Send) -> Option<T> {
        let path = self.ledger_file();
        outside(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let ledger = Ledger::open_for_reading(&path).await.ok()?;
                let answer = ask(&ledger).await;
                ledger.close().await;
                Some(answer)
            })
        })
    }

    /// Has the ledger's database do something, in its own words, beside a daemon that may be running.
    pub(crate) fn in_database(&self, statement: &'static str) {
        let url = format!("sqlite://{}", self.ledger_file().display());
        outside(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                sqlx::any::install_default_drivers();
                let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
                sqlx::query(statement)
                    .execute(&mut connection)
                    .await
                    .unwrap();
                connection.close().await.unwrap();
            });
        });
    }

    /// The runs of an environment, newest first.
    pub(crate) fn runs(&self, environment: &str) -> Vec<RunRecord> {
        let name = EnvironmentName::new(environment).unwrap();
        self.ledger(async |ledger| ledger.runs(Some(&name), 100, None).await.unwrap())
            .unwrap_or_default()
    }

    /// Every episode of the ledger, oldest first.
    pub(crate) fn episodes(&self) -> Vec<Episode> {
        let all = self.ledger(async |ledger| {
            let mut all = Vec::new();
            for id in 1.. {
                match ledger.episode(EpisodeId(id)).await.unwrap() {
                    Some(episode) => all.push(episode),
                    None => break,
                }
            }
            all
        });
        all.unwrap_or_default()
    }

    /// Every address the ledger calls ours.
    pub(crate) fn owned(&self) -> Vec<String> {
        let owned = self.ledger(async |ledger| ledger.all_owned_addresses().await.unwrap());
        let owned = owned.into_iter().flatten();
        owned.map(|address| address.to_string()).collect()
    }

    /// Panics where the ledger's record was tampered with or damaged.
    pub(crate) fn verify_ledger(&self) {
        self.ledger(async |ledger| ledger.verify().await.map(drop).unwrap())
            .unwrap();
    }
}

/// An environment on the host, compared each second, drift put back: its name, more lines of `spec`
/// (indented by two; a `reconcile` of their own takes the place of that), and its resources (indented by four), as [`file`] and [`files`] make them.
pub(crate) fn environment(name: &str, more: &str, resources: &str) -> String {
    let interval = if more.contains("reconcile:") {
        ""
    } else {
        "  reconcile: { interval: 1s, onDrift: correct }\n"
    };
    format!(
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{ name: {name} }}\n\
         spec:\n  connections:\n    here: {{ provider: host, root: HOST }}\n{interval}{more}  resources:\n{resources}"
    )
}

/// A file of the host: its id, its path below the root, and its content.
pub(crate) fn file(id: &str, path: &str, content: &str) -> String {
    let content = Value::from(content);
    format!("    {id}: {{ kind: host/file, spec: {{ path: /{path}, content: {content} }} }}\n")
}

/// Files of the host that are called like their ids, with their contents.
pub(crate) fn files(files: &[(&str, &str)]) -> String {
    files.iter().map(|(id, text)| file(id, id, text)).collect()
}
