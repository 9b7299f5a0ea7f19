//! A cloud account that counts every creation it was asked for.

use super::super::World;
use super::{Counterpart, Files, NAME, Object, converges};
use crate::peers::digitalocean::{Server, TOKEN};
use std::collections::BTreeMap;

struct Cloud {
    server: Server,
    commits: Vec<Files>,
}

impl Cloud {
    fn fresh(world: &World, commits: &[&str]) -> Self {
        let server = Server::start();
        server.account(|account| {
            account.domains.insert("example.com".into(), Vec::new());
            account.looks_until_online = 1;
        });
        world.settings(|settings| {
            settings["providers"]["rest"]["baseUrls"]["digitalocean"] = server.url().into();
        });
        world.variable("DO_TOKEN", TOKEN);
        let commits = commits
            .iter()
            .map(|text| vec![("shop.yaml", environment(text))]);
        Self {
            server,
            commits: commits.collect(),
        }
    }
}

impl Counterpart for Cloud {
    fn commits(&self) -> Vec<Files> {
        self.commits.clone()
    }

    fn objects(&self, _world: &World) -> BTreeMap<String, Object> {
        self.server.account(|account| {
            let clusters = account.clusters.iter().map(|one| {
                let state = format!("{} {}", one["num_nodes"], one["tags"]);
                (one["name"].to_string(), state, one["id"].to_string())
            });
            let records = account.domains.values().flatten().map(|one| {
                (
                    one["name"].to_string(),
                    one["data"].to_string(),
                    one["id"].to_string(),
                )
            });
            let all = clusters.chain(records);
            all.map(|(name, state, identity)| (name, Object { state, identity }))
                .collect()
        })
    }

    fn creations(&self) -> Vec<String> {
        let mut writes = self.server.writes();
        writes.retain(|write| write.starts_with("POST"));
        writes
    }
}

fn environment(resources: &str) -> String {
    format!(
        "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: {{ name: {NAME} }}
spec:
  secrets: {{ token: {{ env: DO_TOKEN }} }}
  connections: {{ do: {{ provider: digitalocean, token: \"${{secrets.token}}\" }} }}
  reconcile: {{ interval: 1s, deletionBudget: {{ count: 9, percent: 100 }} }}
  resources:
{resources}"
    )
}

const DATABASE: &str = "    db: { kind: digitalocean/database-cluster, spec: { name: shop, engine: pg, version: \"17\", size: db-s-1vcpu-1gb, region: nyc3, num_nodes: 1 } }\n";

#[test]
fn killed_at_any_point_of_a_creation_it_makes_nothing_twice() {
    let record = "    www: { kind: digitalocean/domain-record, spec: { domain: example.com, type: CNAME, name: db, data: \"${resources.db.connection.host}.\" } }\n";
    let text = format!("{DATABASE}{record}");
    converges(|world| Cloud::fresh(world, &[&text]));
}

#[test]
fn killed_at_any_point_of_a_change_and_a_removal_it_does_each_once() {
    let record = |name: &str, data: &str| {
        format!(
            "    {name}: {{ kind: digitalocean/domain-record, spec: {{ domain: example.com, type: A, name: {name}, data: {data} }} }}\n"
        )
    };
    let before = format!(
        "{}{}",
        record("www", "192.0.2.1"),
        record("old", "192.0.2.3")
    );
    let after = record("www", "192.0.2.2");
    converges(|world| Cloud::fresh(world, &[&before, &after]));
}
