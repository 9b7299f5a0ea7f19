//! Which cluster a connection leads to: as its kubeconfig says at each look, and reached by one client for all who
//! lead to the same place as the same account.

use super::sender::Sender;
use super::sign_in::SignIn;
use crate::model::{Connection, Digest};
use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::watch::{SecretWatches, Watches};
use crate::provider::kubernetes::{Kubernetes, connection};
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// Requests a second to one cluster. High on purpose: the API server's own priority and fairness says
/// "later" by 429, which holds everything of that cluster and makes fewer writes be under way; a client's
/// guess only makes it slow.
const PACE: NonZeroU32 = NonZeroU32::new(1000).expect("a thousand is not zero");
/// A connection that nobody looked at for so long is none any more. Longer than environments wait that
/// are compared once a day.
const FORGOTTEN: Duration = Duration::from_secs(25 * 3600);

impl Kubernetes {
    /// Returns where a connection leads, as its kubeconfig says now. Every look asks it anew.
    pub(crate) async fn look_up(&self, connection: &Connection) -> Result<Arc<Cluster>, Failure> {
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
    pub(crate) async fn looked_up(&self, connection: &Connection) -> Result<Arc<Cluster>, Failure> {
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
        let sender = Sender::new(sign_in, limiter, server).telling(self.readiness.clone());
        let watches = (
            Watches::new(sender.clone(), self.manner.clone()),
            SecretWatches::new(sender.clone(), self.manner.clone()),
        );
        let cluster = Cluster::new(sender, namespace, self.key.clone(), watches);
        let cluster = Arc::new(cluster);
        clusters.insert(destination.digest, Arc::downgrade(&cluster));
        Ok(cluster)
    }
}

/// Equal for connections that are set up alike; over their secrets, so never shown.
fn settings_digest(connection: &Connection) -> Digest {
    let settings = connection.settings.exposed_json().unwrap_or_default();
    Digest::of(format!("{}\0{settings}", connection.name))
}
