//! What is remembered of the approvals of one environment, and what follows from it. Asks nobody.
//!
//! An approval is judged once, when it is first seen: the plan is the one it names, and it is in force; or it is
//! void. Either way it is over then: standing in Git for ever, it never lets anything go again. One in force ends
//! when nothing is left of its plan, when Git says something else of the environment, or when the plan is
//! another before anything of it was begun. What was begun is finished, with retries, as far as it does nothing
//! that people did not see. While live state cannot be told nothing is judged.

use super::ask::branch_of;
use super::remembered;
use crate::deliver::Sight;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Address, Digest, EnvironmentName, Revision};
use crate::plan::Plan;
use crate::spec::Approval;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many requests that are over, and plans that were declined, are remembered.
const KEPT: usize = 200;

/// How many branches are kept in mind to be taken away.
const MOST_LEFTOVERS: usize = 50;

/// What is remembered of one environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// The request that is open.
    pub asked: Option<Request>,
    /// The approval that is in force.
    granted: Option<Grant>,
    /// Requests that let nothing go any more: used, void, or withdrawn; a plan and which request for it.
    over: Vec<(Digest, u32)>,
    /// Plans that were declined, with the number of the pull request.
    declined: Vec<(Digest, u64)>,
    /// Why the next request is made anew, as a sentence; empty where there is nothing to say.
    pub again: String,
    /// The revision a revert was asked for of, and the number and the page of its pull request.
    pub reverted: Option<(Revision, u64, String)>,
    /// The revision no revert can be asked for of, and why.
    pub unreverted: Option<(Revision, String)>,
    /// Branches of requests that were merged.
    pub leftovers: Vec<String>,
    /// What the pull requests showed together that brought what Git says; `None` where people saw nothing.
    pub seen: Option<(Digest, Option<Sight>)>,
}

/// An open request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    /// The plan.
    pub plan: Digest,
    /// Which request for it.
    pub request: u32,
    /// What Git said of the environment.
    pub content: Digest,
    /// When it was asked first.
    pub since: Timestamp,
    /// What its body says, without the time.
    pub said: Digest,
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
}

/// An approval in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Grant {
    plan: Digest,
    content: Digest,
    sight: Sight,
    /// What of live state it showed as changed; `None` where an older binary wrote it.
    #[serde(default)]
    overwrites: Option<Overwritten>,
    begun: bool,
}

/// The fields that are there and change, by address, each with what it holds, as digests.
pub(super) type Overwritten = BTreeMap<Address, BTreeSet<Digest>>;

/// What an approval is judged by.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub plan: &'a Plan,
    /// What an approval of it names.
    pub hash: &'a Digest,
    /// What it changes of what is there.
    pub overwrites: &'a Overwritten,
    /// What Git says of the environment.
    pub content: &'a Digest,
}

impl Facts<'_> {
    fn is_nothing_left(&self) -> bool {
        self.plan.declared().next().is_none()
    }
}

impl Memory {
    /// Reads it.
    pub(super) async fn read(ledger: &Ledger, name: &EnvironmentName) -> Result<Self, LedgerError> {
        remembered::read(ledger, &record_of(name)).await
    }

    /// Writes it, where it is not the same.
    pub(super) async fn write(
        &self,
        ledger: &Ledger,
        name: &EnvironmentName,
        before: &mut Self,
    ) -> Result<(), LedgerError> {
        if self == before {
            return Ok(());
        }
        remembered::write(ledger, &record_of(name), self).await?;
        before.clone_from(self);
        Ok(())
    }

