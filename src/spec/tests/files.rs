//! Mistakes between files: layers, names, documents that are not quite environments.

use super::{reading, shown};
use crate::model::{File, Kinds, RepoPath, Revision, Snapshot};
use crate::spec::{ReadOptions, read};

#[test]
fn layers() {
    let env = |extends: &str| {
        format!(
            "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{ name: test }}\nspec: {{ extends: {extends} }}\n"
        )
    };
    let layer =
        |spec: &str| format!("apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nspec: {spec}\n");
    let one = env("[../bases/shp.yaml, ../../x.yaml, a.yaml, two.yaml, plain.yaml, broken.yaml]");
    let reading = reading(&[
        ("envs/one.yaml", one.as_str()),
        ("envs/a.yaml", &layer("{ extends: [b.yaml] }")),
        ("envs/b.yaml", &layer("{ extends: [a.yaml], varz: 1 }")),
        (
            "envs/two.yaml",
            &format!("{}---\n{}", layer("{}"), layer("{}")),
        ),
        ("envs/plain.yaml", "a: 1\n"),
        ("envs/broken.yaml", "a: [\n"),
        ("bases/shop.yaml", &layer("{}")),
    ]);
    insta::assert_snapshot!(shown(&reading.all_diagnostics()), @r#"
    envs/b.yaml:3:19 layer-cycle: the layers form a circle: envs/one.yaml -> envs/a.yaml -> envs/b.yaml -> envs/a.yaml
      spec: { extends: [a.yaml], varz: 1 }
                        ^^^^^^
      = Take one of them out of `extends`.
    envs/b.yaml:3:28 unknown-key: the key `varz` is not known here
      spec: { extends: [a.yaml], varz: 1 }
                                 ^^^^
      = Did you mean `vars`?
    envs/broken.yaml:1:4 yaml-syntax: unclosed bracket '['
      a: [
         ^
    envs/one.yaml:4:19 missing-file: the file bases/shp.yaml is not there
      spec: { extends: [../bases/shp.yaml, ../../x.yaml, a.yaml, two.yaml, plain.yaml, broken.yaml] }
                        ^^^^^^^^^^^^^^^^^
      = Did you mean bases/shop.yaml?
    envs/one.yaml:4:38 bad-path: "../../x.yaml" leaves the repository
      spec: { extends: [../bases/shp.yaml, ../../x.yaml, a.yaml, two.yaml, plain.yaml, broken.yaml] }
                                           ^^^^^^^^^^^^
      = Write a path relative to this file, with /. Outside of Git, what counts is the folder with reconciled.yaml, else the one the command stands in.
    envs/one.yaml:4:60 bad-layer: envs/two.yaml holds more than one layer
      spec: { extends: [../bases/shp.yaml, ../../x.yaml, a.yaml, two.yaml, plain.yaml, broken.yaml] }
                                                                 ^^^^^^^^
      = Let it hold one document with `apiVersion: reconciled.dev/v1alpha1` and `kind: Layer`.
    envs/one.yaml:4:70 bad-layer: envs/plain.yaml holds no layer
      spec: { extends: [../bases/shp.yaml, ../../x.yaml, a.yaml, two.yaml, plain.yaml, broken.yaml] }
                                                                           ^^^^^^^^^^
      = Let it hold one document with `apiVersion: reconciled.dev/v1alpha1` and `kind: Layer`.
    "#);
}

#[test]
fn what_a_missing_layer_may_declare_is_not_said_to_be_missing() {
    let reading = reading(&[(
        "envs/one.yaml",
        "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: test }
spec:
  extends: [../bases/shop.yaml]
  resources:
    page: { kind: host/file, spec: { path: /page, content: \"${vars.greeting} ${secrets.key}\" } }
    named: { kind: host/file, connection: here, lifecycle: { dependsOn: [base] }, spec: { path: /named, content: x } }
    half: { spec: { content: x } }
    odd: { kind: host/file, spek: {} }
",
    )]);
    insta::assert_snapshot!(shown(&reading.all_diagnostics()), @r#"
    envs/one.yaml:5:13 missing-file: the file bases/shop.yaml is not there
        extends: [../bases/shop.yaml]
                  ^^^^^^^^^^^^^^^^^^
      = "../bases/shop.yaml" is taken relative to this file.
    envs/one.yaml:10:29 unknown-key: the key `spek` is not known here
          odd: { kind: host/file, spek: {} }
                                  ^^^^
      = Did you mean `spec`?
    "#);
}

#[test]
fn documents_that_are_not_quite_environments() {
    let reading = reading(&[
        (
            "a.yaml",
            "apiVersion: reconciled.dev/v1alpha2\nkind: Environment\n",
        ),
        (
            "b.yaml",
            "apiVersion: reconciled.dev/v1alpha1\nkind: Enviroment\n",
        ),
        (
            "c.yaml",
            "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nspec: {}\n",
        ),
        (
            "d.yaml",
            "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: Prod_1 }\nspec: {}\n",
        ),
        (
            "e.yaml",
            "apiVersion: reconciled.dev/v1alpha1\nkind: Policy\n",
        ),
        (
            "f.yaml",
            "apiVersion: reconcild.dev/v1alpha1\nkind: Environment\nmetadata: { name: x }\n",
        ),
        (
            "g.yaml",
            "apiVersion: jenkins.io/v1\nkind: Environment\nmetadata: { name: x }\n",
        ),
        (
            "h.yaml",
            "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata:\n  name: broken\nspec:\n  vars: [\n",
        ),
        (".github/i.yaml", "a: 1\n"),
        (
            "j.yaml",
            "kind: Environment\nmetadata: { name: versionless }\nspec: {}\n",
        ),
        ("k.yaml", "kind: Layer\nspec: {}\n"),
    ]);
    assert_eq!(
        reading
            .environments
            .iter()
            .map(|e| e.name.as_str())
            .collect::<Vec<_>>(),
        ["broken"]
    );
    insta::assert_snapshot!(shown(&reading.all_diagnostics()), @r#"
    a.yaml:1:13 unknown-value: this version reads reconciled.dev/v1alpha1, not reconciled.dev/v1alpha2
      apiVersion: reconciled.dev/v1alpha2
                  ^^^^^^^^^^^^^^^^^^^^^^^
      = Write reconciled.dev/v1alpha1.
    b.yaml:2:7 unknown-value: `kind` has to be Environment or Layer
      kind: Enviroment
            ^^^^^^^^^^
      = Did you mean Environment?
    c.yaml:1:1 missing-key: `metadata.name` is missing here
      apiVersion: reconciled.dev/v1alpha1
      ^
      = Name the environment; a file that others extend is `kind: Layer`.
    d.yaml:3:19 bad-name: failed to accept the environment name "Prod_1": use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit
      metadata: { name: Prod_1 }
                        ^^^^^^
    e.yaml:2:7 not-yet: documents of kind Policy are not supported yet
      kind: Policy
            ^^^^^^
    f.yaml:1:13 unknown-value: this version reads reconciled.dev/v1alpha1, not reconcild.dev/v1alpha1
      apiVersion: reconcild.dev/v1alpha1
                  ^^^^^^^^^^^^^^^^^^^^^^
      = Write reconciled.dev/v1alpha1.
    h.yaml:6:9 yaml-syntax: unclosed bracket '['
        vars: [
              ^
    j.yaml:1:7 missing-key: `apiVersion` is missing here, so this is no environment of ours
      kind: Environment
            ^^^^^^^^^^^
      = Write apiVersion: reconciled.dev/v1alpha1 above it.
    "#);
}

#[test]
fn two_of_one_name_are_wrong_in_both() {
    let one = "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: prod }\nspec: {}\n";
    let other = one.replace("prod", "staging");
    let reading = reading(&[("a.yaml", one), ("b.yaml", one), ("c.yaml", &other)]);
    let failed: Vec<_> = reading
        .environments
        .iter()
        .map(|e| (e.path.as_str(), e.environment.is_err()))
        .collect();
    assert_eq!(
        failed,
        [("a.yaml", true), ("b.yaml", true), ("c.yaml", false)]
    );
    insta::assert_snapshot!(shown(&reading.all_diagnostics()), @r#"
    a.yaml:3:19 same-environment-name: two environments are named prod
      metadata: { name: prod }
                        ^^^^
      the other is here: b.yaml:3:19
      = Give one of them another name.
    b.yaml:3:19 same-environment-name: two environments are named prod
      metadata: { name: prod }
                        ^^^^
      the other is here: a.yaml:3:19
      = Give one of them another name.
    "#);
}

#[test]
fn a_file_that_is_not_read_is_named() {
    let kinds = Kinds::new([]);
    for (file, code) in [
        (File::TooLarge(100_000_000), "file-too-large"),
        (File::Symlink, "file-not-read"),
        (File::LfsPointer, "file-not-read"),
    ] {
        let path = RepoPath::new("production.yaml").unwrap();
        let snapshot = Snapshot {
            revision: Revision::new("r"),
            files: [(path, file)].into(),
        };
        let options = ReadOptions {
            folder: None,
            only: None,
            kinds: &kinds,
        };
        assert_eq!(read(&snapshot, &options).diagnostics[0].code, code);
    }
}
