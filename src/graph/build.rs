//! Environment -> graph: secrets and variables, connections, resources and their members, waves.

use super::allowance::Allowance;
use super::node::Node;
use super::renders as rendering;
use super::unread::Waiting;
use super::values::values;
use super::{Graph, checked, connections, node, order, protecting, ruled, twice};
use crate::model::{Connection, ConnectionName, Diagnostic, Kinds, Render, Snapshot};
use crate::source::render::Rendered;
use crate::source::secrets::Secrets;
use crate::spec::Environment;
use crate::spec::expression::Fuel;
use crate::spec::manifests::has_members;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Returns what has to be rendered before the graph of an environment can be built. What is wrong
/// with the rest is told by [`build`].
pub fn renders(
    environment: &Environment,
    secrets: &Secrets,
    kinds: &Kinds,
    allowance: &Allowance,
) -> Vec<Render> {
    if !environment
        .resources
        .iter()
        .any(|one| has_members(&one.kind))
    {
        return Vec::new();
    }
    let (fuel, nothing) = (allowance.fuel(), BTreeMap::new());
    let values = values(environment, secrets, kinds, &fuel, &mut Vec::new());
    let known = values.known(&nothing);
    let one = |declared| rendering::of(declared, &known, &fuel, &mut Vec::new());
    let renders = environment.resources.iter().filter_map(one).collect();
    allowance.spend(&fuel);
    renders
}

/// Returns the connections of an environment as far as these secrets tell. What is wrong with them is
/// told by [`build`].
pub fn connections_of(
    environment: &Environment,
    secrets: &Secrets,
    kinds: &Kinds,
    allowance: &Allowance,
) -> BTreeMap<ConnectionName, Arc<Connection>> {
    let (fuel, nothing) = (allowance.fuel(), BTreeMap::new());
    let values = values(environment, secrets, kinds, &fuel, &mut Vec::new());
    let known = values.known(&nothing);
    let connections =
        connections::resolve(&environment.connections, &known, &fuel, &mut Vec::new());
    allowance.spend(&fuel);
    connections
}

/// Follows every reference of an environment.
///
/// A secret that is in neither map of `secrets` is taken as not known: its places are sensitive
/// holes. So a spec can be checked where its secrets are not at hand. Likewise what is in neither map
/// of `rendered` has no members here; a graph to plan from needs every one of [`renders`].
///
/// # Errors
/// Every mistake that shows without the live side, located: missing secrets, wrong types in
/// expressions, circles, manifests that cannot be read, one object declared twice.
pub fn build(
    environment: &Environment,
    outside: (&Secrets, &Rendered),
    kinds: &Kinds,
    snapshot: &Snapshot,
) -> Result<Graph, Vec<Diagnostic>> {
    build_within(environment, outside, kinds, snapshot, &Allowance::default())
}

/// Like [`build`], from what is left for the environments of one repository.
///
/// # Errors
/// As of [`build`], and that nothing is left.
pub fn build_within(
    environment: &Environment,
    outside: (&Secrets, &Rendered),
    kinds: &Kinds,
    snapshot: &Snapshot,
    allowance: &Allowance,
) -> Result<Graph, Vec<Diagnostic>> {
    let fuel = allowance.fuel();
    let built = build_with(environment, outside, kinds, snapshot, &fuel);
    allowance.spend(&fuel);
    built
}

fn build_with(
    environment: &Environment,
    (secrets, rendered): (&Secrets, &Rendered),
    kinds: &Kinds,
    snapshot: &Snapshot,
    fuel: &Fuel,
) -> Result<Graph, Vec<Diagnostic>> {
    let mut wrong = missing_secrets(environment, secrets);
    let values = values(environment, secrets, kinds, fuel, &mut wrong);
    let nothing = BTreeMap::new();
    let known = values.known(&nothing);
    let connections = connections::resolve(&environment.connections, &known, fuel, &mut wrong);
    for (name, connecting) in &environment.connections {
        if let Some(connection) = connections.get(name) {
            checked::settings(connecting, &connection.settings, kinds, &mut wrong);
        }
    }
    for declared in &environment.resources {
        rendering::of(declared, &known, fuel, &mut wrong);
    }
    let mut warnings = Vec::new();
    let mut nodes = node::expand(
        environment,
        kinds,
        (snapshot, rendered),
        &mut wrong,
        &mut warnings,
    );
    warnings.extend(worth_a_look(environment, kinds, &nodes));
    let waves = order::waves(environment, &mut nodes, &mut wrong);
    let mut objects = Vec::new();
    for node in &nodes {
        let desired = node.desired(&environment.labels, &known, fuel, &mut wrong);
        checked::spec(node, &desired, &mut wrong);
        let connection = connections.get(&node.connection);
        if let (Some(identity), Some(connection)) =
            (node.identity(&desired, kinds, &mut wrong), connection)
        {
            objects.push(twice::Object::new(node, identity, connection));
        }
    }
    wrong.extend(twice::within(&objects));
    none_of(wrong)?;
    Ok(Graph {
        environment: environment.name.clone(),
        reconcile: environment.reconcile.clone(),
        notify: environment.notify.clone(),
        labels: environment.labels.clone(),
        connecting: environment.connections.clone(),
        connections,
        waiting: Waiting::of(environment, &nodes, secrets),
        sorted: sorted(&nodes),
        nodes,
        waves,
        values,
        objects,
        warnings,
        derived: OnceLock::new(),
    })
}

/// Returns what is no mistake and does nothing.
fn worth_a_look(environment: &Environment, kinds: &Kinds, nodes: &[Node]) -> Vec<Diagnostic> {
    let mut warnings = ruled::warnings(&environment.resources, nodes);
    warnings.extend(protecting::warnings(environment, kinds, nodes));
    warnings
}

fn sorted(nodes: &[Node]) -> Vec<usize> {
    let mut sorted: Vec<usize> = (0..nodes.len()).collect();
    sorted.sort_by(|one, other| nodes[*one].address.cmp(&nodes[*other].address));
    sorted
}

fn none_of(mut wrong: Vec<Diagnostic>) -> Result<(), Vec<Diagnostic>> {
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.sort_by(|a, b| a.location.cmp(&b.location));
    wrong.dedup();
    Err(wrong)
}

fn missing_secrets(environment: &Environment, secrets: &Secrets) -> Vec<Diagnostic> {
    use crate::model::Fault as _;
    let one = |(name, error): (&String, &crate::source::SourceError)| {
        let found = environment.secret_error(name, format!("failed to {error}"));
        match error.hint() {
            Some(hint) => found.with_hint(hint),
            None => found,
        }
    };
    secrets.missing.iter().map(one).collect()
}
