//! Folders of Kubernetes YAML as members.

use super::*;
use crate::model::{File, RepoPath};

pub(super) const API: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: api }\nspec: { paused: no, template: { spec: { containers: [{ args: [\"${not.evaluated}\", 0644, on] }] } } }\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n  - { apiVersion: v1, kind: Secret, metadata: { name: s, namespace: other }, stringData: { a: canary } }\n  - { apiVersion: v1, kind: Namespace, metadata: { name: shop } }\n";

const CRD: &str = "{\"apiVersion\": \"apiextensions.k8s.io/v1\", \"kind\": \"CustomResourceDefinition\", \"metadata\": {\"name\": \"zones.example.com\"}, \"spec\": {\"group\": \"example.com\", \"scope\": \"Cluster\", \"names\": {\"kind\": \"Zone\"}}}";

fn text(spec: &str) -> String {
    environment(&format!("  connections: {{ k: {{ provider: kubernetes }} }}\n  resources: {{ api: {{ kind: kubernetes/manifests, spec: {spec} }}, f: {{ kind: kubernetes/object, lifecycle: {{ dependsOn: [api] }}, spec: {{ apiVersion: v1, kind: ConfigMap, metadata: {{ name: f }} }} }} }}\n"))
        .replace("name: test", "name: test, labels: { Owner: platform }")
}

#[test]
fn a_folder_becomes_its_objects() {
    let text = text("{ path: k8s, namespace: shop }");
    let zone = "apiVersion: example.com/v1\nkind: Zone\nmetadata: { name: z }\n";
    let graph = built(&[
        ("e.yaml", &text),
        ("k8s/api.yaml", API),
        ("k8s/crd/zone.json", CRD),
        ("k8s/zone.yml", zone),
        ("k8s/README.md", "#"),
        ("k8s-old/x.yaml", "a: 1"),
    ]);
    let graph = graph.unwrap_or_else(|wrong| panic!("{}", shown(&wrong)));
    assert_eq!(
        waves(&graph, &BTreeMap::new())[0],
        [
            r#"api[Deployment.apps/shop/api] {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api","namespace":"shop","labels":{"Owner":"platform"}},"spec":{"paused":false,"template":{"spec":{"containers":[{"args":["${not.evaluated}",420,true]}]}}}}"#,
            r#"api[Secret/other/s] {"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"other","labels":{"Owner":"platform"}},"stringData":{"a":"(sensitive)"}}"#,
            r#"api[Namespace/shop] {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"Owner":"platform"}}}"#,
            r#"api[CustomResourceDefinition.apiextensions.k8s.io/zones.example.com] {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"zones.example.com","labels":{"Owner":"platform"}},"spec":{"group":"example.com","scope":"Cluster","names":{"kind":"Zone"}}}"#,
            r#"api[Zone.example.com/z] {"apiVersion":"example.com/v1","kind":"Zone","metadata":{"name":"z","labels":{"Owner":"platform"}}}"#,
            r#"f {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"f","labels":{"Owner":"platform"}}}"#,
        ]
    );
    let wanted = graph.resolve(&graph.waves()[0], &BTreeMap::new());
    assert_eq!(wanted[0].location.file.as_str(), "k8s/api.yaml");
    assert_eq!(wanted.last().unwrap().after.len(), 5);
    insta::assert_snapshot!(shown(graph.warnings()), @r#"
    k8s/api.yaml:4:17 yaml-1.1-boolean: no is read as false, as kubectl does
      = Write false, or quote it where a text is meant: "no".
    k8s/api.yaml:4:89 yaml-1.1-boolean: on is read as true, as kubectl does
      = Write true, or quote it where a text is meant: "on".
    "#);
}

#[test]
fn what_stands_for_a_folder_that_is_not_read_is_no_empty_folder() {
    let text = text("{ path: k8s, namespace: shop }");
    let read = |name: &str, file: File| {
        let mut snapshot = snapshot(&[("e.yaml", &text), ("k8s/api.yaml", API)]);
        snapshot.files.insert(RepoPath::new(name).unwrap(), file);
        shown(
            &built_of(&snapshot, &Allowance::default())
                .err()
                .unwrap_or_default(),
        )
    };
    let told = [
        read("k8s/db", File::Symlink),
        read("k8s/db.d", File::Submodule),
        read("k8s/\u{fffd}", File::BadName),
        read("k8s/db.yaml", File::LfsPointer),
        read("k8s/db.yaml", File::TooLarge(9)),
    ];
    let why = [
        "k8s/db is a symbolic link",
        "k8s/db.d is a submodule",
        "has a name that",
        "k8s/db.yaml is a Git LFS pointer",
        "k8s/db.yaml is too large to be read (9 bytes)",
    ];
    for (told, why) in told.iter().zip(why) {
        assert!(
            told.contains(why) && told.contains("Nothing is deleted for it"),
            "{why}: {told}"
        );
    }
    for (name, file) in [
        ("k8s/film.bin", File::LfsPointer),
        ("k8s/film.bin", File::TooLarge(9)),
    ] {
        assert_eq!(read(name, file), "");
    }
}

#[test]
fn what_is_no_object_is_told_where_it_stands() {
    let told = |spec: &str, files: &[(&str, &str)]| {
        let text = text(spec);
        let all: Vec<(&str, &str)> = [("e.yaml", text.as_str())]
            .into_iter()
            .chain(files.iter().copied())
            .collect();
        shown(&built(&all).err().unwrap_or_default())
    };
    let twice = format!("{API}---\n{API}");
    let shown = [
        told("{ path: k8 }", &[("k8s/a.yaml", "a: 1")]),
        told("{ path: k8s }", &[("k8s/a.yaml", "kind: X\nmetadata: {}\n---\napiVersion: v1\nkind: Pod\nmetadata: { generateName: x }\n---\nkind: Kustomization\n"), ("k8s/b.yaml", "a: [\n"), ("k8s/c.yaml", "a: 1\na: 2\n")]),
        told("{ path: k8s, namespace: shop }", &[("k8s/a.yaml", &twice)]),
        told("{ path: k8s }", &[("k8s/README.md", "x")]),
        told("{ path: ../.. , namespace: \"${metadata.name}\" }", &[]),
        told("{ path: k8s }", &[("k8s/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: f }\n")]),
    ].join("\n");
    insta::assert_snapshot!(shown, @r#"
    e.yaml:6:65 missing-folder: k8 is not there
        resources: { api: { kind: kubernetes/manifests, spec: { path: k8 } }, f: { kind: kubernetes/object, lifecycle: { dependsOn: [api] }, spec: { apiVersion: v1, kind: ConfigMap, metadata: { name: f } } } }
                                                                      ^^
      = Did you mean k8s?

    k8s/a.yaml:1:1 missing-key: `apiVersion` is missing here, as a text
      kind: X
      ^
      = Every file of the folder has to hold Kubernetes objects.
    k8s/a.yaml:6:11 missing-key: `metadata.name` is missing here, as a text
      metadata: { generateName: x }
                ^
      = A generated name cannot be kept: give it a name.
    k8s/a.yaml:8:7 kustomization-here: a folder of plain objects holds a kustomization, which is none
      kind: Kustomization
            ^^^^^^^^^^^^^
      = Declare the resource as kind kubernetes/kustomization, or take the file away.
    k8s/b.yaml:1:4 yaml-syntax: unclosed bracket '['
      a: [
         ^
    k8s/c.yaml:1:1 missing-key: `apiVersion` is missing here, as a text
      a: 1
      ^
      = Every file of the folder has to hold Kubernetes objects.
    k8s/c.yaml:2:1 duplicate-key: the key "a" stands here twice
      a: 2
      ^
      first here: k8s/c.yaml:1:1
      = Remove one of the two.

    k8s/a.yaml:16:19 declared-twice: Deployment.apps/shop/api stands twice in this resource
    k8s/a.yaml:24:55 declared-twice: Secret/other/s stands twice in this resource
    k8s/a.yaml:25:58 declared-twice: Namespace/shop stands twice in this resource

    e.yaml:6:65 empty-folder: k8s holds no Kubernetes object
        resources: { api: { kind: kubernetes/manifests, spec: { path: k8s } }, f: { kind: kubernetes/object, lifecycle: { dependsOn: [api] }, spec: { apiVersion: v1, kind: ConfigMap, metadata: { name: f } } } }
                                                                      ^^^
      = Nothing is deleted for it. Take the resource away if that is meant.

    e.yaml:6:65 bad-path: this path names nothing in the repository
        resources: { api: { kind: kubernetes/manifests, spec: { path: ../.. , namespace: "${metadata.name}" } }, f: { kind: kubernetes/object, lifecycle: { dependsOn: [api] }, spec: { apiVersion: v1, kind: ConfigMap, metadata: { name: f } } } }
                                                                      ^^^^^
      = Write a plain path relative to this file, as in ../k8s/api.

    e.yaml:6:74 declared-twice: kubernetes/object v1 ConfigMap f is declared already, as test/api[ConfigMap/f]
        resources: { api: { kind: kubernetes/manifests, spec: { path: k8s } }, f: { kind: kubernetes/object, lifecycle: { dependsOn: [api] }, spec: { apiVersion: v1, kind: ConfigMap, metadata: { name: f } } } }
                                                                               ^
      declared here too: k8s/a.yaml:3:19
      = A live object belongs to one resource: remove one of the two.
    "#);
}
