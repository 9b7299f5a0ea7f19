//! What other environments have or declare, for what would take it along: a container that is deleted.

use super::{Everywhere, World};
use crate::ledger::LedgerError;
use crate::model::{Connection, EnvironmentName, Owned};
use crate::plan::Beside;
use std::sync::Arc;

/// Returns what every environment but one has by the ledger or declares, wherever that is.
pub(super) async fn of(
    world: &World,
    everywhere: &Everywhere,
    environment: &EnvironmentName,
) -> Result<Vec<Beside>, LedgerError> {
    let records = world.ledger.owned_beside(environment).await?;
    let mut beside = everywhere.beside(environment);
    let recorded = records.into_iter().map(|owned| {
        let declared = everywhere.connection(&owned.address.environment, &owned.connection);
        recorded(owned, declared)
    });
    beside.extend(recorded);
    beside.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(beside)
}

/// Returns what a record says, through the connection as it is declared now. Where that leads elsewhere meanwhile it
/// says nothing of what was left behind.
fn recorded(owned: Owned, declared: Option<Arc<Connection>>) -> Beside {
    let connection = declared.filter(|declared| owned.left_behind_by(declared).is_none());
    Beside {
        connection,
        provider: owned.kind.provider().to_owned(),
        address: owned.address,
        place: owned.place,
        identity: owned.identity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConnectionName, Value};

    #[test]
    fn what_was_left_behind_is_where_it_was_applied() {
        let owned: Owned = serde_json::from_value(serde_json::json!({
            "address": "staging/web", "kind": "kubernetes/object", "connection": "k", "place": "context prod",
            "identity": [["/namespace", "shop"]], "external_id": null, "applied": {}, "protected": false,
        }))
        .unwrap();
        let to = |context: &str| {
            let settings = serde_json::json!({ "context": context });
            let connection = Connection {
                name: ConnectionName::new("k").unwrap(),
                provider: "kubernetes".to_owned(),
                settings: Value::from_json(settings),
                location: None,
            };
            recorded(owned.clone(), Some(Arc::new(connection)))
        };
        assert!(to("prod").connection.is_some());
        let left = to("staging");
        assert_eq!(
            (left.connection, left.place.as_deref()),
            (None, Some("context prod"))
        );
    }
}
