//! The requests of one write: what people added is made ours first, then a server-side apply sets and
//! takes off. Locked on the version just read, so that nothing is written over a change nobody has seen.

use super::{Work, taken};
use crate::model::Verdict;
use crate::provider::kubernetes::dry_run::instruction::Instruction;
use crate::provider::kubernetes::dry_run::merge::Merge;
use crate::provider::kubernetes::dry_run::verdict::{Matter, Yielded};
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::fields::spelling::Notation;
use crate::provider::kubernetes::fields::{added, fieldset, ignored, left, renewal};
use crate::provider::kubernetes::scalers::Scalers;
use crate::provider::kubernetes::target;
use serde_json::Value as Json;

impl Work<'_> {
    /// Returns how the step is to be written: as it was predicted, where it was.
    pub(super) fn instruction(&self) -> Instruction {
        let payload = self.step.payload.as_ref();
        payload.and_then(Instruction::read).unwrap_or_default()
    }

    /// Writes, and returns the object with what was left to others.
    pub(crate) async fn write(
        &self,
        whole: &Json,
        live: &Json,
    ) -> Result<(Json, Yielded), Failure> {
        let taken = match &self.instruction().added {
            Some(added) => Some(self.take_over(live, added, &whole["apiVersion"]).await?),
            None => None,
        };
        let live = taken.as_ref().unwrap_or(live);
        match self.merged(whole, live, false).await {
            Err(failure) if failure.is_of_another_version() => {
                let live = self.renewed(live, &whole["apiVersion"], &failure).await?;
                self.merged(whole, &live, false).await
            }
            written => written,
        }
    }

    /// Asks what the write gives of the object as it is live; `None` where what people added, and it is to
    /// take off, is still there.
    pub(super) async fn would_give(
        &self,
        whole: &Json,
        live: &Json,
    ) -> Result<Option<(Json, Yielded)>, Failure> {
        if let Some(planned) = self.instruction().added
            && let Some(there) = added::find(live, whole, &self.step.ignore)
            && fieldset::minus(&planned, &there.fields).as_ref() != Some(&planned)
        {
            return Ok(None);
        }
        self.merged(whole, live, true).await.map(Some)
    }

    /// Sends what is ours now. What moved since the plan without being a change, e.g. replicas that an
    /// autoscaler set, is left to who set it.
    async fn merged(
        &self,
        whole: &Json,
        live: &Json,
        dry_run: bool,
    ) -> Result<(Json, Yielded), Failure> {
        let instruction = self.instruction();
        let mut object = left::as_sent(whole, live, &self.step.ignore, &instruction);
        if !dry_run {
            for key in ["uid", "resourceVersion"] {
                object["metadata"][key] = live["metadata"][key].clone();
            }
        }
        let types = self.cluster.types(target::GOOD).await?;
        let merge = Merge {
            cluster: self.cluster,
            target: &self.target,
            scalers: &Scalers::new(self.cluster, &types, &[]),
            dry_run,
        };
        let merged = merge.of(&object).await?;
        let mut yielded = instruction.yielded();
        let more = merged.sent.into_iter().flat_map(|(_, left)| left);
        yielded.extend(more.filter(|(field, _)| !instruction.has(field)));
        Ok((merged.told?, yielded))
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

    /// Writes down that what is ours was written in this version. It changes nothing else, which is asked
    /// beforehand.
    async fn renewed(&self, live: &Json, version: &Json, said: &Failure) -> Result<Json, Failure> {
        let refused = || renewal::refusal(live, version, said);
        let patch = renewal::renewal(live, version).ok_or_else(refused)?;
        let target = &self.target;
        let (namespace, name) = (target.namespace(), &target.reference.name);
        let send = |dry_run| {
            self.cluster
                .merge(&target.served, namespace, name, &patch, dry_run)
        };
        if !renewal::is_taken(live, &send(true).await?, version) {
            return Err(refused());
        }
        send(false).await
    }

    /// What the server answered to a write would be its answer again, unless somebody added to it what
    /// this write was not told of, or it is not what was sent: an admission webhook that sets a field in a real write
    /// need not do so in a dry-run.
    pub(crate) async fn verdict(
        &self,
        live: &Json,
        whole: &Json,
        yielded: &Yielded,
    ) -> Option<Verdict> {
        let ignore = &self.step.ignore;
        let without = Instruction {
            without: yielded.clone(),
            ..Instruction::default()
        };
        let sent = left::as_sent(whole, live, ignore, &without);
        if added::find(live, whole, ignore).is_some()
            || !taken::has_all(Notation::Root, Some(live), &sent)
        {
            return None;
        }
        let (cluster, target) = (self.cluster, &self.target);
        let schema = cluster.schema(&target.served).await;
        let matter = Matter {
            sent: &ignored::as_live(whole, live, ignore),
            live,
            schema: &schema,
            ignore,
        };
        cluster.verdicts.asked(&target.reference);
        Some(cluster.verdicts.make(matter, yielded))
    }
}
