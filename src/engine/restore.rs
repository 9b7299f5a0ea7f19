//! The last good state of environments whose newest cannot be used, from what the ledger remembers:
//! a restart must not turn a broken commit into an environment nobody keeps.

use super::{Arrival, Claims, Fleet, Followed, Instead, News, Pinned, Trust, World, beside};
use crate::ledger::LedgerError;
use crate::model::{EnvironmentName, Snapshot};
use crate::spec::Reading;
use crate::telemetry::chain;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Puts the last good state in force for every environment of this repository that the newest state
/// breaks and that this process has not kept yet. What cannot be had is logged, and
/// counts as declared: nobody takes over what is its.
///
/// # Errors
/// The ledger cannot be read: then the state is not to be taken.
pub(super) async fn restore(
    world: &World,
    followed: &Followed,
    (newest, snapshot): (&Reading, &Arc<Snapshot>),
    (fleet, claims): (&mut Fleet, &Claims),
) -> Result<Vec<News>, LedgerError> {
    let mut news = Vec::new();
    for name in in_question(world, followed, (newest, snapshot), fleet).await? {
        match last_good(world, followed, newest, &name).await {
            Ok(Some((reading, snapshot))) => {
                let repository = followed.origin.name();
                let arrival = Arrival {
                    repository,
                    snapshot: &snapshot,
                    reading,
                    outside: &followed.outside,
                    instead: Instead::new(),
                };
                let known = (world.registry.kinds(), claims);
                let revision = snapshot.revision.short();
                match fleet.restore(arrival, &name, known).await {
                    Ok(kept) => {
                        tracing::warn!(environment = %name, revision = %revision, "Newest state cannot be used, keeping the last good one");
                        news.extend(kept);
                    }
                    // A secret that is missing is missing there, too.
                    Err(reason) => {
                        tracing::error!(environment = %name, revision = %revision, reason, "The last good state cannot be used either, keeping nothing");
                        fleet.lose(&name, repository);
                    }
                }
            }
            Ok(None) => {}
            Err(reason) => {
                tracing::error!(environment = %name, reason, "Last good state cannot be had");
                fleet.lose(&name, followed.origin.name());
            }
        }
    }
    Ok(news)
}

/// Puts the last good state of every environment in force that stands in the copy kept of this
/// repository: for a start while the repository itself does not answer.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn restore_unread(
    world: &World,
    followed: &Followed,
    (fleet, claims): (&mut Fleet, &Claims),
) -> Result<Vec<News>, LedgerError> {
    let mut news = Vec::new();
    let good = world.ledger.all_last_good().await?;
    let unkept = good
        .into_iter()
        .filter(|(name, ..)| !fleet.declares(name))
        .collect::<Vec<_>>();
    for (name, revision, path) in unkept {
        // Not in this copy: it is another repository's.
        let Some(snapshot) = followed.origin.kept(&revision).await else {
            continue;
        };
        let kinds = world.registry.kinds();
        let arrival = Arrival {
            repository: followed.origin.name(),
            reading: beside::read(&snapshot, None, Some(path), kinds).await,
            snapshot: &snapshot,
            outside: &followed.outside,
            instead: Instead::new(),
        };
        let known = (kinds, claims);
        let revision = revision.short();
        match fleet.restore(arrival, &name, known).await {
            Ok(kept) => {
                tracing::warn!(environment = %name, revision = %revision, "Repository not read yet, keeping the last good state");
                news.extend(kept);
            }
            Err(reason) => {
                tracing::error!(environment = %name, revision = %revision, reason, "Repository not read yet, and its last good state cannot be used");
            }
        }
    }
    Ok(news)
}

/// Environments that are broken, or ours and not to be seen. Some mistakes show only with secrets
/// and manifests at hand.
async fn in_question(
    world: &World,
    followed: &Followed,
    (newest, snapshot): (&Reading, &Arc<Snapshot>),
    fleet: &Fleet,
) -> Result<BTreeSet<EnvironmentName>, LedgerError> {
    let unkept = |name: &EnvironmentName| !fleet.kept().contains_key(name);
    let newest = newest.environments.iter().filter(|read| unkept(&read.name));
    let mut good = BTreeSet::new();
    let allowance = Arc::default();
    for read in newest.clone() {
        let pinned = Pinned::new((*read).clone(), snapshot, &followed.outside);
        if let Ok(pinned) = pinned
            && let kinds = world.registry.kinds()
            && let graph = pinned.graph_within(kinds, &Trust::All, &allowance)
            && graph.await.is_ok()
        {
            good.insert(&read.name);
        }
    }
    let broken = newest.clone().map(|read| read.name.clone());
    let owners = world.ledger.owners().await?;
    Ok(broken
        .chain(owners)
        .filter(|name| !good.contains(name) && unkept(name))
        .collect())
}

async fn last_good(
    world: &World,
    followed: &Followed,
    newest: &Reading,
    name: &EnvironmentName,
) -> Result<Option<(Reading, Arc<Snapshot>)>, String> {
    let Some((revision, path)) = world
        .ledger
        .last_good(name)
        .await
        .map_err(|error| chain(&error))?
    else {
        return Ok(None);
    };
    let broken_by_name = newest.environments.iter().any(|read| read.name == *name);
    let broken_by_path = newest
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.location.file == path);
    if !broken_by_name && !broken_by_path {
        return Ok(None);
    }
    let Some(snapshot) = followed
        .origin
        .at(&revision)
        .await
        .map_err(|error| chain(&error))?
    else {
        return Err("a folder keeps no state of the past".to_owned());
    };
    let kinds = world.registry.kinds();
    let reading = beside::read(&snapshot, None, Some(path), kinds).await;
    Ok(Some((reading, snapshot)))
}
