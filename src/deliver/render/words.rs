//! Words and counts every renderer shares.

use crate::model::{Action, Address, Connection, Outcome, Step};
use crate::plan::Plan;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// How many steps do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Steps that make something.
    pub create: usize,
    /// Steps that change something.
    pub update: usize,
    /// Steps that delete and make again.
    pub replace: usize,
    /// Steps that take something away.
    pub delete: usize,
    /// Steps that take something over, those of `overwrite` apart.
    pub adopt: usize,
    /// Steps that take over what is nobody's and overwrite what it holds.
    pub overwrite: usize,
    /// Steps that wait.
    pub wait: usize,
    /// Those of them whose live state could not be told.
    pub unknown: usize,
    /// Those of them that the live side would refuse.
    pub refused: usize,
    /// Resources that nothing is done about.
    pub none: usize,
    /// Those of them that are no longer declared, and left where they are.
    #[serde(skip)]
    pub kept: usize,
}

impl Counts {
    /// Tells whether something that is there is lost by it: what a reader must not overlook.
    pub(super) fn loses(&self) -> bool {
        self.delete + self.replace + self.overwrite > 0
    }

    /// Counts steps.
    pub(super) fn of<'s>(steps: impl IntoIterator<Item = &'s Step>) -> Self {
        let mut counts = Self::default();
        for step in steps {
            let count = match step.overwrites() {
                true => &mut counts.overwrite,
                false => counts.of_action(step.action),
            };
            *count += 1;
            counts.unknown += usize::from(step.unknown.is_some());
            counts.refused += usize::from(step.refused);
            counts.kept += usize::from(step.action == Action::None && step.desired.is_none());
        }
        counts
    }

    /// Returns how many wait for another reason than that nothing is known of them or that they are refused.
    pub(super) fn otherwise_waiting(&self) -> usize {
        self.wait.saturating_sub(self.unknown + self.refused)
    }

    fn of_action(&mut self, action: Action) -> &mut usize {
        match action {
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::Replace => &mut self.replace,
            Action::Delete => &mut self.delete,
            Action::Adopt => &mut self.adopt,
            Action::Wait => &mut self.wait,
            Action::None => &mut self.none,
        }
    }

    /// Returns `2 to create, 1 to delete`, what there is none of left out; empty where nothing is written.
    pub(super) fn sentence(&self) -> String {
        let all = [
            (self.create, "to create"),
            (self.update, "to update"),
            (self.replace, "to replace"),
            (self.delete, "to delete"),
            (self.adopt, "to adopt"),
            (self.overwrite, "to adopt and overwrite"),
        ];
        let some = all.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = some
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        parts.join(", ")
    }
}

/// Returns `1 resource`, `2 resources`.
pub fn many(count: usize, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

/// Returns how many resources are as declared, and how many are not declared and left where they are.
pub(super) fn quiet(steps: &[Step]) -> String {
    let counts = Counts::of(steps);
    let kept = left(counts.kept);
    match counts.none - counts.kept {
        0 if kept.is_empty() => "it declares no resources".to_owned(),
        same => format!("{} as declared{kept}", many(same, "resource")),
    }
}

fn left(count: usize) -> String {
    let them = many(count, "resource");
    match count {
        0 => String::new(),
        1 => format!("; {them} no longer declared and left as it is"),
        _ => format!("; {them} no longer declared and left as they are"),
    }
}

/// Counts the steps of plans but those that only put back what was changed by hand, which are nobody's change,
/// and those that were asked for before.
pub(super) fn apart<'p>(
    plans: impl IntoIterator<Item = &'p Plan>,
    already: impl Fn(&Step) -> bool,
) -> Counts {
    let steps = plans.into_iter().flat_map(|plan| &plan.steps);
    Counts::of(steps.filter(|step| !step.is_only_drift() && !already(step)))
}

/// Returns how many steps were asked for before, as `2 merged before`; `None` where none was.
pub(super) fn before(count: usize) -> Option<String> {
    (count > 0).then(|| format!("{count} merged before"))
}

/// Returns how many resources of plans were changed by hand, as `2 drifted`; `None` where none was.
pub(super) fn drifted<'p>(plans: impl IntoIterator<Item = &'p Plan>) -> Option<String> {
    let count: usize = plans.into_iter().map(|plan| plan.drift().count()).sum();
    (count > 0).then(|| format!("{count} drifted"))
}

/// Returns the plan in one sentence, without a full stop. `already` is what was merged before.
pub fn verdict(plan: &Plan, already: &BTreeSet<Address>) -> String {
    let counts = apart([plan], |step| already.contains(&step.address));
    let writes = counts.sentence();
    let drifted = drifted([plan]);
    let mut parts = match (writes.is_empty(), counts.unknown, counts.wait) {
        (true, 0, 0) if drifted.is_some() => Vec::new(),
        (true, 0, 0) => vec!["no changes".to_owned()],
        (true, 0, _) => vec!["no changes now".to_owned()],
        (true, ..) => vec!["nothing known to change".to_owned()],
        (false, ..) => vec![writes],
    };
    parts.extend(before(already.len()));
    parts.extend(drifted);
    parts.extend(held(plan).map(str::to_owned));
    if counts.refused > 0 {
        parts.push(format!("{} refused", counts.refused));
    }
    if counts.otherwise_waiting() > 0 {
        parts.push(waits(counts.otherwise_waiting()));
    }
    if counts.unknown > 0 {
        parts.push(format!("{} unknown", many(counts.unknown, "resource")));
    }
    parts.join(", ")
}

