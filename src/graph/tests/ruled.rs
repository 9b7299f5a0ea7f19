//! Rules of health that are for no object of their resource.

use super::*;

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\n";

/// Shows what is told of rules for a folder of one Deployment, and for one object.
fn told(rules: &str) -> String {
    let resources = format!(
        "  resources:\n    f: {{ kind: kubernetes/manifests, spec: {{ path: k8s, namespace: n }}, lifecycle: {{ health: [{rules}] }} }}\n    o: {{ kind: kubernetes/object, lifecycle: {{ health: [{rules}] }}, spec: {{ apiVersion: v1, kind: Pod, metadata: {{ name: o, namespace: n }} }} }}\n"
    );
    let text = environment(&format!("{HEAD}{resources}"));
    let graph = built(&[("e.yaml", &text), ("k8s/a.yaml", DEPLOYMENT)]);
    shown(
        graph
            .unwrap_or_else(|wrong| panic!("{}", shown(&wrong)))
            .warnings(),
    )
}

#[test]
fn a_rule_for_no_object_of_its_resource_is_told() {
    let told = [
        told("{ kind: Deploymnt, ready: 'true' }"),
        told("{ apiVersion: apps/v1beta1, kind: Deployment, ready: 'true' }"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    e.yaml:8:103 rule-for-nothing: f has no object that is Deploymnt: this rule changes nothing
          f: { kind: kubernetes/manifests, spec: { path: k8s, namespace: n }, lifecycle: { health: [{ kind: Deploymnt, ready: 'true' }] } }
                                                                                                            ^^^^^^^^^
      = Did you mean Deployment?
    e.yaml:9:65 rule-for-nothing: o has no object that is Deploymnt: this rule changes nothing
          o: { kind: kubernetes/object, lifecycle: { health: [{ kind: Deploymnt, ready: 'true' }] }, spec: { apiVersion: v1, kind: Pod, metadata: { name: o, namespace: n } } }
                                                                      ^^^^^^^^^
      = It has Pod.

    e.yaml:8:129 rule-for-nothing: f has no object that is apps/v1beta1 Deployment: this rule changes nothing
          f: { kind: kubernetes/manifests, spec: { path: k8s, namespace: n }, lifecycle: { health: [{ apiVersion: apps/v1beta1, kind: Deployment, ready: 'true' }] } }
                                                                                                                                      ^^^^^^^^^^
      = Did you mean apps/v1 Deployment?
    e.yaml:9:91 rule-for-nothing: o has no object that is apps/v1beta1 Deployment: this rule changes nothing
          o: { kind: kubernetes/object, lifecycle: { health: [{ apiVersion: apps/v1beta1, kind: Deployment, ready: 'true' }] }, spec: { apiVersion: v1, kind: Pod, metadata: { name: o, namespace: n } } }
                                                                                                ^^^^^^^^^^
      = It has v1 Pod.
    ");
}
