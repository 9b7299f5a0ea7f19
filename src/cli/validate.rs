//! `reconciled validate`: every mistake in environments, with its place. Asks nobody anything.

use super::paths::Place;
use super::{Exit, Global, Output, settings};
use crate::deliver::render::diagnostics_json;
use crate::engine::Pinned;
use crate::model::{Diagnostic, Kinds, Recipe, Severity};
use crate::source::Outside;
use crate::source::render::Renderer;
use crate::source::secrets::Secrets;
use crate::source::sops::Sops;
use crate::{graph, provider};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Check environments without touching anything live
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled validate                        every environment below the working folder
  reconciled validate environments/production.yaml
  reconciled validate --output json          a list of {file, line, column, code, message, hint}

Secrets need not be at hand: where they go is checked, their values are not. Nothing is fetched either: \
charts of registries are named, and not looked into.")]
pub(super) struct Args {
    /// An environment file, or a folder of them
    #[arg(default_value = ".")]
    path: PathBuf,
}

pub(super) fn run(args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    if let Some(file) = &global.settings {
        let _mistakes_are_shown = settings::of_path(global, out)?;
        out.say(&format!("{}: settings are fine", file.display()));
    }
    let place = Place::read(&args.path)?;
    let kinds = Kinds::new(provider::all_rows());
    let (names, diagnostics, fetched) = check(&place, &kinds);
    if out.is_json() {
        out.json(&diagnostics_json(&diagnostics))?;
        return Ok(settings::exit(&diagnostics));
    }
    settings::show(&diagnostics, out)?;
    let errors = diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .count();
    for chart in fetched {
        out.say(&format!(
            "not looked into, as nothing is fetched here: the chart {chart}"
        ));
    }
    match (errors, names.len()) {
        (0, 0) => anyhow::bail!(
            "find an environment in {}: no YAML document there has `apiVersion: {}` and `kind: Environment`",
            args.path.display(),
            crate::spec::API_VERSION,
        ),
        (0, _) => out.say(&format!("{}: fine", names.join(", "))),
        // How many there are stands below them already.
        _ => {}
    }
    Ok(settings::exit(&diagnostics))
}

/// Reads and resolves everything at a path without its secrets. Returns the names that are fine, every
/// mistake, and the charts that would have to be fetched.
fn check(place: &Place, kinds: &Kinds) -> (Vec<String>, Vec<Diagnostic>, BTreeSet<String>) {
    let mut reading = place.environments(kinds);
    let mut diagnostics: Vec<Diagnostic> = reading.all_diagnostics();
    let (mut names, mut graphs) = (Vec::new(), Vec::new());
    let mut fetched = BTreeSet::new();
    reading.environments.retain(|read| read.environment.is_ok());
    let outside = Outside::new(place.root.clone(), Renderer::default(), Sops::default());
    let allowance = graph::Allowance::default();
    for read in reading.environments {
        let Ok(pinned) = Pinned::new(read, &place.snapshot, &outside) else {
            continue;
        };
        match pinned.graph_at_hand(kinds, &allowance) {
            Ok(graph) => {
                if place.holds(&pinned.path) {
                    names.push(pinned.name().to_string());
                    fetched.extend(to_be_fetched(&pinned, kinds, &allowance));
                    diagnostics.extend(graph.warnings().iter().cloned());
                }
                graphs.push(graph);
            }
            Err(more) => diagnostics.extend(more),
        }
    }
    let all: Vec<&graph::Graph> = graphs.iter().collect();
    let mut told = BTreeSet::new();
    for twice in graph::declared_twice(&all) {
        // Once is enough, and told where it was asked for.
        let pair = BTreeSet::from([twice.address, twice.other]);
        if place.holds(&twice.error.location.file) && told.insert(pair) {
            diagnostics.push(twice.error);
        }
    }
    // A file elsewhere that is too broken to say whose it is matters where nothing here says why there is nothing.
    let is_here = |one: &Diagnostic| place.holds(&one.location.file);
    let is_bare = names.is_empty() && !diagnostics.iter().any(is_here);
    diagnostics.retain(|one| is_here(one) || is_bare && reading.diagnostics.contains(one));
    diagnostics.sort_by(|a, b| a.location.cmp(&b.location));
    diagnostics.dedup();
    (names, diagnostics, fetched)
}

/// Returns the charts of an environment that are not in its repository.
fn to_be_fetched(pinned: &Pinned, kinds: &Kinds, allowance: &graph::Allowance) -> Vec<String> {
    let renders = graph::renders(&pinned.environment, &Secrets::default(), kinds, allowance);
    let chart = |render: &crate::model::Render| match &render.recipe {
        Recipe::Chart(chart) => chart.fetched.as_ref().map(ToString::to_string),
        Recipe::Kustomization(_) => None,
    };
    renders.iter().filter_map(chart).collect()
}
