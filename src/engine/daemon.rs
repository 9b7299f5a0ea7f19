//! The loop: hears of Git, of live changes, of people and of the clock, asks the schedule what
//! follows, and starts runs. Decides nothing itself.

use super::follower::{Polling, follow};
use super::schedule::{Ended, Pace, Reason, Schedule};
use super::standing::Standings;
use super::tell::Teller;
use super::unwatched::Unwatched;
use super::{Asker, Counts, CycleError, Everywhere, Fleet, Origin, World};
use crate::ledger::Order;
use crate::model::Fault as _;
use crate::model::{EnvironmentName, RepoPath, Revision, Snapshot};
use crate::provider::Nudged;
use crate::source::Outside;
use crate::telemetry::{Readiness, chain};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

mod footing;
mod git;
mod intake;
mod orders;
mod passed;
mod run;

use footing::Footing;
use intake::Taken;
use passed::Passed;
use run::OneRun;

/// How often the ledger is asked whether a person paused or resumed something, or ordered a rollback.
pub const ORDERS_CHECK: Duration = Duration::from_secs(2);

/// How often old runs are forgotten.
const THINNING: Duration = Duration::from_secs(3600);

/// One repository the daemon follows.
#[derive(Clone)]
pub struct Followed {
    /// Where its states come from.
    pub origin: Origin,
    /// Environments are looked for below this folder.
    pub environments: RepoPath,
    /// How often it is asked.
    pub polling: Polling,
    /// What its specs may take from outside.
    pub outside: Outside,
}

/// What the daemon is made of.
pub struct Parts {
    /// What runs share.
    pub world: World,
    /// The repositories, in the order of the settings.
    pub followed: Vec<Followed>,
    /// Says what happened.
    pub teller: Arc<Teller>,
    /// Asks people for approvals.
    pub asker: Arc<Asker>,
    /// Hints of providers that something may have changed.
    pub nudges: mpsc::Receiver<Nudged>,
    /// The numbers of the schedule.
    pub pace: Pace,
    /// What is counted.
    pub counts: Counts,
    /// What is waited for before this counts as ready.
    pub readiness: Readiness,
    /// How long runs are remembered.
    pub retention: Duration,
    /// How long a stop waits for the steps in hand.
    pub stop_deadline: Duration,
}

/// What others can see of a daemon while it runs.
#[derive(Clone, Default)]
pub struct View {
    /// The environments it keeps.
    pub fleet: Arc<Fleet>,
    /// The newest state of each repository that was read at least once.
    pub snapshots: BTreeMap<usize, Arc<Snapshot>>,
    /// Repositories that cannot be read now, and why.
    pub unreachable: BTreeMap<usize, String>,
    /// How many runs of each environment found or made something new.
    pub ends: BTreeMap<EnvironmentName, u64>,
}

/// The daemon.
pub struct Daemon {
    parts: Parts,
    followed: Arc<[Followed]>,
    fleet: Arc<Fleet>,
    /// What all of it declares, for runs.
    everywhere: Arc<Everywhere>,
    /// What was heard of Git and is being taken in: one thing at a time.
    taking: JoinSet<Taken>,
    schedule: Schedule,
    runs: JoinSet<Passed>,
    cancels: BTreeMap<EnvironmentName, CancellationToken>,
    running: BTreeMap<tokio::task::Id, EnvironmentName>,
    paused: BTreeSet<EnvironmentName>,
    /// Changed in Git, and no run since has gone to its end.
    unsettled: BTreeSet<EnvironmentName>,
    view: watch::Sender<View>,
    pokes: Vec<Arc<Notify>>,
    /// Environments that were put back, and to which state, as last asked.
    rolled_back: BTreeMap<EnvironmentName, Revision>,
    /// What people asked to be carried out, and whether a run took it.
    asked: BTreeMap<EnvironmentName, (Order, bool)>,
    /// A run ordered a rollback.
    ordered: Arc<Notify>,
    /// Repositories whose state is to be taken in again though it did not move.
    stale: BTreeSet<usize>,
    /// How each environment stands.
    standings: Standings,
    /// What of clusters cannot be watched.
    unwatched: Arc<Unwatched>,
    /// How the ledger stands.
    footing: Footing,
}

