//! Trouble of a whole environment or of the way to it: specs that cannot be used, environments
//! nobody declares any more, live state that cannot be told, repositories that do not answer.

use super::super::Fleet;
use super::super::conditions::{Condition, End, NOT_GONE};
use super::super::error::of_secrets;
use super::Teller;
use super::chat::ChatLetter;
use crate::deliver::notify::Message;
use crate::deliver::render::{Brought, brought_slack, many, notice_slack};
use crate::ledger::{Episode, LedgerError};
use crate::model::{Diagnostic, EnvironmentName, Fault as _, Revision};
use crate::source::{Fetched, SourceError};
use crate::telemetry::chain;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The state that is kept cannot be resolved any more: a secret went, say.
pub(super) const INVALID: &str = "unresolved";
/// The newest state cannot be used.
pub(super) const BROKEN: &str = "broken-spec";
/// We own resources of it, and no file declares it.
const ORPHANED: &str = "orphaned";

/// Marks what is known of a repository and is not in the ledger yet.
const UNWRITTEN: &str = "unwritten";

/// How many mistakes a message shows.
const SHOWN: usize = 5;

impl Teller {
    /// Opens an episode of a whole environment, and says so once.
    pub(super) async fn trouble(
        &self,
        name: &EnvironmentName,
        condition: &str,
        details: &Value,
    ) -> Result<(), LedgerError> {
        let ledger = &self.world.ledger;
        let id = ledger
            .open_episode(name, None, condition, details, self.world.clock.now())
            .await?;
        if let Some(episode) = ledger.episode(id).await? {
            self.say_trouble(&episode).await;
        }
        Ok(())
    }

    /// Says that the newest specs of an environment cannot be used, and whose commit it is that they say so since.
    pub(super) async fn say_broken(
        &self,
        (name, at): (&EnvironmentName, Option<(&str, &Revision)>),
        mut details: Value,
    ) -> Result<(), LedgerError> {
        let open = self.world.ledger.open_episodes(name).await?;
        let mut known = open.iter().filter(|one| one.condition == BROKEN);
        let same = known.find(|one| one.details["lines"] == details["lines"]);
        details["commit"] = match (same, at) {
            (Some(same), _) => same.details["commit"].clone(),
            (None, Some((repository, revision))) => {
                let (by, links) = self.made_at(repository, revision).await;
                let revision = revision.clone();
                json!(Brought {
                    revision,
                    by,
                    links
                })
            }
            (None, None) => Value::Null,
        };
        self.trouble(name, BROKEN, &details).await
    }

    /// Ends such an episode where one is open, and says so.
    pub(super) async fn trouble_over(
        &self,
        name: &EnvironmentName,
        condition: &str,
        how: End,
    ) -> Result<(), LedgerError> {
        let ledger = &self.world.ledger;
        let open = ledger.open_episodes(name).await?;
        for episode in open
            .iter()
            .filter(|open| open.address.is_none() && open.condition == condition)
        {
            self.over(episode, how).await?;
        }
        Ok(())
    }

    /// Ends an episode that no report is about, and says so. Said first, as with all others: after a kill in between
    /// it ends once more, and nobody is left with the open one.
    async fn over(&self, episode: &Episode, how: End) -> Result<(), LedgerError> {
        let now = self.world.clock.now();
        let ended = Episode {
            ended_at: Some(now),
            how: Some(how.as_str().to_owned()),
            ..episode.clone()
        };
        self.say_trouble(&ended).await;
        self.world
            .ledger
            .end_episode(episode.id, how.as_str(), now)
            .await
    }

    async fn say_trouble(&self, episode: &Episode) {
        let about = format!("episode/{}", episode.id);
        let message = message(episode);
        self.episode_stands(episode, &message).await;
        if self.say_flapping(episode).await || self.say_together(episode).await {
            return;
        }
        let letter = ChatLetter {
            since: episode.opened_at,
            lasts: episode.ended_at.is_none(),
            threaded: episode.ended_at.is_some(),
            ..self.channels.letter(&episode.environment, about, message)
        };
        self.chat.put(letter).await;
    }

    /// Finds environments we own resources of and no file declares, now that all are read.
    pub(crate) async fn orphans(&self, fleet: &Fleet) {
        log_untold(self.find_orphans(fleet).await);
    }

