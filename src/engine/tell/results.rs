//! Results on their way to the pull requests they came from: one comment each, rewritten as it goes
//! on, and a verdict on the commit: a check run, or a status where there are none. Git says which merges changed an environment, the forge whose they
//! were.

use super::super::merges::{Merges, MergesError, merges};
use super::outbox::{Carrier, Fate, Letter};
use crate::deliver::forge::{Check, Forge, ForgeError, Status, StatusState};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Class, Digest, EnvironmentName, Fault, RepoPath, Revision};
use crate::source::{Repository, SourceError};
use crate::telemetry::{Clock, chain};
use async_trait::async_trait;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How one environment fared at one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ResultLetter {
    /// `environment/revision`.
    pub name: String,
    /// Whose result.
    pub environment: EnvironmentName,
    /// The revision.
    pub revision: Revision,
    /// What was merged after this one, up to the revision, is told.
    pub since: Revision,
    /// As far as it changed one of these, or what is below.
    pub files: BTreeSet<RepoPath>,
    /// What is said.
    pub said: Said,
}

/// What is said of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The body's first line, by which the comment is found.
    pub marker: String,
    /// The comment.
    pub body: String,
    /// Equal for equal content, whenever it was made: a retry that fails alike is no news.
    pub digest: Digest,
    /// The verdict on the commit.
    pub state: StatusState,
    /// Its words.
    pub verdict: String,
}

impl Letter for ResultLetter {
    fn name(&self) -> &str {
        &self.name
    }

    fn way(&self) -> &str {
        &self.name
    }
}

/// What is remembered of one environment at one revision.
#[derive(Default, PartialEq, Serialize, Deserialize)]
struct Told {
    /// The pull requests it came from, and what each says.
    pulls: BTreeMap<u64, Standing>,
    /// True while the forge may not know yet of all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    early: bool,
    /// What the verdict on the commit says.
    status: Option<Digest>,
    /// Our check run on the commit, where verdicts are check runs.
    #[serde(default)]
    check: Option<u64>,
}

/// What one pull request says.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    /// Nothing yet.
    Untold,
    /// Our comment, and what it says.
    Told { comment: u64, digest: Digest },
    /// It takes nothing: gone, or locked.
    Closed,
}