/// Says that something the plan would write is held back.
pub(super) fn held(plan: &Plan) -> Option<&'static str> {
    let writes = plan.steps.iter().any(|step| step.action.writes());
    let all = plan.holds.iter().any(|hold| !hold.deletes_only);
    match (writes, all, plan.holds.is_empty()) {
        (false, ..) | (_, _, true) => None,
        (true, true, _) => Some("all held back"),
        (true, false, _) => Some("deletes held back"),
    }
}

fn waits(count: usize) -> String {
    if count == 1 {
        "1 waits".to_owned()
    } else {
        format!("{count} wait")
    }
}

/// Returns what was done, as one word.
pub(super) fn past(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Adopt => "adopted",
        Action::Wait => "waiting",
        Action::None => "as declared",
    }
}

/// Returns what a step does, as plans have it.
pub(super) fn deed(step: &Step) -> &'static str {
    match step.overwrites() {
        true => "adopt and overwrite",
        false => step.action.as_str(),
    }
}

/// Returns the sign of an action, as plans have it.
pub(super) fn sign(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace => "-/+",
        Action::Delete => "-",
        Action::Adopt => ">",
        Action::Wait => "!",
        Action::None => " ",
    }
}

/// Returns how a step ended, in words.
pub(super) fn ended(action: Action, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { but: None } => past(action).to_owned(),
        Outcome::Done { but: Some(why) } => format!("{}, but {why}", past(action)),
        Outcome::Unchanged => "was so already".to_owned(),
        Outcome::Skipped { reason } => format!("skipped: {reason}"),
        Outcome::Moved => "changed since it was planned; the next run plans again".to_owned(),
        Outcome::Failed { message, .. } => format!("failed: {message}"),
    }
}

/// Returns why a run ran, in words; the ledger keeps one word of it.
pub(super) fn cause(trigger: &str) -> &str {
    match trigger {
        "revision" => "new in Git",
        "interval" => "regular look",
        "retry" => "tried again",
        "window" => "its window opened",
        "check" => "looked at once more",
        "nudge" => "live state changed",
        "secret" => "a secret changed",
        "start" => "daemon started",
        "asked" => "asked for",
        "rollback" => "rolled back",
        "cli" => "command line",
        other => other,
    }
}

/// The settings of connections that say which cluster or machine is meant. No others are shown: somebody may
/// have written a token where a reference to a secret belongs.
const PLACES: [&str; 2] = ["context", "root"];

/// Returns where a plan's writes go, as far as its connections say: `cluster (kubernetes: context prod)`.
pub(super) fn reaches(plan: &Plan) -> Vec<String> {
    let mut told = Vec::new();
    for step in plan.steps.iter().filter(|step| step.action.writes()) {
        let Connection {
            name,
            provider,
            settings,
            ..
        } = step.connection.as_ref();
        let place = |key: &str| Some(format!("{key} {}", settings.get(key)?.as_str()?));
        let line = PLACES.into_iter().find_map(place);
        let line = line.map(|place| format!("{name} ({provider}: {place})"));
        told.extend(line.filter(|line| !told.contains(line)));
    }
    told
}

/// Says that no pull request takes back in Git what was put back. `why` is a clause, escaped as the rest is to be.
pub(super) fn no_revert(why: &str) -> String {
    format!("No pull request could be made that takes it back in Git, too, for {why}.")
}

/// Returns a time as `2026-11-21 07:50 UTC`.
pub(super) fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Returns a length of time in its two largest units: `45s`, `12m 5s`, `3d 4h`.
pub(super) fn lasted(length: Duration) -> String {
    let seconds = length.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (size, unit) in units {
        let count = left / size;
        left %= size;
        if count > 0 || (!parts.is_empty() && parts.len() < 2) {
            parts.push((count, unit));
        }
    }
    parts.truncate(2);
    parts.retain(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .iter()
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    match parts.is_empty() {
        true => "less than a second".to_owned(),
        false => parts.join(" "),
    }
}

/// Returns who changed what drifted, newest first, each once.
pub fn touched(step: &Step) -> Vec<String> {
    touched_by(
        step.touched_by
            .iter()
            .map(|touch| (touch.by.as_str(), touch.at)),
    )
}

/// Returns who changed something and when, each once.
pub(super) fn touched_by<'t>(
    touches: impl Iterator<Item = (&'t str, Option<Timestamp>)>,
) -> Vec<String> {
    let mut told = Vec::new();
    for (by, when) in touches {
        let when = when.map_or_else(String::new, |when| format!(" at {}", at(when)));
        let line = format!("{by}{when}");
        if !told.contains(&line) {
            told.push(line);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::{lasted, left};
    use std::time::Duration;

    #[test]
    fn a_length_of_time_has_at_most_two_units() {
        let said = |seconds| lasted(Duration::from_secs(seconds));
        assert_eq!(said(0), "less than a second");
        assert_eq!(said(45), "45s");
        assert_eq!(said(725), "12m 5s");
        assert_eq!(said(3_605), "1h");
        assert_eq!(said(3 * 86_400 + 4 * 3_600 + 59), "3d 4h");
    }

    #[test]
    fn what_is_left_is_told_in_its_number() {
        assert_eq!(left(0), "");
        assert_eq!(left(1), "; 1 resource no longer declared and left as it is");
        assert_eq!(
            left(2),
            "; 2 resources no longer declared and left as they are"
        );
    }
}
