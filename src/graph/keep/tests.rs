//! Where each kind of declaration takes a live value, and what is left with which reason.

use super::*;
use crate::model::{Secret, Segment, Value};
use crate::spec::tests::{kinds, shown as wrong, snapshot};
use crate::spec::{ReadOptions, read};
use serde_json::json;
use std::fmt::Write as _;

const OWN: &str = "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: shop, labels: { Owner: us } } # who\nspec:\n  extends: [base.yaml, mine.yaml]\n  vars: { size: 's-1' }\n  connections: { do: { provider: digitalocean }, k: { provider: kubernetes }, h: { provider: host } }\n  resources:\n    # the database\n    db:\n      kind: digitalocean/database-cluster\n      spec:\n        engine: 'pg' # beside\n        version: \"${vars.size}\"\n        private: true\n    api: { kind: kubernetes/manifests, spec: { path: k8s } }\n    motd:\n      kind: host/file\n      spec:\n        path: /etc/motd\n        content: |\n          Hello\n          ${vars.size}\n";

const BASE: &str = "apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nspec:\n  resources:\n    db:\n      spec:\n        region: nyc3 # shared\n        private: false\n        tags: [a, \"${vars.size}\"]\n";

const MINE: &str = "apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nspec:\n  resources:\n    db: { spec: { num_nodes: 1 } } # mine\n";

const API: &str = "# first\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata: { a: x, b: &b same, c: *b }\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: api }\nspec:\n  replicas: 2   # two\n  template:\n    spec:\n      containers:\n      # the first\n      - image: side:1\n        name: side\n      - name: api\n        image: api:1\n        args: ['-v', '${x}']\n---\napiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { k: v }\n";

const OTHER: &str = "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: { name: other }\nspec:\n  extends: [base.yaml]\n  connections: { do: { provider: digitalocean } }\n  resources: { db: { kind: digitalocean/database-cluster, spec: { engine: pg } } }\n";

type Differing<'a> = (&'a str, serde_json::Value, serde_json::Value);

fn step(address: &str, changes: &[Differing<'_>]) -> (Address, Vec<Change>, bool) {
    let change = |(path, live, declared): &Differing<'_>| {
        let value = |json: &serde_json::Value| match json {
            serde_json::Value::Null => None,
            other if *other == json!("SECRET") => Some(Value::Secret(Secret::new("canary"))),
            other => Some(Value::from_json(other.clone())),
        };
        let segment = |part: &str| match (part.parse(), part.split_once('=')) {
            (Ok(nth), _) => Segment::Index(nth),
            (_, Some((key, text))) => Segment::Item(vec![(key.to_owned(), text.to_owned())]),
            _ => Segment::Key(part.to_owned()),
        };
        Change {
            path: FieldPath(path.split('/').map(segment).collect()),
            before: value(live),
            after: value(declared),
            origin: Origin::Drift,
            was: None,
            forces_replace: false,
        }
    };
    let address = format!("shop/{address}").parse().unwrap();
    (address, changes.iter().map(change).collect(), false)
}

