//! What is written where `lifecycle.ignore` leaves a declared field to the live side.

use super::diff;
use crate::model::{FieldPath, Kind, Segment, Value, Wanted};

/// What to write.
pub(super) struct Kept {
    /// The declared fields, the live value in the place of each ignored one.
    pub(super) desired: Value,
    /// True where that makes it another write than the declared fields alone.
    pub(super) differs: bool,
}

/// Puts live values in the place of ignored fields, so that writing them changes nothing; `None`
/// where no field is ignored.
pub(super) fn kept(wanted: &Wanted, live: &Value) -> Option<Kept> {
    if wanted.lifecycle.ignore.is_empty() {
        return None;
    }
    let mut keep = Keep {
        wanted,
        differs: false,
    };
    let desired = keep.node(&FieldPath::default(), &wanted.desired, Some(live));
    Some(Kept {
        desired: desired.unwrap_or(Value::Null),
        differs: keep.differs,
    })
}

struct Keep<'a> {
    wanted: &'a Wanted,
    differs: bool,
}

impl Keep<'_> {
    fn node(&mut self, path: &FieldPath, desired: &Value, live: Option<&Value>) -> Option<Value> {
        let kind: &Kind = &self.wanted.kind;
        let ignore = &self.wanted.lifecycle.ignore;
        if ignore.iter().any(|pattern| pattern.covers(path)) {
            self.differs |= !diff::is_same(kind, path, live, desired);
            return live.cloned();
        }
        if !ignore.iter().any(|pattern| pattern.touches(path)) {
            return Some(desired.clone());
        }
        Some(match desired {
            Value::Map(fields) => Value::Map(
                fields
                    .iter()
                    .filter_map(|(key, field)| {
                        let live = live.and_then(|live| live.get(key));
                        Some((key.clone(), self.node(&path.key(key), field, live)?))
                    })
                    .collect(),
            ),
            Value::List(items) => Value::List(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(nth, item)| {
                        let segment = diff::item_segment(kind, path, nth, item);
                        let place = path.then(segment.clone());
                        let live = live.and_then(|list| item_at(list, segment));
                        self.node(&place, item, live)
                    })
                    .collect(),
            ),
            other => other.clone(),
        })
    }
}

fn item_at(list: &Value, segment: Segment) -> Option<&Value> {
    diff::at(list, &FieldPath(vec![segment]))
}
