//! Kinds that an environment protects.

use super::*;

#[test]
fn what_is_of_a_kind_that_is_named_is_protected_until_it_lets_go_of_itself() {
    let resources = "  reconcile: { protect: [ConfigMap, host/file] }\n  resources:\n    f: { kind: kubernetes/manifests, spec: { path: k8s, namespace: n } }\n    free: { kind: host/file, spec: { path: /a, content: a }, lifecycle: { protect: false } }\n    held: { kind: host/file, spec: { path: /b, content: b } }\n";
    let text = environment(&format!("{HEAD}{resources}"));
    let objects = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\napiVersion: v1\nkind: Secret\nmetadata: { name: a }\n";
    let graph = built(&[("e.yaml", &text), ("k8s/a.yaml", objects)]);
    let graph = graph.unwrap_or_else(|wrong| panic!("{}", shown(&wrong)));
    let nothing = BTreeMap::new();
    let wanted = graph.waves().iter();
    let wanted = wanted.flat_map(|wave| graph.resolve(wave, &nothing));
    let mut told: Vec<String> = wanted
        .map(|wanted| format!("{} {:?}", wanted.address.resource, wanted.lifecycle.protect))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "f[ConfigMap/n/a] Some(true)",
            "f[Secret/n/a] None",
            "free Some(false)",
            "held Some(true)",
        ]
    );
}
