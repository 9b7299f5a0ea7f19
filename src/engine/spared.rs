//! What an environment has and declares no more, and must not delete yet: Git may declare it somewhere else, where
//! nobody can tell now.

use super::{CycleError, Everywhere, Pinned, World, rollback};
use crate::graph::Graph;
use crate::model::{Action, Address, Connection, DigestKey, Owned};
use crate::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns why what a plan would delete is to stay, by its address. Reads only where something is to be deleted.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn of(
    world: &World,
    (pinned, everywhere): (&Pinned, &Everywhere),
    (graph, owned): (&Graph, &[Owned]),
    plan: &Plan,
) -> Result<BTreeMap<Address, String>, CycleError> {
    let is_deleted = |address: &Address| {
        let mut steps = plan.steps.iter();
        steps.any(|step| step.address == *address && step.action == Action::Delete)
    };
    let left: Vec<&Owned> = owned
        .iter()
        .filter(|owned| !graph.has(&owned.address) && is_deleted(&owned.address))
        .collect();
    let mut spared = BTreeMap::new();
    if left.is_empty() {
        return Ok(spared);
    }
    let is_back = rollback::keeping(world, pinned).await?.is_some();
    for owned in left {
        let why = match declared_elsewhere(world, everywhere, (graph, owned)).await? {
            None if is_back && !world.ledger.made(&owned.address).await? => Some(
                "the state it is rolled back from took it over as it was: it is not for a rollback to delete"
                    .to_owned(),
            ),
            why => why,
        };
        spared.extend(why.map(|why| (owned.address.clone(), why)));
    }
    Ok(spared)
}

/// Returns why something may declare what is to be deleted.
async fn declared_elsewhere(
    world: &World,
    everywhere: &Everywhere,
    (graph, owned): (&Graph, &Owned),
) -> Result<Option<String>, CycleError> {
    for to in everywhere.may_declare_it(graph, owned) {
        let known = world.ledger.owned_at(to).await?;
        let sides = (
            everywhere.connection_of(to),
            graph.connections().get(&owned.connection),
        );
        let tells = |known: &Owned| are_told_apart((known, owned), sides, &world.digest_key);
        if !known.is_some_and(|known| tells(&known)) {
            return Ok(Some(format!("{to} may be just that object")));
        }
    }
    Ok(everywhere.may_declare_unread(graph, owned))
}

/// Tells whether two records are of two objects, by the ids that the live side gave them, each seen where its side leads
/// now: by another secret, that may be just where the other's is.
fn are_told_apart(
    (one, other): (&Owned, &Owned),
    (there, here): (Option<&Arc<Connection>>, Option<&Arc<Connection>>),
    key: &DigestKey,
) -> bool {
    let is_told = |record: &Owned, through: Option<&Arc<Connection>>| {
        through.is_some_and(|connection| record.is_told_through(connection, key))
    };
    one.is_a_namesake_of(other) && is_told(one, there) && is_told(other, here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConnectionName, Secret, Value};
    use serde_json::json;

    fn through(secret: &str) -> Arc<Connection> {
        let kubeconfig = Value::Secret(Secret::new(secret));
        Arc::new(Connection {
            name: ConnectionName::new("cluster").unwrap(),
            provider: "kubernetes".to_owned(),
            settings: Value::Map(
                [("kubeconfig".to_owned(), kubeconfig)]
                    .into_iter()
                    .collect(),
            ),
            location: None,
        })
    }

    fn record(id: &str, connection: &Connection, key: &DigestKey) -> Owned {
        let mut owned: Owned = serde_json::from_value(json!({
            "address": "shop/page", "kind": "kubernetes/object", "connection": "cluster",
            "identity": [["name", "page"]], "external_id": id, "applied": {}, "protected": false,
        }))
        .unwrap();
        owned.place = connection.leads_to();
        owned.through = connection.fingerprint(key);
        owned
    }

    #[test]
    fn an_id_tells_nothing_once_another_secret_leads_elsewhere() {
        let key = DigestKey::new([7; 32]);
        let (staging, production) = (through("staging"), through("production"));
        let seen = (record("1", &staging, &key), record("2", &production, &key));
        let tells = |there: &Arc<Connection>, here: &Arc<Connection>| {
            are_told_apart((&seen.0, &seen.1), (Some(there), Some(here)), &key)
        };
        assert!(tells(&staging, &production));
        // The secret of one leads to the other's cluster now, or to a third.
        assert!(!tells(&production, &production));
        assert!(!tells(&staging, &staging));
        assert!(!tells(&through("third"), &production));
        assert!(!are_told_apart(
            (&seen.0, &seen.1),
            (None, Some(&production)),
            &key
        ));
        // An older record does not say through what its id was seen.
        let mut older = seen.0.clone();
        older.through = None;
        let sides = (Some(&staging), Some(&production));
        assert!(!are_told_apart((&older, &seen.1), sides, &key));
    }
}
