//! What the names in an environment's expressions mean, at one moment.

use super::expression::{Content, Datum, Names, Stop, Wrong};
use super::template::Scope;
use crate::model::{KindName, Kinds, Map, ResourceId, Value};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// The values behind `vars`, `secrets`, `metadata` and `resources`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// Evaluated variables; `None` for those that come later in their order.
    pub(crate) vars: &'a Map,
    /// Secrets by name; one that is declared and not here is not known.
    pub(crate) secrets: &'a BTreeMap<String, Value>,
    /// `name` and `labels`.
    pub(crate) metadata: &'a Map,
    /// What has been observed.
    pub(crate) outputs: &'a BTreeMap<ResourceId, Map>,
    /// The kind of each resource.
    pub(crate) resources: &'a BTreeMap<String, KindName>,
    /// What the kinds are.
    pub(crate) kinds: &'a Kinds,
}

impl Known<'_> {
    /// Finds an output and how many names its own name takes.
    fn output(&self, chain: &[String]) -> Option<(&Value, usize)> {
        let id = ResourceId::new(chain.get(1)?.as_str()).ok()?;
        let outputs = self.outputs.get(&id)?;
        (3..=chain.len()).rev().find_map(|used| {
            let name = chain.get(2..used)?.join(".");
            outputs.get(&name).map(|value| (value, used))
        })
    }
}

impl Names for Known<'_> {
    fn read(&self, chain: &[String]) -> Result<(Datum, usize), Stop> {
        let second = chain.get(1).map(String::as_str);
        match (chain.first().map(String::as_str), second) {
            (Some("vars"), Some(name)) => in_map(self.vars, name),
            (Some("vars"), None) => whole(self.vars),
            (Some("metadata"), Some(name)) => in_map(self.metadata, name),
            (Some("metadata"), None) => whole(self.metadata),
            (Some("secrets"), Some(name)) => match self.secrets.get(name) {
                Some(value) => Ok((Datum::from_value(value)?.sealed_if(true), 2)),
                None => Err(Stop::Unknown),
            },
            (Some("resources"), Some(_)) => match self.output(chain) {
                Some((value, used)) => Ok((Datum::from_value(value)?, used)),
                None => Err(Stop::Unknown),
            },
            _ => Err(Wrong::new(
                "unknown-name",
                format!("`{}` means nothing here", chain.join(".")),
            )
            .into()),
        }
    }
}

impl Scope for Known<'_> {
    fn missing(&self, chain: &[String]) -> Option<String> {
        let is_output = chain.first().is_some_and(|root| root == "resources");
        (is_output && self.output(chain).is_none())
            .then(|| chain.get(1).cloned())
            .flatten()
    }

    fn is_sensitive(&self, chain: &[String]) -> bool {
        let touches = |value: &Value| {
            let mut sealed = false;
            value.walk(&mut |node| {
                sealed |= match node {
                    Value::Secret(_) => true,
                    Value::Hole(hole) => hole.sensitive,
                    _ => false,
                };
            });
            sealed
        };
        match (chain.first().map(String::as_str), chain.get(1)) {
            (Some("secrets"), _) => true,
            (Some("vars"), Some(name)) => self.vars.get(name).is_some_and(touches),
            (Some("vars"), None) => self.vars.values().any(touches),
            (Some("resources"), Some(id)) => {
                match self.resources.get(id).and_then(|k| self.kinds.get(k)) {
                    Some(kind) => kind
                        .outputs
                        .iter()
                        .any(|output| output.sensitive && overlaps(&output.name, chain)),
                    None => true,
                }
            }
            _ => false,
        }
    }
}

/// Tells whether a chain reads this output, a part of it, or a group it belongs to.
pub(crate) fn overlaps(output: &str, chain: &[String]) -> bool {
    let asked = chain.get(2..).unwrap_or_default();
    output.split('.').zip(asked).all(|(a, b)| a == b)
}

fn in_map(map: &Map, name: &str) -> Result<(Datum, usize), Stop> {
    match map.get(name) {
        Some(value) => Ok((Datum::from_value(value)?, 2)),
        None => {
            let wrong = Wrong::new(super::expression::MISSING, format!("there is no `{name}`"));
            Err(wrong.near(name).into())
        }
    }
}

fn whole(map: &Map) -> Result<(Datum, usize), Stop> {
    let fields: IndexMap<String, Datum> = map
        .iter()
        .map(|(key, value)| Ok((key.clone(), Datum::from_value(value)?)))
        .collect::<Result<_, Stop>>()?;
    Ok((Datum::plain(Content::Map(fields)), 1))
}
