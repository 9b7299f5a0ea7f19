//! A pull request that cannot be merged any more: what its comment says of a plan that no merge would
//! carry out.

use super::memory::Memory;
use super::verdicts::Verdict;
use super::{ReviewError, Reviewer};
use crate::deliver::forge::{PullRequest, StatusState};
use crate::deliver::render::{Page, conflict_markdown};
use crate::source::SourceError;

impl Reviewer {
    /// Says that a pull request conflicts with its base: in the status, and in the comment where
    /// there is one, for what it says is void.
    pub(super) async fn say_conflict(
        &self,
        pull: &PullRequest,
        conflict: &SourceError,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let said = conflict.to_string();
        let paths: &[String] = match conflict {
            SourceError::Conflict { paths, .. } => paths,
            _ => &[],
        };
        if memory.comment.is_none() {
            let verdict = Verdict::stable(StatusState::Failure, &said);
            return self.write_verdicts(pull, vec![verdict], memory).await;
        }
        let now = self.world.clock.now();
        let since = *memory.conflict_since.get_or_insert(now);
        let marker = self.marker();
        let verdict = Verdict::stable(StatusState::Failure, &said);
        let opinion = self.dated(vec![verdict], |at| {
            let page = Page {
                marker: &marker,
                revision: &pull.head,
                at,
            };
            conflict_markdown(&pull.base_branch, paths, since, &page)
        });
        self.write(pull, opinion, memory).await
    }
}
