//! Drift episodes: what the ledger keeps of one, so that its message can be written anew at its end.

use super::Report;
use super::conditions::End;
use crate::deliver::notify::Message;
use crate::deliver::render::{self, Difference, EpisodeEnd, Links, course_slack, episode_slack};
use crate::deliver::{About, Asked, Decision};
use crate::ledger::Episode;
use crate::model::{Action, EnvironmentName, Outcome, Revision, Step};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is kept of a drift, masked.
#[derive(Serialize, Deserialize)]
struct Details {
    revision: Revision,
    /// Where to read of that.
    #[serde(default)]
    links: Links,
    kind: String,
    differences: Vec<Difference>,
    by: Vec<String>,
    /// Who that is without when.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    managers: BTreeSet<String>,
    /// When each of them did it last, where the live side tells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    moments: BTreeMap<String, Timestamp>,
    course: String,
    /// What a person can do about it, where nothing else is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The pull request that asks people what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
    /// True where the resource is not there any more.
    #[serde(default)]
    gone: bool,
    /// The revision whose run wrote it at the end, where one of ours did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_by: Option<Revision>,
}

/// Returns what is kept of the drift a step is about.
pub(super) fn details(report: &Report, step: &Step) -> Value {
    let decision = report.route.decisions.get(&step.address);
    let is_asked = matches!(decision, Some(Decision::Hold { .. }));
    let is_left = matches!(decision, Some(Decision::Hold { code: "report", .. }));
    let asked = report.route.asked_about(About::Drift);
    let known = || step.touched_by.iter().filter(|one| one.is_known());
    // Newest first: the last word is that of the newest.
    let moments = known()
        .rev()
        .filter_map(|one| Some((one.by.clone(), one.at?)));
    let details = Details {
        revision: report.plan.revision.clone(),
        links: Links::default(),
        kind: step.kind.to_string(),
        differences: Difference::of(step),
        by: render::touched(step),
        // Nobody is in a fight who may be anybody.
        managers: known().map(|one| one.by.clone()).collect(),
        moments: moments.collect(),
        course: course(step, decision, report.outcomes.get(&step.address)),
        hint: is_left.then(|| ways_out(&step.address.environment)),
        asked: asked.filter(|_| is_asked).cloned(),
        gone: step.action == Action::Create,
        ended_by: None,
    };
    serde_json::to_value(details).unwrap_or_default()
}

/// Returns who changed what drifted, of what is kept, each with when they did it last, where that is known.
pub(super) fn managers(details: &Value) -> BTreeMap<String, Option<Timestamp>> {
    let kept = |key: &str| details[key].clone();
    let names: BTreeSet<String> = serde_json::from_value(kept("managers")).unwrap_or_default();
    let moments: BTreeMap<String, Timestamp> =
        serde_json::from_value(kept("moments")).unwrap_or_default();
    let one = |name: String| {
        let at = moments.get(&name).copied();
        (name, at)
    };
    names.into_iter().map(one).collect()
}

/// What is done about drift that could not be put back.
const AGAIN: &str = "putting it back failed, and is tried again";

/// Returns what is done about the drift of a step.
fn course(step: &Step, decision: Option<&Decision>, outcome: Option<&Outcome>) -> String {
    let over = "what was merged since is written over it";
    match decision {
        Some(Decision::Hold { code, .. }) if step.writes_over_hands() => {
            format!("{over} when that is no longer held ({code})")
        }
        Some(Decision::Hold { code, reason }) => held(code, reason),
        Some(Decision::CarryOut) => {
            let what = match step.writes_over_hands() {
                true => over,
                false => "it is put back",
            };
            match outcome {
                Some(Outcome::Failed { .. }) => AGAIN.to_owned(),
                _ => what.to_owned(),
            }
        }
        // Nothing is written, whatever was merged or agreed to.
        None => match &step.reason {
            Some(reason) => format!("not put back: {reason}"),
            None => "not put back".to_owned(),
        },
    }
}

