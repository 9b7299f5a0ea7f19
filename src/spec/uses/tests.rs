//! What a branch may do with secrets, on pairs of small environments.

use super::*;
use crate::spec::tests::{environment, reading};

const MERGED: &str = "  vars: { dir: etc, pass: \"${secrets.a}\" }
  secrets: { a: { env: A }, b: { env: B } }
  connections:
    do: { provider: digitalocean, token: \"${secrets.a}\" }
    host: { provider: host, root: /srv }
  resources:
    f: { kind: host/file, spec: { path: \"/${vars.dir}/f\", content: \"x ${vars.pass}\", list: [\"${secrets.b}\"] } }
    p: { kind: host/file, spec: { path: /p, content: \"YES\", mode: \"${vars.dir}\" } }
    u: { kind: host/file, spec: { path: /u, content: \"${resources.db.connection.uri}\", host: \"${resources.db.connection.host}\" } }
    db: { kind: digitalocean/database-cluster, spec: { name: db, engine: pg, region: x, num_nodes: 1 } }
";

fn read(spec: &str) -> Environment {
    let reading = reading(&[("e.yaml", &environment(spec))]);
    assert_eq!(reading.all_diagnostics(), [], "{spec}");
    let mut environments = reading.environments.into_iter();
    environments.next().unwrap().environment.unwrap()
}

/// The texts that a branch that replaces one text by another gets no value for.
fn withheld(merged: &str, from: &str, to: &str) -> Vec<String> {
    assert!(merged.contains(from), "{from}");
    let branch = read(&merged.replace(from, to));
    let branch = branch.withheld(&read(merged).secret_uses());
    fn walk(template: &Template, into: &mut Vec<String>) {
        match &template.content {
            Shape::Withheld(computed) => into.push(computed.text.clone()),
            Shape::List(items) => items.iter().for_each(|item| walk(item, into)),
            Shape::Map(entries) => entries.iter().for_each(|(_, value)| walk(value, into)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    let vars = branch.vars.iter().map(|(_, template)| template);
    let connections = branch.connections.values().map(|one| &one.settings);
    let resources = branch.resources.iter().map(|one| &one.spec);
    vars.chain(connections)
        .chain(resources)
        .for_each(|template| walk(template, &mut texts));
    texts
}

#[test]
fn a_branch_gets_a_secret_only_for_what_the_merged_spec_does_with_it() {
    let (content, item, token) = ("x ${vars.pass}", "${secrets.b}", "${secrets.a}");
    let uri = "${resources.db.connection.uri}";
    let guess = "${secrets.a.startsWith('S') ? 'YES' : 'NO'}";
    for (from, to, expected) in [
        ("YES", "NO", vec![]),
        ("num_nodes: 1", "num_nodes: 3", vec![]),
        (item, "new\", \"${secrets.b}", vec![]),
        ("YES", guess, vec![guess]),
        ("YES", token, vec![token]),
        ("YES", "${vars.pass}", vec!["${vars.pass}"]),
        ("YES", uri, vec![uri]),
        ("YES", "${resources.db.connection.host}", vec![]),
        (content, "y ${vars.pass}", vec!["y ${vars.pass}"]),
        // It is another secret, another object, another root, another host.
        ("b: { env: B }", "b: { env: C }", vec![item]),
        ("dir: etc", "dir: tmp", vec![content, item]),
        ("root: /srv", "root: /tmp", vec![content, item, uri]),
        ("name: db", "name: other", vec![uri]),
        ("    f: {", "    g: {", vec![content, item]),
    ] {
        assert_eq!(withheld(MERGED, from, to), expected, "{from} -> {to}");
    }
    let through_var = withheld(
        MERGED,
        "pass: \"${secrets.a}\"",
        &format!("pass: \"{guess}\""),
    );
    assert_eq!(through_var, [guess, content]);
    let connection = withheld(
        MERGED,
        "token: \"${secrets.a}\"",
        &format!("token: \"{guess}\""),
    );
    assert_eq!(connection, [guess, uri]);
}

#[test]
fn a_new_environment_may_connect_as_merged_ones_do() {
    let mut uses = SecretUses::default();
    uses.connect_as(&read(MERGED).secret_uses());
    let new = read(MERGED).withheld(&uses);
    let texts = |template: &Template| {
        let mut held = false;
        let map = |shape: &Shape| matches!(shape, Shape::Withheld(_));
        if let Shape::Map(entries) = &template.content {
            held = entries.iter().any(|(_, value)| map(&value.content));
        }
        held
    };
    assert!(!new.connections.values().any(|one| texts(&one.settings)));
    assert!(new.resources.iter().any(|one| texts(&one.spec)));
}

#[test]
fn a_secret_of_a_cluster_is_another_through_another_connection() {
    let merged = "  connections:
    near: { provider: kubernetes, context: a }
    far: { provider: kubernetes, context: b }
    host: { provider: host }
  secrets: { c: { kubernetes: { connection: near, name: n, key: k } } }
  resources:
    f: { kind: host/file, spec: { path: /f, content: \"${secrets.c}\" } }
";
    for (from, to, is_withheld) in [
        ("path: /f", "path: /f, mode: '0600'", false),
        ("context: b", "context: c", false),
        ("context: a", "context: b", true),
        ("connection: near", "connection: far", true),
        ("key: k", "key: l", true),
    ] {
        let texts = withheld(merged, from, to);
        assert_eq!(!texts.is_empty(), is_withheld, "{from} -> {to}: {texts:?}");
    }
}
