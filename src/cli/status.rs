//! `reconciled status`: how each environment stands, from the ledger; and what a daemon on this machine says of itself.

mod daemon;
mod text;

use super::{Exit, Global, Output, settings};
use crate::config::Settings;
use crate::ledger::{Episode, Ledger, LedgerError, Pause, Rollback, RunOutcome, RunRecord};
use crate::model::{EnvironmentName, ResourceId};
use crate::telemetry::Clock;
use daemon::Daemon;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
pub(super) use text::of_trouble;

/// Show how environments stand
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled status
  reconciled status production --output json

Exit codes: 0 nothing is wrong, also where no daemon ever ran with these settings; 2 something is (differences, \
failures, held changes, a daemon that ran and does not); 1 failed")]
pub(super) struct Args {
    /// Only this environment
    #[arg(value_parser = super::environment)]
    environment: Option<EnvironmentName>,
}

/// How long after its time a comparison may come before it counts as overdue, in seconds.
const GRACE: i64 = 60;

/// How one environment stands.
#[derive(Serialize)]
struct Standing {
    environment: EnvironmentName,
    /// When it was last compared, at what state, with what result.
    compared: Option<Value>,
    /// Nobody compared it though its time came.
    overdue: bool,
    /// The last comparison found a difference that no run took away since.
    differs: bool,
    /// How many resources' live state the last comparison could not tell.
    unknown: usize,
    paused: Option<Pause>,
    /// It is to be kept at an older state than the newest.
    rolled_back: Option<Ordered>,
    last_run: Option<RunRecord>,
    /// Why resources are not ready that a run under way waits for, each with what to do about it below.
    waits: BTreeMap<ResourceId, String>,
    episodes: Vec<Episode>,
}

/// A rollback, and whether it was carried out.
#[derive(Serialize)]
struct Ordered {
    #[serde(flatten)]
    rollback: Rollback,
    /// What was compared last is the older state.
    carried_out: bool,
}

impl Standing {
    /// Tells whether something is wrong, or held back.
    fn needs_a_look(&self) -> bool {
        let summary = self.last_run.as_ref().and_then(|run| run.summary.as_ref());
        let held = summary.is_some_and(|summary| summary.outcome == RunOutcome::Held);
        held || self.overdue
            || self.differs
            || self.unknown > 0
            || !self.episodes.is_empty()
            || self.paused.is_some()
            || self.rolled_back.is_some()
    }

    fn compared_at(&self) -> Option<Timestamp> {
        self.compared.as_ref()?["at"].as_str()?.parse().ok()
    }
}

pub(super) fn run(args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    super::block_on(async {
        let settings = settings::of_daemon(global, out)?;
        let daemon = Daemon::look(&settings).await;
        let ledger = match Ledger::open_for_reading(&settings.ledger.path).await {
            Err(LedgerError::NotFound(_)) => return without_ledger(&daemon, &settings, out),
            Err(error) if daemon.runs() => {
                out.say(daemon.text(&|_| false).trim_end());
                return Err(error.into());
            }
            other => other?,
        };
        if let Some(name) = &args.environment {
            super::known(&ledger, name).await?;
        }
        let now = Clock::system().now();
        let standings = standings(&ledger, args.environment.as_ref(), now).await?;
        let repositories = repositories(&ledger, &settings).await?;
        let conditions = ledger.conditions().await?;
        let told_below = |name: &str| {
            let unread = |one: &&Value| one["state"] != "read";
            let mut unread = repositories.iter().filter(unread);
            conditions.contains_key(name)
                || name.starts_with("live state")
                || unread.any(|one| name.strip_prefix("repository ") == one["name"].as_str())
        };
        if out.is_json() {
            out.json(&json!({
                "daemon": daemon.json(), "conditions": conditions,
                "environments": standings, "repositories": repositories,
            }))?;
        } else {
            let of_daemon = daemon.text(&told_below) + &text::in_the_way(&conditions, now);
            out.data(&(of_daemon + &text::all(&standings, &repositories, now)))?;
        }
        let unread = repositories.iter().any(|one| one["state"] != "read");
        let wrong = !daemon.is_well()
            || daemon.says_more(&told_below)
            || unread
            || conditions.values().any(is_in_the_way);
        Ok(if wrong || standings.iter().any(Standing::needs_a_look) {
            Exit::Differs
        } else {
            Exit::Same
        })
    })
}

