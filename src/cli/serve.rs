//! Settings -> a running daemon with its pages: puts the rooms together, and does so anew when the
//! settings change.

use crate::config::Settings;
use crate::deliver::forge::Forge;
use crate::deliver::notify::Notifier;
use crate::engine::{
    self, Asker, Assembly, Counts, Daemon, Followed, Limits, Pace, Parts, Reviewer, Teller, Ways,
    World,
};
use crate::ledger::Ledger;
use crate::model::Digest;
use crate::net::Limiters;
use crate::provider::Nudge;
use crate::source::Watch;
use crate::telemetry::{Clock, Metrics, Readiness};
use crate::web::{self, Hinted, Hooks};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a stop waits for the steps in hand: under the 30 s that Kubernetes gives by default.
const STOP_DEADLINE: Duration = Duration::from_secs(25);

/// How many nudges may wait; more mean that everything is looked at anyway.
const NUDGES: usize = 1024;

/// What stands in for what the settings name, in the demo.
#[derive(Clone, Default)]
pub(super) struct Substitutes {
    /// Where pull requests are, by the name of the repository.
    pub forges: BTreeMap<String, Arc<dyn Forge>>,
    /// Where people are told.
    pub notifier: Option<Arc<dyn Notifier>>,
}

/// What outlives a change of settings.
pub(super) struct Lasting {
    /// The record.
    pub ledger: Ledger,
    /// What was counted.
    pub metrics: Metrics,
    counts: Counts,
    /// What is in its way.
    pub readiness: Readiness,
    /// What stands in for what the settings name.
    pub substitutes: Substitutes,
}

impl Lasting {
    /// Takes what outlives a change of settings.
    pub(super) fn new(ledger: Ledger, substitutes: Substitutes) -> Self {
        let metrics = Metrics::new();
        Self {
            counts: Counts::new(&metrics),
            ledger,
            metrics,
            readiness: Readiness::new(),
            substitutes,
        }
    }
}

/// A daemon that was started.
pub(super) struct Serving {
    /// Brings the next look at each repository forward.
    pub pokes: Vec<Arc<Notify>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    daemon: tokio::task::JoinHandle<Result<(), engine::CycleError>>,
}

/// Why the daemon is not ready before it has read a repository.
const UNREAD: &str = "it has not been read yet";

impl Serving {
    /// Starts everything the settings ask for.
    ///
    /// # Errors
    /// The first part that cannot be set up; nothing runs then.
    pub(super) fn start(
        settings: &Settings,
        lasting: &Lasting,
        listener: Option<TcpListener>,
    ) -> anyhow::Result<Self> {
        let (client, limiters) = (engine::client(settings)?, Limiters::default());
        let (nudge, nudges) = Nudge::channel(NUDGES);
        let (ledger, key) = (lasting.ledger.clone(), lasting.ledger.digest_key());
        let readiness = &lasting.readiness;
        let told = (Some(&nudge), readiness);
        let registry = engine::registry(settings, &client, &limiters, &key, told);
        let concurrency = settings.limits.concurrency;
        let world = World::new(registry, ledger, Clock::system(), Limits { concurrency });
        let Assembly {
            followed,
            mut forges,
            mut ways,
        } = engine::assemble(settings, &client, &limiters)?;
        forges.extend(lasting.substitutes.forges.clone());
        if let Some(notifier) = lasting.substitutes.notifier.clone() {
            ways.notifier = notifier;
        }
        say_untold(settings, &lasting.substitutes);
        wait_for(readiness, &followed);
        let teller = teller(lasting, &world, ways, &forges, &followed);
        let daemon = Daemon::new(Parts {
            world: world.clone(),
            followed: followed.clone(),
            teller: Arc::new(teller),
            asker: Arc::new(Asker::new(&forges, &followed)),
            nudges,
            counts: lasting.counts.clone(),
            readiness: readiness.clone(),
            pace: Pace {
                at_once: settings.limits.environments,
                ..Pace::default()
            },
            retention: settings.ledger.retention,
            stop_deadline: STOP_DEADLINE,
        });
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let about = (&world, &forges, followed);
        let hinted = reviewers(about, &daemon, (&mut tasks, &stop), &lasting.readiness);
        if let Some(listener) = listener {
            let hooks = hooks(settings, hinted)?;
            tasks.spawn(pages(lasting, listener, hooks, stop.clone()));
        }
        let pokes = daemon.pokes();
        let daemon = tokio::spawn(daemon.run(stop.clone()));
        Ok(Self {
            pokes,
            stop,
            tasks,
            daemon,
        })
    }

