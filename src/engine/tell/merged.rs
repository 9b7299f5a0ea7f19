//! What a run means for the pull requests that a change came from: whether there is anything to say
//! to them, and of which merges. Asks no forge; that is for whoever brings the letter.

use super::super::Kept;
use super::results::{ResultLetter, Said};
use crate::deliver::forge::StatusState;
use crate::deliver::render::{Page, RunResult, overtaken_markdown, run_markdown};
use crate::model::{Digest, EnvironmentName, OnFailure, Outcome, RepoPath, Revision, Step};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What one state of an environment did, from the first run after it was merged until it was applied
/// whole. Another revision whose files for this environment are the same goes on with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Story {
    /// The newest revision at which the environment was like this and a run said how it went. What
    /// was merged up to here is told of it, or needs not be.
    upto: Option<Revision>,
    /// The state: a digest of every file with a say in it. `None` where only `upto` is known.
    content: Option<Digest>,
    /// The files, for who changes one.
    files: BTreeSet<RepoPath>,
    /// The revision that brought it.
    revision: Option<Revision>,
    /// What was merged after this one brought it; `None` where nobody knows: then nobody is told.
    since: Option<Revision>,
    /// The files before, where they are not the same.
    files_before: BTreeSet<RepoPath>,
    /// True where something was said.
    told: bool,
    /// Earlier ones that were told how they failed or waited, and came to no other end.
    #[serde(default)]
    owed: Vec<Owed>,
    /// True once it was applied whole: what a run does afterwards is about drift, and told elsewhere.
    ended: bool,
}

/// A result that says it is not applied whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Owed {
    revision: Revision,
    since: Revision,
    files: BTreeSet<RepoPath>,
}

/// How many are remembered: more failed in a row than anybody reads of.
const OWED: usize = 50;

impl Story {
    /// Begins with an environment that was not there before: it came after a revision.
    pub(super) fn of_new(after: Revision) -> Self {
        Self {
            upto: Some(after),
            ..Self::default()
        }
    }

    /// Takes in how a run ended, and returns what there is to say of it.
    pub(super) fn take(&mut self, kept: &Kept, result: &RunResult<'_>) -> Vec<ResultLetter> {
        let begins = self.content.as_ref() != Some(&kept.content);
        if begins {
            self.begin(kept);
        }
        self.upto = Some(kept.pinned.revision().clone());
        let on_failure = kept.graph.reconcile().on_failure;
        let (state, verdict) = verdict(result, on_failure);
        let anything = !result.outcomes.is_empty() || state != StatusState::Success;
        let news = match (anything, result.run) {
            // A plan that is as it was has been told, unless the process was killed before.
            (true, None) => !self.told,
            (true, Some(_)) => true,
            // What was wrong is right now, or was put right by a run that could not say so any more.
            (false, None) => self.told || begins,
            (false, Some(_)) => self.told,
        };
        let ended_before = self.ended;
        self.ended |= state == StatusState::Success;
        let environment = kept.pinned.name();
        let mut letters = Vec::new();
        if self.ended {
            let owed = std::mem::take(&mut self.owed);
            let by = kept.pinned.revision();
            letters.extend(owed.into_iter().map(|one| one.put_right(result, by)));
        }
        if news && !ended_before {
            self.told = true;
            let known = self.revision.clone().zip(self.since.clone());
            letters.extend(known.map(|(revision, since)| ResultLetter {
                name: format!("{environment}/{revision}"),
                environment: environment.clone(),
                files: &self.files | &self.files_before,
                said: said(result, &revision, (state, verdict)),
                revision,
                since,
            }));
        }
        letters
    }

    /// Begins with another state of the environment.
    fn begin(&mut self, kept: &Kept) {
        let mut owed = std::mem::take(&mut self.owed);
        if let (true, false, Some(revision), Some(since)) =
            (self.told, self.ended, &self.revision, &self.since)
        {
            owed.push(Owed {
                revision: revision.clone(),
                since: since.clone(),
                files: &self.files | &self.files_before,
            });
        }
        owed.drain(..owed.len().saturating_sub(OWED));
        let files = kept.pinned.files.clone();
        *self = Self {
            upto: None,
            content: Some(kept.content.clone()),
            revision: Some(kept.changed_at.clone()),
            since: self.upto.take(),
            files_before: &self.files - &files,
            files,
            told: false,
            owed,
            ended: false,
        };
    }
}

impl Owed {
    /// Says that a later revision was applied whole.
    fn put_right(self, result: &RunResult<'_>, by: &Revision) -> ResultLetter {
        let environment = &result.plan.environment;
        let marker = marker(environment, &self.revision);
        let page = |at| Page {
            marker: &marker,
            revision: &self.revision,
            at,
        };
        let body = |at| overtaken_markdown(environment, by, &page(at));
        let said = Said {
            body: body(result.ended_at),
            digest: Digest::of(body(Timestamp::UNIX_EPOCH)),
            marker: marker.clone(),
            state: StatusState::Success,
            verdict: format!("Put right by {}: live equals Git", by.short()),
        };
        ResultLetter {
            name: format!("{environment}/{}", self.revision),
            environment: environment.clone(),
            files: self.files,
            said,
            revision: self.revision,
            since: self.since,
        }
    }
}

fn marker(environment: &EnvironmentName, revision: &Revision) -> String {
    format!(
        "<!-- reconciled:result:{environment}:{} -->",
        revision.short()
    )
}

fn said(
    result: &RunResult<'_>,
    revision: &Revision,
    (state, verdict): (StatusState, &'static str),
) -> Said {
    let marker = marker(&result.plan.environment, revision);
    let body = |at| {
        let page = Page {
            marker: &marker,
            revision,
            at,
        };
        run_markdown(&[*result], &[], &page)
    };
    Said {
        body: body(result.ended_at),
        digest: Digest::of(body(Timestamp::UNIX_EPOCH)),
        marker,
        state,
        verdict: verdict.to_owned(),
    }
}

fn verdict(result: &RunResult<'_>, on_failure: OnFailure) -> (StatusState, &'static str) {
    let failed = result.failed().next().is_some() || result.unready().any(Step::is_failing);
    let unfinished =
        |outcome: &Outcome| matches!(outcome, Outcome::Skipped { .. } | Outcome::Moved);
    if failed {
        let next = match on_failure {
            OnFailure::Retry => "Some steps failed; they are tried again",
            OnFailure::Rollback => "Some steps failed; what does not become ready is put back",
        };
        (StatusState::Failure, next)
    } else if result.held().next().is_some()
        || result.waiting().next().is_some()
        || result.unready().next().is_some()
        || result.outcomes.values().any(unfinished)
    {
        (
            StatusState::Pending,
            "Something waits; the comment says for what",
        )
    } else {
        (StatusState::Success, "Applied: live equals Git")
    }
}
