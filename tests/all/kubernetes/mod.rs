//! The kubernetes provider on a real API server with real controllers: what conformance does not ask
//! of every kind.

mod added;
mod adopted;
mod defined;
mod deletes;
mod drift;
mod filled;
mod foreign;
mod health;
mod held;
mod hooked;
mod left;
mod noise;
mod order;
mod readiness;
mod reasons;
mod refusals;
mod replaced;
mod requests;
mod rights;
mod scaled;
mod secrets;
mod signed;
mod spread;
mod versions;
mod watches;

use crate::peers::kubernetes::{Cluster, cluster};
use crate::peers::wait::until_so;
use reconciled::model::{
    Action, Address, Applied, Asked, Basis, Connection, ConnectionName, Depth, DigestKey,
    EnvironmentName, Kind, KindName, Lifecycle, Location, Observation, Owned, PathPattern,
    Reconcile, RepoPath, ResourceId, Revision, Step, Value, Wanted,
};
use reconciled::net::Limiters;
use reconciled::plan::{self, Inputs, Plan};
use reconciled::provider::{Kubernetes, KubernetesSettings, ProviderError, Registry};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// One environment on the shared cluster, with a namespace of its own, a provider that lives as long
/// as it does, and what the ledger would remember.
struct Scene {
    cluster: &'static Cluster,
    namespace: String,
    environment: EnvironmentName,
    connection: Arc<Connection>,
    registry: Registry,
    key: DigestKey,
    owned: Vec<Owned>,
    /// Fields that every object's `lifecycle.ignore` names.
    ignore: Vec<PathPattern>,
    /// What every object's `lifecycle.adopt` says.
    adopt: bool,
    /// What every object's `lifecycle.replace` says.
    replace: bool,
}

impl Scene {
    fn new(stem: &str) -> Self {
        let namespace = cluster().namespace(stem);
        Self::through(namespace, &cluster().kubeconfig())
    }

    /// The same through an account's own kubeconfig.
    fn through(namespace: String, kubeconfig: &Path) -> Self {
        let provider = Kubernetes::new(
            KubernetesSettings::default(),
            Limiters::default(),
            DigestKey::new([7; 32]),
            None,
        );
        Self {
            cluster: cluster(),
            environment: EnvironmentName::new(namespace.clone()).unwrap(),
            namespace,
            connection: Arc::new(Connection {
                name: ConnectionName::new("cluster").unwrap(),
                provider: "kubernetes".to_owned(),
                settings: Value::from_json(json!({ "kubeconfig": kubeconfig, "context": "peers" })),
                location: None,
            }),
            registry: Registry::new(vec![Arc::new(provider)]),
            key: DigestKey::new([7; 32]),
            owned: Vec::new(),
            ignore: Vec::new(),
            adopt: false,
            replace: false,
        }
    }

    /// Forgets what was told before, so that every object is asked about again.
    fn forget(&mut self) {
        for owned in &mut self.owned {
            owned.verdict = None;
        }
    }

    /// A namespaced object of this scene.
    fn object(&self, api_version: &str, kind: &str, name: &str, rest: Json) -> Json {
        let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": self.namespace } });
        object
            .as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        object
    }

    fn config(&self, name: &str, text: &str) -> Json {
        self.object("v1", "ConfigMap", name, json!({ "data": { "text": text } }))
    }

