//! Pull requests: what each would make of its environments, against live state, as one comment that
//! is kept up to date, and a commit status. Reads with what merged environments use; changes nothing.

mod conflict;
mod proposal;
mod touched;
mod working;

pub use proposal::Proposal;

use super::daemon::View;
use super::{Followed, Origin, World};
use crate::deliver::forge::{Forge, ForgeError, PullRequest, StatusState};
use crate::deliver::render::Page;
use crate::ledger::LedgerError;
use crate::model::{Digest, Fault as _, RepoPath, Revision, Snapshot};
use crate::source::{Repository, SourceError};
use crate::telemetry::chain;
use jiff::{SignedDuration, Timestamp};
use proposal::Merge;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A plan this old is made anew, though neither branch moved: live state did, maybe.
const STALE: SignedDuration = SignedDuration::from_mins(15);

/// Reviews the pull requests of one repository.
pub struct Reviewer {
    world: World,
    nth: usize,
    followed: Followed,
    forge: Arc<dyn Forge>,
    view: watch::Receiver<View>,
    interval: Duration,
    /// What each pull request was last planned from.
    planned: BTreeMap<u64, Planned>,
    /// Why a pull request could not be reviewed the last time, as it was logged.
    failing: BTreeMap<u64, String>,
}

struct Planned {
    head: Revision,
    base: Revision,
    at: Timestamp,
}

/// Why one pull request was not reviewed.
#[derive(Debug, thiserror::Error)]
enum ReviewError {
    #[error("read the pull request's branch")]
    Source(#[from] SourceError),
    #[error("write to the pull request")]
    Forge(#[from] ForgeError),
    #[error("work with the ledger")]
    Ledger(#[from] LedgerError),
}

/// What our comment on a pull request says.
struct Opinion {
    state: StatusState,
    said: String,
    /// Equal for equal content, whenever it was made.
    digest: Digest,
    body: String,
}

/// What is remembered of our comment.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    comment: Option<u64>,
    digest: Option<Digest>,
    head: Option<Revision>,
    /// The last status and the commit it stands on: GitHub takes no more than a thousand of each.
    #[serde(default)]
    status: Option<(Revision, String)>,
    /// Since when the branch cannot be merged, where the comment says so.
    #[serde(default)]
    conflict_since: Option<Timestamp>,
}

impl Reviewer {
    /// Reviews the pull requests of the `nth` repository.
    pub fn new(
        world: World,
        (nth, followed): (usize, Followed),
        forge: Arc<dyn Forge>,
        view: watch::Receiver<View>,
        interval: Duration,
    ) -> Self {
        Self {
            world,
            nth,
            followed,
            forge,
            view,
            interval,
            planned: BTreeMap::new(),
            failing: BTreeMap::new(),
        }
    }

    /// Reviews until stopped: at every interval, and when the branch they merge into moved.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut told = None;
        loop {
            let mut view = self.view.clone();
            let base = view.borrow_and_update().snapshots.get(&self.nth).cloned();
            if let Some(base) = base {
                let pass = self.pass(&base);
                let result = tokio::select! {
                    () = stop.cancelled() => return,
                    result = pass => result,
                };
                let code = result.as_ref().err().map(|error| error.code());
                if let Err(error) = &result
                    && told != code
                {
                    tracing::warn!(
                        error = chain(error),
                        code,
                        hint = error.hint(),
                        "Pull requests cannot be listed"
                    );
                }
                if code.is_none() && told.is_some() {
                    tracing::info!("Pull requests can be listed again");
                }
                told = code;
            }
            let (nth, mut view) = (self.nth, view);
            let base = |view: &View| Some(view.snapshots.get(&nth)?.revision.clone());
            let before = base(&view.borrow());
            let moved = async {
                // Of its own repository: others move, too.
                let moved = view.wait_for(|view| base(view) != before);
                let _daemon_gone = moved.await.map(drop);
                // Several moves at a start are one.
                tokio::time::sleep(Duration::from_millis(200)).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.interval) => {}
                () = moved => {}
            }
        }
    }

