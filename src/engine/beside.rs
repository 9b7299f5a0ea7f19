//! Computing that would hold up the event loop, done beside it: reading specs, building graphs, writing specs. Fuel
//! bounds both, but a large repository takes its time, and a signal must not wait for it.

use super::cluster_secrets::Connections;
use super::{Followed, Pinned};
use crate::graph::{self, Allowance, Graph, keep};
use crate::model::{Action, Diagnostic, Kinds, Render, RepoPath, Snapshot, Step};
use crate::source::render::Rendered;
use crate::source::secrets::Secrets;
use crate::spec::{self, Environment, ReadOptions, Reading};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Reads every environment below a folder of a snapshot, or of one file.
pub(super) async fn read(
    snapshot: &Arc<Snapshot>,
    folder: Option<RepoPath>,
    only: Option<RepoPath>,
    kinds: &Kinds,
) -> Reading {
    let (snapshot, kinds) = (Arc::clone(snapshot), kinds.clone());
    beside(move || {
        let options = ReadOptions {
            folder,
            only,
            kinds: &kinds,
        };
        spec::read(&snapshot, &options)
    })
    .await
}

/// Reads every environment of a repository that is followed.
pub(super) async fn environments(
    followed: &Followed,
    snapshot: &Arc<Snapshot>,
    kinds: &Kinds,
) -> Reading {
    let folder = Some(followed.environments.clone());
    read(snapshot, folder, None, kinds).await
}

/// Builds the graph of one environment from what is left for all of its repository.
///
/// # Errors
/// As of `graph::build_within`.
pub(super) async fn build(
    (environment, snapshot): (&Arc<Environment>, &Arc<Snapshot>),
    outside: (Secrets, Rendered),
    kinds: &Kinds,
    allowance: &Arc<Allowance>,
) -> Result<Graph, Vec<Diagnostic>> {
    let (environment, snapshot) = (Arc::clone(environment), Arc::clone(snapshot));
    let (kinds, allowance) = (kinds.clone(), Arc::clone(allowance));
    beside(move || {
        let outside = (&outside.0, &outside.1);
        graph::build_within(&environment, outside, &kinds, &snapshot, &allowance)
    })
    .await
}

/// Finds what has to be rendered for an environment, and hands its secrets back.
pub(super) async fn renders(
    environment: &Arc<Environment>,
    secrets: Secrets,
    kinds: &Kinds,
    allowance: &Arc<Allowance>,
) -> (Secrets, Vec<Render>) {
    let (environment, kinds) = (Arc::clone(environment), kinds.clone());
    let allowance = Arc::clone(allowance);
    beside(move || {
        let asked = graph::renders(&environment, &secrets, &kinds, &allowance);
        (secrets, asked)
    })
    .await
}

/// Resolves the connections of an environment, and hands its secrets back.
pub(super) async fn connections(
    environment: &Arc<Environment>,
    secrets: Secrets,
    kinds: &Kinds,
    allowance: &Arc<Allowance>,
) -> (Secrets, Connections) {
    let (environment, kinds) = (Arc::clone(environment), kinds.clone());
    let allowance = Arc::clone(allowance);
    beside(move || {
        let connections = graph::connections_of(&environment, &secrets, &kinds, &allowance);
        (secrets, connections)
    })
    .await
}

/// Writes what is live into the specs of an environment, as far as that goes. `steps` would put it back, `others`
/// are the files of each other environment of its repository.
pub(super) async fn kept(
    pinned: &Pinned,
    others: Vec<BTreeSet<RepoPath>>,
    steps: Arc<[Step]>,
    kinds: &Kinds,
) -> keep::Kept {
    let (pinned, kinds) = (pinned.clone(), kinds.clone());
    beside(move || {
        let drifted = steps.iter().map(|step| keep::Drifted {
            address: &step.address,
            changes: &step.changes,
            gone: step.action == Action::Create,
        });
        let keeping = keep::Keeping {
            environment: &pinned.environment,
            snapshot: &pinned.snapshot,
            files: &pinned.files,
            others: &others.iter().collect::<Vec<_>>(),
            kinds: &kinds,
        };
        keep::keep(&keeping, &drifted.collect::<Vec<_>>())
    })
    .await
}

async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going away, and whoever waits here with it.
        Err(_) => std::future::pending().await,
    }
}
