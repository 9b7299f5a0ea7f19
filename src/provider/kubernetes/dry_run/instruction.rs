//! How a predicted write is sent: what the dry-run found out, carried through the plan in a step's
//! payload, which nobody else reads.

use crate::model::{FieldPath, Map, Segment, Value};
use crate::provider::kubernetes::fields::managed;
use crate::provider::kubernetes::scalers::Claim;
use serde_json::Value as Json;

/// How a write is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Instruction {
    /// Fields that are left out, since other managers keep them.
    pub(crate) without: Vec<Claim>,
    /// Fields that are sent as they are live at that moment, since something scales the workload.
    pub(crate) kept: Vec<Claim>,
    /// Fields that people added and that are taken off, as a set of the server's notation.
    pub(crate) added: Option<Json>,
    /// Declared fields that the dry-run gave as they are live, whatever is sent.
    pub(crate) foretold: Vec<FieldPath>,
}

impl Instruction {
    /// Writes it down for a step.
    pub(crate) fn payload(&self) -> Value {
        let pairs = |claims: &[Claim]| {
            let pair = |(field, owner): &Claim| {
                Value::List(vec![field.clone().into(), owner.clone().into()])
            };
            Value::List(claims.iter().map(pair).collect())
        };
        let mut map = Map::new();
        map.insert("without".to_owned(), pairs(&self.without));
        map.insert("kept".to_owned(), pairs(&self.kept));
        if let Some(added) = &self.added {
            map.insert("added".to_owned(), Value::from_json(added.clone()));
        }
        if !self.foretold.is_empty() {
            let paths = self.foretold.iter().map(written).collect();
            map.insert("foretold".to_owned(), Value::List(paths));
        }
        Value::Map(map)
    }

    /// Reads it back from a step.
    pub(crate) fn read(payload: &Value) -> Option<Self> {
        let pairs = |name: &str| {
            let pairs = payload.get(name)?.as_list()?.iter();
            pairs
                .map(|pair| match pair.as_list()? {
                    [field, owner] => {
                        Some((field.as_str()?.to_owned(), owner.as_str()?.to_owned()))
                    }
                    _ => None,
                })
                .collect::<Option<Vec<Claim>>>()
        };
        Some(Self {
            without: pairs("without")?,
            kept: pairs("kept")?,
            added: payload.get("added").and_then(Value::exposed_json),
            foretold: match payload.get("foretold") {
                Some(paths) => paths.as_list()?.iter().map(read).collect::<Option<_>>()?,
                None => Vec::new(),
            },
        })
    }

    /// Returns what the server told, as far as this write changes it.
    pub(crate) fn as_far_as_ours(&self, live: &Json, told: Json, sent: &Json) -> Json {
        managed::as_far_as_ours(live, told, sent, self.added.as_ref())
    }

    /// Tells whether a field is known to be left to somebody.
    pub(crate) fn has(&self, field: &str) -> bool {
        let mut all = self.without.iter().chain(&self.kept);
        all.any(|(known, _)| known == field)
    }

    /// Returns every field that is not written, and whose it is.
    pub(crate) fn yielded(&self) -> Vec<Claim> {
        self.without.iter().chain(&self.kept).cloned().collect()
    }
}

/// Writes down a place: a field by its name, an item of a list by its keys.
fn written(path: &FieldPath) -> Value {
    let segment = |segment: &Segment| match segment {
        Segment::Key(key) => Value::from(key.clone()),
        Segment::Index(nth) => Value::from(nth.to_string()),
        Segment::Item(keys) => {
            let keys = keys.iter().cloned();
            Value::Map(keys.map(|(key, text)| (key, text.into())).collect())
        }
    };
    Value::List(path.0.iter().map(segment).collect())
}

fn read(path: &Value) -> Option<FieldPath> {
    let segment = |segment: &Value| match segment {
        Value::String(key) => Some(Segment::Key(key.clone())),
        Value::Map(keys) => {
            let keys = keys.iter();
            let pair =
                |(key, text): (&String, &Value)| Some((key.clone(), text.as_str()?.to_owned()));
            keys.map(pair).collect::<Option<_>>().map(Segment::Item)
        }
        _ => None,
    };
    let segments = path.as_list()?.iter().map(segment);
    segments.collect::<Option<_>>().map(FieldPath)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_instruction_survives_the_plan() {
        let claim = |field: &str, who: &str| vec![(field.to_owned(), who.to_owned())];
        let whole = Instruction {
            without: claim(".spec.replicas", "keda-operator"),
            kept: claim(".spec.paused", "HorizontalPodAutoscaler api"),
            added: Some(json!({ "f:spec": { "f:tty": {} } })),
            foretold: vec![FieldPath(vec![
                Segment::Key("containers".to_owned()),
                Segment::Item(vec![("name".to_owned(), "api".to_owned())]),
            ])],
        };
        assert_eq!(Instruction::read(&whole.payload()), Some(whole));
    }
}