    async fn find_orphans(&self, fleet: &Fleet) -> Result<(), LedgerError> {
        let owned = self.world.ledger.all_owned_addresses().await?;
        let names: BTreeSet<_> = owned
            .iter()
            .map(|address| address.environment.clone())
            .collect();
        for told in self.world.ledger.open_episodes_of(ORPHANED).await? {
            let name = &told.environment;
            if fleet.declares(name) || !names.contains(name) {
                self.trouble_over(name, ORPHANED, End::Mended).await?;
            }
        }
        self.forget_of(|name| !fleet.declares(name) && !names.contains(name))
            .await?;
        for name in names.iter().filter(|name| !fleet.declares(name)) {
            let count = owned
                .iter()
                .filter(|address| address.environment == *name)
                .count();
            let hint = "Nothing of it is deleted. Restore the file; to take it down, declare it with `reconcile: { destroy: true }`.";
            let details = json!({ "message": format!("no file declares it, and {count} of its resources are ours"), "hint": hint });
            self.trouble(name, ORPHANED, &details).await?;
        }
        Ok(())
    }

    /// Ends what was the matter with resources of environments of which nothing is left: no run of theirs
    /// will.
    async fn forget_of(
        &self,
        is_over: impl Fn(&EnvironmentName) -> bool,
    ) -> Result<(), LedgerError> {
        let ledger = &self.world.ledger;
        for condition in Condition::ALL {
            for told in ledger.open_episodes_of(condition.as_str()).await? {
                if is_over(&told.environment) {
                    self.over(&told, End::Undeclared).await?;
                }
            }
        }
        Ok(())
    }

    /// A repository does not answer as it should. Said once, until it changes or ends.
    pub(crate) async fn repository_unreachable(&self, repository: &str, error: &SourceError) {
        let state = match error.is_silence() {
            true => "unreachable",
            false => "unreadable",
        };
        let state = json!({ "state": state, "code": error.code(), "reason": chain(error), "hint": error.hint() });
        if self.repository_state(repository, &state).await {
            tracing::error!(
                repository,
                error = chain(error),
                code = error.code(),
                hint = error.hint(),
                "Repository cannot be read, going on with what is kept"
            );
        }
    }

    /// A repository answered.
    pub(crate) async fn repository_read(&self, repository: &str, fetched: &Fetched) {
        let revision = &fetched.snapshot.revision;
        let state = json!({ "state": "read", "revision": revision });
        if self.repository_state(repository, &state).await {
            if fetched.movement.rewrote() {
                tracing::warn!(repository, revision = %revision.short(), movement = ?fetched.movement, "Branch was rewritten, following it");
            } else {
                tracing::info!(repository, revision = %revision.short(), "Repository read");
            }
        }
    }

    /// Remembers a repository's state; returns whether it is another than before.
    async fn repository_state(&self, repository: &str, state: &Value) -> bool {
        let name = format!("repository/{repository}");
        let ledger = &self.world.ledger;
        let known = self.repositories().get(repository).cloned();
        let before = match known {
            Some(known) => known,
            None => match ledger.delivery(&name).await {
                Ok(before) => before.unwrap_or_default(),
                Err(error) => {
                    log_untold(Err(error));
                    Value::Null
                }
            },
        };
        let same = ["state", "code", "revision"]
            .iter()
            .all(|key| before[*key] == state[*key]);
        let mut seen = state.clone();
        // What could not be written is not news again, and is written once it can be.
        if !same || before[UNWRITTEN] == true {
            let mut state = state.clone();
            state["since"] = json!(self.world.clock.now());
            let written = ledger.record_delivery(&name, &state).await;
            seen[UNWRITTEN] = written.is_err().into();
            if !same {
                log_untold(written);
            }
        }
        self.repositories().insert(repository.to_owned(), seen);
        !same
    }
}