/// Why a result did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResultError {
    /// The forge's doing.
    #[error("write a result to its pull request")]
    Forge(#[from] ForgeError),
    /// Git cannot tell which merges it came from.
    #[error("find the merges that a result came from")]
    Source(#[from] SourceError),
    /// What was said before cannot be told.
    #[error("read what pull requests were told")]
    Ledger(#[from] LedgerError),
    /// The forge may not know yet which it came from.
    #[error("hear which pull requests a commit came from that is that new")]
    Early(SignedDuration),
}

impl From<MergesError> for ResultError {
    fn from(error: MergesError) -> Self {
        match error {
            MergesError::Forge(error) => Self::Forge(error),
            MergesError::Source(error) => Self::Source(error),
        }
    }
}

impl Fault for ResultError {
    fn code(&self) -> &'static str {
        match self {
            Self::Forge(error) => error.code(),
            Self::Source(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Early(_) => "result-early",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Forge(error) => error.hint(),
            Self::Source(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Early(_) => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            // New credentials can put this right, and then nothing is lost.
            Self::Forge(ForgeError::Unauthorised { .. }) => Class::Transient,
            Self::Forge(error) => error.class(),
            // A history that was rewritten does not come back.
            Self::Source(SourceError::MissingRevision { .. }) => Class::User,
            Self::Source(_) | Self::Ledger(_) | Self::Early(_) => Class::Transient,
        }
    }
}

/// Brings results to the pull requests of one repository.
pub(super) struct Results {
    /// Where its states come from.
    pub repository: Repository,
    /// Where its pull requests are.
    pub forge: Arc<dyn Forge>,
    /// What was said already.
    pub ledger: Ledger,
    /// How old a commit is depends on it.
    pub clock: Clock,
}

#[async_trait]
impl Carrier for Results {
    type Letter = ResultLetter;
    type Error = ResultError;

    fn place(&self) -> String {
        format!("results of {}", self.repository.target().name)
    }

    fn kept(&self) -> String {
        format!("forge/{}/waiting", self.repository.target().name)
    }

    fn fate(&self, error: &ResultError) -> Fate {
        if let ResultError::Early(wait) = error {
            return Fate::NotYet(wait.unsigned_abs());
        }
        match error.class() {
            _ if matches!(error, ResultError::Forge(error) if error.lacks_right()) => Fate::Refused,
            Class::Transient => Fate::Later,
            Class::User | Class::Refused | Class::Internal => Fate::Lost,
        }
    }

    async fn deliver(&self, letter: &ResultLetter) -> Result<(), ResultError> {
        if !self.forge.sees_pull_requests() {
            letter.log();
            return Ok(());
        }
        let record = format!(
            "forge/{}/result/{}",
            self.repository.target().name,
            letter.name
        );
        let told = self.ledger.delivery(&record).await?.unwrap_or_default();
        let mut told: Told = serde_json::from_value(told).unwrap_or_default();
        let mut again = None;
        if told.pulls.is_empty() || told.early {
            let merges = self.merged(letter).await?;
            for number in merges.heads.into_keys() {
                told.pulls.entry(number).or_insert(Standing::Untold);
            }
            again = merges.again;
            told.early = again.is_some();
            self.record(&record, &told).await;
        }
        let numbers: Vec<u64> = told.pulls.keys().copied().collect();
        for number in numbers {
            let standing = self.comment(letter, number, &told.pulls[&number]).await?;
            told.pulls.insert(number, standing);
            self.record(&record, &told).await;
        }
        let anybody = |one: &Standing| matches!(one, Standing::Told { .. });
        if told.pulls.values().any(anybody) {
            let Said { state, verdict, .. } = &letter.said;
            let status = Digest::of(format!("{state:?} {verdict}"));
            if told.status.as_ref() != Some(&status) {
                let page = self.page(&told);
                told.check = self.judge(letter, told.check, page.as_deref()).await?;
                told.status = Some(status);
                self.record(&record, &told).await;
            }
        }
        // Those that are known heard it; of the others nobody knows yet.
        again.map_or(Ok(()), |wait| Err(ResultError::Early(wait)))
    }
}

impl ResultLetter {
    /// Logs it, where nobody knows which pull request it is for.
    fn log(&self) {
        let Said { verdict, body, .. } = &self.said;
        tracing::info!(environment = %self.environment, revision = %self.revision, verdict, body, "Result of a merge not sent, no GitHub credentials");
    }
}

impl Results {
    /// Returns the pull requests whose merges changed the environment.
    async fn merged(&self, letter: &ResultLetter) -> Result<Merges, ResultError> {
        let (since, revision) = (&letter.since, &letter.revision);
        let of = (&self.repository, self.forge.as_ref());
        let (files, now) = (letter.files.clone(), self.clock.now());
        let merges = merges(of, (since, revision), files, now).await?;
        if merges.more {
            tracing::warn!(
                environment = %letter.environment,
                since = %since.short(),
                revision = %revision.short(),
                "Too much was merged at once, only the newest merges are told the result"
            );
        }
        Ok(merges)
    }

    /// Returns the page of a comment that tells it, the newest pull request's.
    fn page(&self, told: &Told) -> Option<String> {
        let comment = |(number, standing): (&u64, &Standing)| match standing {
            Standing::Told { comment, .. } => self.forge.comment_page(*number, *comment),
            Standing::Untold | Standing::Closed => None,
        };
        told.pulls.iter().rev().find_map(comment)
    }

    /// Writes the comment, where it does not say so already.
    async fn comment(
        &self,
        letter: &ResultLetter,
        number: u64,
        standing: &Standing,
    ) -> Result<Standing, ResultError> {
        let said = &letter.said;
        let known = match standing {
            Standing::Closed => return Ok(Standing::Closed),
            Standing::Told { digest, .. } if *digest == said.digest => return Ok(standing.clone()),
            Standing::Told { comment, .. } => Some(*comment),
            Standing::Untold => None,
        };
        match self
            .forge
            .put_comment(number, &said.marker, &said.body, known)
            .await
        {
            Ok(comment) => Ok(Standing::Told {
                comment,
                digest: said.digest.clone(),
            }),
            Err(error) if error.is_final() && !error.lacks_right() => {
                tracing::warn!(
                    number,
                    environment = %letter.environment,
                    error = chain(&error),
                    code = error.code(),
                    "Pull request takes no result"
                );
                Ok(Standing::Closed)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the verdict on the commit: an App does so by a check run, since it may not be let set a status.
    /// Returns the run.
    async fn judge(
        &self,
        letter: &ResultLetter,
        known: Option<u64>,
        page: Option<&str>,
    ) -> Result<Option<u64>, ForgeError> {
        let Said { state, verdict, .. } = &letter.said;
        let (name, head) = (
            &format!("reconciled/{}", letter.environment),
            &letter.revision,
        );
        if !self.forge.has_checks() {
            let said = Status {
                revision: head,
                context: name,
                state: *state,
                description: verdict,
                page,
            };
            return self.forge.put_status(&said).await.map(|()| None);
        }
        let known = match known {
            Some(known) => Some(known),
            // A ledger that was lost, or did not take it, finds it again.
            None => {
                let there = self.forge.checks_on(head).await?.into_iter();
                let mut ours = there.filter(|(there, _)| there == name);
                ours.next().map(|(_, id)| id)
            }
        };
        let check = Check {
            name,
            head,
            state: *state,
            title: verdict,
            page,
            summary: &letter.said.body,
            wrong: &[],
        };
        self.forge.put_check(&check, known).await.map(Some)
    }

    async fn record(&self, name: &str, told: &Told) {
        let told = serde_json::to_value(told).unwrap_or_default();
        if let Err(error) = self.ledger.record_delivery(name, &told).await {
            tracing::warn!(
                name,
                error = chain(&error),
                "Delivery not recorded, it may be said twice"
            );
        }
    }
}
