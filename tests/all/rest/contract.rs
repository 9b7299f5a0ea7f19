//! The whole life of both kinds, judged by DigitalOcean's own OpenAPI: every request of ours and every answer of the
//! account that the other tests rely on.

use super::{CLUSTER, RECORD, World, cluster, record, with};
use crate::peers::digitalocean::{Server, TOKEN, in_front_of};
use reconciled::model::Action;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_s_life_is_as_digitalocean_describes_it() {
    let server = Server::start();
    server.account(|account| account.looks_until_online = 1);
    let judge = in_front_of(server.url());
    let world = World::at(judge.url());
    let asked = world.asked("old/db", CLUSTER, &cluster("shop"));
    world.look(&asked).await;
    world.apply(&asked, Action::Create, None).await.unwrap();
    let wanted = with(with(cluster("shop"), "num_nodes", 2), "version", "18");
    let asked = world.asked(
        "production/db",
        CLUSTER,
        &with(wanted, "tags", json!(["Owner:platform"])),
    );
    let live = world.live(&asked).await;
    world
        .apply(&asked, Action::Adopt, Some(&live))
        .await
        .unwrap();
    let live = world.live(&asked).await;
    world
        .apply(&asked, Action::Delete, Some(&live))
        .await
        .unwrap();
    assert_eq!(server.writes().len(), 8, "{:?}", server.writes());
    judge.assert_contract_kept();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_every_type_live_as_digitalocean_describes_them() {
    let server = Server::start();
    server.account(|account| account.domains.insert("example.com".to_owned(), Vec::new()));
    let judge = in_front_of(server.url());
    let world = World::at(judge.url());
    let priority = |kind, name, data| with(record(kind, name, data), "priority", 10);
    for desired in [
        record("A", "www", "192.0.2.1"),
        record("AAAA", "www", "2001:db8::1"),
        record("CNAME", "shop", "www.example.com."),
        record("TXT", "@", "v=spf1 -all"),
        record("NS", "sub", "ns1.example.net."),
        priority("MX", "@", "mx.example.net."),
        with(
            with(
                priority("SRV", "_sip._tcp", "sip.example.net."),
                "port",
                5060,
            ),
            "weight",
            5,
        ),
        with(
            with(record("CAA", "@", "letsencrypt.org."), "flags", 0),
            "tag",
            "issue",
        ),
    ] {
        let asked = world.asked("production/record", RECORD, &desired);
        let applied = world.apply(&asked, Action::Create, None).await.unwrap();
        let asked = world.owned(
            &world.asked("production/record", RECORD, &with(desired, "ttl", 300)),
            &applied,
        );
        let live = world.live(&asked).await;
        world
            .apply(&asked, Action::Update, Some(&live))
            .await
            .unwrap();
        assert!(
            world
                .apply(&asked, Action::Update, Some(&live))
                .await
                .unwrap()
                .unchanged
        );
        let live = world.live(&asked).await;
        world
            .apply(&asked, Action::Delete, Some(&live))
            .await
            .unwrap();
    }
    judge.assert_contract_kept();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_refuses_what_digitalocean_does_not_describe() {
    let server = Server::start();
    let judge = in_front_of(server.url());
    let send = |body| {
        judge
            .send("POST", "/v2/databases", Some(TOKEN), Some(&body))
            .0
    };
    assert_eq!(send(with(cluster("shop"), "nodes", 2)), 418);
    assert_eq!(send(with(cluster("shop"), "num_nodes", "two")), 418);
    assert_eq!(server.requests(), [""; 0]);
    server.account(|account| account.clusters.push(json!({ "name": "half" })));
    assert_eq!(judge.send("GET", "/v2/databases", Some(TOKEN), None).0, 200);
    let faults = judge.faults();
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("answer/databases/0")),
        "{faults:?}"
    );
}
