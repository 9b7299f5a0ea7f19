//! Looking: what is there, what is not, and what could not be told.

use super::{CLUSTER, RECORD, World, cluster, key, ours, record, shown};
use crate::peers::digitalocean::{Fault, Server};
use reconciled::model::{Action, Asked, Class, Observation, Secret, Value};
use reconciled::provider::Provider as _;
use serde_json::json;
use std::sync::Arc;

fn unknown(observation: Observation) -> (String, &'static str, Class) {
    match observation {
        Observation::Unknown {
            reason,
            code,
            class,
        } => (reason, code, class),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_list_answers_every_question_about_clusters() {
    let server = Server::start();
    let world = World::of(&server);
    let asked: Vec<_> = (0..5)
        .map(|n| {
            world.asked(
                &format!("production/db-{n}"),
                CLUSTER,
                &cluster(&format!("db-{n}")),
            )
        })
        .collect();
    let seen = world.rest.observe(&asked).await;
    assert_eq!(seen.len(), 5);
    assert!(
        seen.iter()
            .all(|seen| matches!(seen.observation, Observation::Absent { prediction: None }))
    );
    assert_eq!(server.requests(), ["GET /v2/databases"]);
}

#[tokio::test]
async fn a_record_on_the_last_of_many_pages_is_found_and_lists_are_read_once_a_domain() {
    let server = Server::start();
    server.account(|account| {
        for nth in 0..450 {
            let record = json!({ "id": null, "type": "A", "name": format!("host-{nth}"), "data": "192.0.2.1", "ttl": 1800,
                "priority": null, "port": null, "weight": null, "flags": null, "tag": null });
            let _made = account.put_record("example.com", "POST", record);
        }
    });
    let world = World::of(&server);
    let asked = ["host-0", "host-449"].map(|name| {
        world.asked(
            &format!("production/{name}"),
            RECORD,
            &record("A", name, "192.0.2.1"),
        )
    });
    let seen = world.rest.observe(&asked).await;
    assert!(
        seen.iter()
            .all(|seen| matches!(seen.observation, Observation::Present(_))),
        "{seen:?}"
    );
    assert_eq!(
        server.requests(),
        [
            "GET /v2/domains/example.com/records?per_page=200",
            "GET /v2/domains/example.com/records?page=2&per_page=200",
            "GET /v2/domains/example.com/records?page=3&per_page=200",
        ]
    );
}

#[tokio::test]
async fn a_list_that_is_cut_short_is_unknown_and_never_a_shorter_list() {
    let server = Server::start();
    server.account(|account| account.domains.insert("example.com".to_owned(), Vec::new()));
    let world = World::of(&server);
    let asked = world.asked("production/www", RECORD, &record("A", "www", "192.0.2.1"));
    for body in [
        json!({ "domain_records": [], "links": {}, "meta": { "total": 3 } }),
        json!({ "domain_records": null, "meta": { "total": 0 } }),
        json!({ "links": {}, "meta": { "total": 0 } }),
        json!("a page of a proxy"),
    ] {
        server.fail("GET", "records", Fault::Body(body));
        let (reason, code, class) = unknown(world.look(&asked).await);
        assert_eq!((code, class), ("bad-answer", Class::Transient), "{reason}");
    }
    assert!(matches!(
        world.look(&asked).await,
        Observation::Absent { .. }
    ));
}

#[tokio::test]
async fn a_domain_that_is_not_there_is_said_and_is_not_an_absent_record() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked("production/www", RECORD, &record("A", "www", "192.0.2.1"));
    let (reason, code, class) = unknown(world.look(&asked).await);
    assert_eq!(reason, "this account has no domain example.com");
    assert_eq!((code, class), ("no-parent", Class::User));
}

#[tokio::test]
async fn each_refusal_has_its_code_and_class_and_holds_no_token() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked("production/db", CLUSTER, &cluster("db"));
    for (status, code, class) in [
        (401, "unauthorized", Class::User),
        (403, "forbidden", Class::User),
        (409, "conflict", Class::Transient),
        (422, "invalid", Class::User),
        (500, "server-error", Class::Transient),
    ] {
        server.fail("GET", "databases", Fault::Status(status, None));
        let seen = world.look(&asked).await;
        assert!(!shown(&seen).contains("canary"), "{seen:?}");
        let (reason, seen_code, seen_class) = unknown(seen);
        assert_eq!((seen_code, seen_class), (code, class));
        assert!(
            reason.starts_with(&format!("DigitalOcean answered {status}"))
                && reason.contains("you sent"),
            "{reason}"
        );
    }
    // A 429 is repeated below, in `net`, when it fits into the deadline.
    server.fail(
        "GET",
        "databases",
        Fault::Status(429, Some(("retry-after", "0"))),
    );
    assert!(matches!(
        world.look(&asked).await,
        Observation::Absent { .. }
    ));
    server.fail(
        "GET",
        "databases",
        Fault::Status(429, Some(("retry-after", "3600"))),
    );
    assert_eq!(unknown(world.look(&asked).await).1, "rate-limited");
}

