//! One state of a repository, read whole and never written.

use super::id::Revision;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A path inside a repository: relative, with `/`, without `.`, `..` or empty parts. By default its root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepoPath(String);

impl RepoPath {
    /// Takes a path; `a/./b/../c` becomes `a/c`. Returns `None` where it leaves the repository.
    pub fn new(path: &str) -> Option<Self> {
        Self(String::new()).resolve(path)
    }

    /// Names what stands in no repository, such as the daemon's settings file. For messages only.
    #[must_use]
    pub fn named(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Follows a relative path from this folder. Returns `None` where it is absolute, leaves the
    /// repository, or holds a NUL or a backslash.
    pub fn resolve(&self, relative: &str) -> Option<Self> {
        if relative.starts_with('/') || relative.contains(['\0', '\\']) {
            return None;
        }
        let mut parts: Vec<&str> = self.0.split('/').filter(|part| !part.is_empty()).collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                name => parts.push(name),
            }
        }
        Some(Self(parts.join("/")))
    }

    /// Returns the folder this file stands in; the root for a file at the top.
    #[must_use]
    pub fn folder(&self) -> Self {
        Self(
            self.0
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_owned(),
        )
    }

    /// Returns the path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether this is the folder itself or below it.
    pub fn is_under(&self, folder: &Self) -> bool {
        folder.0.is_empty()
            || self.0 == folder.0
            || self
                .0
                .strip_prefix(&folder.0)
                .is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns the file name's ending without the dot, in lower case.
    pub fn extension(&self) -> Option<String> {
        let name = self.0.rsplit('/').next()?;
        name.rsplit_once('.')
            .filter(|(stem, _)| !stem.is_empty())
            .map(|(_, end)| end.to_lowercase())
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// A file's bytes.
    Bytes(Arc<[u8]>),
    /// A file over the size limit, with its size in bytes; never read.
    TooLarge(u64),
    /// A symbolic link: named, never followed.
    Symlink,
    /// A submodule: named, never fetched.
    Submodule,
    /// A Git LFS pointer: what it stands for is not in the repository and is never fetched.
    LfsPointer,
    /// A name that no spec can write (not UTF-8, or with a backslash), shown with `U+FFFD`; never
    /// read. Where it is a folder's, nothing below it is read either.
    BadName,
}

impl File {
    /// Returns why the file was not read, as a fragment after its path; `None` where it was.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Bytes(_) => None,
            Self::TooLarge(size) => Some(format!("is too large to be read ({size} bytes)")),
            Self::Symlink => Some("is a symbolic link, and links are not followed".to_owned()),
            Self::Submodule => Some("is a submodule, and submodules are not fetched".to_owned()),
            Self::LfsPointer => {
                Some("is a Git LFS pointer, and LFS objects are not fetched".to_owned())
            }
            Self::BadName => {
                Some("has a name that is not UTF-8 text or holds a backslash".to_owned())
            }
        }
    }
}

/// One state of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which state.
    pub revision: Revision,
    /// Every path in it, dot-folders apart.
    pub files: BTreeMap<RepoPath, File>,
}

impl Snapshot {
    /// Returns a file's bytes, where the path is a file that was read.
    pub fn bytes(&self, path: &RepoPath) -> Option<&[u8]> {
        match self.files.get(path) {
            Some(File::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the path itself, where it is a file, and the paths below it, in order.
    pub fn under<'a>(
        &'a self,
        folder: &'a RepoPath,
    ) -> impl Iterator<Item = (&'a RepoPath, &'a File)> {
        let (own, first) = match folder.as_str() {
            "" => (None, String::new()),
            path => (self.files.get_key_value(folder), format!("{path}/")),
        };
        // What is below a folder begins alike, so it stands together.
        let below = self.files.range(RepoPath(first)..);
        own.into_iter()
            .chain(below.take_while(move |(path, _)| path.is_under(folder)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leaves_the_repository() {
        let folder = RepoPath::new("environments").unwrap();
        assert_eq!(folder.resolve("../k8s/api").unwrap().as_str(), "k8s/api");
        for bad in ["../../etc/passwd", "/etc/passwd", "a\\b", "x\0"] {
            assert_eq!(folder.resolve(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_sibling_with_the_same_beginning_is_not_below() {
        let path = RepoPath::new("k8s-old/api.yaml").unwrap();
        assert!(!path.is_under(&RepoPath::new("k8s").unwrap()));
        assert!(path.is_under(&RepoPath::new("").unwrap()));
    }

    #[test]
    fn what_is_under_a_path_is_found_wherever_it_sorts() {
        let path = |text: &str| RepoPath::new(text).unwrap();
        let names = [
            "a.yaml",
            "k8s-old/x",
            "k8s.yaml",
            "k8s/a",
            "k8s/b/c",
            "k8s0",
            "z",
        ];
        let snapshot = Snapshot {
            revision: Revision::new("1"),
            files: names.map(|name| (path(name), File::Symlink)).into(),
        };
        let under = |folder: &str| -> Vec<String> {
            let folder = path(folder);
            let found = snapshot.under(&folder);
            found.map(|(path, _)| path.to_string()).collect()
        };
        assert_eq!(under("k8s"), ["k8s/a", "k8s/b/c"]);
        assert_eq!(under("k8s.yaml"), ["k8s.yaml"]);
        assert_eq!(under("").len(), names.len());
        assert!(under("nothing").is_empty());
    }
}
