//! `examples/quickstart` on a host below a temporary folder, nginx included.

use reconciled::graph::{self, Graph};
use reconciled::model::{
    Action, Address, Asked, Depth, Diagnostic, DigestKey, EnvironmentName, File, Kinds, Map,
    Observation, Owned, RepoPath, ResourceId, Revision, Secret, Snapshot, Step, Value, Wanted,
};
use reconciled::plan::{self, Inputs, Plan};
use reconciled::provider::{Host, Registry, all_rows};
use reconciled::source::render::Rendered;
use reconciled::source::secrets::Secrets;
use reconciled::spec::{self, ReadOptions, Reading};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "canary \"of\" the $hop";

/// Reads the example as a repository, with texts replaced in every file.
fn snapshot(replace: &[(&str, &str)]) -> Snapshot {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
    let mut files = BTreeMap::new();
    collect(&root, &root, replace, &mut files);
    Snapshot {
        revision: Revision::new("an-example"),
        files,
    }
}

fn collect(
    root: &Path,
    folder: &Path,
    replace: &[(&str, &str)],
    files: &mut BTreeMap<RepoPath, File>,
) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, replace, files);
            continue;
        }
        let text = replace.iter().fold(
            std::fs::read_to_string(&path).unwrap(),
            |text, (old, new)| text.replace(old, new),
        );
        let name = RepoPath::new(path.strip_prefix(root).unwrap().to_str().unwrap()).unwrap();
        files.insert(name, File::Bytes(text.into_bytes().into()));
    }
}

fn read(snapshot: &Snapshot) -> Reading {
    let kinds = Kinds::new(all_rows());
    spec::read(
        snapshot,
        &ReadOptions {
            folder: None,
            only: None,
            kinds: &kinds,
        },
    )
}

/// Resolves the only environment of a reading.
fn graph(
    reading: &Reading,
    snapshot: &Snapshot,
    secrets: &[(&str, &str)],
) -> Result<Graph, Vec<Diagnostic>> {
    let [environment] = reading.environments.as_slice() else {
        panic!("one environment is expected: {reading:#?}");
    };
    let secrets = Secrets {
        values: secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect(),
        ..Secrets::default()
    };
    let kinds = Kinds::new(all_rows());
    graph::build(
        environment.environment.as_ref().unwrap(),
        (&secrets, &Rendered::default()),
        &kinds,
        snapshot,
    )
}

/// One environment, one registry, and what a ledger would know.
struct Walk {
    graph: Graph,
    registry: Registry,
    owned: Vec<Owned>,
    key: DigestKey,
}

impl Walk {
    fn below(root: &Path) -> Self {
        let snapshot = snapshot(&[("/tmp/reconciled-quickstart", root.to_str().unwrap())]);
        let graph = graph(&read(&snapshot), &snapshot, &[("session_key", SECRET)]);
        Self {
            graph: graph.unwrap(),
            registry: Registry::new(vec![Arc::new(Host::new().bounded(true, root.to_owned()))]),
            owned: Vec::new(),
            key: DigestKey::new([3; 32]),
        }
    }

    /// Looks in waves and plans.
    async fn plan(&self) -> (Plan, BTreeMap<ResourceId, Map>) {
        let mut outputs: BTreeMap<ResourceId, Map> = BTreeMap::new();
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut observed = BTreeMap::new();
        for wave in self.graph.waves() {
            let of_wave = self.graph.resolve(wave, &outputs);
            let asked: Vec<Asked> = of_wave.iter().map(|wanted| self.asked(wanted)).collect();
            for seen in self.registry.observe(&asked).await {
                if let Observation::Present(live) = &seen.observation {
                    outputs.insert(seen.address.resource.clone(), live.outputs.clone());
                }
                observed.insert(seen.address, seen.observation);
            }
            wanted.extend(of_wave);
        }
        let plan = plan::make(&Inputs {
            environment: &EnvironmentName::new("quickstart").unwrap(),
            revision: &Revision::new("a-revision"),
            wanted: &wanted,
            observed: &observed,
            owned: &self.owned,
            orphaned: &[],
            declared: &self.graph.addresses(),
            taken: &std::collections::BTreeMap::new(),
            spared: &std::collections::BTreeMap::new(),
            beside: &[],
            within: &std::collections::BTreeMap::new(),
            strays: &std::collections::BTreeMap::new(),
            known: &BTreeSet::new(),
            reconcile: self.graph.reconcile(),
            kinds: &Kinds::new(all_rows()),
            connections: self.graph.connections(),
            digest_key: &self.key,
            secrets: &Arc::default(),
            now: jiff::Timestamp::now(),
        });
        let shown = serde_json::to_string(&plan).unwrap() + &format!("{plan:?}");
        assert!(!shown.contains("canary"), "{shown}");
        (plan, outputs)
    }

