//! What the three ways to a server have in common: a greeting, questions with answers, and what went
//! wrong on the way.

use crate::source::SourceError;
use std::io::{self, Read};

/// A way to a server. One question at a time; its answer is read before the next.
pub(crate) trait Door {
    /// Returns what the server says first.
    fn greeting(&mut self) -> Result<Box<dyn Read + '_>, Trouble>;
    /// Sends a question and returns its answer.
    fn ask(&mut self, question: Vec<u8>) -> Result<Box<dyn Read + '_>, Trouble>;
    /// Tells what it means that the connection broke. It is not used again.
    fn explain(&mut self, error: io::Error) -> SourceError;
}

/// What went wrong between the first byte and the last.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It has a name already.
    Known(SourceError),
    /// Reading or writing broke.
    Broken(io::Error),
    /// What came could not be kept here.
    Kept(io::Error),
    /// The server's own words.
    Said(String),
    /// The server sent something else than this.
    Protocol(&'static str),
}

impl Trouble {
    /// Gives it its name. What broke is explained by the door, not here.
    pub(crate) fn named(self, target: &str) -> SourceError {
        let target = target.to_owned();
        match self {
            Self::Known(error) => error,
            Self::Said(text) if is_missing(&text) => SourceError::MissingRepository {
                target,
                reason: format!("the server said: {text}"),
            },
            Self::Said(text) => SourceError::Unreachable {
                target,
                reason: format!("the server said: {text}"),
                source: None,
            },
            Self::Protocol(what) => SourceError::Corrupt {
                target,
                reason: format!("the server sent no valid {what}"),
                source: None,
            },
            Self::Broken(error) => unreachable(target, "the connection broke", error),
            Self::Kept(source) => SourceError::Disk {
                target,
                doing: "keep what was fetched".to_owned(),
                source,
            },
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        Self::Known(error)
    }
}

/// The error of a connection that was not there or broke.
pub(crate) fn unreachable(
    target: impl Into<String>,
    reason: impl Into<String>,
    source: impl Into<crate::source::error::Cause>,
) -> SourceError {
    SourceError::Unreachable {
        target: target.into(),
        reason: reason.into(),
        source: Some(source.into()),
    }
}

/// Tells whether a server's words mean that there is no such repository (git daemon, git-shell,
/// GitHub and GitLab over ssh).
pub(crate) fn is_missing(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "not appear to be a git repository",
        "repository not found",
        "repository not exported",
        "no such file or directory",
        "could not be found",
        "not a git repository",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// A server's words on one line, without control characters, at most 300 characters.
pub(crate) fn plain(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_control() || c == ' ')
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(300).collect()
}
