//! One pull request, looked at from the first question to the last answer. Keeps nothing in mind of its own: several are
//! looked at at once.

use super::super::{Followed, View, World};
use super::ReviewError;
use super::commands::{Command, Heard};
use super::memory::Memory;
use super::proposal::{Merge, Proposal};
use crate::deliver::forge::{Forge, PullRequest};
use crate::model::{EnvironmentName, RepoPath, Snapshot};
use crate::source::{Repository, SourceError};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;

/// How many runs of each environment found or made something new.
pub(super) type Ends = BTreeMap<EnvironmentName, u64>;

/// What looking at a pull request takes.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) world: World,
    pub(super) followed: Arc<Followed>,
    pub(super) forge: Arc<dyn Forge>,
    pub(super) view: watch::Receiver<View>,
    /// The open pull requests, as they were listed last.
    pub(super) pulls: Arc<[PullRequest]>,
}

/// Why a pull request is looked at, and as of when.
pub(super) struct Due {
    pub(super) pull: PullRequest,
    pub(super) base: Arc<Snapshot>,
    pub(super) ends: Ends,
    pub(super) now: Timestamp,
    /// Whether a plan would be made of something else than the last.
    pub(super) plans: bool,
    /// Whether nothing was said on it since the last time.
    pub(super) quiet: bool,
    /// Whether its checks are to be written anew.
    pub(super) unwritten: bool,
}

/// A look at a pull request that is over.
pub(super) struct Attended {
    pub(super) due: Due,
    /// The environments it touches, where that was found out.
    pub(super) touched: Option<BTreeSet<EnvironmentName>>,
    /// Whether what was written is remembered.
    pub(super) recorded: bool,
    pub(super) result: Result<(), ReviewError>,
}

impl Desk {
    /// Plans a pull request where that is due or was asked for.
    pub(super) async fn attend(self, repository: Repository, due: Due) -> Attended {
        let mut attended = Attended {
            due,
            touched: None,
            recorded: false,
            result: Ok(()),
        };
        attended.result = self.look_at(&repository, &mut attended).await;
        attended
    }

    async fn look_at(
        &self,
        repository: &Repository,
        attended: &mut Attended,
    ) -> Result<(), ReviewError> {
        let due = &attended.due;
        let pull = &due.pull;
        let name = format!("forge/{}/pull/{}", self.followed.origin.name(), pull.number);
        let before = self.world.ledger.delivery(&name).await?.unwrap_or_default();
        let mut memory: Memory = serde_json::from_value(before).unwrap_or_default();
        if due.unwritten {
            // GitHub took what they said back: they are looked up and written again.
            memory.checked = None;
        }
        let heard = if due.quiet {
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
        if asked || due.plans {
            let said = self.say(repository, pull, &due.base, &mut memory).await;
            result = said.map(|names| attended.touched = Some(names));
        }
        if result.is_ok() {
            result = self.answer(pull, heard, &mut memory).await;
        }
        // What was written before something failed is not written again.
        let memory = serde_json::to_value(memory).unwrap_or_default();
        self.world.ledger.record_delivery(&name, &memory).await?;
        attended.recorded = true;
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
        let reference = pull.head_ref();
        let (base_branch, head) = (&pull.base_branch, (reference.as_str(), Some(&pull.head)));
        let preview = match pull.from_fork {
            true => repository.fork_preview(base_branch, head).await,
            false => repository.merge_preview(base_branch, head).await,
        };
        let preview = match preview {
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
