//! Carries out the steps a route lets go, side by side where nothing orders them.

mod lined_up;

use super::journal::Journal;
use super::order::Order;
use super::route::Route;
use super::wait::{self, Wait, Waited, until_ready};
use crate::model::{
    Action, Address, Applied, DigestKey, Fault as _, Health, Known, Map, Outcome, Owned,
    ResourceId, RunId, Step, Value,
};
use crate::plan::Plan;
use crate::provider::{ProviderError, Registry};
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt as _};
use lined_up::lined_up;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Told what happens while it happens, for a terminal or a log. Never decides.
pub trait Progress: Send + Sync {
    /// A run has its record, and the steps that were let go begin.
    fn begun(&self, _run: RunId, _plan: &Plan, _route: &Route) {}
    /// A step is being carried out.
    fn started(&self, _step: &Step) {}
    /// A step waits for its resource to become ready; why it is not yet.
    fn waiting(&self, _step: &Step, _why: &str) {}
    /// A step ended.
    fn ended(&self, _step: &Step, _outcome: &Outcome) {}
}

/// Progress that nobody watches.
impl Progress for () {}

/// Fills the holes of a step from the outputs known by now; an error is a sentence fragment.
pub type Fill<'a> =
    dyn Fn(&Step, &BTreeMap<ResourceId, Map>) -> Result<Value, String> + Send + Sync + 'a;

/// What carrying out needs besides the plan.
pub struct CarryOut<'a> {
    /// The door to live resources.
    pub registry: &'a Registry,
    /// Where results go.
    pub journal: &'a dyn Journal,
    /// Fills holes.
    pub fill: &'a Fill<'a>,
    /// Outputs known from observation.
    pub outputs: BTreeMap<ResourceId, Map>,
    /// The key for what is remembered of secrets.
    pub digest_key: &'a DigestKey,
    /// How many writes are under way at once.
    pub concurrency: usize,
    /// Whether to wait until resources are ready.
    pub wait: bool,
    /// Ends waiting at once, and starts nothing further.
    pub cancel: CancellationToken,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

/// Carries out what the route lets go.
///
/// # Guarantees
/// - Every step of the route has an outcome, in the journal and in the answer.
/// - What a connection's waves order is ordered as [`crate::model::Kind::wave`] says.
/// - Dependencies end well before a step starts; a bad end skips what hangs on it, with the reason, and what its
///   connection would take away or let policy in with.
/// - A step with holes is filled from the outputs of those before it; where live then equals desired
///   the provider says so and it ends `Unchanged`.
/// - After a failed record nothing further starts.
/// - No word of an outcome holds a known secret of the plan.
pub async fn carry_out(
    plan: &Plan,
    route: &Route,
    needs: CarryOut<'_>,
) -> BTreeMap<Address, Outcome> {
    let mut outcomes = BTreeMap::new();
    let (lined_up, skipped) = lined_up(plan, route);
    let run = Run {
        outputs: Mutex::new(needs.outputs.clone()),
        writes: Semaphore::new(needs.concurrency.max(1)),
        stop: needs.cancel.child_token(),
        secrets: &plan.secrets,
        needs: &needs,
    };
    run.skip(skipped.into_iter(), &mut outcomes).await;
    run.play(lined_up, &mut outcomes).await;
    outcomes
}

struct Run<'a> {
    needs: &'a CarryOut<'a>,
    outputs: Mutex<BTreeMap<ResourceId, Map>>,
    writes: Semaphore,
    stop: CancellationToken,
    /// What no word of an outcome may hold.
    secrets: &'a Known,
}