#[tokio::test]
async fn without_a_token_nothing_is_asked() {
    let server = Server::start();
    let world = World {
        token: " ",
        ..World::of(&server)
    };
    let (reason, code, _) = unknown(
        world
            .look(&world.asked("production/db", CLUSTER, &cluster("db")))
            .await,
    );
    assert_eq!(
        (reason.as_str(), code),
        ("the connection do has no token", "no-credential")
    );
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn an_object_of_ours_that_nobody_asked_for_is_told() {
    let server = Server::start();
    let world = World::of(&server);
    let kept = world.asked("production/kept", CLUSTER, &cluster("kept"));
    let lost = world.asked("production/lost", CLUSTER, &cluster("lost"));
    let elsewhere = world.asked("staging/db", CLUSTER, &cluster("elsewhere"));
    for asked in [&kept, &lost, &elsewhere] {
        world
            .apply(asked, reconciled::model::Action::Create, None)
            .await
            .unwrap();
    }
    let seen = world.rest.observe(&[kept]).await;
    let found: Vec<String> = seen.iter().map(|seen| seen.address.to_string()).collect();
    assert_eq!(found, ["production/kept", "production/lost"]);
    match &seen[1].observation {
        Observation::Present(live) => assert_eq!(live.owner, ours("production/lost")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_api_answers_besides_the_declared_fields_stays_out_and_secrets_are_sealed() {
    let server = Server::start();
    let world = World::of(&server);
    let asked = world.asked("production/db", CLUSTER, &cluster("db"));
    world
        .apply(&asked, reconciled::model::Action::Create, None)
        .await
        .unwrap();
    let live = world.live(&asked).await;
    assert!(!shown(&live).contains("canary"), "{live:?}");
    assert_eq!(live.value.get("connection"), None);
    assert_eq!(
        live.value.get("tags").unwrap().masked_json(),
        json!(["Environment:production"])
    );
    let uri = live.outputs.get("connection.uri").unwrap();
    assert!(
        matches!(uri, Value::Secret(secret) if secret.expose().contains("canary-password")),
        "{uri:?}"
    );
    assert_eq!(
        live.outputs.get("connection.port").unwrap().masked_json(),
        json!(25060)
    );
}

#[tokio::test]
async fn of_several_equal_records_none_is_chosen_by_chance() {
    let server = Server::start();
    server.account(|account| {
        for data in ["192.0.2.1", "192.0.2.2"] {
            let _made = account.put_record(
                "example.com",
                "POST",
                json!({ "id": null, "type": "A", "name": "www", "data": data, "ttl": 1800 }),
            );
        }
    });
    let world = World::of(&server);
    let third = world.asked("production/www", RECORD, &record("A", "www", "192.0.2.3"));
    let (reason, code, _) = unknown(world.look(&third).await);
    assert_eq!(code, "ambiguous", "{reason}");
    let second = world.asked("production/www", RECORD, &record("A", "www", "192.0.2.2"));
    assert_eq!(
        world.live(&second).await.value.get("data"),
        Some(&Value::from("192.0.2.2"))
    );
}

#[tokio::test]
async fn mail_servers_are_told_apart_and_compared_without_their_dot() {
    let server = Server::start();
    server.account(|account| account.domains.insert("example.com".to_owned(), Vec::new()));
    let world = World::of(&server);
    let mail = ["mx1.example.net.", "mx2.example.net.", "example.com."];
    let asked = mail.map(|data| {
        let id = data.replace('.', "-");
        world.asked(
            &format!("production/{}", id.trim_end_matches('-')),
            RECORD,
            &super::with(record("MX", "@", data), "priority", 10),
        )
    });
    for asked in &asked {
        world
            .apply(asked, reconciled::model::Action::Create, None)
            .await
            .unwrap();
    }
    for (asked, data) in asked.iter().zip(mail) {
        assert_eq!(
            world.live(asked).await.value.get("data"),
            Some(&Value::from(data))
        );
    }
    assert_eq!(
        server.account(|account| account.domains["example.com"].len()),
        3
    );
}

#[tokio::test]
async fn records_that_only_a_secret_tells_apart_are_found_by_it() {
    let server = Server::start();
    server.account(|account| account.domains.insert("example.com".to_owned(), Vec::new()));
    let world = World::of(&server);
    let asked = |id: &str, data: &str| {
        let asked = world.asked(id, RECORD, &record("TXT", "@", data));
        let mut desired = asked.desired.clone().unwrap();
        if let Value::Map(fields) = Arc::make_mut(&mut desired) {
            fields.insert("data".to_owned(), Value::Secret(Secret::new(data)));
        }
        let row = world.row(RECORD);
        Asked {
            identity: row.identity_with(&desired, Some(&key())).unwrap(),
            desired: Some(desired),
            ..asked
        }
    };
    let (one, other) = (
        asked("production/a", "canary-a"),
        asked("production/b", "canary-b"),
    );
    world.apply(&one, Action::Create, None).await.unwrap();
    let absent = world.look(&other).await;
    assert!(matches!(absent, Observation::Absent { .. }), "{absent:?}");
    world.apply(&other, Action::Create, None).await.unwrap();
    let (first, second) = (world.live(&one).await, world.live(&other).await);
    assert_ne!(first.external_id, second.external_id);
    assert!(!shown(&(first, second, one)).contains("canary"));
}
