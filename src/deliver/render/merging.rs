//! What a merge would do besides what its plans tell: found by holding it beside the branch it goes into.

use super::words::{apart, held, lasted, many};
use crate::model::{Address, EnvironmentName, Every, Reconcile, Step, Window};
use crate::plan::Plan;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What plans of a merge do not tell. Empty for plans of what stands as it is.
#[derive(Debug, Default)]
pub struct Merging {
    /// Environments that no file would declare any more.
    pub gone: Vec<Gone>,
    /// What there is to say of each plan.
    pub beside: BTreeMap<EnvironmentName, Beside>,
}

/// An environment that no file would declare any more.
#[derive(Debug)]
pub struct Gone {
    /// Its name.
    pub name: EnvironmentName,
    /// The environments that take over what it has.
    pub becomes: BTreeSet<EnvironmentName>,
    /// What it has and nobody takes over.
    pub left: BTreeSet<Address>,
    /// How many resources it has; `None` where that is not known.
    pub owned: Option<usize>,
}

/// What there is to say of one plan.
#[derive(Debug, Default)]
pub struct Beside {
    /// Steps that do nothing but what was merged before, and was not done yet.
    pub already: BTreeSet<Address>,
    /// What is no longer declared, and was never ours.
    pub let_go: Vec<Address>,
    /// Settings that are not the same any more, each as a line.
    pub settings: Vec<String>,
    /// What is worth a look in what it declares.
    pub warnings: Vec<String>,
}

impl Merging {
    /// Where there is nothing to say of a plan.
    pub(super) const NOTHING: &'static Beside = &Beside {
        already: BTreeSet::new(),
        let_go: Vec::new(),
        settings: Vec::new(),
        warnings: Vec::new(),
    };

    /// Tells whether a step does nothing but what was merged before.
    pub(super) fn is_from_before(&self, step: &Step) -> bool {
        let beside = self.of(&step.address.environment);
        beside.already.contains(&step.address)
    }

    /// Returns what there is to say of an environment's plan.
    pub fn of(&self, name: &EnvironmentName) -> &Beside {
        self.beside.get(name).unwrap_or(Self::NOTHING)
    }
}

impl Gone {
    /// Tells whether it goes on under another name.
    pub fn is_renamed(&self) -> bool {
        !self.becomes.is_empty()
    }
}

/// Returns the settings of `reconcile` that are not the same, as `reconcile.onDrift: report → correct`.
pub fn changed_settings(before: &Reconcile, after: &Reconcile) -> Vec<String> {
    let shown = |of: &Reconcile| {
        let every = match &of.drift_interval {
            None => "as interval".to_owned(),
            Some(Every::Interval(length)) => lasted(*length),
            Some(Every::Cron(cron)) => format!("{cron:?}"),
        };
        let budget = of.deletion_budget;
        [
            ("onMerge", word(of.on_merge)),
            ("onDrift", word(of.on_drift)),
            ("onFailure", word(of.on_failure)),
            ("interval", lasted(of.interval)),
            ("driftInterval", every),
            ("windows", windows(&of.windows)),
            ("prune", of.prune.to_string()),
            (
                "deletionBudget",
                format!("count {}, percent {}", budget.count, budget.percent),
            ),
            ("protect", listed(&of.protect)),
            (
                "paused",
                of.paused.clone().unwrap_or_else(|| "false".to_owned()),
            ),
            ("destroy", of.destroy.to_string()),
        ]
    };
    let both = shown(before).into_iter().zip(shown(after));
    both.filter(|(before, after)| before != after)
        .map(|((key, before), (_, after))| format!("reconcile.{key}: {before} → {after}"))
        .collect()
}

fn word(value: impl Serialize) -> String {
    let word = serde_json::to_value(value).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

fn windows(windows: &[Window]) -> String {
    let one = |window: &Window| {
        let (cron, open_for) = (&window.cron, lasted(window.open_for));
        format!("{cron:?} for {open_for} ({})", window.timezone)
    };
    listed(&windows.iter().map(one).collect::<Vec<_>>())
}

fn listed(all: &[String]) -> String {
    match all {
        [] => "none".to_owned(),
        some => some.join(", "),
    }
}

/// Says of all plans of a pull request what they would do in how many environments, and what is not known or held.
/// What was merged before is none of it.
pub fn planned(plans: &[Plan], merging: &Merging) -> String {
    let before = |step: &Step| merging.is_from_before(step);
    let counts = apart(plans, before);
    let declared = plans.iter().flat_map(Plan::declared);
    let writes = declared.filter(|step| !before(step)).count();
    let of = many(plans.len(), "environment");
    let mut parts = match (writes, counts.unknown) {
        (0, 1..) => vec![format!("Nothing known to change in {of}")],
        _ => vec![format!("{} planned in {of}", many(writes, "change"))],
    };
    let held: BTreeSet<&str> = plans.iter().filter_map(held).collect();
    parts.extend(held.into_iter().map(str::to_owned));
    if counts.otherwise_waiting() > 0 {
        parts.push(format!("{} waiting", counts.otherwise_waiting()));
    }
    if counts.unknown > 0 {
        parts.push(format!("{} could not be looked at", counts.unknown));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{OnDrift, OnMerge};
    use std::time::Duration;

    #[test]
    fn each_setting_that_changes_is_a_line() {
        let before = Reconcile::default();
        let after = Reconcile {
            on_merge: OnMerge::Propose,
            on_drift: OnDrift::Correct,
            interval: Duration::from_secs(60),
            paused: Some("until Friday".to_owned()),
            windows: vec![Window {
                cron: "0 9 * * 1-5".to_owned(),
                open_for: Duration::from_secs(8 * 3600),
                timezone: "UTC".to_owned(),
            }],
            ..Reconcile::default()
        };
        assert_eq!(changed_settings(&before, &before), Vec::<String>::new());
        insta::assert_snapshot!(changed_settings(&before, &after).join("\n"), @r#"
        reconcile.onMerge: apply → propose
        reconcile.onDrift: report → correct
        reconcile.interval: 5m → 1m
        reconcile.windows: none → "0 9 * * 1-5" for 8h (UTC)
        reconcile.paused: false → until Friday
        "#);
    }
}
