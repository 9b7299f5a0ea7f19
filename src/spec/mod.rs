//! Snapshot -> environments, or every mistake with its place. Pure.
//!
//! ```text
//! Snapshot -> find (documents by content) -> layer (extends) -> environment (typed, names checked)
//! ```
//!
//! Expressions are parsed and their names checked here; `graph` evaluates them.

pub(crate) mod chart;
mod connection;
pub(crate) mod environment;
pub(crate) mod expression;
mod find;
mod kustomization;
mod layer;
mod lifecycle;
pub mod manifests;
pub(crate) mod names;
mod reconcile;
mod references;
mod resource;
mod schema;
mod secret;
pub(crate) mod shape;
pub(crate) mod template;
#[cfg(test)]
pub(crate) mod tests;

pub use connection::Connecting;
pub use environment::Environment;
pub use resource::Declared;
pub use schema::schema;

use crate::model::{Diagnostic, EnvironmentName, Kinds, RepoPath, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// The `apiVersion` of every document of ours.
pub const API_VERSION: &str = "reconciled.dev/v1alpha1";

/// The most diagnostics one environment keeps; the rest is counted.
const MOST_DIAGNOSTICS: usize = 200;

/// What is read, and how.
#[derive(Clone, Debug)]
pub struct ReadOptions<'a> {
    /// The folder that is searched; `None` searches the whole repository.
    pub folder: Option<RepoPath>,
    /// Only environments of this file, or of files below this folder, are returned. Names are still
    /// compared with all others that are found.
    pub only: Option<RepoPath>,
    /// What kinds there are.
    pub kinds: &'a Kinds,
}

/// One environment that was found.
#[derive(Clone, Debug)]
pub struct EnvironmentReading {
    /// Its name.
    pub name: EnvironmentName,
    /// The file it stands in.
    pub path: RepoPath,
    /// Every file and folder it depends on, itself included: a change under any of them may change it.
    pub files: BTreeSet<RepoPath>,
    /// The environment, or every mistake in it.
    pub environment: Result<Environment, Vec<Diagnostic>>,
}

/// What a snapshot holds.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Environments by name. Of two with one name both are here, each with the error.
    pub environments: Vec<EnvironmentReading>,
    /// Mistakes in files of ours that belong to no environment that could be named.
    pub diagnostics: Vec<Diagnostic>,
}

impl Reading {
    /// Returns every mistake once, by file and line.
    pub fn all_diagnostics(&self) -> Vec<Diagnostic> {
        let of_environments = self.environments.iter();
        let of_environments =
            of_environments.filter_map(|reading| reading.environment.as_ref().err());
        let mut all: Vec<Diagnostic> = Vec::new();
        let mut seen = BTreeSet::new();
        for diagnostic in of_environments.flatten().chain(&self.diagnostics) {
            let key = (
                diagnostic.location.clone(),
                diagnostic.code,
                diagnostic.message.clone(),
            );
            if seen.insert(key) {
                all.push(diagnostic.clone());
            }
        }
        all.sort_by(|a, b| a.location.cmp(&b.location));
        all
    }
}

/// Reads every environment of a snapshot.
///
/// # Guarantees
/// - Errors of one environment never hide another.
/// - Bounded in time and memory whatever the files hold; never panics.
pub fn read(snapshot: &Snapshot, options: &ReadOptions<'_>) -> Reading {
    let mut library = find::Library::new(snapshot);
    let found = library.search(options.folder.as_ref());
    let mut reading = Reading {
        environments: Vec::new(),
        diagnostics: found.diagnostics,
    };
    for candidate in found.environments {
        let mut files = BTreeSet::from([candidate.path.clone()]);
        let environment = match candidate.document {
            Some(document) => environment::read(&mut library, document, options.kinds, &mut files),
            None => Err(candidate.diagnostics),
        };
        reading.environments.push(EnvironmentReading {
            name: candidate.name,
            path: candidate.path,
            files,
            environment: environment.map_err(shortened),
        });
    }
    reading
        .environments
        .sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
    refuse_equal_names(&mut reading.environments, &found.names);
    if let Some(only) = &options.only {
        reading
            .environments
            .retain(|reading| reading.path.is_under(only));
        reading
            .diagnostics
            .retain(|diagnostic| diagnostic.location.file.is_under(only));
    }
    reading
}

fn refuse_equal_names(
    readings: &mut [EnvironmentReading],
    names: &[(EnvironmentName, crate::yaml::Place)],
) {
    let mut places: BTreeMap<&EnvironmentName, Vec<&crate::yaml::Place>> = BTreeMap::new();
    for (name, place) in names {
        places.entry(name).or_default().push(place);
    }
    for reading in readings {
        let all = places
            .get(&reading.name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let [_, _, ..] = all else { continue };
        let errors: Vec<Diagnostic> = all
            .iter()
            .filter(|place| *place.file() == reading.path)
            .filter_map(|place| {
                let other = all.iter().find(|other| *other != place)?;
                let message = format!("two environments are named {}", reading.name);
                let error = place.error("same-environment-name", message);
                let error = error.with_hint("Give one of them another name.");
                Some(error.with_related(other.location(), "the other is here"))
            })
            .collect();
        match &mut reading.environment {
            Ok(_) => reading.environment = Err(errors),
            Err(diagnostics) => diagnostics.extend(errors),
        }
    }
}

fn shortened(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|a, b| a.location.cmp(&b.location));
    diagnostics.dedup();
    let more = diagnostics.len().saturating_sub(MOST_DIAGNOSTICS);
    diagnostics.truncate(MOST_DIAGNOSTICS);
    if more > 0
        && let Some(last) = diagnostics.last().cloned()
    {
        diagnostics.push(Diagnostic {
            code: "too-many-mistakes",
            message: format!("there are {more} more mistakes than are shown"),
            hint: None,
            related: None,
            ..last
        });
    }
    diagnostics
}
