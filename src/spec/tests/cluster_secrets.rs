//! Secrets that are read from a cluster: through what, and from what nobody here makes of them.

use super::check;

#[test]
fn a_secret_is_not_made_of_itself() {
    let spec = |source: &str| {
        check(&format!(
            "  connections:\n    c: {{ provider: kubernetes, namespace: shop }}\n  secrets:\n    own: {{ kubernetes: {source} }}\n  vars: {{ next: \"${{secrets.own}}x\" }}\n  resources:\n    out: {{ kind: kubernetes/object, spec: {{ apiVersion: v1, kind: Secret, metadata: {{ name: out }}, stringData: {{ v: \"${{vars.next}}\" }} }} }}\n"
        ))
    };
    insta::assert_snapshot!(spec("{ name: out, key: v, namespace: shop }"), @r#"
    e.yaml:8:10 secret-cycle: it is made of itself: secrets.own -> resources.out -> secrets.own
          own: { kubernetes: { name: out, key: v, namespace: shop } }
               ^
      this writes it: e.yaml:11:5
      = Read it from a Secret that nothing here writes, or leave it out of this one.
    "#);
    assert_eq!(spec("{ name: other, key: v }"), "");
    assert_eq!(spec("{ name: out, key: v, namespace: else }"), "");
}

#[test]
fn secrets_of_clusters_are_read_through_what_is_known_before_them() {
    insta::assert_snapshot!(check("  connections:\n    a: { provider: kubernetes, kubeconfig: \"${vars.k}\" }\n    b: { provider: kubernetes, kubeconfig: \"${secrets.x}\" }\n    c: { provider: kubernetes, context: \"${resources.f.id}\" }\n    h: { provider: host }\n  vars: { k: \"${secrets.y}\" }\n  secrets:\n    x: { kubernetes: { connection: a, name: n, key: k } }\n    y: { kubernetes: { connection: b, name: n, key: k } }\n    z: { kubernetes: { connection: c, name: n, key: k } }\n    p: { kubernetes: { name: n, key: k } }\n    q: { kubernetes: { connection: h, name: \"${vars.k}\", namespace: ../x, key: a/b } }\n    r: { kubernetes: { connection: d, key: k } }\n    s: { kubernetes: db }\n  resources:\n    f: { kind: host/file, spec: { path: /f } }\n"), @r#"
    e.yaml:8:56 unknown-output: a host/file has no outputs
          c: { provider: kubernetes, context: "${resources.f.id}" }
                                                             ^^
    e.yaml:12:8 secret-cycle: it can never be read: secrets.x -> connections.a -> secrets.y -> connections.b -> secrets.x
          x: { kubernetes: { connection: a, name: n, key: k } }
             ^
      it is read through this: e.yaml:6:5
      = Let what the connection signs in with live elsewhere: in a variable, a file, or encrypted with sops.
    e.yaml:14:8 secret-too-late: secrets are read before any resource is looked at, and the connection c reads one
          z: { kubernetes: { connection: c, name: n, key: k } }
             ^
      it is read through this: e.yaml:8:5
    e.yaml:15:22 missing-connection: several connections serve a Secret of a cluster
          p: { kubernetes: { name: n, key: k } }
                           ^
      = Say which with `connection`: a, b, c.
    e.yaml:16:36 wrong-connection: the connection h is of host, and a Secret of a cluster needs one of kubernetes
          q: { kubernetes: { connection: h, name: "${vars.k}", namespace: ../x, key: a/b } }
                                         ^
      it is declared here: e.yaml:9:5
    e.yaml:16:45 bad-name: "${vars.k}" cannot name a Secret
          q: { kubernetes: { connection: h, name: "${vars.k}", namespace: ../x, key: a/b } }
                                                  ^^^^^^^^^^^
      = Write it as the cluster has it; no expression stands here.
    e.yaml:16:69 bad-name: "../x" cannot name a namespace
          q: { kubernetes: { connection: h, name: "${vars.k}", namespace: ../x, key: a/b } }
                                                                          ^^^^
      = Write it as the cluster has it; no expression stands here.
    e.yaml:16:80 bad-name: "a/b" cannot name a key of a Secret
          q: { kubernetes: { connection: h, name: "${vars.k}", namespace: ../x, key: a/b } }
                                                                                     ^^^
      = Write it as the cluster has it; no expression stands here.
    e.yaml:17:22 missing-key: `name` is missing here
          r: { kubernetes: { connection: d, key: k } }
                           ^
    e.yaml:17:36 unknown-connection: there is no connection "d"
          r: { kubernetes: { connection: d, key: k } }
                                         ^
      = Did you mean a?
    e.yaml:18:22 wrong-type: a map has to stand here, not a text
          s: { kubernetes: db }
                           ^^
    "#);
}
