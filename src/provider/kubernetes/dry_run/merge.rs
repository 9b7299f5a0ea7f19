//! One server-side apply, as a question or as a write: first without force, then with what is ours to
//! take. What is not is left out, to who has it at this moment.
//!
//! Managers that are people's tools are overwritten, controllers are yielded to and named. Replicas
//! that an autoscaler set are its own while one scales the workload; after that nobody keeps them. A
//! certificate that is declared to be filled in is whoever's did.

use crate::provider::kubernetes::cluster::{Cluster, MANAGER, Mode};
use crate::provider::kubernetes::error::{Cause, Failure};
use crate::provider::kubernetes::fields::bundle;
use crate::provider::kubernetes::fields::{self, is_person};
use crate::provider::kubernetes::scalers::{Claim, Scaled, Scalers};
use crate::provider::kubernetes::target::Target;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Where an object is sent, and how.
#[derive(Clone, Copy)]
pub(crate) struct Merge<'a> {
    /// Which cluster.
    pub(crate) cluster: &'a Cluster,
    /// Which object.
    pub(crate) target: &'a Target,
    /// What scales workloads.
    pub(crate) scalers: &'a Scalers<'a>,
    /// Whether the server is only to say what it would give.
    pub(crate) dry_run: bool,
}

/// What came of it.
pub(crate) struct Merged {
    /// The object as it is then, or why there is none.
    pub(crate) told: Result<Json, Failure>,
    /// What was sent in the end, and what was left out of it for others; `None` where it cannot be sent
    /// at all.
    pub(crate) sent: Option<(Json, Vec<Claim>)>,
    /// What was in conflict.
    pub(crate) conflicts: Vec<Cause>,
}

impl Merge<'_> {
    /// Sends an object, and settles what is in conflict.
    ///
    /// # Errors
    /// What scales workloads could not be told. All else is part of the answer.
    pub(crate) async fn of(&self, object: &Json) -> Result<Merged, Failure> {
        let first = self.send(object, false).await;
        let conflicts: Vec<Cause> = match &first {
            Err(failure) => failure.conflicts().into_iter().cloned().collect(),
            Ok(_) => Vec::new(),
        };
        if conflicts.is_empty() {
            return Ok(Merged {
                told: first,
                sent: Some((object.clone(), Vec::new())),
                conflicts,
            });
        }
        let left = self.left(object, &conflicts).await?;
        let settled = fields::without(object, &left).map_err(|field| {
            Failure::user(
                "owned-elsewhere",
                format!("{field} belongs to another controller and cannot be left out"),
            )
        });
        Ok(match settled {
            Ok(settled) => Merged {
                told: self.send(&settled, true).await,
                sent: Some((settled, left)),
                conflicts,
            },
            Err(failure) => Merged {
                told: Err(failure),
                sent: None,
                conflicts,
            },
        })
    }

    async fn send(&self, object: &Json, force: bool) -> Result<Json, Failure> {
        let mode = Mode {
            dry_run: self.dry_run,
            force,
        };
        let (served, namespace) = (&self.target.served, self.target.namespace());
        let sent = self.cluster.apply(served, namespace, object, mode).await;
        sent.map(|(object, _)| object)
    }

    /// Returns the fields in conflict that are left to others, and to whom: those that any controller
    /// keeps, whoever else does, and certificates that anybody filled in.
    async fn left(&self, object: &Json, conflicts: &[Cause]) -> Result<Vec<Claim>, Failure> {
        let mut left = BTreeMap::new();
        for conflict in conflicts {
            let manager = fields::manager_of(&conflict.message);
            if manager != MANAGER && bundle::is_to_fill_in(object, &conflict.field) {
                left.insert(conflict.field.clone(), manager);
                continue;
            }
            if is_ours_to_take(&manager) {
                continue;
            }
            let owner = match self.scalers.scaled(self.target, conflict, &manager).await? {
                Scaled::By(scaler) => scaler,
                Scaled::No => continue,
                Scaled::Unseen => manager,
            };
            left.insert(conflict.field.clone(), owner);
        }
        Ok(left.into_iter().collect())
    }
}

/// Tells a manager who is overwritten. Our own name under another operation is an object we made by
/// another verb.
fn is_ours_to_take(manager: &str) -> bool {
    is_person(manager) || manager == MANAGER
}
