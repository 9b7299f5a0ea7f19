//! What is written to and read from the ledger, as plain data for the engine and the command line.

use crate::model::{
    Action, Address, Digest, EnvironmentName, KindName, Outcome, Revision, RunId, Step,
};
use crate::plan::{Hold, Plan, Released};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a run is about to do, written before anything moves.
#[derive(Clone, Debug)]
pub struct RunIntent {
    /// Whose run.
    pub environment: EnvironmentName,
    /// The Git state it works from.
    pub revision: Revision,
    /// Why it runs, as one word: `revision`, `interval`, `asked` …
    pub trigger: String,
    /// Who had it carried out, where a person did.
    pub by: Option<String>,
    /// The plan's digest.
    pub plan_hash: Digest,
    /// The plan for people as JSON text, secrets masked; as a tree it would take several times the room.
    pub plan_json: String,
    /// The time.
    pub now: Timestamp,
    /// What it will act on, in order.
    pub steps: Vec<StepIntent>,
}

/// One step a run will carry out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepIntent {
    /// What it is about.
    pub address: Address,
    /// The resource's kind.
    pub kind: KindName,
    /// What is done.
    pub action: Action,
}

impl RunIntent {
    /// Makes the intent to carry out some steps of a plan. Steps that change nothing are kept as a
    /// count only, so that the record of a large, quiet environment stays small.
    pub fn of<'s>(
        plan: &Plan,
        (trigger, by): (&str, Option<&str>),
        acting: impl IntoIterator<Item = &'s Step>,
        now: Timestamp,
    ) -> Self {
        let said: Vec<&Step> = plan
            .steps
            .iter()
            .filter(|step| step.action != Action::None)
            .collect();
        Self {
            environment: plan.environment.clone(),
            revision: plan.revision.clone(),
            trigger: trigger.to_owned(),
            by: by.map(str::to_owned),
            plan_hash: plan.hash.clone(),
            plan_json: Recorded::text(plan, &said),
            now,
            steps: acting.into_iter().map(StepIntent::of).collect(),
        }
    }
}

/// A plan as it is kept.
#[derive(Serialize)]
struct Recorded<'p> {
    environment: &'p EnvironmentName,
    revision: &'p Revision,
    steps: &'p [&'p Step],
    unchanged: usize,
    released: &'p [Released],
    holds: &'p [Hold],
    hash: &'p Digest,
}

impl Recorded<'_> {
    fn text(plan: &Plan, said: &[&Step]) -> String {
        let recorded = Recorded {
            environment: &plan.environment,
            revision: &plan.revision,
            steps: said,
            unchanged: plan.steps.len() - said.len() + plan.beside,
            released: &plan.released,
            holds: &plan.holds,
            hash: &plan.hash,
        };
        serde_json::to_string(&recorded).expect("every part of a plan can be written as JSON")
    }
}

impl StepIntent {
    /// Names a step of a plan.
    pub fn of(step: &Step) -> Self {
        Self {
            address: step.address.clone(),
            kind: step.kind.clone(),
            action: step.action,
        }
    }
}

/// How a run ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunOutcome {
    /// All that was to be done is done.
    Done,
    /// Something is held or waits for its reason; nothing failed.
    Held,
    /// A step failed.
    Failed,
    /// A new revision or the end of the daemon came before its end.
    Stopped,
    /// The daemon was killed in the middle of it; found at the next start.
    Interrupted,
}

impl RunOutcome {
    /// Returns the word for people, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// In one word.
    pub outcome: RunOutcome,
    /// How many steps ended how, by the words of [`Outcome::as_str`].
    #[serde(default)]
    pub counts: BTreeMap<String, usize>,
    /// What a person should know, without secrets.
    #[serde(default)]
    pub note: Option<String>,
}

impl RunSummary {
    /// Says how a run ended, and nothing more.
    pub fn new(outcome: RunOutcome) -> Self {
        Self {
            outcome,
            counts: BTreeMap::new(),
            note: None,
        }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRecord {
    /// Its number; larger is later.
    pub id: RunId,
    /// Whose run.
    pub environment: EnvironmentName,
    /// The Git state it worked from.
    pub revision: Revision,
    /// Why it ran.
    pub trigger: String,
    /// Who had it carried out, where a person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The digest of its plan.
    pub plan_hash: Digest,
    /// When its intent was written.
    pub begun_at: Timestamp,
    /// When it ended; `None` while it is under way.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub summary: Option<RunSummary>,
}

/// One run with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunDetails {
    /// The run.
    #[serde(flatten)]
    pub run: RunRecord,
    /// Its plan for people, secrets masked.
    pub plan: serde_json::Value,
    /// What it was to carry out, in order.
    pub steps: Vec<StepRecord>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRecord {
    /// What was meant.
    #[serde(flatten)]
    pub intent: StepIntent,
    /// When it was begun; `None` where it never was.
    pub begun_at: Option<Timestamp>,
    /// When the live side said yes; `None` where it never did.
    pub applied_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended; `None` after a kill, or while it is under way.
    pub outcome: Option<Outcome>,
}

/// Names one episode; larger is later, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpisodeId(pub i64);

impl fmt::Display for EpisodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One condition from found to ended: a drift, a failure, an orphaned environment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Episode {
    /// Its number.
    pub id: EpisodeId,
    /// Whose.
    pub environment: EnvironmentName,
    /// Of which resource; `None` where it is the whole environment's.
    pub address: Option<Address>,
    /// What it is, as one word: `drift`, `failing`, `orphaned` …
    pub condition: String,
    /// What was seen last, secrets masked.
    pub details: serde_json::Value,
    /// When it was found.
    pub opened_at: Timestamp,
    /// When it ended; `None` while it is open.
    pub ended_at: Option<Timestamp>,
    /// How it ended: `corrected`, `gone` …
    pub how: Option<String>,
}

/// Changes of an environment are stopped by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// Whose changes.
    pub environment: EnvironmentName,
    /// Why, in their words.
    pub why: String,
    /// Who.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}