/// Returns what is kept of a spec that cannot be used; `is_kept` tells whether an older one is in force.
pub(super) fn invalid(diagnostics: &[Diagnostic], is_kept: bool) -> Value {
    let line = |one: &Diagnostic| {
        let at = &one.location;
        format!("{}:{}:{}: {}", at.file, at.line, at.column, one.message)
    };
    let shown: Vec<String> = diagnostics.iter().take(SHOWN).map(line).collect();
    let in_force = if is_kept {
        "The last good state stays in force."
    } else {
        "No good state can be had: it is neither compared nor changed, and nothing of it is deleted."
    };
    let next = of_secrets(diagnostics);
    let next = next.unwrap_or_else(|| "To see every mistake: reconciled validate".to_owned());
    json!({
        "message": many(diagnostics.len(), "mistake"),
        "lines": shown,
        "mistakes": &diagnostics[..diagnostics.len().min(SHOWN)],
        "hint": format!("{in_force} {next}"),
    })
}

/// Returns the message on an episode as it stands.
pub(super) fn message(episode: &Episode) -> Message {
    let text = |key: &str| episode.details[key].as_str().unwrap_or_default().to_owned();
    let subject = episode
        .address
        .as_ref()
        .map_or_else(|| episode.environment.to_string(), ToString::to_string);
    let how = episode.how.as_deref().and_then(End::of);
    let undeclared = how == Some(End::Undeclared);
    let is_not_gone = episode.details["code"] == NOT_GONE;
    let count = episode.details["count"].as_u64().unwrap_or_default();
    let count = many(usize::try_from(count).unwrap_or(usize::MAX), "resource");
    let title = match (&episode.ended_at, episode.condition.as_str()) {
        (Some(_), _) if undeclared => format!("✅ {subject}: is no longer declared"),
        (Some(_), BROKEN) => format!("✅ {subject}: its specs can be used again"),
        (Some(_), INVALID) => format!("✅ {subject}: can be resolved again"),
        (Some(_), "drift/many") => {
            format!("✅ {subject}: {count} changed outside of Git, over now")
        }
        (Some(_), "failing/many") => format!("✅ {subject}: {count} did not work, over now"),
        (None, "drift/many") => format!("🔶 {subject}: {count} changed outside of Git"),
        (None, "failing/many") => format!("❌ {subject}: {count} not working"),
        (Some(_), "failing") if is_not_gone => format!("✅ {subject}: is gone"),
        (Some(_), "failing") => format!("✅ {subject}: works again"),
        (Some(_), "fought-over") => format!("✅ {subject}: nobody changes it back any more"),
        (Some(_), ORPHANED) => format!("✅ {subject}: declared again, or nothing of it is left"),
        (Some(_), _) => format!("✅ {subject}: live state can be told again"),
        (None, BROKEN) => format!("❌ {subject}: its newest specs cannot be used"),
        (None, INVALID) => format!("❌ {subject}: cannot be resolved any more"),
        (None, "failing") if is_not_gone => format!("❌ {subject}: does not go away"),
        (None, "failing") => format!("❌ {subject}: does not work"),
        (None, "fought-over") => format!("🔶 {subject}: is changed back again and again"),
        (None, ORPHANED) => format!("🔶 {subject}: declared nowhere"),
        (None, _) => format!("🔶 {subject}: live state cannot be told"),
    };
    // What many had in common may have come and gone in one run: then this is all that is said of it.
    if episode.ended_at.is_some() && !episode.condition.ends_with("/many") {
        return notice_slack(&title, &[], episode.opened_at, episode.ended_at);
    }
    let lines = episode.details["lines"].as_array().into_iter().flatten();
    let mut body: Vec<String> = vec![text("message")];
    body.extend(lines.filter_map(Value::as_str).map(str::to_owned));
    body.push(text("hint"));
    body.retain(|line| !line.is_empty());
    let times = (episode.opened_at, episode.ended_at);
    brought_slack(&title, &body, times, brought(episode).as_ref())
}

/// Returns the commit that an episode is about, where one is.
pub(super) fn brought(episode: &Episode) -> Option<Brought> {
    serde_json::from_value(episode.details["commit"].clone()).ok()
}

/// What could not be told for want of the ledger is at least logged.
pub(super) fn log_untold(told: Result<(), LedgerError>) {
    if let Err(error) = told {
        let (code, hint) = (error.code(), error.hint());
        tracing::error!(
            error = chain(&error),
            code,
            hint,
            "People not told of everything"
        );
    }
}
