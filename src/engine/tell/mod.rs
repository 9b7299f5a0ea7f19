//! Tells people what happened: the log, chat, and the pull request a change came from; and programs, by a webhook. Speaks on
//! transitions only, keyed on resource and condition; what it may not forget is in the ledger.

mod aftermath;
mod audience;
mod cause;
mod chat;
mod daily;
mod digest;
mod ends;
mod episodes;
mod fights;
mod flaps;
mod going;
mod hindrance;
mod hook;
mod logged;
mod lost;
mod merged;
mod outbox;
mod pulls;
mod results;
mod runs;
mod stood;
mod storm;
mod storms;
mod trouble;
mod waits;

use super::conditions::End;
use super::{Counts, CycleError, Fleet, Followed, Kept, Report, World, before};
use crate::deliver::forge::Forge;
use crate::deliver::notify::Notifier;
use crate::deliver::render::RunResult;
use crate::ledger::{Episode, LedgerError};
use crate::model::{Address, EnvironmentName, Fault as _, Revision};
use crate::telemetry::{Readiness, chain};
pub use audience::{Audience, Ways};
use audience::{Channels, Origins, SharedChannels};
use chat::{Chat, ChatLetter};
use daily::Daily;
use flaps::Flaps;
pub(super) use going::watched;
use hook::HookLetter;
pub(super) use lost::Shortfall;
use lost::Urgent;
use outbox::Outbox;
use pulls::Pulls;
pub use runs::Ran;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use storms::Storms;
use tokio::task::AbortHandle;

/// Tells people.
pub struct Teller {
    world: World,
    counts: Counts,
    chat: Arc<Outbox<ChatLetter>>,
    /// What goes to programs, where the settings name a place.
    hook: Option<Arc<Outbox<HookLetter>>>,
    /// Tells once a day; ends with this.
    daily: Option<AbortHandle>,
    notifier: Arc<dyn Notifier>,
    urgent: Urgent,
    storms: Storms,
    flaps: Flaps,
    /// By the name of the repository.
    pulls: BTreeMap<String, Pulls>,
    channels: SharedChannels,
    origins: Origins,
    /// Where each repository can be read on the web.
    pages: BTreeMap<String, String>,
    /// The state each repository was found in last.
    repositories: Mutex<BTreeMap<String, Value>>,
}

impl Teller {
    /// Starts delivering: to chat, and to the pull requests of each repository that has a forge.
    pub fn start(
        world: World,
        Ways {
            notifier,
            webhook,
            audience,
        }: Ways,
        forges: &BTreeMap<String, Arc<dyn Forge>>,
        followed: &[Followed],
        (readiness, counts): (&Readiness, &Counts),
    ) -> Self {
        let ledger = world.ledger.clone();
        let pulls = followed.iter().filter_map(|followed| {
            let name = followed.origin.name();
            let forge = Arc::clone(forges.get(name)?);
            if !forge.sees_pull_requests() {
                tracing::warn!(
                    repository = name,
                    hint = "Set `github: { token: … }`: without it nobody can list pull requests. Results of merges stand in this log.",
                    "Nothing will be said on pull requests, no GitHub credentials"
                );
            }
            let shown = (world.ledger.clone(), readiness.clone(), world.clock.clone());
            let pulls = Pulls::start(followed, forge, shown)?;
            Some((name.to_owned(), pulls))
        });
        let channels = Arc::new(Channels::new(audience.notify));
        let chat = Arc::new(Outbox::start(
            Chat::new(Arc::clone(&notifier), ledger.clone()),
            ledger.clone(),
            readiness.clone(),
        ));
        let hook = webhook.map(|hook| Outbox::start(hook, ledger.clone(), readiness.clone()));
        let hook = hook.map(Arc::new);
        let daily = audience.daily.map(|window| Daily {
            window,
            ledger,
            clock: world.clock.clone(),
            channels: Arc::clone(&channels),
            chat: Arc::clone(&chat),
        });
        let origin = |one: &Followed| (one.origin.name().to_owned(), one.origin.clone());
        Self {
            pulls: pulls.collect(),
            daily: daily.map(|daily| tokio::spawn(daily.run()).abort_handle()),
            channels,
            origins: followed.iter().map(origin).collect(),
            pages: audience.pages,
            repositories: Mutex::default(),
            chat,
            hook,
            notifier,
            urgent: Urgent::default(),
            storms: Storms::default(),
            flaps: Flaps::default(),
            counts: counts.clone(),
            world,
        }
    }

