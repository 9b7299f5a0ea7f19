//! The requests of one write: what people added is made ours first, then one server-side apply sets
//! and takes off. Locked on the version just read, so that nothing is written over a change nobody
//! has seen.

use super::apply::Work;
use super::cluster::Mode;
use super::error::Failure;
use super::instruction::Instruction;
use super::verdict::{Matter, Yielded};
use super::{added, fields, place, scalers};
use crate::model::Verdict;
use serde_json::Value as Json;

impl Work<'_> {
    /// Returns how the step is to be written, where it was predicted.
    pub(super) fn instruction(&self) -> Option<Instruction> {
        self.step.payload.as_ref().and_then(Instruction::read)
    }

    /// Writes, and returns the object with what was left to others.
    pub(super) async fn write(
        &self,
        whole: &Json,
        live: &Json,
    ) -> Result<(Json, Yielded), Failure> {
        let Some(instruction) = self.instruction() else {
            // Nothing was predicted: the conflicts of this moment are settled by the same rules.
            return match self.send(whole, live, false).await {
                Err(failure) if !failure.conflicts().is_empty() => {
                    let settled = fields::settle(whole, &failure.conflicts())?;
                    let sent = self.send(&settled.object, live, true).await?;
                    Ok((sent, settled.yielded))
                }
                other => Ok((other?, Vec::new())),
            };
        };
        // An ignored field that is not live is left out already.
        let mut without = instruction.without.clone();
        without.retain(|(field, _)| place::find(whole, field).is_some());
        let object = fields::without(whole, &without).unwrap_or_else(|_| whole.clone());
        let object = scalers::as_live(&object, live, &instruction.kept);
        let taken = match &instruction.added {
            Some(added) => Some(self.take_over(live, added, &whole["apiVersion"]).await?),
            None => None,
        };
        let live = taken.as_ref().unwrap_or(live);
        let sent = self.send(&object, live, true).await?;
        Ok((sent, instruction.yielded()))
    }

    /// Makes ours what people added. It changes who owns it and nothing else.
    async fn take_over(&self, live: &Json, added: &Json, version: &Json) -> Result<Json, Failure> {
        let patch = added::takeover(live, added, version);
        let target = &self.target;
        let (namespace, name) = (target.namespace(), &target.reference.name);
        self.cluster
            .merge(&target.served, namespace, name, &patch, false)
            .await
    }

    async fn send(&self, object: &Json, live: &Json, force: bool) -> Result<Json, Failure> {
        let mut object = object.clone();
        for key in ["uid", "resourceVersion"] {
            object["metadata"][key] = live["metadata"][key].clone();
        }
        let mode = Mode {
            dry_run: false,
            force,
        };
        let sent = self
            .cluster
            .apply(&self.target.served, self.target.namespace(), &object, mode)
            .await;
        sent.map(|(object, _)| object)
    }

    /// What the server answered to a write would be its answer again, unless somebody added to it what
    /// this write was not told of, or it holds only while something scales the workload.
    pub(super) async fn verdict(
        &self,
        live: &Json,
        sent: &Json,
        yielded: &Yielded,
    ) -> Option<Verdict> {
        let instruction = self.instruction().unwrap_or_default();
        if !instruction.kept.is_empty() || added::find(live, sent, &[]).is_some() {
            return None;
        }
        let (cluster, target) = (self.cluster, &self.target);
        let schema = cluster.schema(&target.served).await;
        let matter = Matter {
            sent,
            live,
            schema: &schema,
        };
        cluster.verdicts.asked(&target.reference);
        Some(cluster.verdicts.make(matter, yielded))
    }
}
