//! What a run means for the pull requests that a change came from: whether there is anything to say
//! to them, and of which merges. Asks no forge; that is for whoever brings the letter.

use super::super::Kept;
use super::super::conditions::Causes;
use super::hindrance::hindrance;
use super::results::{ResultLetter, Said};
use crate::deliver::About;
use crate::deliver::forge::StatusState;
use crate::deliver::render::{
    Page, RolledBack, RunResult, overtaken_markdown, rolled_back_markdown, run_markdown,
};
use crate::ledger::Rollback;
use crate::model::{
    Action, Address, Digest, EnvironmentName, OnFailure, Outcome, RepoPath, Revision, Step,
};
use crate::spec::Approval;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The files before, where they are not the same, and of an approval that came with it.
    files_before: BTreeSet<RepoPath>,
    /// True where something was said.
    told: bool,
    /// Earlier ones that were told how they failed or waited, and came to no other end.
    #[serde(default)]
    owed: Vec<Owed>,
    /// The approval that stands in Git: the plan it names, and which request for it.
    #[serde(default)]
    approval: Option<(Digest, u32)>,
    /// The merge that brought it, where it came after the state did.
    #[serde(default)]
    approved: Option<Owed>,
    /// True once it was applied whole: what a run does afterwards is about drift, and told elsewhere.
    ended: bool,
    /// Where it was put back to, where that was said.
    #[serde(default)]
    back_to: Option<Revision>,
    /// The pull request that was named then to take it back in Git, or why there is none.
    #[serde(default)]
    revert: Option<String>,
    /// What its runs did so far: a retry does only the rest, and tells all of it.
    #[serde(default)]
    done: BTreeMap<Address, Action>,
    /// What is in the way of what is not healthy.
    #[serde(default)]
    hindrance: Causes,
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
    pub(super) fn take(
        &mut self,
        kept: &Kept,
        result: &RunResult<'_>,
        environments: &RepoPath,
    ) -> Vec<ResultLetter> {
        let begins = self.content.as_ref() != Some(&kept.content);
        let before = self.upto.clone();
        if begins {
            self.begin(kept);
        }
        self.note_approval(kept, before, environments);
        self.upto = Some(kept.pinned.revision().clone());
        (self.back_to, self.revert) = (None, None);
        let earlier = self.note_done(result);
        let result = &RunResult {
            earlier: &earlier,
            ..*result
        };
        let on_failure = kept.graph.reconcile().on_failure;
        let (state, verdict) = verdict(result, on_failure);
        let anything = !result.outcomes.is_empty() || state != StatusState::Success;
        let is_new_cause = self.hindrance.take(hindrance(result), result.ended_at);
        let news = match (anything, result.run) {
            // A plan that is as it was has been told, unless the process was killed before.
            (true, None) => !self.told || is_new_cause,
            (true, Some(_)) => true,
            // What was wrong is right now, or was put right by a run that could not say so any more.
            (false, _) => self.told || begins,
        };
        let ended_before = self.ended;
        self.ended |= state == StatusState::Success;
        let mut letters = Vec::new();
        // What an earlier one broke is put right when it works.
        if self.ended && !result.is_anything_apart() {
            let owed = std::mem::take(&mut self.owed);
            let by = kept.pinned.revision();
            letters.extend(owed.into_iter().map(|one| one.put_right(result, by)));
        }
        if news && !ended_before {
            let write = |page: &Page<'_>| ended(result, page);
            letters.extend(self.letter(result, (state, verdict.to_owned()), write));
            let approved = self.approved.clone();
            letters
                .extend(approved.map(|one| one.letter(result, (state, verdict.to_owned()), write)));
        }
        letters
    }

    /// Takes in what a run did of what was merged. Returns what those before it did.
    fn note_done(&mut self, result: &RunResult<'_>) -> BTreeMap<Address, Action> {
        let earlier = self.done.clone();
        let done = result.own().filter(|(_, outcome)| outcome.is_done());
        let done = done.map(|(step, _)| (step.address.clone(), step.action));
        self.done.extend(done);
        earlier
    }

    /// Takes in an approval that came since the last run: whoever merged it is told, too.
    fn note_approval(&mut self, kept: &Kept, before: Option<Revision>, environments: &RepoPath) {
        let named = kept
            .approval
            .as_ref()
            .map(|one| (one.plan.clone(), one.request));
        if named == self.approval {
            return;
        }
        let path = Approval::path(Some(environments), kept.pinned.name());
        let owed = |since| Owed {
            revision: kept.pinned.revision().clone(),
            since,
            files: [path].into(),
        };
        self.approved = before.filter(|_| named.is_some()).map(owed);
        self.approval = named;
        // Where one look found it and the state that it came with, both are told by one letter: of two with one name
        // one would take the other's place.
        let revision = self.revision.as_ref();
        let is_along = |one: &mut Owed| {
            Some(&one.revision) == revision && Some(&one.since) == self.since.as_ref()
        };
        if let Some(along) = self.approved.take_if(is_along) {
            self.files_before.extend(along.files);
        }
    }

    /// Takes in how a run ended that put this state back, and returns what there is to say of that.
    pub(super) fn taken_back(
        &mut self,
        rollback: &Rollback,
        result: &RunResult<'_>,
    ) -> Vec<ResultLetter> {
        let Some(refused) = rollback.refused.as_ref() else {
            return Vec::new();
        };
        let to = Some(rollback.to.clone());
        let (asked, unasked) = (
            result.route.asked_about(About::Revert),
            result.route.unasked.as_ref(),
        );
        let revert = asked.map(|asked| asked.url.clone()).or(unasked.cloned());
        let is_known = self.back_to == to && self.revert == revert && result.run.is_none();
        if is_known || self.content.as_ref() != Some(&refused.content) {
            return Vec::new();
        }
        (self.back_to, self.revert) = (to, revert);
        self.ended = false;
        self.done.clear();
        let verdict = format!(
            "Rolled back to {}; the comment says how to go on",
            rollback.to.short()
        );
        let why = rollback.told();
        let back = RolledBack {
            environment: &rollback.environment,
            to: &rollback.to,
            by: &rollback.by,
            why: &why,
            is_whole: verdict_of(result) == StatusState::Success,
            revert: result.route.asked_about(About::Revert),
            no_revert: result.route.unasked.as_deref(),
        };
        let write = |page: &Page<'_>| rolled_back_markdown(&back, page);
        let verdict = (StatusState::Failure, verdict);
        let mut letters = Vec::from_iter(self.letter(result, verdict.clone(), write));
        // Whoever merged what goes back with it hears so, too.
        if !rollback.along.is_empty() {
            let owed = self.owed.iter().cloned();
            letters.extend(owed.map(|one| one.letter(result, verdict.clone(), write)));
        }
        letters
    }

    /// Writes what is said of the merges that brought this state; nothing where nobody knows them.
    fn letter(
        &mut self,
        result: &RunResult<'_>,
        verdict: (StatusState, String),
        write: impl Fn(&Page<'_>) -> String,
    ) -> Option<ResultLetter> {
        self.told = true;
        let merges = Owed {
            revision: self.revision.clone()?,
            since: self.since.clone()?,
            files: &self.files | &self.files_before,
        };
        Some(merges.letter(result, verdict, write))
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
            back_to: None,
            revert: None,
            approval: self.approval.take(),
            approved: None,
            done: BTreeMap::new(),
            hindrance: Causes::default(),
        };
    }
}

