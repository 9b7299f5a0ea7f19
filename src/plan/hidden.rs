//! Takes known secrets out of what a step tells: of fields that nobody declared secret, and of its reasons.
//!
//! Only what differs is looked through, and nothing that is written: hashes, marks and payloads stay as they are.

use super::diff;
use crate::model::{Basis, Change, Known, Segment, Step, Wanted};
use std::borrow::Cow;

/// Takes them out of a step.
pub(super) fn hide(step: &mut Step, wanted: &Wanted, known: &Known) {
    for change in &mut step.changes {
        hide_change(change, wanted, known);
    }
    for words in [&mut step.reason, &mut step.unknown] {
        *words = words.take().map(|words| known.clean(words));
    }
    let unready = step.unready.take();
    step.unready = unready.map(|health| health.reworded(|why| known.clean(why)));
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
