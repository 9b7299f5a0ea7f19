//! What is written on a pull request: the comment and the verdicts, each only where it does not say so already.

use super::super::approval::reviewed;
use super::ReviewError;
use super::desk::Desk;
use super::memory::Memory;
use super::proposal::Proposal;
use super::verdicts::{STABLE, Verdict};
use crate::deliver::forge::{PullRequest, Status, StatusState};
use crate::deliver::render::Page;
use crate::model::Digest;
use jiff::{SignedDuration, Timestamp};

/// How old the date of a comment may be whose plan was made anew since, and is the same.
const DATED: SignedDuration = SignedDuration::from_hours(1);

/// What there is to say of a pull request.
pub(super) struct Opinion {
    /// Equal for equal content, whenever it was made.
    digest: Digest,
    /// Our comment.
    body: String,
    verdicts: Vec<Verdict>,
}

impl Desk {
    /// Writes what a merge would do.
    pub(super) async fn write_proposal(
        &self,
        pull: &PullRequest,
        proposal: &Proposal,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let marker = self.marker();
        let page = |at| Page {
            marker: &marker,
            revision: &pull.head,
            at,
        };
        let verdicts = proposal.verdicts(&page(self.world.clock.now()));
        let opinion = self.dated(verdicts, |at| proposal.comment(&page(at)));
        let (ledger, now) = (&self.world.ledger, self.world.clock.now());
        // It may be merged the moment it is written: until it is known here what it shows, that is nothing.
        for (name, content, _) in proposal.shown() {
            reviewed::expect(ledger, &name, ((pull.number, &pull.head), content), now).await?;
        }
        self.write_comment(pull, &opinion, memory).await?;
        for (name, content, sight) in proposal.shown() {
            let shown = ((pull.number, &pull.head), content, sight);
            reviewed::remember(ledger, &name, shown, now).await?;
        }
        self.write_verdicts(pull, opinion.verdicts, memory).await
    }

    /// Puts an opinion together; `body` makes the comment, as of a time.
    pub(super) fn dated(
        &self,
        verdicts: Vec<Verdict>,
        body: impl Fn(Timestamp) -> String,
    ) -> Opinion {
        Opinion {
            digest: Digest::of(body(Timestamp::UNIX_EPOCH)),
            body: body(self.world.clock.now()),
            verdicts,
        }
    }

    /// Writes the comment, where it does not say so already, and the verdicts.
    pub(super) async fn write(
        &self,
        pull: &PullRequest,
        opinion: Opinion,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        self.write_comment(pull, &opinion, memory).await?;
        self.write_verdicts(pull, opinion.verdicts, memory).await
    }

    async fn write_comment(
        &self,
        pull: &PullRequest,
        opinion: &Opinion,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let now = self.world.clock.now();
        let same = memory.digest.as_ref() == Some(&opinion.digest);
        let is_old = |at: Timestamp| now.duration_since(at) >= DATED;
        let is_old = memory.written_at.is_none_or(is_old);
        if !same || is_old || memory.head.as_ref() != Some(&pull.head) {
            let (number, marker) = (pull.number, self.marker());
            let comment = self
                .forge
                .put_comment(number, &marker, &opinion.body, memory.comment)
                .await?;
            memory.comment = Some(comment);
            memory.digest = Some(opinion.digest.clone());
            memory.head = Some(pull.head.clone());
            memory.written_at = Some(now);
        }
        Ok(())
    }

    /// Says that no environment is touched, so that the verdict can be required.
    pub(super) async fn write_untouched(
        &self,
        pull: &PullRequest,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        let verdict = Verdict::stable(StatusState::Success, "Touches no environment");
        self.write_verdicts(pull, vec![verdict], memory).await
    }

    /// Returns the page of our comment, for whoever looks at a verdict.
    pub(super) fn page(&self, pull: &PullRequest, memory: &Memory) -> Option<String> {
        self.forge.comment_page(pull.number, memory.comment?)
    }

    pub(super) fn marker(&self) -> String {
        format!("<!-- reconciled:plan:{} -->", self.followed.origin.name())
    }

    /// Writes the verdicts as check runs, or the stable one as a status.
    pub(super) async fn write_verdicts(
        &self,
        pull: &PullRequest,
        verdicts: Vec<Verdict>,
        memory: &mut Memory,
    ) -> Result<(), ReviewError> {
        // A verdict is its commit's: a fork that shows a commit of ours has no say in what we said of it.
        let is_ours = |one: &PullRequest| one.head == pull.head && !one.from_fork;
        if pull.from_fork && self.pulls.iter().any(is_ours) {
            return Ok(());
        }
        if self.forge.has_checks() {
            return self.write_checks(pull, verdicts, memory).await;
        }
        let Some(verdict) = verdicts.into_iter().find(|one| one.name == STABLE) else {
            return Ok(());
        };
        let status = (
            pull.head.clone(),
            format!("{:?} {}", verdict.state, verdict.title),
        );
        if memory.status.as_ref() != Some(&status) {
            let page = self.page(pull, memory);
            let said = Status {
                revision: &pull.head,
                context: STABLE,
                state: verdict.state,
                description: &verdict.title,
                page: page.as_deref(),
            };
            self.forge.put_status(&said).await?;
            memory.status = Some(status);
        }
        Ok(())
    }
}
