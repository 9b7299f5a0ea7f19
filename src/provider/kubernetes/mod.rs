//! Kubernetes: any object a cluster serves, observed by lists and server-side dry-runs, written by
//! server-side apply.
//!
//! ```text
//! connection (who reaches it: sign-in, pace, repeats) -> cluster -> discovery -> target
//! observe: list (or watch) -> dry_run (merge) -> marks, health, shape + seal -> Observed
//! apply:   planned version -> write (merge) | delete, wait gone -> Applied
//! fields:  whose each one is, in both; scalers: what makes some of them its own
//! ```
//!
//! The one room besides `net` that sends requests: `kube` knows how clusters are signed in to.

mod apply;
mod cluster;
mod connection;
mod discovery;
mod dry_run;
mod error;
mod fields;
mod health;
mod import;
mod list;
mod marks;
mod observe;
mod reference;
mod rows;
mod scalers;
mod seal;
mod secret;
mod shape;
mod target;
mod watch;

pub use connection::KubernetesSettings;
pub use import::{Import, Search};
pub(super) use rows::rows;
pub use watch::Watched;

use super::{Nudge, Provider, ProviderError};
use crate::model::{
    Applied, Asked, ConnectionName, Content, Digest, DigestKey, EnvironmentName, Kind, Live,
    Observed, Step, Unknown,
};
use crate::net::Limiters;
use crate::telemetry::Readiness;
use async_trait::async_trait;
use cluster::Cluster;
use futures::future::join_all;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watch::Manner;

/// The provider of Kubernetes objects.
pub struct Kubernetes {
    settings: KubernetesSettings,
    limiters: Limiters,
    key: DigestKey,
    rows: Vec<Kind>,
    /// By everything that leads to a cluster, credentials included.
    clusters: Mutex<HashMap<Digest, Weak<Cluster>>>,
    /// Where each connection led at its last look, and when that was, by its settings. What nothing here
    /// leads to any more is forgotten, and its watches end.
    looked: Mutex<HashMap<Digest, (Instant, Arc<Cluster>)>>,
    manner: Manner,
    readiness: Readiness,
}

impl Kubernetes {
    /// Makes the provider; nothing is connected to before it is asked for.
    /// The key is for what is remembered of what was found.
    pub fn new(
        settings: KubernetesSettings,
        limiters: Limiters,
        key: DigestKey,
        nudge: Option<Nudge>,
    ) -> Self {
        Self {
            settings,
            limiters,
            key,
            rows: rows(),
            clusters: Mutex::default(),
            looked: Mutex::default(),
            manner: Manner::new(nudge),
            readiness: Readiness::new(),
        }
    }

    /// Has it said there which clusters give no answer.
    #[must_use]
    pub fn telling(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// Takes a watch for dead that tells nothing for so long.
    #[must_use]
    pub fn with_silence(mut self, silence: Duration) -> Self {
        self.manner.silence = silence;
        self
    }

    /// Returns how much of each cluster that was looked at is heard of, by its server's address.
    pub fn watched(&self) -> BTreeMap<String, Watched> {
        let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let clusters: BTreeMap<_, _> = looked
            .values()
            .map(|(_, cluster)| (Arc::as_ptr(cluster), cluster))
            .collect();
        let mut all: BTreeMap<String, Watched> = BTreeMap::new();
        for cluster in clusters.values() {
            let one = cluster.watches.tally();
            let sum = all.entry(cluster.server().to_owned()).or_default();
            *sum = Watched {
                heard: sum.heard + one.heard,
                listed: sum.listed + one.listed,
                objects: sum.objects + one.objects,
            };
        }
        all
    }

    fn row(&self, kind: &crate::model::KindName) -> Option<&Kind> {
        self.rows.iter().find(|row| row.name == *kind)
    }

    async fn observe_one(&self, asked: &[&Asked]) -> Vec<Observed> {
        let Some(first) = asked.first() else {
            return Vec::new();
        };
        let row = |one: &Asked| self.row(&one.kind);
        match self.look_up(&first.connection).await {
            Ok(cluster) => observe::answers(&cluster, row, asked).await,
            Err(failure) => asked
                .iter()
                .map(|one| Observed::answer(one, failure.unknown()))
                .collect(),
        }
    }
}

#[async_trait]
impl Provider for Kubernetes {
    fn kinds(&self) -> &[Kind] {
        &self.rows
    }

    /// Each cluster answers at its own pace: a dead one delays no other.
    async fn observe(&self, asked: &[Asked]) -> Vec<Observed> {
        let mut groups: BTreeMap<(&EnvironmentName, &ConnectionName), Vec<&Asked>> =
            BTreeMap::new();
        for one in asked {
            groups
                .entry((&one.address.environment, &one.connection.name))
                .or_default()
                .push(one);
        }
        let answers = groups.values().map(|group| self.observe_one(group));
        join_all(answers).await.into_iter().flatten().collect()
    }

    async fn within(&self, step: &Step, live: &Live) -> Result<Vec<Content>, Unknown> {
        let told = async {
            let cluster = self.looked_up(&step.connection).await?;
            observe::within::within(&cluster, step, live).await
        };
        told.await.map_err(secret::unread)
    }

    async fn apply(&self, step: &Step, stop: &CancellationToken) -> Result<Applied, ProviderError> {
        let what = format!("{} {}", step.kind, step.identity);
        let Some(row) = self.row(&step.kind) else {
            let reason = "it is no kind of this provider".to_owned();
            return Err(ProviderError::Internal { what, reason });
        };
        let cluster = self
            .looked_up(&step.connection)
            .await
            .map_err(|failure| failure.of_step(&what))?;
        apply::carry_out(&cluster, row, step, stop).await
    }
}
