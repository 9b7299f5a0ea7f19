//! What is written where `lifecycle.ignore` leaves a declared field to the live side.

use super::diff;
use crate::model::{FieldPath, Kind, Segment, Value, Wanted};

/// Returns the declared fields with live values in the place of ignored ones, so that writing them
/// changes nothing; `None` where no field is ignored.
pub(super) fn kept(wanted: &Wanted, live: &Value) -> Option<Value> {
    if wanted.lifecycle.ignore.is_empty() {
        return None;
    }
    let keep = Keep { wanted };
    let desired = keep.node(&FieldPath::default(), &wanted.desired, Some(live));
    Some(desired.unwrap_or(Value::Null))
}

struct Keep<'a> {
    wanted: &'a Wanted,
}

impl Keep<'_> {
    fn node(&self, path: &FieldPath, desired: &Value, live: Option<&Value>) -> Option<Value> {
        let kind: &Kind = &self.wanted.kind;
        let ignore = &self.wanted.lifecycle.ignore;
        if ignore.iter().any(|pattern| pattern.covers(path)) {
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
