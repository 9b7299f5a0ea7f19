//! What the ledger knows under the same address elsewhere: another connection, another place, another name.

use super::Facts;
use crate::model::{Owned, Wanted};

/// Tells that the ledger knows another live object under this address: making or taking over a
/// second one would leave the first behind.
pub(super) fn moved(wanted: &Wanted, owned: Option<&Owned>, facts: &Facts<'_>) -> Option<String> {
    let owned = owned.filter(|owned| owned.address == wanted.address)?;
    let old = facts.connections.get(&owned.connection);
    // One that is no longer declared may just have got another name; nothing there can be reached.
    let elsewhere = old.filter(|old| {
        old.name != wanted.connection.name
            && old.settings != wanted.connection.settings
            && !old.reaches_object(&wanted.connection, &owned.identity)
    });
    if let (None, Some(place)) = (elsewhere, owned.left_behind_by(&wanted.connection)) {
        return Some(format!(
            "it was applied at {place}, where its connection {} does not lead any more, and would be left behind there: leave that connection as it was, declare one for the new place, and give what is to be there another id",
            wanted.connection.name
        ));
    }
    let was = match (elsewhere, &wanted.identity) {
        (Some(old), _) => format!("applied through the connection {}", old.name),
        (None, Some(identity)) if *identity != owned.identity && old.is_some() => {
            format!("applied as {}", owned.identity)
        }
        _ => return None,
    };
    Some(format!(
        "it was {was}, which would be left behind: give it another id, so that the old one is deleted and the new one made"
    ))
}
