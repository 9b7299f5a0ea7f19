//! What a newcomer stumbles over: each time it is said what to do next.

use super::Place;
use insta::assert_snapshot;

#[test]
fn what_is_not_there_is_said_without_a_system_s_own_words() {
    let place = Place::new();
    let said = place.run(&["validate", "nowhere"]);
    said.assert_only_talk(1);
    assert_snapshot!(said.stderr, @r"
    error: failed to find nowhere: there is nothing of that name
    next: name a file that declares an environment or a folder with some, as in `reconciled validate environments/`
    ");
    let said = place.run(&["--settings", "nowhere.yaml", "status"]);
    said.assert_only_talk(1);
    assert_snapshot!(said.stderr, @r"
    error: failed to find the settings file nowhere.yaml
    next: name one that is there with --settings or RECONCILED_SETTINGS; `reconciled init` makes one to start from
    ");
}

#[test]
fn a_setting_is_found_without_its_first_word() {
    let place = Place::new();
    let told = |what: &str| place.run(&["explain", what]).stderr;
    assert!(told("web.listen").ends_with("did you mean settings.web.listen?\n"));
    assert!(told("limits.source.bytes").ends_with("did you mean settings.limits?\n"));
}

#[test]
fn the_history_of_a_folder_stands_in_its_columns() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("live")).unwrap();
    let spec = "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: shop }
spec:
  connections: { here: { provider: host, root: @/live } }
  resources:
    page: { kind: host/file, spec: { path: /page, content: x } }
";
    place.write("shop.yaml", spec);
    assert_eq!(place.run(&["apply", "shop.yaml", "--yes"]).code, Some(0));
    let said = place
        .run(&["history", "list", "--path", "shop.yaml"])
        .stdout;
    let (head, run) = said.split_once('\n').unwrap();
    for (title, value) in [("REVISION", "folder:"), ("WHY", "cli"), ("OUTCOME", "done")] {
        assert_eq!(head.find(title), run.find(value), "{title}: {said}");
    }
    let help = place.run(&["history", "--help"]).stdout;
    assert!(help.contains("cli: the command line"), "{help}");
}
