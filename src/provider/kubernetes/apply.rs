//! Carries out one step: server-side apply under our own manager, against exactly the version that
//! was planned. Decides nothing but what a conflict at the moment of the write leaves open.

pub(super) mod anew;
mod delete;
mod inside;
mod taken;
mod write;

use super::super::ProviderError;
use super::cluster::{Cluster, MANAGER, Mode};
use super::dry_run::verdict::Yielded;
use super::error::Failure;
use super::observe::{self, outputs};
use super::seal::Sealer;
use super::target::{self, NoTarget, Target};
use super::{fields, health, marks, shape};
use crate::model::{Action, Applied, Class, Health, Kind, Map, Mark, Owner, Step, Value};
use serde_json::Value as Json;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often a write is tried whose object moved in ways that are no change, e.g. its status.
const TRIES: u32 = 5;

/// One step with its place in a cluster.
pub(super) struct Work<'a> {
    /// Where.
    pub(super) cluster: &'a Cluster,
    /// Which object.
    pub(super) target: Target,
    /// What is to be done.
    pub(super) step: &'a Step,
    /// Cuts waits short.
    pub(super) stop: &'a CancellationToken,
    /// What is secret in it.
    pub(super) sealer: Sealer<'a>,
}

/// The live object, held against the step.
pub(super) enum Seen {
    /// As it was planned against.
    Planned(Json),
    /// Changed since.
    Moved(Json),
    /// Not there.
    Gone,
}

/// Carries out a step.
pub(super) async fn carry_out(
    cluster: &Cluster,
    row: &Kind,
    step: &Step,
    stop: &CancellationToken,
) -> Result<Applied, ProviderError> {
    let sealer = Sealer::of(row, step.desired.as_deref());
    let what = format!("{} {}", step.kind, step.identity);
    let failed = |failure: Failure| sealer.scrubbed(failure).of_step(&what);
    let (identity, desired) = (&step.identity, step.desired.as_deref());
    let found = if step.action == Action::Create {
        target::locate_new(cluster, identity, desired).await
    } else {
        let types = target::types_for(cluster, std::iter::once((identity, desired))).await;
        types
            .map_err(NoTarget::Failed)
            .and_then(|types| target::locate(&types, cluster, identity, desired))
    };
    let target = match found {
        Ok(target) => target,
        Err(NoTarget::Failed(failure)) => return Err(failed(failure)),
        // Its kind went, and it with it.
        Err(NoTarget::NotServed(_)) if step.action == Action::Delete => return Ok(gone(true)),
        Err(NoTarget::NotServed(reference)) => {
            return Err(failed(target::not_served(
                &reference,
                step.desired.as_deref(),
            )));
        }
    };
    let work = Work {
        cluster,
        target,
        step,
        stop,
        sealer,
    };
    if work.target.served.kind == "CustomResourceDefinition" {
        cluster.doubt_types();
    }
    match step.action {
        Action::Create => work.create().await,
        Action::Update | Action::Adopt => work.update().await,
        Action::Replace => work.replace().await,
        Action::Delete => delete::carry_out(&work)
            .await
            .map(|was_there| gone(!was_there)),
        Action::Wait | Action::None => Err(ProviderError::Internal {
            what,
            reason: format!(
                "a step that does nothing ({}) was to be carried out",
                step.action.as_str()
            ),
        }),
    }
}

/// The answer after a delete.
fn gone(unchanged: bool) -> Applied {
    Applied {
        outputs: Map::new(),
        mark: None,
        external_id: None,
        health: Health::Ready,
        unchanged,
        verdict: None,
        note: None,
    }
}

