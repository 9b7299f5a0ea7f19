//! What is done about a wanted resource that is there.

use super::draft::{deferred, known, plain, refuse, waiting};
use super::moved::moved;
use super::{Choice, Facts};
use crate::model::{
    Action, Change, FieldPath, Health, Live, OnImmutable, Owned, Owner, Prediction, Step, Touch,
    Value, Veil, Wanted,
};
use crate::plan::kept::kept;
use crate::plan::ownership::Claim;
use crate::plan::{diff, going};
use std::sync::Arc;

/// A value up to this length is told in a sentence.
const SHORT: usize = 80;

/// What is to become ours that is not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Take {
    /// It is ours.
    Nothing,
    /// What was ours under another name or mark, and why.
    Back(String),
    /// What was never ours, and how it is there instead.
    New(String),
}

pub(super) fn present(
    step: Step,
    wanted: &Wanted,
    live: &Live,
    owned: Option<&Owned>,
    facts: &Facts<'_>,
) -> Choice {
    // Where Git names another object than was applied, the one that was applied is what matters: it would be left behind.
    let is_here = |owned: &&Owned| moved(wanted, Some(owned), facts).is_none();
    let stranger = owned.filter(|owned| is_anothers(live, owned) && is_here(owned));
    if let Some(gone) = stranger {
        // What was secret in the one that is gone may be so in this one.
        let mut veiled = wanted.clone();
        veiled.veils.push(Veil {
            of: gone.address.clone(),
            said: Arc::new(gone.applied.value()),
        });
        // Whoever applied it meant no object of ours.
        let theirs = Live {
            applied_by: None,
            ..live.clone()
        };
        return there(step, &veiled, &theirs, None, facts);
    }
    there(step, wanted, live, owned, facts)
}

/// Chooses by whose it is.
fn there(
    mut step: Step,
    wanted: &Wanted,
    live: &Live,
    owned: Option<&Owned>,
    facts: &Facts<'_>,
) -> Choice {
    let was_ours =
        owned.is_some_and(|owned| owned.address == wanted.address || live.owner.is_none());
    let claim = facts
        .claims
        .of(&wanted.address, live.owner.as_ref(), was_ours);
    step.mark = Some(live.mark.clone());
    step.external_id.clone_from(&live.external_id);
    let (take, from) = match claim {
        Claim::Ours => (Take::Nothing, None),
        Claim::Take { reason, from } => (Take::Back(reason), from),
        Claim::Nobodys => {
            let there = "it is there already and carries nobody's mark";
            (Take::New(there.to_owned()), None)
        }
        Claim::Kept(other) if wanted.lifecycle.adopt => {
            (Take::New(format!("{other} manages it")), None)
        }
        Claim::Kept(other) => {
            let reason = format!(
                "{other} manages it, and {} declares it too: two owners would undo each other. Take it out there, or take it over from there with `lifecycle: {{ adopt: true }}`",
                wanted.address
            );
            return plain(waiting(step, reason));
        }
        Claim::Refused(reason) => return plain(waiting(step, reason)),
    };
    let left = || moved(wanted, owned, facts);
    if let Some(reason) = (take != Take::Nothing).then(left).flatten() {
        return plain(waiting(step, reason));
    }
    step.changes = diff::changes(wanted, live, owned, facts.key);
    let mut step = written(step, wanted, live);
    decide(&mut step, wanted, live, take);
    if step.action == Action::Replace
        && let Some(why) = going::follow(&mut step, live, facts.now)
    {
        let reason = step.reason.take().unwrap_or_default();
        step = waiting(step, format!("{reason}; {why}"));
    }
    let record = (step.action == Action::None)
        .then(|| super::record(&step, Some(live), owned, facts.key))
        .filter(|record| owned != Some(record));
    let record = record.or_else(|| super::stayed(&step, live, owned));
    Choice { step, from, record }
}

/// Tells whether somebody made another object in the place of what was applied: the live side gave it another
/// id, and it does not carry our mark, as what we made again or had restored would.
fn is_anothers(live: &Live, owned: &Owned) -> bool {
    let is_ours = matches!(live.owner, Some(Owner::Resource(_)));
    let ids = live.external_id.as_ref().zip(owned.external_id.as_ref());
    !is_ours && ids.is_some_and(|(live, applied)| live != applied)
}

/// Sets what is sent: the declared fields, ignored ones as they are live.
fn written(mut step: Step, wanted: &Wanted, live: &Live) -> Step {
    let kept = kept(wanted, &live.value);
    if let Some(Prediction::Becomes {
        payload, yielded, ..
    }) = &live.prediction
    {
        step.yielded.clone_from(yielded);
        // What is ignored was asked about as it is live, so this write is the one that was predicted.
        if wanted.desired.holes().is_empty() {
            step.payload.clone_from(payload);
        }
    }
    if let Some(kept) = kept {
        step.desired = Some(Arc::new(kept));
    }
    if step.is_drift() {
        step.touched_by = touches(live, &step.changes);
    }
    step
}

/// Returns who changed what drifted; a touch without a path is about the whole object.
fn touches(live: &Live, changes: &[Change]) -> Vec<Touch> {
    let concerns = |touch: &&Touch| changes.iter().any(|change| touch.concerns(&change.path));
    let told: Vec<Touch> = live.touched_by.iter().filter(concerns).cloned().collect();
    told
}

