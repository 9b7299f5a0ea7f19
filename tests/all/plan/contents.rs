//! What is inside something that is deleted.

use super::scene::{Scene, address, live};
use insta::assert_snapshot;
use reconciled::model::{Connection, ConnectionName, Identity, Observation, Value};
use reconciled::plan::Beside;
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn folder() -> Json {
    json!({ "type": "folder", "name": "shop" })
}

fn within(name: &str) -> Json {
    json!({ "type": "claim", "folder": "shop", "name": name })
}

impl Scene {
    /// What was wanted last is reached as another account, through a connection of its own.
    pub(super) fn by_another_account(mut self) -> Self {
        let account = ("serviceAccount".to_owned(), Value::from("shop/ci"));
        let connection = Arc::new(Connection {
            name: ConnectionName::new("other").unwrap(),
            settings: Value::Map([account].into_iter().collect()),
            ..Connection::clone(&self.connection())
        });
        let name = connection.name.clone();
        self.connections.insert(name, Arc::clone(&connection));
        self.with(|wanted| wanted.connection = connection)
    }
}

fn taken_down() -> Scene {
    let mut scene = Scene::new()
        .settled("test/thing", "space", folder())
        .settled("test/thing", "data", within("data"))
        .settled("test/thing", "web", within("web"))
        .settled(
            "test/thing",
            "other",
            json!({ "type": "claim", "folder": "else" }),
        );
    scene.reconcile.destroy = true;
    scene
}

fn after(scene: &Scene, id: &str) -> Vec<String> {
    let plan = scene.plan();
    let after = &plan.step(&address(id)).unwrap().after;
    after.iter().map(ToString::to_string).collect()
}

