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
    error[unknown-value]: "aply" is none of apply, propose, observe
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
            "message": "\"aply\" is none of apply, propose, observe", "hint": "Did you mean apply?",
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

#[test]
fn of_two_broken_files_the_one_that_is_named_is_told() {
    let place = Place::new();
    let head = "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\n";
    place.write("a.yaml", &format!("{head}metadata: {{ nmae: a }}\n"));
    let connections = "spec: { connections: { here: { root: / } },";
    let resources = "resources: { x: { kind: host/file, connection: here, spec: { path: /x, content: x } }, y: { kind: host/file, spec: { path: /y, content: y } } } }";
    place.write(
        "b.yaml",
        &format!("{head}metadata: {{ name: b }}\n{connections} {resources}\n"),
    );
    let said = place.run(&["validate", "b.yaml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    // A connection that says too little is one mistake, at the connection.
    assert!(
        said.stderr.contains("`provider` is missing here"),
        "{said:?}"
    );
    assert!(
        said.stderr
            .contains("Providers: digitalocean, host, kubernetes"),
        "{said:?}"
    );
    assert!(said.stderr.ends_with("1 error\n"), "{said:?}");
    let said = place.run(&["validate", "a.yaml"]);
    assert!(
        said.stderr.contains("Write `name` instead of `nmae`."),
        "{said:?}"
    );
}

const REFUSED: &str = "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: shop }
spec:
  secrets: { token: { env: NOT_SET }, root: { env: NOT_SET } }
  vars: { mode: \"0999\", up: /.., number: 5, long: x }
  connections:
    here: { provider: host, root: / }
    there: { provider: host, rot: / }
    elsewhere: { provider: host, root: srv }
    hidden: { provider: host, root: \"${secrets.root}\" }
    listed: { provider: host, root: [/] }
    cluster: { provider: kubernetes, inCluster: true, context: prod }
    do: { provider: digitalocean }
  resources:
    mode: { kind: host/file, connection: here, spec: { path: /a, content: a, mode: \"0999\" } }
    up: { kind: host/file, connection: here, spec: { path: /../b, content: b } }
    folder: { kind: host/file, connection: here, spec: { path: /b/, content: b } }
    text: { kind: host/file, connection: here, spec: { path: /c, content: 5 } }
    key: { kind: host/env-file, connection: here, spec: { path: /d, values: { A-B: 1 } } }
";

#[test]
fn what_a_schema_refuses_is_found_with_nothing_live() {
    let place = Place::new();
    place.write("shop.yaml", REFUSED);
    let said = place.run(&["validate"]);
    said.assert_only_talk(1);
    assert_snapshot!(said.stderr, @r#"
    error[unknown-key]: a connection of host has no field `rot` here
     --> shop.yaml:9:30
      |
    9 |     there: { provider: host, rot: / }
      |                              ^^^
      |
      = help: Did you mean `root`?

    error[wrong-text]: "srv" does not fit ^/
      --> shop.yaml:10:40
       |
    10 |     elsewhere: { provider: host, root: srv }
       |                                        ^^^
       |
       = help: The folder that every path of its resources counts from: absolute, on this machine.

    error[wrong-type]: a text has to stand here, not a list
      --> shop.yaml:12:37
       |
    12 |     listed: { provider: host, root: [/] }
       |                                     ^
       |
       = help: The folder that every path of its resources counts from: absolute, on this machine.

    error[not-here]: nothing may stand here
      --> shop.yaml:13:64
       |
    13 |     cluster: { provider: kubernetes, inCluster: true, context: prod }
       |                                                                ^^^^
       |
       = help: inCluster goes with neither context nor kubeconfig.

    error[missing-key]: `token` is missing here: a connection of digitalocean needs it
      --> shop.yaml:14:9
       |
    14 |     do: { provider: digitalocean }
       |         ^
       |
       = help: The token that DigitalOcean knows the account by.

    error[wrong-text]: "0999" does not fit ^0?[0-7]{3}$
      --> shop.yaml:16:84
       |
    16 |     mode: { kind: host/file, connection: here, spec: { path: /a, content: a, mode: "0999" } }
       |                                                                                    ^^^^^^
       |
       = help: Permission bits in octal, in quotes: "0644"; at most "0777".

    error[wrong-text]: "/../b" cannot stand here
      --> shop.yaml:17:60
       |
    17 |     up: { kind: host/file, connection: here, spec: { path: /../b, content: b } }
       |                                                            ^^^^^
       |
       = help: It holds neither `.` nor `..`: nothing outside the connection's root is written.

    error[wrong-text]: "/b/" does not fit [^/]$
      --> shop.yaml:18:64
       |
    18 |     folder: { kind: host/file, connection: here, spec: { path: /b/, content: b } }
       |                                                                ^^^
       |
       = help: Name a file: this is a folder.

    error[wrong-type]: a text has to stand here, not a number
      --> shop.yaml:19:75
       |
    19 |     text: { kind: host/file, connection: here, spec: { path: /c, content: 5 } }
       |                                                                           ^
       |
       = help: Quote it: "5".

    error[wrong-text]: the key "A-B" does not fit ^[A-Za-z_][A-Za-z0-9_]*$
      --> shop.yaml:20:79
       |
    20 |     key: { kind: host/env-file, connection: here, spec: { path: /d, values: { A-B: 1 } } }
       |                                                                               ^^^
       |
       = help: A variable is named by letters, digits and underscores, a digit never first.

    10 errors
    "#);
}

/// The same places for programs, and for whoever would change something by it.
#[test]
fn the_verdict_on_a_spec_is_one() {
    let place = Place::new();
    place.write("shop.yaml", REFUSED);
    let said = place.run(&["validate"]);
    let listed = place.run(&["validate", "--output", "json"]).json();
    let listed = listed.as_array().unwrap();
    let found: Vec<String> = listed
        .iter()
        .map(|one| {
            format!(
                "{}:{}:{}",
                one["file"].as_str().unwrap(),
                one["line"],
                one["column"]
            )
        })
        .collect();
    let shown = said
        .stderr
        .lines()
        .filter_map(|line| line.split_once("--> "));
    assert_eq!(
        found,
        shown.map(|(_, at)| at.to_owned()).collect::<Vec<_>>()
    );
    assert!(
        listed.iter().all(|one| one["hint"].is_string()),
        "{listed:#?}"
    );
    let plan = place.run(&["plan", "shop.yaml"]);
    let same: String = said
        .stderr
        .lines()
        .filter(|line| !line.ends_with(" errors"))
        .collect();
    let planned: String = plan.stderr.lines().collect();
    assert!(planned.starts_with(&same), "{}", plan.stderr);
}

/// What hangs on a live output is left open; what an expression gives from here is not.
#[test]
fn what_an_expression_gives_is_checked_as_far_as_it_is_known() {
    let place = Place::new();
    let resources = "    mode: { kind: host/file, connection: here, spec: { path: /a, content: a, mode: \"${vars.mode}\" } }
    up: { kind: host/file, connection: here, spec: { path: \"${vars.up}/b\", content: b } }
    text: { kind: host/file, connection: here, spec: { path: /c, content: \"${vars.number}\" } }
";
    let (head, _) = REFUSED.split_once("    there:").unwrap();
    let more = "    there: { provider: host, root: \"${vars.number}\" }
    cluster: { provider: kubernetes, inCluster: \"${vars.inside}\", context: prod }
    hidden: { provider: host, root: \"${secrets.root}\" }
";
    let head = head.replace("long: x", "inside: true");
    place.write(
        "shop.yaml",
        &format!("{head}{more}  resources:\n{resources}"),
    );
    let said = place.run(&["validate"]);
    said.assert_only_talk(1);
    assert_snapshot!(said.stderr, @r#"
    error[wrong-type]: a text has to stand here, not a number
     --> shop.yaml:9:36
      |
    9 |     there: { provider: host, root: "${vars.number}" }
      |                                    ^^^^^^^^^^^^^^^^
      |
      = help: The expression gives 5.

    error[not-here]: nothing may stand here
      --> shop.yaml:10:76
       |
    10 |     cluster: { provider: kubernetes, inCluster: "${vars.inside}", context: prod }
       |                                                                            ^^^^
       |
       = help: inCluster goes with neither context nor kubeconfig.

    error[secret-shown]: `root` is shown and recorded: it cannot be a secret
      --> shop.yaml:11:37
       |
    11 |     hidden: { provider: host, root: "${secrets.root}" }
       |                                     ^^^^^^^^^^^^^^^^^
       |
       = help: Write it out, or read it from vars.

    error[wrong-text]: "0999" does not fit ^0?[0-7]{3}$
      --> shop.yaml:13:84
       |
    13 | ... spec: { path: /a, content: a, mode: "${vars.mode}" } }
       |                                         ^^^^^^^^^^^^^^
       |
       = help: Permission bits in octal, in quotes: "0644"; at most "0777".

    error[wrong-text]: "/../b" cannot stand here
      --> shop.yaml:14:60
       |
    14 |     up: { kind: host/file, connection: here, spec: { path: "${vars.up}/b", content: b } }
       |                                                            ^^^^^^^^^^^^^^
       |
       = help: It holds neither `.` nor `..`: nothing outside the connection's root is written.

    error[wrong-type]: a text has to stand here, not a number
      --> shop.yaml:15:75
       |
    15 |     text: { kind: host/file, connection: here, spec: { path: /c, content: "${vars.number}" } }
       |                                                                           ^^^^^^^^^^^^^^^^
       |
       = help: The expression gives 5.

    6 errors
    "#);

    // Not known here: nothing to tell.
    let open = "    cluster: { provider: kubernetes, context: prod }
  resources:
    site: { kind: kubernetes/object, spec: { apiVersion: v1, kind: ConfigMap, metadata: { name: a } } }
    mode: { kind: host/file, connection: here, spec: { path: /a, content: \"${resources.site.uid}\", mode: \"${resources.site.data.mode}\" } }
    secret: { kind: host/file, connection: here, spec: { path: /b, content: \"${secrets.token}\" } }
";
    place.write("shop.yaml", &format!("{head}{open}"));
    let said = place.run(&["validate"]);
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (Some(0), "shop: fine\n"),
        "{said:?}"
    );
}
