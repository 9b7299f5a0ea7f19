//! What an environment was at an older revision: read when a rollback is ordered, and when it is carried out.

use super::{Followed, Pinned, beside};
use crate::graph::Allowance;
use crate::model::{
    Class, Diagnostic, EnvironmentName, Fault, Kinds, Revision, Severity, Snapshot,
};
use crate::source::SourceError;
use crate::spec::EnvironmentReading;
use std::sync::Arc;

/// Why an environment cannot be put back to a revision.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// The repository does not hold the revision, or cannot be asked.
    #[error("read the revision {}", .revision.short())]
    Source {
        /// Which.
        revision: Revision,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// A working folder is read as it stands.
    #[error("read an older revision: {repository} is a working folder, which has no past")]
    NoPast {
        /// The repository's name.
        repository: String,
    },
    /// The environment was not there.
    #[error("find {environment} at {}: no file declares it there", .revision.short())]
    Undeclared {
        /// The environment.
        environment: EnvironmentName,
        /// The revision.
        revision: Revision,
    },
    /// Its files there cannot be used.
    #[error("use the specs of {environment} at {}: {}", .revision.short(), .mistakes.first().map_or("", |one| &one.message))]
    Broken {
        /// The environment.
        environment: EnvironmentName,
        /// The revision.
        revision: Revision,
        /// What is wrong, located in the files of that revision.
        mistakes: Vec<Diagnostic>,
    },
}

impl PastError {
    /// Tells whether this says nothing of the revision: another one asked, or later, it may be had.
    pub fn is_unsure(&self) -> bool {
        match self {
            Self::Source { source, .. } => !matches!(source, SourceError::MissingRevision { .. }),
            _ => false,
        }
    }
}

impl Fault for PastError {
    fn code(&self) -> &'static str {
        match self {
            Self::Source { source, .. } => source.code(),
            Self::NoPast { .. } => "no-past",
            Self::Undeclared { .. } => "not-declared-then",
            Self::Broken { .. } => "broken-then",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPast { .. } => {
                "Put the folder back as it was; it is followed as it is.".to_owned()
            }
            _ => "Nothing was ordered. Name another revision with --to; `reconciled history list` shows those that ran.".to_owned(),
        })
    }

    fn class(&self) -> Class {
        if self.is_unsure() {
            Class::Transient
        } else {
            Class::User
        }
    }
}

/// Reads an environment as it was at a revision.
///
/// # Errors
/// It cannot be had there, or has mistakes that show without resolving it.
pub(super) async fn environment(
    followed: &Followed,
    name: &EnvironmentName,
    revision: &Revision,
    kinds: &Kinds,
) -> Result<(EnvironmentReading, Arc<Snapshot>), PastError> {
    let at = followed.origin.at(revision).await;
    let at = at.map_err(|source| PastError::Source {
        revision: revision.clone(),
        source,
    })?;
    let snapshot = at.ok_or_else(|| PastError::NoPast {
        repository: followed.origin.name().to_owned(),
    })?;
    let reading = beside::environments(followed, &snapshot, kinds).await;
    let of_it = reading.environments.into_iter();
    let mistakes = match of_it.filter(|read| read.name == *name).last() {
        Some(read) => match &read.environment {
            Ok(_) => return Ok((read, snapshot)),
            Err(mistakes) => mistakes.clone(),
        },
        // A file too broken to name its environment may be this one's.
        None => reading.diagnostics,
    };
    let is_error = |one: &Diagnostic| one.severity == Severity::Error;
    Err(if mistakes.iter().any(is_error) {
        broken(name, revision, mistakes)
    } else {
        PastError::Undeclared {
            environment: name.clone(),
            revision: revision.clone(),
        }
    })
}

fn broken(name: &EnvironmentName, revision: &Revision, mistakes: Vec<Diagnostic>) -> PastError {
    PastError::Broken {
        environment: name.clone(),
        revision: revision.clone(),
        mistakes,
    }
}

/// Returns what an environment was at a revision, as far as that shows without its secrets and without rendering.
///
/// # Errors
/// It cannot be put back to it: why, with every mistake of that revision.
pub async fn check(
    followed: &Followed,
    name: &EnvironmentName,
    revision: &Revision,
    kinds: &Kinds,
) -> Result<Pinned, PastError> {
    let (read, snapshot) = environment(followed, name, revision, kinds).await?;
    let wrong = |mistakes| broken(name, revision, mistakes);
    let pinned = Pinned::new(read, &snapshot, &followed.outside).map_err(wrong)?;
    let graph = pinned.graph_at_hand(kinds, &Allowance::default());
    graph.map(|_| pinned).map_err(wrong)
}