/// Says what is known without a ledger: a daemon whose ledger was taken away does not run on as if nothing were.
fn without_ledger(daemon: &Daemon, settings: &Settings, out: &Output) -> anyhow::Result<Exit> {
    let ledger = settings.ledger.path.display();
    let ran = settings.cache_folder().exists();
    let text = match (daemon.runs(), ran) {
        (true, _) => format!(
            "{}The ledger {ledger} is not there, and changes are stopped.\n  {}",
            daemon.text(&|_| false),
            "Put the file back and it goes on by itself; or restart the daemon: only history is lost."
        ),
        (false, true) => format!(
            "daemon: NOT running, nothing is compared or put back\nThe ledger {ledger} is not there, though a daemon \
             ran with these settings.\n  Put the file back, or start without it: what is owned is found again by its marks."
        ),
        (false, false) => "No daemon ran with these settings yet: there is no ledger. `reconciled run` starts one. What was applied on a path: `reconciled history list --path PATH`.".to_owned(),
    };
    if out.is_json() {
        let nothing: [Value; 0] = [];
        out.json(&json!({
            "daemon": daemon.json(), "ledger": null, "conditions": {}, "environments": nothing, "repositories": nothing,
        }))?;
    } else {
        out.say(&text);
    }
    Ok(match daemon.runs() || ran {
        true => Exit::Differs,
        false => Exit::Same,
    })
}

/// Tells whether a condition is more than a remark.
fn is_in_the_way(condition: &Value) -> bool {
    condition["harmless"] != true
}

async fn standings(
    ledger: &Ledger,
    only: Option<&EnvironmentName>,
    now: Timestamp,
) -> anyhow::Result<Vec<Standing>> {
    let owned = ledger.all_owned_addresses().await?;
    let owns = |name: &EnvironmentName| owned.iter().any(|address| address.environment == *name);
    let pauses = ledger.pauses().await?;
    let rollbacks = ledger.rollbacks().await?;
    let mut names = ledger.environments().await?;
    names.extend(pauses.iter().map(|pause| pause.environment.clone()));
    names.retain(|name| only.is_none_or(|only| only == name));
    let mut standings = Vec::new();
    for name in names {
        let compared = ledger.last_compared(&name).await?;
        let gone = compared.as_ref().is_some_and(|seen| seen["gone"] == true);
        // Declared nowhere, and nothing of it is left: it is history.
        if gone && !owns(&name) {
            continue;
        }
        let due = compared
            .as_ref()
            .and_then(|seen| seen["due"].as_str()?.parse().ok());
        let last_run = ledger.runs(Some(&name), 1, None).await?.pop();
        let under_way = last_run.as_ref().filter(|run| run.summary.is_none());
        let waits = match under_way {
            Some(run) => ledger.waits_of(&name, run.id).await?,
            None => BTreeMap::new(),
        };
        standings.push(Standing {
            waits,
            differs: stands(compared.as_ref(), last_run.as_ref()),
            unknown: compared
                .as_ref()
                .and_then(|seen| usize::try_from(seen["unknown"].as_u64()?).ok())
                .unwrap_or_default(),
            overdue: due.is_some_and(|due: Timestamp| now.duration_since(due).as_secs() > GRACE),
            paused: pauses
                .iter()
                .find(|pause| pause.environment == name)
                .cloned(),
            rolled_back: ordered(&rollbacks, &name, compared.as_ref()),
            last_run,
            compared,
            episodes: ledger.open_episodes(&name).await?,
            environment: name,
        });
    }
    Ok(standings)
}

