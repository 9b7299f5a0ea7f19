//! Where the demo happens: a folder with a Git repository and a ledger, and a daemon on it that is
//! set up as any other, from a settings file.

use super::repository::DemoRepository;
use super::screen::{Screen, ScreenForge, ScreenNotifier};
use crate::cli::serve::{Lasting, Serving, Substitutes};
use crate::config::Settings;
use crate::deliver::forge::{Forge, PullRequest};
use crate::ledger::{Episode, Ledger, RunRecord};
use crate::model::{EnvironmentName, Revision};
use crate::web;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The repository's name in the settings.
const NAME: &str = "demo";
/// How long the demo waits for one thing to happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the demo happens.
pub(super) struct Stage {
    /// Everything is below this folder.
    pub folder: PathBuf,
    pub repository: DemoRepository,
    pub settings: Settings,
    pub screen: Screen,
    forge: Arc<ScreenForge>,
    notifier: Arc<ScreenNotifier>,
    ledger: Option<Ledger>,
    serving: Option<Serving>,
    pages: String,
}

impl Stage {
    /// Makes the folder's contents: a repository of these files, and settings.
    pub(super) fn build(
        folder: &Path,
        files: &[(&str, String)],
        screen: Screen,
    ) -> anyhow::Result<Self> {
        let path = folder.join("repository");
        let repository = DemoRepository::create(&path, files)?;
        let file = folder.join("reconciled.yaml");
        std::fs::write(&file, settings(folder))
            .with_context(|| format!("write {}", file.display()))?;
        let settings = Settings::load(Some(&file), &BTreeMap::new()).map_err(|wrong| {
            anyhow::anyhow!(
                "use the demo's settings: {}",
                wrong.first().map_or("", |one| &one.message)
            )
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            repository,
            settings,
            forge: Arc::new(ScreenForge::new(screen.clone())),
            notifier: Arc::new(ScreenNotifier {
                screen: screen.clone(),
            }),
            screen,
            ledger: None,
            serving: None,
            pages: String::new(),
        })
    }

    /// Starts the daemon.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let ledger = Ledger::open(&self.settings.ledger.path).await?;
        let forge: Arc<dyn Forge> = Arc::clone(&self.forge) as _;
        let notifier = Arc::clone(&self.notifier) as _;
        let substitutes = Substitutes {
            forges: BTreeMap::from([(NAME.to_owned(), forge)]),
            notifier: Some(notifier),
        };
        let lasting = Lasting::new(ledger.clone(), substitutes);
        let listener = web::listen(([127, 0, 0, 1], 0).into()).await?;
        self.pages = listener
            .local_addr()
            .map(|address| format!("http://{address}/healthz, /readyz and /metrics"))?;
        self.serving = Some(Serving::start(&self.settings, &lasting, Some(listener))?);
        self.ledger = Some(ledger);
        Ok(())
    }

    fn ledger(&self) -> anyhow::Result<&Ledger> {
        self.ledger
            .as_ref()
            .context("look at the ledger before the daemon was started")
    }

    /// Returns where its pages are.
    pub(super) fn pages(&self) -> &str {
        &self.pages
    }

    /// Stops the daemon.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        if let Some(serving) = self.serving {
            serving.end().await?;
        }
        if let Some(ledger) = self.ledger {
            ledger.close().await;
        }
        Ok(())
    }

    /// Brings the daemon's next look at Git forward.
    pub(super) fn poke(&self) {
        for poke in self.serving.iter().flat_map(|serving| &serving.pokes) {
            poke.notify_one();
        }
    }

    /// Waits for a run of a commit to end well.
    pub(super) async fn run_of(
        &self,
        environment: &EnvironmentName,
        commit: &str,
    ) -> anyhow::Result<RunRecord> {
        let begun = Instant::now();
        loop {
            let runs = self.ledger()?.runs(Some(environment), 20, None).await?;
            let ended = runs
                .into_iter()
                .find(|run| run.revision.as_str() == commit && run.summary.is_some());
            if let Some(run) = ended {
                return Ok(run);
            }
            self.wait(begun, "a run of the newest commit").await?;
        }
    }

    /// Waits until what the newest run did was said, so that it stands before what comes next.
    pub(super) async fn said(&self, environment: &EnvironmentName) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let newest = self.ledger()?.runs(Some(environment), 1, None).await?.pop();
            if let Some(run) = newest
                && self
                    .is_said(&format!("run/{environment}/{}", run.id))
                    .await?
            {
                return Ok(());
            }
            self.wait(begun, "what the run did").await?;
        }
    }

    async fn is_said(&self, letter: &str) -> anyhow::Result<bool> {
        let posted = self.ledger()?.delivery(&format!("slack/{letter}")).await?;
        Ok(posted.is_some())
    }

    /// Waits for an episode that began after a number of others to end, and to be told.
    pub(super) async fn ended_episode(
        &self,
        environment: &EnvironmentName,
        seen: i64,
    ) -> anyhow::Result<Episode> {
        let begun = Instant::now();
        loop {
            let episode = self
                .ledger()?
                .episode(crate::ledger::EpisodeId(seen + 1))
                .await?;
            if let Some(episode) =
                episode.filter(|one| one.ended_at.is_some() && one.environment == *environment)
                && self.is_said(&format!("episode/{}", episode.id)).await?
            {
                return Ok(episode);
            }
            self.wait(begun, "the drift to be found and corrected")
                .await?;
        }
    }

    /// Returns the number of the last episode so far.
    pub(super) async fn last_episode(&self) -> anyhow::Result<i64> {
        let mut last = 0;
        while self
            .ledger()?
            .episode(crate::ledger::EpisodeId(last + 1))
            .await?
            .is_some()
        {
            last += 1;
        }
        Ok(last)
    }

    /// Opens a pull request from a branch, and waits until it has its comment.
    pub(super) async fn pull_request(&self, branch: &str) -> anyhow::Result<()> {
        let head = self.repository.open_pull_request(branch, 1)?;
        self.forge.open(PullRequest {
            number: 1,
            head: Revision::new(head),
            base_branch: super::repository::MAIN.to_owned(),
            from_fork: false,
            moved_at: None,
        });
        self.comments(1).await
    }

    /// Merges the pull request, and waits until its result is on it.
    pub(super) async fn merge(
        &self,
        branch: &str,
        environment: &EnvironmentName,
    ) -> anyhow::Result<()> {
        let commit = self.repository.merge(branch, "Merge pull request #1")?;
        self.forge.merge(1, &commit);
        self.poke();
        self.run_of(environment, &commit).await?;
        self.comments(2).await
    }

    async fn comments(&self, count: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.forge.comments(1) < count {
            self.wait(begun, "a comment on the pull request").await?;
        }
        Ok(())
    }

    async fn wait(&self, begun: Instant, what: &str) -> anyhow::Result<()> {
        if begun.elapsed() > PATIENCE {
            bail!(
                "see {what} within {}s; everything is left in {}",
                PATIENCE.as_secs(),
                self.folder.display()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(())
    }
}

fn settings(folder: &Path) -> String {
    format!(
        "repositories:
  - {{ name: {NAME}, url: \"{}\", branch: main, interval: 1s, github: demo/infrastructure }}
stateFolder: state
providers:
  host: {{ allowed: true, root: \"{}\" }}
log: {{ filter: error }}
",
        folder.join("repository").display(),
        folder.display(),
    )
}
