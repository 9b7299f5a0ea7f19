//! Graphs of small environments: references, order, folders of manifests, secrets, holes.

use super::*;
use crate::model::{DigestKey, Kinds, Map, ResourceId, Secret, Snapshot, Value, Wanted};
use crate::source::render::Rendered;
use crate::source::secrets::Secrets;
use crate::spec::tests::{environment, kinds, shown, snapshot};
use crate::spec::{ReadOptions, read};
use serde_json::json;

mod charts;
mod damage;
mod folders;
mod protected;
mod ruled;
mod twice;

const HEAD: &str = "  connections: { do: { provider: digitalocean, token: \"${secrets.t}\" }, host: { provider: host }, k: { provider: kubernetes } }\n  secrets: { t: { env: T } }\n";

fn secrets() -> Secrets {
    Secrets {
        values: [("t".to_owned(), Secret::new("canary"))].into(),
        ..Secrets::default()
    }
}

/// Builds the graph of the environment in `e.yaml`.
pub(super) fn built(files: &[(&str, &str)]) -> Result<Graph, Vec<Diagnostic>> {
    built_within(files, &Allowance::default())
}

pub(super) fn built_within(
    files: &[(&str, &str)],
    allowance: &Allowance,
) -> Result<Graph, Vec<Diagnostic>> {
    built_of(&snapshot(files), allowance)
}

fn built_of(snapshot: &Snapshot, allowance: &Allowance) -> Result<Graph, Vec<Diagnostic>> {
    let kinds = kinds();
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds: &kinds,
    };
    let reading = read(snapshot, &options);
    let found = reading
        .environments
        .into_iter()
        .find(|e| e.path.as_str() == "e.yaml")
        .unwrap();
    build_within(
        &found.environment?,
        (&secrets(), &Rendered::default()),
        &kinds,
        snapshot,
        allowance,
    )
}

fn graph(resources: &str) -> Graph {
    let text = environment(&format!("{HEAD}{resources}"));
    built(&[("e.yaml", &text)]).unwrap_or_else(|wrong| panic!("{}", shown(&wrong)))
}

fn wrong(resources: &str) -> String {
    let text = environment(&format!("{HEAD}{resources}"));
    shown(&built(&[("e.yaml", &text)]).err().unwrap_or_default())
}

/// Shows what every wave wants.
pub(super) fn waves(graph: &Graph, outputs: &BTreeMap<ResourceId, Map>) -> Vec<Vec<String>> {
    let one = |wanted: &Wanted| {
        format!(
            "{} {}",
            wanted.address.resource,
            wanted.desired.masked_json()
        )
    };
    graph
        .waves()
        .iter()
        .map(|wave| graph.resolve(wave, outputs).iter().map(one).collect())
        .collect()
}

const HYBRID: &str = "  vars: { region: nyc3, url: \"x-${vars.region}\" }\n  resources:\n    env: { kind: host/file, spec: { path: /env, content: \"URL=${resources.db.connection.uri}?${vars.url}\", host: \"${resources.db.connection.host}\" }, lifecycle: { dependsOn: [motd] } }\n    motd: { kind: host/file, spec: { path: \"/motd\", content: \"${metadata.name} ${metadata.labels.Owner}\" } }\n    db: { kind: digitalocean/database-cluster, spec: { name: db, engine: pg, region: \"${vars.region}\", num_nodes: \"${1 + 1}\" } }\n";

fn hybrid() -> Graph {
    let text = environment(&format!("{HEAD}{HYBRID}"))
        .replace("name: test", "name: test, labels: { Owner: platform }");
    built(&[("e.yaml", &text)]).unwrap_or_else(|wrong| panic!("{}", shown(&wrong)))
}

fn known() -> BTreeMap<ResourceId, Map> {
    let outputs = [
        (
            "connection.uri".to_owned(),
            Value::Secret(Secret::new("postgres://canary")),
        ),
        ("connection.host".to_owned(), Value::from("db.example")),
    ];
    [(
        ResourceId::new("db").unwrap(),
        outputs.into_iter().collect(),
    )]
    .into()
}