    /// Judges what stands in Git, and tells whether an approval is in force for this plan.
    pub(super) fn judge(&mut self, approval: Option<&Approval>, facts: &Facts<'_>) -> bool {
        if facts.plan.is_unsure() {
            let granted = self.granted.as_ref();
            return granted.is_some_and(|granted| granted.is_for(facts));
        }
        if let Some(approval) = approval.filter(|one| !self.is_over(&one.plan, one.request)) {
            self.put_over(approval.plan.clone(), approval.request);
            let answers = |asked: &mut Request| {
                asked.plan == approval.plan && asked.request == approval.request
            };
            let _merged = self.asked.take_if(answers);
            self.leftovers.push(branch_of(approval));
            let more = self.leftovers.len().saturating_sub(MOST_LEFTOVERS);
            self.leftovers.drain(..more);
            if approval.plan == *facts.hash && !facts.is_nothing_left() {
                self.granted = Some(Grant {
                    plan: approval.plan.clone(),
                    content: facts.content.clone(),
                    sight: Sight::of(facts.plan),
                    overwrites: Some(facts.overwrites.clone()),
                    begun: false,
                });
                (self.asked, self.again) = (None, String::new());
            } else if !facts.is_nothing_left() {
                // Where a kill came between a request and its record, an older one is remembered: that it goes
                // is the lesser news.
                self.drop_other(facts);
                let named = approval.plan.short();
                self.again = format!(
                    "The approval that was merged is of the plan {named}, and this is another: something moved in between."
                );
                tracing::warn!(environment = %approval.environment, plan = named, now = facts.hash.short(), "Approval is of another plan, nothing is done for it");
            }
        }
        let Some(granted) = &self.granted else {
            return false;
        };
        if facts.is_nothing_left() {
            self.granted = None;
            return false;
        }
        if !granted.is_for(facts) {
            self.granted = None;
            self.again =
                "It was approved, and something moved before it was carried out.".to_owned();
            return false;
        }
        true
    }

    /// Something of what is in force is carried out from now on.
    pub(super) fn begin(&mut self) {
        if let Some(granted) = &mut self.granted {
            granted.begun = true;
        }
    }

    /// Returns which request is the next for a plan. `standing` is what Git holds.
    pub(super) fn next(&self, plan: &Digest, standing: Option<&Approval>) -> u32 {
        let over = self.over.iter().filter(|(known, _)| known == plan);
        let over = over.map(|(_, request)| *request);
        let standing = standing
            .filter(|one| one.plan == *plan)
            .map(|one| one.request);
        over.chain(standing).max().unwrap_or(0).saturating_add(1)
    }

    /// Lets the open request go where it is for another plan.
    pub(super) fn drop_other(&mut self, facts: &Facts<'_>) {
        let is_other = |asked: &Request| asked.plan != *facts.hash;
        if self.asked.as_ref().is_some_and(is_other) {
            self.drop_request(facts.content);
        }
    }

    /// The open request is for what is no more.
    pub(super) fn drop_request(&mut self, content: &Digest) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        self.again = match asked.content == *content {
            true => format!("It takes the place of #{}: live state moved.", asked.number),
            false => format!(
                "It takes the place of #{}: Git says something else since.",
                asked.number
            ),
        };
        self.put_over(asked.plan, asked.request);
    }

    /// A person declined a plan.
    pub(super) fn decline(&mut self, plan: &Digest, number: u64) {
        self.declined.retain(|(known, _)| known != plan);
        self.declined.push((plan.clone(), number));
        self.declined
            .drain(..self.declined.len().saturating_sub(KEPT));
        self.asked = None;
    }

    /// Returns the pull request by which a plan was declined.
    pub(super) fn declined(&self, plan: &Digest) -> Option<u64> {
        let mut declined = self.declined.iter();
        declined
            .find(|(known, _)| known == plan)
            .map(|(_, number)| *number)
    }

    fn is_over(&self, plan: &Digest, request: u32) -> bool {
        self.over
            .iter()
            .any(|one| one.0 == *plan && one.1 == request)
    }

    fn put_over(&mut self, plan: Digest, request: u32) {
        self.over.push((plan, request));
        self.over.drain(..self.over.len().saturating_sub(KEPT));
    }
}

impl Grant {
    fn is_for(&self, facts: &Facts<'_>) -> bool {
        let same = self.plan == *facts.hash;
        self.content == *facts.content
            && (same || (self.begun && self.sight.covers(facts.plan) && self.showed(facts)))
    }

    /// Tells whether it showed each field that is to be changed as it is now.
    fn showed(&self, facts: &Facts<'_>) -> bool {
        let Some(shown) = &self.overwrites else {
            return true;
        };
        // What was to be made is ours since it was begun.
        facts.overwrites.iter().all(|(address, fields)| {
            shown
                .get(address)
                .is_none_or(|shown| fields.is_subset(shown))
        })
    }
}

/// Under what name the ledger remembers it.
fn record_of(name: &EnvironmentName) -> String {
    format!("approval/{name}")
}

#[cfg(test)]
mod tests;
