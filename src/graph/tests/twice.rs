//! One live object, or one place of a file, in two environments.

use super::*;

/// Says what is wrong with a file in each of two environments of one host.
fn told(one: &str, other: &str) -> String {
    let one = environment(&format!("{HEAD}  resources:\n    a: {{ {one} }}\n"));
    let other = environment(&format!("{HEAD}  resources:\n    b: {{ {other} }}\n"))
        .replace("name: test", "name: other")
        .replace("host: { provider: host }", "vm: { provider: host }");
    let [one, other] = [one, other].map(|text| built(&[("e.yaml", &text)]).unwrap());
    let errors = declared_twice(&[&one, &other]);
    let one = |twice: &Twice| format!("{}: {}", twice.address.environment, twice.error.message);
    let lines: Vec<String> = errors.iter().map(one).collect();
    lines.join("\n")
}

#[test]
fn one_object_in_two_environments_is_told_in_both() {
    let file = "kind: host/file, spec: { path: /a, content: \"\" }";
    insta::assert_snapshot!(told(file, file), @r"
    other: host/file /a is declared already, as test/a
    test: host/file /a is declared already, as other/b
    ");
}

#[test]
fn what_cannot_stand_beside_a_file_of_another_environment_is_told_in_both() {
    let file = "kind: host/file, spec: { path: /a/b, content: \"\" }";
    let spelled = "kind: host/file, spec: { path: /a//b, content: \"\" }";
    let below = "kind: host/file, spec: { path: /a/b/c, content: \"\" }";
    let told = [(file, spelled), (file, below), (below, file)].map(|(one, other)| told(one, other));
    insta::assert_snapshot!(told.join("\n"), @r"
    other: host/file /a//b is declared already, as test/a
    test: host/file /a/b is declared already, as other/b
    other: test/a is a file, so nothing stands below it
    test: other/b is to stand below this, which is a file
    test: other/b is a file, so nothing stands below it
    other: test/a is to stand below this, which is a file
    ");
}

#[test]
fn a_file_beside_one_of_another_environment_is_no_mistake() {
    let one = "kind: host/file, spec: { path: /a/b, content: \"\" }";
    let other = "kind: host/file, spec: { path: /a/bc, content: \"\" }";
    assert_eq!(told(one, other), "");
}
