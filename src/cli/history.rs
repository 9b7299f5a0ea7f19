//! `reconciled history`: the runs of the ledger, one run in full, what differs between two, and
//! whether the record is as it was written.

use super::paths::Place;
use super::{Exit, Global, Output, settings};
use crate::deliver::render::{Screen, ended_terminal, harmless_reason, recorded_terminal};
use crate::ledger::{Ledger, RunDetails, RunRecord};
use crate::model::{EnvironmentName, RunId};
use anyhow::Context as _;
use serde_json::json;
use similar::TextDiff;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Show what was done, from the ledger
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled history list production
  reconciled history show 17
  reconciled history diff 16 17
  reconciled history verify
  reconciled history list --path environments/      what `apply environments/` did: a path has a ledger of its own

Why a run ran (WHY): revision: new in Git; interval: the regular look; nudge: live state changed; check: looked at \
once more; retry: tried again; window: its window opened; secret: a secret changed; start: the daemon started; asked: \
`apply` asked for it; rollback: rolled back; cli: the command line did it itself")]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    /// Read what was applied on this path, in the place of what the daemon did
    #[arg(long, global = true, value_name = "PATH")]
    path: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List runs, newest first
    List {
        /// Only this environment's
        #[arg(value_parser = super::environment)]
        environment: Option<EnvironmentName>,
        /// How many
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: u32,
    },
    /// Show one run: its plan, and how each step ended
    Show {
        /// The run's number
        run: i64,
    },
    /// Show how the plan of one run differs from another's
    Diff {
        /// The earlier run's number
        from: i64,
        /// The later run's number
        to: i64,
    },
    /// Check that nobody changed the record: its chain, its end, and what is told of runs and steps
    Verify,
}

pub(super) fn run(args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    super::block_on(async {
        let file = match &args.path {
            Some(path) => Place::read(path)?.ledger(&settings::of_path(global, out)?),
            None => {
                let settings = settings::of_daemon(global, out);
                let settings = settings.map_err(|error| {
                    anyhow::anyhow!(
                        "{error:#}; what `apply` of a path did is told with --path PATH"
                    )
                });
                settings?.ledger.path
            }
        };
        let ledger = Ledger::open_for_reading(&file).await?;
        match &args.what {
            What::List { environment, limit } => {
                list(&ledger, environment.as_ref(), *limit, out).await
            }
            What::Show { run } => show(&ledger, RunId(*run), out).await,
            What::Verify => verify(&ledger, out).await,
            What::Diff { from, to } => diff(&ledger, RunId(*from), RunId(*to), out).await,
        }
    })
}

async fn list(
    ledger: &Ledger,
    environment: Option<&EnvironmentName>,
    limit: u32,
    out: &Output,
) -> anyhow::Result<Exit> {
    if let Some(name) = environment {
        super::known(ledger, name).await?;
    }
    let runs = ledger.runs(environment, limit, None).await?;
    if out.is_json() {
        out.json(&runs)?;
        return Ok(Exit::Same);
    }
    if runs.is_empty() {
        out.say("No runs yet.");
        return Ok(Exit::Same);
    }
    // A folder has a longer name than a commit.
    let widths = runs.iter().map(|run| run.revision.short().chars().count());
    let width = widths.max().unwrap_or_default().max(REVISION);
    let lines: String = runs.iter().map(|run| aligned(run, width)).collect();
    out.data(&format!("{}{lines}", header(width)))?;
    Ok(Exit::Same)
}

/// The width of a revision: a commit's.
const REVISION: usize = 10;

/// Names what stands in [`line`].
fn header(width: usize) -> String {
    format!(
        "{:>5}  {:<20}  {:<16} {:<width$} {:<9} {:<11} STEPS, NOTE\n",
        "RUN", "BEGUN", "ENVIRONMENT", "REVISION", "WHY", "OUTCOME"
    )
}

/// One run on one line.
pub(super) fn line(run: &RunRecord) -> String {
    aligned(run, REVISION)
}

