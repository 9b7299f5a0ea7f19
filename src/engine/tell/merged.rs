//! The result of a change on the pull request it came from: one comment, rewritten as it goes on.

use super::super::Kept;
use crate::deliver::forge::{Forge, ForgeError, PullRequest, StatusState};
use crate::deliver::render::{Page, RunResult, run_markdown};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Digest, Fault as _, Outcome, Revision, Step};
use crate::telemetry::chain;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is remembered of a revision's pull request.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    revision: Option<Revision>,
    /// `None` where no pull request is known that it came from.
    number: Option<u64>,
    comment: Option<u64>,
    digest: Option<Digest>,
    /// True once it was applied whole: what a run does afterwards is about drift, and told elsewhere.
    #[serde(default)]
    applied: bool,
    /// What the forge did not take yet.
    #[serde(default)]
    owed: Option<Said>,
}

/// What is to be said of a run.
#[derive(Clone, Serialize, Deserialize)]
struct Said {
    body: String,
    /// Equal for equal content, whenever it was made: a retry that fails alike is no news.
    digest: Digest,
    state: StatusState,
    verdict: String,
}

/// Writes the result of a run to the pull request that last changed its environment, where there is
/// one and the run has anything to say: other people's merges are not told of it. A forge that does
/// not answer is asked again at the next look.
pub(super) async fn put_result(
    ledger: &Ledger,
    forge: &dyn Forge,
    kept: &Kept,
    result: &RunResult<'_>,
) -> Result<(), LedgerError> {
    let (revision, environment) = (&kept.changed_at, kept.pinned.name().as_str());
    let name = format!("forge/{}/{environment}/result", kept.repository);
    let memory = ledger.delivery(&name).await?.unwrap_or_default();
    let mut memory: Memory = serde_json::from_value(memory).unwrap_or_default();
    if memory.revision.as_ref() != Some(revision) {
        memory = Memory {
            revision: Some(revision.clone()),
            ..Memory::default()
        };
    }
    let owed_before = memory.owed.is_some();
    let anything = !result.outcomes.is_empty()
        || result.held().next().is_some()
        || result.waiting().next().is_some()
        || result.unready().next().is_some();
    if result.run.is_some() && anything && !memory.applied {
        memory.owed = Some(said(result, revision, environment));
        memory.applied = memory
            .owed
            .as_ref()
            .is_some_and(|said| said.state == StatusState::Success);
    }
    let Some(said) = memory.owed.clone() else {
        return Ok(());
    };
    match write(forge, revision, &mut memory, &said, environment).await {
        Ok(()) => memory.owed = None,
        Err(error) if !owed_before => tracing::warn!(
            error = chain(&error),
            code = error.code(),
            "Result not written to its pull request, trying again until it is"
        ),
        Err(_said_before) => {}
    }
    let memory = serde_json::to_value(memory).unwrap_or_default();
    ledger.record_delivery(&name, &memory).await
}

fn marker(revision: &Revision, environment: &str) -> String {
    format!(
        "<!-- reconciled:result:{environment}:{} -->",
        revision.short()
    )
}

fn said(result: &RunResult<'_>, revision: &Revision, environment: &str) -> Said {
    let marker = marker(revision, environment);
    let body = |at| {
        let page = Page {
            marker: &marker,
            revision,
            at,
        };
        run_markdown(&[*result], &[], &page)
    };
    let (state, verdict) = verdict(result);
    Said {
        body: body(result.ended_at),
        digest: Digest::of(body(Timestamp::UNIX_EPOCH)),
        state,
        verdict: verdict.to_owned(),
    }
}

async fn write(
    forge: &dyn Forge,
    revision: &Revision,
    memory: &mut Memory,
    said: &Said,
    environment: &str,
) -> Result<(), ForgeError> {
    if memory.number.is_none() {
        memory.number = forge
            .merged_as(revision)
            .await?
            .map(|PullRequest { number, .. }| number);
    }
    let Some(number) = memory.number else {
        return Ok(());
    };
    if memory.digest.as_ref() == Some(&said.digest) {
        return Ok(());
    }
    let marker = marker(revision, environment);
    let comment = forge.put_comment(number, &marker, &said.body, memory.comment);
    memory.comment = Some(comment.await?);
    forge
        .put_status(
            revision,
            &format!("reconciled/{environment}"),
            said.state,
            &said.verdict,
        )
        .await?;
    memory.digest = Some(said.digest.clone());
    Ok(())
}

fn verdict(result: &RunResult<'_>) -> (StatusState, &'static str) {
    let failed = result
        .outcomes
        .values()
        .any(|outcome| matches!(outcome, Outcome::Failed { .. }))
        || result.unready().any(Step::is_failing);
    if failed {
        (
            StatusState::Failure,
            "Some steps failed; they are tried again",
        )
    } else if result.held().next().is_some()
        || result.waiting().next().is_some()
        || result.unready().next().is_some()
    {
        (
            StatusState::Pending,
            "Something waits; the comment says for what",
        )
    } else {
        (StatusState::Success, "Applied: live equals Git")
    }
}
