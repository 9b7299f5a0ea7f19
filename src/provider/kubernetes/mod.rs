//! Kubernetes: any object a cluster serves, observed by lists and server-side dry-runs, written by
//! server-side apply.
//!
//! ```text
//! connection -> cluster (client, pace, repeats) -> discovery -> target
//! observe: list -> dry_run (left, merge) -> marks, health, shape + seal -> Observed
//! apply:   planned version -> write (left, merge) | delete, wait gone -> Applied
//! ```
//!
//! The one room besides `net` that sends requests: `kube` knows how clusters are signed in to.

mod added;
mod apply;
mod cluster;
mod connection;
mod defaults;
mod delete;
mod discovery;
mod dry_run;
mod error;
mod essence;
mod fields;
mod fieldset;
mod foreign;
mod gathered;
mod health;
mod ignored;
mod import;
mod instruction;
mod left;
mod list;
mod looks;
mod managed;
mod many;
mod marks;
mod merge;
mod observe;
mod patch;
mod place;
mod program;
mod reach;
mod reference;
mod refusal;
mod renewal;
mod rights;
mod rows;
mod scalers;
mod seal;
mod secret;
mod sender;
mod shape;
mod sign_in;
mod target;
mod verdict;
mod watch;
mod write;
mod written;

pub use connection::KubernetesSettings;
pub use import::{Import, Search};
pub(super) use rows::rows;
pub use watch::Watched;

use super::{Nudge, Provider, ProviderError};
use crate::model::{
    Applied, Asked, Connection, ConnectionName, Digest, DigestKey, EnvironmentName, Kind, Observed,
    Step,
};
use crate::net::Limiters;
use async_trait::async_trait;
use cluster::Cluster;
use error::Failure;
use futures::future::join_all;
use sender::Sender;
use sign_in::SignIn;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watch::{Manner, SecretWatches, Watches};

/// Requests a second to one cluster. High on purpose: the API server's own priority and fairness says
/// "later" by 429, which holds everything of that cluster and makes fewer writes be under way; a client's
/// guess only makes it slow.
const PACE: NonZeroU32 = NonZeroU32::new(1000).expect("a thousand is not zero");
/// A connection that nobody looked at for so long is none any more. Longer than environments wait that
/// are compared once a day.
const FORGOTTEN: Duration = Duration::from_secs(25 * 3600);

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
        }
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
            };
        }
        all
    }

    fn row(&self, kind: &crate::model::KindName) -> Option<&Kind> {
        self.rows.iter().find(|row| row.name == *kind)
    }

    /// Returns where a connection leads, as its kubeconfig says now. Every look asks it anew.
    async fn look_up(&self, connection: &Connection) -> Result<Arc<Cluster>, Failure> {
        let found = self.find(connection).await;
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = settings_digest(connection);
        let Ok(cluster) = &found else {
            looked.remove(&settings);
            return found;
        };
        looked.retain(|_, (at, _)| at.elapsed() < FORGOTTEN);
        looked.insert(settings, (Instant::now(), cluster.clone()));
        found
    }

    /// Returns where a connection led when it was last looked at: what is written was seen there, and a
    /// kubeconfig read for each of a thousand writes costs more than they do.
    async fn looked_up(&self, connection: &Connection) -> Result<Arc<Cluster>, Failure> {
        let known = {
            let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let known = looked.get(&settings_digest(connection));
            known.map(|(_, cluster)| cluster.clone())
        };
        match known {
            Some(cluster) => Ok(cluster),
            None => self.look_up(connection).await,
        }
    }

    /// Nobody is signed in here, since who holds this lock holds up every connection.
    async fn find(&self, connection: &Connection) -> Result<Arc<Cluster>, Failure> {
        let destination = connection::destination(connection, &self.settings).await?;
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        clusters.retain(|_, cluster| cluster.strong_count() > 0);
        if let Some(cluster) = clusters.get(&destination.digest).and_then(Weak::upgrade) {
            return Ok(cluster);
        }
        let server = destination.config.cluster_url.to_string();
        let namespace = destination.config.default_namespace.clone();
        let limiter = self
            .limiters
            .get(&format!("kubernetes:{server}"), PACE, PACE);
        let sign_in = SignIn::new(destination.config, destination.program, server.clone());
        let sender = Sender::new(sign_in, limiter, server);
        let watches = (
            Watches::new(sender.clone(), self.manner.clone()),
            SecretWatches::new(sender.clone(), self.manner.clone()),
        );
        let cluster = Cluster::new(sender, namespace, self.key.clone(), watches);
        let cluster = Arc::new(cluster);
        clusters.insert(destination.digest, Arc::downgrade(&cluster));
        Ok(cluster)
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

/// Equal for connections that are set up alike; over their secrets, so never shown.
fn settings_digest(connection: &Connection) -> Digest {
    let settings = connection.settings.exposed_json().unwrap_or_default();
    Digest::of(format!("{}\0{settings}", connection.name))
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
