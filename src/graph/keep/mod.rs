//! Live values into the files that declare them, so that Git says what is live: what can be written and how,
//! and why the rest cannot. Pure; asks nobody.
//!
//! ```text
//! step of drift -> where its field is declared (place) -> one value of one file (yaml::edit)
//!               -> the environment read again: it says what was meant, and nothing else moved (state)
//! ```

mod labels;
mod live;
mod place;
mod state;
#[cfg(test)]
mod tests;
mod ways;

use crate::model::{Address, Change, FieldPath, Kinds, Origin, RepoPath, Snapshot};
use crate::spec::Environment;
use state::State;
use std::collections::{BTreeMap, BTreeSet};

/// The most fields one request changes; a reader of more would look at none.
const MOST: usize = 100;

/// What live values are written into.
#[derive(Clone, Copy)]
pub struct Keeping<'a> {
    /// The environment as it is merged.
    pub environment: &'a Environment,
    /// The state it was read from.
    pub snapshot: &'a Snapshot,
    /// Every file and folder that has a say in it.
    pub files: &'a BTreeSet<RepoPath>,
    /// Those of each other environment.
    pub others: &'a [&'a BTreeSet<RepoPath>],
    /// What kinds there are.
    pub kinds: &'a Kinds,
}

/// One resource that was changed by hand.
#[derive(Clone, Copy, Debug)]
pub struct Drifted<'a> {
    /// Which.
    pub address: &'a Address,
    /// How it differs: `before` is live, `after` is declared.
    pub changes: &'a [Change],
    /// True where it is not there any more.
    pub gone: bool,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Every file that changes, whole.
    pub files: BTreeMap<RepoPath, String>,
    /// Every field that differs, in the order of the steps.
    pub fields: Vec<KeptField>,
}

/// One field that was changed by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptField {
    /// Of which resource.
    pub address: Address,
    /// What differs: `before` is live, `after` is declared. `None` where the whole resource does.
    pub change: Option<Change>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is written.
    Written {
        /// In which file.
        file: RepoPath,
        /// What a reader should know of how, as a sentence without its full stop.
        note: Option<String>,
    },
    /// It cannot be, for this reason; a sentence without its full stop.
    Left(String),
}

impl Kept {
    /// Returns the path of each field that is written, with its file.
    pub fn written(&self) -> impl Iterator<Item = (&KeptField, &RepoPath)> {
        self.fields.iter().filter_map(|field| match &field.fate {
            Fate::Written { file, .. } => Some((field, file)),
            Fate::Left(_) => None,
        })
    }
}

/// Writes what is live into the files that declare it.
///
/// # Guarantees
/// - Read again, the environment declares what is live in each field that counts as written; no other
///   resource of it, and no other environment, says anything else than before.
/// - No secret, and nothing that stands for what cannot be read, is ever written.
/// - Every changed field is told, as written or with the reason why not.
pub fn keep(keeping: &Keeping<'_>, drifted: &[Drifted<'_>]) -> Kept {
    let mut kept = Kept::default();
    let Some(mut state) = State::new(keeping) else {
        return kept;
    };
    for step in drifted {
        if step.gone {
            let reason = "it was deleted by hand; to leave it so, take it out of the specs";
            kept.fields.push(KeptField {
                address: step.address.clone(),
                change: None,
                fate: Fate::Left(reason.to_owned()),
            });
            continue;
        }
        for change in by_hand(step) {
            let fate = match kept.written().count() {
                MOST.. => Err(format!("one request changes {MOST} fields at most")),
                _ => state.keep(step.address, change),
            };
            let fate = fate.unwrap_or_else(Fate::Left);
            kept.fields.push(KeptField {
                address: step.address.clone(),
                change: Some(change.clone()),
                fate,
            });
        }
    }
    kept.files = state.changed();
    kept
}

/// Returns what differs by hand. What goes from a list goes from its end, so that no place moves.
fn by_hand<'a>(drifted: &Drifted<'a>) -> Vec<&'a Change> {
    let drift = |change: &&Change| change.origin == Origin::Drift;
    let mut changes: Vec<&Change> = drifted.changes.iter().filter(drift).collect();
    let last = |change: &&Change| std::cmp::Reverse(change.path.clone());
    let goes = changes
        .iter()
        .copied()
        .filter(|change| change.before.is_none());
    let mut goes: Vec<&Change> = goes.collect();
    goes.sort_by_key(last);
    changes.retain(|change| change.before.is_some());
    changes.extend(goes);
    changes
}

/// Returns the parts of a path as people read it, for a reason.
fn shown(path: &FieldPath) -> String {
    format!("`{path}`")
}
