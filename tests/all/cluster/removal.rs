//! What Git no longer declares: deleted where that is sure to be meant, and held or left where not.

use super::{Scene, with};
use reconciled::ledger::RunOutcome;
use serde_json::{Value as Json, json};

/// A budget that any of these removals fits into.
fn generous() -> Json {
    json!({ "deletionBudget": { "count": 20, "percent": 100 } })
}

#[test]
fn what_is_gone_from_git_goes_but_for_what_is_protected_or_holds_data() {
    let scene = Scene::new("removed");
    let claim = scene.object(
        "v1",
        "PersistentVolumeClaim",
        "data",
        json!({ "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } }),
    );
    let careful = |protect: bool| {
        let lifecycle = json!({ "protect": protect });
        [
            ("namespace", scene.namespace()),
            ("kept", scene.config("kept", "x")),
            (
                "precious",
                with(scene.config("precious", "x"), lifecycle.clone()),
            ),
            (
                "data",
                if protect {
                    claim.clone()
                } else {
                    with(claim.clone(), lifecycle)
                },
            ),
        ]
    };
    let mut all = careful(true).to_vec();
    all.push(("gone", scene.config("gone", "x")));
    let mut daemon = scene.world.start();
    // Nobody is to wait for a volume that no one here provides.
    let commit = scene.commit(generous(), &all);
    daemon.until("all of it is there", |_| {
        scene
            .live("persistentvolumeclaims/data")
            .and(scene.text("gone"))
    });
    daemon.until("it is known as ours", |_| {
        (scene.world.owned().len() == 5).then_some(())
    });

    let commit_after = scene.commit(generous(), &all[1..2]);
    assert_ne!(commit, commit_after);
    let run = daemon.run_of(scene.name, &commit_after);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    daemon.looked_again(scene.name);
    assert_eq!(scene.text("gone"), None);
    assert!(scene.text("precious").is_some() && scene.text("kept").is_some());
    let claim_is_there = || {
        let live = scene.live("persistentvolumeclaims/data")?;
        live["metadata"]["deletionTimestamp"]
            .is_null()
            .then_some(())
    };
    assert!(claim_is_there().is_some());
    let (plan, _) = scene.told(&["plan"]);
    assert!(
        plan.contains("protected: declare it with `lifecycle: { protect: false }` first"),
        "{plan}"
    );

    // Said in so many words, they go.
    let commit = scene.commit(generous(), &careful(false));
    daemon.until("they are declared again", |_| {
        let run = scene.world.runs(scene.name).into_iter().next()?;
        (run.revision.as_str() == commit).then_some(())
    });
    daemon.looked_again(scene.name);
    scene.commit(generous(), &careful(true)[..2]);
    daemon.until("what is not protected any more is gone", |_| {
        (scene.text("precious").is_none() && scene.live("persistentvolumeclaims/data").is_none())
            .then_some(())
    });
    assert!(scene.text("kept").is_some());
}

#[test]
fn more_deletes_than_the_budget_allows_are_held_and_the_rest_goes_on() {
    let scene = Scene::new("budgeted");
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut all: Vec<_> = names.map(|name| (name, scene.config(name, "x"))).to_vec();
    all.insert(0, ("namespace", scene.namespace()));
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &all);

    let rest = [all[0].clone(), ("a", scene.config("a", "y"))];
    let commit = scene.commit(json!({}), &rest);
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    daemon.looked_again(scene.name);
    assert_eq!(scene.text("a").unwrap(), "y");
    assert!(names.iter().all(|name| scene.text(name).is_some()));
    let (status, code) = scene.told(&["status"]);
    assert!(
        status.contains("7 deletes, more than the 2 that deletionBudget allows"),
        "{status}"
    );
    assert_eq!(code, Some(2), "{status}");

    scene.commit(generous(), &rest);
    daemon.until("a wider budget lets them go", |_| {
        names[1..]
            .iter()
            .all(|name| scene.text(name).is_none())
            .then_some(())
    });
    assert_eq!(scene.text("a").unwrap(), "y");
}

#[test]
fn a_delete_that_somebody_holds_back_stops_at_a_newer_revision() {
    let scene = Scene::new("finalized");
    let held = scene.object(
        "v1",
        "ConfigMap",
        "held",
        json!({ "metadata": { "finalizers": ["example.com/hold"] } }),
    );
    let all = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("held", held),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &all);
    scene.commit(generous(), &all[..2]);
    let is_going = || {
        let live = scene.live("configmaps/held")?;
        live["metadata"]["deletionTimestamp"].as_str().map(drop)
    };
    daemon.until("it is being deleted", |_| is_going());

    // It would wait for minutes.
    let commit = scene.commit(
        generous(),
        &[all[0].clone(), ("page", scene.config("page", "new"))],
    );
    daemon.until("the newer revision is applied", |_| {
        (scene.text("page")? == "new").then_some(())
    });
    assert!(is_going().is_some(), "{commit}");
    scene.kubectl([
        "patch",
        "configmap",
        "held",
        "--type=merge",
        "--patch",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    daemon.until("it is gone and no longer ours", |_| {
        let owned = scene.world.owned();
        let is_ours = owned.iter().any(|address| address.ends_with("/held"));
        (scene.live("configmaps/held").is_none() && !is_ours).then_some(())
    });
}

#[test]
fn what_is_taken_out_goes_in_the_opposite_order_it_came_in() {
    let scene = Scene::new("leaves-first");
    let held = |name: &str, after: &[&str]| {
        let finalizers = json!({ "metadata": { "finalizers": ["example.com/hold"] } });
        let resource = scene.object("v1", "ConfigMap", name, finalizers);
        with(resource, json!({ "dependsOn": after }))
    };
    let all = [
        ("namespace", scene.namespace()),
        ("kept", scene.config("kept", "x")),
        ("database", held("database", &[])),
        ("migration", held("migration", &["database"])),
        ("web", held("web", &["migration"])),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &all);
    scene.commit(generous(), &all[..2]);
    let is_going = |name: &str| {
        let live = scene.live(&format!("configmaps/{name}"));
        live.is_some_and(|live| live["metadata"]["deletionTimestamp"].is_string())
    };
    let let_go = |name: &str| {
        let patch = r#"{"metadata":{"finalizers":null}}"#;
        scene.kubectl(["patch", "configmap", name, "--type=merge", "--patch", patch]);
    };
    for (name, others) in [
        ("web", &["migration", "database"][..]),
        ("migration", &["database"]),
        ("database", &[]),
    ] {
        daemon.until(format!("{name} is being deleted"), |_| {
            is_going(name).then_some(())
        });
        for other in others {
            assert!(!is_going(other), "{other} goes before {name}");
        }
        let_go(name);
    }
    daemon.until("all of it is gone", |_| {
        scene.live("configmaps/database").is_none().then_some(())
    });
}

#[test]
fn a_kind_that_the_environment_protects_stays() {
    let scene = Scene::new("protects");
    let mut reconcile = generous();
    reconcile["protect"] = json!(["ConfigMap"]);
    let account = scene.object("v1", "ServiceAccount", "goes", json!({}));
    let all = [
        ("namespace", scene.namespace()),
        ("stays", scene.config("stays", "x")),
        ("goes", account),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, reconcile.clone(), &all);
    let commit = scene.commit(reconcile, &all[..1]);
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    daemon.looked_again(scene.name);
    assert_eq!(scene.text("stays").unwrap(), "x");
    assert!(scene.live("serviceaccounts/goes").is_none());
    let (plan, _) = scene.told(&["plan"]);
    assert!(
        plan.contains("stays") && plan.contains("protected"),
        "{plan}"
    );
}

#[test]
fn a_namespace_stays_while_another_environment_has_something_in_it() {
    let scene = Scene::new("shared");
    let environment = |name: &str, resources: Json| {
        json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": name },
            "spec": {
                "connections": { "cluster": { "provider": "kubernetes", "context": "peers" } },
                "reconcile": { "interval": "1s", "onDrift": "correct", "deletionBudget": { "count": 20, "percent": 100 } },
                "resources": resources,
            } })
        .to_string()
    };
    let kept = |name: &str| {
        let metadata = json!({ "name": name, "namespace": "default" });
        json!({ "kind": "kubernetes/object", "spec": { "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata } })
    };
    let open = with(scene.namespace(), json!({ "protect": false }));
    let mine = |more: bool| match more {
        true => environment(
            "shared",
            json!({ "namespace": open, "kept": kept("shared") }),
        ),
        false => environment("shared", json!({ "kept": kept("shared") })),
    };
    let theirs = |more: bool| {
        let kept = kept("shared-beside");
        match more {
            true => json!({ "inside": scene.config("inside", "x"), "kept": kept }),
            false => json!({ "kept": kept }),
        }
    };
    let commit = |space: bool, inside: bool| {
        let theirs = environment("beside", theirs(inside));
        let files = [("mine.yaml", mine(space)), ("theirs.yaml", theirs)];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        scene.world.commit(&files)
    };
    let mut daemon = scene.world.start();
    commit(true, true);
    daemon.until("all of it is ours", |_| {
        (scene.world.owned().len() == 4).then_some(())
    });
    commit(false, true);
    daemon.until("its delete waits", |_| {
        let (plan, _) = scene.told(&["plan"]);
        plan.contains("beside/inside is in it").then_some(())
    });
    daemon.looked_again("shared");
    let live = scene.live("configmaps/inside").unwrap();
    assert!(live["metadata"]["deletionTimestamp"].is_null());

    commit(false, false);
    daemon.until("both go, the namespace last", |_| {
        (scene.world.owned().len() == 2).then_some(())
    });
}
