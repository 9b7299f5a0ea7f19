//! The forge of a daemon without credentials: has no pull requests, and logs what it would write.

use super::{Forge, ForgeError, PullRequest, StatusState};
use crate::model::Revision;
use async_trait::async_trait;

/// Logs what would go to a forge.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoggedForge;

#[async_trait]
impl Forge for LoggedForge {
    fn sees_pull_requests(&self) -> bool {
        false
    }

    async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, ForgeError> {
        Ok(Vec::new())
    }

    async fn merged_as(&self, _revision: &Revision) -> Result<Vec<PullRequest>, ForgeError> {
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

    async fn put_status(
        &self,
        revision: &Revision,
        context: &str,
        state: StatusState,
        description: &str,
    ) -> Result<(), ForgeError> {
        tracing::info!(%revision, context, ?state, description, "Status not sent, no GitHub credentials");
        Ok(())
    }
}
