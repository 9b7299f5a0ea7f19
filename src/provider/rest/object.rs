//! One live object as an API answers it, read by its entry: value, outputs, mark, what differs.

use super::entry::Entry;
use super::ownership::owner_of;
use crate::model::{
    Digest, FieldPath, Health, Identity, Kind, ListRule, Live, Map, Mark, Owner, Secret, Value,
};
use serde_json::{Map as JsonMap, Value as Json};

/// One live object.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) entry: &'a Entry,
    pub(super) row: &'a Kind,
    /// What was asked for: fields that stand in the path are answered from it.
    pub(super) identity: &'a Identity,
    pub(super) body: &'a Json,
}

impl Object<'_> {
    /// Returns the fields that can be declared and no others: what an API adds tomorrow may be secret.
    pub(super) fn fields(&self) -> JsonMap<String, Json> {
        let mut fields = JsonMap::new();
        for name in self.entry.fields.keys() {
            if self.entry.ownership.is_tags(name) {
                let tags = self.entry.ownership.tags(self.body);
                let plain = tags.into_iter().filter(|tag| owner_of(tag).is_none());
                fields.insert(name.clone(), plain.map(Json::from).collect());
            } else if let Some(value) = self.body.get(name) {
                fields.insert(name.clone(), value.clone());
            }
        }
        fields
    }

    /// Returns the live value, spelled like the declared one where both are the same, and sealed where
    /// that is.
    pub(super) fn value(&self, desired: Option<&Value>) -> Value {
        let mut value = Map::new();
        for name in &self.entry.path_only {
            if let Some(text) = self.identity.get(&format!("/{name}")) {
                value.insert(name.clone(), Value::from(text));
            }
        }
        for (name, live) in self.fields() {
            let declared = desired.and_then(|desired| desired.get(&name));
            let live = self.respelled(&name, live, declared);
            value.insert(name, seal_like(Value::from_json(live), declared));
        }
        self.row.sealed(Value::Map(value))
    }

    /// Returns what was seen, for a plan.
    pub(super) fn live(&self, desired: Option<&Value>, owner: Option<Owner>) -> Live {
        Live {
            value: self.value(desired).into(),
            outputs: self.outputs(),
            prediction: None,
            owner,
            mark: self.mark(),
            external_id: self.entry.id_of(self.body),
            health: self.health(),
            going_since: None,
            touched_by: Vec::new(),
            lists: Vec::new(),
            verdict: None,
            applied_by: None,
        }
    }

    /// Returns what expressions can read, secrets sealed.
    pub(super) fn outputs(&self) -> Map {
        let one = |output: &super::entry::OutputEntry| {
            let value = output.at.of(self.body).filter(|value| !value.is_null())?;
            let value = match output.sensitive {
                true => Value::Secret(Secret::from_json(value)),
                false => Value::from_json(value.clone()),
            };
            Some((output.name.clone(), value))
        };
        self.entry.outputs.iter().filter_map(one).collect()
    }

    /// Returns the state it is in: its id and every field that does not move by itself. The mark says
    /// the same whoever asks, so nothing declared goes into it.
    pub(super) fn mark(&self) -> Mark {
        let mut fields = self.fields();
        fields.retain(|name, _| !self.entry.wait.is_status(name));
        if let Some(tags) = fields.values_mut().find_map(|value| value.as_array_mut()) {
            tags.sort_by_key(ToString::to_string);
        }
        fields.sort_keys();
        let id = self.entry.id_of(self.body);
        Mark(
            Digest::of(serde_json::json!([id, fields]).to_string())
                .as_str()
                .to_owned(),
        )
    }

    pub(super) fn health(&self) -> Health {
        self.entry.wait.health(self.body)
    }

    /// Returns the declared fields that live does not equal, in the order they were declared.
    pub(super) fn differing<'d>(&self, desired: &'d Value) -> Vec<&'d str> {
        let live = self.value(Some(desired));
        let declared = desired.as_map().into_iter().flatten();
        declared
            .filter(|(name, _)| !self.entry.path_only.contains(name))
            .filter(|(name, wanted)| {
                let rule = self.row.list_rule(&FieldPath::default().key(name.as_str()));
                !same(wanted, live.get(name), rule)
            })
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn respelled(&self, name: &str, live: Json, declared: Option<&Value>) -> Json {
        let declared = match declared {
            Some(Value::String(text)) => text.as_str(),
            Some(Value::Secret(secret)) => secret.expose(),
            _ => return live,
        };
        match &live {
            Json::String(text)
                if self
                    .entry
                    .same_spelling(name, self.body, self.identity, text, declared) =>
            {
                Json::String(declared.to_owned())
            }
            _ => live,
        }
    }
}

/// Seals the live side of what is sealed on the declared side: both show nothing, or one gives the other away.
fn seal_like(live: Value, declared: Option<&Value>) -> Value {
    let mut sealed = false;
    if let Some(declared) = declared {
        declared.walk(&mut |node| {
            sealed |= match node {
                Value::Secret(_) => true,
                Value::Hole(hole) => hole.sensitive,
                _ => false,
            };
        });
    }
    if sealed { live.sealed() } else { live }
}

/// Seals what was sealed when it was applied: with nothing declared any more, only the ledger knows.
pub(super) fn sealed_as_recorded(live: Value, applied: &Json) -> Value {
    let Value::Map(fields) = live else {
        return live;
    };
    let one = |(name, value): (String, Value)| match applied.get(&name) {
        Some(recorded) if holds_secret(recorded) => (name, value.sealed()),
        _ => (name, value),
    };
    Value::Map(fields.into_iter().map(one).collect())
}

/// Tells whether a recorded value holds a digest in a secret's place, as `DigestKey::sealed_json` writes it.
fn holds_secret(recorded: &Json) -> bool {
    match recorded {
        Json::Object(fields) => fields.contains_key("$secret") || fields.values().any(holds_secret),
        Json::Array(items) => items.iter().any(holds_secret),
        _ => false,
    }
}

fn same(wanted: &Value, live: Option<&Value>, rule: Option<&ListRule>) -> bool {
    let (Some(wanted), live) = (wanted.exposed_json(), live.and_then(Value::exposed_json)) else {
        return false;
    };
    match (wanted, live) {
        (Json::Null, None) => true,
        (Json::Array(wanted), Some(Json::Array(live))) if rule == Some(&ListRule::Set) => {
            sorted(wanted) == sorted(live)
        }
        (wanted, live) => Some(wanted) == live,
    }
}

fn sorted(items: Vec<Json>) -> Vec<String> {
    let mut texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.sort();
    texts
}
