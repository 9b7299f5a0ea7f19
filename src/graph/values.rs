//! What the names of an environment mean, apart from outputs: variables, secrets, metadata, resources.

use crate::model::{Diagnostic, Hole, KindName, Kinds, Map, ResourceId, Value};
use crate::source::secrets::Secrets;
use crate::spec::Environment;
use crate::spec::expression::Fuel;
use crate::spec::names::Known;
use std::collections::{BTreeMap, BTreeSet};

/// What names mean, apart from outputs.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) vars: Map,
    pub(super) secrets: BTreeMap<String, Value>,
    pub(super) metadata: Map,
    pub(super) resources: BTreeMap<String, KindName>,
    pub(super) kinds: Kinds,
}

impl Values {
    pub(super) fn known<'a>(&'a self, outputs: &'a BTreeMap<ResourceId, Map>) -> Known<'a> {
        Known {
            vars: &self.vars,
            secrets: &self.secrets,
            metadata: &self.metadata,
            outputs,
            resources: &self.resources,
            kinds: &self.kinds,
        }
    }

    /// Tells whether these are its secrets, and all of them.
    pub(super) fn has(&self, secrets: &Secrets) -> bool {
        let same = |(name, value): (&String, &Value)| match (secrets.values.get(name), value) {
            (Some(one), Value::Secret(other)) => one.expose() == other.expose(),
            _ => false,
        };
        self.secrets.len() == secrets.values.len() && self.secrets.iter().all(same)
    }

    /// Returns them with holes in the places of secrets and of what was computed from one.
    pub(super) fn without_secrets(&self) -> Self {
        Self {
            vars: opened(&self.vars),
            // What is in no map is not known.
            secrets: BTreeMap::new(),
            ..self.clone()
        }
    }
}

/// Returns fields with holes in the places of secrets.
pub(super) fn opened(fields: &Map) -> Map {
    let one = |(name, value): (&String, &Value)| (name.clone(), open(value));
    fields.iter().map(one).collect()
}

fn open(value: &Value) -> Value {
    match value {
        Value::Secret(_) => Value::from(Hole {
            template: String::new(),
            needs: BTreeSet::new(),
            sensitive: true,
        }),
        Value::Map(fields) => Value::Map(opened(fields)),
        Value::List(items) => Value::List(items.iter().map(open).collect()),
        other => other.clone(),
    }
}

/// Computes what they mean; notes what cannot be computed.
pub(super) fn values(
    environment: &Environment,
    secrets: &Secrets,
    kinds: &Kinds,
    fuel: &Fuel,
    wrong: &mut Vec<Diagnostic>,
) -> Values {
    let text = |text: &str| Value::String(text.to_owned());
    let labels: Map = environment
        .labels
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect();
    let metadata: Map = [
        ("name".to_owned(), text(environment.name.as_str())),
        ("labels".to_owned(), Value::Map(labels)),
    ]
    .into_iter()
    .collect();
    let sealed = |(name, secret): (&String, &crate::model::Secret)| {
        (name.clone(), Value::Secret(secret.clone()))
    };
    let mut values = Values {
        vars: Map::new(),
        secrets: secrets.values.iter().map(sealed).collect(),
        metadata,
        resources: environment.kinds_of_resources(),
        kinds: kinds.clone(),
    };
    let nothing = BTreeMap::new();
    for (name, template) in &environment.vars {
        let value = template.resolve(&values.known(&nothing), fuel, wrong);
        values.vars.insert(name.clone(), value);
    }
    values
}