fn ordered(
    rollbacks: &[Rollback],
    name: &EnvironmentName,
    compared: Option<&Value>,
) -> Option<Ordered> {
    let mut of_it = rollbacks.iter().filter(|one| one.environment == *name);
    let rollback = of_it.next()?.clone();
    let at = compared.and_then(|seen| seen["revision"].as_str());
    Some(Ordered {
        carried_out: at == Some(rollback.to.as_str()),
        rollback,
    })
}

/// Tells whether what the last comparison found still stands: a run that ended well after it took it away,
/// and one that is under way may yet.
fn stands(compared: Option<&Value>, last_run: Option<&RunRecord>) -> bool {
    let Some(seen) = compared.filter(|seen| differed(seen)) else {
        return false;
    };
    let at: Option<Timestamp> = seen["at"].as_str().and_then(|at| at.parse().ok());
    let taken_away = last_run.is_some_and(|run| match &run.summary {
        None => true,
        Some(summary) => summary.outcome == RunOutcome::Done && run.ended_at >= at,
    });
    !taken_away
}

/// A daemon before this one did not tell what differs from what is not known.
fn differed(seen: &Value) -> bool {
    seen["differs"].as_bool().unwrap_or(seen["same"] == false)
}

/// Returns what is remembered of each repository, an object each with its `name` and `state`.
async fn repositories(ledger: &Ledger, settings: &Settings) -> anyhow::Result<Vec<Value>> {
    let mut states = Vec::new();
    for repository in &settings.repositories {
        let state = ledger
            .delivery(&format!("repository/{}", repository.name))
            .await?;
        let mut state = state.unwrap_or_else(|| serde_json::json!({ "state": "never read" }));
        state["name"] = repository.name.as_str().into();
        states.push(state);
    }
    Ok(states)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{RunIntent, RunSummary};
    use crate::model::{Digest, Revision};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[tokio::test]
    async fn a_difference_that_stands_needs_a_look() {
        let ledger = Ledger::in_memory().await.unwrap();
        let ledger = ledger.with_clock(Clock::fixed(at(20)));
        let name = EnvironmentName::new("shop").unwrap();
        let seen = |second, same| json!({ "at": at(second), "due": at(999), "same": same });
        let intent = RunIntent {
            environment: name.clone(),
            revision: Revision::new("0123456789abcdef"),
            trigger: "revision".to_owned(),
            by: None,
            plan_hash: Digest::of("plan"),
            plan_json: "{}".to_owned(),
            now: at(10),
            steps: Vec::new(),
        };
        let told = async || {
            let standing = standings(&ledger, None, at(60)).await.unwrap().remove(0);
            (
                standing.needs_a_look(),
                text::of_one(&standing, at(60))
                    .lines()
                    .nth(1)
                    .unwrap()
                    .to_owned(),
            )
        };
        ledger.compared(&name, &seen(9, false)).await.unwrap();
        let run = ledger.open_run(&intent).await.unwrap();
        assert!(!told().await.0, "a run is under way");
        ledger
            .close_run(run, &RunSummary::new(RunOutcome::Done))
            .await
            .unwrap();
        assert_eq!(
            told().await,
            (false, "shop: ok, compared 51s ago".to_owned())
        );
        // Found again by a quiet pass, and nothing was done about it.
        ledger.compared(&name, &seen(30, false)).await.unwrap();
        let differs = "shop: needs a look, compared 30s ago, live differs from Git";
        assert_eq!(told().await, (true, differs.to_owned()));
        ledger.compared(&name, &seen(40, true)).await.unwrap();
        assert!(!told().await.0);
        // A run that was cut off took nothing away.
        ledger.compared(&name, &seen(45, false)).await.unwrap();
        let run = ledger.open_run(&intent).await.unwrap();
        ledger
            .close_run(run, &RunSummary::new(RunOutcome::Stopped))
            .await
            .unwrap();
        assert!(told().await.0);
    }
}
