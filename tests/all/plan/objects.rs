//! Which live object a step is about: said wherever an id in Git, its author's choice, says it not.

use super::scene::Scene;
use insta::assert_snapshot;
use reconciled::deliver::render::{
    Merging, Page, Screen, plan_markdown, plan_terminal, recorded_terminal,
};
use reconciled::ledger::RunIntent;
use reconciled::model::{Identity, KindName};
use reconciled::plan::Plan;
use serde_json::json;

const CLUSTER: [&str; 4] = [
    "/apiVersion",
    "/kind",
    "/metadata/namespace",
    "/metadata/name",
];

/// The plan of a scene in which a resource is of another kind, and stands for this object.
fn meaning(mut plan: Plan, objects: &[(&str, &str, &[&str], &[&str])]) -> Plan {
    for (id, kind, fields, values) in objects {
        let is_it = |name: &str| name == *id;
        let mut steps = plan.steps.iter_mut();
        let step = steps.find(|step| is_it(&step.address.resource.to_string()));
        let step = step.unwrap();
        step.kind = KindName::new(*kind);
        let pairs = fields.iter().zip(*values);
        step.identity = Identity(pairs.map(|(f, v)| ((*f).into(), (*v).into())).collect());
    }
    plan
}

fn comment(plan: &Plan) -> String {
    let page = Page {
        marker: "<!-- reconciled:plan -->",
        revision: &plan.revision,
        at: "2026-11-21T07:50:00Z".parse().unwrap(),
    };
    plan_markdown(std::slice::from_ref(plan), &[], &Merging::default(), &page)
}

/// Deletes of each sort of object, an update, and what is named by its id already.
fn plan() -> Plan {
    let member = "all[Deployment.apps/shop/api]";
    let scene = Scene::new()
        .leftover("test/plain", "front", json!({}))
        .leftover("test/plain", "role", json!({}))
        .leftover("test/plain", "motd", json!({}))
        .leftover("test/plain", "record", json!({}))
        .leftover("test/plain", "same", json!({}))
        .leftover("test/plain", &format!("prod/{member}"), json!({}))
        .wants("test/object", "web", json!({"replicas": 3}))
        .ours("web", json!({"replicas": 2}))
        .applied("test/object", "web", json!({"replicas": 2}));
    let object = "kubernetes/object";
    meaning(
        scene.plan(),
        &[
            (
                "front",
                object,
                &CLUSTER,
                &["apps", "Deployment", "shop", "api"],
            ),
            ("role", object, &CLUSTER, &["", "Namespace", "", "shop"]),
            ("motd", "host/file", &["/path"], &["/etc/motd"]),
            (
                "record",
                "digitalocean/domain-record",
                &["/domain", "/type", "/name"],
                &["example.com", "A", "www"],
            ),
            (
                member,
                "kubernetes/manifests",
                &CLUSTER,
                &["apps", "Deployment", "shop", "api"],
            ),
            ("web", object, &CLUSTER, &["", "Service", "shop", "web"]),
        ],
    )
}