    async fn pass(&mut self, base: &Arc<Snapshot>) -> Result<(), ForgeError> {
        let Origin::Git(repository) = self.followed.origin.clone() else {
            return Ok(());
        };
        let branch = repository.target().branch.clone();
        let pulls = self.forge.open_pull_requests().await?;
        let open = |number: &u64| pulls.iter().any(|pull| pull.number == *number);
        self.planned.retain(|number, _| open(number));
        self.failing.retain(|number, _| open(number));
        for pull in pulls.iter().filter(|pull| pull.base_branch == branch) {
            let now = self.world.clock.now();
            let fresh = self.planned.get(&pull.number).is_some_and(|planned| {
                planned.head == pull.head
                    && planned.base == base.revision
                    && now.duration_since(planned.at) < STALE
            });
            if fresh {
                continue;
            }
            let span =
                tracing::info_span!("review", number = pull.number, head = %pull.head.short());
            let review =
                tracing::Instrument::instrument(self.review(&repository, pull, base), span);
            if let Err(error) = review.await {
                self.failed(pull.number, &error);
                continue;
            }
            self.failing.remove(&pull.number);
            let planned = Planned {
                head: pull.head.clone(),
                base: base.revision.clone(),
                at: now,
            };
            self.planned.insert(pull.number, planned);
        }
        Ok(())
    }

    /// Logs why a pull request was not reviewed, once for each reason.
    fn failed(&mut self, number: u64, error: &ReviewError) {
        let error = chain(error);
        if self.failing.get(&number) != Some(&error) {
            tracing::warn!(
                number,
                error,
                "Pull request not reviewed, trying again until it is"
            );
            self.failing.insert(number, error);
        }
    }

    async fn review(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        base: &Snapshot,
    ) -> Result<(), ReviewError> {
        let name = format!("forge/{}/pull/{}", self.followed.origin.name(), pull.number);
        let before = self.world.ledger.delivery(&name).await?.unwrap_or_default();
        let mut memory: Memory = serde_json::from_value(before).unwrap_or_default();
        self.say(repository, pull, base, &mut memory).await?;
        let memory = serde_json::to_value(memory).unwrap_or_default();
        Ok(self.world.ledger.record_delivery(&name, &memory).await?)
    }

    /// Brings what the pull request says of us up to date, as far as that is not what it says already.
    async fn say(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        base: &Snapshot,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let preview = match repository
            .merge_preview(&pull.base_branch, &pull.head_ref())
            .await
        {
            Ok(preview) => Arc::new(preview.snapshot),
            Err(error @ SourceError::Conflict { .. }) => {
                return self.say_conflict(pull, &error, memory).await;
            }
            Err(error) => return Err(error.into()),
        };
        let fleet = Arc::clone(&self.view.borrow().fleet);
        let merge = Merge {
            followed: &self.followed,
            fleet: &fleet,
            base,
            merged: &preview,
            within: &RepoPath::default(),
            from_fork: pull.from_fork,
        };
        let proposal = Proposal::of(&self.world, merge).await;
        if proposal.is_nothing() && memory.comment.is_none() {
            let said = "Touches no environment";
            return self.status(pull, StatusState::Success, said, memory).await;
        }
        memory.conflict_since = None;
        let (state, said) = proposal.status();
        let marker = self.marker();
        let opinion = self.dated(state, said, |at| {
            proposal.comment(&Page {
                marker: &marker,
                revision: &pull.head,
                at,
            })
        });
        self.write(pull, opinion, memory).await
    }

    /// Writes the comment, where it does not say so already, and the status.
    async fn write(
        &self,
        pull: &PullRequest,
        opinion: Opinion,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let same = memory.digest.as_ref() == Some(&opinion.digest);
        if !same || memory.head.as_ref() != Some(&pull.head) {
            let (number, marker) = (pull.number, self.marker());
            let comment = self
                .forge
                .put_comment(number, &marker, &opinion.body, memory.comment)
                .await?;
            memory.comment = Some(comment);
            memory.digest = Some(opinion.digest);
            memory.head = Some(pull.head.clone());
        }
        self.status(pull, opinion.state, &opinion.said, memory)
            .await
    }

    fn marker(&self) -> String {
        format!("<!-- reconciled:plan:{} -->", self.followed.origin.name())
    }

    async fn status(
        &self,
        pull: &PullRequest,
        state: StatusState,
        said: &str,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let said: String = said.chars().take(140).collect();
        let status = (pull.head.clone(), format!("{state:?} {said}"));
        if memory.status.as_ref() != Some(&status) {
            self.forge
                .put_status(&pull.head, "reconciled/plan", state, &said)
                .await?;
            memory.status = Some(status);
        }
        Ok(())
    }

    fn dated(
        &self,
        state: StatusState,
        said: String,
        body: impl Fn(Timestamp) -> String,
    ) -> Opinion {
        let digest = Digest::of(body(Timestamp::UNIX_EPOCH));
        Opinion {
            state,
            said,
            digest,
            body: body(self.world.clock.now()),
        }
    }
}
