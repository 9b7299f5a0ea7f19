//! Writing: create, change, take over, replace, delete, each behind its guards.

use super::{CLUSTER, RECORD, World, cluster, ours, record, shown, with};
use crate::peers::digitalocean::Server;
use reconciled::model::{Action, Fault as _, Health, Value};
use reconciled::provider::ProviderError;
use serde_json::json;

fn domain(server: &Server) {
    server.account(|account| account.domains.insert("example.com".to_owned(), Vec::new()));
}

#[tokio::test]
async fn a_cluster_takes_its_time_and_is_then_ready_with_its_outputs() {
    let server = Server::start();
    server.account(|account| account.looks_until_online = 3);
    let world = World::of(&server);
    let asked = world.asked("production/db", CLUSTER, &cluster("shop"));
    let applied = world.apply(&asked, Action::Create, None).await.unwrap();
    assert_eq!(
        applied.health,
        Health::Progressing("its status is creating".to_owned())
    );
    assert!(!shown(&applied).contains("canary"));
    let mut looks = 0;
    let live = loop {
        let live = world.live(&asked).await;
        looks += 1;
        if live.health == Health::Ready {
            break live;
        }
        assert!(looks < 10, "{live:?}");
    };
    assert_eq!((looks, live.owner), (4, ours("production/db")));
    assert_eq!(live.external_id, applied.external_id);
    assert_eq!(
        Some(live.mark),
        applied.mark,
        "the status is no part of the mark"
    );
    assert_eq!(
        server.account(|account| account.cluster("shop").unwrap()["tags"].clone()),
        json!(["Environment:production", "reconciled:production:db"])
    );
}

#[tokio::test]
async fn only_what_changed_is_written_and_the_next_look_is_equal() {
    let server = Server::start();
    let world = World::of(&server);
    let first = world.asked("production/db", CLUSTER, &cluster("shop"));
    world.apply(&first, Action::Create, None).await.unwrap();
    let wanted = with(
        with(cluster("shop"), "size", "db-s-2vcpu-4gb"),
        "tags",
        json!(["Owner:platform"]),
    );
    let asked = world.asked("production/db", CLUSTER, &wanted);
    let live = world.live(&asked).await;
    world
        .apply(&asked, Action::Update, Some(&live))
        .await
        .unwrap();
    assert_eq!(
        server.writes(),
        [
            "POST databases shop",
            "take tag Environment:production",
            "put tag Owner:platform",
            "PUT resize shop"
        ]
    );
    let after = world.live(&asked).await;
    assert_eq!(
        after.value.get("size"),
        Some(&Value::from("db-s-2vcpu-4gb"))
    );
    assert_eq!(after.owner, ours("production/db"));
    // The same step again, as after a kill: nothing is sent.
    let again = world
        .apply(&asked, Action::Update, Some(&live))
        .await
        .unwrap();
    assert!(again.unchanged);
    assert_eq!(server.writes().len(), 4);
}

#[tokio::test]
async fn two_slow_changes_wait_for_each_other() {
    let server = Server::start();
    let world = World::of(&server);
    world
        .apply(
            &world.asked("production/db", CLUSTER, &cluster("shop")),
            Action::Create,
            None,
        )
        .await
        .unwrap();
    server.account(|account| account.looks_until_online = 2);
    let asked = world.asked(
        "production/db",
        CLUSTER,
        &with(with(cluster("shop"), "version", "18"), "num_nodes", 2),
    );
    let live = world.live(&asked).await;
    let applied = world
        .apply(&asked, Action::Update, Some(&live))
        .await
        .unwrap();
    assert_eq!(
        server.writes()[1..],
        ["PUT resize shop", "PUT upgrade shop"]
    );
    assert_eq!(
        applied.health,
        Health::Progressing("its status is migrating".to_owned())
    );
}

#[tokio::test]
async fn what_cannot_change_is_refused_and_nothing_is_written() {
    let server = Server::start();
    let world = World::of(&server);
    world
        .apply(
            &world.asked("production/db", CLUSTER, &cluster("shop")),
            Action::Create,
            None,
        )
        .await
        .unwrap();
    let asked = world.asked(
        "production/db",
        CLUSTER,
        &with(cluster("shop"), "region", "fra1"),
    );
    let live = world.live(&asked).await;
    let error = world
        .apply(&asked, Action::Update, Some(&live))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), server.writes().len()),
        ("immutable", 1),
        "{error}"
    );
    assert!(error.to_string().contains("region"), "{error}");
}

#[tokio::test]
async fn a_replacement_deletes_before_it_makes() {
    let server = Server::start();
    let world = World::of(&server);
    world
        .apply(
            &world.asked("production/db", CLUSTER, &cluster("shop")),
            Action::Create,
            None,
        )
        .await
        .unwrap();
    let asked = world.asked(
        "production/db",
        CLUSTER,
        &with(cluster("shop"), "region", "fra1"),
    );
    let live = world.live(&asked).await;
    world
        .apply(&asked, Action::Replace, Some(&live))
        .await
        .unwrap();
    let id = live.external_id.unwrap();
    assert_eq!(
        server.writes()[1..],
        [
            format!("DELETE databases {id}"),
            "POST databases shop".to_owned()
        ]
    );
    assert_eq!(
        world.live(&asked).await.value.get("region"),
        Some(&Value::from("fra1"))
    );
}

