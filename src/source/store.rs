//! An object store on this machine: opening it, naming its commits, reading its trees. Writes nothing
//! and checks nothing out.

use super::{SourceError, error::Cause};
use git2::{ErrorCode, Oid, RepositoryOpenFlags};
use std::ffi::OsStr;
use std::path::Path;

/// Opens the repository that stands exactly here (or in `.git` here).
pub(crate) fn opened(target: &str, path: &Path) -> Result<git2::Repository, SourceError> {
    let missing = |reason: String| SourceError::MissingRepository {
        target: target.to_owned(),
        reason,
    };
    if !path.exists() {
        return Err(missing(format!("{} does not exist", path.display())));
    }
    let nothing: [&OsStr; 0] = [];
    git2::Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, nothing).map_err(|error| {
        match error.code() {
            ErrorCode::NotFound => SourceError::NoRepository {
                target: target.to_owned(),
                path: path.display().to_string(),
            },
            ErrorCode::Owner => missing(format!(
                "{} belongs to another user; name it in this user's git `safe.directory`",
                path.display()
            )),
            _ => corrupt(target, "open the object store", error),
        }
    })
}

/// Returns the commit a full reference name stands at, annotated tags followed.
pub(crate) fn tip(
    repository: &git2::Repository,
    target: &str,
    reference: &str,
) -> Result<Oid, SourceError> {
    let nothing = |mut names: git2::References<'_>| names.next().is_none();
    if repository.references().is_ok_and(nothing) {
        return Err(SourceError::EmptyRepository {
            target: target.to_owned(),
        });
    }
    let missing = || {
        let names = repository.references().map(|all| {
            let name =
                |one: Result<git2::Reference<'_>, _>| Some(one.ok()?.name().ok()?.to_owned());
            all.filter_map(name).collect::<Vec<String>>()
        });
        missing_branch(target, reference, names.unwrap_or_default())
    };
    match repository.find_reference(reference) {
        Ok(found) => found
            .peel_to_commit()
            .map(|commit| commit.id())
            .map_err(|error| match error.code() {
                // HEAD of a repository without commits.
                ErrorCode::UnbornBranch => missing(),
                _ => corrupt(target, &format!("follow {reference} to a commit"), error),
            }),
        Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {
            Err(missing())
        }
        Err(error) => Err(corrupt(target, &format!("look up {reference}"), error)),
    }
}

/// Reads a revision's text.
pub(crate) fn commit_id(target: &str, revision: &str) -> Result<Oid, SourceError> {
    Oid::from_str(revision)
        .ok()
        .filter(|_| revision.len() == 40)
        .ok_or_else(|| missing_revision(target, revision))
}

/// Finds a commit.
pub(crate) fn commit<'r>(
    repository: &'r git2::Repository,
    target: &str,
    id: Oid,
) -> Result<git2::Commit<'r>, SourceError> {
    repository
        .find_commit(id)
        .map_err(|error| match error.code() {
            ErrorCode::NotFound => missing_revision(target, &id.to_string()),
            _ => corrupt(target, &format!("read commit {id}"), error),
        })
}

/// The error of a damaged store.
pub(crate) fn corrupt(target: &str, doing: &str, error: impl Into<Cause>) -> SourceError {
    SourceError::Corrupt {
        target: target.to_owned(),
        reason: format!("{doing} did not work"),
        source: Some(error.into()),
    }
}

/// The error of a write that a store refused: the disk's fault, or the store's or the pack's.
pub(crate) fn disk_or_corrupt(target: &str, doing: &str, error: git2::Error) -> SourceError {
    if error.class() == git2::ErrorClass::Os {
        return SourceError::Disk {
            target: target.to_owned(),
            doing: doing.to_owned(),
            source: std::io::Error::other(error),
        };
    }
    corrupt(target, doing, error)
}

/// The error of a branch that is not there, with the full names of what is.
pub(crate) fn missing_branch(
    target: &str,
    reference: &str,
    there: impl IntoIterator<Item = String>,
) -> SourceError {
    let branch = |name: String| Some(name.strip_prefix("refs/heads/")?.to_owned());
    let mut branches: Vec<String> = there.into_iter().filter_map(branch).collect();
    branches.sort();
    SourceError::MissingBranch {
        target: target.to_owned(),
        reference: reference.to_owned(),
        branches,
    }
}

/// The error of a revision that is not there.
pub(crate) fn missing_revision(target: &str, revision: &str) -> SourceError {
    SourceError::MissingRevision {
        target: target.to_owned(),
        revision: revision.to_owned(),
    }
}
