//! Steps for tests of this room, and of those below it.

use crate::model::{
    Action, Address, Connection, ConnectionName, Digest, EnvironmentName, Identity, KindName,
    ResourceId, Revision, Step, Value,
};
use crate::plan::Plan;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn address(id: &str) -> Address {
    Address::new(
        EnvironmentName::new("test").unwrap(),
        ResourceId::new(id).unwrap(),
    )
}

pub(crate) fn step(id: &str, action: Action, wave: i32, after: &[&str]) -> Step {
    Step {
        address: address(id),
        kind: KindName::new("test/thing"),
        connection: Arc::new(Connection {
            name: ConnectionName::new("host").unwrap(),
            provider: "host".into(),
            settings: Value::Null,
            location: None,
        }),
        identity: Identity(Vec::new()),
        action,
        reason: None,
        desired: None,
        changes: Vec::new(),
        mark: None,
        external_id: None,
        payload: None,
        ignore: Vec::new(),
        yielded: Vec::new(),
        touched_by: Vec::new(),
        after: after.iter().map(|id| address(id)).collect(),
        wave,
        unready: None,
        gone_by: None,
        unknown: None,
        refused: false,
        unmarked: false,
        stateful: false,
        passing: false,
        protected: false,
        is_read: false,
        deadline: Duration::from_secs(1),
        health: Vec::new(),
    }
}

/// A plan of these steps, held by nothing.
pub(crate) fn plan_of(mut steps: Vec<Step>) -> Plan {
    steps.sort_by(|one, other| one.address.cmp(&other.address));
    Plan {
        environment: EnvironmentName::new("test").unwrap(),
        revision: Revision::new("abc"),
        steps,
        beside: 0,
        secrets: std::sync::Arc::default(),
        records: Vec::new(),
        next_window: None,
        released: Vec::new(),
        holds: Vec::new(),
        hash: Digest::of(""),
    }
}
