//! How fast the pure plan is: 10,000 Kubernetes objects, with nothing to do, and with a tenth changed.
//!
//! The floor is to write the plan's inputs down as JSON and digest them: what it costs to look at each
//! field once.
//!
//! ```text
//! cargo bench --bench plan                  RESOURCES=100000 for another number
//! ```

mod apps;
#[expect(dead_code, reason = "the other shape is the cluster's")]
mod environment;
mod measure;
mod report;

use apps::OBJECTS;
use environment::{Shape, one_environment};
use measure::side_by_side;
use mimalloc::MiMalloc;
use reconciled::graph::{self, Graph};
use reconciled::model::{
    Action, Address, Digest, DigestKey, Health, Kinds, Live, Map, Mark, Observation, Owned, Owner,
    Prediction, Reconcile, Revision, Snapshot, Value, Wanted,
};
use reconciled::plan::{self, Inputs, Plan};
use reconciled::provider;
use reconciled::source::render::Rendered;
use reconciled::source::secrets::Secrets;
use reconciled::spec::{self, ReadOptions};
use report::{heading, line, ms, number, ratio};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROUNDS: usize = 5;
const TARGET: Duration = Duration::from_millis(250);

fn main() {
    let resources = number("RESOURCES", 10_000);
    let kinds = Kinds::new(provider::all_rows());
    for (what, every) in [("nothing to do", None), ("a tenth changed", Some(10))] {
        let scene = Scene::new(resources.div_ceil(OBJECTS), every, &kinds);
        let steps = scene.plan().steps;
        let changed = steps.iter().filter(|step| step.action == Action::Update);
        let expected = every.map_or(0, |every| scene.apps.div_ceil(every) * OBJECTS);
        assert_eq!(changed.count(), expected, "the plan finds what was changed");
        drop(steps);
        let (floor, time) = side_by_side(ROUNDS, || scene.written_down(), || scene.plan());

        heading(&format!("plan: {resources} resources, {what}"));
        line("floor: inputs as JSON, digested", &ms(floor), "");
        line("pure plan", &ms(time), "<= 250 ms");
        line(
            "ratio to the floor",
            &format!("{:.2} x", ratio(time, floor)),
            "",
        );
        line(
            "ratio to the target",
            &format!("{:.2} x", ratio(time, TARGET)),
            "<= 1",
        );
    }
}

/// One environment with all it takes to plan it.
struct Scene<'k> {
    apps: usize,
    graph: Graph,
    wanted: Vec<Wanted>,
    observed: BTreeMap<Address, Observation>,
    owned: Vec<Owned>,
    addresses: BTreeSet<Address>,
    kinds: &'k Kinds,
    key: DigestKey,
}

impl<'k> Scene<'k> {
    /// What is live is as it was applied; what is wanted has each `every`th application changed.
    fn new(apps: usize, every: Option<usize>, kinds: &'k Kinds) -> Self {
        let key = DigestKey::new([7; 32]);
        let (before, graph) = wanted(&one_environment(apps, "bench", Shape::OneFolder), kinds);
        let mut wanted = before.clone();
        for wanted in changed(&mut wanted, every) {
            label(Arc::make_mut(&mut wanted.desired), "release", "next");
        }
        let mut observed = BTreeMap::new();
        for (was, now) in before.iter().zip(&wanted) {
            let mut seen = live(was);
            seen.prediction = Some(Prediction::Becomes {
                value: live(now).value,
                yielded: Vec::new(),
                payload: None,
                kept: Vec::new(),
            });
            observed.insert(was.address.clone(), Observation::Present(Box::new(seen)));
        }
        Self {
            apps,
            owned: before.iter().map(|was| owned(was, &key)).collect(),
            addresses: graph.addresses(),
            graph,
            wanted,
            observed,
            kinds,
            key,
        }
    }

    fn plan(&self) -> Plan {
        plan::make(&Inputs {
            environment: self.graph.environment(),
            revision: &Revision::new("b".repeat(40)),
            wanted: &self.wanted,
            observed: &self.observed,
            owned: &self.owned,
            orphaned: &[],
            declared: &self.addresses,
            known: &self.addresses,
            taken: &BTreeMap::new(),
            spared: &std::collections::BTreeMap::new(),
            beside: &[],
            within: &std::collections::BTreeMap::new(),
            strays: &BTreeMap::new(),
            reconcile: &Reconcile::default(),
            kinds: self.kinds,
            connections: self.graph.connections(),
            digest_key: &self.key,
            secrets: &Arc::default(),
            now: jiff::Timestamp::UNIX_EPOCH,
        })
    }

