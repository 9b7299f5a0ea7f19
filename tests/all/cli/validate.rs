//! `validate`: every mistake at once, for people and for programs.

use super::Place;
use insta::assert_snapshot;
use serde_json::json;

const BROKEN: &str = "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: shop }
spec:
  connections:
    here: { provider: host, root: / }
  reconcile: { onMerge: aply }
  resources:
    page:
      kind: host/fil
      spec: { path: /x }
";
const FINE: &str = "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: blog }
spec:
  secrets: { key: { env: NOT_SET } }
  connections: { here: { provider: host, root: / } }
  resources:
    page: { kind: host/file, spec: { path: /x, content: \"${secrets.key}\" } }
";

#[test]
fn mistakes_are_shown_with_their_lines() {
    let place = Place::new();
    place.write("environments/shop.yaml", BROKEN);
    let said = place.run(&["validate"]);
    said.assert_only_talk(1);
    assert_snapshot!(said.stderr, @r#"
    error[unknown-value]: "aply" is none of apply, observe
     --> environments/shop.yaml:7:25
      |
    7 |   reconcile: { onMerge: aply }
      |                         ^^^^
      |
      = help: Did you mean apply?

    error[unknown-kind]: there is no kind "host/fil"
      --> environments/shop.yaml:10:13
       |
    10 |       kind: host/fil
       |             ^^^^^^^^
       |
       = help: Did you mean host/file?

    2 errors
    "#);
}

#[test]
fn programs_get_a_list() {
    let place = Place::new();
    place.write("environments/shop.yaml", BROKEN);
    place.write(
        "environments/tab.yaml",
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nspec:\n\tresources: {}\n",
    );
    let said = place.run(&["validate", "--output", "json"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), ""), "{said:?}");
    let list = said.json();
    assert_eq!(
        list[0],
        json!({
            "file": "environments/shop.yaml", "line": 7, "column": 25, "code": "unknown-value",
            "message": "\"aply\" is none of apply, observe", "hint": "Did you mean apply?",
            "severity": "error",
        })
    );
    let tab = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["file"] == "environments/tab.yaml");
    assert_eq!(tab.unwrap()["line"], 4, "{list}");

    // Of one file, only its own.
    let said = place.run(&["validate", "environments/tab.yaml", "--output", "json"]);
    assert_eq!(said.code, Some(1));
    let list = said.json();
    let all = list.as_array().unwrap();
    assert!(
        !all.is_empty() && all.iter().all(|one| one["file"] == "environments/tab.yaml"),
        "{list}"
    );
}

#[test]
fn what_is_fine_is_said_and_needs_no_secret() {
    let place = Place::new();
    place.write("blog.yaml", FINE);
    let said = place.run(&["validate"]);
    said.assert_only_talk(0);
    assert_eq!(said.stderr, "blog: fine\n");
    let said = place.run(&["validate", "--output", "json"]);
    assert_eq!((said.code, said.json()), (Some(0), json!([])));
}

#[test]
fn a_path_without_an_environment_is_no_success() {
    let place = Place::new();
    place.write("notes/a.yaml", "a: 1\n");
    let said = place.run(&["validate", "notes"]);
    said.assert_only_talk(1);
    assert_eq!(
        said.stderr,
        "error: failed to find an environment in notes: no YAML document there has `apiVersion: reconciled.dev/v1alpha1` and `kind: Environment`\n"
    );
    place.run(&["validate", "nowhere"]).assert_only_talk(1);
}