#[test]
fn a_container_waits_for_what_is_protected_in_it() {
    let mut scene = taken_down();
    scene.wanted[1].lifecycle.protect = Some(true);
    assert_snapshot!(scene.steps(), @r"
    wait prod/data: the environment is taken down, but it is protected; `lifecycle: { protect: false }` lets it go
    delete prod/other: the environment is taken down
    wait prod/space: the environment is taken down, but prod/data is in it and is not deleted in this plan: everything in it would go with it
    delete prod/web: the environment is taken down
    ");
}

#[test]
fn a_container_goes_after_all_that_is_in_it() {
    let scene = taken_down();
    assert_snapshot!(scene.steps(), @r"
    delete prod/data: the environment is taken down
    delete prod/other: the environment is taken down
    delete prod/space: the environment is taken down
    delete prod/web: the environment is taken down
    ");
    assert_eq!(after(&scene, "space"), ["prod/data", "prod/web"]);
    assert!(after(&scene, "other").is_empty());
}

#[test]
fn what_another_account_has_in_a_container_goes_first() {
    let mut scene = Scene::new()
        .settled("test/thing", "space", folder())
        .settled("test/thing", "data", within("data"))
        .through(json!({}))
        .by_another_account();
    scene.owned[1].connection = scene.wanted[1].connection.name.clone();
    scene.reconcile.destroy = true;
    assert_eq!(after(&scene, "space"), ["prod/data"]);
    // And keeps it where it is to stay.
    scene.wanted[1].lifecycle.protect = Some(true);
    assert_snapshot!(scene.steps(), @r"
    wait prod/data: the environment is taken down, but it is protected; `lifecycle: { protect: false }` lets it go
    wait prod/space: the environment is taken down, but prod/data is in it and is not deleted in this plan: everything in it would go with it
    ");
}

#[test]
fn what_is_gone_from_a_container_holds_nothing_up() {
    let scene = taken_down().absent("data");
    assert_eq!(after(&scene, "space"), ["prod/web"]);
    assert_snapshot!(scene.unknown("web", "no answer").steps(), @r"
    none prod/data: the environment is taken down, and it is not there
    delete prod/other: the environment is taken down
    wait prod/space: the environment is taken down, but prod/web is in it and is not deleted in this plan: everything in it would go with it
    wait prod/web: its live state is unknown: no answer
    ");
}

#[test]
fn a_pruned_container_waits_for_what_is_still_declared_in_it() {
    let scene = Scene::new()
        .leftover("test/thing", "space", folder())
        .settled("test/thing", "data", within("data"))
        .wants("test/thing", "new", within("new"))
        .absent("new");
    assert_snapshot!(scene.steps(), @r"
    none prod/data
    create prod/new
    wait prod/space: no longer declared, but prod/data, prod/new are in it and are not deleted in this plan: everything in it would go with it
    ");
}

#[test]
fn the_live_side_says_what_a_declaration_leaves_out() {
    let left_out = json!({ "type": "claim", "name": "data" });
    let scene = Scene::new()
        .leftover("test/thing", "space", folder())
        .settled("test/thing", "data", left_out)
        .ours("data", within("data"));
    assert_snapshot!(scene.steps().lines().last().unwrap(), @"wait prod/space: no longer declared, but prod/data is in it and is not deleted in this plan: everything in it would go with it");
}

#[test]
fn what_is_not_ours_any_more_is_remembered_while_its_container_is_to_go() {
    let unmarked = Observation::Present(Box::new(live(within("data"), None)));
    let scene = Scene::new()
        .leftover("test/thing", "space", folder())
        .leftover("test/thing", "data", within("data"))
        .sees("data", unmarked);
    assert_snapshot!(scene.steps(), @r"
    none prod/data: no longer declared, but it does not carry our mark any more: it is left alone
    wait prod/space: no longer declared, but prod/data is in it and is not deleted in this plan: everything in it would go with it
    ");
    assert!(scene.plan().released.is_empty());
}

#[test]
fn a_definition_holds_the_objects_of_its_type() {
    let definition = |version: u32| {
        let of = json!({ "group": "g.example.com", "type": "Gadget", "version": version });
        json!({ "type": "definition", "of": of })
    };
    let gadget = json!({ "group": "g.example.com", "type": "Gadget", "folder": "shop" });
    let scene = Scene::new()
        .leftover("test/thing", "defs", definition(1))
        .leftover("test/thing", "gadget", gadget.clone())
        .leftover(
            "test/thing",
            "widget",
            json!({ "group": "g.example.com", "type": "Widget" }),
        );
    assert_eq!(after(&scene, "defs"), ["prod/gadget"]);
    // Made again, it would take them along just the same.
    let replaced = Scene::new()
        .settled("test/thing", "gadget", gadget)
        .wants("test/thing", "defs", definition(2))
        .ours("defs", definition(1))
        .applied("test/thing", "defs", definition(1));
    assert_snapshot!(replaced.steps(), @r"
    wait prod/defs: of.version cannot change in place, but prod/gadget is in it and is not deleted in this plan: everything in it would go with it
    none prod/gadget
    ");
}

/// What `staging` has in a folder, or in none that is named, through the connection of the scene.
fn beside(scene: &Scene, id: &str, folder: &str) -> Beside {
    let connection = scene.connections.values().next().unwrap();
    let identity = [
        ("/group", ""),
        ("/type", "claim"),
        ("/folder", folder),
        ("/name", id),
    ];
    Beside {
        address: address(&format!("staging/{id}")),
        provider: connection.provider.clone(),
        connection: Some(connection.clone()),
        place: connection.leads_to(),
        identity: Identity(identity.map(|(key, text)| (key.into(), text.into())).into()),
    }
}

#[test]
fn a_container_waits_for_what_another_environment_has_in_it() {
    let mut scene = Scene::new().leftover("test/thing", "space", folder());
    assert!(scene.steps().starts_with("delete prod/space"));
    scene.beside = vec![beside(&scene, "else", "other")];
    assert!(scene.steps().starts_with("delete prod/space"));
    // By its record and by its declaration.
    scene.beside.push(beside(&scene, "theirs", "shop"));
    scene.beside.push(beside(&scene, "theirs", "shop"));
    assert_snapshot!(scene.steps(), @"wait prod/space: no longer declared, but staging/theirs is in it and is not deleted in this plan: everything in it would go with it");
    let mut scene = scene.settled("test/thing", "data", within("data"));
    assert_snapshot!(scene.steps().lines().last().unwrap(), @"wait prod/space: no longer declared, but prod/data, staging/theirs are in it and are not deleted in this plan: everything in it would go with it");
    scene = taken_down();
    scene.beside = vec![beside(&scene, "theirs", "shop")];
    assert!(
        scene.steps().contains(
            "wait prod/space: the environment is taken down, but staging/theirs is in it"
        ),
        "{}",
        scene.steps()
    );
}

#[test]
fn what_another_environment_has_elsewhere_holds_nothing_up() {
    let mut scene = Scene::new().leftover("test/thing", "space", folder());
    let there = beside(&scene, "theirs", "shop");
    let with = |settings: Json| {
        let mut connection = (**there.connection.as_ref().unwrap()).clone();
        connection.settings = super::scene::value(settings);
        Some(connection.into())
    };
    let elsewhere = Beside {
        connection: with(json!({ "context": "another" })),
        ..there.clone()
    };
    scene.beside = vec![elsewhere];
    assert!(scene.steps().starts_with("delete prod/space"));
    // As whom it is reached there makes no other place.
    let as_another = Beside {
        connection: with(json!({ "serviceAccount": "staging/deployer" })),
        ..there.clone()
    };
    scene.beside = vec![as_another];
    assert!(scene.steps().starts_with("wait prod/space"));
    // One whose connection fills in the folder is here, and so is one that nobody can tell the place of.
    let mut filled = beside(&scene, "theirs", "");
    scene.beside = vec![filled.clone()];
    assert!(scene.steps().starts_with("delete prod/space"));
    filled.identity = there.identity.clone();
    filled.connection = None;
    filled.place = None;
    scene.beside = vec![filled];
    assert!(scene.steps().starts_with("wait prod/space"));
}
