//! `plan` and `apply` of a path, and the commands that want a daemon's settings.

use super::Place;
use insta::assert_snapshot;

const SHOP: &str = "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: shop }
spec:
  connections: { here: { provider: host, root: @/live } }
  resources:
    page: { kind: host/file, spec: { path: /page, content: \"hello\\n\" } }
";

fn shop() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path().join("live")).unwrap();
    place.write("environments/shop.yaml", SHOP);
    place
}

#[test]
fn a_plan_tells_by_its_exit_code_whether_anything_differs() {
    let place = shop();
    let plan = |arguments: &[&str]| place.run(&[&["plan", "environments"], arguments].concat());
    let said = plan(&[]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(2), ""), "{said:?}");
    assert!(
        said.stdout.contains("+ page  create  (host/file /page)"),
        "{said:?}"
    );

    let said = plan(&["--output", "json"]);
    assert_eq!(said.code, Some(2));
    let json = said.json();
    assert_eq!(
        (&json["environment"], &json["empty"]),
        (&"shop".into(), &false.into()),
        "{json}"
    );
    assert_eq!(json["steps"][0]["action"], "create");

    let said = plan(&["--output", "markdown"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(2), ""));
    assert!(
        said.stdout
            .starts_with("<!-- reconciled:plan -->\n### 🟡 Plan: 1 to create in shop\n"),
        "{said:?}"
    );

    assert_eq!(place.run(&["apply", "environments", "--yes"]).code, Some(0));
    let said = plan(&["--output", "json"]);
    assert_eq!(
        (said.code, said.json()["empty"].as_bool()),
        (Some(0), Some(true))
    );

    place.write(
        "environments/shop.yaml",
        &SHOP.replace("host/file", "host/fil"),
    );
    plan(&[]).assert_only_talk(1);
    let said = plan(&["--output", "json"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.json()[0]["code"], "unknown-kind", "{said:?}");
}

#[test]
fn an_apply_asks_and_where_nobody_answers_changes_nothing() {
    let place = shop();
    let said = place.run(&["apply", "environments/shop.yaml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("Plan: 1 to create"), "{said:?}");
    assert_snapshot!(said.stderr, @"
    error: failed to ask whether to go on: nobody can be asked here
    next: pass --yes to go on without asking
    ");
    assert_eq!(place.read("live/page"), None);

    let said = place.run(&["apply", "environments/shop.yaml", "--yes", "--no-wait"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout
            .ends_with("  ✓ page: created\n\nshop: 1 done.\n"),
        "{said:?}"
    );
    assert_eq!(place.read("live/page").unwrap(), "hello\n");

    // Nothing to do is nothing to ask.
    let said = place.run(&["apply", "environments/shop.yaml"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");

    place.write("live/page", "hacked\n");
    let said = place.run(&["apply", "environments", "--yes", "--output", "json"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    let json = said.json();
    assert_eq!(json["plan"]["steps"][0]["action"], "update", "{json}");
    assert_eq!(json["outcomes"][0]["outcome"], "done", "{json}");
    assert_eq!(place.read("live/page").unwrap(), "hello\n");
}

#[test]
fn a_failure_is_told_and_is_the_exit_code() {
    let place = shop();
    // Its folder is to be where a file will be by then, seen from another root.
    let two = SHOP.replace(
        " } }\n  resources",
        " }, outer: { provider: host, root: @ } }\n  resources",
    );
    let two = two.replace("page: {", "page: { connection: here,");
    let below = "    below: { kind: host/file, connection: outer, lifecycle: { dependsOn: [page] }, spec: { path: /live/page/below, content: x } }\n";
    place.write("environments/shop.yaml", &format!("{two}{below}"));
    let said = place.run(&["apply", "environments", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout.contains("✗ below: failed:")
            && said.stdout.ends_with("shop: 1 done, 1 failed.\n"),
        "{said:?}"
    );
}

#[test]
fn what_is_no_environment_and_a_missing_settings_file_are_said() {
    let place = shop();
    place.write("notes/a.yaml", "a: 1\n");
    let told = |arguments: &[&str]| {
        let said = place.run(arguments);
        said.assert_only_talk(1);
        said.stderr
    };
    assert_snapshot!(told(&["plan", "notes/a.yaml"]), @"error: failed to find an environment in notes/a.yaml: no YAML document there has `kind: Environment`");
    assert_snapshot!(told(&["plan", "environments/none.yaml"]), @"error: failed to read environments/none.yaml: there is no such file or folder");
    let missing = told(&["status"]);
    assert_snapshot!(missing, @"
    error: failed to find a repository to keep: there is no settings file here (reconciled.yaml), and none is named by --settings
    next: `reconciled init` makes one to start from; or name a path, as in `reconciled plan environments/`
    ");
    for command in [
        &["run"][..],
        &["plan"],
        &["plan", "shop"],
        &["apply", "shop"],
        &["pause", "shop", "--why", "x"],
        &["resume", "shop"],
    ] {
        assert_eq!(told(command), missing, "{command:?}");
    }
    let history = told(&["history", "list"]);
    assert!(
        history.starts_with(missing.trim_end()) && history.contains("--path PATH"),
        "{history}"
    );
    place.write("reconciled.yaml", "repositories: []\nlimts: {}\n");
    let told = told(&["status"]);
    assert!(
        told.contains("reconciled.yaml:2:1") && told.contains("Did you mean `limits`?"),
        "{told}"
    );
}

#[test]
fn what_two_environments_declare_is_neither_planned_nor_applied() {
    let place = shop();
    place.write(
        "environments/copy.yaml",
        &SHOP.replace("name: shop", "name: copy"),
    );
    for command in [
        &["plan", "environments"][..],
        &["apply", "environments", "--yes"],
    ] {
        let said = place.run(command);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("error[declared-twice]"), "{said:?}");
    }
    assert_eq!(place.read("live/page"), None);
}
