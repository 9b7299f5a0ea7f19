//! `reconciled status`: how each environment stands, from the ledger; no daemon is asked.

use super::{Exit, Global, Output, settings};
use crate::config::Settings;
use crate::ledger::{Episode, Holder, Ledger, LedgerError, Pause, Rollback, RunOutcome, RunRecord};
use crate::model::EnvironmentName;
use crate::telemetry::Clock;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Show how environments stand
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled status
  reconciled status production --output json

Exit codes: 0 nothing is wrong, 2 something is (differences, failures, held changes, no daemon), 1 failed")]
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
    paused: Option<Pause>,
    /// It is kept at an older state than the newest.
    rolled_back: Option<Rollback>,
    last_run: Option<RunRecord>,
    episodes: Vec<Episode>,
}

impl Standing {
    /// Tells whether something is wrong, or held back.
    fn needs_a_look(&self) -> bool {
        let summary = self.last_run.as_ref().and_then(|run| run.summary.as_ref());
        let held = summary.is_some_and(|summary| summary.outcome == RunOutcome::Held);
        held || self.overdue
            || self.differs
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
        let ledger = match Ledger::open_for_reading(&settings.ledger.path).await {
            Err(LedgerError::NotFound(_)) => {
                out.say("No daemon ran with these settings yet: there is no ledger. `reconciled run` starts one.");
                return Ok(Exit::Same);
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
        let holder = Ledger::holder(&settings.ledger.path);
        if out.is_json() {
            let process = match holder {
                Holder::Process(process) => Some(process),
                Holder::Somebody | Holder::Nobody => None,
            };
            let daemon = json!({ "running": holder != Holder::Nobody, "process": process });
            out.json(&json!({
                "daemon": daemon, "conditions": conditions,
                "environments": standings, "repositories": repositories,
            }))?;
        } else {
            let running = match holder {
                Holder::Process(process) => format!("daemon: running (process {process})\n"),
                Holder::Somebody => "daemon: running\n".to_owned(),
                Holder::Nobody => {
                    "daemon: NOT running, nothing is compared or put back\n".to_owned()
                }
            };
            let of_daemon = running + &in_the_way(&conditions, now);
            out.data(&(of_daemon + &text(&standings, &repositories, now)))?;
        }
        let unread = repositories.iter().any(|one| one["state"] != "read");
        let wrong = holder == Holder::Nobody || unread || !conditions.is_empty();
        Ok(if wrong || standings.iter().any(Standing::needs_a_look) {
            Exit::Differs
        } else {
            Exit::Same
        })
    })
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
        standings.push(Standing {
            differs: stands(compared.as_ref(), last_run.as_ref()),
            overdue: due.is_some_and(|due: Timestamp| now.duration_since(due).as_secs() > GRACE),
            compared,
            paused: pauses
                .iter()
                .find(|pause| pause.environment == name)
                .cloned(),
            rolled_back: rollbacks
                .iter()
                .find(|rollback| rollback.environment == name)
                .cloned(),
            last_run,
            episodes: ledger.open_episodes(&name).await?,
            environment: name,
        });
    }
    Ok(standings)
}

/// Tells whether what the last comparison found still stands: a run that ended well after it took it away,
/// and one that is under way may yet.
fn stands(compared: Option<&Value>, last_run: Option<&RunRecord>) -> bool {
    let Some(seen) = compared.filter(|seen| seen["same"] == false) else {
        return false;
    };
    let at: Option<Timestamp> = seen["at"].as_str().and_then(|at| at.parse().ok());
    let taken_away = last_run.is_some_and(|run| match &run.summary {
        None => true,
        Some(summary) => summary.outcome == RunOutcome::Done && run.ended_at >= at,
    });
    !taken_away
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

/// Returns what stands in the daemon's own way, two lines each.
fn in_the_way(conditions: &BTreeMap<String, Value>, now: Timestamp) -> String {
    let mut text = String::new();
    for (name, details) in conditions {
        let said = |key: &str| details[key].as_str().unwrap_or_default();
        let since = said("since").parse();
        let since = since.map_or_else(|_| String::new(), |at| format!(" for {}", ago(now, at)));
        let (message, hint) = (said("message"), said("hint"));
        let _infallible = writeln!(text, "{name}{since}: {message}\n  {hint}");
    }
    text
}

fn text(standings: &[Standing], repositories: &[Value], now: Timestamp) -> String {
    let mut text = String::new();
    for state in repositories {
        let said = |key: &str| state[key].as_str().unwrap_or_default().to_owned();
        let revision: String = said("revision").chars().take(8).collect();
        let _infallible = writeln!(
            text,
            "repository {}: {} {revision}{}",
            said("name"),
            said("state"),
            said("reason")
        );
    }
    for one in standings {
        text.push_str(&of_one(one, now));
    }
    if standings.is_empty() {
        text.push_str("\nNo environment yet.\n");
    }
    text
}

fn of_one(one: &Standing, now: Timestamp) -> String {
    let mut text = String::new();
    let late = if one.overdue {
        ", which is too long"
    } else {
        ""
    };
    let compared = one.compared_at().map_or_else(
        || "never compared".to_owned(),
        |at| format!("compared {} ago{late}", ago(now, at)),
    );
    let differs = if one.differs {
        ", live differs from Git"
    } else {
        ""
    };
    let health = if one.needs_a_look() {
        "needs a look"
    } else {
        "ok"
    };
    let _infallible = writeln!(text, "\n{}: {health}, {compared}{differs}", one.environment);
    if let Some(pause) = &one.paused {
        let _infallible = writeln!(
            text,
            "  paused by {} for {}: {}",
            pause.by,
            ago(now, pause.since),
            pause.why
        );
    }
    if let Some(rollback) = &one.rolled_back {
        text.push_str(&of_rollback(rollback, now));
    }
    if let Some(run) = &one.last_run {
        let _infallible = write!(
            text,
            "  last run {}",
            super::history::line(run).trim_start()
        );
    }
    for episode in &one.episodes {
        let what = episode
            .address
            .as_ref()
            .map_or_else(String::new, |address| format!(" {}", address.resource));
        let message = episode.details["message"]
            .as_str()
            .map_or_else(String::new, |message| format!(": {message}"));
        let _infallible = writeln!(
            text,
            "  {}{what} for {}{message}",
            episode.condition,
            ago(now, episode.opened_at)
        );
    }
    text
}

fn of_rollback(rollback: &Rollback, now: Timestamp) -> String {
    let refused = rollback.refused.as_ref();
    let from = refused.map_or_else(String::new, |one| format!(" from {}", one.revision.short()));
    let why = if rollback.why.is_empty() { "" } else { ": " };
    format!(
        "  rolled back{from} to {} by {} for {}{why}{}\n",
        rollback.to.short(),
        rollback.by,
        ago(now, rollback.since),
        rollback.why
    )
}

/// A time span in its largest whole unit.
fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
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
            plan_hash: Digest::of("plan"),
            plan_json: json!({}),
            now: at(10),
            steps: Vec::new(),
        };
        let told = async || {
            let standing = standings(&ledger, None, at(60)).await.unwrap().remove(0);
            (
                standing.needs_a_look(),
                of_one(&standing, at(60)).lines().nth(1).unwrap().to_owned(),
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
