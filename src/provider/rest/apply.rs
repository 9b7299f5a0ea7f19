//! Carries out one step: looks, holds the guards, writes, and says what came of it.

use super::Rest;
use super::failure::Failure;
use super::lookup::{Meant, Picked, pick};
use super::object::Object;
use super::observe::several;
use super::ownership::Ownership;
use super::session::Session;
use crate::model::{Action, Applied, Class, Health, Kind, Map, Owner, Step, Value};
use crate::provider::ProviderError;
use crate::provider::pause::pause;
use serde_json::Value as Json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// One step under way.
pub(super) struct Work<'a> {
    pub(super) session: Session,
    pub(super) row: &'a Kind,
    pub(super) step: &'a Step,
    /// Cuts waits short.
    pub(super) stop: &'a CancellationToken,
    pub(super) what: &'a str,
}

impl Rest {
    pub(super) async fn carry_out(
        &self,
        step: &Step,
        stop: &CancellationToken,
        what: &str,
    ) -> Result<Applied, ProviderError> {
        let internal = |reason: &str| ProviderError::Internal {
            what: what.to_owned(),
            reason: reason.to_owned(),
        };
        let row = self
            .row(&step.kind)
            .ok_or_else(|| internal("the catalogue has no such kind"))?;
        let session = self
            .session(&step.kind, &step.connection, step.desired.as_deref())
            .map_err(|failure| failure.error(what))?;
        let work = Work {
            session,
            row,
            step,
            stop,
            what,
        };
        match step.action {
            Action::Create => work.create().await,
            Action::Update | Action::Adopt => work.update().await,
            Action::Replace => work.replace().await,
            Action::Delete => work.delete().await,
            Action::Wait | Action::None => {
                Err(internal("a step that writes nothing was to be carried out"))
            }
        }
    }
}

