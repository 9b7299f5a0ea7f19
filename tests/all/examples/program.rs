//! The program on a copy of an example, with what only its reader knows (a context, a folder) filled in.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A copy of an example, and a place for the program's state.
pub(super) struct Copied {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What the program said.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Copied {
    /// Copies an example; `changes` are texts that have to stand in it, and what stands there instead.
    pub(super) fn new(
        example: &str,
        changes: &[(&str, &str)],
        settings: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut left: Vec<&str> = changes.iter().map(|(from, _)| *from).collect();
        let mut change = |text: String| {
            changes.iter().fold(text, |text, (from, to)| {
                if text.contains(from) {
                    left.retain(|known| known != from);
                }
                text.replace(from, to)
            })
        };
        copy(
            &super::root().join(example),
            &folder.path().join("example"),
            &mut change,
        );
        assert!(left.is_empty(), "the example does not say {left:?}");
        // What an environment may extend ends where its repository does.
        let begun = Command::new("git")
            .args(["init", "--quiet"])
            .arg(folder.path().join("example"))
            .status();
        assert!(begun.unwrap().success());
        let state = folder.path().join("state");
        let settings = format!("stateFolder: {}\n{settings}", state.display());
        std::fs::write(folder.path().join("reconciled.yaml"), settings).unwrap();
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self { folder, variables }
    }

    /// Runs a command of the program on one file of the example.
    pub(super) fn run(&self, command: &str, file: &str, more: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_reconciled"))
            .arg(command)
            .arg(self.folder.path().join("example").join(file))
            .arg("--settings")
            .arg(self.folder.path().join("reconciled.yaml"))
            .args(more)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Changes a file of the example as its owner would.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join("example").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} does not say {from}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Everything the program keeps on disk, as one text.
    pub(super) fn state(&self) -> String {
        let mut waiting = vec![self.folder.path().join("state")];
        let mut all = String::new();
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(
                    std::fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            } else {
                all.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
            }
        }
        all
    }
}

impl Said {
    /// Panics with all that was said where the program ended otherwise than with this code.
    #[track_caller]
    pub(super) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out:\n{}\nerr:\n{}", self.out, self.err);
        self
    }
}

fn copy(from: &Path, to: &PathBuf, change: &mut impl FnMut(String) -> String) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, change);
        } else {
            std::fs::write(
                target,
                change(std::fs::read_to_string(entry.path()).unwrap()),
            )
            .unwrap();
        }
    }
}
