//! The rest provider against a DigitalOcean account that keeps state, breaks and delays on demand.

mod apply;
mod catalogue;
mod contract;
mod crash;

mod faults;
mod observe;

use crate::peers::digitalocean::{Server, TOKEN};
use reconciled::model::{
    Action, Address, Applied, Asked, Connection, ConnectionName, Depth, Digest, DigestKey, Kind,
    KindName, Live, Map, Observation, Owned, Secret, Step, Value,
};
use reconciled::net::{Client, HttpSettings, Limiters};
use reconciled::provider::{Catalogue, Provider as _, ProviderError, Rest};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const CLUSTER: &str = "digitalocean/database-cluster";
const RECORD: &str = "digitalocean/domain-record";

/// The ledger's key.
fn key() -> DigestKey {
    DigestKey::new([7; 32])
}

/// A provider that reaches one address, and the questions and steps that an engine would make.
struct World {
    rest: Rest,
    token: &'static str,
}

impl World {
    fn at(url: &str) -> Self {
        let fast = NonZeroU32::new(10_000).unwrap();
        let settings = HttpSettings {
            timeout: Duration::from_secs(2),
            ..HttpSettings::default()
        };
        let catalogue = Catalogue::built_in()
            .with_base_url("digitalocean", &url.parse().unwrap())
            .with_pace("digitalocean", fast, fast);
        Self {
            rest: Rest::new(
                Client::new(&settings).unwrap(),
                Limiters::default(),
                catalogue,
                key(),
            ),
            token: TOKEN,
        }
    }

    fn of(server: &Server) -> Self {
        Self::at(server.url())
    }

    fn row(&self, kind: &str) -> &Kind {
        self.rest
            .kinds()
            .iter()
            .find(|row| row.name.as_str() == kind)
            .unwrap()
    }

    fn asked(&self, address: &str, kind: &str, desired: &Json) -> Asked {
        let desired = self.row(kind).sealed(Value::from_json(desired.clone()));
        let settings =
            Map::from_iter([("token".to_owned(), Value::Secret(Secret::new(self.token)))]);
        Asked {
            address: address.parse().unwrap(),
            kind: KindName::new(kind),
            connection: Arc::new(Connection {
                name: ConnectionName::new("do").unwrap(),
                provider: "digitalocean".to_owned(),
                settings: Value::Map(settings),
                location: None,
            }),
            identity: self
                .row(kind)
                .identity_with(&desired, Some(&key()))
                .unwrap(),
            desired: Some(desired.into()),
            owned: None,
            depth: Depth::Predict,
            is_read: true,
            afresh: false,
            ignore: Vec::new(),
            health: Vec::new(),
        }
    }

    async fn look(&self, asked: &Asked) -> Observation {
        let mut seen = self.rest.observe(std::slice::from_ref(asked)).await;
        let nth = seen
            .iter()
            .position(|seen| seen.address == asked.address)
            .unwrap();
        seen.swap_remove(nth).observation
    }

    async fn live(&self, asked: &Asked) -> Live {
        match self.look(asked).await {
            Observation::Present(live) => *live,
            other => panic!("{other:?}"),
        }
    }

    fn step(&self, asked: &Asked, action: Action, live: Option<&Live>) -> Step {
        let row = self.row(asked.kind.as_str());
        let recorded = asked
            .owned
            .as_ref()
            .and_then(|owned| owned.external_id.clone());
        Step {
            address: asked.address.clone(),
            kind: asked.kind.clone(),
            connection: asked.connection.clone(),
            identity: asked.identity.clone(),
            action,
            reason: None,
            desired: asked.desired.clone().filter(|_| action != Action::Delete),
            changes: Vec::new(),
            mark: live.map(|live| live.mark.clone()),
            external_id: live.and_then(|live| live.external_id.clone()).or(recorded),
            payload: None,
            ignore: Vec::new(),
            yielded: Vec::new(),
            touched_by: Vec::new(),
            after: BTreeSet::new(),
            wave: 0,
            unready: None,
            gone_by: None,
            unknown: None,
            refused: false,
            unmarked: false,
            stateful: false,
            passing: false,
            protected: false,
            is_read: true,
            deadline: row.deadline.min(Duration::from_secs(5)),
            health: Vec::new(),
        }
    }

    async fn apply(
        &self,
        asked: &Asked,
        action: Action,
        live: Option<&Live>,
    ) -> Result<Applied, ProviderError> {
        let stop = CancellationToken::new();
        self.rest
            .apply(&self.step(asked, action, live), &stop)
            .await
    }

    /// What the ledger would remember of a resource that was applied.
    fn owned(&self, asked: &Asked, applied: &Applied) -> Asked {
        let owned = Owned {
            address: asked.address.clone(),
            kind: asked.kind.clone(),
            connection: asked.connection.name.clone(),
            place: asked.connection.leads_to(),
            through: None,
            identity: asked.identity.clone(),
            external_id: applied.external_id.clone(),
            applied: key().sealed_json(asked.desired.as_ref().unwrap()).into(),
            protected: false,
            done: false,
            unproven: false,
            leaving: false,
            verdict: None,
            after: std::collections::BTreeSet::new(),
        };
        Asked {
            owned: Some(Arc::new(owned)),
            ..asked.clone()
        }
    }
}

fn cluster(name: &str) -> Json {
    json!({ "name": name, "engine": "pg", "version": "17", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1, "tags": ["Environment:production"] })
}

fn record(kind: &str, name: &str, data: &str) -> Json {
    json!({ "domain": "example.com", "type": kind, "name": name, "data": data })
}

fn with(mut desired: Json, field: &str, value: impl Into<Json>) -> Json {
    desired[field] = value.into();
    desired
}

fn ours(address: &str) -> Option<reconciled::model::Owner> {
    Some(reconciled::model::Owner::Resource(
        address.parse::<Address>().unwrap(),
    ))
}

/// Everything a value could show to people, for canaries.
fn shown(what: &impl std::fmt::Debug) -> String {
    format!("{what:?} {what:#?} {}", Digest::of("").short())
}