fn held(code: &str, reason: &str) -> String {
    match code {
        "propose" => reason.to_owned(),
        "report" => "only reported (onDrift: report)".to_owned(),
        "paused" => "left alone while changes are paused".to_owned(),
        "window" => "put back when the window opens".to_owned(),
        "backoff" => AGAIN.to_owned(),
        other => format!("not put back for now ({other}: {reason})"),
    }
}

/// Returns what a person can do about drift that is left as it is.
fn ways_out(name: &EnvironmentName) -> String {
    format!(
        "`reconciled plan {name}` shows it, `reconciled apply {name}` puts it back now; what is to stay belongs into Git."
    )
}

/// Returns the message on an episode as it stands; `None` where its record cannot be read.
pub(super) fn message(episode: &Episode) -> Option<Message> {
    shown(episode, episode_slack)
}

/// Returns what there is to say in the thread of an episode that goes on: what is done about it from now on,
/// where that was something else before.
pub(super) fn progress(before: &Episode, episode: &Episode, now: Timestamp) -> Option<Message> {
    if before.details["course"] == episode.details["course"] {
        return None;
    }
    let after = Duration::try_from(now.duration_since(episode.opened_at));
    let after = after.unwrap_or_default();
    shown(episode, |episode| course_slack(episode, after))
}

fn shown(episode: &Episode, show: impl Fn(&render::Episode<'_>) -> Message) -> Option<Message> {
    let details: Details = serde_json::from_value(episode.details.clone()).ok()?;
    let end = |at| (end(episode.how.as_deref(), details.ended_by.as_ref()), at);
    Some(show(&render::Episode {
        environment: &episode.environment,
        revision: &details.revision,
        links: &details.links,
        address: episode.address.as_ref()?,
        kind: &details.kind,
        differences: if details.gone {
            &[]
        } else {
            &details.differences
        },
        by: &details.by,
        found_at: episode.opened_at,
        course: &details.course,
        hint: details.hint.as_deref(),
        asked: details.asked.as_ref(),
        ended: episode.ended_at.map(end),
    }))
}

fn end<'r>(how: Option<&str>, by: Option<&'r Revision>) -> EpisodeEnd<'r> {
    match how.and_then(End::of) {
        Some(End::Corrected) => EpisodeEnd::Corrected,
        Some(End::Overwritten) => EpisodeEnd::Overwritten(by),
        Some(End::TakenOver) => EpisodeEnd::TakenOver,
        Some(End::Undeclared) => EpisodeEnd::Released,
        _ => EpisodeEnd::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::fixtures::step;

    #[test]
    fn drift_is_said_to_be_put_back_only_where_it_is() {
        let mut drifted = step("api", Action::Update, 0, &[]);
        let carried = |outcome| course(&drifted, Some(&Decision::CarryOut), outcome);
        assert_eq!(carried(None), "it is put back");
        assert_eq!(carried(Some(&Outcome::DONE)), "it is put back");
        let failed = Outcome::Failed {
            code: "invalid".to_owned(),
            message: "no".to_owned(),
            hint: None,
        };
        let again = "putting it back failed, and is tried again";
        assert_eq!(carried(Some(&failed)), again);
        let held = |code, reason: &str| {
            let reason = reason.to_owned();
            course(&drifted, Some(&Decision::Hold { code, reason }), None)
        };
        assert_eq!(held("backoff", "it failed a moment ago"), again);
        assert_eq!(held("report", ""), "only reported (onDrift: report)");
        assert_eq!(
            held("budget", "2 at once"),
            "not put back for now (budget: 2 at once)"
        );
        drifted.action = Action::Wait;
        drifted.reason = Some("engine cannot change in place".to_owned());
        assert_eq!(
            course(&drifted, None, None),
            "not put back: engine cannot change in place"
        );
    }
}
