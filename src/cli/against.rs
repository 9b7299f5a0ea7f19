//! `reconciled plan --against`: what merging this working folder would change, as a pull request shows it.

use super::chosen::{self, Access};
use super::output::Format;
use super::paths::Place;
use super::{Exit, Global, Output, planned, settings};
use crate::deliver::render::{Page, conflict_markdown};
use crate::engine::{self, Proposal};
use crate::plan::Plan;
use crate::source::{Limits, SourceError, Working};
use anyhow::{anyhow, bail};
use std::path::Path;
use std::sync::Arc;

/// The first line of the comment, by which whoever posts it finds it again.
const MARKER: &str = "<!-- reconciled:plan -->";

pub(super) async fn run(
    revision: &str,
    path: &Path,
    global: &Global,
    out: &Output,
) -> anyhow::Result<Exit> {
    let settings = settings::of_path(global, out)?;
    let place = Place::read(path)?;
    if !place.root.join(".git").exists() {
        bail!(
            "compare {} with {revision}: it is in no Git repository",
            path.display()
        );
    }
    let world = chosen::world(&settings, &place.ledger(&settings), Access::Read).await?;
    let working = Working::against(&place.root, revision, Limits::default()).await;
    let working = match working {
        Err(error @ SourceError::Conflict { .. }) => return conflict(revision, error, &world, out),
        Err(error) => return Err(said(revision, error)),
        Ok(working) => working,
    };
    let states = (&Arc::new(working.base), &Arc::new(working.merged));
    let outside = engine::outside(&settings, place.root.clone());
    let proposal =
        Proposal::of_folder(&world, place.root.clone(), states, &outside, &place.only).await;
    if proposal.is_nothing() {
        out.say(&format!("Touches no environment, against {revision}."));
    }
    let page = Page {
        marker: MARKER,
        revision: &working.head,
        at: world.clock.now(),
    };
    show(&proposal, &page, out)
}

/// Prints what is proposed, and tells how the command ends.
fn show(proposal: &Proposal, page: &Page<'_>, out: &Output) -> anyhow::Result<Exit> {
    let plans: Vec<&Plan> = proposal.plans().iter().collect();
    match out.format {
        Format::Markdown if proposal.is_nothing() => {}
        Format::Markdown => out.data(&proposal.comment(page))?,
        Format::Text | Format::Json => {
            if !proposal.mistakes().is_empty() {
                return chosen::refuse(proposal.mistakes(), out);
            }
            planned::show(&plans, out)?;
            for gone in proposal.gone() {
                let name = &gone.name;
                out.say(&match gone.is_renamed() {
                    true => {
                        format!("{name} would go on under another name; nothing of it is deleted.")
                    }
                    false => format!("{name} would be declared nowhere; nothing of it is deleted."),
                });
            }
            for (name, why) in proposal.unplanned() {
                out.say(&format!("Failed to plan {name}: {why}."));
            }
        }
    }
    let unsure = planned::unsure(plans.iter().copied(), out);
    Ok(if unsure || proposal.is_wrong() {
        Exit::Failed
    } else if proposal.gone().is_empty() && plans.iter().all(|plan| plan.is_empty()) {
        Exit::Same
    } else {
        Exit::Differs
    })
}

/// A conflict has a comment of its own, and is a failure.
fn conflict(
    revision: &str,
    error: SourceError,
    world: &engine::World,
    out: &Output,
) -> anyhow::Result<Exit> {
    if let (SourceError::Conflict { paths, .. }, Format::Markdown) = (&error, out.format) {
        let now = world.clock.now();
        let page = Page {
            marker: MARKER,
            revision: &crate::model::Revision::new("HEAD"),
            at: now,
        };
        out.data(&conflict_markdown(revision, paths, now, &page))?;
    }
    Err(error.into())
}

/// Says what to do where a revision is not here; a runner's clone often holds one commit only.
fn said(revision: &str, error: SourceError) -> anyhow::Error {
    let next = "fetch it with its history, as in `git fetch origin main`; on a CI runner, check out with `fetch-depth: 0`";
    match error {
        SourceError::MissingRevision { .. } => {
            anyhow!("find {revision:?}: it names no commit of this repository\nnext: {next}")
        }
        SourceError::Unrelated { .. } => anyhow!(
            "merge into {revision}: it shares no commit with HEAD in this repository\nnext: {next}"
        ),
        other => other.into(),
    }
}
