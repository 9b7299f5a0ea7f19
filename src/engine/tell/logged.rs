//! What a run did, in the log: each step that did something, and of those that fail or wait alike a few by name and
//! how many more. A cluster that is gone is one piece of news, however many objects are in it.

use super::super::Report;
use super::super::conditions::{Condition, Found};
use crate::model::{Action, Outcome, Step};
use std::collections::BTreeMap;

/// How many that end alike are named.
const NAMED: usize = 3;

/// Logs what a run did.
pub(super) fn log(report: &Report) {
    for step in report.done() {
        tracing::info!(address = %step.address, action = step.action.as_str(), "Step done");
    }
    log_failed(report);
    for (step, why) in report.under_way() {
        tracing::info!(address = %step.address, why, "Not gone yet, going on beside it");
    }
    // A pass that finds what the last one found has no record, and says nothing again.
    if report.run.is_none() {
        tracing::debug!("Nothing new");
        return;
    }
    for hold in &report.plan.holds {
        tracing::warn!(code = hold.code, reason = hold.reason, "Plan is held");
    }
    let steps = report.plan.steps.iter();
    let waiting = steps.filter(|step| step.action == Action::Wait);
    let mut alike = Alike::default();
    for step in waiting {
        let reason = step.reason.as_deref().unwrap_or_default();
        if alike.is_named(reason) {
            tracing::warn!(address = %step.address, reason, "Step waits");
        }
    }
    for (reason, more) in alike.more() {
        tracing::warn!(more, reason, "More steps wait alike");
    }
}

fn log_failed(report: &Report) {
    let mut alike = Alike::default();
    for (step, outcome) in report.failures() {
        let Outcome::Failed {
            code,
            message,
            hint,
        } = outcome
        else {
            continue;
        };
        if alike.is_named(code) {
            log_failure(step, (code, message, hint.as_deref()));
        }
    }
    for (code, more) in alike.more() {
        tracing::error!(more, code, "More steps failed alike");
    }
}

fn log_failure(step: &Step, (code, reason, hint): (&str, &str, Option<&str>)) {
    let action = step.action.as_str();
    tracing::error!(address = %step.address, action, code, reason, hint, "Step failed");
}

/// Logs what cannot be told since this run.
pub(super) fn log_unseen<'f>(opened: impl Iterator<Item = &'f Found>) {
    let mut alike = Alike::default();
    for found in opened.filter(|found| found.condition == Condition::Unknown) {
        let said = |key: &str| found.details[key].as_str().unwrap_or_default();
        let reason = said("message");
        if alike.is_named(reason) {
            tracing::warn!(address = %found.address, code = said("code"), reason, "Live state cannot be told, leaving it alone");
        }
    }
    for (reason, more) in alike.more() {
        tracing::warn!(more, reason, "More live state cannot be told alike");
    }
}

/// Counts what is alike.
#[derive(Default)]
struct Alike<'a>(BTreeMap<&'a str, usize>);

impl<'a> Alike<'a> {
    /// Takes one in. Returns whether it is one of the few that are named.
    fn is_named(&mut self, what: &'a str) -> bool {
        let count = self.0.entry(what).or_default();
        *count += 1;
        *count <= NAMED
    }

    /// Returns of what there are more, and how many.
    fn more(&self) -> impl Iterator<Item = (&'a str, usize)> {
        let all = self.0.iter();
        let more = all.map(|(what, count)| (*what, count.saturating_sub(NAMED)));
        more.filter(|(_, more)| *more > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_that_are_alike_a_few_are_named_and_the_rest_is_counted() {
        let mut alike = Alike::default();
        let all = ["gone"; 5].into_iter().chain(["odd"]);
        let named = all.filter(|one| alike.is_named(one)).count();
        assert_eq!(named, 4);
        assert_eq!(alike.more().collect::<Vec<_>>(), [("gone", 2)]);
    }
}
