//! The repository as the rules see it: files with their paths, code without comments, production lines without tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file of this repository.
pub(crate) struct Source {
    /// From the repository's root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The numbered lines with comments cut off. Good enough for names: a `//` inside a string that is no URL cuts it short.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| {
            let end = line
                .match_indices("//")
                .find(|(at, _)| !line[..*at].ends_with(':'))
                .map_or(line.len(), |(at, _)| at);
            (index + 1, &line[..end])
        })
    }

    /// Which line opens the inline test module: one more than the file has where there is none, 1 in a file that is all test.
    pub(crate) fn first_test(&self) -> usize {
        let is_test = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        if is_test || !self.path.starts_with("src/") {
            return 1;
        }
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        lines
            .windows(2)
            .position(|pair| {
                pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
            })
            .map_or(lines.len() + 1, |at| at + 1)
    }

    /// The numbered lines before the inline test module.
    pub(crate) fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.first_test();
        self.code().take_while(move |(line, _)| *line < end)
    }

    /// The path inside `src` without the ending, where the file stands in `src`.
    pub(crate) fn in_src(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.strip_suffix(".rs")
    }

    /// The room the file belongs to; `lib.rs` and `main.rs` belong to none.
    pub(crate) fn room(&self) -> Option<&str> {
        let inside = self.in_src()?;
        let room = inside.split('/').next()?;
        (!matches!(inside, "lib" | "main")).then_some(room)
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository under the folders named, sorted; what builds leave behind is left out.
pub(crate) fn files(folders: &[&str]) -> Vec<PathBuf> {
    let built = ["target", ".git", "node_modules", "corpus", "artifacts"];
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_file() {
                found.push(entry.path());
            } else if kind.is_dir() && !built.iter().any(|name| entry.file_name() == *name) {
                waiting.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn inside(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap();
    path.to_str().unwrap().replace('\\', "/")
}

/// Every Rust file under the folders named, sorted.
pub(crate) fn sources(folders: &[&str]) -> Vec<Source> {
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let found: Vec<Source> = files(folders)
        .into_iter()
        .filter(rust)
        .map(|path| Source {
            path: inside(&path),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect();
    assert!(!found.is_empty(), "no Rust files under {folders:?}");
    found
}

pub(crate) fn all_sources() -> Vec<Source> {
    sources(&["src", "tests", "benches"])
}