impl Daemon {
    /// Puts the parts together; starts nothing.
    pub fn new(parts: Parts) -> Self {
        let pokes = parts.followed.iter().map(|_| Arc::default()).collect();
        Self {
            schedule: Schedule::new(parts.pace),
            followed: parts.followed.as_slice().into(),
            fleet: Arc::default(),
            everywhere: Arc::default(),
            taking: JoinSet::new(),
            runs: JoinSet::new(),
            cancels: BTreeMap::new(),
            running: BTreeMap::new(),
            paused: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            view: watch::Sender::new(View::default()),
            pokes,
            rolled_back: BTreeMap::new(),
            asked: BTreeMap::new(),
            ordered: Arc::default(),
            stale: BTreeSet::new(),
            standings: Standings::default(),
            unwatched: Arc::default(),
            footing: Footing::default(),
            parts,
        }
    }

    /// Returns what others can see of it.
    pub fn view(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    /// Returns handles that bring the next look at each repository forward.
    pub fn pokes(&self) -> Vec<Arc<Notify>> {
        self.pokes.clone()
    }

    /// Runs until stopped; then ends the steps in hand within the stop deadline.
    ///
    /// # Errors
    /// The ledger cannot be read at the start.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), CycleError> {
        let cut_off = self.parts.world.ledger.close_interrupted_runs().await?;
        for run in &cut_off {
            tracing::warn!(environment = %run.environment, run = %run.id, "Run was interrupted, looking again");
        }
        self.parts.teller.untold(&cut_off).await?;
        let (heard_sender, mut heard) = mpsc::channel(16);
        let mut followers = JoinSet::new();
        for (nth, followed) in self.followed.iter().enumerate() {
            let poke = Arc::clone(&self.pokes[nth]);
            let (origin, sender) = (followed.origin.clone(), heard_sender.clone());
            followers.spawn(follow(
                nth,
                origin,
                followed.polling,
                poke,
                sender,
                stop.child_token(),
            ));
        }
        let mut pause_check = tokio::time::interval(ORDERS_CHECK);
        let mut thinning = tokio::time::interval(THINNING);
        loop {
            self.start_due();
            let wake = self.until_next();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(heard) = heard.recv(), if self.taking.is_empty() => self.hear(heard),
                Some(taken) = self.taking.join_next() => self.taken(taken),
                Some(nudged) = self.parts.nudges.recv() => self.nudged(&nudged),
                Some(ended) = self.runs.join_next_with_id() => self.ended(ended),
                _ = pause_check.tick() => {
                    self.check_pauses().await;
                    self.check_applies().await;
                    self.check_rollbacks().await;
                    self.look_at_ledger().await;
                    self.say_standings();
                }
                () = self.ordered.notified() => self.check_rollbacks().await,
                _ = thinning.tick() => self.thin().await,
                () = tokio::time::sleep(wake) => {}
            }
        }
        self.wind_down().await;
        Ok(())
    }

    /// Returns how long nothing is due.
    fn until_next(&self) -> Duration {
        if self.footing.lost {
            return ORDERS_CHECK;
        }
        let now = self.parts.world.clock.now();
        let wait = self.schedule.wake().map(|at| at.duration_since(now));
        wait.map_or(Duration::from_secs(3600), |wait| {
            Duration::try_from(wait).unwrap_or_default()
        })
    }

    fn nudged(&mut self, nudged: &Nudged) {
        match nudged {
            Nudged::Resource(address) => {
                let now = self.parts.world.clock.now();
                self.schedule.nudge(address, now);
            }
            Nudged::Environment(name) => self.tell(name, Reason::Secret),
        }
    }

    fn tell(&mut self, name: &EnvironmentName, reason: Reason) {
        let now = self.parts.world.clock.now();
        if self.schedule.tell(name, reason, now)
            && let Some(cancel) = self.cancels.get(name)
        {
            tracing::info!(environment = %name, "Newer revision, cutting the run short");
            cancel.cancel();
        }
    }

    async fn thin(&self) {
        let now = self.parts.world.clock.now();
        match self
            .parts
            .world
            .ledger
            .thin(self.parts.retention, now)
            .await
        {
            Ok(0) => {}
            Ok(runs) => tracing::info!(runs, "Old runs forgotten"),
            Err(error) => {
                let (code, hint) = (error.code(), error.hint());
                tracing::error!(error = chain(&error), code, hint, "Old runs not forgotten");
            }
        }
    }

    fn start_due(&mut self) {
        if !self.has_ledger() {
            return;
        }
        let now = self.parts.world.clock.now();
        for (name, reason) in self.schedule.due(now) {
            let Some(kept) = self.fleet.kept().get(&name).cloned() else {
                self.schedule.end(&name, Ended::default(), now);
                continue;
            };
            let cancel = CancellationToken::new();
            self.cancels.insert(name.clone(), cancel.clone());
            let span = tracing::info_span!("run", environment = %name, revision = %kept.pinned.revision().short());
            let run = OneRun {
                world: self.parts.world.clone(),
                teller: Arc::clone(&self.parts.teller),
                asker: Arc::clone(&self.parts.asker),
                counts: self.parts.counts.clone(),
                everywhere: Arc::clone(&self.everywhere),
                fleet: Arc::clone(&self.fleet),
                resting: self.schedule.resting(&name),
                nudged: self.schedule.nudged(&name),
                unwatched: Arc::clone(&self.unwatched),
                ordered: Arc::clone(&self.ordered),
                order: self.take_order(&name),
                kept,
                reason,
                cancel,
            };
            let run = run.carried_out();
            let task = self.runs.spawn(tracing::Instrument::instrument(run, span));
            self.running.insert(task.id(), name);
        }
    }

    fn ended(&mut self, ended: Result<(tokio::task::Id, Passed), JoinError>) {
        let (id, passed) = ended.unwrap_or_else(|error| {
            tracing::error!(error = chain(&error), "A run broke off, trying again later");
            // What it was asked for is the next one's to answer.
            if let Some(name) = self.running.get(&error.id()) {
                self.asked.remove(name);
            }
            (error.id(), Passed::broken_off())
        });
        if let Some(name) = self.running.remove(&id) {
            if passed.is_news {
                self.view.send_modify(|view| {
                    *view.ends.entry(name.clone()).or_default() += 1;
                });
            }
            if let Some(failed) = passed.ledger {
                self.needed_ledger(name.to_string(), failed);
            }
            if let Some(standing) = passed.standing {
                self.standings.note(&name, standing);
            }
            let cut_short = self.cancels.remove(&name);
            // One that a newer revision cut short settled nothing.
            if !cut_short.is_some_and(|cancel| cancel.is_cancelled()) {
                self.unsettled.remove(&name);
            }
            self.schedule
                .end(&name, passed.ended, self.parts.world.clock.now());
        }
    }

    fn say_standings(&mut self) {
        let ordered = (&self.paused, self.rolled_back.len());
        let told = (&self.parts.counts, &self.parts.readiness);
        self.standings.say(&self.fleet, ordered, told);
    }

    /// Starts nothing further, lets the steps in hand end, and gives up at the deadline.
    async fn wind_down(mut self) {
        tracing::info!(runs = self.runs.len(), "Stopping, ending the steps in hand");
        // The ledger still knows what was not taken in.
        self.taking.abort_all();
        self.standings.over(&self.parts.readiness);
        self.repositories_over();
        self.ledger_over();
        for cancel in self.cancels.values() {
            cancel.cancel();
        }
        let drained = async {
            while self.runs.join_next().await.is_some() {}
            self.parts.teller.drain().await;
        };
        if tokio::time::timeout(self.parts.stop_deadline, drained)
            .await
            .is_err()
        {
            tracing::warn!("Stop deadline is over, leaving steps to the next start");
        }
        self.runs.abort_all();
    }
}
