//! `plan --against`: what a working folder would change when it is merged, and only that.

use super::Place;
use crate::peers::git::git;

fn environment(name: &str, content: &str) -> String {
    format!(
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{ name: {name} }}\nspec:\n  \
         connections: {{ here: {{ provider: host, root: @/live }} }}\n  resources:\n    \
         {name}: {{ kind: host/file, spec: {{ path: /{name}, content: {content} }} }}\n"
    )
}

/// A repository with the environments `shop` and `other` on `main`.
fn place() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path().join("live")).unwrap();
    for name in ["shop", "other"] {
        place.write(
            &format!("environments/{name}.yaml"),
            &environment(name, "one"),
        );
    }
    place.write(".gitignore", "/live\n/.local\n");
    git(place.path(), &["init", "--quiet", "-b", "main", "."]);
    commit(&place);
    place
}

fn commit(place: &Place) {
    git(place.path(), &["add", "-A"]);
    git(place.path(), &["commit", "--quiet", "-m", "change"]);
}

#[test]
fn only_what_a_change_touches_is_planned_committed_or_not() {
    let place = place();
    let plan = |arguments: &[&str]| place.run(&[&["plan", "--against"], arguments].concat());
    let said = plan(&["HEAD", "--output", "markdown"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(said.stderr, "Touches no environment, against HEAD.\n");

    place.write("environments/shop.yaml", &environment("shop", "two"));
    let said = plan(&["HEAD"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(2), ""), "{said:?}");
    assert!(
        said.stdout.contains("+ shop  create") && !said.stdout.contains("other"),
        "{said:?}"
    );
    let said = plan(&["HEAD", "environments/other.yaml"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");

    // Main moves on elsewhere: that is no part of what this branch would change.
    git(place.path(), &["checkout", "--quiet", "-b", "topic"]);
    commit(&place);
    git(place.path(), &["checkout", "--quiet", "main"]);
    place.write("environments/other.yaml", &environment("other", "three"));
    commit(&place);
    git(place.path(), &["checkout", "--quiet", "topic"]);
    let json = plan(&["main", "--output", "json"]).json();
    assert_eq!(json["environment"], "shop", "{json}");

    std::fs::remove_file(place.path().join("environments/other.yaml")).unwrap();
    let said = plan(&["HEAD", "--output", "markdown"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stdout.contains("**other** would be declared nowhere"),
        "{said:?}"
    );
    let said = plan(&["main", "--output", "markdown"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("🔴 Conflicts with `main`"), "{said:?}");
    assert!(
        said.stdout.contains("- `environments/other.yaml`"),
        "{said:?}"
    );

    git(place.path(), &["checkout", "--quiet", "environments"]);
    place.write(
        "environments/shop.yaml",
        &environment("shop", "two").replace("spec:\n", "spc:\n"),
    );
    let said = plan(&["HEAD", "--output", "markdown"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout.contains("in the specs") && said.stdout.contains("Did you mean"),
        "{said:?}"
    );
}

#[test]
fn a_connection_that_is_not_merged_yet_is_not_used() {
    let place = place();
    let elsewhere = environment("shop", "two").replace("@/live", "@");
    place.write("environments/shop.yaml", &elsewhere);
    let said = place.run(&["plan", "--against", "HEAD"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout.contains("new or changed in this pull request"),
        "{said:?}"
    );
}

#[test]
fn where_nothing_could_be_looked_at_the_headline_says_so_and_why() {
    let place = place();
    let whole = environment("shop", "one").replace("@/live", "@/live/shop");
    std::fs::create_dir(place.path().join("live/shop")).unwrap();
    place.write("environments/shop.yaml", &whole.replace("spec:", "spec: ]"));
    commit(&place);
    place.write("environments/shop.yaml", &whole);
    let said = place.run(&["plan", "--against", "HEAD", "--output", "markdown"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let headline = "### ⚪ Plan: nothing known to change, 1 could not be looked at in shop\n";
    assert!(said.stdout.contains(headline), "{said:?}");
    assert!(
        said.stdout
            .contains("what is merged of it cannot be used for its mistakes"),
        "{said:?}"
    );
}

#[test]
fn another_name_for_the_same_file_is_no_difference() {
    let place = place();
    place.run(&["apply", "--yes", "environments/shop.yaml"]);
    let renamed = environment("shop", "one").replace("    shop: {", "    store: {");
    place.write("environments/shop.yaml", &renamed);
    let said = place.run(&["plan", "--against", "HEAD"]);
    assert!(said.stdout.contains("> store  adopt"), "{said:?}");
    assert!(!said.stdout.contains("(sensitive)"), "{said:?}");
    assert!(!said.stdout.contains("content"), "{said:?}");
}

#[test]
fn beside_a_secret_what_is_none_is_shown() {
    let place = place();
    let of = |port: u32, token: &str| {
        environment("shop", "one").replace(
            "{ kind: host/file, spec: { path: /shop, content: one } }",
            &format!("{{ kind: host/env-file, spec: {{ path: /env, values: {{ PORT: {port}, TOKEN: {token} }} }} }}"),
        ).replace("  resources:", "  secrets: { k: { env: HOME } }\n  resources:")
    };
    let open = |port| of(port, "\"${secrets.k}\"");
    place.write("environments/shop.yaml", &open(8080));
    commit(&place);
    place.run(&["apply", "--yes", "environments/shop.yaml"]);
    // Where no ledger knows what was applied, as on a runner.
    std::fs::remove_dir_all(place.path().join(".local")).unwrap();
    place.write("environments/shop.yaml", &open(8081));
    let said = place.run(&["plan", "--against", "HEAD"]);
    assert!(
        said.stdout.contains("~ values.PORT = \"8080\" -> 8081"),
        "{said:?}"
    );
    // What was a secret when it was written stays one.
    place.write("environments/shop.yaml", &of(8080, "guess"));
    let said = place.run(&["plan", "--against", "HEAD"]);
    let hidden = "~ values.TOKEN = (sensitive) -> (sensitive) (known after apply)";
    assert!(said.stdout.contains(hidden), "{said:?}");
}

#[test]
fn what_is_not_here_says_how_to_get_it() {
    let place = place();
    place
        .run(&["plan", "--against", "origin/main"])
        .assert_only_talk(1);
    let said = place.run(&["plan", "--against", "origin/main"]);
    assert!(said.stderr.contains("fetch-depth: 0"), "{said:?}");
    place
        .run(&["plan", "--against", "HEAD", "none"])
        .assert_only_talk(1);
    // A runner's clone of two commits is enough for a trial merge.
    let shallow = place.path().join("shallow");
    git(place.path(), &["checkout", "--quiet", "-b", "topic"]);
    place.write("environments/shop.yaml", &environment("shop", "two"));
    commit(&place);
    git(place.path(), &["checkout", "--quiet", "main"]);
    git(
        place.path(),
        &["commit", "--quiet", "--allow-empty", "-m", "on"],
    );
    git(
        place.path(),
        &["merge", "--quiet", "--no-ff", "-m", "trial", "topic"],
    );
    let origin = format!("file://{}", place.path().display());
    git(
        place.path(),
        &[
            "clone",
            "--quiet",
            "--depth",
            "2",
            &origin,
            shallow.to_str().unwrap(),
        ],
    );
    let said = place.run_in(
        "shallow",
        &["plan", "--against", "HEAD^1", "--output", "markdown"],
    );
    assert_eq!(said.code, Some(2), "{said:?}");
    let pushed = git(place.path(), &["rev-parse", "topic"]);
    assert!(said.stdout.contains(&pushed[..10]), "{said:?}");
}
