//! Events on their way to the webhook: one for each transition that people are told of, under an id that stays the
//! same however often it is sent.

use super::super::Report;
use super::outbox::{Carrier, Fate, Letter, Outbox};
use super::{Teller, audience, trouble};
use crate::deliver::notify::{
    EpisodeEvent, Event, EventData, Happened, Message, RunEvent, Webhook, WebhookError,
};
use crate::deliver::render::{
    About, Difference, MOST_OF_AN_EVENT, RunResult, interrupted_step, run_event,
};
use crate::ledger::{Episode, LedgerError, RunRecord, StepIntent, StepRecord};
use crate::model::{Class, Digest, EnvironmentName, Fault as _, RunId};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An event under its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct HookLetter {
    id: String,
    event: Event,
}

impl Letter for HookLetter {
    fn name(&self) -> &str {
        &self.id
    }

    fn way(&self) -> &str {
        ""
    }
}

#[async_trait]
impl Carrier for Webhook {
    type Letter = HookLetter;
    type Error = WebhookError;

    fn place(&self) -> String {
        "webhook".to_owned()
    }

    fn kept(&self) -> String {
        "waiting-webhook".to_owned()
    }

    fn fate(&self, error: &WebhookError) -> Fate {
        match error.class() {
            Class::Transient => Fate::Later,
            _ if error.is_too_large() => Fate::Lost,
            _ => Fate::Refused,
        }
    }

    async fn deliver(&self, letter: &HookLetter) -> Result<(), WebhookError> {
        self.post(&letter.id, &letter.event).await
    }
}

impl Teller {
    /// Tells of a run that ended.
    pub(super) async fn run_ended(
        &self,
        report: &Report,
        result: &RunResult<'_>,
        (about, message): (&About, &Message),
    ) {
        let Some(hook) = &self.hook else { return };
        let name = &report.plan.environment;
        let nth = report.run.map_or(0, |run| run.0);
        let data = EventData {
            run: Some(run_event(result, about)),
            ..data(name, message)
        };
        let subject = format!("run/{name}/{nth}");
        let begun = match report.run {
            Some(run) => self.begun_at(name, run).await,
            None => None,
        };
        let moment = begun.unwrap_or(result.ended_at);
        let what = (Happened::RunEnded, result.ended_at);
        self.emit(hook, (&subject, moment), what, data).await;
    }

    /// Returns when a run began: the one time of it that is the same whoever tells of its end.
    async fn begun_at(&self, name: &EnvironmentName, run: RunId) -> Option<Timestamp> {
        let (ledger, next) = (&self.world.ledger, RunId(run.0 + 1));
        match ledger.runs(Some(name), 1, Some(next)).await {
            Ok(runs) => {
                let mut runs = runs.into_iter().filter(|one| one.id == run);
                runs.next().map(|one| one.begun_at)
            }
            Err(error) => {
                trouble::log_untold(Err(error));
                None
            }
        }
    }

    /// Tells of a run, of which only the record is left, that it ended or was cut off, with what that says of its steps.
    pub(super) async fn run_recorded(&self, run: &RunRecord, what: Happened, message: &Message) {
        let Some(hook) = &self.hook else { return };
        let name = &run.environment;
        let steps = match self.world.ledger.run(run.id).await {
            Ok(details) => details.map(|details| details.steps).unwrap_or_default(),
            Err(error) => {
                trouble::log_untold(Err(error));
                Vec::new()
            }
        };
        let step = |one: &StepRecord| {
            let StepIntent {
                address,
                kind,
                action,
            } = &one.intent;
            let begun = one.begun_at.is_some();
            interrupted_step((address, kind, *action), one.outcome.as_ref(), begun)
        };
        let data = EventData {
            run: Some(RunEvent {
                more_steps: steps.len().saturating_sub(MOST_OF_AN_EVENT),
                steps: steps.iter().take(MOST_OF_AN_EVENT).map(step).collect(),
                id: Some(run.id.0),
                trigger: Some(run.trigger.clone()),
                ordered_by: run.by.clone(),
                plan: Some(run.plan_hash.to_string()),
                revision: run.revision.to_string(),
                ..RunEvent::default()
            }),
            ..data(name, message)
        };
        let subject = format!("run/{name}/{}", run.id);
        let at = run.ended_at.filter(|_| what == Happened::RunEnded);
        let what = (what, at.unwrap_or(run.begun_at));
        self.emit(hook, (&subject, run.begun_at), what, data).await;
    }

