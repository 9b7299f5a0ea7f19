//! Mistakes that only showed when somebody applied them: each is found by `validate`, at its place.

use super::Place;

/// Validates a spec and returns what is said. `@` stands for the folder.
fn told(spec: &str) -> String {
    let place = Place::new();
    let head =
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: shop }\nspec:\n";
    place.write("shop.yaml", &format!("{head}{spec}"));
    let said = place.run(&["validate", "shop.yaml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    said.stderr
}

fn files(resources: &[&str]) -> String {
    let lines: String = resources
        .iter()
        .enumerate()
        .map(|(nth, spec)| format!("    r{nth}: {{ kind: {spec} }}\n"))
        .collect();
    format!("  connections: {{ here: {{ provider: host, root: @ }} }}\n  resources:\n{lines}")
}

#[track_caller]
fn assert_told(spec: &str, expected: &[&str]) {
    let said = told(spec);
    for one in expected {
        assert!(said.contains(one), "{one}: {said}");
    }
}

#[test]
fn a_path_that_cannot_be_a_file_there() {
    let page = "host/file, spec: { path: /a, content: x }";
    assert_told(
        &files(&[page, "host/file, spec: { path: /a/b/c, content: x }"]),
        &["shop.yaml:8:5", "shop/r0 is a file", "shop.yaml:7:5"],
    );
    assert_told(
        &files(&[page, "host/env-file, spec: { path: //a, values: { A: b } }"]),
        &["error[declared-twice]", "shop.yaml:8:5"],
    );
    assert_told(
        &files(&["host/file, spec: { path: /.reconciled/key, content: x }"]),
        &["shop.yaml:7:42", "ownership records"],
    );
    assert_told(
        &files(&["host/file, spec: { path: /m, content: x, mode: \"7777\" }"]),
        &["shop.yaml:7:64", "at most \"0777\""],
    );
}

#[test]
fn a_secret_in_the_open() {
    let connection = |token: &str| {
        format!(
            "  vars: {{ open: canary-of-token }}\n  connections:\n    do: {{ provider: digitalocean, token: \"{token}\" }}\n"
        )
    };
    for token in ["canary-of-token", "${vars.open}"] {
        let said = told(&connection(token));
        assert!(said.contains("error[literal-secret]"), "{said}");
        assert!(said.contains("shop.yaml:7:42"), "{said}");
        assert!(said.contains("write \"${secrets.token}\" here"), "{said}");
        assert!(!said.contains("canary-of-token"), "{said}");
    }
}

#[test]
fn a_number_that_cron_does_not_have() {
    assert_told(
        "  reconcile: { windows: [ { cron: \"0 99 * * 1-5\", for: 8h } ] }\n",
        &["shop.yaml:5:35", "the hour 99 is not from 0 to 23"],
    );
}

#[test]
fn a_resource_that_means_itself() {
    let read = |id: &str| {
        format!("host/file, spec: {{ path: /p, content: \"${{resources.{id}.path}}\" }}")
    };
    assert_told(
        &files(&[&read("r0")]),
        &["`r0` reads itself", "put it into `vars`"],
    );
    let near = told(&files(&[
        &read("rO"),
        "host/file, spec: { path: /q, content: x }",
    ]));
    assert!(!near.contains("Did you mean `r0`"), "{near}");
}

#[test]
fn a_layer_outside_of_what_was_named() {
    let place = Place::new();
    let layer = "apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nspec: { vars: { a: b } }\n";
    let spec =
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: shop }\nspec:\n";
    let spec = format!("{spec}  extends: [../../layers/a.yaml]\n  resources: {{}}\n");
    place.write("layers/a.yaml", layer);
    place.write("work/envs/shop.yaml", &spec);
    // From where both are, it is read; from below, no path leads out.
    let said = place.run(&["validate", "work/envs/shop.yaml"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = place.run_in("work", &["validate", "envs/shop.yaml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for told in [
        "envs/shop.yaml:5:13",
        "leaves the repository",
        "the command stands in",
    ] {
        assert!(said.stderr.contains(told), "{said:?}");
    }
}
