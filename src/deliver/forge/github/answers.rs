//! What GitHub answers: just the fields needed, so that an Enterprise server of another version does not
//! break the reading.

use super::door::Door;
use crate::deliver::forge::{PullRequest, Said};
use crate::model::Revision;
use jiff::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
}

impl User {
    /// Tells whether a comment of theirs may be ours. An App does not know its own login, and is a bot.
    pub(super) fn may_be(&self, me: Option<&str>) -> bool {
        me.map_or(self.kind == "Bot", |me| self.login == me)
    }
}

#[derive(Deserialize)]
pub(super) struct Repo {
    pub(super) full_name: String,
}

#[derive(Deserialize)]
pub(super) struct Side {
    pub(super) sha: String,
    #[serde(rename = "ref")]
    pub(super) branch: String,
    pub(super) repo: Option<Repo>,
}

#[derive(Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) head: Side,
    pub(super) base: Side,
    pub(super) merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) body: Option<String>,
    pub(super) user: Option<User>,
    created_at: Option<Timestamp>,
}

impl Comment {
    /// Reads it as what somebody said, where it can be told who and when.
    pub(super) fn said(self) -> Option<Said> {
        Some(Said {
            id: self.id,
            at: self.created_at?,
            by: self.user?.login,
            text: self.body?,
        })
    }
}

impl Pull {
    /// Tells whether it was merged, and its merge is this commit. Of an open one GitHub names a merge that it tried.
    pub(super) fn is_merged_as(&self, revision: &Revision) -> bool {
        let sha = self.merge_commit_sha.as_deref();
        self.merged_at.is_some() && sha == Some(revision.as_str())
    }

    /// Tells whether its head is a branch of the repository itself.
    pub(super) fn is_here(&self, door: &Door) -> bool {
        // A head whose repository is gone was a fork's.
        let repo = self.head.repo.as_ref();
        repo.is_some_and(|repo| door.is(&repo.full_name))
    }

    /// Reads it as a pull request of this repository.
    pub(super) fn of(self, door: &Door) -> PullRequest {
        PullRequest {
            from_fork: !self.is_here(door),
            number: self.number,
            head: Revision::new(self.head.sha),
            base_branch: self.base.branch,
            moved_at: self.updated_at,
        }
    }
}
