//! The command line as a person or a script meets it: what goes to stdout, what to stderr, and how it ends.

mod against;
mod bounds;
mod claims;
mod demo;
mod explain;
mod live;
mod mistakes;
mod starter;
mod stumbles;
mod texts;
mod validate;

use assert_cmd::Command;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// A folder that the program is run in, and that is its home too.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What a command said, and how it ended. The folder is `@` in it.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// What it said on stdout, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Panics unless it ended so, with nothing on stdout.
    #[track_caller]
    pub(crate) fn assert_only_talk(&self, code: i32) {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (Some(code), ""),
            "{self:?}"
        );
    }
}

impl Place {
    /// Makes an empty folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file. `@` in its text stands for the folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text.replace('@', self.path().to_str().unwrap())).unwrap();
    }

    /// Reads a file, where it is there.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.path().join(path)).ok()
    }

    /// Runs the program where nobody can be asked, with nothing of this process's environment.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.run_in("", arguments)
    }

    /// As `run`, standing in a folder below.
    pub(crate) fn run_in(&self, folder: &str, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_reconciled"))
            .args(arguments)
            .current_dir(self.path().join(folder))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("SHOP_SESSION_KEY", "canary-session-key")
            .timeout(Duration::from_secs(120))
            .output()
            .unwrap();
        let text = |bytes| {
            let text = String::from_utf8(bytes).unwrap();
            text.replace(self.path().to_str().unwrap(), "@")
        };
        Said {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
