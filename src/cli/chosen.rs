//! The environments a command is about: those of a path, or those of the daemon's repositories.

use super::paths::Place;
use super::pauses::Stop;
use super::{Global, Output, pauses, settings};
use crate::config::Settings;
use crate::deliver::render::many;
use crate::engine::{self, Everywhere, Followed, Limits, Pinned, Subject, Trust, Ways, World};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Depth, Diagnostic, EnvironmentName, Kinds, Snapshot};
use crate::net::Limiters;
use crate::plan::Plan;
use crate::provider::Registry;
use crate::source::{Outside, is_ours};
use crate::spec::{self, ReadOptions, Reading};
use crate::telemetry::{Clock, Readiness};
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is done with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Read as it is; where there is none, nothing is ours.
    Read,
    /// Held, and written.
    Write,
}

/// Environments, and what is needed to run them.
pub(super) struct Chosen {
    /// What runs share.
    pub world: World,
    /// The environments, by name.
    pub pinned: Vec<Pinned>,
    /// What every environment declares, chosen or not.
    pub everywhere: Everywhere,
    /// Orders in the daemon's ledger that these plans do not know of.
    pub stops: Vec<Stop>,
    /// The repositories of a daemon whose ledger is written, and the ways to those who are told of it.
    pub told: Option<Told>,
}

/// Who is told of what is done in a daemon's stead.
pub(super) struct Told {
    /// The repositories, in the order of the settings.
    pub followed: Vec<Followed>,
    /// The repository that each environment stands in.
    pub homes: BTreeMap<EnvironmentName, String>,
    /// The ways to people and programs.
    pub ways: Ways,
}

/// How a command names environments.
#[derive(Debug, clap::Args)]
pub(super) struct Choice {
    /// An environment file or a folder of them; or names of environments in the repositories of the
    /// settings (without any: all of them)
    #[arg(value_name = "PATH|ENVIRONMENT")]
    what: Vec<String>,
}

impl Choice {
    /// Tells whether environments of the settings' repositories are meant, by name or all of them.
    pub(super) fn is_of_names(&self) -> bool {
        let mut what = self.what.iter();
        !what.any(|what| is_path(what) || Path::new(what).exists())
    }

    /// Returns the one path that is meant; the working folder where none is named.
    ///
    /// # Errors
    /// Several are named, or one that is not there.
    pub(super) fn path(&self) -> anyhow::Result<&Path> {
        match self.what.as_slice() {
            [] => Ok(Path::new(".")),
            [path] if Path::new(path).exists() => Ok(Path::new(path)),
            [missing] => bail!("read {missing}: there is no such file or folder"),
            _ => bail!("read several paths: name one"),
        }
    }

    /// Finds what is meant.
    ///
    /// # Errors
    /// Mistakes in the specs are printed and returned as one error; no such path or environment.
    pub(super) async fn find(
        &self,
        access: Access,
        global: &Global,
        out: &Output,
    ) -> anyhow::Result<Chosen> {
        let missing = |what: &&String| is_path(what) && !Path::new(what).exists();
        if let Some(missing) = self.what.iter().find(missing) {
            bail!("read {missing}: there is no such file or folder");
        }
        let paths: Vec<&str> = self
            .what
            .iter()
            .map(String::as_str)
            .filter(|what| Path::new(what).exists())
            .collect();
        match (self.what.len(), paths.as_slice()) {
            (1, [path]) => of_path(Path::new(path), access, global, out).await,
            (_, []) => of_daemon(&self.what, access, global, out).await,
            _ => bail!("read several paths: name one path, or names of environments"),
        }
    }
}

/// Plans a folder's environments as if nothing were ours: what `plan` shows the first time.
pub(super) async fn plans_of(settings: &Settings, path: &Path) -> anyhow::Result<Vec<Plan>> {
    let place = Place::read(path)?;
    let limits = Limits {
        concurrency: settings.limits.concurrency,
    };
    let ledger = Ledger::in_memory().await?;
    let registry = registry(settings, &ledger)?;
    let world = World::new(registry, ledger, Clock::system(), limits);
    let reading = place.environments(world.registry.kinds());
    let outside = engine::outside(settings, place.root.clone());
    let kinds = world.registry.kinds();
    let everywhere = everywhere(&reading, &place.snapshot, &outside, kinds).await;
    let first = |wrong: Vec<Diagnostic>| {
        anyhow::anyhow!(
            "use the specs: {}",
            wrong.first().map_or("", |one| &one.message)
        )
    };
    let mut plans = Vec::new();
    for pinned in place.pinned(reading, &outside).map_err(first)? {
        let subject = Subject {
            pinned: &pinned,
            everywhere: &everywhere,
            depth: Depth::PredictAll,
            trust: &Trust::All,
        };
        plans.push(engine::look(&world, subject).await?.plan);
    }
    Ok(plans)
}

