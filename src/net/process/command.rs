//! What to run: a program and its arguments as a list, in an environment of named variables only.

use crate::model::Secret;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What every child gets from our own environment: enough to find programs, nothing to leak.
const INHERITED: [&str; 2] = ["PATH", "HOME"];

/// The most that is kept of each of a program's two outputs unless a command says otherwise, in bytes.
pub const OUTPUT_LIMIT: usize = 8 * 1024 * 1024;

/// Names of variables that hold secrets of ours: no child inherits them.
static WITHHELD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Hands a variable of our environment on to no child from now on: a secret was read from it.
pub fn withhold(name: &str) {
    let mut withheld = WITHHELD.lock().unwrap_or_else(PoisonError::into_inner);
    withheld.insert(name.to_owned());
}

/// A program to run. There is no shell: arguments reach it as they are. Arguments are visible to every
/// user of the machine, so secrets go through `secret_env` or `stdin`. `Debug` shows no values.
#[derive(Clone)]
pub struct Command {
    pub(super) program: String,
    pub(super) args: Vec<OsString>,
    pub(super) stdin: Vec<u8>,
    pub(super) env: Vec<(String, OsString)>,
    pub(super) cwd: Option<PathBuf>,
    pub(super) deadline: Duration,
    pub(super) output_limit: usize,
    pub(super) bare: bool,
}

impl Command {
    /// Names a program: a name looked up on our PATH, or an absolute path. It gets 60 s.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            stdin: Vec::new(),
            env: Vec::new(),
            cwd: None,
            deadline: Duration::from_secs(60),
            output_limit: OUTPUT_LIMIT,
            bare: false,
        }
    }

    /// Adds one argument. What comes from outside stands after a `--` or an option it belongs to.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets what it reads from its standard input; unset, it reads the end at once.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets a variable to a secret.
    #[must_use]
    pub fn secret_env(self, name: &str, value: &Secret) -> Self {
        self.env(name, value.expose())
    }

    /// Hands on variables of our own environment, where they are set.
    #[must_use]
    pub fn inherit(mut self, names: &[&str]) -> Self {
        let found = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?)));
        self.env.extend(found);
        self
    }

    /// Hands on all variables of our own environment but those whose names begin so, and those that secrets were
    /// read from ([`withhold`]): for programs that the daemon's operator named, which find their settings there.
    #[must_use]
    pub fn inherit_all_but(mut self, starts: &[&str]) -> Self {
        let withheld = WITHHELD.lock().unwrap_or_else(PoisonError::into_inner);
        let is_kept = |name: &OsString| {
            let name = name.to_string_lossy();
            !withheld.contains(&*name) && !starts.iter().any(|start| name.starts_with(start))
        };
        self.env
            .extend(std::env::vars_os().filter_map(|(name, value)| {
                let is_kept = is_kept(&name);
                is_kept.then_some((name.into_string().ok()?, value))
            }));
        drop(withheld);
        self
    }

    /// Sets the folder it starts in; unset, it is ours.
    #[must_use]
    pub fn cwd(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cwd = Some(folder.into());
        self
    }

    /// Sets how long it may take; then it is killed, with all it started.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how much of each of its two outputs is kept, in bytes; the rest is read and dropped.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Gives it nothing of our own environment: no PATH to start others by, and no HOME to find
    /// settings in. The program itself is still looked up on our PATH.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Makes the standard library's command: cleared environment, a process group of its own.
    pub(super) fn build(&self) -> std::process::Command {
        use std::os::unix::process::CommandExt as _;
        use std::process::Stdio;
        let inherited = INHERITED
            .iter()
            .filter(|_| !self.bare)
            .filter_map(|name| Some((*name, std::env::var_os(name)?)));
        // Without a PATH of its own the system would not find it.
        let found = lookup(&self.program).filter(|_| self.bare);
        let program = found.unwrap_or_else(|| PathBuf::from(&self.program));
        #[expect(clippy::disallowed_methods, reason = "this is where processes start")]
        let mut command = std::process::Command::new(program);
        command
            .args(&self.args)
            .env_clear()
            .envs(inherited)
            .env("LC_ALL", "C.UTF-8")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        command
    }
}

/// Returns where a program is: a path as it is, a name in the first folder of our PATH that has a file
/// of that name which somebody may run.
pub fn lookup(program: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |path: &PathBuf| {
        let found = std::fs::metadata(path);
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(runs);
    }
    let folders = std::env::var_os("PATH")?;
    let mut paths = std::env::split_paths(&folders).map(|folder| folder.join(program));
    paths.find(runs)
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &names)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}
