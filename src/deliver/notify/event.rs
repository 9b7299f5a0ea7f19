//! What a webhook is told of: an event, for programs. Fields are added, never renamed or given another meaning.

use crate::deliver::render::Difference;
use crate::model::Gravity;
use jiff::Timestamp;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub what: Happened,
    /// When it happened; the header `webhook-timestamp` says when it was sent.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub timestamp: Timestamp,
    /// What there is to say about it.
    pub data: EventData,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Happened {
    /// A run that changed, failed or held something back ended.
    #[serde(rename = "run.ended")]
    RunEnded,
    /// A run was cut off by an end of the process.
    #[serde(rename = "run.interrupted")]
    RunInterrupted,
    /// Drift or trouble was found.
    #[serde(rename = "episode.opened")]
    EpisodeOpened,
    /// Drift or trouble ended.
    #[serde(rename = "episode.ended")]
    EpisodeEnded,
    /// The daemon cannot use its ledger: it is gone, damaged, full or read-only, and changes are stopped.
    #[serde(rename = "ledger.failed")]
    LedgerFailed,
    /// The daemon can use its ledger again, and changes go on.
    #[serde(rename = "ledger.recovered")]
    LedgerRecovered,
}

/// What there is to say about an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventData {
    /// The name of the environment; not there where it is about the daemon itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// How bad it is.
    pub gravity: Gravity,
    /// It in a line, for people: what Slack shows as the title.
    pub title: String,
    /// The run, where one ended or was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunEvent>,
    /// The drift or trouble, where some was found or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeEvent>,
    /// What is the matter with the daemon itself, where something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<TroubleEvent>,
}

/// What is the matter with the daemon itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TroubleEvent {
    /// The stable code.
    pub code: String,
    /// What it is, for people.
    pub reason: String,
    /// What to do next, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEvent {
    /// Its number in the ledger, as `reconciled history show` takes it; not there where it left no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Why it ran: `poll`, `webhook`, `interval`, `cli` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The Git revision it brought.
    pub revision: String,
    /// Who made that revision, as far as Git tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who had it carried out on the command line, where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The hash of its plan, which an approval names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The page of the pull request it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<String>,
    /// Its steps, failures first, then by how dangerous they were; 100 at the most.
    #[serde(default)]
    pub steps: Vec<StepEvent>,
    /// How many steps there were beyond those.
    #[serde(default)]
    pub more_steps: usize,
}

/// A step of a run. Those that found nothing to do are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepEvent {
    /// `environment/id`.
    pub address: String,
    /// `provider/name`.
    pub kind: String,
    /// `create`, `update`, `replace`, `delete`, `adopt`, `wait` or `none`.
    pub action: String,
    /// `done`, `failed`, `skipped`, `moved` (the live side changed meanwhile: it is planned again), `held`, `waiting`,
    /// `unready` (as declared, and it does not work, or not yet), or `interrupted` (begun in a run that was cut off).
    pub outcome: String,
    /// The stable code of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do next, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The fields that somebody had changed by hand and that it wrote over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over_hands: Vec<String>,
}

/// Drift or trouble, from found to ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpisodeEvent {
    /// Its number in the ledger: the same when it is found and when it ended.
    pub id: i64,
    /// Which resource, as `environment/id`; not there where it is the whole environment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What it is: `drift`, `unknown`, `failing`, `broken-spec`, `unresolved`, `orphaned` …
    pub condition: String,
    /// When it was found.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub opened_at: Timestamp,
    /// When it ended; not there while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// The stable code of what is the matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What is the matter, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do next, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The fields that drifted, secrets masked; 100 at the most. None where the resource is gone.
    #[serde(default)]
    pub differences: Vec<Difference>,
    /// Who changed them and when, as far as the live side tells.
    #[serde(default)]
    pub by: Vec<String>,
}

impl Event {
    /// Returns the JSON Schema of what is posted.
    pub fn schema() -> serde_json::Value {
        // How wide a number is in here is nobody's business, and strict readers know no such formats.
        let unsized_number = |schema: &mut Schema| {
            if schema
                .get("format")
                .is_some_and(|format| format != "date-time")
            {
                schema.remove("format");
            }
        };
        let settings = SchemaSettings::draft2020_12();
        let settings = settings.with_transform(RecursiveTransform(unsized_number));
        let generator = settings.into_generator();
        let mut schema = generator.into_root_schema_for::<Self>().to_value();
        schema["title"] = "An event of reconciled, as it is posted to a webhook".into();
        schema
    }
}
