//! One live object, or one place of a file, in two environments.

use super::*;
use crate::model::Owned;

/// Says what is wrong with a file in each of two environments of one host.
fn told(one: &str, other: &str) -> String {
    let one = environment(&format!("{HEAD}  resources:\n    a: {{ {one} }}\n"));
    let other = environment(&format!("{HEAD}  resources:\n    b: {{ {other} }}\n"))
        .replace("name: test", "name: other")
        .replace("host: { provider: host }", "vm: { provider: host }");
    let [one, other] = [one, other].map(|text| built(&[("e.yaml", &text)]).unwrap());
    let errors = declared_twice(&[&one, &other]);
    let one = |twice: &Twice| format!("{}: {}", twice.address.environment, twice.error.message);
    let lines: Vec<String> = errors.iter().map(one).collect();
    lines.join("\n")
}

#[test]
fn one_object_in_two_environments_is_told_in_both() {
    let file = "kind: host/file, spec: { path: /a, content: \"\" }";
    insta::assert_snapshot!(told(file, file), @r"
    other: host/file /a is declared already, as test/a
    test: host/file /a is declared already, as other/b
    ");
}

#[test]
fn what_cannot_stand_beside_a_file_of_another_environment_is_told_in_both() {
    let file = "kind: host/file, spec: { path: /a/b, content: \"\" }";
    let spelled = "kind: host/file, spec: { path: /a//b, content: \"\" }";
    let below = "kind: host/file, spec: { path: /a/b/c, content: \"\" }";
    let told = [(file, spelled), (file, below), (below, file)].map(|(one, other)| told(one, other));
    insta::assert_snapshot!(told.join("\n"), @r"
    other: host/file /a//b is declared already, as test/a
    test: host/file /a/b is declared already, as other/b
    other: test/a is a file, so nothing stands below it
    test: other/b is to stand below this, which is a file
    test: other/b is a file, so nothing stands below it
    other: test/a is to stand below this, which is a file
    ");
}

#[test]
fn a_file_beside_one_of_another_environment_is_no_mistake() {
    let one = "kind: host/file, spec: { path: /a/b, content: \"\" }";
    let other = "kind: host/file, spec: { path: /a/bc, content: \"\" }";
    assert_eq!(told(one, other), "");
}

/// A graph with one config map through a connection to a cluster.
fn config(connection: &str, metadata: &str) -> Graph {
    let text = environment(&format!(
        "  connections: {{ k: {{ provider: kubernetes, {connection} }} }}\n  secrets: {{ t: {{ env: T }} }}\n  vars: {{ name: web }}\n  resources:\n    web: {{ kind: kubernetes/object, spec: {{ apiVersion: v1, kind: ConfigMap, metadata: {{ {metadata} }} }} }}\n    note: {{ kind: kubernetes/object, spec: {{ apiVersion: v1, kind: Secret, metadata: {{ name: note, namespace: shop }} }} }}\n"
    ));
    built(&[("e.yaml", &text)]).unwrap_or_else(|wrong| panic!("{}", shown(&wrong)))
}

#[test]
fn what_another_account_declares_in_the_same_cluster_is_the_same_object() {
    let of = |connection: &str, metadata: &str| {
        let graph = config(connection, metadata);
        let object = graph.objects().first().unwrap();
        let place = object.connection.leads_to();
        let owned: Owned = serde_json::from_value(json!({
            "address": "other/web", "kind": object.kind, "connection": "k", "place": place,
            "identity": object.identity, "external_id": null, "applied": {}, "protected": false,
        }))
        .unwrap();
        (owned, Arc::clone(&object.connection))
    };
    let (web, ours) = of("context: prod", "name: web, namespace: shop");
    let told = |connection: &str, metadata: &str| {
        let graph = config(connection, metadata);
        let exactly = graph.declares(&web.kind, &web.identity, &ours).is_some();
        (exactly, !graph.may_declare(&web, Some(&ours)).is_empty())
    };
    let named = "name: web, namespace: shop";
    assert_eq!(told("context: prod", named), (true, true));
    for other in ["serviceAccount: shop/ci", "namespace: shop"] {
        assert_eq!(
            told(&format!("context: prod, {other}"), named),
            (true, true)
        );
    }
    // A namespace that is left to the connection may be that one, and so may another object's name.
    let left = told("context: prod, namespace: shop", "name: web");
    assert_eq!(left, (false, true));
    assert_eq!(
        told("context: prod", "name: other, namespace: shop"),
        (false, false)
    );
    assert_eq!(
        told("context: prod", "name: web, namespace: blog"),
        (false, false)
    );
    assert_eq!(told("context: staging", named), (false, false));
}
