//! Carrying out against a provider that does as the test says: faults and orders of events that a
//! real one cannot be made to show on demand.

use super::*;
use crate::deliver::fixtures::{plan_of, step};
use crate::deliver::{Authority, JournalError, route};
use crate::model::{
    Asked, Change, FieldPath, Hole, Kind, Live, Mark, Observation, Observed, Origin, Reconcile,
    Secret,
};
use crate::provider::Provider;
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Applies as scripted and remembers what it was asked.
#[derive(Default)]
struct Scripted {
    kinds: Vec<Kind>,
    fails: BTreeSet<&'static str>,
    moved: BTreeSet<&'static str>,
    /// How everything fares; ready, where nothing is said.
    unwell: Option<Health>,
    /// Every step waits in the provider for as long as it is let.
    waits_inside: bool,
    outputs: Map,
    applied: Mutex<Vec<(String, Option<Value>)>>,
}

impl Scripted {
    fn new() -> Self {
        Self {
            kinds: vec![Kind::plain("test/thing", "A thing")],
            ..Self::default()
        }
    }

    fn health(&self) -> Health {
        self.unwell.clone().unwrap_or(Health::Ready)
    }

    fn names(&self) -> Vec<String> {
        let applied = self.applied.lock().unwrap();
        applied.iter().map(|(name, _)| name.clone()).collect()
    }
}

#[async_trait]
impl Provider for Scripted {
    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    async fn observe(&self, asked: &[Asked]) -> Vec<Observed> {
        let seen = |asked: &Asked| Observed {
            address: asked.address.clone(),
            unasked: None,
            observation: Observation::Present(Box::new(Live {
                value: Value::Null.into(),
                outputs: self.outputs.clone(),
                prediction: None,
                owner: None,
                mark: Mark(String::new()),
                external_id: None,
                health: self.health(),
                going_since: None,
                touched_by: Vec::new(),
                lists: Vec::new(),
                verdict: None,
                applied_by: None,
            })),
        };
        asked.iter().map(seen).collect()
    }

    async fn apply(&self, step: &Step, stop: &CancellationToken) -> Result<Applied, ProviderError> {
        let name = step.address.resource.name().to_owned();
        self.applied
            .lock()
            .unwrap()
            .push((name.clone(), step.desired.as_deref().cloned()));
        if self.fails.contains(name.as_str()) {
            return Err(ProviderError::Unavailable {
                what: name,
                reason: "down".into(),
                code: "unreachable",
            });
        }
        if self.waits_inside {
            stop.cancelled().await;
            return Err(ProviderError::Stopped {
                what: name,
                reason: "it is being deleted".into(),
            });
        }
        if self.moved.contains(name.as_str()) {
            return Err(ProviderError::Moved { what: name });
        }
        Ok(Applied {
            outputs: self.outputs.clone(),
            mark: None,
            external_id: None,
            health: self.health(),
            unchanged: false,
            verdict: None,
            note: None,
        })
    }
}

/// A journal that fails from its nth write on, and may be unable to write how a step ended.
struct Paper(Mutex<usize>, bool);

#[async_trait]
impl Journal for Paper {
    async fn begun(&self, _step: &Step) -> Result<(), JournalError> {
        let mut left = self.0.lock().unwrap();
        *left = left.checked_sub(1).ok_or(JournalError {
            what: "it".into(),
            reason: "disk full".into(),
        })?;
        Ok(())
    }
    async fn applied(&self, step: &Step, _owned: Option<&Owned>) -> Result<(), JournalError> {
        self.begun(step).await
    }
    async fn ended(&self, _address: &Address, _outcome: &Outcome) -> Result<(), JournalError> {
        self.1.then_some(()).ok_or(JournalError {
            what: "the end".into(),
            reason: "disk full".into(),
        })
    }
}

struct Setup {
    provider: Arc<Scripted>,
    steps: Vec<Step>,
    paper: usize,
    /// Whether the journal can write how a step ended.
    ends: bool,
    authority: Authority,
    cancel: CancellationToken,
}