impl Work<'_> {
    async fn create(&self) -> Result<Applied, ProviderError> {
        let desired = self.desired()?;
        match self.look().await? {
            None => self.make(desired).await,
            Some(body) if self.is_made(&body, desired) => Ok(self.applied(&body, true)),
            // Somebody made one since it was planned: the next plan says whether to take it over.
            Some(_) => Err(self.moved()),
        }
    }

    async fn update(&self) -> Result<Applied, ProviderError> {
        let desired = self.desired()?;
        let mut body = self.look().await?.ok_or_else(|| self.moved())?;
        if self.step.action != Action::Adopt {
            self.hold_ours(&body)?;
        }
        let marked = self.is_ours(&body);
        if marked && self.object(&body).differing(desired).is_empty() {
            return Ok(self.applied(&body, true));
        }
        self.hold_unmoved(&body)?;
        // A change that a killed process began goes on at the live side; a second one would be refused.
        body = self.settled(body).await?;
        if matches!(self.session.entry.ownership, Ownership::Tag { .. }) {
            self.write_tags(&body, desired).await?;
        }
        self.write_fields(body, desired).await?;
        let after = self.look().await?.ok_or_else(|| self.moved())?;
        Ok(self.applied(&after, false))
    }

    async fn replace(&self) -> Result<Applied, ProviderError> {
        let desired = self.desired()?;
        if let Some(body) = self.look().await? {
            self.hold_ours(&body)?;
            if self.object(&body).differing(desired).is_empty() {
                return Ok(self.applied(&body, true));
            }
            self.hold_unmoved(&body)?;
            self.remove(&body).await?;
        }
        self.make(desired).await
    }

    async fn delete(&self) -> Result<Applied, ProviderError> {
        let found = self.look().await?;
        if let Some(body) = &found {
            self.hold_ours(body)?;
            self.hold_unmoved(body)?;
            self.remove(body).await?;
        }
        Ok(Applied {
            outputs: Map::new(),
            mark: None,
            external_id: None,
            health: Health::Ready,
            unchanged: found.is_none(),
            verdict: None,
            note: None,
        })
    }

    /// Looks for the live object that the step is about.
    pub(super) async fn look(&self) -> Result<Option<Json>, ProviderError> {
        let objects = self
            .session
            .list(&self.step.identity)
            .await
            .map_err(|failure| self.failed(failure))?;
        let entry = &self.session.entry;
        let by_record = matches!(entry.ownership, Ownership::Record);
        let likely = |body: &Json| match &self.step.desired {
            Some(desired) if by_record => self.object(body).differing(desired).is_empty(),
            _ => self.is_ours(body),
        };
        let meant = Meant {
            identity: &self.step.identity,
            key: &self.session.key,
            id: self.step.external_id.as_deref(),
            id_only: by_record
                && !matches!(self.step.action, Action::Create | Action::Adopt)
                && self.step.external_id.is_some(),
            likely: &likely,
        };
        match pick(entry, &objects, meant) {
            Picked::Nothing => Ok(None),
            Picked::One(body) => Ok(Some(body.clone())),
            Picked::Several(count) => Err(self.failed(several(count, &self.step.identity))),
        }
    }

    pub(super) fn object<'b>(&'b self, body: &'b Json) -> Object<'b> {
        Object {
            entry: &self.session.entry,
            row: self.row,
            identity: &self.step.identity,
            body,
        }
    }

    /// Tells whether the object proves to be this resource's: by its mark, or by the id that was recorded.
    pub(super) fn is_ours(&self, body: &Json) -> bool {
        let entry = &self.session.entry;
        match entry.ownership {
            Ownership::Tag { .. } => {
                entry.ownership.owner(body, &self.step.address)
                    == Some(Owner::Resource(self.step.address.clone()))
            }
            Ownership::Record => {
                self.step.external_id.is_some() && entry.id_of(body) == self.step.external_id
            }
        }
    }

    /// Tells whether an object is what a create of this step would have made: one that was killed
    /// before it could say so did. Without a mark only what it says can tell.
    pub(super) fn is_made(&self, body: &Json, desired: &Value) -> bool {
        let marked =
            matches!(self.session.entry.ownership, Ownership::Record) || self.is_ours(body);
        marked && self.object(body).differing(desired).is_empty()
    }

    pub(super) fn applied(&self, body: &Json, unchanged: bool) -> Applied {
        let object = self.object(body);
        Applied {
            outputs: object.outputs(),
            mark: Some(object.mark()),
            external_id: self.session.entry.id_of(body),
            health: object.health(),
            unchanged,
            verdict: None,
            note: None,
        }
    }

    pub(super) fn failed(&self, failure: Failure) -> ProviderError {
        failure.error(self.what)
    }

    /// Waits for a look at the object again.
    pub(super) async fn pause(&self, length: Duration, why: &str) -> Result<(), ProviderError> {
        if pause(length, self.stop).await {
            return Ok(());
        }
        Err(ProviderError::Stopped {
            what: self.what.to_owned(),
            reason: why.to_owned(),
        })
    }

    pub(super) fn moved(&self) -> ProviderError {
        ProviderError::Moved {
            what: self.what.to_owned(),
        }
    }

    fn desired(&self) -> Result<&Value, ProviderError> {
        let desired = self
            .step
            .desired
            .as_deref()
            .filter(|desired| desired.holes().is_empty());
        desired.ok_or_else(|| {
            self.failed(Failure::new(
                "hole",
                Class::Internal,
                "a value is still to come",
            ))
        })
    }

    fn hold_ours(&self, body: &Json) -> Result<(), ProviderError> {
        if self.is_ours(body) {
            return Ok(());
        }
        let reason = match self.session.entry.ownership.owner(body, &self.step.address) {
            Some(Owner::Resource(address)) => format!("it is marked as belonging to {address}"),
            Some(Owner::Foreign(who)) => format!("it belongs to {who}"),
            None => "nothing proves that it is ours".to_owned(),
        };
        let hint = "Plan again: what is not ours is adopted first, or left alone.".to_owned();
        Err(self.failed(Failure {
            hint: Some(hint),
            ..Failure::new("not-ours", Class::Refused, reason)
        }))
    }

    fn hold_unmoved(&self, body: &Json) -> Result<(), ProviderError> {
        match &self.step.mark {
            Some(mark) if *mark != self.object(body).mark() => Err(self.moved()),
            _ => Ok(()),
        }
    }
}
