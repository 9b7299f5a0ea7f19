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

#[test]
fn a_name_of_no_kind_there_is_is_told() {
    let told = |names: &str, resources: &str| {
        let resources = format!("  reconcile: {{ protect: [{names}] }}\n  resources:\n{resources}");
        let text = environment(&format!("{HEAD}{resources}"));
        let objects = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: gadgets.example.com }\nspec: { group: example.com, scope: Namespaced, names: { kind: Gadget, plural: gadgets } }\n---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: { name: a }\n";
        let graph = built(&[("e.yaml", &text), ("k8s/a.yaml", objects)]);
        shown(
            graph
                .unwrap_or_else(|wrong| panic!("{}", shown(&wrong)))
                .warnings(),
        )
    };
    let folder = "    f: { kind: kubernetes/manifests, spec: { path: k8s, namespace: n } }\n";
    let known = "Secret, Deployment.apps, Certificate, Certificate.cert-manager.io, Gadget.example.com, host/file";
    assert_eq!(told(known, folder), "");
    insta::assert_snapshot!(told("Certficate, Certificate.certmanager.io, secret, host/flie, Unheard.of.example.com", folder), @"
    e.yaml:7:26 protects-nothing: no object here is of the kind Certficate, which not every cluster has: this protects nothing
        reconcile: { protect: [Certficate, Certificate.certmanager.io, secret, host/flie, Unheard.of.example.com] }
                               ^^^^^^^^^^
      = Did you mean Certificate?
    e.yaml:7:38 protects-nothing: no object here is of the kind Certificate.certmanager.io, which not every cluster has: this protects nothing
        reconcile: { protect: [Certficate, Certificate.certmanager.io, secret, host/flie, Unheard.of.example.com] }
                                           ^^^^^^^^^^^^^^^^^^^^^^^^^^
      = Did you mean Certificate.cert-manager.io?
    e.yaml:7:66 protects-nothing: no object here is of the kind secret, which not every cluster has: this protects nothing
        reconcile: { protect: [Certficate, Certificate.certmanager.io, secret, host/flie, Unheard.of.example.com] }
                                                                       ^^^^^^
      = Did you mean Secret?
    e.yaml:7:74 protects-nothing: there is no kind host/flie: this protects nothing
        reconcile: { protect: [Certficate, Certificate.certmanager.io, secret, host/flie, Unheard.of.example.com] }
                                                                               ^^^^^^^^^
      = Did you mean host/file?
    e.yaml:7:85 protects-nothing: no object here is of the kind Unheard.of.example.com, which not every cluster has: this protects nothing
        reconcile: { protect: [Certficate, Certificate.certmanager.io, secret, host/flie, Unheard.of.example.com] }
                                                                                          ^^^^^^^^^^^^^^^^^^^^^^
      = Write a kind as `reconciled explain` lists it, or the kind of a cluster's objects, with its group where that matters: Certificate.cert-manager.io.
    ");
}
