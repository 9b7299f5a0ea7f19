//! The writes themselves: POST, PUT, DELETE and tags, each safe to be cut off anywhere.

use super::apply::Work;
use super::failure::Failure;
use super::ownership::{Ownership, owner_of, tag_of};
use super::update::UpdateStyle;
use crate::model::{Applied, Class, Health, Value};
use crate::net::http::Method;
use crate::provider::ProviderError;
use crate::telemetry::crash_point;
use serde_json::{Value as Json, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a create is sent at most, where the API said "later" and had done nothing.
const MOST_SENDS: usize = 3;
/// The pauses before each look after a create of which nothing was heard: lists lag behind.
const LOOK_AGAIN: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];
/// The first and the longest pause between two looks at an object that is on its way.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

impl Work<'_> {
    /// Makes the object. The caller has looked and found none.
    pub(super) async fn make(&self, desired: &Value) -> Result<Applied, ProviderError> {
        let entry = &self.session.entry;
        let path = self.filled(&entry.create.path, None)?;
        let body = self.creation(desired)?;
        for _ in 0..MOST_SENDS {
            let sent = self
                .session
                .call(Method::POST, &path, None, Some(&body))
                .await;
            crash_point("rest create answered");
            match sent {
                Ok(answer) => match answer
                    .get(&entry.create.body)
                    .filter(|made| entry.id_of(made).is_some())
                {
                    Some(made) => return Ok(self.applied(made, false)),
                    None => {
                        return self
                            .look_again(
                                desired,
                                Failure::of_shape(&self.session.api, "it holds no new object"),
                            )
                            .await;
                    }
                },
                Err(failure) if failure.may_have_happened => {
                    return self.look_again(desired, failure).await;
                }
                Err(failure) if failure.is_later() => {
                    // The pace holds back what comes next for as long as the API asked.
                    if let Some(found) = self
                        .look()
                        .await?
                        .filter(|found| self.is_made(found, desired))
                    {
                        return Ok(self.applied(&found, false));
                    }
                }
                Err(failure) => return Err(self.failed(failure)),
            }
        }
        Err(self.failed(Failure::new(
            "rate-limited",
            Class::Transient,
            format!("{} asked for patience each time", self.session.api.title),
        )))
    }

    /// Finds out what became of a create of which nothing was heard. It is never sent again here.
    async fn look_again(
        &self,
        desired: &Value,
        failure: Failure,
    ) -> Result<Applied, ProviderError> {
        for pause in LOOK_AGAIN {
            sleep(pause).await;
            match self.look().await {
                Ok(Some(found)) if self.is_made(&found, desired) => {
                    return Ok(self.applied(&found, false));
                }
                Ok(_) | Err(ProviderError::Unavailable { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(self.failed(failure))
    }

    fn creation(&self, desired: &Value) -> Result<Json, ProviderError> {
        let entry = &self.session.entry;
        let mut body = self.exposed(desired)?;
        let Some(fields) = body.as_object_mut() else {
            return Err(self.failed(Failure::new(
                "no-fields",
                Class::Internal,
                "nothing is declared",
            )));
        };
        fields.retain(|name, value| !value.is_null() && !entry.path_only.contains(name));
        if let Ownership::Tag { field, .. } = &entry.ownership {
            let name = field.trim_start_matches('/').to_owned();
            let tags = fields.entry(name).or_insert_with(|| json!([]));
            if let Some(tags) = tags.as_array_mut() {
                tags.push(tag_of(&self.step.address).into());
            }
        }
        Ok(body)
    }

    /// Deletes the object and waits until it is gone, so that its name is free again.
    pub(super) async fn remove(&self, body: &Json) -> Result<(), ProviderError> {
        let id = self.session.entry.id_of(body);
        let path = self.filled(&self.session.entry.delete.path, id.as_deref())?;
        match self.session.call(Method::DELETE, &path, None, None).await {
            Ok(_) => {}
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => return Err(self.failed(failure)),
        }
        crash_point("rest delete answered");
        let until = Instant::now() + self.step.deadline;
        let mut pause = PAUSES.0;
        while let Some(left) = self.look().await? {
            if self.session.entry.id_of(&left) != id {
                return Ok(());
            }
            if Instant::now() + pause > until {
                return Err(self.failed(Failure::new(
                    "timeout",
                    Class::Transient,
                    "it was deleted and is still there",
                )));
            }
            self.pause(pause, "it is being deleted").await?;
            pause = (pause * 2).min(PAUSES.1);
        }
        Ok(())
    }

    /// Waits until the object works, so that the next write is not refused; one that has failed will not.
    pub(super) async fn settled(&self, body: Json) -> Result<Json, ProviderError> {
        let until = Instant::now() + self.step.deadline;
        let (mut body, mut pause) = (body, PAUSES.0);
        loop {
            let why = match self.object(&body).health() {
                Health::Ready | Health::Paused(_) => return Ok(body),
                Health::Failed(why) => return Err(self.busy(Class::Refused, &why)),
                Health::Progressing(why) | Health::Failing(why)
                    if Instant::now() + pause > until =>
                {
                    return Err(self.busy(Class::Transient, &why));
                }
                Health::Progressing(why) | Health::Failing(why) => why,
            };
            self.pause(pause, &why).await?;
            pause = (pause * 2).min(PAUSES.1);
            body = self.look().await?.ok_or_else(|| self.moved())?;
        }
    }

    fn busy(&self, class: Class, why: &str) -> ProviderError {
        let reason = format!("{why}, and takes no change");
        self.failed(Failure::new("busy", class, reason))
    }

    /// Puts the mark and the declared tags on the object. Another's mark goes before ours comes: cut
    /// off between the two, the object belongs to nobody and is adopted again.
    pub(super) async fn write_tags(
        &self,
        body: &Json,
        desired: &Value,
    ) -> Result<(), ProviderError> {
        let entry = &self.session.entry;
        let Ownership::Tag {
            field,
            resource_type,
        } = &entry.ownership
        else {
            return Ok(());
        };
        let live = entry.ownership.tags(body);
        let ours = tag_of(&self.step.address);
        let declared = desired
            .get(field.trim_start_matches('/'))
            .map(|tags| self.exposed(tags))
            .transpose()?;
        let declared: Option<Vec<&str>> = declared.as_ref().map(|tags| {
            tags.as_array()
                .into_iter()
                .flatten()
                .filter_map(Json::as_str)
                .collect()
        });
        let goes = |tag: &str| match owner_of(tag) {
            Some(_) => tag != ours,
            None => declared
                .as_ref()
                .is_some_and(|declared| !declared.contains(&tag)),
        };
        for tag in live.iter().filter(|tag| goes(tag)) {
            self.tag(Method::DELETE, tag, resource_type, body).await?;
        }
        let wanted = std::iter::once(ours.as_str()).chain(declared.iter().flatten().copied());
        for tag in wanted.filter(|tag| !live.contains(tag)) {
            self.tag(Method::POST, tag, resource_type, body).await?;
        }
        Ok(())
    }

    async fn tag(
        &self,
        method: Method,
        tag: &str,
        resource_type: &str,
        body: &Json,
    ) -> Result<(), ProviderError> {
        let Some(calls) = &self.session.api.tag_calls else {
            return Err(self.failed(Failure::new(
                "no-tags",
                Class::Internal,
                "the catalogue does not say how tags are written",
            )));
        };
        let id = self.session.entry.id_of(body).ok_or_else(|| self.moved())?;
        let fill = |_: &str| Some(tag.to_owned());
        let wrong = |gap: String| {
            self.failed(Failure::new(
                "no-identity",
                Class::User,
                format!("its {gap} is empty"),
            ))
        };
        if method == Method::POST {
            let create = calls.create.filled(&fill).map_err(wrong)?;
            // A tag that is there already is answered with 201 again, or refused as a duplicate.
            let made = self
                .session
                .call(Method::POST, &create, None, Some(&json!({ "name": tag })))
                .await;
            if let Err(failure) = made
                && !failure
                    .status
                    .is_some_and(|status| matches!(status.as_u16(), 400 | 409 | 422))
            {
                return Err(self.failed(failure));
            }
        }
        let assign = calls.assign.filled(&fill).map_err(wrong)?;
        let resources =
            json!({ "resources": [{ "resource_id": id, "resource_type": resource_type }] });
        match self
            .session
            .call(method.clone(), &assign, None, Some(&resources))
            .await
        {
            Err(failure) if failure.is_not_found() && method == Method::DELETE => Ok(()),
            Err(failure) => Err(self.failed(failure)),
            Ok(_) => Ok(()),
        }
    }

    /// Writes every declared field that differs, each in the way its entry says.
    pub(super) async fn write_fields(
        &self,
        body: Json,
        desired: &Value,
    ) -> Result<(), ProviderError> {
        let entry = &self.session.entry;
        let mut body = body;
        let differing = self.object(&body).differing(desired);
        let mut left: Vec<&str> = differing
            .into_iter()
            .filter(|name| !entry.ownership.is_tags(name))
            .collect();
        for style in &entry.update {
            let (mine, others): (Vec<&str>, Vec<&str>) =
                left.iter().partition(|name| style.writes(name));
            if mine.is_empty() {
                continue;
            }
            body = self.settled(body).await?;
            self.write_one(style, &mine, &body, desired).await?;
            left = others;
            if !left.is_empty() {
                body = self.look().await?.ok_or_else(|| self.moved())?;
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let reason = format!("{} cannot be changed once it is there", left.join(", "));
        Err(self.failed(Failure::new("immutable", Class::Refused, reason)))
    }

    async fn write_one(
        &self,
        style: &UpdateStyle,
        changed: &[&str],
        body: &Json,
        desired: &Value,
    ) -> Result<(), ProviderError> {
        let id = self.session.entry.id_of(body);
        let path = self.filled(style.path(), id.as_deref())?;
        let mut live = self.object(body).fields();
        live.retain(|name, _| !self.session.entry.path_only.contains(name));
        let hole = || {
            self.failed(Failure::new(
                "hole",
                Class::Internal,
                "a value is still to come",
            ))
        };
        let request = style.body(changed, desired, &live).ok_or_else(hole)?;
        self.session
            .call(Method::PUT, &path, None, Some(&request))
            .await
            .map_err(|failure| self.failed(failure))?;
        crash_point("rest update answered");
        Ok(())
    }

    fn filled(
        &self,
        path: &super::pointer::ApiPath,
        id: Option<&str>,
    ) -> Result<Vec<String>, ProviderError> {
        self.session
            .filled(path, &self.step.identity, id)
            .map_err(|failure| self.failed(failure))
    }

    fn exposed(&self, value: &Value) -> Result<Json, ProviderError> {
        let hole = || {
            self.failed(Failure::new(
                "hole",
                Class::Internal,
                "a value is still to come",
            ))
        };
        value.exposed_json().ok_or_else(hole)
    }
}