#[test]
fn what_is_read_comes_in_an_earlier_wave_and_dependencies_do_not_split() {
    let graph = hybrid();
    assert_eq!(
        waves(&graph, &BTreeMap::new()),
        [
            vec![
                r#"motd {"path":"/motd","content":"test platform"}"#,
                r#"db {"name":"db","engine":"pg","region":"nyc3","num_nodes":2,"tags":["Owner:platform"]}"#,
            ],
            vec![
                r#"env {"path":"/env","content":"(known after apply)","host":"(known after apply)"}"#
            ],
        ]
    );
    let env = &graph.resolve(&graph.waves()[1], &BTreeMap::new())[0];
    let after: Vec<String> = env.after.iter().map(ToString::to_string).collect();
    assert_eq!(after, ["test/db", "test/motd"]);
    let holes = env.desired.holes();
    assert_eq!(
        holes[0].template,
        "URL=${resources.db.connection.uri}?${vars.url}"
    );
    assert_eq!(
        holes.iter().map(|hole| hole.sensitive).collect::<Vec<_>>(),
        [true, false]
    );
    assert!(
        holes
            .iter()
            .all(|hole| hole.needs == BTreeSet::from(["db".to_owned()]))
    );
}

#[test]
fn holes_are_filled_and_a_secret_seals_the_text_around_it() {
    let graph = hybrid();
    let env = graph
        .addresses()
        .into_iter()
        .find(|a| a.resource.name() == "env")
        .unwrap();
    let filled = graph.fill(&env, &known()).unwrap();
    assert_eq!(
        filled.masked_json(),
        json!({ "path": "/env", "content": "(sensitive)", "host": "db.example" })
    );
    assert_eq!(
        filled.exposed_json().unwrap()["content"],
        "URL=postgres://canary?x-nyc3"
    );
    assert!(!format!("{graph:?} {filled:?}").contains("canary"));
    let missing = graph.fill(&env, &BTreeMap::new()).unwrap_err();
    assert_eq!(
        missing,
        "`URL=${resources.db.connection.uri}?${vars.url}` is not known yet"
    );
    // Same inputs, same digest: what is resolved for a plan is what is filled when carrying it out.
    let key = DigestKey::new([7; 32]);
    let wanted = graph.resolve(&graph.waves()[1], &known()).remove(0);
    assert_eq!(key.sealed_json(&wanted.desired), key.sealed_json(&filled));
}

#[test]
fn what_reads_nothing_and_is_read_by_nobody_can_be_looked_at_alone() {
    let graph = hybrid();
    let alone = |resources: &[&str]| {
        let address = |one: &&str| format!("test/{one}").parse().unwrap();
        let wanted = graph.alone(&resources.iter().map(address).collect())?;
        let names = wanted.iter().map(|one| one.address.resource.to_string());
        Some(names.collect::<Vec<_>>())
    };
    assert_eq!(alone(&["motd"]), Some(vec!["motd".to_owned()]));
    for hangs_on_others in [&["db"][..], &["env"], &["motd", "db"], &["nowhere"]] {
        assert_eq!(alone(hangs_on_others), None);
    }
}

#[test]
fn other_secrets_or_fewer_make_another_graph() {
    let graph = hybrid();
    assert!(graph.is_of(&secrets()) && !graph.is_of(&Secrets::default()));
    let mut other = secrets();
    other.values.insert("t".to_owned(), Secret::new("rotated"));
    assert!(!graph.is_of(&other));
    let (mut unread, why) = (
        secrets(),
        crate::source::SourceError::Secret {
            place: "env U".to_owned(),
            reason: "it is not set".to_owned(),
        },
    );
    unread.missing.insert("u".to_owned(), why);
    assert!(!graph.is_of(&unread));
}

#[test]
fn a_wrong_type_that_shows_late_is_told_when_filling() {
    let graph = graph(
        "  resources:\n    db: { kind: digitalocean/database-cluster, spec: { name: db, engine: pg, region: a } }\n    f: { kind: host/file, spec: { path: \"/${resources.db.id + 1}\" } }\n",
    );
    let outputs = [(
        ResourceId::new("db").unwrap(),
        [("id".to_owned(), Value::from("x"))].into_iter().collect(),
    )]
    .into();
    let f = Address::new(graph.environment().clone(), ResourceId::new("f").unwrap());
    assert_eq!(
        graph.fill(&f, &outputs).unwrap_err(),
        "`+` cannot join a text and a whole number (e.yaml:9:45)"
    );
    let wanted = graph.resolve(&graph.waves()[1], &outputs).remove(0);
    assert!(wanted.identity.is_none() && !wanted.desired.holes().is_empty());
}

