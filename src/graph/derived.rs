//! What resources make of secrets: encoded, joined, cut. Whoever sees one elsewhere has the secret, or part of it.

use super::Graph;
use crate::model::{Address, Secret, Value};
use std::collections::BTreeMap;

/// Computes it, as far as that needs no output: an output that is secret is known by itself.
pub(super) fn derived(graph: &Graph) -> Vec<Secret> {
    if graph.values.secrets.is_empty() {
        return Vec::new();
    }
    let outputs = BTreeMap::new();
    let wanted = graph.waves.iter();
    let wanted = wanted.flat_map(|wave| graph.resolve(wave, &outputs));
    let sealed: BTreeMap<Address, _> = wanted
        .filter(|one| !one.desired.secret_places().is_empty())
        .map(|one| (one.address, one.desired))
        .collect();
    let said = graph.without_secrets(&sealed.keys().cloned().collect(), &outputs);
    let mut found = Vec::new();
    for (address, desired) in &sealed {
        if let Some(said) = said.get(address) {
            note(desired, said, &mut found);
        }
    }
    // A file with a secret in it is told by that; its other lines may stand anywhere.
    found.retain(|secret| !secret.expose().trim_end().contains('\n'));
    found.sort_by(|one, other| one.expose().cmp(other.expose()));
    found.dedup();
    found
}

/// Notes what is secret for being made of a secret. What the spec writes out in a secret place is no
/// such: it may stand openly in others.
fn note(desired: &Value, said: &Value, found: &mut Vec<Secret>) {
    match (desired, said) {
        (_, Value::Hole(_)) => desired.walk(&mut |node| {
            if let Value::Secret(secret) = node {
                found.push(secret.clone());
            }
        }),
        (Value::Map(fields), Value::Map(others)) => {
            let pairs = fields.iter();
            let pairs = pairs.filter_map(|(key, field)| Some((field, others.get(key)?)));
            pairs.for_each(|(field, other)| note(field, other, found));
        }
        (Value::List(items), Value::List(others)) => {
            let pairs = items.iter().zip(others);
            pairs.for_each(|(item, other)| note(item, other, found));
        }
        _ => {}
    }
}
