//! Takes out of what a step tells what its readers must not see: known secrets, in fields that nobody declared
//! secret and in its reasons, and of a branch's plan what is live and a stranger's.
//!
//! Only what differs is looked through, and nothing that is written: hashes, marks and payloads stay as they are.

mod guessed;

use super::diff;
use crate::model::{Basis, Change, Known, Live, Prediction, Segment, Step, Value, Wanted};
use guessed::Guessed;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Shorter words are met in any sentence.
const SHORTEST: usize = 4;

/// Takes them out of a step.
pub(super) fn hide(step: &mut Step, wanted: &Wanted, known: &Known) {
    let told = [&step.reason, &step.unknown]
        .into_iter()
        .any(Option::is_some);
    let told = told || step.unready.is_some();
    let other = |change: &Change| change.after.as_ref() != diff::at(&wanted.desired, &change.path);
    let guessed = match told || step.changes.iter().any(other) {
        true => Guessed::of(wanted, known),
        false => None,
    };
    for change in &mut step.changes {
        hide_change(change, wanted, known);
        if let Some(guessed) = &guessed {
            guessed.hide(change, wanted);
        }
    }
    let clean = |words: String| {
        let words = known.clean(words);
        match &guessed {
            Some(guessed) => guessed.clean(words),
            None => words,
        }
    };
    for words in [&mut step.reason, &mut step.unknown] {
        *words = words.take().map(clean);
    }
    let unready = step.unready.take();
    step.unready = unready.map(|health| health.reworded(clean));
}

/// What Git says at the same place in plain text is no secret there. On a pull request that is what the merged
/// spec says: a branch could guess what is live, and would see whether it is right.
fn hide_change(change: &mut Change, wanted: &Wanted, known: &Known) {
    let desired = &*wanted.desired;
    let merged = match &wanted.basis {
        Basis::Branch { merged, .. } => merged.as_ref(),
        Basis::Merged => Some(desired),
    };
    let sides = [
        (&mut change.before, merged),
        (&mut change.after, Some(desired)),
        (&mut change.was, merged),
    ];
    for (side, git) in sides {
        let openly = git.and_then(|git| diff::at(git, &change.path));
        let hidden = side.as_ref().and_then(|side| known.hidden(side, openly));
        if let Some(hidden) = hidden {
            *side = Some(hidden);
        }
    }
    if diff::at(desired, &change.path).is_none() {
        for segment in &mut change.path.0 {
            hide_segment(segment, known);
        }
    }
}

fn hide_segment(segment: &mut Segment, known: &Known) {
    let hide = |text: &mut String| {
        if let Cow::Owned(hidden) = known.without(text, &[]) {
            *text = hidden;
        }
    };
    match segment {
        Segment::Key(key) => hide(key),
        Segment::Item(keys) => keys.iter_mut().for_each(|(_, value)| hide(value)),
        Segment::Index(_) => {}
    }
}

/// Takes out of a step all that is live, but for what the branch says itself. Where it differs stays.
pub(super) fn conceal(step: &mut Step, wanted: &Wanted, live: &Live) {
    let said = words(&wanted.desired);
    let loses = step.loses();
    for change in &mut step.changes {
        for side in [&mut change.before, &mut change.was] {
            *side = side.take().map(Value::sealed);
        }
        // What it becomes may be what it is, in part.
        change.after = change.after.take().map(|after| told(after, &said));
    }
    if let (Some(Prediction::Refused { reason, .. }), Some(words)) =
        (&live.prediction, &mut step.reason)
        && quotes(reason, &live.value, &said)
    {
        let instead = "its words quote what is live, and are told after the merge";
        *words = words.replace(reason.as_str(), instead);
    }
    if let Some(words) = step.reason.as_mut().filter(|_| loses) {
        words.push_str("; its values are shown after the merge");
    }
}

/// Returns what stands in a value, as texts.
fn words(value: &Value) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    value.walk(&mut |node| words.extend(word(node)));
    words
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Secret(_) | Value::Hole(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Tells whether somebody's words hold something of a value that is not said anyway.
fn quotes(text: &str, value: &Value, said: &BTreeSet<String>) -> bool {
    let words = words(value);
    let mut unsaid = words.difference(said);
    unsaid.any(|word| word.len() >= SHORTEST && text.contains(word.as_str()))
}

/// Seals all of a value that is not said anyway.
fn told(value: Value, said: &BTreeSet<String>) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(|one| told(one, said)).collect()),
        Value::Map(fields) => {
            let fields = fields.into_iter();
            Value::Map(
                fields
                    .map(|(key, field)| (key, told(field, said)))
                    .collect(),
            )
        }
        scalar if word(&scalar).is_some_and(|word| !said.contains(&word)) => scalar.sealed(),
        other => other,
    }
}