#[test]
fn the_terminal_says_which_object_it_is() {
    assert_snapshot!(plan_terminal(&plan(), Screen::default()), @r"
    prod  at 3f2c1d4e5a, plan c8ca623fdfff

       - all[Deployment.apps/shop/api]  delete  (kubernetes/manifests)
          # no longer declared

       - front  delete  (kubernetes/object Deployment.apps shop/api)
          # no longer declared

       - motd  delete  (host/file /etc/motd)
          # no longer declared

       - record  delete  (digitalocean/domain-record example.com A www)
          # no longer declared

       - role  delete  (kubernetes/object Namespace shop)
          # no longer declared

       - same  delete  (test/plain)
          # no longer declared

       ~ web  update  (kubernetes/object Service shop/web)
          ~ replicas = 2 -> 3

    Deletes held back: 6 deletes, more than the 2 that deletionBudget allows (5 at most, 20 % of the 7 owned): prod/all[Deployment.apps/shop/api], prod/front, prod/motd and 3 more. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 6, percent: 86 } }`

    Plan: 1 to update, 6 to delete, deletes held back.
    ");
}

#[test]
fn the_comment_says_which_object_is_deleted() {
    assert_snapshot!(comment(&plan()), @r"
    <!-- reconciled:plan -->
    ### 🔴 Plan: 1 to update, 6 to delete, deletes held back in prod

    **Deletes held back:** 6 deletes, more than the 2 that deletionBudget allows (5 at most, 20 % of the 7 owned)&#58; prod/all&#91;Deployment.apps/shop/api&#93;, prod/front, prod/motd and 3 more. Take out fewer at once, or let these pass with &#96;reconcile&#58; { deletionBudget&#58; { count&#58; 6, percent&#58; 86 } }&#96;

    **Deletes**

    - `-` `prod/all[Deployment.apps/shop/api]` – no longer declared
    - `-` `prod/front` (`Deployment.apps shop/api`) – no longer declared
    - `-` `prod/motd` (`host/file /etc/motd`) – no longer declared
    - `-` `prod/record` (`digitalocean/domain-record example.com A www`) – no longer declared
    - `-` `prod/role` (`Namespace shop`) – no longer declared
    - `-` `prod/same` – no longer declared

    <details open><summary>What it does: 1 to update, 6 to delete</summary>

    ```diff
    - delete all[Deployment.apps/shop/api]  (kubernetes/manifests)
    #     no longer declared

    - delete front  (kubernetes/object Deployment.apps shop/api)
    #     no longer declared

    - delete motd  (host/file /etc/motd)
    #     no longer declared

    - delete record  (digitalocean/domain-record example.com A www)
    #     no longer declared

    - delete role  (kubernetes/object Namespace shop)
    #     no longer declared

    - delete same  (test/plain)
    #     no longer declared

    ! update web  (kubernetes/object Service shop/web)
    !     replicas = 2 -> 3
    ```

    </details>

    <sub>Planned against live state 2026-11-21 07:50 UTC for `3f2c1d4e5a`; plan `c8ca623fdfff`.</sub>
    ");
}

#[test]
fn the_record_says_it_as_the_plan_did() {
    let plan = plan();
    let now = "2026-11-21T07:50:00Z".parse().unwrap();
    let intent = RunIntent::of(&plan, ("cli", None), [], now);
    let kept = serde_json::from_str(&intent.plan_json).unwrap();
    let recorded = recorded_terminal(&kept, Screen::default());
    let shown = plan_terminal(&plan, Screen::default());
    for object in ["Deployment.apps shop/api", "/etc/motd", "example.com A www"] {
        let line = shown.lines().find(|line| line.contains(object)).unwrap();
        assert!(recorded.lines().any(|known| known == line), "{recorded}");
    }
}

#[test]
fn the_name_of_an_object_is_no_markup() {
    let nasty = "`` @everyone </details><img src=x>\n\u{202e}\u{1b}[2J";
    let plan = meaning(
        Scene::new().leftover("test/plain", "old", json!({})).plan(),
        &[("old", "host/file", &["/path"], &[nasty])],
    );
    let shown = comment(&plan);
    assert!(shown.contains("```host/file `` @everyone"), "{shown}");
    assert!(!shown.contains(['\u{202e}', '\u{1b}']), "{shown}");
    assert!(!shown.contains("x>\n"), "{shown}");
    let shown = plan_terminal(&plan, Screen::default());
    assert!(!shown.contains(['\u{202e}', '\u{1b}']), "{shown}");
}

#[test]
fn of_many_deletes_the_objects_stand_as_long_as_a_comment_holds_them() {
    for (count, is_named) in [(300, true), (1_500, false), (5_000, false)] {
        let mut scene = Scene::new();
        for nth in 0..count {
            scene = scene.leftover("test/plain", &format!("old-{nth:0>4}"), json!({}));
        }
        let mut plan = scene.plan();
        for (nth, step) in plan.steps.iter_mut().enumerate() {
            let path = format!("/srv/{}/{nth:0>4}", "x".repeat(60));
            step.identity = Identity(vec![("/path".into(), path)]);
        }
        let shown = comment(&plan);
        assert!(shown.chars().count() <= 60_000, "{count}");
        let all = |name: &dyn Fn(usize) -> String| (0..count).all(|nth| shown.contains(&name(nth)));
        assert_eq!(all(&|nth| format!("/{nth:0>4}`")), is_named, "{count}");
        let ids = all(&|nth| format!("`prod/old-{nth:0>4}`"));
        assert_eq!(ids, count <= 1_500, "{count}");
    }
}