impl Work<'_> {
    /// Names the object for people.
    pub(super) fn what(&self) -> String {
        self.target.reference.to_string()
    }

    /// Turns a failure into the step's error, scrubbed.
    pub(super) fn failed(&self, failure: Failure) -> ProviderError {
        self.sealer.scrubbed(failure).of_step(&self.what())
    }

    /// Gives what is sent, with our marks.
    pub(super) fn payload(&self) -> Result<Json, ProviderError> {
        let desired = self.step.desired.as_deref().unwrap_or(&Value::Null);
        let mut sent = shape::payload(desired).map_err(|failure| self.failed(failure))?;
        if !sent.holes.is_empty() {
            let (what, reason) = (self.what(), "a value is not known yet".to_owned());
            return Err(ProviderError::Internal { what, reason });
        }
        marks::put(&mut sent.object, &self.step.address, &self.target.reference);
        Ok(sent.object)
    }

    /// Makes the object, in one request: it was looked for a moment ago. An apply makes or changes, and
    /// has no way to ask for only the first (a time of creation is ignored on what is there, a grace
    /// period is refused there but kept on what is made). So it is sent without force: another's value
    /// of a declared field stops it, and that somebody was faster shows in the answer: what was written
    /// is taken off again then, else the object would pass for ours.
    async fn create(&self) -> Result<Applied, ProviderError> {
        let object = self.payload()?;
        match self.make(&object).await {
            Ok((live, true)) => {
                self.marked(&live)?;
                Ok(self.settled(&live, false, &object, &Vec::new()).await)
            }
            // Made by ourselves before, in a run that was cut off before it could write that down.
            Ok((live, false)) if is_our_making(&live) => {
                Ok(self.settled(&live, true, &object, &Vec::new()).await)
            }
            Ok((live, false)) => {
                self.withdraw(&object, &live).await?;
                Err(ProviderError::Moved { what: self.what() })
            }
            Err(failure) if !failure.conflicts().is_empty() => {
                Err(ProviderError::Moved { what: self.what() })
            }
            Err(failure) => Err(self.failed(failure)),
        }
    }

    /// Takes off an object what only our manager holds of it: applies nothing but its name.
    async fn withdraw(&self, object: &Json, live: &Json) -> Result<(), ProviderError> {
        let metadata = &object["metadata"];
        let mut bare = serde_json::json!({
            "apiVersion": object["apiVersion"], "kind": object["kind"],
            "metadata": { "name": metadata["name"], "uid": live["metadata"]["uid"] },
        });
        if let Some(namespace) = metadata.get("namespace") {
            bare["metadata"]["namespace"] = namespace.clone();
        }
        let mode = Mode {
            dry_run: false,
            force: false,
        };
        let target = &self.target;
        let sent = self
            .cluster
            .apply(&target.served, target.namespace(), &bare, mode)
            .await;
        match sent {
            Ok(_) => Ok(()),
            // Another object by now: what we wrote went with the one before.
            Err(failure) if failure.is_stale() => Ok(()),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    /// Sends a create; again where the address of a kind just defined is not there yet.
    async fn make(&self, object: &Json) -> Result<(Json, bool), Failure> {
        let mode = Mode {
            dry_run: false,
            force: false,
        };
        let target = &self.target;
        let until = Instant::now() + target::NEW_KIND;
        loop {
            let sent = self
                .cluster
                .apply(&target.served, target.namespace(), object, mode)
                .await;
            match sent {
                Err(failure) if failure.code == "not-served" && Instant::now() < until => {
                    sleep(Duration::from_millis(300)).await;
                }
                told => return told,
            }
        }
    }

    /// Reads the object and holds it against what was planned. What is not ours is refused.
    pub(super) async fn seen(&self) -> Result<Seen, ProviderError> {
        let target = &self.target;
        let live = self
            .cluster
            .get(&target.served, target.namespace(), &target.reference.name)
            .await;
        let Some(live) = live.map_err(|failure| self.failed(failure))? else {
            return Ok(Seen::Gone);
        };
        let owner = match self.step.action {
            Action::Delete => marks::keeper(&live, &target.reference),
            _ => marks::owner_told(&live, &target.reference, &self.step.address),
        };
        let is_ours =
            matches!(&owner, Some(Owner::Resource(address)) if *address == self.step.address);
        if !is_ours && self.step.action != Action::Adopt {
            return Err(self.not_ours(owner));
        }
        let seen: Mark = marks::mark(&live);
        let is_planned = self
            .step
            .mark
            .as_ref()
            .is_none_or(|planned| *planned == seen);
        Ok(if is_planned {
            Seen::Planned(live)
        } else {
            Seen::Moved(live)
        })
    }

    /// The object moved: where it moved to just what the step would make of it, by a run that was cut
    /// off before it could write that down, the step has happened.
    async fn happened(&self, live: &Json) -> Result<Applied, ProviderError> {
        let moved = || ProviderError::Moved { what: self.what() };
        let whole = self.payload()?;
        match self.would_give(&whole, live).await {
            Ok(Some((object, yielded))) if shape::is_same(live, &object) => {
                Ok(self.settled(live, true, &whole, &yielded).await)
            }
            Ok(_) => Err(moved()),
            Err(failure) if failure.class == Class::Transient => Err(self.failed(failure)),
            Err(_) => Err(moved()),
        }
    }

    /// Deletes and makes again, where that would be taken. What is being deleted already comes again as it can.
    async fn replace(&self) -> Result<Applied, ProviderError> {
        match self.seen().await? {
            Seen::Moved(live) => return self.happened(&live).await,
            Seen::Planned(live) if !live["metadata"]["deletionTimestamp"].is_string() => {
                self.may_be_made_anew().await?;
            }
            Seen::Planned(_) | Seen::Gone => {}
        }
        delete::carry_out(self).await?;
        self.create().await
    }

    fn not_ours(&self, owner: Option<Owner>) -> ProviderError {
        let whose = match owner {
            Some(Owner::Resource(address)) => format!("it carries the mark of {address}"),
            Some(Owner::Foreign(tool)) => format!("it belongs to the {tool}"),
            None => "it does not carry our mark".to_owned(),
        };
        ProviderError::Refused {
            what: self.what(),
            reason: whose,
            code: "not-ours",
            hint: Some("The next run plans again from whose it is now.".to_owned()),
        }
    }

    /// Changes the object in place. Locked on the version just read, so that nothing is written over
    /// a change nobody has seen; where only its status moved, it is read again.
    async fn update(&self) -> Result<Applied, ProviderError> {
        let whole = self.payload()?;
        let mut tries = 0;
        loop {
            tries += 1;
            let live = match self.seen().await? {
                Seen::Planned(live) => live,
                Seen::Moved(live) => return self.happened(&live).await,
                Seen::Gone => return Err(ProviderError::Moved { what: self.what() }),
            };
            match self.write(&whole, &live).await {
                Ok((after, yielded)) => {
                    let note = self.took(&whole, (&live, &after), &yielded)?;
                    self.marked(&after)?;
                    let version = |object: &Json| object["metadata"]["resourceVersion"].clone();
                    let unchanged = version(&after) == version(&live);
                    let settled = self.settled(&after, unchanged, &whole, &yielded).await;
                    return Ok(Applied { note, ..settled });
                }
                Err(failure) if failure.is_stale() && tries < TRIES => {}
                Err(failure) if failure.is_stale() => {
                    return Err(ProviderError::Moved { what: self.what() });
                }
                Err(failure) => return Err(self.failed(failure)),
            }
        }
    }

    /// What the server answered to a write, which would change nothing if it were sent again.
    async fn settled(
        &self,
        live: &Json,
        unchanged: bool,
        sent: &Json,
        yielded: &Yielded,
    ) -> Applied {
        let verdict = self.verdict(live, sent, yielded).await;
        let rules = (self.step.health.as_slice(), &self.target);
        let told = self.sealer.scrubbed_health(health::of(live));
        let health = health::ruled(rules, live, &self.sealer, told);
        Applied {
            outputs: match self.step.is_read {
                true => outputs(live, &self.target, &self.sealer),
                false => Map::new(),
            },
            mark: Some(marks::mark(live)),
            external_id: observe::external_id(live),
            health: self.sealer.scrubbed_health(health),
            unchanged,
            verdict,
            note: None,
        }
    }
}

/// Tells whether an object that was there already was made by us: our manager wrote it when it came
/// into being, and not since. Times are to the second, as the server keeps them: who else wrote to it in
/// that one, and is no part of the cluster itself, may have made it.
fn is_our_making(live: &Json) -> bool {
    let metadata = &live["metadata"];
    let born = metadata["creationTimestamp"].as_str();
    let at_birth = |entry: &&Json| born.is_some() && entry["time"].as_str() == born;
    let entries = metadata["managedFields"].as_array();
    let (ours, others): (Vec<&Json>, Vec<&Json>) = entries
        .into_iter()
        .flatten()
        .filter(at_birth)
        .partition(|entry| entry["manager"] == MANAGER && entry["operation"] == "Apply");
    let made = |entry: &&Json| {
        let manager = entry["manager"].as_str().unwrap_or_default();
        entry["subresource"].is_null() && !fields::is_caretaker(manager)
    };
    !ours.is_empty() && !others.iter().any(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_another_wrote_to_in_the_second_it_came_into_being_is_not_our_making() {
        let second = "2026-01-01T00:00:00Z";
        let by = |manager: &str, operation: &str, time: &str| json!({ "manager": manager, "operation": operation, "time": time });
        let is_ours = |more: &[Json]| {
            let ours = by(MANAGER, "Apply", second);
            let entries: Vec<Json> = more.iter().cloned().chain([ours]).collect();
            is_our_making(
                &json!({ "metadata": { "creationTimestamp": second, "managedFields": entries } }),
            )
        };
        assert!(is_ours(&[]));
        assert!(is_ours(&[
            by("kube-controller-manager", "Update", second),
            by("kubectl-edit", "Update", "2026-01-01T00:00:01Z"),
        ]));
        let mut status = by("operator", "Update", second);
        status["subresource"] = json!("status");
        assert!(is_ours(&[status]));
        assert!(!is_ours(&[by("kubectl-create", "Update", second)]));
    }
}
