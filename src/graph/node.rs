//! One resource of the graph: declared by itself, or a member of one that is many objects.

use super::labels;
use super::members::Members;
use crate::model::{
    Address, ConnectionName, Diagnostic, Identity, Kind, Kinds, Lifecycle, PathPattern, Snapshot,
    Value,
};
use crate::source::render::Rendered;
use crate::spec::expression::Fuel;
use crate::spec::manifests::has_members;
use crate::spec::template::{Scope, Template};
use crate::spec::{Declared, Environment};
use crate::yaml::Place;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One resource.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) address: Address,
    pub(super) kind: Arc<Kind>,
    pub(super) connection: ConnectionName,
    pub(super) spec: Arc<Template>,
    pub(super) lifecycle: Lifecycle,
    pub(super) place: Place,
    /// Which of the environment's declarations it comes from.
    pub(super) declared: usize,
    /// What has to be there before; set by `order`.
    pub(super) after: BTreeSet<Address>,
    /// Whether an expression reads what it answers; set by `order`.
    pub(super) is_read: bool,
}

impl Node {
    pub(super) fn new(environment: &Environment, declared: usize, of: &Declared) -> Self {
        Self {
            address: Address::new(environment.name.clone(), of.id.clone()),
            kind: Arc::clone(&of.kind),
            connection: of.connection.clone(),
            spec: Arc::new(of.spec.clone()),
            lifecycle: of.lifecycle.clone(),
            place: of.place.clone(),
            declared,
            after: BTreeSet::new(),
            is_read: false,
        }
    }

    /// Returns the declared fields: labelled, filled as far as it is known, sealed by the kind's row.
    pub(super) fn desired(
        &self,
        of_environment: &[(String, String)],
        scope: &dyn Scope,
        fuel: &Fuel,
        wrong: &mut Vec<Diagnostic>,
    ) -> Value {
        let plain = self.spec.resolve(scope, fuel, wrong);
        let labelled = match &self.kind.labels {
            Some(rule) => labels::applied(plain, rule, of_environment),
            None => plain,
        };
        self.kind.sealed(labelled)
    }

    /// Returns which object is meant; one that says nothing about it is a mistake.
    pub(super) fn identity(
        &self,
        desired: &Value,
        kinds: &Kinds,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<Identity> {
        if let Some(field) = self.kind.secret_identity(desired) {
            wrong.push(self.secret_identity(field));
            return None;
        }
        let identity = kinds.identity(&self.kind, desired)?;
        let is_empty = identity.0.iter().all(|(_, value)| value.is_empty());
        if is_empty && !identity.0.is_empty() {
            let fields: Vec<String> = self.kind.identity.iter().map(ToString::to_string).collect();
            let message = format!("{} names no {}", self.address.resource, self.kind.name);
            let error = self.place.error("missing-identity", message);
            wrong.push(error.with_hint(format!("Give it {}.", fields.join(", "))));
            return None;
        }
        Some(identity)
    }
}

impl Node {
    /// Says, without the value, that a field that is shown everywhere cannot be a secret.
    fn secret_identity(&self, field: &PathPattern) -> Diagnostic {
        let mut parts = field.parts().iter();
        let at = parts.try_fold(&*self.spec, |at, part| at.get(part));
        let place = at.map_or(&self.place, |at| &at.place);
        let message = format!(
            "{field} says which object it is, which is shown and recorded everywhere: it cannot be a secret"
        );
        let error = place.error("secret-identity", message);
        error.with_hint("Write it out, or read it from vars.")
    }
}

/// Returns every resource, those that are many objects as their members.
pub(super) fn expand(
    environment: &Environment,
    kinds: &Kinds,
    (snapshot, rendered): (&Snapshot, &Rendered),
    wrong: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (nth, declared) in environment.resources.iter().enumerate() {
        let node = Node::new(environment, nth, declared);
        if has_members(&declared.kind) {
            let mut members = Members {
                of: &node,
                kinds,
                snapshot,
                rendered,
                wrong,
                warnings,
            };
            nodes.extend(members.members());
        } else {
            nodes.push(node);
        }
    }
    nodes
}
