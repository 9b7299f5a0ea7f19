//! A mistake in a file, with the place to look at.

use super::snapshot::RepoPath;
use serde::Serialize;
use std::fmt;

/// A place in a file of the repository. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// The file, from the repository's root.
    pub file: RepoPath,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// How many characters are meant, at least 1.
    pub length: usize,
}

/// `file:line:column`, as editors and terminals know it.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The revision cannot be used.
    Error,
    /// It can, but look.
    Warning,
}

/// One mistake: where, which, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Where it stands.
    #[serde(flatten)]
    pub location: Location,
    /// How much it weighs.
    pub severity: Severity,
    /// Stable, lower-case, hyphened: `unknown-key`, `duplicate-key`, `wrong-type` …
    pub code: &'static str,
    /// One sentence fragment. Never contains a secret's value.
    pub message: String,
    /// What to do, as a sentence: a "did you mean", an example.
    pub hint: Option<String>,
    /// The source line, for the marked excerpt.
    #[serde(skip)]
    pub source_line: String,
    /// A second place that belongs to the mistake (the first of two equal keys), with a label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<(Location, String)>,
}

impl Diagnostic {
    /// Adds what to do next, as a sentence.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a second place that belongs to the mistake, with a label.
    #[must_use]
    pub fn with_related(mut self, location: Location, label: impl Into<String>) -> Self {
        self.related = Some((location, label.into()));
        self
    }

    /// Makes it a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}