impl Run<'_> {
    async fn play(&self, steps: Vec<&Step>, outcomes: &mut BTreeMap<Address, Outcome>) {
        let mut order = Order::new(steps);
        let mut under_way = FuturesUnordered::new();
        let (wrote, mut written) = mpsc::unbounded_channel();
        loop {
            if !self.stop.is_cancelled() {
                for nth in order.ready() {
                    let (step, wrote) = (order.step(nth), wrote.clone());
                    // A step's end is recorded before what hangs on it starts, and beside the others
                    // at work: many records are then written in one go.
                    under_way.push(async move {
                        let told = || {
                            let _heard_while_it_runs = wrote.send(nth);
                        };
                        let outcome = self.one(step, told).await;
                        let outcome = outcome.reworded(|words| self.secrets.clean(words));
                        self.note(step, &outcome).await;
                        (nth, outcome)
                    });
                }
            }
            if under_way.is_empty() {
                break;
            }
            let (nth, outcome) = tokio::select! {
                biased;
                Some(nth) = written.recv() => {
                    order.wrote(nth);
                    continue;
                }
                Some(ended) = under_way.next() => ended,
            };
            let skipped = order.end(nth, outcome.is_good());
            outcomes.insert(order.step(nth).address.clone(), outcome);
            let skipped = skipped.into_iter();
            let skipped = skipped.map(|(nth, reason)| (order.step(nth), reason));
            self.skip(skipped, outcomes).await;
        }
        let unstarted = order.unstarted().into_iter().map(|nth| {
            let reason = "the run was stopped before it started".to_owned();
            (order.step(nth), reason)
        });
        self.skip(unstarted, outcomes).await;
    }

    async fn skip<'s>(
        &self,
        steps: impl Iterator<Item = (&'s Step, String)>,
        outcomes: &mut BTreeMap<Address, Outcome>,
    ) {
        let noted = steps.map(|(step, reason)| async move {
            let outcome = Outcome::Skipped { reason };
            self.note(step, &outcome).await;
            (step.address.clone(), outcome)
        });
        outcomes.extend(join_all(noted).await);
    }

    async fn note(&self, step: &Step, outcome: &Outcome) {
        if let Err(error) = self.needs.journal.ended(&step.address, outcome).await {
            tracing::error!(address = %step.address, %error, "Outcome not recorded, starting nothing further");
            self.stop.cancel();
        }
        self.needs.progress.ended(step, outcome);
    }

    /// Carries out one step, and tells when it is written and on record.
    async fn one(&self, step: &Step, wrote: impl FnOnce()) -> Outcome {
        let step = match self.filled(step) {
            Ok(step) => step,
            Err(outcome) => return outcome,
        };
        let applied = {
            let Ok(_place) = self.writes.acquire().await else {
                return Outcome::Skipped {
                    reason: "the run was stopped".to_owned(),
                };
            };
            if self.stop.is_cancelled() {
                return Outcome::Skipped {
                    reason: "the run was stopped before it started".to_owned(),
                };
            }
            if let Err(error) = self.needs.journal.begun(&step).await {
                self.stop.cancel();
                return failed(
                    &error,
                    "ledger",
                    Some("Free space for the ledger; nothing was changed.".into()),
                );
            }
            self.needs.progress.started(&step);
            match self.write(&step).await {
                Ok(applied) => applied,
                Err(error) => return refused(&error),
            }
        };
        let owned = (step.action != Action::Delete).then(|| Arc::new(self.owned(&step, &applied)));
        if let Err(outcome) = self.on_record(&step, owned.as_deref()).await {
            return outcome;
        }
        wrote();
        let (outcome, is_ready) = self.settled(&step, applied, owned.clone()).await;
        // It goes with what it says of itself.
        if step.passing
            && is_ready
            && let Some(owned) = owned
        {
            let done = Owned {
                done: true,
                unproven: false,
                ..Owned::clone(&owned)
            };
            if let Err(outcome) = self.on_record(&step, Some(&done)).await {
                return outcome;
            }
        }
        outcome
    }

    /// Writes down what is ours from now on.
    async fn on_record(&self, step: &Step, owned: Option<&Owned>) -> Result<(), Outcome> {
        let written = self.needs.journal.applied(step, owned).await;
        written.map_err(|error| {
            self.stop.cancel();
            let hint = "It is found again by its mark on the next start.".to_owned();
            failed(&error, "ledger", Some(hint))
        })
    }

    async fn write(&self, step: &Step) -> Result<Applied, ProviderError> {
        let span =
            tracing::info_span!("step", address = %step.address, action = step.action.as_str());
        tracing::Instrument::instrument(self.needs.registry.apply(step, &self.stop), span).await
    }

    /// Waits until it is ready where that was asked, and hands its outputs to those that come after. Tells whether
    /// it was seen ready.
    async fn settled(
        &self,
        step: &Step,
        applied: Applied,
        owned: Option<Arc<Owned>>,
    ) -> (Outcome, bool) {
        let note = applied.note;
        let done = |but: Option<String>| match (applied.unchanged, note) {
            (true, None) => Outcome::Unchanged,
            (_, note) => Outcome::Done { but: but.or(note) },
        };
        let (outputs, is_ready, but) = match applied.health {
            _ if step.action == Action::Delete => return (done(None), true),
            Health::Ready => (applied.outputs, true, None),
            _ if !self.needs.wait => (applied.outputs, false, None),
            _ => {
                let told = |why: &str| {
                    let why = self.secrets.clean(why.to_owned());
                    self.needs.progress.waiting(step, &why);
                };
                let wait = Wait {
                    asked: wait::asked(step, owned),
                    within: step.deadline,
                    passing: step.passing,
                };
                match until_ready(self.needs.registry, wait, &self.stop, told).await {
                    Waited::Ready(live) => (live.outputs, true, None),
                    Waited::Paused(live, why) => (live.outputs, false, Some(why)),
                    Waited::Ended(outcome) => return (outcome, false),
                }
            }
        };
        if step.is_read {
            let mut known = self
                .outputs
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            known.insert(step.address.resource.clone(), outputs);
        }
        (done(but), is_ready)
    }

    /// Returns the step with its holes filled.
    fn filled<'s>(&self, step: &'s Step) -> Result<Cow<'s, Step>, Outcome> {
        if step
            .desired
            .as_ref()
            .is_none_or(|desired| desired.holes().is_empty())
        {
            return Ok(Cow::Borrowed(step));
        }
        let known = self
            .outputs
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let value = (self.needs.fill)(step, &known).map_err(|reason| Outcome::Failed {
            code: "unresolved".to_owned(),
            message: reason,
            hint: Some(
                "The resource it reads was applied, but did not answer this output.".to_owned(),
            ),
        })?;
        // What the server predicted was for other values.
        Ok(Cow::Owned(Step {
            desired: Some(Arc::new(value)),
            payload: None,
            ..step.clone()
        }))
    }

    fn owned(&self, step: &Step, applied: &Applied) -> Owned {
        let desired = step.desired.as_deref().unwrap_or(&Value::Null);
        Owned {
            address: step.address.clone(),
            kind: step.kind.clone(),
            connection: step.connection.name.clone(),
            place: step.connection.leads_to(),
            through: step.connection.fingerprint(self.needs.digest_key),
            identity: step.identity.clone(),
            external_id: applied.external_id.clone(),
            applied: self.needs.digest_key.sealed_json(desired).into(),
            protected: step.protected,
            done: false,
            unproven: self.needs.wait && applied.health != Health::Ready,
            leaving: false,
            verdict: applied.verdict.clone(),
            after: step.after.clone(),
        }
    }
}

fn refused(error: &ProviderError) -> Outcome {
    match error {
        ProviderError::Moved { .. } => Outcome::Moved,
        ProviderError::Stopped { reason, .. } => wait::cut_short(reason),
        ProviderError::UnderWay { reason, .. } => Outcome::Skipped {
            reason: reason.clone(),
        },
        other => failed(other, other.code(), other.hint()),
    }
}

fn failed(error: &dyn std::error::Error, code: &str, hint: Option<String>) -> Outcome {
    Outcome::Failed {
        code: code.to_owned(),
        message: crate::telemetry::chain(error),
        hint,
    }
}

#[cfg(test)]
mod tests;
