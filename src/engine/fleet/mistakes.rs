//! What is wrong where two repositories mean one environment, and mistakes in one line.

use super::{Fleet, Kept, Pinned};
use crate::model::{Diagnostic, EnvironmentName, RepoPath, Severity};
use crate::spec::Environment;
use std::collections::{BTreeMap, BTreeSet};

/// Returns where a mistake is.
pub(in crate::engine) fn place(one: &Diagnostic) -> String {
    let at = &one.location;
    format!("{}:{}:{}", at.file, at.line, at.column)
}

/// Returns the first mistake with its place, and how many more there are; `None` of none.
pub(in crate::engine) fn told(mistakes: &[Diagnostic]) -> Option<String> {
    let (first, more) = mistakes.split_first()?;
    let more = match more.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!("{}: {}{more}", place(first), first.message))
}

/// Returns the files of such mistakes that may hide an environment. What is only a warning (a link, a file that is too
/// large) was never read, and hides nothing now.
pub(super) fn hiding(nameless: &[Diagnostic], may: &BTreeSet<RepoPath>) -> BTreeSet<RepoPath> {
    let errors = nameless
        .iter()
        .filter(|one| one.severity == Severity::Error);
    let files = errors.map(|one| &one.location.file);
    files.filter(|file| may.contains(*file)).cloned().collect()
}

impl Fleet {
    /// Returns the mistakes of which nobody can tell whose they are; the others join their environment's.
    pub(super) fn nameless(
        &self,
        repository: &str,
        diagnostics: Vec<Diagnostic>,
        mistakes: &mut BTreeMap<EnvironmentName, Vec<Diagnostic>>,
    ) -> Vec<Diagnostic> {
        let mut nameless = Vec::new();
        for diagnostic in diagnostics {
            // A file too broken to name its environment is still the file that one was read from.
            match self.at(repository, &diagnostic.location.file) {
                Some(name) => mistakes.entry(name).or_default().push(diagnostic),
                None => nameless.push(diagnostic),
            }
        }
        nameless
    }
}

pub(super) fn kept_elsewhere(home: &str, environment: &Environment) -> Diagnostic {
    let name = &environment.name;
    Diagnostic {
        location: environment.location.clone(),
        severity: Severity::Error,
        code: "kept-elsewhere",
        message: format!("the repository {home} keeps {name}, and it has not been read yet"),
        hint: Some(format!(
            "Wait until it is read; to move {name} here, take {home} out of the settings or {name} out of it."
        )),
        source_line: String::new(),
        related: None,
    }
}

pub(super) fn same_name(old: &Kept, new: &Pinned) -> Diagnostic {
    Diagnostic {
        location: new.environment.location.clone(),
        severity: Severity::Error,
        code: "same-environment-name",
        message: format!(
            "the repository {} declares {} already, in {}",
            old.repository,
            new.name(),
            old.pinned.path
        ),
        hint: Some("Give one of them another name.".to_owned()),
        source_line: String::new(),
        related: None,
    }
}