    fn end_daily(&self) {
        self.daily.iter().for_each(AbortHandle::abort);
    }

    fn repositories(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        let repositories = self.repositories.lock();
        repositories.unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers what waits, as far as that is quickly done, and nothing afterwards.
    pub async fn drain(&self) {
        self.end_daily();
        let pulls = self.pulls.values().map(Pulls::drain);
        let pulls = futures::future::join_all(pulls);
        let hook = self.hook.iter().map(|hook| hook.drain());
        let hook = futures::future::join_all(hook);
        futures::join!(self.chat.drain(), hook, pulls);
    }

    /// An environment of a repository says something new.
    pub(crate) async fn changed(&self, kept: &Kept) {
        self.remember_channel(kept).await;
        if let Some(pulls) = self.pulls.get(&kept.repository) {
            trouble::log_untold(pulls.changed(kept).await);
        }
    }

    /// All that is new in a state of a repository was taken in.
    pub(crate) async fn taken_in(&self, repository: &str, revision: &Revision) {
        if let Some(pulls) = self.pulls.get(repository) {
            trouble::log_untold(pulls.taken_in(revision).await);
        }
    }

    /// Tells of one run.
    pub async fn run(&self, kept: &Kept, ran: Ran, result: &Result<Report, CycleError>) {
        let told = match result {
            Ok(report) => self.report(kept, ran, report).await,
            Err(CycleError::Stopped) => {
                tracing::info!("Looking was cut short");
                Ok(())
            }
            Err(error) => self.could_not_begin(kept, error).await,
        };
        trouble::log_untold(told);
    }

    /// Tells of a run that ended. What the ledger does not take keeps nobody from hearing the rest.
    async fn report(&self, kept: &Kept, ran: Ran, report: &Report) -> Result<(), LedgerError> {
        let name = kept.pinned.name();
        logged::log(report);
        let mut tries = Tries::default();
        let over = self.trouble_over(name, trouble::INVALID, End::Mended);
        tries.take(over.await);
        // What is told of its own ends with its own, which the next does.
        tries.take(self.say_gone(report).await);
        let new_failure = tries.take(self.conditions(kept, report).await);
        // Where it cannot be told what is new, all of it is.
        let new_failure = new_failure.unwrap_or_else(|| report.failures().next().is_some());
        let apart = tries.take(before::apart(&self.world, &report.plan).await);
        let mut apart = apart.unwrap_or_default();
        let waited = tries.take(self.waited_before(kept, report).await);
        apart.extend(waited.unwrap_or_default());
        let result = self.result(report, ran, &apart);
        // What put drift back is told by the drift's own message.
        let new_waits = tries.take(self.new_waits(kept, report).await).flatten();
        let is_news = report.done().any(|step| !step.is_only_drift());
        let is_told = is_news || new_failure || new_waits.is_some() || ran.is_told;
        if (is_told || report.done().next().is_some())
            && let Some((about, message)) =
                tries.take(self.on_run(kept, ran, report, &result).await)
        {
            self.run_ended(report, &result, (&about, &message)).await;
            if is_told {
                self.say_run(ran, &result, message).await;
            }
        }
        if let Some(waits) = new_waits {
            let root = self.about(&result).await;
            tries.take(self.told_waits(name, (waits, root)).await);
        }
        // One that was cut short is followed by another, and that one tells.
        if let Some(pulls) = self.pulls.get(&kept.repository)
            && !report.stopped
        {
            tries.take(pulls.put(kept, &result).await);
        }
        tries.all()?;
        // From here on a start has nothing to say of it.
        match report.run {
            Some(run) => self.world.ledger.told(name, run).await,
            None => Ok(()),
        }
    }

    fn result<'r>(
        &self,
        report: &'r Report,
        ran: Ran,
        apart: &'r BTreeSet<Address>,
    ) -> RunResult<'r> {
        RunResult {
            plan: &report.plan,
            route: &report.route,
            outcomes: &report.outcomes,
            run: report.run,
            trigger: ran.reason.as_str(),
            ended_at: self.world.clock.now(),
            took: report.run.map(|_| ran.took),
            apart,
            earlier: RunResult::NONE_EARLIER,
        }
    }

    async fn could_not_begin(&self, kept: &Kept, error: &CycleError) -> Result<(), LedgerError> {
        let name = kept.pinned.name();
        tracing::error!(
            error = chain(error),
            code = error.code(),
            hint = error.hint(),
            "Run could not begin"
        );
        if let CycleError::Invalid(diagnostics) = error {
            self.trouble(name, trouble::INVALID, &trouble::invalid(diagnostics, true))
                .await?;
        }
        Ok(())
    }

    /// The newest state of an environment cannot be used; `is_kept` tells whether an older one is, and `at` the
    /// repository and its state, where that is known.
    pub async fn broken(
        &self,
        (name, at): (&EnvironmentName, Option<(&str, &Revision)>),
        diagnostics: &[crate::model::Diagnostic],
        is_kept: bool,
    ) {
        for one in diagnostics {
            let at = &one.location;
            let place = format!("{}:{}:{}", at.file, at.line, at.column);
            let (code, mistake) = (one.code, &one.message);
            if is_kept {
                tracing::error!(environment = %name, place, code, mistake, "Spec cannot be used, keeping the last good state");
            } else {
                tracing::error!(environment = %name, place, code, mistake, "Spec cannot be used, and no good state can be kept");
            }
        }
        let told = self.say_broken((name, at), trouble::invalid(diagnostics, is_kept));
        trouble::log_untold(told.await);
    }

    /// No file declares an environment any more, a broken one neither.
    pub async fn gone(&self, name: &EnvironmentName) {
        let over = self.trouble_over(name, trouble::BROKEN, End::Undeclared);
        trouble::log_untold(over.await);
        let seen = json!({ "at": self.world.clock.now(), "gone": true });
        trouble::log_untold(self.world.ledger.compared(name, &seen).await);
    }

    /// Ends what was told broken of what a repository declares and can be used by now. By what the ledger has open, so
    /// that it ends as well where it was mended while no daemon ran, or while the ledger took nothing in.
    pub(super) async fn mended(&self, fleet: &Fleet, repository: &str) {
        let open = self.world.ledger.open_episodes_of(trouble::BROKEN).await;
        let open = open.unwrap_or_else(|error| {
            trouble::log_untold(Err(error));
            Vec::new()
        });
        let is_usable = |kept: &Kept| kept.repository == repository && kept.broken.is_empty();
        for Episode { environment, .. } in open {
            if fleet.kept().get(&environment).is_some_and(is_usable) {
                tracing::info!(%environment, "Spec can be used again");
                let over = self.trouble_over(&environment, trouble::BROKEN, End::Mended);
                trouble::log_untold(over.await);
            }
        }
    }
}

/// Things that are done whether or not those before went well, and what went wrong first.
#[derive(Default)]
struct Tries(Option<LedgerError>);

impl Tries {
    fn take<T>(&mut self, done: Result<T, LedgerError>) -> Option<T> {
        match done {
            Ok(done) => return Some(done),
            Err(error) if self.0.is_none() => self.0 = Some(error),
            Err(error) => tracing::debug!(error = chain(&error), "Not recorded either"),
        }
        None
    }

    fn all(self) -> Result<(), LedgerError> {
        self.0.map_or(Ok(()), Err)
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.end_daily();
    }
}