impl Setup {
    fn new(provider: Scripted, steps: Vec<Step>) -> Self {
        Self {
            provider: Arc::new(provider),
            steps,
            paper: 1000,
            ends: true,
            authority: Authority::Person,
            cancel: CancellationToken::new(),
        }
    }

    async fn play(self) -> BTreeMap<String, Outcome> {
        let registry = Registry::new(vec![self.provider]);
        let plan = plan_of(self.steps);
        let route = route(&plan, &Reconcile::default(), self.authority);
        let fill = |step: &Step, outputs: &BTreeMap<ResourceId, Map>| {
            let from = outputs
                .get(&ResourceId::new("db").unwrap())
                .ok_or("db has no outputs")?;
            let uri = from
                .get("uri")
                .ok_or(format!("{} needs uri", step.address))?;
            Ok(Value::Map(Map::from_iter([(
                "url".to_owned(),
                uri.clone(),
            )])))
        };
        let needs = CarryOut {
            registry: &registry,
            journal: &Paper(Mutex::new(self.paper), self.ends),
            fill: &fill,
            outputs: BTreeMap::new(),
            digest_key: &DigestKey::new(b"key".to_vec()),
            concurrency: 1,
            wait: true,
            cancel: self.cancel,
            progress: &(),
        };
        let outcomes = carry_out(&plan, &route, needs).await;
        outcomes
            .into_iter()
            .map(|(address, outcome)| (address.resource.to_string(), outcome))
            .collect()
    }
}

