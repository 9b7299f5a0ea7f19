//! The little there is of a daemon around a provider: it looks, plans, applies and remembers.

use super::{CANARY, Subject};
use crate::peers::wait::until_so;
use reconciled::model::{
    Action, Address, Applied, Asked, Basis, Connection, ConnectionName, Depth, DigestKey,
    EnvironmentName, Health, Kind, KindName, Lifecycle, Location, Observation, Owned, Reconcile,
    RepoPath, ResourceId, Revision, Step, Value, Wanted,
};
use reconciled::plan::{self, Inputs, Plan};
use reconciled::provider::{ProviderError, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a resource may take to become ready, and the live side to answer for what was written.
const PATIENCE: Duration = Duration::from_secs(180);

/// One environment with one resource.
pub(crate) struct World<'a> {
    subject: &'a dyn Subject,
    address: Address,
    connection: Arc<Connection>,
    key: DigestKey,
    /// What the ledger would know.
    pub(crate) owned: Vec<Owned>,
    /// What other environments declare.
    pub(crate) others: BTreeSet<Address>,
    /// Whether Git says that what is nobody's may be overwritten.
    pub(crate) adopts: bool,
}

impl<'a> World<'a> {
    /// Makes the environment `conformance`.
    pub(crate) fn new(subject: &'a dyn Subject) -> Self {
        Self::named(subject, "conformance")
    }

    /// Makes an environment of this name.
    pub(crate) fn named(subject: &'a dyn Subject, environment: &str) -> Self {
        let (provider, settings) = subject.connection();
        Self {
            subject,
            address: Address::new(
                EnvironmentName::new(environment).unwrap(),
                ResourceId::new("subject").unwrap(),
            ),
            connection: Arc::new(Connection {
                name: ConnectionName::new("here").unwrap(),
                provider: provider.to_owned(),
                settings,
                location: None,
            }),
            key: DigestKey::new([7; 32]),
            owned: Vec::new(),
            others: BTreeSet::new(),
            adopts: false,
        }
    }

    /// The one resource's address.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The kind's row.
    pub(crate) fn row(&self) -> Arc<Kind> {
        let kinds = self.registry().kinds().clone();
        let name = KindName::new(self.subject.kind());
        Arc::clone(kinds.get(&name).expect("the provider serves its kind"))
    }

    /// The registry, made anew: nothing is remembered between two calls but what is live.
    fn registry(&self) -> Registry {
        Registry::new(vec![self.subject.provider()])
    }

    fn wanted(&self, declared: &Value) -> Wanted {
        let kind = self.row();
        Wanted {
            basis: Basis::default(),
            veils: Vec::new(),
            address: self.address.clone(),
            identity: kind.identity_with(declared, Some(&self.key)),
            desired: kind.sealed(declared.clone()).into(),
            kind,
            connection: Arc::clone(&self.connection),
            after: BTreeSet::new(),
            is_read: true,
            // What is stateful is protected by itself; the suite has nothing to lose.
            lifecycle: Lifecycle {
                protect: Some(false),
                adopt: self.adopts,
                ..Lifecycle::default()
            },
            location: Location {
                file: RepoPath::new("conformance.yaml").unwrap(),
                line: 1,
                column: 1,
                length: 1,
            },
        }
    }

    /// Looks at the resource.
    pub(crate) async fn observe(&self, declared: Option<&Value>, depth: Depth) -> Observation {
        self.observe_by(&self.registry(), declared, depth).await
    }

    /// Looks at the resource through a registry of the caller's.
    pub(crate) async fn observe_by(
        &self,
        registry: &Registry,
        declared: Option<&Value>,
        depth: Depth,
    ) -> Observation {
        let owned = self
            .owned
            .iter()
            .find(|owned| owned.address == self.address);
        let wanted = declared.map(|declared| self.wanted(declared));
        let identity = match (&wanted, owned) {
            (Some(wanted), _) => wanted.identity.clone().expect("no holes here"),
            (None, Some(owned)) => owned.identity.clone(),
            (None, None) => panic!("nothing is declared and nothing is owned"),
        };
        let asked = Asked {
            address: self.address.clone(),
            kind: KindName::new(self.subject.kind()),
            connection: Arc::clone(&self.connection),
            identity,
            desired: wanted.map(|wanted| wanted.desired),
            owned: owned.cloned().map(Arc::new),
            depth,
            is_read: true,
            afresh: false,
            ignore: Vec::new(),
            health: Vec::new(),
        };
        let answers = registry.observe(&[asked]).await;
        let mine = answers
            .into_iter()
            .find(|answer| answer.address == self.address);
        let observation = mine
            .expect("the registry answers every question")
            .observation;
        shows_no_secret(&observation);
        observation
    }

