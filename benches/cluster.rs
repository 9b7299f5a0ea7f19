//! What applying and keeping many objects costs on a real API server: time, requests, memory.
//!
//! Cold apply: 250 applications of 4 objects each, from the files of one Git state to the last answer,
//! through the engine with its ledger on disk; once as one resource over a folder, once as a resource
//! each. The floor is a bare client that sends the same writes with as many under way at once; it runs
//! before and after. Then passes that find nothing to do: the first begins the watches, the second is
//! asked of them alone, and one is of a process that starts anew with the same ledger. Then edits by
//! hand, from the request of who edits to the last answer of the run that puts them back. At last the
//! program itself as a daemon on a Git repository: its memory, its start, what it uses while nothing
//! happens, and how soon a pull request has its plan as a comment.
//!
//! Requests are those the API server's audit log tells of this process, so that the controllers' own
//! do not count; watches are not in it before they end. The cluster is the tests' own and is started here; `tests/peers/install kubernetes`
//! builds it where it is missing (minutes).
//!
//! ```text
//! cargo bench --bench cluster               APPS=1000 for the numbers DESIGN names: 4,000 objects, 15 minutes
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark may panic, and its cluster is started as the tests start it"
)]

mod answers;
mod apps;
mod cost;
mod edits;
mod environment;
#[expect(
    dead_code,
    reason = "the tests' counterparts can do more than is needed here"
)]
#[path = "../tests/all/peers"]
mod peers {
    pub(crate) mod checked;
    pub(crate) mod github;
    pub(crate) mod kubernetes;
    pub(crate) mod process;
    pub(crate) mod wait;
}
mod report;
mod resident;
mod reviewed;

use answers::Answers;
use apps::OBJECTS;
use cost::{Cost, cost};
use edits::Edits;
use environment::{Shape, one_environment};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use mimalloc::MiMalloc;
use peers::kubernetes::{Cluster, cluster};
use reconciled::deliver::Authority;
use reconciled::engine::{
    Everywhere, Limits, Looked, Orders, Pinned, Report, Subject, Trust, World, carry_out, cycle,
    look,
};
use reconciled::ledger::Ledger;
use reconciled::model::{Action, Address, Depth};
use reconciled::net::Limiters;
use reconciled::provider::{Kubernetes, KubernetesSettings, Nudge, Nudged, Registry};
use reconciled::source::Outside;
use reconciled::source::render::Renderer;
use reconciled::source::sops::Sops;
use reconciled::spec::{self, ReadOptions};
use reconciled::telemetry::Clock;
use report::{heading, line, ms, number};
use resident::Resident;
use serde::Deserialize as _;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Receiver;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() {
    let apps = number("APPS", 250);
    let objects = apps * OBJECTS;
    let cluster = cluster();
    // The first writes of a cluster's life are slow, whoever sends them.
    floor(cluster, apps.min(25)).await;
    let first = floor(cluster, apps).await;
    let folder = engine(cluster, apps, Shape::OneFolder).await;
    let resources = engine(cluster, apps, Shape::Resources).await;
    let second = floor(cluster, apps).await;
    let answers = Answers::measured(cluster, apps).await;
    let resident = spawn_blocking(move || Resident::measured(cluster, apps));
    let resident = resident.await.unwrap();

    heading(&format!(
        "cluster: {apps} applications, {objects} objects, cold"
    ));
    first.print("floor, before", None);
    second.print("floor, after", None);
    let mean = (first.wall + second.wall) / 2;
    for (shape, engine) in [("one folder", &folder), ("a resource each", &resources)] {
        engine
            .cold
            .print(&format!("cold apply, {shape}"), Some((mean, "<= 1.25 x")));
        for (what, time) in &engine.phases {
            line(&format!("  {what}"), &ms(*time), "");
        }
        let each = engine.cold.count() as f64 / objects as f64;
        line("  requests per object", &format!("{each:.3}"), "<= 1.1");
    }

    heading("cluster: passes that find nothing to do");
    for (shape, engine) in [("one folder", &folder), ("a resource each", &resources)] {
        for (which, pass) in &engine.quiet {
            pass.print(&format!("{shape}, {which}"), None);
            line(
                "  requests",
                &pass.count().to_string(),
                "<= 20, no dry-runs",
            );
        }
    }

    heading("cluster: edits by hand");
    folder.edits.print();
    answers.print();
    resident.print(objects);
}

/// The floor: the same writes, by a client that does nothing else.
async fn floor(cluster: &Cluster, apps: usize) -> Cost {
    let namespace = cluster.namespace("floor");
    let client = client(cluster).await;
    let objects: Vec<DynamicObject> = (0..apps).flat_map(|nth| parsed(nth, &namespace)).collect();
    let parameters = PatchParams::apply("floor").validation_strict();
    let send = |object: &DynamicObject| {
        let types = object.types.clone().unwrap();
        let kind = ApiResource::from_gvk(&GroupVersionKind::try_from(types).unwrap());
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &kind);
        let (name, object) = (object.metadata.name.clone().unwrap(), object.clone());
        let parameters = &parameters;
        async move { api.patch(&name, parameters, &Patch::Apply(&object)).await }
    };
    let at_once = limits().concurrency;
    let writes = stream::iter(objects.iter().map(send)).buffer_unordered(at_once);
    let (sent, cost) = cost(cluster, writes.try_collect::<Vec<_>>()).await;
    assert_eq!(sent.unwrap().len(), objects.len());
    cost
}

