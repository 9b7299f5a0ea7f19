//! A path on a host, as a spec writes it: absolute, inside the root folder, without tricks.

use super::error::HostError;
use std::fmt;
use std::path::Path;

/// Where the system shows its own state, that of this process and its secrets among it, as files.
const OF_THE_SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The most bytes of a name and of a path that programs can open. Source: NAME_MAX and PATH_MAX of Linux, the latter with
/// the byte that ends it.
pub(super) const LONGEST_NAME: usize = 255;
pub(super) const LONGEST_PATH: usize = 4095;

/// An absolute path inside a root folder. It has at least one part, and no part is `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HostPath(Vec<String>);

impl HostPath {
    /// Reads a path: `/etc/motd`. Doubled slashes count as one.
    ///
    /// # Errors
    /// Relative paths, `.` and `..`, a trailing slash, NUL and control characters.
    pub(super) fn parse(text: &str) -> Result<Self, HostError> {
        let refused = |reason: &str| HostError::Spec {
            what: format!("{text:?}"),
            field: "path",
            reason: reason.to_owned(),
        };
        let Some(rest) = text.strip_prefix('/') else {
            return Err(refused("it does not begin with a slash"));
        };
        if text.contains(char::is_control) {
            return Err(refused("it holds a control character"));
        }
        if rest.is_empty() || rest.ends_with('/') {
            return Err(refused("it names a folder, not a file"));
        }
        let parts: Vec<String> = rest
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        if text.len() > LONGEST_PATH || parts.iter().any(|part| part.len() > LONGEST_NAME) {
            return Err(refused(
                "no file can be called so: a name has at most 255 bytes, a path 4,095",
            ));
        }
        if parts.iter().any(|part| part == "." || part == "..") {
            return Err(refused("it holds `.` or `..`"));
        }
        Ok(Self(parts))
    }

    /// Refuses what the system itself shows there, below the root as it really is.
    ///
    /// # Errors
    /// It is below `/proc`, `/sys` or `/dev`.
    pub(super) fn refuse_system(&self, root: &Path) -> Result<(), HostError> {
        let real = root.join(self.0.join("/"));
        match OF_THE_SYSTEM.iter().find(|above| real.starts_with(above)) {
            Some(above) => Err(HostError::Spec {
                what: self.to_string(),
                field: "path",
                reason: format!("what is below {above} is the system's, not a file to manage"),
            }),
            None => Ok(()),
        }
    }

    /// Joins the names of folders and a file that this program chose itself.
    pub(super) fn of(parts: &[&str]) -> Self {
        Self(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    /// Returns the folders above, from the root.
    pub(super) fn folders(&self) -> &[String] {
        self.0.split_last().map_or(&[], |(_, folders)| folders)
    }

    /// Returns the last part.
    pub(super) fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// Returns every part, from the root.
    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }

    /// Returns the path one part deeper.
    pub(super) fn join(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        Self(parts)
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_absolute_paths_are_taken() {
        assert!(HostPath::parse(&format!("/{}", "a".repeat(255))).is_ok());
        assert_eq!(
            HostPath::parse("//etc//motd").unwrap().to_string(),
            "/etc/motd"
        );
        for bad in [
            "etc/motd",
            "/",
            "/etc/",
            "/etc/../x",
            "/./x",
            "/a\0b",
            "",
            "/a\nb",
            &format!("/{}", "é".repeat(128)),
            &"/a".repeat(2048),
        ] {
            assert!(HostPath::parse(bad).is_err(), "{bad:?}");
        }
    }
}