impl Owed {
    /// Says that a later revision was applied whole.
    fn put_right(self, result: &RunResult<'_>, by: &Revision) -> ResultLetter {
        let is_equal = !result.leaves_drift();
        let how = if is_equal {
            "live equals Git"
        } else {
            "applied whole"
        };
        let verdict = format!("Put right by {}: {how}", by.short());
        let write =
            |page: &Page<'_>| overtaken_markdown(&result.plan.environment, (by, is_equal), page);
        self.letter(result, (StatusState::Success, verdict), write)
    }

    /// Writes what is said, once with its time and once, for comparing, without.
    fn letter(
        self,
        result: &RunResult<'_>,
        (state, verdict): (StatusState, String),
        write: impl Fn(&Page<'_>) -> String,
    ) -> ResultLetter {
        let Self {
            revision,
            since,
            files,
        } = self;
        let environment = &result.plan.environment;
        let marker = marker(environment, &revision);
        let body = |at| {
            write(&Page {
                marker: &marker,
                revision: &revision,
                at,
            })
        };
        let said = Said {
            body: body(result.ended_at),
            digest: Digest::of(body(Timestamp::UNIX_EPOCH)),
            marker: marker.clone(),
            state,
            verdict,
        };
        ResultLetter {
            name: format!("{environment}/{revision}"),
            environment: environment.clone(),
            files,
            said,
            revision,
            since,
        }
    }
}

/// Shows how a run ended. Compared, which is done without the time, it says alike however long it took: a retry that
/// fails alike is no news.
fn ended(result: &RunResult<'_>, page: &Page<'_>) -> String {
    let is_told = page.at != Timestamp::UNIX_EPOCH;
    let result = RunResult {
        took: result.took.filter(|_| is_told),
        ..*result
    };
    run_markdown(&[result], &[], page)
}

fn marker(environment: &EnvironmentName, revision: &Revision) -> String {
    format!(
        "<!-- reconciled:result:{environment}:{} -->",
        revision.short()
    )
}

/// Tells how far a run came.
fn verdict_of(result: &RunResult<'_>) -> StatusState {
    verdict(result, OnFailure::default()).0
}

fn verdict(result: &RunResult<'_>, on_failure: OnFailure) -> (StatusState, &'static str) {
    let failed = result.failed().next().is_some();
    let does_not_work = result.unready().any(Step::is_failing);
    let unfinished =
        |outcome: &Outcome| matches!(outcome, Outcome::Skipped { .. } | Outcome::Moved);
    if failed || does_not_work {
        let next = match on_failure {
            OnFailure::Retry if failed => "Some steps failed; they are tried again",
            OnFailure::Rollback if failed => {
                "Some steps failed; what does not become ready is put back"
            }
            OnFailure::Retry => "It is applied, and does not work; the comment says why",
            OnFailure::Rollback => "It is applied, and is put back if it does not become ready",
        };
        (StatusState::Failure, next)
    } else if result.newly_held().next().is_some()
        || result.newly_waiting().next().is_some()
        || result.unready().next().is_some()
        || result.paused().next().is_some()
        || result.own().any(|(_, outcome)| unfinished(outcome))
    {
        (
            StatusState::Pending,
            "Something waits; the comment says for what",
        )
    } else if result.leaves_drift() {
        let apart = "Applied; the comment says what else was changed by hand";
        (StatusState::Success, apart)
    } else {
        (StatusState::Success, "Applied: live equals Git")
    }
}
