//! The DigitalOcean kinds of `rest`, each in an account of its own. Requests and answers of two of the three subjects
//! pass DigitalOcean's own OpenAPI on the way.

use super::{CANARY, Edit, Subject};
use crate::peers::checked::Checked;
use crate::peers::digitalocean::{Server, TOKEN, in_front_of};
use async_trait::async_trait;
use reconciled::model::{DigestKey, Map, Secret, Value};
use reconciled::net::{Client, HttpSettings, Limiters};
use reconciled::provider::{Catalogue, Provider, Rest};
use serde_json::{Value as Json, json};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

conformance!(database_cluster, super::database_cluster);
conformance!(domain_record, super::domain_record);
conformance!(secret_record, super::secret_record);

/// One kind in one account.
pub(crate) struct InAccount {
    pub(crate) server: Server,
    judge: Option<Checked>,
    kind: &'static str,
    declared: Value,
    reordered: Option<Value>,
    mutations: Vec<(&'static str, Value)>,
    immutable: Vec<(&'static str, Value)>,
    edits: AtomicUsize,
}

fn with(base: &Value, field: &str, new: impl Into<Json>) -> Value {
    let mut fields = base.as_map().cloned().unwrap();
    fields.insert(field.to_owned(), Value::from_json(new.into()));
    Value::Map(fields)
}

async fn database_cluster() -> InAccount {
    let server = Server::start();
    server.account(|account| account.looks_until_online = 1);
    cluster_in(server).judged()
}

/// A cluster in an account, with nobody to judge.
pub(crate) fn cluster_in(server: Server) -> InAccount {
    let declared = Value::from_json(json!({
        "name": "shop", "engine": "pg", "version": "16", "region": "nyc3", "size": "db-s-1vcpu-1gb", "num_nodes": 1,
        "tags": ["Environment:production", "Owner:platform"],
    }));
    InAccount {
        judge: None,
        server,
        kind: "digitalocean/database-cluster",
        reordered: Some(with(
            &declared,
            "tags",
            json!(["Owner:platform", "Environment:production"]),
        )),
        mutations: vec![
            ("num_nodes", with(&declared, "num_nodes", 2)),
            ("size", with(&declared, "size", "db-s-2vcpu-4gb")),
            ("tags", with(&declared, "tags", json!(["Owner:shop"]))),
        ],
        immutable: vec![
            ("name", with(&declared, "name", "shop-2")),
            ("engine", with(&declared, "engine", "mysql")),
            ("region", with(&declared, "region", "fra1")),
        ],
        declared,
        edits: AtomicUsize::new(0),
    }
}

pub(crate) fn account_with_a_domain() -> Server {
    let server = Server::start();
    server.account(|account| account.domains.insert("example.com".to_owned(), Vec::new()));
    server
}

async fn domain_record() -> InAccount {
    let server = account_with_a_domain();
    record_in(server).judged()
}

/// A mail server's record in an account, with nobody to judge.
pub(crate) fn record_in(server: Server) -> InAccount {
    let declared = Value::from_json(json!({
        "domain": "example.com", "type": "MX", "name": "@", "data": "mx.example.net.", "priority": 10, "ttl": 600,
    }));
    InAccount {
        judge: None,
        server,
        kind: "digitalocean/domain-record",
        reordered: None,
        mutations: vec![
            ("ttl", with(&declared, "ttl", 1200)),
            ("priority", with(&declared, "priority", 20)),
            ("data", with(&declared, "data", "mx2.example.net.")),
        ],
        immutable: vec![("type", with(&declared, "type", "CNAME"))],
        declared,
        edits: AtomicUsize::new(0),
    }
}

async fn secret_record() -> InAccount {
    let mut declared =
        json!({ "domain": "example.com", "type": "TXT", "name": "_verify", "ttl": 600 });
    declared["data"] = Json::Null;
    let mut fields = Value::from_json(declared).as_map().cloned().unwrap();
    fields.insert("data".to_owned(), Value::Secret(Secret::new(CANARY)));
    let declared = Value::Map(fields);
    InAccount {
        judge: None,
        server: account_with_a_domain(),
        kind: "digitalocean/domain-record",
        reordered: None,
        mutations: vec![("ttl", with(&declared, "ttl", 1200))],
        immutable: vec![("type", with(&declared, "type", "A"))],
        declared,
        edits: AtomicUsize::new(0),
    }
}

impl InAccount {
    /// The same with a judge in front.
    fn judged(mut self) -> Self {
        self.judge = Some(in_front_of(self.server.url()));
        self
    }

    fn is_cluster(&self) -> bool {
        self.kind.ends_with("cluster")
    }

    /// Sends what a person's own client would.
    fn by_hand(&self, method: &str, path: &[&str], body: Json) {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        let answered = self.server.account(|account| {
            let asked = crate::peers::digitalocean::account::Asked {
                method,
                path: &path,
                query: &Default::default(),
                body: &body,
            };
            account.handle(&asked).status
        });
        assert!(answered < 300, "{answered}");
    }
}

#[async_trait]
impl Subject for InAccount {
    fn provider(&self) -> Arc<dyn Provider> {
        let fast = NonZeroU32::new(10_000).unwrap();
        let settings = HttpSettings {
            timeout: Duration::from_secs(5),
            ..HttpSettings::default()
        };
        let url = self.judge.as_ref().map_or(self.server.url(), Checked::url);
        let catalogue = Catalogue::built_in()
            .with_base_url("digitalocean", &url.parse().unwrap())
            .with_pace("digitalocean", fast, fast);
        Arc::new(Rest::new(
            Client::new(&settings).unwrap(),
            Limiters::default(),
            catalogue,
            DigestKey::new([7; 32]),
        ))
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn connection(&self) -> (&'static str, Value) {
        let token = ("token".to_owned(), Value::Secret(Secret::new(TOKEN)));
        ("digitalocean", Value::Map(Map::from_iter([token])))
    }

    fn declared(&self) -> Value {
        self.declared.clone()
    }

    fn reordered(&self) -> Option<Value> {
        self.reordered.clone()
    }

    fn mutations(&self) -> Vec<(&'static str, Value)> {
        self.mutations.clone()
    }

    fn immutable(&self) -> Vec<(&'static str, Value)> {
        self.immutable.clone()
    }

    async fn make_by_hand(&self) {
        let mut body = self.declared.exposed_json().unwrap();
        let fields = body.as_object_mut().unwrap();
        match fields.remove("domain") {
            None => self.by_hand("POST", &["v2", "databases"], body),
            Some(_) => self.by_hand("POST", &["v2", "domains", "example.com", "records"], body),
        }
    }

    async fn edit_by_hand(&self) -> Edit {
        let nth = self.edits.fetch_add(1, Ordering::SeqCst);
        let path = self.server.account(|account| {
            if self.is_cluster() {
                account.clusters[0]["num_nodes"] = json!(nth + 3);
                return "num_nodes";
            }
            account.domains.get_mut("example.com").unwrap()[0]["ttl"] = json!(nth + 31);
            "ttl"
        });
        Edit {
            path,
            who: None,
            when: false,
        }
    }

    async fn delete_by_hand(&self) {
        self.server.account(|account| {
            account.clusters.clear();
            account.domains.values_mut().for_each(Vec::clear);
        });
    }

    async fn fingerprint(&self) -> String {
        self.server.account(|account| {
            // The status moves by itself.
            let mut clusters = account.clusters.clone();
            clusters
                .iter_mut()
                .for_each(|cluster| cluster["status"] = Json::Null);
            json!([clusters, account.domains, account.writes]).to_string()
        })
    }

    async fn break_off(&self) {
        self.server.refuse_all(true);
    }

    async fn mend(&self) {
        self.server.refuse_all(false);
    }
}

impl Drop for InAccount {
    fn drop(&mut self) {
        if let Some(judge) = self.judge.as_ref().filter(|_| !std::thread::panicking()) {
            judge.assert_contract_kept();
        }
    }
}