    /// Tells how an episode stands, where that was not told.
    pub(super) async fn episode_stands(&self, episode: &Episode, message: &Message) {
        let Some(hook) = &self.hook else { return };
        let data = EventData {
            episode: Some(of(episode)),
            ..data(&episode.environment, message)
        };
        let subject = format!("episode/{}", episode.id);
        let what = match episode.ended_at {
            Some(at) => (Happened::EpisodeEnded, at),
            None => (Happened::EpisodeOpened, episode.opened_at),
        };
        // One that ends once more after a kill ends at another time.
        let subject = (subject.as_str(), episode.opened_at);
        self.emit(hook, subject, what, data).await;
    }

    /// Tells of the ledger itself. Nothing is asked of that or left to it: the event waits in memory.
    pub(super) fn emit_past_ledger(
        &self,
        (what, timestamp): (Happened, Timestamp),
        data: EventData,
    ) {
        let Some(hook) = self.hook.clone() else {
            return;
        };
        let id = Digest::of(format!("{what:?} {timestamp}"));
        let letter = HookLetter {
            id: format!("evt_{}", id.as_str()),
            event: Event {
                what,
                timestamp,
                data,
            },
        };
        tokio::spawn(async move { hook.put(letter).await });
    }

    /// Hands an event on, unless it was. Its id is made of what stays the same however often it is told: whose it is,
    /// and a moment of that.
    async fn emit(
        &self,
        hook: &Outbox<HookLetter>,
        (subject, moment): (&str, Timestamp),
        (what, timestamp): (Happened, Timestamp),
        data: EventData,
    ) {
        // Numbers begin anew with a ledger that is made anew; its times do not.
        let (ledger, id) = (
            &self.world.ledger,
            Digest::of(format!("{subject} {what:?} {moment}")),
        );
        let name = format!("webhook/{subject}");
        match ledger.delivery(&name).await {
            Ok(Some(told)) if told == json!(id) => return,
            Ok(_) => {}
            Err(error) => trouble::log_untold(Err(error)),
        }
        hook.put(HookLetter {
            id: format!("evt_{}", id.as_str()),
            event: Event {
                what,
                timestamp,
                data,
            },
        })
        .await;
        // What was put is the ledger's: from here on nothing says it again.
        let told: Result<(), LedgerError> = ledger.record_delivery(&name, &json!(id)).await;
        trouble::log_untold(told);
    }
}

/// Returns what a message says, of no environment.
pub(super) fn of_daemon(message: &Message) -> EventData {
    EventData {
        environment: None,
        gravity: audience::gravity(message),
        title: message.text.clone(),
        run: None,
        episode: None,
        trouble: None,
    }
}

fn data(name: &EnvironmentName, message: &Message) -> EventData {
    EventData {
        environment: Some(name.to_string()),
        ..of_daemon(message)
    }
}

/// Returns what there is to say of an episode; what else the ledger keeps of it stays there.
fn of(episode: &Episode) -> EpisodeEvent {
    fn kept<T: DeserializeOwned>(episode: &Episode, key: &str) -> Option<T> {
        serde_json::from_value(episode.details[key].clone()).ok()
    }
    let mut differences: Vec<Difference> = kept(episode, "differences").unwrap_or_default();
    differences.truncate(MOST_OF_AN_EVENT);
    EpisodeEvent {
        id: episode.id.0,
        address: episode.address.as_ref().map(ToString::to_string),
        condition: episode.condition.clone(),
        opened_at: episode.opened_at,
        ended_at: episode.ended_at,
        how: episode.how.clone(),
        code: kept(episode, "code"),
        reason: kept(episode, "message"),
        hint: kept(episode, "hint"),
        differences,
        by: kept(episode, "by").unwrap_or_default(),
    }
}