fn registry(settings: &Settings, ledger: &Ledger) -> anyhow::Result<Registry> {
    let client = engine::client(settings)?;
    Ok(engine::registry(
        settings,
        &client,
        &Limiters::default(),
        &ledger.digest_key(),
        (None, &Readiness::new()),
    ))
}

/// Opens what runs share, with the ledger at a path.
pub(super) async fn world(
    settings: &Settings,
    path: &Path,
    access: Access,
) -> anyhow::Result<World> {
    let ledger = match access {
        Access::Write => Ledger::open(path).await?,
        Access::Read => match Ledger::open_for_reading(path).await {
            Err(LedgerError::NotFound(_)) => Ledger::in_memory().await?,
            other => other?,
        },
    };
    let limits = Limits {
        concurrency: settings.limits.concurrency,
    };
    let registry = registry(settings, &ledger)?;
    Ok(World::new(registry, ledger, Clock::system(), limits))
}

/// Makes a ledger where there is none, so that the key for digests of secrets is kept from the first plan on:
/// the same plan, the same hash. Where nothing can be written, a plan is still a plan.
async fn keep_key(ledger: &Path) {
    if !ledger.exists()
        && let Ok(made) = Ledger::open_beside(ledger).await
    {
        made.close().await;
    }
}

async fn of_path(
    path: &Path,
    access: Access,
    global: &Global,
    out: &Output,
) -> anyhow::Result<Chosen> {
    let settings = settings::of_path(global, out)?;
    let place = Place::read(path)?;
    let ledger = place.ledger(&settings);
    if access == Access::Read {
        keep_key(&ledger).await;
    }
    let world = world(&settings, &ledger, access).await?;
    let reading = place.environments(world.registry.kinds());
    let outside = engine::outside(&settings, place.root.clone());
    let kinds = world.registry.kinds();
    let everywhere = everywhere(&reading, &place.snapshot, &outside, kinds).await;
    let mut unread = reading.all_diagnostics();
    unread.retain(|one| place.holds(&one.location.file));
    let pinned = place
        .pinned(reading, &outside)
        .or_else(|diagnostics| refuse(&diagnostics, out))?;
    if pinned.is_empty() {
        settings::show(&unread, out)?;
        bail!(
            "find an environment in {}: no YAML document there has `kind: Environment`",
            path.display()
        );
    }
    let meant = |name: &EnvironmentName| pinned.iter().any(|one| one.name() == name);
    let twice = everywhere.declared_twice().into_iter();
    let twice = twice.filter(|twice| meant(&twice.address.environment));
    let twice: Vec<Diagnostic> = twice.map(|twice| twice.error).collect();
    if !twice.is_empty() {
        return refuse(&twice, out);
    }
    let stops = pauses::over(&pinned, path, global, out).await?;
    Ok(Chosen {
        world,
        pinned,
        everywhere,
        stops,
        told: None,
    })
}

/// Prints mistakes and ends in one error.
pub(super) fn refuse<T>(diagnostics: &[Diagnostic], out: &Output) -> anyhow::Result<T> {
    settings::show(diagnostics, out)?;
    bail!(
        "use the specs: {}, nothing was changed",
        many(diagnostics.len(), "mistake")
    )
}

/// What can be known of the addresses of all environments of one state.
async fn everywhere(
    reading: &Reading,
    snapshot: &Arc<Snapshot>,
    outside: &Outside,
    kinds: &Kinds,
) -> Everywhere {
    let mut everywhere = Everywhere::default();
    for read in &reading.environments {
        let graph = match Pinned::new(read.clone(), snapshot, outside) {
            Ok(pinned) => pinned
                .graph_within(kinds, &Trust::All, &Arc::default())
                .await
                .ok(),
            Err(_) => None,
        };
        everywhere.add(&read.name, graph);
    }
    everywhere
}

/// Opens what the runs of a daemon share.
async fn daemons_world(settings: &Settings, access: Access) -> anyhow::Result<World> {
    let ledger: PathBuf = settings.ledger.path.clone();
    if access == Access::Read && is_ours(ledger.parent().unwrap_or(&ledger)) {
        keep_key(&ledger).await;
    }
    world(settings, &ledger, access).await
}

