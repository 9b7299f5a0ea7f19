//! Connections with their expressions resolved. One that reads an output is a node like any other:
//! it has holes until the output is known.

use crate::model::{Connection, ConnectionName, Diagnostic};
use crate::spec::Connecting;
use crate::spec::expression::Fuel;
use crate::spec::template::Scope;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn resolve(
    connecting: &BTreeMap<ConnectionName, Connecting>,
    scope: &dyn Scope,
    fuel: &Fuel,
    wrong: &mut Vec<Diagnostic>,
) -> BTreeMap<ConnectionName, Arc<Connection>> {
    let one = |(name, connecting): (&ConnectionName, &Connecting)| {
        let connection = Connection {
            name: name.clone(),
            provider: connecting.provider.clone(),
            settings: connecting.settings.resolve(scope, fuel, wrong),
            location: Some(connecting.place.location()),
        };
        (name.clone(), Arc::new(connection))
    };
    connecting.iter().map(one).collect()
}
