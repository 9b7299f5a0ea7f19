//! What a plan may claim: that live equals Git only where that could be told, and the same of the same.

use super::Place;
use serde_json::json;

const HEAD: &str = "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: shop }
";

fn environment(spec: &str) -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path().join("live")).unwrap();
    place.write("shop.yaml", &format!("{HEAD}spec:\n{spec}"));
    place
}

const CLUSTER: &str = "  connections:
    here: { provider: host, root: @/live }
    cluster: { provider: kubernetes, context: nowhere }
  resources:
    page: { kind: host/file, spec: { path: /page, content: x } }
    one: { kind: kubernetes/object, spec: { apiVersion: v1, kind: ConfigMap, metadata: { name: one, namespace: shop } } }
    two: { kind: kubernetes/object, spec: { apiVersion: v1, kind: ConfigMap, metadata: { name: two, namespace: shop } } }
";

#[test]
fn a_cluster_that_cannot_be_asked_is_a_failure_and_told_once() {
    let place = environment(CLUSTER);
    let said = place.run(&["plan", "shop.yaml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout.contains("+ page  create"),
        "what is known is shown: {said:?}"
    );
    assert!(
        said.stdout
            .contains("2 resources through the connection cluster (shop.yaml:7)"),
        "{said:?}"
    );
    assert!(said.stdout.contains("# one, two\n"), "{said:?}");
    assert_eq!(said.stdout.matches("kubeconfig").count(), 1, "{said:?}");
    assert!(
        said.stdout
            .ends_with("Plan: 1 to create, 2 resources unknown.\n"),
        "{said:?}"
    );
    assert!(
        said.stderr
            .contains("the live state of 2 resources is unknown"),
        "{said:?}"
    );
    let said = place.run(&["plan", "shop.yaml", "--output", "json"]);
    assert_eq!(
        (said.code, &said.json()["summary"]["unknown"]),
        (Some(1), &json!(2)),
        "{said:?}"
    );
    let said = place.run(&["apply", "shop.yaml", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(
        place.read("live/page").unwrap(),
        "x",
        "what is known is applied"
    );
}

#[test]
fn a_root_folder_that_is_not_there_is_a_failure() {
    let place = environment(CLUSTER);
    std::fs::remove_dir(place.path().join("live")).unwrap();
    place.write(
        "shop.yaml",
        &format!("{HEAD}spec:\n{}", CLUSTER.split("    one").next().unwrap()),
    );
    let said = place.run(&["plan", "shop.yaml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("@/live"), "{said:?}");
}

const PAGES: &str = "  connections: { here: { provider: host, root: @/live } }
  resources:
    page: { kind: host/file, spec: { path: /page, content: x } }
";
const OLD: &str = "    old: { kind: host/file, spec: { path: /old, content: x } }\n";

#[test]
fn what_another_ledger_applied_is_seen_and_left_alone() {
    let place = environment(&format!("{PAGES}{OLD}"));
    assert_eq!(place.run(&["apply", "shop.yaml", "--yes"]).code, Some(0));
    place.write("shop.yaml", &format!("{HEAD}spec:\n{PAGES}"));
    // A runner whose home is another one each time.
    std::fs::remove_dir_all(place.path().join(".local")).unwrap();
    let said = place.run(&["plan", "shop.yaml"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("! old  (host/file /old)"), "{said:?}");
    assert!(
        said.stdout.contains("the ledger here has no record of it"),
        "{said:?}"
    );
    assert!(!said.stdout.contains("live equals Git"), "{said:?}");
    assert_eq!(place.run(&["apply", "shop.yaml", "--yes"]).code, Some(2));
    assert!(place.read("live/old").is_some());
    // As it says: declared once more, applied and taken out again, it goes.
    place.write("shop.yaml", &format!("{HEAD}spec:\n{PAGES}{OLD}"));
    assert_eq!(place.run(&["apply", "shop.yaml", "--yes"]).code, Some(0));
    place.write("shop.yaml", &format!("{HEAD}spec:\n{PAGES}"));
    assert_eq!(place.run(&["apply", "shop.yaml", "--yes"]).code, Some(0));
    assert_eq!(place.read("live/old"), None);
}

#[test]
fn the_same_plan_has_the_same_hash_before_anything_was_applied() {
    let secret = "  secrets: { key: { env: SHOP_SESSION_KEY } }\n";
    let keyed = "    keyed: { kind: host/file, lifecycle: { adopt: true }, spec: { path: /keyed, content: \"${secrets.key}\" } }\n";
    let place = environment(&format!("{secret}{PAGES}{keyed}"));
    place.write("live/keyed", "by hand\n");
    let hash = || {
        let said = place.run(&["plan", "shop.yaml", "--output", "json"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        said.json()["hash"].clone()
    };
    assert_eq!(hash(), hash());
}

#[test]
fn a_plan_of_nothing_and_of_what_is_left_says_so() {
    let place = environment("  resources: {}\n");
    let said = place.run(&["plan", "shop.yaml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout
            .ends_with("No changes: it declares no resources.\n"),
        "{said:?}"
    );
    let kept = |more: &str| format!("{HEAD}spec:\n  reconcile: {{ prune: false }}\n{PAGES}{more}");
    place.write("shop.yaml", &kept(OLD));
    assert_eq!(place.run(&["apply", "shop.yaml", "--yes"]).code, Some(0));
    place.write("shop.yaml", &kept(""));
    let left = "1 resource as declared; 1 resource no longer declared and left as it is.\n";
    let said = place.run(&["plan", "shop.yaml"]);
    assert!(
        said.stdout.ends_with(&format!("No changes: {left}")),
        "{said:?}"
    );
    let said = place.run(&["apply", "shop.yaml", "--yes"]);
    assert!(
        said.stdout.contains(&format!("nothing to do, {left}")),
        "{said:?}"
    );
}