    fn deployment(&self, name: &str, replicas: u32, image: &str) -> Json {
        self.object("apps/v1", "Deployment", name, json!({ "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": [{
                "name": "api", "image": image, "resources": { "limits": { "memory": "64Mi" }, "requests": { "cpu": "0.1" } },
            }] } },
        } }))
    }

    fn row(&self) -> Arc<Kind> {
        self.registry
            .kinds()
            .get(&KindName::new("kubernetes/object"))
            .unwrap()
            .clone()
    }

    fn address(&self, object: &Json) -> Address {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .unwrap()
                .as_str()
                .unwrap()
                .to_lowercase()
        };
        let id = format!(
            "{}-{}",
            text("/kind"),
            text("/metadata/name").replace('.', "-")
        );
        Address::new(self.environment.clone(), ResourceId::new(id).unwrap())
    }

    fn wanted(&self, object: &Json) -> Wanted {
        let kind = self.row();
        Wanted {
            basis: Basis::default(),
            veils: Vec::new(),
            address: self.address(object),
            identity: kind.identity_of(&Value::from_json(object.clone())),
            desired: kind.sealed(Value::from_json(object.clone())).into(),
            kind,
            connection: self.connection.clone(),
            after: BTreeSet::new(),
            is_read: true,
            lifecycle: Lifecycle {
                ignore: self.ignore.clone(),
                adopt: self.adopt,
                replace: self.replace,
                ..Lifecycle::default()
            },
            location: Location {
                file: RepoPath::new("scene.yaml").unwrap(),
                line: 1,
                column: 1,
                length: 1,
            },
        }
    }

    fn asked(&self, wanted: &Wanted, depth: Depth) -> Asked {
        let owned = self
            .owned
            .iter()
            .find(|owned| owned.address == wanted.address);
        Asked {
            address: wanted.address.clone(),
            kind: wanted.kind.name.clone(),
            connection: self.connection.clone(),
            identity: wanted.identity.clone().unwrap(),
            desired: Some(wanted.desired.clone()),
            owned: owned.cloned().map(Arc::new),
            depth,
            is_read: true,
            afresh: false,
            ignore: wanted.lifecycle.ignore.clone(),
            health: wanted.lifecycle.health.clone(),
        }
    }

    async fn ask(&self, asked: &[Asked]) -> BTreeMap<Address, Observation> {
        let answers = self.registry.observe(asked).await;
        answers
            .into_iter()
            .map(|seen| (seen.address, seen.observation))
            .collect()
    }

    async fn look(&self, objects: &[Json], depth: Depth) -> BTreeMap<Address, Observation> {
        let asked: Vec<Asked> = objects
            .iter()
            .map(|object| self.asked(&self.wanted(object), depth))
            .collect();
        self.ask(&asked).await
    }

    /// Looks at one object that is wanted.
    async fn look_at(&self, object: &Json, depth: Depth) -> Observation {
        self.look(std::slice::from_ref(object), depth)
            .await
            .remove(&self.address(object))
            .unwrap()
    }

    /// Looks at one object only to delete it.
    async fn look_for(&self, object: &Json) -> Observation {
        let asked = Asked {
            desired: None,
            ..self.asked(&self.wanted(object), Depth::Identity)
        };
        self.ask(&[asked])
            .await
            .remove(&self.address(object))
            .unwrap()
    }

    async fn plan(&self, objects: &[Json]) -> Plan {
        self.plan_at(objects, Depth::Predict).await
    }

    async fn plan_at(&self, objects: &[Json], depth: Depth) -> Plan {
        let wanted: Vec<Wanted> = objects.iter().map(|object| self.wanted(object)).collect();
        let mut asked: Vec<Asked> = wanted
            .iter()
            .map(|wanted| self.asked(wanted, depth))
            .collect();
        let leftovers = self
            .owned
            .iter()
            .filter(|owned| wanted.iter().all(|wanted| wanted.address != owned.address));
        asked.extend(leftovers.map(|owned| Asked {
            address: owned.address.clone(),
            kind: owned.kind.clone(),
            connection: self.connection.clone(),
            identity: owned.identity.clone(),
            desired: None,
            owned: Some(Arc::new(owned.clone())),
            depth: Depth::Identity,
            is_read: true,
            afresh: false,
            ignore: Vec::new(),
            health: Vec::new(),
        }));
        plan::make(&Inputs {
            environment: &self.environment,
            revision: &Revision::new("a-revision"),
            wanted: &wanted,
            observed: &self.ask(&asked).await,
            owned: &self.owned,
            orphaned: &[],
            declared: &wanted.iter().map(|wanted| wanted.address.clone()).collect(),
            taken: &std::collections::BTreeMap::new(),
            spared: &std::collections::BTreeMap::new(),
            beside: &[],
            within: &std::collections::BTreeMap::new(),
            strays: &std::collections::BTreeMap::new(),
            known: &self
                .owned
                .iter()
                .map(|owned| owned.address.clone())
                .collect(),
            reconcile: &Reconcile::default(),
            kinds: self.registry.kinds(),
            connections: &BTreeMap::from([(self.connection.name.clone(), self.connection.clone())]),
            digest_key: &self.key,
            secrets: &Arc::default(),
            now: jiff::Timestamp::now(),
        })
    }

    fn step(&self, plan: &Plan, object: &Json) -> Step {
        plan.step(&self.address(object)).unwrap().clone()
    }

    async fn carry_out(&mut self, step: &Step) -> Result<Applied, ProviderError> {
        let applied = self.registry.apply(step, &CancellationToken::new()).await?;
        self.owned.retain(|owned| owned.address != step.address);
        if step.action != Action::Delete {
            self.owned.push(Owned {
                address: step.address.clone(),
                kind: step.kind.clone(),
                connection: step.connection.name.clone(),
                place: step.connection.leads_to(),
                through: step.connection.fingerprint(&self.key),
                identity: step.identity.clone(),
                external_id: applied.external_id.clone(),
                applied: self
                    .key
                    .sealed_json(step.desired.as_deref().unwrap_or(&Value::Null))
                    .into(),
                protected: step.protected,
                done: false,
                unproven: false,
                leaving: false,
                verdict: applied.verdict.clone(),
                after: step.after.clone(),
            });
        }
        Ok(applied)
    }

    /// Takes in what the ledger would, of a plan that is carried out.
    fn remember(&mut self, plan: &Plan) {
        for record in &plan.records {
            self.owned.retain(|owned| owned.address != record.address);
            self.owned.push(record.clone());
        }
    }

    /// Plans and carries out, wave by wave as a run does.
    async fn apply(&mut self, objects: &[Json]) {
        let plan = self.plan(objects).await;
        self.remember(&plan);
        let mut steps: Vec<Step> = plan
            .steps
            .into_iter()
            .filter(|step| step.action.writes())
            .collect();
        steps.sort_by_key(|step| step.wave);
        for step in &steps {
            self.carry_out(step).await.unwrap();
        }
    }

    /// Asserts that nothing is to be done, at any depth.
    async fn settled(&self, objects: &[Json]) {
        for depth in [Depth::Predict, Depth::PredictAll] {
            let plan = self.plan_at(objects, depth).await;
            assert!(plan.is_empty(), "at {depth:?}: {:#?}", plan.steps);
        }
    }
}

/// Asks again until there is an answer; the controllers take their time on a busy machine.
async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_so(what, std::time::Duration::from_secs(180), ask).await
}

/// Returns the changed paths of a step.
fn paths(step: &Step) -> Vec<String> {
    step.changes
        .iter()
        .map(|change| change.path.to_string())
        .collect()
}
