//! What breaks on the way: a create happens once, whatever is heard of it.

use super::{CLUSTER, RECORD, World, cluster, record, with};
use crate::peers::digitalocean::{Fault, Server};
use crate::peers::wait::until_so;
use reconciled::model::{Action, Class, Fault as _, Observation, Step};
use reconciled::provider::{Provider as _, ProviderError};
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn posts(server: &Server) -> usize {
    server
        .requests()
        .iter()
        .filter(|request| request.starts_with("POST"))
        .count()
}

#[tokio::test]
async fn a_create_that_is_not_answered_is_looked_up_and_never_sent_twice() {
    for fault in [
        Fault::Cut,
        Fault::Silence,
        Fault::Body(json!({ "database": null })),
    ] {
        let server = Server::start();
        let world = World::of(&server);
        let asked = world.asked("production/db", CLUSTER, &cluster("shop"));
        server.fail("POST", "databases", fault.clone());
        let applied = world.apply(&asked, Action::Create, None).await.unwrap();
        assert!(applied.external_id.is_some(), "{fault:?}");
        assert_eq!(server.writes(), ["POST databases shop"], "{fault:?}");
        assert_eq!(posts(&server), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_record_whose_making_was_not_answered_is_known_by_what_it_says() {
    let server = Server::start();
    server.account(|account| account.domains.insert("example.com".to_owned(), Vec::new()));
    let world = World::of(&server);
    let asked = world.asked(
        "production/mail",
        RECORD,
        &with(record("MX", "@", "mx.example.net."), "priority", 10),
    );
    server.fail("POST", "records", Fault::Cut);
    world.apply(&asked, Action::Create, None).await.unwrap();
    // Killed before it was recorded: the next start finds it, and making it again makes nothing.
    assert!(matches!(world.look(&asked).await, Observation::Present(_)));
    world.apply(&asked, Action::Create, None).await.unwrap();
    assert_eq!(server.writes(), ["POST records MX @"]);
}

#[tokio::test]
async fn a_create_that_failed_and_left_nothing_is_a_failure_that_passes() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked("production/db", CLUSTER, &cluster("shop"));
    server.fail("POST", "databases", Fault::Status(500, None));
    let error = world.apply(&asked, Action::Create, None).await.unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("server-error", Class::Transient)
    );
    assert!(
        !format!("{error} {error:?}").contains("canary"),
        "{error:?}"
    );
    assert_eq!(posts(&server), 1);
    world.apply(&asked, Action::Create, None).await.unwrap();
    assert_eq!(server.writes(), ["POST databases shop"]);
}

#[tokio::test]
async fn a_create_that_was_told_to_wait_waits_looks_and_is_sent_again() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked("production/db", CLUSTER, &cluster("shop"));
    server.fail(
        "POST",
        "databases",
        Fault::Status(429, Some(("retry-after", "1"))),
    );
    let began = std::time::Instant::now();
    world.apply(&asked, Action::Create, None).await.unwrap();
    assert!(
        began.elapsed() >= std::time::Duration::from_millis(990),
        "{:?}",
        began.elapsed()
    );
    let requests = server.requests();
    let verbs: Vec<&str> = requests
        .iter()
        .filter_map(|request| request.split(' ').next())
        .collect();
    assert_eq!(verbs, ["GET", "POST", "GET", "POST"]);
}

#[tokio::test]
async fn each_refusal_of_a_write_says_whose_move_it_is() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked("production/db", CLUSTER, &cluster("shop"));
    for (status, code, class) in [
        (401, "unauthorized", Class::Refused),
        (403, "forbidden", Class::Refused),
        (409, "conflict", Class::Transient),
        (422, "invalid", Class::User),
    ] {
        server.fail("POST", "databases", Fault::Status(status, None));
        let error = world.apply(&asked, Action::Create, None).await.unwrap_err();
        assert_eq!((error.code(), error.class()), (code, class), "{error}");
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
    assert_eq!(server.writes(), [""; 0]);
}

#[tokio::test]
async fn a_resize_that_is_cut_off_is_not_sent_again_while_it_goes_on() {
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
        &with(cluster("shop"), "num_nodes", 2),
    );
    let live = world.live(&asked).await;
    server.fail("PUT", "resize", Fault::Cut);
    world
        .apply(&asked, Action::Update, Some(&live))
        .await
        .unwrap_err();
    let again = world
        .apply(&asked, Action::Update, Some(&live))
        .await
        .unwrap();
    assert!(again.unchanged);
    assert_eq!(server.writes()[1..], ["PUT resize shop"]);
}

#[tokio::test]
async fn a_deletion_that_is_not_answered_is_finished_by_the_next() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked("production/db", CLUSTER, &cluster("shop"));
    world.apply(&asked, Action::Create, None).await.unwrap();
    let live = world.live(&asked).await;
    server.fail("DELETE", "databases", Fault::Silence);
    let first = world
        .apply(&asked, Action::Delete, Some(&live))
        .await
        .unwrap_err();
    assert_eq!(first.class(), Class::Transient);
    world
        .apply(&asked, Action::Delete, Some(&live))
        .await
        .unwrap();
    assert_eq!(server.writes().len(), 2);
}

#[tokio::test]
async fn a_stop_ends_the_wait_for_a_change_that_goes_on() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked("production/db", CLUSTER, &cluster("shop"));
    world.apply(&asked, Action::Create, None).await.unwrap();
    let larger = with(cluster("shop"), "num_nodes", 2);
    let asked = world.asked("production/db", CLUSTER, &larger);
    let live = world.live(&asked).await;
    server.account(|account| account.looks_until_online = u32::MAX);
    server.fail("PUT", "resize", Fault::Cut);
    let cut = world.apply(&asked, Action::Update, Some(&live)).await;
    cut.unwrap_err();
    let largest = with(cluster("shop"), "num_nodes", 3);
    let asked = world.asked("production/db", CLUSTER, &largest);
    let step = Step {
        deadline: Duration::from_secs(600),
        mark: None,
        ..world.step(&asked, Action::Update, None)
    };
    let stop = CancellationToken::new();
    let before = server.requests().len();
    let cancel = async {
        let waits = async || (server.requests().len() > before + 1).then_some(());
        until_so("it looks again", Duration::from_secs(180), waits).await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(world.rest.apply(&step, &stop), cancel);
    let told = ended.unwrap_err();
    assert!(matches!(told, ProviderError::Stopped { .. }), "{told}");
    assert_eq!(server.writes()[1..], ["PUT resize shop"]);
}