/// The bare client.
async fn client(cluster: &Cluster) -> kube::Client {
    let options = KubeConfigOptions::default();
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    kube::Client::try_from(config.unwrap()).unwrap()
}

fn parsed(nth: usize, namespace: &str) -> Vec<DynamicObject> {
    let text = apps::app(&format!("app-{nth:05}"));
    let documents = serde_yaml::Deserializer::from_str(&text);
    documents
        .map(|document| {
            let mut object = DynamicObject::deserialize(document).unwrap();
            object.metadata.namespace = Some(namespace.to_owned());
            object
        })
        .collect()
}

/// What the engine cost.
struct Engine {
    cold: Cost,
    phases: Vec<(&'static str, Duration)>,
    quiet: Vec<(&'static str, Cost)>,
    edits: Edits,
}

async fn engine(cluster: &Cluster, apps: usize, shape: Shape) -> Engine {
    let namespace = cluster.namespace("engine");
    let snapshot = Arc::new(one_environment(apps, &namespace, shape));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (world, mut nudges) = world(cluster, folder.path()).await;
    let mut phases = Vec::new();
    let ((kept, report), cold) = cost(cluster, async {
        let begun = Instant::now();
        let kept = read(&world, &snapshot).await;
        phases.push(("read and validate", begun.elapsed()));
        let begun = Instant::now();
        let looked = look_at(&world, &kept).await;
        phases.push(("look and plan", begun.elapsed()));
        let begun = Instant::now();
        let report = act(&world, looked).await;
        phases.push(("carry out", begun.elapsed()));
        (kept, report)
    })
    .await;
    let done = report.outcomes.values().filter(|end| end.is_done());
    assert_eq!(
        done.count(),
        apps * OBJECTS,
        "{:?}",
        report.failures().next()
    );
    drop(report);
    let mut quiet = Vec::new();
    for which in ["the first, which begins to watch", "the second"] {
        quiet.push((which, quiet_pass(cluster, &world, &kept).await));
    }
    let edits = Edits::make(cluster, &namespace, apps, &mut nudges, async |edited| {
        let orders = Orders {
            nudged: Some(&edited),
            ..orders()
        };
        let report = cycle(&world, subject(&kept), &orders).await.unwrap();
        assert!(report.failures().next().is_none());
    })
    .await;
    world.ledger.close().await;
    drop(world);
    let (anew, _nudges) = self::world(cluster, folder.path()).await;
    let pass = quiet_pass(cluster, &anew, &kept).await;
    quiet.push(("the first of a process that starts anew", pass));
    anew.ledger.close().await;
    Engine {
        cold,
        phases,
        quiet,
        edits,
    }
}

async fn quiet_pass(cluster: &Cluster, world: &World, kept: &(Pinned, Everywhere)) -> Cost {
    let pass = async { act(world, look_at(world, kept).await).await };
    let (report, cost) = cost(cluster, pass).await;
    let mut steps = report.plan.steps.iter();
    let other = steps.find(|step| step.action != Action::None);
    assert!(other.is_none(), "{other:?}");
    cost
}

async fn world(cluster: &Cluster, folder: &Path) -> (World, Receiver<Nudged>) {
    let settings = KubernetesSettings {
        kubeconfig: Some(cluster.kubeconfig()),
        ..KubernetesSettings::default()
    };
    let ledger = Ledger::open(&folder.join("ledger.db")).await.unwrap();
    let key = ledger.digest_key();
    let (nudge, nudges) = Nudge::channel(1024);
    let provider = Kubernetes::new(settings, Limiters::default(), key, Some(nudge));
    let registry = Registry::new(vec![Arc::new(provider)]);
    let world = World::new(registry, ledger, Clock::system(), limits());
    (world, nudges)
}

/// As the settings have it where they say nothing.
fn limits() -> Limits {
    let concurrency = reconciled::config::Limits::default().concurrency;
    Limits { concurrency }
}

/// What the daemon does with a new Git state.
async fn read(world: &World, snapshot: &Arc<reconciled::model::Snapshot>) -> (Pinned, Everywhere) {
    let kinds = world.registry.kinds();
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds,
    };
    let read = spec::read(snapshot, &options).environments.pop().unwrap();
    let pinned = Pinned::new(
        read,
        snapshot,
        &Outside::new("", Renderer::default(), Sops::default()),
    )
    .unwrap();
    let mut everywhere = Everywhere::default();
    let graph = pinned.graph(&world.registry, &Trust::All).await.unwrap();
    everywhere.add(pinned.name(), Some(graph));
    (pinned, everywhere)
}

fn subject((pinned, everywhere): &(Pinned, Everywhere)) -> Subject<'_> {
    Subject {
        pinned,
        everywhere,
        depth: Depth::Predict,
        trust: &Trust::All,
    }
}

async fn look_at(world: &World, kept: &(Pinned, Everywhere)) -> Looked {
    look(world, subject(kept)).await.unwrap()
}

/// Nothing rests.
static NOTHING: BTreeSet<Address> = BTreeSet::new();

fn orders() -> Orders<'static> {
    Orders {
        resting: &NOTHING,
        nudged: None,
        authority: Authority::Environment,
        by: None,
        seen: None,
        gate: None,
        trigger: "bench",
        // The floor does not wait for its objects to become ready either.
        wait: false,
        cancel: CancellationToken::new(),
        progress: &(),
    }
}

async fn act(world: &World, looked: Looked) -> Report {
    carry_out(world, looked, &orders()).await.unwrap()
}
