//! An API server that answers badly for a while: nothing is changed on its word, people are told, the
//! daemon backs off, and afterwards it converges.

use super::Scene;
use super::proxy::{Fault, Proxy};
use reconciled::model::EnvironmentName;
use serde_json::json;

/// When an environment was last compared, and at what commit.
fn compared(scene: &Scene) -> Option<serde_json::Value> {
    let name = EnvironmentName::new(scene.name).unwrap();
    scene
        .world
        .ledger(async |ledger| ledger.last_compared(&name).await.unwrap())
        .flatten()
}

/// Reading goes badly while a commit asks for a change and a delete.
fn reading_goes_badly(name: &'static str, fault: Fault) {
    let proxy = Proxy::start();
    let scene = Scene::through(name, &proxy.kubeconfig);
    let whole = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("b", scene.config("b", "x")),
        ("c", scene.config("c", "x")),
        ("gone", scene.config("gone", "x")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &whole);

    proxy.answer(Some(fault));
    let mut changed = whole[..4].to_vec();
    changed[1] = ("page", scene.config("page", "welcome"));
    changed.push(("new", scene.config("new", "x")));
    let commit = scene.commit(json!({}), &changed);
    daemon.until("reading goes badly", |_| (proxy.faults() > 0).then_some(()));
    // A look that hangs already is let end before the one at the new commit.
    let before = compared(&scene);
    daemon.until("a look ended", |_| {
        (compared(&scene) != before).then_some(())
    });
    daemon.until("it was looked at", |_| {
        (compared(&scene)?["revision"] == commit.as_str()).then_some(())
    });
    assert_eq!(proxy.writes(), Vec::<String>::new());
    assert_eq!(
        (
            scene.text("page").unwrap(),
            scene.text("gone").is_some(),
            scene.text("new")
        ),
        ("hello".to_owned(), true, None)
    );
    if fault != Fault::Silence {
        // What may pass by itself is told when it is found again.
        daemon.episode("unknown", |unknown| {
            scene.is(unknown.address.as_ref(), "page")
        });
        let (status, code) = scene.told(&["status"]);
        assert!(
            code == Some(2) && status.contains("unknown page"),
            "{status}"
        );
        // Backing off, it asks seldom.
        let before = proxy.faults();
        assert!(before < 120, "{before}");
    }
    proxy.answer(None);
    daemon.until("it converges", |_| {
        (scene.text("page")? == "welcome"
            && scene.text("gone").is_none()
            && scene.text("new").is_some())
        .then_some(())
    });
    daemon.until("nothing is unknown", |_| {
        scene
            .world
            .episodes()
            .iter()
            .all(|one| one.ended_at.is_some())
            .then_some(())
    });
    // A page where an API should be is for a person to correct; the others may pass by themselves.
    let trigger = if fault == Fault::Page {
        "interval"
    } else {
        "retry"
    };
    assert_eq!(scene.world.runs(scene.name)[0].trigger, trigger);
}

#[test]
fn too_many_requests_change_nothing() {
    reading_goes_badly("throttled", Fault::Status(429));
}

#[test]
fn errors_of_the_server_change_nothing() {
    reading_goes_badly("erring", Fault::Status(500));
}

#[test]
fn a_gateway_that_finds_nothing_changes_nothing() {
    reading_goes_badly("gateway", Fault::Page);
}

#[test]
fn silence_changes_nothing() {
    reading_goes_badly("silent", Fault::Silence);
}

#[test]
fn a_write_that_is_refused_is_tried_again_later() {
    let proxy = Proxy::start();
    let scene = Scene::through("unwritable", &proxy.kubeconfig);
    let resources = |text| {
        [
            ("namespace", scene.namespace()),
            ("page", scene.config("page", text)),
        ]
    };
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources("hello"));
    proxy.answer(Some(Fault::Writes(500)));
    let commit = scene.commit(json!({}), &resources("welcome"));
    daemon.run_of(scene.name, &commit);
    let failing = daemon.episode("failing", |failing| {
        scene.is(failing.address.as_ref(), "page")
    });
    assert_eq!(scene.text("page").unwrap(), "hello");
    proxy.answer(None);
    let ended = daemon.episode("failing", |failing| failing.ended_at.is_some());
    assert_eq!(
        (ended.id, ended.how.as_deref()),
        (failing.id, Some("recovered"))
    );
    assert_eq!(scene.text("page").unwrap(), "welcome");
}

#[test]
fn a_server_with_room_for_few_writes_gets_few_at_once() {
    let proxy = Proxy::start();
    let scene = Scene::through("crowded", &proxy.kubeconfig);
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &[("namespace", scene.namespace())]);
    proxy.answer(Some(Fault::Crowded(2)));
    let names: Vec<String> = (0..150).map(|nth| format!("page-{nth}")).collect();
    let mut resources = vec![("namespace", scene.namespace())];
    for name in &names {
        resources.push((name, scene.config(name, "hello")));
    }
    // All of them in one run: none was refused more often than it is sent.
    scene.applied(&mut daemon, json!({}), &resources);
    let refused = proxy.faults();
    assert!((1..75).contains(&refused), "{refused} were refused");
}
