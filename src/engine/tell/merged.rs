//! The result of a change on the pull request it came from: one comment, rewritten as it goes on.

use super::super::Kept;
use crate::deliver::forge::{Forge, ForgeError, PullRequest, StatusState};
use crate::deliver::render::{Page, RunResult, run_markdown};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Digest, Fault as _, Outcome, Revision};
use crate::telemetry::chain;
use serde::{Deserialize, Serialize};

/// What is remembered of a revision's pull request.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    revision: Option<Revision>,
    /// `None` where the revision came without one.
    number: Option<u64>,
    comment: Option<u64>,
    digest: Option<Digest>,
}

/// Writes the result of a run to the pull request its revision was merged by, where there is one and
/// the run says anything new. A forge that does not answer is asked again with the next run.
pub(super) async fn put_result(
    ledger: &Ledger,
    forge: &dyn Forge,
    kept: &Kept,
    result: &RunResult<'_>,
) -> Result<(), LedgerError> {
    if result.run.is_none() {
        return Ok(());
    }
    let name = format!("forge/{}/{}/result", kept.repository, kept.pinned.name());
    let memory = ledger.delivery(&name).await?.unwrap_or_default();
    let memory: Memory = serde_json::from_value(memory).unwrap_or_default();
    match write(
        forge,
        kept.pinned.revision(),
        memory,
        result,
        kept.pinned.name().as_str(),
    )
    .await
    {
        Ok(memory) => {
            ledger
                .record_delivery(&name, &serde_json::to_value(memory).unwrap_or_default())
                .await
        }
        Err(error) => {
            tracing::warn!(
                error = chain(&error),
                code = error.code(),
                "Result not written to its pull request"
            );
            Ok(())
        }
    }
}

async fn write(
    forge: &dyn Forge,
    revision: &Revision,
    memory: Memory,
    result: &RunResult<'_>,
    environment: &str,
) -> Result<Memory, ForgeError> {
    let known = memory.revision.as_ref() == Some(revision);
    let mut memory = if known {
        memory
    } else {
        Memory {
            revision: Some(revision.clone()),
            ..Memory::default()
        }
    };
    if !known {
        memory.number = forge
            .merged_as(revision)
            .await?
            .map(|PullRequest { number, .. }| number);
    }
    let Some(number) = memory.number else {
        return Ok(memory);
    };
    let marker = format!(
        "<!-- reconciled:result:{environment}:{} -->",
        revision.short()
    );
    let page = Page {
        marker: &marker,
        revision,
        at: result.ended_at,
    };
    let body = run_markdown(&[*result], &[], &page);
    let digest = Digest::of(&body);
    if memory.digest.as_ref() != Some(&digest) {
        memory.comment = Some(
            forge
                .put_comment(number, &marker, &body, memory.comment)
                .await?,
        );
        memory.digest = Some(digest);
        let (state, said) = verdict(result);
        forge
            .put_status(revision, &format!("reconciled/{environment}"), state, said)
            .await?;
    }
    Ok(memory)
}

fn verdict(result: &RunResult<'_>) -> (StatusState, &'static str) {
    let failed = result
        .outcomes
        .values()
        .any(|outcome| matches!(outcome, Outcome::Failed { .. }));
    if failed {
        (
            StatusState::Failure,
            "Some steps failed; they are tried again",
        )
    } else if result.held().next().is_some() || result.waiting().next().is_some() {
        (
            StatusState::Pending,
            "Something waits; the comment says for what",
        )
    } else {
        (StatusState::Success, "Applied: live equals Git")
    }
}