    fn asked(&self, wanted: &Wanted) -> Asked {
        let owned = self
            .owned
            .iter()
            .find(|owned| owned.address == wanted.address);
        Asked {
            address: wanted.address.clone(),
            kind: wanted.kind.name.clone(),
            connection: Arc::clone(&wanted.connection),
            identity: wanted.identity.clone().unwrap(),
            desired: Some(wanted.desired.clone()),
            owned: owned.cloned().map(Arc::new),
            depth: Depth::PredictAll,
            is_read: true,
            afresh: false,
            ignore: wanted.lifecycle.ignore.clone(),
            health: wanted.lifecycle.health.clone(),
        }
    }

    /// Carries a plan out, what reads others after them, as `deliver` would.
    async fn apply(&mut self, plan: &Plan, mut outputs: BTreeMap<ResourceId, Map>) {
        let mut left: Vec<&Step> = plan
            .steps
            .iter()
            .filter(|step| step.action.writes())
            .collect();
        left.sort_by_key(|step| step.wave);
        while !left.is_empty() {
            let waiting: BTreeSet<Address> = left.iter().map(|step| step.address.clone()).collect();
            let next = left
                .iter()
                .position(|step| step.after.is_disjoint(&waiting));
            let step = left.remove(next.expect("no circle is planned"));
            let desired = self.graph.fill(&step.address, &outputs).unwrap();
            let filled = Step {
                desired: Some(desired.clone().into()),
                ..step.clone()
            };
            let stop = CancellationToken::new();
            let applied = self.registry.apply(&filled, &stop).await;
            outputs.insert(step.address.resource.clone(), applied.unwrap().outputs);
            self.owned.retain(|owned| owned.address != step.address);
            self.owned.push(Owned {
                address: step.address.clone(),
                kind: step.kind.clone(),
                connection: step.connection.name.clone(),
                place: step.connection.leads_to(),
                through: None,
                identity: step.identity.clone(),
                external_id: None,
                applied: self.key.sealed_json(&desired).into(),
                protected: step.protected,
                done: false,
                unproven: false,
                leaving: false,
                verdict: None,
                after: std::collections::BTreeSet::new(),
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_made_kept_and_put_back() {
    let root = tempfile::tempdir().unwrap();
    let mut walk = Walk::below(root.path());
    let (plan, outputs) = walk.plan().await;
    assert!(
        plan.steps.iter().all(|step| step.action == Action::Create),
        "{:#?}",
        plan.steps
    );
    let later = plan.steps.iter().filter(|step| {
        step.desired
            .as_ref()
            .is_some_and(|value| !value.holes().is_empty())
    });
    assert_eq!(later.count(), 1, "one value is known only after apply");
    walk.apply(&plan, outputs).await;
    let (plan, _) = walk.plan().await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    let text = std::fs::read_to_string(root.path().join("etc/shop/environment")).unwrap();
    assert!(
        text.contains("SHOP_SETTINGS=/etc/shop/settings.toml\nSHOP_PORT=8089\n"),
        "{text}"
    );
    let page = root.path().join("srv/shop/index.html");
    let good = std::fs::read_to_string(&page).unwrap();
    std::fs::write(&page, "by hand").unwrap();
    let (plan, outputs) = walk.plan().await;
    let drift: Vec<String> = plan.drift().map(|step| step.address.to_string()).collect();
    assert_eq!(drift, ["quickstart/page"]);
    assert!(plan.drift().all(|step| !step.touched_by.is_empty()));
    walk.apply(&plan, outputs).await;
    assert_eq!(std::fs::read_to_string(&page).unwrap(), good);
}

#[test]
fn without_its_secret_it_still_says_what_it_would_do() {
    let snapshot = snapshot(&[]);
    let graph = graph(&read(&snapshot), &snapshot, &[]).unwrap();
    let wanted: Vec<Wanted> = graph
        .waves()
        .iter()
        .flat_map(|wave| graph.resolve(wave, &BTreeMap::new()))
        .collect();
    let of = |name: &str| {
        wanted
            .iter()
            .find(|wanted| wanted.address.resource.name() == name)
    };
    let key =
        of("environment").and_then(|wanted| wanted.desired.at(&["values", "SHOP_SESSION_KEY"]));
    assert!(
        matches!(key, Some(Value::Hole(hole)) if hole.sensitive),
        "{key:?}"
    );
}
