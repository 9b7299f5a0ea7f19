//! The pull requests of one repository: remembers what they were told of, and hands on what they are
//! to be told. A forge that is slow or away holds nobody up.

use super::super::{Followed, Kept, Origin};
use super::merged::Story;
use super::outbox::Outbox;
use super::results::{ResultLetter, Results};
use crate::deliver::forge::Forge;
use crate::deliver::render::RunResult;
use crate::ledger::{Ledger, LedgerError, Rollback};
use crate::model::{RepoPath, Revision};
use crate::telemetry::{Clock, Readiness};
use serde_json::json;
use std::sync::Arc;

/// Tells the pull requests of one repository.
pub(super) struct Pulls {
    ledger: Ledger,
    /// In the names of what is remembered: another branch has other pull requests.
    repository: String,
    branch: String,
    /// The folder that environments, and their approvals, are looked for in.
    environments: RepoPath,
    outbox: Outbox<ResultLetter>,
}

impl Pulls {
    /// Starts delivering; `None` for a folder, which has no pull requests.
    pub(super) fn start(
        followed: &Followed,
        forge: Arc<dyn Forge>,
        (ledger, readiness, clock): (Ledger, Readiness, Clock),
    ) -> Option<Self> {
        let Origin::Git(repository) = &followed.origin else {
            return None;
        };
        Some(Self {
            repository: followed.origin.name().to_owned(),
            environments: followed.environments.clone(),
            branch: repository.target().branch.clone(),
            outbox: Outbox::start(
                Results {
                    repository: repository.clone(),
                    forge,
                    ledger: ledger.clone(),
                    clock,
                },
                ledger.clone(),
                readiness,
            ),
            ledger,
        })
    }

    /// Delivers what waits, as far as that is quickly done.
    pub(super) async fn drain(&self) {
        self.outbox.drain().await;
    }

    /// An environment says something new. One that was not there before came after the state of the
    /// repository that was taken in last; where that is the first, it is nobody's news.
    pub(super) async fn changed(&self, kept: &Kept) -> Result<(), LedgerError> {
        if self.story(kept).await?.is_some() {
            return Ok(());
        }
        let before = self.ledger.delivery(&self.taken_in_name()).await?;
        match before.and_then(|before| serde_json::from_value(before).ok()) {
            Some(before) => self.remember(kept, &Story::of_new(before)).await,
            None => Ok(()),
        }
    }

    /// All that is new in a state of the repository was taken in.
    pub(super) async fn taken_in(&self, revision: &Revision) -> Result<(), LedgerError> {
        let name = self.taken_in_name();
        self.ledger.record_delivery(&name, &json!(revision)).await
    }

    /// Takes in how a run ended, and hands on what there is to say of it.
    pub(super) async fn put(&self, kept: &Kept, result: &RunResult<'_>) -> Result<(), LedgerError> {
        let mut story = self.story(kept).await?.unwrap_or_default();
        let rollbacks = self.ledger.rollbacks().await?;
        let is_it = |to: &Revision| to == kept.pinned.revision();
        let of_it = |one: &&Rollback| one.environment == *kept.pinned.name() && is_it(&one.to);
        let letters = match rollbacks.iter().find(of_it) {
            // An older revision that is put back is no result of a merge, and puts none right.
            Some(rollback) => story.taken_back(rollback, result),
            None => story.take(kept, result, &self.environments),
        };
        for letter in letters {
            // Before it is remembered as said: a kill in between says it again, to the same effect.
            self.outbox.put(letter).await;
        }
        self.remember(kept, &story).await
    }

    async fn story(&self, kept: &Kept) -> Result<Option<Story>, LedgerError> {
        let story = self.ledger.delivery(&self.story_name(kept)).await?;
        Ok(story.and_then(|story| serde_json::from_value(story).ok()))
    }

    async fn remember(&self, kept: &Kept, story: &Story) -> Result<(), LedgerError> {
        let name = self.story_name(kept);
        let story = serde_json::to_value(story).unwrap_or_default();
        self.ledger.record_delivery(&name, &story).await
    }

    fn story_name(&self, kept: &Kept) -> String {
        let (repository, branch) = (&self.repository, &self.branch);
        format!("forge/{repository}/{branch}/story/{}", kept.pinned.name())
    }

    fn taken_in_name(&self) -> String {
        format!("forge/{}/{}/taken-in", self.repository, self.branch)
    }
}