fn kept(files: &[(&str, &str)], steps: &[(Address, Vec<Change>, bool)]) -> String {
    let (kinds, snapshot) = (kinds(), snapshot(files));
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds: &kinds,
    };
    let reading = read(&snapshot, &options);
    let (mine, others): (Vec<_>, Vec<_>) = reading
        .environments
        .into_iter()
        .partition(|one| one.name.as_str() == "shop");
    let others: Vec<_> = others.iter().map(|one| &one.files).collect();
    let environment = mine[0].environment.as_ref();
    let keeping = Keeping {
        environment: environment.unwrap_or_else(|found| panic!("{}", wrong(found))),
        snapshot: &snapshot,
        files: &mine[0].files,
        others: &others,
        kinds: &kinds,
    };
    let drifted = steps.iter().map(|(address, changes, gone)| Drifted {
        address,
        changes,
        gone: *gone,
    });
    let kept = keep(&keeping, &drifted.collect::<Vec<_>>());
    let mut text = String::new();
    for field in &kept.fields {
        let path = field.change.as_ref().map(|change| change.path.to_string());
        let path = path.unwrap_or_default();
        match &field.fate {
            Fate::Written { file, note } => {
                let note = note
                    .as_deref()
                    .map_or(String::new(), |note| format!(" ({note})"));
                writeln!(text, "{} {path}: {file}{note}", field.address.resource).unwrap();
            }
            Fate::Left(why) => {
                writeln!(text, "{} {path} left: {why}", field.address.resource).unwrap();
            }
        }
    }
    for (path, now) in &kept.files {
        writeln!(text, "{path}").unwrap();
        let was = String::from_utf8_lossy(snapshot.bytes(path).unwrap()).into_owned();
        let diff = similar::TextDiff::from_lines(was.as_str(), now.as_str());
        for change in diff.iter_all_changes() {
            if change.tag() != similar::ChangeTag::Equal {
                write!(text, "  {}{}", change.tag(), change.value()).unwrap();
            }
        }
    }
    assert!(!text.contains("canary"));
    text
}

fn all() -> Vec<(&'static str, &'static str)> {
    vec![
        ("shop.yaml", OWN),
        ("base.yaml", BASE),
        ("mine.yaml", MINE),
        ("k8s/api.yaml", API),
        ("other.yaml", OTHER),
    ]
}

