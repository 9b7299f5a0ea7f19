//! What waits for a secret that cannot be read at present: resources, and connections with all behind them.

use super::node::Node;
use crate::model::{Address, ConnectionName, Unknown};
use crate::source::secrets::Secrets;
use crate::spec::Environment;
use crate::spec::template::Template;
use std::collections::BTreeMap;

/// Why resources and connections cannot be told about.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    resources: BTreeMap<Address, Unknown>,
    connections: BTreeMap<ConnectionName, Unknown>,
}

impl Waiting {
    pub(super) fn of(environment: &Environment, nodes: &[Node], secrets: &Secrets) -> Self {
        if secrets.unread.is_empty() {
            return Self::default();
        }
        let reads = environment.secret_reads();
        let why = |template: &Template, whose: &str| {
            let names = reads.of(template);
            let (name, why) = secrets
                .unread
                .iter()
                .find(|(name, _)| names.contains(*name))?;
            let reason = format!("the secret `{name}`{whose} cannot be read: {}", why.reason);
            Some(Unknown {
                reason,
                ..why.clone()
            })
        };
        let connections: BTreeMap<_, _> = environment
            .connections
            .iter()
            .filter_map(|(name, connecting)| {
                let why = why(&connecting.settings, &format!(" of the connection {name}"))?;
                Some((name.clone(), why))
            })
            .collect();
        let resources = nodes.iter().filter_map(|node| {
            let through = || connections.get(&node.connection).cloned();
            let why = why(&node.spec, "").or_else(through)?;
            Some((node.address.clone(), why))
        });
        Self {
            resources: resources.collect(),
            connections,
        }
    }

    /// Returns why nothing can be told about a resource; `None` where something can.
    pub(super) fn resource(&self, address: &Address) -> Option<&Unknown> {
        self.resources.get(address)
    }

    /// The same of a connection.
    pub(super) fn connection(&self, name: &ConnectionName) -> Option<&Unknown> {
        self.connections.get(name)
    }
}
