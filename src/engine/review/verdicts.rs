//! The verdicts on a pull request: one under a name that never changes, so that it can be required, and one
//! for each environment it touches. As check runs they are updated by id, so that nothing piles up.

use super::ReviewError;
use super::desk::Desk;
use super::memory::{Checked, Memory};
use super::proposal::Proposal;
use crate::deliver::forge::{Check, PullRequest, StatusState};
use crate::deliver::render::{Page, plan_title, summary_markdown, titles_markdown};
use crate::model::{Diagnostic, Digest, EnvironmentName};
use jiff::Timestamp;
use serde_json::json;

/// The name of the verdict on all of a pull request.
pub(super) const STABLE: &str = "reconciled/plan";
/// The longest title, in characters: GitHub's limit for the description of a status.
const TITLE: usize = 140;

/// One verdict.
pub(super) struct Verdict {
    pub(super) name: String,
    pub(super) state: StatusState,
    /// In a few words.
    pub(super) title: String,
    /// Markdown.
    pub(super) summary: String,
    /// Equal for equal content, whenever it was made.
    pub(super) digest: Digest,
    /// Mistakes, and what stops a part of a plan, that are shown in their place.
    pub(super) wrong: Vec<Diagnostic>,
}

impl Verdict {
    /// The verdict on all of a pull request.
    pub(super) fn stable(state: StatusState, title: &str) -> Self {
        Self::new(STABLE.to_owned(), state, title, |_| String::new())
    }

    /// The verdict on one environment; `summary` is told whether it may say when it was made.
    pub(super) fn of(
        environment: &str,
        state: StatusState,
        title: &str,
        summary: impl Fn(bool) -> String,
    ) -> Self {
        let mut name = format!("reconciled/{environment}");
        if name == STABLE {
            name.push_str(" (environment)");
        }
        Self::new(name, state, title, summary)
    }

    fn new(
        name: String,
        state: StatusState,
        title: &str,
        summary: impl Fn(bool) -> String,
    ) -> Self {
        let title: String = title.chars().take(TITLE).collect();
        let digest = Digest::of(format!("{state:?} {title}\n{}", summary(false)));
        Self {
            name,
            state,
            summary: summary(true),
            title,
            digest,
            wrong: Vec::new(),
        }
    }

    /// Shows these in their place.
    pub(super) fn with_wrong(mut self, wrong: &[Diagnostic]) -> Self {
        self.wrong = wrong.to_vec();
        self
    }

    /// Says this in more words.
    pub(super) fn with_summary(mut self, summary: String) -> Self {
        self.digest = Digest::of(format!("{} {summary}", self.digest));
        self.summary = summary;
        self
    }
}

impl Proposal {
    /// Returns the verdicts on it: the stable one, and those of environments.
    pub(super) fn verdicts(&self, page: &Page<'_>) -> Vec<Verdict> {
        let (state, said) = self.status();
        let stable = Verdict::stable(state, &said);
        let mut verdicts = if self.from_fork {
            Vec::new()
        } else if self.mistakes().is_empty() {
            self.verdicts_of_plans(page)
        } else {
            let title = format!("No plan: {said}");
            let failed = |name: &EnvironmentName| {
                Verdict::of(name.as_str(), state, &title, |_| String::new())
            };
            self.touched.names.iter().map(failed).collect()
        };
        let titles = verdicts
            .iter()
            .map(|one| (one.name.as_str(), one.title.as_str()));
        let stable = stable.with_summary(titles_markdown(titles));
        verdicts.push(stable.with_wrong(self.mistakes()));
        verdicts
    }

    fn verdicts_of_plans(&self, page: &Page<'_>) -> Vec<Verdict> {
        let empty = |_| String::new();
        let planned = self.stopped().map(|(plan, stops)| {
            let beside = self.merging.of(&plan.environment);
            let summary = |dated| {
                let at = if dated {
                    page.at
                } else {
                    Timestamp::UNIX_EPOCH
                };
                summary_markdown(plan, beside, &Page { at, ..*page })
            };
            let refused = plan.steps.iter().any(|step| step.refused);
            let state = match (refused, self.blind.contains(&plan.environment)) {
                (true, _) => StatusState::Failure,
                (_, true) => StatusState::Error,
                _ => StatusState::Success,
            };
            let title = plan_title(plan, &beside.already);
            let name = plan.environment.as_str();
            Verdict::of(name, state, &title, summary).with_wrong(stops)
        });
        let unplanned = self.unplanned().map(|(name, why)| {
            let title = format!("The plan could not be made: failed to {why}");
            Verdict::of(name, StatusState::Failure, &title, empty)
        });
        let gone = self.gone().iter().map(|gone| {
            let title = match gone.is_renamed() {
                true => "It would go on under another name",
                false => "It would be declared nowhere, and kept by nobody",
            };
            Verdict::of(gone.name.as_str(), StatusState::Success, title, empty)
        });
        planned.chain(unplanned).chain(gone).collect()
    }
}

impl Desk {
    /// Writes check runs, each only where it does not say so already.
    pub(super) async fn write_checks(
        &self,
        pull: &PullRequest,
        mut verdicts: Vec<Verdict>,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        if memory.checked.as_ref() != Some(&pull.head) {
            let there = self.forge.checks_on(&pull.head).await?.into_iter();
            let unknown = |(name, id)| {
                let (digest, wrong) = (None, None);
                (name, Checked { id, digest, wrong })
            };
            memory.checks = there.map(unknown).collect();
            memory.checked = Some(pull.head.clone());
        }
        let said: Vec<String> = verdicts.iter().map(|one| one.name.clone()).collect();
        // The base moved under the same commit, or the branch cannot be merged any more: that is no good word on any.
        let stable = verdicts.iter().find(|one| one.name == STABLE);
        let state = stable.map_or(StatusState::Success, |stable| stable.state);
        let over = memory.checks.keys().filter(|name| !said.contains(name));
        let over: Vec<Verdict> = over
            .map(|name| {
                let title = "There is no plan for it any more";
                Verdict::new(name.clone(), state, title, |_| String::new())
            })
            .collect();
        verdicts.extend(over);
        for verdict in verdicts {
            self.write_check(pull, &verdict, memory).await?;
        }
        Ok(())
    }

    async fn write_check(
        &self,
        pull: &PullRequest,
        verdict: &Verdict,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let known = memory.checks.get(&verdict.name);
        let digest = Some(verdict.digest.clone());
        let wrong =
            (!verdict.wrong.is_empty()).then(|| Digest::of(json!(verdict.wrong).to_string()));
        if known.is_some_and(|known| known.digest == digest && known.wrong == wrong) {
            return Ok(());
        }
        // GitHub adds mistakes to those that stand there, and takes none away: others need another run.
        let (id, told) = match known {
            None => (None, true),
            Some(known) if known.digest.is_none() || known.wrong == wrong => {
                (Some(known.id), false)
            }
            Some(known) if known.wrong.is_none() => (Some(known.id), true),
            Some(_) => (None, true),
        };
        let page = self.page(pull, memory);
        let check = Check {
            page: page.as_deref(),
            name: &verdict.name,
            head: &pull.head,
            state: verdict.state,
            title: &verdict.title,
            summary: if verdict.summary.is_empty() {
                &verdict.title
            } else {
                &verdict.summary
            },
            wrong: if told { &verdict.wrong } else { &[] },
        };
        let id = self.forge.put_check(&check, id).await?;
        memory
            .checks
            .insert(verdict.name.clone(), Checked { id, digest, wrong });
        Ok(())
    }
}
