//! The forge of a daemon without credentials: has no pull requests, and logs what it would write.

use super::{Checks, Draft, Forge, ForgeError, Proposals, Proposed, PullRequest, Status, Talk};
use crate::model::{Digest, Revision};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Logs what would go to a forge.
#[derive(Debug, Default)]
pub struct LoggedForge {
    /// What was logged last of each branch, so that it is logged once.
    drafts: Mutex<BTreeMap<String, Digest>>,
}

#[async_trait]
impl Proposals for LoggedForge {
    async fn propose(&self, draft: &Draft) -> Result<Option<Proposed>, ForgeError> {
        let Draft {
            branch,
            title,
            body,
            ..
        } = draft;
        // Not of the body, which says when it was made.
        let said = Digest::of(format!("{} {title}", draft.version));
        let drafts = self.drafts.lock();
        let mut drafts = drafts.unwrap_or_else(PoisonError::into_inner);
        let before = drafts.insert(branch.clone(), said.clone());
        if before != Some(said) {
            tracing::info!(
                branch,
                title,
                body,
                "Pull request not opened, no GitHub credentials"
            );
        }
        Ok(None)
    }
}

impl Checks for LoggedForge {}

impl Talk for LoggedForge {}

#[async_trait]
impl Forge for LoggedForge {
    fn sees_pull_requests(&self) -> bool {
        false
    }

    async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, ForgeError> {
        Ok(Vec::new())
    }

    async fn merged_as(
        &self,
        _revision: &Revision,
        _named: Option<u64>,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        Ok(Vec::new())
    }

    async fn put_comment(
        &self,
        number: u64,
        _marker: &str,
        body: &str,
        _known: Option<u64>,
    ) -> Result<u64, ForgeError> {
        tracing::info!(number, body, "Comment not sent, no GitHub credentials");
        Ok(0)
    }

    async fn put_status(&self, status: &Status<'_>) -> Result<(), ForgeError> {
        let Status {
            revision,
            context,
            state,
            description,
            ..
        } = *status;
        tracing::info!(%revision, context, ?state, description, "Status not sent, no GitHub credentials");
        Ok(())
    }
}