async fn of_daemon(
    names: &[String],
    access: Access,
    global: &Global,
    out: &Output,
) -> anyhow::Result<Chosen> {
    let mut settings = settings::of_daemon(global, out)?;
    let world = daemons_world(&settings, access).await?;
    if access == Access::Read {
        // A daemon beside us holds the copies of its own.
        settings.state_folder = settings.state_folder.join("command-line");
    }
    let (followed, ways) = parts(&settings, access)?;
    let (mut pinned, mut all) = (Vec::new(), Everywhere::default());
    let mut homes = BTreeMap::new();
    for followed in &followed {
        let name = followed.origin.name();
        let (reading, snapshot) = newest(followed, world.registry.kinds()).await?;
        let outside = &followed.outside;
        all.extend(everywhere(&reading, &snapshot, outside, world.registry.kinds()).await);
        for read in reading
            .environments
            .into_iter()
            .filter(|read| is_named(names, &read.name))
        {
            homes.insert(read.name.clone(), name.to_owned());
            pinned
                .push(Pinned::new(read, &snapshot, outside).or_else(|wrong| refuse(&wrong, out))?);
        }
    }
    all_found(names, &pinned)?;
    // A pause holds the plan itself.
    let named = global.settings.as_deref();
    let stops = pauses::rollbacks(&world.ledger, &pinned, named).await?;
    Ok(Chosen {
        world,
        pinned,
        everywhere: all,
        stops,
        told: ways.map(|ways| Told {
            followed,
            homes,
            ways,
        }),
    })
}

/// Reads the newest state of a repository.
async fn newest(followed: &Followed, kinds: &Kinds) -> anyhow::Result<(Reading, Arc<Snapshot>)> {
    let name = followed.origin.name();
    let fetched = followed.origin.fetch().await;
    let snapshot = fetched
        .with_context(|| format!("fetch the repository {name}"))?
        .snapshot;
    let options = ReadOptions {
        folder: Some(followed.environments.clone()),
        only: None,
        kinds,
    };
    Ok((spec::read(&snapshot, &options), snapshot))
}

/// Opens what is needed to look at an environment as it was, beside all others as they are now. Of a repository that
/// cannot be read now, whatever the ledger knows counts as declared.
///
/// # Errors
/// The settings do not load, or the ledger cannot be read.
pub(super) async fn of_past(
    past: &Pinned,
    global: &Global,
    out: &Output,
) -> anyhow::Result<Chosen> {
    let mut settings = settings::of_daemon(global, out)?;
    let world = daemons_world(&settings, Access::Read).await?;
    settings.state_folder = settings.state_folder.join("command-line");
    let kinds = world.registry.kinds();
    let mut all = Everywhere::default();
    for followed in parts(&settings, Access::Read)?.0 {
        match newest(&followed, kinds).await {
            Ok((reading, snapshot)) => {
                all.extend(everywhere(&reading, &snapshot, &followed.outside, kinds).await);
            }
            Err(_) => all.mark_unread(followed.origin.name()),
        }
    }
    let graph = past.graph_within(kinds, &Trust::All, &Arc::default()).await;
    all.remove(past.name());
    all.add(past.name(), graph.ok());
    Ok(Chosen {
        world,
        pinned: vec![past.clone()],
        everywhere: all,
        stops: Vec::new(),
        told: None,
    })
}

/// Opens the repositories; and the ways to people and programs, where something may be done that they are told of: whoever
/// only looks needs none of their secrets.
fn parts(settings: &Settings, access: Access) -> anyhow::Result<(Vec<Followed>, Option<Ways>)> {
    let client = engine::client(settings)?;
    if access == Access::Write {
        let all = engine::assemble(settings, &client, &Limiters::default())?;
        return Ok((all.followed, Some(all.ways)));
    }
    let outside = engine::outside(settings, engine::secrets_base(settings));
    let followed = settings.repositories.iter();
    let followed = followed.map(|one| engine::followed(settings, one, &outside, &client));
    Ok((followed.collect::<Result<_, _>>()?, None))
}

fn all_found(names: &[String], pinned: &[Pinned]) -> anyhow::Result<()> {
    let found = |name: &str| pinned.iter().any(|one| one.name().as_str() == name);
    match names.iter().find(|name| !found(name)) {
        Some(missing) => bail!(
            "find {missing:?}: it is no path here, and no environment of the repositories in the settings"
        ),
        None => Ok(()),
    }
}

fn is_named(names: &[String], name: &EnvironmentName) -> bool {
    names.is_empty() || names.iter().any(|named| named == name.as_str())
}

/// Tells whether a word can only be meant as a path: no environment is called so.
fn is_path(what: &str) -> bool {
    EnvironmentName::new(what).is_err()
}