#[test]
fn a_connection_that_reads_an_output_is_in_a_later_wave() {
    let text = environment(
        "  connections: { a: { provider: digitalocean }, b: { provider: host, root: \"${resources.db.id}\" } }\n  resources:\n    f: { kind: host/file, spec: { path: /f } }\n    db: { kind: digitalocean/database-cluster, spec: { name: db, engine: pg, region: a } }\n",
    );
    let graph = built(&[("e.yaml", &text)]).unwrap();
    let ids = |wave: &Wave| {
        graph
            .resolve(wave, &BTreeMap::new())
            .iter()
            .map(|w| w.address.resource.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        graph.waves().iter().map(ids).collect::<Vec<_>>(),
        [["db"], ["f"]]
    );
    let f = &graph.resolve(&graph.waves()[1], &BTreeMap::new())[0];
    assert_eq!(f.connection.settings.holes().len(), 1);
    let outputs = [(
        ResourceId::new("db").unwrap(),
        [("id".to_owned(), Value::from("/srv"))]
            .into_iter()
            .collect(),
    )]
    .into();
    let f = &graph.resolve(&graph.waves()[1], &outputs)[0];
    assert_eq!(
        f.connection.settings.masked_json(),
        json!({ "root": "/srv" })
    );
}

#[test]
fn circles_and_doubles_are_told_with_their_path() {
    insta::assert_snapshot!(wrong("  resources:\n    a: { kind: digitalocean/database-cluster, spec: { name: a, engine: pg, region: \"${resources.b.id}\" } }\n    b: { kind: digitalocean/database-cluster, spec: { name: b, engine: pg, region: x }, lifecycle: { dependsOn: [c] } }\n    c: { kind: digitalocean/database-cluster, spec: { name: c, engine: pg, region: \"${resources.a.id}\" } }\n"), @r#"
    e.yaml:8:87 reference-cycle: the resources form a circle: a -> b -> c -> a
          a: { kind: digitalocean/database-cluster, spec: { name: a, engine: pg, region: "${resources.b.id}" } }
                                                                                            ^^^^^^^^^^^^^^
      = Take one of the references away.
    "#);
    insta::assert_snapshot!(wrong("  vars: { p: /a, n: \"${vars.p + 1}\" }\n  resources:\n    a: { kind: host/file, spec: { path: /a } }\n    b: { kind: host/file, spec: { path: \"${vars.p}\" } }\n    c: { kind: host/file, spec: { content: \"${secrets.t.x}\" } }\n    d: { kind: host/file, spec: { path: \"${vars.p[0]}\", content: \"a ${[1]}\", mode: \"${b'x'}\" } }\n"), @r#"
    e.yaml:7:24 wrong-type: `+` cannot join a text and a whole number
        vars: { p: /a, n: "${vars.p + 1}" }
                             ^^^^^^^^^^
      = Turn the other value into a text: string(value).
    e.yaml:10:5 declared-twice: host/file /a is declared already, as test/a
          b: { kind: host/file, spec: { path: "${vars.p}" } }
          ^
      declared here too: e.yaml:9:5
      = A live object belongs to one resource: remove one of the two.
    e.yaml:11:5 missing-identity: c names no host/file
          c: { kind: host/file, spec: { content: "${secrets.t.x}" } }
          ^
      = Give it /path.
    e.yaml:11:47 secret-expression: the expression cannot be computed; it uses a secret, so what is wrong with it is not said
          c: { kind: host/file, spec: { content: "${secrets.t.x}" } }
                                                    ^^^^^^^^^^^
      = Look at its types, indexes and lookups; a secret is a text, and cannot be a key.
    e.yaml:12:44 wrong-type: a whole number cannot be looked up in a text
          d: { kind: host/file, spec: { path: "${vars.p[0]}", content: "a ${[1]}", mode: "${b'x'}" } }
                                                 ^^^^^^^^^
    e.yaml:12:71 wrong-type: a list cannot stand inside a text
          d: { kind: host/file, spec: { path: "${vars.p[0]}", content: "a ${[1]}", mode: "${b'x'}" } }
                                                                            ^^^
      = Use json.encode(…) or join(…).
    e.yaml:12:87 wrong-type: bytes cannot stand in a spec
          d: { kind: host/file, spec: { path: "${vars.p[0]}", content: "a ${[1]}", mode: "${b'x'}" } }
                                                                                            ^^^^
      = Turn it into a text: string(…) or base64.encode(…).
    "#);
}

#[test]
fn a_missing_secret_is_told_and_an_unfetched_one_is_a_hole() {
    let text = environment(&format!(
        "{HEAD}  vars: {{ auth: \"Bearer ${{secrets.t}}\" }}\n  resources:\n    f: {{ kind: host/file, spec: {{ path: /f, content: \"${{vars.auth}}\" }} }}\n"
    ));
    let (kinds, snapshot) = (kinds(), snapshot(&[("e.yaml", &text)]));
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds: &kinds,
    };
    let environment = read(&snapshot, &options)
        .environments
        .remove(0)
        .environment
        .unwrap();
    let error = crate::source::SourceError::Secret {
        place: "the environment variable T".to_owned(),
        reason: "it is not set".to_owned(),
    };
    let missing = Secrets {
        missing: [("t".to_owned(), error)].into(),
        ..Secrets::default()
    };
    insta::assert_snapshot!(shown(&build(&environment, (&missing, &Rendered::default()), &kinds, &snapshot).err().unwrap()), @r#"
    e.yaml:6:17 missing-secret: failed to read a secret from the environment variable T: it is not set
        secrets: { t: { env: T } }
                      ^
      = Provide it where reconciled runs, for the user it runs as; or take what names it out of the settings or the spec.
    "#);
    let nothing = (&Secrets::default(), &Rendered::default());
    let graph = build(&environment, nothing, &kinds, &snapshot).unwrap();
    let wanted = graph.resolve(&graph.waves()[0], &BTreeMap::new());
    assert!(wanted[0].desired.holes()[0].sensitive);
}

#[test]
fn what_says_which_object_it_is_cannot_be_a_secret_and_is_not_shown() {
    let said = wrong(
        "  resources:\n    a: { kind: host/file, spec: { path: \"/${secrets.t}\" } }\n    b: { kind: host/file, spec: { path: \"/${secrets.t}\" } }\n    c: { kind: host/file, spec: { path: \"/${resources.db.connection.uri}\" } }\n    db: { kind: digitalocean/database-cluster, spec: { name: db, engine: pg, region: nyc3 } }\n",
    );
    assert!(!said.contains("canary"), "{said}");
    insta::assert_snapshot!(said, @r#"
    e.yaml:8:41 secret-identity: /path says which object it is, which is shown and recorded everywhere: it cannot be a secret
          a: { kind: host/file, spec: { path: "/${secrets.t}" } }
                                              ^^^^^^^^^^^^^^^
      = Write it out, or read it from vars.
    e.yaml:9:41 secret-identity: /path says which object it is, which is shown and recorded everywhere: it cannot be a secret
          b: { kind: host/file, spec: { path: "/${secrets.t}" } }
                                              ^^^^^^^^^^^^^^^
      = Write it out, or read it from vars.
    e.yaml:10:41 secret-identity: /path says which object it is, which is shown and recorded everywhere: it cannot be a secret
          c: { kind: host/file, spec: { path: "/${resources.db.connection.uri}" } }
                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = Write it out, or read it from vars.
    "#);
}

#[test]
fn ten_thousand_resources_are_quick() {
    let resources = (0..10_000).fold("  resources:\n".to_owned(), |text, nth| {
        text + &format!(
            "    f{nth}: {{ kind: host/file, spec: {{ path: \"/f${{{nth} + 1}}\" }} }}\n"
        )
    });
    let graph = graph(&resources);
    assert_eq!(
        graph.resolve(&graph.waves()[0], &BTreeMap::new()).len(),
        10_000
    );
}
