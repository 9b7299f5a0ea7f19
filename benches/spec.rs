//! How fast a repository is read: parse, validate and graph of 10,000 documents.
//!
//! The floor is the event stream of the YAML parser over the same bytes, each file once. Also: the
//! same for a tenth, which shows whether time is linear in documents.
//!
//! ```text
//! cargo bench --bench spec                  DOCUMENTS=100000 for another number
//! ```

mod apps;
mod measure;
mod report;

use apps::{OBJECTS, app, put, snapshot};
use granit_parser::Parser;
use measure::side_by_side;
use mimalloc::MiMalloc;
use reconciled::graph::{self, Graph, declared_twice};
use reconciled::model::{File, Kinds, Snapshot};
use reconciled::provider;
use reconciled::source::render::Rendered;
use reconciled::source::secrets::Secrets;
use reconciled::spec::{self, ReadOptions};
use report::{heading, line, ms, number, ratio};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROUNDS: usize = 5;

fn main() {
    let documents = number("DOCUMENTS", 10_000);
    let kinds = Kinds::new(provider::all_rows());
    let tenth = measured(documents / 10, &kinds);
    let whole = measured(documents, &kinds);

    heading(&format!(
        "spec: {documents} documents, {:.1} MB, {} environments",
        whole.bytes / 1e6,
        whole.environments
    ));
    let speed = |time: Duration| format!("{:.1} MB/s", whole.bytes / 1e6 / time.as_secs_f64());
    line("floor: events of the YAML parser", &ms(whole.floor), "");
    line("floor, per core", &speed(whole.floor), "");
    line("parse + validate + graph", &ms(whole.time), "");
    line(
        "parse + validate + graph, per core",
        &speed(whole.time),
        ">= 30 MB/s",
    );
    let times = format!("{:.2} x", ratio(whole.time, whole.floor));
    line("ratio to the floor", &times, "");
    let each = |one: &Measured| one.time.div_f64(one.environments as f64);
    let linear = format!("{:.2} x", ratio(each(&whole), each(&tenth)));
    line(
        "time per document, of that in a tenth",
        &linear,
        "linear: about 1",
    );
}

struct Measured {
    bytes: f64,
    environments: usize,
    floor: Duration,
    time: Duration,
}

fn measured(documents: usize, kinds: &Kinds) -> Measured {
    let snapshot = repository(documents);
    let environments = graphs(&snapshot, kinds).len();
    let (floor, time) = side_by_side(ROUNDS, || events(&snapshot), || graphs(&snapshot, kinds));
    Measured {
        bytes: texts(&snapshot).map(|text| text.len() as f64).sum(),
        environments,
        floor,
        time,
    }
}

fn texts(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    snapshot.files.values().filter_map(|file| match file {
        File::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    })
}

/// The floor: what any reader of these bytes has to do.
fn events(snapshot: &Snapshot) -> usize {
    texts(snapshot)
        .map(|text| Parser::new_from_str(text).filter(Result::is_ok).count())
        .sum()
}

/// What the daemon does with a state it has not seen: every environment, and that no two declare one
/// live object.
fn graphs(snapshot: &Snapshot, kinds: &Kinds) -> Vec<Graph> {
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds,
    };
    let reading = spec::read(snapshot, &options);
    let secrets = Secrets::default();
    let graphs: Vec<Graph> = reading
        .environments
        .iter()
        .map(|read| {
            let environment = read.environment.as_ref();
            let environment = environment.unwrap_or_else(|wrong| panic!("{wrong:?}"));
            let graph = graph::build(
                environment,
                (&secrets, &Rendered::default()),
                kinds,
                snapshot,
            );
            graph.unwrap_or_else(|wrong| panic!("{wrong:?}"))
        })
        .collect();
    let all: Vec<&Graph> = graphs.iter().collect();
    let twice = declared_twice(&all);
    assert!(twice.is_empty(), "{twice:?}");
    graphs
}

/// Returns a repository of about this many documents, in tens: an environment with expressions and
/// references, the layer it extends, and two applications.
fn repository(documents: usize) -> Snapshot {
    let mut files = BTreeMap::new();
    for nth in 0..documents.div_ceil(2 + 2 * OBJECTS) {
        let name = format!("shop-{nth:05}");
        put(
            &mut files,
            &format!("environments/{name}.yaml"),
            environment(&name),
        );
        put(&mut files, &format!("layers/{name}.yaml"), layer());
        for app_of in ["api", "web"] {
            put(
                &mut files,
                &format!("k8s/{name}/{app_of}.yaml"),
                app(app_of),
            );
        }
    }
    snapshot(files)
}

fn environment(name: &str) -> String {
    let mut text = format!(
        r##"apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata:
  name: {name}
  labels: {{ Environment: {name}, Owner: shop }}
spec:
  extends: [../layers/{name}.yaml]
  vars:
    namespace: {name}
    host: "{name}.example.com"
    port: 8080
  reconcile:
    onMerge: apply
    onDrift: correct
    interval: 5m
    deletionBudget: {{ count: 5, percent: 20 }}
  notify: {{ slack: "#shop" }}
  resources:
    namespace:
      kind: kubernetes/object
      spec: {{ apiVersion: v1, kind: Namespace, metadata: {{ name: "${{vars.namespace}}" }} }}
    apps:
      kind: kubernetes/manifests
      lifecycle: {{ dependsOn: [namespace] }}
      spec: {{ path: ../k8s/{name}, namespace: {name} }}
"##
    );
    for file in ["hosts", "motd"] {
        let _infallible = write!(
            text,
            r#"    {file}:
      kind: host/file
      spec:
        path: /etc/shop/{file}
        content: |
          listen = "${{vars.host}}:${{string(vars.port)}}"
          environment = "${{metadata.name}}"
"#
        );
    }
    text
}

fn layer() -> String {
    r#"apiVersion: reconciled.dev/v1alpha1
kind: Layer
spec:
  vars:
    log_level: info
  connections:
    cluster: { provider: kubernetes, context: "${vars.namespace}" }
    here: { provider: host, root: "/srv/${vars.namespace}" }
  resources:
    environment:
      kind: host/env-file
      spec:
        path: /etc/shop/environment
        values:
          SHOP_HOSTS: "${resources.hosts.path}"
          SHOP_LOG_LEVEL: "${vars.log_level}"
          SHOP_PORT: "${vars.port}"
"#
    .to_owned()
}
