//! Rules of the spec for kinds that say in ways of their own whether they work, out of a folder.

use super::{Scene, with};
use crate::daemon::Daemon;
use crate::peers::kubernetes::cluster;
use reconciled::ledger::RunOutcome;
use serde_json::{Value as Json, json};

/// A kind of the scene's own.
pub(super) fn group(scene: &Scene) -> String {
    format!("{}.example.com", scene.name)
}

pub(super) fn definition(scene: &Scene) -> Json {
    let group = group(scene);
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({ "kind": "kubernetes/object", "spec": {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": format!("databases.{group}") },
        "spec": { "group": group, "scope": "Namespaced", "names": { "plural": "databases", "singular": "database", "kind": "Database", "listKind": "DatabaseList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "subresources": { "status": {} }, "schema": { "openAPIV3Schema": schema } }] } } })
}

/// What makes one of it ready, or failed for good.
pub(super) fn rule() -> Json {
    json!({ "kind": "Database", "ready": "object.status.phase == 'Ready'", "failed": "object.status.phase == 'Broken'" })
}

/// Writes the phase, as the operator would.
pub(super) fn phase(scene: &Scene, phase: &str) {
    let path = format!(
        "/apis/{}/v1/namespaces/{}/databases/main/status",
        group(scene),
        scene.name
    );
    assert!(cluster().merge_patch(&path, &json!({ "status": { "phase": phase } })));
}

#[track_caller]
fn told(scene: &Scene, daemon: &mut Daemon<'_>, text: &str) {
    daemon.until(format!("{text:?} is told"), |_| {
        let plan = scene.told(&["plan"]).0;
        let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
        plan.contains(text).then_some(())
    });
}

#[test]
fn an_object_out_of_a_folder_is_ready_when_its_rule_says_so() {
    let scene = Scene::new("ruled");
    let group = group(&scene);
    let database = format!(
        "apiVersion: {group}/v1\nkind: Database\nmetadata: {{ name: main }}\nspec: {{ size: 1 }}\n"
    );
    scene.world.commit(&[("k8s/database.yaml", &database)]);
    let folder = json!({ "kind": "kubernetes/manifests", "spec": { "path": "k8s", "namespace": scene.name } });
    let rule = rule();
    let lifecycle =
        json!({ "deadline": "2s", "dependsOn": ["definition", "namespace"], "health": [rule] });
    let resources = [
        ("definition", definition(&scene)),
        ("namespace", scene.namespace()),
        ("shop", with(folder, lifecycle)),
        (
            "after",
            with(
                scene.config("after", "hello"),
                json!({ "dependsOn": ["shop"] }),
            ),
        ),
    ];
    let mut daemon = scene.world.start();
    let commit = scene.commit(json!({}), &resources);
    let run = daemon.run_of(scene.name, &commit);
    assert_ne!(run.summary.unwrap().outcome, RunOutcome::Done);
    let (said, _) = scene.told(&["history", "show", &run.id.to_string()]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("not ready after 2s: its rule cannot be computed yet: object.status.phase == 'Ready': there is no `status`"),
        "{said}"
    );
    phase(&scene, "Pending");
    let pending = "its rule does not hold yet: object.status.phase == 'Ready' (object.status.phase is \"Pending\")";
    told(&scene, &mut daemon, pending);
    phase(&scene, "Broken");
    told(
        &scene,
        &mut daemon,
        "its rule for failed holds: object.status.phase == 'Broken'",
    );
    assert_eq!(scene.text("after"), None);
    phase(&scene, "Ready");
    daemon.until("what comes after is applied", |_| {
        (scene.text("after")? == "hello").then_some(())
    });
    assert!(daemon.terminate().0.success());
}

#[test]
fn what_fails_by_another_rule_now_says_so() {
    let scene = Scene::new("reruled");
    let commit = |text: &str, word: &str| {
        let rule = json!({ "kind": "ConfigMap", "ready": format!("object.data.text == '{word}'") });
        let page = with(
            scene.config("page", text),
            json!({ "deadline": "2s", "dependsOn": ["namespace"], "health": [rule] }),
        );
        scene.commit(
            json!({}),
            &[("namespace", scene.namespace()), ("page", page)],
        )
    };
    let mut daemon = scene.world.start();
    // With the rule the object is changed, or is left.
    let turns = [("hello", "first"), ("hello", "second"), ("hi", "third")];
    for (text, word) in turns {
        commit(text, word);
        daemon.until(format!("{word} is told"), |_| {
            let said = scene.told(&["status"]).0;
            let failing = said.lines().find(|line| line.contains("failing page"))?;
            failing.contains(word).then_some(())
        });
    }
    commit("third", "third");
    daemon.until("all is well", |_| {
        (scene.told(&["status"]).1 == Some(0)).then_some(())
    });
}
