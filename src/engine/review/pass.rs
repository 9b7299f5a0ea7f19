//! One pass over the open pull requests: which are to be planned, and who asked for what.

use super::commands::{Command, Heard};
use super::memory::Memory;
use super::proposal::{Merge, Proposal};
use super::{ReviewError, Reviewer};
use crate::deliver::forge::{ForgeError, PullRequest};
use crate::engine::Origin;
use crate::model::{EnvironmentName, RepoPath, Revision, Snapshot};
use crate::source::{Repository, SourceError};
use crate::telemetry::chain;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tracing::Instrument as _;

/// A plan this old is made anew, though nothing is known to have moved: live state did, maybe.
const STALE: SignedDuration = SignedDuration::from_mins(15);

/// What a pull request was planned from.
pub(super) struct Planned {
    head: Revision,
    base: Revision,
    at: Timestamp,
    /// The environments it touches, with how many of their runs had found or made something new.
    touched: BTreeMap<EnvironmentName, u64>,
}

impl Planned {
    /// Tells whether a plan would be made of the same again.
    fn is_of(&self, pull: &PullRequest, base: &Snapshot, ends: &Ends, now: Timestamp) -> bool {
        let same = |(name, count): (&EnvironmentName, &u64)| ends.get(name).unwrap_or(&0) == count;
        self.head == pull.head
            && self.base == base.revision
            && now.duration_since(self.at) < STALE
            && self.touched.iter().all(same)
    }
}

/// How many runs of each environment found or made something new.
type Ends = BTreeMap<EnvironmentName, u64>;

impl Reviewer {
    /// Looks at every pull request that is to be looked at; lists them first, or takes those of the last list.
    /// Returns whether a branch was not yet, or no longer, where the list says it is.
    pub(super) async fn pass(
        &mut self,
        base: &Arc<Snapshot>,
        lists: bool,
    ) -> Result<bool, ForgeError> {
        let Origin::Git(repository) = self.followed.origin.clone() else {
            return Ok(false);
        };
        let branch = repository.target().branch.clone();
        if lists {
            let pulls = self.forge.open_pull_requests().await?;
            let open = |number: &u64| pulls.iter().any(|pull| pull.number == *number);
            self.planned.retain(|number, _| open(number));
            self.heard.retain(|number, _| open(number));
            self.failing.retain(|number, _| open(number));
            self.pulls = pulls;
            if self.anew.take() {
                self.planned.clear();
                self.unwritten = self.pulls.iter().map(|pull| pull.number).collect();
            }
        }
        let pulls = self.pulls.iter();
        let pulls: Vec<PullRequest> = pulls
            .filter(|pull| pull.base_branch == branch)
            .cloned()
            .collect();
        let mut behind = false;
        for pull in pulls {
            let span =
                tracing::info_span!("review", number = pull.number, head = %pull.head.short());
            let attended = self.attend(&repository, &pull, base).instrument(span);
            match attended.await {
                Ok(()) => drop(self.failing.remove(&pull.number)),
                Err(error) => {
                    behind |= matches!(error, ReviewError::Source(SourceError::Elsewhere { .. }));
                    self.failed(pull.number, &error);
                }
            }
        }
        Ok(behind)
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

    /// Plans a pull request where that is due or was asked for.
    async fn attend(
        &mut self,
        repository: &Repository,
        pull: &PullRequest,
        base: &Snapshot,
    ) -> Result<(), ReviewError> {
        let now = self.world.clock.now();
        let ends = self.view.borrow().ends.clone();
        let planned = self.planned.get(&pull.number);
        let fresh = planned.is_some_and(|planned| planned.is_of(pull, base, &ends, now));
        let quiet = self.is_quiet(pull);
        if fresh && quiet {
            return Ok(());
        }
        let name = format!("forge/{}/pull/{}", self.followed.origin.name(), pull.number);
        let before = self.world.ledger.delivery(&name).await?.unwrap_or_default();
        let mut memory: Memory = serde_json::from_value(before).unwrap_or_default();
        if self.unwritten.contains(&pull.number) {
            // GitHub took what they said back: they are looked up and written again.
            memory.checked = None;
        }
        let heard = if quiet {
            Heard::default()
        } else {
            self.hear(pull, &memory).await?
        };
        let asked = heard.asks_for(&Command::Plan);
        if asked {
            // Whoever asks sees when it was made, also where it says the same.
            memory.written_at = None;
        }
        let mut result = Ok(());
        if asked || !fresh {
            let said = self.say(repository, pull, base, &mut memory).await;
            result = said.map(|touched| {
                let count = |name: EnvironmentName| {
                    let count = ends.get(&name).copied().unwrap_or_default();
                    (name, count)
                };
                let planned = Planned {
                    head: pull.head.clone(),
                    base: base.revision.clone(),
                    at: now,
                    touched: touched.into_iter().map(count).collect(),
                };
                self.planned.insert(pull.number, planned);
            });
        }
        if result.is_ok() {
            result = self.answer(pull, heard, &mut memory).await;
        }
        // What was written before something failed is not written again.
        let memory = serde_json::to_value(memory).unwrap_or_default();
        self.world.ledger.record_delivery(&name, &memory).await?;
        self.unwritten.remove(&pull.number);
        if result.is_ok() && !quiet {
            self.heard_all(pull, now);
        }
        result
    }

    /// Brings what the pull request says of us up to date, as far as that is not what it says already.
    /// Returns the environments it touches.
    async fn say(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        base: &Snapshot,
        memory: &mut Memory,
    ) -> Result<BTreeSet<EnvironmentName>, ReviewError> {
        let preview = match repository
            .merge_preview(&pull.base_branch, (&pull.head_ref(), Some(&pull.head)))
            .await
        {
            // The branch moved meanwhile, by the merge of this very one maybe: what it shows on top of that is what nobody
            // saw before they merged it. It is planned once the daemon knows the branch as it is now.
            Ok(preview) if preview.base != base.revision => {
                return Err(ReviewError::Source(SourceError::Elsewhere {
                    target: self.followed.origin.name().to_owned(),
                    reference: format!("refs/heads/{}", pull.base_branch),
                    wanted: base.revision.to_string(),
                }));
            }
            Ok(preview) => Arc::new(preview.snapshot),
            Err(error @ SourceError::Conflict { .. }) => {
                self.say_conflict(pull, &error, memory).await?;
                return Ok(BTreeSet::new());
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
            knows_ours: true,
        };
        let proposal = Proposal::of(&self.world, merge).await;
        if proposal.is_nothing() && memory.comment.is_none() {
            self.write_untouched(pull, memory).await?;
        } else {
            memory.conflict_since = None;
            self.write_proposal(pull, &proposal, memory).await?;
        }
        Ok(proposal.touched.names)
    }
}
