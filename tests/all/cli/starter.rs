//! `init`, and that what it writes does what it says.

use super::Place;
use crate::peers::git::git;
use insta::assert_snapshot;

#[test]
fn what_init_writes_validates_plans_and_applies() {
    let place = Place::new();
    let said = place.run(&["init", "infra"]);
    said.assert_only_talk(0);
    assert_snapshot!(said.stderr, @r"
      wrote infra/reconciled.yaml
      wrote infra/README.md
      wrote infra/.gitignore
      wrote infra/environments/quickstart.yaml
      wrote infra/layers/shop.yaml
      wrote infra/schemas/environment.schema.json

    Next:
      export SHOP_SESSION_KEY=$(head -c 16 /dev/urandom | base64)
      reconciled validate infra
      reconciled plan infra/environments/quickstart.yaml
      reconciled apply infra/environments/quickstart.yaml
    environments/quickstart.yaml writes below @/infra/.live: a clone elsewhere sets `root` to a folder of its own.
    README.md says how the daemon takes over from there.
    ");
    place.run(&["validate", "infra"]).assert_only_talk(0);
    // The daemon's settings are fine too.
    let said = place.run(&["validate", "infra", "--settings", "infra/reconciled.yaml"]);
    said.assert_only_talk(0);
    assert!(said.stderr.contains("settings are fine"), "{said:?}");

    let environment = "infra/environments/quickstart.yaml";
    let said = place.run(&["plan", environment]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(2), ""), "{said:?}");
    assert!(
        said.stdout.contains("Plan: 5 to create") && said.stdout.contains("(sensitive)"),
        "{said:?}"
    );
    let said = place.run(&["apply", environment, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // Progress and result say the same of each step, in the same words.
    let ended: Vec<&str> = said
        .stdout
        .lines()
        .filter(|line| line.starts_with("  ✓ "))
        .collect();
    assert_eq!(ended.len(), 5, "{said:?}");
    for line in ended {
        let shown = said
            .stderr
            .lines()
            .any(|shown| shown.starts_with(&format!("{line} [")));
        assert!(shown, "{line:?} in {said:?}");
    }
    let page = place.read("infra/.live/srv/shop/index.html").unwrap();
    assert!(page.contains("Welcome to the quick start"), "{page}");
    let secret = place.read("infra/.live/etc/shop/environment").unwrap();
    assert!(secret.contains("canary-session-key"), "{secret}");
    assert!(!format!("{said:?}").contains("canary-session-key"));
    let said = place.run(&["plan", environment]);
    assert_eq!(said.code, Some(0), "{said:?}");

    // What its first line promises an editor is there.
    let text = place.read(environment).unwrap();
    let schema = text
        .lines()
        .next()
        .unwrap()
        .split("$schema=")
        .nth(1)
        .unwrap();
    let schema = place.path().join("infra/environments").join(schema);
    assert!(schema.is_file(), "{}", schema.display());

    // The next step of its README must not commit what was just applied.
    let infra = place.path().join("infra");
    git(&infra, &["init", "--quiet"]);
    git(&infra, &["add", "."]);
    let staged = git(&infra, &["ls-files"]);
    assert!(
        staged.contains("reconciled.yaml") && !staged.contains(".live/"),
        "{staged}"
    );
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new();
    place.write("README.md", "mine\n");
    let said = place.run(&["init"]);
    said.assert_only_talk(1);
    assert_eq!(
        said.stderr,
        "error: failed to start in .: README.md is there already, and nothing is overwritten\n"
    );
    assert_eq!(place.read("README.md").unwrap(), "mine\n");
    assert_eq!(place.read("reconciled.yaml"), None);
    let other = place.run(&["init", "other", "--output", "json"]);
    assert_eq!(other.json()["files"].as_array().unwrap().len(), 6);
    assert_eq!(other.stderr, "");
}

/// A host's root is absolute: no clone elsewhere has it. That is said where it stands and in the README.
#[test]
fn what_a_clone_has_to_set_is_said() {
    let place = Place::new();
    place.run(&["init", "infra"]).assert_only_talk(0);
    let text = place.read("infra/environments/quickstart.yaml").unwrap();
    let root = text
        .lines()
        .find(|line| line.trim_start().starts_with("root: "))
        .unwrap();
    assert!(root.contains("# SET THIS"), "{root}");
    let own = place.path().to_str().unwrap();
    assert_eq!(text.matches(own).count(), 1, "{text}");
    for name in ["reconciled.yaml", "README.md", "layers/shop.yaml"] {
        let text = place.read(&format!("infra/{name}")).unwrap();
        assert!(!text.contains(own), "{name}: {text}");
    }
    assert!(
        place
            .read("infra/README.md")
            .unwrap()
            .contains("**After a clone**")
    );
}