fn aligned(run: &RunRecord, width: usize) -> String {
    let summary = run.summary.as_ref();
    let outcome = summary.map_or("under way", |summary| summary.outcome.as_str());
    let counts = summary.map(|summary| {
        summary
            .counts
            .iter()
            .map(|(word, count)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", ")
    });
    let note = summary.and_then(|summary| summary.note.clone());
    let by = run.by.as_ref().map(|by| format!("by {by}"));
    let said = [counts.filter(|counts| !counts.is_empty()), by, note];
    let said = said.into_iter().flatten().collect::<Vec<_>>().join("  ");
    let line = format!(
        "{:>5}  {}  {:<16} {:<width$} {:<9} {:<11} {}",
        run.id.0,
        run.begun_at.strftime("%Y-%m-%d %H:%M:%SZ"),
        run.environment.as_str(),
        run.revision.short(),
        run.trigger,
        outcome,
        harmless_reason(&said),
    );
    format!("{}\n", line.trim_end())
}

async fn get(ledger: &Ledger, run: RunId) -> anyhow::Result<RunDetails> {
    let found = ledger.run(run).await?;
    found.with_context(|| format!("find run {run}: the ledger does not have it; `reconciled history list` shows those it has"))
}

async fn show(ledger: &Ledger, run: RunId, out: &Output) -> anyhow::Result<Exit> {
    let details = get(ledger, run).await?;
    if out.is_json() {
        out.json(&details)?;
        return Ok(Exit::Same);
    }
    let mut text = line(&details.run);
    text.push('\n');
    text.push_str(recorded_terminal(&details.plan, screen(out)).trim_start_matches('\n'));
    if !details.steps.is_empty() {
        text.push_str("\nSteps:\n");
    }
    text.push_str(&steps(&details, out)?);
    out.data(&text)?;
    Ok(Exit::Same)
}

/// How each step of a run ended, a line each.
pub(super) fn steps(details: &RunDetails, out: &Output) -> anyhow::Result<String> {
    let mut text = String::new();
    for step in &details.steps {
        let (intent, resource) = (&step.intent, step.intent.address.resource.to_string());
        match &step.outcome {
            Some(outcome) => {
                let ended = ended_terminal(&resource, intent.action, outcome, None, screen(out));
                writeln!(text, "{ended}")?;
            }
            None => writeln!(
                text,
                "  ? {resource}: {}, never ended",
                intent.action.as_str()
            )?,
        }
    }
    Ok(text)
}

async fn diff(ledger: &Ledger, from: RunId, to: RunId, out: &Output) -> anyhow::Result<Exit> {
    let (before, after) = (get(ledger, from).await?, get(ledger, to).await?);
    if out.is_json() {
        out.json(&json!({ "from": before, "to": after }))?;
    } else {
        let plain = |plan| recorded_terminal(plan, Screen::default());
        let (old, new) = (plain(&before.plan), plain(&after.plan));
        let diff = TextDiff::from_lines(&old, &new);
        out.data(
            &diff
                .unified_diff()
                .header(&format!("run {from}"), &format!("run {to}"))
                .to_string(),
        )?;
    }
    Ok(if before.plan == after.plan {
        Exit::Same
    } else {
        Exit::Differs
    })
}

async fn verify(ledger: &Ledger, out: &Output) -> anyhow::Result<Exit> {
    let verified = ledger.verify().await?;
    if out.is_json() {
        out.json(&verified)?;
    } else {
        let (entries, runs, last) = (verified.records, verified.runs, verified.last);
        out.data(&format!(
            "The record holds: {entries} entries up to {last}, and {runs} runs with their plans and steps as they \
             were recorded.\nAn older copy of the whole file would hold, too: compare {last} with what it was before.\n"
        ))?;
    }
    Ok(Exit::Same)
}

fn screen(out: &Output) -> Screen {
    Screen {
        colour: out.color,
        width: out.width,
    }
}