    /// Ends the steps in hand, then everything.
    ///
    /// # Errors
    /// Why the daemon could not run.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        let result = (&mut self.daemon).await;
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        let _late = tokio::time::timeout(Duration::from_secs(5), rest).await;
        Ok(result??)
    }

    /// Waits until the daemon ends by itself, which only an error makes it do.
    pub(super) async fn broke_off(&mut self) -> anyhow::Result<()> {
        Ok((&mut self.daemon).await??)
    }
}

/// Says once where nothing carries messages.
fn say_untold(settings: &Settings, substitutes: &Substitutes) {
    let is_told = settings.slack.is_some() || settings.webhook.is_some();
    if !is_told && substitutes.notifier.is_none() {
        let hint = "Set `slack` or `webhook`: `reconciled explain settings.slack`, `reconciled explain settings.webhook`.";
        tracing::warn!(hint, "Nobody is told what happens but who reads this log");
    }
}

/// Has everything wait until the repositories were read.
fn wait_for(readiness: &Readiness, followed: &[Followed]) {
    for one in followed {
        readiness.wait_for(format!("repository {}", one.origin.name()), UNREAD);
    }
}

/// Starts telling people.
fn teller(
    lasting: &Lasting,
    world: &World,
    ways: Ways,
    forges: &BTreeMap<String, Arc<dyn Forge>>,
    followed: &[Followed],
) -> Teller {
    let counted = (&lasting.readiness, &lasting.counts);
    Teller::start(world.clone(), ways, forges, followed, counted)
}

/// Starts reviewing pull requests, and handing hints on. Returns what takes hints, by repository.
fn reviewers(
    (world, forges, followed): (&World, &BTreeMap<String, Arc<dyn Forge>>, Vec<Followed>),
    daemon: &Daemon,
    (tasks, stop): (&mut JoinSet<()>, &CancellationToken),
    readiness: &Readiness,
) -> Vec<Hinted> {
    let mut hinted = Vec::new();
    for (nth, (followed, branch)) in followed.into_iter().zip(daemon.pokes()).enumerate() {
        let (hints, pulls) = (Hinted::default(), Arc::new(Notify::new()));
        tasks.spawn(hints.branch.clone().carry(branch, stop.child_token()));
        let to = Arc::clone(&pulls);
        tasks.spawn(hints.pulls.clone().carry(to, stop.child_token()));
        let anew = hints.checks.clone();
        hinted.push(hints);
        if let Some(forge) = forges.get(followed.origin.name()) {
            let (forge, about) = (Arc::clone(forge), (nth, followed));
            let woken = (pulls, anew);
            let (world, readiness) = (world.clone(), readiness.clone());
            let reviewer = Reviewer::new(world, about, forge, daemon.view(), woken, readiness);
            tasks.spawn(reviewer.run(stop.child_token()));
        }
    }
    hinted
}

/// Takes webhooks of GitHub for the repositories that are there, where a secret is set.
fn hooks(settings: &Settings, hinted: Vec<Hinted>) -> anyhow::Result<Option<Arc<Hooks>>> {
    let Some(secret) = engine::webhook_secret(settings)? else {
        return Ok(None);
    };
    let names = settings.repositories.iter().map(|one| one.github.clone());
    let named = names.zip(hinted);
    let named = named.filter_map(|(name, hinted)| Some((name?, hinted)));
    Ok(Some(Arc::new(Hooks::new(secret, named))))
}

/// Serves the pages until stopped.
fn pages(
    lasting: &Lasting,
    listener: TcpListener,
    hooks: Option<Arc<Hooks>>,
    stop: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let state = web::State {
        metrics: lasting.metrics.clone(),
        readiness: lasting.readiness.clone(),
        ledger: lasting.ledger.clone(),
        hooks,
    };
    web::serve(listener, state, stop.cancelled_owned())
}

/// Waits until a file that the settings depend on changes. Where it cannot be watched, for ever.
pub(super) async fn changed(settings: &Settings) {
    let paths = settings.paths_to_watch();
    let mut changes: Vec<_> = paths
        .iter()
        .filter_map(|path| Watch::file(path).ok())
        .collect();
    if changes.is_empty() {
        return std::future::pending().await;
    }
    let waits = changes.iter_mut().map(|watch| Box::pin(watch.changed()));
    drop(futures::future::select_all(waits).await);
}

/// Returns what the files look like that secrets of the settings live in: one that is renewed has to
/// be read again.
pub(super) fn secrets_behind(settings: &Settings) -> Vec<Option<Digest>> {
    let paths = settings.paths_to_watch();
    let secrets = paths
        .iter()
        .filter(|path| Some(*path) != settings.file.as_ref());
    secrets
        .map(|path| std::fs::read(path).ok().map(Digest::of))
        .collect()
}