#[tokio::test]
async fn what_carries_another_s_mark_or_none_is_neither_changed_nor_deleted() {
    let server = Server::start();
    let world = World::of(&server);
    world
        .apply(
            &world.asked("staging/db", CLUSTER, &cluster("shop")),
            Action::Create,
            None,
        )
        .await
        .unwrap();
    let asked = world.asked(
        "production/db",
        CLUSTER,
        &with(cluster("shop"), "num_nodes", 2),
    );
    for action in [Action::Update, Action::Delete, Action::Replace] {
        let live = world.live(&asked).await;
        assert_eq!(live.owner, ours("staging/db"));
        let error = world.apply(&asked, action, Some(&live)).await.unwrap_err();
        assert_eq!(error.code(), "not-ours", "{error}");
        assert!(error.to_string().contains("staging/db"), "{error}");
    }
    server.account(|account| account.cluster("shop").unwrap()["tags"] = json!([]));
    let live = world.live(&asked).await;
    assert_eq!(
        world
            .apply(&asked, Action::Delete, Some(&live))
            .await
            .unwrap_err()
            .code(),
        "not-ours"
    );
    assert_eq!(server.writes().len(), 1);
}

#[tokio::test]
async fn taking_over_moves_the_mark_and_changes_what_differs() {
    let server = Server::start();
    let world = World::of(&server);
    world
        .apply(
            &world.asked("old/db", CLUSTER, &cluster("shop")),
            Action::Create,
            None,
        )
        .await
        .unwrap();
    let asked = world.asked(
        "production/db",
        CLUSTER,
        &with(cluster("shop"), "num_nodes", 2),
    );
    let live = world.live(&asked).await;
    world
        .apply(&asked, Action::Adopt, Some(&live))
        .await
        .unwrap();
    assert_eq!(
        server.writes()[1..],
        [
            "take tag reconciled:old:db",
            "put tag reconciled:production:db",
            "PUT resize shop"
        ]
    );
    assert_eq!(world.live(&asked).await.owner, ours("production/db"));
}

#[tokio::test]
async fn what_moved_since_it_was_planned_is_left_alone() {
    let server = Server::start();
    let world = World::of(&server);
    world
        .apply(
            &world.asked("production/db", CLUSTER, &cluster("shop")),
            Action::Create,
            None,
        )
        .await
        .unwrap();
    let asked = world.asked(
        "production/db",
        CLUSTER,
        &with(cluster("shop"), "num_nodes", 2),
    );
    let live = world.live(&asked).await;
    server.account(|account| account.cluster("shop").unwrap()["size"] = "db-s-4vcpu-8gb".into());
    for action in [Action::Update, Action::Delete, Action::Replace] {
        assert!(matches!(
            world.apply(&asked, action, Some(&live)).await,
            Err(ProviderError::Moved { .. })
        ));
    }
    let another = world.asked(
        "production/db",
        CLUSTER,
        &with(cluster("shop"), "num_nodes", 3),
    );
    assert!(matches!(
        world.apply(&another, Action::Create, None).await,
        Err(ProviderError::Moved { .. })
    ));
    assert_eq!(server.writes().len(), 1);
}

#[tokio::test]
async fn a_record_is_made_changed_in_place_and_deleted_by_its_recorded_id() {
    let server = Server::start();
    domain(&server);
    let world = World::of(&server);
    let asked = world.asked(
        "production/www",
        RECORD,
        &with(record("A", "www", "192.0.2.1"), "ttl", 600),
    );
    let applied = world.apply(&asked, Action::Create, None).await.unwrap();
    assert_eq!(
        world.live(&asked).await.owner,
        None,
        "without a record nothing proves it"
    );
    let wanted = with(
        with(record("A", "www", "192.0.2.9"), "ttl", 600),
        "priority",
        json!(null),
    );
    let asked = world.owned(&world.asked("production/www", RECORD, &wanted), &applied);
    let live = world.live(&asked).await;
    assert_eq!(live.owner, ours("production/www"));
    world
        .apply(&asked, Action::Update, Some(&live))
        .await
        .unwrap();
    let live = world.live(&asked).await;
    assert_eq!(live.value.get("data"), Some(&Value::from("192.0.2.9")));
    assert_eq!(live.external_id, applied.external_id);
    world
        .apply(&asked, Action::Delete, Some(&live))
        .await
        .unwrap();
    assert_eq!(
        server.account(|account| account.domains["example.com"].len()),
        0
    );
    world
        .apply(&asked, Action::Delete, Some(&live))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_record_that_somebody_made_anew_is_not_ours_to_delete() {
    let server = Server::start();
    domain(&server);
    let world = World::of(&server);
    let asked = world.asked("production/www", RECORD, &record("A", "www", "192.0.2.1"));
    let applied = world.apply(&asked, Action::Create, None).await.unwrap();
    let asked = world.owned(&asked, &applied);
    let planned = world.live(&asked).await;
    server.account(|account| account.domains.get_mut("example.com").unwrap()[0]["id"] = json!(999));
    assert_eq!(world.live(&asked).await.owner, None);
    // By the id that is gone there is nothing left to delete, and the new one stays.
    world
        .apply(&asked, Action::Delete, Some(&planned))
        .await
        .unwrap();
    let there = server.account(|account| account.domains["example.com"][0]["id"].clone());
    assert_eq!(there, json!(999));
    let error = world
        .apply(&asked, Action::Update, Some(&planned))
        .await
        .unwrap_err();
    assert!(matches!(error, ProviderError::Moved { .. }), "{error}");
}

#[tokio::test]
async fn an_empty_identity_is_never_sent() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked(
        "production/www",
        RECORD,
        &with(record("A", "www", "192.0.2.1"), "domain", ""),
    );
    let error = world.apply(&asked, Action::Create, None).await.unwrap_err();
    assert_eq!(error.code(), "no-identity", "{error}");
    assert_eq!(server.requests(), [""; 0]);
}