fn decide(step: &mut Step, wanted: &Wanted, live: &Live, take: Take) {
    let forced: Vec<String> = step
        .changes
        .iter()
        .filter(|change| change.forces_replace)
        .map(|change| change.path.to_string())
        .collect();
    if let Some(Prediction::Refused { reason, .. }) = &live.prediction
        && forced.is_empty()
    {
        return refuse(step, wanted, reason);
    }
    if let Some(reason) = later_immutable(step, wanted) {
        step.action = Action::Wait;
        step.reason = Some(reason);
        return;
    }
    if !forced.is_empty() {
        return replace(step, wanted, &forced.join(", "), take != Take::Nothing);
    }
    if take == Take::Nothing && step.changes.is_empty() && live.health != Health::Ready {
        step.unready = Some(live.health.clone());
    }
    (step.action, step.reason) = match take {
        Take::Back(reason) => (Action::Adopt, Some(reason)),
        Take::New(there) => return take_over(step, wanted, &there, live.applied_by),
        Take::Nothing if step.changes.is_empty() => (Action::None, unwell(&live.health)),
        Take::Nothing => (Action::Update, unchecked(live)),
    };
}

/// What is nobody's is taken over where nothing of it is lost by that: it is as declared, or only lacks
/// fields. What somebody wrote into it is overwritten only where Git says so in so many words: nobody
/// may know of it, and there is no way back. What a tool applied from files has those files for a way
/// back, and moving them into Git is how most begin.
fn take_over(step: &mut Step, wanted: &Wanted, there: &str, applied_by: Option<&str>) {
    step.unmarked = true;
    let (action, reason) = match (step.loses(), wanted.lifecycle.adopt) {
        (false, _) => (Action::Adopt, format!("{there}; it is taken over")),
        (true, false) if let Some(tool) = applied_by => {
            let reason = format!("{tool} applied it before; it is taken over with what it holds");
            (Action::Adopt, reason)
        }
        (true, true) => {
            let kept = wanted.kind.originals.map_or_else(String::new, |place| {
                format!("; the original is kept {place}")
            });
            let reason =
                format!("{there}; it is taken over, and what it holds is overwritten{kept}");
            (Action::Adopt, reason)
        }
        (true, false) => {
            let reason = format!(
                "{there}, and what it holds would be overwritten: `lifecycle: {{ adopt: true }}` takes it over and changes these fields"
            );
            (Action::Wait, reason)
        }
    };
    step.action = action;
    step.reason = Some(reason);
}

/// Nobody can agree to a replacement that may turn out not to be one.
fn later_immutable(step: &Step, wanted: &Wanted) -> Option<String> {
    let change = step.changes.iter().find(|change| {
        let later = change
            .after
            .as_ref()
            .is_some_and(|after| !after.holes().is_empty());
        later
            && wanted
                .kind
                .immutable
                .iter()
                .any(|pattern| pattern.touches(&change.path))
    })?;
    let holes = change.after.as_ref().map(Value::holes).unwrap_or_default();
    Some(format!(
        "{} cannot change in place, and its value is {}",
        change.path,
        known(&holes)
    ))
}

fn replace(step: &mut Step, wanted: &Wanted, fields: &str, is_new: bool) {
    let may = wanted.kind.on_immutable == OnImmutable::Replace || wanted.lifecycle.replace;
    let (action, reason) = if is_new {
        let reason = format!(
            "taking it over would mean to replace it, because of {fields}: that is never done to what is not ours"
        );
        (Action::Wait, reason)
    } else if step.protected {
        (
            Action::Wait,
            format!("{fields} cannot change in place, and it is protected from being replaced"),
        )
    } else if !may {
        let reason = format!(
            "{fields} cannot change in place; `lifecycle: {{ replace: true }}` allows to delete it and make it again"
        );
        (Action::Wait, reason)
    } else {
        (Action::Replace, format!("{fields} cannot change in place"))
    };
    step.action = action;
    step.reason = Some(reason);
}

fn unwell(health: &Health) -> Option<String> {
    match health {
        Health::Ready => None,
        Health::Paused(why) => Some(format!("it is as declared, but {why}")),
        Health::Progressing(why) => Some(format!("it is as declared, but not ready yet: {why}")),
        Health::Failing(why) | Health::Failed(why) => {
            Some(format!("it is as declared, but does not work: {why}"))
        }
    }
}

fn unchecked(live: &Live) -> Option<String> {
    match &live.prediction {
        Some(Prediction::Becomes { kept, .. }) if !kept.is_empty() => {
            let kept: Vec<String> = kept.iter().map(|path| as_kept(live, path)).collect();
            Some(format!(
                "{} by the server (an admission webhook, mostly): change that or what is declared, or name the field in lifecycle.ignore",
                kept.join(", ")
            ))
        }
        Some(Prediction::Deferred(what)) => Some(deferred(what)),
        _ => None,
    }
}

/// Says as what a field stays.
fn as_kept(live: &Live, path: &FieldPath) -> String {
    let text = diff::at(&live.value, path).map(|value| value.masked_json().to_string());
    match text.filter(|text| text.len() <= SHORT) {
        Some(text) => format!("{path} would be kept at {text}"),
        None => format!("{path} would be kept as it is"),
    }
}