fn words(outcomes: &BTreeMap<String, Outcome>) -> Vec<String> {
    outcomes
        .iter()
        .map(|(name, outcome)| format!("{name} {}", outcome.as_str()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_failure_skips_its_dependants_with_the_reason_and_nothing_else() {
    let provider = Scripted {
        fails: BTreeSet::from(["db"]),
        ..Scripted::new()
    };
    let create = |name, after: &[&str]| step(name, Action::Create, 0, after);
    let steps = vec![
        create("db", &[]),
        create("api", &["db"]),
        create("web", &["api"]),
        create("other", &[]),
    ];
    let outcomes = Setup::new(provider, steps).play().await;
    assert_eq!(
        words(&outcomes),
        ["api skipped", "db failed", "other done", "web skipped"]
    );
    let Outcome::Skipped { reason } = &outcomes["web"] else {
        panic!("not skipped")
    };
    assert!(reason.contains("/db"), "{reason}");
}

/// `db` was deleted by hand, which this environment only reports; the others were never there.
fn behind_a_held_step() -> Vec<Step> {
    let mut db = step("db", Action::Create, 0, &[]);
    db.changes = vec![Change {
        path: FieldPath::default(),
        before: None,
        after: None,
        origin: Origin::Drift,
        was: None,
        forces_replace: false,
    }];
    vec![
        db,
        step("api", Action::Create, 0, &["db"]),
        step("edge", Action::Create, 0, &["web"]),
        step("other", Action::Create, 0, &[]),
        step("web", Action::Create, 0, &["api"]),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_is_held_skips_all_that_hangs_on_it_however_far() {
    let setup = Setup {
        authority: Authority::Environment,
        ..Setup::new(Scripted::new(), behind_a_held_step())
    };
    let provider = Arc::clone(&setup.provider);
    assert_eq!(
        words(&setup.play().await),
        ["api skipped", "edge skipped", "other done", "web skipped"]
    );
    assert_eq!(provider.names(), ["other"]);
}

#[tokio::test(start_paused = true)]
async fn a_skip_that_cannot_be_recorded_starts_nothing_either() {
    let setup = Setup {
        authority: Authority::Environment,
        ends: false,
        ..Setup::new(Scripted::new(), behind_a_held_step())
    };
    let provider = Arc::clone(&setup.provider);
    assert_eq!(setup.play().await.len(), 4);
    assert!(provider.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_moved_is_left_alone_and_its_dependants_wait() {
    let provider = Scripted {
        moved: BTreeSet::from(["db"]),
        ..Scripted::new()
    };
    let steps = vec![
        step("db", Action::Update, 0, &[]),
        step("api", Action::Create, 0, &["db"]),
    ];
    assert_eq!(
        words(&Setup::new(provider, steps).play().await),
        ["api skipped", "db moved"]
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_record_that_could_not_be_written_nothing_starts() {
    for paper in 0..4 {
        let steps: Vec<Step> = ["a", "b", "c"]
            .map(|name| step(name, Action::Create, 0, &[]))
            .into();
        let setup = Setup {
            paper,
            ..Setup::new(Scripted::new(), steps)
        };
        let provider = Arc::clone(&setup.provider);
        let outcomes = setup.play().await;
        // Each step writes twice before it is done: the live side never sees more than was intended.
        assert_eq!(
            provider.names().len(),
            paper.div_ceil(2),
            "with {paper} writes"
        );
        assert_eq!(outcomes.len(), 3);
        assert_eq!(
            outcomes
                .values()
                .filter(|outcome| outcome.is_good())
                .count(),
            paper / 2
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_and_starts_nothing_more() {
    let provider = Scripted {
        unwell: Some(Health::Progressing("starting".to_owned())),
        ..Scripted::new()
    };
    let steps = vec![
        step("db", Action::Create, 0, &[]),
        step("api", Action::Create, 0, &["db"]),
    ];
    let setup = Setup::new(provider, steps);
    let (cancel, provider) = (setup.cancel.clone(), Arc::clone(&setup.provider));
    let stopped = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel();
    };
    let (outcomes, ()) = tokio::join!(setup.play(), stopped);
    assert_eq!(words(&outcomes), ["api skipped", "db skipped"]);
    assert_eq!(provider.names(), ["db"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_wait_inside_a_provider_too() {
    let provider = Scripted {
        waits_inside: true,
        ..Scripted::new()
    };
    let setup = Setup::new(provider, vec![step("db", Action::Delete, 0, &[])]);
    let cancel = setup.cancel.clone();
    let stopped = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel();
    };
    let (outcomes, ()) = tokio::join!(setup.play(), stopped);
    let Outcome::Skipped { reason } = &outcomes["db"] else {
        panic!("{outcomes:?}")
    };
    assert!(reason.ends_with("; it is being deleted"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn what_may_heal_has_its_whole_deadline_and_what_is_final_ends_at_once() {
    for (health, ends) in [
        (Health::Progressing("starting".into()), "deadline"),
        (Health::Failing("starting".into()), "deadline"),
        (Health::Failed("starting".into()), "not-healthy"),
    ] {
        let mut provider = Scripted::new();
        provider.unwell = Some(health);
        let setup = Setup::new(provider, vec![step("db", Action::Create, 0, &[])]);
        let outcomes = setup.play().await;
        let Outcome::Failed { code, message, .. } = &outcomes["db"] else {
            panic!("not failed")
        };
        assert!(code == ends && message.ends_with("starting"), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hole_is_filled_from_the_step_before() {
    let uri = Value::Secret(Secret::new("postgres://canary"));
    let provider = Scripted {
        outputs: Map::from_iter([("uri".to_owned(), uri.clone())]),
        ..Scripted::new()
    };
    let mut api = step("api", Action::Create, 0, &["db"]);
    let hole = Hole {
        template: "resources.db.uri".into(),
        needs: BTreeSet::from(["db".into()]),
        sensitive: true,
    };
    let url = ("url".to_owned(), Value::from(hole));
    api.desired = Some(Arc::new(Value::Map(Map::from_iter([url]))));
    let mut db = step("db", Action::Create, 0, &[]);
    db.is_read = true;
    let setup = Setup::new(provider, vec![db, api]);
    let provider = Arc::clone(&setup.provider);
    assert_eq!(words(&setup.play().await), ["api done", "db done"]);
    let (_, sent) = provider.applied.lock().unwrap()[1].clone();
    assert_eq!(
        sent,
        Some(Value::Map(Map::from_iter([("url".to_owned(), uri)])))
    );
}
