//! Environment -> wanted resources, what reads what, and in which order. Pure.
//!
//! ```text
//! build: secrets + vars -> connections, resources, members of folders -> waves
//! resolve: one wave + outputs so far -> Wanted        fill: one step + outputs -> its value, no holes
//! ```

mod allowance;
mod checked;
mod connections;
mod labels;
mod manifests;
mod members;
mod node;
mod objects;
mod order;
mod rendered;
mod renders;
#[cfg(test)]
mod tests;
mod twice;

pub use allowance::Allowance;
pub use order::Wave;
pub use twice::{Twice, declared_twice};

use crate::model::{
    Address, Connection, ConnectionName, Diagnostic, EnvironmentName, KindName, Kinds, Map, Notify,
    Reconcile, Render, ResourceId, Snapshot, Value, Wanted,
};
use crate::source::render::Rendered;
use crate::source::secrets::Secrets;
use crate::spec::Environment;
use crate::spec::expression::Fuel;
use crate::spec::manifests::has_members;
use crate::spec::names::Known;
use node::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One environment with its references followed.
#[derive(Clone, Debug)]
pub struct Graph {
    environment: EnvironmentName,
    reconcile: Reconcile,
    notify: Notify,
    labels: Vec<(String, String)>,
    connecting: BTreeMap<ConnectionName, crate::spec::Connecting>,
    connections: BTreeMap<ConnectionName, Arc<Connection>>,
    nodes: Vec<Node>,
    waves: Vec<Wave>,
    values: Values,
    objects: Vec<twice::Object>,
    warnings: Vec<Diagnostic>,
}

/// What names mean, apart from outputs.
#[derive(Clone, Debug)]
struct Values {
    vars: Map,
    secrets: BTreeMap<String, Value>,
    metadata: Map,
    resources: BTreeMap<String, KindName>,
    kinds: Kinds,
}

impl Values {
    fn known<'a>(&'a self, outputs: &'a BTreeMap<ResourceId, Map>) -> Known<'a> {
        Known {
            vars: &self.vars,
            secrets: &self.secrets,
            metadata: &self.metadata,
            outputs,
            resources: &self.resources,
            kinds: &self.kinds,
        }
    }
}

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
    let one = |declared| renders::of(declared, &known, &fuel, &mut Vec::new());
    let renders = environment.resources.iter().filter_map(one).collect();
    allowance.spend(&fuel);
    renders
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
        renders::of(declared, &known, fuel, &mut wrong);
    }
    let mut warnings = Vec::new();
    let mut nodes = node::expand(
        environment,
        kinds,
        (snapshot, rendered),
        &mut wrong,
        &mut warnings,
    );
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
    if !wrong.is_empty() {
        wrong.sort_by(|a, b| a.location.cmp(&b.location));
        wrong.dedup();
        return Err(wrong);
    }
    Ok(Graph {
        environment: environment.name.clone(),
        reconcile: environment.reconcile.clone(),
        notify: environment.notify.clone(),
        labels: environment.labels.clone(),
        connecting: environment.connections.clone(),
        connections,
        nodes,
        waves,
        values,
        objects,
        warnings,
    })
}

impl Graph {
    /// Returns whose graph it is.
    pub fn environment(&self) -> &EnvironmentName {
        &self.environment
    }

    /// Returns how the environment wants to be kept; `destroy` is told there, and then nothing of
    /// what the graph resolves is wanted any more.
    pub fn reconcile(&self) -> &Reconcile {
        &self.reconcile
    }

    /// Returns who is told.
    pub fn notify(&self) -> &Notify {
        &self.notify
    }

    /// Returns what is worth a look but no mistake.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Returns every connection, with holes where it reads outputs.
    pub fn connections(&self) -> &BTreeMap<ConnectionName, Arc<Connection>> {
        &self.connections
    }

    /// Returns every connection, filled as far as outputs are known.
    pub fn connections_with(
        &self,
        outputs: &BTreeMap<ResourceId, Map>,
    ) -> BTreeMap<ConnectionName, Arc<Connection>> {
        let known = self.values.known(outputs);
        connections::resolve(&self.connecting, &known, &Fuel::full(), &mut Vec::new())
    }

    /// Returns every address it declares, members included.
    pub fn addresses(&self) -> BTreeSet<Address> {
        self.nodes.iter().map(|node| node.address.clone()).collect()
    }

    /// Returns its resources in waves: what one wave answers fills the expressions of the next.
    pub fn waves(&self) -> &[Wave] {
        &self.waves
    }

    /// Returns the resources of a wave as Git wants them, filled as far as outputs are known. What an
    /// expression cannot compute from these outputs stays a hole; `fill` says why.
    pub fn resolve(&self, wave: &Wave, outputs: &BTreeMap<ResourceId, Map>) -> Vec<Wanted> {
        let known = self.values.known(outputs);
        let fuel = Fuel::full();
        let connections = connections::resolve(&self.connecting, &known, &fuel, &mut Vec::new());
        let nodes = wave.0.iter().filter_map(|nth| self.nodes.get(*nth));
        nodes
            .filter_map(|node| {
                let desired = node.desired(&self.labels, &known, &fuel, &mut Vec::new());
                Some(Wanted {
                    address: node.address.clone(),
                    kind: Arc::clone(&node.kind),
                    connection: Arc::clone(connections.get(&node.connection)?),
                    identity: self.values.kinds.identity(&node.kind, &desired),
                    desired,
                    after: node.after.clone(),
                    lifecycle: node.lifecycle.clone(),
                    location: node.place.location(),
                })
            })
            .collect()
    }

    /// Returns the declared fields of one resource with every hole filled.
    ///
    /// # Errors
    /// What is still not known, or why an expression cannot be computed, as a sentence fragment.
    pub fn fill(
        &self,
        address: &Address,
        outputs: &BTreeMap<ResourceId, Map>,
    ) -> Result<Value, String> {
        let node = self.nodes.iter().find(|node| node.address == *address);
        let node = node.ok_or_else(|| format!("{address} is not declared"))?;
        let known = self.values.known(outputs);
        let mut wrong = Vec::new();
        let desired = node.desired(&self.labels, &known, &Fuel::full(), &mut wrong);
        if let Some(first) = wrong.first() {
            let at = &first.location;
            return Err(format!(
                "{} ({}:{}:{})",
                first.message, at.file, at.line, at.column
            ));
        }
        match desired.holes().first() {
            Some(hole) => Err(format!("`{}` is not known yet", hole.template)),
            None => Ok(desired),
        }
    }
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

fn values(
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
