//! Reads a snapshot's environments: finds them, types each by itself, compares their names.

use super::{Approval, EnvironmentReading, ReadOptions, Reading, environment, find};
use crate::model::{Diagnostic, EnvironmentName, RepoPath, Snapshot};
use crate::yaml::Place;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
        hiding: found.hiding,
    };
    for candidate in found.environments {
        let mut files = BTreeSet::from([candidate.path.clone()]);
        let environment = match candidate.document {
            Some(document) => environment::read(&mut library, document, options.kinds, &mut files),
            None => Err(candidate.diagnostics),
        };
        // Two documents in its one place approve nothing: nobody knows which was meant.
        let is_its = |one: &&Approval| one.environment == candidate.name;
        let mut of_it = found.approvals.iter().filter(is_its);
        let approval = of_it.next().filter(|_| of_it.next().is_none()).cloned();
        reading.environments.push(EnvironmentReading {
            approval,
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

/// Each of many readings says its own place and one other: thousands of one name in one file cost no more
/// than as many mistakes.
fn refuse_equal_names(readings: &mut [EnvironmentReading], names: &[(EnvironmentName, Place)]) {
    let mut places: BTreeMap<&EnvironmentName, Vec<&Place>> = BTreeMap::new();
    let mut in_file: BTreeMap<(&EnvironmentName, &RepoPath), VecDeque<&Place>> = BTreeMap::new();
    for (name, place) in names {
        places.entry(name).or_default().push(place);
        in_file
            .entry((name, place.file()))
            .or_default()
            .push_back(place);
    }
    for reading in readings {
        let Some([first, second, ..]) = places.get(&reading.name).map(Vec::as_slice) else {
            continue;
        };
        let own = in_file.get_mut(&(&reading.name, &reading.path));
        let place = own.and_then(VecDeque::pop_front).unwrap_or(first);
        let other = if place == *first { second } else { first };
        let message = format!("two environments are named {}", reading.name);
        let error = place.error("same-environment-name", message);
        let error = error.with_hint("Give one of them another name.");
        let error = error.with_related(other.location(), "the other is here");
        match &mut reading.environment {
            Ok(_) => reading.environment = Err(vec![error]),
            Err(diagnostics) => diagnostics.push(error),
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