    /// The floor.
    fn written_down(&self) -> Vec<Digest> {
        let digest = |value: &Value| Digest::of(self.key.sealed_json(value).to_string());
        let mut digests = Vec::new();
        for (wanted, owned) in self.wanted.iter().zip(&self.owned) {
            digests.push(digest(&wanted.desired));
            digests.push(Digest::of(owned.applied.json().to_string()));
            if let Some(Observation::Present(live)) = self.observed.get(&wanted.address) {
                digests.push(digest(&live.value));
                if let Some(Prediction::Becomes { value, .. }) = &live.prediction {
                    digests.push(digest(value));
                }
            }
        }
        digests
    }
}

fn wanted(snapshot: &Snapshot, kinds: &Kinds) -> (Vec<Wanted>, Graph) {
    let options = ReadOptions {
        folder: None,
        only: None,
        kinds,
    };
    let mut reading = spec::read(snapshot, &options);
    let read = reading.environments.pop().expect("there is one");
    let environment = read.environment.unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let nothing = (&Secrets::default(), &Rendered::default());
    let graph = graph::build(&environment, nothing, kinds, snapshot);
    let graph = graph.unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let nothing = BTreeMap::new();
    let waves = graph.waves().iter();
    let wanted = waves
        .flat_map(|wave| graph.resolve(wave, &nothing))
        .collect();
    (wanted, graph)
}

/// Returns each `every`th application's objects; an application's stand side by side.
fn changed(wanted: &mut [Wanted], every: Option<usize>) -> impl Iterator<Item = &mut Wanted> {
    let every = every.unwrap_or(usize::MAX);
    let apps = wanted.chunks_mut(OBJECTS).enumerate();
    apps.filter(move |(nth, _)| nth.is_multiple_of(every) && every != usize::MAX)
        .flat_map(|(_, app)| app)
}

fn label(object: &mut Value, key: &str, text: &str) {
    if let Value::Map(fields) = object
        && let Some(Value::Map(metadata)) = fields.get_mut("metadata")
        && let Some(Value::Map(labels)) = metadata.get_mut("labels")
    {
        labels.insert(key.to_owned(), Value::String(text.to_owned()));
    }
}

/// The object as a server keeps it: what was declared, defaults and a status.
fn live(wanted: &Wanted) -> Live {
    let mut value = Value::clone(&wanted.desired);
    if let Value::Map(fields) = &mut value {
        let status = json!({
            "observedGeneration": 1, "replicas": 0, "availableReplicas": 0,
            "conditions": [{ "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable" }],
        });
        fields.insert("status".to_owned(), Value::from_json(status));
        if let Some(Value::Map(spec)) = fields.get_mut("spec") {
            let defaults = json!({ "progressDeadlineSeconds": 600, "sessionAffinity": "None", "type": "ClusterIP" });
            for (key, default) in Value::from_json(defaults).as_map().into_iter().flatten() {
                spec.insert(key.clone(), default.clone());
            }
        }
    }
    Live {
        value: value.into(),
        outputs: Map::new(),
        prediction: None,
        owner: Some(Owner::Resource(wanted.address.clone())),
        mark: Mark("1".to_owned()),
        external_id: Some("5ad8a1a5-0000-4000-8000-000000000000".to_owned()),
        health: Health::Ready,
        touched_by: Vec::new(),
        lists: Vec::new(),
        verdict: None,
        going_since: None,
        applied_by: None,
    }
}

fn owned(wanted: &Wanted, key: &DigestKey) -> Owned {
    Owned {
        address: wanted.address.clone(),
        kind: wanted.kind.name.clone(),
        connection: wanted.connection.name.clone(),
        place: wanted.connection.leads_to(),
        through: None,
        identity: wanted.identity.clone().expect("no holes here"),
        external_id: Some("5ad8a1a5-0000-4000-8000-000000000000".to_owned()),
        applied: key.sealed_json(&wanted.desired).into(),
        protected: false,
        done: false,
        unproven: false,
        leaving: false,
        verdict: None,
        after: wanted.after.clone(),
    }
}