#[test]
fn a_field_is_written_where_it_is_declared_or_for_this_environment_alone() {
    let db = step(
        "db",
        &[
            ("engine", json!("mysql"), json!("pg")),
            ("version", json!("17"), json!("s-1")),
            ("region", json!("ams3"), json!("nyc3")),
            ("num_nodes", json!(2), json!(1)),
            (
                "tags",
                json!(["a", "new", "Owner:us"]),
                json!(["a", "s-1", "Owner:us"]),
            ),
            ("private", json!(null), json!(true)),
            ("name", json!("${x}"), json!(null)),
        ],
    );
    insta::assert_snapshot!(kept(&all(), &[db]), @r#"
    db engine: shop.yaml
    db version: shop.yaml (`${vars.size}` made it; it is written out now)
    db region: shop.yaml (base.yaml declares it for other environments too, so this one says it for itself)
    db num_nodes: mine.yaml
    db tags: shop.yaml (expressions made parts of it; they are written out now)
    db name: shop.yaml
    db private: shop.yaml
    mine.yaml
      -    db: { spec: { num_nodes: 1 } } # mine
      +    db: { spec: { num_nodes: 2 } } # mine
    shop.yaml
      -        engine: 'pg' # beside
      -        version: "${vars.size}"
      -        private: true
      +        engine: 'mysql' # beside
      +        version: "17"
      +        private: null
      +        region: ams3
      +        tags:
      +          - a
      +          - new
      +        name: "$${x}"
    "#);
}

#[test]
fn manifests_are_changed_by_the_keys_of_their_lists() {
    let one = step(
        "api[ConfigMap/one]",
        &[
            ("data/a", json!("yes"), json!("x")),
            ("data/b", json!("z"), json!("same")),
            ("data/c", json!("z"), json!("same")),
            ("data/d", json!("added"), json!(null)),
        ],
    );
    let api = step(
        "api[Deployment.apps/api]",
        &[
            ("spec/replicas", json!(3), json!(2)),
            (
                "spec/template/spec/containers/name=api/image",
                json!("api:2"),
                json!("api:1"),
            ),
            (
                "spec/template/spec/containers/name=api/args/0",
                json!("-q"),
                json!("-v"),
            ),
            (
                "spec/template/spec/containers/name=api/env",
                json!([{"name": "A", "value": "${b}"}]),
                json!(null),
            ),
            (
                "spec/template/spec/containers/name=none/image",
                json!("a"),
                json!("b"),
            ),
            (
                "spec/template/spec/containers/name=new",
                json!({"name": "new", "image": "new:1"}),
                json!(null),
            ),
            (
                "spec/template/spec/containers/name=side",
                json!(null),
                json!({"name": "side"}),
            ),
            ("metadata/labels/Owner", json!(null), json!("us")),
        ],
    );
    insta::assert_snapshot!(kept(&all(), &[one, api]), @r#"
    api[ConfigMap/one] data.a: k8s/api.yaml
    api[ConfigMap/one] data.b left: k8s/api.yaml: an anchor shares it with other places of the file
    api[ConfigMap/one] data.c: k8s/api.yaml
    api[ConfigMap/one] data.d: k8s/api.yaml
    api[Deployment.apps/api] spec.replicas: k8s/api.yaml
    api[Deployment.apps/api] spec.template.spec.containers[name=api].image: k8s/api.yaml
    api[Deployment.apps/api] spec.template.spec.containers[name=api].args[0]: k8s/api.yaml
    api[Deployment.apps/api] spec.template.spec.containers[name=api].env: k8s/api.yaml
    api[Deployment.apps/api] spec.template.spec.containers[name=none].image left: which item of the list `spec.template.spec.containers[name=none].image` is, cannot be told
    api[Deployment.apps/api] spec.template.spec.containers[name=new]: k8s/api.yaml
    api[Deployment.apps/api] spec.template.spec.containers[name=side]: k8s/api.yaml
    api[Deployment.apps/api] metadata.labels.Owner left: it comes from the labels of the environment (metadata.labels)
    k8s/api.yaml
      -data: { a: x, b: &b same, c: *b }
      +data: { a: "yes", b: &b same, c: z, d: added }
      -  replicas: 2   # two
      +  replicas: 3   # two
      -      - image: side:1
      -        name: side
      -        image: api:1
      -        args: ['-v', '${x}']
      +        image: api:2
      +        args: ['-q', '${x}']
      +        env:
      +        - name: A
      +          value: "${b}"
      +      - name: new
      +        image: new:1
    "#);
}

#[test]
fn what_cannot_be_written_says_why() {
    let sealed = ("stringData/k", json!("SECRET"), json!("SECRET"));
    let secret = step("api[Secret/s]", &[sealed]);
    let motd = step(
        "motd",
        &[("content", json!("Hello\nyou\n"), json!("Hello\ns-1\n"))],
    );
    let binary = step(
        "motd",
        &[("content", json!("(3 bytes that are no text)"), json!("x"))],
    );
    let (db, changes, _) = step("db", &[("engine", json!(null), json!("pg"))]);
    let gone = (db, changes, true);
    let unreadable = step("db", &[("rules", json!([{"port": "x"}]), json!(null))]);
    let shared = OTHER.replace(
        "resources: {",
        "resources: { k: { kind: kubernetes/manifests, connection: k, spec: { path: k8s } },",
    );
    let shared = shared.replace(
        "connections: {",
        "connections: { k: { provider: kubernetes },",
    );
    let mut files = all();
    files[4].1 = &shared;
    let api = step(
        "api[Deployment.apps/api]",
        &[("spec/replicas", json!(3), json!(2))],
    );
    let nothing = step("nothing", &[("a", json!(3), json!(2))]);
    insta::assert_snapshot!(
        kept(&files, &[binary, gone, unreadable, api, secret, nothing, motd]), @r"
    motd content left: what is live is told only in parentheses, for it cannot be shown as it is
    db  left: it was deleted by hand; to leave it so, take it out of the specs
    db rules left: the environment could not be read with it: a whole number has to stand here, not a text
    api[Deployment.apps/api] spec.replicas left: k8s/api.yaml also belongs to other environments
    api[Secret/s] stringData.k left: it is sensitive, and no secret is ever written into Git
    nothing a left: it is declared nowhere that can be written
    motd content: shop.yaml (expressions made parts of it; they are written out now)
    shop.yaml
      -          ${vars.size}
      +          you
    ");
}