    /// Plans as a reconcile pass does.
    pub(crate) async fn plan(&self, declared: Option<&Value>) -> Plan {
        self.plan_at(declared, Depth::Predict).await
    }

    /// Plans after a look of this depth; with nothing declared, for a prune.
    pub(crate) async fn plan_at(&self, declared: Option<&Value>, depth: Depth) -> Plan {
        let depth = if declared.is_some() {
            depth
        } else {
            Depth::Identity
        };
        let mut observed = BTreeMap::new();
        if declared.is_some() || !self.owned.is_empty() {
            let seen = self.observe(declared, depth).await;
            observed.insert(self.address.clone(), seen);
        }
        let wanted: Vec<Wanted> = declared
            .map(|declared| self.wanted(declared))
            .into_iter()
            .collect();
        let mut all: BTreeSet<Address> = self.others.clone();
        all.extend(wanted.iter().map(|wanted| wanted.address.clone()));
        let kinds = self.registry().kinds().clone();
        let plan = plan::make(&Inputs {
            environment: &self.address.environment,
            revision: &Revision::new("a-revision"),
            wanted: &wanted,
            observed: &observed,
            owned: &self.owned,
            orphaned: &[],
            declared: &all,
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
            kinds: &kinds,
            connections: &BTreeMap::from([(
                self.connection.name.clone(),
                Arc::clone(&self.connection),
            )]),
            digest_key: &self.key,
            secrets: &Arc::default(),
            now: jiff::Timestamp::now(),
        });
        shows_no_secret(&plan);
        shows_no_secret(&serde_json::to_string(&plan).unwrap());
        plan
    }

    /// Returns the one step of a plan.
    pub(crate) fn step(&self, plan: &Plan) -> Step {
        plan.step(&self.address)
            .unwrap_or_else(|| panic!("no step for {} in {plan:#?}", self.address))
            .clone()
    }

    /// Carries out one step and remembers it, as a daemon that is not killed.
    pub(crate) async fn apply(&mut self, step: &Step) -> Result<Applied, ProviderError> {
        let result = self.try_apply(step).await;
        if let Ok(applied) = &result {
            self.owned.retain(|owned| owned.address != step.address);
            if step.action != Action::Delete {
                self.owned.push(self.record(step, applied));
            }
        }
        result
    }

    /// Carries out one step and remembers nothing, as a daemon killed right after.
    pub(crate) async fn try_apply(&self, step: &Step) -> Result<Applied, ProviderError> {
        let stop = CancellationToken::new();
        let result = self.registry().apply(step, &stop).await;
        shows_no_secret(&result);
        if let Err(error) = &result {
            shows_no_secret(&error.to_string());
        }
        result
    }

    fn record(&self, step: &Step, applied: &Applied) -> Owned {
        Owned {
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
        }
    }

    /// Brings the live side to what is declared, and waits until it is ready.
    pub(crate) async fn converge(&mut self, declared: &Value) {
        let plan = self.plan(Some(declared)).await;
        let step = self.step(&plan);
        if step.action.writes() {
            self.apply(&step).await.unwrap();
        } else {
            assert_eq!(step.action, Action::None, "{step:#?}");
        }
        self.ready(declared).await;
        self.settled(Some(declared)).await;
    }

    /// Waits until the resource says that it is ready.
    pub(crate) async fn ready(&self, declared: &Value) {
        until_so("it is ready", PATIENCE, async || {
            let seen = self.observe(Some(declared), Depth::Read).await;
            matches!(&seen, Observation::Present(live) if live.health == Health::Ready)
                .then_some(())
        })
        .await;
    }

    /// Plans at every depth, asserts that nothing is to be done, and remembers what the plan says.
    pub(crate) async fn settled(&mut self, declared: Option<&Value>) {
        for depth in [Depth::Read, Depth::Predict, Depth::PredictAll] {
            let plan = self.plan_at(declared, depth).await;
            assert!(plan.is_empty(), "at {depth:?}: {:#?}", plan.steps);
        }
        let plan = self.plan(declared).await;
        self.note(plan);
    }

    /// Takes over what another process has brought about and waited for: two looks at most.
    pub(crate) async fn take_over(&mut self, declared: &Value) {
        let plan = self.plan(Some(declared)).await;
        let step = self.step(&plan);
        if step.action.writes() {
            self.apply(&step).await.unwrap();
        } else {
            self.note(plan);
        }
    }

    fn note(&mut self, plan: Plan) {
        for record in plan.records {
            self.owned.retain(|owned| owned.address != record.address);
            self.owned.push(record);
        }
        for released in plan.released {
            self.owned.retain(|owned| owned.address != released.address);
        }
    }
}

/// Holds the seventh invariant over everything that passes through here.
fn shows_no_secret(shown: &impl std::fmt::Debug) {
    let text = format!("{shown:?}");
    assert!(!text.contains(CANARY), "a secret is shown: {text}");
}
