//! Reads a snapshot's environments: finds them, types each by itself, compares their names.

use super::{EnvironmentReading, ReadOptions, Reading, environment, find};
use crate::model::{Diagnostic, EnvironmentName, Snapshot};
use crate::yaml::Place;
use std::collections::{BTreeMap, BTreeSet};

/// The most diagnostics one environment keeps; the rest is counted.
pub(super) const MOST_DIAGNOSTICS: usize = 200;

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

fn refuse_equal_names(readings: &mut [EnvironmentReading], names: &[(EnvironmentName, Place)]) {
    let mut places: BTreeMap<&EnvironmentName, Vec<&Place>> = BTreeMap::new();
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
